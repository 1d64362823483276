//! Which validators decide, epoch by epoch.
//!
//! The last block of an epoch names the validators of the next one, so its header and certificate are
//! a *hand-over*: whoever trusts one epoch's validators learns the next. Every node keeps all
//! hand-overs, and gives them to joining nodes, which follow them from genesis before they download
//! state.
//!
//! | file | content |
//! |---|---|
//! | `committees` | the validators of each epoch, for whoever verifies votes |
//! | `handovers` | keeps hand-overs, serves them, and asks for those it lacks |
//! | `manager` | runs one consensus engine per epoch |

mod committees;
mod handovers;
mod manager;

pub(crate) use committees::Committees;
pub(crate) use handovers::{HandoverMailbox, Handovers, MAX_HANDOVER_MESSAGE};
pub(crate) use manager::{BlockReporter, EpochManager, Marshal, finalized_blocks};
