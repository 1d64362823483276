//! The deterministic state machine: kernel and risk network.
//!
//! The same transactions over the same state give the same writes, outcomes and events on every
//! machine. Nothing here opens a file or a socket, asks a clock or draws randomness: time comes with
//! the block, state through [`kernel::StateView`], and what is not there yet stops a call with
//! [`kernel::Missing`] and no effect, so that a driver can fetch it and call again.
//!
//! - [`kernel`]: envelope, canonical codec, state access and keys, refusals, events, dispatch, parties,
//!   business date, due work, results and their proofs. It knows no business.
//! - [`network`]: the risk network: members and votes, lists and publications, sessions, calls, quota.
//!
//! Other business ledgers join through [`kernel::Registry`] with one line each.

pub mod kernel;
pub mod network;
