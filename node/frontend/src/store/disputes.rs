//! What this member has to show in disputes.

use sqlx::Row;
use tacit_ledger::kernel::Digest;
use zeroize::Zeroizing;

use super::database::{Statement, Store, StoreError};
use super::seal::Place;
use crate::clock::now_ms;

impl Store {
    /// Puts a package onto the disk. The same package twice is kept once.
    pub async fn keep_package(&self, digest: Digest, package: &[u8]) -> Result<(), StoreError> {
        let row = place_of(digest);
        let sealed = self.sealer.seal(package_place(&row), package);
        let sql = "INSERT INTO dispute_package (digest, sealed_package, created_ms) \
                   VALUES ($1, $2, $3)";
        let values = [digest.0.to_vec().into(), sealed.into(), now_ms().into()];
        match self.write(vec![Statement::new(sql, values)]).await {
            Ok(_) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The package with this digest, if this member has it.
    pub async fn package(&self, digest: Digest) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let sql = "SELECT sealed_package FROM dispute_package WHERE digest = $1";
        let values = [digest.0.to_vec().into()];
        let Some(row) = self.row(Statement::new(sql, values)).await? else {
            return Ok(None);
        };
        let sealed: Vec<u8> = row.try_get("sealed_package")?;
        let row = place_of(digest);
        Ok(Some(self.sealer.open(package_place(&row), &sealed)?))
    }
}

/// A digest as the integers of a place.
fn place_of(digest: Digest) -> [u64; 4] {
    let (parts, _) = digest.0.as_chunks::<8>();
    [0, 1, 2, 3].map(|part| u64::from_be_bytes(parts[part]))
}

const fn package_place(row: &[u64; 4]) -> Place<'_> {
    Place {
        table: "dispute_package",
        column: "sealed_package",
        row,
    }
}
