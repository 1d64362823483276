//! Rounds of the beacon.

use proptest::prelude::*;
use tacit_ledger::kernel::{Digest, Outcome};
use tacit_ledger::network::record::{Attempt, BeaconOutput, RoundId};
use tacit_ledger::network::{Event, read};

use crate::support::*;

const FIRST: RoundId = RoundId(1);

/// A chain with an open round, in the block after the one that opened it.
fn opened() -> Chain {
    let mut chain = Chain::that_samples();
    chain.must(OWNER, publish(first()));
    chain
}

fn publish_next(chain: &mut Chain, number: u32) -> RoundId {
    let id = version(LIST, EPOCH, number);
    chain.must(OWNER, publish(id));
    chain.sampling(id).round
}

#[test]
fn a_round_opens_when_somebody_waits_and_closes_with_the_last_value() {
    let mut chain = Chain::that_samples();
    assert_eq!(chain.beacon().open, None);
    let events = chain.must(OWNER, publish(first()));
    let attempt = Attempt {
        round: FIRST,
        number: 0,
    };
    assert!(events.contains(&Event::BeaconOpened { attempt }));
    chain.commit_together(&VALIDATORS);
    chain.reveal_together(&VALIDATORS);
    let drawn = read::beacon_output(&chain.state, FIRST).expect("a map");
    let drawn = drawn.expect("an output");
    assert_eq!(drawn.height, chain.height);
    let said = Event::BeaconDrawn {
        round: FIRST,
        output: drawn.output,
    };
    assert!(chain.transaction_events().contains(&said));
    assert_eq!(chain.beacon().open, None, "nobody waits for another");
}

#[test]
fn an_output_depends_on_each_value_on_the_chain_and_on_the_output_before() {
    let output = |values: [u8; 4]| {
        let mut chain = opened();
        let (attempt, chain_id) = (chain.attempt(), chain.machine.chain_id());
        for (member, value) in VALIDATORS.into_iter().zip(values) {
            let commitment = attempt.commitment(chain_id, member, &[value; 32]);
            chain.must(
                member,
                tacit_ledger::network::Action::BeaconCommit {
                    attempt,
                    commitment,
                },
            );
            if member == QUERIER {
                // All four within the window of three blocks.
                break;
            }
        }
        chain.pass_before(chain.beacon().open.expect("open").commit_until + 1);
        for (member, value) in VALIDATORS.into_iter().zip(values).take(2) {
            let value = [value; 32];
            chain.must(
                member,
                tacit_ledger::network::Action::BeaconReveal { attempt, value },
            );
        }
        chain.beacon().output
    };
    let first = output([1, 2, 0, 0]);
    assert_eq!(first, output([1, 2, 0, 0]));
    assert_ne!(first, output([3, 2, 0, 0]));
    assert_ne!(first, output([1, 3, 0, 0]));
    // The same values in the next round give another output.
    let mut chain = opened();
    let before = chain.draw().output;
    publish_next(&mut chain, 1);
    assert_ne!(chain.draw().output, before);
}

#[test]
fn what_is_asked_for_while_a_round_is_open_waits_for_the_next() {
    let mut chain = opened();
    assert_eq!(chain.sampling(first()).round, FIRST);
    let second = publish_next(&mut chain, 1);
    assert_eq!(second, RoundId(2));
    chain.draw();
    // The one that was waited for opened with the output of the first.
    assert_eq!(chain.attempt().round, second);
    assert_eq!(publish_next(&mut chain, 2), RoundId(3));
    chain.draw();
    chain.draw();
    assert_eq!(chain.beacon().open, None);
    assert_eq!(chain.beacon().last, RoundId(3));
}

#[test]
fn two_that_ask_in_one_block_share_a_round() {
    let mut chain = Chain::that_samples();
    let both = [publish(first()), publish(version(LIST, EPOCH, 1))];
    let sequence = read::next_sequence(&chain.state, OWNER).expect("a map");
    let envelopes: Vec<_> = (sequence..)
        .zip(&both)
        .map(|(sequence, action)| chain.envelope_numbered(OWNER, sequence, action))
        .collect();
    assert_eq!(chain.block(&envelopes), [Outcome::Applied; 2]);
    assert_eq!(chain.sampling(first()).round, FIRST);
    assert_eq!(chain.sampling(version(LIST, EPOCH, 1)).round, FIRST);
}

#[test]
fn whoever_withholds_a_value_pays_and_the_round_ends_without_it() {
    let mut chain = opened();
    let attempt = chain.attempt();
    let before = chain.deposit(FOURTH);
    chain.commit_together(&VALIDATORS);
    chain.reveal_together(&[OWNER, QUERIER, THIRD]);
    let open = chain.beacon().open.expect("one value is waited for");
    chain.pass_before(open.reveal_until + 1);
    assert!(chain.beacon().open.is_some());
    chain.pass(1);
    let withheld = Event::BeaconWithheld {
        attempt,
        member: FOURTH,
        burnt_minor: BEACON_PENALTY,
    };
    assert!(chain.block_events().contains(&withheld));
    assert_eq!(chain.beacon().last, FIRST);
    let after = chain.deposit(FOURTH);
    assert_eq!(before.free_minor - after.free_minor, BEACON_PENALTY);
    // Whoever did not commit withheld nothing.
    publish_next(&mut chain, 1);
    chain.commit_together(&[OWNER, QUERIER]);
    chain.pass_before(chain.beacon().open.expect("open").commit_until + 1);
    chain.reveal_together(&[OWNER, QUERIER]);
    assert_eq!(chain.beacon().last, RoundId(2), "one of two is honest");
    let since = chain.deposit(FOURTH);
    assert_eq!(since, after);
}

#[test]
fn too_few_values_begin_the_round_again_with_fresh_ones() {
    let mut chain = opened();
    let attempt = chain.attempt();
    chain.commit_together(&[OWNER]);
    chain.pass_before(chain.beacon().open.expect("open").commit_until + 1);
    chain.reveal_together(&[OWNER]);
    let again = Attempt {
        round: FIRST,
        number: 1,
    };
    assert_eq!(chain.attempt(), again);
    assert_eq!(chain.beacon().last, RoundId(0), "no output of one value");
    // What was said in the first attempt counts for nothing.
    let old = chain.beacon_commit(attempt, OWNER);
    chain.refused(OWNER, old);
    assert_eq!(chain.draw().round, FIRST);
    // A round of which nobody takes notice is begun again too.
    let second = publish_next(&mut chain, 1);
    chain.pass(2 * BEACON_WINDOW + 1);
    assert_eq!(
        chain.attempt(),
        Attempt {
            round: second,
            number: 1
        }
    );
}

#[test]
fn nobody_can_reveal_before_all_have_committed_or_their_time_is_up() {
    let mut chain = opened();
    let attempt = chain.attempt();
    chain.commit_together(&[OWNER, QUERIER, THIRD]);
    chain.refused(OWNER, beacon_reveal(attempt, OWNER));
    chain.pass_before(chain.beacon().open.expect("open").commit_until + 1);
    let late = chain.beacon_commit(attempt, FOURTH);
    chain.refused(FOURTH, late);
    chain.reveal_together(&[OWNER, QUERIER]);
    assert_eq!(chain.attempt(), attempt, "a third value is waited for");
}

fn output(bytes: [u8; 32]) -> BeaconOutput {
    BeaconOutput {
        round: FIRST,
        output: Digest(bytes),
        height: 1,
    }
}

proptest! {
    #[test]
    fn a_draw_gives_different_numbers_of_the_range_and_depends_on_its_purpose(
        bytes: [u8; 32],
        purpose: [u8; 32],
        count in 0_usize..=16,
        of in 1_u32..=5_000,
    ) {
        let drawn = output(bytes).draw(&Digest(purpose), count, of);
        prop_assert_eq!(drawn.len(), count.min(of as usize));
        prop_assert!(drawn.iter().all(|number| (1..=of).contains(number)));
        let mut sorted = drawn.clone();
        sorted.sort_unstable();
        sorted.dedup();
        prop_assert_eq!(sorted.len(), drawn.len());
        prop_assert_eq!(&drawn, &output(bytes).draw(&Digest(purpose), count, of));
    }
}

#[test]
fn draws_are_even_and_differ_by_output_and_purpose() {
    let mut seen = [0_u32; 10];
    for seed in 0..=255_u8 {
        let drawn = output([seed; 32]).draw(&Digest([0; 32]), 4, 10);
        drawn
            .iter()
            .for_each(|number| seen[*number as usize - 1] += 1);
    }
    // 1,024 numbers: about 102 of each, and 50 is five standard deviations away.
    assert!(
        seen.iter().all(|count| (52..=152).contains(count)),
        "{seen:?}"
    );
    let one = output([1; 32]).draw(&Digest([0; 32]), 16, u32::MAX);
    let purpose = output([1; 32]).draw(&Digest([1; 32]), 16, u32::MAX);
    let round = output([2; 32]).draw(&Digest([0; 32]), 16, u32::MAX);
    assert!(one != purpose && one != round);
}
