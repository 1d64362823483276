//! Moments as people type and read them.
//!
//! A date (`2026-01-31`) is its first moment in UTC, as all times that are shown are in UTC; RFC 3339 says its own
//! offset; a number is milliseconds since 1970-01-01 UTC.

use tacit_ledger::kernel::BusinessDate;

const MILLIS_PER_SECOND: i64 = 1_000;
const MILLIS_PER_MINUTE: i64 = 60 * MILLIS_PER_SECOND;
const MILLIS_PER_DAY: i64 = 24 * 60 * MILLIS_PER_MINUTE;

/// Why a text is no moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MomentError {
    /// It is written in another way.
    #[error(
        "write a date as 2026-01-31, a time as 2026-01-31T09:30:00Z or with an offset as +08:00, or milliseconds"
    )]
    Form,
    /// There is no such day, or no such time of a day.
    #[error("there is no such date or time")]
    NoSuch,
    /// It lies before 1970.
    #[error("the ledger knows no time before 1970-01-01 UTC")]
    TooEarly,
}

/// Reads a moment, in milliseconds since 1970-01-01 UTC.
///
/// # Errors
/// [`MomentError`].
pub fn parse(text: &str) -> Result<u64, MomentError> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().map_err(|_| MomentError::NoSuch);
    }
    if !text.is_ascii() {
        return Err(MomentError::Form);
    }
    let (date, time) = text.split_at_checked(10).ok_or(MomentError::Form)?;
    let days = days(date)?;
    let within = if time.is_empty() {
        0
    } else {
        time_of_day(time)?
    };
    u64::try_from(days * MILLIS_PER_DAY + within).map_err(|_| MomentError::TooEarly)
}

/// A moment as RFC 3339 in UTC, to the millisecond.
pub fn precise(time_ms: u64) -> String {
    let date = BusinessDate::at(time_ms, 0);
    let (year, month, day) = date.year_month_day();
    let seconds = time_ms / 1_000;
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    let millis = time_ms % 1_000;
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// Days since 1970-01-01 of `2026-01-31`.
///
/// Source: H. Hinnant, "chrono-compatible low-level date algorithms", `days_from_civil`.
fn days(date: &str) -> Result<i64, MomentError> {
    let bytes = date.as_bytes();
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return Err(MomentError::Form);
    }
    let (year, month, day) = (
        number(&date[..4])?,
        number(&date[5..7])?,
        number(&date[8..])?,
    );
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return Err(MomentError::NoSuch),
    };
    if !(1..=last).contains(&day) {
        return Err(MomentError::NoSuch);
    }
    // The year begins in March, so that the leap day is its last.
    let shifted = if month > 2 { year } else { year - 1 };
    let era = shifted.div_euclid(400);
    let year_of_era = shifted.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Ok(era * 146_097 + day_of_era - 719_468)
}

/// Milliseconds since the beginning of the day in UTC of `T09:30:00.25+08:00` (RFC 3339, section 5.6). May lie on
/// another day. A leap second is the moment after it.
fn time_of_day(time: &str) -> Result<i64, MomentError> {
    let rest = time
        .strip_prefix(['T', 't', ' '])
        .ok_or(MomentError::Form)?;
    let (clock, rest) = rest.split_at_checked(8).ok_or(MomentError::Form)?;
    let colons = clock.as_bytes();
    if colons[2] != b':' || colons[5] != b':' {
        return Err(MomentError::Form);
    }
    let (hour, minute, second) = (
        number(&clock[..2])?,
        number(&clock[3..5])?,
        number(&clock[6..])?,
    );
    if hour > 23 || minute > 59 || second > 60 {
        return Err(MomentError::NoSuch);
    }
    let (millis, rest) = match rest.strip_prefix('.') {
        None => (0, rest),
        Some(rest) => {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            if digits == 0 {
                return Err(MomentError::Form);
            }
            // What is finer than a millisecond is cut off.
            let padded = format!("{:0<3}", &rest[..digits]);
            (number(&padded[..3])?, &rest[digits..])
        }
    };
    let offset = match rest {
        "Z" | "z" => 0,
        _ => {
            let sign = match rest.as_bytes().first() {
                Some(b'+') => 1,
                Some(b'-') => -1,
                _ => return Err(MomentError::Form),
            };
            let (hours, minutes) = rest[1..].split_once(':').ok_or(MomentError::Form)?;
            if hours.len() != 2 || minutes.len() != 2 {
                return Err(MomentError::Form);
            }
            let (hours, minutes) = (number(hours)?, number(minutes)?);
            if hours > 23 || minutes > 59 {
                return Err(MomentError::NoSuch);
            }
            sign * (hours * 60 + minutes)
        }
    };
    let seconds = (hour * 60 + minute) * 60 + second;
    Ok(seconds * MILLIS_PER_SECOND + millis - offset * MILLIS_PER_MINUTE)
}

fn number(digits: &str) -> Result<i64, MomentError> {
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(MomentError::Form);
    }
    digits.parse().map_err(|_| MomentError::Form)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dates_times_and_milliseconds_are_read() {
        for (text, expected) in [
            ("0", 0),
            ("1524700800000", 1_524_700_800_000),
            ("1970-01-01", 0),
            ("2018-04-26", 1_524_700_800_000),
            ("2018-04-26T08:00:00+08:00", 1_524_700_800_000),
            ("2018-04-25t20:30:00.5-03:30", 1_524_700_800_500),
            ("2018-04-26 00:00:00.123456Z", 1_524_700_800_123),
            ("2024-02-29T23:59:60Z", 1_709_251_200_000),
        ] {
            assert_eq!(parse(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_moment_is_told_why() {
        for (text, why) in [
            ("", MomentError::Form),
            ("yesterday", MomentError::Form),
            ("2018-4-26", MomentError::Form),
            ("2018-04-26T08:00", MomentError::Form),
            ("2018-04-26T08:00:00", MomentError::Form),
            ("2018-04-26T08:00:00.Z", MomentError::Form),
            ("2018-04-26T08:00:00+8", MomentError::Form),
            ("2018-04-26T08:00:00+08:00 ", MomentError::Form),
            ("+018-04-26", MomentError::Form),
            ("２０１８-04-26", MomentError::Form),
            ("2018-02-29", MomentError::NoSuch),
            ("2018-13-01", MomentError::NoSuch),
            ("2018-04-00", MomentError::NoSuch),
            ("2018-04-26T24:00:00Z", MomentError::NoSuch),
            ("99999999999999999999", MomentError::NoSuch),
            ("1969-12-31", MomentError::TooEarly),
            ("1970-01-01T00:00:00+08:00", MomentError::TooEarly),
        ] {
            assert_eq!(parse(text), Err(why), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(time_ms in 0_u64..253_402_300_800_000) {
            prop_assert_eq!(parse(&precise(time_ms)), Ok(time_ms));
        }

        #[test]
        fn nothing_that_is_typed_makes_it_panic(text in ".{0,40}") {
            let _ = parse(&text);
        }
    }
}
