//! The network's log on this member's disk: whoever proves that a call of its was logged needs a path from
//! the call's leaf to a root of the log.
//!
//! ```text
//! <folder>/level-00 … level-16   complete subtrees of each height, 32 bytes each, in their order
//! <folder>/position              how far they reach: a block's height, and the log's length after it
//! ```
//! The log only grows, and so do the files. What was written after the last position that reached the disk
//! is cut off at the next start and comes from the blocks again. A node that joined by the state of a later
//! block begins with the log's right edge, and has the paths of the calls that were logged after it.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tacit_circuits::curve::{FIELD_BYTES, Field, decode_field, encode_field};
use tacit_circuits::log::{CompleteNodes, LOG_DEPTH, LogFrontier, LogFull, LogPath, path_at};
use tacit_ledger::kernel::ChainId;

use crate::snapshots::{FileError, io_error, write_whole};

/// The first bytes of a file of nodes; the digits are the format's version.
const LEVEL_MAGIC: [u8; 16] = *b"tacit log     01";

/// The first bytes of the position.
const POSITION_MAGIC: [u8; 16] = *b"tacit log at  01";

/// Magic, chain, and the index of the first node that is kept.
const LEVEL_HEADER_BYTES: u64 = 16 + 32 + 8;

/// Magic, chain, height, length, and the BLAKE3 hash of these.
const POSITION_BYTES: usize = 16 + 32 + 8 + 8 + blake3::OUT_LEN;

/// Why a block's calls were not added.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The disk.
    #[error(transparent)]
    File(#[from] FileError),
    /// More leaves than a log holds.
    #[error(transparent)]
    Full(#[from] LogFull),
    /// The block is not the one after the last.
    #[error("the log is at height {at}, and the block's height is {block}")]
    OutOfOrder {
        /// Height of the last block.
        at: u64,
        /// Height of the block that came.
        block: u64,
    },
    /// The root that the validators agreed on is another: the files are not this network's log.
    #[error("the log of block {block} does not have the root that the ledger says")]
    OtherRoot {
        /// The block's height.
        block: u64,
    },
}

/// The network's log, as far as it is kept here.
#[derive(Debug)]
pub struct NetworkLog(Mutex<Files>);

#[derive(Debug)]
struct Files {
    folder: PathBuf,
    chain: ChainId,
    levels: Vec<Level>,
    frontier: LogFrontier,
    height: u64,
}

/// The nodes of one height.
#[derive(Debug)]
struct Level {
    path: PathBuf,
    file: File,
    first: u64,
    count: u64,
    changed: bool,
}

impl NetworkLog {
    /// What lies in the folder; `None` where there is nothing, or nothing whole, of this chain.
    ///
    /// # Errors
    /// [`FileError`] where the system refuses.
    pub fn open(folder: &Path, chain: ChainId) -> Result<Option<Self>, FileError> {
        let Some((height, length)) = read_position(&folder.join("position"), chain)? else {
            return Ok(None);
        };
        let mut levels = Vec::with_capacity(LOG_DEPTH + 1);
        for height in 0..=LOG_DEPTH {
            let complete = length >> (2 * height);
            match Level::open(&level_path(folder, height), chain, complete)? {
                Some(level) => levels.push(level),
                None => return Ok(None),
            }
        }
        let Some(frontier) = LogFrontier::at(&Nodes(&levels), length) else {
            return Ok(None);
        };
        Ok(Some(Self(Mutex::new(Files {
            folder: folder.into(),
            chain,
            levels,
            frontier,
            height,
        }))))
    }

    /// Begins with the log's right edge after the block at `height`, in place of whatever lies there.
    ///
    /// # Errors
    /// [`FileError`] where the system refuses.
    pub fn begin(
        folder: &Path,
        chain: ChainId,
        height: u64,
        frontier: LogFrontier,
    ) -> Result<Self, FileError> {
        fs::create_dir_all(folder).map_err(|error| io_error(folder, error))?;
        // Without a position the files count for nothing until all of them are whole.
        crate::snapshots::remove(&folder.join("position"))?;
        let levels = (0..=LOG_DEPTH)
            .map(|height| {
                let (first, pending) = frontier.pending(height);
                let mut level = Level::create(level_path(folder, height), chain, first)?;
                level.append(pending)?;
                Ok(level)
            })
            .collect::<Result<_, FileError>>()?;
        let log = Self(Mutex::new(Files {
            folder: folder.into(),
            chain,
            levels,
            frontier,
            height,
        }));
        log.sync()?;
        Ok(log)
    }

    /// Height of the last block whose calls are here.
    pub fn height(&self) -> u64 {
        self.lock().height
    }

    /// Length and root of the log after that block.
    pub fn head(&self) -> (u64, Field) {
        let files = self.lock();
        (files.frontier.len(), files.frontier.root())
    }

    /// Adds the calls of the next block, whose log has this root if the block says so.
    ///
    /// # Errors
    /// [`AppendError`]. After one of a file or of a root, the log is to be begun again.
    pub fn append(
        &self,
        height: u64,
        leaves: &[Field],
        root: Option<Field>,
    ) -> Result<(), AppendError> {
        let mut files = self.lock();
        let at = files.height;
        if height != at + 1 {
            return Err(AppendError::OutOfOrder { at, block: height });
        }
        let files = &mut *files;
        let mut written = Ok(());
        files.frontier.append_noting(leaves, &mut |height, nodes| {
            if written.is_ok() {
                written = files.levels[height].append(nodes);
            }
        })?;
        written?;
        files.height = height;
        match root {
            Some(root) if root != files.frontier.root() => {
                Err(AppendError::OtherRoot { block: height })
            }
            _ => Ok(()),
        }
    }

    /// Brings everything so far to the disk.
    ///
    /// # Errors
    /// [`FileError`] where the system refuses.
    pub fn sync(&self) -> Result<(), FileError> {
        let mut files = self.lock();
        files.levels.iter_mut().try_for_each(Level::sync)?;
        let mut position = Vec::with_capacity(POSITION_BYTES);
        position.extend_from_slice(&POSITION_MAGIC);
        position.extend_from_slice(&files.chain.0);
        position.extend_from_slice(&files.height.to_le_bytes());
        position.extend_from_slice(&files.frontier.len().to_le_bytes());
        position.extend_from_slice(blake3::hash(&position.clone()).as_bytes());
        write_whole(&files.folder.join("position"), |file| {
            file.write_all(&position)
        })
    }

    /// The path of a leaf in the log of `length` calls; `None` where that is longer than what is here, holds
    /// no such leaf, or the leaf was logged before this node joined.
    pub fn path(&self, length: u64, index: u64) -> Option<LogPath> {
        let files = self.lock();
        if length > files.frontier.len() {
            return None;
        }
        path_at(&Nodes(&files.levels), length, index)
    }

    fn lock(&self) -> MutexGuard<'_, Files> {
        // A panic in between leaves files that are read again from their last position.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Level {
    fn create(path: PathBuf, chain: ChainId, first: u64) -> Result<Self, FileError> {
        let created = || -> io::Result<File> {
            let mut file = File::options()
                .read(true)
                .write(true)
                .create(true)
                .truncate(true)
                .open(&path)?;
            file.write_all(&LEVEL_MAGIC)?;
            file.write_all(&chain.0)?;
            file.write_all(&first.to_le_bytes())?;
            Ok(file)
        };
        let file = created().map_err(|error| io_error(&path, error))?;
        Ok(Self {
            path,
            file,
            first,
            count: 0,
            changed: true,
        })
    }

    /// Opens a file that holds the nodes up to `complete`, and cuts off what it holds beyond.
    fn open(path: &Path, chain: ChainId, complete: u64) -> Result<Option<Self>, FileError> {
        let opened = || -> io::Result<Option<Self>> {
            let mut file = match File::options().read(true).write(true).open(path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error),
            };
            let mut header = [0; LEVEL_HEADER_BYTES as usize];
            let length = file.metadata()?.len();
            if length < LEVEL_HEADER_BYTES {
                return Ok(None);
            }
            file.read_exact(&mut header)?;
            let (name, first) = header.split_at(48);
            let mut first_bytes = [0; 8];
            first_bytes.copy_from_slice(first);
            let first = u64::from_le_bytes(first_bytes);
            let is_ours = name[..16] == LEVEL_MAGIC && name[16..] == chain.0;
            let Some(count) = complete.checked_sub(first).filter(|_| is_ours) else {
                return Ok(None);
            };
            let whole = LEVEL_HEADER_BYTES + count * FIELD_BYTES as u64;
            if length < whole {
                return Ok(None);
            }
            file.set_len(whole)?;
            Ok(Some(Self {
                path: path.into(),
                file,
                first,
                count,
                changed: false,
            }))
        };
        opened().map_err(|error| io_error(path, error))
    }

    fn append(&mut self, nodes: &[Field]) -> Result<(), FileError> {
        if nodes.is_empty() {
            return Ok(());
        }
        let bytes: Vec<u8> = nodes.iter().flat_map(encode_field).collect();
        let end = LEVEL_HEADER_BYTES + self.count * FIELD_BYTES as u64;
        let written = self
            .file
            .seek(SeekFrom::Start(end))
            .and_then(|_| self.file.write_all(&bytes));
        written.map_err(|error| io_error(&self.path, error))?;
        self.count += nodes.len() as u64;
        self.changed = true;
        Ok(())
    }

    fn sync(&mut self) -> Result<(), FileError> {
        if self.changed {
            let synced = self.file.sync_data();
            synced.map_err(|error| io_error(&self.path, error))?;
            self.changed = false;
        }
        Ok(())
    }

    fn node(&self, index: u64) -> Option<Field> {
        let place = index.checked_sub(self.first)?;
        if place >= self.count {
            return None;
        }
        let mut bytes = [0; FIELD_BYTES];
        let mut file = &self.file;
        let start = LEVEL_HEADER_BYTES + place * FIELD_BYTES as u64;
        let read = file
            .seek(SeekFrom::Start(start))
            .and_then(|_| file.read_exact(&mut bytes));
        if let Err(error) = read {
            tracing::error!(%error, path = %self.path.display(), "receipts.log: cannot be read");
            return None;
        }
        decode_field(&bytes).ok()
    }
}

/// The nodes of all heights.
struct Nodes<'a>(&'a [Level]);

impl CompleteNodes for Nodes<'_> {
    fn node(&self, height: usize, index: u64) -> Option<Field> {
        self.0.get(height)?.node(index)
    }
}

fn level_path(folder: &Path, height: usize) -> PathBuf {
    folder.join(format!("level-{height:02}"))
}

fn read_position(path: &Path, chain: ChainId) -> Result<Option<(u64, u64)>, FileError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io_error(path, error)),
    };
    let Some((said, hash)) = bytes.split_last_chunk::<{ blake3::OUT_LEN }>() else {
        return Ok(None);
    };
    let whole = bytes.len() == POSITION_BYTES
        && blake3::hash(said).as_bytes() == hash
        && said[..16] == POSITION_MAGIC
        && said[16..48] == chain.0;
    let number = |at: usize| {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&said[at..at + 8]);
        u64::from_le_bytes(bytes)
    };
    Ok(whole.then(|| (number(48), number(56))))
}

#[cfg(test)]
mod tests {
    use tacit_circuits::log::LogTree;

    use super::*;

    const CHAIN: ChainId = ChainId([7; 32]);

    fn leaves(range: std::ops::Range<u64>) -> Vec<Field> {
        range.map(|number| Field::from(number + 1)).collect()
    }

    fn fresh(folder: &Path) -> NetworkLog {
        NetworkLog::begin(folder, CHAIN, 0, LogFrontier::new()).expect("begun")
    }

    #[test]
    fn what_was_synced_is_there_again_and_what_was_not_comes_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = fresh(folder.path());
        log.append(1, &leaves(0..70), None).expect("appended");
        log.append(2, &[], None).expect("appended");
        log.sync().expect("synced");
        log.append(3, &leaves(70..90), None).expect("appended");
        drop(log);

        let log = NetworkLog::open(folder.path(), CHAIN)
            .expect("readable")
            .expect("whole");
        assert_eq!((log.height(), log.head().0), (2, 70));
        let root = LogTree::new(leaves(0..90)).expect("a tree").root();
        log.append(3, &leaves(70..90), Some(root))
            .expect("appended");
        for length in [1, 64, 70, 90] {
            let root = LogTree::new(leaves(0..length)).expect("a tree").root();
            let path = log.path(length, length - 1).expect("a path");
            assert_eq!(path.verify(&root, &Field::from(length)), Ok(()));
        }
        assert_eq!(log.path(91, 0), None);
        assert_eq!(log.path(70, 70), None);
    }

    #[test]
    fn a_block_out_of_order_or_with_another_root_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = fresh(folder.path());
        let refused = log.append(2, &leaves(0..1), None);
        assert!(matches!(
            refused,
            Err(AppendError::OutOfOrder { at: 0, block: 2 })
        ));
        let refused = log.append(1, &leaves(0..1), Some(Field::from(5u64)));
        assert!(matches!(refused, Err(AppendError::OtherRoot { block: 1 })));
    }

    #[test]
    fn one_who_joined_later_has_the_paths_of_what_came_after() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut before = LogFrontier::new();
        before.append(&leaves(0..37)).expect("appended");
        let log = NetworkLog::begin(folder.path(), CHAIN, 9, before).expect("begun");
        log.append(10, &leaves(37..60), None).expect("appended");
        log.sync().expect("synced");
        let log = NetworkLog::open(folder.path(), CHAIN)
            .expect("readable")
            .expect("whole");
        let root = LogTree::new(leaves(0..60)).expect("a tree").root();
        assert_eq!(log.head(), (60, root));
        let path = log.path(60, 40).expect("a path");
        assert_eq!(path.verify(&root, &Field::from(41u64)), Ok(()));
        assert_eq!(log.path(60, 3), None);
    }

    #[test]
    fn files_that_are_damaged_or_of_another_chain_are_begun_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = fresh(folder.path());
        log.append(1, &leaves(0..20), None).expect("appended");
        log.sync().expect("synced");
        drop(log);
        let other = ChainId([8; 32]);
        assert!(
            NetworkLog::open(folder.path(), other)
                .expect("readable")
                .is_none()
        );
        let position = folder.path().join("position");
        let intact = fs::read(&position).expect("read");
        for place in 0..intact.len() {
            let mut changed = intact.clone();
            changed[place] ^= 1;
            fs::write(&position, changed).expect("written");
            let opened = NetworkLog::open(folder.path(), CHAIN).expect("readable");
            assert!(opened.is_none(), "byte {place}");
        }
        fs::write(&position, &intact).expect("written");
        let level = folder.path().join("level-01");
        let length = fs::metadata(&level).expect("there").len();
        File::options()
            .write(true)
            .open(&level)
            .expect("opened")
            .set_len(length - 1)
            .expect("cut");
        assert!(
            NetworkLog::open(folder.path(), CHAIN)
                .expect("readable")
                .is_none()
        );
    }
}
