//! The shipped state machine over a map, and what its members sign.

pub(crate) mod cache;
mod calls;
mod chain;
mod disputes;
mod founders;
mod lists;
mod quota;
mod receipts;
mod samples;
mod sampling;
mod supervision;
mod votes;

pub(crate) use calls::*;
pub(crate) use chain::*;
pub(crate) use disputes::*;
pub(crate) use founders::*;
pub(crate) use lists::*;
pub(crate) use quota::*;
pub(crate) use receipts::*;
pub(crate) use samples::*;
pub(crate) use sampling::*;
pub(crate) use supervision::*;
pub(crate) use votes::*;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use tacit_ledger::kernel::{BoundedVec, Text};

/// Randomness that every run of the tests draws alike.
pub(crate) fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// A text that is well formed.
pub(crate) fn text<const MAX: usize>(text: &str) -> Text<MAX> {
    Text::new(text).expect("a well-formed text")
}

/// A vector that fits.
pub(crate) fn bounded<T, const MAX: usize>(items: Vec<T>) -> BoundedVec<T, MAX> {
    BoundedVec::try_from(items).unwrap_or_else(|error| panic!("{error}"))
}
