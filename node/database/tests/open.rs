//! Opening, on SQLite; the owners of schemas test their own statements on PostgreSQL too.

use tacit_database::{Columns, Database, Durability, OpenError, Schema, Statement};

const ONE: Schema = Schema {
    migrations_table: "one_migrations",
    migrations: &[(1, "first", "CREATE TABLE one (a BIGINT NOT NULL, b BLOB);")],
    durability: Durability::ProcessEnd,
};

const TWO: Schema = Schema {
    migrations_table: "two_migrations",
    migrations: &[(1, "first", "CREATE TABLE two (a BIGINT NOT NULL);")],
    durability: Durability::PowerLoss,
};

async fn pragma(database: &Database, sql: &'static str, column: &str) -> u64 {
    let row = database
        .row(Statement::new(sql, []))
        .await
        .unwrap()
        .unwrap();
    row.number(column).unwrap()
}

#[tokio::test]
async fn two_owners_share_one_database_and_keep_their_own_promises() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!(
        "sqlite://{}?mode=rwc",
        folder.path().join("shared.db").display()
    );
    let one = Database::open(&url, &ONE).await.unwrap();
    let two = Database::open(&url, &TWO).await.unwrap();
    assert_eq!(pragma(&one, "PRAGMA synchronous", "synchronous").await, 1);
    assert_eq!(pragma(&two, "PRAGMA synchronous", "synchronous").await, 2);
    let insert = Statement::new(
        "INSERT INTO one (a, b) VALUES ($1, $2)",
        [7_u64.into(), None::<Vec<u8>>.into()],
    );
    let mut transaction = one.begin().await.unwrap();
    insert.query().execute(&mut *transaction).await.unwrap();
    transaction.commit().await.unwrap();
    // What stands is found again after opening again.
    let again = Database::open(&url, &ONE).await.unwrap();
    let rows = again
        .rows(Statement::new("SELECT a, b FROM one", []))
        .await
        .unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].number("a").unwrap(), 7);
    assert_eq!(rows[0].optional_array::<32>("b").unwrap(), None);
}

#[tokio::test]
async fn a_schema_that_was_changed_after_its_release_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!(
        "sqlite://{}?mode=rwc",
        folder.path().join("changed.db").display()
    );
    Database::open(&url, &ONE).await.unwrap().close().await;
    let changed = Schema {
        migrations: &[(1, "first", "CREATE TABLE one (a BIGINT NOT NULL);")],
        ..ONE
    };
    let opened = Database::open(&url, &changed).await;
    assert!(matches!(opened, Err(OpenError::Migrate(_))), "{opened:?}");
}

#[tokio::test]
async fn a_number_that_was_never_written_is_an_error_and_not_a_wrong_number() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!(
        "sqlite://{}?mode=rwc",
        folder.path().join("damaged.db").display()
    );
    let database = Database::open(&url, &TWO).await.unwrap();
    let row = database
        .row(Statement::new("SELECT -1 AS a, 5000000000 AS b", []))
        .await;
    let row = row.unwrap().unwrap();
    assert!(row.number("a").is_err());
    assert!(row.number_32("b").is_err());
    assert_eq!(row.bits("a").unwrap(), u64::MAX);
    assert_eq!(row.signed("a").unwrap(), -1);
}
