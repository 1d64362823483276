//! A verified copy of a list, sorted and memory-mapped.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::{fmt, io};

use memmap2::Mmap;
use tacit_circuits::list::{IndexedTree, TAG_BYTES, Tag, VersionId};
use tacit_circuits::scope::{ListId, ListVersion, TagEpoch};

use super::files::{FileError, io_error, write_whole};

/// The first bytes of a file of sorted tags; the digit is the format's version.
const MAGIC: [u8; 16] = *b"tacit tags    01";

/// Magic, then list, tag epoch, version and number of tags, four bytes each, little-endian.
const HEADER_BYTES: usize = 32;

/// Why a file is no copy of a list.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// The system refused.
    #[error(transparent)]
    File(#[from] FileError),
    /// Another format, another publication, or cut off.
    #[error("file {0} is not the sorted tags of this publication; delete it, and it is made again")]
    Damaged(String),
}

/// The tags of a version in ascending order, 16 bytes each, in a file mapped into memory.
pub struct Lookup {
    id: VersionId,
    map: Mmap,
}

impl Lookup {
    /// Writes the sorted tags of a tree.
    pub(crate) fn write(path: &Path, tree: &IndexedTree) -> Result<(), FileError> {
        write_whole(path, |file| {
            file.write_all(&header(tree.id(), tree.len()))?;
            tree.sorted_tags()
                .try_for_each(|tag| file.write_all(&tag.to_u128().to_le_bytes()))
        })
    }

    /// Maps a file that [`write`](Self::write) wrote for this version.
    pub(crate) fn open(path: &Path, id: VersionId) -> Result<Self, LookupError> {
        let file = File::open(path).map_err(|error| io_error(path, error))?;
        let map = map(&file).map_err(|error| io_error(path, error))?;
        let damaged = || LookupError::Damaged(path.display().to_string());
        let tags = map.len().checked_sub(HEADER_BYTES).ok_or_else(damaged)?;
        let intact = tags % TAG_BYTES == 0 && map[..HEADER_BYTES] == header(id, tags / TAG_BYTES);
        if intact {
            Ok(Self { id, map })
        } else {
            Err(damaged())
        }
    }

    /// Whether the version lists the tag.
    pub fn contains(&self, tag: Tag) -> bool {
        let (tags, _) = self.map[HEADER_BYTES..].as_chunks::<TAG_BYTES>();
        tags.binary_search_by(|bytes| u128::from_le_bytes(*bytes).cmp(&tag.to_u128()))
            .is_ok()
    }

    /// Entries, padding included.
    pub fn len(&self) -> usize {
        (self.map.len() - HEADER_BYTES) / TAG_BYTES
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What the reader of a list holds of it.
pub struct ListCopy {
    /// Which publication.
    pub id: VersionId,
    /// Its tags.
    pub lookup: Lookup,
}

impl fmt::Debug for ListCopy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ListCopy")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Lookup {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self.len();
        formatter
            .debug_struct("Lookup")
            .field("id", &self.id)
            .field("entries", &entries)
            .finish()
    }
}

fn header(id: VersionId, tags: usize) -> [u8; HEADER_BYTES] {
    let VersionId {
        list: ListId(list),
        tag_epoch: TagEpoch(epoch),
        version: ListVersion(version),
    } = id;
    let mut header = [0; HEADER_BYTES];
    header[..MAGIC.len()].copy_from_slice(&MAGIC);
    let numbers = header[MAGIC.len()..].chunks_exact_mut(4);
    // A tree holds less than 2^28 tags.
    for (bytes, number) in numbers.zip([list, epoch, version, tags as u32]) {
        bytes.copy_from_slice(&number.to_le_bytes());
    }
    header
}

fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: the file lies in the front end's own folder, was written whole before it got its name, and
    // nobody writes to it afterwards: a later version is another file, and deleting this one leaves the
    // mapping intact.
    unsafe { Mmap::map(file) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};
    use rand_core::OsRng;
    use tacit_circuits::curve::Field;
    use tacit_circuits::identifier::IdentifierType;
    use tacit_circuits::oprf::{
        Entry, EvaluationContext, Input, ListKey, blind, evaluate, finalize, tag_batch,
    };

    use super::*;

    /// Thousands of lists without padding, from none to a handful of entries, each with a key of its own: the
    /// arithmetic and the look-up alone.
    #[test]
    fn tags_of_thousands_of_small_lists_are_found_like_in_plain_sets() {
        let folder = tempfile::tempdir().expect("a folder");
        for seed in 0..2_000u64 {
            let mut rng = StdRng::seed_from_u64(seed);
            let id = VersionId {
                list: ListId(rng.gen_range(1..100)),
                tag_epoch: TagEpoch(rng.gen_range(0..100)),
                version: ListVersion(0),
            };
            let listed: BTreeSet<u64> = (0..rng.gen_range(0..8))
                .map(|_| rng.gen_range(0..12))
                .collect();
            let asked: Vec<u64> = (0..6).map(|_| rng.gen_range(0..12)).collect();
            let kind = IdentifierType::Phone;
            let key = ListKey::generate(&mut OsRng);
            let entries: Vec<Entry> = listed
                .iter()
                .map(|x| Entry::identifier(kind, Field::from(*x)))
                .collect();
            let tags = tag_batch(&key, &entries, id.list, id.tag_epoch, &|_| {}).expect("tags");
            let tree = IndexedTree::build(id, tags).expect("a tree");
            let path = folder.path().join("list.tags");
            Lookup::write(&path, &tree).expect("written");
            let lookup = Lookup::open(&path, id).expect("opened");

            let inputs: Vec<Input> = asked
                .iter()
                .map(|x| Input {
                    kind,
                    x: Field::from(*x),
                    list: id.list,
                    tag_epoch: id.tag_epoch,
                })
                .collect();
            let context = EvaluationContext {
                chain_id: [7; 32],
                session: seed,
                sequence: 0,
                list: id.list,
                tag_epoch: id.tag_epoch,
            };
            let (states, blinded) = blind(&inputs, &mut OsRng).expect("points");
            let (points, proof) = evaluate(&key, &context, &blinded, &mut OsRng).expect("a batch");
            let tags = finalize(&states, &key.public(), &context, &points, &proof).expect("tags");
            for (x, tag) in asked.iter().zip(tags) {
                assert_eq!(lookup.contains(tag), listed.contains(x), "seed {seed}, {x}");
            }
        }
    }
}
