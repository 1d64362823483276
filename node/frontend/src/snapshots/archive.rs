//! Versions of others' lists that this member's calls were answered about, for as long as somebody may ask
//! what a list said then.
//!
//! What is fetched is kept: snapshots as they are, deltas as they are, so that a version costs its changes and
//! an epoch one snapshot. Any version of it is rebuilt from these.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tacit_circuits::list::{IndexedTree, VersionId};
use tacit_circuits::scope::ListVersion;

use super::files::{FileError, io_error, name, read_delta, read_snapshot};

/// The folder of past versions.
#[derive(Clone, Debug)]
pub(crate) struct Archive {
    folder: PathBuf,
    keep: Duration,
}

impl Archive {
    /// Makes the folder if it is not there.
    pub(crate) fn open(folder: &Path, keep: Duration) -> Result<Self, FileError> {
        fs::create_dir_all(folder).map_err(|source| io_error(folder, source))?;
        let folder = folder.to_owned();
        Ok(Self { folder, keep })
    }

    fn path(&self, id: VersionId, kind: &str) -> PathBuf {
        self.folder.join(name(id, kind))
    }

    /// Keeps the verified snapshot of a version that was fetched whole. Where the file system has no second
    /// names for a file, it is copied.
    pub(super) fn keep_snapshot(&self, id: VersionId, from: &Path) -> Result<(), FileError> {
        let path = self.path(id, "snapshot");
        if path.exists() {
            return Ok(());
        }
        let linked = fs::hard_link(from, &path).or_else(|_| fs::copy(from, &path).map(drop));
        linked.map_err(|source| io_error(&path, source))
    }

    /// Keeps a delta that led to a verified version.
    pub(super) fn keep_delta(&self, id: VersionId, from: &Path) -> Result<(), FileError> {
        let path = self.path(id, "delta");
        fs::rename(from, &path).map_err(|source| io_error(&path, source))
    }

    /// The tree of a version, rebuilt; `None` where what leads to it is not here any more.
    pub(super) fn tree(&self, id: VersionId) -> Option<IndexedTree> {
        let at = |version: u32| VersionId {
            version: ListVersion(version),
            ..id
        };
        let last = id.version.0;
        let base = (0..=last)
            .rev()
            .take_while(|version| {
                // Down to the last that was fetched whole, as far as deltas lead.
                *version == last || self.path(at(version + 1), "delta").exists()
            })
            .find(|version| self.path(at(*version), "snapshot").exists())?;
        let snapshot = read_snapshot(&self.path(at(base), "snapshot")).ok()?;
        let mut tree = IndexedTree::from_snapshot(&snapshot).ok()?;
        for version in base + 1..=last {
            let delta = read_delta(&self.path(at(version), "delta")).ok()?;
            tree.apply(&delta).ok()?;
        }
        (tree.id() == id).then_some(tree)
    }

    /// Deletes the epochs of which nothing was fetched for as long as versions are kept.
    pub(crate) fn forget(&self, now: SystemTime) -> Result<(), FileError> {
        let mut newest = std::collections::HashMap::<String, SystemTime>::new();
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(|source| io_error(&self.folder, source))? {
            let entry = entry.map_err(|source| io_error(&self.folder, source))?;
            let path = entry.path();
            let fetched = entry.metadata().and_then(|metadata| metadata.modified());
            let fetched = fetched.map_err(|source| io_error(&path, source))?;
            let stem = entry.file_name().to_string_lossy().into_owned();
            // `L3-E1-v0.delta`: all of an epoch begins alike.
            let epoch = stem
                .rsplit_once('-')
                .map_or("", |(epoch, _)| epoch)
                .to_owned();
            let latest = newest.entry(epoch.clone()).or_insert(fetched);
            *latest = fetched.max(*latest);
            files.push((epoch, path));
        }
        for (epoch, path) in files {
            let age = now.duration_since(newest[&epoch]).unwrap_or_default();
            if age > self.keep {
                super::files::remove(&path)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tacit_circuits::list::{Delta, Removal, Tag};
    use tacit_circuits::scope::{ListId, TagEpoch};

    fn id(version: u32) -> VersionId {
        VersionId {
            list: ListId(3),
            tag_epoch: TagEpoch(1),
            version: ListVersion(version),
        }
    }

    fn tag(number: u128) -> Tag {
        Tag::new(number).unwrap()
    }

    /// Versions 0 to 3 of a list: 0 and 2 were fetched whole, 1 and 3 as deltas.
    fn filled(folder: &Path) -> (Archive, Vec<IndexedTree>) {
        let archive = Archive::open(&folder.join("archive"), Duration::from_secs(60)).unwrap();
        let mut trees = vec![IndexedTree::build(id(0), vec![tag(5), tag(9)]).unwrap()];
        for version in 1..4_u32 {
            let removals = vec![Removal {
                tag: trees.last().unwrap().sorted_tags().next().unwrap(),
                corrected: false,
            }];
            let insertions = vec![tag(100 + u128::from(version))];
            let delta = Delta::new(id(version - 1), id(version).version, removals, insertions);
            let delta = delta.unwrap();
            let mut tree = trees.last().unwrap().clone();
            tree.apply(&delta).unwrap();
            let incoming = folder.join("incoming");
            if version % 2 == 1 {
                fs::write(&incoming, delta.to_bytes()).unwrap();
                archive.keep_delta(id(version), &incoming).unwrap();
            } else {
                fs::write(&incoming, tree.snapshot().to_bytes()).unwrap();
                archive.keep_snapshot(id(version), &incoming).unwrap();
                fs::remove_file(&incoming).unwrap();
            }
            trees.push(tree);
        }
        let whole = folder.join("whole");
        fs::write(&whole, trees[0].snapshot().to_bytes()).unwrap();
        archive.keep_snapshot(id(0), &whole).unwrap();
        (archive, trees)
    }

    #[test]
    fn every_version_is_rebuilt_from_what_was_fetched() {
        let folder = tempfile::tempdir().unwrap();
        let (archive, trees) = filled(folder.path());
        for (version, tree) in (0..).zip(&trees) {
            let rebuilt = archive.tree(id(version)).unwrap();
            assert_eq!(rebuilt.root(), tree.root(), "version {version}");
        }
        assert!(archive.tree(id(4)).is_none());
        // Without its base a version is not here, and what has another base still is.
        fs::remove_file(archive.path(id(0), "snapshot")).unwrap();
        assert!(archive.tree(id(1)).is_none());
        assert!(archive.tree(id(3)).is_some());
    }

    #[test]
    fn an_epoch_is_forgotten_as_a_whole_and_not_before_its_time() {
        let folder = tempfile::tempdir().unwrap();
        let (archive, _) = filled(folder.path());
        let now = SystemTime::now();
        archive.forget(now + Duration::from_secs(30)).unwrap();
        assert!(archive.tree(id(3)).is_some());
        archive.forget(now + Duration::from_secs(120)).unwrap();
        assert_eq!(fs::read_dir(&archive.folder).unwrap().count(), 0);
    }
}
