//! From a block's transactions to the next state.
//!
//! | file | content |
//! |---|---|
//! | `ledger` | the state machine of one chain, and what consensus reads from its state |
//! | `store` | the authenticated store under the state |
//! | `sync` | its operations on the wire to a joining node |
//! | `run` | executes a block's transactions over a batch of the store |
//! | `application` | the ledger as consensus sees it |
//! | `checks`, `speculation` | what is remembered about transactions and blocks before they are final |

mod application;
mod checks;
mod core;
pub(crate) mod ledger;
mod run;
mod speculation;
pub(crate) mod store;
pub(crate) mod sync;

pub(crate) use application::LedgerApplication;
pub(crate) use core::Core;
