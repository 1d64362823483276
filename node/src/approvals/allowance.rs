//! How many rows each operator asks about without a second person.
//!
//! What counts is a span of time and not one file: a large file in small parts needs a second person as well. Rows
//! are counted under the operator's name, since several certificates under one name are one person's.

use tacit_database::{Columns as _, Database, Statement};
use tokio::sync::Mutex;

use super::approval::ApprovalError;
use crate::clock::now_ms;

/// Hours that count, the one that runs included: a day's work.
pub const ALLOWANCE_HOURS: u64 = 24;

/// Rows are counted by the hour: so many numbers an operator keep the span moving.
const HOUR_MS: u64 = 3_600 * 1_000;

/// The table of what was asked.
#[derive(Debug)]
pub struct Allowance {
    database: Database,
    /// Held by whoever takes: between counting and writing nobody else does.
    taking: Mutex<()>,
}

impl Allowance {
    pub(super) fn new(database: Database) -> Self {
        Self {
            database,
            taking: Mutex::new(()),
        }
    }

    /// Whether an operator has so many rows left under a limit.
    ///
    /// # Errors
    /// [`ApprovalError`].
    pub async fn covers(
        &self,
        operator: &str,
        rows: u64,
        limit: u64,
    ) -> Result<bool, ApprovalError> {
        let asked = self.asked(operator, this_hour()).await?;
        Ok(asked.saturating_add(rows) <= limit)
    }

    /// Takes rows from what an operator has left, all or none. When this returns true they are counted, whatever
    /// becomes of them.
    ///
    /// # Errors
    /// [`ApprovalError`].
    pub async fn take(&self, operator: &str, rows: u64, limit: u64) -> Result<bool, ApprovalError> {
        self.take_at(operator, rows, limit, this_hour()).await
    }

    async fn take_at(
        &self,
        operator: &str,
        rows: u64,
        limit: u64,
        hour: u64,
    ) -> Result<bool, ApprovalError> {
        const ADD: &str = "INSERT INTO asked_rows (operator, hour, asked) VALUES ($1, $2, $3) \
             ON CONFLICT (operator, hour) DO UPDATE SET asked = asked_rows.asked + excluded.asked";
        const REMOVE: &str = "DELETE FROM asked_rows WHERE operator = $1 AND hour < $2";
        let _taking = self.taking.lock().await;
        let asked = self.asked(operator, hour).await?;
        if asked.saturating_add(rows) > limit {
            return Ok(false);
        }
        let mut transaction = self.database.begin().await?;
        let values = [operator.into(), hour.into(), rows.into()];
        let add = Statement::new(ADD, values).query();
        add.execute(&mut *transaction).await?;
        let remove = Statement::new(REMOVE, [operator.into(), first_of(hour).into()]).query();
        remove.execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(true)
    }

    async fn asked(&self, operator: &str, hour: u64) -> Result<u64, ApprovalError> {
        const ASKED: &str = "SELECT CAST(COALESCE(SUM(asked), 0) AS BIGINT) AS asked FROM asked_rows \
             WHERE operator = $1 AND hour >= $2";
        let asked = Statement::new(ASKED, [operator.into(), first_of(hour).into()]);
        let row = self.database.row(asked).await?;
        Ok(match row {
            Some(row) => row.number("asked")?,
            None => 0,
        })
    }
}

/// The first hour that counts in this one.
fn first_of(hour: u64) -> u64 {
    (hour + 1).saturating_sub(ALLOWANCE_HOURS)
}

fn this_hour() -> u64 {
    now_ms() / HOUR_MS
}

#[cfg(test)]
mod tests {
    use super::super::Approvals;

    const LIMIT: u64 = 100;
    const HOUR: u64 = 500_000;

    async fn desk(folder: &tempfile::TempDir) -> Approvals {
        let file = folder.path().join("operators.sqlite");
        let url = format!("sqlite://{}?mode=rwc", file.display());
        Approvals::open(&url, &[7; 32]).await.unwrap()
    }

    #[tokio::test]
    async fn a_file_in_parts_counts_as_one_and_others_are_not_charged() {
        let folder = tempfile::tempdir().unwrap();
        let desk = desk(&folder).await;
        let allowance = desk.allowance();
        assert!(allowance.take("alice", 60, LIMIT).await.unwrap());
        assert!(!allowance.take("alice", 41, LIMIT).await.unwrap(), "none");
        assert!(!allowance.covers("alice", 41, LIMIT).await.unwrap());
        assert!(allowance.covers("alice", 40, LIMIT).await.unwrap());
        assert!(allowance.take("alice", 40, LIMIT).await.unwrap());
        assert!(!allowance.take("alice", 1, LIMIT).await.unwrap());
        assert!(allowance.take("bob", LIMIT, LIMIT).await.unwrap());
        assert!(!allowance.covers("carol", u64::MAX, LIMIT).await.unwrap());
    }

    #[tokio::test]
    async fn at_once_no_more_is_taken_than_there_is_and_a_restart_gives_nothing_back() {
        let folder = tempfile::tempdir().unwrap();
        let first = desk(&folder).await;
        let takes = (0..16).map(|_| first.allowance().take("alice", 10, LIMIT));
        let taken = futures::future::join_all(takes).await;
        let taken = taken.iter().filter(|taken| *taken.as_ref().unwrap());
        assert_eq!(taken.count(), 10);
        drop(first);
        let again = desk(&folder).await;
        assert!(!again.allowance().covers("alice", 1, LIMIT).await.unwrap());
    }

    #[tokio::test]
    async fn rows_come_back_a_day_after_they_were_asked() {
        let folder = tempfile::tempdir().unwrap();
        let desk = desk(&folder).await;
        let allowance = desk.allowance();
        let take = |rows, hour| allowance.take_at("alice", rows, LIMIT, hour);
        assert!(take(70, HOUR).await.unwrap());
        assert!(take(30, HOUR + 23).await.unwrap());
        assert!(!take(1, HOUR + 23).await.unwrap());
        assert!(take(70, HOUR + 24).await.unwrap());
        assert!(!take(1, HOUR + 24).await.unwrap());
    }
}
