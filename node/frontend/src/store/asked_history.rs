//! This member's requests as its history reads them: many at once, found by operator, purpose or case.

use std::collections::HashMap;
use std::fmt;

use futures::future::try_join_all;
use sqlx::Row;
use sqlx::any::AnyRow;
use tacit_ledger::kernel::ChainId;
use tacit_ledger::network::SessionId;
use tacit_ledger::network::audit::AuditContext;
use tacit_sealing::{BatchName, Content, OwnRecords, Period, PrivateKey};
use zeroize::Zeroizing;

use super::database::{Statement, Store, StoreError, number, optional_number};
use super::index::IndexedColumn;

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
    /// When it was signed, in milliseconds since 1970-01-01 UTC.
    pub(crate) created_ms: u64,
    /// The period to which the rest belongs.
    pub(crate) period: Period,
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
        OwnRecords::context_of(&self.records).map_err(|_| StoreError::Damaged("audit record"))
    }
}

/// On which side of a request this member was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// It asked.
    Asked,
    /// It answered.
    Served,
}

/// A row of requests, still sealed: opening is arithmetic.
pub(crate) struct SealedBatch {
    /// Session and sequence.
    pub(crate) key: [u64; 2],
    period: Period,
    period_key: PrivateKey,
    version: Option<u64>,
    created_ms: u64,
    records: Vec<u8>,
    answer: Option<Vec<u8>>,
}

impl Store {
    /// The rows of these requests, in any order, those that are here and whose retention period is not over.
    pub(crate) async fn asked_sealed(
        &self,
        names: &[(u64, u64)],
    ) -> Result<Vec<SealedBatch>, StoreError> {
        const SELECT: &str = "SELECT b.session_id, b.sequence, b.version, b.created_ms, \
             b.sealed_records, b.sealed_answer, b.class, b.month, k.sealed_key FROM named n \
             JOIN asked_batch b ON b.session_id = n.first AND b.sequence = n.second \
             JOIN retention_key k ON k.class = b.class AND k.month = b.month \
             WHERE b.state <> 5";
        let mut sealed = Vec::with_capacity(names.len());
        // A page is a few statements: each has a connection of its own, and waits for the disk alone.
        let reading = Statement::of_pairs(SELECT, names).map(|statement| self.rows(statement));
        for rows in try_join_all(reading).await? {
            for row in rows {
                sealed.extend(self.sealed_batch(&row)?);
            }
        }
        Ok(sealed)
    }

    /// A row with its period's key; nothing where that is destroyed.
    pub(super) fn sealed_batch(&self, row: &AnyRow) -> Result<Option<SealedBatch>, StoreError> {
        let (period, Some(period_key)) = self.period_of(row)? else {
            return Ok(None);
        };
        Ok(Some(SealedBatch {
            key: key_of(row)?,
            period,
            period_key,
            version: optional_number(row, "version")?,
            created_ms: number(row, "created_ms")?,
            records: row.try_get("sealed_records")?,
            answer: row.try_get("sealed_answer")?,
        }))
    }

    /// How many calls of these requests are padding, of those that have any.
    pub(crate) async fn padding_of(
        &self,
        side: Side,
        names: &[(u64, u64)],
    ) -> Result<HashMap<(u64, u64), u64>, StoreError> {
        const ASKED: &str = "SELECT b.session_id, b.sequence, b.padding FROM named n \
             JOIN asked_batch b ON b.session_id = n.first AND b.sequence = n.second \
             WHERE b.padding > 0";
        const SERVED: &str = "SELECT b.session_id, b.sequence, b.padding FROM named n \
             JOIN served_batch b ON b.session_id = n.first AND b.sequence = n.second \
             WHERE b.padding > 0";
        let select = match side {
            Side::Asked => ASKED,
            Side::Served => SERVED,
        };
        let mut padding = HashMap::new();
        for statement in Statement::of_pairs(select, names) {
            for row in self.rows(statement).await? {
                let [session, sequence] = key_of(&row)?;
                padding.insert((session, sequence), number(&row, "padding")?);
            }
        }
        Ok(padding)
    }

    /// Opens the answer of a row alone, if there is one.
    pub(crate) fn open_answer(
        chain_id: ChainId,
        sealed: &SealedBatch,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let [session, sequence] = sealed.key;
        let name = BatchName {
            chain_id,
            session: SessionId(session),
            sequence,
        };
        let (period, key) = (&sealed.period, &sealed.period_key);
        let open =
            |answer| Self::open_for(Content::Answer, period, key, &name.associated(), answer);
        sealed.answer.as_deref().map(open).transpose()
    }

    /// Opens a row of the requests of a network.
    pub(crate) fn open_kept(
        chain_id: ChainId,
        sealed: &SealedBatch,
    ) -> Result<KeptBatch, StoreError> {
        let SealedBatch {
            key: [session, sequence],
            period,
            period_key,
            ..
        } = sealed;
        let name = BatchName {
            chain_id,
            session: SessionId(*session),
            sequence: *sequence,
        };
        let associated = name.associated();
        let open =
            |content, value: &[u8]| Self::open_for(content, period, period_key, &associated, value);
        let answer = sealed.answer.as_deref();
        Ok(KeptBatch {
            session: name.session,
            sequence: name.sequence,
            version: sealed.version,
            created_ms: sealed.created_ms,
            period: period.clone(),
            records: open(Content::Records, &sealed.records)?,
            answer: answer
                .map(|answer| open(Content::Answer, answer))
                .transpose()?,
        })
    }

    /// The names of the requests that a filter lets through, by their hashes alone, in no order. `None` where they
    /// are more than `limit`, or where a row of an earlier version could not be opened to make its hashes: then
    /// all rows are to be looked at.
    pub async fn asked_named(
        &self,
        filter: AskedFilter<'_>,
        limit: u32,
    ) -> Result<Option<Vec<(u64, u64)>>, StoreError> {
        const MISSING: &str = "SELECT session_id FROM asked_batch \
             WHERE case_key IS NULL AND state <> 5 LIMIT 1";
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
