//! How far somebody could walk through all identifiers of a type: a pure function over a view of the state.
//!
//! A list answers whoever pays for a call, so that its entries can be guessed one by one. What a group can try
//! in a tag epoch is bounded by the daily cap of the category; whoever gathers what several groups tried, by
//! as many caps. The share of all identifiers of a type that this is tells the members whether their caps are
//! low enough. Answers under different tag epochs count apart: a later epoch can be walked through again, but
//! the list has changed since.

use std::collections::BTreeSet;
use tacit_circuits::identifier::IdentifierType;

use crate::kernel::party::{Role, parties};
use crate::kernel::state::{Missing, StateView};
use crate::network::parameters::CategoryId;
use crate::network::price::rated;
use crate::network::read;
use crate::network::record::{List, MAX_RATING};

/// A share above which the members are warned, in millionths: one hundredth.
pub const WARNING_MILLIONTHS: u64 = 10_000;

const WHOLE_MILLIONTHS: u64 = 1_000_000;

/// About how many identifiers of a type there are, and who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DomainSize {
    /// Identifiers: those that are in use where that is counted, as who walks may know them; rounded down, so
    /// that a share is rather shown too large.
    pub identifiers: u64,
    /// Where the number comes from.
    pub source: &'static str,
}

/// The size of a type's domain; `None` where nobody counts it: numbers that each bank or each maker gives,
/// addresses and free text.
pub const fn domain_size(kind: IdentifierType) -> Option<DomainSize> {
    let (identifiers, source) = match kind {
        IdentifierType::Phone => (
            1_700_000_000,
            "mobile subscriptions in China, Ministry of Industry and Information Technology, 2024",
        ),
        IdentifierType::Card => (
            9_000_000_000,
            "bank cards in use in China, People's Bank of China, 2024",
        ),
        IdentifierType::ResidentId => (
            1_400_000_000,
            "population of China, National Bureau of Statistics, 2024",
        ),
        IdentifierType::CreditCode => (
            180_000_000,
            "registered businesses in China, State Administration for Market Regulation, 2024",
        ),
        IdentifierType::Iban => (
            10_000_000_000,
            "the shortest plan of ISO 13616: eleven digits, one of them a check",
        ),
        IdentifierType::BankAccount
        | IdentifierType::Email
        | IdentifierType::Device
        | IdentifierType::Text => return None,
    };
    Some(DomainSize {
        identifiers,
        source,
    })
}

/// What can be tried of one type on a list of one category in a tag epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// Category.
    pub category: CategoryId,
    /// Type.
    pub kind: IdentifierType,
    /// Standing lists of the category that hold the type. Each of them can be walked through by itself.
    pub lists: u32,
    /// Groups with active members.
    pub groups: u32,
    /// Calls that one group can make to one of the lists in the epoch.
    pub calls_of_group: u64,
    /// What they cost it at the least, in minor units: in sessions that are opened before the day's first
    /// call, with an owner of the highest and of the lowest rating among the lists'.
    pub cost_minor: CostRange,
    /// The size of the domain, where it is known.
    pub domain: Option<DomainSize>,
    /// The share of the domain that one group sees, in millionths, rounded up.
    pub group_millionths: Option<u64>,
    /// The share that all groups see together if they share what they learn.
    pub all_millionths: Option<u64>,
}

/// From the cheapest list to the dearest, in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CostRange {
    /// Lowest.
    pub least: u64,
    /// Highest.
    pub most: u64,
}

impl Coverage {
    /// Whether all groups together see more than the members should allow.
    pub fn is_too_wide(&self) -> bool {
        self.all_millionths
            .is_some_and(|share| share > WARNING_MILLIONTHS)
    }
}

/// Coverage of each category and type of which there are standing lists, by category and type, in a tag epoch
/// of so many business dates.
pub fn coverage(view: &dyn StateView, days: u16) -> Result<Vec<Coverage>, Missing> {
    let parties = parties(view)?;
    let groups: BTreeSet<&str> = parties
        .iter()
        .filter(|party| party.is_active() && party.role == Role::Member)
        .map(|party| party.group.as_str())
        .collect();
    let groups = u32::try_from(groups.len()).unwrap_or(u32::MAX);
    let lists = read::lists(view)?;
    let percent = read::parameters(view)?.rating_price_percent;
    let mut found = Vec::new();
    for terms in read::categories(view)? {
        let of_category = |list: &&List| list.category == terms.id && list.is_standing();
        let lists: Vec<&List> = lists.iter().filter(of_category).collect();
        for kind in IdentifierType::ALL {
            let holding = lists.iter().filter(|list| list.accepts.contains(&kind));
            let ratings = holding
                .map(|list| read::rating_value(view, list.owner))
                .collect::<Result<Vec<u8>, _>>()?;
            let Some(lowest) = ratings.iter().min() else {
                continue;
            };
            let highest = ratings.iter().max().unwrap_or(&MAX_RATING);
            let calls_of_group = u64::from(terms.daily_cap_calls) * u64::from(days);
            let cost = |rating: u8| {
                calls_of_group.saturating_mul(rated(terms.price_minor, rating, percent).into())
            };
            let domain = domain_size(kind);
            let share = |calls: u64| domain.map(|domain| millionths(calls, domain.identifiers));
            found.push(Coverage {
                category: terms.id,
                kind,
                lists: u32::try_from(ratings.len()).unwrap_or(u32::MAX),
                groups,
                calls_of_group,
                cost_minor: CostRange {
                    least: cost(*lowest),
                    most: cost(*highest),
                },
                domain,
                group_millionths: share(calls_of_group),
                all_millionths: share(calls_of_group.saturating_mul(groups.into())),
            });
        }
    }
    Ok(found)
}

/// The share that so many different calls are of a domain, in millionths, rounded up and at most all of it.
fn millionths(calls: u64, of: u64) -> u64 {
    let share = (u128::from(calls) * u128::from(WHOLE_MILLIONTHS)).div_ceil(of.max(1).into());
    u64::try_from(share).map_or(WHOLE_MILLIONTHS, |share| share.min(WHOLE_MILLIONTHS))
}
