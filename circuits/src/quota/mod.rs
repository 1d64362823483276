//! Confidential quota: amounts that only their parties and the supervisor see, and a ledger that
//! nevertheless sees that nobody spends what they do not have.
//!
//! | operation | proof | who proves |
//! |---|---|---|
//! | a member registers its key | [`QuotaKeyProof`] | member |
//! | a session is opened: available to escrow | [`transfer`], [`Open`](transfer::Kind::Open) | querier |
//! | a batch is settled: escrow to the provider's pending | [`transfer`], [`Settle`](transfer::Kind::Settle) | provider |
//! | a session ends: what is left returns | none | |
//! | pending becomes available | none | |
//! | minting | none: the amount is public | |
//! | burning | [`BurnProof`] | owner |
//! | a member changes its key | [`KeyChange`] | member |
//! | somebody shows what a ciphertext holds | [`Disclosure`] | holder of a handle |
//!
//! Values are hidden in twisted ElGamal ciphertexts over ristretto255 ([`Ciphertext`]). Whoever takes
//! from a ciphertext proves that by the key that opens it; the blinding need not be known. So sums
//! of whatever arrived can be spent without being made anew, the sum of all commitments is the
//! supply without blinding ([`SupplyCheck`]), and a key opens what its member has from the state alone
//! ([`ValueTable`]).
//!
//! All proofs can be verified together, in any mixture ([`verify_batch`]).

mod account;
mod agreement;
mod burn;
mod ciphertext;
mod disclosure;
mod element;
mod equation;
mod generators;
mod key;
mod key_change;
mod labels;
mod limbs;
mod possession;
mod range;
mod sigma;
mod supply;
pub mod transfer;
mod value_table;

pub use account::{Account, AccountError, MAX_PENDING_ADDITIONS, OWNER, SUPERVISOR};
pub use agreement::SharedSecret;
pub use burn::{BurnProof, BurnStatement, WrongBurn};
pub use ciphertext::{AMOUNT_BOUND, Ciphertext, OPENING_BYTES, Opening};
pub use disclosure::{Disclosure, NotTheValue, WrongDisclosure};
pub use element::{ELEMENT_BYTES, Element, EncodingError};
pub use equation::{Equation, WrongProofs, verify_batch};
pub use generators::{blinding_generator, value_generator};
pub use key::{QuotaKey, QuotaPublicKey};
pub use key_change::{KeyChange, KeyChangeStatement, WrongKeyChange};
pub use possession::{QUOTA_KEY_PROOF_BYTES, QuotaKeyProof, WrongQuotaKeyProof};
pub use supply::SupplyCheck;
pub use value_table::ValueTable;
