//! A transaction on its way into a block.

use bytes::Bytes;
use tacit_ledger::kernel::{
    Envelope, TxId,
    hash::{self, label},
};

/// An envelope, its canonical bytes and its id. Made once, where the bytes enter the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Transaction {
    pub(crate) id: TxId,
    pub(crate) envelope: Envelope,
    pub(crate) bytes: Bytes,
}

impl Transaction {
    /// The id of the transaction with these canonical bytes.
    pub(crate) fn id_of(bytes: &[u8]) -> TxId {
        TxId(hash::hash(&label::TX_ID, bytes))
    }

    /// Reads the canonical bytes of the envelope with this id; `None` if they are not canonical.
    pub(crate) fn read(id: TxId, bytes: Bytes) -> Option<Self> {
        let envelope = Envelope::from_bytes(&bytes).ok()?;
        Some(Self {
            id,
            envelope,
            bytes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tacit_ledger::kernel::{ChainId, LedgerKey, MemberId, ModuleId, Signature};

    #[test]
    fn the_id_of_the_bytes_is_the_ledgers_id_of_the_envelope() {
        let envelope = Envelope {
            chain_id: ChainId([1; 32]),
            sender: MemberId(2),
            sender_key: LedgerKey([3; 32]),
            sequence: 4,
            expiry_height: 5,
            module: ModuleId::NETWORK,
            action: vec![6; 7].try_into().expect("it fits"),
            signature: Signature([8; 64]),
        };
        assert_eq!(Transaction::id_of(&envelope.to_bytes()), envelope.tx_id());
    }
}
