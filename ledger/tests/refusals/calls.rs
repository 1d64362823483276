//! Settling calls.

use tacit_circuits::log::MAX_LOG_LEAVES;
use tacit_circuits::scope::{ListId, TagEpoch};
use tacit_ledger::kernel::codec;
use tacit_ledger::kernel::{ChainId, Reject};
use tacit_ledger::network::{Action, CallBatch, Request, keys};

use super::Refusal;
use crate::support::*;

/// How a batch of two calls is refused whose request was changed before its querier signed it.
fn request_refused(change: impl FnOnce(&mut Request)) -> Reject {
    let mut chain = Chain::with_session();
    let action = chain.changed_batch(0, 2, change);
    chain.refused(OWNER, action)
}

/// How a batch of two calls is refused that was changed after it was signed and answered.
fn batch_refused(change: impl FnOnce(&mut CallBatch)) -> Reject {
    let mut chain = Chain::with_session();
    let mut batch = batch(chain.request(0, 2));
    change(&mut batch);
    chain.refused(OWNER, Action::CallBatch(Box::new(batch)))
}

/// How a batch in order is refused in another state.
fn settlement_refused(mut chain: Chain) -> Reject {
    let action = chain.batch(0, 2);
    chain.refused(OWNER, action)
}

fn after(act: impl FnOnce(&mut Chain)) -> Reject {
    let mut chain = Chain::with_session();
    act(&mut chain);
    settlement_refused(chain)
}

pub(super) const REFUSALS: &[Refusal] = &[
    (Reject::EMPTY, "a batch without calls", || {
        batch_refused(|batch| {
            let mut request = batch.signed.request.clone();
            request.calls = bounded(Vec::new());
            batch.signed = request.sign(&signer(QUERIER));
            batch.evaluated = bounded(Vec::new());
        })
    }),
    (
        Reject::REQUEST_WRONG_CHAIN,
        "a request of another chain",
        || request_refused(|request| request.chain_id = ChainId([9; 32])),
    ),
    (
        Reject::REQUEST_SIGNATURE_INVALID,
        "a price changed after signing",
        || batch_refused(|batch| batch.signed.request.price_minor += 1),
    ),
    (
        Reject::REQUEST_SIGNATURE_INVALID,
        "a request signed by its provider",
        || {
            batch_refused(|batch| {
                let key = batch.signed.querier_key;
                batch.signed = batch.signed.request.clone().sign(&signer(OWNER));
                batch.signed.querier_key = key;
            })
        },
    ),
    (Reject::COUNT_MISMATCH, "an evaluation too few", || {
        batch_refused(|batch| {
            let mut evaluated = batch.evaluated.clone().into_vec();
            evaluated.pop();
            batch.evaluated = bounded(evaluated);
        })
    }),
    (Reject::AMOUNT_TOO_LARGE, "a charge beyond 32 bits", || {
        request_refused(|request| request.price_minor = u32::MAX)
    }),
    (
        Reject::POINT_INVALID,
        "an evaluation that is no point",
        || {
            batch_refused(|batch| {
                batch.evaluated = bounded(vec![no_point(); 2]);
            })
        },
    ),
    (Reject::POINT_INVALID, "a key that is no point", || {
        request_refused(|request| request.key = no_point())
    }),
    (
        Reject::EVALUATION_PROOF_INVALID,
        "a proof of another batch",
        || batch_refused(|batch| batch.proof = wrong_proof()),
    ),
    (
        Reject::EVALUATION_PROOF_INVALID,
        "evaluations in another order",
        || batch_refused(|batch| batch.evaluated.as_mut_slice().swap(0, 1)),
    ),
    (
        Reject::EVALUATION_PROOF_INVALID,
        "an answer moved to another sequence number",
        || {
            batch_refused(|batch| {
                let mut request = batch.signed.request.clone();
                request.sequence += 1;
                batch.signed = request.sign(&signer(QUERIER));
            })
        },
    ),
    (
        Reject::EVALUATION_PROOF_INVALID,
        "an answer with a key that the request does not name",
        || {
            let mut chain = Chain::with_session();
            let signed = chain.request(0, 2).sign(&signer(QUERIER));
            let batch = answer(signed, ListId(7), EPOCH);
            chain.refused(OWNER, Action::CallBatch(Box::new(batch)))
        },
    ),
    (
        Reject::VALUE_OUT_OF_RANGE,
        "the last sequence number of 64 bits",
        || request_refused(|request| request.sequence = u64::MAX),
    ),
    (
        Reject::SESSION_UNKNOWN,
        "a session that was never opened",
        || request_refused(|request| request.session.0 = 9),
    ),
    (
        Reject::SESSION_UNKNOWN,
        "a session whose provider gave it up",
        || after(|chain| drop(chain.must(OWNER, close(SESSION)))),
    ),
    (Reject::NOT_A_PARTY, "a batch posted by a third", || {
        let mut chain = Chain::with_session();
        let action = chain.batch(0, 2);
        chain.refused(THIRD, action)
    }),
    (
        Reject::QUERIER_KEY_MISMATCH,
        "a request signed with a key of nobody's",
        || {
            let mut chain = Chain::with_session();
            let signed = chain.request(0, 2).sign(&signer(NOBODY));
            let batch = answer(signed, LIST, EPOCH);
            chain.refused(OWNER, Action::CallBatch(Box::new(batch)))
        },
    ),
    (
        Reject::SCOPE_MISMATCH,
        "a request that names another list",
        || request_refused(|request| request.list = ListId(2)),
    ),
    (
        Reject::SCOPE_MISMATCH,
        "a request that names another epoch",
        || request_refused(|request| request.tag_epoch = TagEpoch(1)),
    ),
    (
        Reject::SCOPE_MISMATCH,
        "a request that names another provider",
        || request_refused(|request| request.provider = THIRD),
    ),
    (
        Reject::QUERIER_KEY_MISMATCH,
        "a request that another signs and names itself in",
        || request_refused(|request| request.querier = THIRD),
    ),
    (Reject::PRICE_MISMATCH, "a lower price", || {
        request_refused(|request| request.price_minor -= 1)
    }),
    (Reject::PRICE_MISMATCH, "a higher price", || {
        request_refused(|request| request.price_minor += 1)
    }),
    (
        Reject::KEY_MISMATCH,
        "calls evaluated with a key that is not the registered one",
        || {
            let mut chain = Chain::with_session();
            let other = (ListId(7), EPOCH);
            let mut request = chain.request(0, 2);
            request.key = list_key(other.0, other.1).public().to_wire();
            let batch = answer(request.sign(&signer(QUERIER)), other.0, other.1);
            chain.refused(OWNER, Action::CallBatch(Box::new(batch)))
        },
    ),
    (
        Reject::EPOCH_REVOKED,
        "calls under a key that was revoked since",
        || {
            after(|chain| {
                let tag_epoch = EPOCH;
                chain.must(
                    OWNER,
                    Action::RevokeKey {
                        list: LIST,
                        tag_epoch,
                    },
                );
            })
        },
    ),
    (
        Reject::SESSION_ENDED,
        "a batch after the window of a former epoch",
        || {
            after(|chain| {
                let second = TagEpoch(1);
                chain
                    .register_epoch(OWNER, LIST, second)
                    .expect("registered");
                chain.activate(OWNER, version(LIST, second, 0));
                chain.pass(WINDOW);
            })
        },
    ),
    (Reject::SEQUENCE_SETTLED, "the same request twice", || {
        after(|chain| {
            let action = chain.batch(0, 2);
            chain.must(QUERIER, action);
        })
    }),
    (
        Reject::SEQUENCE_TOO_OLD,
        "a request far behind the highest settled one",
        || {
            after(|chain| {
                let action = chain.batch(1_024, 1);
                chain.must(OWNER, action);
            })
        },
    ),
    (
        Reject::SESSION_CAP_REACHED,
        "calls above the session's cap",
        || {
            let mut chain = Chain::with_session();
            let action = chain.batch(0, CAP as usize + 1);
            chain.refused(OWNER, action)
        },
    ),
    (
        Reject::DAILY_CAP_REACHED,
        "calls above the cap of the business date",
        || {
            let mut chain = Chain::with_session();
            chain.open_one(QUERIER);
            let action = chain.batch(0, CAP as usize);
            chain.must(OWNER, action);
            let rest = (DAILY_CAP - CAP) as usize;
            let action = chain.changed_batch(0, rest + 1, |request| request.session.0 = 2);
            chain.refused(OWNER, action)
        },
    ),
    (Reject::LOG_FULL, "one call more than the log holds", || {
        after(|chain| {
            // One leaf is free, so each base-4 digit of the length is 3: three complete subtrees wait
            // at each height.
            let mut frontier = codec::encode(&(MAX_LOG_LEAVES - 1));
            frontier.extend_from_slice(&[0; 16 * 3 * 32]);
            chain.state.insert(keys::log_frontier(), frontier);
        })
    }),
];
