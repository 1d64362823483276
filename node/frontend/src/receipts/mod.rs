//! Receipts: answers of this member that others can rely on without learning whom they are about.
//!
//! ```text
//!   own records of a call ──┐
//!   the network's log ──────┼──► witness ──► prover ──► receipt set ──► ledger
//!   copy of the list ───────┘
//! ```

mod create;
mod network_log;
mod proving_key;

use std::sync::Arc;

use arc_swap::ArcSwapOption;

pub use create::{CallName, CreateError, LoggedCall, Receipts, Subject};
pub use network_log::{AppendError, NetworkLog};
pub use proving_key::{KeySource, ProverError, ProverSlot};

/// The network's log as it is now; nothing until it has been opened.
pub type SharedLog = Arc<ArcSwapOption<NetworkLog>>;
