//! Legal holds: what postpones the destruction of a period's key, by whom, and why.

use std::fmt;

use sqlx::Row;
use sqlx::any::AnyRow;
use tacit_sealing::Period;

use super::database::{Statement, Store, StoreError, number, optional_number};
use super::period::read_period;
use super::seal::Place;
use crate::clock::now_ms;

/// A legal hold. Its reasons may name somebody: they are sealed, and not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Hold {
    /// Its number.
    pub id: u64,
    /// The period that it keeps.
    pub period: Period,
    /// Why it was placed.
    pub reason: String,
    /// Who placed it.
    pub placed_by: String,
    /// When, in milliseconds since 1970-01-01 UTC.
    pub placed_ms: u64,
    /// Who released it, why, and when, where that was done.
    pub released: Option<(String, String, u64)>,
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hold")
            .field("id", &self.id)
            .field("period", &self.period)
            .field("released", &self.released.is_some())
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Places a hold on a period, and answers with its number.
    ///
    /// # Errors
    /// [`StoreError::PeriodOver`] where the period has no key, or none any more.
    pub async fn place_hold(
        &self,
        period: &Period,
        reason: &str,
        placed_by: &str,
    ) -> Result<u64, StoreError> {
        // Numbers are given by whoever places a hold: two at a time take the same, and one takes the next.
        loop {
            let sql = "SELECT COALESCE(MAX(hold_id), 0) + 1 AS next FROM retention_hold";
            let row = self.row(Statement::new(sql, [])).await?;
            let id = number(&row.ok_or(StoreError::Damaged("hold"))?, "next")?;
            let reason = self
                .sealer
                .seal(place("sealed_reason", &[id]), reason.as_bytes());
            let sql = "INSERT INTO retention_hold \
                       (hold_id, class, month, sealed_reason, placed_by, placed_ms) \
                       SELECT $1, $2, $3, $4, $5, $6 \
                       WHERE EXISTS (SELECT 1 FROM retention_key WHERE class = $2 AND month = $3)";
            let values = [
                id.into(),
                period.class.as_str().into(),
                period.month.number().into(),
                reason.into(),
                placed_by.into(),
                now_ms().into(),
            ];
            match self.write(vec![Statement::new(sql, values)]).await {
                Ok(0) => return Err(StoreError::PeriodOver(period.clone())),
                Ok(_) => return Ok(id),
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Releases a hold. False where there is none of this number, or it was released before.
    pub async fn release_hold(
        &self,
        id: u64,
        reason: &str,
        released_by: &str,
    ) -> Result<bool, StoreError> {
        let reason = self
            .sealer
            .seal(place("sealed_release", &[id]), reason.as_bytes());
        let sql = "UPDATE retention_hold SET sealed_release = $2, released_by = $3, released_ms = $4 \
                   WHERE hold_id = $1 AND released_ms IS NULL";
        let values = [
            id.into(),
            reason.into(),
            released_by.into(),
            now_ms().into(),
        ];
        Ok(self.write(vec![Statement::new(sql, values)]).await? > 0)
    }

    /// All holds, in the order in which they were placed.
    pub async fn holds(&self) -> Result<Vec<Hold>, StoreError> {
        let sql = "SELECT hold_id, class, month, sealed_reason, placed_by, placed_ms, \
                   sealed_release, released_by, released_ms FROM retention_hold ORDER BY hold_id";
        let rows = self.rows(Statement::new(sql, [])).await?;
        rows.iter().map(|row| self.hold(row)).collect()
    }

    fn hold(&self, row: &AnyRow) -> Result<Hold, StoreError> {
        let id = number(row, "hold_id")?;
        let text = |column: &'static str, sealed: &[u8]| {
            let plain = self.sealer.open(place(column, &[id]), sealed)?;
            String::from_utf8(plain.to_vec()).map_err(|_| StoreError::Damaged("hold"))
        };
        let released = match optional_number(row, "released_ms")? {
            Some(released_ms) => {
                let why: Vec<u8> = row.try_get("sealed_release")?;
                let by = row.try_get("released_by")?;
                Some((by, text("sealed_release", &why)?, released_ms))
            }
            None => None,
        };
        Ok(Hold {
            id,
            period: read_period(row)?,
            reason: text(
                "sealed_reason",
                &row.try_get::<Vec<u8>, _>("sealed_reason")?,
            )?,
            placed_by: row.try_get("placed_by")?,
            placed_ms: number(row, "placed_ms")?,
            released,
        })
    }
}

fn place<'a>(column: &'static str, row: &'a [u64]) -> Place<'a> {
    Place {
        table: "retention_hold",
        column,
        row,
    }
}
