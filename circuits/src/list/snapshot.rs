//! All of a version, as it travels and rests.

use std::fmt;
use std::io::{self, Read, Write};

use super::{MAX_ENTRIES, TAG_BYTES, Tag, VersionId};
use crate::scope::{ListId, ListVersion, TagEpoch};

/// The first bytes of a snapshot; the digit is the format's version.
pub const SNAPSHOT_MAGIC: [u8; 16] = *b"tacit snapshot 1";

/// Bytes before the tags: the magic, list, tag epoch, version, slots.
const HEADER_BYTES: usize = SNAPSHOT_MAGIC.len() + VersionId::BYTES + 4;
/// Slots that are read or written at a time. A header that promises more than follows costs no more
/// memory than this.
const BLOCK: usize = 1 << 16;

/// The tags of a version in the slots of its tree.
///
/// Format: [`SNAPSHOT_MAGIC`], list, tag epoch, version and number of slots (four bytes each), then
/// 16 bytes for each slot: its tag, or 0 where the slot is empty. All little-endian. The chain's
/// head, which is in slot 0 of every tree, is left out; the last slot is never empty. So each
/// assignment of tags to slots has exactly one encoding.
#[derive(Clone, PartialEq, Eq)]
pub struct Snapshot {
    id: VersionId,
    /// From slot 1 on; 0 is empty.
    slots: Vec<u128>,
}

/// Why bytes are no snapshot. The sender is at fault, except for [`SnapshotError::Io`].
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// They do not begin as a snapshot does.
    #[error("not a snapshot, or of a format this version does not know")]
    Magic,
    /// More slots than a tree has.
    #[error("{slots} slots are more than a tree has ({MAX_ENTRIES})")]
    TooManySlots {
        /// Slots promised.
        slots: u32,
    },
    /// 2^128 − 1 in a slot.
    #[error("slot {slot} holds the number that ends the chain")]
    NotATag {
        /// The slot.
        slot: usize,
    },
    /// The same slots have a shorter encoding.
    #[error("the last slot is empty")]
    TrailingEmptySlot,
    /// Bytes after the last slot.
    #[error("there are bytes after the last slot")]
    TrailingBytes,
    /// The source failed, or ended too early.
    #[error("reading the snapshot: {0}")]
    Io(#[from] io::Error),
}

impl Snapshot {
    /// For slots that end with a tag and hold no number that is none.
    pub(super) fn new(id: VersionId, slots: Vec<u128>) -> Self {
        Self { id, slots }
    }

    /// Which state of which list this is.
    #[must_use]
    pub fn id(&self) -> VersionId {
        self.id
    }

    /// Slots in use, empty ones among them included.
    #[must_use]
    pub fn slot_count(&self) -> usize {
        self.slots.len()
    }

    /// The tags, in the order of their slots.
    pub fn tags(&self) -> impl Iterator<Item = Tag> + '_ {
        self.slots.iter().filter_map(|&slot| Tag::new(slot).ok())
    }

    /// Bytes of the encoding.
    #[must_use]
    pub fn encoded_len(&self) -> u64 {
        (HEADER_BYTES + self.slots.len() * TAG_BYTES) as u64
    }

    /// Writes the canonical encoding.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_to<W: Write>(&self, mut writer: W) -> io::Result<()> {
        writer.write_all(&SNAPSHOT_MAGIC)?;
        writer.write_all(&self.id.to_bytes())?;
        writer.write_all(&(self.slots.len() as u32).to_le_bytes())?;
        let mut bytes = Vec::with_capacity(BLOCK.min(self.slots.len()) * TAG_BYTES);
        for block in self.slots.chunks(BLOCK) {
            bytes.clear();
            bytes.extend(block.iter().flat_map(|slot| slot.to_le_bytes()));
            writer.write_all(&bytes)?;
        }
        Ok(())
    }

    /// The canonical encoding.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.encoded_len() as usize);
        // Writing into memory does not fail.
        let _ = self.write_to(&mut bytes);
        bytes
    }

    /// Reads what [`write_to`](Self::write_to) wrote, up to the end of the source.
    ///
    /// Whether the tags are those of a publication is seen when
    /// [`IndexedTree::from_snapshot`](super::IndexedTree::from_snapshot) has the root.
    ///
    /// # Errors
    /// [`SnapshotError`].
    pub fn read_from<R: Read>(mut reader: R) -> Result<Self, SnapshotError> {
        let mut magic = SNAPSHOT_MAGIC;
        reader.read_exact(&mut magic)?;
        if magic != SNAPSHOT_MAGIC {
            return Err(SnapshotError::Magic);
        }
        let id = VersionId {
            list: ListId(read_u32(&mut reader)?),
            tag_epoch: TagEpoch(read_u32(&mut reader)?),
            version: ListVersion(read_u32(&mut reader)?),
        };
        let count = read_u32(&mut reader)?;
        if count > MAX_ENTRIES {
            return Err(SnapshotError::TooManySlots { slots: count });
        }
        let mut slots = Vec::new();
        let mut bytes = Vec::new();
        while slots.len() < count as usize {
            let block = BLOCK.min(count as usize - slots.len());
            bytes.resize(block * TAG_BYTES, 0);
            reader.read_exact(&mut bytes)?;
            let (tags, _) = bytes.as_chunks::<TAG_BYTES>();
            slots.extend(tags.iter().map(|tag| u128::from_le_bytes(*tag)));
        }
        if let Some(index) = slots.iter().position(|&slot| slot == u128::MAX) {
            return Err(SnapshotError::NotATag { slot: index + 1 });
        }
        if slots.last() == Some(&0) {
            return Err(SnapshotError::TrailingEmptySlot);
        }
        if reader.read(&mut [0])? != 0 {
            return Err(SnapshotError::TrailingBytes);
        }
        Ok(Self { id, slots })
    }

    /// BLAKE3 of the canonical encoding, by which transfers and stores name it.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        self.hash_into(&mut hasher);
        hasher.finalize().into()
    }

    pub(super) fn hash_into(&self, hasher: &mut blake3::Hasher) {
        // Hashing does not fail.
        let _ = self.write_to(hasher);
    }

    pub(super) fn slots(&self) -> &[u128] {
        &self.slots
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("id", &self.id)
            .field("slots", &self.slots.len())
            .finish_non_exhaustive()
    }
}

pub(super) fn read_u32<R: Read>(reader: &mut R) -> io::Result<u32> {
    let mut bytes = [0; 4];
    reader.read_exact(&mut bytes)?;
    Ok(u32::from_le_bytes(bytes))
}
