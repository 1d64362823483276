//! What changes from one version to a later one.

use std::fmt;
use std::io::{self, Read, Write};

use super::snapshot::read_u32;
use super::{TAG_BYTES, Tag, VersionId};
use crate::scope::{ListId, ListVersion, TagEpoch};

/// The first bytes of a delta; the digit is the format's version.
pub const DELTA_MAGIC: [u8; 16] = *b"tacit delta v. 1";

/// Removals, and insertions, of one delta at most. A list that changes more between two versions is
/// better served by its snapshot: a delta of this size takes a minute to apply.
pub const MAX_DELTA_CHANGES: usize = 1 << 20;

/// A tag that leaves the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Removal {
    /// The tag.
    pub tag: Tag,
    /// Whether it should never have been there, so that members revisit decisions taken on it.
    pub corrected: bool,
}

/// The removals and insertions that lead from one version of a list to a later one of the same
/// epoch. No tag occurs twice.
///
/// Format: [`DELTA_MAGIC`], list, tag epoch, the version it starts from, the version it leads to,
/// the number of removals, the number of insertions (four bytes each), then for each removal its tag
/// (16 bytes) and its flag (one byte, 0 or 1), then the tags of the insertions (16 bytes each). Both
/// ascending; all little-endian. So each change has exactly one encoding.
#[derive(Clone, PartialEq, Eq)]
pub struct Delta {
    from: VersionId,
    to: ListVersion,
    removals: Vec<Removal>,
    insertions: Vec<Tag>,
}

/// Why there is no such delta, or bytes are none. Whoever made it is at fault, except for
/// [`DeltaError::Io`].
#[derive(Debug, thiserror::Error)]
pub enum DeltaError {
    /// They do not begin as a delta does.
    #[error("not a delta, or of a format this version does not know")]
    Magic,
    /// It leads backwards or nowhere.
    #[error("a delta leads to a later version; {to} does not come after {from}")]
    NotLater {
        /// Where it starts.
        from: ListVersion,
        /// Where it would lead.
        to: ListVersion,
    },
    /// More changes than a delta may have.
    #[error(
        "{changes} removals or insertions are more than a delta may have ({MAX_DELTA_CHANGES})"
    )]
    TooLarge {
        /// The larger of both numbers.
        changes: usize,
    },
    /// A number that is no tag, or a flag that is neither 0 nor 1.
    #[error("a change is not well-formed")]
    Malformed,
    /// The changes are not in strictly ascending order.
    #[error("the changes are not in strictly ascending order")]
    NotAscending,
    /// A tag leaves and comes at once.
    #[error("a tag is both removed and inserted")]
    RemovedAndInserted,
    /// Bytes after the last change.
    #[error("there are bytes after the last change")]
    TrailingBytes,
    /// The source failed, or ended too early.
    #[error("reading the delta: {0}")]
    Io(#[from] io::Error),
}

impl Delta {
    /// A delta of these changes, given in any order.
    ///
    /// # Errors
    /// [`DeltaError::NotLater`], [`DeltaError::TooLarge`], [`DeltaError::NotAscending`] for a tag
    /// given twice, [`DeltaError::RemovedAndInserted`].
    pub fn new(
        from: VersionId,
        to: ListVersion,
        mut removals: Vec<Removal>,
        mut insertions: Vec<Tag>,
    ) -> Result<Self, DeltaError> {
        removals.sort_unstable();
        insertions.sort_unstable();
        Self::from_sorted(from, to, removals, insertions)
    }

    fn from_sorted(
        from: VersionId,
        to: ListVersion,
        removals: Vec<Removal>,
        insertions: Vec<Tag>,
    ) -> Result<Self, DeltaError> {
        check_header(&from, to, removals.len().max(insertions.len()))?;
        if !removals.is_sorted_by(|a, b| a.tag < b.tag) || !insertions.is_sorted_by(|a, b| a < b) {
            return Err(DeltaError::NotAscending);
        }
        let inserted = |removal: &Removal| insertions.binary_search(&removal.tag).is_ok();
        if removals.iter().any(inserted) {
            return Err(DeltaError::RemovedAndInserted);
        }
        Ok(Self {
            from,
            to,
            removals,
            insertions,
        })
    }

    /// The state that it changes.
    #[must_use]
    pub fn from(&self) -> VersionId {
        self.from
    }

    /// The state that it leads to.
    #[must_use]
    pub fn to(&self) -> VersionId {
        VersionId {
            version: self.to,
            ..self.from
        }
    }

    /// What leaves, ascending.
    #[must_use]
    pub fn removals(&self) -> &[Removal] {
        &self.removals
    }

    /// What comes, ascending.
    #[must_use]
    pub fn insertions(&self) -> &[Tag] {
        &self.insertions
    }

    /// Writes the canonical encoding.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_to<W: Write>(&self, mut writer: W) -> io::Result<()> {
        writer.write_all(&self.to_bytes())
    }

    /// The canonical encoding.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(DELTA_MAGIC);
        bytes.extend(self.from.to_bytes());
        for number in [
            self.to.0,
            self.removals.len() as u32,
            self.insertions.len() as u32,
        ] {
            bytes.extend(number.to_le_bytes());
        }
        for removal in &self.removals {
            bytes.extend(removal.tag.to_u128().to_le_bytes());
            bytes.push(removal.corrected.into());
        }
        for insertion in &self.insertions {
            bytes.extend(insertion.to_u128().to_le_bytes());
        }
        bytes
    }

    /// Reads what [`write_to`](Self::write_to) wrote, up to the end of the source.
    ///
    /// # Errors
    /// [`DeltaError`].
    pub fn read_from<R: Read>(mut reader: R) -> Result<Self, DeltaError> {
        let mut magic = DELTA_MAGIC;
        reader.read_exact(&mut magic)?;
        if magic != DELTA_MAGIC {
            return Err(DeltaError::Magic);
        }
        let from = VersionId {
            list: ListId(read_u32(&mut reader)?),
            tag_epoch: TagEpoch(read_u32(&mut reader)?),
            version: ListVersion(read_u32(&mut reader)?),
        };
        let to = ListVersion(read_u32(&mut reader)?);
        let removals = read_u32(&mut reader)? as usize;
        let insertions = read_u32(&mut reader)? as usize;
        check_header(&from, to, removals.max(insertions))?;
        let removals = (0..removals)
            .map(|_| {
                let tag = read_tag(&mut reader)?;
                let mut flag = [0];
                reader.read_exact(&mut flag)?;
                match flag {
                    [corrected @ (0 | 1)] => Ok(Removal {
                        tag,
                        corrected: corrected == 1,
                    }),
                    _ => Err(DeltaError::Malformed),
                }
            })
            .collect::<Result<_, _>>()?;
        let insertions = (0..insertions)
            .map(|_| read_tag(&mut reader))
            .collect::<Result<_, _>>()?;
        if reader.read(&mut [0])? != 0 {
            return Err(DeltaError::TrailingBytes);
        }
        Self::from_sorted(from, to, removals, insertions)
    }
}

impl fmt::Debug for Delta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delta")
            .field("from", &self.from)
            .field("to", &self.to)
            .field("removals", &self.removals.len())
            .field("insertions", &self.insertions.len())
            .finish_non_exhaustive()
    }
}

fn check_header(from: &VersionId, to: ListVersion, changes: usize) -> Result<(), DeltaError> {
    if to <= from.version {
        return Err(DeltaError::NotLater {
            from: from.version,
            to,
        });
    }
    if changes > MAX_DELTA_CHANGES {
        return Err(DeltaError::TooLarge { changes });
    }
    Ok(())
}

fn read_tag<R: Read>(reader: &mut R) -> Result<Tag, DeltaError> {
    let mut bytes = [0; TAG_BYTES];
    reader.read_exact(&mut bytes)?;
    Tag::new(u128::from_le_bytes(bytes)).map_err(|_| DeltaError::Malformed)
}
