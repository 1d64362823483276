//! Days of the calendar.

/// A day of the proleptic Gregorian calendar. Only days that exist can be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CalendarDate {
    year: u16,
    month: u8,
    day: u8,
}

impl CalendarDate {
    /// The day, where there is one: months and days count from 1.
    #[must_use]
    pub fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let leap =
            year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let days = match month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            _ => return None,
        };
        (1..=days)
            .contains(&day)
            .then_some(Self { year, month, day })
    }

    /// The year.
    #[must_use]
    pub fn year(self) -> u16 {
        self.year
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_days_that_exist_can_be_built() {
        for (year, month, day) in [(2024, 2, 29), (2000, 2, 29), (1999, 12, 31), (2023, 4, 30)] {
            assert!(CalendarDate::new(year, month, day).is_some());
        }
        for (year, month, day) in [
            (2023, 2, 29),
            (1900, 2, 29),
            (2023, 4, 31),
            (2023, 0, 1),
            (2023, 13, 1),
            (2023, 1, 0),
        ] {
            assert!(CalendarDate::new(year, month, day).is_none());
        }
    }

    #[test]
    fn days_are_ordered_as_the_calendar_orders_them() {
        let day = |year, month, day| CalendarDate::new(year, month, day).unwrap();
        assert!(day(2023, 12, 31) < day(2024, 1, 1));
        assert!(day(2024, 1, 31) < day(2024, 2, 1));
    }
}
