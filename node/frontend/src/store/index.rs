//! Keyed hashes by which sealed values are found.
//!
//! A row is found by the first 64 bits of BLAKE3 under a key derived from the master key, over the name of the
//! column and the value. Whoever copies the database without the key sees which rows share a value, and how many
//! do, and not what it is: nothing can be tried out without the key. A hash that meets another by chance is sorted
//! out by whoever opens the row.

use std::fmt;

use tacit_ledger::network::audit::AuditContext;
use zeroize::Zeroizing;

use super::seal::MasterKey;

/// Label under which the key is derived from the master key.
const INDEX_LABEL: &str = "tacit v1 frontend store index key";

/// Makes the hashes.
pub(crate) struct Indexer(Zeroizing<[u8; 32]>);

impl Indexer {
    pub(super) fn new(master: &MasterKey) -> Self {
        Self(master.derive(INDEX_LABEL))
    }

    /// The hash of a value of a column.
    pub(super) fn of(&self, column: IndexedColumn, value: &str) -> i64 {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        // The name has a fixed length for each column, so that no two inputs are the same bytes.
        hasher.update(&[column as u8]);
        hasher.update(value.as_bytes());
        let mut first = [0; 8];
        first.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
        i64::from_be_bytes(first)
    }

    /// The hash of a call's name: session, sequence, place. All of it, since nothing is opened to sort out others.
    pub(super) fn of_call(&self, (session, sequence, place): (u64, u64, u32)) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(&[IndexedColumn::Call as u8]);
        hasher.update(&session.to_be_bytes());
        hasher.update(&sequence.to_be_bytes());
        hasher.update(&place.to_be_bytes());
        hasher.finalize().into()
    }

    /// The hashes of operator, purpose and case.
    pub(super) fn of_context(&self, context: &AuditContext) -> [i64; 3] {
        [
            self.of(IndexedColumn::Operator, &context.operator),
            self.of(IndexedColumn::Purpose, &context.purpose),
            self.of(IndexedColumn::Case, &context.case_reference),
        ]
    }
}

/// Columns that are found by a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IndexedColumn {
    Operator = 1,
    Purpose = 2,
    Case = 3,
    Call = 4,
}

impl fmt::Debug for Indexer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Indexer(<redacted>)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_depends_on_key_column_and_value() {
        let master = MasterKey::from_bytes([7; 32]);
        let (indexer, same) = (Indexer::new(&master), Indexer::new(&master));
        let case = indexer.of(IndexedColumn::Case, "LOAN-1");
        assert_eq!(case, same.of(IndexedColumn::Case, "LOAN-1"));
        assert_ne!(case, indexer.of(IndexedColumn::Case, "LOAN-2"));
        assert_ne!(case, indexer.of(IndexedColumn::Operator, "LOAN-1"));
        let other = Indexer::new(&MasterKey::from_bytes([8; 32]));
        assert_ne!(case, other.of(IndexedColumn::Case, "LOAN-1"));
        let call = indexer.of_call((1, 2, 3));
        assert_eq!(call, same.of_call((1, 2, 3)));
        for another in [(0, 2, 3), (1, 0, 3), (1, 2, 0)] {
            assert_ne!(call, indexer.of_call(another));
        }
        assert_ne!(call, other.of_call((1, 2, 3)));
        assert_eq!(format!("{indexer:?}"), "Indexer(<redacted>)");
    }
}
