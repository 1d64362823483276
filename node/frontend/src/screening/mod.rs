//! The querier's side of a call: from rows to proven answers.
//!
//! Per list, in batches of at most [`MAX_CALLS`](tacit_ledger::network::request::MAX_CALLS) rows, several
//! batches at a time: a place in a session is reserved, the identifiers are blinded on all cores, the
//! request is signed and **put onto the disk before it is sent**, the provider evaluates, the proof is
//! verified against the ledger's key, the tags are made and looked up in this member's own verified copy of
//! the list. Rows come as a stream and answers leave as one; what is between them is bounded, whatever the
//! number of rows.
//!
//! A list that cannot be asked, a provider that is down, slow or dishonest, and a session that cannot be
//! opened are reported per list, and what was not answered is not charged. A request whose answer was lost
//! stays on the disk until the ledger tells what became of it; answered calls that the provider does not
//! post are posted by this member, after a while.

mod answer;
mod ask;
mod engine;
mod follow_up;
mod own_records;
mod plan;
mod run;
mod sessions;
mod tally;

pub use answer::{
    Answer, Batch, CallsFinal, ListAnswers, ListTotals, RowAnswer, ScreenEvent, Summary,
    Unreachable,
};
pub use engine::{Rows, ScreenError, ScreenRequest, Screening, ScreeningConfig};
pub use own_records::{OwnAnswer, OwnRecords};
pub use plan::{Plan, PlannedList, Targets};
pub use sessions::SessionConfig;

pub(crate) use engine::Engine;
pub(crate) use follow_up::FollowUp;
pub(crate) use sessions::Sessions;
