//! Where snapshots lie on the disk.
//!
//! ```text
//! <folder>/own/L7-E0-v2.snapshot     what this member serves of its own lists
//! <folder>/own/L7-E0-v2.delta
//! <folder>/made/L7-E0-v2.tags        tags of what its versions changed, in the order of the stored changes
//! <folder>/copies/L3-E1-v0.snapshot  verified copies of others' lists
//! <folder>/copies/L3-E1-v0.tags      the same, sorted for look-ups
//! <folder>/archive/L3-E1-v0.snapshot past versions of others' lists, and the deltas between them
//! <folder>/incoming/…                what is being fetched
//! ```
//! A file appears under its name only when it is complete and on the disk: it is written beside its place
//! and renamed.

use std::{
    fs::{self, File},
    io::{self, BufReader, BufWriter, Write},
    path::{Path, PathBuf},
};

use tacit_circuits::list::{Delta, DeltaError, Snapshot, SnapshotError, Tag, VersionId};
use tacit_circuits::scope::ListId;

/// Why a file of a list is not usable.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The system refused.
    #[error("file {path} of a list")]
    Io {
        /// The file.
        path: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It is no snapshot.
    #[error("file {path} is no snapshot; delete it, and it is made or fetched again")]
    Snapshot {
        /// The file.
        path: String,
        /// What is wrong.
        #[source]
        source: SnapshotError,
    },
    /// It is no delta.
    #[error("file {path} is no delta; delete it, and it is made or fetched again")]
    Delta {
        /// The file.
        path: String,
        /// What is wrong.
        #[source]
        source: DeltaError,
    },
}

/// The folder of a front end's snapshots.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    own: PathBuf,
    made: PathBuf,
    copies: PathBuf,
    incoming: PathBuf,
}

impl Files {
    /// Makes the folders that are not there.
    pub(crate) fn open(folder: &Path) -> Result<Self, FileError> {
        let names = ["own", "made", "copies", "incoming"];
        let [own, made, copies, incoming] = names.map(|name| folder.join(name));
        for path in [&own, &made, &copies, &incoming] {
            fs::create_dir_all(path).map_err(|source| io_error(path, source))?;
        }
        Ok(Self {
            own,
            made,
            copies,
            incoming,
        })
    }

    pub(crate) fn own_snapshot(&self, id: VersionId) -> PathBuf {
        self.own.join(name(id, "snapshot"))
    }

    pub(crate) fn own_delta(&self, id: VersionId) -> PathBuf {
        self.own.join(name(id, "delta"))
    }

    pub(crate) fn made_tags(&self, id: VersionId) -> PathBuf {
        self.made.join(name(id, "tags"))
    }

    pub(crate) fn copy_snapshot(&self, id: VersionId) -> PathBuf {
        self.copies.join(name(id, "snapshot"))
    }

    pub(crate) fn copy_tags(&self, id: VersionId) -> PathBuf {
        self.copies.join(name(id, "tags"))
    }

    pub(crate) fn incoming(&self, id: VersionId, form: &str) -> PathBuf {
        self.incoming.join(name(id, form))
    }

    /// Deletes the copies of a list except those that are still needed, and what was fetched of them.
    pub(crate) fn forget_copies(&self, list: ListId, keep: &[VersionId]) -> Result<(), FileError> {
        forget(&self.copies, list, keep)?;
        forget(&self.incoming, list, keep)
    }

    /// Deletes what is served of a list of this member's except these versions and the deltas to those.
    pub(crate) fn forget_own(
        &self,
        list: ListId,
        keep: &[VersionId],
        deltas: &[VersionId],
    ) -> Result<(), FileError> {
        let mut kept = stems(keep);
        kept.extend(deltas.iter().map(|id| name(*id, "delta")));
        forget_except(&self.own, list, &kept)
    }

    /// Deletes the tags that were kept of a list of this member's except those of some versions.
    pub(crate) fn forget_made(&self, list: ListId, keep: &[VersionId]) -> Result<(), FileError> {
        forget(&self.made, list, keep)
    }
}

/// Writes tags, 16 bytes each, little-endian.
pub(crate) fn write_tags(path: &Path, tags: &[Tag]) -> Result<(), FileError> {
    write_whole(path, |file| {
        let mut tags = tags.iter();
        tags.try_for_each(|tag| file.write_all(&tag.to_u128().to_le_bytes()))
    })
}

/// Reads what [`write_tags`] wrote; `None` where that is not there, or not whole.
pub(crate) fn read_tags(path: &Path) -> Result<Option<Vec<Tag>>, FileError> {
    let bytes = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        read => read.map_err(|source| io_error(path, source))?,
    };
    let (numbers, rest) = bytes.as_chunks::<16>();
    let tags = numbers
        .iter()
        .map(|number| Tag::new(u128::from_le_bytes(*number)));
    let tags: Result<Vec<Tag>, _> = tags.collect();
    Ok(tags.ok().filter(|_| rest.is_empty()))
}

/// Deletes the files of a list except those of some versions. Whoever reads one reads on.
fn forget(folder: &Path, list: ListId, keep: &[VersionId]) -> Result<(), FileError> {
    forget_except(folder, list, &stems(keep))
}

fn stems(ids: &[VersionId]) -> Vec<String> {
    ids.iter().map(|id| format!("{}.", stem(*id))).collect()
}

/// The same, where names begin with none of these.
fn forget_except(folder: &Path, list: ListId, keep: &[String]) -> Result<(), FileError> {
    let prefix = format!("{list}-");
    for entry in fs::read_dir(folder).map_err(|error| io_error(folder, error))? {
        let entry = entry.map_err(|error| io_error(folder, error))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(&prefix) && !keep.iter().any(|stem| name.starts_with(stem)) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

/// Writes a file beside its place, brings it to the disk and renames it.
pub(crate) fn write_whole(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<(), FileError> {
    let beside = path.with_added_extension("new");
    let written = || -> io::Result<()> {
        let mut file = BufWriter::new(File::create(&beside)?);
        write(&mut file)?;
        file.flush()?;
        file.get_ref().sync_all()?;
        fs::rename(&beside, path)?;
        // The rename itself is on the disk once the folder is.
        path.parent()
            .map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    };
    written().map_err(|source| io_error(path, source))
}

pub(crate) fn write_snapshot(path: &Path, snapshot: &Snapshot) -> Result<(), FileError> {
    write_whole(path, |file| snapshot.write_to(file))
}

pub(crate) fn read_snapshot(path: &Path) -> Result<Snapshot, FileError> {
    let file = File::open(path).map_err(|source| io_error(path, source))?;
    let read = Snapshot::read_from(BufReader::new(file));
    read.map_err(|source| FileError::Snapshot {
        path: path.display().to_string(),
        source,
    })
}

pub(crate) fn read_delta(path: &Path) -> Result<Delta, FileError> {
    let file = File::open(path).map_err(|source| io_error(path, source))?;
    let read = Delta::read_from(BufReader::new(file));
    read.map_err(|source| FileError::Delta {
        path: path.display().to_string(),
        source,
    })
}

/// Deletes a file if it is there.
pub(crate) fn remove(path: &Path) -> Result<(), FileError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error(path, error)),
        _ => Ok(()),
    }
}

pub(crate) fn io_error(path: &Path, source: io::Error) -> FileError {
    FileError::Io {
        path: path.display().to_string(),
        source,
    }
}

fn stem(id: VersionId) -> String {
    format!("{}-{}-{}", id.list, id.tag_epoch, id.version)
}

pub(super) fn name(id: VersionId, kind: &str) -> String {
    format!("{}.{kind}", stem(id))
}
