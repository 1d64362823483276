use crate::{
    Pacing, Peer, Retention, Start, Timing,
    execution::ledger::Ledger,
    spawn::{NodeConfig, spawn},
    toy::*,
};
use commonware_cryptography::{Signer as _, ed25519};
use std::{
    num::NonZeroU64,
    sync::Arc,
    time::{Duration, Instant},
};
use tacit_finality::Committee;

#[test]
fn four_nodes_on_loopback_finalize() {
    if std::env::var("RUST_LOG").is_ok() {
        tracing_subscriber::fmt()
            .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
            .init();
    }
    let keys: Vec<_> = (0..4).map(ed25519::PrivateKey::from_seed).collect();
    let ports: Vec<_> = (0..4)
        .map(|_| {
            let l = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            l.local_addr().unwrap()
        })
        .collect();
    let committee = Committee::new(keys.iter().map(|k| k.public_key()).collect()).unwrap();
    let machine = Machine;
    let ledger = Arc::new(Ledger {
        chain_id: ChainId([7; 32]),
        genesis_writes: machine.genesis(),
        machine,
        genesis_time_ms: 1,
        genesis_committee: committee,
    });
    let bootstrap: Vec<_> = keys
        .iter()
        .zip(&ports)
        .map(|(k, p)| Peer {
            key: k.public_key(),
            address: p.to_string(),
            validator: true,
        })
        .collect();
    let dir = std::env::temp_dir().join(format!("tacit-smoke-{}", std::process::id()));
    let nodes: Vec<_> = (0..4)
        .map(|i| {
            spawn(NodeConfig {
                ledger: ledger.clone(),
                epoch_blocks: NonZeroU64::new(50).unwrap(),
                key: keys[i].clone(),
                listen: ports[i],
                bootstrap: bootstrap.clone(),
                directory: dir.join(i.to_string()),
                timing: Timing {
                    pacing: Pacing {
                        min_interval: Duration::from_millis(20),
                        heartbeat: Duration::from_millis(250),
                    },
                    ..Timing::default()
                },
                retention: Retention::default(),
                start: Start::Genesis,
                threads: 1.try_into().map(|n: std::num::NonZeroUsize| n).unwrap(),
            })
            .unwrap()
        })
        .collect();
    let mut latencies = vec![];
    futures::executor::block_on(async {
        for i in 0..200u64 {
            let sender = (i % 4) as u32;
            let e = Envelope {
                sender: MemberId(sender),
                sequence: i / 4,
                expiry_height: 1 << 40,
                key: vec![i as u8],
                value: vec![1, 2, 3],
            };
            let t = Instant::now();
            let f = nodes[(i % 4) as usize]
                .handle
                .submit_and_wait(e.to_bytes())
                .await
                .unwrap();
            latencies.push(t.elapsed());
            if i % 40 == 0 {
                println!(
                    "{i} {f:?} {:?} {:?}",
                    t.elapsed(),
                    nodes[0].handle.status().await.unwrap()
                );
            }
        }
        latencies.sort();
        println!(
            "p50 {:?} p90 {:?} max {:?}",
            latencies[100], latencies[180], latencies[199]
        );
        let v = nodes[1]
            .handle
            .get_many(vec![
                StateKey(b"kA".to_vec()),
                StateKey(b"genesis".to_vec()),
            ])
            .await
            .unwrap();
        println!("{v:?}");
        let ev = nodes[2]
            .handle
            .prove_value(StateKey(b"kA".to_vec()))
            .await
            .unwrap();
        ev.verify([7; 32], ledger.genesis_committee.clone())
            .unwrap();
        println!(
            "evidence bytes {} handovers {}",
            ev.to_bytes().len(),
            ev.handovers.len()
        );
        let mut s = nodes[3].handle.finalized(1);
        let mut txs = 0;
        while txs < 200 {
            txs += s.next().await.unwrap().envelopes.len();
        }
        println!("stream ok at {}", s.height());
    });
    for n in nodes {
        n.stop().unwrap();
    }
}
