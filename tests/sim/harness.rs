//! One node of a simulated network: the shipped wiring on the deterministic runtime.

use crate::{
    load::{self, Promise, Witness},
    network::{genesis, ledger},
};
use commonware_actor::Feedback;
use commonware_consensus::{
    Reporter,
    marshal::Update,
    simplex::mocks::conflicter::{self, Conflicter},
};
use commonware_cryptography::{Signer as _, ed25519};
use commonware_glue::simulate::{
    engine::{ChannelPair, EngineDefinition, InitContext},
    processed::ProcessedHeight,
    tracker::FinalizationUpdate,
};
use commonware_p2p::utils::mux::Muxer;
use commonware_runtime::{Handle, Quota, Storage as _, Supervisor as _, deterministic};
use commonware_utils::{Acknowledgement as _, channel::mpsc};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tacit_consensus::{
    LedgerHandle, Pacing, Peer, Retention, Start, Timing,
    block::Block,
    engine::{self, Channel, Channels, Ledger, PeerDirectory},
};
use tacit_finality::{ConsensusKey, Hash, Scheme, namespace};
use tacit_ledger::network::Change;

/// Short epochs, so that every run crosses several.
const EPOCH_BLOCKS: u32 = 40;

/// How one validator misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Misbehaviour {
    /// It votes for two proposals in every view.
    Equivocates,
    /// It follows, and none of its votes leaves it.
    Mute,
}

/// A fault that the properties must find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plant {
    /// The nodes from this index on run another chain with the same keys.
    Fork {
        /// The first of them.
        from: usize,
    },
    /// The node at this index loses what came of its blocks when it restarts.
    LostWrite {
        /// The node.
        node: usize,
    },
    /// Clients are told that a transaction is final before it is.
    EarlyPromise,
}

/// A network to simulate. Clones are the same network.
#[derive(Clone)]
pub(crate) struct Network {
    /// The keys of all nodes; the first of them validate at the start.
    pub(crate) keys: Vec<ed25519::PrivateKey>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) timing: Timing,
    pub(crate) retention: Retention,
    /// Nodes that start late do so by downloading state.
    pub(crate) late_by_state: bool,
    /// Changes of validators that the members vote for.
    pub(crate) changes: Vec<Change>,
    pub(crate) misbehaves: Option<(usize, Misbehaviour)>,
    pub(crate) plant: Option<Plant>,
    /// What clients saw, across crashes.
    pub(crate) witness: Witness,
    starts: Arc<Mutex<BTreeMap<usize, u32>>>,
}

impl Network {
    /// `nodes` of which the first `validators` validate at the start.
    pub(crate) fn new(nodes: u64, validators: usize) -> Self {
        let keys: Vec<_> = (0..nodes).map(ed25519::PrivateKey::from_seed).collect();
        let genesis = genesis("simulation", &keys, validators, EPOCH_BLOCKS);
        Self {
            ledger: Arc::new(ledger(&genesis)),
            keys,
            timing: Timing {
                pacing: Pacing {
                    min_interval: Duration::from_millis(100),
                    heartbeat: Duration::from_millis(200),
                },
                leader_timeout: Duration::from_millis(500),
            },
            retention: Retention::default(),
            late_by_state: false,
            changes: Vec::new(),
            misbehaves: None,
            plant: None,
            witness: Witness::default(),
            starts: Arc::default(),
        }
    }

    /// The names of the nodes, in order.
    pub(crate) fn names(&self) -> Vec<ConsensusKey> {
        self.keys
            .iter()
            .map(ed25519::PrivateKey::public_key)
            .collect()
    }

    /// The chain that the node at `index` runs.
    fn ledger_of(&self, index: usize) -> Arc<Ledger> {
        match self.plant {
            Some(Plant::Fork { from }) if index >= from => {
                // The same founders in another order found another chain.
                let keys: Vec<_> = self.keys[from..]
                    .iter()
                    .chain(&self.keys[..from])
                    .cloned()
                    .collect();
                Arc::new(ledger(&genesis("another", &keys, from, EPOCH_BLOCKS)))
            }
            _ => self.ledger.clone(),
        }
    }

    /// How often the node at `index` was started, this time included.
    fn count_start(&self, index: usize) -> u32 {
        let mut starts = self.starts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = starts.entry(index).or_insert(0);
        *count += 1;
        *count
    }
}

/// What the properties see of a node.
#[derive(Clone)]
pub(crate) struct NodeState {
    /// Its place among the nodes.
    pub(crate) index: usize,
    pub(crate) handle: LedgerHandle,
}

impl ProcessedHeight for NodeState {
    async fn processed_height(&self) -> u64 {
        self.handle.height()
    }
}

/// Simulated peers are all connected; there is nobody to tell.
struct Everybody;

impl PeerDirectory for Everybody {
    fn replace(&mut self, _: u64, _: &[Peer]) {}
}

/// Tells the simulation of finalized rounds.
#[derive(Clone)]
struct Observer {
    node: ConsensusKey,
    monitor: mpsc::UnboundedSender<FinalizationUpdate<ConsensusKey>>,
}

impl Reporter for Observer {
    type Activity = Update<Block>;

    fn report(&mut self, update: Update<Block>) -> Feedback {
        match update {
            Update::Tip(round, height, digest) => {
                let block_digest = digest.as_ref().to_vec();
                let pk = self.node.clone();
                let _ = self.monitor.send(FinalizationUpdate {
                    pk,
                    round,
                    height,
                    block_digest,
                });
            }
            Update::Block(_, acknowledgement) => acknowledgement.acknowledge(),
        }
        Feedback::Ok
    }
}

impl EngineDefinition for Network {
    type PublicKey = ConsensusKey;
    type Engine = Handle<()>;
    type State = NodeState;

    fn participants(&self) -> Vec<ConsensusKey> {
        self.names()
    }

    fn channels(&self) -> Vec<(u64, Quota)> {
        // One more than there are, for votes that a misbehaving node sends nowhere.
        let spare = Channel::ALL.len() as u64;
        let numbers = Channel::ALL.iter().map(|channel| channel.number());
        numbers
            .chain([spare])
            .map(|number| (number, engine::CHANNEL_QUOTA))
            .collect()
    }

    fn max_message_size(&self) -> u32 {
        engine::largest_message()
    }

    async fn init(&self, context: InitContext<'_, ConsensusKey>) -> (Handle<()>, NodeState) {
        let InitContext {
            context: runtime,
            index,
            delayed,
            public_key,
            oracle,
            channels,
            monitor,
            ..
        } = context;
        let mut pairs = channels.into_iter();
        let mut channels = Channels::open(|_| pairs.next().expect("one pair for each channel"));
        if let Some((node, how)) = self.misbehaves
            && node == index
        {
            let spare = pairs.next().expect("one pair more than channels");
            let votes = std::mem::replace(&mut channels.votes, spare);
            if how == Misbehaviour::Equivocates {
                self.equivocate(&runtime, index, votes).await;
            }
        }
        if self.count_start(index) > 1 && self.plant == Some(Plant::LostWrite { node: index }) {
            for part in ["metadata", "keys", "values"] {
                let _ = runtime
                    .remove(&format!("{}-results-{part}", prefix(index)), None)
                    .await;
            }
        }
        let node = engine::start(
            runtime.child("node"),
            engine::Config {
                ledger: self.ledger_of(index),
                signer: self.keys[index].clone(),
                prefix: prefix(index),
                timing: self.timing,
                retention: self.retention,
                start: if delayed && self.late_by_state {
                    Start::Join
                } else {
                    Start::Genesis
                },
                directory: Everybody,
                follow_ledger_peers: false,
                bootstrap: Vec::new(),
                provider: oracle.manager(),
                blocker: oracle.control(public_key.clone()),
                observer: Some(Observer {
                    node: public_key.clone(),
                    monitor,
                }),
            },
            channels,
        );
        let promise = match self.plant {
            Some(Plant::EarlyPromise) => Promise::WhenSubmitted,
            _ => Promise::WhenFinal,
        };
        load::start(
            runtime.child("load"),
            index,
            node.handle.clone(),
            self.witness.clone(),
            self.changes.clone(),
            promise,
        );
        (
            node.task,
            NodeState {
                index,
                handle: node.handle,
            },
        )
    }

    fn start(engine: Handle<()>) -> Handle<()> {
        engine
    }
}

impl Network {
    /// Lets somebody who signs both sides of every vote speak for the node at `index`.
    async fn equivocate(
        &self,
        runtime: &deterministic::Context,
        index: usize,
        votes: ChannelPair<ConsensusKey>,
    ) {
        /// Epochs for which there is one: more than a run reaches.
        const EPOCHS: u64 = 64;
        let (mux, mut handle) = Muxer::new(runtime.child("double_votes"), votes.0, votes.1);
        mux.start();
        let committee = self.ledger.genesis_committee().keys().clone();
        let namespace = namespace(&self.ledger.chain_id().0);
        for epoch in 0..EPOCHS {
            let scheme = Scheme::signer(&namespace, committee.clone(), self.keys[index].clone())
                .expect("a misbehaving node validates");
            let votes = handle.register(epoch).await.expect("the channel is open");
            let context = runtime.child("double_voter").with_attribute("epoch", epoch);
            Conflicter::<_, _, Hash>::new(context, conflicter::Config { scheme }).start(votes);
        }
    }
}

fn prefix(index: usize) -> String {
    format!("node-{index}")
}
