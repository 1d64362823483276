//! Retention periods: a class and a month, and the date on which they are over.

use std::fmt;
use std::str::FromStr;

use tacit_ledger::kernel::BusinessDate;

/// Longest name of a class, in bytes: a word that stands in tables and names of files.
pub const MAX_CLASS_BYTES: usize = 32;

/// Most months that a class may keep its records: a hundred years, beyond any law on records.
pub const MAX_KEEP_MONTHS: u32 = 1_200;

/// The last year that a month may lie in: four digits, so that names sort as dates do.
const MAX_YEAR: u32 = 9_999;

/// Text that names no class or no month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPeriod {
    /// A class.
    #[error(
        "a retention class has 1 to {MAX_CLASS_BYTES} of the characters a-z, 0-9 and -, a letter first"
    )]
    Class,
    /// A month.
    #[error("a month is YEAR-MONTH, such as 2026-11")]
    Month,
}

/// The name of a retention class.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClassName(String);

impl ClassName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ClassName {
    type Err = BadPeriod;

    fn from_str(text: &str) -> Result<Self, BadPeriod> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let fits = text.len() <= MAX_CLASS_BYTES
            && text.starts_with(|first: char| first.is_ascii_lowercase())
            && text.bytes().all(allowed);
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadPeriod::Class)
        }
    }
}

impl fmt::Display for ClassName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A month of the business calendar, counted from January of the year 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(u32);

impl Month {
    /// The month of a date. Dates outside the years 0 to 9999 count as the nearest month within.
    pub fn of(date: BusinessDate) -> Self {
        let (year, month, _) = date.year_month_day();
        let year = u32::try_from(year).unwrap_or(0).min(MAX_YEAR);
        Self(year * 12 + u32::from(month) - 1)
    }

    /// The month with this number, if it lies in the years 0 to 9999.
    pub fn numbered(number: u32) -> Option<Self> {
        (number <= MAX_YEAR * 12 + 11).then_some(Self(number))
    }

    /// Months since January of the year 0.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// The month so many months later; December 9999 is the last.
    #[must_use]
    pub fn after(self, months: u32) -> Self {
        Self(self.0.saturating_add(months).min(MAX_YEAR * 12 + 11))
    }

    /// Its first day.
    ///
    /// Source: H. Hinnant, "chrono-compatible low-level date algorithms", `days_from_civil`.
    pub fn first_day(self) -> BusinessDate {
        let (year, month) = (i64::from(self.0 / 12), i64::from(self.0 % 12) + 1);
        // Years begin in March, so that the leap day is their last.
        let year = year - i64::from(month <= 2);
        let shifted_month = (month + 9) % 12;
        let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
        let day_of_year = (153 * shifted_month + 2) / 5;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        // Of the years 0 to 9999, so that it fits.
        BusinessDate((era * 146_097 + day_of_era - 719_468) as i32)
    }
}

impl FromStr for Month {
    type Err = BadPeriod;

    fn from_str(text: &str) -> Result<Self, BadPeriod> {
        let digits = |text: &str, length: usize| {
            let right = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse::<u32>().ok().filter(|_| right)
        };
        let (year, month) = text.split_once('-').ok_or(BadPeriod::Month)?;
        let year = digits(year, 4).ok_or(BadPeriod::Month)?;
        let month = digits(month, 2).filter(|month| (1..=12).contains(month));
        Ok(Self(year * 12 + month.ok_or(BadPeriod::Month)? - 1))
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.0 / 12, self.0 % 12 + 1)
    }
}

/// What is sealed to one key and destroyed with it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period {
    /// The class of the records' purpose.
    pub class: ClassName,
    /// The month in which they were made.
    pub month: Month,
}

impl Period {
    /// The first date on which every record of the period has been kept for so many whole months.
    pub fn over_on(&self, keep_months: u32) -> BusinessDate {
        self.month.after(keep_months.saturating_add(1)).first_day()
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.class, self.month)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_reads_as_it_is_written_and_begins_on_its_first_day() {
        for (text, days) in [
            ("1970-01", 0),
            ("1970-03", 59),
            ("2000-03", 11_017),
            ("2026-11", 20_758),
        ] {
            let month: Month = text.parse().unwrap();
            assert_eq!(month.to_string(), text);
            assert_eq!(month.first_day(), BusinessDate(days), "{text}");
        }
        for bad in [
            "",
            "2026",
            "2026-13",
            "2026-00",
            "26-11",
            "2026-1",
            "+026-11",
            "2026-11-01",
        ] {
            assert_eq!(bad.parse::<Month>(), Err(BadPeriod::Month), "{bad}");
        }
    }

    #[test]
    fn every_day_lies_in_the_month_whose_first_day_is_not_after_it() {
        // Two leap cycles of four centuries would be 292,194 days; one and a bit is enough to cross each rule.
        for day in (-719_528..200_000).step_by(7) {
            let (date, month) = (BusinessDate(day), Month::of(BusinessDate(day)));
            assert!(
                month.first_day() <= date && date < month.after(1).first_day(),
                "{date}"
            );
        }
    }

    #[test]
    fn a_period_is_over_when_its_last_day_has_been_kept_for_all_its_months() {
        let period = |month: &str| Period {
            class: "standard".parse().unwrap(),
            month: month.parse().unwrap(),
        };
        // Made on 30 November 2026 and kept for 60 months: until 30 November 2031.
        assert_eq!(period("2026-11").over_on(60).to_string(), "2031-12-01");
        assert_eq!(period("2026-12").over_on(0).to_string(), "2027-01-01");
        assert_eq!(period("9999-12").over_on(1_200).to_string(), "9999-12-01");
    }

    #[test]
    fn a_class_is_a_plain_word() {
        assert_eq!(
            "standard-2".parse::<ClassName>().unwrap().as_str(),
            "standard-2"
        );
        for bad in ["", "2x", "Standard", "a b", "../x", &"a".repeat(33)] {
            assert_eq!(bad.parse::<ClassName>(), Err(BadPeriod::Class), "{bad}");
        }
    }
}
