//! A list as its readers see it: tags, the tree that commits to them, and what travels.
//!
//! The tags of one version form an [`IndexedTree`], a Merkle tree (arity 4, depth 14) of linked
//! leaves `(tag, next)`: a hit is the leaf that begins with a tag, a miss is the one leaf whose
//! interval spans it, and either is shown by one [`MembershipPath`]. A [`Snapshot`] holds all of a
//! version, a [`Delta`] what changes between two; both are padded to a [`SizeClass`] with
//! [padding entries](crate::oprf::Entry::padding). Who has rebuilt a version's tree attests it with
//! [`attestation_digest`]; who finds that its intervals overlap shows it with a [`ListFraud`].

mod attest;
mod delta;
mod fraud;
mod path;
mod size_class;
mod snapshot;
mod tag;
mod tree;

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Serialize;
use std::fmt;

use crate::scope::{ListId, ListVersion, TagEpoch};

pub use attest::attestation_digest;
pub use delta::{DELTA_MAGIC, Delta, DeltaError, MAX_DELTA_CHANGES, Removal};
pub use fraud::{FraudError, ListFraud};
pub use path::{Leaf, MembershipPath, PathError, Presence};
pub use size_class::{SizeClass, SizeClassError};
pub use snapshot::{SNAPSHOT_MAGIC, Snapshot, SnapshotError};
pub use tag::{TAG_BYTES, Tag, TagError};
pub use tree::{IndexedTree, TreeError};

/// Height of a list's tree.
pub const LIST_DEPTH: usize = 14;

/// Entries that a list can hold: all slots of its tree but that of the chain's head.
pub const MAX_ENTRIES: u32 = (1 << (2 * LIST_DEPTH)) - 1;

/// Which state of which list.
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
pub struct VersionId {
    /// The list.
    pub list: ListId,
    /// The epoch whose key made the tags.
    pub tag_epoch: TagEpoch,
    /// The state within the epoch.
    pub version: ListVersion,
}

impl fmt::Display for VersionId {
    /// Numbers of list, tag epoch and version, as a record of the ledger is named.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.list.0, self.tag_epoch.0, self.version.0)
    }
}

impl VersionId {
    const BYTES: usize = 12;

    fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        let numbers = [self.list.0, self.tag_epoch.0, self.version.0];
        for (chunk, number) in bytes.chunks_exact_mut(4).zip(numbers) {
            chunk.copy_from_slice(&number.to_le_bytes());
        }
        bytes
    }
}
