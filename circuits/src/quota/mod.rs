//! Confidential quota.
mod ciphertext;
mod element;
mod equation;
mod generators;
mod key;
mod labels;
mod limbs;
mod possession;
mod range;
mod sigma;
pub mod transfer;

pub use ciphertext::{Ciphertext, OPENING_BYTES, Opening};
pub use element::{ELEMENT_BYTES, Element, EncodingError};
pub use equation::{Equation, WrongProofs, verify_batch};
pub use generators::{blinding_generator, value_generator};
pub use key::{QuotaKey, QuotaPublicKey};
pub use possession::{QUOTA_KEY_PROOF_BYTES, QuotaKeyProof, WrongQuotaKeyProof};
