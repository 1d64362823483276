//! Disputes that went against an owner which did not mark what it took off.
//!
//! A mark in a delta is the owner's word. That an entry of a version is wrong stands on the ledger, and which it is
//! does not. So where a list has fewer marks than disputes went against its owner, each own hit that left the list
//! in between is one in doubt; and each hit at all where no version of the epoch shows what left.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use tacit_circuits::list::{IndexedTree, Presence, Tag, VersionId};
use tacit_circuits::oprf::Entry;
use tacit_circuits::scope::{ListVersion, TagEpoch};
use tacit_ledger::network::{Dispute, DisputeId, DisputeStatus, List, Publication, read as state};
use zeroize::Zeroizing;

use super::duties::{disputes_after, is_closed};
use super::relied_on::{Why, tell};
use super::watch::Inner;
use super::{Cause, NoticeError};
use crate::disputes::Challenge;
use crate::ports::read;

/// Which version took the entry off that a dispute was about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Correction {
    /// None that is here yet.
    NotYet,
    /// This one; another that came later and is here may stand for it.
    By { version: VersionId, here: VersionId },
    /// None that can be compared with the disputed one.
    Nowhere,
}

/// How a dispute was gone through: not again until this changes.
type Gone = (Option<VersionId>, usize, bool);

/// What was gone through since the start.
#[derive(Default)]
pub(super) struct Rulings {
    gone: HashMap<DisputeId, Gone>,
}

impl Rulings {
    /// Looks for disputes that came out against an owner. Answers with how many notices are new.
    pub(super) async fn look(&mut self, inner: &Inner) -> Result<u64, NoticeError> {
        let seen = inner.store.rulings_seen().await?;
        let disputes = disputes_after(&*inner.ledger, seen).await?;
        let me = inner.ledger.member_id();
        let mut groups: BTreeMap<(VersionId, Option<VersionId>), Vec<(Dispute, Correction)>> =
            BTreeMap::new();
        let mut waits = Vec::new();
        for dispute in disputes.iter().filter(|dispute| dispute.owner != me) {
            match correction(inner, dispute).await? {
                None => {}
                Some(Correction::NotYet) => waits.push(dispute.id),
                Some(found) => {
                    let by = match found {
                        Correction::By { version, .. } => Some(version),
                        _ => None,
                    };
                    let epoch = VersionId {
                        version: ListVersion(0),
                        ..dispute.publication
                    };
                    let group = groups.entry((epoch, by)).or_default();
                    group.push((dispute.clone(), found));
                }
            }
        }
        let mut told = 0;
        for ((_, by), group) in groups {
            let gone = |dispute: &Dispute| (by, group.len(), is_closed(dispute));
            let fresh = |(dispute, _): &&(Dispute, Correction)| {
                self.gone.get(&dispute.id) != Some(&gone(dispute))
            };
            if group.iter().any(|one| fresh(&one)) {
                told += doubt(inner, &group).await?;
            }
            let all = group.iter().map(|(one, _)| (one.id, gone(one)));
            self.gone.extend(all.collect::<Vec<_>>());
        }
        let done = disputes
            .iter()
            .take_while(|dispute| is_closed(dispute) && !waits.contains(&dispute.id));
        if let Some(last) = done.last() {
            inner.store.see_rulings(last.id).await?;
            self.gone.retain(|id, _| *id > last.id);
        }
        Ok(told)
    }
}

/// How a dispute's entry was corrected; nothing where none had to be, or where it was never asked about here.
async fn correction(inner: &Inner, dispute: &Dispute) -> Result<Option<Correction>, NoticeError> {
    // At which height at the earliest it was corrected, or at the latest.
    let (since, until) = match dispute.status {
        DisputeStatus::Correcting { decided_height, .. } => (Some(decided_height), None),
        DisputeStatus::Closed { outcome, height } if outcome.wants_correction() => {
            (None, Some(height))
        }
        _ => return Ok(None),
    };
    let disputed = dispute.publication;
    let scope = (disputed.list, disputed.tag_epoch);
    if inner
        .store
        .answered_of(scope, None, 1)
        .await?
        .batches
        .is_empty()
    {
        return Ok(None);
    }
    let next = ListVersion(disputed.version.0 + 1);
    let question = |view: &dyn tacit_ledger::kernel::StateView| {
        let list = state::list(view, disputed.list)?;
        let versions = state::versions_from(view, disputed.list, disputed.tag_epoch, next)?;
        let newest = list.as_ref().and_then(|list| list.epochs.checked_sub(1));
        let newest = newest.map(|tag_epoch| VersionId {
            list: disputed.list,
            tag_epoch: TagEpoch(tag_epoch),
            version: ListVersion(0),
        });
        let newest = newest.filter(|newest| newest.tag_epoch > disputed.tag_epoch);
        let begun = newest.map(|newest| state::publication(view, newest));
        Ok((list, versions, begun.transpose()?.flatten()))
    };
    let (list, versions, begun) = read(&*inner.ledger, question).await?;
    let at = versions.iter().position(|version| match since {
        Some(height) => version.published_height >= height,
        None => false,
    });
    let at = at.or_else(|| {
        let until = until?;
        let in_time = |version: &Publication| version.published_height <= until;
        versions.iter().rposition(in_time)
    });
    let Some(at) = at else {
        let elsewhere = begun.is_some_and(|begun| Some(begun.published_height) >= since);
        let over = until.is_some() || elsewhere || !is_standing(list.as_ref());
        return Ok(Some(if over {
            Correction::Nowhere
        } else {
            Correction::NotYet
        }));
    };
    let here = versions[at..]
        .iter()
        .find(|version| inner.obtainer.held(version.id));
    let over = !is_standing(list.as_ref())
        || list.is_some_and(|list| list.current_epoch > Some(disputed.tag_epoch));
    Ok(Some(match here {
        Some(here) => Correction::By {
            version: versions[at].id,
            here: here.id,
        },
        None if over => Correction::Nowhere,
        None => Correction::NotYet,
    }))
}

fn is_standing(list: Option<&List>) -> bool {
    list.is_some_and(List::is_standing)
}

/// Tells of own hits that may be about the entries of disputes that one version answers, unless it marks as many.
/// Who opened one of them knows its entry, and whether that is among the marked ones.
async fn doubt(inner: &Inner, group: &[(Dispute, Correction)]) -> Result<u64, NoticeError> {
    let marked = match group.first() {
        Some((_, Correction::By { version, .. })) => marked(inner, group, *version).await?,
        _ => None,
    };
    let marked = marked.filter(|marked| marked.len() >= group.len());
    let mut told = 0;
    for (dispute, correction) in group {
        let why = match &marked {
            None => why_unmarked(inner, dispute, *correction).await,
            Some(marked) => match own_subject(inner, dispute).await? {
                Some(subject) => why_another(dispute.id, &subject, marked.clone()),
                None => continue,
            },
        };
        let scope = (dispute.publication.list, dispute.publication.tag_epoch);
        let [_, doubtful] = tell(&inner.store, inner.ledger.chain_id(), scope, &why).await?;
        told += doubtful;
    }
    Ok(told)
}

/// A hit is in doubt that the disputed version had and the later one has not, as far as they are here.
async fn why_unmarked(inner: &Inner, dispute: &Dispute, correction: Correction) -> Why {
    let id = dispute.id;
    let before = inner.obtainer.past_tree(dispute.publication).await;
    let after = match correction {
        // Where the disk lost it, any hit may be meant.
        Correction::By { here, .. } => inner.obtainer.past_tree(here).await,
        _ => None,
    };
    let listed = |tree: &Arc<IndexedTree>, tag: Tag| tree.presence(tag) == Presence::Listed;
    Arc::new(move |_, tag| {
        let was = before.as_ref().is_none_or(|tree| listed(tree, tag));
        let is = after.as_ref().is_some_and(|tree| listed(tree, tag));
        (was && !is).then_some(Cause::Ruling { dispute: id })
    })
}

/// The hit that this member disputed is in doubt where another entry was marked in its place.
fn why_another(dispute: DisputeId, subject: &Entry, marked: HashSet<Tag>) -> Why {
    let subject = Zeroizing::new(subject.to_secret_bytes());
    Arc::new(move |entry, tag| {
        let same = entry.to_secret_bytes() == *subject;
        (same && !marked.contains(&tag)).then_some(Cause::Ruling { dispute })
    })
}

/// Whom a dispute of this member's own is about, while its package is kept.
async fn own_subject(inner: &Inner, dispute: &Dispute) -> Result<Option<Entry>, NoticeError> {
    if dispute.challenger != inner.ledger.member_id() {
        return Ok(None);
    }
    let package = inner.store.package(dispute.package).await?;
    let subject = package.and_then(|package| {
        let challenge = Challenge::opened(dispute.package, &package).ok()?;
        challenge.subject(dispute).ok()
    });
    Ok(subject)
}

/// What the owner marked between the disputed versions and the one that answers them; nothing where a delta in
/// between is not here.
async fn marked(
    inner: &Inner,
    group: &[(Dispute, Correction)],
    version: VersionId,
) -> Result<Option<HashSet<Tag>>, NoticeError> {
    let disputed = group
        .iter()
        .map(|(dispute, _)| dispute.publication.version.0);
    let first = disputed.min().unwrap_or_default() + 1;
    let (list, tag_epoch) = (version.list, version.tag_epoch);
    let found = inner.obtainer.corrections(list, tag_epoch, BTreeSet::new());
    let between = |id: &VersionId| {
        id.tag_epoch == tag_epoch && (first..=version.version.0).contains(&id.version.0)
    };
    let mut found = found.await?;
    found.retain(|corrections| between(&corrections.id));
    let complete = found.len() == (version.version.0 + 1).saturating_sub(first) as usize;
    let tags = found.into_iter().flat_map(|corrections| corrections.tags);
    Ok(complete.then(|| tags.collect()))
}
