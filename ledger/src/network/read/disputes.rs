//! Reading of disputes and ratings.

use tacit_circuits::receipt::SubjectCommitment;
use tacit_circuits::scope::{ListId, MemberId, TagEpoch};

use crate::kernel::clock::clock;
use crate::kernel::party;
use crate::kernel::state::{self, Missing, StateView};
use crate::network::keys;
use crate::network::read::{both, epoch, list_count, parameters, publication};
use crate::network::record::{
    Dispute, DisputeId, DisputeIds, EpochStatus, List, MAX_RATING_CHANGES, RatingChange,
    RatingRecord,
};

/// A dispute.
pub fn dispute(view: &dyn StateView, id: DisputeId) -> Result<Option<Dispute>, Missing> {
    state::read(view, &keys::dispute(id))
}

/// These disputes, in their order; none in place of one that there is not.
pub fn disputes_numbered(
    view: &dyn StateView,
    ids: impl IntoIterator<Item = DisputeId>,
) -> Result<Vec<Option<Dispute>>, Missing> {
    let places: Vec<_> = ids.into_iter().map(keys::dispute).collect();
    state::read_all(view, &places)
}

/// Whether a list has a version that can have left out what was found wrong at a height: one that was published
/// then or later and is not off, the last of an epoch that can have any.
pub fn is_corrected(
    view: &dyn StateView,
    list: &List,
    decided_height: u64,
) -> Result<bool, Missing> {
    let registered = list.epochs.checked_sub(1).map(TagEpoch);
    for tag_epoch in [list.current_epoch, registered].into_iter().flatten() {
        let Some(epoch) = epoch(view, list.id, tag_epoch)? else {
            continue;
        };
        let usable = matches!(epoch.status, EpochStatus::Registered | EpochStatus::Current);
        if usable
            && let Some(id) = epoch.last_version()
            && let Some(publication) = publication(view, id)?
            && publication.published_height >= decided_height
            && !publication.status.is_off()
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// How many disputes were opened so far; they are numbered from 1 to this.
pub fn dispute_count(view: &dyn StateView) -> Result<u64, Missing> {
    Ok(state::read(view, &keys::dispute_count())?.unwrap_or(0))
}

/// The open dispute about a subject on a list.
pub fn dispute_about(
    view: &dyn StateView,
    list: ListId,
    commitment: &SubjectCommitment,
) -> Result<Option<DisputeId>, Missing> {
    state::read(view, &keys::disputed(list, commitment))
}

/// The open disputes of a member, by list and in the order of opening.
pub fn disputes_of(view: &dyn StateView, challenger: MemberId) -> Result<Vec<Dispute>, Missing> {
    let lists = (1..=list_count(view)?).map(ListId);
    numbered(view, lists.map(|list| keys::disputes(challenger, list)))
}

/// The open disputes about a list, by challenger and in the order of opening.
pub fn disputes_about(view: &dyn StateView, list: ListId) -> Result<Vec<Dispute>, Missing> {
    let parties = (1..=party::party_count(view)?).map(MemberId);
    numbered(view, parties.map(|party| keys::disputes(party, list)))
}

fn numbered(
    view: &dyn StateView,
    records: impl Iterator<Item = state::StateKey>,
) -> Result<Vec<Dispute>, Missing> {
    let ids = state::read_all::<DisputeIds>(view, &records.collect::<Vec<_>>())?;
    let ids = ids.into_iter().flatten().flat_map(DisputeIds::into_vec);
    let disputes = state::read_all(view, &ids.map(keys::dispute).collect::<Vec<_>>())?;
    Ok(disputes.into_iter().flatten().collect())
}

/// A member's rating, and why it is not the highest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rating {
    /// 0 to [`MAX_RATING`](crate::network::MAX_RATING), on the ledger's present business date.
    pub value: u8,
    /// The latest changes, newest first. What they cost recovers with time.
    pub changes: Vec<RatingChange>,
}

/// A member's rating on the ledger's present business date, with the changes that led to it.
pub fn rating(view: &dyn StateView, member: MemberId) -> Result<Rating, Missing> {
    let value = rating_value(view, member);
    let record: Result<Option<RatingRecord>, _> = state::read(view, &keys::rating(member));
    let (value, record) = both(value, record)?;
    let count = record.unwrap_or_default().changes;
    let oldest = count.saturating_sub(MAX_RATING_CHANGES);
    let places = (oldest..count)
        .rev()
        .map(|number| keys::rating_change(member, number % MAX_RATING_CHANGES));
    let changes = state::read_all(view, &places.collect::<Vec<_>>())?;
    Ok(Rating {
        value,
        changes: changes.into_iter().flatten().collect(),
    })
}

/// A member's rating on the ledger's present business date.
pub fn rating_value(view: &dyn StateView, member: MemberId) -> Result<u8, Missing> {
    let record: Result<Option<RatingRecord>, _> = state::read(view, &keys::rating(member));
    let (record, (parameters, clock)) = both(record, both(parameters(view), clock(view)))?;
    let date = clock.unwrap_or_default().business_date;
    let record = record.unwrap_or_default();
    Ok(record.on(date, parameters.rating_recovery_points))
}
