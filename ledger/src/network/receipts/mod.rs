//! Receipts: proofs that a subject was clear on lists, for one context.
//!
//! A receipt is a zero-knowledge proof that the identifier hidden in a commitment, of a type, was not on
//! a version of a list, as the submitting member asked its owner; see [`tacit_circuits::receipt`]. A
//! [`ReceiptSet`] holds those of one subject for one [`ReceiptContext`]. The ledger builds every
//! statement itself, always with the answer "not listed": nothing else can be shown to it.
//!
//! | Module | Content |
//! |---|---|
//! | [`context`] | what a set is made for, and the hash that its proofs are bound to |
//! | [`set`] | what travels |
//! | [`answer`] | from facts to the statement that a proof shows |
//! | [`mod@examine`] | whether a set holds by a state: pure functions over a view |
//! | `verifier` | the prepared verifying key |

pub mod answer;
pub mod context;
pub mod examine;
pub mod set;
pub(crate) mod verifier;

pub use answer::Answer;
pub use context::{ObjectId, Purpose, PurposeError, ReceiptContext};
pub use examine::{Examined, examine};
pub use set::{Receipt, ReceiptSet};
