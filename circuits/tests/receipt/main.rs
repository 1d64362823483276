//! The receipt circuit, its native twin, its prover and its verifier.

mod agreement;
#[path = "../common/mod.rs"]
mod common;
mod proofs;
mod system;
mod world;
