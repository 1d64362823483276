//! An empty database for each member.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AnyConnection, AssertSqlSafe, Connection};

/// Where databases are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// The databases of a network.
pub enum Databases {
    /// A file in each member's folder.
    Files,
    /// A schema for each member on a server.
    Schemas { server: String, names: Vec<String> },
}

impl Databases {
    pub async fn fresh(engine: Engine, members: usize) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        if engine == Engine::Sqlite {
            return Self::Files;
        }
        let server = std::env::var("TACIT_TEST_POSTGRES_URL").expect("a server");
        let mut names = Vec::new();
        for _ in 0..members {
            let number = COUNT.fetch_add(1, Ordering::Relaxed);
            let name = format!("frontend_{}_{number}", std::process::id());
            execute(&server, &format!("CREATE SCHEMA {name}")).await;
            names.push(name);
        }
        Self::Schemas { server, names }
    }

    /// The address of a member's database.
    pub fn url(&self, index: usize, folder: &Path) -> String {
        match self {
            Self::Files => {
                let file = folder.join("frontend.sqlite");
                format!("sqlite://{}?mode=rwc", file.display())
            }
            Self::Schemas { server, names } => {
                let joint = if server.contains('?') { '&' } else { '?' };
                format!("{server}{joint}options[search_path]={}", names[index])
            }
        }
    }

    /// Leaves the server as it was.
    pub async fn remove(self) {
        if let Self::Schemas { server, names } = self {
            for name in names {
                execute(&server, &format!("DROP SCHEMA {name} CASCADE")).await;
            }
        }
    }
}

async fn execute(server: &str, sql: &str) {
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(server).await.expect("a server");
    sqlx::query(AssertSqlSafe(sql.to_owned()))
        .execute(&mut connection)
        .await
        .expect("executes");
}
