//! The table of approvals.

use sqlx::any::AnyRow;
use tacit_database::{Columns as _, Database, Durability, Schema, Statement};
use tokio::sync::Mutex;

use super::allowance::Allowance;
use super::approval::{Approval, ApprovalError, ApprovalKeys, Decision, Kind, LIFETIME_MS};
use crate::clock::now_ms;

/// Approvals that are listed: the latest.
const MAX_LISTED: u32 = 1_000;

/// Approvals that may wait at once: far more than people decide on in a day.
const MAX_WAITING: u64 = 1_000;

const SCHEMA: Schema = Schema {
    migrations_table: "approvals_migrations",
    migrations: &[
        (
            1,
            "approvals",
            include_str!("../../migrations/0001_approvals.sql"),
        ),
        (
            2,
            "asked rows",
            include_str!("../../migrations/0002_asked_rows.sql"),
        ),
    ],
    // What was used must not come back.
    durability: Durability::PowerLoss,
};

/// The approvals of a node.
#[derive(Debug)]
pub struct Approvals {
    database: Database,
    allowance: Allowance,
    keys: ApprovalKeys,
    /// Held by whoever changes one: between reading and writing a row nobody else does.
    changing: Mutex<()>,
}

impl Approvals {
    /// Opens the approvals in the database that `url` names. Their key is derived from the node's store key.
    ///
    /// # Errors
    /// [`ApprovalError`].
    pub async fn open(url: &str, store_key: &[u8; 32]) -> Result<Self, ApprovalError> {
        let database = Database::open(url, &SCHEMA).await?;
        Ok(Self {
            allowance: Allowance::new(database.clone()),
            database,
            keys: ApprovalKeys::derive(store_key),
            changing: Mutex::new(()),
        })
    }

    /// What each operator has asked about without a second person.
    pub fn allowance(&self) -> &Allowance {
        &self.allowance
    }

    /// Asks for an approval of a request, by its encoding without the approval itself. Whoever has asked for the
    /// same already, and can still get or use it, is given that one.
    ///
    /// # Errors
    /// [`ApprovalError`].
    pub async fn ask(
        &self,
        by: &str,
        kind: Kind,
        request: &[u8],
        what: &str,
    ) -> Result<Approval, ApprovalError> {
        use super::State::{Granted, Waiting};
        const SAME: &str = "SELECT * FROM approval WHERE digest = $1 AND asked_by = $2 \
             ORDER BY approval_id DESC LIMIT 1";
        const COUNTS: &str = "SELECT COALESCE(MAX(approval_id), 0) AS last, \
             CAST(COALESCE(SUM(CASE WHEN decision = 0 AND expires_ms > $1 THEN 1 ELSE 0 END), 0) \
             AS BIGINT) AS waiting FROM approval";
        let digest = self.keys.binding(kind, request);
        let _changing = self.changing.lock().await;
        let now_ms = now_ms();
        let same = Statement::new(SAME, [digest.into(), by.into()]);
        if let Some(row) = self.database.row(same).await? {
            let same = self.approval(&row)?;
            if matches!(same.state(now_ms), Waiting | Granted) {
                return Ok(same);
            }
        }
        let counts = Statement::new(COUNTS, [now_ms.into()]);
        let (last, waiting) = match self.database.row(counts).await? {
            Some(row) => (row.number("last")?, row.number("waiting")?),
            None => (0, 0),
        };
        if waiting >= MAX_WAITING {
            return Err(ApprovalError::TooMany(waiting));
        }
        let approval = Approval {
            id: last + 1,
            kind: kind.name().into(),
            digest,
            what: what.into(),
            asked_by: by.into(),
            asked_ms: now_ms,
            expires_ms: now_ms.saturating_add(LIFETIME_MS),
            decision: Decision::Waiting,
            decided_by: String::new(),
            decided_ms: 0,
            used_ms: 0,
        };
        self.write(&approval).await?;
        Ok(approval)
    }

    /// Grants or refuses one.
    ///
    /// # Errors
    /// [`ApprovalError`].
    pub async fn decide(
        &self,
        id: u64,
        by: &str,
        granted: bool,
    ) -> Result<Approval, ApprovalError> {
        let _changing = self.changing.lock().await;
        let mut approval = self.find(id).await?;
        approval.decide(by, granted, now_ms())?;
        self.write(&approval).await?;
        Ok(approval)
    }

    /// Uses one for a request, by its encoding without the approval itself. When this returns it can never be used
    /// again, whatever becomes of what it was used for.
    ///
    /// # Errors
    /// [`ApprovalError`].
    pub async fn spend(
        &self,
        id: u64,
        by: &str,
        kind: Kind,
        request: &[u8],
    ) -> Result<Approval, ApprovalError> {
        let digest = self.keys.binding(kind, request);
        let _changing = self.changing.lock().await;
        let mut approval = self.find(id).await?;
        approval.spend(by, kind, &digest, now_ms())?;
        self.write(&approval).await?;
        Ok(approval)
    }

    /// One of them.
    ///
    /// # Errors
    /// [`ApprovalError::Unknown`], [`ApprovalError::Altered`], or what the database says.
    pub async fn find(&self, id: u64) -> Result<Approval, ApprovalError> {
        const SELECT: &str = "SELECT * FROM approval WHERE approval_id = $1";
        let row = self.database.row(Statement::new(SELECT, [id.into()]));
        let row = row.await?.ok_or(ApprovalError::Unknown(id))?;
        self.approval(&row)
    }

    /// The latest, newest first.
    ///
    /// # Errors
    /// [`ApprovalError`].
    pub async fn latest(&self) -> Result<Vec<Approval>, ApprovalError> {
        const SELECT: &str = "SELECT * FROM approval ORDER BY approval_id DESC LIMIT $1";
        let statement = Statement::new(SELECT, [MAX_LISTED.into()]);
        let rows = self.database.rows(statement).await?;
        rows.iter().map(|row| self.approval(row)).collect()
    }

    async fn write(&self, approval: &Approval) -> Result<(), ApprovalError> {
        const WRITE: &str = "INSERT INTO approval (approval_id, kind, digest, what, asked_by, asked_ms, \
             expires_ms, decision, decided_by, decided_ms, used_ms, mac) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
             ON CONFLICT (approval_id) DO UPDATE SET decision = excluded.decision, \
             decided_by = excluded.decided_by, decided_ms = excluded.decided_ms, \
             used_ms = excluded.used_ms, mac = excluded.mac";
        let values = [
            approval.id.into(),
            approval.kind.clone().into(),
            approval.digest.into(),
            approval.what.clone().into(),
            approval.asked_by.clone().into(),
            approval.asked_ms.into(),
            approval.expires_ms.into(),
            (approval.decision as u32).into(),
            approval.decided_by.clone().into(),
            approval.decided_ms.into(),
            approval.used_ms.into(),
            (*self.keys.code(approval).as_bytes()).into(),
        ];
        let mut transaction = self.database.begin().await?;
        let write = Statement::new(WRITE, values).query();
        write.execute(&mut *transaction).await?;
        Ok(transaction.commit().await?)
    }

    fn approval(&self, row: &AnyRow) -> Result<Approval, ApprovalError> {
        let id = row.number("approval_id")?;
        let approval = Approval {
            id,
            kind: row.text("kind")?,
            digest: row.array("digest")?,
            what: row.text("what")?,
            asked_by: row.text("asked_by")?,
            asked_ms: row.number("asked_ms")?,
            expires_ms: row.number("expires_ms")?,
            decision: match row.number("decision")? {
                0 => Decision::Waiting,
                1 => Decision::Granted,
                2 => Decision::Refused,
                _ => return Err(ApprovalError::Altered(id)),
            },
            decided_by: row.text("decided_by")?,
            decided_ms: row.number("decided_ms")?,
            used_ms: row.number("used_ms")?,
        };
        let code: [u8; 32] = row.array("mac")?;
        // Compared in constant time.
        if self.keys.code(&approval) != code {
            return Err(ApprovalError::Altered(id));
        }
        Ok(approval)
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    const KEY: [u8; 32] = [7; 32];

    #[tokio::test]
    async fn an_approval_survives_a_restart_and_is_used_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("operators.sqlite");
        let url = format!("sqlite://{}?mode=rwc", file.display());
        let (kind, request) = (Kind::AuditBundle, b"1/0/0");
        let desk = Approvals::open(&url, &KEY).await.unwrap();
        let asked = desk.ask("alice", kind, request, "calls=1").await.unwrap();
        let again = desk.ask("alice", kind, request, "calls=1").await.unwrap();
        assert_eq!(asked, again, "asked for once");
        let others = desk.ask("carol", kind, request, "calls=1").await.unwrap();
        assert_eq!((asked.id, others.id), (1, 2));
        desk.decide(1, "bob", true).await.unwrap();
        desk.database.close().await;

        let desk = Approvals::open(&url, &KEY).await.unwrap();
        assert_eq!(desk.find(1).await.unwrap().decided_by, "bob");
        let spends = (0..8).map(|_| desk.spend(1, "alice", kind, request));
        let spent = futures::future::join_all(spends).await;
        assert_eq!(spent.iter().filter(|one| one.is_ok()).count(), 1);
        let error = desk.spend(1, "alice", kind, request).await.unwrap_err();
        assert!(matches!(error, ApprovalError::State(1, State::Used)));
        let next = desk.ask("alice", kind, request, "calls=1").await.unwrap();
        assert_eq!(next.id, 3);
        let ids: Vec<u64> = desk.latest().await.unwrap().iter().map(|a| a.id).collect();
        assert_eq!(ids, [3, 2, 1]);
        let error = desk.decide(99, "bob", true).await.unwrap_err();
        assert!(matches!(error, ApprovalError::Unknown(99)));
    }

    #[tokio::test]
    async fn whoever_writes_into_the_table_grants_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("operators.sqlite");
        let url = format!("sqlite://{}?mode=rwc", file.display());
        let (kind, request) = (Kind::HistoryExport, b"everything");
        let desk = Approvals::open(&url, &KEY).await.unwrap();
        desk.ask("alice", kind, request, "everything")
            .await
            .unwrap();
        let mut transaction = desk.database.begin().await.unwrap();
        let grant = "UPDATE approval SET decision = 1, decided_by = 'bob', decided_ms = 1";
        let grant = Statement::new(grant, []).query();
        grant.execute(&mut *transaction).await.unwrap();
        transaction.commit().await.unwrap();
        let error = desk.spend(1, "alice", kind, request).await.unwrap_err();
        assert!(matches!(error, ApprovalError::Altered(1)), "{error}");
    }
}
