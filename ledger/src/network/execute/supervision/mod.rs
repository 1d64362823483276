//! What supervisors are shown: views, demands for disclosure, drawn calls.

mod disclosures;
mod drawn;
mod views;

pub(super) use disclosures::{answer, pass_deadline, request};
pub(super) use drawn::{close_date, count, draw_if_due};
pub(super) use views::{grant, record_use, revoke};

use crate::kernel::context::require;
use crate::kernel::{BusinessDate, Reject};
use crate::network::record::{DisclosureScope, ViewScope};

/// Refuses a scope that holds nothing, or holds it in another order than the one.
pub(super) fn check_scope(scope: &DisclosureScope) -> Result<(), Reject> {
    match scope {
        DisclosureScope::Calls(calls) => {
            require(!calls.is_empty(), Reject::EMPTY)?;
            require(calls.is_sorted_by(|a, b| a < b), Reject::DUPLICATE)
        }
        DisclosureScope::Period { from, until } => check_dates(*from, *until),
    }
}

/// Refuses a view whose dates run backwards.
pub(super) fn check_view(
    scope: &ViewScope,
    from: BusinessDate,
    until: BusinessDate,
) -> Result<(), Reject> {
    check_dates(from, until)?;
    match scope {
        ViewScope::History { from, until } | ViewScope::Quota { from, until } => {
            check_dates(*from, *until)
        }
        ViewScope::List(_) | ViewScope::Cases(_) => Ok(()),
    }
}

fn check_dates(from: BusinessDate, until: BusinessDate) -> Result<(), Reject> {
    require(from <= until, Reject::VALUE_OUT_OF_RANGE)
}
