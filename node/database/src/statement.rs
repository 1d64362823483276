//! A statement with its values; many rows in one insertion.

use std::borrow::Cow;
use std::fmt::Write as _;

use sqlx::{Any, AssertSqlSafe, any::AnyArguments, query::Query};

/// Rows of one `INSERT`: a statement costs a walk through the driver whatever it holds, and 128 rows of
/// the widest table stay far below the 32,766 values that SQLite takes.
const MAX_ROWS_PER_INSERT: usize = 128;

/// Pairs that one statement names: at two values each it stays far below what SQLite takes, and a page of a
/// history is one or two statements.
pub const MAX_PAIRS: usize = 256;

/// A value of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A `BIGINT`.
    Integer(i64),
    /// A `BIGINT` that may be absent.
    Optional(Option<i64>),
    /// A `TEXT`.
    Text(String),
    /// A `BLOB`.
    Bytes(Vec<u8>),
    /// A `BLOB` that may be absent.
    OptionalBytes(Option<Vec<u8>>),
}

macro_rules! value_from {
    ($($type:ty),*) => {$(
        impl From<$type> for Value {
            /// Same bits: what is counted stays far below 2^63, and what only has to be found again comes
            /// back through [`Columns::bits`](crate::Columns::bits).
            fn from(number: $type) -> Self {
                Self::Integer(number as i64)
            }
        }
    )*};
}
value_from!(u64, u32, u16, usize, i64, i32);

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<Option<Vec<u8>>> for Value {
    fn from(bytes: Option<Vec<u8>>) -> Self {
        Self::OptionalBytes(bytes)
    }
}

impl<const N: usize> From<[u8; N]> for Value {
    fn from(bytes: [u8; N]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Option<u64>> for Value {
    fn from(number: Option<u64>) -> Self {
        Self::Optional(number.map(|number| number as i64))
    }
}

impl From<Option<u32>> for Value {
    fn from(number: Option<u32>) -> Self {
        Self::Optional(number.map(i64::from))
    }
}

/// A statement with its values, `$1` first.
#[derive(Clone, Debug)]
pub struct Statement {
    sql: Cow<'static, str>,
    values: Vec<Value>,
    keep_prepared: bool,
}

impl Statement {
    /// A statement whose text stands in the code: no value ever becomes part of the text.
    pub fn new(sql: &'static str, values: impl IntoIterator<Item = Value>) -> Self {
        let values = values.into_iter().collect();
        Self {
            sql: Cow::Borrowed(sql),
            values,
            keep_prepared: true,
        }
    }

    /// Statements for rows that are named by pairs of numbers: in each, the table `named (first, second)` holds
    /// up to [`MAX_PAIRS`] of them, and `select` is what is asked of it. Shorter ones end with pairs of −1, which
    /// name no row, so that all have one text and are prepared once.
    pub fn of_pairs(select: &'static str, pairs: &[(u64, u64)]) -> impl Iterator<Item = Self> {
        let sql = with_pairs(select);
        pairs.chunks(MAX_PAIRS).map(move |chunk| {
            let named = chunk
                .iter()
                .flat_map(|(first, second)| [(*first).into(), (*second).into()]);
            let mut values: Vec<Value> = named.collect();
            values.resize(2 * MAX_PAIRS, Value::Integer(-1));
            Self {
                sql: Cow::Owned(sql.clone()),
                values,
                keep_prepared: true,
            }
        })
    }

    /// To be executed by a pool, a connection or a transaction.
    pub fn query(self) -> Query<'static, Any, AnyArguments> {
        let query = sqlx::query(AssertSqlSafe(self.sql)).persistent(self.keep_prepared);
        self.values
            .into_iter()
            .fold(query, |query, value| match value {
                Value::Integer(number) => query.bind(number),
                Value::Optional(number) => query.bind(number),
                Value::Text(text) => query.bind(text),
                Value::Bytes(bytes) => query.bind(bytes),
                Value::OptionalBytes(bytes) => query.bind(bytes),
            })
    }
}

/// Rows that go into one table.
#[derive(Debug)]
pub struct Insertion<const COLUMNS: usize> {
    into: &'static str,
    values: Vec<Value>,
}

impl<const COLUMNS: usize> Insertion<COLUMNS> {
    /// No rows yet. `into` is a table with its columns: `entry (a, b)`.
    pub const fn new(into: &'static str) -> Self {
        Self {
            into,
            values: Vec::new(),
        }
    }

    /// Adds a row.
    pub fn push(&mut self, row: [Value; COLUMNS]) {
        self.values.extend(row);
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.values.len() / COLUMNS
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The statements that insert them, in their order.
    pub fn into_statements(self) -> impl Iterator<Item = Statement> {
        let mut values = self.values.into_iter();
        std::iter::from_fn(move || {
            let values: Vec<_> = values
                .by_ref()
                .take(COLUMNS * MAX_ROWS_PER_INSERT)
                .collect();
            if values.is_empty() {
                return None;
            }
            let rows = values.len() / COLUMNS;
            let sql = Cow::Owned(insert::<COLUMNS>(self.into, rows));
            // The text of a full statement comes again, that of a rest seldom.
            Some(Statement {
                sql,
                values,
                keep_prepared: rows == MAX_ROWS_PER_INSERT || rows == 1,
            })
        })
    }
}

fn insert<const COLUMNS: usize>(into: &str, rows: usize) -> String {
    let mut sql = format!("INSERT INTO {into} VALUES ");
    for row in 0..rows {
        for column in 0..COLUMNS {
            let before = match (row, column) {
                (0, 0) => "(",
                (_, 0) => "), (",
                _ => ", ",
            };
            let number = row * COLUMNS + column + 1;
            // Writing to a text does not fail.
            let _ = write!(sql, "{before}${number}");
        }
    }
    sql.push(')');
    sql
}

fn with_pairs(select: &str) -> String {
    let mut sql = String::from("WITH named (first, second) AS (VALUES ");
    for pair in 0..MAX_PAIRS {
        let before = if pair == 0 { "" } else { ", " };
        // Writing to a text does not fail.
        let _ = write!(sql, "{before}(${}, ${})", 2 * pair + 1, 2 * pair + 2);
    }
    sql.push_str(") ");
    sql.push_str(select);
    sql
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_count_through_all_rows() {
        assert_eq!(
            insert::<2>("t (a, b)", 2),
            "INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4)"
        );
    }

    #[test]
    fn pairs_beyond_one_statement_go_into_the_next_and_all_have_one_text() {
        let pairs: Vec<_> = (0..MAX_PAIRS as u64 + 1).map(|n| (n, n + 1)).collect();
        let statements: Vec<_> = Statement::of_pairs("SELECT 1", &pairs).collect();
        let [first, second] = statements.as_slice() else {
            panic!("{}", statements.len())
        };
        assert_eq!(first.sql, second.sql);
        assert!(
            first
                .sql
                .starts_with("WITH named (first, second) AS (VALUES ($1, $2), ($3, $4)")
        );
        assert_eq!(second.values.len(), 2 * MAX_PAIRS);
        assert_eq!(
            second.values[..2],
            [Value::Integer(256), Value::Integer(257)]
        );
        let padding = &second.values[2..];
        assert!(padding.iter().all(|value| *value == Value::Integer(-1)));
        assert_eq!(Statement::of_pairs("SELECT 1", &[]).count(), 0);
    }

    #[test]
    fn rows_beyond_one_statement_go_into_the_next() {
        let mut insertion = Insertion::<1>::new("t (a)");
        (0..MAX_ROWS_PER_INSERT + 1).for_each(|row| insertion.push([row.into()]));
        let rows: Vec<_> = insertion
            .into_statements()
            .map(|one| one.values.len())
            .collect();
        assert_eq!(rows, [MAX_ROWS_PER_INSERT, 1]);
    }
}
