//! The account of privileged reads: who looked at the records, when, at which of them, and what came of it.
//!
//! A read is recorded before it begins, and is refused where that fails; how it ended is a second entry. Each entry
//! has a digest under a key of the node, over its fields and the digest before it. What is altered, removed or
//! inserted without that key shows, and is named. Whoever holds the key could write another account: that shows to
//! whoever noted a digest elsewhere, so each goes into the node's log, and people can note the one that they were
//! shown.
//!
//! | file | content |
//! |---|---|
//! | `account` | the table: entries are added and read |
//! | `chain` | digests, and what they show |

mod account;
mod chain;

pub use account::{Reader, Reads, ReadsError, Verified};
pub use chain::{Entry, Fault};
