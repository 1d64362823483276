//! Another business ledger relies on a set: once, for its purpose, in its own transaction.

use tacit_ledger::kernel::due::MAX_DUE_HEIGHTS_PER_BLOCK;
use tacit_ledger::kernel::{Outcome, Reject, codec};
use tacit_ledger::network::{Consumption, Event, ScreeningId, read};

use super::consumer::{Application, LOANS, LoanAction, OTHER_LOANS, application_key};
use super::{ACCEPTED, application};
use crate::support::*;

const ID: ScreeningId = ScreeningId(1);
const APPROVE: LoanAction = LoanAction::Approve(OBJECT, ID);

fn applied() -> Chain {
    let mut chain = ACCEPTED.clone();
    let apply = LoanAction::Apply(OBJECT, application());
    chain.on_loans(SISTER, LOANS, &apply).expect("recorded");
    chain
}

fn approved(chain: &Chain) -> bool {
    let record: Application =
        codec::decode(&chain.state[&application_key(LOANS, &OBJECT)]).expect("a record");
    record.approved
}

#[test]
fn a_loan_is_approved_on_the_strength_of_a_set_once() {
    let mut chain = applied();
    assert!(!approved(&chain));
    let events = chain.on_loans(QUERIER, LOANS, &APPROVE).expect("approved");
    let told = Event::ScreeningConsumed {
        screening: ID,
        module: LOANS,
        object: OBJECT,
    };
    assert_eq!(events, [told]);
    assert!(approved(&chain));
    let screening = read::screening(&chain.state, ID)
        .expect("a map")
        .expect("it stands");
    let consumed = Consumption {
        height: chain.height,
        module: LOANS,
    };
    assert_eq!(screening.consumed, Some(consumed));
    let again = chain.on_loans(QUERIER, LOANS, &APPROVE);
    assert_eq!(again, Err(Reject::SCREENING_CONSUMED));
}

#[test]
fn a_refused_reliance_takes_the_approval_back() {
    let mut chain = applied();
    chain.carry(set_other_receipt_key()).expect("carried");
    let refused = chain.on_loans(QUERIER, LOANS, &APPROVE);
    assert_eq!(refused, Err(Reject::RECEIPT_KEY_MISMATCH));
    assert!(!approved(&chain));
    let screening = read::screening(&chain.state, ID)
        .expect("a map")
        .expect("it stands");
    assert_eq!(screening.consumed, None);
}

/// A module cannot use up what was made for another, so that nobody who runs one harms the other's
/// members.
#[test]
fn what_another_ledger_tries_uses_nothing_up() {
    let mut chain = applied();
    let apply = LoanAction::Apply(OBJECT, application());
    chain
        .on_loans(SISTER, OTHER_LOANS, &apply)
        .expect("recorded");
    let refused = chain.on_loans(QUERIER, OTHER_LOANS, &APPROVE);
    assert_eq!(refused, Err(Reject::SCREENING_OF_OTHER_MODULE));
    chain.on_loans(QUERIER, LOANS, &APPROVE).expect("approved");
}

#[test]
fn a_set_serves_in_the_block_that_accepts_it() {
    let mut chain = WORLD.chain.clone();
    let apply = LoanAction::Apply(OBJECT, application());
    chain.on_loans(SISTER, LOANS, &apply).expect("recorded");
    let sequence = read::next_sequence(&chain.state, QUERIER).expect("a map");
    let set = chain.envelope_numbered(QUERIER, sequence, &submit(WORLD.set.clone()));
    // The next number is the one after the set's.
    let mut ahead = chain.clone();
    ahead.block(std::slice::from_ref(&set));
    let approve = ahead.loan_envelope(QUERIER, LOANS, &APPROVE);
    let outcomes = chain.block(&[set, approve]);
    assert_eq!(outcomes, [Outcome::Applied, Outcome::Applied]);
    assert!(approved(&chain));
}

#[test]
fn nobody_relies_on_an_expired_set_that_still_waits_for_its_removal() {
    let mut chain = WORLD.chain.clone();
    let apply = LoanAction::Apply(OBJECT, application());
    chain.on_loans(SISTER, LOANS, &apply).expect("recorded");
    chain.must(QUERIER, submit(WORLD.set.clone()));
    // Heights follow each other by one in a network; here they leap, so that more of them are in line
    // before the expiry than a block works off.
    let expiry = WORLD.set.context.expiry_height;
    let behind = expiry - chain.height;
    assert!(behind > u64::from(MAX_DUE_HEIGHTS_PER_BLOCK));
    chain.height = expiry - 1;
    let refused = chain.on_loans(QUERIER, LOANS, &APPROVE);
    assert_eq!(chain.height, expiry);
    assert_eq!(refused, Err(Reject::SCREENING_UNKNOWN));
    let waits = read::screening(&chain.state, ID).expect("a map");
    assert!(waits.is_some(), "nothing was left to do");
    chain.pass(behind / u64::from(MAX_DUE_HEIGHTS_PER_BLOCK));
    assert_eq!(read::screening(&chain.state, ID), Ok(None));
}
