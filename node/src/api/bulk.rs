//! Screenings of many rows wait for a second person, where the rules say so.
//!
//! An approval is for exactly the rows that were shown when it was asked for: the header names the digest of each
//! message that will follow, and a message is asked only if it is the next of them. So nothing has to be kept back
//! until the last row is there, and no row is asked that nobody approved.

use std::sync::Arc;
use std::vec;

use tacit_proto::{operator as proto, rows_digest};

use super::error::ApiError;
use super::{Caller, Operator};
use crate::approvals::{ALLOWANCE_HOURS, Approvals, Kind};

/// What lets the rows of one screening through.
pub(super) enum Leave {
    /// There is no limit.
    NoLimit,
    /// What the operator has left, from which each message takes.
    Allowance {
        desk: Arc<Approvals>,
        operator: String,
        limit: u64,
    },
    /// A second person's approval.
    Approved {
        /// Who.
        by: String,
        /// Rows that may still come: the approver was told how many.
        rows: u64,
        /// Digests of the messages that may still come.
        messages: vec::IntoIter<Vec<u8>>,
    },
}

impl Leave {
    /// Who approved; empty where nobody had to.
    pub(super) fn approver(&self) -> &str {
        match self {
            Self::Approved { by, .. } => by,
            Self::NoLimit | Self::Allowance { .. } => "",
        }
    }

    /// Lets the rows of the next message through.
    pub(super) async fn for_rows(&mut self, rows: &[proto::ScreenRow]) -> Result<(), ApiError> {
        match self {
            Self::NoLimit => Ok(()),
            Self::Allowance {
                desk,
                operator,
                limit,
            } => {
                let taken = desk.allowance().take(operator, rows.len() as u64, *limit);
                if taken.await? {
                    return Ok(());
                }
                Err(unannounced(*limit))
            }
            Self::Approved {
                rows: left,
                messages,
                ..
            } => {
                let next = messages.next();
                let after = left.checked_sub(rows.len() as u64);
                if let Some(after) = after
                    && next.is_some_and(|next| next == rows_digest(rows))
                {
                    *left = after;
                    return Ok(());
                }
                Err(ApiError::caller(
                    "rows-not-approved",
                    "these rows are not those that were approved",
                    "Has the file changed? Run the command without --approval to ask for an approval of what it \
                     holds now.",
                ))
            }
        }
    }
}

impl Operator {
    /// What lets a screening's rows through; asks for an approval where they need one that nobody gave.
    pub(super) async fn leave(
        &self,
        caller: &Caller,
        header: &proto::ScreenHeader,
    ) -> Result<Leave, ApiError> {
        let desk = &self.records.approvals;
        if header.approval.is_none() {
            let Some(limit) = self.records.listed.rules().bulk_limit_rows else {
                return Ok(Leave::NoLimit);
            };
            let rows = header.rows_expected.unwrap_or(0);
            let operator = caller.name.clone();
            if desk.allowance().covers(&operator, rows, limit).await? {
                return Ok(Leave::Allowance {
                    desk: desk.clone(),
                    operator,
                    limit,
                });
            }
            if header.message_digests.is_empty() {
                return Err(unannounced(limit));
            }
        }
        // How long is waited, and for what, changes nothing in what is asked.
        let bound = proto::ScreenHeader {
            approval: None,
            answer_timeout_ms: 0,
            wait_for_finality: false,
            ..header.clone()
        };
        let what = self.screening_in_words(header);
        let approved = self.approved(caller, Kind::BulkScreening, &bound, header.approval, &what);
        Ok(Leave::Approved {
            by: approved.await?.decided_by,
            rows: bound.rows_expected.unwrap_or(0),
            messages: bound.message_digests.into_iter(),
        })
    }

    /// What a screening is about, for whoever decides on it. A case stands there as the word for it that the account
    /// of reads uses.
    fn screening_in_words(&self, header: &proto::ScreenHeader) -> String {
        let rows = header.rows_expected.unwrap_or(0);
        let mut words = vec![
            format!("rows={rows}"),
            // Escaped: whoever asks must not write on the approver's screen what was not asked.
            format!("purpose={}", header.purpose.escape_debug()),
            format!("basis={}", header.lawful_basis.escape_debug()),
        ];
        if !header.default_type.is_empty() {
            words.push(format!("type={}", header.default_type.escape_debug()));
        }
        if !header.case_reference.is_empty() {
            let case = self.records.reads.word(&header.case_reference);
            words.push(format!("case={case}"));
        }
        let targets = header.targets.clone().unwrap_or_default();
        words.extend(targets.list_ids.iter().map(|list| format!("list=L{list}")));
        let members = targets.member_ids.iter();
        words.extend(members.map(|member| format!("member=M{member}")));
        let categories = targets.categories.iter();
        words.extend(categories.map(|category| format!("category={}", category.escape_debug())));
        if header.cost_limit_minor > 0 {
            words.push(format!("cost_limit_minor={}", header.cost_limit_minor));
        }
        words.join(" ")
    }
}

/// Rows beyond the limit that were not announced, so that nobody could approve them.
fn unannounced(limit: u64) -> ApiError {
    ApiError::caller(
        "rows-not-announced",
        format!(
            "more than {limit} rows in {ALLOWANCE_HOURS} hours need a second person, and these were not announced"
        ),
        "Begin the screening with the number of its rows and the digest of each message.",
    )
}
