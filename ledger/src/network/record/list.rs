//! Lists: keys, publications, attestations, alarms.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Serialize;
use std::fmt;
use tacit_circuits::curve::{Field, FieldError, WirePoint, decode_field, encode_field};
use tacit_circuits::identifier::IdentifierType;
use tacit_circuits::list::{SizeClass, VersionId};
use tacit_circuits::scope::{ListId, ListVersion, MemberId, TagEpoch};

use crate::kernel::codec::BoundedVec;
use crate::kernel::hash::{self, Digest, label};
use crate::kernel::party::{MAX_PARTIES, Name};
use crate::kernel::{BusinessDate, ChainId};
use crate::network::parameters::CategoryId;
use crate::network::record::RoundId;

/// Lists that one member may ever create. A list lives for ever and changes by versions; the bound keeps
/// the enumeration of all lists (members times this) within one page of reads.
pub const MAX_LISTS_PER_MEMBER: usize = 32;

/// Identifier types that one list accepts: more than there are.
pub const MAX_ACCEPTED_TYPES: usize = 32;

/// Entries that the beacon draws of one version: their proofs are verified as one batch, which takes about
/// as long as a small batch of calls.
pub const MAX_SAMPLED_ENTRIES: usize = 16;

/// Alarms that stay listed: the latest. Older ones stand in the events.
pub const MAX_LISTED_ALARMS: u64 = 256;

/// A member's list.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct List {
    /// Number, given in the order of creation from 1.
    pub id: ListId,
    /// Member that publishes it.
    pub owner: MemberId,
    /// Category.
    pub category: CategoryId,
    /// Name, shown to people.
    pub name: Name,
    /// Identifier types that it holds, ascending.
    pub accepts: BoundedVec<IdentifierType, MAX_ACCEPTED_TYPES>,
    /// Whether the list stands.
    pub status: ListStatus,
    /// Tag epochs registered so far: they are numbered from 0 to below this.
    pub epochs: u32,
    /// The tag epoch under which calls are made now.
    pub current_epoch: Option<TagEpoch>,
    /// The publication against which calls are answered now.
    pub active: Option<PublicationId>,
    /// Whether the members stopped it.
    pub paused: bool,
    /// Whether the members stopped its owner.
    pub owner_paused: bool,
}

/// Whether a list stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum ListStatus {
    /// It stands.
    Standing,
    /// Its owner withdrew it, or left, at this height.
    Withdrawn {
        /// Height of the block that took effect.
        height: u64,
    },
}

impl List {
    /// Whether calls to it are stopped, and receipts about it.
    pub fn is_paused(&self) -> bool {
        self.paused || self.owner_paused
    }

    /// True while its owner has not withdrawn it.
    pub fn is_standing(&self) -> bool {
        self.status == ListStatus::Standing
    }
}

/// A key of a list, for a while.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct EpochRecord {
    /// List.
    pub list: ListId,
    /// Number within the list.
    pub tag_epoch: TagEpoch,
    /// `K = k·G`.
    pub key: WirePoint,
    /// Height at which it was registered.
    pub registered_height: u64,
    /// Whether calls may be made and settled under it.
    pub status: EpochStatus,
    /// Versions published so far: they are numbered from 0 to below this.
    pub versions: u32,
}

impl EpochRecord {
    /// The last published version.
    pub fn last_version(&self) -> Option<PublicationId> {
        let version = self.versions.checked_sub(1)?;
        Some(PublicationId {
            list: self.list,
            tag_epoch: self.tag_epoch,
            version: ListVersion(version),
        })
    }
}

/// Whether calls may be made and settled under a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum EpochStatus {
    /// Registered; none of its publications was active yet.
    Registered,
    /// The list's present epoch.
    Current,
    /// Another epoch took its place, or the list was withdrawn, at this height. Batches settle for
    /// the settlement window more.
    Superseded {
        /// Height of the block that took effect.
        height: u64,
    },
    /// Its owner revoked the key at this height: nothing settles any more.
    Revoked {
        /// Height of the block that took effect.
        height: u64,
    },
}

/// How many members must attest a publication before it counts, in a network with so many active
/// members: one more than may be faulty.
pub const fn attestations_needed(active_members: usize) -> usize {
    active_members.saturating_sub(1) / 3 + 1
}

/// Names a publication: list, tag epoch and version.
pub type PublicationId = VersionId;

/// Root of a tree of field elements, in the canonical little-endian form of the element.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct Root(pub [u8; 32]);

/// In hexadecimal.
impl Serialize for Root {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Root {
    /// The root as a field element, if it is canonical.
    pub fn field(&self) -> Result<Field, FieldError> {
        decode_field(&self.0)
    }
}

impl From<Field> for Root {
    fn from(element: Field) -> Self {
        Self(encode_field(&element))
    }
}

impl fmt::Display for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Root({self})")
    }
}

/// What an owner says a version of its list is.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Publication {
    /// Name.
    pub id: PublicationId,
    /// Owner of the list.
    pub owner: MemberId,
    /// `R`: root of the linked-leaf tree of its tags.
    pub root: Root,
    /// Number of entries, padding included, as a class.
    pub size_class: SizeClass,
    /// Root of the tree of the entries' evidence, aligned by index.
    pub evidence_root: Root,
    /// Height at which it was published.
    pub published_height: u64,
    /// Business date of that block.
    pub published_date: BusinessDate,
    /// Whether it counts.
    pub status: PublicationStatus,
    /// Who rebuilt it and says so.
    pub attestations: BoundedVec<Attestation, MAX_PARTIES>,
    /// The entries that are drawn of it; none where the members want none, or had no key for receipts.
    pub sampling: Option<Sampling>,
}

/// What stands of the entries that the beacon draws of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Sampling {
    /// The round whose output draws them.
    pub round: RoundId,
    /// How many.
    pub entries: u8,
    /// Index in the log of the owner's call about the first; the others follow in the order of drawing.
    pub logged: Option<u64>,
    /// Height at which the owner had proven that they come from its key.
    pub proven_height: Option<u64>,
}

/// Whether a publication counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum PublicationStatus {
    /// Waits for attestations.
    Pending,
    /// The list's active version.
    Active {
        /// Height since which it is.
        since_height: u64,
    },
    /// Was active until this height.
    Superseded {
        /// Height since which it is no longer active.
        height: u64,
    },
    /// Proven fraudulent at this height: off for good.
    Fraudulent {
        /// Height of the block with the proof.
        height: u64,
    },
    /// Its owner had not proven the drawn entries in time: off since this height, for good.
    Unproven {
        /// Height at which the time was up.
        height: u64,
    },
    /// Its owner had not published a later version in time after a dispute about an entry: off since this
    /// height, for good.
    Suspended {
        /// Height at which the time was up.
        height: u64,
    },
}

impl PublicationStatus {
    /// True when the publication is off for good.
    pub const fn is_off(&self) -> bool {
        matches!(
            self,
            Self::Fraudulent { .. } | Self::Unproven { .. } | Self::Suspended { .. }
        )
    }
}

impl Publication {
    /// What attestations name (`publication_id` of
    /// [`attestation_digest`](tacit_circuits::list::attestation_digest)): binds chain, list, epoch,
    /// version, key, roots and size.
    pub fn digest(&self, chain_id: ChainId, key: &WirePoint) -> Digest {
        let said = (
            chain_id,
            self.id,
            key,
            self.root,
            self.size_class,
            self.evidence_root,
        );
        hash::hash_encoded(&label::PUBLICATION, &said)
    }
}

/// A member's word that it fetched the snapshot and rebuilt the root from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Attestation {
    /// Who says so.
    pub attester: MemberId,
    /// Hash of attester, publication and snapshot bytes: it cannot be made from the root alone, and
    /// whoever holds the snapshot can refute it.
    pub digest: [u8; 32],
    /// Height at which it was said.
    pub height: u64,
}

/// Why a member could not rebuild a publication.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlarmReason {
    /// The owner does not serve the snapshot.
    SnapshotUnavailable,
    /// What it serves is no snapshot of the format.
    SnapshotMalformed,
    /// What it serves rebuilds another root.
    RootMismatch,
    /// An attestation of another member is not the hash of what the owner serves.
    AttestationRefuted {
        /// Who made it.
        attester: MemberId,
    },
}

/// A member's public complaint about a publication.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Alarm {
    /// Number, in the order in which alarms were raised, from 0.
    pub number: u64,
    /// Publication that it is about.
    pub publication: PublicationId,
    /// Owner of the list: whose snapshot it is.
    pub owner: MemberId,
    /// Who complains.
    pub raised_by: MemberId,
    /// Why.
    pub reason: AlarmReason,
    /// Height at which it was raised.
    pub height: u64,
    /// Business date on which it was raised.
    pub business_date: BusinessDate,
}
