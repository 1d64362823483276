//! The shipped consensus wiring, ledger and store under simulated faults.
//!
//! Every run is decided by its seed: which messages are lost or late, when nodes crash and which, who
//! misbehaves. Each checks that there is one ledger and that it goes on after the faults, and prints
//! its seed if it fails. `TACIT_SIM_SEEDS=1000` runs more seeds than the 50 by default,
//! `TACIT_SIM_SEED=7` runs one alone.

mod faults;
mod harness;
mod load;
mod network;
mod properties;
mod story;
mod wallet;

use commonware_consensus::types::{Epoch, Round, View};
use commonware_glue::simulate::{
    action::{Action, Crash, Schedule},
    plan::{PlanBuilder, PlanResult},
};
use commonware_runtime::deterministic;
use commonware_utils::probability;
use faults::{GOOD, HEIGHT, inflict, misbehaviour};
use harness::{Network, Plant};
use properties::{Books, OneLedger, Reached};
use std::{env, num::NonZeroU64, time::Duration};

/// Simulated time that a run may take. Runs take about half a minute of it.
const TIMEOUT: Duration = Duration::from_secs(300);
const SEEDS: u64 = 50;
/// The seeds are shared out to this many tests, which run at once where there are cores.
const SHARES: u64 = 4;

fn plan(network: Network, height: u64) -> PlanBuilder<Network> {
    let property = OneLedger {
        witness: network.witness.clone(),
        may_lack_history: network.retention.blocks.is_some(),
    };
    let reached = Reached {
        height,
        misbehaves: network.misbehaves.map(|(node, _)| node),
    };
    PlanBuilder::new(network)
        .link(GOOD)
        .exit_condition(reached)
        .timeout(TIMEOUT)
        .property(property)
        .property(Books)
}

fn run_seed(seed: u64) -> (Network, PlanResult<Network>) {
    let mut network = Network::new(4, 4);
    network.misbehaves = misbehaviour(seed);
    let plan = inflict(plan(network.clone(), HEIGHT), &network.names(), seed).seed(seed);
    let result = plan
        .run()
        .and_then(|mut results| results.pop().ok_or_else(String::new));
    match result {
        Ok(result) => (network, result),
        Err(error) => panic!("{error}; run it again with TACIT_SIM_SEED={seed}"),
    }
}

fn seeds(share: u64) -> Vec<u64> {
    let number = |name: &str| {
        env::var(name)
            .ok()
            .and_then(|text| text.parse::<u64>().ok())
    };
    if let Some(seed) = number("TACIT_SIM_SEED") {
        return if share == 0 { vec![seed] } else { Vec::new() };
    }
    let count = number("TACIT_SIM_SEEDS").unwrap_or(SEEDS);
    (0..count).filter(|seed| seed % SHARES == share).collect()
}

/// What every share of the seeds has to bring about.
const STORY: [&str; 5] = [
    "open sessions",
    "call batch",
    "collection",
    "last collection",
    "roll over",
];

fn run_share(share: u64) {
    let mut applied = [0; STORY.len()];
    let seeds = seeds(share);
    for seed in &seeds {
        let started = std::time::Instant::now();
        let (network, result) = run_seed(*seed);
        let of_seed = STORY.map(|kind| network.witness.applied(kind));
        for (sum, count) in applied.iter_mut().zip(of_seed) {
            *sum += count;
        }
        println!(
            "seed {seed}: {} transactions promised, {of_seed:?} of {STORY:?}, {} crashes, {:?}",
            network.witness.promised().len(),
            result.crashes,
            started.elapsed(),
        );
    }
    assert!(
        seeds.is_empty() || applied.iter().all(|count| *count > 0),
        "the clients came to {applied:?} of {STORY:?}"
    );
}

#[test]
fn one_ledger_under_the_faults_of_each_seed_first_quarter() {
    run_share(0);
}

#[test]
fn one_ledger_under_the_faults_of_each_seed_second_quarter() {
    run_share(1);
}

#[test]
fn one_ledger_under_the_faults_of_each_seed_third_quarter() {
    run_share(2);
}

#[test]
fn one_ledger_under_the_faults_of_each_seed_fourth_quarter() {
    run_share(3);
}

#[test]
fn the_same_seed_gives_the_same_state_and_another_seed_another() {
    let run = |seed| {
        plan(Network::new(4, 4), 40)
            .seed(seed)
            .run()
            .expect("no faults")[0]
            .state
            .clone()
    };
    let state = run(11);
    assert_eq!(state, run(11));
    assert_ne!(state, run(12));
}

#[test]
fn disks_that_fail_to_sync_lose_nothing_that_was_promised() {
    for seed in 0..5 {
        let network = Network::new(4, 4);
        let failing = deterministic::FaultConfig::default().sync(probability!(0.01));
        let mut schedule = Schedule::new()
            .at(Duration::from_secs(4), Action::SetStorageFault(failing))
            .at(
                Duration::from_secs(6),
                Action::SetStorageFault(Default::default()),
            );
        for (index, name) in network.names().into_iter().enumerate() {
            let at = Duration::from_millis(6_500 + 250 * index as u64);
            schedule = schedule.at(at, Action::Restart(name));
        }
        plan(network, 120)
            .seed(seed)
            .crash(Crash::Schedule(schedule))
            .run()
            .unwrap_or_else(|error| panic!("{error}"));
    }
}

#[test]
fn validators_are_added_and_removed_while_the_network_runs() {
    for seed in 0..3 {
        let mut network = Network::new(6, 4);
        network.changes = story::changes(true);
        let witness = network.witness.clone();
        plan(network, 260)
            .seed(seed)
            .crash(Crash::Random {
                frequency: Duration::from_secs(6),
                downtime: Duration::from_secs(1),
                count: 1,
            })
            .run()
            .unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(
            witness.applied("propose"),
            3,
            "seed {seed}: all changes were proposed"
        );
    }
}

#[test]
fn a_late_node_joins_by_state_when_its_peers_have_pruned_the_early_blocks() {
    for seed in 0..3 {
        let mut network = Network::new(5, 4);
        network.late_by_state = true;
        network.retention.blocks = NonZeroU64::new(20);
        let late = network.names()[4].clone();
        let start = Round::new(Epoch::new(6), View::new(5));
        let mut plan = plan(network, 320).seed(seed).crash(Crash::DelayRound {
            participants: vec![late],
            round: start,
        });
        if seed > 0 {
            plan = plan.crash(Crash::Random {
                frequency: Duration::from_secs(5),
                downtime: Duration::from_secs(2),
                count: 1,
            });
        }
        let results = plan.run().unwrap_or_else(|error| panic!("{error}"));
        assert!(
            results[0].delayed_started,
            "seed {seed}: the late node started"
        );
    }
}

#[test]
fn a_planted_fork_is_found() {
    let mut network = Network::new(8, 4);
    network.plant = Some(Plant::Fork { from: 4 });
    assert!(plan(network, 20).seed(1).run().is_err());
}

#[test]
fn a_planted_lost_write_is_found() {
    let mut network = Network::new(4, 4);
    network.plant = Some(Plant::LostWrite { node: 2 });
    let victim = network.names()[2].clone();
    let schedule = Schedule::new()
        .at(Duration::from_secs(4), Action::Crash(victim.clone()))
        .at(Duration::from_secs(5), Action::Restart(victim));
    let found = plan(network, 80)
        .seed(1)
        .crash(Crash::Schedule(schedule))
        .run();
    assert!(
        found
            .err()
            .is_some_and(|error| error.contains("lost block"))
    );
}

#[test]
fn a_planted_early_promise_is_found() {
    let mut network = Network::new(4, 4);
    network.plant = Some(Plant::EarlyPromise);
    assert!(plan(network, 40).seed(1).run().is_err());
}
