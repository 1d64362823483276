//! The table of the account.

use sqlx::any::AnyRow;
use tacit_certs::SpkiHash;
use tacit_database::{
    ColumnError, Columns as _, Database, Durability, OpenError, Schema, Statement,
};
use tokio::sync::Mutex;

use super::chain::{ChainKey, Entry, FIRST, Fault, Walk};
use crate::clock::now_ms;

/// Entries that are read at once: at most some hundred kilobytes.
const PAGE: u32 = 500;

/// Longest text of an entry, in bytes: filters are shorter, and a longer one is cut.
const MAX_TEXT_BYTES: usize = 1_024;

const SCHEMA: Schema = Schema {
    migrations_table: "operators_migrations",
    migrations: &[(
        1,
        "privileged reads",
        include_str!("../../migrations/0001_privileged_reads.sql"),
    )],
    // Whoever looked must stand in it whatever happens to the machine.
    durability: Durability::PowerLoss,
};

/// Why the account cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ReadsError {
    /// The database cannot be opened.
    #[error("the account of privileged reads cannot be opened: {0}")]
    Open(#[from] OpenError),
    /// The database refused.
    #[error("the account of privileged reads failed: {0}")]
    Database(#[from] sqlx::Error),
    /// A stored value is not what it should be.
    #[error("the account of privileged reads is damaged: {0}")]
    Damaged(#[from] ColumnError),
}

/// Who reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reader {
    /// Whose certificate was shown.
    pub operator: String,
    /// The certificate's key.
    pub certificate: SpkiHash,
}

/// An entry with its digest and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The entry.
    pub entry: Entry,
    /// Its digest.
    pub digest: [u8; 32],
    /// What is wrong with it.
    pub fault: Option<Fault>,
}

/// The account.
#[derive(Debug)]
pub struct Reads {
    database: Database,
    key: ChainKey,
    /// Number and digest of the last entry. Held while one is added, so that each has one before it.
    tail: Mutex<(u64, [u8; 32])>,
}

impl Reads {
    /// Opens the account in the database that `url` names. Its key is derived from the node's store key.
    ///
    /// # Errors
    /// [`ReadsError`].
    pub async fn open(url: &str, store_key: &[u8; 32]) -> Result<Self, ReadsError> {
        const LAST: &str =
            "SELECT number, digest FROM privileged_read ORDER BY number DESC LIMIT 1";
        let database = Database::open(url, &SCHEMA).await?;
        let last = place(database.row(Statement::new(LAST, [])).await?)?;
        // Behind a cut-off end the numbers go on where they had come to: the gap stays to be seen.
        let head = place(database.row(Statement::new(HEAD, [])).await?)?;
        Ok(Self {
            database,
            key: ChainKey::derive(store_key),
            tail: Mutex::new(last.max(head)),
        })
    }

    /// Records that a read begins. Answers with the entry's number.
    ///
    /// # Errors
    /// [`ReadsError`]; then nothing may be read.
    pub async fn begin(
        &self,
        reader: &Reader,
        action: &str,
        what: &str,
    ) -> Result<u64, ReadsError> {
        self.add(reader, action, what, "begun", 0).await
    }

    /// Records how a read ended.
    ///
    /// # Errors
    /// [`ReadsError`].
    pub async fn end(
        &self,
        reader: &Reader,
        action: &str,
        begun: u64,
        outcome: &str,
    ) -> Result<(), ReadsError> {
        self.add(reader, action, "", outcome, begun).await.map(drop)
    }

    /// A word that stands for a text that must not be readable in the account.
    pub fn word(&self, text: &str) -> String {
        self.key.word(text)
    }

    async fn add(
        &self,
        reader: &Reader,
        action: &str,
        what: &str,
        outcome: &str,
        begun: u64,
    ) -> Result<u64, ReadsError> {
        const INSERT: &str = "INSERT INTO privileged_read \
             (number, time_ms, operator, certificate, action, what, outcome, begun, digest) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        const MOVE_HEAD: &str = "INSERT INTO privileged_read_head (id, number, digest) \
             VALUES (1, $1, $2) \
             ON CONFLICT (id) DO UPDATE SET number = excluded.number, digest = excluded.digest";
        let mut tail = self.tail.lock().await;
        let entry = Entry {
            number: tail.0 + 1,
            time_ms: now_ms(),
            operator: cut(&reader.operator),
            certificate: reader.certificate,
            action: cut(action),
            what: cut(what),
            outcome: cut(outcome),
            begun,
        };
        let digest = self.key.digest(&tail.1, &entry);
        let values = [
            entry.number.into(),
            entry.time_ms.into(),
            entry.operator.clone().into(),
            entry.certificate.0.into(),
            entry.action.clone().into(),
            entry.what.clone().into(),
            entry.outcome.clone().into(),
            entry.begun.into(),
            digest.into(),
        ];
        let mut transaction = self.database.begin().await?;
        let head = [entry.number.into(), digest.into()];
        for statement in [
            Statement::new(INSERT, values),
            Statement::new(MOVE_HEAD, head),
        ] {
            statement.query().execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        *tail = (entry.number, digest);
        // A copy outside of the database, for whoever doubts the account.
        tracing::info!(
            number = entry.number,
            operator = entry.operator,
            action = entry.action,
            outcome = entry.outcome,
            digest = hex::encode(digest),
            "reads.record: a privileged read"
        );
        Ok(entry.number)
    }

    /// Goes through all entries, oldest first, and shows each page to `show`, which says whether to go on. Answers
    /// with number and digest of the last entry, and what is wrong with the end.
    ///
    /// # Errors
    /// [`ReadsError`].
    pub async fn walk<F>(
        &self,
        mut show: impl FnMut(Vec<Verified>) -> F,
    ) -> Result<((u64, [u8; 32]), Option<String>), ReadsError>
    where
        F: Future<Output = bool>,
    {
        const SELECT: &str = "SELECT number, time_ms, operator, certificate, action, what, outcome, \
             begun, digest FROM privileged_read WHERE number > $1 AND number <= $2 \
             ORDER BY number LIMIT $3";
        // What is added meanwhile is not part of it.
        let until = *self.tail.lock().await;
        let head = place(self.database.row(Statement::new(HEAD, [])).await?)?;
        let mut walk = Walk::new();
        let mut after: i64 = i64::MIN;
        loop {
            let values = [after.into(), until.0.into(), PAGE.into()];
            let rows = self.database.rows(Statement::new(SELECT, values)).await?;
            let Some(last) = rows.last() else { break };
            after = last.signed("number")?;
            let page: Result<Vec<Verified>, ColumnError> = rows
                .iter()
                .map(|row| {
                    let (entry, digest) = entry(row)?;
                    let fault = walk.step(&self.key, &entry, digest);
                    Ok(Verified {
                        entry,
                        digest,
                        fault,
                    })
                })
                .collect();
            if !show(page?).await {
                break;
            }
        }
        let at = walk.at();
        let fault = if at.0 < until.0 {
            let (first, last) = (at.0 + 1, until.0);
            Some(format!("entries {first} to {last} are missing at the end"))
        } else if at != until || head.0 < until.0 {
            Some("the end is not the one that was recorded last".to_owned())
        } else {
            None
        };
        Ok((at, fault))
    }
}

const HEAD: &str = "SELECT number, digest FROM privileged_read_head WHERE id = 1";

fn place(row: Option<AnyRow>) -> Result<(u64, [u8; 32]), ColumnError> {
    row.map_or(Ok((0, FIRST)), |row| {
        Ok((row.number("number")?, row.array("digest")?))
    })
}

fn entry(row: &AnyRow) -> Result<(Entry, [u8; 32]), ColumnError> {
    let entry = Entry {
        number: row.number("number")?,
        time_ms: row.number("time_ms")?,
        operator: row.text("operator")?,
        certificate: SpkiHash(row.array("certificate")?),
        action: row.text("action")?,
        what: row.text("what")?,
        outcome: row.text("outcome")?,
        begun: row.number("begun")?,
    };
    Ok((entry, row.array("digest")?))
}

/// The beginning of a text, as far as it fits.
fn cut(text: &str) -> String {
    let mut end = text.len().min(MAX_TEXT_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [7; 32];

    fn reader() -> Reader {
        Reader {
            operator: "alice".into(),
            certificate: SpkiHash([1; 32]),
        }
    }

    async fn verified(reads: &Reads) -> (Vec<Verified>, Option<String>) {
        let mut all = Vec::new();
        let (_, end) = reads
            .walk(|page| {
                all.extend(page);
                std::future::ready(true)
            })
            .await
            .unwrap();
        (all, end)
    }

    fn faults(all: &[Verified]) -> Vec<(u64, Fault)> {
        let faults = all
            .iter()
            .filter_map(|one| one.fault.map(|fault| (one.entry.number, fault)));
        faults.collect()
    }

    async fn alter(reads: &Reads, sql: &'static str) {
        let mut transaction = reads.database.begin().await.unwrap();
        let statement = Statement::new(sql, []).query();
        let done = statement.execute(&mut *transaction).await.unwrap();
        assert_eq!(done.rows_affected(), 1);
        transaction.commit().await.unwrap();
    }

    #[tokio::test]
    async fn the_account_goes_on_after_a_restart_and_names_what_was_done_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("operators.sqlite");
        let url = format!("sqlite://{}?mode=rwc", file.display());
        let reads = Reads::open(&url, &KEY).await.unwrap();
        assert_eq!(verified(&reads).await, (Vec::new(), None));
        for number in 0..u64::from(PAGE) {
            let begun = reads.begin(&reader(), "history", "member=2").await.unwrap();
            assert_eq!(begun, 2 * number + 1);
            let reader = reader();
            let ended = reads.end(&reader, "history", begun, "done: 3 calls");
            ended.await.unwrap();
        }
        reads.database.close().await;
        let reads = Reads::open(&url, &KEY).await.unwrap();
        let begun = reads.begin(&reader(), "audit-bundle", "").await.unwrap();
        assert_eq!(begun, 2 * u64::from(PAGE) + 1);
        let (all, end) = verified(&reads).await;
        assert_eq!(all.len() as u64, begun);
        assert_eq!((faults(&all), end), (Vec::new(), None));

        alter(
            &reads,
            "UPDATE privileged_read SET operator = 'bob' WHERE number = 3",
        )
        .await;
        let (all, end) = verified(&reads).await;
        assert_eq!((faults(&all), end), (vec![(3, Fault::Altered)], None));
        alter(&reads, "DELETE FROM privileged_read WHERE number = 700").await;
        let (all, _) = verified(&reads).await;
        let gap = Fault::MissingFrom(700);
        assert_eq!(faults(&all), [(3, Fault::Altered), (701, gap)]);

        // The end cut off, while the node runs and while it does not.
        alter(&reads, "DELETE FROM privileged_read WHERE number = 1001").await;
        let (_, end) = verified(&reads).await;
        assert!(end.unwrap().contains("1001"));
        reads.database.close().await;
        let reads = Reads::open(&url, &KEY).await.unwrap();
        let (_, end) = verified(&reads).await;
        assert!(end.unwrap().contains("1001"));
        assert_eq!(reads.begin(&reader(), "history", "").await.unwrap(), 1_002);
        let (all, _) = verified(&reads).await;
        assert_eq!(
            faults(&all).last(),
            Some(&(1_002, Fault::MissingFrom(1_001)))
        );

        // Under another key nothing of it holds.
        let other = Reads::open(&url, &[8; 32]).await.unwrap();
        let (all, _) = verified(&other).await;
        assert_eq!(faults(&all).len(), all.len());
    }

    #[tokio::test]
    async fn reads_at_the_same_time_have_one_order() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("operators.sqlite");
        let url = format!("sqlite://{}?mode=rwc", file.display());
        let reads = Reads::open(&url, &KEY).await.unwrap();
        let reader = reader();
        let begun = (0..20).map(|_| reads.begin(&reader, "history", ""));
        let numbers = futures::future::try_join_all(begun).await.unwrap();
        let mut sorted = numbers.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (1..=20).collect::<Vec<_>>());
        let (all, end) = verified(&reads).await;
        assert_eq!((all.len(), faults(&all), end), (20, Vec::new(), None));
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let long = "é".repeat(MAX_TEXT_BYTES);
        assert_eq!(cut(&long).len(), MAX_TEXT_BYTES);
        assert!(cut(&format!("a{long}")).len() < MAX_TEXT_BYTES);
        assert_eq!(cut("short"), "short");
    }
}
