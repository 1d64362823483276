//! Reading of disputes and ratings.

use tacit_circuits::receipt::SubjectCommitment;
use tacit_circuits::scope::{ListId, MemberId};

use crate::kernel::clock::clock;
use crate::kernel::party;
use crate::kernel::state::{self, Missing, StateView};
use crate::network::keys;
use crate::network::read::{both, list_count, parameters};
use crate::network::record::{
    Dispute, DisputeId, DisputeIds, MAX_RATING_CHANGES, RatingChange, RatingRecord,
};

/// A dispute.
pub fn dispute(view: &dyn StateView, id: DisputeId) -> Result<Option<Dispute>, Missing> {
    state::read(view, &keys::dispute(id))
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
