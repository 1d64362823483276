//! An empty database for each test.

use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AnyConnection, AssertSqlSafe, Connection};
use tempfile::TempDir;

/// Where a test runs.
#[derive(Clone, Copy, Debug)]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// An empty database.
pub struct Fresh {
    pub url: String,
    server: Option<(String, String)>,
    _folder: Option<TempDir>,
}

impl Engine {
    /// An SQLite file in a folder of its own, or a schema of its own on the server.
    pub async fn fresh(self) -> Fresh {
        match self {
            Self::Sqlite => {
                let folder = tempfile::tempdir().expect("a folder");
                let url = format!(
                    "sqlite://{}?mode=rwc",
                    folder.path().join("read.db").display()
                );
                Fresh {
                    url,
                    server: None,
                    _folder: Some(folder),
                }
            }
            Self::Postgres => {
                static COUNT: AtomicU32 = AtomicU32::new(0);
                let server = std::env::var("TACIT_TEST_POSTGRES_URL").expect("a server");
                let number = COUNT.fetch_add(1, Ordering::Relaxed);
                let schema = format!("readmodel_{}_{number}", std::process::id());
                execute(&server, &format!("CREATE SCHEMA {schema}")).await;
                let joint = if server.contains('?') { '&' } else { '?' };
                let url = format!("{server}{joint}options[search_path]={schema}");
                Fresh {
                    url,
                    server: Some((server, schema)),
                    _folder: None,
                }
            }
        }
    }
}

impl Fresh {
    /// Leaves the server as it was.
    pub async fn remove(self) {
        if let Some((server, schema)) = self.server {
            execute(&server, &format!("DROP SCHEMA {schema} CASCADE")).await;
        }
    }
}

/// Executes a statement past the read model.
pub async fn execute(server: &str, sql: &str) {
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(server).await.expect("a server");
    sqlx::query(AssertSqlSafe(sql.to_owned()))
        .execute(&mut connection)
        .await
        .expect("executes");
}
