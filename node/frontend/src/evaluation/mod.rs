//! The provider's side of a call: evaluate what other members ask, and see that it is settled.
//!
//! A request passes, in this order: room in the queue; the ledger's coming to its session; a turn; form,
//! caller, signature and points; what was answered before under the same session and sequence; the window
//! in which the ledger will settle it beside what was answered and is not final yet; the ledger's own
//! admission, on the latest state and on top of that; its charge, which must be that of its calls under the
//! agreed blinding, with the agreed padding for the rest, and must be left in the session's escrow. Then it
//! is evaluated, put onto the disk, and only then answered. The call log posts it behind the answer until it
//! is final; when the session is quiet, what it owes is collected. What the ledger says is owed for answers of
//! which the disk knows nothing is made again from the ledger.
//!
//! The same request is answered with the same bytes, however often it comes; another request under the
//! same session and sequence is refused. What is stored, sent and logged does not depend on whether an
//! identifier is listed: the provider cannot know it.

mod budgets;
mod collecting;
mod ledger_log;
mod restoring;
mod service;
mod turns;
mod unsettled;

pub use service::{EvaluationConfig, MAX_REQUEST_BYTES};

pub(crate) use ledger_log::{CallLog, PostingTimes};
pub(crate) use service::Evaluator;
