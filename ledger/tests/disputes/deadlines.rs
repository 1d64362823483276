//! The last dates of a dispute's steps, and silence.

use tacit_ledger::kernel::due::MAX_DUE_OF_DATES_PER_BLOCK;
use tacit_ledger::network::record::*;
use tacit_ledger::network::{Event, read};

use crate::support::*;

fn until(chain: &Chain) -> tacit_ledger::kernel::BusinessDate {
    chain.dispute(DISPUTE).until().expect("a step is open")
}

#[test]
fn an_answer_is_taken_on_the_last_date_and_its_silence_counts_on_the_next() {
    let chain = DRAWN.clone();
    let last = chain.today().after(ANSWER_DAYS);
    assert_eq!(until(&chain), last);
    let mut in_time = chain.clone();
    in_time.end_of_date(last);
    in_time.must(OWNER, evidence());
    assert_eq!(in_time.today(), last);
    assert_eq!(until(&in_time), last.after(RULING_DAYS));

    let mut silent = chain;
    let (owner, challenger) = (silent.available(OWNER), silent.available(QUERIER));
    silent.end_of_date(last);
    silent.pass(1);
    assert_eq!(silent.came_out(), None);
    silent.pass(1);
    assert_eq!(silent.today(), last.after(1));
    assert_eq!(silent.came_out(), Some(DisputeOutcome::Unanswered));
    assert_eq!(silent.available(OWNER), owner - PENALTY);
    assert_eq!(silent.available(QUERIER), challenger + STAKE + REWARD);
    assert_eq!(silent.rating(OWNER), 85);
    let reasons = [RatingReason::DisputeUnanswered(DISPUTE)];
    assert_eq!(silent.reasons(OWNER), reasons);
    assert_eq!(until(&silent), last.after(1 + CORRECTION_DAYS));
}

#[test]
fn a_deadline_comes_before_the_transactions_of_its_block() {
    let mut chain = DRAWN.clone();
    chain.before_date(until(&chain).after(1));
    let refused = chain.refused(OWNER, evidence());
    assert_eq!(refused, tacit_ledger::kernel::Reject::DISPUTE_DECIDED);
}

#[test]
fn of_a_silent_panel_those_who_ruled_decide() {
    let mut chain = ANSWERED.clone();
    let panel = chain.panel();
    let last = chain.today().after(RULING_DAYS);
    assert_eq!(until(&chain), last);
    chain.end_of_date(last);
    chain.must(panel[1], rule(Ruling::Upheld));
    assert_eq!(chain.came_out(), None);
    let burnt = chain.burnt();
    chain.pass(1);
    assert_eq!(chain.today(), last.after(1));
    assert_eq!(chain.came_out(), Some(DisputeOutcome::Upheld));
    for silent in [panel[0], panel[2]] {
        assert_eq!(chain.available(silent), WELCOME_MINOR - PANEL_PENALTY);
        assert_eq!(chain.rating(silent), 95);
        assert_eq!(chain.reasons(silent), [RatingReason::RulingMissed(DISPUTE)]);
        let missed = Event::RulingMissed {
            dispute: DISPUTE,
            member: silent,
            burnt_minor: PANEL_PENALTY,
        };
        assert!(chain.block_events().contains(&missed));
    }
    assert_eq!(chain.available(panel[1]), WELCOME_MINOR);
    assert_eq!(chain.rating(panel[1]), 100);
    let paid = PENALTY - REWARD + 2 * PANEL_PENALTY;
    assert_eq!(chain.burnt(), burnt + paid);
}

#[test]
fn where_nobody_ruled_a_fresh_panel_is_drawn_once_and_then_the_stakes_return() {
    let mut chain = ANSWERED.clone();
    let silent = chain.panel();
    chain.begin_date(until(&chain).after(1));
    assert_eq!(chain.stands(), DisputeStatus::Drawing);
    assert_eq!(chain.dispute(DISPUTE).draw.number, 1);
    chain.draw_panels();
    let fresh = chain.panel();
    assert_eq!(fresh.len(), silent.len());
    assert!(fresh.iter().all(|member| !silent.contains(member)));
    // The owner's evidence stands: it is the panel's turn at once.
    let last = chain.today().after(RULING_DAYS);
    assert_eq!(chain.stands(), DisputeStatus::Ruling { until: last });
    chain.begin_date(last.after(1));
    let (outcome, height) = (DisputeOutcome::Undecided, chain.height);
    assert_eq!(chain.stands(), DisputeStatus::Closed { outcome, height });
    assert_eq!(chain.available(QUERIER), WELCOME_MINOR);
    assert_eq!(chain.available(OWNER), WELCOME_MINOR);
    let paid = (silent.len() + fresh.len()) as u64 * PANEL_PENALTY;
    assert_eq!(chain.burnt(), paid);
    assert_eq!((chain.rating(OWNER), chain.rating(QUERIER)), (100, 100));
}

#[test]
fn a_fresh_panel_rules_like_the_first() {
    let mut chain = ANSWERED.clone();
    chain.begin_date(until(&chain).after(1));
    chain.draw_panels();
    for member in chain.panel().into_iter().take(2) {
        chain.must(member, rule(Ruling::Dismissed));
    }
    assert_eq!(chain.came_out(), Some(DisputeOutcome::Dismissed));
}

#[test]
fn of_two_minds_a_panel_has_decided_nothing() {
    let mut chain = ANSWERED.clone();
    let panel = chain.panel();
    chain.must(panel[0], rule(Ruling::Upheld));
    chain.must(panel[1], rule(Ruling::Dismissed));
    chain.begin_date(until(&chain).after(1));
    assert_eq!(chain.stands(), DisputeStatus::Drawing);
    chain.draw_panels();
    assert!(chain.panel().iter().all(|member| !panel.contains(member)));
    // Only the one who said nothing paid.
    let ratings = panel.iter().map(|member| chain.rating(*member));
    assert_eq!(ratings.collect::<Vec<_>>(), [100, 100, 95]);
}

#[test]
fn a_network_that_sleeps_over_many_dates_does_what_they_brought_in_its_first_block() {
    let mut chain = DRAWN.clone();
    chain.begin_date(until(&chain).after(50));
    assert_eq!(chain.came_out(), Some(DisputeOutcome::Unanswered));
    assert_eq!(until(&chain), chain.today().after(CORRECTION_DAYS));
}

#[test]
fn more_than_a_block_ends_follows_in_the_next_in_order() {
    let mut chain = Chain::that_disputes();
    let share = MAX_DUE_OF_DATES_PER_BLOCK as usize;
    let count = 2 * share + 3;
    // The stakes of so many disputes exceed what a deposit begins with.
    let stakes = STAKE * count as u64;
    let deposit = chain.deposit_of(QUERIER, stakes).expect("it is there");
    chain.must(QUERIER, deposit);
    chain.open_many(count as u8);
    chain.draw_panels();
    let last = chain.dispute(DisputeId(count as u64)).until();
    let mut decided = Vec::new();
    chain.before_date(last.expect("to be answered").after(1));
    for expected in [share, share, 3, 0] {
        chain.pass(1);
        let events = chain.block_events().into_iter();
        let of_block = events.filter_map(|event| match event {
            Event::DisputeDecided { dispute, .. } => Some(dispute),
            _ => None,
        });
        let of_block: Vec<_> = of_block.collect();
        assert_eq!(of_block.len(), expected);
        decided.extend(of_block);
    }
    assert!(decided.is_sorted());
    assert_eq!(decided.len(), count);
    assert_eq!(chain.deposit(QUERIER).staked_minor, 0);
}

#[test]
fn a_full_share_of_deadlines_takes_few_rounds_of_fetching() {
    let mut chain = Chain::that_disputes();
    chain.open_many(MAX_DUE_OF_DATES_PER_BLOCK as u8);
    chain.draw_panels();
    let last = chain.dispute(DISPUTE).until().expect("to be answered");
    chain.begin_date(last.after(1));
    let open = read::disputes_of(&chain.state, QUERIER).expect("a map");
    assert!(open.iter().all(|dispute| !dispute.is_undecided()));
    assert!(chain.rounds <= 16, "{} rounds", chain.rounds);
}
