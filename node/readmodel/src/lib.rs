//! Finalized blocks as SQL rows: what people filter, export and report on.
//!
//! The ledger keeps records, the latest of each; what happened stands in its events. This crate writes the
//! events of each finalized block into tables, for all members alike, and answers the questions of an
//! explorer and of a member's own history from them. Nothing here is secret beyond the ledger itself:
//! whom a question was about, and its answer, are the front end's records. Amounts that the ledger holds
//! sealed are sealed here too, and added up so: who has a key opens the sum (see [`Amount`]).
//!
//! A block is applied once, in one SQL transaction with the position, so the process may end at any
//! moment: the feeder asks for [`ReadModel::position`] and goes on from the block after it. Several
//! processes may feed one PostgreSQL database; each block is written by whoever comes first.
//!
//! Rows of a former network are not carried over. A schema is brought up to date in place, and keeps what
//! older rows say; but every network names itself by its genesis, and rows of another are refused. What is
//! missing is made again from the blocks, by emptying the tables.
//!
//! SQLite by default, PostgreSQL by configuration, one set of statements (see [`tacit_database`]).
//!
//! | file | content |
//! |---|---|
//! | `amount` | public and sealed amounts, and what opens |
//! | `block` | what a block brings |
//! | `describe` | actions and events in words and JSON |
//! | `rows` | a block as rows, without a database |
//! | `model` | opening, position, applying |
//! | `query` | blocks, transactions, history, movements of quota and their sums, alarms |

mod amount;
mod block;
mod describe;
mod error;
mod model;
mod query;
mod rows;

pub use amount::Amount;
pub use block::{Block, BlockHeader};
pub use describe::{EventText, action_name, describe_event};
pub use error::ReadModelError;
pub use model::{Gap, Position, ReadModel};
pub use query::{
    Alarm, BlockRow, CallBatch, Direction, EventRow, History, HistoryFilter, Holdings, KeyChange,
    LoggedBatch, MAX_LISTED, Movement, MovementFilter, Movements, Period, QuotaStatement,
    QuotaSums, TransactionRow, UncollectedBatch,
};
pub use tacit_ledger::network::movement::MovementKind;
