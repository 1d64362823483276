//! Blind evaluation: a tag for an identifier, under a key that only the list's owner has, without
//! the owner seeing the identifier and without the querier having to trust the owner's answer.
//!
//! | step | who | function |
//! |---|---|---|
//! | `B = r·H` | querier | [`blind()`] |
//! | `Z = k·B`, and a proof over the batch | provider | [`evaluate()`] |
//! | the proof holds against the ledger's `K` | everyone | [`verify()`] |
//! | `N = r⁻¹·Z`, the tag | querier | [`finalize()`], which verifies first |
//! | the tags of own entries | owner | [`tag_batch`] |
//!
//! The construction is the verifiable OPRF of RFC 9497 on Jubjub, with the deviations that
//! [`hash_to_curve`] and the proof's module state.

mod blind;
mod dleq;
mod evaluate;
mod finalize;
mod input;
mod key;
mod labels;
mod padding;
mod possession;
mod split;

pub use blind::{Blind, BlindState, NoBlind, blind, blind_entries};
pub use dleq::{DLEQ_PROOF_BYTES, Proof as DleqProof, ProofNotCanonical};
pub use evaluate::{EvaluationContext, EvaluationError, MAX_BATCH, evaluate, verify};
pub use finalize::{ENTRY_BYTES, Entry, FinalizeError, NoEntry, OwnTagError, finalize, tag_batch};
pub use input::{HashesToSmallOrder, Input, hash_to_curve};
pub use key::{KeyError, ListKey, PublicKey};
pub use padding::padding_calls;
pub use possession::{KEY_PROOF_BYTES, KeyContext, KeyProof, WrongKeyProof};
pub use split::{Half, SPLIT_BITS, Split};
