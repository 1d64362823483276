//! The connection to the database, its migrations, and the one task that writes.
//!
//! Every write goes through one task that commits what has come in together in one transaction: writes
//! that arrive while a commit is on its way to the disk share the next one. So a hundred screenings at a
//! counter cost the disk a few commits, and each still learns only after the commit that its row is safe.

use std::{
    path::Path,
    sync::{Arc, Once},
    time::Duration,
};

use sqlx::{
    Any, AnyPool, AssertSqlSafe, Connection, Executor, Row,
    any::{AnyArguments, AnyPoolOptions, AnyRow},
    migrate::{Migration, MigrationType, Migrator},
    query::Query,
};
use tokio::sync::{mpsc, oneshot};

use super::seal::{MasterKey, SealError, Sealer};

/// Writes that one transaction takes. Bounds the time that the first of them waits for the others.
const MAX_WRITES_PER_COMMIT: usize = 256;

/// Writes that wait for the writing task before callers are held back.
const MAX_QUEUED_WRITES: usize = 1_024;

/// Connections for reading. SQLite reads do not block each other or the writer in WAL mode.
const MAX_CONNECTIONS: u32 = 8;

const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// SQLite: readers go on while one writes; a commit is on the disk when it returns; deleted keys are
/// overwritten.
const SQLITE_PRAGMAS: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
    PRAGMA secure_delete = ON; PRAGMA busy_timeout = 10000;";

const MIGRATIONS: [(i64, &str, &str); 1] = [(
    1,
    "lists and calls",
    include_str!("../../migrations/0001_lists_and_calls.sql"),
)];

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
    /// The writing task has ended.
    #[error("the store is closed")]
    Closed,
}

/// A value of a statement.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Integer(i64),
    Optional(Option<i64>),
    Text(String),
    Bytes(Vec<u8>),
}

macro_rules! value_from {
    ($($type:ty),*) => {$(
        impl From<$type> for Value {
            /// Numbers of the ledger stay far below 2^63: heights, sessions and amounts are counted.
            fn from(number: $type) -> Self {
                Self::Integer(number as i64)
            }
        }
    )*};
}
value_from!(u64, u32, usize, i64);

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Option<u64>> for Value {
    fn from(number: Option<u64>) -> Self {
        Self::Optional(number.map(|number| number as i64))
    }
}

/// A statement with its values, `$1` first.
pub(crate) struct Statement {
    sql: &'static str,
    values: Vec<Value>,
}

impl Statement {
    pub(crate) fn new(sql: &'static str, values: impl IntoIterator<Item = Value>) -> Self {
        Self {
            sql,
            values: values.into_iter().collect(),
        }
    }

    fn query(&self) -> Query<'_, Any, AnyArguments> {
        self.values
            .iter()
            .fold(sqlx::query(self.sql), |query, value| match value.clone() {
                Value::Integer(number) => query.bind(number),
                Value::Optional(number) => query.bind(number),
                Value::Text(text) => query.bind(text),
                Value::Bytes(bytes) => query.bind(bytes),
            })
    }
}

struct Write {
    statements: Vec<Statement>,
    done: oneshot::Sender<Result<u64, StoreError>>,
}

/// The database of one front end. Clones share it.
#[derive(Clone, Debug)]
pub struct Store {
    pool: AnyPool,
    writes: mpsc::Sender<Write>,
    pub(super) sealer: Arc<Sealer>,
}

impl Store {
    /// Opens an SQLite file, which is made if it is not there.
    pub async fn open_file(path: &Path, master: &MasterKey) -> Result<Self, StoreError> {
        Self::open(&format!("sqlite://{}?mode=rwc", path.display()), master).await
    }

    /// Opens the database that `url` names, `sqlite://…` or `postgres://…`, and brings its schema up to
    /// date.
    pub async fn open(url: &str, master: &MasterKey) -> Result<Self, StoreError> {
        static DRIVERS: Once = Once::new();
        DRIVERS.call_once(sqlx::any::install_default_drivers);
        let postgres = url.starts_with("postgres");
        let pool = AnyPoolOptions::new()
            .max_connections(MAX_CONNECTIONS)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    if !postgres {
                        connection.execute(SQLITE_PRAGMAS).await?;
                    }
                    Ok(())
                })
            })
            .connect(url)
            .await?;
        migrator(postgres).run(&pool).await?;
        let (writes, queue) = mpsc::channel(MAX_QUEUED_WRITES);
        tokio::spawn(write_all(pool.clone(), queue));
        Ok(Self {
            pool,
            writes,
            sealer: Arc::new(Sealer::new(master)),
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

    /// All rows of a query.
    pub(super) async fn rows(&self, statement: Statement) -> Result<Vec<AnyRow>, StoreError> {
        Ok(statement.query().fetch_all(&self.pool).await?)
    }

    /// The first row of a query.
    pub(super) async fn row(&self, statement: Statement) -> Result<Option<AnyRow>, StoreError> {
        Ok(statement.query().fetch_optional(&self.pool).await?)
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

fn migrator(postgres: bool) -> Migrator {
    let migrations = MIGRATIONS.iter().map(|(version, description, sql)| {
        let sql = if postgres {
            sql.replace(" BLOB", " BYTEA")
        } else {
            (*sql).to_owned()
        };
        let sql = sqlx::SqlSafeStr::into_sql_str(AssertSqlSafe(sql));
        Migration::new(
            *version,
            (*description).into(),
            MigrationType::Simple,
            sql,
            false,
        )
    });
    let mut migrator = Migrator::with_migrations(migrations.collect());
    // The read model may live in the same database and keeps its own account of migrations.
    migrator.dangerous_set_table_name("frontend_migrations");
    migrator
}

async fn write_all(pool: AnyPool, mut queue: mpsc::Receiver<Write>) {
    let mut writes = Vec::with_capacity(MAX_WRITES_PER_COMMIT);
    while queue.recv_many(&mut writes, MAX_WRITES_PER_COMMIT).await > 0 {
        if writes.len() > 1
            && let Ok(changed) = commit(&pool, &writes).await
        {
            for (write, changed) in writes.drain(..).zip(changed) {
                // Nobody waits for it any more; it is written all the same.
                let _ = write.done.send(Ok(changed));
            }
            continue;
        }
        // One write among several may conflict with what is there: each gets its own answer.
        for write in writes.drain(..) {
            let answer = commit(&pool, std::slice::from_ref(&write)).await;
            let _ = write.done.send(answer.map(|changed| changed[0]));
        }
    }
}

async fn commit(pool: &AnyPool, writes: &[Write]) -> Result<Vec<u64>, StoreError> {
    let mut connection = pool.acquire().await?;
    let mut transaction = connection.begin().await?;
    let mut changed = Vec::with_capacity(writes.len());
    for write in writes {
        let mut rows = 0;
        for statement in &write.statements {
            let result = statement
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
