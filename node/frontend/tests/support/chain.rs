//! The shipped state machine over a map, as each member sees it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use ed25519_zebra::SigningKey;
use tacit_circuits::quota::{QuotaKey, QuotaPublicKey};
use tacit_circuits::scope::MemberId;
use tacit_frontend::ports::{
    Applied, BatchPlace, FinalizedBlock, FinalizedEvent, Ledger, LedgerError, SettledBatch,
};
use tacit_ledger::kernel::envelope::ledger_key;
use tacit_ledger::kernel::{
    BlockContext, BlockResult, ChainId, LedgerKey, Machine, Outcome, Registry, Signature, StateKey,
    TxId,
};
use tacit_ledger::network::{
    Action, Category, Event, NetworkGenesis, Parameters, SessionId, read as state,
};
use tokio::sync::broadcast;

use super::network::{candidate, name};
use super::{CATEGORY, PRICE_MINOR};

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
            fresh_days: 0,
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
