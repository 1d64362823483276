//! Entries that owners marked as corrected, from the deltas that were put aside.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use tacit_circuits::list::{Tag, VersionId};
use tacit_circuits::scope::{ListId, ListVersion, TagEpoch};
use tacit_ledger::network::read as state;

use super::relied_on::{Why, tell};
use super::watch::Inner;
use super::{Cause, NoticeError};
use crate::ports::read;

/// Epochs of a list that are looked at: the present one, and the one before, whose last versions may have come
/// when this node stopped.
const EPOCHS: u32 = 2;

/// What is known of the marks of one list.
#[derive(Default)]
pub(super) struct Marks {
    /// Versions whose deltas were read and, where they mark something, gone through.
    seen: BTreeSet<VersionId>,
    /// Those that mark something, with the height at which they were published.
    marked: BTreeMap<VersionId, (u64, Vec<Tag>)>,
}

impl Marks {
    /// Looks for deltas that were not read yet, and tells of own answers that relied on what they mark; `again`
    /// of those too that were gone through before. Answers with how many notices are new.
    pub(super) async fn look(
        &mut self,
        inner: &Inner,
        list: ListId,
        again: bool,
    ) -> Result<u64, NoticeError> {
        let found = read(&*inner.ledger, |view| state::list(view, list)).await?;
        let Some(epochs) = found.map(|list| list.epochs) else {
            return Ok(0);
        };
        let first = TagEpoch(epochs.saturating_sub(EPOCHS));
        let seen = self.seen.clone();
        let fresh = inner.obtainer.corrections(list, first, seen).await?;
        let (mut read_now, mut marked) = (Vec::new(), BTreeMap::new());
        for corrections in fresh {
            read_now.push(corrections.id);
            if !corrections.tags.is_empty() {
                let height = self.height_of(inner, corrections.id).await?;
                marked.insert(corrections.id, (height, corrections.tags));
            }
        }
        if again {
            marked.extend(self.marked.clone());
        }
        let mut told = 0;
        for (tag_epoch, why) in by_epoch(&marked) {
            let chain_id = inner.ledger.chain_id();
            let [certain, _] = tell(&inner.store, chain_id, (list, tag_epoch), &why).await?;
            told += certain;
        }
        // Only now: what failed is looked at again.
        self.marked.extend(marked);
        self.seen.extend(read_now);
        Ok(told)
    }

    async fn height_of(&self, inner: &Inner, id: VersionId) -> Result<u64, NoticeError> {
        let found = inner.obtainer.publication(id).await?;
        Ok(found.map_or(0, |publication| publication.published_height))
    }
}

/// What is to be looked into, for each epoch. A tag that was marked twice counts for the first time.
fn by_epoch(marked: &BTreeMap<VersionId, (u64, Vec<Tag>)>) -> BTreeMap<TagEpoch, Why> {
    let mut causes: BTreeMap<TagEpoch, HashMap<Tag, (ListVersion, u64)>> = BTreeMap::new();
    for (id, (height, tags)) in marked {
        let of_epoch = causes.entry(id.tag_epoch).or_default();
        for tag in tags {
            of_epoch.entry(*tag).or_insert((id.version, *height));
        }
    }
    let why = |of_epoch: HashMap<Tag, (ListVersion, u64)>| -> Why {
        Arc::new(move |_, tag| {
            let found = of_epoch.get(&tag);
            found.map(|(version, height)| Cause::Marked {
                version: *version,
                height: *height,
            })
        })
    };
    causes
        .into_iter()
        .map(|(tag_epoch, of_epoch)| (tag_epoch, why(of_epoch)))
        .collect()
}
