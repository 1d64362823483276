//! The connection to the database, its migrations, and the one task that writes.
//!
//! Every write goes through one task that commits what has come in together in one transaction: writes
//! that arrive while a commit is on its way to the disk share the next one. So a hundred screenings at a
//! counter cost the disk a few commits, and each still learns only after the commit that its row is safe.

use std::{path::Path, sync::Arc};

use sqlx::{Row, any::AnyRow};
pub(super) use tacit_database::Statement;
use tacit_database::{Database, Durability, OpenError, Schema};
use tacit_sealing::Period;
use tokio::sync::{mpsc, oneshot};

use super::index::Indexer;
use super::period::Senders;
use super::seal::{MasterKey, SealError, Sealer};

/// Writes that one transaction takes. Bounds the time that the first of them waits for the others.
const MAX_WRITES_PER_COMMIT: usize = 256;

/// Writes that wait for the writing task before callers are held back.
const MAX_QUEUED_WRITES: usize = 1_024;

const SCHEMA: Schema = Schema {
    // The read model may live in the same database and keeps its own account of migrations.
    migrations_table: "frontend_migrations",
    migrations: &[
        (
            1,
            "lists and calls",
            include_str!("../../migrations/0001_lists_and_calls.sql"),
        ),
        (
            2,
            "disputes",
            include_str!("../../migrations/0002_disputes.sql"),
        ),
        (
            3,
            "what own requests are found by",
            include_str!("../../migrations/0003_asked_index.sql"),
        ),
        (
            4,
            "retention",
            include_str!("../../migrations/0004_retention.sql"),
        ),
        (
            5,
            "confidential quota",
            include_str!("../../migrations/0005_confidential_quota.sql"),
        ),
        (
            6,
            "notices",
            include_str!("../../migrations/0006_notices.sql"),
        ),
    ],
    // What was acknowledged to another member must survive; a key that was destroyed must not.
    durability: Durability::PowerLoss,
};

/// Why the store did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database refused or could not be reached.
    #[error("the front end's database failed")]
    Database(#[from] sqlx::Error),
    /// The schema could not be brought up to date.
    #[error("the front end's database could not be migrated; restore it, or give it an empty one")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// A sealed value does not open.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// A stored value does not decode.
    #[error("a stored {0} does not decode: the database is damaged; restore it from a backup")]
    Damaged(&'static str),
    /// A row with this key is there already.
    #[error("a row with this key is there already")]
    Conflict,
    /// What was to be written belongs to a period whose key is destroyed, or about to be.
    #[error("the retention period {0} is over; what belongs to it is not kept any more")]
    PeriodOver(Period),
    /// A sealed value of a period does not open.
    #[error("a sealed value of the retention period {0} does not open: the row was altered")]
    PeriodSeal(Period),
    /// The writing task has ended.
    #[error("the store is closed")]
    Closed,
}

impl From<OpenError> for StoreError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Connect(error) => Self::Database(error),
            OpenError::Migrate(error) => Self::Migration(error),
        }
    }
}

struct Write {
    statements: Vec<Statement>,
    done: oneshot::Sender<Result<u64, StoreError>>,
}

/// The database of one front end. Clones share it.
#[derive(Clone, Debug)]
pub struct Store {
    database: Database,
    writes: mpsc::Sender<Write>,
    pub(super) sealer: Arc<Sealer>,
    pub(super) indexer: Arc<Indexer>,
    pub(super) senders: Arc<Senders>,
}

impl Store {
    /// Opens an SQLite file, which is made if it is not there.
    pub async fn open_file(path: &Path, master: &MasterKey) -> Result<Self, StoreError> {
        Self::open(&format!("sqlite://{}?mode=rwc", path.display()), master).await
    }

    /// Opens the database that `url` names, `sqlite://…` or `postgres://…`, and brings its schema up to
    /// date.
    pub async fn open(url: &str, master: &MasterKey) -> Result<Self, StoreError> {
        let database = Database::open(url, &SCHEMA).await?;
        let (writes, queue) = mpsc::channel(MAX_QUEUED_WRITES);
        tokio::spawn(write_all(database.clone(), queue));
        Ok(Self {
            database,
            writes,
            sealer: Arc::new(Sealer::new(master)),
            indexer: Arc::new(Indexer::new(master)),
            senders: Arc::default(),
        })
    }

    /// Executes the statements in one transaction. When this returns, they are on the disk. Answers with
    /// the number of rows that were changed.
    pub(super) async fn write(&self, statements: Vec<Statement>) -> Result<u64, StoreError> {
        let (done, answer) = oneshot::channel();
        let write = Write { statements, done };
        self.writes
            .send(write)
            .await
            .map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// See [`Database::sweep`].
    pub(super) async fn sweep(&self, table: &'static str) -> Result<bool, StoreError> {
        Ok(self.database.sweep(table).await?)
    }

    /// All rows of a query.
    pub(super) async fn rows(&self, statement: Statement) -> Result<Vec<AnyRow>, StoreError> {
        Ok(self.database.rows(statement).await?)
    }

    /// The first row of a query.
    pub(super) async fn row(&self, statement: Statement) -> Result<Option<AnyRow>, StoreError> {
        Ok(self.database.row(statement).await?)
    }
}

/// A number of a row.
pub(super) fn number(row: &AnyRow, column: &str) -> Result<u64, StoreError> {
    let number: i64 = row.try_get(column)?;
    u64::try_from(number).map_err(|_| StoreError::Damaged("number"))
}

/// A number of a row, of 32 bits.
pub(super) fn number_32(row: &AnyRow, column: &str) -> Result<u32, StoreError> {
    u32::try_from(number(row, column)?).map_err(|_| StoreError::Damaged("number"))
}

/// A number of a row that may be absent.
pub(super) fn optional_number(row: &AnyRow, column: &str) -> Result<Option<u64>, StoreError> {
    let number: Option<i64> = row.try_get(column)?;
    number
        .map(u64::try_from)
        .transpose()
        .map_err(|_| StoreError::Damaged("number"))
}

async fn write_all(database: Database, mut queue: mpsc::Receiver<Write>) {
    let mut writes = Vec::with_capacity(MAX_WRITES_PER_COMMIT);
    while queue.recv_many(&mut writes, MAX_WRITES_PER_COMMIT).await > 0 {
        if writes.len() > 1
            && let Ok(changed) = commit(&database, &writes).await
        {
            for (write, changed) in writes.drain(..).zip(changed) {
                // Nobody waits for it any more; it is written all the same.
                let _ = write.done.send(Ok(changed));
            }
            continue;
        }
        // One write among several may conflict with what is there: each gets its own answer.
        for write in writes.drain(..) {
            let answer = commit(&database, std::slice::from_ref(&write)).await;
            let _ = write.done.send(answer.map(|changed| changed[0]));
        }
    }
}

async fn commit(database: &Database, writes: &[Write]) -> Result<Vec<u64>, StoreError> {
    let mut transaction = database.begin().await?;
    let mut changed = Vec::with_capacity(writes.len());
    for write in writes {
        let mut rows = 0;
        for statement in &write.statements {
            let result = statement
                .clone()
                .query()
                .execute(&mut *transaction)
                .await
                .map_err(|error| {
                    let unique = error
                        .as_database_error()
                        .is_some_and(|e| e.is_unique_violation());
                    if unique {
                        StoreError::Conflict
                    } else {
                        error.into()
                    }
                })?;
            rows += result.rows_affected();
        }
        changed.push(rows);
    }
    transaction.commit().await?;
    Ok(changed)
}
