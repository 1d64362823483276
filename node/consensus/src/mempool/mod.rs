//! Transactions on their way into a block.
//!
//! [`pool`] holds what waits, within bounds; [`admission`] checks what comes in, from this node's
//! own callers and from peers, in batches and away from consensus.

mod admission;
mod pool;

pub use admission::AdmissionError;
pub(crate) use admission::{Admission, AdmissionMailbox, MAX_GOSSIP_BYTES};
pub(crate) use pool::Pool;
pub use pool::{MAX_POOL_BYTES, MAX_POOL_BYTES_PER_SENDER, MAX_POOL_TRANSACTIONS_PER_SENDER};
