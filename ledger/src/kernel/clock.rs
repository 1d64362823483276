//! Block time and business date.
//!
//! Time comes with the block. It never runs backwards in state: a block that carries an earlier time
//! than its parent counts as having the parent's. The business date is the date at the network's
//! governed offset from UTC, and never runs backwards either, whatever becomes of the offset.

use borsh::{BorshDeserialize, BorshSerialize};
use std::fmt;

use crate::kernel::keys;
use crate::kernel::state::{self, Missing, StateView};

/// Offsets from UTC reach from −12 to +14 hours; a day bounds them with room.
pub const MAX_UTC_OFFSET_MINUTES: i16 = 24 * 60;

const MILLIS_PER_MINUTE: i128 = 60_000;
const MILLIS_PER_DAY: i128 = 24 * 60 * MILLIS_PER_MINUTE;

/// Days since 1970-01-01 in the network's own time zone.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
)]
pub struct BusinessDate(pub i32);

/// As people write it: `2026-11-24`.
impl serde::Serialize for BusinessDate {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl BusinessDate {
    /// The date of a moment at an offset.
    pub fn at(time_ms: u64, utc_offset_minutes: i16) -> Self {
        let local = i128::from(time_ms) + i128::from(utc_offset_minutes) * MILLIS_PER_MINUTE;
        let days = local.div_euclid(MILLIS_PER_DAY);
        // Milliseconds of 64 bits span 2.1·10^11 days; later than the year 5,800,000 is the last day.
        Self(i32::try_from(days).unwrap_or(i32::MAX))
    }

    /// The date so many days later; the last one stays.
    #[must_use]
    pub fn after(self, days: u16) -> Self {
        Self(self.0.saturating_add(days.into()))
    }

    /// Its number among all dates, from the first that there is.
    pub(crate) fn ordinal(self) -> u64 {
        (i64::from(self.0) - i64::from(i32::MIN)).unsigned_abs()
    }

    /// The date of a year, month and day; `None` where the calendar has no such day.
    ///
    /// Source: H. Hinnant, "chrono-compatible low-level date algorithms", `days_from_civil`.
    pub fn of(year: i32, month: u8, day: u8) -> Option<Self> {
        let shifted_year = i64::from(year) - i64::from(month <= 2);
        let era = shifted_year.div_euclid(400);
        let year_of_era = shifted_year.rem_euclid(400);
        let shifted_month = (i64::from(month) + 9) % 12;
        let day_of_year = (153 * shifted_month + 2) / 5 + i64::from(day) - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let days = era * 146_097 + day_of_era - 719_468;
        let date = Self(i32::try_from(days).ok()?);
        // Days and months that there are not come out as others.
        (date.year_month_day() == (year, month, day)).then_some(date)
    }

    /// Year, month and day of the proleptic Gregorian calendar.
    ///
    /// Source: H. Hinnant, "chrono-compatible low-level date algorithms", `civil_from_days`.
    pub fn year_month_day(self) -> (i32, u8, u8) {
        let days = i64::from(self.0) + 719_468;
        let era = days.div_euclid(146_097);
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 {
            shifted_month + 3
        } else {
            shifted_month - 9
        };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        (year as i32, month as u8, day as u8)
    }
}

impl fmt::Display for BusinessDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.year_month_day();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

/// Where the ledger stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Clock {
    /// Height of the last block; the genesis has 0.
    pub height: u64,
    /// Its time, in milliseconds since 1970-01-01 UTC.
    pub time_ms: u64,
    /// Its business date.
    pub business_date: BusinessDate,
}

impl Clock {
    /// The clock of a block that follows this one.
    pub fn next(&self, height: u64, time_ms: u64, utc_offset_minutes: i16) -> Self {
        let time_ms = time_ms.max(self.time_ms);
        let business_date = BusinessDate::at(time_ms, utc_offset_minutes).max(self.business_date);
        Self {
            height,
            time_ms,
            business_date,
        }
    }
}

/// Where the ledger stands. `None` before the genesis.
pub fn clock(view: &dyn StateView) -> Result<Option<Clock>, Missing> {
    state::read(view, &keys::clock())
}

/// Minutes by which the network's business day is ahead of UTC.
pub fn utc_offset_minutes(view: &dyn StateView) -> Result<i16, Missing> {
    Ok(state::read(view, &keys::utc_offset())?.unwrap_or(0))
}
