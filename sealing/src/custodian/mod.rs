//! The custodian: somebody outside the member's own systems who can open what the member keeps, so that a member
//! which lost its database, or hides it, can still be examined.
//!
//! A custodian has one key pair for each retention period, and not one for all of them: what it holds must end
//! when the records do, and a single key that opens everything could not be destroyed before the last period is
//! over. It makes the keys ahead, publishes the public ones in one file, and destroys each private one in its
//! time. They are independent of each other, so that the destruction of one leaves nothing to compute it from.

mod copies;
mod keys;

pub use copies::{Copies, CopiesError, Copy, MAX_COPIES_BYTES, seal_copy};
pub use keys::{CustodianKeys, KeysError, MAX_KEYS_BYTES, read_private, write_private};
