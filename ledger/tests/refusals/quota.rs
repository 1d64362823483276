//! Accounts, deposits, charges.

use tacit_circuits::quota::{BurnProof, KeyChange, Opening as AmountOpening};
use tacit_ledger::kernel::{Bytes, MemberId, Reject, Role};
use tacit_ledger::network::quota::{CHARGE_TRANSFER_BYTES, ESCROW_TRANSFER_BYTES, prove_key};
use tacit_ledger::network::{Action, Change, SessionId};

use super::Refusal;
use crate::support::*;

fn bytes<const MAX: usize>(bytes: Vec<u8>) -> Bytes<MAX> {
    Bytes::try_from(bytes).expect("they fit")
}

/// How an opening in order is refused whose escrow was changed.
fn escrow_refused(change: impl FnOnce(&mut Vec<u8>)) -> Reject {
    let mut chain = Chain::with_list();
    let wish = opening(chain.height + 5);
    let mut action = chain.opened(QUERIER, &[wish]);
    if let Action::OpenSessions { openings } = &mut action {
        let escrow = &mut openings.as_mut_slice()[0].escrow;
        let mut changed = escrow.to_vec();
        change(&mut changed);
        *escrow = bytes::<ESCROW_TRANSFER_BYTES>(changed);
    }
    chain.refused(QUERIER, action)
}

/// A chain whose first session owes two calls, and their collection.
fn owing() -> (Chain, Action) {
    let mut chain = Chain::with_session();
    let action = chain.batch(0, 2);
    chain.must(OWNER, action);
    let collection = chain.collection(SESSION, false).expect("it is covered");
    (chain, collection)
}

/// A chain in which members hold sealed amounts, and no session is open.
fn rolled_over() -> Chain {
    let mut chain = Chain::with_session();
    let action = chain.batch(0, 2);
    chain.must(OWNER, action);
    let collection = chain.collection(SESSION, true).expect("it is covered");
    chain.must(OWNER, collection);
    chain
}

/// How a change of key in order is refused that was changed on its way.
fn key_change_refused(change: impl FnOnce(&mut Vec<u8>)) -> Reject {
    let mut chain = rolled_over();
    let mut action = chain.key_change(OWNER);
    if let Action::ChangeQuotaKey { change: proof, .. } = &mut action {
        let mut changed = proof.to_vec();
        change(&mut changed);
        *proof = bytes::<{ KeyChange::BYTES }>(changed);
    }
    chain.refused(OWNER, action)
}

/// A deposit of 5 that has the form of one in order.
fn five() -> Action {
    Chain::new().deposit_of(OWNER, 5).expect("it is there")
}

pub(super) const REFUSALS: &[Refusal] = &[
    (Reject::EMPTY, "a deposit of nothing", || {
        let mut action = five();
        if let Action::Deposit { amount_minor, .. } = &mut action {
            *amount_minor = 0;
        }
        Chain::new().refused(OWNER, action)
    }),
    (Reject::EMPTY, "a withdrawal of nothing", || {
        Chain::new().refused(OWNER, Action::Withdraw { amount_minor: 0 })
    }),
    (
        Reject::TRANSFER_ENCODING_INVALID,
        "an escrow that is cut short",
        || escrow_refused(|escrow| escrow.truncate(ESCROW_TRANSFER_BYTES - 1)),
    ),
    (
        Reject::TRANSFER_ENCODING_INVALID,
        "an escrow that is bare, without any blinding",
        || escrow_refused(|escrow| escrow[32..64].fill(0)),
    ),
    (
        Reject::TRANSFER_ENCODING_INVALID,
        "an escrow that is no element",
        || escrow_refused(|escrow| escrow[..32].fill(0xff)),
    ),
    (
        Reject::TRANSFER_ENCODING_INVALID,
        "a charge of another length",
        || {
            let (mut chain, mut action) = owing();
            if let Action::CollectCharges { charge, .. } = &mut action {
                *charge = bytes::<CHARGE_TRANSFER_BYTES>(charge[1..].to_vec());
            }
            chain.refused(OWNER, action)
        },
    ),
    (
        Reject::TRANSFER_ENCODING_INVALID,
        "a proof of a deposit that is no proof",
        || {
            let mut action = five();
            if let Action::Deposit { proof, .. } = &mut action {
                *proof = bytes::<{ BurnProof::BYTES }>(vec![0xff; BurnProof::BYTES]);
            }
            Chain::new().refused(OWNER, action)
        },
    ),
    (
        Reject::QUOTA_KEY_PROOF_INVALID,
        "a candidate with a copied quota key and its proof",
        || {
            let copied = candidate(OWNER, "Group A", Role::Member);
            let mut joining = candidate(MemberId(7), "Group E", Role::Member);
            joining.quota_key = copied.quota_key;
            joining.quota_key_proof = copied.quota_key_proof;
            Chain::new().refused(OWNER, propose(Change::Admit(joining)))
        },
    ),
    (
        Reject::QUOTA_KEY_PROOF_INVALID,
        "a candidate with another quota key than it proves",
        || {
            let mut joining = candidate(MemberId(7), "Group E", Role::Member);
            let key = quota_key(MemberId(8));
            joining.quota_key_proof = prove_key(&key, &joining.ledger_key, &mut rng(1));
            Chain::new().refused(OWNER, propose(Change::Admit(joining)))
        },
    ),
    (Reject::NOT_A_MEMBER, "an observer that rolls over", || {
        Chain::new().refused(OBSERVER, Action::RollOver)
    }),
    (Reject::NOT_A_MEMBER, "an observer that deposits", || {
        Chain::new().refused(OBSERVER, five())
    }),
    (Reject::NOT_A_MEMBER, "an observer that withdraws", || {
        Chain::new().refused(OBSERVER, Action::Withdraw { amount_minor: 1 })
    }),
    (
        Reject::SESSION_UNKNOWN,
        "the collection of a session that has ended",
        || {
            let (mut chain, collection) = owing();
            chain.must(OWNER, close(SESSION));
            chain.refused(OWNER, collection)
        },
    ),
    (
        Reject::NOT_THE_PROVIDER,
        "a collection by the querier",
        || {
            let (mut chain, collection) = owing();
            chain.refused(QUERIER, collection)
        },
    ),
    (Reject::NOT_THE_PROVIDER, "a collection by a third", || {
        let (mut chain, collection) = owing();
        chain.refused(THIRD, collection)
    }),
    (
        Reject::NOTHING_OWED,
        "a collection before anything is settled",
        || Chain::with_session().refused(OWNER, owing().1),
    ),
    (Reject::NOTHING_OWED, "the same collection twice", || {
        let (mut chain, collection) = owing();
        chain.must(OWNER, collection.clone());
        chain.refused(OWNER, collection)
    }),
    (
        Reject::CHARGE_MISMATCH,
        "a collection of what was owed before another batch settled",
        || {
            let (mut chain, collection) = owing();
            let action = chain.batch(1, 1);
            chain.must(QUERIER, action);
            chain.refused(OWNER, collection)
        },
    ),
    (
        Reject::CHARGE_MISMATCH,
        "a collection of another amount than the requests committed to",
        || {
            let (mut chain, _) = owing();
            let more = AmountOpening::random(2 * PRICE_MINOR, &mut rng(3));
            chain.owed.insert(SESSION, vec![more]);
            let collection = chain.collection(SESSION, false).expect("it is covered");
            chain.refused(OWNER, collection)
        },
    ),
    (
        Reject::CHARGE_MISMATCH,
        "a collection of the same amount under another blinding",
        || {
            let (mut chain, _) = owing();
            let same = AmountOpening::random(PRICE_MINOR, &mut rng(3));
            chain.owed.insert(SESSION, vec![same]);
            let collection = chain.collection(SESSION, false).expect("it is covered");
            chain.refused(OWNER, collection)
        },
    ),
    (
        Reject::DEPOSIT_TOO_LOW,
        "a session of a member with too low a deposit",
        || {
            let mut chain = Chain::with_list();
            chain.raise_the_deposit();
            let wish = opening(chain.height + 5);
            let action = chain.opened(QUERIER, &[wish]);
            chain.refused(QUERIER, action)
        },
    ),
    (
        Reject::DEPOSIT_TOO_LOW,
        "a version of an owner that paid a penalty and did not make up for it",
        || {
            let mut chain = Chain::with_list();
            chain.must(FOURTH, fraud_proof(first()));
            chain.refused(OWNER, publish(version(LIST, EPOCH, 1)))
        },
    ),
    (
        Reject::DEPOSIT_EXCEEDED,
        "a withdrawal of the governed deposit",
        || Chain::new().refused(OWNER, Action::Withdraw { amount_minor: 1 }),
    ),
    (
        Reject::DEPOSIT_EXCEEDED,
        "a withdrawal of what is staked",
        || {
            let mut chain = OPENED.clone();
            let mut lower = tacit_ledger::network::read::parameters(&chain.state).expect("a map");
            lower.deposit_minor = 0;
            chain.carry_widely(Change::SetParameters(lower));
            let amount_minor = DEPOSIT_MINOR - STAKE + 1;
            chain.refused(QUERIER, Action::Withdraw { amount_minor })
        },
    ),
    (Reject::DEPOSIT_EXCEEDED, "a withdrawal of 64 bits", || {
        let amount_minor = u64::MAX;
        Chain::new().refused(OWNER, Action::Withdraw { amount_minor })
    }),
    (
        Reject::NOTHING_WAITS,
        "the second of two roll-overs",
        || {
            let mut chain = Chain::with_session();
            chain.must(OWNER, close(SESSION));
            chain.must(QUERIER, Action::RollOver);
            chain.refused(QUERIER, Action::RollOver)
        },
    ),
    (
        Reject::PENDING_FULL,
        "a session whose rest would have no room",
        || {
            let mut chain = Chain::with_list();
            chain.fill_pending(QUERIER);
            let wish = opening(chain.height + 5);
            let action = chain.opened(QUERIER, &[wish]);
            chain.refused(QUERIER, action)
        },
    ),
    (
        Reject::PENDING_FULL,
        "a collection for which there is no room",
        || {
            let (mut chain, collection) = owing();
            chain.fill_pending(OWNER);
            chain.refused(OWNER, collection)
        },
    ),
    (
        Reject::TRANSFER_INVALID,
        "a deposit of more than was proven",
        || {
            let mut action = five();
            if let Action::Deposit { amount_minor, .. } = &mut action {
                *amount_minor = 6;
            }
            Chain::new().refused(OWNER, action)
        },
    ),
    (
        Reject::TRANSFER_INVALID,
        "a deposit that another member proved",
        || {
            let chain = Chain::new();
            let action = chain.deposit_of(THIRD, 5).expect("it is there");
            chain.clone().refused(OWNER, action)
        },
    ),
    (
        Reject::NOT_A_MEMBER,
        "an observer that changes its key",
        || {
            let mut chain = Chain::new();
            let action = chain.key_change(OBSERVER);
            chain.refused(OBSERVER, action)
        },
    ),
    (
        Reject::QUOTA_KEY_UNCHANGED,
        "a change to the key that the member has",
        || {
            let mut chain = Chain::new();
            let key = quota_key(OWNER);
            let action = chain.key_change_between(OWNER, &key, &key);
            chain.refused(OWNER, action)
        },
    ),
    (
        Reject::QUOTA_KEY_IN_USE,
        "a change of key by who has a session open",
        || {
            let mut chain = Chain::with_session();
            let action = chain.key_change(QUERIER);
            chain.refused(QUERIER, action)
        },
    ),
    (
        Reject::QUOTA_KEY_IN_USE,
        "a change of key by whose list is asked in a session",
        || {
            let mut chain = Chain::with_session();
            let action = chain.key_change(OWNER);
            chain.refused(OWNER, action)
        },
    ),
    (
        Reject::QUOTA_KEY_IN_USE,
        "a change of key while a session stands for its charges alone",
        || {
            let (mut chain, _) = owing();
            chain.must(QUERIER, close(SESSION));
            chain.pass(WINDOW + 1);
            assert!(chain.session(SESSION).is_some(), "it owes");
            let action = chain.key_change(QUERIER);
            chain.refused(QUERIER, action)
        },
    ),
    (
        Reject::TRANSFER_ENCODING_INVALID,
        "a change of key that is no element",
        || key_change_refused(|change| change[..32].fill(0xff)),
    ),
    (
        Reject::TRANSFER_ENCODING_INVALID,
        "a change of key that is cut short",
        || key_change_refused(|change| change.truncate(KeyChange::BYTES - 1)),
    ),
    (
        Reject::TRANSFER_INVALID,
        "a change of key with another handle than was proven",
        || {
            key_change_refused(|change| {
                let (first, second) = change.split_at_mut(32);
                first.swap_with_slice(&mut second[..32]);
            })
        },
    ),
    (
        Reject::TRANSFER_INVALID,
        "a change of key by who does not know the key so far",
        || {
            let mut chain = rolled_over();
            let (other, new) = (quota_key_of(OWNER, 5), quota_key_of(OWNER, 1));
            let action = chain.key_change_between(OWNER, &other, &new);
            chain.refused(OWNER, action)
        },
    ),
    (
        Reject::TRANSFER_INVALID,
        "a change to a key that its member does not know",
        || {
            let mut chain = rolled_over();
            let mut action = chain.key_change(OWNER);
            if let Action::ChangeQuotaKey { key, .. } = &mut action {
                *key = quota_key(THIRD).public();
            }
            chain.refused(OWNER, action)
        },
    ),
    (
        Reject::TRANSFER_INVALID,
        "a change of key that another member proved",
        || {
            let mut chain = rolled_over();
            let action = chain.key_change(THIRD);
            chain.refused(OWNER, action)
        },
    ),
    (
        Reject::TRANSFER_INVALID,
        "the same change of key twice",
        || {
            let mut chain = rolled_over();
            let action = chain.key_change(OWNER);
            chain.must(OWNER, action.clone());
            let next = chain.key_change(OWNER);
            chain.must(OWNER, next);
            chain.refused(OWNER, action)
        },
    ),
    (Reject::TRANSFER_INVALID, "the same deposit twice", || {
        let (mut chain, action) = (Chain::new(), five());
        chain.must(OWNER, action.clone());
        chain.refused(OWNER, action)
    }),
    (
        Reject::TRANSFER_INVALID,
        "a deposit that was proven before its member rolled over",
        || {
            let mut chain = Chain::with_session();
            chain.must(OWNER, close(SESSION));
            let action = chain.deposit_of(QUERIER, 5).expect("it is there");
            chain.must(QUERIER, Action::RollOver);
            chain.refused(QUERIER, action)
        },
    ),
    (
        Reject::TRANSFER_INVALID,
        "a session that another member proved",
        || {
            let mut chain = Chain::with_list();
            let wish = opening(chain.height + 5);
            let action = chain.opened(THIRD, &[wish]);
            chain.refused(QUERIER, action)
        },
    ),
    (Reject::TRANSFER_INVALID, "the same session twice", || {
        let mut chain = Chain::with_list();
        let wish = opening(chain.height + 5);
        let action = chain.opened(QUERIER, &[wish]);
        chain.must(QUERIER, action.clone());
        chain.refused(QUERIER, action)
    }),
    (
        Reject::TRANSFER_INVALID,
        "a session with a higher cap than was proven",
        || {
            let mut chain = Chain::with_list();
            let wish = opening(chain.height + 5);
            let mut action = chain.opened(QUERIER, &[wish]);
            if let Action::OpenSessions { openings } = &mut action {
                openings.as_mut_slice()[0].terms.cap_calls += 1;
            }
            chain.refused(QUERIER, action)
        },
    ),
    (
        Reject::TRANSFER_INVALID,
        "a collection for one session of what another of the same parties owes",
        || {
            let mut chain = Chain::with_session();
            chain.open_one(QUERIER);
            let action = chain.batch(0, 2);
            chain.must(OWNER, action);
            let other = SessionId(2);
            // The very commitment of the first session's request.
            let mut asked = chain.request(0, 2);
            asked.session = other;
            chain.must(OWNER, Action::CallBatch(Box::new(batch(asked))));
            let mut collection = chain.collection(SESSION, false).expect("it is covered");
            if let Action::CollectCharges { session, .. } = &mut collection {
                *session = other;
            }
            chain.refused(OWNER, collection)
        },
    ),
    (
        Reject::TRANSFER_INVALID,
        "a proof with a bit turned over",
        || escrow_refused(|escrow| escrow[ESCROW_TRANSFER_BYTES - 32] ^= 1),
    ),
];
