//! BLAKE3 with a label per use.
//!
//! Every hash runs in BLAKE3's key derivation mode (BLAKE3 paper, section 2.3), whose context string is
//! the label: two uses with different labels can never give the same digest for any pair of inputs, and
//! no framing between label and input is needed. All labels of this crate stand in this file.

use crate::kernel::codec;
use borsh::{BorshDeserialize, BorshSerialize};
use std::fmt;

/// Contexts of all hashes and signatures of the ledger. A changed meaning is a new label.
pub mod label {
    /// Signed bytes of an envelope.
    pub const ENVELOPE: &str = "tacit 2026 ledger/v1 envelope";
    /// Transaction id: hash of all bytes of an envelope.
    pub const TX_ID: &str = "tacit 2026 ledger/v1 transaction id";
    /// Chain id: hash of the genesis.
    pub const CHAIN_ID: &str = "tacit 2026 ledger/v1 chain id";
    /// Signed bytes of a querier's request.
    pub const REQUEST: &str = "tacit 2026 ledger/v1 request";
    /// Digest of a publication, which attestations name.
    pub const PUBLICATION: &str = "tacit 2026 ledger/v1 publication";
    /// Leaf of a block's results tree.
    pub const RESULT_LEAF: &str = "tacit 2026 ledger/v1 result leaf";
    /// Inner node of a block's results tree.
    pub const RESULT_NODE: &str = "tacit 2026 ledger/v1 result node";
    /// Root of a block's results tree with the number of its leaves.
    pub const RESULT_ROOT: &str = "tacit 2026 ledger/v1 result root";
    /// What the proofs of a set of receipts are bound to.
    pub const RECEIPT_CONTEXT: &str = "tacit 2026 ledger/v1 receipt context";
    /// Seed of the weights with which the proofs of a set of receipts are verified together.
    pub const RECEIPT_WEIGHTS: &str = "tacit 2026 ledger/v1 receipt weights";
    /// Seed of the weights with which signatures are verified in batches.
    pub const SIGNATURE_WEIGHTS: &str = "tacit 2026 ledger/v1 signature weights";
}

/// A 32-byte BLAKE3 digest.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize, Default,
)]
pub struct Digest(pub [u8; 32]);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// In hexadecimal.
impl serde::Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

/// Hash of `bytes` under `label`.
pub fn hash(label: &str, bytes: &[u8]) -> Digest {
    let mut hasher = blake3::Hasher::new_derive_key(label);
    hasher.update(bytes);
    Digest(*hasher.finalize().as_bytes())
}

/// Hash of the canonical encoding of `value` under `label`.
pub fn hash_encoded<T: BorshSerialize>(label: &str, value: &T) -> Digest {
    hash(label, &codec::encode(value))
}
