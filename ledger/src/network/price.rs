//! What a call costs: public arithmetic over the price list, the rating of who answers and the day of who asks.

use tacit_circuits::scope::MemberId;

use crate::kernel::state::{Missing, StateView};
use crate::network::parameters::{Category, MAX_PRICE_MINOR, Surcharge};
use crate::network::read;
use crate::network::record::{List, MAX_RATING};

/// The price of a session that `querier` opens now with a list of this category, in minor units.
pub fn session_price(
    view: &dyn StateView,
    querier: MemberId,
    list: &List,
    terms: &Category,
) -> Result<u32, Missing> {
    let calls = read::calls_today(view, querier, list.id);
    let rating = read::rating_value(view, list.owner);
    let (calls, (rating, parameters)) =
        read::both(calls, read::both(rating, read::parameters(view)))?;
    let price_minor = terms.price_after(calls);
    Ok(rated(price_minor, rating, parameters.rating_price_percent))
}

/// A price of which so many hundredths go with the rating of the list's owner, rounded up: what costs anything
/// costs something whatever the rating.
pub fn rated(price_minor: u32, rating: u8, rating_price_percent: u8) -> u32 {
    const WHOLE: u64 = 10_000;
    let lacking = u64::from(MAX_RATING.saturating_sub(rating));
    let off = (u64::from(rating_price_percent) * lacking).min(WHOLE);
    let price = (u64::from(price_minor) * (WHOLE - off)).div_ceil(WHOLE);
    // No more than the price.
    u32::try_from(price).unwrap_or(price_minor)
}

impl Category {
    /// The price of a session for a querier whose group made so many calls to the list on this business date,
    /// in minor units, rounded down, before the rating of who answers.
    pub fn price_after(&self, calls: u32) -> u32 {
        let mut steps = self.surcharges.iter().rev();
        let reached = steps.find(|step| step.from_calls <= calls);
        let price = reached.map_or(self.price_minor.into(), |step| self.surcharged(step));
        // A checked category's highest price fits.
        u32::try_from(price).unwrap_or(MAX_PRICE_MINOR)
    }

    pub(super) fn surcharged(&self, step: &Surcharge) -> u64 {
        u64::from(self.price_minor) * (100 + u64::from(step.percent)) / 100
    }
}
