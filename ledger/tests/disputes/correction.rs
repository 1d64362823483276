//! What an owner has to publish after a dispute, and what goes off without it.

use tacit_circuits::scope::TagEpoch;
use tacit_ledger::kernel::{BusinessDate, Reject};
use tacit_ledger::network::record::*;
use tacit_ledger::network::{Action, Event, PublicationId, read};

use crate::support::*;

fn next() -> PublicationId {
    version(LIST, EPOCH, 1)
}

fn last(chain: &Chain) -> BusinessDate {
    chain.dispute(DISPUTE).until().expect("to be corrected")
}

fn active(chain: &Chain) -> Option<PublicationId> {
    let list = read::list(&chain.state, LIST).expect("a map");
    list.expect("it is").active
}

fn is_closed(chain: &Chain) -> bool {
    matches!(chain.stands(), DisputeStatus::Closed { .. })
}

#[test]
fn a_later_version_on_the_last_date_is_enough() {
    let mut chain = ruled(Ruling::Upheld);
    chain.fill_deposit(OWNER);
    chain.end_of_date(last(&chain));
    chain.must(OWNER, publish(next()));
    assert!(!is_closed(&chain));
    chain.pass(1);
    assert!(is_closed(&chain));
    assert_eq!(chain.came_out(), Some(DisputeOutcome::Upheld));
    assert_eq!(active(&chain), Some(first()));
    chain.attest_widely(next());
    assert_eq!(active(&chain), Some(next()));
}

#[test]
fn without_one_the_disputed_version_is_off_until_a_later_one_is_attested() {
    let mut chain = ruled(Ruling::Upheld);
    chain.end_of_date(last(&chain));
    chain.pass(1);
    assert_eq!(active(&chain), Some(first()));
    chain.pass(1);
    assert!(is_closed(&chain));
    assert_eq!(active(&chain), None);
    let height = chain.height;
    assert_eq!(
        chain.status(first()),
        PublicationStatus::Suspended { height }
    );
    let suspended = Event::Suspended {
        publication: first(),
        owner: OWNER,
        dispute: DISPUTE,
    };
    assert!(chain.block_events().contains(&suspended));
    let one = opening(chain.height + 5);
    assert_eq!(
        chain.refused(THIRD, open(vec![one])),
        Reject::EPOCH_NOT_ACTIVE
    );
    chain.activate_widely(next());
    assert_eq!(active(&chain), Some(next()));
    assert_eq!(
        chain.status(first()),
        PublicationStatus::Suspended { height }
    );
}

#[test]
fn a_withdrawal_and_silence_have_to_be_corrected_too() {
    let mut withdrawn = DRAWN.clone();
    withdrawn.must(OWNER, withdrawal());
    let mut silent = DRAWN.clone();
    silent.begin_date(last(&silent).after(1));
    for mut chain in [withdrawn, silent] {
        chain.begin_date(last(&chain).after(1));
        assert_eq!(active(&chain), None);
        assert!(matches!(
            chain.status(first()),
            PublicationStatus::Suspended { .. }
        ));
    }
}

#[test]
fn a_version_that_was_published_before_the_outcome_does_not_count_and_goes_off_with_the_first() {
    let mut chain = ANSWERED.clone();
    chain.activate_widely(next());
    let pending = version(LIST, EPOCH, 2);
    chain.must_publish(OWNER, pending);
    for member in chain.panel().into_iter().take(2) {
        chain.must(member, rule(Ruling::Upheld));
    }
    chain.begin_date(last(&chain).after(1));
    assert_eq!(active(&chain), None);
    let height = chain.height;
    let suspended = PublicationStatus::Suspended { height };
    assert_eq!(chain.status(first()), suspended);
    assert_eq!(chain.status(next()), suspended);
    // What was pending could hold the entry as well.
    assert_eq!(
        chain.refused(THIRD, attest(pending)),
        Reject::PUBLICATION_SUSPENDED
    );
    chain.activate_widely(version(LIST, EPOCH, 3));
    assert_eq!(active(&chain), Some(version(LIST, EPOCH, 3)));
}

#[test]
fn a_version_in_the_block_of_the_withdrawal_counts() {
    let mut chain = DRAWN.clone();
    let sequence = read::next_sequence(&chain.state, OWNER).expect("a map");
    let both = [
        chain.envelope_numbered(OWNER, sequence, &withdrawal()),
        chain.envelope_numbered(OWNER, sequence + 1, &publish(next())),
    ];
    chain.block(&both);
    chain.begin_date(last(&chain).after(1));
    assert!(is_closed(&chain));
    assert_eq!(active(&chain), Some(first()));
}

#[test]
fn a_version_in_the_block_of_the_suspension_is_a_later_one() {
    let mut chain = ruled(Ruling::Upheld);
    chain.fill_deposit(OWNER);
    chain.before_date(last(&chain).after(1));
    chain.must(OWNER, publish(next()));
    assert_eq!(active(&chain), None);
    chain.attest_widely(next());
    assert_eq!(active(&chain), Some(next()));
}

#[test]
fn a_version_of_the_next_epoch_counts() {
    let mut chain = ruled(Ruling::Upheld);
    let second = TagEpoch(1);
    chain
        .register_epoch(OWNER, LIST, second)
        .expect("a new key");
    chain.must_publish(OWNER, version(LIST, second, 0));
    chain.begin_date(last(&chain).after(1));
    assert!(is_closed(&chain));
    assert_eq!(active(&chain), Some(first()));
}

#[test]
fn a_version_under_a_key_that_was_revoked_since_does_not_count() {
    let mut chain = ruled(Ruling::Upheld);
    let tag_epoch = TagEpoch(1);
    chain.register_epoch(OWNER, LIST, tag_epoch).expect("new");
    chain.must_publish(OWNER, version(LIST, tag_epoch, 0));
    let list = LIST;
    chain.must(OWNER, Action::RevokeKey { list, tag_epoch });
    chain.begin_date(last(&chain).after(1));
    assert_eq!(active(&chain), None);
}

#[test]
fn a_version_that_was_proven_fraudulent_does_not_count_and_stays_so() {
    let mut chain = ruled(Ruling::Upheld);
    chain.activate_widely(next());
    chain.must(THIRD, fraud_proof(next()));
    chain.begin_date(last(&chain).after(1));
    assert!(matches!(
        chain.status(first()),
        PublicationStatus::Suspended { .. }
    ));
    assert!(matches!(
        chain.status(next()),
        PublicationStatus::Fraudulent { .. }
    ));
}

#[test]
fn a_suspended_version_can_still_be_proven_fraudulent() {
    let mut chain = ruled(Ruling::Upheld);
    chain.begin_date(last(&chain).after(1));
    chain.must(THIRD, fraud_proof(first()));
    assert!(matches!(
        chain.status(first()),
        PublicationStatus::Fraudulent { .. }
    ));
}

#[test]
fn a_withdrawn_list_has_nothing_to_correct() {
    let mut chain = ruled(Ruling::Upheld);
    chain.must(OWNER, Action::WithdrawList { list: LIST });
    chain.begin_date(last(&chain).after(1));
    assert!(is_closed(&chain));
    assert!(matches!(
        chain.status(first()),
        PublicationStatus::Superseded { .. }
    ));
}

#[test]
fn sessions_settle_what_was_answered_before_a_suspension() {
    let mut chain = ruled(Ruling::Upheld);
    chain.open_one(QUERIER);
    // Half of the price goes with the owner's rating, which is 90.
    let action = chain.changed_batch(0, 2, |request| {
        request.price_minor = PRICE_MINOR * 95 / 100;
        request.charge = charged(request).commitment();
    });
    chain.begin_date(last(&chain).after(1));
    assert_eq!(active(&chain), None);
    chain.must(OWNER, action);
}
