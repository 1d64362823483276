//! Answers to demands for disclosure: which packages each is made of. The packages stand with those of disputes,
//! sealed to their retention periods.

use sqlx::Row;
use tacit_ledger::kernel::Digest;
use tacit_ledger::network::SessionId;
use tacit_sealing::Period;

use super::database::{Statement, Store, StoreError};
use super::period::read_period;
use crate::clock::now_ms;

impl Store {
    /// Puts the manifest of an answer onto the disk. It names nobody, so it is sealed to no period.
    pub(crate) async fn keep_manifest(
        &self,
        digest: Digest,
        manifest: &[u8],
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO disclosure_manifest (digest, manifest, created_ms) \
                   VALUES ($1, $2, $3)";
        let values = [
            digest.0.to_vec().into(),
            manifest.to_vec().into(),
            now_ms().into(),
        ];
        self.write(vec![Statement::new(sql, values)])
            .await
            .map(drop)
    }

    /// The manifest with this digest, if this member has it.
    pub(crate) async fn manifest(&self, digest: Digest) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "SELECT manifest FROM disclosure_manifest WHERE digest = $1";
        let row = self
            .row(Statement::new(sql, [digest.0.to_vec().into()]))
            .await?;
        Ok(row.map(|row| row.try_get("manifest")).transpose()?)
    }

    /// The period to which what is kept of a request belongs; `None` where nothing is kept.
    pub(crate) async fn period_of_request(
        &self,
        session: SessionId,
        sequence: u64,
    ) -> Result<Option<Period>, StoreError> {
        let sql = "SELECT a.class, a.month FROM asked_batch a \
                   JOIN retention_period p ON p.class = a.class AND p.month = a.month \
                   WHERE a.session_id = $1 AND a.sequence = $2 AND p.destroyed_date IS NULL";
        let values = [session.0.into(), sequence.into()];
        let row = self.row(Statement::new(sql, values)).await?;
        row.as_ref().map(read_period).transpose()
    }
}
