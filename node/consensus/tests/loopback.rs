//! Four nodes on real sockets, threads and files.

#[path = "../../../tests/sim/network.rs"]
mod network;

use commonware_cryptography::{Signer as _, ed25519};
use network::{genesis, ledger, member_of, sign};
use std::{
    net::{SocketAddr, TcpListener},
    num::NonZeroUsize,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};
use tacit_consensus::{
    NodeConfig, Peer, Retention, RunningNode, Start, Timing, engine::Ledger, spawn,
};
use tacit_finality::{Claim, Evidence};
use tacit_ledger::{
    kernel::{Outcome, Text, keys},
    network::{Action, read},
};

const NODES: usize = 4;
const TRANSACTIONS: u64 = 80;

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
    let bootstrap = keys
        .iter()
        .zip(addresses)
        .map(|(key, address)| Peer {
            key: key.public_key(),
            address: address.to_string(),
            validator: true,
        })
        .collect();
    spawn(NodeConfig {
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
    })
    .expect("the node starts")
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
    let ledger = Arc::new(ledger(&genesis("loopback", &keys, NODES, 20)));
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
    let restarted = nodes.pop().expect("there are four");
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
        assert!(!evidence.handovers.is_empty(), "the run crossed an epoch");

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
