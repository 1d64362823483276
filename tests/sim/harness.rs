//! One node of a simulated network: the shipped wiring on the deterministic runtime.

use crate::{
    load::{self, Witness},
    network::{genesis, ledger},
};
use commonware_actor::Feedback;
use commonware_consensus::{Reporter, marshal::Update};
use commonware_cryptography::{Signer as _, ed25519};
use commonware_glue::simulate::{
    engine::{EngineDefinition, InitContext},
    processed::ProcessedHeight,
    tracker::FinalizationUpdate,
};
use commonware_runtime::{Handle, Quota, Supervisor as _};
use commonware_utils::{Acknowledgement as _, channel::mpsc};
use std::{sync::Arc, time::Duration};
use tacit_consensus::{
    LedgerHandle, Pacing, Peer, Retention, Start, Timing,
    block::Block,
    engine::{self, Channel, Channels, Ledger, PeerDirectory},
};
use tacit_finality::ConsensusKey;

/// Short epochs, so that every run crosses several.
const EPOCH_BLOCKS: u32 = 40;

/// A network to simulate. Clones are the same network.
#[derive(Clone)]
pub struct Network {
    /// The keys of all nodes; the first `validators` of them validate.
    pub keys: Vec<ed25519::PrivateKey>,
    pub ledger: Arc<Ledger>,
    pub timing: Timing,
    pub retention: Retention,
    /// Nodes that start late do so by downloading state.
    pub late_by_state: bool,
    /// What clients saw, across crashes.
    pub witness: Witness,
}

impl Network {
    /// `nodes` of which the first `validators` validate.
    pub fn new(nodes: u64, validators: usize) -> Self {
        let keys: Vec<_> = (0..nodes).map(ed25519::PrivateKey::from_seed).collect();
        let ledger = Arc::new(ledger(&genesis(&keys, validators, EPOCH_BLOCKS)));
        Self {
            keys,
            ledger,
            timing: Timing {
                pacing: Pacing {
                    min_interval: Duration::from_millis(50),
                    heartbeat: Duration::from_millis(100),
                },
                leader_timeout: Duration::from_millis(400),
            },
            retention: Retention::default(),
            late_by_state: false,
            witness: Witness::default(),
        }
    }

    /// The names of the nodes, in order.
    pub fn names(&self) -> Vec<ConsensusKey> {
        self.keys
            .iter()
            .map(ed25519::PrivateKey::public_key)
            .collect()
    }
}

/// What the properties see of a node.
#[derive(Clone)]
pub struct NodeState {
    pub handle: LedgerHandle,
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
        Channel::ALL
            .iter()
            .map(|channel| (channel.number(), engine::CHANNEL_QUOTA))
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
        let mut channels = channels.into_iter();
        let channels = Channels::open(|_| channels.next().expect("one pair for each channel"));
        let node = engine::start(
            runtime.child("node"),
            engine::Config {
                ledger: self.ledger.clone(),
                signer: self.keys[index].clone(),
                prefix: format!("node-{index}"),
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
        load::start(
            runtime.child("load"),
            index,
            node.handle.clone(),
            self.witness.clone(),
        );
        (
            node.task,
            NodeState {
                handle: node.handle,
            },
        )
    }

    fn start(engine: Handle<()>) -> Handle<()> {
        engine
    }
}
