//! Alarms that stand on the ledger.

use sqlx::any::AnyRow;
use tacit_circuits::list::VersionId;
use tacit_circuits::scope::{ListId, ListVersion, MemberId, TagEpoch};
use tacit_database::{ColumnError, Columns, Statement};
use tacit_ledger::kernel::{Digest, TxId};

use super::MAX_LISTED;
use crate::error::ReadModelError;
use crate::model::ReadModel;

/// A public complaint about a publication, or a proof of its fraud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// When, in milliseconds since 1970-01-01 UTC.
    pub time_ms: u64,
    /// Height of the block.
    pub height: u64,
    /// The transaction.
    pub tx_id: TxId,
    /// `snapshot-unavailable`, `snapshot-malformed`, `snapshot-mismatch`, `attestation-refuted` or
    /// `fraud-proven`.
    pub kind: String,
    /// Who raised it.
    pub raised_by: MemberId,
    /// Whom it is about: the list's owner, or the attester who was refuted.
    pub about: MemberId,
    /// The publication.
    pub publication: VersionId,
}

impl ReadModel {
    /// The newest alarms from a time on, oldest first: at most `limit`, and at most [`MAX_LISTED`].
    pub async fn alarms(&self, from_ms: u64, limit: u32) -> Result<Vec<Alarm>, ReadModelError> {
        let sql = "SELECT a.time_ms, a.height, t.tx_id, a.kind, a.raised_by, a.subject, a.list_id, \
                   a.tag_epoch, a.version FROM ledger_alarm a \
                   JOIN ledger_transaction t ON t.height = a.height AND t.leaf = a.leaf \
                   WHERE a.time_ms >= $1 \
                   ORDER BY a.time_ms DESC, a.height DESC, a.leaf DESC, a.place DESC LIMIT $2";
        let from_ms = i64::try_from(from_ms).unwrap_or(i64::MAX);
        let values = [from_ms.into(), limit.min(MAX_LISTED).into()];
        let rows = self.database.rows(Statement::new(sql, values)).await?;
        Ok(rows.iter().rev().map(alarm).collect::<Result<_, _>>()?)
    }
}

fn alarm(row: &AnyRow) -> Result<Alarm, ColumnError> {
    Ok(Alarm {
        time_ms: row.number("time_ms")?,
        height: row.number("height")?,
        tx_id: TxId(Digest(row.array("tx_id")?)),
        kind: row.text("kind")?,
        raised_by: MemberId(row.number_32("raised_by")?),
        about: MemberId(row.number_32("subject")?),
        publication: VersionId {
            list: ListId(row.number_32("list_id")?),
            tag_epoch: TagEpoch(row.number_32("tag_epoch")?),
            version: ListVersion(row.number_32("version")?),
        },
    })
}
