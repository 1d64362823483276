//! What holds of views and disclosures whatever parties do: quota adds up after every block, see
//! [`Chain::block`], records stay bounded, and every demand comes to an end.

use proptest::prelude::*;
use tacit_ledger::kernel::MemberId;
use tacit_ledger::network::record::*;
use tacit_ledger::network::{Action, read};

use crate::support::*;

#[derive(Clone, Debug)]
enum Attempt {
    Grant(u16),
    Revoke(u64),
    Use(u64),
    Demand(u32, u16),
    Answer(u64),
    Log(usize),
    Draw,
    Days(u16),
}

fn attempt() -> impl Strategy<Value = Attempt> {
    let number = || 1..12_u64;
    prop_oneof![
        8 => (0..6_u16).prop_map(Attempt::Grant),
        3 => number().prop_map(Attempt::Revoke),
        10 => number().prop_map(Attempt::Use),
        12 => (1..=6_u32, 0..6_u16).prop_map(|(member, days)| Attempt::Demand(member, days)),
        12 => number().prop_map(Attempt::Answer),
        12 => (1..9_usize).prop_map(Attempt::Log),
        8 => Just(Attempt::Draw),
        10 => (1..4_u16).prop_map(Attempt::Days),
    ]
}

fn act(chain: &mut Chain, sequence: &mut u64, who: MemberId, attempt: &Attempt) {
    let action = match *attempt {
        Attempt::Grant(days) => grant_view(chain, days),
        Attempt::Revoke(number) => revoke_view(ViewId(number)),
        Attempt::Use(number) => use_view(ViewId(number)),
        Attempt::Demand(member, days) => demand_of(MemberId(member), days),
        Attempt::Answer(number) => disclose(DisclosureId(number)),
        Attempt::Log(calls) => {
            let action = chain.batch(*sequence, calls);
            *sequence += 1;
            let _ = chain.act(OWNER, action);
            return;
        }
        Attempt::Draw => {
            if chain.beacon().open.is_some() {
                chain.draw_panels();
            }
            return;
        }
        Attempt::Days(days) => {
            chain.begin_date(chain.today().after(days));
            return;
        }
    };
    let who = match action {
        Action::RecordViewUse { .. } | Action::RequestDisclosure { .. } if who == QUERIER => {
            OBSERVER
        }
        _ => who,
    };
    let _ = chain.act(who, action);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_demand_ends_and_costs_who_was_silent_alone(
        attempts in prop::collection::vec((attempt(), 2..=6_u32), 10..60),
    ) {
        let mut chain = WATCHED.clone();
        let mut sequence = 0;
        for (attempt, who) in &attempts {
            act(&mut chain, &mut sequence, MemberId(*who), attempt);
        }
        // Two dates for the last draws, and then as many as a demand may take.
        for _ in 0..2 {
            chain.begin_date(chain.today().after(1));
            while chain.beacon().open.is_some() {
                chain.draw_panels();
            }
        }
        chain.begin_date(chain.today().after(6));
        chain.pass(2);
        let count = read::disclosure_count(&chain.state).expect("a map");
        let mut missed = 0;
        for number in 1..=count {
            let demand = read::disclosure(&chain.state, DisclosureId(number)).expect("a map");
            let demand = demand.expect("fewer than make room");
            prop_assert!(!demand.is_open(), "{:?}", demand);
            missed += u64::from(matches!(demand.status, DisclosureStatus::Missed { .. }));
        }
        prop_assert_eq!(chain.burnt(), missed * DISCLOSURE_PENALTY);
        for id in 1..=5 {
            let reasons = chain.reasons(MemberId(id));
            prop_assert_eq!(chain.rating(MemberId(id)) == 100, reasons.is_empty());
        }
        let views = read::views_for(&chain.state, OBSERVER).expect("a map");
        for view in views {
            let last = view.last_use.as_ref().map(|last| last.date);
            prop_assert!(last.is_none_or(|date| view.from <= date && date <= view.until));
            prop_assert_eq!(view.last_use.is_some(), view.uses > 0);
        }
    }
}
