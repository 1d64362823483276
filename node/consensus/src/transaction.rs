//! A transaction on its way into a block.

use crate::toy::{Envelope, Outcome, TxId};
use bytes::Bytes;

/// An envelope, its canonical bytes and its id. Made once, where the bytes enter the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Transaction {
    pub(crate) id: TxId,
    pub(crate) envelope: Envelope,
    pub(crate) bytes: Bytes,
}

impl Transaction {
    /// Reads the canonical bytes of an envelope; `None` if they are not.
    pub(crate) fn read(bytes: Bytes) -> Option<Self> {
        let envelope = Envelope::from_bytes(&bytes).ok()?;
        Some(Self {
            id: envelope.tx_id(),
            envelope,
            bytes,
        })
    }
}

/// Whether a transaction with this outcome may stand in a block.
///
/// A refusal that does not spend the sender's sequence number was not authorised by the sender, is
/// out of turn or too late: it does not belong in a block, and a block that holds it is invalid.
pub(crate) fn stands_in_block(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Applied => true,
        Outcome::Rejected(reject) => !(20..=25).contains(&reject.0),
    }
}

/// Whether a transaction refused so may fit later.
pub(crate) fn is_transient(reject: &crate::toy::Reject) -> bool {
    reject.0 == 25
}
