//! Ratings.

use proptest::prelude::*;
use tacit_ledger::network::record::*;
use tacit_ledger::network::{Change, read};

use crate::support::*;

#[test]
fn everybody_begins_with_the_highest() {
    let chain = Chain::that_disputes();
    for member in [OWNER, QUERIER, OTHERS[0], OBSERVER, NOBODY] {
        let rating = read::rating(&chain.state, member).expect("a map");
        assert_eq!((rating.value, rating.changes), (MAX_RATING, Vec::new()));
    }
}

#[test]
fn a_lost_dispute_is_forgotten_by_the_day() {
    let mut chain = ruled(Ruling::Upheld);
    let start = chain.today();
    // Ten points in thirty days: a point in three.
    for (days, rating) in [
        (0, 90),
        (1, 90),
        (2, 90),
        (3, 91),
        (5, 91),
        (29, 99),
        (30, 100),
    ] {
        chain.time_ms = u64::try_from(start.0).expect("after 1970") * DAY_MS;
        let mut later = chain.clone();
        if days > 0 {
            later.begin_date(start.after(days));
        }
        assert_eq!(later.rating(OWNER), rating, "after {days} days");
        // Why it is what it is stays to be read.
        let reasons = [RatingReason::DisputeUpheld(DISPUTE)];
        assert_eq!(later.reasons(OWNER), reasons);
    }
}

#[test]
fn why_a_rating_is_what_it_is_can_be_read() {
    let mut chain = ruled(Ruling::Upheld);
    let date = chain.today();
    chain.must(THIRD, fraud_proof(first()));
    let rating = read::rating(&chain.state, OWNER).expect("a map");
    let change = |reason, points, rating| RatingChange {
        reason,
        points,
        rating,
        date,
    };
    let changes = [
        change(RatingReason::FraudProven(first()), 50, 40),
        change(RatingReason::DisputeUpheld(DISPUTE), 10, 90),
    ];
    assert_eq!(rating.value, 40);
    assert_eq!(rating.changes, changes);
}

#[test]
fn without_recovery_a_rating_stays_and_a_vote_lets_it_rise() {
    let mut chain = Chain::that_disputes_with(|network| {
        network.parameters.rating_recovery_points = 0;
    });
    chain.must(THIRD, fraud_proof(first()));
    chain.begin_date(chain.today().after(300));
    assert_eq!(chain.rating(OWNER), 50);
    let mut other = read::parameters(&chain.state).expect("a map");
    other.rating_recovery_points = 1;
    chain.carry_widely(Change::SetParameters(other));
    assert_eq!(chain.rating(OWNER), 60);
}

#[test]
fn the_latest_changes_are_listed_and_none_falls_below_nothing() {
    let mut chain = Chain::that_disputes();
    let count = MAX_RATING_CHANGES as u32 + 3;
    for number in 0..count {
        let id = version(LIST, EPOCH, number);
        if number > 0 {
            chain.must_publish(OWNER, id);
        }
        chain.must(THIRD, fraud_proof(id));
    }
    let rating = read::rating(&chain.state, OWNER).expect("a map");
    assert_eq!(rating.value, 0);
    let listed: Vec<_> = rating.changes.iter().map(|change| change.reason).collect();
    let newest_first = (3..count).rev();
    let expected =
        newest_first.map(|number| RatingReason::FraudProven(version(LIST, EPOCH, number)));
    assert_eq!(listed, expected.collect::<Vec<_>>());
    // From nothing it rises like any other.
    chain.begin_date(chain.today().after(30));
    assert_eq!(chain.rating(OWNER), RECOVERY);
}

#[test]
fn a_version_that_was_not_proven_costs_its_owner_rating() {
    let mut chain = SAMPLED_WORLD.chain.clone();
    while chain.rating(OWNER) == MAX_RATING {
        assert!(chain.height < 200, "nothing happened");
        chain.pass(1);
    }
    assert!(matches!(
        chain.status(first()),
        PublicationStatus::Unproven { .. }
    ));
    assert_eq!(chain.rating(OWNER), 80);
    let reasons = [RatingReason::PublicationUnproven(first())];
    assert_eq!(chain.reasons(OWNER), reasons);
}

#[test]
fn a_rating_weighs_on_the_reward_for_served_requests_and_not_on_their_price() {
    let mut chain = Chain::with_session();
    let history = |chain: &Chain| read::history(&chain.state, OWNER).expect("a map");
    let action = chain.batch(0, 3);
    chain.must(OWNER, action);
    chain.collect(SESSION);
    let full = u64::from(REWARD_MINOR);
    assert_eq!(history(&chain).rewarded_minor, full);
    // A version that never was active is enough to lose half of the rating.
    let pending = version(LIST, EPOCH, 1);
    chain.must(OWNER, publish(pending));
    chain.must(THIRD, fraud_proof(pending));
    assert_eq!(chain.rating(OWNER), 50);
    let before = (history(&chain), chain.available(OWNER));
    let action = chain.batch(1, 3);
    chain.must(OWNER, action);
    chain.collect(SESSION);
    let after = history(&chain);
    assert_eq!(after.rewarded_minor - before.0.rewarded_minor, full / 2);
    let price = 3 * u64::from(PRICE_MINOR);
    assert_eq!(chain.available(OWNER) - before.1, price + full / 2);
}

#[test]
fn to_say_nothing_is_never_better_than_to_lose_and_to_give_in_is_best() {
    let points = |reason: fn(DisputeId) -> RatingReason| reason(DISPUTE).points();
    let given_in = points(RatingReason::EntryWithdrawn);
    let lost = points(RatingReason::DisputeUpheld);
    let silent = points(RatingReason::DisputeUnanswered);
    assert!(given_in < lost && lost < silent);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// A rating recovers by the same whether it is looked at every day or once.
    #[test]
    fn looking_at_a_rating_does_not_change_it(days in 1..60_u16, losses in 1..4_u32) {
        let mut chain = Chain::with(|network| network.parameters.rating_recovery_points = 7);
        chain.must(OWNER, create_list());
        chain.register_epoch(OWNER, LIST, EPOCH).expect("a new key");
        for number in 0..losses {
            chain.must_publish(OWNER, version(LIST, EPOCH, number));
            chain.must(THIRD, fraud_proof(version(LIST, EPOCH, number)));
        }
        let lacking = (50 * losses).min(100) * 30;
        let left = lacking.saturating_sub(7 * u32::from(days)).div_ceil(30);
        chain.begin_date(chain.today().after(days));
        prop_assert_eq!(u32::from(chain.rating(OWNER)), 100 - left);
    }
}
