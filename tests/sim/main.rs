//! The ledger driver under simulated faults.

mod harness;
mod load;
mod network;
mod properties;

use commonware_consensus::types::{Epoch, Round, View};
use commonware_glue::simulate::{action::Crash, exit::ProcessedHeightAtLeast, plan::PlanBuilder};
use commonware_p2p::simulated::Link;
use commonware_utils::probability;
use harness::Network;
use properties::OneLedger;
use std::time::{Duration, Instant};

const GOOD: Link = Link {
    latency: Duration::from_millis(20),
    jitter: Duration::from_millis(5),
    success_rate: probability!(1.0),
};

fn plan(network: Network, height: u64) -> PlanBuilder<Network> {
    let witness = network.witness.clone();
    PlanBuilder::new(network)
        .link(GOOD)
        .exit_condition(ProcessedHeightAtLeast::new(height))
        .timeout(Duration::from_secs(600))
        .property(OneLedger { witness })
}

#[test]
fn healthy() {
    let t = Instant::now();
    let a = plan(Network::new(4, 4), 100).seed(1).run().unwrap();
    println!("{:?}", t.elapsed());
    let b = plan(Network::new(4, 4), 100).seed(1).run().unwrap();
    assert_eq!(a[0].state, b[0].state);
}

#[test]
fn crashes() {
    for seed in 0..3 {
        let t = Instant::now();
        let r = plan(Network::new(4, 4), 150)
            .seed(seed)
            .crash(Crash::Random {
                frequency: Duration::from_secs(4),
                downtime: Duration::from_secs(2),
                count: 1,
            })
            .run()
            .unwrap();
        println!("crashes {} in {:?}", r[0].crashes, t.elapsed());
    }
}

#[test]
fn late_joiner_by_state() {
    for seed in 0..3 {
        let t = Instant::now();
        let mut network = Network::new(5, 4);
        network.late_by_state = true;
        network.retention.blocks = std::num::NonZeroU64::new(20);
        let late = network.names()[4].clone();
        let r = plan(network, 220)
            .seed(seed)
            .crash(Crash::DelayRound {
                participants: vec![late],
                round: Round::new(Epoch::new(2), View::new(10)),
            })
            .run()
            .unwrap();
        println!("late {} in {:?}", r[0].delayed_started, t.elapsed());
    }
}

#[test]
fn late_joiner_by_state_with_crashes() {
    for seed in 0..3 {
        let t = Instant::now();
        let mut network = Network::new(5, 4);
        network.late_by_state = true;
        network.retention.blocks = std::num::NonZeroU64::new(20);
        let late = network.names()[4].clone();
        let r = plan(network, 320)
            .seed(seed)
            .crash(Crash::DelayRound {
                participants: vec![late],
                round: Round::new(Epoch::new(2), View::new(10)),
            })
            .crash(Crash::Random {
                frequency: Duration::from_secs(5),
                downtime: Duration::from_secs(2),
                count: 1,
            })
            .run()
            .unwrap();
        println!(
            "late {} crashes {} in {:?}",
            r[0].delayed_started,
            r[0].crashes,
            t.elapsed()
        );
    }
}
