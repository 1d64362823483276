//! Progressive prices, and caps of whole groups.

use proptest::prelude::*;
use tacit_ledger::kernel::Reject;
use tacit_ledger::network::parameters::{MAX_PRICE_MINOR, Surcharge};
use tacit_ledger::network::{Category, SessionId, read};

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
        request.cumulative_minor = 150;
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
