//! Receipts: answers of this member that others can rely on.

mod network_log;

pub use network_log::{AppendError, NetworkLog};
