//! Reading of what supervisors are shown, and of the version of the rules.

use tacit_circuits::scope::MemberId;

use crate::kernel::BusinessDate;
use crate::kernel::party;
use crate::kernel::state::{self, Missing, StateView};
use crate::network::keys;
use crate::network::record::{
    AskedCalls, CallDraw, CodeVersions, Disclosure, DisclosureId, DisclosureIds, View, ViewId,
    ViewIds,
};

/// A view that was not revoked; it may have expired.
pub fn view(view: &dyn StateView, id: ViewId) -> Result<Option<View>, Missing> {
    state::read(view, &keys::view(id))
}

/// How many views were granted so far; they are numbered from 1 to this.
pub fn view_count(view: &dyn StateView) -> Result<u64, Missing> {
    Ok(state::read(view, &keys::view_count())?.unwrap_or(0))
}

/// The views that a member granted and did not revoke, in the order of granting. Some may have expired.
pub fn views_of(view: &dyn StateView, member: MemberId) -> Result<Vec<View>, Missing> {
    views(view, &[member])
}

/// The views that were granted to a supervisor and not revoked, by member and in the order of granting.
pub fn views_for(view: &dyn StateView, supervisor: MemberId) -> Result<Vec<View>, Missing> {
    let members: Vec<_> = (1..=party::party_count(view)?).map(MemberId).collect();
    let mut views = views(view, &members)?;
    views.retain(|granted| granted.supervisor == supervisor);
    Ok(views)
}

fn views(view: &dyn StateView, members: &[MemberId]) -> Result<Vec<View>, Missing> {
    let keys: Vec<_> = members.iter().map(|id| keys::views_of(*id)).collect();
    let ids = state::read_all::<ViewIds>(view, &keys)?;
    let ids = ids.into_iter().flatten().flat_map(ViewIds::into_vec);
    let views = state::read_all(view, &ids.map(keys::view).collect::<Vec<_>>())?;
    Ok(views.into_iter().flatten().collect())
}

/// A demand for disclosure, unless it made room for later ones.
pub fn disclosure(view: &dyn StateView, id: DisclosureId) -> Result<Option<Disclosure>, Missing> {
    state::read(view, &keys::disclosure(id))
}

/// How many demands were made so far; they are numbered from 1 to this.
pub fn disclosure_count(view: &dyn StateView) -> Result<u64, Missing> {
    Ok(state::read(view, &keys::disclosure_count())?.unwrap_or(0))
}

/// The recorded demands on a member, those about drawn calls first, then by supervisor, each in their order.
pub fn disclosures_of(view: &dyn StateView, member: MemberId) -> Result<Vec<Disclosure>, Missing> {
    let supervisors = (1..=party::party_count(view)?).map(|id| Some(MemberId(id)));
    let supervisors = std::iter::once(None).chain(supervisors);
    disclosures(view, supervisors.map(|by| keys::disclosures(member, by)))
}

/// The recorded demands of a supervisor, and those about drawn calls, by member and each in their order.
pub fn disclosures_for(
    view: &dyn StateView,
    supervisor: MemberId,
) -> Result<Vec<Disclosure>, Missing> {
    let members = (1..=party::party_count(view)?).map(MemberId);
    let records =
        members.flat_map(|member| [None, Some(supervisor)].map(|by| keys::disclosures(member, by)));
    disclosures(view, records)
}

fn disclosures(
    view: &dyn StateView,
    records: impl Iterator<Item = state::StateKey>,
) -> Result<Vec<Disclosure>, Missing> {
    let ids = state::read_all::<DisclosureIds>(view, &records.collect::<Vec<_>>())?;
    let ids = ids.into_iter().flatten().flat_map(DisclosureIds::into_vec);
    let found = state::read_all(view, &ids.map(keys::disclosure).collect::<Vec<_>>())?;
    Ok(found.into_iter().flatten().collect())
}

/// Calls of a member on its last dates.
pub fn asked_calls(view: &dyn StateView, member: MemberId) -> Result<AskedCalls, Missing> {
    Ok(state::read(view, &keys::asked_calls(member))?.unwrap_or_default())
}

/// What is being drawn of a date's calls.
pub fn call_draw(view: &dyn StateView, date: BusinessDate) -> Result<Option<CallDraw>, Missing> {
    state::read(view, &keys::call_draw(date))
}

/// Which version of the rules is in force, and which comes next.
pub fn code_versions(view: &dyn StateView) -> Result<CodeVersions, Missing> {
    Ok(state::read(view, &keys::code_versions())?.unwrap_or_default())
}
