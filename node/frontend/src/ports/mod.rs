//! What the front end needs from the rest of its node, as traits.
//!
//! In production [`Ledger`] stands over the consensus driver and [`Peers`] over mTLS connections; in tests
//! both stand over a state machine and channels in the same process. Nothing else of the node is seen here.

mod habits;
mod ledger;
mod peers;

pub use ledger::{
    Applied, BatchPlace, FinalizedBlock, FinalizedEvent, Ledger, LedgerError, SettledBatch, read,
};
pub use peers::{PeerIdentity, Peers, PeersError};

pub(crate) use habits::Habits;
