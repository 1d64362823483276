//! Block time and business date.

use tacit_ledger::kernel::{BusinessDate, Clock};
use tacit_ledger::network::{Change, read};

use crate::support::*;

/// 2023-11-14 22:13:20 UTC.
const MOMENT: u64 = START_MS;

#[test]
fn dates_are_those_of_the_calendar() {
    let days = [
        (0, "1970-01-01"),
        (-1, "1969-12-31"),
        (59, "1970-03-01"),
        (11_016, "2000-02-29"),
        (11_017, "2000-03-01"),
        (19_675, "2023-11-14"),
        (47_540, "2100-02-28"),
        (47_541, "2100-03-01"),
        (i32::MAX, "5881580-07-11"),
    ];
    for (day, written) in days {
        assert_eq!(BusinessDate(day).to_string(), written, "day {day}");
    }
}

#[test]
fn a_date_is_found_by_its_day_and_no_other_day_has_one() {
    for day in [
        i32::MIN,
        -719_468,
        -1,
        0,
        58,
        59,
        60,
        11_016,
        19_675,
        47_541,
        i32::MAX,
    ] {
        let date = BusinessDate(day);
        let (year, month, of_month) = date.year_month_day();
        assert_eq!(
            BusinessDate::of(year, month, of_month),
            Some(date),
            "{date}"
        );
    }
    for day in -800_000..800_000 {
        let date = BusinessDate(day);
        let (year, month, of_month) = date.year_month_day();
        assert_eq!(
            BusinessDate::of(year, month, of_month),
            Some(date),
            "{date}"
        );
    }
    let none = [
        (2023, 2, 29),
        (2100, 2, 29),
        (2024, 4, 31),
        (2024, 0, 1),
        (2024, 13, 1),
        (2024, 1, 0),
        (2024, 255, 255),
        (i32::MAX, 12, 31),
    ];
    for (year, month, day) in none {
        assert_eq!(
            BusinessDate::of(year, month, day),
            None,
            "{year}-{month}-{day}"
        );
    }
}

#[test]
fn the_offset_decides_on_which_date_a_moment_falls() {
    assert_eq!(BusinessDate::at(MOMENT, 0).to_string(), "2023-11-14");
    assert_eq!(BusinessDate::at(MOMENT, 106).to_string(), "2023-11-14");
    assert_eq!(BusinessDate::at(MOMENT, 107).to_string(), "2023-11-15");
    assert_eq!(BusinessDate::at(0, -1).to_string(), "1969-12-31");
    assert_eq!(BusinessDate::at(u64::MAX, 0), BusinessDate(i32::MAX));
}

#[test]
fn neither_time_nor_date_runs_backwards() {
    let parent = Clock {
        height: 4,
        time_ms: MOMENT,
        business_date: BusinessDate::at(MOMENT, 480),
    };
    let earlier = parent.next(5, MOMENT - 1, 480);
    assert_eq!(earlier.time_ms, MOMENT);
    let shifted = parent.next(5, MOMENT + 1, -720);
    assert_eq!(shifted.business_date, parent.business_date);
    assert_eq!(shifted.height, 5);
}

#[test]
fn a_voted_offset_dates_the_blocks_after_the_vote() {
    let mut chain = Chain::new();
    let date = |chain: &Chain| {
        let clock = read::clock(&chain.state).expect("a map");
        clock.expect("after the genesis").business_date.to_string()
    };
    chain
        .carry(Change::SetUtcOffset { minutes: 480 })
        .expect("carried");
    assert_eq!(date(&chain), "2023-11-14");
    chain.pass(1);
    assert_eq!(date(&chain), "2023-11-15");
    chain
        .carry(Change::SetUtcOffset { minutes: 0 })
        .expect("carried");
    chain.pass(1);
    assert_eq!(date(&chain), "2023-11-15");
}
