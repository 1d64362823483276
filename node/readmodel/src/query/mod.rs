//! Questions to the rows.

mod alarms;
mod chosen;
mod explorer;
mod history;
mod keys;
mod latest;
mod movements;
mod quota;
mod receipts;

pub use alarms::Alarm;
pub use explorer::{BlockRow, EventRow, TransactionRow};
pub use history::{CallBatch, Direction, History, HistoryFilter};
pub use keys::KeyChange;
pub use movements::{Movement, MovementFilter, Movements};
pub use quota::{Holdings, QuotaStatement, QuotaSums};
pub use receipts::{LoggedBatch, UncollectedBatch};

use tacit_database::Value;

/// Rows of an answer that is not a stream. A page of them is what a person looks at; reports stream.
pub const MAX_LISTED: u32 = 1_000;

/// A span of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Period {
    /// From this time on, in milliseconds since 1970-01-01 UTC.
    pub from_ms: u64,
    /// Before this time; absent where there is no end.
    pub until_ms: Option<u64>,
}

impl Period {
    /// All time.
    pub const ALL: Self = Self {
        from_ms: 0,
        until_ms: None,
    };

    /// First and last millisecond, as the tables hold times.
    fn bounds(&self) -> Option<(i64, i64)> {
        let last = match self.until_ms {
            None => i64::MAX,
            Some(until) => i64::try_from(until).unwrap_or(i64::MAX).checked_sub(1)?,
        };
        Some((i64::try_from(self.from_ms).ok()?, last))
    }
}

/// A filter that may be absent: −1 stands for any.
fn any(number: Option<impl Into<i64>>) -> Value {
    Value::Integer(number.map_or(-1, Into::into))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_ends_before_its_end() {
        let bounds = |from_ms, until_ms| Period { from_ms, until_ms }.bounds();
        assert_eq!(bounds(5, Some(7)), Some((5, 6)));
        assert_eq!(bounds(0, Some(0)), Some((0, -1)));
        assert_eq!(bounds(0, None), Some((0, i64::MAX)));
        assert_eq!(bounds(u64::MAX, None), None);
    }
}
