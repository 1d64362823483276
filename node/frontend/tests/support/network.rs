//! Members with their front ends.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use ed25519_zebra::SigningKey;
use futures::StreamExt;
use rand_core::OsRng;
use tacit_circuits::scope::{ListId, MemberId};
use tacit_frontend::lists::{DraftMode, Progress, Published};
use tacit_frontend::screening::{Answer, ListAnswers, ScreenEvent, ScreenRequest, Summary};
use tacit_frontend::snapshots::CopyState;
use tacit_frontend::store::{MasterKey, Store};
use tacit_frontend::{Frontend, FrontendConfig};
use tacit_ledger::kernel::envelope::ledger_key;
use tacit_ledger::kernel::{Role, Text};
use tacit_ledger::network::quota::prove_key;
use tacit_ledger::network::{
    Candidate, Category, ConsensusKey, GenesisMember, Parameters, Profile, PublicationId, SpkiHash,
    read as state,
};

use super::chain::{Chain, MemberLedger};
use super::databases::{Databases, Engine};
use super::quota::quota_key;
use super::values::{context, reader, rows, spec};
use super::wires::{MemberWires, Wires, serve};

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

pub async fn open_store(url: &str, folder: &Path, master: &str) -> Store {
    let key_file = folder.join("master.key");
    std::fs::write(&key_file, master).expect("written");
    let key = MasterKey::from_file(&key_file).expect("a key");
    Store::open(url, &key).await.expect("a database")
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

pub(super) fn name(text: &str) -> tacit_ledger::kernel::party::Name {
    Text::new(text).expect("a name")
}

pub(super) fn trace() {
    let filter = tracing_subscriber::EnvFilter::from_default_env();
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_test_writer()
        .try_init();
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
