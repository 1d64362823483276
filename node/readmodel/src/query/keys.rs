//! When members changed the keys to which their amounts are sealed.

use sqlx::any::AnyRow;
use tacit_circuits::quota::QuotaPublicKey;
use tacit_circuits::scope::MemberId;
use tacit_database::{ColumnError, Columns as _, Statement};

use crate::error::ReadModelError;
use crate::model::ReadModel;

/// A member gave up a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyChange {
    /// Height of the block.
    pub height: u64,
    /// Place of the transaction among the results of the block.
    pub leaf: u64,
    /// The key up to then.
    pub former: QuotaPublicKey,
}

impl ReadModel {
    /// The changes of a member's key, in the order of the ledger.
    pub async fn key_changes(&self, member: MemberId) -> Result<Vec<KeyChange>, ReadModelError> {
        let sql = "SELECT height, leaf, former FROM ledger_key_change WHERE member = $1 \
                   ORDER BY height, leaf";
        let rows = self.database.rows(Statement::new(sql, [member.0.into()]));
        let change = |row: &AnyRow| -> Result<_, ColumnError> {
            let former = QuotaPublicKey::from_bytes(&row.array("former")?);
            Ok(KeyChange {
                height: row.number("height")?,
                leaf: row.number("leaf")?,
                former: former.map_err(|_| ColumnError::Value("former".into()))?,
            })
        };
        Ok(rows.await?.iter().map(change).collect::<Result<_, _>>()?)
    }
}

/// Under which of a member's keys something at a place is sealed: how many it had given up before.
pub(super) fn generation(changes: &[KeyChange], height: u64, leaf: u64) -> u32 {
    let before = changes.partition_point(|change| (change.height, change.leaf) < (height, leaf));
    u32::try_from(before).unwrap_or(u32::MAX)
}
