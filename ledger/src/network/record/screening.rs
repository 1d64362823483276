//! Receipts that were accepted, and the key under which they are verified.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Serialize;
use std::fmt;
use tacit_circuits::identifier::IdentifierType;
use tacit_circuits::receipt::{KeyId, SubjectCommitment};
use tacit_circuits::scope::MemberId;

use crate::kernel::codec::{BoundedVec, Bytes};
use crate::kernel::hash::Digest;
use crate::kernel::module::ModuleId;
use crate::network::receipts::ReceiptContext;
use crate::network::record::PublicationId;

/// Receipts in one set: a proof takes a third of a millisecond in a batch, so a set takes about as long
/// as a small batch of calls.
pub const MAX_RECEIPTS_PER_SET: usize = 16;

/// Accepted sets of one member that have not expired, consumed ones included: they are listed in one
/// record, of 16 kB at the most. A member that needs more lets them expire earlier.
pub const MAX_SCREENINGS_PER_MEMBER: usize = 2_048;

/// How far ahead of its acceptance a set may expire, in blocks: thirty days at ten blocks a second. What
/// a list says of a subject is older than a month by then.
pub const MAX_RECEIPT_LIFETIME_BLOCKS: u64 = 30 * 864_000;

/// For how many blocks a root of the log stays recorded, at the least, and receipts may be made under it:
/// about five days at ten blocks a second. Proving takes seconds; the rest is for whoever proves today and
/// submits after a weekend. A call never grows too old for a receipt: it stands under every later root.
pub const MAX_LOG_ROOTS: u64 = 1 << 22;

/// Longest encoded verifying key. The circuit's has 10 + 1 points of G1 and 3 of G2, below 1 kB; a later
/// circuit may have more public inputs.
pub const MAX_VERIFYING_KEY_BYTES: usize = 4 * 1024;

/// Names an accepted set: given in the order of acceptance, from 1, and never again.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
)]
pub struct ScreeningId(pub u64);

impl fmt::Display for ScreeningId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The key under which receipts are verified, as the members voted it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ReceiptKey {
    /// Its name, the hash of its bytes.
    pub id: KeyId,
    /// Its canonical bytes.
    pub verifying_key: Bytes<MAX_VERIFYING_KEY_BYTES>,
    /// Digest of the transcript of the ceremony that made it.
    pub transcript: Digest,
    /// Height since which it holds.
    pub height: u64,
}

/// An accepted set of receipts: this subject was clear on these lists, for this context.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Screening {
    /// Name.
    pub id: ScreeningId,
    /// Member that asked the lists and submitted the set.
    pub submitter: MemberId,
    /// Hides the identifier.
    pub commitment: SubjectCommitment,
    /// Its type.
    pub kind: IdentifierType,
    /// What the set was made for.
    pub context: ReceiptContext,
    /// The publications on which the subject was clear.
    pub lists: BoundedVec<PublicationId, MAX_RECEIPTS_PER_SET>,
    /// Height at which it was accepted.
    pub accepted_height: u64,
    /// Who relied on it; a set is relied on once.
    pub consumed: Option<Consumption>,
}

/// That a business ledger relied on a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Consumption {
    /// Height.
    pub height: u64,
    /// The ledger.
    pub module: ModuleId,
}

/// The accepted sets of one member that have not expired, in the order of acceptance.
pub type OwnScreenings = BoundedVec<ScreeningId, MAX_SCREENINGS_PER_MEMBER>;
