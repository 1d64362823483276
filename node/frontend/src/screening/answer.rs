//! What a screening says.

use std::fmt;

use tacit_circuits::scope::{ListId, ListVersion, MemberId};
use tacit_ledger::kernel::TxId;
use tacit_ledger::network::SessionId;

use super::plan::Plan;
use crate::peer::PeerError;
use crate::ports::LedgerError;
use crate::rows::RejectedRow;

/// The answer of one list to one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// An allegation of the list's owner: it leads to a human's review.
    Hit,
    /// The version holds no entry for this identifier: no certificate of good standing.
    Clear,
}

/// Why a list did not answer. Nothing is charged for what was not evaluated; a provider that evaluated a
/// request and whose answer was lost or late may still settle it, by publishing the answer, and is paid
/// for that.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Unreachable {
    /// There is no verified copy of the list's version in force here yet.
    #[error("no verified copy of the list is here yet; it is being fetched")]
    NoCopy,
    /// The list's category takes no new sessions.
    #[error("the list's category is retired")]
    Retired,
    /// No session could be opened.
    #[error("no session with the list: {0}")]
    NoSession(#[source] LedgerError),
    /// There is too little quota for a session.
    #[error(
        "no session with the list: {needed_minor} minor units of quota are needed, and {available_minor} are there"
    )]
    NoQuota {
        /// What is needed.
        needed_minor: u64,
        /// What there is.
        available_minor: u64,
    },
    /// The provider did not answer, refused, or broke the protocol.
    #[error(transparent)]
    Peer(PeerError),
    /// The provider did not answer a moment ago, and is not asked again yet.
    #[error("the provider did not answer a moment ago: {0}")]
    Down(#[source] PeerError),
    /// The calls would cost more than the caller allows.
    #[error("the calls would cost more than the limit that was given")]
    CostLimit,
    /// This member's own front end failed, or does not hold what it would have to search.
    #[error("this front end: {0}")]
    Local(String),
}

/// The answer to one row.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RowAnswer {
    /// The caller's number of the row.
    pub row: u64,
    /// The call's place in its batch.
    pub index: u32,
    /// What the list says.
    pub answer: Answer,
}

/// Says which row it is, and not the answer: what is printed may be logged.
impl fmt::Debug for RowAnswer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RowAnswer")
            .field("row", &self.row)
            .field("index", &self.index)
            .field("answer", &"<redacted>")
            .finish()
    }
}

/// Answers of one list to some rows, or why there are none.
#[derive(Clone, Debug)]
pub struct ListAnswers {
    /// The list.
    pub list: ListId,
    /// Its owner.
    pub provider: MemberId,
    /// What it says.
    pub outcome: Result<Batch, (Unreachable, Vec<u64>)>,
}

/// Verified answers of one batch.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The version that was searched.
    pub version: ListVersion,
    /// The session in which the calls stand.
    pub session: SessionId,
    /// The batch's number within the session.
    pub sequence: u64,
    /// What the batch costs, in minor units.
    pub cost_minor: u64,
    /// The answers, in the order of the calls.
    pub rows: Vec<RowAnswer>,
}

/// A batch became final on the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallsFinal {
    /// The session.
    pub session: SessionId,
    /// The batch's number within the session.
    pub sequence: u64,
    /// Height of its block; where the event was missed, that at which it was found to be final.
    pub height: u64,
    /// Its transaction; absent where the event was missed.
    pub tx_id: Option<TxId>,
    /// What it cost, in minor units.
    pub charge_minor: u64,
}

/// Answers of one list, counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ListTotals {
    /// Hits.
    pub hits: u64,
    /// Clears.
    pub clears: u64,
    /// Rows that it did not answer.
    pub unreachable: u64,
    /// What its answers cost, in minor units.
    pub cost_minor: u64,
}

/// A screening, counted.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Summary {
    /// Rows read.
    pub rows: u64,
    /// Rows that were not asked.
    pub rows_malformed: u64,
    /// Rows with at least one hit.
    pub rows_hit: u64,
    /// Rows that every list that takes their type answered, all of them clear.
    pub rows_clear: u64,
    /// Rows that at least one list that takes their type did not answer.
    pub rows_incomplete: u64,
    /// Calls answered.
    pub calls: u64,
    /// What they cost, in minor units.
    pub cost_minor: u64,
    /// Per list, in the order of the plan.
    pub lists: Vec<(ListId, ListTotals)>,
    /// How long it took until the last answer, in milliseconds.
    pub elapsed_ms: u64,
}

/// What a screening says, as it goes.
#[derive(Clone, Debug)]
pub enum ScreenEvent {
    /// First: what will be asked.
    Plan(Plan),
    /// Rows that are not asked at all.
    Malformed(Vec<RejectedRow>),
    /// Answers of a list. In any order.
    Answers(ListAnswers),
    /// After the last answer.
    Summary(Summary),
    /// Where finality is waited for: after the summary, a batch that became final.
    Final(CallsFinal),
}
