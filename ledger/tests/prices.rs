//! Progressive prices, and caps of whole groups.

use proptest::prelude::*;
use tacit_ledger::kernel::Reject;
use tacit_ledger::network::parameters::{
    CategoryId, MAX_PRICE_MINOR, MAX_RATING_PRICE_PERCENT, Surcharge,
};
use tacit_ledger::network::price::{rated, session_price};
use tacit_ledger::network::{Category, Change, MAX_RATING, SessionId, read};

use crate::support::*;

fn progressive(steps: &[(u32, u16)]) -> Category {
    let steps = steps.iter().map(|(from_calls, percent)| Surcharge {
        from_calls: *from_calls,
        percent: *percent,
    });
    Category {
        surcharges: bounded(steps.collect()),
        daily_cap_calls: 1_000,
        ..category(1)
    }
}

fn chain_of(terms: Category) -> Chain {
    let mut chain = Chain::with(|network| network.categories = bounded(vec![terms]));
    chain.prepare_list();
    chain
}

fn price(chain: &Chain, session: u64) -> u32 {
    chain.session(SessionId(session)).expect("open").price_minor
}

#[test]
fn a_session_costs_what_the_calls_before_it_make_it_cost_and_keeps_that() {
    let mut chain = chain_of(progressive(&[(10, 50), (20, 300)]));
    chain.open_one(QUERIER);
    chain.log_calls(0, 9);
    chain.open_one(QUERIER);
    let one_more = chain.batch(1, 1);
    chain.must(OWNER, one_more);
    chain.open_one(QUERIER);
    let ten_more = chain.batch(2, 10);
    chain.must(OWNER, ten_more);
    chain.open_one(QUERIER);
    let prices: Vec<_> = (1..=4).map(|session| price(&chain, session)).collect();
    assert_eq!(prices, [100, 100, 150, 400]);
    // A batch at another price than the session's is refused, whatever the price is now.
    let cheap = chain.changed_batch(0, 1, |request| request.session.0 = 3);
    assert_eq!(chain.refused(OWNER, cheap), Reject::PRICE_MISMATCH);
    let dear = chain.changed_batch(0, 1, |request| {
        request.session.0 = 3;
        request.price_minor = 150;
    });
    chain.must(OWNER, dear);
    // The next date begins at the price of the list.
    chain.begin_date(chain.today().after(1));
    chain.open_one(QUERIER);
    assert_eq!(price(&chain, 5), PRICE_MINOR);
}

#[test]
fn a_group_pays_and_is_capped_for_all_its_members() {
    // Of another group than the list's owner, two members.
    let group = |network: &mut tacit_ledger::network::NetworkGenesis| {
        let mut members = network.members.clone().into_vec();
        members[2].candidate.group = members[1].candidate.group.clone();
        network.members = bounded(members);
        network.categories = bounded(vec![Category {
            daily_cap_calls: DAILY_CAP,
            ..progressive(&[(30, 10)])
        }]);
    };
    let mut chain = Chain::with(group);
    chain.must(OWNER, create_list());
    chain.register_epoch(OWNER, LIST, EPOCH).expect("a new key");
    chain.activate(OWNER, first());
    chain.open_one(QUERIER);
    chain.open_one(THIRD);
    let all = chain.batch(0, CAP as usize);
    chain.must(OWNER, all);
    for member in [QUERIER, THIRD] {
        assert_eq!(read::calls_today(&chain.state, member, LIST), Ok(CAP));
    }
    assert_eq!(read::calls_today(&chain.state, FOURTH, LIST), Ok(0));
    let of_sister = |chain: &Chain, calls: usize| {
        chain.changed_batch(0, calls, |request| {
            request.session.0 = 2;
            request.querier = THIRD;
        })
    };
    let rest = (DAILY_CAP - CAP) as usize;
    let too_many = of_sister(&chain, rest + 1);
    assert_eq!(chain.refused(OWNER, too_many), Reject::DAILY_CAP_REACHED);
    let as_many = of_sister(&chain, rest);
    chain.must(OWNER, as_many);
    // The sister's next session is dearer for what the group asked.
    chain.open_one(THIRD);
    chain.open_one(FOURTH);
    assert_eq!((price(&chain, 3), price(&chain, 4)), (110, 100));
}

#[test]
fn steps_that_would_reward_asking_more_are_refused() {
    let refused = [
        progressive(&[(0, 10)]),
        progressive(&[(5, 0)]),
        progressive(&[(5, 10), (5, 20)]),
        progressive(&[(5, 20), (6, 20)]),
        progressive(&[(5, 20), (9, 10)]),
        Category {
            price_minor: MAX_PRICE_MINOR,
            ..progressive(&[(5, 1)])
        },
    ];
    for terms in refused {
        assert_eq!(terms.check(), Err(Reject::VALUE_OUT_OF_RANGE), "{terms:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whoever_asks_more_never_pays_less_and_no_price_exceeds_the_highest(
        price_minor in 0..=MAX_PRICE_MINOR,
        steps in prop::collection::btree_map(1..5_000_u32, 1..2_000_u16, 0..8),
        calls in prop::collection::vec(0..6_000_u32, 2),
    ) {
        let mut percents: Vec<_> = steps.values().copied().collect();
        percents.sort_unstable();
        let steps: Vec<_> = steps.keys().copied().zip(percents).collect();
        let terms = Category { price_minor, reward_minor: 0, ..progressive(&steps) };
        let (few, many) = (calls[0].min(calls[1]), calls[0].max(calls[1]));
        if terms.check().is_ok() {
            prop_assert!(terms.price_after(few) <= terms.price_after(many));
            prop_assert!(terms.price_after(many) <= MAX_PRICE_MINOR);
            prop_assert_eq!(terms.price_after(0), price_minor);
        }
    }
}

#[test]
fn who_lost_trust_is_asked_for_less_in_sessions_that_are_opened_from_then_on() {
    let mut chain = chain_of(progressive(&[]));
    chain.open_one(QUERIER);
    let at_height = chain.height;
    assert_eq!(price(&chain, 1), PRICE_MINOR);
    // A proven fraud: the rating is 50, and half of a price goes with it.
    chain.must(THIRD, fraud_proof(first()));
    assert!(chain.height > at_height);
    assert_eq!(chain.rating(OWNER), 50);
    let next = version(LIST, EPOCH, 1);
    chain.activate(OWNER, next);
    // It attested the version, and paid for that.
    chain.fill_deposit(QUERIER);
    chain.open_one(QUERIER);
    assert_eq!((price(&chain, 1), price(&chain, 2)), (100, 75));
    let said = |percent: u8| {
        let mut chain = chain.clone();
        let mut other = read::parameters(&chain.state).expect("a map");
        other.rating_price_percent = percent;
        chain.carry(Change::SetParameters(other)).expect("carried");
        let terms = read::category(&chain.state, CategoryId(1)).expect("a map");
        let list = read::list(&chain.state, LIST).expect("a map");
        let (terms, list) = (terms.expect("there"), list.expect("there"));
        let said = session_price(&chain.state, QUERIER, &list, &terms).expect("a map");
        chain.open_one(QUERIER);
        assert_eq!(price(&chain, 3), said);
        said
    };
    assert_eq!([0, 1, 90].map(said), [100, 100, 55]);
}

#[test]
fn more_of_a_price_than_may_go_with_a_rating_is_refused() {
    let parameters = |percent| tacit_ledger::network::Parameters {
        rating_price_percent: percent,
        ..Default::default()
    };
    assert_eq!(parameters(MAX_RATING_PRICE_PERCENT).check(), Ok(()));
    assert_eq!(
        parameters(MAX_RATING_PRICE_PERCENT + 1).check(),
        Err(Reject::VALUE_OUT_OF_RANGE)
    );
}

proptest! {
    #[test]
    fn a_lower_rating_never_costs_more_and_nothing_becomes_free(
        price_minor in 1..=MAX_PRICE_MINOR,
        ratings in prop::collection::vec(0..=MAX_RATING, 2),
        percent in 0..=MAX_RATING_PRICE_PERCENT,
    ) {
        let (low, high) = (ratings[0].min(ratings[1]), ratings[0].max(ratings[1]));
        prop_assert!(rated(price_minor, low, percent) <= rated(price_minor, high, percent));
        prop_assert!(rated(price_minor, low, percent) > 0);
        prop_assert_eq!(rated(price_minor, MAX_RATING, percent), price_minor);
        prop_assert_eq!(rated(price_minor, low, 0), price_minor);
        prop_assert_eq!(rated(0, low, percent), 0);
    }
}
