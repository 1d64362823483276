//! Makes a version's tags, tree, snapshot and delta.

use rayon::prelude::*;
use tacit_circuits::list::{Delta, DeltaError, IndexedTree, Removal, Tag, TreeError, VersionId};
use tacit_circuits::oprf::{Entry, ListKey, NoEntry, OwnTagError, tag_batch};
use tacit_circuits::scope::ListVersion;

use super::publish::{Progress, Stage};
use crate::snapshots::{
    FileError, Files, Trees, read_snapshot, write_snapshot, write_tags, write_whole,
};
use crate::store::Change;

/// Why a version could not be made.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The disk.
    #[error(transparent)]
    File(#[from] FileError),
    /// A stored entry is damaged.
    #[error(transparent)]
    Entry(#[from] NoEntry),
    /// Nobody is at fault, and nobody will ever see it.
    #[error(transparent)]
    Tag(#[from] OwnTagError),
    /// The tree and what is stored of the list do not fit each other.
    #[error(
        "the list's stored entries and its snapshot contradict each other; publish a new tag epoch"
    )]
    Tree(#[from] TreeError),
    /// The delta and what is stored of the list do not fit each other.
    #[error("the list's stored entries contradict each other; publish a new tag epoch")]
    Delta(#[from] DeltaError),
}

/// Builds a version from its changes and writes its files. On all cores.
pub(super) fn build(
    files: &Files,
    trees: &Trees,
    id: VersionId,
    key: &ListKey,
    changes: &[Change],
    progress: &Progress,
) -> Result<IndexedTree, BuildError> {
    let entries: Vec<Entry> = changes
        .par_iter()
        .map(|change| Entry::from_secret_bytes(&change.entry))
        .collect::<Result<_, _>>()?;
    let total = entries.len() as u64;
    progress.report(Stage::MakingTags, 0, total);
    let tags = tag_batch(key, &entries, id.list, id.tag_epoch, &|done| {
        progress.report(Stage::MakingTags, done as u64, total);
    })?;
    progress.report(Stage::BuildingTree, 0, total);
    write_tags(&files.made_tags(id), &tags)?;
    let (tree, delta) = match id.version.0.checked_sub(1) {
        None => (IndexedTree::build(id, tags)?, None),
        Some(before) => {
            let before = VersionId {
                version: ListVersion(before),
                ..id
            };
            let delta = delta(before, id.version, changes, &tags)?;
            let mut tree = match trees.take(before) {
                Some(tree) => tree,
                None => IndexedTree::from_snapshot(&read_snapshot(&files.own_snapshot(before))?)?,
            };
            tree.apply(&delta)?;
            (tree, Some(delta))
        }
    };
    progress.report(Stage::WritingSnapshot, 0, total);
    if let Some(delta) = delta {
        write_whole(&files.own_delta(id), |file| delta.write_to(file))?;
    }
    write_snapshot(&files.own_snapshot(id), &tree.snapshot())?;
    progress.report(Stage::WritingSnapshot, total, total);
    Ok(tree)
}

fn delta(
    before: VersionId,
    to: ListVersion,
    changes: &[Change],
    tags: &[Tag],
) -> Result<Delta, DeltaError> {
    let (mut removals, mut insertions) = (Vec::new(), Vec::new());
    for (change, &tag) in changes.iter().zip(tags) {
        if change.removes {
            removals.push(Removal {
                tag,
                corrected: change.corrected,
            });
        } else {
            insertions.push(tag);
        }
    }
    Delta::new(before, to, removals, insertions)
}
