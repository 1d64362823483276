//! Copies for the custodian, between the request that they are of and the file that takes them out.

use sqlx::Row;
use tacit_ledger::network::SessionId;
use tacit_sealing::Period;

use super::database::{Statement, Store, StoreError, number};
use super::period::read_period;

/// A copy that is in no file yet, sealed to the custodian.
pub(crate) struct PendingCopy {
    pub(crate) session: SessionId,
    pub(crate) sequence: u64,
    pub(crate) sealed: Vec<u8>,
}

impl Store {
    /// The period of the oldest copies that are in no file yet.
    pub(crate) async fn pending_period(&self) -> Result<Option<Period>, StoreError> {
        let sql = "SELECT class, month FROM custodian_copy ORDER BY month, class LIMIT 1";
        let row = self.row(Statement::new(sql, [])).await?;
        row.as_ref().map(read_period).transpose()
    }

    /// Copies of a period that are in no file yet, at most `limit`.
    pub(crate) async fn pending_copies(
        &self,
        period: &Period,
        limit: u32,
    ) -> Result<Vec<PendingCopy>, StoreError> {
        let sql = "SELECT session_id, sequence, sealed_copy FROM custodian_copy \
                   WHERE class = $1 AND month = $2 ORDER BY session_id, sequence LIMIT $3";
        let values = [
            period.class.as_str().into(),
            period.month.number().into(),
            limit.into(),
        ];
        let rows = self.rows(Statement::new(sql, values)).await?;
        rows.iter()
            .map(|row| {
                Ok(PendingCopy {
                    session: SessionId(number(row, "session_id")?),
                    sequence: number(row, "sequence")?,
                    sealed: row.try_get("sealed_copy")?,
                })
            })
            .collect()
    }

    /// Takes out copies that are in a file now.
    pub(crate) async fn drop_copies(&self, copies: &[PendingCopy]) -> Result<(), StoreError> {
        let sql = "DELETE FROM custodian_copy WHERE session_id = $1 AND sequence = $2";
        let statements = copies
            .iter()
            .map(|copy| Statement::new(sql, [copy.session.0.into(), copy.sequence.into()]));
        self.write(statements.collect()).await.map(drop)
    }
}
