//! How disputes come out, and what that costs whom.

use tacit_ledger::kernel::Digest;
use tacit_ledger::network::record::*;
use tacit_ledger::network::{Event, read};

use crate::support::*;

/// Quota of both parties and of nobody, before the dispute of the tests.
fn before() -> (u64, u64, u64) {
    let chain = Chain::that_disputes();
    let of = |member| chain.available(member);
    (of(OWNER), of(QUERIER), chain.burnt())
}

fn now(chain: &Chain) -> (u64, u64, u64) {
    assert_eq!(chain.deposit(QUERIER).staked_minor, 0);
    (
        chain.available(OWNER),
        chain.available(QUERIER),
        chain.burnt(),
    )
}

fn decided(outcome: DisputeOutcome, paid_minor: u64, burnt_minor: u64, chain: &Chain) -> Event {
    let correct_until = chain.dispute(DISPUTE).until();
    Event::DisputeDecided {
        dispute: DISPUTE,
        owner: OWNER,
        challenger: QUERIER,
        stake_minor: STAKE,
        outcome,
        paid_minor,
        burnt_minor,
        correct_until,
    }
}

#[test]
fn an_opened_dispute_puts_the_stake_aside_and_asks_for_a_panel() {
    let mut chain = Chain::that_disputes();
    let said = chain.must(QUERIER, open_dispute());
    let dispute = chain.dispute(DISPUTE);
    let opened = Event::DisputeOpened {
        dispute: DISPUTE,
        publication: first(),
        owner: OWNER,
        challenger: QUERIER,
        reason: DisputeReason::Settled,
        stake_minor: STAKE,
    };
    assert!(said.contains(&opened));
    let round = dispute.draw.round;
    assert!(said.contains(&Event::PanelRequested {
        dispute: DISPUTE,
        round
    }));
    assert_eq!(dispute.status, DisputeStatus::Drawing);
    assert_eq!(dispute.package, Digest([0xd1; 32]));
    assert_eq!(chain.attempt().round, round);
    let deposit = chain.deposit(QUERIER);
    assert_eq!(deposit.staked_minor, STAKE);
    assert_eq!(deposit.free_minor, DEPOSIT_MINOR - STAKE);
    let about = read::dispute_about(&chain.state, LIST, &subject(1));
    assert_eq!(about, Ok(Some(DISPUTE)));
    let (of, about) = (
        read::disputes_of(&chain.state, QUERIER).expect("a map"),
        read::disputes_about(&chain.state, LIST).expect("a map"),
    );
    assert_eq!(
        (&of[..], &about[..]),
        (&[dispute.clone()][..], &[dispute][..])
    );
}

#[test]
fn a_majority_of_the_panel_upholds_as_soon_as_it_is_reached() {
    let mut chain = ANSWERED.clone();
    let panel = chain.panel();
    chain.must(panel[0], rule(Ruling::Upheld));
    assert!(matches!(chain.stands(), DisputeStatus::Ruling { .. }));
    let said = chain.must(panel[2], rule(Ruling::Upheld));
    assert_eq!(chain.came_out(), Some(DisputeOutcome::Upheld));
    let decided = decided(DisputeOutcome::Upheld, REWARD, PENALTY - REWARD, &chain);
    assert!(said.contains(&decided), "{said:?}");
    let (owner, challenger, burnt) = before();
    let after = (
        owner - PENALTY,
        challenger + REWARD,
        burnt + PENALTY - REWARD,
    );
    assert_eq!(now(&chain), after);
    assert_eq!((chain.rating(OWNER), chain.rating(QUERIER)), (90, 100));
    // The one who was not needed has done nothing wrong.
    assert_eq!(chain.rating(panel[1]), 100);
    let until = chain.today().after(CORRECTION_DAYS);
    assert_eq!(chain.dispute(DISPUTE).until(), Some(until));
}

#[test]
fn a_dismissed_dispute_costs_its_challenger_the_stake() {
    let chain = ruled(Ruling::Dismissed);
    let (owner, challenger, burnt) = before();
    let after = (owner + FORFEIT, challenger - STAKE, burnt + STAKE - FORFEIT);
    assert_eq!(now(&chain), after);
    assert_eq!((chain.rating(OWNER), chain.rating(QUERIER)), (100, 95));
    let (outcome, height) = (DisputeOutcome::Dismissed, chain.height);
    assert_eq!(chain.stands(), DisputeStatus::Closed { outcome, height });
    let said = chain.transaction_events();
    let decided = decided(outcome, FORFEIT, STAKE - FORFEIT, &chain);
    let lowered = Event::RatingLowered {
        member: QUERIER,
        reason: RatingReason::DisputeDismissed(DISPUTE),
        points: 5,
        rating: 95,
    };
    let closed = Event::DisputeClosed { dispute: DISPUTE };
    assert_eq!(said[1..], [lowered, decided, closed]);
    // The entry stays.
    let list = read::list(&chain.state, LIST).expect("a map");
    assert_eq!(list.expect("it is").active, Some(first()));
}

#[test]
fn one_against_two_does_not_matter() {
    let mut chain = ANSWERED.clone();
    let panel = chain.panel();
    chain.must(panel[0], rule(Ruling::Dismissed));
    chain.must(panel[1], rule(Ruling::Upheld));
    assert_eq!(chain.came_out(), None);
    chain.must(panel[2], rule(Ruling::Dismissed));
    assert_eq!(chain.came_out(), Some(DisputeOutcome::Dismissed));
    let dispute = chain.dispute(DISPUTE);
    assert_eq!(dispute.rulings(Ruling::Dismissed), 2);
    assert_eq!(dispute.rulings(Ruling::Upheld), 1);
}

#[test]
fn an_owner_that_takes_the_entry_off_pays_nothing() {
    // Before the panel is drawn, too.
    for mut chain in [OPENED.clone(), DRAWN.clone()] {
        chain.must(OWNER, withdrawal());
        assert_eq!(chain.came_out(), Some(DisputeOutcome::Withdrawn));
        assert_eq!(now(&chain), before());
        assert_eq!((chain.rating(OWNER), chain.rating(QUERIER)), (98, 100));
        let until = chain.today().after(CORRECTION_DAYS);
        assert_eq!(chain.dispute(DISPUTE).until(), Some(until));
    }
}

#[test]
fn a_panel_that_is_drawn_after_a_withdrawal_is_not_seated() {
    let mut chain = OPENED.clone();
    chain.must(OWNER, withdrawal());
    let before = chain.dispute(DISPUTE);
    chain.draw_panels();
    assert_eq!(chain.dispute(DISPUTE), before);
}

#[test]
fn a_penalty_goes_as_far_as_the_deposit() {
    let mut chain = Chain::that_disputes_with(|network| {
        network.parameters.dispute_penalty_minor = 2 * DEPOSIT_MINOR;
    });
    chain.must(QUERIER, open_dispute());
    chain.draw_panels();
    chain.must(OWNER, evidence());
    for member in chain.panel().into_iter().take(2) {
        chain.must(member, rule(Ruling::Upheld));
    }
    assert_eq!(chain.deposit(OWNER).free_minor, 0);
    assert_eq!(chain.available(OWNER), WELCOME_MINOR - DEPOSIT_MINOR);
    let reward = DEPOSIT_MINOR * 40 / 100;
    assert_eq!(chain.available(QUERIER), WELCOME_MINOR + reward);
    // It waits in the winner's account.
    assert_eq!(chain.account(QUERIER).granted_minor, reward);
    assert_eq!(chain.burnt(), DEPOSIT_MINOR - reward);
}

#[test]
fn amounts_are_those_of_the_day_and_the_stake_is_the_one_that_was_put_aside() {
    let mut chain = ANSWERED.clone();
    let mut other = read::parameters(&chain.state).expect("a map");
    other.dispute_stake_minor = 7;
    other.dispute_penalty_minor = 1_000;
    other.dispute_reward_percent = 100;
    other.panel_size = 1;
    chain.carry_widely(tacit_ledger::network::Change::SetParameters(other));
    for member in chain.panel().into_iter().take(2) {
        chain.must(member, rule(Ruling::Upheld));
    }
    let (owner, challenger, burnt) = before();
    assert_eq!(now(&chain), (owner - 1_000, challenger + 1_000, burnt));
}

#[test]
fn a_decided_subject_can_be_disputed_again() {
    let mut chain = ruled(Ruling::Dismissed);
    let about = read::dispute_about(&chain.state, LIST, &subject(1));
    assert_eq!(about, Ok(None));
    assert_eq!(read::disputes_of(&chain.state, QUERIER), Ok(Vec::new()));
    chain.must(QUERIER, open_dispute());
    assert_eq!(read::dispute_count(&chain.state), Ok(2));
    assert_eq!(chain.dispute(DisputeId(2)).status, DisputeStatus::Drawing);
    // The first one stays to be read.
    assert_eq!(chain.came_out(), Some(DisputeOutcome::Dismissed));
}

#[test]
fn what_was_sent_once_is_not_taken_twice() {
    let mut chain = Chain::that_disputes();
    let envelope = chain.envelope(QUERIER, &open_dispute());
    chain.submit(&envelope).expect("the first time");
    let again = chain.submit(&envelope).expect_err("the second time");
    assert_eq!(again, tacit_ledger::kernel::Reject::SEQUENCE_TOO_LOW);
    assert_eq!(chain.deposit(QUERIER).staked_minor, STAKE);
}
