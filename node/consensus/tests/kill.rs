//! Nodes in processes of their own, killed without warning.
//!
//! The test starts its own executable again for each node; those run [`a_node_in_a_process`], which is
//! ignored otherwise. A node's client prints each transaction that it was told is final; whatever was
//! printed must be there in the end.

#[allow(dead_code, reason = "shared with the simulation, which uses all of it")]
#[path = "../../../tests/sim/network.rs"]
mod network;

use commonware_cryptography::{Signer as _, ed25519};
use network::{genesis, ledger, member_of, sign};
use std::{
    collections::BTreeMap,
    env,
    io::{BufRead as _, BufReader},
    net::{SocketAddr, TcpListener},
    num::NonZeroUsize,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};
use tacit_consensus::{NodeConfig, Peer, Retention, Start, Timing, spawn};
use tacit_ledger::{
    kernel::{Digest, Text, TxId},
    network::{Action, read},
};

const NODES: usize = 4;
const INDEX: &str = "TACIT_TEST_NODE_INDEX";
const DIRECTORY: &str = "TACIT_TEST_NODE_DIRECTORY";
const ADDRESSES: &str = "TACIT_TEST_NODE_ADDRESSES";

fn config(index: usize, addresses: &[SocketAddr], directory: &Path) -> NodeConfig {
    let keys: Vec<_> = (0..NODES as u64)
        .map(ed25519::PrivateKey::from_seed)
        .collect();
    let peer = |(key, address): (&ed25519::PrivateKey, &SocketAddr)| Peer {
        key: key.public_key(),
        address: address.to_string(),
        validator: true,
    };
    NodeConfig {
        ledger: Arc::new(ledger(&genesis("kill", &keys, NODES, 50))),
        key: keys[index].clone().into(),
        listen: addresses[index],
        bootstrap: keys.iter().zip(addresses).map(peer).collect(),
        follow_ledger_peers: false,
        directory: directory.join(index.to_string()),
        timing: Timing::default(),
        retention: Retention::default(),
        start: Start::Genesis,
        threads: NonZeroUsize::MIN,
    }
}

/// Runs one node and a client of its member until it is killed.
#[test]
#[ignore = "started by the other test, in a process of its own"]
fn a_node_in_a_process() {
    let Ok(index) = env::var(INDEX) else { return };
    let index: usize = index.parse().expect("the parent says which");
    let directory = PathBuf::from(env::var(DIRECTORY).expect("the parent says where"));
    let addresses = env::var(ADDRESSES).expect("the parent says where");
    let addresses: Vec<_> = addresses
        .split(',')
        .map(|address| address.parse().expect("an address"))
        .collect();
    let node = spawn(config(index, &addresses, &directory)).expect("the node starts");
    futures::executor::block_on(async {
        loop {
            let state = node.handle.state();
            let next = state
                .read(|view| read::next_sequence(view, member_of(index)))
                .await;
            let sequence = next.expect("the node runs");
            let action = Action::RegisterProfile {
                front_end_address: Text::new(format!("front-{sequence}.example:443"))
                    .expect("it fits"),
                p2p_address: Text::new("node.example:9000").expect("it fits"),
            };
            let envelope = sign(node.handle.chain_id(), index, sequence, &action);
            if let Ok(place) = node.handle.submit_and_wait(envelope.to_bytes()).await {
                println!("final {} {}", place.height, place.result.tx_id);
            }
        }
    });
}

/// Transactions that some node called final, with their heights.
type Promised = Arc<Mutex<BTreeMap<String, u64>>>;

fn start(index: usize, addresses: &str, directory: &Path, promised: &Promised) -> Child {
    let mut child = Command::new(env::current_exe().expect("this test has an executable"))
        .args(["--exact", "a_node_in_a_process", "--ignored", "--nocapture"])
        .env(INDEX, index.to_string())
        .env(DIRECTORY, directory)
        .env(ADDRESSES, addresses)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the node's process starts");
    let output = child.stdout.take().expect("it is piped");
    let promised = promised.clone();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            // The test harness of the child may have begun the line.
            let Some(at) = line.find("final ") else {
                continue;
            };
            let mut words = line[at..].split_whitespace().skip(1);
            if let (Some(height), Some(id)) = (words.next(), words.next())
                && let Ok(height) = height.parse()
            {
                promised
                    .lock()
                    .expect("no reader panics")
                    .insert(id.to_owned(), height);
            }
        }
    });
    child
}

fn kill(mut child: Child) {
    child.kill().expect("it runs");
    child.wait().expect("it was started here");
}

#[test]
fn nodes_killed_without_warning_lose_nothing_that_they_called_final() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let held: Vec<_> = (0..NODES)
        .map(|_| TcpListener::bind("127.0.0.1:0").expect("loopback has a free port"))
        .collect();
    let addresses: Vec<SocketAddr> = held
        .iter()
        .map(|socket| socket.local_addr().expect("it is bound"))
        .collect();
    drop(held);
    let listed = addresses
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(",");
    let promised = Promised::default();
    let start = |index| start(index, &listed, directory.path(), &promised);
    let count = || promised.lock().expect("no reader panics").len();
    let mut nodes: Vec<Child> = (0..NODES).map(start).collect();

    // One after the other, at times that have nothing to do with what the nodes do, then all at once.
    thread::sleep(Duration::from_secs(4));
    for round in 0..6u64 {
        let victim = round as usize % NODES;
        kill(nodes.remove(victim));
        thread::sleep(Duration::from_millis(150 + 130 * round));
        nodes.insert(victim, start(victim));
        thread::sleep(Duration::from_millis(700 + 170 * round));
    }
    let before = count();
    assert!(before > 0, "the nodes called some transactions final");
    nodes.drain(..).for_each(kill);
    nodes = (0..NODES).map(start).collect();
    let waited = (0..60).find(|_| {
        thread::sleep(Duration::from_millis(500));
        count() > before + 10
    });
    nodes.drain(..).for_each(kill);
    assert!(
        waited.is_some(),
        "the network goes on after all nodes were killed"
    );

    // Each node holds all that any of them promised.
    let nodes: Vec<_> = (0..NODES)
        .map(|index| {
            spawn(config(index, &addresses, directory.path())).expect("the node starts again")
        })
        .collect();
    let promised = promised.lock().expect("no reader panics").clone();
    let newest = promised.values().copied().max().unwrap_or(0);
    futures::executor::block_on(async {
        for (index, node) in nodes.iter().enumerate() {
            let mut tip = node.handle.tip();
            tip.wait_for(|tip| tip.height.get() >= newest)
                .await
                .expect("the node runs");
            for (id, height) in &promised {
                let mut bytes = [0; 32];
                hex::decode_to_slice(id, &mut bytes).expect("an id in hexadecimal");
                let found = node.handle.transaction(TxId(Digest(bytes))).await;
                let found = found.expect("the node runs").map(|found| found.height);
                assert_eq!(found, Some(*height), "node {index}, transaction {id}");
            }
        }
    });
    println!("{} promises kept over {newest} blocks", promised.len());
    for node in nodes {
        node.stop().expect("it had not failed");
    }
}
