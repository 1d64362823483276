//! What is refused before a module sees it.

use tacit_ledger::kernel::envelope::{Unsigned, ledger_key};
use tacit_ledger::kernel::{Bytes, ChainId, Envelope, ModuleId, Outcome, Reject};
use tacit_ledger::network::{Action, Change};

use super::Refusal;
use crate::support::*;

/// The refusal with which a block keeps the transaction out, or that its execution gives.
fn in_block(chain: &mut Chain, envelope: &Envelope) -> Reject {
    match chain.block(std::slice::from_ref(envelope))[..] {
        [Outcome::Rejected(reject)] => reject,
        ref other => panic!("not refused: {other:?}"),
    }
}

fn before_block(chain: &Chain, envelope: &Envelope) -> Reject {
    chain
        .machine
        .check_stateless(std::slice::from_ref(envelope))
        .remove(0)
        .expect_err("refused without state")
}

fn unsigned(chain: &Chain) -> Unsigned {
    create_list().unsigned(chain.machine.chain_id(), OWNER, 0, FAR)
}

/// An envelope that was changed before its sender signed it.
fn changed(change: impl FnOnce(&mut Unsigned)) -> (Chain, Envelope) {
    let chain = Chain::new();
    let mut unsigned = unsigned(&chain);
    change(&mut unsigned);
    (chain, unsigned.sign(&signer(OWNER)))
}

pub(super) const REFUSALS: &[Refusal] = &[
    (
        Reject::MALFORMED,
        "an action of bytes that are none",
        || {
            let (chain, envelope) = changed(|unsigned| unsigned.action = Bytes::default());
            before_block(&chain, &envelope)
        },
    ),
    (Reject::MALFORMED, "an action with a byte too many", || {
        let (chain, envelope) = changed(|unsigned| {
            let mut bytes = unsigned.action.to_vec();
            bytes.push(0);
            unsigned.action = Bytes::try_from(bytes).expect("fits");
        });
        before_block(&chain, &envelope)
    }),
    (Reject::WRONG_CHAIN, "an envelope of another chain", || {
        let (chain, envelope) = changed(|unsigned| unsigned.chain_id = ChainId([1; 32]));
        before_block(&chain, &envelope)
    }),
    (Reject::MODULE_UNKNOWN, "an envelope for no module", || {
        let (chain, envelope) = changed(|unsigned| unsigned.module = ModuleId(77));
        before_block(&chain, &envelope)
    }),
    (Reject::MODULE_UNKNOWN, "an envelope for the kernel", || {
        let (chain, envelope) = changed(|unsigned| unsigned.module = ModuleId::KERNEL);
        before_block(&chain, &envelope)
    }),
    (
        Reject::SIGNATURE_INVALID,
        "an envelope changed after signing",
        || {
            let (chain, mut envelope) = changed(|_| {});
            envelope.expiry_height -= 1;
            before_block(&chain, &envelope)
        },
    ),
    (Reject::SENDER_UNKNOWN, "a sender who never joined", || {
        let (mut chain, envelope) = changed(|unsigned| unsigned.sender = NOBODY);
        in_block(&mut chain, &envelope)
    }),
    (
        Reject::SENDER_KEY_MISMATCH,
        "a sender with another's key",
        || {
            let (mut chain, envelope) = changed(|unsigned| unsigned.sender = QUERIER);
            assert_eq!(envelope.sender_key, ledger_key(&signer(OWNER)));
            in_block(&mut chain, &envelope)
        },
    ),
    (Reject::SENDER_LEFT, "a sender who was voted out", || {
        let mut chain = Chain::new();
        chain
            .carry(Change::Remove { member: SISTER })
            .expect("four of five");
        chain.refused(SISTER, Action::WithdrawList { list: LIST })
    }),
    (
        Reject::EXPIRED,
        "a block after the last one allowed",
        || {
            let (mut chain, envelope) = changed(|unsigned| unsigned.expiry_height = 1);
            chain.pass(1);
            in_block(&mut chain, &envelope)
        },
    ),
    (Reject::SEQUENCE_TOO_LOW, "the same envelope twice", || {
        let (mut chain, envelope) = changed(|_| {});
        chain.submit(&envelope).expect("the first time");
        in_block(&mut chain, &envelope)
    }),
    (
        Reject::SEQUENCE_TOO_HIGH,
        "an envelope whose predecessor is not there",
        || {
            let (mut chain, envelope) = changed(|unsigned| unsigned.sequence = 1);
            in_block(&mut chain, &envelope)
        },
    ),
];
