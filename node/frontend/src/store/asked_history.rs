//! This member's requests as its history reads them: many at once, found by operator, purpose or case.

use std::fmt;

use borsh::BorshDeserialize as _;
use futures::future::try_join_all;
use sqlx::Row;
use sqlx::any::AnyRow;
use tacit_ledger::network::SessionId;
use tacit_ledger::network::audit::AuditContext;
use zeroize::Zeroizing;

use super::asked::place;
use super::database::{Statement, Store, StoreError, number, optional_number};
use super::index::IndexedColumn;

/// Rows that are gone through in one step when hashes are missing. Each may hold 140 kB.
const INDEX_PAGE: u32 = 64;

/// Which requests. A field that is empty lets all through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AskedFilter<'a> {
    /// Name of the operator.
    pub operator: &'a str,
    /// Governed code of the purpose.
    pub purpose: &'a str,
    /// Case or consent reference.
    pub case: &'a str,
}

impl AskedFilter<'_> {
    /// Whether it lets everything through.
    pub fn is_empty(&self) -> bool {
        *self == AskedFilter::default()
    }

    /// Whether it lets a request of this context through.
    pub fn fits(&self, context: &AuditContext) -> bool {
        let fields = [
            (self.operator, &context.operator),
            (self.purpose, &context.purpose),
            (self.case, &context.case_reference),
        ];
        fields
            .iter()
            .all(|(wanted, found)| wanted.is_empty() || wanted == found)
    }
}

/// What is kept of a request, opened: why it was made, and the answer, as [`screening`](crate::screening) encodes
/// them.
pub struct KeptBatch {
    /// Session.
    pub session: SessionId,
    /// Number of the request in it.
    pub sequence: u64,
    /// The version of the list that the answers are about.
    pub version: Option<u64>,
    pub(crate) records: Zeroizing<Vec<u8>>,
    pub(crate) answer: Option<Zeroizing<Vec<u8>>>,
}

impl fmt::Debug for KeptBatch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("KeptBatch")
            .field("session", &self.session)
            .field("sequence", &self.sequence)
            .finish_non_exhaustive()
    }
}

impl KeptBatch {
    /// Why it was asked. It stands first in the records; what follows is not read.
    ///
    /// # Errors
    /// [`StoreError::Damaged`].
    pub fn context(&self) -> Result<AuditContext, StoreError> {
        context_of(&self.records)
    }
}

fn context_of(records: &[u8]) -> Result<AuditContext, StoreError> {
    AuditContext::deserialize(&mut &*records).map_err(|_| StoreError::Damaged("audit record"))
}

/// A row of requests, still sealed: opening is arithmetic.
pub(crate) struct SealedBatch {
    key: [u64; 2],
    version: Option<u64>,
    records: Vec<u8>,
    answer: Option<Vec<u8>>,
}

impl Store {
    /// The rows of these requests, in any order, those that are here.
    pub(crate) async fn asked_sealed(
        &self,
        names: &[(u64, u64)],
    ) -> Result<Vec<SealedBatch>, StoreError> {
        const SELECT: &str = "SELECT b.session_id, b.sequence, b.version, \
             b.sealed_records, b.sealed_answer FROM named n \
             JOIN asked_batch b ON b.session_id = n.first AND b.sequence = n.second";
        let mut sealed = Vec::with_capacity(names.len());
        // A page is a few statements: each has a connection of its own, and waits for the disk alone.
        let reading = Statement::of_pairs(SELECT, names).map(|statement| self.rows(statement));
        for rows in try_join_all(reading).await? {
            for row in rows {
                sealed.push(SealedBatch {
                    key: key_of(&row)?,
                    version: optional_number(&row, "version")?,
                    records: row.try_get("sealed_records")?,
                    answer: row.try_get("sealed_answer")?,
                });
            }
        }
        Ok(sealed)
    }

    /// Opens a row.
    pub(crate) fn open_kept(&self, sealed: &SealedBatch) -> Result<KeptBatch, StoreError> {
        let key = &sealed.key;
        let open = |column, value: &[u8]| self.sealer.open(place(column, key), value);
        let answer = sealed.answer.as_deref();
        Ok(KeptBatch {
            session: SessionId(key[0]),
            sequence: key[1],
            version: sealed.version,
            records: open("sealed_records", &sealed.records)?,
            answer: answer
                .map(|answer| open("sealed_answer", answer))
                .transpose()?,
        })
    }

    /// The names of the requests that a filter lets through, by their hashes alone, in no order. `None` where they
    /// are more than `limit`, or where rows of an earlier version have no hashes yet: then all rows are to be
    /// looked at.
    pub async fn asked_named(
        &self,
        filter: AskedFilter<'_>,
        limit: u32,
    ) -> Result<Option<Vec<(u64, u64)>>, StoreError> {
        const MISSING: &str = "SELECT session_id FROM asked_batch WHERE case_key IS NULL LIMIT 1";
        if self.row(Statement::new(MISSING, [])).await?.is_some() {
            return Ok(None);
        }
        let hash = |column, value: &str| {
            let hash = self.indexer.of(column, value);
            Some(hash).filter(|_| !value.is_empty())
        };
        let case = hash(IndexedColumn::Case, filter.case);
        let operator = hash(IndexedColumn::Operator, filter.operator);
        let purpose = hash(IndexedColumn::Purpose, filter.purpose);
        // A case is about fewer requests than a person makes, and a person makes fewer than have a purpose.
        let (sql, by) = if case.is_some() {
            (BY_CASE, [case, operator, purpose])
        } else if operator.is_some() {
            (BY_OPERATOR, [operator, purpose, None])
        } else {
            (BY_PURPOSE, [purpose, None, None])
        };
        let [first, second, third] = by.map(|hash| (hash.unwrap_or(0), u32::from(hash.is_some())));
        let values = [
            first.0.into(),
            second.0.into(),
            second.1.into(),
            third.0.into(),
            third.1.into(),
            (u64::from(limit) + 1).into(),
        ];
        let rows = self.rows(Statement::new(sql, values)).await?;
        if rows.len() > limit as usize {
            return Ok(None);
        }
        let names = rows
            .iter()
            .map(|row| key_of(row).map(|key| (key[0], key[1])));
        names.collect::<Result<_, _>>().map(Some)
    }

    /// Gives hashes to some rows that have none, beginning behind `after`. Answers with the last of them; `None`
    /// where there is no further one.
    pub(crate) async fn index_asked(
        &self,
        after: Option<[u64; 2]>,
    ) -> Result<Option<[u64; 2]>, StoreError> {
        const SELECT: &str = "SELECT session_id, sequence, sealed_records FROM asked_batch \
             WHERE case_key IS NULL AND (session_id, sequence) > ($1, $2) \
             ORDER BY session_id, sequence LIMIT $3";
        const UPDATE: &str = "UPDATE asked_batch SET operator_key = $3, purpose_key = $4, \
             case_key = $5 WHERE session_id = $1 AND sequence = $2";
        let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let [session, sequence] = after.map_or([-1, -1], |key| key.map(signed));
        let values = [session.into(), sequence.into(), INDEX_PAGE.into()];
        let rows = self.rows(Statement::new(SELECT, values)).await?;
        let mut statements = Vec::with_capacity(rows.len());
        let mut last = None;
        for row in &rows {
            let key = key_of(row)?;
            last = Some(key);
            let sealed: Vec<u8> = row.try_get("sealed_records")?;
            let opened = self.sealer.open(place("sealed_records", &key), &sealed);
            let context = opened
                .map_err(StoreError::from)
                .and_then(|records| context_of(&records));
            match context {
                Ok(context) => {
                    let [operator, purpose, case] = self.indexer.of_context(&context);
                    let values = [
                        key[0].into(),
                        key[1].into(),
                        operator.into(),
                        purpose.into(),
                        case.into(),
                    ];
                    statements.push(Statement::new(UPDATE, values));
                }
                // Left as it is: whoever reads the history is told.
                Err(error) => {
                    let [session, sequence] = key;
                    tracing::error!(%error, session, sequence, "store.index: not read");
                }
            }
        }
        if !statements.is_empty() {
            self.write(statements).await?;
        }
        Ok(last)
    }
}

/// By one hash; a second and a third one only where the number after it is not 0.
macro_rules! by {
    ($first:literal, $second:literal, $third:literal) => {
        concat!(
            "SELECT session_id, sequence FROM asked_batch WHERE ",
            $first,
            " = $1 AND ($3 = 0 OR ",
            $second,
            " = $2) AND ($5 = 0 OR ",
            $third,
            " = $4) LIMIT $6"
        )
    };
}

const BY_CASE: &str = by!("case_key", "operator_key", "purpose_key");
const BY_OPERATOR: &str = by!("operator_key", "purpose_key", "case_key");
const BY_PURPOSE: &str = by!("purpose_key", "operator_key", "case_key");

fn key_of(row: &AnyRow) -> Result<[u64; 2], StoreError> {
    Ok([number(row, "session_id")?, number(row, "sequence")?])
}

#[cfg(test)]
mod tests {
    use super::super::seal::MasterKey;
    use super::*;

    fn context(operator: &str, purpose: &str, case: &str) -> AuditContext {
        AuditContext {
            operator: operator.into(),
            role: String::new(),
            purpose: purpose.into(),
            lawful_basis: "consent".into(),
            case_reference: case.into(),
            approver: String::new(),
        }
    }

    /// A request of session 1, without hashes, as versions before they existed left it.
    async fn insert(store: &Store, sequence: u64, context: &AuditContext) {
        let mut records = borsh::to_vec(context).unwrap();
        records.extend([0; 4]);
        let sealed = store
            .sealer
            .seal(place("sealed_records", &[1, sequence]), &records);
        let insert = "INSERT INTO asked_batch (session_id, sequence, provider, list_id, tag_epoch, \
             calls, state, sealed_request, sealed_records, created_ms) \
             VALUES (1, $1, 2, 1, 0, 1, 2, $2, $2, 0)";
        let statement = Statement::new(insert, [sequence.into(), sealed.into()]);
        store.write(vec![statement]).await.unwrap();
    }

    async fn named(store: &Store, filter: AskedFilter<'_>, limit: u32) -> Option<Vec<u64>> {
        let named = store.asked_named(filter, limit).await.unwrap()?;
        let mut sequences: Vec<u64> = named.iter().map(|(_, sequence)| *sequence).collect();
        sequences.sort_unstable();
        Some(sequences)
    }

    fn filter<'a>(operator: &'a str, purpose: &'a str, case: &'a str) -> AskedFilter<'a> {
        AskedFilter {
            operator,
            purpose,
            case,
        }
    }

    #[tokio::test]
    async fn requests_of_before_are_found_once_they_have_hashes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.sqlite");
        let store = Store::open_file(&path, &MasterKey::from_bytes([7; 32])).await;
        let store = store.unwrap();
        let count = u64::from(INDEX_PAGE) + 3;
        for sequence in 0..count {
            let operator = if sequence % 2 == 0 { "alice" } else { "bob" };
            let case = format!("LOAN-{}", sequence / 3);
            insert(&store, sequence, &context(operator, "review", &case)).await;
        }
        let by_case = filter("", "", "LOAN-1");
        assert_eq!(named(&store, by_case, 10).await, None, "none has a hash");
        let mut after = None;
        let mut steps = 0;
        while let Some(last) = store.index_asked(after).await.unwrap() {
            after = Some(last);
            steps += 1;
        }
        assert_eq!(steps, 2);

        assert_eq!(named(&store, by_case, 10).await, Some(vec![3, 4, 5]));
        let both = filter("alice", "review", "LOAN-1");
        assert_eq!(named(&store, both, 10).await, Some(vec![4]));
        let none = filter("alice", "marketing", "LOAN-1");
        assert_eq!(named(&store, none, 10).await, Some(vec![]));
        let by_operator = filter("bob", "", "");
        assert_eq!(
            named(&store, by_operator, 100).await.unwrap().len() as u64,
            count / 2
        );
        assert_eq!(named(&store, by_operator, 10).await, None, "more than 10");
        assert_eq!(named(&store, filter("", "review", ""), 10).await, None);

        // One more without hashes: then its row has to be looked at, so all have.
        insert(&store, count, &context("carol", "review", "LOAN-1")).await;
        assert_eq!(named(&store, by_case, 10).await, None);
    }
}
