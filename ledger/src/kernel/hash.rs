//! BLAKE3 with a label per use.
//!
//! Every hash runs in BLAKE3's key derivation mode (BLAKE3 paper, section 2.3), whose context string is
//! the label: two uses with different labels can never give the same digest for any pair of inputs, and
//! no framing between label and input is needed. All labels of this crate stand in this file.

use crate::kernel::codec;
use blake3::Hasher;
use blake3::hazmat::{ContextKey, HasherExt as _, hash_derive_key_context};
use borsh::{BorshDeserialize, BorshSerialize};
use std::fmt;
use std::sync::OnceLock;

/// Contexts of all hashes and signatures of the ledger. A changed meaning is a new label.
pub mod label {
    use super::Label;

    /// Signed bytes of an envelope.
    pub static ENVELOPE: Label = Label::new("tacit 2026 ledger/v1 envelope");
    /// Transaction id: hash of all bytes of an envelope.
    pub static TX_ID: Label = Label::new("tacit 2026 ledger/v1 transaction id");
    /// Chain id: hash of the genesis.
    pub static CHAIN_ID: Label = Label::new("tacit 2026 ledger/v1 chain id");
    /// Signed bytes of a querier's request.
    pub static REQUEST: Label = Label::new("tacit 2026 ledger/v1 request");
    /// Digest of a publication, which attestations name.
    pub static PUBLICATION: Label = Label::new("tacit 2026 ledger/v1 publication");
    /// Leaf of a block's results tree.
    pub static RESULT_LEAF: Label = Label::new("tacit 2026 ledger/v1 result leaf");
    /// Inner node of a block's results tree.
    pub static RESULT_NODE: Label = Label::new("tacit 2026 ledger/v1 result node");
    /// Root of a block's results tree with the number of its leaves.
    pub static RESULT_ROOT: Label = Label::new("tacit 2026 ledger/v1 result root");
    /// What the proofs of a set of receipts are bound to.
    pub static RECEIPT_CONTEXT: Label = Label::new("tacit 2026 ledger/v1 receipt context");
    /// Seed of the weights with which the proofs of a set of receipts are verified together.
    pub static RECEIPT_WEIGHTS: Label = Label::new("tacit 2026 ledger/v1 receipt weights");
    /// A validator's commitment to a value of the beacon.
    pub static BEACON_COMMITMENT: Label = Label::new("tacit 2026 ledger/v1 beacon commitment");
    /// An output of the beacon.
    pub static BEACON_OUTPUT: Label = Label::new("tacit 2026 ledger/v1 beacon output");
    /// Numbers drawn by an output of the beacon.
    pub static BEACON_DRAW: Label = Label::new("tacit 2026 ledger/v1 beacon draw");
    /// What a panel is drawn for.
    pub static DISPUTE_PANEL: Label = Label::new("tacit 2026 ledger/v1 dispute panel");
    /// What calls of a date are drawn for.
    pub static CALL_DRAW: Label = Label::new("tacit 2026 ledger/v1 call draw");
    /// What a supervisor asks under a view.
    pub static VIEW_QUERY: Label = Label::new("tacit v1 view query");
    /// A set of cases that a view shows.
    pub static CASE_SET: Label = Label::new("tacit v1 case set");
    /// Key of a corporate group.
    pub static GROUP: Label = Label::new("tacit 2026 ledger/v1 group");
    /// What the proofs about the drawn entries of a publication are bound to.
    pub static SAMPLE_CONTEXT: Label = Label::new("tacit 2026 ledger/v1 sample context");
    /// What the ledger holds of a call's audit record.
    pub static AUDIT_RECORD: Label = Label::new("tacit v1 audit record");
    /// The circumstances of a call, which enter its audit record.
    pub static AUDIT_CONTEXT: Label = Label::new("tacit v1 audit context");
    /// What the proof of possession of a quota key is bound to.
    pub static QUOTA_KEY: Label = Label::new("tacit 2026 ledger/v1 quota key");
    /// What the escrow of a session is bound to.
    pub static SESSION_ESCROW: Label = Label::new("tacit 2026 ledger/v1 session escrow");
    /// What the collection of a session's charges is bound to.
    pub static COLLECTION: Label = Label::new("tacit 2026 ledger/v1 collection");
    /// Under what querier and provider draw the blinding of a charge, and padding.
    pub static CHARGE: Label = Label::new("tacit 2026 ledger/v1 charge");
    /// What a deposit is bound to.
    pub static DEPOSIT: Label = Label::new("tacit 2026 ledger/v1 deposit");
    /// What the change of a quota key is bound to.
    pub static QUOTA_KEY_CHANGE: Label = Label::new("tacit 2026 ledger/v1 quota key change");
    /// Seed of the weights with which signatures are verified in batches.
    pub static SIGNATURE_WEIGHTS: Label = Label::new("tacit 2026 ledger/v1 signature weights");
}

/// The context of one use of the hash. The key that the context string gives is derived once.
#[derive(Debug)]
pub struct Label {
    context: &'static str,
    key: OnceLock<ContextKey>,
}

impl Label {
    /// The label with this context string, which nothing else may use.
    pub const fn new(context: &'static str) -> Self {
        Self {
            context,
            key: OnceLock::new(),
        }
    }

    /// A hasher of what stands under this label.
    pub(crate) fn hasher(&self) -> Hasher {
        let key = self
            .key
            .get_or_init(|| hash_derive_key_context(self.context));
        Hasher::new_from_context_key(key)
    }
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
pub fn hash(label: &Label, bytes: &[u8]) -> Digest {
    let mut hasher = label.hasher();
    hasher.update(bytes);
    Digest(*hasher.finalize().as_bytes())
}

/// Hash of the canonical encoding of `value` under `label`.
pub fn hash_encoded<T: BorshSerialize>(label: &Label, value: &T) -> Digest {
    hash(label, &codec::encode(value))
}
