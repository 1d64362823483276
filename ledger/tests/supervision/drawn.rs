//! Calls that the beacon draws.

use proptest::prelude::*;
use std::collections::BTreeSet;
use tacit_ledger::kernel::{BusinessDate, ChainId, Digest, MemberId};
use tacit_ledger::network::record::*;
use tacit_ledger::network::supervision::drawn_calls;
use tacit_ledger::network::{Change, Event, read};

use crate::support::*;

fn output(bytes: [u8; 32]) -> BeaconOutput {
    BeaconOutput {
        round: RoundId(1),
        output: Digest(bytes),
        height: 1,
    }
}

fn draw(rate: u32, counts: &[u32]) -> CallDraw {
    let counts = counts.iter().zip(1..).map(|(calls, id)| CallCount {
        member: MemberId(id),
        calls: *calls,
    });
    CallDraw {
        date: BusinessDate(3),
        round: RoundId(1),
        rate,
        counts: bounded(counts.collect()),
        done: 0,
    }
}

/// Logs calls on a date, and begins the next one.
fn after_a_day(calls: usize) -> (Chain, BusinessDate) {
    let mut chain = WATCHED.clone();
    let date = chain.today();
    chain.log_calls(0, calls);
    assert_eq!(chain.beacon().open, None);
    chain.begin_date(date.after(1));
    (chain, date)
}

#[test]
fn calls_of_a_date_are_drawn_when_it_is_over_and_demanded() {
    let (mut chain, date) = after_a_day(30);
    let asked = chain.call_draw(date).expect("asked of the beacon");
    let requested = Event::CallDrawRequested {
        date,
        round: asked.round,
        rate: OPENING_RATE,
        calls: 30,
    };
    assert!(chain.block_events().contains(&requested));
    // The round begins with the date's end: nobody has committed to anything before.
    let open = chain.beacon().open.expect("open");
    assert_eq!(
        (open.attempt.round, open.opened_height),
        (asked.round, chain.height)
    );
    chain.draw_panels();
    let drawn = read::beacon_output(&chain.state, asked.round).expect("a map");
    let rule = drawn_calls(chain.machine.chain_id(), &drawn.expect("drawn"), &asked);
    let [(member, calls)] = &rule[..] else {
        panic!("one member asked: {rule:?}")
    };
    assert_eq!((*member, calls.len()), (QUERIER, 3));
    let until = date.after(1 + OPENING_DAYS);
    let demanded = chain.disclosure(DEMAND);
    assert_eq!((demanded.member, demanded.until), (QUERIER, until));
    let calls: DrawnCalls = bounded(calls.clone());
    assert_eq!(demanded.cause, DisclosureCause::Drawn { date, calls });
    assert_eq!(chain.call_draw(date), None);
    // All supervisors see it, and the member answers it like any other.
    let seen = read::disclosures_for(&chain.state, OBSERVER);
    assert_eq!(seen, Ok(vec![demanded]));
    chain.must(QUERIER, disclose(DEMAND));
}

#[test]
fn drawn_calls_that_are_not_opened_are_a_breach_after_the_last_date() {
    let (mut chain, date) = after_a_day(30);
    chain.draw_panels();
    let before = chain.available(QUERIER);
    chain.end_of_date(date.after(1 + OPENING_DAYS));
    chain.pass(1);
    assert!(chain.disclosure(DEMAND).is_open());
    chain.pass(1);
    assert_eq!(
        chain.reasons(QUERIER),
        [RatingReason::DisclosureMissed(DEMAND)]
    );
    assert_eq!(chain.available(QUERIER), before - DISCLOSURE_PENALTY);
}

#[test]
fn nothing_is_counted_or_drawn_where_the_members_want_none() {
    let mut chain = Chain::with_session();
    let date = chain.today();
    chain.log_calls(0, 10);
    let asked = read::asked_calls(&chain.state, QUERIER).expect("a map");
    assert_eq!(asked, AskedCalls::default());
    chain.begin_date(date.after(1));
    assert_eq!(chain.call_draw(date), None);
    assert_eq!(chain.beacon().open, None);
}

#[test]
fn a_rate_that_is_voted_away_before_the_date_is_over_draws_nothing() {
    let mut chain = WATCHED.clone();
    let date = chain.today();
    chain.log_calls(0, 20);
    let mut other = read::parameters(&chain.state).expect("a map");
    other.opening_rate = 0;
    chain.carry(Change::SetParameters(other)).expect("carried");
    chain.begin_date(date.after(1));
    assert_eq!(chain.call_draw(date), None);
}

#[test]
fn nothing_is_drawn_where_nobody_watches_and_a_date_without_calls_asks_for_nothing() {
    let mut chain = WATCHED.clone();
    chain
        .carry(Change::Remove { member: OBSERVER })
        .expect("carried");
    let date = chain.today();
    chain.log_calls(0, 20);
    chain.begin_date(date.after(1));
    assert_eq!(chain.call_draw(date), None);

    let mut quiet = WATCHED.clone();
    let date = quiet.today();
    quiet.begin_date(date.after(1));
    assert_eq!((quiet.call_draw(date), quiet.beacon().open), (None, None));
}

#[test]
fn a_call_counts_on_the_date_on_which_it_is_logged() {
    let (mut chain, date) = after_a_day(20);
    chain.draw_panels();
    let next = chain.today();
    assert_eq!(next, date.after(1));
    chain.open_one(QUERIER);
    let action = chain.changed_batch(0, 10, |request| request.session.0 = 2);
    chain.must(OWNER, action);
    let asked = read::asked_calls(&chain.state, QUERIER).expect("a map");
    assert_eq!((asked.on(date), asked.on(next)), (20, 10));
    chain.begin_date(next.after(1));
    let draw = chain.call_draw(next).expect("asked of the beacon");
    assert_eq!(draw.total(), 10);
    // A third date drops the first.
    let mut third = asked;
    let more = chain.today();
    assert_eq!(third.on(more), 0);
    third = read::asked_calls(&chain.state, QUERIER).expect("a map");
    assert_eq!(third, asked);
}

#[test]
fn many_dates_leave_a_bounded_number_of_records() {
    let mut chain = Chain::with(|network| {
        watching(network);
        network.parameters.opening_rate = 1;
        network.parameters.max_session_blocks = 1_000_000;
        network.parameters.disclosure_penalty_minor = 0;
    });
    chain.prepare_list();
    let mut long = opening(chain.height + 900_000);
    (long.cap_calls, long.escrow_minor) = (1_000, 1_000 * PRICE_MINOR);
    chain.open(QUERIER, &[long]);
    for sequence in 0..MAX_DISCLOSURES as u64 + 4 {
        let date = chain.today();
        let action = chain.batch(sequence, 1);
        chain.must(OWNER, action);
        chain.begin_date(date.after(1));
        chain.draw_panels();
        assert_eq!(chain.call_draw(date), None);
    }
    let recorded = read::disclosures_of(&chain.state, QUERIER).expect("a map");
    assert_eq!(recorded.len(), MAX_DISCLOSURES);
    let count = read::disclosure_count(&chain.state).expect("a map");
    assert_eq!(count, MAX_DISCLOSURES as u64 + 4);
    assert_eq!(recorded[0].id, DisclosureId(5));
}

#[test]
fn more_members_than_a_block_demands_of_follow_in_the_next() {
    let members = 40_u32;
    let mut chain = Chain::with(|network| {
        watching(network);
        network.parameters.opening_rate = 1;
        let mut all = crowd(members + 1);
        all[OBSERVER.0 as usize - 1] = tacit_ledger::network::GenesisMember {
            candidate: candidate(OBSERVER, "Supervisor", tacit_ledger::kernel::Role::Observer),
            validator: false,
        };
        network.members = bounded(all);
    });
    let all = || (1..=members + 1).map(MemberId).filter(|id| *id != OBSERVER);
    // What the calls of a day leave behind, as if each member had made two.
    let date = chain.today();
    for id in all() {
        let last = Some(DateCalls { date, calls: 2 });
        let asked = AskedCalls { last, before: None };
        let bytes = tacit_ledger::kernel::codec::encode(&asked);
        let key = tacit_ledger::network::keys::asked_calls(id);
        chain.state.insert(key, bytes);
    }
    chain.must(MemberId(1), create_list());
    chain
        .register_epoch(MemberId(1), LIST, EPOCH)
        .expect("a new key");
    chain.must(MemberId(1), publish(first()));
    for attester in all().skip(1).take(14) {
        chain.must(attester, attest(first()));
    }
    chain.open_one(QUERIER);
    let action = chain.batch(0, 1);
    chain.must(OWNER, action);
    chain.begin_date(date.after(1));
    assert_eq!(
        chain.call_draw(date).expect("asked").total(),
        2 * members + 1
    );
    let validators: Vec<_> = all().collect();
    chain.commit_together(&validators);
    chain.reveal_together(&validators);
    let mut demanded = Vec::new();
    while chain.call_draw(date).is_some() {
        chain.pass(1);
        let events = chain.block_events().into_iter();
        let of_block = events.filter(|event| matches!(event, Event::CallsDrawn { .. }));
        demanded.push(of_block.count());
        assert!(chain.rounds <= 12, "{} rounds", chain.rounds);
    }
    demanded.retain(|count| *count > 0);
    assert_eq!(demanded, [16, 16, 8]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn about_one_in_so_many_is_drawn_each_once_and_of_who_made_it(
        bytes in any::<[u8; 32]>(),
        rate in 1..200_u32,
        counts in prop::collection::vec(1..300_u32, 1..20),
    ) {
        let draw = draw(rate, &counts);
        let drawn = drawn_calls(ChainId([4; 32]), &output(bytes), &draw);
        prop_assert_eq!(&drawn, &drawn_calls(ChainId([4; 32]), &output(bytes), &draw));
        let (mut number, mut capped) = (0, false);
        for (member, calls) in &drawn {
            let made = counts[member.0 as usize - 1];
            prop_assert!(calls.is_sorted_by(|a, b| a < b));
            prop_assert!(calls.iter().all(|call| (1..=made).contains(call)));
            prop_assert!(calls.len() <= MAX_DRAWN_CALLS);
            capped |= calls.len() == MAX_DRAWN_CALLS;
            number += calls.len();
        }
        let members: BTreeSet<_> = drawn.iter().map(|(member, _)| member).collect();
        prop_assert_eq!(members.len(), drawn.len());
        let total = counts.iter().sum::<u32>() as usize;
        let least = (total / rate as usize).min(MAX_DRAWN_ON_DATE);
        let most = total.div_ceil(rate as usize).min(MAX_DRAWN_ON_DATE);
        prop_assert!(number <= most);
        prop_assert!(capped || number >= least, "{} of {}", number, total);
    }
}

#[test]
fn over_many_dates_each_call_is_drawn_alike() {
    let draw = draw(10, &[1, 30, 2]);
    let (rounds, mut times) = (3_000_u32, [0_u32; 3]);
    for round in 0..rounds {
        let mut bytes = [0; 32];
        bytes[..4].copy_from_slice(&round.to_le_bytes());
        for (member, calls) in drawn_calls(ChainId([4; 32]), &output(bytes), &draw) {
            times[member.0 as usize - 1] += calls.len() as u32;
        }
    }
    // A call is drawn 300 times in 3,000 dates, give or take five standard deviations of 17 or less for each.
    let near = |times: u32, expected: u32, spread: u32| times.abs_diff(expected) <= spread;
    assert!(near(times[0], 300, 85), "{times:?}");
    assert!(near(times[1], 9_000, 470), "{times:?}");
    assert!(near(times[2], 600, 120), "{times:?}");
}

#[test]
fn what_is_drawn_of_a_flood_is_bounded() {
    let flood = draw(1, &[u32::MAX / 2, u32::MAX / 2, 9]);
    let drawn = drawn_calls(ChainId([4; 32]), &output([7; 32]), &flood);
    let all: usize = drawn.iter().map(|(_, calls)| calls.len()).sum();
    assert!(all <= 2 * MAX_DRAWN_CALLS + 9, "{all}");
    let none = drawn_calls(ChainId([4; 32]), &output([7; 32]), &draw(5, &[]));
    assert!(none.is_empty());
}
