//! The beacon, and the entries that it draws of lists.

mod beacon;
mod proofs;
