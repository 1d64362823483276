//! Everything that proves or hides: curve, blind evaluation, identifiers, lists, the log, receipts,
//! the ceremony that makes their keys, and confidential quota.
//!
//! Pure and synchronous: no clock, no files, no network, and randomness is always an argument.
//! Arithmetic in bulk runs on all cores.

pub mod ceremony;
pub mod curve;
mod endomorphism;
pub mod identifier;
pub mod list;
pub mod log;
mod merkle;
pub mod oprf;
pub mod quota;
pub mod receipt;
pub mod scope;
