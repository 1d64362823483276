//! From a copy that is here to a later version of its epoch, delta by delta.
//!
//! The snapshot of the later version would do for look-ups. The deltas also say which entries were corrected, so
//! that a reader that was away learns it as well.

use tacit_circuits::list::{IndexedTree, Snapshot, VersionId};
use tacit_circuits::scope::ListVersion;
use tacit_ledger::network::Publication;
use tacit_proto::peer::SnapshotForm;

use super::MAX_DELTA_CHAIN;
use super::files::{read_delta, remove};
use super::obtain::{ObtainError, Obtainer, archived, is_published, tree_of};
use crate::compute::compute;

impl Obtainer {
    /// The newest version before of which a copy is here, if deltas may lead from it.
    pub(super) fn version_before(&self, publication: &Publication) -> Option<VersionId> {
        let id = publication.id;
        let earlier = (1..=MAX_DELTA_CHAIN).map_while(|back| id.version.0.checked_sub(back));
        earlier
            .map(|version| VersionId {
                version: ListVersion(version),
                ..id
            })
            .find(|before| self.files.copy_snapshot(*before).exists())
    }

    /// Whether the copy could be made from an earlier one. If not, the full form decides.
    pub(super) async fn obtain_deltas(
        &self,
        publication: &Publication,
        before: VersionId,
    ) -> Result<bool, ObtainError> {
        let mut steps = Vec::new();
        for version in before.version.0 + 1..=publication.id.version.0 {
            let Some(step) = self.step_to(publication, ListVersion(version)).await? else {
                return Ok(false);
            };
            let path = match self.fetch(&step, SnapshotForm::Delta, "delta").await {
                Ok(path) => path,
                Err(ObtainError::Local(reason)) => return Err(ObtainError::Local(reason)),
                Err(_) => return Ok(false),
            };
            steps.push((step, path));
        }
        let (files, trees, of) = (self.files.clone(), self.trees.clone(), steps.clone());
        let rebuilt = compute(move || {
            let mut tree = tree_of(&files, &trees, before)?;
            for (step, path) in &of {
                tree.apply(&read_delta(path).ok()?).ok()?;
                // Each version on the way is looked at: what is put aside must be what was published.
                if !is_published(step, &tree) {
                    return None;
                }
            }
            let snapshot = tree.snapshot();
            Some((tree, snapshot))
        });
        let Some((tree, snapshot)): Option<(IndexedTree, Snapshot)> = rebuilt.await else {
            for (_, path) in &steps {
                remove(path)?;
            }
            return Ok(false);
        };
        // Before the copy: once that is here, nobody asks again which entries were corrected.
        for (step, path) in &steps {
            archived(self.archive.keep_delta(step.id, path));
        }
        self.keep(tree, snapshot).await.map(|()| true)
    }

    /// What the ledger says of a version on the way.
    async fn step_to(
        &self,
        publication: &Publication,
        version: ListVersion,
    ) -> Result<Option<Publication>, ObtainError> {
        if version == publication.id.version {
            return Ok(Some(publication.clone()));
        }
        let id = VersionId {
            version,
            ..publication.id
        };
        let found = self.publication(id).await;
        found.map_err(|error| ObtainError::Local(error.to_string()))
    }
}
