//! Of several refusals that apply, the one with the lowest number is given.

use tacit_circuits::identifier::IdentifierType;
use tacit_circuits::receipt::KeyId;
use tacit_circuits::scope::{ListId, TagEpoch};
use tacit_ledger::kernel::{ChainId, Reject};
use tacit_ledger::network::{
    Action, CallBatch, Change, PolicyId, PolicyVersion, ReceiptSet, Request,
};

use crate::support::*;

/// A way to spoil a batch, and the refusal of it. Each stands for itself.
type Spoiling = (Reject, fn(&mut CallBatch));

/// A way to spoil a request before it is signed and answered, and the refusal of it.
type RequestSpoiling = (Reject, fn(&mut Request));

/// Signs the request of a batch afresh, after a change, and leaves the rest as it is.
fn resign(batch: &mut CallBatch, change: impl FnOnce(&mut Request)) {
    change(&mut batch.signed.request);
    batch.signed = batch.signed.request.clone().sign(&signer(QUERIER));
}

/// Faults that need no state, in the order of their numbers.
const WITHOUT_STATE: &[Spoiling] = &[
    (Reject::REQUEST_WRONG_CHAIN, |batch| {
        resign(batch, |request| request.chain_id = ChainId([9; 32]));
    }),
    (Reject::COUNT_MISMATCH, |batch| {
        batch.evaluated = bounded(vec![no_point()]);
    }),
    (Reject::AMOUNT_TOO_LARGE, |batch| {
        resign(batch, |request| request.price_minor = u32::MAX);
    }),
    (Reject::POINT_INVALID, |batch| {
        resign(batch, |request| request.key = no_point());
    }),
    (Reject::EVALUATION_PROOF_INVALID, |batch| {
        batch.proof = wrong_proof()
    }),
    (Reject::VALUE_OUT_OF_RANGE, |batch| {
        // The answer is made for this number too, so that it is the only fault.
        resign(batch, |request| request.sequence = u64::MAX);
        *batch = answer(batch.signed.clone(), LIST, EPOCH);
    }),
];

#[test]
fn of_a_batchs_faults_without_state_the_lowest_number_is_given() {
    let chain = Chain::with_session();
    for (lowest, (expected, _)) in WITHOUT_STATE.iter().enumerate() {
        let mut batch = batch(chain.request(0, 2));
        for (_, spoil) in WITHOUT_STATE[lowest..].iter().rev() {
            spoil(&mut batch);
        }
        let checked = batch.check(chain.machine.chain_id());
        assert_eq!(checked, Err(*expected));
    }
}

#[test]
fn a_signature_that_fails_is_told_before_what_was_not_signed() {
    let chain = Chain::with_session();
    let mut batch = batch(chain.request(0, 2));
    for (_, spoil) in WITHOUT_STATE[1..].iter().rev() {
        spoil(&mut batch);
    }
    batch.signed.signature.0[5] ^= 1;
    let checked = batch.check(chain.machine.chain_id());
    assert_eq!(checked, Err(Reject::REQUEST_SIGNATURE_INVALID));
}

/// Faults of a request in a session of two calls' cap and a daily cap of one call, in which number 0 is
/// settled: in the order of their numbers, from what names no session on.
const WITH_STATE: &[RequestSpoiling] = &[
    (Reject::SESSION_UNKNOWN, |request| request.session.0 = 77),
    (Reject::SCOPE_MISMATCH, |request| request.provider = THIRD),
    (Reject::PRICE_MISMATCH, |request| request.price_minor -= 1),
    (Reject::KEY_MISMATCH, |request| {
        request.key = list_key(ListId(7), EPOCH).public().to_wire();
    }),
    (Reject::SEQUENCE_SETTLED, |request| request.sequence = 0),
    (Reject::SESSION_CAP_REACHED, |request| {
        let calls = request.calls.clone();
        let more = std::iter::repeat_n(calls[0], 3);
        request.calls = bounded(calls.iter().copied().chain(more).collect());
    }),
];

#[test]
fn of_a_batchs_faults_in_state_the_lowest_number_is_given() {
    for (lowest, (expected, _)) in WITH_STATE.iter().enumerate() {
        let mut chain = Chain::with(|genesis| {
            let mut terms = category(1);
            terms.daily_cap_calls = 1;
            genesis.categories = bounded(vec![terms]);
        });
        chain.prepare_list();
        let mut tight = opening(chain.height + 20);
        tight.cap_calls = 2;
        chain.open(QUERIER, &[tight]);
        let first = chain.batch(0, 1);
        chain.must(OWNER, first);
        let mut request = chain.request(1, 1);
        for (_, spoil) in WITH_STATE[lowest..].iter().rev() {
            spoil(&mut request);
        }
        let key_list = if request.key == list_key(LIST, EPOCH).public().to_wire() {
            LIST
        } else {
            ListId(7)
        };
        let batch = answer(request.sign(&signer(QUERIER)), key_list, EPOCH);
        let refused = chain.refused(OWNER, Action::CallBatch(Box::new(batch)));
        assert_eq!(refused, *expected);
    }
}

#[test]
fn of_an_openings_faults_the_lowest_number_is_given() {
    let mut chain = Chain::with_list();
    chain.must(QUERIER, create_list());
    chain.fill_pending(QUERIER);
    chain.raise_the_deposit();
    let mut faulty = opening(u64::MAX);
    faulty.escrow_minor = u32::MAX;
    // No such epoch, of one's own list, with a deadline too far, and no quota for it.
    faulty.list = ListId(2);
    let unknown = chain.refused(QUERIER, open(vec![faulty]));
    assert_eq!(unknown, Reject::EPOCH_UNKNOWN);
    // One's own list, with a deadline too far.
    let own = opening(u64::MAX);
    assert_eq!(chain.refused(OWNER, open(vec![own])), Reject::OWN_LIST);
    // A deadline too far, too low a deposit, a full account, and no quota.
    faulty.list = LIST;
    let late = chain.refused(QUERIER, open(vec![faulty]));
    assert_eq!(late, Reject::DEADLINE_OUT_OF_RANGE);
    let mut poor = |chain: &mut Chain| {
        faulty.deadline_height = chain.height + 5;
        chain.refused(QUERIER, open(vec![faulty]))
    };
    assert_eq!(poor(&mut chain), Reject::DEPOSIT_TOO_LOW);
    chain
        .carry(Change::SetParameters(parameters()))
        .expect("carried");
    assert_eq!(poor(&mut chain), Reject::PENDING_FULL);
    // An observer, whatever else.
    faulty.list = ListId(9);
    let observer = chain.refused(OBSERVER, open(vec![faulty]));
    assert_eq!(observer, Reject::NOT_A_MEMBER);
}

#[test]
fn of_a_collections_faults_the_lowest_number_is_given() {
    let mut chain = Chain::with_session();
    chain.open_one(QUERIER);
    let action = chain.batch(0, 2);
    chain.must(OWNER, action);
    // Of a charge that has grown since, into a full account.
    let stale = chain.collection(SESSION, false).expect("it is covered");
    let action = chain.batch(1, 2);
    chain.must(OWNER, action);
    chain.fill_pending(OWNER);
    let of = |number: u64| {
        let mut action = stale.clone();
        if let Action::CollectCharges { session, .. } = &mut action {
            session.0 = number;
        }
        action
    };
    assert_eq!(chain.refused(THIRD, of(9)), Reject::SESSION_UNKNOWN);
    // A session that owes nothing.
    assert_eq!(chain.refused(QUERIER, of(2)), Reject::NOT_THE_PROVIDER);
    assert_eq!(chain.refused(OWNER, of(2)), Reject::NOTHING_OWED);
    assert_eq!(chain.refused(OWNER, of(1)), Reject::CHARGE_MISMATCH);
    // The right charge, of another session of the same parties.
    let grown = chain.collection(SESSION, false).expect("it is covered");
    let action = chain.changed_batch(0, 2, |request| request.session.0 = 2);
    chain.must(OWNER, action);
    assert_eq!(chain.refused(OWNER, grown), Reject::PENDING_FULL);
}

#[test]
fn of_a_publications_faults_a_low_deposit_is_told_last() {
    let mut chain = Chain::with_list();
    chain.raise_the_deposit();
    let refused = chain.refused(OWNER, publish(version(LIST, EPOCH, 7)));
    assert_eq!(refused, Reject::VERSION_OUT_OF_ORDER);
    let refused = chain.refused(OWNER, publish(version(LIST, EPOCH, 1)));
    assert_eq!(refused, Reject::DEPOSIT_TOO_LOW);
}

#[test]
fn of_two_faulty_openings_the_first_ones_refusal_is_given() {
    let mut chain = Chain::with_list();
    let late = opening(u64::MAX);
    let mut unknown = late;
    unknown.list = ListId(9);
    let refused = chain.refused(QUERIER, open(vec![late, unknown]));
    assert_eq!(refused, Reject::DEADLINE_OUT_OF_RANGE);
    let refused = chain.refused(QUERIER, open(vec![unknown, late]));
    assert_eq!(refused, Reject::LIST_UNKNOWN);
}

#[test]
fn of_a_publications_faults_the_lowest_number_is_given() {
    let mut chain = Chain::with_list();
    let no_list = version(ListId(9), TagEpoch(3), 7);
    let no_epoch = version(LIST, TagEpoch(3), 7);
    let no_version = version(LIST, EPOCH, 7);
    assert_eq!(
        chain.refused(QUERIER, publish(no_list)),
        Reject::LIST_UNKNOWN
    );
    assert_eq!(
        chain.refused(QUERIER, publish(no_epoch)),
        Reject::NOT_THE_OWNER
    );
    assert_eq!(
        chain.refused(OWNER, publish(no_epoch)),
        Reject::EPOCH_UNKNOWN
    );
    assert_eq!(
        chain.refused(OBSERVER, attest(no_list)),
        Reject::NOT_A_MEMBER
    );
    assert_eq!(
        chain.refused(SISTER, attest(no_version)),
        Reject::PUBLICATION_UNKNOWN
    );
    let tag_epoch = EPOCH;
    chain.must(
        OWNER,
        Action::RevokeKey {
            list: LIST,
            tag_epoch,
        },
    );
    assert_eq!(
        chain.refused(OWNER, publish(no_version)),
        Reject::EPOCH_REVOKED
    );
    assert_eq!(
        chain.refused(SISTER, attest(no_version)),
        Reject::EPOCH_REVOKED
    );
    chain.must(OWNER, Action::WithdrawList { list: LIST });
    assert_eq!(
        chain.refused(QUERIER, publish(no_epoch)),
        Reject::NOT_THE_OWNER
    );
    assert_eq!(
        chain.refused(OWNER, publish(no_epoch)),
        Reject::LIST_WITHDRAWN
    );
}

#[test]
fn of_a_disputes_faults_the_lowest_number_is_given() {
    let mut chain = Chain::that_disputes_with(|network| {
        network.parameters.panel_size = 9;
        network.parameters.dispute_stake_minor = WELCOME_MINOR + 1;
    });
    let faulty = |number: u32, kind: IdentifierType| {
        let mut action = dispute_about(1);
        if let Action::OpenDispute {
            publication,
            kind: of,
            ..
        } = &mut action
        {
            (publication.version.0, *of) = (number, kind);
        }
        action
    };
    // No such version, and whatever else.
    let unknown = faulty(9, IdentifierType::Email);
    let refused = chain.refused(OBSERVER, unknown.clone());
    assert_eq!(refused, Reject::NOT_A_MEMBER);
    let refused = chain.refused(SISTER, unknown);
    assert_eq!(refused, Reject::PUBLICATION_UNKNOWN);
    // One that is pending, of another type.
    chain.must(OWNER, publish(version(LIST, EPOCH, 1)));
    let pending = faulty(1, IdentifierType::Email);
    assert_eq!(chain.refused(SISTER, pending.clone()), Reject::OWN_GROUP);
    let refused = chain.refused(QUERIER, pending);
    assert_eq!(refused, Reject::TYPE_NOT_ON_LIST);
    let pending = faulty(1, IdentifierType::Phone);
    let refused = chain.refused(QUERIER, pending);
    assert_eq!(refused, Reject::PUBLICATION_NOT_ACTIVE);
    // Neither a panel nor the quota.
    let refused = chain.refused(QUERIER, dispute_about(1));
    assert_eq!(refused, Reject::PANEL_TOO_SMALL);
}

#[test]
fn of_an_answers_and_a_rulings_faults_the_lowest_number_is_given() {
    // Before a panel is drawn, of whoever has nothing to say.
    let mut opened = OPENED.clone();
    let refused = opened.refused(SISTER, evidence());
    assert_eq!(refused, Reject::NOT_THE_DISPUTED_OWNER);
    let upheld = || rule(tacit_ledger::network::Ruling::Upheld);
    let refused = opened.refused(SISTER, upheld());
    assert_eq!(refused, Reject::PANEL_NOT_DRAWN);
    let mut drawn = DRAWN.clone();
    let refused = drawn.refused(SISTER, upheld());
    assert_eq!(refused, Reject::NOT_ON_THE_PANEL);
    drawn.must(OWNER, withdrawal());
    let refused = drawn.refused(SISTER, upheld());
    assert_eq!(refused, Reject::DISPUTE_DECIDED);
}

#[test]
fn of_a_votes_faults_its_own_come_before_those_of_the_change() {
    let mut chain = Chain::new();
    // The change is impossible: a stranger cannot leave.
    for voter in [OWNER, QUERIER, THIRD] {
        let action = match voter {
            OWNER => propose(Change::Remove { member: NOBODY }),
            _ => vote(1, true),
        };
        chain.must(voter, action);
    }
    assert_eq!(chain.refused(THIRD, vote(1, true)), Reject::ALREADY_VOTED);
    assert_eq!(chain.refused(FOURTH, vote(1, true)), Reject::MEMBER_UNKNOWN);
    assert_eq!(
        chain.refused(FOURTH, vote(9, true)),
        Reject::PROPOSAL_UNKNOWN
    );
}

/// A way to spoil a set of receipts, and the refusal of it.
type SetSpoiling = (Reject, fn(&mut ReceiptSet));

/// Faults of a set of receipts in the order in which they are told: its own, those of a receipt, and what
/// takes all receipts to tell.
const OF_A_SET: &[SetSpoiling] = &[
    (Reject::MEMBER_UNKNOWN, |set| set.context.verifier = NOBODY),
    (Reject::RECEIPT_KEY_MISMATCH, |set| {
        set.context.key = KeyId([7; 32]);
    }),
    (Reject::POLICY_UNKNOWN, |set| {
        set.context.policy = PolicyId(9)
    }),
    (Reject::POLICY_VERSION_UNKNOWN, |set| {
        set.context.policy_version = PolicyVersion(9);
    }),
    (Reject::TYPE_NOT_IN_POLICY, |set| {
        set.kind = IdentifierType::Email;
    }),
    (Reject::RECEIPTS_EXPIRED, |set| {
        set.context.expiry_height = 1
    }),
    (Reject::LIST_UNKNOWN, |set| {
        set.receipts.as_mut_slice()[0].publication.list = ListId(0);
    }),
    (Reject::LOG_ROOT_UNKNOWN, |set| {
        set.receipts.as_mut_slice()[0].log_root = root();
    }),
    (Reject::TOO_FEW_MEMBERS, |set| {
        set.receipts = bounded(set.receipts[..2].to_vec());
    }),
    (Reject::RECEIPT_INVALID, |set| {
        let other = set.receipts[1].proof;
        set.receipts.as_mut_slice()[0].proof = other;
    }),
];

#[test]
fn of_a_sets_faults_the_first_is_told() {
    for (first, (expected, _)) in OF_A_SET.iter().enumerate() {
        let set = WORLD.changed(|set| {
            for (_, spoil) in OF_A_SET[first..].iter().rev() {
                spoil(set);
            }
        });
        let refused = WORLD.chain.clone().refused(QUERIER, submit(set));
        assert_eq!(refused, *expected);
    }
}
