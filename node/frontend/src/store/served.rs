//! Requests of other members that were evaluated.
//!
//! A request and its evaluation are on the disk before the answer leaves, so that the call is posted to
//! the ledger whatever happens next, and the same request is answered with the same bytes.

use sqlx::Row;
use sqlx::any::AnyRow;
use tacit_circuits::scope::MemberId;
use tacit_ledger::kernel::codec;
use tacit_ledger::network::{CallBatch, SessionId};

use super::database::{Statement, Store, StoreError, number, number_32};
use super::seal::Place;
use crate::clock::now_ms;

/// What became of a served batch on the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// Not final yet: it is posted, and posted again after a restart.
    Waiting = 0,
    /// Final.
    Final = 1,
    /// The network refused it for good.
    Refused = 2,
}

/// A batch that this member served.
#[derive(Clone, Debug)]
pub struct ServedBatch {
    /// Hash of the signed request.
    pub request_hash: [u8; 32],
    /// Request, evaluations and proof, as they go onto the ledger.
    pub batch: CallBatch,
    /// What became of it on the ledger.
    pub settlement: Settlement,
    /// When it was served, in milliseconds since 1970-01-01 UTC.
    pub created_ms: u64,
}

/// What a served batch still binds: counted against caps and escrow until it is final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ServedSummary {
    pub(crate) session: SessionId,
    pub(crate) sequence: u64,
    pub(crate) querier: MemberId,
    pub(crate) calls: u32,
    pub(crate) charge_minor: u32,
}

impl Store {
    /// Puts a served batch onto the disk.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where the session's sequence number was served before.
    pub async fn insert_served(&self, served: &ServedBatch) -> Result<(), StoreError> {
        let request = &served.batch.signed.request;
        let row = [request.session.0, request.sequence];
        let sealed = self
            .sealer
            .seal(batch_place(&row), &codec::encode(&served.batch));
        let charge = request
            .amount_minor()
            .ok_or(StoreError::Damaged("charge"))?;
        let sql = "INSERT INTO served_batch (session_id, sequence, querier, list_id, tag_epoch, \
                   calls, charge_minor, request_hash, sealed_batch, settled, created_ms) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10)";
        let values = [
            request.session.0.into(),
            request.sequence.into(),
            request.querier.0.into(),
            request.list.0.into(),
            request.tag_epoch.0.into(),
            request.calls.len().into(),
            charge.into(),
            served.request_hash.to_vec().into(),
            sealed.into(),
            served.created_ms.into(),
        ];
        self.write(vec![Statement::new(sql, values)])
            .await
            .map(drop)
    }

    /// The batch that was served under a session's sequence number.
    pub async fn served(
        &self,
        session: SessionId,
        sequence: u64,
    ) -> Result<Option<ServedBatch>, StoreError> {
        let sql = "SELECT session_id, sequence, request_hash, sealed_batch, settled, created_ms \
                   FROM served_batch WHERE session_id = $1 AND sequence = $2";
        let values = [session.0.into(), sequence.into()];
        let row = self.row(Statement::new(sql, values)).await?;
        row.as_ref().map(|row| self.served_batch(row)).transpose()
    }

    /// Batches that are not final yet, oldest first.
    pub(crate) async fn served_waiting(&self) -> Result<Vec<ServedSummary>, StoreError> {
        let sql = "SELECT session_id, sequence, querier, calls, charge_minor FROM served_batch \
                   WHERE settled = 0 ORDER BY created_ms";
        let rows = self.rows(Statement::new(sql, [])).await?;
        rows.iter()
            .map(|row| {
                Ok(ServedSummary {
                    session: SessionId(number(row, "session_id")?),
                    sequence: sequence(row)?,
                    querier: MemberId(number_32(row, "querier")?),
                    calls: number_32(row, "calls")?,
                    charge_minor: number_32(row, "charge_minor")?,
                })
            })
            .collect()
    }

    /// Notes what became of a batch on the ledger.
    pub async fn settle_served(
        &self,
        session: SessionId,
        sequence: u64,
        settlement: Settlement,
        height: Option<u64>,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE served_batch SET settled = $3, height = $4 \
                   WHERE session_id = $1 AND sequence = $2";
        let values = [
            session.0.into(),
            sequence.into(),
            (settlement as u32).into(),
            height.into(),
        ];
        self.write(vec![Statement::new(sql, values)])
            .await
            .map(drop)
    }

    fn served_batch(&self, row: &AnyRow) -> Result<ServedBatch, StoreError> {
        let place = [number(row, "session_id")?, sequence(row)?];
        let sealed: Vec<u8> = row.try_get("sealed_batch")?;
        let hash: Vec<u8> = row.try_get("request_hash")?;
        let plain = self.sealer.open(batch_place(&place), &sealed)?;
        Ok(ServedBatch {
            request_hash: hash
                .try_into()
                .map_err(|_| StoreError::Damaged("request hash"))?,
            batch: codec::decode(&plain).map_err(|_| StoreError::Damaged("served batch"))?,
            settlement: match number(row, "settled")? {
                0 => Settlement::Waiting,
                1 => Settlement::Final,
                2 => Settlement::Refused,
                _ => return Err(StoreError::Damaged("served batch")),
            },
            created_ms: number(row, "created_ms")?,
        })
    }
}

impl ServedBatch {
    /// A batch that is served now.
    pub(crate) fn now(request_hash: [u8; 32], batch: CallBatch) -> Self {
        Self {
            request_hash,
            batch,
            settlement: Settlement::Waiting,
            created_ms: now_ms(),
        }
    }
}

/// The querier chooses it, up to the last number of 64 bits: it is kept and comes back as the same bits.
fn sequence(row: &AnyRow) -> Result<u64, StoreError> {
    let bits: i64 = row.try_get("sequence")?;
    Ok(bits as u64)
}

fn batch_place(row: &[u64]) -> Place<'_> {
    Place {
        table: "served_batch",
        column: "sealed_batch",
        row,
    }
}
