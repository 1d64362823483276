//! Rows from before there were retention periods: sealed under the store's key, and sealed anew to the key of
//! the period to which they belong.

use sqlx::Row;
use sqlx::any::AnyRow;
use tacit_ledger::kernel::{Digest, codec};
use tacit_ledger::network::{SessionId, SignedRequest};
use tacit_sealing::{BatchName, Content, OwnRecords, Period};

use super::asked::place;
use super::database::{Statement, Store, StoreError, number};
use super::disputes::{package_place, place_of};

/// Rows that are read at a time: of full requests, some 20 MB.
const PAGE: u32 = 64;

/// Which period a row belongs to, from its purpose, where it has one, and its time; and the months for which
/// that period is kept.
pub(crate) type PeriodOf<'a> = &'a (dyn Fn(Option<&str>, u64) -> (Period, u32) + Sync);

impl Store {
    /// Seals anew what has no period yet, and answers with the number of rows. Nothing else may use the store
    /// meanwhile. A row that does not open stays as it is and is reported: nothing opens it later either.
    pub(crate) async fn reseal(&self, period_of: PeriodOf<'_>) -> Result<u64, StoreError> {
        Ok(self.reseal_requests(period_of).await? + self.reseal_packages(period_of).await?)
    }

    async fn reseal_requests(&self, period_of: PeriodOf<'_>) -> Result<u64, StoreError> {
        let sql = "SELECT session_id, sequence, sealed_request, sealed_records, sealed_answer, \
                   created_ms FROM asked_batch WHERE class IS NULL \
                   AND (session_id, sequence) > ($1, $2) ORDER BY session_id, sequence LIMIT $3";
        let (mut last, mut resealed) = ((-1_i64, -1_i64), 0);
        loop {
            let values = [last.0.into(), last.1.into(), PAGE.into()];
            let rows = self.rows(Statement::new(sql, values)).await?;
            let Some(end) = rows.last() else {
                return Ok(resealed);
            };
            last = (end.try_get("session_id")?, end.try_get("sequence")?);
            let mut statements = Vec::with_capacity(rows.len());
            for row in &rows {
                match self.resealed_request(row, period_of).await {
                    Ok(statement) => statements.push(statement),
                    Err(StoreError::Database(error)) => return Err(error.into()),
                    Err(error) => {
                        let name = (SessionId(number(row, "session_id")?), number(row, "sequence")?);
                        tracing::error!(%error, session = %name.0, sequence = name.1, "store.reseal: a request does not open; it is kept as it is");
                    }
                }
            }
            if !statements.is_empty() {
                resealed += self.write(statements).await?;
            }
        }
    }

    async fn resealed_request(
        &self,
        row: &AnyRow,
        period_of: PeriodOf<'_>,
    ) -> Result<Statement, StoreError> {
        let key = [number(row, "session_id")?, number(row, "sequence")?];
        let open = |column, sealed: &[u8]| self.sealer.open(place(column, &key), sealed);
        let request = open("sealed_request", &row.try_get::<Vec<u8>, _>("sealed_request")?)?;
        let request: SignedRequest =
            codec::decode(&request).map_err(|_| StoreError::Damaged("request"))?;
        let records = open("sealed_records", &row.try_get::<Vec<u8>, _>("sealed_records")?)?;
        let damaged = || StoreError::Damaged("audit record");
        let records: OwnRecords = codec::decode(&records).map_err(|_| damaged())?;
        let purpose = Some(records.context.purpose.as_str());
        let (period, keep_months) = period_of(purpose, number(row, "created_ms")?);
        let (kept, name) = ((&period, Some(keep_months)), BatchName::of(&request.request));
        let associated = name.associated();
        let padded = records.to_padded().ok_or_else(damaged)?;
        let records = self.seal_for(Content::Records, kept, &associated, &padded);
        let records = records.await?;
        let answer = match row.try_get::<Option<Vec<u8>>, _>("sealed_answer")? {
            Some(sealed) => {
                let plain = open("sealed_answer", &sealed)?;
                Some(self.seal_for(Content::Answer, kept, &associated, &plain).await?)
            }
            None => None,
        };
        let sql = "UPDATE asked_batch SET sealed_records = $3, sealed_answer = $4, class = $5, \
                   month = $6 WHERE session_id = $1 AND sequence = $2";
        let values = [
            key[0].into(),
            key[1].into(),
            records.into(),
            answer.into(),
            period.class.as_str().into(),
            period.month.number().into(),
        ];
        Ok(Statement::new(sql, values))
    }

    async fn reseal_packages(&self, period_of: PeriodOf<'_>) -> Result<u64, StoreError> {
        let sql = "SELECT digest, sealed_package, created_ms FROM dispute_package WHERE class IS NULL";
        let mut statements = Vec::new();
        for row in self.rows(Statement::new(sql, [])).await? {
            let digest: Vec<u8> = row.try_get("digest")?;
            let digest = digest.try_into().map(Digest);
            let digest = digest.map_err(|_| StoreError::Damaged("package of a dispute"))?;
            let sealed: Vec<u8> = row.try_get("sealed_package")?;
            let plain = self.sealer.open(package_place(&place_of(digest)), &sealed)?;
            let (period, keep_months) = period_of(None, number(&row, "created_ms")?);
            let kept = (&period, Some(keep_months));
            let sealed = self
                .seal_for(Content::DisputePackage, kept, &digest.0, &plain)
                .await?;
            let sql = "UPDATE dispute_package SET sealed_package = $2, class = $3, month = $4 \
                       WHERE digest = $1";
            let values = [
                digest.0.to_vec().into(),
                sealed.into(),
                period.class.as_str().into(),
                period.month.number().into(),
            ];
            statements.push(Statement::new(sql, values));
        }
        if statements.is_empty() {
            return Ok(0);
        }
        self.write(statements).await
    }
}
