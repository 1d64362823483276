//! Four validators and an observer on real sockets, threads and files.

#[path = "../../../tests/sim/network.rs"]
mod network;

use commonware_consensus::marshal::standard::Standard;
use commonware_cryptography::{Signer as _, ed25519};
use commonware_glue::stateful::SyncPlan;
use commonware_runtime::{Runner as _, Supervisor as _, tokio};
use network::{genesis, ledger, member_of, sign};
use std::{
    net::{SocketAddr, TcpListener},
    num::{NonZeroU64, NonZeroUsize},
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};
use tacit_consensus::{
    LedgerError, NodeConfig, Pacing, Peer, Retention, RunningNode, Start, Timing, block::Block,
    engine::Ledger, spawn,
};
use tacit_finality::{Claim, Evidence, Scheme};
use tacit_ledger::{
    kernel::{Outcome, Text, keys},
    network::{Action, read},
};

/// The last one validates nothing: it follows, as a supervisor's node does, and submits like others.
const NODES: usize = 5;
const VALIDATORS: usize = 4;
const TRANSACTIONS: u64 = 100;
/// Ample for a node that joins from a state of a few records.
const JOINS_WITHIN: Duration = Duration::from_secs(90);

fn free_addresses() -> Vec<SocketAddr> {
    // All are held until all are known, so that no two are the same.
    let held: Vec<_> = (0..NODES)
        .map(|_| TcpListener::bind("127.0.0.1:0").expect("loopback has a free port"))
        .collect();
    held.iter()
        .map(|socket| socket.local_addr().expect("it is bound"))
        .collect()
}

fn start(
    index: usize,
    ledger: &Arc<Ledger>,
    keys: &[ed25519::PrivateKey],
    addresses: &[SocketAddr],
    directory: &Path,
) -> RunningNode {
    spawn(config(index, ledger, keys, addresses, directory)).expect("the node starts")
}

fn config(
    index: usize,
    ledger: &Arc<Ledger>,
    keys: &[ed25519::PrivateKey],
    addresses: &[SocketAddr],
    directory: &Path,
) -> NodeConfig {
    let bootstrap = keys
        .iter()
        .zip(addresses)
        .enumerate()
        .map(|(index, (key, address))| Peer {
            key: key.public_key(),
            address: address.to_string(),
            validator: index < VALIDATORS,
        })
        .collect();
    NodeConfig {
        ledger: ledger.clone(),
        key: keys[index].clone().into(),
        listen: addresses[index],
        bootstrap,
        follow_ledger_peers: false,
        directory: directory.join(index.to_string()),
        timing: Timing::default(),
        retention: Retention::default(),
        start: Start::Genesis,
        threads: NonZeroUsize::MIN,
    }
}

fn rename(index: usize, sequence: u64) -> Action {
    Action::RegisterProfile {
        front_end_address: Text::new(format!("front-{index}-{sequence}.example:443"))
            .expect("it fits"),
        p2p_address: Text::new(format!("node-{index}.example:9000")).expect("it fits"),
    }
}

#[test]
fn transactions_become_final_and_are_proven_and_survive_a_restart() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let keys: Vec<_> = (0..NODES as u64)
        .map(ed25519::PrivateKey::from_seed)
        .collect();
    let addresses = free_addresses();
    let ledger = Arc::new(ledger(&genesis("loopback", &keys, VALIDATORS, 20)));
    let start = |index| start(index, &ledger, &keys, &addresses, directory.path());
    let mut nodes: Vec<_> = (0..NODES).map(start).collect();

    let mut waited: Vec<Duration> = Vec::new();
    let mut last = None;
    futures::executor::block_on(async {
        for number in 0..TRANSACTIONS {
            let index = number as usize % NODES;
            let sequence = number / NODES as u64;
            let envelope = sign(ledger.chain_id(), index, sequence, &rename(index, sequence));
            let submitted = Instant::now();
            let place = nodes[index]
                .handle
                .submit_and_wait(envelope.to_bytes())
                .await
                .expect("it becomes final");
            waited.push(submitted.elapsed());
            assert_eq!(place.result.outcome, Outcome::Applied);
            last = Some((envelope.tx_id(), place));
        }
    });
    waited.sort_unstable();
    println!(
        "final after {:?} (median), {:?} (most)",
        waited[waited.len() / 2],
        waited.last()
    );
    let (id, place) = last.expect("there were some");

    // One node stops and comes back with all it had.
    let restarted = nodes.pop().expect("there are five");
    restarted.stop().expect("it had not failed");
    let restarted = start(NODES - 1);
    futures::executor::block_on(async {
        let handle = &restarted.handle;
        let mut stream = handle.finalized(1);
        let mut transactions = 0;
        while transactions < TRANSACTIONS {
            transactions += stream
                .next()
                .await
                .expect("nothing is lost")
                .envelopes
                .len() as u64;
        }
        let found = handle.transaction(id).await.expect("the node runs");
        assert_eq!(found.map(|found| found.height), Some(place.height));
        let next = handle
            .state()
            .read(|view| read::next_sequence(view, member_of(0)))
            .await;
        assert_eq!(next, Ok(TRANSACTIONS / NODES as u64));

        // Evidence is checked by somebody who knows the genesis alone.
        let evidence = handle.prove_transaction(id).await.expect("it is final");
        let evidence = Evidence::from_bytes(&evidence.to_bytes()).expect("it reads back");
        let trusted = || (ledger.chain_id().0, ledger.genesis_committee().clone());
        let (chain, committee) = trusted();
        assert_eq!(evidence.verify(chain, committee), Ok(()));
        let key = keys::sequence(member_of(1));
        let evidence = handle.prove_value(key).await.expect("the key has a value");
        let (chain, committee) = trusted();
        assert_eq!(evidence.verify(chain, committee), Ok(()));
        let epoch = evidence.block.header.epoch().get();
        assert!(epoch > 0, "the run crossed an epoch");
        assert!(
            evidence.handovers.is_empty(),
            "no hand-over changed the validators"
        );

        let mut forged = evidence.clone();
        if let Claim::Value(proof) = &mut forged.claim {
            proof.value = bytes::Bytes::from_static(b"another");
        }
        let (chain, committee) = trusted();
        assert!(forged.verify(chain, committee).is_err());
        let mut foreign = chain;
        foreign[0] ^= 1;
        let (_, committee) = trusted();
        assert!(evidence.verify(foreign, committee).is_err());
    });
    nodes.push(restarted);
    for node in nodes {
        node.stop().expect("it had not failed");
    }
}

/// The last one joins late; the others make blocks fast and keep few of them.
const LATE: usize = NODES - 1;

/// Four validators that keep `kept` blocks, and what starts one who joins late.
struct Pruning {
    directory: tempfile::TempDir,
    signers: Vec<ed25519::PrivateKey>,
    addresses: Vec<SocketAddr>,
    ledger: Arc<Ledger>,
    kept: u64,
}

impl Pruning {
    fn new(name: &str, kept: u64) -> Self {
        let signers: Vec<_> = (0..NODES as u64)
            .map(ed25519::PrivateKey::from_seed)
            .collect();
        Self {
            directory: tempfile::tempdir().expect("a temporary directory"),
            addresses: free_addresses(),
            ledger: Arc::new(ledger(&genesis(name, &signers, VALIDATORS, 100))),
            signers,
            kept,
        }
    }

    fn config(&self, index: usize) -> NodeConfig {
        let pacing = Pacing {
            min_interval: Duration::from_millis(5),
            heartbeat: Duration::from_millis(10),
        };
        NodeConfig {
            timing: Timing {
                pacing,
                ..Timing::default()
            },
            retention: Retention {
                blocks: NonZeroU64::new(self.kept),
            },
            start: if index == LATE {
                Start::Join
            } else {
                Start::Genesis
            },
            ..config(
                index,
                &self.ledger,
                &self.signers,
                &self.addresses,
                self.directory.path(),
            )
        }
    }

    /// Starts all but the late one, who write a transaction into an early block.
    fn start(&self) -> Vec<RunningNode> {
        let nodes: Vec<_> = (0..LATE)
            .map(|index| spawn(self.config(index)).expect("the node starts"))
            .collect();
        let envelope = sign(self.ledger.chain_id(), 0, 0, &rename(0, 0));
        futures::executor::block_on(nodes[0].handle.submit_and_wait(envelope.to_bytes()))
            .expect("it becomes final");
        nodes
    }
}

/// Returns when none of the nodes keeps the block.
fn wait_until_pruned(nodes: &[RunningNode], height: u64) {
    futures::executor::block_on(async {
        for node in nodes {
            let mut tip = node.handle.tip();
            while !matches!(
                node.handle.block(height).await,
                Err(LedgerError::Pruned { .. })
            ) {
                tip.changed().await.expect("the node runs");
            }
        }
    });
}

#[test]
fn a_node_whose_floor_its_peers_have_pruned_joins_from_a_newer_one() {
    let network = Pruning::new("floor", 32);
    let mut nodes = network.start();
    // An earlier start of the late node chose this floor, and got no further.
    let early = futures::executor::block_on(nodes[0].handle.prove_block(1));
    let early = early.expect("it is kept").block;
    let height = early.header.height.get() + early.descendants.len() as u64;
    let directory = network.directory.path().join(LATE.to_string());
    let files = tokio::Config::new().with_storage_directory(directory);
    tokio::Runner::new(files).start(|runtime| async move {
        let plan: SyncPlan<_, Scheme, Standard<Block>> =
            SyncPlan::init(runtime.child("plan"), "ledger-plan").await;
        assert!(plan.set_floor(early.finalization).await.floor().is_some());
    });
    wait_until_pruned(&nodes, height);

    nodes.push(spawn(network.config(LATE)).expect("the node starts"));
    let late = &nodes[LATE].handle;
    let started = Instant::now();
    while futures::executor::block_on(late.status())
        .expect("the node runs")
        .syncing
    {
        assert!(started.elapsed() < JOINS_WITHIN, "it waits for its floor");
        thread::sleep(Duration::from_millis(100));
    }
    let next = futures::executor::block_on(
        late.state()
            .read(|view| read::next_sequence(view, member_of(0))),
    );
    assert_eq!(next, Ok(1));
    for node in nodes {
        node.stop().expect("it had not failed");
    }
}

#[test]
fn a_late_node_joins_by_state_when_its_peers_have_pruned_the_early_blocks() {
    // Some seconds' worth: who joins must have fetched the state before its peers prune it.
    let network = Pruning::new("late", 512);
    let mut nodes = network.start();
    wait_until_pruned(&nodes[..1], 1);

    nodes.push(spawn(network.config(LATE)).expect("the node starts"));
    futures::executor::block_on(async {
        let handle = &nodes[LATE].handle;
        // What was written in a block that nobody keeps any more is there, and proven.
        let next = handle
            .state()
            .read(|view| read::next_sequence(view, member_of(0)))
            .await;
        assert_eq!(next, Ok(1));
        let evidence = handle.prove_value(keys::sequence(member_of(0))).await;
        let evidence = evidence.expect("the key has a value");
        let committee = network.ledger.genesis_committee().clone();
        assert_eq!(
            evidence.verify(network.ledger.chain_id().0, committee),
            Ok(())
        );
        // It lacks the early blocks, follows the newest and takes part.
        assert!(matches!(
            handle.block(1).await,
            Err(LedgerError::Pruned { .. })
        ));
        let envelope = sign(network.ledger.chain_id(), LATE, 0, &rename(LATE, 0));
        let place = handle
            .submit_and_wait(envelope.to_bytes())
            .await
            .expect("it becomes final");
        assert_eq!(place.result.outcome, Outcome::Applied);
        assert!(!handle.status().await.expect("the node runs").syncing);
    });
    for node in nodes {
        node.stop().expect("it had not failed");
    }
}
