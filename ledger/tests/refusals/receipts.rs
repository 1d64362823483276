//! Policies, receipts, and who relies on them.

use tacit_circuits::curve::Field;
use tacit_circuits::identifier::IdentifierType;
use tacit_circuits::receipt::{KeyId, Proof};
use tacit_circuits::scope::{ListId, TagEpoch};
use tacit_ledger::kernel::{Bytes, Digest, Reject, codec};
use tacit_ledger::network::parameters::CategoryId;
use tacit_ledger::network::receipts::{ObjectId, Purpose, Receipt};
use tacit_ledger::network::record::{
    MAX_POLICIES_PER_MEMBER, MAX_POLICY_VERSIONS, MAX_RECEIPT_LIFETIME_BLOCKS,
    MAX_SCREENINGS_PER_MEMBER,
};
use tacit_ledger::network::{
    Action, Change, PolicyId, PolicyTerms, PolicyVersion, PublicationId, ReceiptSet, Root,
    ScreeningId, keys,
};

use super::Refusal;
use crate::receipts::consumer::{Application, LOANS, LoanAction, OTHER_LOANS};
use crate::receipts::{ACCEPTED, application, approve};
use crate::support::*;

fn policy_with(change: fn(&mut PolicyTerms)) -> Reject {
    let mut terms = terms();
    change(&mut terms);
    Chain::new().refused(OWNER, put_policy("lending", terms))
}

/// Why the world refuses a set that was changed.
fn changed(change: fn(&mut ReceiptSet)) -> Reject {
    let set = WORLD.changed(change);
    WORLD.chain.clone().refused(QUERIER, submit(set))
}

/// Why the world refuses a set with a changed second receipt.
fn changed_receipt(change: fn(&mut Receipt)) -> Reject {
    let set = WORLD.changed_receipt(1, change);
    WORLD.chain.clone().refused(QUERIER, submit(set))
}

/// Why a changed set is refused after something has happened.
fn after(happen: impl FnOnce(&mut Chain), change: fn(&mut ReceiptSet)) -> Reject {
    let mut chain = WORLD.chain.clone();
    happen(&mut chain);
    chain.refused(QUERIER, submit(WORLD.changed(change)))
}

/// Why a set with one receipt, for this publication, is refused.
fn single(publication: PublicationId) -> Reject {
    let set = WORLD.changed(|set| {
        let mut receipt = set.receipts[0].clone();
        receipt.publication = publication;
        set.receipts = bounded(vec![receipt]);
    });
    WORLD.chain.clone().refused(QUERIER, submit(set))
}

/// Why a set is refused whose encoding was changed.
fn spoilt(find: &[u8], replace: &[u8]) -> Reject {
    let chain = &WORLD.chain;
    let mut action = codec::encode(&submit(WORLD.set.clone()));
    let place = action
        .windows(find.len())
        .position(|window| window == find)
        .expect("it is there");
    action[place..place + find.len()].copy_from_slice(replace);
    let mut unsigned =
        submit(WORLD.set.clone()).unsigned(chain.machine.chain_id(), QUERIER, 0, FAR);
    unsigned.action = Bytes::try_from(action).expect("it fits");
    let envelope = unsigned.sign(&signer(QUERIER));
    chain.machine.check_stateless(&[envelope])[0].expect_err("it was refused")
}

fn propose_key(bytes: Vec<u8>) -> Reject {
    let change = Change::SetReceiptKey {
        verifying_key: Bytes::try_from(bytes).expect("it fits"),
        transcript: Digest([0; 32]),
    };
    Chain::new().refused(OWNER, propose(change))
}

const SECOND: TagEpoch = TagEpoch(1);

pub(super) const REFUSALS: &[Refusal] = &[
    (Reject::MALFORMED, "a commitment above p", || {
        spoilt(&WORLD.set.commitment.to_bytes(), &[0xff; 32])
    }),
    (Reject::MALFORMED, "a purpose in capitals", || {
        spoilt(PURPOSE.as_bytes(), PURPOSE.to_uppercase().as_bytes())
    }),
    (Reject::EMPTY, "a policy without categories", || {
        policy_with(|terms| terms.categories = bounded(Vec::new()))
    }),
    (Reject::EMPTY, "a policy without types", || {
        policy_with(|terms| terms.kinds = bounded(Vec::new()))
    }),
    (Reject::EMPTY, "a set without receipts", || {
        changed(|set| set.receipts = bounded(Vec::new()))
    }),
    (Reject::DUPLICATE, "a policy with a category twice", || {
        policy_with(|terms| terms.categories = bounded(vec![CategoryId(1); 2]))
    }),
    (Reject::DUPLICATE, "a policy with types in disorder", || {
        policy_with(|terms| {
            terms.kinds = bounded(vec![IdentifierType::Iban, IdentifierType::Phone]);
        })
    }),
    (Reject::DUPLICATE, "two receipts for one list", || {
        changed(|set| {
            let receipt = set.receipts[0].clone();
            set.receipts = bounded(vec![receipt.clone(), receipt]);
        })
    }),
    (Reject::DUPLICATE, "receipts in disorder", || {
        changed(|set| set.receipts.as_mut_slice().reverse())
    }),
    (Reject::VALUE_OUT_OF_RANGE, "a policy of no members", || {
        policy_with(|terms| terms.min_members = 0)
    }),
    (
        Reject::VALUE_OUT_OF_RANGE,
        "a policy of more members than a set can show",
        || policy_with(|terms| terms.min_members = 17),
    ),
    (Reject::RECEIPT_ENCODING_INVALID, "no points", || {
        changed_receipt(|receipt| receipt.proof = Proof([0; 192]))
    }),
    (Reject::RECEIPT_KEY_INVALID, "a short key", || {
        propose_key(vec![0; 100])
    }),
    (Reject::RECEIPT_KEY_INVALID, "a key of no points", || {
        propose_key(vec![0; 816])
    }),
    (Reject::NOT_A_MEMBER, "an observer's policy", || {
        Chain::new().refused(OBSERVER, put_policy("lending", terms()))
    }),
    (Reject::NOT_A_MEMBER, "an observer's receipts", || {
        let set = WORLD.set.clone();
        WORLD.chain.clone().refused(OBSERVER, submit(set))
    }),
    (Reject::MEMBER_UNKNOWN, "receipts for nobody", || {
        changed(|set| set.context.verifier = NOBODY)
    }),
    (Reject::MEMBER_LEFT, "receipts for one that left", || {
        let member = SISTER;
        after(
            |chain| chain.carry(Change::Remove { member }).expect("carried"),
            |set| set.context.verifier = SISTER,
        )
    }),
    (Reject::CATEGORY_UNKNOWN, "a policy of no category", || {
        policy_with(|terms| terms.categories = bounded(vec![CategoryId(1), CategoryId(9)]))
    }),
    (Reject::LIST_UNKNOWN, "a receipt of no list", || {
        single(version(ListId(99), EPOCH, 0))
    }),
    (Reject::EPOCH_UNKNOWN, "a receipt of no epoch", || {
        single(version(LIST, SECOND, 0))
    }),
    (
        Reject::EPOCH_REVOKED,
        "a receipt under a revoked key",
        || {
            after(
                |chain| {
                    let (list, tag_epoch) = (LIST, EPOCH);
                    chain.must(OWNER, Action::RevokeKey { list, tag_epoch });
                },
                |_| (),
            )
        },
    ),
    (
        Reject::PUBLICATION_UNKNOWN,
        "a receipt of no version",
        || single(version(LIST, EPOCH, 7)),
    ),
    (
        Reject::PUBLICATION_FRAUDULENT,
        "a receipt of a fraud",
        || {
            after(
                |chain| {
                    let second = version(LIST, EPOCH, 1);
                    chain.activate(OWNER, second);
                    chain.must(QUERIER, fraud_proof(second));
                },
                |set| set.receipts.as_mut_slice()[0].publication = version(LIST, EPOCH, 1),
            )
        },
    ),
    (Reject::OWN_GROUP, "a receipt of one's own list", || {
        single(version(OWN_LIST, EPOCH, 0))
    }),
    (
        Reject::RECEIPT_KEY_UNSET,
        "receipts before any vote",
        || Chain::new().refused(QUERIER, submit(WORLD.set.clone())),
    ),
    (
        Reject::RECEIPT_KEY_MISMATCH,
        "receipts of another key",
        || changed(|set| set.context.key = KeyId([7; 32])),
    ),
    (Reject::POLICY_UNKNOWN, "receipts for no policy", || {
        changed(|set| set.context.policy = PolicyId(9))
    }),
    (
        Reject::POLICY_VERSION_UNKNOWN,
        "receipts for a version to come",
        || changed(|set| set.context.policy_version = PolicyVersion(2)),
    ),
    (
        Reject::POLICY_VERSION_UNKNOWN,
        "receipts for a version before the first",
        || changed(|set| set.context.policy_version = PolicyVersion(0)),
    ),
    (
        Reject::TYPE_NOT_IN_POLICY,
        "receipts about an e-mail",
        || changed(|set| set.kind = IdentifierType::Email),
    ),
    (Reject::RECEIPTS_EXPIRED, "receipts that expire now", || {
        after(
            |_| (),
            |set| set.context.expiry_height = WORLD.chain.height + 1,
        )
    }),
    (
        Reject::RECEIPTS_EXPIRED,
        "receipts that have expired",
        || after(|chain| chain.pass(LIFETIME), |_| ()),
    ),
    (
        Reject::RECEIPTS_EXPIRE_TOO_LATE,
        "receipts that live too long",
        || {
            changed(|set| {
                let next = WORLD.chain.height + 1;
                set.context.expiry_height = next + MAX_RECEIPT_LIFETIME_BLOCKS + 1;
            })
        },
    ),
    (Reject::CONTEXT_USED, "the same set twice", || {
        ACCEPTED.clone().refused(QUERIER, submit(WORLD.set.clone()))
    }),
    (
        Reject::TOO_MANY_SCREENINGS,
        "one more set than a member may have",
        || {
            after(
                |chain| {
                    let ids = vec![ScreeningId(1); MAX_SCREENINGS_PER_MEMBER];
                    let key = keys::screenings_of(QUERIER);
                    chain.state.insert(key, codec::encode(&ids));
                },
                |_| (),
            )
        },
    ),
    (
        Reject::CATEGORY_NOT_IN_POLICY,
        "a receipt of a list elsewhere",
        || single(version(ELSEWHERE, EPOCH, 0)),
    ),
    (
        Reject::TYPE_NOT_ON_LIST,
        "a receipt of a list of cards",
        || single(version(OF_CARDS, EPOCH, 0)),
    ),
    (
        Reject::PUBLICATION_NOT_ACTIVE,
        "a receipt of a version that waits",
        || {
            after(
                |chain| drop(chain.must(OWNER, publish(version(LIST, EPOCH, 1)))),
                |set| set.receipts.as_mut_slice()[0].publication = version(LIST, EPOCH, 1),
            )
        },
    ),
    (
        Reject::PUBLICATION_TOO_OLD,
        "a receipt of a version that was superseded",
        || {
            after(
                |chain| {
                    chain.activate(OWNER, version(LIST, EPOCH, 1));
                    chain.pass(2);
                },
                |_| (),
            )
        },
    ),
    (Reject::LOG_ROOT_UNKNOWN, "a root of no log", || {
        changed_receipt(|receipt| receipt.log_root = Field::from(5_u32).into())
    }),
    (Reject::LOG_ROOT_UNKNOWN, "a root above p", || {
        changed_receipt(|receipt| receipt.log_root = Root([0xff; 32]))
    }),
    (Reject::TOO_FEW_MEMBERS, "receipts of two members", || {
        changed(|set| {
            let two = set.receipts[..2].to_vec();
            set.receipts = bounded(two);
        })
    }),
    (Reject::RECEIPT_INVALID, "one proof for another", || {
        changed(|set| {
            let other = set.receipts[0].proof;
            set.receipts.as_mut_slice()[1].proof = other;
        })
    }),
    (Reject::TOO_MANY_POLICIES, "one more policy", || {
        let mut chain = Chain::new();
        for number in 0..MAX_POLICIES_PER_MEMBER {
            chain.must(OWNER, put_policy(&format!("policy {number}"), terms()));
        }
        chain.must(OWNER, put_policy("policy 0", terms()));
        chain.refused(OWNER, put_policy("one more", terms()))
    }),
    (Reject::TOO_MANY_POLICY_VERSIONS, "one more version", || {
        let mut chain = Chain::new();
        chain.must(OWNER, put_policy("lending", terms()));
        let last = PolicyVersion(MAX_POLICY_VERSIONS);
        let key = keys::policy_version(PolicyId(1));
        chain.state.insert(key, codec::encode(&last));
        chain.refused(OWNER, put_policy("lending", terms()))
    }),
];

/// Why an application that differs from what the receipts say is not approved on their strength.
fn relying(change: fn(&mut Application)) -> Reject {
    let mut application = application();
    change(&mut application);
    let lender = application.lender;
    approve(&mut ACCEPTED.clone(), LOANS, OBJECT, application, lender)
}

/// Why an application is no longer approved after something has happened.
fn relying_after(happen: fn(&mut Chain)) -> Reject {
    let mut chain = ACCEPTED.clone();
    happen(&mut chain);
    approve(&mut chain, LOANS, OBJECT, application(), QUERIER)
}

pub(super) const RELYING: &[Refusal] = &[
    (Reject::SCREENING_UNKNOWN, "no receipts", || {
        let mut chain = WORLD.chain.clone();
        approve(&mut chain, LOANS, OBJECT, application(), QUERIER)
    }),
    (Reject::SCREENING_UNKNOWN, "expired receipts", || {
        relying_after(|chain| chain.pass(LIFETIME))
    }),
    (
        Reject::SCREENING_CONSUMED,
        "the same receipts twice",
        || {
            let mut chain = ACCEPTED.clone();
            let action = LoanAction::Approve(OBJECT, ScreeningId(1));
            chain
                .on_loans(QUERIER, LOANS, &LoanAction::Apply(OBJECT, application()))
                .expect("applied");
            chain.on_loans(QUERIER, LOANS, &action).expect("approved");
            chain
                .on_loans(QUERIER, LOANS, &action)
                .expect_err("used up")
        },
    ),
    (Reject::SCREENING_OF_OTHER_MODULE, "another ledger", || {
        let mut chain = ACCEPTED.clone();
        approve(&mut chain, OTHER_LOANS, OBJECT, application(), QUERIER)
    }),
    (Reject::SCREENING_OF_OTHER_OBJECT, "another loan", || {
        let other = ObjectId([0x0c; 32]);
        approve(&mut ACCEPTED.clone(), LOANS, other, application(), QUERIER)
    }),
    (
        Reject::SCREENING_OF_OTHER_SUBMITTER,
        "another lender",
        || relying(|application| application.lender = THIRD),
    ),
    (
        Reject::SCREENING_FOR_OTHER_VERIFIER,
        "another guarantor",
        || relying(|application| application.guarantor = THIRD),
    ),
    (Reject::SCREENING_OF_OTHER_SUBJECT, "another person", || {
        relying(|application| application.commitment = commitment(Subject::Listed))
    }),
    (Reject::SCREENING_OF_OTHER_SUBJECT, "another type", || {
        relying(|application| application.kind = IdentifierType::Card)
    }),
    (
        Reject::SCREENING_FOR_OTHER_PURPOSE,
        "another purpose",
        || relying(|application| application.purpose = Purpose::new("marketing").expect("a code")),
    ),
    (Reject::SCREENING_OF_OTHER_POLICY, "another policy", || {
        relying(|application| application.policy = PolicyId(2))
    }),
    (Reject::SCREENING_OF_OLD_POLICY, "a newer policy", || {
        relying(|application| application.min_policy_version = PolicyVersion(2))
    }),
    (
        Reject::RECEIPT_KEY_MISMATCH,
        "receipts of a key that was voted out",
        || {
            relying_after(|chain| {
                chain.carry(set_other_receipt_key()).expect("carried");
            })
        },
    ),
    (Reject::EPOCH_REVOKED, "a key revoked since", || {
        relying_after(|chain| {
            let (list, tag_epoch) = (ListId(2), EPOCH);
            chain.must(THIRD, Action::RevokeKey { list, tag_epoch });
        })
    }),
    (
        Reject::PUBLICATION_FRAUDULENT,
        "a fraud proven since",
        || {
            relying_after(|chain| {
                let key = keys::publication(first());
                let mut record: tacit_ledger::network::Publication =
                    codec::decode(&chain.state[&key]).expect("a record");
                record.status = tacit_ledger::network::PublicationStatus::Fraudulent { height: 1 };
                chain.state.insert(key, codec::encode(&record));
            })
        },
    ),
];
