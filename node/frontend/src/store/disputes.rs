//! What this member has to show in disputes. Sealed to the key of a retention period, and gone with it.

use sqlx::Row;
use tacit_ledger::kernel::Digest;
use tacit_sealing::{Content, Period};
use zeroize::Zeroizing;

use super::database::{Statement, Store, StoreError};
use crate::clock::now_ms;

impl Store {
    /// Puts a package onto the disk. The same package twice is kept once.
    ///
    /// # Errors
    /// [`StoreError::PeriodOver`] where it could not be opened again.
    pub async fn keep_package(
        &self,
        (period, keep_months): (&Period, u32),
        digest: Digest,
        package: &[u8],
    ) -> Result<(), StoreError> {
        let (content, kept) = (Content::DisputePackage, (period, Some(keep_months)));
        let sealed = self.seal_for(content, kept, &digest.0, package).await?;
        let sql = "INSERT INTO dispute_package (digest, sealed_package, created_ms, class, month) \
                   SELECT $1, $2, $3, $4, $5 \
                   WHERE EXISTS (SELECT 1 FROM retention_key WHERE class = $4 AND month = $5)";
        let values = [
            digest.0.to_vec().into(),
            sealed.into(),
            now_ms().into(),
            period.class.as_str().into(),
            period.month.number().into(),
        ];
        match self.write(vec![Statement::new(sql, values)]).await {
            Ok(0) => Err(StoreError::PeriodOver(period.clone())),
            Ok(_) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The package with this digest, if this member has it, and its retention period is not over.
    pub async fn package(&self, digest: Digest) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let sql = "SELECT d.sealed_package, d.class, d.month, k.sealed_key \
                   FROM dispute_package d LEFT JOIN retention_key k \
                   ON k.class = d.class AND k.month = d.month WHERE d.digest = $1";
        let values = [digest.0.to_vec().into()];
        let Some(row) = self.row(Statement::new(sql, values)).await? else {
            return Ok(None);
        };
        let (period, Some(key)) = self.period_of(&row)? else {
            return Ok(None);
        };
        let sealed: Vec<u8> = row.try_get("sealed_package")?;
        let content = Content::DisputePackage;
        Self::open_for(content, &period, &key, &digest.0, &sealed).map(Some)
    }
}
