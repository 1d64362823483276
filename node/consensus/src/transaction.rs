//! A transaction on its way into a block.

use bytes::Bytes;
use tacit_ledger::kernel::{Envelope, TxId};

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
