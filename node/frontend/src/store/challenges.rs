//! Entries of this member's lists that are disputed, sealed like the lists themselves.

use sqlx::Row;
use tacit_circuits::oprf::ENTRY_BYTES;
use tacit_circuits::scope::ListId;
use tacit_ledger::network::DisputeId;

use super::database::{Statement, Store, StoreError, number};
use super::seal::Place;

/// A disputed entry of an own list, as [`Entry::to_secret_bytes`](tacit_circuits::oprf::Entry::to_secret_bytes) has it.
pub(crate) type ChallengedEntry = (DisputeId, [u8; ENTRY_BYTES]);

impl Store {
    /// Notes which entry a dispute is about.
    pub(crate) async fn keep_challenge(
        &self,
        dispute: DisputeId,
        list: ListId,
        entry: &[u8; ENTRY_BYTES],
    ) -> Result<(), StoreError> {
        let row = [dispute.0, list.0.into()];
        let sealed = self.sealer.seal(challenge_place(&row), entry);
        let sql = "INSERT INTO own_challenge (dispute_id, list_id, sealed_entry) \
                   VALUES ($1, $2, $3) ON CONFLICT (dispute_id) DO NOTHING";
        let values = [dispute.0.into(), list.0.into(), sealed.into()];
        self.write(vec![Statement::new(sql, values)])
            .await
            .map(drop)
    }

    /// The disputed entries of a list, by dispute.
    pub(crate) async fn challenges(
        &self,
        list: ListId,
    ) -> Result<Vec<ChallengedEntry>, StoreError> {
        let sql = "SELECT dispute_id, sealed_entry FROM own_challenge \
                   WHERE list_id = $1 ORDER BY dispute_id";
        let rows = self.rows(Statement::new(sql, [list.0.into()])).await?;
        rows.iter()
            .map(|row| {
                let dispute = number(row, "dispute_id")?;
                let sealed: Vec<u8> = row.try_get("sealed_entry")?;
                let place = [dispute, list.0.into()];
                let plain = self.sealer.open(challenge_place(&place), &sealed)?;
                let entry = plain.as_slice().try_into();
                let entry = entry.map_err(|_| StoreError::Damaged("disputed entry"))?;
                Ok((DisputeId(dispute), entry))
            })
            .collect()
    }

    /// Deletes what nobody needs any more.
    pub(crate) async fn drop_challenges(&self, over: &[DisputeId]) -> Result<(), StoreError> {
        if over.is_empty() {
            return Ok(());
        }
        let sql = "DELETE FROM own_challenge WHERE dispute_id = $1";
        let statements = over
            .iter()
            .map(|dispute| Statement::new(sql, [dispute.0.into()]));
        self.write(statements.collect()).await.map(drop)
    }
}

const fn challenge_place(row: &[u64]) -> Place<'_> {
    Place {
        table: "own_challenge",
        column: "sealed_entry",
        row,
    }
}
