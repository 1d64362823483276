//! What the ledger says is to be held of the others' lists.

use tacit_circuits::curve::WirePoint;
use tacit_circuits::scope::{ListId, MemberId};
use tacit_ledger::kernel::{Missing, StateView};
use tacit_ledger::network::{
    EpochStatus, Event, List, Publication, PublicationId, PublicationStatus, read as state,
};

/// What is to be held of one list.
pub(super) struct Wanted {
    pub(super) list: List,
    /// Whether its owner and this member are of one group, whose members do not attest each other.
    pub(super) same_group: bool,
    pub(super) in_force: Option<Publication>,
    /// For how many blocks the version before may still be relied on.
    pub(super) grace_blocks: u32,
    /// The newest publication that may come into force, and the key of its epoch.
    pub(super) newest: Option<Publication>,
    pub(super) newest_key: Option<WirePoint>,
}

/// What is to be held of all lists of the others.
pub(super) fn wanted(view: &dyn StateView, me: MemberId) -> Result<Vec<Wanted>, Missing> {
    let mut lists = state::lists(view)?;
    lists.retain(|list| list.owner != me);
    lists
        .into_iter()
        .map(|list| wanted_now(view, me, list))
        .collect()
}

/// What is to be held of one list, if it stands.
pub(super) fn wanted_of(
    view: &dyn StateView,
    me: MemberId,
    list: ListId,
) -> Result<Option<Wanted>, Missing> {
    match state::list(view, list)? {
        Some(list) if list.is_standing() => wanted_now(view, me, list).map(Some),
        _ => Ok(None),
    }
}

fn wanted_now(view: &dyn StateView, me: MemberId, list: List) -> Result<Wanted, Missing> {
    let in_force = match list.active {
        Some(id) => state::publication(view, id)?,
        None => None,
    };
    let newest = newest_pending(view, &list)?;
    let newest_key = match &newest {
        Some(newest) => state::epoch(view, list.id, newest.id.tag_epoch)?.map(|epoch| epoch.key),
        None => None,
    };
    let category = state::category(view, list.category)?;
    let group = |member| state::member(view, member).map(|found| found.map(|found| found.group));
    let same_group = group(me)? == group(list.owner)?;
    Ok(Wanted {
        list,
        same_group,
        in_force,
        grace_blocks: category.map_or(0, |category| category.grace_blocks),
        newest,
        newest_key,
    })
}

/// The last version of the last usable epoch, while it waits for attestations.
fn newest_pending(view: &dyn StateView, list: &List) -> Result<Option<Publication>, Missing> {
    let first = list.active.map_or(0, |active| active.tag_epoch.0);
    for epoch in (first..list.epochs).rev() {
        let Some(epoch) = state::epoch(view, list.id, epoch.into())? else {
            continue;
        };
        let usable = matches!(epoch.status, EpochStatus::Registered | EpochStatus::Current);
        let Some(last) = epoch.versions.checked_sub(1).filter(|_| usable) else {
            continue;
        };
        let id = PublicationId {
            list: list.id,
            tag_epoch: epoch.tag_epoch,
            version: last.into(),
        };
        let publication = state::publication(view, id)?;
        return Ok(publication.filter(|found| found.status == PublicationStatus::Pending));
    }
    Ok(None)
}

/// Whether an event is news of what is to be held.
pub(super) fn concerns_lists(event: &Event) -> bool {
    matches!(
        event,
        Event::Published { .. }
            | Event::Activated { .. }
            | Event::FraudProven { .. }
            | Event::Unproven { .. }
            | Event::Suspended { .. }
            | Event::ListWithdrawn { .. }
            | Event::KeyRevoked { .. }
    )
}
