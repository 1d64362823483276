//! A network in one process: the shipped state machine over a map, front ends over it, and real tonic
//! channels on loopback between them.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

mod databases;

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use ed25519_zebra::SigningKey;
use futures::StreamExt;
use rand_core::OsRng;
use tacit_circuits::identifier::IdentifierType;
use tacit_circuits::quota::{OWNER, QuotaKey, QuotaPublicKey, ValueTable};
use tacit_circuits::scope::{ListId, MemberId};
use tacit_frontend::crash::{CrashHook, CrashPoint, CrashPoints};
use tacit_frontend::lists::{DraftMode, ListSpec, Progress, Published};
use tacit_frontend::ports::{
    Applied, BatchPlace, FinalizedBlock, FinalizedEvent, Ledger, LedgerError, PeerIdentity, Peers,
    PeersError, SettledBatch,
};
use tacit_frontend::rows::{RawRow, RowReader};
use tacit_frontend::screening::{Answer, ListAnswers, ScreenEvent, ScreenRequest, Summary};
use tacit_frontend::snapshots::CopyState;
use tacit_frontend::store::{MasterKey, Store};
use tacit_frontend::{Frontend, FrontendConfig};
use tacit_ledger::kernel::envelope::ledger_key;
use tacit_ledger::kernel::{
    BlockContext, BlockResult, BoundedVec, ChainId, LedgerKey, Machine, Outcome, Registry, Role,
    Signature, StateKey, Text, TxId,
};
use tacit_ledger::network::action::SessionTerms;
use tacit_ledger::network::audit::AuditContext;
use tacit_ledger::network::parameters::CategoryId;
use tacit_ledger::network::quota::{Source, prove_key, prove_opening};
use tacit_ledger::network::{
    Action, Candidate, Category, ConsensusKey, Event, GenesisMember, NetworkGenesis, Parameters,
    Profile, PublicationId, SessionId, SpkiHash, read as state,
};
use tokio::sync::broadcast;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint, Server};

use databases::Databases;
pub use databases::Engine;

/// The category of the tests' lists, and its price.
pub const CATEGORY: CategoryId = CategoryId(1);
pub const PRICE_MINOR: u32 = 100;

/// The state machine over a map: every transaction is a block.
pub struct Chain {
    machine: Machine,
    state: Mutex<BTreeMap<StateKey, Vec<u8>>>,
    height: AtomicU64,
    /// By how much the clock was put forward, in milliseconds.
    ahead_ms: AtomicU64,
    blocks: broadcast::Sender<Arc<FinalizedBlock>>,
    order: tokio::sync::Mutex<()>,
    pub finality: Duration,
    pub refuse: Mutex<Option<Refuse>>,
    /// Which actions reach the chain without their sender hearing of it.
    pub lose: Mutex<Option<Refuse>>,
    pub log: Mutex<Vec<(MemberId, Action, Outcome)>>,
    keys: Vec<SigningKey>,
}

/// Which actions do not reach the chain.
pub type Refuse = fn(&Action) -> bool;

/// One member's view of the chain.
pub struct MemberLedger {
    pub chain: Arc<Chain>,
    pub member: MemberId,
    pub key: SigningKey,
    pub reads: AtomicU64,
}

impl Chain {
    pub fn new(
        members: &[SigningKey],
        terms: impl FnOnce(&mut Category, &mut Parameters),
    ) -> Arc<Self> {
        let mut category = Category {
            id: CATEGORY,
            name: name("high-risk accounts"),
            price_minor: PRICE_MINOR,
            reward_minor: 50,
            daily_cap_calls: 10_000_000,
            grace_blocks: 10,
            retired: false,
            surcharges: Default::default(),
        };
        let keys = members.to_vec();
        let mut parameters = Parameters {
            min_validators: 1,
            ..Parameters::default()
        };
        terms(&mut category, &mut parameters);
        let members: Vec<_> = members
            .iter()
            .enumerate()
            .map(|(i, key)| candidate(i, key))
            .collect();
        let genesis = NetworkGenesis {
            parameters,
            categories: vec![category].try_into().expect("fits"),
            members: members.try_into().expect("fits"),
        };
        let genesis = genesis
            .into_genesis("test", 1_700_000_000_000, 480)
            .expect("a genesis");
        let machine = Machine::new(genesis.chain_id(), Registry::network());
        let writes = machine.genesis(&genesis).expect("a state");
        let state = writes
            .into_iter()
            .filter_map(|(key, value)| Some((key, value?)))
            .collect();
        let (blocks, _) = broadcast::channel(1_024);
        Arc::new(Self {
            machine,
            state: Mutex::new(state),
            height: AtomicU64::new(0),
            ahead_ms: AtomicU64::new(0),
            blocks,
            order: tokio::sync::Mutex::new(()),
            finality: Duration::from_millis(5),
            refuse: Mutex::new(None),
            lose: Mutex::new(None),
            log: Mutex::default(),
            keys,
        })
    }

    pub fn view<T>(&self, read: impl FnOnce(&BTreeMap<StateKey, Vec<u8>>) -> T) -> T {
        read(&self.state.lock().expect("not poisoned"))
    }

    pub fn height(&self) -> u64 {
        self.height.load(Ordering::SeqCst)
    }

    /// Executes a block of one transaction, or an empty one.
    async fn block(&self, sender: Option<(&MemberLedger, Action)>) -> Result<Applied, LedgerError> {
        let _in_turn = self.order.lock().await;
        tokio::time::sleep(self.finality).await;
        let height = self.height() + 1;
        let ahead_ms = self.ahead_ms.load(Ordering::SeqCst);
        let time_ms = 1_700_000_000_000 + height * 100 + ahead_ms;
        let context = BlockContext {
            chain_id: self.machine.chain_id(),
            height,
            time_ms,
        };
        let mut run = self.machine.begin(context);
        let mut state = self.state.lock().expect("not poisoned").clone();
        let complete = |run: &mut _, missing: tacit_ledger::kernel::Missing| {
            for key in missing.into_keys() {
                let value = state.get(&key).cloned();
                tacit_ledger::kernel::BlockRun::supply(run, key, value);
            }
        };
        while let Err(missing) = run.open() {
            complete(&mut run, missing);
        }
        let mut said = None;
        if let Some((member, action)) = sender {
            let sequence = self
                .view(|view| state::next_sequence(view, member.member))
                .expect("a map");
            let envelope = action
                .unsigned(context.chain_id, member.member, sequence, height + 10)
                .sign(&member.key);
            let checked = self
                .machine
                .check_stateless(std::slice::from_ref(&envelope));
            let outcome = match checked[0] {
                Err(reject) => Outcome::Rejected(reject),
                Ok(()) => loop {
                    match run.apply(&envelope) {
                        Ok(outcome) => break outcome,
                        Err(missing) => complete(&mut run, missing),
                    }
                },
            };
            self.log
                .lock()
                .expect("log")
                .push((member.member, action, outcome));
            said = Some((envelope.tx_id(), outcome));
        }
        let execution = loop {
            match run.close() {
                Ok(execution) => break execution,
                Err(missing) => complete(&mut run, missing),
            }
        };
        for (key, value) in execution.writes {
            match value {
                Some(value) => state.insert(key, value),
                None => state.remove(&key),
            };
        }
        *self.state.lock().expect("not poisoned") = state;
        self.height.store(height, Ordering::SeqCst);
        let mut events = Vec::new();
        let mut own = Vec::new();
        for result in &execution.results {
            let tx_id = match result {
                BlockResult::Tx(tx) => Some(tx.tx_id),
                BlockResult::Block { .. } => None,
            };
            for event in result.events() {
                let event = Event::read(event)
                    .expect("of the network")
                    .expect("decodes");
                if tx_id.is_some() {
                    own.push(event.clone());
                }
                events.push(FinalizedEvent { tx_id, event });
            }
        }
        let _ = self.blocks.send(Arc::new(FinalizedBlock {
            height,
            time_ms,
            events,
        }));
        match said {
            Some((tx_id, Outcome::Applied)) => Ok(Applied {
                height,
                tx_id,
                events: own,
            }),
            Some((_, Outcome::Rejected(reject))) => Err(LedgerError::Rejected(reject)),
            None => Ok(Applied {
                height,
                tx_id: TxId(Default::default()),
                events: own,
            }),
        }
    }

    /// Lets days pass, and a block.
    pub async fn pass_days(&self, days: u64) {
        self.ahead_ms.fetch_add(days * 86_400_000, Ordering::SeqCst);
        self.pass(1).await;
    }

    /// Executes empty blocks.
    pub async fn pass(&self, blocks: u64) {
        for _ in 0..blocks {
            self.block(None).await.expect("an empty block");
        }
    }
}

#[async_trait]
impl Ledger for MemberLedger {
    fn chain_id(&self) -> ChainId {
        self.chain.machine.chain_id()
    }

    fn member_id(&self) -> MemberId {
        self.member
    }

    fn ledger_key(&self) -> LedgerKey {
        ledger_key(&self.key)
    }

    fn quota_key(&self, generation: u32) -> QuotaKey {
        QuotaKey::derive(&self.key.into(), generation)
    }

    fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.key.sign(message).into())
    }

    fn height(&self) -> u64 {
        self.chain.height()
    }

    async fn get_many(&self, keys: &[StateKey]) -> Result<Vec<Option<Vec<u8>>>, LedgerError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        Ok(self
            .chain
            .view(|state| keys.iter().map(|key| state.get(key).cloned()).collect()))
    }

    async fn submit(&self, action: Action) -> Result<Applied, LedgerError> {
        let refuse = *self.chain.refuse.lock().expect("refuse");
        if refuse.is_some_and(|refuse| refuse(&action)) {
            return Err(LedgerError::Unavailable("the test says no".to_owned()));
        }
        let lose = *self.chain.lose.lock().expect("lose");
        let lost = lose.is_some_and(|lose| lose(&action));
        let applied = self.chain.block(Some((self, action))).await;
        if lost {
            return Err(LedgerError::Unavailable("the test lost it".to_owned()));
        }
        applied
    }

    async fn uncollected(&self, session: SessionId) -> Result<Vec<BatchPlace>, LedgerError> {
        let log = self.chain.log.lock().expect("log");
        let mut places = Vec::new();
        for (height, (_, action, outcome)) in (0..).zip(log.iter()) {
            match action {
                _ if *outcome != Outcome::Applied => {}
                Action::CallBatch(batch) if batch.signed.request.session == session => {
                    let sequence = batch.signed.request.sequence;
                    let leaf = 1;
                    places.push(BatchPlace {
                        height,
                        leaf,
                        sequence,
                    });
                }
                Action::CollectCharges { session: of, .. } if *of == session => places.clear(),
                _ => {}
            }
        }
        Ok(places)
    }

    async fn former_quota_keys(
        &self,
        member: MemberId,
    ) -> Result<Vec<QuotaPublicKey>, LedgerError> {
        let registered = self.chain.view(|view| state::quota_key(view, member));
        let registered = registered.expect("a map");
        let key = self.chain.keys[member.0 as usize - 1];
        let generations = (0..8).map(|generation| QuotaKey::derive(&key.into(), generation));
        let publics = generations.map(|key| key.public());
        let former = publics.take_while(|public| Some(*public) != registered);
        Ok(former.collect())
    }

    /// Heights of places count transactions.
    async fn settled_batch(&self, place: BatchPlace) -> Result<SettledBatch, LedgerError> {
        let log = self.chain.log.lock().expect("log");
        match &log[usize::try_from(place.height).expect("a place")].1 {
            Action::CallBatch(batch) => Ok(SettledBatch {
                batch: (**batch).clone(),
                time_ms: 1_700_000_000_000,
            }),
            _ => panic!("no batch"),
        }
    }

    fn finalized(&self) -> broadcast::Receiver<Arc<FinalizedBlock>> {
        self.chain.blocks.subscribe()
    }
}

/// Channels on loopback. A listener per pair of members knows who calls.
#[derive(Default)]
pub struct Wires {
    addresses: Mutex<HashMap<(MemberId, MemberId), SocketAddr>>,
    channels: Mutex<HashMap<(MemberId, MemberId), Channel>>,
    down: Mutex<Vec<MemberId>>,
    /// Whoever connects to this member meets a fault of the program.
    pub faulty: Mutex<Option<MemberId>>,
}

impl Wires {
    /// Cuts a member off, or connects it again.
    pub fn set_down(&self, member: MemberId, down: bool) {
        let mut all = self.down.lock().expect("down");
        all.retain(|other| *other != member);
        if down {
            all.push(member);
        }
    }

    /// Makes calls from one member to another end at this address.
    pub fn route(&self, from: MemberId, to: MemberId, address: SocketAddr) {
        self.addresses
            .lock()
            .expect("addresses")
            .insert((from, to), address);
        self.channels.lock().expect("channels").remove(&(from, to));
    }
}

/// One member's end of the wires.
pub struct MemberWires {
    wires: Arc<Wires>,
    member: MemberId,
}

#[async_trait]
impl Peers for MemberWires {
    async fn channel(&self, member: MemberId) -> Result<Channel, PeersError> {
        let pair = (self.member, member);
        let unreachable = |reason: &str| PeersError::Unreachable {
            member,
            reason: reason.into(),
        };
        let faulty = *self.wires.faulty.lock().expect("faulty");
        assert_ne!(faulty, Some(member), "a fault of the program");
        if self.wires.down.lock().expect("down").contains(&member) {
            return Err(unreachable("cut off by the test"));
        }
        if let Some(channel) = self.wires.channels.lock().expect("channels").get(&pair) {
            return Ok(channel.clone());
        }
        let address = *self
            .wires
            .addresses
            .lock()
            .expect("addresses")
            .get(&pair)
            .ok_or(PeersError::Unknown(member))?;
        let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address");
        let channel = endpoint
            .connect()
            .await
            .map_err(|error| unreachable(&error.to_string()))?;
        self.wires
            .channels
            .lock()
            .expect("channels")
            .insert(pair, channel.clone());
        Ok(channel)
    }
}

/// A member with its front end.
pub struct Node {
    pub id: MemberId,
    pub ledger: Arc<MemberLedger>,
    pub frontend: Frontend,
    pub folder: tempfile::TempDir,
    servers: Vec<tokio::task::JoinHandle<()>>,
}

/// Members on one chain.
pub struct Network {
    pub chain: Arc<Chain>,
    pub wires: Arc<Wires>,
    pub nodes: Vec<Node>,
    pub keys: Vec<SigningKey>,
    master: Vec<String>,
    databases: Databases,
}

impl Network {
    pub async fn start(members: usize) -> Self {
        Self::start_with(members, |_, _| {}, |_| {}).await
    }

    pub async fn start_with(
        members: usize,
        terms: impl FnOnce(&mut Category, &mut Parameters),
        configure: impl Fn(&mut FrontendConfig),
    ) -> Self {
        Self::start_over(Engine::Sqlite, members, terms, configure).await
    }

    /// Members with their databases in files, or on the server that the environment names.
    pub async fn start_over(
        engine: Engine,
        members: usize,
        terms: impl FnOnce(&mut Category, &mut Parameters),
        configure: impl Fn(&mut FrontendConfig),
    ) -> Self {
        trace();
        let databases = Databases::fresh(engine, members).await;
        let keys: Vec<_> = (0..members)
            .map(|i| SigningKey::from([i as u8 + 1; 32]))
            .collect();
        let chain = Chain::new(&keys, terms);
        let master = (0..members)
            .map(|_| MasterKey::generate().to_hex().to_string())
            .collect();
        let mut network = Self {
            chain,
            wires: Arc::default(),
            nodes: Vec::new(),
            keys,
            master,
            databases,
        };
        for index in 0..members {
            let folder = tempfile::tempdir().expect("a folder");
            let node = network.node(index, folder, &configure).await;
            network.nodes.push(node);
        }
        network
    }

    async fn node(
        &self,
        index: usize,
        folder: tempfile::TempDir,
        configure: &impl Fn(&mut FrontendConfig),
    ) -> Node {
        let id = MemberId(index as u32 + 1);
        let ledger = Arc::new(MemberLedger {
            chain: self.chain.clone(),
            member: id,
            key: self.keys[index],
            reads: AtomicU64::new(0),
        });
        let peers = Arc::new(MemberWires {
            wires: self.wires.clone(),
            member: id,
        });
        let url = self.databases.url(index, folder.path());
        let store = open_store(&url, folder.path(), &self.master[index]).await;
        let mut config = FrontendConfig::in_folder(folder.path().join("lists"));
        config.post_delay_ms = 1;
        // Most tests count calls; those of padding turn it on.
        config.screening.sessions.padding = false;
        config.copies.retry_ms = 20;
        config.copies.look_interval_ms = 500;
        configure(&mut config);
        let frontend = Frontend::start(config, ledger.clone(), peers, store)
            .await
            .expect("it starts");
        let mut servers = Vec::new();
        for caller in (0..self.keys.len()).filter(|caller| *caller != index) {
            let caller = MemberId(caller as u32 + 1);
            let (address, server) = serve(&frontend, caller).await;
            self.wires.route(caller, id, address);
            servers.push(server);
        }
        Node {
            id,
            ledger,
            frontend,
            folder,
            servers,
        }
    }

    /// Stops a member as a power cut would, and starts it over the same files.
    pub async fn restart(&mut self, index: usize, configure: impl Fn(&mut FrontendConfig)) {
        self.restart_after(index, configure, |_| {}).await;
    }

    /// Stops a member as a power cut would, and starts it after somebody was at its files.
    pub async fn restart_after(
        &mut self,
        index: usize,
        configure: impl Fn(&mut FrontendConfig),
        change: impl FnOnce(&Path),
    ) {
        let node = self.nodes.remove(index);
        node.servers.iter().for_each(|server| server.abort());
        let Node {
            frontend, folder, ..
        } = node;
        drop(frontend);
        tokio::time::sleep(Duration::from_millis(50)).await;
        change(folder.path());
        let node = self.node(index, folder, &configure).await;
        self.nodes.insert(index, node);
    }

    /// The address of a member's database.
    pub fn database_url(&self, index: usize) -> String {
        self.databases.url(index, self.nodes[index].folder.path())
    }

    /// Opens another database with a member's key.
    pub async fn open_with_key_of(&self, index: usize, url: &str, folder: &Path) -> Store {
        open_store(url, folder, &self.master[index]).await
    }

    /// Stops everybody, and leaves no trace on a database server.
    pub async fn remove(self) {
        drop(self.nodes);
        self.databases.remove().await;
    }

    /// Publishes a list of phone numbers and waits until it is active and every other member holds it.
    pub async fn publish(&self, owner: usize, list: &str, numbers: &[String]) -> Published {
        let published = self.nodes[owner]
            .publish(list, numbers, DraftMode::Replace)
            .await;
        self.wait_for(published.publication).await;
        published
    }

    /// Waits until every other member searches the publication.
    pub async fn wait_for(&self, id: PublicationId) {
        let owner = self
            .chain
            .view(|view| state::list(view, id.list))
            .expect("a map");
        let owner = owner.expect("a list").owner;
        for node in self.nodes.iter().filter(|node| node.id != owner) {
            eventually(&format!("{} holds {id:?}", node.id), async || {
                let status = node.frontend.copy_status(id.list);
                status.held == Some(id) && status.state == CopyState::Current
            })
            .await;
        }
    }

    /// What a member has available or waiting, and in escrow, opened with its key.
    pub async fn balance(&self, member: MemberId) -> (u64, u64) {
        let node = self.nodes.iter().find(|node| node.id == member);
        let wallet = &node.expect("a member").frontend.wallet;
        let holdings = wallet.holdings().await.expect("its own key opens it");
        let available = holdings.available_minor + holdings.waiting_minor;
        (available, holdings.escrowed_minor)
    }

    /// Calls that stand on the ledger.
    pub fn logged(&self) -> u64 {
        let head = self
            .chain
            .view(|view| state::log_head(view))
            .expect("a map");
        head.map_or(0, |head| head.length)
    }

    /// Waits until so many calls are final.
    pub async fn wait_logged(&self, calls: u64) {
        eventually(&format!("{calls} calls are logged"), async || {
            self.logged() == calls
        })
        .await;
    }
}

impl Node {
    pub async fn publish(&self, list: &str, numbers: &[String], mode: DraftMode) -> Published {
        let mut draft = self
            .frontend
            .lists
            .draft(spec(list, mode))
            .await
            .expect("a draft");
        let rejected = draft.push(&rows(numbers));
        assert!(rejected.is_empty(), "{rejected:?}");
        self.frontend
            .lists
            .publish(draft, Progress::default())
            .await
            .expect("published")
    }

    pub async fn screen(&self, numbers: &[String]) -> Screened {
        self.screen_with(
            numbers,
            ScreenRequest {
                context: context(),
                ..Default::default()
            },
        )
        .await
    }

    pub async fn screen_with(&self, numbers: &[String], request: ScreenRequest) -> Screened {
        let request = ScreenRequest {
            reader: reader(),
            ..request
        };
        let rows = futures::stream::iter(rows(numbers)).boxed();
        let events = self
            .frontend
            .screening
            .screen(request, rows)
            .await
            .expect("it begins");
        collect(events).await
    }
}

/// What a screening said.
#[derive(Debug, Default)]
pub struct Screened {
    pub hits: BTreeMap<(ListId, u64), bool>,
    pub answers: Vec<ListAnswers>,
    pub malformed: Vec<tacit_frontend::rows::RejectedRow>,
    pub summary: Summary,
    pub finals: Vec<tacit_frontend::screening::CallsFinal>,
}

pub async fn collect(mut events: tokio::sync::mpsc::Receiver<ScreenEvent>) -> Screened {
    let mut screened = Screened::default();
    while let Some(event) = events.recv().await {
        match event {
            ScreenEvent::Plan(_) => {}
            ScreenEvent::Malformed(rows) => screened.malformed.extend(rows),
            ScreenEvent::Answers(answers) => {
                if let Ok(batch) = &answers.outcome {
                    for row in &batch.rows {
                        let hit = row.answer == Answer::Hit;
                        let before = screened.hits.insert((answers.list, row.row), hit);
                        assert_eq!(before, None, "a row is answered once per list");
                    }
                }
                screened.answers.push(answers);
            }
            ScreenEvent::Summary(summary) => screened.summary = summary,
            ScreenEvent::Final(last) => screened.finals.push(last),
        }
    }
    screened
}

/// Serves a front end to one caller.
pub async fn serve(
    frontend: &Frontend,
    caller: MemberId,
) -> (SocketAddr, tokio::task::JoinHandle<()>) {
    let service = frontend.peer_service().into_server();
    let known = move |mut request: tonic::Request<()>| {
        request.extensions_mut().insert(PeerIdentity(caller));
        Ok(request)
    };
    let service = InterceptedService::new(service, known);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
    let server = tokio::spawn(async move {
        let served = Server::builder()
            .add_service(service)
            .serve_with_incoming(incoming)
            .await;
        served.expect("it serves");
    });
    (address, server)
}

/// Lets whoever reaches the point wait for ever, so that the test can drop the front end there.
#[derive(Clone)]
pub struct HaltAt {
    pub point: CrashPoint,
    pub reached: Arc<tokio::sync::Notify>,
}

impl HaltAt {
    pub fn new(point: CrashPoint) -> Self {
        Self {
            point,
            reached: Arc::default(),
        }
    }

    pub fn points(&self) -> CrashPoints {
        CrashPoints::with(self.clone())
    }

    pub async fn wait(&self) {
        tokio::time::timeout(Duration::from_secs(20), self.reached.notified())
            .await
            .unwrap_or_else(|_| panic!("{} is reached", self.point));
    }
}

#[async_trait]
impl CrashHook for HaltAt {
    async fn reach(&self, point: CrashPoint) {
        if point == self.point {
            self.reached.notify_one();
            std::future::pending::<()>().await;
        }
    }
}

pub async fn open_store(url: &str, folder: &Path, master: &str) -> Store {
    let key_file = folder.join("master.key");
    std::fs::write(&key_file, master).expect("written");
    let key = MasterKey::from_file(&key_file).expect("a key");
    Store::open(url, &key).await.expect("a database")
}

pub async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..2_000 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not within 20 s: {what}");
}

pub fn spec(list: &str, mode: DraftMode) -> ListSpec {
    ListSpec {
        name: list.to_owned(),
        category: Some(CATEGORY),
        accepts: vec![IdentifierType::Phone],
        mode,
        new_tag_epoch: false,
        corrected: false,
        reader: reader(),
    }
}

pub fn reader() -> RowReader {
    RowReader {
        default_type: Some(IdentifierType::Phone),
        ..RowReader::default()
    }
}

pub fn context() -> AuditContext {
    AuditContext {
        operator: "teller 7".to_owned(),
        purpose: "credit-origination".to_owned(),
        lawful_basis: "consent".to_owned(),
        ..AuditContext::default()
    }
}

pub fn rows(numbers: &[String]) -> Vec<RawRow> {
    let row = |(row, value): (usize, &String)| RawRow {
        row: row as u64,
        kind: String::new(),
        value: value.clone(),
        removes: false,
    };
    numbers.iter().enumerate().map(row).collect()
}

/// A valid Chinese mobile number.
pub fn phone(number: u32) -> String {
    format!("+86138{number:08}")
}

pub fn phones(numbers: impl IntoIterator<Item = u32>) -> Vec<String> {
    numbers.into_iter().map(phone).collect()
}

/// Opens a session of one member with another's list without a front end of its own.
pub async fn open_session(
    network: &Network,
    querier: usize,
    provider: usize,
    terms: SessionTerms,
    escrow_minor: u32,
) -> Applied {
    let ledger = &network.nodes[querier].ledger;
    let (me, other) = (ledger.member, network.nodes[provider].ledger.member);
    let account = network.chain.view(|view| state::account(view, me));
    let account = account.expect("a map");
    if account.additions > 0 || account.granted_minor > 0 {
        ledger.submit(Action::RollOver).await.expect("rolled over");
    }
    let read = |view: &BTreeMap<StateKey, Vec<u8>>| {
        let parties = state::quota_parties(view, me, other)?;
        Ok::<_, tacit_ledger::kernel::Missing>((state::account(view, me)?, parties))
    };
    let (account, parties) = network.chain.view(read).expect("a map");
    let key = quota_key(&network.keys[querier]);
    let available = account.available.select([OWNER]);
    let available_minor = ValueTable::new().open_vartime(&key, &available, 1 << 40);
    let source = Source {
        key: &key,
        available: &account.available,
        available_minor: available_minor.expect("its own key opens it"),
    };
    let chain_id = ledger.chain_id();
    let parties = parties.expect("members");
    let opening = prove_opening(
        chain_id,
        me,
        terms,
        &parties,
        &source,
        escrow_minor,
        &mut OsRng,
    );
    let openings = bounded(vec![opening.expect("covered").0]);
    let action = Action::OpenSessions { openings };
    ledger.submit(action).await.expect("opened")
}

/// The quota key that goes with a ledger key.
pub fn quota_key(key: &SigningKey) -> QuotaKey {
    QuotaKey::derive(&(*key).into(), 0)
}

pub fn candidate(index: usize, key: &SigningKey) -> GenesisMember {
    let number = index as u8 + 1;
    GenesisMember {
        candidate: Candidate {
            name: name(&format!("Bank {number}")),
            group: name(&format!("Group {number}")),
            role: Role::Member,
            ledger_key: ledger_key(key),
            quota_key: quota_key(key).public(),
            quota_key_proof: prove_key(&quota_key(key), &ledger_key(key), &mut OsRng),
            profile: Profile {
                consensus_key: ConsensusKey([number; 32]),
                tls_spki_hash: SpkiHash([number; 32]),
                front_end_address: Text::new(format!("127.0.0.1:{}", 7000 + index)).expect("fits"),
                p2p_address: Text::new(format!("127.0.0.1:{}", 8000 + index)).expect("fits"),
            },
        },
        validator: true,
    }
}

fn name(text: &str) -> tacit_ledger::kernel::party::Name {
    Text::new(text).expect("a name")
}

fn trace() {
    let filter = tracing_subscriber::EnvFilter::from_default_env();
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_test_writer()
        .try_init();
}

/// A bounded vector of what surely fits.
pub fn bounded<T, const MAX: usize>(items: Vec<T>) -> BoundedVec<T, MAX> {
    BoundedVec::try_from(items).unwrap_or_else(|_| panic!("fits"))
}
