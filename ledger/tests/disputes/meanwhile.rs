//! What happens while a dispute is open.

use tacit_ledger::kernel::Reject;
use tacit_ledger::network::record::*;
use tacit_ledger::network::{Action, Event};

use crate::support::*;

fn next_step(chain: &mut Chain) {
    let until = chain.dispute(DISPUTE).until().expect("a step is open");
    chain.begin_date(until.after(1));
}

#[test]
fn an_owner_that_withdraws_its_list_has_not_answered() {
    let mut chain = DRAWN.clone();
    chain.must(OWNER, Action::WithdrawList { list: LIST });
    let mut silent = chain.clone();
    next_step(&mut silent);
    assert_eq!(silent.came_out(), Some(DisputeOutcome::Unanswered));
    assert_eq!(silent.available(OWNER), WELCOME_MINOR - PENALTY);
    // It can answer as before.
    chain.must(OWNER, evidence());
    for member in chain.panel().into_iter().take(2) {
        chain.must(member, rule(Ruling::Upheld));
    }
    next_step(&mut chain);
    assert!(matches!(chain.stands(), DisputeStatus::Closed { .. }));
}

#[test]
fn an_owner_that_left_cannot_answer_and_pays_nothing() {
    let mut chain = DRAWN.clone();
    chain.leave(OWNER);
    assert_eq!(chain.refused(OWNER, evidence()), Reject::SENDER_LEFT);
    let fresh = chain.clone();
    next_step(&mut chain);
    assert_eq!(chain.came_out(), Some(DisputeOutcome::Undecided));
    assert_eq!(chain.available(OWNER), fresh.available(OWNER));
    assert_eq!(chain.available(QUERIER), WELCOME_MINOR);
    assert_eq!(chain.rating(OWNER), 100);
}

#[test]
fn a_panel_decides_about_an_owner_that_left_after_its_evidence() {
    let mut chain = ANSWERED.clone();
    chain.leave(OWNER);
    for member in chain.panel().into_iter().take(2) {
        chain.must(member, rule(Ruling::Dismissed));
    }
    assert_eq!(chain.available(OWNER), WELCOME_MINOR + FORFEIT);
    let mut chain = ANSWERED.clone();
    chain.leave(OWNER);
    for member in chain.panel().into_iter().take(2) {
        chain.must(member, rule(Ruling::Upheld));
    }
    assert_eq!(chain.available(OWNER), WELCOME_MINOR - PENALTY);
    next_step(&mut chain);
    assert!(matches!(chain.stands(), DisputeStatus::Closed { .. }));
}

#[test]
fn a_challenger_that_left_gets_and_loses_as_if_it_were_there() {
    let mut upheld = ANSWERED.clone();
    upheld.leave(QUERIER);
    let mut dismissed = upheld.clone();
    for member in upheld.panel().into_iter().take(2) {
        upheld.must(member, rule(Ruling::Upheld));
        dismissed.must(member, rule(Ruling::Dismissed));
    }
    assert_eq!(upheld.available(QUERIER), WELCOME_MINOR + REWARD);
    assert_eq!(dismissed.available(QUERIER), WELCOME_MINOR - STAKE);
    assert_eq!(dismissed.deposit(QUERIER).staked_minor, 0);
}

#[test]
fn a_member_of_the_panel_that_left_neither_rules_nor_pays() {
    let mut chain = ANSWERED.clone();
    let panel = chain.panel();
    chain.leave(panel[0]);
    let refused = chain.refused(panel[0], rule(Ruling::Upheld));
    assert_eq!(refused, Reject::SENDER_LEFT);
    // One of the two that are left is no majority of three.
    chain.must(panel[1], rule(Ruling::Dismissed));
    assert_eq!(chain.came_out(), None);
    next_step(&mut chain);
    assert_eq!(chain.came_out(), Some(DisputeOutcome::Dismissed));
    let ratings = panel.iter().map(|member| chain.rating(*member));
    assert_eq!(ratings.collect::<Vec<_>>(), [100, 100, 95]);
    assert_eq!(chain.available(panel[0]), WELCOME_MINOR);
}

#[test]
fn the_two_that_are_left_of_a_panel_decide_where_they_agree() {
    let mut chain = ANSWERED.clone();
    let panel = chain.panel();
    chain.leave(panel[2]);
    chain.must(panel[0], rule(Ruling::Upheld));
    chain.must(panel[1], rule(Ruling::Upheld));
    assert_eq!(chain.came_out(), Some(DisputeOutcome::Upheld));
}

#[test]
fn a_revoked_epoch_does_not_end_a_dispute() {
    let mut chain = ANSWERED.clone();
    let (list, tag_epoch) = (LIST, EPOCH);
    chain.must(OWNER, Action::RevokeKey { list, tag_epoch });
    for member in chain.panel().into_iter().take(2) {
        chain.must(member, rule(Ruling::Upheld));
    }
    assert_eq!(chain.came_out(), Some(DisputeOutcome::Upheld));
    // The next epoch's list is to leave the entry out.
    let mut corrected = chain.clone();
    let second = tacit_circuits::scope::TagEpoch(1);
    corrected.register_epoch(OWNER, LIST, second).expect("new");
    corrected.activate_widely(version(LIST, second, 0));
    for chain in [&mut corrected, &mut chain] {
        next_step(chain);
        assert!(matches!(chain.stands(), DisputeStatus::Closed { .. }));
    }
    assert!(matches!(
        corrected.status(first()),
        PublicationStatus::Superseded { .. }
    ));
    assert!(matches!(
        chain.status(first()),
        PublicationStatus::Suspended { .. }
    ));
}

#[test]
fn a_proof_of_fraud_does_not_end_a_dispute_and_is_not_covered_up() {
    let mut chain = ANSWERED.clone();
    chain.must(FOURTH, fraud_proof(first()));
    assert_eq!(chain.rating(OWNER), 50);
    for member in chain.panel().into_iter().take(2) {
        chain.must(member, rule(Ruling::Upheld));
    }
    assert_eq!(chain.rating(OWNER), 40);
    next_step(&mut chain);
    assert!(matches!(
        chain.status(first()),
        PublicationStatus::Fraudulent { .. }
    ));
    let suspended = |event: &Event| matches!(event, Event::Suspended { .. });
    assert!(!chain.block_events().iter().any(suspended));
}

#[test]
fn a_hit_of_a_version_that_was_superseded_lately_can_be_disputed() {
    let mut chain = Chain::that_disputes();
    chain.activate_widely(version(LIST, EPOCH, 1));
    chain.pass(u64::from(category(1).grace_blocks) - 1);
    chain.must(QUERIER, open_dispute());
    assert_eq!(chain.dispute(DISPUTE).publication, first());
}

#[test]
fn a_hit_of_a_list_that_was_withdrawn_lately_can_be_disputed() {
    let mut chain = Chain::that_disputes();
    chain.must(OWNER, Action::WithdrawList { list: LIST });
    chain.must(QUERIER, open_dispute());
    chain.draw_panels();
    assert_eq!(chain.panel().len(), 3);
}
