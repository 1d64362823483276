//! Rows as people bring them: made into identifiers one by one, each refused on its own.

use tacit_circuits::identifier::{
    Conventions, Identifier, IdentifierType, Refusal, UnknownType, normalize,
};

/// A row as it was brought.
#[derive(Clone)]
pub struct RawRow {
    /// The caller's number of the row, repeated in refusals and answers.
    pub row: u64,
    /// The identifier's type; empty means the default.
    pub kind: String,
    /// The identifier, in any accepted spelling.
    pub value: String,
    /// True where the row takes its identifier off a list.
    pub removes: bool,
}

/// A row that holds an identifier.
#[derive(Clone, Debug)]
pub struct Row {
    /// The caller's number of the row.
    pub row: u64,
    /// What it holds.
    pub identifier: Identifier,
    /// True where the row takes its identifier off a list.
    pub removes: bool,
}

/// A row that was kept out. Holds no part of the row's value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("row {row}: {reason}")]
pub struct RejectedRow {
    /// The caller's number of the row.
    pub row: u64,
    /// Why.
    pub reason: RowRefusal,
}

/// Why a row was kept out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowRefusal {
    /// The value is no identifier of its type.
    #[error("the {kind} {refusal}")]
    Value {
        /// The type under which it was read.
        kind: IdentifierType,
        /// What is wrong.
        refusal: Refusal,
    },
    /// The row names no type, and there is no default.
    #[error("names no identifier type, and no default is given")]
    TypeMissing,
    /// The row names a type that does not exist.
    #[error(transparent)]
    TypeUnknown(#[from] UnknownType),
    /// The list does not hold identifiers of this type.
    #[error("the list does not accept identifiers of type {0}")]
    TypeNotAccepted(IdentifierType),
    /// No list that is asked holds identifiers of this type.
    #[error("no list that is asked accepts identifiers of type {0}")]
    TypeNotAsked(IdentifierType),
    /// The row removes an identifier that is not on the list.
    #[error("takes off an identifier that is not on the list")]
    NotListed,
}

/// How rows of one source are read.
#[derive(Clone, Debug, Default)]
pub struct RowReader {
    /// The type of rows that name none.
    pub default_type: Option<IdentifierType>,
    /// What values that do not say so mean.
    pub conventions: Conventions,
}

impl RowReader {
    /// The identifier of a row.
    pub fn read(&self, raw: &RawRow) -> Result<Row, RejectedRow> {
        let rejected = |reason| RejectedRow {
            row: raw.row,
            reason,
        };
        let kind = if raw.kind.is_empty() {
            self.default_type.ok_or(rejected(RowRefusal::TypeMissing))?
        } else {
            raw.kind
                .parse()
                .map_err(|error: UnknownType| rejected(error.into()))?
        };
        let identifier = normalize(kind, &raw.value, &self.conventions)
            .map_err(|refusal| rejected(RowRefusal::Value { kind, refusal }))?;
        Ok(Row {
            row: raw.row,
            identifier,
            removes: raw.removes,
        })
    }
}

impl std::fmt::Debug for RawRow {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("RawRow")
            .field("row", &self.row)
            .field("kind", &self.kind)
            .field("value", &"<redacted>")
            .field("removes", &self.removes)
            .finish()
    }
}
