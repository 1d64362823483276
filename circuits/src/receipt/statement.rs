//! What a receipt says in public.

use std::fmt;

use ark_ff::PrimeField;
use borsh::{BorshDeserialize, BorshSerialize};

use super::commitment::SubjectCommitment;
use crate::curve::{FIELD_BYTES, Field, field_borsh};
use crate::identifier::{IdentifierType, PADDING_TYPE_CODE};
use crate::list::Presence;
use crate::scope::{ListId, MemberId, TagEpoch, pack_epoch};

/// Public inputs of the circuit.
pub const PUBLIC_INPUTS: usize = 9;

/// The names of the public inputs, in their order.
pub const PUBLIC_INPUT_NAMES: [&str; PUBLIC_INPUTS] = [
    "commitment",
    "type",
    "epoch",
    "querier",
    "log_root",
    "list_root",
    "answer",
    "sample",
    "context",
];

/// Bytes of a context's hash that are proven about.
const CONTEXT_BYTES: usize = 31;

/// The hash of what a receipt is for: chain, object, submitter, policy, verifier, purpose, expiry,
/// key. Whoever uses receipts defines it, with a hash of 256 bits.
///
/// Its first 31 bytes, little-endian, are the field element that is proven about. All numbers of 248
/// bits are below p, so that no two hashes that differ in these bytes meet; reducing 32 bytes would
/// let two meet that differ by p. Finding two contexts that agree in 248 bits takes 2^124 work.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct ContextHash(pub [u8; 32]);

impl ContextHash {
    /// The number that is proven about.
    #[must_use]
    pub fn to_field(&self) -> Field {
        Field::from_le_bytes_mod_order(&self.0[..CONTEXT_BYTES])
    }
}

impl fmt::Debug for ContextHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContextHash(")?;
        for byte in self.0 {
            write!(f, "{byte:02x}")?;
        }
        f.write_str(")")
    }
}

/// What is claimed of the subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Claim {
    /// A querier: the list answered so about this subject, which is an identifier of this type.
    Answer {
        /// The type of the identifier.
        kind: IdentifierType,
        /// Whether it is listed.
        presence: Presence,
    },
    /// The list's owner: the entry in this slot is this subject's, made with the list's key. The type
    /// stays hidden, since it would tell padding from identifiers, and so a padded list's true size.
    SampledEntry {
        /// The entry's slot in the list's tree.
        slot: u32,
    },
}

/// What a proof proves. Whoever relies on it looks up on the ledger that the list root is that of a
/// version that counts, that the log root is final, and that the context is the expected one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Statement {
    /// The subject, committed to.
    pub commitment: SubjectCommitment,
    /// What is said of it.
    pub claim: Claim,
    /// The list that was asked.
    pub list: ListId,
    /// The epoch whose key answered.
    pub tag_epoch: TagEpoch,
    /// Who asked.
    pub querier: MemberId,
    /// A root of the log in which the call stands.
    #[borsh(
        serialize_with = "field_borsh::serialize",
        deserialize_with = "field_borsh::deserialize"
    )]
    pub log_root: Field,
    /// The root of the list's version.
    #[borsh(
        serialize_with = "field_borsh::serialize",
        deserialize_with = "field_borsh::deserialize"
    )]
    pub list_root: Field,
    /// What the receipt is for.
    pub context: ContextHash,
}

/// Bytes of the longest encoded statement.
pub const MAX_STATEMENT_BYTES: usize = FIELD_BYTES + 5 + 3 * 4 + 2 * FIELD_BYTES + 32;

impl Statement {
    /// The public inputs, in the order of [`PUBLIC_INPUT_NAMES`].
    ///
    /// The numbers are packed here, from types that hold their ranges, so that the circuit need not
    /// check them.
    #[must_use]
    pub fn public_inputs(&self) -> [Field; PUBLIC_INPUTS] {
        let (type_code, answer, sample) = match self.claim {
            Claim::Answer { kind, presence } => {
                (kind.code(), u64::from(presence == Presence::Listed), 0)
            }
            Claim::SampledEntry { slot } => (PADDING_TYPE_CODE, 1, u64::from(slot) + 1),
        };
        [
            self.commitment.field(),
            Field::from(type_code),
            pack_epoch(self.list, self.tag_epoch),
            Field::from(self.querier.0),
            self.log_root,
            self.list_root,
            Field::from(answer),
            Field::from(sample),
            self.context.to_field(),
        ]
    }
}
