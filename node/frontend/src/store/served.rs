//! Requests of other members that were evaluated.
//!
//! A request and its evaluation are on the disk before the answer leaves, so that the call is posted to
//! the ledger whatever happens next, and the same request is answered with the same bytes.

use std::collections::BTreeMap;

use sqlx::Row;
use sqlx::any::AnyRow;
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
    /// What it charges, in minor units.
    pub charge_minor: u32,
    /// What became of it on the ledger.
    pub settlement: Settlement,
    /// When it was served, in milliseconds since 1970-01-01 UTC.
    pub created_ms: u64,
}

/// What became of the charge of a served batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Collected {
    /// The session owes it.
    No = 0,
    /// It was paid.
    Yes = 1,
    /// The session ended before, or the batch was never settled.
    Never = 2,
    /// A transaction that collects it was sent.
    Sent = 3,
}

/// The name of a served batch that is not final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ServedSummary {
    pub(crate) session: SessionId,
    pub(crate) sequence: u64,
}

/// The charge of a batch that stands on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KnownCharge {
    pub(crate) charge_minor: u32,
    /// Whether it was not collected, as far as the disk says.
    pub(crate) is_open: bool,
}

/// A served batch whose charge was not collected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UncollectedBatch {
    pub(crate) sequence: u64,
    pub(crate) charge_minor: u32,
    /// Whether it is known to be final.
    pub(crate) is_final: bool,
    /// Whether a transaction that collects it was sent.
    pub(crate) sent: bool,
}

impl Store {
    /// Puts a served batch onto the disk.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where the session's sequence number was served before.
    pub async fn insert_served(&self, served: &ServedBatch) -> Result<(), StoreError> {
        self.write(vec![self.insertion(served, None)])
            .await
            .map(drop)
    }

    /// Puts a batch back onto the disk that was served before, and is final at a height.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where it stands there.
    pub(crate) async fn restore_served(
        &self,
        served: &ServedBatch,
        height: u64,
    ) -> Result<(), StoreError> {
        self.write(vec![self.insertion(served, Some(height))])
            .await
            .map(drop)
    }

    fn insertion(&self, served: &ServedBatch, height: Option<u64>) -> Statement {
        let request = &served.batch.signed.request;
        let row = [request.session.0, request.sequence];
        let sealed = self
            .sealer
            .seal(batch_place(&row), &codec::encode(&served.batch));
        let charged = u64::from(served.charge_minor).checked_div(request.price_minor.into());
        let padding = charged.map_or(0, |charged| {
            (request.calls.len() as u64).saturating_sub(charged)
        });
        let sql = "INSERT INTO served_batch (session_id, sequence, querier, list_id, tag_epoch, \
                   calls, padding, charge_minor, request_hash, sealed_batch, settled, height, created_ms) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
        let values = [
            request.session.0.into(),
            request.sequence.into(),
            request.querier.0.into(),
            request.list.0.into(),
            request.tag_epoch.0.into(),
            request.calls.len().into(),
            padding.into(),
            served.charge_minor.into(),
            served.request_hash.to_vec().into(),
            sealed.into(),
            (served.settlement as u32).into(),
            height.into(),
            served.created_ms.into(),
        ];
        Statement::new(sql, values)
    }

    /// The batch that was served under a session's sequence number.
    pub async fn served(
        &self,
        session: SessionId,
        sequence: u64,
    ) -> Result<Option<ServedBatch>, StoreError> {
        let sql = "SELECT session_id, sequence, charge_minor, request_hash, sealed_batch, settled, created_ms \
                   FROM served_batch WHERE session_id = $1 AND sequence = $2";
        let values = [session.0.into(), sequence.into()];
        let row = self.row(Statement::new(sql, values)).await?;
        row.as_ref().map(|row| self.served_batch(row)).transpose()
    }

    /// Batches that are not final yet, oldest first.
    pub(crate) async fn served_waiting(&self) -> Result<Vec<ServedSummary>, StoreError> {
        let sql = "SELECT session_id, sequence FROM served_batch \
                   WHERE settled = 0 ORDER BY created_ms";
        let rows = self.rows(Statement::new(sql, [])).await?;
        rows.iter()
            .map(|row| {
                Ok(ServedSummary {
                    session: SessionId(number(row, "session_id")?),
                    sequence: sequence(row)?,
                })
            })
            .collect()
    }

    /// Sessions with charges that were not collected, in which nothing was answered after a moment.
    pub(crate) async fn uncollected_sessions(
        &self,
        until_ms: u64,
    ) -> Result<Vec<SessionId>, StoreError> {
        let sql = "SELECT session_id FROM served_batch WHERE collected IN (0, 3) \
                   GROUP BY session_id HAVING MAX(created_ms) <= $1 ORDER BY session_id";
        let rows = self.rows(Statement::new(sql, [until_ms.into()])).await?;
        rows.iter()
            .map(|row| number(row, "session_id").map(SessionId))
            .collect()
    }

    /// Batches of a session whose charges were not collected.
    pub(crate) async fn uncollected(
        &self,
        session: SessionId,
    ) -> Result<Vec<UncollectedBatch>, StoreError> {
        let sql = "SELECT sequence, charge_minor, settled, collected FROM served_batch \
                   WHERE session_id = $1 AND collected IN (0, 3) ORDER BY sequence";
        let rows = self.rows(Statement::new(sql, [session.0.into()])).await?;
        rows.iter()
            .map(|row| {
                Ok(UncollectedBatch {
                    sequence: sequence(row)?,
                    charge_minor: number_32(row, "charge_minor")?,
                    is_final: number(row, "settled")? == Settlement::Final as u64,
                    sent: number(row, "collected")? == Collected::Sent as u64,
                })
            })
            .collect()
    }

    /// What each batch of a session charged that stands on the disk, by its number, and what became of that.
    pub(crate) async fn charges(
        &self,
        session: SessionId,
    ) -> Result<BTreeMap<u64, KnownCharge>, StoreError> {
        let sql =
            "SELECT sequence, charge_minor, collected FROM served_batch WHERE session_id = $1";
        let rows = self.rows(Statement::new(sql, [session.0.into()])).await?;
        let charge = |row: &AnyRow| {
            let collected = number(row, "collected")?;
            let known = KnownCharge {
                charge_minor: number_32(row, "charge_minor")?,
                is_open: [Collected::No as u64, Collected::Sent as u64].contains(&collected),
            };
            Ok((sequence(row)?, known))
        };
        rows.iter().map(charge).collect()
    }

    /// What a session owes for what was answered, settled or not, in minor units.
    pub(crate) async fn uncollected_minor(&self, session: SessionId) -> Result<u64, StoreError> {
        let sql = "SELECT CAST(COALESCE(SUM(charge_minor), 0) AS BIGINT) AS owed FROM served_batch \
                   WHERE session_id = $1 AND collected IN (0, 3)";
        let row = self.row(Statement::new(sql, [session.0.into()])).await?;
        row.map_or(Ok(0), |row| number(&row, "owed"))
    }

    /// Notes what became of the charges of batches.
    pub(crate) async fn note_collected(
        &self,
        session: SessionId,
        sequences: impl IntoIterator<Item = u64>,
        collected: Collected,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE served_batch SET collected = $3 WHERE session_id = $1 AND sequence = $2";
        let statements: Vec<Statement> = sequences
            .into_iter()
            .map(|sequence| {
                let values = [session.0.into(), sequence.into(), (collected as u32).into()];
                Statement::new(sql, values)
            })
            .collect();
        if statements.is_empty() {
            return Ok(());
        }
        self.write(statements).await.map(drop)
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
        self.write(vec![Statement::new(sql, values)]).await?;
        if settlement == Settlement::Refused {
            // What is not settled is not owed.
            let never = self.note_collected(session, [sequence], Collected::Never);
            never.await?;
        }
        Ok(())
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
            charge_minor: number_32(row, "charge_minor")?,
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
    pub(crate) fn now(request_hash: [u8; 32], batch: CallBatch, charge_minor: u32) -> Self {
        Self {
            request_hash,
            batch,
            charge_minor,
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
