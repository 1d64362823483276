//! Opening and closing sessions.

use tacit_circuits::scope::{ListId, TagEpoch};
use tacit_ledger::kernel::Reject;
use tacit_ledger::network::{Action, Change, MAX_SESSIONS_PER_LIST};

use super::Refusal;
use crate::support::*;

/// How one opening, changed, is refused.
fn opening_refused(mut chain: Chain, change: impl FnOnce(&mut Wish)) -> Reject {
    let mut opening = opening(chain.height + 2);
    change(&mut opening);
    chain.refused(QUERIER, open(vec![opening]))
}

fn unchanged(_: &mut Wish) {}

fn after(action: Action) -> Chain {
    let mut chain = Chain::with_list();
    chain.must(OWNER, action);
    chain
}

pub(super) const REFUSALS: &[Refusal] = &[
    (Reject::EMPTY, "no session to open", || {
        Chain::with_list().refused(QUERIER, open(Vec::new()))
    }),
    (Reject::VALUE_OUT_OF_RANGE, "a session for no call", || {
        opening_refused(Chain::with_list(), |opening| opening.cap_calls = 0)
    }),
    (Reject::NOT_A_MEMBER, "an observer that asks", || {
        let mut chain = Chain::with_list();
        let opening = opening(chain.height + 2);
        chain.refused(OBSERVER, open(vec![opening]))
    }),
    (Reject::SESSION_UNKNOWN, "the end of no session", || {
        Chain::with_list().refused(QUERIER, close(SESSION))
    }),
    (
        Reject::SESSION_UNKNOWN,
        "the end of a session that has ended",
        || {
            let mut chain = Chain::with_session();
            chain.must(OWNER, close(SESSION));
            chain.refused(QUERIER, close(SESSION))
        },
    ),
    (Reject::NOT_A_PARTY, "the end of others' session", || {
        Chain::with_session().refused(THIRD, close(SESSION))
    }),
    (Reject::LIST_UNKNOWN, "a session with no list", || {
        opening_refused(Chain::with_list(), |opening| opening.list = ListId(9))
    }),
    (
        Reject::LIST_WITHDRAWN,
        "a session with a withdrawn list",
        || opening_refused(after(Action::WithdrawList { list: LIST }), unchanged),
    ),
    (
        Reject::CATEGORY_RETIRED,
        "a session of a retired category",
        || {
            let mut chain = Chain::with_list();
            let mut retired = category(1);
            retired.retired = true;
            chain
                .carry(Change::ChangeCategory(retired))
                .expect("carried");
            opening_refused(chain, unchanged)
        },
    ),
    (Reject::EPOCH_UNKNOWN, "a session under no key", || {
        opening_refused(Chain::with_list(), |opening| {
            opening.tag_epoch = TagEpoch(1)
        })
    }),
    (
        Reject::EPOCH_REVOKED,
        "a session under a revoked key",
        || {
            let tag_epoch = EPOCH;
            opening_refused(
                after(Action::RevokeKey {
                    list: LIST,
                    tag_epoch,
                }),
                unchanged,
            )
        },
    ),
    (
        Reject::EPOCH_SUPERSEDED,
        "a session under a former key",
        || {
            let mut chain = Chain::with_list();
            let second = TagEpoch(1);
            chain
                .register_epoch(OWNER, LIST, second)
                .expect("registered");
            chain.activate(OWNER, version(LIST, second, 0));
            opening_refused(chain, unchanged)
        },
    ),
    (
        Reject::EPOCH_NOT_ACTIVE,
        "a session before any version is active",
        || opening_refused(Chain::with_epoch(), unchanged),
    ),
    (
        Reject::EPOCH_NOT_ACTIVE,
        "a session after the active version was a fraud",
        || {
            let mut chain = Chain::with_list();
            chain.must(THIRD, fraud_proof(first()));
            opening_refused(chain, unchanged)
        },
    ),
    (Reject::OWN_LIST, "a session with one's own list", || {
        let mut chain = Chain::with_list();
        let opening = opening(chain.height + 2);
        chain.refused(OWNER, open(vec![opening]))
    }),
    (
        Reject::DEADLINE_OUT_OF_RANGE,
        "a session that ends in its own block",
        || {
            let chain = Chain::with_list();
            let next = chain.height + 1;
            opening_refused(chain, |opening| opening.deadline_height = next)
        },
    ),
    (
        Reject::DEADLINE_OUT_OF_RANGE,
        "a session that ends too late",
        || {
            let chain = Chain::with_list();
            let next = chain.height + 1;
            opening_refused(chain, |opening| {
                opening.deadline_height = next + MAX_SESSION + 1
            })
        },
    ),
    (
        Reject::DEADLINE_OUT_OF_RANGE,
        "a session that never ends",
        || {
            opening_refused(Chain::with_list(), |opening| {
                opening.deadline_height = u64::MAX
            })
        },
    ),
    (
        Reject::TOO_MANY_SESSIONS,
        "one session with a list too many",
        || {
            let mut chain = Chain::with_list();
            let mut small = opening(chain.height + 10);
            small.escrow_minor = 1;
            chain.open(QUERIER, &[small; MAX_SESSIONS_PER_LIST]);
            chain.refused(QUERIER, open(vec![small]))
        },
    ),
    (
        Reject::TRANSFER_INVALID,
        "an escrow that is proven to be available to somebody else",
        || opening_refused(Chain::with_list(), unchanged),
    ),
    (
        Reject::SESSION_OWES,
        "the end of a session that waits for its collection, by its querier",
        || {
            let mut chain = Chain::with_session();
            let action = chain.batch(0, 1);
            chain.must(QUERIER, action);
            let deadline = chain.session(SESSION).expect("open").deadline_height;
            chain.pass_before(deadline + WINDOW + 1);
            chain.refused(QUERIER, close(SESSION))
        },
    ),
    (
        Reject::SESSION_ENDED,
        "a second end by the querier while it settles",
        || {
            let mut chain = Chain::with_session();
            chain.must(QUERIER, close(SESSION));
            chain.refused(QUERIER, close(SESSION))
        },
    ),
];
