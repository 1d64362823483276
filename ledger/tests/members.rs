//! Joining, leaving, validating, being reached.

use tacit_ledger::kernel::{MemberId, PartyStatus, Reject, Role};
use tacit_ledger::network::parameters::Quota;
use tacit_ledger::network::{Action, Change, Event, ListStatus, Member, Validator, read};

use crate::support::*;

const SEVENTH: MemberId = MemberId(7);

fn member(chain: &Chain, id: MemberId) -> Member {
    read::member(&chain.state, id)
        .expect("a map")
        .expect("it joined")
}

fn validators(chain: &Chain) -> Vec<MemberId> {
    let validators = read::validators(&chain.state).expect("a map");
    validators
        .iter()
        .map(|validator| validator.member)
        .collect()
}

#[test]
fn a_candidate_that_is_voted_in_gets_the_next_number_and_the_welcome_grant() {
    let mut chain = Chain::new();
    let joining = candidate(SEVENTH, "Group E", Role::Member);
    chain
        .carry(Change::Admit(joining.clone()))
        .expect("carried");
    let joined = member(&chain, SEVENTH);
    assert_eq!(joined.profile, joining.profile);
    assert!(joined.is_active() && !joined.validator);
    assert_eq!(chain.available(SEVENTH), WELCOME_MINOR);
    // It acts at once.
    chain.must(SEVENTH, create_list());
}

#[test]
fn an_observer_that_is_voted_in_gets_no_quota() {
    let mut chain = Chain::new();
    let joining = candidate(SEVENTH, "Supervisor", Role::Observer);
    chain.carry(Change::Admit(joining)).expect("carried");
    assert_eq!(chain.available(SEVENTH), 0);
    assert_eq!(chain.refused(SEVENTH, create_list()), Reject::NOT_A_MEMBER);
}

#[test]
fn a_member_that_leaves_takes_its_lists_along_and_keeps_number_and_quota() {
    let mut chain = Chain::with_session();
    let key = consensus_key(SISTER);
    let change = Change::AddValidator { member: SISTER };
    chain.carry(change).expect("carried");
    assert_eq!(
        read::validators(&chain.state).expect("a map").last(),
        Some(&Validator {
            member: SISTER,
            consensus_key: key
        })
    );
    let before = chain.available(OWNER);
    chain
        .carry(Change::Remove { member: OWNER })
        .expect("carried");
    let height = chain.height;
    assert_eq!(member(&chain, OWNER).status, PartyStatus::Left { height });
    assert_eq!(validators(&chain), [QUERIER, THIRD, FOURTH, SISTER]);
    let list = read::list(&chain.state, LIST)
        .expect("a map")
        .expect("it stands on");
    assert_eq!(list.status, ListStatus::Withdrawn { height });
    assert_eq!(list.active, None);
    assert_eq!(chain.available(OWNER), before);
}

#[test]
fn what_a_member_answered_before_it_left_is_settled_by_its_querier() {
    let mut chain = Chain::with_session();
    chain
        .carry(Change::AddValidator { member: SISTER })
        .expect("carried");
    chain
        .carry(Change::Remove { member: OWNER })
        .expect("carried");
    let action = chain.batch(0, 2);
    chain.must(QUERIER, action);
    let session = chain.session(SESSION).expect("it runs out");
    assert_eq!((session.calls, session.owed_requests), (2, 1));
    // Nobody collects for it: what it had not collected returns.
    let collection = chain.collection(SESSION, false).expect("it is covered");
    assert_eq!(chain.refused(OWNER, collection), Reject::SENDER_LEFT);
    chain.pass_before(chain.height + MAX_SESSION + WINDOW + 2);
    assert_eq!(chain.session(SESSION), None);
    assert_eq!(chain.available(QUERIER), WELCOME_MINOR);
}

#[test]
fn what_a_member_asked_before_it_left_is_settled_by_its_provider() {
    let mut chain = Chain::new();
    chain.prepare_list();
    chain.open_one(THIRD);
    let action = chain.changed_batch(0, 2, |request| request.querier = THIRD);
    chain
        .carry(Change::AddValidator { member: SISTER })
        .expect("carried");
    chain
        .carry(Change::Remove { member: THIRD })
        .expect("carried");
    chain.must(OWNER, action);
}

#[test]
fn validators_stand_in_the_order_of_their_numbers() {
    let mut chain = Chain::new();
    chain
        .carry(Change::AddValidator { member: SISTER })
        .expect("carried");
    chain
        .carry(Change::RemoveValidator { member: OWNER })
        .expect("carried");
    assert_eq!(validators(&chain), [QUERIER, THIRD, FOURTH, SISTER]);
    assert!(!member(&chain, OWNER).validator);
    assert!(member(&chain, OWNER).is_active());
    chain
        .carry(Change::AddValidator { member: OWNER })
        .expect("carried");
    assert_eq!(validators(&chain), [OWNER, QUERIER, THIRD, FOURTH, SISTER]);
}

#[test]
fn an_observer_changes_where_it_is_reached() {
    let mut chain = Chain::new();
    chain.must(OBSERVER, profile("new.example:1", "other.example:65535"));
    let profile = member(&chain, OBSERVER).profile;
    assert_eq!(profile.front_end_address.as_str(), "new.example:1");
    assert_eq!(profile.p2p_address.as_str(), "other.example:65535");
    assert_eq!(profile.consensus_key, consensus_key(OBSERVER));
}

#[test]
fn a_certificate_is_found_under_its_new_key_and_no_longer_under_the_old_one() {
    let mut chain = Chain::new();
    let (old, new) = (certificate(OWNER), certificate(NOBODY));
    let events = chain.must(OWNER, rotate(new));
    let rotated = Event::CertificateRotated {
        member: OWNER,
        tls_spki_hash: new,
    };
    assert_eq!(events, [rotated]);
    let found = |key| read::member_by_certificate(&chain.state, &key).expect("a map");
    assert_eq!(found(new).map(|member| member.id), Some(OWNER));
    assert_eq!(found(old), None);
}

#[test]
fn quota_is_written_in_thousandths() {
    assert_eq!(Quota(1_234_005).to_string(), "1234.005");
    assert_eq!(Quota::whole(7), Quota(7_000));
    assert_eq!(Quota(u64::MAX).checked_add(Quota(1)), None);
    assert_eq!(Quota(1).checked_sub(Quota(2)), None);
}

#[test]
fn only_the_hash_of_a_certificate_moves_when_it_is_rotated() {
    let mut chain = Chain::new();
    let before = member(&chain, OWNER);
    chain.must(
        OWNER,
        Action::RotateCertificate {
            tls_spki_hash: certificate(NOBODY),
        },
    );
    let mut after = member(&chain, OWNER);
    after.profile.tls_spki_hash = before.profile.tls_spki_hash;
    assert_eq!(after, before);
}
