//! The receipt circuit, its native twin, its prover and its verifier.

mod agreement;
mod attacks;
#[path = "../common/mod.rs"]
mod common;
mod exports;
mod fingerprint;
mod keys;
mod proofs;
mod system;
mod variables;
mod violations;
mod world;
