//! The ledger driver: agreement, execution and storage of blocks.
//!
//! It runs the deterministic ledger behind an existing Byzantine agreement engine and an existing
//! authenticated store, and offers the result as a [`LedgerHandle`] that any thread may use.
//!
//! | module | content |
//! |---|---|
//! | [`block`] | what is agreed on |
//! | `mempool` | transactions on their way into a block, within bounds |
//! | `execution` | from a block's transactions to the next state |
//! | `epochs` | which validators decide, and how a joining node learns of them |
//! | `engine` | puts a node together, over any runtime and network |
//! | `network` | the channels between nodes, and who the peers are |
//! | `archive` | outcomes and events by height and by transaction |
//! | `handle` | how the rest of a node reaches the ledger |
//!
//! This crate and `tacit-finality` alone name the engine's crates.

pub mod block;
pub mod engine;

mod archive;
mod config;
mod epochs;
mod execution;
mod handle;
mod key;
mod mempool;
mod network;
mod pacing;
mod runtime;
mod spawn;
mod transaction;

pub use config::{Retention, Timing};
pub use engine::Start;
pub use handle::{
    FinalTransaction, FinalizedBlock, FinalizedStream, LedgerError, LedgerHandle, StateReader,
    Status, SubmitError,
};
pub use key::NodeKey;
pub use mempool::{
    AdmissionError, MAX_POOL_BYTES, MAX_POOL_BYTES_PER_SENDER, MAX_POOL_TRANSACTIONS_PER_SENDER,
};
pub use network::Peer;
pub use pacing::{MAX_DRIFT_MS, MAX_STEP_MS, Pacing};
pub use runtime::Runtime;
pub use spawn::{NodeConfig, NodeFailed, RunningNode, spawn};
