//! What every business ledger stands on and none owns.
//!
//! | Module | Content |
//! |---|---|
//! | [`codec`] | the one encoding: borsh, exact, with bounded vectors and texts |
//! | [`hash`] | BLAKE3 with a label per use |
//! | [`envelope`] | signed transactions |
//! | [`state`] | reading state that may not be there yet; keys |
//! | [`reject`] | refusals with permanent numbers |
//! | [`event`] | what happened, typed by the module that says it |
//! | [`module`] | the trait of a business ledger, and the registry |
//! | [`party`] | who may sign, and in which role |
//! | [`clock`] | block time and business date |
//! | [`due`] | work that a height brings, bounded per block |
//! | [`machine`] | executes blocks |
//! | [`results`] | commits to outcomes and events, and proves them |

pub mod clock;
pub mod codec;
pub mod context;
pub mod due;
pub mod envelope;
pub mod event;
pub mod genesis;
pub mod hash;
pub mod keys;
pub mod machine;
pub mod module;
pub mod party;
pub mod reject;
pub mod results;
pub mod signatures;
pub mod state;

pub use clock::{BusinessDate, Clock};
pub use codec::{BoundedVec, Bytes, CodecError, Text, decode, encode};
pub use context::{Context, Stop};
pub use envelope::{Envelope, Signature, TxId};
pub use event::Event;
pub use genesis::{ChainId, Genesis, GenesisError};
pub use hash::Digest;
pub use machine::{BlockContext, BlockRun, Execution, Machine};
pub use module::{Module, ModuleId, Registry};
pub use party::{LedgerKey, Party, PartyStatus, Role};
pub use reject::{Reject, RejectInfo};
pub use results::{BlockResult, Outcome, ResultProof, TxResult};
pub use state::{Checked, Missing, StateKey, StateView, Supplied, Table, Writes};
pub use tacit_circuits::scope::MemberId;
