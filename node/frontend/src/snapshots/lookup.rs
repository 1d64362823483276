//! A verified copy of a list, sorted and memory-mapped.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::{fmt, io};

use memmap2::Mmap;
use tacit_circuits::list::{IndexedTree, TAG_BYTES, Tag, VersionId};
use tacit_circuits::scope::{ListId, ListVersion, TagEpoch};

use super::files::{FileError, io_error, write_whole};

/// The first bytes of a file of sorted tags; the digit is the format's version.
const MAGIC: [u8; 16] = *b"tacit tags    02";

/// Magic, then list, tag epoch, version and number of tags, four bytes each, little-endian.
const NAME_BYTES: usize = 32;

/// The name, then the BLAKE3 hash of the name and all tags. One wrong bit among the tags would make a search
/// miss, and what is listed look clear.
const HEADER_BYTES: usize = NAME_BYTES + blake3::OUT_LEN;

/// Bytes that are hashed at a time while they are written.
const BLOCK_BYTES: usize = 64 * 1024;

/// Why a file is no copy of a list.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// The system refused.
    #[error(transparent)]
    File(#[from] FileError),
    /// Another format, another publication, cut off, or changed since it was written.
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
            let name = name(tree.id(), tree.len());
            let mut hasher = blake3::Hasher::new();
            hasher.update(&name);
            file.write_all(&name)?;
            // In the place of the hash, which is known in the end.
            file.write_all(&[0; blake3::OUT_LEN])?;
            let mut block = Vec::with_capacity(BLOCK_BYTES);
            let mut tags = tree.sorted_tags().peekable();
            while tags.peek().is_some() {
                block.clear();
                let some = tags.by_ref().take(BLOCK_BYTES / TAG_BYTES);
                some.for_each(|tag| block.extend_from_slice(&tag.to_u128().to_le_bytes()));
                hasher.update(&block);
                file.write_all(&block)?;
            }
            file.seek(SeekFrom::Start(NAME_BYTES as u64))?;
            file.write_all(hasher.finalize().as_bytes())
        })
    }

    /// Maps a file that [`write`](Self::write) wrote for this version, and reads all of it once to see that
    /// it is what was written: some five milliseconds per million tags.
    pub(crate) fn open(path: &Path, id: VersionId) -> Result<Self, LookupError> {
        let file = File::open(path).map_err(|error| io_error(path, error))?;
        let map = map(&file).map_err(|error| io_error(path, error))?;
        let damaged = || LookupError::Damaged(path.display().to_string());
        let (header, tags) = map.split_at_checked(HEADER_BYTES).ok_or_else(damaged)?;
        let (name_here, hash) = header.split_at(NAME_BYTES);
        let is_whole = tags.len() % TAG_BYTES == 0
            && name_here == name(id, tags.len() / TAG_BYTES)
            && hash
                == blake3::Hasher::new()
                    .update(name_here)
                    .update(tags)
                    .finalize()
                    .as_bytes();
        if is_whole {
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

fn name(id: VersionId, tags: usize) -> [u8; NAME_BYTES] {
    let VersionId {
        list: ListId(list),
        tag_epoch: TagEpoch(epoch),
        version: ListVersion(version),
    } = id;
    let mut name = [0; NAME_BYTES];
    name[..MAGIC.len()].copy_from_slice(&MAGIC);
    let numbers = name[MAGIC.len()..].chunks_exact_mut(4);
    // A tree holds less than 2^28 tags.
    for (bytes, number) in numbers.zip([list, epoch, version, tags as u32]) {
        bytes.copy_from_slice(&number.to_le_bytes());
    }
    name
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

    #[test]
    fn a_file_in_which_any_byte_was_changed_is_not_searched() {
        let folder = tempfile::tempdir().expect("a folder");
        let id = VersionId {
            list: ListId(1),
            tag_epoch: TagEpoch(0),
            version: ListVersion(0),
        };
        let tags = (1..=40u128).map(|tag| Tag::new(tag << 64).expect("a tag"));
        let tree = IndexedTree::build(id, tags.collect()).expect("a tree");
        let path = folder.path().join("list.tags");
        Lookup::write(&path, &tree).expect("written");
        let intact = std::fs::read(&path).expect("read");
        assert_eq!(intact.len(), HEADER_BYTES + 40 * TAG_BYTES);
        assert_eq!(Lookup::open(&path, id).expect("opens").len(), 40);
        for place in 0..intact.len() {
            let mut changed = intact.clone();
            changed[place] ^= 1;
            std::fs::write(&path, changed).expect("written");
            let opened = Lookup::open(&path, id);
            assert!(
                matches!(opened, Err(LookupError::Damaged(_))),
                "byte {place}"
            );
        }
        for cut in [0, 10, HEADER_BYTES, intact.len() - TAG_BYTES] {
            std::fs::write(&path, &intact[..cut]).expect("written");
            assert!(Lookup::open(&path, id).is_err(), "{cut} bytes");
        }
    }

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
