//! Four validators and an observer on real sockets, threads and files.

#[path = "../../../tests/sim/network.rs"]
mod network;

use commonware_cryptography::{Signer as _, ed25519};
use network::{genesis, ledger, member_of, sign};
use std::{
    net::{SocketAddr, TcpListener},
    num::{NonZeroU64, NonZeroUsize},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};
use tacit_consensus::{
    LedgerError, NodeConfig, Pacing, Peer, Retention, RunningNode, Start, Timing, engine::Ledger,
    spawn,
};
use tacit_finality::{Claim, Evidence};
use tacit_ledger::{
    kernel::{Outcome, Text, keys},
    network::{Action, read},
};

/// The last one validates nothing: it follows, as a supervisor's node does, and submits like others.
const NODES: usize = 5;
const VALIDATORS: usize = 4;
const TRANSACTIONS: u64 = 100;

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

#[test]
fn a_late_node_joins_by_state_when_its_peers_have_pruned_the_early_blocks() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let signers: Vec<_> = (0..NODES as u64)
        .map(ed25519::PrivateKey::from_seed)
        .collect();
    let addresses = free_addresses();
    let ledger = Arc::new(ledger(&genesis("late", &signers, VALIDATORS, 100)));
    let late = NODES - 1;
    let config = |index| {
        let pacing = Pacing {
            min_interval: Duration::from_millis(5),
            heartbeat: Duration::from_millis(10),
        };
        NodeConfig {
            timing: Timing {
                pacing,
                ..Timing::default()
            },
            // Some seconds' worth: who joins must have fetched the state before its peers prune it.
            retention: Retention {
                blocks: NonZeroU64::new(512),
            },
            start: if index == late {
                Start::Join
            } else {
                Start::Genesis
            },
            ..self::config(index, &ledger, &signers, &addresses, directory.path())
        }
    };
    let mut nodes: Vec<_> = (0..late)
        .map(|index| spawn(config(index)).expect("the node starts"))
        .collect();
    futures::executor::block_on(async {
        let envelope = sign(ledger.chain_id(), 0, 0, &rename(0, 0));
        let handle = &nodes[0].handle;
        handle
            .submit_and_wait(envelope.to_bytes())
            .await
            .expect("it becomes final");
        let mut tip = handle.tip();
        while !matches!(handle.block(1).await, Err(LedgerError::Pruned { .. })) {
            tip.changed().await.expect("the node runs");
        }
    });

    nodes.push(spawn(config(late)).expect("the node starts"));
    futures::executor::block_on(async {
        let handle = &nodes[late].handle;
        // What was written in a block that nobody keeps any more is there, and proven.
        let next = handle
            .state()
            .read(|view| read::next_sequence(view, member_of(0)))
            .await;
        assert_eq!(next, Ok(1));
        let evidence = handle.prove_value(keys::sequence(member_of(0))).await;
        let evidence = evidence.expect("the key has a value");
        let committee = ledger.genesis_committee().clone();
        assert_eq!(evidence.verify(ledger.chain_id().0, committee), Ok(()));
        // It lacks the early blocks, follows the newest and takes part.
        assert!(matches!(
            handle.block(1).await,
            Err(LedgerError::Pruned { .. })
        ));
        let envelope = sign(ledger.chain_id(), late, 0, &rename(late, 0));
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
