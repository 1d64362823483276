//! What can go wrong.

use tacit_database::{ColumnError, OpenError};
use tacit_ledger::kernel::ChainId;

/// Why the read model did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum ReadModelError {
    /// The database cannot be used.
    #[error("the read model's database cannot be opened")]
    Open(#[from] OpenError),
    /// The database refused a statement.
    #[error("the read model's database failed")]
    Database(#[from] sqlx::Error),
    /// A column holds what was never written.
    #[error(
        "the read model's database is damaged; empty its tables, and it fills again from the ledger"
    )]
    Damaged(#[from] ColumnError),
    /// The rows are those of another network.
    #[error(
        "the read model's database belongs to chain {found}, this node to {expected}; name another database_url"
    )]
    OtherChain {
        /// Chain of this node.
        expected: ChainId,
        /// Chain of the rows.
        found: ChainId,
    },
    /// The genesis has no readable part of the risk network.
    #[error("the genesis has no readable part of the risk network")]
    Genesis,
    /// Blocks between are missing: apply them first, or pass over them.
    #[error("the read model stands at height {position} and was given the block at {given}")]
    OutOfOrder {
        /// Last height that stands in the rows.
        position: u64,
        /// Height of the block.
        given: u64,
    },
    /// The block is not the one that stands in the rows at its height, or does not follow it.
    #[error(
        "the block at height {height} contradicts the read model: its rows are of another history; empty its tables"
    )]
    Contradiction {
        /// Height of the block.
        height: u64,
    },
    /// The block's parts do not fit each other, or do not decode.
    #[error("the block at height {height} cannot be read: {what}")]
    Unreadable {
        /// Height of the block.
        height: u64,
        /// What does not decode or fit.
        what: &'static str,
    },
}
