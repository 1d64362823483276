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

    /// Takes what [`reseal`](Self::reseal) replaced out of the files that the database keeps, as far as it can:
    /// see [`erase_period`](Self::erase_period). False where readers hold it back.
    pub(crate) async fn sweep_resealed(&self) -> Result<bool, StoreError> {
        Ok(self.sweep("asked_batch").await? && self.sweep("dispute_package").await?)
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
                        let name = (
                            SessionId(number(row, "session_id")?),
                            number(row, "sequence")?,
                        );
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
        let request = open(
            "sealed_request",
            &row.try_get::<Vec<u8>, _>("sealed_request")?,
        )?;
        let request: SignedRequest =
            codec::decode(&request).map_err(|_| StoreError::Damaged("request"))?;
        let records = open(
            "sealed_records",
            &row.try_get::<Vec<u8>, _>("sealed_records")?,
        )?;
        let damaged = || StoreError::Damaged("audit record");
        let records: OwnRecords = codec::decode(&records).map_err(|_| damaged())?;
        let [operator, purpose_key, case] = self.indexer.of_context(&records.context);
        let purpose = Some(records.context.purpose.as_str());
        let (period, keep_months) = period_of(purpose, number(row, "created_ms")?);
        let (kept, name) = (
            (&period, Some(keep_months)),
            BatchName::of(&request.request),
        );
        let associated = name.associated();
        let padded = records.to_padded().ok_or_else(damaged)?;
        let records = self.seal_for(Content::Records, kept, &associated, &padded);
        let records = records.await?;
        let answer = match row.try_get::<Option<Vec<u8>>, _>("sealed_answer")? {
            Some(sealed) => {
                let plain = open("sealed_answer", &sealed)?;
                Some(
                    self.seal_for(Content::Answer, kept, &associated, &plain)
                        .await?,
                )
            }
            None => None,
        };
        let sql = "UPDATE asked_batch SET sealed_records = $3, sealed_answer = $4, class = $5, \
                   month = $6, operator_key = $7, purpose_key = $8, case_key = $9 WHERE session_id = $1 AND sequence = $2";
        let values = [
            key[0].into(),
            key[1].into(),
            records.into(),
            answer.into(),
            period.class.as_str().into(),
            period.month.number().into(),
            operator.into(),
            purpose_key.into(),
            case.into(),
        ];
        Ok(Statement::new(sql, values))
    }

    async fn reseal_packages(&self, period_of: PeriodOf<'_>) -> Result<u64, StoreError> {
        let sql =
            "SELECT digest, sealed_package, created_ms FROM dispute_package WHERE class IS NULL";
        let mut statements = Vec::new();
        for row in self.rows(Statement::new(sql, [])).await? {
            let digest: Vec<u8> = row.try_get("digest")?;
            let digest = digest.try_into().map(Digest);
            let digest = digest.map_err(|_| StoreError::Damaged("package of a dispute"))?;
            let sealed: Vec<u8> = row.try_get("sealed_package")?;
            let plain = self
                .sealer
                .open(package_place(&place_of(digest)), &sealed)?;
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

#[cfg(test)]
mod tests {
    use ed25519_zebra::SigningKey;
    use tacit_circuits::identifier::IdentifierType;
    use tacit_ledger::kernel::envelope::ledger_key;
    use tacit_ledger::kernel::{BoundedVec, ChainId, Signature};
    use tacit_ledger::network::Request;
    use tacit_ledger::network::audit::{AuditContext, AuditRecord};

    use super::*;
    use crate::store::MasterKey;

    fn period(purpose: Option<&str>, created_ms: u64) -> (Period, u32) {
        assert_eq!(created_ms, 7);
        let class = purpose.map_or("standard", |_| "brief");
        let period = Period {
            class: class.parse().expect("a class"),
            month: "2026-11".parse().expect("a month"),
        };
        (period, 12)
    }

    fn signed() -> SignedRequest {
        let key = SigningKey::from([5; 32]);
        let request = Request {
            chain_id: ChainId([7; 32]),
            session: SessionId(3),
            sequence: 4,
            querier: 1.into(),
            provider: 2.into(),
            list: 1.into(),
            tag_epoch: 0.into(),
            key: tacit_circuits::curve::WirePoint([0; 64]),
            price_minor: 100,
            charge: tacit_circuits::quota::Element::identity(),
            calls: BoundedVec::default(),
        };
        request.sign_with(ledger_key(&key), |message| {
            Signature(key.sign(message).into())
        })
    }

    #[tokio::test]
    async fn rows_from_before_there_were_periods_belong_to_one_and_open() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("frontend.sqlite");
        let store = Store::open_file(&path, &MasterKey::generate())
            .await
            .expect("a database");
        let (signed, context) = (
            signed(),
            AuditContext {
                purpose: "marketing".into(),
                ..AuditContext::default()
            },
        );
        let record = AuditRecord {
            kind: IdentifierType::Phone,
            x: [1; 32],
            blind: [2; 32],
            context: context.digest(),
        };
        let records = OwnRecords {
            context,
            calls: vec![(0, [3; 32], record)],
        };
        let row = [3, 4];
        let seal = |column, plain: &[u8]| store.sealer.seal(place(column, &row), plain);
        let old = seal("sealed_records", &codec::encode(&records));
        let digest = Digest([9; 32]);
        let package = store
            .sealer
            .seal(package_place(&place_of(digest)), b"shown");
        let request = Statement::new(
            "INSERT INTO asked_batch (session_id, sequence, provider, list_id, tag_epoch, calls, state, \
             sealed_request, sealed_records, sealed_answer, created_ms) \
             VALUES (3, 4, 2, 1, 0, 1, 2, $1, $2, $3, 7)",
            [
                seal("sealed_request", &codec::encode(&signed)).into(),
                old.clone().into(),
                seal("sealed_answer", b"answered").into(),
            ],
        );
        let package = Statement::new(
            "INSERT INTO dispute_package (digest, sealed_package, created_ms) VALUES ($1, $2, 7)",
            [digest.0.to_vec().into(), package.into()],
        );
        store.write(vec![request, package]).await.expect("written");

        assert_eq!(store.reseal(&period).await.expect("sealed anew"), 2);
        assert!(store.sweep_resealed().await.expect("swept"));
        let asked = store
            .asked(SessionId(3), 4)
            .await
            .expect("opens")
            .expect("there");
        assert_eq!(asked.period, period(Some("marketing"), 7).0);
        assert_eq!(OwnRecords::from_padded(&asked.records), Ok(records));
        assert_eq!(asked.answer.expect("an answer").as_slice(), b"answered");
        let shown = store.package(digest).await.expect("opens").expect("there");
        assert_eq!(shown.as_slice(), b"shown");
        // Nothing is left that the store's key opens by itself, and nothing is done twice.
        for file in std::fs::read_dir(folder.path()).expect("a folder") {
            let bytes = std::fs::read(file.expect("a file").path()).expect("read");
            assert!(!bytes.windows(32).any(|part| part == &old[..32]));
        }
        assert_eq!(store.reseal(&period).await.expect("nothing to do"), 0);
    }
}
