//! How far a domain can be walked through.

use proptest::prelude::*;
use tacit_circuits::identifier::IdentifierType;
use tacit_ledger::kernel::{MemberId, Role, StateView};
use tacit_ledger::network::coverage::{Coverage, WARNING_MILLIONTHS, coverage, domain_size};
use tacit_ledger::network::parameters::CategoryId;
use tacit_ledger::network::{Action, Category, Change};

use crate::support::*;

fn of(view: &dyn StateView, kind: IdentifierType, days: u16) -> Coverage {
    let all = coverage(view, days).expect("a map");
    let mut of_type = all.into_iter().filter(|found| found.kind == kind);
    of_type.next().expect("a list holds it")
}

fn capped(cap: u32) -> Chain {
    let mut terms = category(1);
    terms.daily_cap_calls = cap;
    let mut chain = Chain::with(|network| network.categories = bounded(vec![terms]));
    chain.prepare_list();
    chain
}

#[test]
fn what_each_group_can_try_and_all_of_them_is_a_share_of_the_domain() {
    let chain = capped(1_000);
    let phones = of(&chain.state, IdentifierType::Phone, 30);
    assert_eq!((phones.category, phones.lists), (CategoryId(1), 1));
    assert_eq!(phones.calls_of_group, 30_000);
    let price = u64::from(PRICE_MINOR);
    let cost = (phones.cost_minor.least, phones.cost_minor.most);
    assert_eq!(cost, (30_000 * price, 30_000 * price));
    // 30,000 of 1.7·10⁹ are 17.6 millionths.
    assert_eq!(phones.group_millionths, Some(18));
    let together = u64::from(phones.groups) * 30_000;
    let expected = (together * 1_000_000).div_ceil(1_700_000_000);
    assert_eq!(phones.all_millionths, Some(expected));
    assert!(!phones.is_too_wide());
}

#[test]
fn groups_count_once_and_those_without_active_members_do_not() {
    let mut chain = capped(1_000);
    let before = of(&chain.state, IdentifierType::Phone, 1).groups;
    let groups = |chain: &Chain| of(&chain.state, IdentifierType::Phone, 1).groups;
    let mut admit = |id: u32, role: Role| {
        let newcomer = candidate(MemberId(id), "Newcomers", role);
        chain.carry(Change::Admit(newcomer)).expect("carried");
        groups(&chain)
    };
    assert_eq!(admit(7, Role::Observer), before);
    assert_eq!(admit(8, Role::Member), before + 1);
    let change = Change::Remove {
        member: MemberId(8),
    };
    chain.carry_among(6, change).expect("carried");
    assert_eq!(groups(&chain), before);
}

#[test]
fn the_members_are_warned_above_one_hundredth() {
    let chain = capped(1_000_000);
    let size = domain_size(IdentifierType::Phone)
        .expect("counted")
        .identifiers;
    let groups = u64::from(of(&chain.state, IdentifierType::Phone, 1).groups);
    // So many days fill one hundredth of the domain at the most.
    let days = size / 100 / (groups * 1_000_000);
    let days = u16::try_from(days).expect("few");
    let within = of(&chain.state, IdentifierType::Phone, days);
    assert!(
        within.all_millionths <= Some(WARNING_MILLIONTHS),
        "{within:?}"
    );
    assert!(!within.is_too_wide());
    let above = of(&chain.state, IdentifierType::Phone, days + 1);
    assert!(above.is_too_wide(), "{above:?}");
    // All of it is the most.
    let all = of(&chain.state, IdentifierType::Phone, u16::MAX);
    assert_eq!(all.all_millionths, Some(1_000_000));
}

#[test]
fn only_standing_lists_count_and_a_poor_rating_makes_walking_cheaper() {
    let mut chain = capped(1_000);
    chain.must(THIRD, fraud_proof(first()));
    let cost = of(&chain.state, IdentifierType::Phone, 2).cost_minor;
    // Rated 50, with half of the price that goes with the rating.
    assert_eq!(cost.least, 2_000 * u64::from(PRICE_MINOR) * 3 / 4);
    assert_eq!(cost.least, cost.most);
    chain.must(OWNER, Action::WithdrawList { list: LIST });
    assert_eq!(coverage(&chain.state, 2), Ok(Vec::new()));
}

#[test]
fn what_nobody_counts_has_no_share() {
    for kind in IdentifierType::ALL {
        let counted = domain_size(kind);
        let open = matches!(
            kind,
            IdentifierType::BankAccount
                | IdentifierType::Email
                | IdentifierType::Device
                | IdentifierType::Text
        );
        assert_eq!(counted.is_none(), open, "{kind}");
        assert!(counted.is_none_or(|size| size.identifiers > 0));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_wider_cap_and_a_longer_epoch_never_show_less(
        caps in prop::collection::vec(any::<u32>(), 2),
        days in prop::collection::vec(any::<u16>(), 2),
    ) {
        let mut chain = capped(1);
        let shown = |chain: &mut Chain, cap: u32, days: u16| {
            let terms = Category { daily_cap_calls: cap, ..category(1) };
            chain.carry(Change::ChangeCategory(terms)).expect("carried");
            of(&chain.state, IdentifierType::Phone, days)
        };
        let narrow = shown(&mut chain, caps[0].min(caps[1]), days[0].min(days[1]));
        let wide = shown(&mut chain, caps[0].max(caps[1]), days[0].max(days[1]));
        prop_assert!(narrow.all_millionths <= wide.all_millionths);
        prop_assert!(narrow.group_millionths <= narrow.all_millionths);
        prop_assert!(narrow.calls_of_group <= wide.calls_of_group);
        prop_assert!(narrow.cost_minor.most <= wide.cost_minor.most);
    }
}
