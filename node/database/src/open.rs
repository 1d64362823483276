//! Connection, pragmas, migrations.

use std::{sync::Once, time::Duration};

use sqlx::{
    Any, AnyPool, AssertSqlSafe, Executor, Row, SqlSafeStr, Transaction,
    any::{AnyPoolOptions, AnyRow},
    migrate::{Migration, MigrationType, Migrator},
};

use crate::statement::Statement;

/// Connections of one pool. SQLite reads do not block each other or the writer in WAL mode, and more than
/// this many readers only wait for the same disk.
pub const MAX_CONNECTIONS: u32 = 8;

/// How long a caller waits for a connection before it is told that the database is overloaded.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// SQLite: readers go on while one writes, and a second writer waits instead of failing.
const SQLITE_PRAGMAS: &str = "PRAGMA journal_mode = WAL; PRAGMA busy_timeout = 10000;";

/// The tables of one owner.
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    /// Table in which the owner's migrations are accounted for.
    pub migrations_table: &'static str,
    /// Number, name and statements of each migration, ascending. What was released never changes.
    pub migrations: &'static [(i64, &'static str, &'static str)],
    /// What a commit promises on SQLite. PostgreSQL's own configuration says it there.
    pub durability: Durability,
}

/// What a commit promises on SQLite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// It survives the power cut. Values that are deleted are overwritten on the disk.
    PowerLoss,
    /// It survives the end of the process; after a power cut the last ones may be missing, and none is
    /// half there. For what can be made again from elsewhere.
    ProcessEnd,
}

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It refused or could not be reached.
    #[error("the database cannot be reached; check database_url")]
    Connect(#[from] sqlx::Error),
    /// The schema could not be brought up to date.
    #[error("the database's schema cannot be brought up to date; restore it, or name an empty one")]
    Migrate(#[from] sqlx::migrate::MigrateError),
}

/// An open database. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Database {
    pool: AnyPool,
    postgres: bool,
}

impl Database {
    /// Opens what `url` names, `sqlite://…` or `postgres://…`, and brings the schema up to date.
    ///
    /// # Errors
    /// [`OpenError::Connect`] where it refuses or cannot be reached; [`OpenError::Migrate`] where the
    /// tables are not those that the migrations left behind.
    pub async fn open(url: &str, schema: &Schema) -> Result<Self, OpenError> {
        static DRIVERS: Once = Once::new();
        DRIVERS.call_once(sqlx::any::install_default_drivers);
        let postgres = url.starts_with("postgres");
        let durability = match schema.durability {
            Durability::PowerLoss => "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;",
            Durability::ProcessEnd => "PRAGMA synchronous = NORMAL;",
        };
        let pool = AnyPoolOptions::new()
            .max_connections(MAX_CONNECTIONS)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    if !postgres {
                        connection.execute(SQLITE_PRAGMAS).await?;
                        connection.execute(durability).await?;
                    }
                    Ok(())
                })
            })
            .connect(url)
            .await?;
        migrator(schema, postgres).run(&pool).await?;
        Ok(Self { pool, postgres })
    }

    /// Begins a transaction. Dropped without a commit, it has done nothing.
    pub async fn begin(&self) -> Result<Transaction<'static, Any>, sqlx::Error> {
        self.pool.begin().await
    }

    /// All rows of a query.
    pub async fn rows(&self, statement: Statement) -> Result<Vec<AnyRow>, sqlx::Error> {
        statement.query().fetch_all(&self.pool).await
    }

    /// The first row of a query.
    pub async fn row(&self, statement: Statement) -> Result<Option<AnyRow>, sqlx::Error> {
        statement.query().fetch_optional(&self.pool).await
    }

    /// Brings as far as it can what was deleted from a small table out of the files that the database keeps. On
    /// SQLite, which has overwritten it in the table: empties the log of writes, where an earlier copy stands;
    /// false where readers hold it back, and it is to be tried again. On PostgreSQL: writes the table anew
    /// without its dead rows; the server's log of writes, and copies of it elsewhere, keep theirs until they
    /// are recycled.
    pub async fn sweep(&self, table: &'static str) -> Result<bool, sqlx::Error> {
        if self.postgres {
            let vacuum = AssertSqlSafe(format!("VACUUM (FULL) {table}"));
            sqlx::query(vacuum)
                .persistent(false)
                .execute(&self.pool)
                .await?;
            return Ok(true);
        }
        let row = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
            .persistent(false)
            .fetch_one(&self.pool)
            .await?;
        let held_back: i64 = row.try_get(0)?;
        Ok(held_back == 0)
    }

    /// Closes all connections once their statements have ended.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

fn migrator(schema: &Schema, postgres: bool) -> Migrator {
    let migrations = schema.migrations.iter().map(|(number, name, sql)| {
        let sql = if postgres {
            sql.replace(" BLOB", " BYTEA")
        } else {
            (*sql).to_owned()
        };
        let sql = AssertSqlSafe(sql).into_sql_str();
        Migration::new(*number, (*name).into(), MigrationType::Simple, sql, false)
    });
    let mut migrator = Migrator::with_migrations(migrations.collect());
    migrator.dangerous_set_table_name(schema.migrations_table);
    migrator
}
