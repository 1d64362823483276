//! Disputes that went against an owner which did not mark what it took off.
//!
//! A mark in a delta is the owner's word. That an entry of a version is wrong stands on the ledger, and which it is
//! does not. So where a list has fewer marks than disputes went against its owner, each own hit that left the list
//! since is one in doubt; and each hit at all where no version of the epoch shows what left. It is looked at when
//! the owner's time to correct the list is over: until then it may still do it.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use tacit_circuits::list::{IndexedTree, Presence, Tag, VersionId};
use tacit_circuits::oprf::Entry;
use tacit_circuits::scope::{ListVersion, TagEpoch};
use tacit_ledger::network::{
    Dispute, DisputeId, DisputeStatus, List, Publication, PublicationStatus, read as state,
};
use zeroize::Zeroizing;

use super::duties::{disputes_after, is_closed};
use super::relied_on::{Why, tell};
use super::watch::Inner;
use super::{Cause, NoticeError};
use crate::disputes::Challenge;
use crate::ports::read;

/// What can have corrected the list that a dispute was about.
#[derive(Clone, Copy, Debug)]
struct Correction {
    /// The last version of its epoch in time, if there is any after the disputed one.
    version: Option<VersionId>,
    /// A version that can be compared with the disputed one: that, or a later one that is here. None where the
    /// list was not corrected in this epoch.
    here: Option<VersionId>,
}

/// What was gone through since the start.
#[derive(Default)]
pub(super) struct Rulings {
    gone: HashSet<DisputeId>,
}

impl Rulings {
    /// Looks for disputes that came out against an owner. Answers with how many notices are new.
    pub(super) async fn look(&mut self, inner: &Inner) -> Result<u64, NoticeError> {
        let seen = inner.store.rulings_seen().await?;
        let disputes = disputes_after(&*inner.ledger, seen).await?;
        let me = inner.ledger.member_id();
        let fresh: Vec<&Dispute> = disputes
            .iter()
            .filter(|dispute| dispute.owner != me && corrected_until(dispute).is_some())
            .filter(|dispute| !self.gone.contains(&dispute.id))
            .collect();
        let mut told = 0;
        let mut waits = BTreeSet::new();
        if !fresh.is_empty() {
            // Marks are counted against all disputes of the list's epoch, those that are long over too.
            let all = disputes_after(&*inner.ledger, DisputeId(0)).await?;
            for dispute in fresh {
                match correction(inner, dispute).await? {
                    Found::Nothing => {}
                    Found::NotYet => {
                        waits.insert(dispute.id);
                        continue;
                    }
                    Found::Correction(found) => told += doubt(inner, dispute, &all, found).await?,
                }
                self.gone.insert(dispute.id);
            }
        }
        let done = disputes
            .iter()
            .take_while(|dispute| is_closed(dispute) && !waits.contains(&dispute.id));
        if let Some(last) = done.last() {
            inner.store.see_rulings(last.id).await?;
            self.gone.retain(|id| *id > last.id);
        }
        Ok(told)
    }
}

/// Until which height the owner could correct the list, where a dispute went against it and that time is over.
fn corrected_until(dispute: &Dispute) -> Option<u64> {
    match dispute.status {
        DisputeStatus::Closed { outcome, height } if outcome.wants_correction() => Some(height),
        _ => None,
    }
}

enum Found {
    /// This member never asked about the list's epoch.
    Nothing,
    /// What there is to compare is not here yet.
    NotYet,
    Correction(Correction),
}

async fn correction(inner: &Inner, dispute: &Dispute) -> Result<Found, NoticeError> {
    let Some(until) = corrected_until(dispute) else {
        return Ok(Found::Nothing);
    };
    let disputed = dispute.publication;
    let scope = (disputed.list, disputed.tag_epoch);
    let answered = inner.store.answered_of(scope, None, 1).await?;
    if answered.batches.is_empty() {
        return Ok(Found::Nothing);
    }
    let next = ListVersion(disputed.version.0 + 1);
    let following = VersionId {
        list: disputed.list,
        tag_epoch: TagEpoch(disputed.tag_epoch.0 + 1),
        version: ListVersion(0),
    };
    let question = |view: &dyn tacit_ledger::kernel::StateView| {
        let versions = state::versions_from(view, disputed.list, disputed.tag_epoch, next)?;
        let off = state::publication(view, disputed)?.map(|disputed| disputed.status);
        let following = state::publication(view, following)?;
        Ok((state::list(view, disputed.list)?, versions, off, following))
    };
    let (list, versions, status, following) = read(&*inner.ledger, question).await?;
    let in_time = |version: &Publication| version.published_height <= until;
    let at = versions.iter().rposition(in_time);
    let version = at.map(|at| versions[at].id);
    // Another key may have come in place of a correction, and whoever corrects nothing is suspended.
    let anew = following.is_some_and(|following| {
        in_time(&following) && following.published_height >= dispute.opened_height
    });
    let suspended = matches!(status, Some(PublicationStatus::Suspended { .. }));
    let standing = list.as_ref().is_some_and(List::is_standing);
    let nowhere = Correction {
        version,
        here: None,
    };
    let Some(at) = at.filter(|_| standing && !anew && !suspended) else {
        return Ok(Found::Correction(nowhere));
    };
    let held = |version: &&Publication| inner.obtainer.held(version.id);
    let here = versions[at..].iter().find(held).map(|version| version.id);
    let over = list.is_some_and(|list| list.current_epoch > Some(disputed.tag_epoch));
    Ok(match here {
        None if !over => Found::NotYet,
        here => Found::Correction(Correction { version, here }),
    })
}

/// Tells of own hits that may be about the entry of a dispute, unless the owner marked as many as disputes went
/// against it. Who opened the dispute knows its entry, and whether that is among the marked ones.
async fn doubt(
    inner: &Inner,
    dispute: &Dispute,
    all: &[Dispute],
    found: Correction,
) -> Result<u64, NoticeError> {
    let marked = match found.version {
        Some(version) => enough_marked(inner, dispute, all, version).await?,
        None => None,
    };
    let why = match marked {
        None => why_unmarked(inner, dispute, found).await,
        Some(marked) => match own_subject(inner, dispute).await? {
            Some(subject) => why_another(dispute.id, &subject, marked),
            None => return Ok(0),
        },
    };
    let scope = (dispute.publication.list, dispute.publication.tag_epoch);
    let [_, doubtful] = tell(&inner.store, inner.ledger.chain_id(), scope, &why).await?;
    Ok(doubtful)
}

/// A hit is in doubt that the disputed version had and the later one has not, as far as they are here.
async fn why_unmarked(inner: &Inner, dispute: &Dispute, found: Correction) -> Why {
    let id = dispute.id;
    let before = inner.obtainer.past_tree(dispute.publication).await;
    let after = match found.here {
        // Where the disk lost it, any hit may be meant.
        Some(here) => inner.obtainer.past_tree(here).await,
        None => None,
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
    Ok(package.and_then(|package| {
        let challenge = Challenge::opened(dispute.package, &package).ok()?;
        challenge.subject(dispute).ok()
    }))
}

/// What the owner marked up to a version, where that is as much as disputes about the epoch went against it by the
/// time that this one was closed. Nothing where a delta in between is not here.
async fn enough_marked(
    inner: &Inner,
    dispute: &Dispute,
    all: &[Dispute],
    version: VersionId,
) -> Result<Option<HashSet<Tag>>, NoticeError> {
    let (list, tag_epoch) = (version.list, version.tag_epoch);
    let of_epoch = |other: &&Dispute| {
        let publication = other.publication;
        (publication.list, publication.tag_epoch) == (list, tag_epoch)
            && corrected_until(other).is_some_and(|until| Some(until) <= corrected_until(dispute))
    };
    let lost: Vec<&Dispute> = all.iter().filter(of_epoch).collect();
    let disputed = lost.iter().map(|other| other.publication.version.0);
    let first = disputed.min().unwrap_or_default() + 1;
    let mut found = inner
        .obtainer
        .corrections(list, tag_epoch, BTreeSet::new())
        .await?;
    found.retain(|corrections| {
        let id = corrections.id;
        id.tag_epoch == tag_epoch && (first..=version.version.0).contains(&id.version.0)
    });
    let complete = found.len() == (version.version.0 + 1).saturating_sub(first) as usize;
    let tags = found.into_iter().flat_map(|corrections| corrections.tags);
    let marked: HashSet<Tag> = tags.collect();
    Ok(Some(marked).filter(|marked| complete && marked.len() >= lost.len()))
}
