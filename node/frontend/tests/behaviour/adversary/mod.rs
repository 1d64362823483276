//! What dishonest members send, and what each gets.

mod flood;
mod provider;
mod querier;
mod window;

use tacit_circuits::curve::WirePoint;

pub(crate) use querier::Querier;

/// The encoding of the neutral element.
fn identity() -> WirePoint {
    let mut bytes = [0; 64];
    bytes[32] = 1;
    WirePoint(bytes)
}
