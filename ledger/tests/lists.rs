//! Lists from their creation to their end.

use tacit_circuits::scope::{ListId, TagEpoch};
use tacit_ledger::kernel::{MemberId, Reject, Role};
use tacit_ledger::network::{
    Action, AlarmReason, Change, Deposit, EpochStatus, Event, List, ListStatus, MAX_LISTED_ALARMS,
    Publication, PublicationId, PublicationStatus, attestations_needed, read,
};

use crate::support::*;

const SECOND: TagEpoch = TagEpoch(1);

fn list(chain: &Chain) -> List {
    read::list(&chain.state, LIST)
        .expect("a map")
        .expect("it was created")
}

fn publication(chain: &Chain, id: PublicationId) -> Publication {
    let found = read::publication(&chain.state, id).expect("a map");
    found.expect("it was published")
}

fn epoch_status(chain: &Chain, tag_epoch: TagEpoch) -> EpochStatus {
    let found = read::epoch(&chain.state, LIST, tag_epoch).expect("a map");
    found.expect("it was registered").status
}

#[test]
fn a_list_begins_with_no_epoch_and_nothing_active() {
    let mut chain = Chain::new();
    let events = chain.must(OWNER, create_list());
    let created = Event::ListCreated {
        list: LIST,
        owner: OWNER,
        category: CATEGORY,
    };
    assert_eq!(events, [created]);
    let list = list(&chain);
    assert_eq!(
        (list.epochs, list.current_epoch, list.active),
        (0, None, None)
    );
    assert!(list.is_standing());
}

#[test]
fn one_member_more_than_may_be_faulty_has_to_attest() {
    let needed: Vec<_> = (1..=10).map(attestations_needed).collect();
    assert_eq!(needed, [1, 1, 1, 2, 2, 2, 3, 3, 3, 4]);
}

#[test]
fn a_publication_is_active_from_the_attestation_that_makes_enough() {
    let mut chain = Chain::with_epoch();
    chain.must(OWNER, publish(first()));
    chain.must(QUERIER, attest(first()));
    assert_eq!(
        publication(&chain, first()).status,
        PublicationStatus::Pending
    );
    assert_eq!(list(&chain).active, None);
    let events = chain.must(THIRD, attest(first()));
    let since_height = chain.height;
    let active = PublicationStatus::Active { since_height };
    assert_eq!(publication(&chain, first()).status, active);
    assert_eq!(list(&chain).active, Some(first()));
    assert_eq!(epoch_status(&chain, EPOCH), EpochStatus::Current);
    let said = [
        Event::Attested {
            publication: first(),
            attester: THIRD,
        },
        Event::Activated {
            publication: first(),
            superseded: None,
        },
    ];
    assert_eq!(events, said);
}

#[test]
fn attestations_of_members_that_left_do_not_count() {
    let mut chain = Chain::with_epoch();
    chain
        .carry(Change::AddValidator { member: SISTER })
        .expect("carried");
    chain.must(OWNER, publish(first()));
    chain.must(QUERIER, attest(first()));
    chain
        .carry(Change::Remove { member: QUERIER })
        .expect("carried");
    // Four members are left, so two are needed, and one of the two attesters has left.
    chain.must(THIRD, attest(first()));
    assert_eq!(list(&chain).active, None);
    chain.must(FOURTH, attest(first()));
    assert_eq!(list(&chain).active, Some(first()));
}

#[test]
fn a_newer_version_takes_the_place_of_the_active_one() {
    let mut chain = Chain::with_list();
    let newer = version(LIST, EPOCH, 1);
    chain.activate(OWNER, newer);
    let height = chain.height;
    assert_eq!(list(&chain).active, Some(newer));
    let superseded = PublicationStatus::Superseded { height };
    assert_eq!(publication(&chain, first()).status, superseded);
    assert_eq!(epoch_status(&chain, EPOCH), EpochStatus::Current);
    let active = read::active_publication(&chain.state, LIST).expect("a map");
    assert_eq!(active.map(|publication| publication.id), Some(newer));
}

#[test]
fn an_epoch_stays_current_until_the_next_one_is_active() {
    let mut chain = Chain::with_list();
    chain
        .register_epoch(OWNER, LIST, SECOND)
        .expect("registered");
    let next = version(LIST, SECOND, 0);
    chain.must(OWNER, publish(next));
    chain.must(QUERIER, attest(next));
    assert_eq!(list(&chain).current_epoch, Some(EPOCH));
    // The old epoch may still be updated.
    chain.activate(OWNER, version(LIST, EPOCH, 1));
    chain.must(THIRD, attest(next));
    let height = chain.height;
    assert_eq!(list(&chain).current_epoch, Some(SECOND));
    assert_eq!(
        epoch_status(&chain, EPOCH),
        EpochStatus::Superseded { height }
    );
    assert_eq!(epoch_status(&chain, SECOND), EpochStatus::Current);
}

#[test]
fn a_revoked_key_turns_the_active_publication_off_and_lets_the_next_epoch_begin() {
    let mut chain = Chain::with_list();
    let tag_epoch = EPOCH;
    chain.must(
        OWNER,
        Action::RevokeKey {
            list: LIST,
            tag_epoch,
        },
    );
    let height = chain.height;
    assert_eq!(epoch_status(&chain, EPOCH), EpochStatus::Revoked { height });
    assert_eq!(
        (list(&chain).current_epoch, list(&chain).active),
        (None, None)
    );
    chain
        .register_epoch(OWNER, LIST, SECOND)
        .expect("registered");
    chain.activate(OWNER, version(LIST, SECOND, 0));
    assert_eq!(list(&chain).current_epoch, Some(SECOND));
}

#[test]
fn a_revoked_former_key_leaves_the_present_epoch_alone() {
    let mut chain = Chain::with_list();
    chain
        .register_epoch(OWNER, LIST, SECOND)
        .expect("registered");
    chain.activate(OWNER, version(LIST, SECOND, 0));
    let tag_epoch = EPOCH;
    chain.must(
        OWNER,
        Action::RevokeKey {
            list: LIST,
            tag_epoch,
        },
    );
    assert_eq!(list(&chain).current_epoch, Some(SECOND));
    assert_eq!(list(&chain).active, Some(version(LIST, SECOND, 0)));
}

#[test]
fn a_key_can_be_revoked_after_its_list_was_withdrawn() {
    let mut chain = Chain::with_list();
    chain.must(OWNER, Action::WithdrawList { list: LIST });
    let height = chain.height;
    assert_eq!(list(&chain).status, ListStatus::Withdrawn { height });
    assert_eq!(
        epoch_status(&chain, EPOCH),
        EpochStatus::Superseded { height }
    );
    let tag_epoch = EPOCH;
    chain.must(
        OWNER,
        Action::RevokeKey {
            list: LIST,
            tag_epoch,
        },
    );
}

#[test]
fn a_proven_fraud_is_off_and_owner_and_attesters_pay_once() {
    let mut chain = Chain::with_list();
    let supply = read::supply(&chain.state).expect("a map");
    let events = chain.must(OBSERVER, fraud_proof(first()));
    let height = chain.height;
    let fraudulent = PublicationStatus::Fraudulent { height };
    assert_eq!(publication(&chain, first()).status, fraudulent);
    assert_eq!(list(&chain).active, None);
    assert_eq!(chain.available(OWNER), WELCOME_MINOR - 5_000);
    assert_eq!(chain.available(QUERIER), WELCOME_MINOR - 700);
    assert_eq!(chain.available(THIRD), WELCOME_MINOR - 700);
    assert_eq!(chain.available(FOURTH), WELCOME_MINOR);
    let burnt_minor = 5_000 + 2 * 700;
    let now = read::supply(&chain.state).expect("a map");
    assert_eq!(now.burnt_minor, supply.burnt_minor + burnt_minor);
    let proven = Event::FraudProven {
        publication: first(),
        owner: OWNER,
        proven_by: OBSERVER,
        burnt_minor,
    };
    assert_eq!(events.last(), Some(&proven));
    assert_eq!(events.len(), 5);
}

#[test]
fn a_fraud_costs_no_more_than_its_payers_have_deposited() {
    let mut chain = Chain::with(|genesis| {
        genesis.parameters.fraud_attester_penalty_minor = DEPOSIT_MINOR + 1;
    });
    chain.prepare_list();
    let before = chain.account(QUERIER);
    let events = chain.must(FOURTH, fraud_proof(first()));
    let penalised = Event::Penalised {
        member: QUERIER,
        amount_minor: DEPOSIT_MINOR,
    };
    assert!(events.contains(&penalised));
    assert_eq!(chain.deposit(QUERIER), Deposit::default());
    // What is in its account no penalty reaches.
    assert_eq!(chain.account(QUERIER), before);
}

#[test]
fn fraud_in_a_former_version_leaves_the_active_one_in_place() {
    let mut chain = Chain::with_list();
    chain.activate(OWNER, version(LIST, EPOCH, 1));
    chain.must(FOURTH, fraud_proof(first()));
    assert_eq!(list(&chain).active, Some(version(LIST, EPOCH, 1)));
}

#[test]
fn after_a_fraud_the_owner_publishes_the_next_version_in_the_same_epoch() {
    let mut chain = Chain::with_list();
    chain.must(FOURTH, fraud_proof(first()));
    chain.activate(OWNER, version(LIST, EPOCH, 1));
    assert_eq!(list(&chain).active, Some(version(LIST, EPOCH, 1)));
}

#[test]
fn an_alarm_is_listed_and_judges_nothing() {
    let mut chain = Chain::with_list();
    let reason = AlarmReason::AttestationRefuted { attester: QUERIER };
    let publication = first();
    chain.must(
        FOURTH,
        Action::RaiseAlarm {
            publication,
            reason,
        },
    );
    let alarms = read::alarms(&chain.state, 10).expect("a map");
    assert_eq!(alarms.len(), 1);
    let alarm = alarms[0];
    assert_eq!(
        (alarm.number, alarm.raised_by, alarm.owner),
        (0, FOURTH, OWNER)
    );
    assert_eq!((alarm.reason, alarm.height), (reason, chain.height));
    assert_eq!(list(&chain).active, Some(first()));
}

#[test]
fn the_latest_alarms_stay_listed_newest_first() {
    let mut chain = Chain::with_epoch();
    let count = MAX_LISTED_ALARMS + 3;
    let versions: Vec<_> = (0..count as u32)
        .map(|number| version(LIST, EPOCH, number))
        .collect();
    let sequence = read::next_sequence(&chain.state, OWNER).expect("a map");
    let published: Vec<_> = (sequence..)
        .zip(&versions)
        .map(|(sequence, id)| chain.envelope_numbered(OWNER, sequence, &publish(*id)))
        .collect();
    chain.block(&published);
    let reason = AlarmReason::SnapshotUnavailable;
    let raised: Vec<_> = (0..)
        .zip(&versions)
        .map(|(sequence, id)| {
            let publication = *id;
            let alarm = Action::RaiseAlarm {
                publication,
                reason,
            };
            chain.envelope_numbered(FOURTH, sequence, &alarm)
        })
        .collect();
    chain.block(&raised);
    let numbers = |limit| -> Vec<u64> {
        let alarms = read::alarms(&chain.state, limit).expect("a map");
        alarms.iter().map(|alarm| alarm.number).collect()
    };
    assert_eq!(numbers(2), [count - 1, count - 2]);
    let all: Vec<_> = (3..count).rev().collect();
    assert_eq!(numbers(u64::MAX), all);
}

#[test]
fn what_attestations_name_binds_every_part_of_a_publication() {
    let chain = Chain::with_list();
    let key = list_key(LIST, EPOCH).public().to_wire();
    let chain_id = chain.machine.chain_id();
    let honest = publication(&chain, first());
    let digest = honest.digest(chain_id, &key);
    let mut others = vec![
        honest.digest(tacit_ledger::kernel::ChainId([1; 32]), &key),
        honest.digest(chain_id, &list_key(LIST, SECOND).public().to_wire()),
    ];
    let changes: [fn(&mut Publication); 4] = [
        |publication| publication.id.version.0 += 1,
        |publication| publication.root.0[0] ^= 1,
        |publication| publication.evidence_root.0[0] ^= 1,
        |publication| {
            publication.size_class = tacit_circuits::list::SizeClass::new(1).expect("there is one");
        },
    ];
    for change in changes {
        let mut changed = honest.clone();
        change(&mut changed);
        others.push(changed.digest(chain_id, &key));
    }
    assert!(others.iter().all(|other| *other != digest));
    // Who attested, and since when it counts, is no part of it.
    let mut later = honest.clone();
    later.attestations = bounded(Vec::new());
    later.status = PublicationStatus::Pending;
    assert_eq!(later.digest(chain_id, &key), digest);
}

#[test]
fn lists_are_found_by_owner_and_category_withdrawn_ones_by_owner_alone() {
    let mut chain = Chain::with_list();
    chain.must(QUERIER, create_list());
    chain.must(OWNER, create_list());
    chain.must(OWNER, Action::WithdrawList { list: LIST });
    let numbers = |lists: Vec<List>| -> Vec<ListId> { lists.iter().map(|list| list.id).collect() };
    let of_owner = read::lists_of(&chain.state, OWNER).expect("a map");
    assert_eq!(numbers(of_owner), [1, 3].map(ListId));
    let in_category = read::lists_in(&chain.state, CATEGORY).expect("a map");
    assert_eq!(numbers(in_category), [2, 3].map(ListId));
}

#[test]
fn a_member_that_joins_may_attest_what_waits() {
    let mut chain = Chain::with_epoch();
    chain.must(OWNER, publish(first()));
    chain.must(QUERIER, attest(first()));
    let seventh = MemberId(7);
    let joining = candidate(seventh, "Group E", Role::Member);
    chain.carry(Change::Admit(joining)).expect("carried");
    chain.must(seventh, attest(first()));
    assert_eq!(list(&chain).active, Some(first()));
    assert_eq!(
        chain.refused(seventh, attest(first())),
        Reject::ALREADY_ATTESTED
    );
}
