//! What a screening would ask, and what that would cost.

use std::collections::BTreeMap;

use tacit_circuits::curve::WirePoint;
use tacit_circuits::identifier::IdentifierType;
use tacit_circuits::scope::{ListId, ListVersion, MemberId, TagEpoch};
use tacit_ledger::kernel::{Missing, StateView};
use tacit_ledger::network::parameters::CategoryId;
use tacit_ledger::network::{Category, List, read as state};

use super::answer::Unreachable;
use crate::ports::{Habits, Ledger, LedgerError};
use crate::snapshots::Copies;

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
    /// Calls to this list that the rules still allow today.
    pub calls_left_today: u32,
    /// Why it cannot be asked now; then it is not charged.
    pub unreachable: Option<Unreachable>,
    /// `K` of the epoch, as registered.
    pub(crate) key: WirePoint,
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
    /// What this member could put into escrow now, in minor units.
    pub available_minor: u64,
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
        let lists = planned(view, me, targets)?;
        Ok((lists, state::balance(view, me)?.available_minor))
    };
    let (mut lists, available_minor) = habits.read(ledger, targets.clone(), question).await?;
    for planned in &mut lists {
        let copy = copies.in_force(planned.list);
        match copy {
            None => planned.unreachable = Some(Unreachable::NoCopy),
            // The verified copy here and the ledger's version differ for a moment at each change. Calls are
            // made under the copy's epoch; the same epoch is all that an answer needs.
            Some(copy) if copy.id.tag_epoch != planned.tag_epoch => {
                planned.unreachable = Some(Unreachable::NoCopy);
            }
            Some(copy) => planned.version = copy.id.version,
        }
        let accepted = rows
            .iter()
            .filter(|(kind, _)| planned.accepts.contains(kind));
        planned.calls = accepted.map(|(_, rows)| rows).sum();
    }
    if !rows.is_empty() {
        lists.retain(|list| list.calls > 0);
    }
    Ok(Plan {
        lists,
        available_minor,
    })
}

fn planned(
    view: &dyn StateView,
    me: MemberId,
    targets: &Targets,
) -> Result<Vec<PlannedList>, Missing> {
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
        match one(view, me, &list, terms) {
            Ok(found) => planned.extend(found),
            Err(more) => missing = Err(more),
        }
    }
    missing.map(|()| planned)
}

/// A list without an active version is left out: it has never been in force.
fn one(
    view: &dyn StateView,
    me: MemberId,
    list: &List,
    terms: &Category,
) -> Result<Option<PlannedList>, Missing> {
    let Some(active) = list.active else {
        return Ok(None);
    };
    let Some(epoch) = state::epoch(view, list.id, active.tag_epoch)? else {
        return Ok(None);
    };
    let today = state::calls_today(view, me, list.id)?;
    Ok(Some(PlannedList {
        list: list.id,
        name: list.name.as_str().to_owned(),
        provider: list.owner,
        category: list.category,
        accepts: list.accepts.to_vec(),
        tag_epoch: active.tag_epoch,
        version: active.version,
        price_minor: terms.price_minor,
        calls: 0,
        calls_left_today: terms.daily_cap_calls.saturating_sub(today),
        unreachable: terms.retired.then_some(Unreachable::Retired),
        key: epoch.key,
    }))
}
