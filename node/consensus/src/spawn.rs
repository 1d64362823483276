//! Runs a node on real threads, sockets and files.

use crate::{
    block::Block,
    config::{Retention, Timing},
    engine::{self, Start},
    execution::ledger::Ledger,
    handle::LedgerHandle,
    key::NodeKey,
    network::{CHANNEL_QUOTA, Channels, Peer, PeerDirectory, largest_message},
};
use commonware_actor::Feedback;
use commonware_consensus::{Reporter, marshal::Update};
use commonware_cryptography::{ChaCha20Poly1305, ed25519};
use commonware_p2p::{
    Address, AddressableManager as _, AddressableTrackedPeers, Ingress,
    authenticated::lookup::{self, Oracle},
};
use commonware_runtime::{Clock as _, Quota, Runner as _, Spawner as _, Supervisor as _, tokio};
use commonware_stream::{
    cups::{self, Cups},
    sake::{self, Sake},
};
use commonware_utils::{Hostname, NZU32, NZUsize, ordered::Map};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    num::NonZeroUsize,
    path::PathBuf,
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};
use tacit_finality::ConsensusKey;
use tracing::{info, warn};

/// Files of the node start with this.
const PREFIX: &str = "ledger";
/// How far the clocks of two nodes may differ when they connect.
const CLOCK_BOUND: Duration = Duration::from_secs(5);
/// How old a handshake may be.
const HANDSHAKE_AGE: Duration = Duration::from_secs(10);
/// The least number of peers to make room for. Room is for twice the peers known at the start, so
/// that a network may double before its nodes are started again.
const MIN_PEER_ROOM: usize = 32;
/// Sets of peers that are in use at once: the newest, and the one it replaces.
const PEER_SETS: NonZeroUsize = NZUsize!(2);
/// How long to wait for a node to open its files before it is handed out.
const OPEN_PATIENCE: Duration = Duration::from_secs(5);
/// How long the parts of a node have to stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// What [`spawn`] needs.
pub struct NodeConfig {
    /// The state machine and its genesis.
    pub ledger: Arc<Ledger>,
    /// The node's key: votes, and names the node among its peers.
    pub key: NodeKey,
    /// Where to listen for peers.
    pub listen: SocketAddr,
    /// With whom to speak before the ledger is known; the ledger's members follow.
    pub bootstrap: Vec<Peer>,
    /// Whether the members that the ledger names, with their addresses, take the place of
    /// `bootstrap`. Without it the addresses stay those of the configuration.
    pub follow_ledger_peers: bool,
    /// Where the node's files are. Never use one key with two directories: it could vote twice.
    pub directory: PathBuf,
    /// How long the parts of consensus wait for each other.
    pub timing: Timing,
    /// How much history to keep.
    pub retention: Retention,
    /// How a node without data starts.
    pub start: Start,
    /// Threads for consensus and execution; proofs use all cores besides.
    pub threads: NonZeroUsize,
}

/// A node that runs in threads of its own.
pub struct RunningNode {
    /// Reaches its ledger.
    pub handle: LedgerHandle,
    stop: mpsc::Sender<()>,
    thread: JoinHandle<()>,
}

impl RunningNode {
    /// Stops the node, and waits until its files are closed.
    ///
    /// # Errors
    ///
    /// [`NodeFailed`] if it had failed before.
    pub fn stop(self) -> Result<(), NodeFailed> {
        let failed = self.has_failed();
        let _ = self.stop.send(());
        // Parts that stop in another order than they depend on each other may complain; whatever
        // they leave behind is what a crash would, and is sound.
        let _ = self.thread.join();
        if failed { Err(NodeFailed) } else { Ok(()) }
    }

    /// Whether the node stopped by itself, which it does only if it cannot go on.
    pub fn has_failed(&self) -> bool {
        self.thread.is_finished()
    }
}

/// The node could not go on; its log says why.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("the ledger node failed; its log says why")]
pub struct NodeFailed;

/// Starts a node in threads of its own, and returns when it can be reached.
///
/// # Errors
///
/// [`NodeFailed`] if the node did not come up.
pub fn spawn(config: NodeConfig) -> Result<RunningNode, NodeFailed> {
    let (stop, stopped) = mpsc::channel();
    let (ready, handle) = mpsc::sync_channel(1);
    let thread = thread::Builder::new()
        .name("tacit-ledger".to_owned())
        .spawn(move || run(config, ready, stopped))
        .map_err(|error| {
            warn!(%error, "the ledger's thread cannot be started");
            NodeFailed
        })?;
    let handle = handle.recv().map_err(|_| NodeFailed)?;
    Ok(RunningNode {
        handle,
        stop,
        thread,
    })
}

fn run(config: NodeConfig, ready: mpsc::SyncSender<LedgerHandle>, stopped: mpsc::Receiver<()>) {
    let runner = tokio::Runner::new(
        tokio::Config::new()
            .with_worker_threads(config.threads.get())
            .with_storage_directory(config.directory.clone()),
    );
    runner.start(|runtime| async move {
        let (mut network, oracle) =
            lookup::Network::new(runtime.child("network"), network_config(&config));
        let channels = Channels::open(|channel| network.register(channel.number(), CHANNEL_QUOTA));
        network.start();
        let room = peer_room(&config).get();
        let node = engine::start(
            runtime.child("engine"),
            engine::Config {
                ledger: config.ledger,
                signer: config.key.signer().clone(),
                prefix: PREFIX.to_owned(),
                timing: config.timing,
                retention: config.retention,
                start: config.start,
                directory: Lookup {
                    oracle: oracle.clone(),
                    room,
                },
                follow_ledger_peers: config.follow_ledger_peers,
                bootstrap: config.bootstrap,
                provider: oracle.clone(),
                blocker: oracle,
                observer: None::<NoObserver>,
            },
            channels,
        );
        // A node with data is handed out when it knows where it stands; one that joins may take long,
        // and says itself that it does.
        let opened = Box::pin(node.handle.ready());
        let patience = Box::pin(runtime.sleep(OPEN_PATIENCE));
        futures::future::select(opened, patience).await;
        if ready.send(node.handle).is_err() {
            return;
        }
        // The one who stops the node is an ordinary thread, so waiting for it takes a thread too.
        let asked = runtime
            .child("stop")
            .shared(true)
            .spawn(move |_| async move {
                let _ = stopped.recv();
            });
        match futures::future::select(asked, node.task).await {
            futures::future::Either::Left(_) => info!("the ledger node stops"),
            futures::future::Either::Right((result, _)) => {
                panic!("the ledger node cannot go on: {result:?}")
            }
        }
        if let Err(error) = runtime.stop(0, Some(STOP_TIMEOUT)).await {
            warn!(%error, "parts of the ledger node did not stop in time");
        }
    });
}

type Handshake = Cups<Sake<ed25519::PrivateKey>, ChaCha20Poly1305>;

fn network_config(config: &NodeConfig) -> lookup::Config<Handshake> {
    let handshake = Cups::<_, ChaCha20Poly1305>::new(
        Sake {
            signer: config.key.signer().clone(),
            synchrony_bound: CLOCK_BOUND,
            max_handshake_age: HANDSHAKE_AGE,
            version: sake::Version::V1,
        },
        cups::Version::V1,
    );
    let namespace = [b"tacit/peers/v1/".as_slice(), &config.ledger.chain_id.0].concat();
    let mut network = lookup::Config::local(
        handshake,
        &namespace,
        config.listen,
        peer_room(config),
        largest_message(),
        NZUsize!(1_024),
    );
    network.tracked_peer_sets = PEER_SETS;
    // Peers are known by their keys, which the handshake proves; addresses may be names, or be
    // translated on the way.
    network.bypass_ip_check = true;
    // Several nodes may stand behind one address, and all reconnect at once after an outage.
    network.allowed_handshake_rate_per_ip = Quota::per_second(NZU32!(256));
    network.allowed_handshake_rate_per_subnet = Quota::per_second(NZU32!(512));
    network
}

/// How many peers the network layer makes room for.
fn peer_room(config: &NodeConfig) -> NonZeroUsize {
    NonZeroUsize::new((2 * config.bootstrap.len()).max(MIN_PEER_ROOM)).unwrap_or(NonZeroUsize::MIN)
}

/// Tells the authenticated network with whom to speak.
struct Lookup {
    oracle: Oracle<ConsensusKey>,
    room: usize,
}

impl PeerDirectory for Lookup {
    fn replace(&mut self, id: u64, peers: &[Peer]) {
        if peers.len() > self.room {
            warn!(
                peers = peers.len(),
                room = self.room,
                "the network outgrew this node's room for peers; start the node again"
            );
        }
        // Validators come first when not all fit.
        let mut peers: Vec<_> = peers.iter().collect();
        peers.sort_by_key(|peer| !peer.validator);
        peers.truncate(self.room);
        let pick = |validator: bool| {
            let peers = peers.iter().filter(|peer| peer.validator == validator);
            Map::from_iter_dedup(
                peers.filter_map(|peer| Some((peer.key.clone(), address(&peer.address)?))),
            )
        };
        if self
            .oracle
            .track(id, AddressableTrackedPeers::new(pick(true), pick(false)))
            == Feedback::Closed
        {
            warn!("the network no longer takes peers");
        }
    }
}

/// Reads `host:port`; `None`, with a warning, if it is not one.
fn address(text: &str) -> Option<Address> {
    if let Ok(socket) = text.parse::<SocketAddr>() {
        return Some(Address::Symmetric(socket));
    }
    let named = text
        .rsplit_once(':')
        .and_then(|(host, port)| Some((Hostname::new(host).ok()?, port.parse::<u16>().ok()?)));
    let Some((host, port)) = named else {
        warn!(
            address = text,
            "a peer's address is not host:port; it cannot be reached"
        );
        return None;
    };
    // Where it connects from is not known, and not checked.
    let egress = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
    Some(Address::Asymmetric {
        ingress: Ingress::Dns { host, port },
        egress,
    })
}

/// Stands where simulations put their own eyes.
#[derive(Clone)]
struct NoObserver;

impl Reporter for NoObserver {
    type Activity = Update<Block>;

    fn report(&mut self, _: Update<Block>) -> Feedback {
        Feedback::Ok
    }
}
