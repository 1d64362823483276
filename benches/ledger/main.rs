//! Transactions a second and time to finality, beside the bare engine.
//!
//! Four validators in one process, each with its own threads, on loopback, files on disk. Four members
//! submit signed changes of their profiles as fast as they are taken. The *ledger* is the shipped
//! node: signatures, execution, state with its root, results, all durable. The *bare engine* is the
//! same agreement, dissemination and block storage, ordering the same envelopes and checking their
//! signatures, with no state behind. Both run one after the other in this process, and the bar is
//! half of the bare engine.
//!
//! Then one member submits a transaction, waits until it is final, and submits the next.
//!
//! `cargo bench -p tacit-consensus --bench ledger`; `TACIT_BENCH_SECONDS=5` makes it shorter.

mod bare;
#[allow(dead_code, reason = "shared with the simulation, which uses all of it")]
#[path = "../../tests/sim/network.rs"]
mod network;

use commonware_cryptography::{Signer as _, ed25519};
use futures::future::join_all;
use network::{genesis, ledger, ledger_signer, member_of};
use std::{
    env,
    net::{SocketAddr, TcpListener},
    num::NonZeroUsize,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use tacit_consensus::{
    LedgerHandle, NodeConfig, Peer, Retention, RunningNode, Start, Timing, engine::Ledger, spawn,
};
use tacit_ledger::{kernel::Text, network::Action};

const NODES: usize = 4;
/// Submissions under way to one node at once.
const WINDOW: usize = 512;
/// Time for connections and first blocks, not measured.
const WARM_UP: Duration = Duration::from_secs(3);
/// The supply of transactions a second, above what either orders.
const SUPPLY: u64 = 70_000;
const USED_UP: &str = "all transactions were used up before the time was over";
/// Transactions measured for their time to finality.
const SINGLES: usize = 100;

fn main() {
    let seconds = env::var("TACIT_BENCH_SECONDS")
        .ok()
        .and_then(|text| text.parse().ok());
    let measured = Duration::from_secs(seconds.unwrap_or(10));
    let keys: Vec<_> = (0..NODES as u64)
        .map(ed25519::PrivateKey::from_seed)
        .collect();
    let ledger = Arc::new(ledger(&genesis("bench", &keys, NODES, 10_000)));

    // More than either orders in the time; a run that uses all up fails, as it measures the supply.
    let each = SUPPLY * (measured + WARM_UP).as_secs() / NODES as u64;
    println!("signing {} transactions", each * NODES as u64);
    let envelopes = sign_all(&ledger, each);
    let bytes = envelopes[0][0].len();

    let bare = bare::run(&keys, &ledger, &envelopes, measured);
    println!("bare-engine/validators=4/transaction={bytes}B: {bare:.0} transactions/s");
    let full = throughput(&keys, &ledger, &envelopes, measured);
    println!("ledger/validators=4/transaction={bytes}B: {full:.0} transactions/s");
    println!("ledger ÷ bare engine: {:.2}", full / bare);
    let (median, p99) = latency(&keys, &ledger);
    println!("ledger/finality: p50 {median:.1?}, p99 {p99:.1?}");
}

/// The members' transactions, in order of their sequence numbers.
fn sign_all(ledger: &Ledger, each: u64) -> Vec<Vec<Vec<u8>>> {
    let chain_id = ledger.chain_id();
    let member = |index: usize| {
        thread::spawn(move || {
            let profile = |sequence| Action::RegisterProfile {
                front_end_address: Text::new(format!("front-{index}-{sequence}.example:443"))
                    .expect("it fits"),
                p2p_address: Text::new(format!("node-{index}.example:9000")).expect("it fits"),
            };
            let key = ledger_signer(index);
            let sign = |sequence| {
                let action = profile(sequence);
                let unsigned = action.unsigned(chain_id, member_of(index), sequence, u64::MAX);
                unsigned.sign(&key).to_bytes()
            };
            (0..each).map(sign).collect::<Vec<_>>()
        })
    };
    let members: Vec<_> = (0..NODES).map(member).collect();
    members
        .into_iter()
        .map(|member| member.join().expect("signing does not fail"))
        .collect()
}

/// Addresses on loopback that are free now.
pub(crate) fn free_addresses() -> Vec<SocketAddr> {
    let held: Vec<_> = (0..NODES)
        .map(|_| TcpListener::bind("127.0.0.1:0").expect("loopback has a free port"))
        .collect();
    held.iter()
        .map(|socket| socket.local_addr().expect("it is bound"))
        .collect()
}

fn start(keys: &[ed25519::PrivateKey], ledger: &Arc<Ledger>, directory: &Path) -> Vec<RunningNode> {
    let addresses = free_addresses();
    let bootstrap: Vec<_> = keys
        .iter()
        .zip(&addresses)
        .map(|(key, address)| Peer {
            key: key.public_key(),
            address: address.to_string(),
            validator: true,
        })
        .collect();
    let node = |index: usize| {
        spawn(NodeConfig {
            ledger: ledger.clone(),
            key: keys[index].clone().into(),
            listen: addresses[index],
            bootstrap: bootstrap.clone(),
            follow_ledger_peers: false,
            directory: directory.join(index.to_string()),
            timing: Timing::default(),
            retention: Retention::default(),
            start: Start::Genesis,
            threads: NonZeroUsize::MIN,
        })
        .expect("the node starts")
    };
    (0..NODES).map(node).collect()
}

fn throughput(
    keys: &[ed25519::PrivateKey],
    ledger: &Arc<Ledger>,
    envelopes: &[Vec<Vec<u8>>],
    measured: Duration,
) -> f64 {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let nodes = start(keys, ledger, directory.path());
    let over = AtomicBool::new(false);
    let rate = thread::scope(|scope| {
        for (node, envelopes) in nodes.iter().zip(envelopes) {
            let over = &over;
            scope.spawn(move || futures::executor::block_on(feed(&node.handle, envelopes, over)));
        }
        let rate = futures::executor::block_on(count(&nodes[0].handle, measured));
        over.store(true, Ordering::Relaxed);
        rate
    });
    nodes
        .into_iter()
        .for_each(|node| node.stop().expect("it had not failed"));
    rate
}

/// Submits in order, as fast as the node takes.
async fn feed(handle: &LedgerHandle, envelopes: &[Vec<u8>], over: &AtomicBool) {
    for window in envelopes.chunks(WINDOW) {
        let mut rest: Vec<&Vec<u8>> = window.iter().collect();
        while !rest.is_empty() && !over.load(Ordering::Relaxed) {
            let verdicts = join_all(rest.iter().map(|bytes| handle.submit((*bytes).clone()))).await;
            let mut verdicts = verdicts.into_iter();
            rest.retain(|_| verdicts.next().is_none_or(|verdict| verdict.is_err()));
            if !rest.is_empty() {
                thread::sleep(Duration::from_millis(5));
            }
        }
    }
    assert!(over.load(Ordering::Relaxed), "{USED_UP}");
}

/// Final transactions a second, after the warm-up.
async fn count(handle: &LedgerHandle, measured: Duration) -> f64 {
    let mut blocks = handle.finalized(1);
    let started = Instant::now();
    while started.elapsed() < WARM_UP {
        blocks.next().await.expect("the node runs");
    }
    let (started, mut transactions) = (Instant::now(), 0);
    while started.elapsed() < measured {
        transactions += blocks.next().await.expect("the node runs").envelopes.len();
    }
    transactions as f64 / started.elapsed().as_secs_f64()
}

/// Median and 99th percentile of the time from a submission to its finality.
fn latency(keys: &[ed25519::PrivateKey], ledger: &Arc<Ledger>) -> (Duration, Duration) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let nodes = start(keys, ledger, directory.path());
    let envelopes = sign_all(ledger, SINGLES as u64 / NODES as u64 + 2);
    let mut times = Vec::new();
    futures::executor::block_on(async {
        for number in 0..SINGLES + NODES {
            let envelope = envelopes[number % NODES][number / NODES].clone();
            let submitted = Instant::now();
            nodes[number % NODES]
                .handle
                .submit_and_wait(envelope)
                .await
                .expect("it becomes final");
            // The first of each member wait for connections.
            if number >= NODES {
                times.push(submitted.elapsed());
            }
        }
    });
    nodes
        .into_iter()
        .for_each(|node| node.stop().expect("it had not failed"));
    times.sort_unstable();
    (times[times.len() / 2], times[times.len() * 99 / 100])
}
