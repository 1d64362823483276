//! Typed columns.

use sqlx::{Row, any::AnyRow};

/// Why a column does not hold what it should.
#[derive(Debug, thiserror::Error)]
pub enum ColumnError {
    /// It is not there, or of another type.
    #[error(transparent)]
    Type(#[from] sqlx::Error),
    /// Its value is out of range: someone else wrote it, or the disk lies.
    #[error("column {0} holds a value that was never written; restore the database from a backup")]
    Value(String),
}

/// Reads columns by name.
pub trait Columns {
    /// A number of at most 63 bits.
    fn number(&self, column: &str) -> Result<u64, ColumnError>;
    /// A number of at most 32 bits.
    fn number_32(&self, column: &str) -> Result<u32, ColumnError>;
    /// A number that may be absent.
    fn optional_number(&self, column: &str) -> Result<Option<u64>, ColumnError>;
    /// The 64 bits of a number that was written as they are.
    fn bits(&self, column: &str) -> Result<u64, ColumnError>;
    /// A number with a sign.
    fn signed(&self, column: &str) -> Result<i64, ColumnError>;
    /// Bytes.
    fn bytes(&self, column: &str) -> Result<Vec<u8>, ColumnError>;
    /// Exactly `N` bytes.
    fn array<const N: usize>(&self, column: &str) -> Result<[u8; N], ColumnError>;
    /// Exactly `N` bytes that may be absent.
    fn optional_array<const N: usize>(&self, column: &str) -> Result<Option<[u8; N]>, ColumnError>;
    /// A text.
    fn text(&self, column: &str) -> Result<String, ColumnError>;
}

impl Columns for AnyRow {
    fn number(&self, column: &str) -> Result<u64, ColumnError> {
        u64::try_from(self.signed(column)?).map_err(|_| ColumnError::Value(column.into()))
    }

    fn number_32(&self, column: &str) -> Result<u32, ColumnError> {
        u32::try_from(self.signed(column)?).map_err(|_| ColumnError::Value(column.into()))
    }

    fn optional_number(&self, column: &str) -> Result<Option<u64>, ColumnError> {
        let number: Option<i64> = self.try_get(column)?;
        number
            .map(u64::try_from)
            .transpose()
            .map_err(|_| ColumnError::Value(column.into()))
    }

    fn bits(&self, column: &str) -> Result<u64, ColumnError> {
        Ok(self.signed(column)? as u64)
    }

    fn signed(&self, column: &str) -> Result<i64, ColumnError> {
        Ok(self.try_get(column)?)
    }

    fn bytes(&self, column: &str) -> Result<Vec<u8>, ColumnError> {
        Ok(self.try_get(column)?)
    }

    fn array<const N: usize>(&self, column: &str) -> Result<[u8; N], ColumnError> {
        self.bytes(column)?
            .try_into()
            .map_err(|_| ColumnError::Value(column.into()))
    }

    fn optional_array<const N: usize>(&self, column: &str) -> Result<Option<[u8; N]>, ColumnError> {
        let bytes: Option<Vec<u8>> = self.try_get(column)?;
        let array = bytes.map(<[u8; N]>::try_from).transpose();
        array.map_err(|_| ColumnError::Value(column.into()))
    }

    fn text(&self, column: &str) -> Result<String, ColumnError> {
        Ok(self.try_get(column)?)
    }
}
