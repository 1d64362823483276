//! What receipts need to know of calls.

use tacit_circuits::scope::{ListId, MemberId, TagEpoch};
use tacit_database::{ColumnError, Columns as _, Statement};
use tacit_ledger::network::SessionId;

use crate::error::ReadModelError;
use crate::model::ReadModel;

/// Where a batch of calls stands in the network's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoggedBatch {
    /// Leaf of its first call; the others follow.
    pub first_leaf: u64,
    /// Calls, padding included: it comes last.
    pub calls: u32,
}

impl ReadModel {
    /// Where a batch of calls stands in the log; `None` where it is not final.
    pub async fn logged(
        &self,
        session: SessionId,
        sequence: u64,
    ) -> Result<Option<LoggedBatch>, ReadModelError> {
        let sql = "SELECT first_leaf, calls FROM ledger_calls \
                   WHERE session_id = $1 AND sequence = $2";
        let values = [session.0.into(), sequence.into()];
        let row = self.database.row(Statement::new(sql, values)).await?;
        let batch = row.map(|row| {
            Ok::<_, ColumnError>(LoggedBatch {
                first_leaf: row.number("first_leaf")?,
                calls: row.number_32("calls")?,
            })
        });
        Ok(batch.transpose()?)
    }

    /// Calls of a member to a list under one key: among these each of them hides when a receipt of it is shown.
    /// Padding is among them, and hides them as well: nobody but the list's owner can tell it apart.
    pub async fn calls_to(
        &self,
        querier: MemberId,
        list: ListId,
        tag_epoch: TagEpoch,
    ) -> Result<u64, ReadModelError> {
        let sql = "SELECT CAST(COALESCE(SUM(calls), 0) AS BIGINT) AS calls FROM ledger_calls \
                   WHERE querier = $1 AND list_id = $2 AND tag_epoch = $3";
        let values = [querier.0.into(), list.0.into(), tag_epoch.0.into()];
        let row = self.database.row(Statement::new(sql, values)).await?;
        Ok(row.map_or(Ok(0), |row| row.number("calls"))?)
    }
}
