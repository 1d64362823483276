//! A member that keeps to no rule but those that the others enforce.
//!
//! The fourth founder, dogwood, is never started as a process. The test itself is dogwood: it takes part in
//! agreement with dogwood's keys, signs whatever it likes as dogwood, calls the others with dogwood's
//! certificate, and answers at dogwood's registered address. The other members are processes like any others.

mod certificates;
pub(crate) mod lists;
mod owner;
mod provider;
pub(crate) mod querier;
mod quota;
mod serve;
mod views;
mod wallet;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use ed25519_zebra::SigningKey;
use tacit_circuits::scope::MemberId;
use tacit_consensus::engine::Ledger as Chain;
use tacit_consensus::{NodeConfig, NodeKey, Pacing, Retention, RunningNode, Start, Timing};
use tacit_frontend::ports::{Applied, Ledger as _, LedgerError, Peers as _};
use tacit_ledger::kernel::{BoundedVec, Missing, Registry, StateView};
use tacit_ledger::network::Action;
use tacit_node::config::Config;
use tacit_node::keys::NodeKeys;
use tacit_node::ledger::MemberLedger;
use tacit_node::peers::MemberPeers;
use tacit_node::setup::genesis;
use tacit_proto::peer::peer_client::PeerClient;
use tokio::runtime::Runtime;
use tonic::transport::Channel;

use crate::consortium::Consortium;

/// Dogwood's place among the founders, and its number on the ledger.
pub(crate) const DOGWOOD: usize = 3;
pub(crate) const DOGWOOD_ID: MemberId = MemberId(4);

/// The numbers of the two founders that it deals with.
pub(crate) const ALDER_ID: MemberId = MemberId(1);
pub(crate) const BIRCH_ID: MemberId = MemberId(2);

/// Dogwood, as the test plays it.
pub(crate) struct Dogwood {
    pub(crate) runtime: Runtime,
    pub(crate) ledger: Arc<MemberLedger>,
    pub(crate) peers: Arc<MemberPeers>,
    pub(crate) config: Config,
    pub(crate) key: SigningKey,
    node: Option<RunningNode>,
}

/// Starts a network whose fourth member is the test, after `configure` has changed what it likes in the others'
/// folders.
pub(crate) fn start(configure: impl FnOnce(&Consortium)) -> (Consortium, Dogwood) {
    let mut network = Consortium::laid_out();
    configure(&network);
    for index in 0..DOGWOOD {
        network.start_node(index, &[]);
    }
    let dogwood = Dogwood::join(&network);
    for index in 0..DOGWOOD {
        network.wait_ready(index);
    }
    (network, dogwood)
}

impl Dogwood {
    /// Takes dogwood's place in a network, as its own process would.
    fn join(network: &Consortium) -> Self {
        let config = Config::load(&network.node(DOGWOOD).config_file()).expect("a configuration");
        let keys = NodeKeys::load(&config.keys).expect("keys");
        let genesis = genesis::read(&config.ledger.genesis_file).expect("a genesis");
        let chain = Chain::new(&genesis, Registry::network()).expect("a chain");
        let node = tacit_consensus::spawn(NodeConfig {
            bootstrap: chain.genesis_peers().to_vec(),
            ledger: Arc::new(chain),
            key: NodeKey::from_bytes(keys.consensus.expose()).expect("a key"),
            listen: config.ledger.listen,
            follow_ledger_peers: true,
            directory: config.data_dir.join("chain"),
            timing: Timing {
                pacing: Pacing {
                    min_interval: Duration::from_millis(config.ledger.block_interval_ms),
                    heartbeat: Duration::from_millis(250),
                },
                leader_timeout: Duration::from_millis(600),
            },
            retention: Retention::default(),
            start: Start::Genesis,
            threads: NonZeroUsize::MIN,
        });
        let node = node.expect("it takes part in agreement");
        let runtime = Runtime::new().expect("a runtime");
        let key = SigningKey::from(*keys.ledger.expose());
        let (ledger, follower) = MemberLedger::new(node.handle.clone(), DOGWOOD_ID, key, None);
        let peers = Arc::new(MemberPeers::open(&config.frontend).expect("certificates"));
        let blocks = ledger.finalized();
        runtime.block_on(async {
            node.handle.ready().await.expect("a state");
            peers.learn(&*ledger).await.expect("members");
        });
        runtime.spawn(follower.run());
        let (following, followed) = (peers.clone(), ledger.clone());
        runtime.spawn(async move { following.follow(&*followed, blocks).await });
        Self {
            runtime,
            ledger,
            peers,
            config,
            key,
            node: Some(node),
        }
    }

    /// Submits an action as dogwood, and waits until it is final or refused.
    pub(crate) fn submit(&self, action: Action) -> Result<Applied, LedgerError> {
        self.runtime.block_on(self.ledger.submit(action))
    }

    /// Reads the ledger.
    pub(crate) fn read<T>(&self, question: impl Fn(&dyn StateView) -> Result<T, Missing>) -> T {
        let answer = tacit_frontend::ports::read(&*self.ledger, question);
        self.runtime.block_on(answer).expect("the ledger is read")
    }

    /// A member's front end, reached with dogwood's certificate.
    pub(crate) fn client(&self, member: MemberId) -> PeerClient<Channel> {
        let channel = self.runtime.block_on(self.peers.channel(member));
        PeerClient::new(channel.expect("it is let in"))
    }
}

impl Drop for Dogwood {
    fn drop(&mut self) {
        if let Some(node) = self.node.take() {
            // Whatever it says at its end is not what the test is about.
            let _ = node.stop();
        }
    }
}

/// A vector that fits its bound.
pub(crate) fn bounded<T, const MAX: usize>(items: Vec<T>) -> BoundedVec<T, MAX> {
    match BoundedVec::try_from(items) {
        Ok(bounded) => bounded,
        Err(error) => panic!("{error}"),
    }
}
