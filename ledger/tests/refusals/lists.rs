//! Lists, keys, publications, alarms.

use tacit_circuits::identifier::IdentifierType;
use tacit_circuits::oprf::ListKey;
use tacit_circuits::scope::{ListId, TagEpoch};
use tacit_ledger::kernel::Reject;
use tacit_ledger::network::parameters::CategoryId;
use tacit_ledger::network::{Action, AlarmReason, MAX_LISTS_PER_MEMBER, Root};

use super::Refusal;
use crate::support::*;

const SECOND: TagEpoch = TagEpoch(1);

fn accepting(types: Vec<IdentifierType>) -> Action {
    Action::CreateList {
        category: CATEGORY,
        name: text("accounts"),
        accepts: bounded(types),
    }
}

fn alarm(reason: AlarmReason) -> Action {
    Action::RaiseAlarm {
        publication: first(),
        reason,
    }
}

const WITHDRAW: Action = Action::WithdrawList { list: LIST };
const REVOKE: Action = Action::RevokeKey {
    list: LIST,
    tag_epoch: EPOCH,
};
const NO_LIST: ListId = ListId(9);

fn withdrawn() -> Chain {
    let mut chain = Chain::with_list();
    chain.must(OWNER, WITHDRAW);
    chain
}

fn revoked() -> Chain {
    let mut chain = Chain::with_list();
    chain.must(OWNER, REVOKE);
    chain
}

/// A list whose second epoch has taken the first one's place.
fn rotated() -> Chain {
    let mut chain = Chain::with_list();
    chain
        .register_epoch(OWNER, LIST, SECOND)
        .expect("registered");
    chain.activate(OWNER, version(LIST, SECOND, 0));
    chain
}

/// A list whose second version has taken the first one's place.
fn updated() -> Chain {
    let mut chain = Chain::with_list();
    chain.activate(OWNER, version(LIST, EPOCH, 1));
    chain
}

fn register(chain: &mut Chain, tag_epoch: TagEpoch, key: &ListKey) -> Reject {
    let action = chain.register_key(OWNER, LIST, tag_epoch, key);
    chain.refused(OWNER, action)
}

/// A list with a first epoch revoked, so that a second may be registered.
fn register_second(key: &ListKey) -> Reject {
    register(&mut revoked(), SECOND, key)
}

/// `−k`: ℓ − k, little-endian.
fn negative(key: &ListKey) -> ListKey {
    const ORDER: [u8; 32] = [
        0xb7, 0x2c, 0xf7, 0xd6, 0x5e, 0x0e, 0x97, 0xd0, 0x82, 0x10, 0xc8, 0xcc, 0x93, 0x20, 0x68,
        0xa6, 0x00, 0x3b, 0x34, 0x01, 0x01, 0x3b, 0x67, 0x06, 0xa9, 0xaf, 0x33, 0x65, 0xea, 0xb4,
        0x7d, 0x0e,
    ];
    let mut negative = ORDER;
    let mut borrow = 0_i16;
    for (digit, own) in negative.iter_mut().zip(key.to_secret_bytes().iter()) {
        let difference = i16::from(*digit) - i16::from(*own) - borrow;
        borrow = i16::from(difference < 0);
        *digit = difference.rem_euclid(256) as u8;
    }
    ListKey::from_secret_bytes(&negative).expect("−k is a key")
}

#[test]
fn the_negative_of_a_key_shares_its_u_coordinate_and_is_another_key() {
    let key = list_key(LIST, EPOCH);
    let negative = negative(&key).public();
    assert_eq!(negative.montgomery_u(), key.public().montgomery_u());
    assert_ne!(negative.to_wire(), key.public().to_wire());
}

pub(super) const REFUSALS: &[Refusal] = &[
    (Reject::EMPTY, "a list that accepts nothing", || {
        Chain::new().refused(OWNER, accepting(Vec::new()))
    }),
    (
        Reject::DUPLICATE,
        "a list that accepts a type twice",
        || Chain::new().refused(OWNER, accepting(vec![IdentifierType::Iban; 2])),
    ),
    (Reject::DUPLICATE, "a list whose types descend", || {
        let types = vec![IdentifierType::Iban, IdentifierType::Phone];
        Chain::new().refused(OWNER, accepting(types))
    }),
    (Reject::POINT_INVALID, "a list key that is no point", || {
        let mut chain = Chain::with_list();
        let mut action = chain.register_key(OWNER, LIST, SECOND, &list_key(LIST, SECOND));
        if let Action::RegisterTagEpoch { key, .. } = &mut action {
            *key = no_point();
        }
        chain.refused(OWNER, action)
    }),
    (
        Reject::KEY_PROOF_INVALID,
        "a list key whose secret nobody showed",
        || {
            let mut chain = Chain::with_list();
            let mut action = chain.register_key(OWNER, LIST, SECOND, &list_key(LIST, SECOND));
            if let Action::RegisterTagEpoch { key, .. } = &mut action {
                *key = list_key(LIST, EPOCH).public().to_wire();
            }
            chain.refused(OWNER, action)
        },
    ),
    (Reject::KEY_PROOF_INVALID, "another member's proof", || {
        let mut chain = Chain::with_list();
        let action = chain.register_key(OWNER, LIST, SECOND, &list_key(LIST, SECOND));
        chain.refused(QUERIER, action)
    }),
    (
        Reject::KEY_PROOF_INVALID,
        "a proof for another epoch",
        || {
            let mut chain = Chain::with_list();
            let mut action = chain.register_key(OWNER, LIST, EPOCH, &list_key(LIST, SECOND));
            if let Action::RegisterTagEpoch { tag_epoch, .. } = &mut action {
                *tag_epoch = SECOND;
            }
            chain.refused(OWNER, action)
        },
    ),
    (
        Reject::VALUE_OUT_OF_RANGE,
        "a root that is no field element",
        || {
            let mut action = publish(first());
            if let Action::Publish { root, .. } = &mut action {
                *root = Root([0xff; 32]);
            }
            Chain::with_epoch().refused(OWNER, action)
        },
    ),
    (Reject::FRAUD_PROOF_INVALID, "a leaf in order", || {
        Chain::with_list().refused(THIRD, no_fraud(first()))
    }),
    (
        Reject::FRAUD_PROOF_INVALID,
        "a leaf under another root than the one named",
        || {
            let mut action = fraud_proof(first());
            if let Action::FraudProof { root, .. } = &mut action {
                *root = Root([0; 32]);
            }
            Chain::with_list().refused(THIRD, action)
        },
    ),
    (Reject::NOT_A_MEMBER, "an observer with a list", || {
        Chain::new().refused(OBSERVER, create_list())
    }),
    (Reject::NOT_A_MEMBER, "an observer that attests", || {
        Chain::with_list().refused(OBSERVER, attest(first()))
    }),
    (
        Reject::NOT_A_MEMBER,
        "an observer that raises an alarm",
        || Chain::with_list().refused(OBSERVER, alarm(AlarmReason::RootMismatch)),
    ),
    (Reject::LIST_UNKNOWN, "a withdrawal of no list", || {
        Chain::new().refused(OWNER, WITHDRAW)
    }),
    (Reject::LIST_UNKNOWN, "an attestation about no list", || {
        Chain::new().refused(OWNER, attest(first()))
    }),
    (Reject::LIST_UNKNOWN, "a version of no list", || {
        Chain::with_list().refused(OWNER, publish(version(NO_LIST, EPOCH, 0)))
    }),
    (Reject::NOT_THE_OWNER, "a version of another's list", || {
        Chain::with_list().refused(QUERIER, publish(version(LIST, EPOCH, 1)))
    }),
    (
        Reject::NOT_THE_OWNER,
        "a withdrawal of another's list",
        || Chain::with_list().refused(SISTER, WITHDRAW),
    ),
    (
        Reject::NOT_THE_OWNER,
        "a revocation of another's key",
        || Chain::with_list().refused(QUERIER, REVOKE),
    ),
    (Reject::NOT_THE_OWNER, "a key for another's list", || {
        let mut chain = Chain::with_list();
        let key = list_key(LIST, SECOND);
        let action = chain.register_key(QUERIER, LIST, SECOND, &key);
        chain.refused(QUERIER, action)
    }),
    (
        Reject::LIST_WITHDRAWN,
        "a withdrawal of what is withdrawn",
        || withdrawn().refused(OWNER, WITHDRAW),
    ),
    (
        Reject::LIST_WITHDRAWN,
        "a version of what is withdrawn",
        || withdrawn().refused(OWNER, publish(version(LIST, EPOCH, 1))),
    ),
    (
        Reject::LIST_WITHDRAWN,
        "a key for what is withdrawn",
        || register(&mut withdrawn(), SECOND, &list_key(LIST, SECOND)),
    ),
    (
        Reject::LIST_WITHDRAWN,
        "an attestation of what is withdrawn",
        || withdrawn().refused(FOURTH, attest(first())),
    ),
    (Reject::TOO_MANY_LISTS, "one list too many", || {
        let mut chain = Chain::new();
        for _ in 0..MAX_LISTS_PER_MEMBER {
            chain.must(OWNER, create_list());
        }
        chain.refused(OWNER, create_list())
    }),
    (
        Reject::CATEGORY_RETIRED,
        "a list of a retired category",
        || {
            let mut chain = Chain::with(|genesis| {
                let mut retired = category(2);
                retired.retired = true;
                genesis.categories = bounded(vec![category(1), retired]);
            });
            let mut action = create_list();
            if let Action::CreateList { category, .. } = &mut action {
                *category = CategoryId(2);
            }
            chain.refused(OWNER, action)
        },
    ),
    (Reject::EPOCH_UNKNOWN, "a version under no key", || {
        Chain::with_list().refused(OWNER, publish(version(LIST, SECOND, 0)))
    }),
    (Reject::EPOCH_UNKNOWN, "a revocation of no key", || {
        let tag_epoch = SECOND;
        Chain::with_list().refused(
            OWNER,
            Action::RevokeKey {
                list: LIST,
                tag_epoch,
            },
        )
    }),
    (
        Reject::EPOCH_OUT_OF_ORDER,
        "an epoch that leaves one out",
        || {
            let third = TagEpoch(2);
            register(&mut Chain::with_list(), third, &list_key(LIST, third))
        },
    ),
    (
        Reject::EPOCH_OUT_OF_ORDER,
        "an epoch registered a second time",
        || register(&mut Chain::with_list(), EPOCH, &list_key(LIST, SECOND)),
    ),
    (
        Reject::EPOCH_OUT_OF_ORDER,
        "an epoch while the one before waits",
        || register(&mut Chain::with_epoch(), SECOND, &list_key(LIST, SECOND)),
    ),
    (Reject::KEY_SEEN_BEFORE, "the key of a former epoch", || {
        register_second(&list_key(LIST, EPOCH))
    }),
    (
        Reject::KEY_SEEN_BEFORE,
        "the negative of a former key",
        || register_second(&negative(&list_key(LIST, EPOCH))),
    ),
    (
        Reject::KEY_SEEN_BEFORE,
        "the key of another member's list",
        || {
            let mut chain = Chain::with_list();
            chain.must(QUERIER, create_list());
            let (list, key) = (ListId(2), list_key(LIST, EPOCH));
            let action = chain.register_key(QUERIER, list, EPOCH, &key);
            chain.refused(QUERIER, action)
        },
    ),
    (
        Reject::EPOCH_REVOKED,
        "a version under a revoked key",
        || revoked().refused(OWNER, publish(version(LIST, EPOCH, 1))),
    ),
    (Reject::EPOCH_REVOKED, "a second revocation", || {
        revoked().refused(OWNER, REVOKE)
    }),
    (
        Reject::EPOCH_REVOKED,
        "an attestation under a revoked key",
        || revoked().refused(FOURTH, attest(first())),
    ),
    (
        Reject::EPOCH_SUPERSEDED,
        "a version under a former key",
        || rotated().refused(OWNER, publish(version(LIST, EPOCH, 1))),
    ),
    (
        Reject::EPOCH_SUPERSEDED,
        "an attestation under a former key",
        || rotated().refused(FOURTH, attest(first())),
    ),
    (
        Reject::PUBLICATION_UNKNOWN,
        "an attestation of nothing",
        || Chain::with_epoch().refused(QUERIER, attest(first())),
    ),
    (
        Reject::PUBLICATION_UNKNOWN,
        "an alarm about nothing",
        || Chain::with_epoch().refused(QUERIER, alarm(AlarmReason::RootMismatch)),
    ),
    (Reject::PUBLICATION_UNKNOWN, "fraud in nothing", || {
        Chain::with_epoch().refused(QUERIER, fraud_proof(first()))
    }),
    (
        Reject::VERSION_OUT_OF_ORDER,
        "a version that leaves one out",
        || Chain::with_list().refused(OWNER, publish(version(LIST, EPOCH, 2))),
    ),
    (
        Reject::VERSION_OUT_OF_ORDER,
        "a version published a second time",
        || Chain::with_list().refused(OWNER, publish(first())),
    ),
    (Reject::ROOT_MISMATCH, "fraud in another tree", || {
        Chain::with_list().refused(THIRD, fraud_elsewhere(first()))
    }),
    (
        Reject::PUBLICATION_FRAUDULENT,
        "fraud proven a second time",
        || {
            let mut chain = Chain::with_list();
            chain.must(THIRD, fraud_proof(first()));
            chain.refused(FOURTH, fraud_proof(first()))
        },
    ),
    (
        Reject::PUBLICATION_FRAUDULENT,
        "an attestation of a proven fraud",
        || {
            let mut chain = Chain::with_list();
            chain.must(THIRD, fraud_proof(first()));
            chain.refused(FOURTH, attest(first()))
        },
    ),
    (
        Reject::PUBLICATION_SUPERSEDED,
        "an attestation of a former version",
        || updated().refused(FOURTH, attest(first())),
    ),
    (
        Reject::PUBLICATION_SUPERSEDED,
        "an attestation of a version that was overtaken",
        || {
            let mut chain = Chain::with_list();
            chain.must(OWNER, publish(version(LIST, EPOCH, 1)));
            chain.activate(OWNER, version(LIST, EPOCH, 2));
            chain.refused(FOURTH, attest(version(LIST, EPOCH, 1)))
        },
    ),
    (Reject::OWN_GROUP, "an attestation of the owner", || {
        Chain::with_list().refused(OWNER, attest(first()))
    }),
    (
        Reject::OWN_GROUP,
        "an attestation of the owner's sister",
        || Chain::with_list().refused(SISTER, attest(first())),
    ),
    (Reject::ALREADY_ATTESTED, "a second attestation", || {
        Chain::with_list().refused(QUERIER, attest(first()))
    }),
    (Reject::ALARM_ALREADY_RAISED, "a second alarm", || {
        let mut chain = Chain::with_list();
        chain.must(THIRD, alarm(AlarmReason::SnapshotUnavailable));
        chain.refused(THIRD, alarm(AlarmReason::RootMismatch))
    }),
    (
        Reject::NOT_ATTESTED,
        "an alarm about an attestation that nobody made",
        || {
            let attester = FOURTH;
            Chain::with_list().refused(THIRD, alarm(AlarmReason::AttestationRefuted { attester }))
        },
    ),
    (Reject::OWN_LIST, "an alarm of the owner", || {
        Chain::with_list().refused(OWNER, alarm(AlarmReason::RootMismatch))
    }),
];
