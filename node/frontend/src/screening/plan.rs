//! What a screening would ask, and what that would cost.

use std::collections::BTreeMap;

use tacit_circuits::curve::WirePoint;
use tacit_circuits::identifier::IdentifierType;
use tacit_circuits::scope::{ListId, ListVersion, MemberId, TagEpoch};
use tacit_ledger::kernel::{Missing, Reject, StateView};
use tacit_ledger::network::parameters::CategoryId;
use tacit_ledger::network::price::session_price;
use tacit_ledger::network::{
    Category, EpochRecord, EpochStatus, List, PublicationId, PublicationStatus, read as state,
};

use super::answer::Unreachable;
use crate::ports::{Habits, Ledger, LedgerError};
use crate::snapshots::{Copies, NotUsable, Standing};

/// Versions of an epoch that are looked at to say why none is in force: an owner rarely publishes more before
/// one of them is attested.
const MAX_VERSIONS_ASKED: usize = 8;

/// Which lists to ask. Every field that is not empty narrows the choice; all empty means every list of the
/// others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Targets {
    /// These lists.
    pub lists: Vec<ListId>,
    /// Lists of these members.
    pub members: Vec<MemberId>,
    /// Lists of these categories.
    pub categories: Vec<CategoryId>,
}

impl Targets {
    fn include(&self, list: &List) -> bool {
        fn narrow<T: PartialEq>(choice: &[T], item: &T) -> bool {
            choice.is_empty() || choice.contains(item)
        }
        narrow(&self.lists, &list.id)
            && narrow(&self.members, &list.owner)
            && narrow(&self.categories, &list.category)
    }
}

/// A list that would be asked.
#[derive(Clone, Debug)]
pub struct PlannedList {
    /// The list.
    pub list: ListId,
    /// Its name.
    pub name: String,
    /// Its owner: who answers.
    pub provider: MemberId,
    /// Its category.
    pub category: CategoryId,
    /// Types that it accepts.
    pub accepts: Vec<IdentifierType>,
    /// The epoch that would answer.
    pub tag_epoch: TagEpoch,
    /// The version that would be searched.
    pub version: ListVersion,
    /// Price of a call, in minor units.
    pub price_minor: u32,
    /// Calls that would be made.
    pub calls: u64,
    /// Calls to this list that the rules still allow today, padding included.
    pub calls_left_today: u32,
    /// Why it cannot be asked now; then it is not charged.
    pub unreachable: Option<Unreachable>,
    /// `K` of the epoch, as registered.
    pub(crate) key: WirePoint,
    /// What the ledger said when it was planned about which copy counts.
    pub(crate) standing: Option<Standing>,
}

impl PlannedList {
    /// What the calls would cost, in minor units.
    pub fn cost_minor(&self) -> u64 {
        if self.unreachable.is_some() {
            0
        } else {
            self.calls * u64::from(self.price_minor)
        }
    }
}

/// What a screening would ask.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The lists, by number.
    pub lists: Vec<PlannedList>,
}

impl Plan {
    /// What all of it would cost, in minor units.
    pub fn cost_minor(&self) -> u64 {
        self.lists.iter().map(PlannedList::cost_minor).sum()
    }
}

/// Plans calls for so many rows of each type.
pub(super) async fn plan(
    ledger: &dyn Ledger,
    habits: &Habits<Targets>,
    copies: &Copies,
    targets: &Targets,
    rows: &BTreeMap<IdentifierType, u64>,
) -> Result<Plan, LedgerError> {
    let me = ledger.member_id();
    let question = |view: &dyn StateView| {
        let lists = planned(view, me, targets, copies)?;
        let height = state::clock(view)?.unwrap_or_default().height;
        Ok((lists, height))
    };
    let answer = habits.read(ledger, targets.clone(), question).await?;
    let (found, height) = answer;
    let mut lists = Vec::with_capacity(found.len());
    for (mut planned, standing) in found {
        planned.standing = standing;
        match standing.map(|standing| copies.choose(&standing, height)) {
            Some(Ok(copy)) => planned.version = copy.id.version,
            Some(Err(reason)) if planned.unreachable.is_none() => {
                planned.unreachable = Some(reason.into());
            }
            Some(Err(_)) | None => {}
        }
        let accepted = rows
            .iter()
            .filter(|(kind, _)| planned.accepts.contains(kind));
        planned.calls = accepted.map(|(_, rows)| rows).sum();
        lists.push(planned);
    }
    if !rows.is_empty() {
        lists.retain(|list| list.calls > 0);
    }
    Ok(Plan { lists })
}

/// Each list that is meant, with what the ledger says about which copy of it counts.
type Found = Vec<(PlannedList, Option<Standing>)>;

fn planned(
    view: &dyn StateView,
    me: MemberId,
    targets: &Targets,
    copies: &Copies,
) -> Result<Found, Missing> {
    let mut lists = state::lists(view)?;
    lists.retain(|list| list.owner != me && list.is_standing() && targets.include(list));
    let categories = state::categories(view)?;
    let mut planned = Vec::with_capacity(lists.len());
    let mut missing = Ok(());
    for list in lists {
        let Some(terms) = categories
            .iter()
            .find(|category| category.id == list.category)
        else {
            continue;
        };
        match one(view, me, &list, terms, copies) {
            Ok(found) => planned.extend(found),
            Err(more) => missing = Err(more),
        }
    }
    missing.map(|()| planned)
}

/// A list that has never been in force is left out. One that was, and is not now, is planned and cannot be
/// asked: nobody knows what it would say, and a screening that is silent about it is not complete.
fn one(
    view: &dyn StateView,
    me: MemberId,
    list: &List,
    terms: &Category,
    copies: &Copies,
) -> Result<Option<(PlannedList, Option<Standing>)>, Missing> {
    let (epoch, standing, unreachable) = match list.active {
        Some(active) => {
            let epoch = state::epoch(view, list.id, active.tag_epoch)?;
            let standing = copies.standing(view, list, terms.grace_blocks)?;
            let retired = terms.retired.then_some(Unreachable::Retired);
            (epoch, standing, retired)
        }
        None => {
            let epoch = epoch_off(view, list)?;
            let reject = epoch.as_ref().map(|epoch| off(view, epoch)).transpose()?;
            let rejected = |reject| Unreachable::NoSession(LedgerError::Rejected(reject));
            let reason = reject.map(rejected);
            (epoch, None, reason)
        }
    };
    let Some(epoch) = epoch else {
        return Ok(None);
    };
    let today = state::calls_today(view, me, list.id)?;
    let version = list.active.map_or(ListVersion(0), |active| active.version);
    let planned = PlannedList {
        list: list.id,
        name: list.name.as_str().to_owned(),
        provider: list.owner,
        category: list.category,
        accepts: list.accepts.to_vec(),
        tag_epoch: epoch.tag_epoch,
        version,
        price_minor: session_price(view, me, list, terms)?,
        calls: 0,
        calls_left_today: terms.daily_cap_calls.saturating_sub(today),
        unreachable,
        key: epoch.key,
        standing: None,
    };
    Ok(Some((planned, standing)))
}

/// The last epoch of a list without a version in force, if the list ever had one in force.
fn epoch_off(view: &dyn StateView, list: &List) -> Result<Option<EpochRecord>, Missing> {
    let Some(last) = list.epochs.checked_sub(1) else {
        return Ok(None);
    };
    let was_in_force = list.current_epoch.is_some()
        || state::epoch(view, list.id, TagEpoch(0))?
            .is_some_and(|first| first.status != EpochStatus::Registered);
    if !was_in_force {
        return Ok(None);
    }
    state::epoch(view, list.id, list.current_epoch.unwrap_or(TagEpoch(last)))
}

/// Why a list has no version in force, as the ledger would say it of a session or of the version.
fn off(view: &dyn StateView, epoch: &EpochRecord) -> Result<Reject, Missing> {
    Ok(match epoch.status {
        EpochStatus::Revoked { .. } => Reject::EPOCH_REVOKED,
        // The key stands, and the version that was in force under it was taken off.
        EpochStatus::Current => taken_off(view, epoch)?,
        EpochStatus::Registered | EpochStatus::Superseded { .. } => Reject::EPOCH_NOT_ACTIVE,
    })
}

/// Why the last version of an epoch that was in force is so no more. Later ones may wait for attestations.
fn taken_off(view: &dyn StateView, epoch: &EpochRecord) -> Result<Reject, Missing> {
    let latest = (0..epoch.versions).rev().take(MAX_VERSIONS_ASKED);
    for version in latest {
        let id = PublicationId {
            list: epoch.list,
            tag_epoch: epoch.tag_epoch,
            version: version.into(),
        };
        let publication = state::publication(view, id)?;
        match publication.map(|publication| publication.status) {
            Some(PublicationStatus::Fraudulent { .. }) => {
                return Ok(Reject::PUBLICATION_FRAUDULENT);
            }
            Some(PublicationStatus::Unproven { .. }) => return Ok(Reject::PUBLICATION_UNPROVEN),
            Some(PublicationStatus::Suspended { .. }) => return Ok(Reject::PUBLICATION_SUSPENDED),
            _ => {}
        }
    }
    Ok(Reject::EPOCH_NOT_ACTIVE)
}

impl From<NotUsable> for Unreachable {
    fn from(reason: NotUsable) -> Self {
        match reason {
            NotUsable::Absent => Self::NoCopy,
            behind @ NotUsable::Behind { .. } => Self::Local(behind.to_string()),
        }
    }
}
