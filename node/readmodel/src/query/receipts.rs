//! What receipts, and providers that look for what they are owed, need to know of calls.

use sqlx::any::AnyRow;
use tacit_circuits::scope::{ListId, MemberId, TagEpoch};
use tacit_database::{ColumnError, Columns as _, Statement};
use tacit_ledger::network::SessionId;
use tacit_ledger::network::movement::MovementKind;

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

/// A batch of calls whose charge its provider has not collected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UncollectedBatch {
    /// Height of its block.
    pub height: u64,
    /// Place of its transaction among the results of the block.
    pub leaf: u64,
    /// Number of its request in the session.
    pub sequence: u64,
}

impl ReadModel {
    /// The batches of a session that settled after its provider last collected, in the order of the log.
    pub async fn uncollected(
        &self,
        session: SessionId,
    ) -> Result<Vec<UncollectedBatch>, ReadModelError> {
        let sql = "SELECT height, leaf FROM ledger_movement WHERE session_id = $1 AND kind = $2 \
                   ORDER BY height DESC, leaf DESC LIMIT 1";
        let values = [session.0.into(), (MovementKind::Earning as u32).into()];
        let collected = self.database.row(Statement::new(sql, values)).await?;
        let collected = collected.map_or(Ok((-1, -1)), |row| {
            Ok::<_, ColumnError>((row.signed("height")?, row.signed("leaf")?))
        })?;
        // A collection takes all that settled before it.
        let sql = "SELECT height, leaf, sequence FROM ledger_calls WHERE session_id = $1 \
                   AND (height, leaf) > ($2, $3) ORDER BY first_leaf";
        let values = [session.0.into(), collected.0.into(), collected.1.into()];
        let rows = self.database.rows(Statement::new(sql, values)).await?;
        let batch = |row: &AnyRow| -> Result<_, ColumnError> {
            Ok(UncollectedBatch {
                height: row.number("height")?,
                leaf: row.number("leaf")?,
                sequence: row.bits("sequence")?,
            })
        };
        Ok(rows.iter().map(batch).collect::<Result<_, _>>()?)
    }

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
