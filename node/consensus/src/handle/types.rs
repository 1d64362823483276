//! What is asked of the ledger and answered.

use crate::mempool::AdmissionError;
use bytes::Bytes;
use tacit_finality::{Finalization, Header};
use tacit_ledger::kernel::{BlockResult, ChainId, TxResult};
use thiserror::Error;

/// A finalized block and what came of it.
#[derive(Clone, Debug)]
pub struct FinalizedBlock {
    /// The header.
    pub header: Header,
    /// The certificate over this very block. A block may instead be final through one after it, as
    /// [`prove_block`](super::LedgerHandle::prove_block) shows.
    pub finalization: Option<Finalization>,
    /// The canonical bytes of each transaction's envelope, in order.
    pub envelopes: Vec<Bytes>,
    /// What the block did by itself, then the result of each transaction, in order.
    pub results: Vec<BlockResult>,
}

/// A transaction that is final.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinalTransaction {
    /// The height of its block.
    pub height: u64,
    /// Its position among the block's transactions, counted from zero.
    pub index: u32,
    /// Its outcome and events.
    pub result: TxResult,
}

/// How a node stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The network's id.
    pub chain_id: ChainId,
    /// Height of the newest finalized block that the node executed.
    pub height: u64,
    /// That block's time, in milliseconds since the Unix epoch.
    pub time_ms: u64,
    /// The epoch of that block.
    pub epoch: u64,
    /// The view in which that block was proposed.
    pub view: u64,
    /// Height of the newest block of which the node holds a certificate, executed or not.
    pub certified_height: u64,
    /// Whether the node validates in the current epoch.
    pub validator: bool,
    /// Number of validators in the current epoch.
    pub validators: u32,
    /// Whether the node is still downloading state.
    pub syncing: bool,
    /// Transactions that wait.
    pub waiting_transactions: u64,
    /// Their bytes.
    pub waiting_bytes: u64,
}

/// Why a question has no answer.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum LedgerError {
    /// The node is stopping.
    #[error("the node is stopping")]
    Stopped,
    /// There is no such transaction or value.
    #[error("the ledger holds no such {what}")]
    NotFound {
        /// What was asked for.
        what: &'static str,
    },
    /// More than is proven at a time.
    #[error("{asked} values are more than the {most} that are proven at a time")]
    TooMany {
        /// How many were asked for.
        asked: usize,
        /// How many may be.
        most: usize,
    },
    /// The block is not final yet.
    #[error("the block at height {height} is not final yet")]
    NotYet {
        /// The height that was asked for.
        height: u64,
    },
    /// The block is older than what this node keeps.
    #[error("this node no longer keeps the block at height {height}; its oldest is {oldest}")]
    Pruned {
        /// The height that was asked for.
        height: u64,
        /// The oldest height that this node keeps with its results.
        oldest: u64,
    },
    /// The node holds no certificate for the block or one after it.
    #[error("this node holds no certificate that covers the block at height {height}")]
    NoCertificate {
        /// The height that was asked for.
        height: u64,
    },
}

/// Why a submitted transaction did not become final.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SubmitError {
    /// It was not admitted.
    #[error(transparent)]
    Admission(#[from] AdmissionError),
    /// Its expiry height passed without it.
    #[error("its expiry height passed before a block held it; sign it again with a later one")]
    Expired,
    /// The node is stopping; whether the transaction becomes final is open.
    #[error("the node is stopping; ask again for the transaction when it is back")]
    Stopped,
}
