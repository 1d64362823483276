//! Which faults a seed stands for.

use crate::harness::{Misbehaviour, Network};
use commonware_glue::simulate::{
    action::{Action, Crash, Schedule},
    plan::PlanBuilder,
};
use commonware_p2p::simulated::Link;
use commonware_utils::probability;
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{RngCore as _, SeedableRng as _},
};
use std::time::Duration;
use tacit_finality::ConsensusKey;

/// A link without faults.
pub(crate) const GOOD: Link = Link {
    latency: Duration::from_millis(20),
    jitter: Duration::from_millis(5),
    success_rate: probability!(1.0),
};

/// A link that loses a tenth of its messages and delays the rest.
pub(crate) const LOSSY: Link = Link {
    latency: Duration::from_millis(60),
    jitter: Duration::from_millis(40),
    success_rate: probability!(0.9),
};

/// A link that carries nothing.
pub(crate) const CUT: Link = Link {
    success_rate: probability!(0.0),
    ..GOOD
};

/// Until when a partition lasts. A network without faults makes ten blocks a second, so none has more
/// than 120 by then, and a run that reaches [`HEIGHT`] makes progress after it healed.
const HEALED_AT: Duration = Duration::from_secs(12);

/// The height that every honest node must reach.
pub(crate) const HEIGHT: u64 = 160;

/// Adds to `plan` the faults that `seed` stands for, besides links that lose and delay on odd seeds.
pub(crate) fn inflict(
    mut plan: PlanBuilder<Network>,
    names: &[ConsensusKey],
    seed: u64,
) -> PlanBuilder<Network> {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let mut pick = |count: usize| rng.next_u64() as usize % count;
    let link = if seed.is_multiple_of(2) { GOOD } else { LOSSY };
    plan = plan.link(link.clone());
    match seed % 5 {
        // Somebody is down for a while, again and again.
        0 => plan.crash(Crash::Random {
            frequency: Duration::from_millis(3_000 + 500 * pick(4) as u64),
            downtime: Duration::from_millis(500 + 500 * pick(4) as u64),
            count: 1,
        }),
        // All are down at once, and two of four stay down longer.
        1 => {
            let at = Duration::from_millis(2_000 + 250 * pick(12) as u64);
            let mut schedule = Schedule::new();
            for name in names {
                schedule = schedule.at(at, Action::Crash(name.clone()));
            }
            for (index, name) in names.iter().enumerate() {
                let later = Duration::from_millis(if index < 2 { 1_000 } else { 3_000 });
                schedule = schedule.at(at + later, Action::Restart(name.clone()));
            }
            plan.crash(Crash::Schedule(schedule))
        }
        // The network falls into two halves, then heals.
        2 => {
            let at = Duration::from_millis(1_000 + 500 * pick(8) as u64);
            let half = 1 + pick(3);
            plan.crash(Crash::Schedule(
                cut(names, half, at).at(HEALED_AT, Action::Heal(link)),
            ))
        }
        // A node cannot reach the others, and one of these dies meanwhile.
        3 => {
            let at = Duration::from_millis(1_000 + 500 * pick(8) as u64);
            let dies = names[1 + pick(names.len() - 1)].clone();
            let schedule = cut(names, 1, at)
                .at(at + Duration::from_secs(1), Action::Crash(dies.clone()))
                .at(at + Duration::from_secs(4), Action::Restart(dies))
                .at(HEALED_AT, Action::Heal(link));
            plan.crash(Crash::Schedule(schedule))
        }
        // A validator misbehaves; see `misbehaviour`.
        _ => plan,
    }
}

/// Who misbehaves under `seed`, and how.
pub(crate) fn misbehaviour(seed: u64) -> Option<(usize, Misbehaviour)> {
    let how = if seed.is_multiple_of(2) {
        Misbehaviour::Equivocates
    } else {
        Misbehaviour::Mute
    };
    // Member 1 and 2 have the parts in the story of the clients, so one of the others misbehaves.
    (seed % 5 == 4).then_some((2 + seed as usize / 5 % 2, how))
}

fn cut(names: &[ConsensusKey], half: usize, at: Duration) -> Schedule<ConsensusKey> {
    let mut schedule = Schedule::new();
    for from in &names[..half] {
        for to in &names[half..] {
            for (from, to) in [(from, to), (to, from)] {
                let (from, to, link) = (from.clone(), to.clone(), CUT);
                schedule = schedule.at(at, Action::UpdateLink { from, to, link });
            }
        }
    }
    schedule
}
