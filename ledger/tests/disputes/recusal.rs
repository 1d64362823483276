//! Stepping down from a panel.

use tacit_ledger::kernel::Reject;
use tacit_ledger::kernel::party::parties;
use tacit_ledger::network::record::*;
use tacit_ledger::network::{Event, disputes, read};

use crate::support::*;

#[test]
fn who_steps_down_gives_its_place_to_the_next_in_the_order_of_drawing() {
    let mut chain = DRAWN.clone();
    let panel = chain.panel();
    let before = chain.dispute(DISPUTE);
    let drawn = read::beacon_output(&chain.state, before.draw.round).expect("a map");
    let all = parties(&chain.state).expect("a map");
    let order = disputes::order(
        chain.machine.chain_id(),
        &drawn.expect("drawn"),
        &before,
        &all,
    );
    assert_eq!(panel, order[..3]);
    let until = before.until().expect("to be answered");
    let events = chain.must(panel[1], recuse());
    let recused = Event::PanelRecused {
        dispute: DISPUTE,
        member: panel[1],
        substitute: order[3],
        until,
    };
    assert_eq!(events, [recused]);
    assert_eq!(chain.panel(), [order[0], order[3], order[2]]);
    // The owner's days are what they were.
    assert_eq!(chain.dispute(DISPUTE).until(), Some(until));
    let back = chain.refused(panel[1], recuse());
    assert_eq!(back, Reject::NOT_ON_THE_PANEL);
    chain.must(OWNER, evidence());
    for member in [order[3], order[0]] {
        chain.must(member, rule(Ruling::Dismissed));
    }
    assert_eq!(chain.came_out(), Some(DisputeOutcome::Dismissed));
    assert_eq!(chain.rating(panel[1]), 100);
}

#[test]
fn a_substitute_has_the_days_of_a_ruling_from_then_on() {
    let mut chain = ANSWERED.clone();
    let panel = chain.panel();
    let last = chain.today().after(RULING_DAYS);
    chain.end_of_date(last);
    chain.must(panel[0], recuse());
    let until = last.after(RULING_DAYS);
    assert_eq!(chain.stands(), DisputeStatus::Ruling { until });
    chain.begin_date(last.after(1));
    assert_eq!(chain.stands(), DisputeStatus::Ruling { until });
    chain.begin_date(until.after(1));
    assert_eq!(chain.stands(), DisputeStatus::Drawing);
    // Who had stepped down paid nothing, and is not drawn again.
    assert_eq!(chain.rating(panel[0]), 100);
    chain.draw_panels();
    assert!(!chain.panel().contains(&panel[0]));
}

#[test]
fn all_can_step_down_until_there_is_nobody_left() {
    let mut chain = DRAWN.clone();
    let mut gone = Vec::new();
    // Six may sit, and three do.
    for _ in 0..3 {
        let member = chain.panel()[0];
        chain.must(member, recuse());
        gone.push(member);
    }
    assert!(chain.panel().iter().all(|member| !gone.contains(member)));
    let member = chain.panel()[2];
    assert_eq!(chain.refused(member, recuse()), Reject::NO_SUBSTITUTE);
}
