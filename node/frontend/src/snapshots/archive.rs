//! Versions of others' lists that this member's calls were answered about, for as long as somebody may ask
//! what a list said then.
//!
//! What is fetched is kept: snapshots as they are, deltas as they are, so that a version costs its changes and
//! an epoch one snapshot. Any version of it is rebuilt from these.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use std::{fmt, fs};

use tacit_circuits::list::{IndexedTree, Tag, VersionId};
use tacit_circuits::scope::{ListId, ListVersion, TagEpoch};

use super::files::{FileError, io_error, name, read_delta, read_snapshot};

/// What a version's delta marks as corrected.
#[derive(Clone)]
pub(crate) struct Corrections {
    /// The version that took it off.
    pub(crate) id: VersionId,
    /// The tags. Mostly none.
    pub(crate) tags: Vec<Tag>,
}

impl fmt::Debug for Corrections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, tags } = self;
        write!(f, "Corrections({id:?}, {} tags)", tags.len())
    }
}

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

    /// Whether something of a version is kept.
    pub(super) fn has(&self, id: VersionId) -> bool {
        let kinds = ["snapshot", "delta"];
        kinds.iter().any(|kind| self.path(id, kind).exists())
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

    /// What the deltas here mark as corrected; see [`Obtainer::corrections`](super::Obtainer::corrections). A file
    /// that does not open marks nothing.
    pub(super) fn corrections(
        &self,
        list: ListId,
        first: TagEpoch,
        seen: &BTreeSet<VersionId>,
    ) -> Result<Vec<Corrections>, FileError> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(|source| io_error(&self.folder, source))? {
            let entry = entry.map_err(|source| io_error(&self.folder, source))?;
            let named = delta_named(&entry.file_name().to_string_lossy());
            let wanted =
                |id: &VersionId| id.list == list && id.tag_epoch >= first && !seen.contains(id);
            let Some(id) = named.filter(wanted) else {
                continue;
            };
            let delta = match read_delta(&entry.path()) {
                Ok(delta) if delta.to() == id => delta,
                _ => {
                    let path = entry.path();
                    tracing::warn!(path = %path.display(), "snapshots.archive: no delta of its version");
                    continue;
                }
            };
            let corrected = delta.removals().iter().filter(|removal| removal.corrected);
            found.push(Corrections {
                id,
                tags: corrected.map(|removal| removal.tag).collect(),
            });
        }
        Ok(found)
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

/// The version to which a delta of this name leads: `L3-E1-v2.delta`.
fn delta_named(name: &str) -> Option<VersionId> {
    let mut parts = name.strip_suffix(".delta")?.split('-');
    let mut number = |letter: char| parts.next()?.strip_prefix(letter)?.parse().ok();
    let id = VersionId {
        list: ListId(number('L')?),
        tag_epoch: TagEpoch(number('E')?),
        version: ListVersion(number('v')?),
    };
    (super::files::name(id, "delta") == name).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tacit_circuits::list::{Delta, Removal};

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
    fn what_deltas_mark_as_corrected_is_found_by_version() {
        let folder = tempfile::tempdir().unwrap();
        let (archive, trees) = filled(folder.path());
        let incoming = folder.path().join("incoming");
        let left = trees[3].sorted_tags().next().unwrap();
        let removal = |tag, corrected| Removal { tag, corrected };
        let more = trees[3].sorted_tags().nth(1).unwrap();
        let removals = vec![removal(left, true), removal(more, false)];
        let delta = Delta::new(id(3), id(4).version, removals, vec![tag(777)]).unwrap();
        fs::write(&incoming, delta.to_bytes()).unwrap();
        archive.keep_delta(id(4), &incoming).unwrap();
        // One under the name of another version counts for none.
        fs::copy(archive.path(id(4), "delta"), archive.path(id(6), "delta")).unwrap();
        let found = |first, seen: &[VersionId]| {
            let seen = seen.iter().copied().collect();
            let mut found = archive
                .corrections(ListId(3), TagEpoch(first), &seen)
                .unwrap();
            found.sort_by_key(|corrections| corrections.id);
            let each = found.into_iter().map(|found| (found.id, found.tags));
            each.collect::<Vec<_>>()
        };
        let (none, marked) = (Vec::new(), vec![left]);
        let all = [
            (id(1), none.clone()),
            (id(3), none),
            (id(4), marked.clone()),
        ];
        assert_eq!(found(0, &[]), all);
        assert_eq!(found(1, &[id(1), id(3)]), [(id(4), marked)]);
        assert_eq!(found(2, &[]), []);
        assert!(
            archive
                .corrections(ListId(4), TagEpoch(0), &BTreeSet::new())
                .unwrap()
                .is_empty()
        );
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
