//! Demands for disclosure.

use tacit_ledger::kernel::{Digest, Outcome, Reject};
use tacit_ledger::network::record::*;
use tacit_ledger::network::{Change, Event, read};

use crate::support::*;

#[test]
fn a_demand_is_answered_with_the_digest_of_what_is_sent() {
    let mut chain = DEMANDED.clone();
    let until = chain.today().after(DISCLOSURE_DAYS);
    let requested = Event::DisclosureRequested {
        disclosure: DEMAND,
        member: QUERIER,
        supervisor: OBSERVER,
        reason: DisclosureReason::Complaint,
        until,
    };
    assert_eq!(chain.transaction_events(), [requested]);
    assert_eq!(chain.disclosure(DEMAND).until, until);
    assert_eq!(
        read::disclosures_of(&chain.state, QUERIER),
        Ok(vec![chain.disclosure(DEMAND)])
    );
    let events = chain.must(QUERIER, disclose(DEMAND));
    let bundle = Digest([0xe2; 32]);
    let answered = Event::DisclosureAnswered {
        disclosure: DEMAND,
        member: QUERIER,
        bundle,
    };
    assert_eq!(events, [answered]);
    let height = chain.height;
    let status = DisclosureStatus::Answered { bundle, height };
    assert_eq!(chain.disclosure(DEMAND).status, status);
    // The deadline finds nothing to do.
    chain.begin_date(until.after(1));
    assert_eq!(chain.disclosure(DEMAND).status, status);
    assert_eq!(chain.rating(QUERIER), 100);
    assert_eq!(chain.available(QUERIER), WELCOME_MINOR);
}

#[test]
fn an_answer_is_taken_on_the_last_date_and_silence_is_a_breach_on_the_next() {
    let chain = DEMANDED.clone();
    let last = chain.today().after(DISCLOSURE_DAYS);
    let mut in_time = chain.clone();
    in_time.end_of_date(last);
    in_time.must(QUERIER, disclose(DEMAND));
    assert_eq!(in_time.today(), last);

    let mut silent = chain;
    silent.end_of_date(last);
    silent.pass(1);
    assert!(silent.disclosure(DEMAND).is_open());
    silent.pass(1);
    assert_eq!(silent.today(), last.after(1));
    let height = silent.height;
    assert_eq!(
        silent.disclosure(DEMAND).status,
        DisclosureStatus::Missed { height }
    );
    let missed = Event::DisclosureMissed {
        disclosure: DEMAND,
        member: QUERIER,
        burnt_minor: DISCLOSURE_PENALTY,
    };
    assert!(silent.block_events().contains(&missed));
    assert_eq!(
        silent.available(QUERIER),
        WELCOME_MINOR - DISCLOSURE_PENALTY
    );
    assert_eq!(silent.burnt(), DISCLOSURE_PENALTY);
    assert_eq!(silent.rating(QUERIER), 85);
    assert_eq!(
        silent.reasons(QUERIER),
        [RatingReason::DisclosureMissed(DEMAND)]
    );
    assert_eq!(
        silent.refused(QUERIER, disclose(DEMAND)),
        Reject::DISCLOSURE_CLOSED
    );
}

#[test]
fn a_deadline_comes_before_the_transactions_of_its_block() {
    let mut chain = DEMANDED.clone();
    chain.before_date(chain.disclosure(DEMAND).until.after(1));
    let refused = chain.refused(QUERIER, disclose(DEMAND));
    assert_eq!(refused, Reject::DISCLOSURE_CLOSED);
}

#[test]
fn an_answer_that_is_sent_twice_counts_once() {
    let mut chain = DEMANDED.clone();
    let envelope = chain.envelope(QUERIER, &disclose(DEMAND));
    let outcomes = chain.block(&[envelope.clone(), envelope]);
    let replayed = Outcome::Rejected(Reject::SEQUENCE_TOO_LOW);
    assert_eq!(outcomes, [Outcome::Applied, replayed]);
}

#[test]
fn nothing_is_missed_by_who_has_left_nor_towards_who_has_left() {
    for leaving in [QUERIER, OBSERVER] {
        let mut chain = DEMANDED.clone();
        chain
            .carry(Change::AddValidator { member: SISTER })
            .expect("carried");
        chain
            .carry(Change::Remove { member: leaving })
            .expect("carried");
        let until = chain.disclosure(DEMAND).until;
        chain.begin_date(until.after(1));
        let height = chain.height;
        let status = chain.disclosure(DEMAND).status;
        assert_eq!(status, DisclosureStatus::Lapsed { height });
        assert_eq!((chain.rating(QUERIER), chain.burnt()), (100, 0));
    }
}

#[test]
fn of_a_poor_member_a_breach_takes_what_there_is() {
    let mut chain = Chain::with(|network| {
        network.parameters.disclosure_penalty_minor = 2 * WELCOME_MINOR;
    });
    chain.must(OBSERVER, demand());
    chain.begin_date(chain.disclosure(DEMAND).until.after(1));
    assert_eq!(chain.deposit(QUERIER).free_minor, 0);
    assert_eq!(chain.burnt(), DEPOSIT_MINOR);
}

#[test]
fn closed_demands_make_room_the_oldest_first_and_open_ones_do_not() {
    let mut chain = Chain::new();
    for _ in 0..MAX_DISCLOSURES {
        chain.must(OBSERVER, demand());
    }
    assert_eq!(
        chain.refused(OBSERVER, demand()),
        Reject::TOO_MANY_DISCLOSURES
    );
    // Demands on another member are another matter.
    chain.must(OBSERVER, demand_of(THIRD, DISCLOSURE_DAYS));
    for number in [9, 5] {
        chain.must(QUERIER, disclose(DisclosureId(number)));
    }
    chain.must(OBSERVER, demand());
    assert_eq!(read::disclosure(&chain.state, DisclosureId(5)), Ok(None));
    let recorded = read::disclosures_of(&chain.state, QUERIER).expect("a map");
    assert_eq!(recorded.len(), MAX_DISCLOSURES);
    assert!(!chain.disclosure(DisclosureId(9)).is_open());
    assert_eq!(
        chain.refused(QUERIER, disclose(DisclosureId(5))),
        Reject::DISCLOSURE_UNKNOWN
    );
}

#[test]
fn a_stopped_member_discloses_all_the_same() {
    let mut chain = DEMANDED.clone();
    let of = Pausable::Member(QUERIER);
    let paused = true;
    chain
        .carry(Change::SetPause { of, paused })
        .expect("carried");
    chain.must(QUERIER, disclose(DEMAND));
}
