//! What the circuit is put together from. Each gadget lays down constraints and the values that
//! satisfy them in one go, so that set-up and proving follow one description.

mod bits;
mod builder;
mod curve;
mod poseidon2;
mod tree;

pub(super) use builder::{Builder, Linear};
pub(super) use curve::{DIGITS, Multiplier};
