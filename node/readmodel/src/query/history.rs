//! What a member asked and served, streamed in the order of the ledger.
//!
//! Rows are read in pages, each a query of its own that starts behind the last row read: a reader that
//! takes its time holds neither a connection nor a view of the database, and memory is one page a side,
//! however long the history. The stream ends at the position at which it began.

use std::collections::VecDeque;

use futures::Stream;
use sqlx::any::AnyRow;
use tacit_circuits::scope::{ListId, MemberId, TagEpoch};
use tacit_database::{ColumnError, Columns, Statement};
use tacit_ledger::kernel::{BusinessDate, Digest, TxId};
use tacit_ledger::network::SessionId;

use super::{Period, any};
use crate::error::ReadModelError;
use crate::model::ReadModel;

/// Batches of the first page. Each holds up to 1,000 hashes, so it takes at most 4 MB.
const MIN_PAGE: u32 = 128;

/// Batches of a page behind pages of small batches: at most 33 MB, should the next ones be large.
const MAX_PAGE: u32 = 1_024;

/// Calls of a page that is large enough: the next one has no more batches than it.
const PAGE_CALLS: usize = 16_384;

/// On which side of a call a member stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// It asked.
    Asked,
    /// It served.
    Served,
}

/// Whose history, and which part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryFilter {
    /// Whose.
    pub member: MemberId,
    /// Only this side; absent means both.
    pub direction: Option<Direction>,
    /// Only this period.
    pub period: Period,
    /// Only with this other side.
    pub counterparty: Option<MemberId>,
    /// Only this list.
    pub list: Option<ListId>,
}

impl HistoryFilter {
    /// All that a member asked and served.
    pub const fn all(member: MemberId) -> Self {
        let (direction, counterparty, list) = (None, None, None);
        Self {
            member,
            direction,
            period: Period::ALL,
            counterparty,
            list,
        }
    }
}

/// A batch of calls that stands on the ledger, as one of its sides sees it. Call `i` has audit hash `i`
/// and leaf `first_leaf + i` of the network's log.
///
/// The last calls of a batch may be padding, which asks about nobody and costs nothing. Only the two sides
/// can tell how many are; the ledger, and so this, counts them like all others. What the batch charged
/// stands with the movements, sealed, when its provider has collected it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallBatch {
    /// On which side the member stands.
    pub direction: Direction,
    /// When it became final, in milliseconds since 1970-01-01 UTC.
    pub time_ms: u64,
    /// Business date on which the calls count.
    pub business_date: BusinessDate,
    /// Height of the block.
    pub height: u64,
    /// The transaction's position among the block's, from 0.
    pub index: u32,
    /// The transaction.
    pub tx_id: TxId,
    /// The other side.
    pub counterparty: MemberId,
    /// List asked.
    pub list: ListId,
    /// Tag epoch asked.
    pub tag_epoch: TagEpoch,
    /// Session that paid.
    pub session: SessionId,
    /// Number of the request in its session.
    pub sequence: u64,
    /// Index of the first call's leaf in the network's log.
    pub first_leaf: u64,
    /// Price of a call, in minor units.
    pub price_minor: u32,
    /// Hash of the sealed audit record of each call, in order, padding included.
    pub audit_hashes: Vec<Digest>,
}

/// A history being read. See [`ReadModel::history`].
#[derive(Debug)]
pub struct History {
    model: ReadModel,
    pub(super) last_height: u64,
    pub(super) sides: Vec<Side>,
}

/// One direction of a history.
#[derive(Debug)]
pub(super) struct Side {
    pub(super) filter: HistoryFilter,
    pub(super) direction: Direction,
    /// Where the last page ended; absent where there is no further page.
    pub(super) after: Option<Key>,
    page: VecDeque<CallBatch>,
    /// Batches of the next page, at most.
    limit: u32,
}

/// Place of a batch in the order of the ledger: time, height, leaf. Time never runs backwards, so this is
/// the order of heights; it comes first because periods select by it.
pub(super) type Key = (i64, i64, i64);

impl ReadModel {
    /// A member's calls, in the order of the ledger, without a cap on rows, up to the present position.
    pub async fn history(&self, filter: HistoryFilter) -> Result<History, ReadModelError> {
        let last_height = self.position().await?.height;
        let directions = match filter.direction {
            None => vec![Direction::Asked, Direction::Served],
            Some(direction) => vec![direction],
        };
        let from = filter.period.bounds().map(|(first, _)| (first, -1, -1));
        let side = |direction| Side {
            filter,
            direction,
            after: from,
            page: VecDeque::new(),
            limit: MIN_PAGE,
        };
        let sides = directions.into_iter().map(side).collect();
        Ok(History {
            model: self.clone(),
            last_height,
            sides,
        })
    }
}

impl History {
    /// The next batch; `None` after the last one. A call with the member on both sides cannot be.
    pub async fn next(&mut self) -> Result<Option<CallBatch>, ReadModelError> {
        for side in &mut self.sides {
            side.fill(&self.model, self.last_height).await?;
        }
        let first = self
            .sides
            .iter_mut()
            .filter(|side| !side.page.is_empty())
            .min_by_key(|side| {
                side.page
                    .front()
                    .map(|batch| (batch.time_ms, batch.height, batch.index))
            });
        Ok(first.and_then(|side| side.page.pop_front()))
    }

    /// The next batches, so many that a page of the tables is read about once for each call of this; empty after
    /// the last one.
    pub async fn next_page(&mut self) -> Result<Vec<CallBatch>, ReadModelError> {
        let mut page = Vec::new();
        let mut calls = 0;
        while calls < PAGE_CALLS && page.len() < MAX_PAGE as usize {
            let Some(batch) = self.next().await? else {
                break;
            };
            calls += batch.audit_hashes.len();
            page.push(batch);
        }
        Ok(page)
    }

    /// The batches as a stream, which ends after its first error.
    pub fn into_stream(self) -> impl Stream<Item = Result<CallBatch, ReadModelError>> + Send {
        futures::stream::try_unfold(self, |mut history| async move {
            Ok(history.next().await?.map(|batch| (batch, history)))
        })
    }
}

impl Side {
    /// Reads the next page where this one has been read.
    async fn fill(&mut self, model: &ReadModel, last_height: u64) -> Result<(), ReadModelError> {
        let (Some(after), true) = (self.after, self.page.is_empty()) else {
            return Ok(());
        };
        let Some((_, last_ms)) = self.filter.period.bounds() else {
            return Ok(());
        };
        let values = [
            self.filter.member.0.into(),
            after.0.into(),
            after.1.into(),
            after.2.into(),
            last_ms.into(),
            last_height.into(),
            any(self.filter.counterparty.map(|member| member.0)),
            any(self.filter.list.map(|list| list.0)),
            self.limit.into(),
        ];
        let sql = self.filter.pages(self.direction);
        let rows = model.database.rows(Statement::new(sql, values)).await?;
        self.after = match rows.last() {
            Some(last) if rows.len() == self.limit as usize => Some(key(last)?),
            _ => None,
        };
        self.page = rows
            .iter()
            .map(|row| batch(row, self.direction))
            .collect::<Result<_, _>>()?;
        let calls: usize = self.page.iter().map(|batch| batch.audit_hashes.len()).sum();
        self.limit = match calls {
            PAGE_CALLS.. => MIN_PAGE,
            _ => MAX_PAGE.min(2 * self.limit),
        };
        Ok(())
    }
}

impl HistoryFilter {
    /// The statement for a page: the one whose conditions an index begins with.
    fn pages(&self, direction: Direction) -> &'static str {
        match (direction, self.list, self.counterparty) {
            (Direction::Asked, Some(_), _) => ASKED_OF_LIST,
            (Direction::Asked, None, Some(_)) => ASKED_WITH,
            (Direction::Asked, None, None) => ASKED,
            (Direction::Served, Some(_), _) => SERVED_OF_LIST,
            (Direction::Served, None, Some(_)) => SERVED_WITH,
            (Direction::Served, None, None) => SERVED,
        }
    }
}

/// Columns of a batch: `$other` is the column of the other side.
macro_rules! columns {
    ($other:literal) => {
        concat!(
            "SELECT c.session_id, c.sequence, c.height, c.leaf, c.time_ms, c.business_date, c.",
            $other,
            " AS counterparty, c.list_id, c.tag_epoch, c.first_leaf, c.price_minor, \
             c.audit_hashes, t.tx_id "
        )
    };
}
pub(super) use columns;

/// A page of one side: `$member` is the column of the member, `$other` that of the other side.
macro_rules! page {
    ($member:literal, $other:literal, $more:literal) => {
        concat!(
            columns!($other),
            "FROM ledger_calls c \
             JOIN ledger_transaction t ON t.height = c.height AND t.leaf = c.leaf WHERE c.",
            $member,
            " = $1 AND (c.time_ms, c.height, c.leaf) > ($2, $3, $4) AND c.time_ms <= $5 \
             AND c.height <= $6 AND ",
            $more,
            " ORDER BY c.time_ms, c.height, c.leaf LIMIT $9"
        )
    };
}

const ASKED: &str = page!("querier", "provider", "$7 = -1 AND $8 = -1");
const ASKED_WITH: &str = page!("querier", "provider", "c.provider = $7 AND $8 = -1");
const ASKED_OF_LIST: &str = page!(
    "querier",
    "provider",
    "($7 = -1 OR c.provider = $7) AND c.list_id = $8"
);
const SERVED: &str = page!("provider", "querier", "$7 = -1 AND $8 = -1");
const SERVED_WITH: &str = page!("provider", "querier", "c.querier = $7 AND $8 = -1");
const SERVED_OF_LIST: &str = page!(
    "provider",
    "querier",
    "($7 = -1 OR c.querier = $7) AND c.list_id = $8"
);

pub(super) fn key(row: &AnyRow) -> Result<Key, ColumnError> {
    Ok((
        row.signed("time_ms")?,
        row.signed("height")?,
        row.signed("leaf")?,
    ))
}

pub(super) fn batch(row: &AnyRow, direction: Direction) -> Result<CallBatch, ColumnError> {
    let damaged = |column: &str| ColumnError::Value(column.into());
    let date = i32::try_from(row.signed("business_date")?);
    let hashes = row.bytes("audit_hashes")?;
    let (hashes, []) = hashes.as_chunks() else {
        return Err(damaged("audit_hashes"));
    };
    Ok(CallBatch {
        direction,
        time_ms: row.number("time_ms")?,
        business_date: BusinessDate(date.map_err(|_| damaged("business_date"))?),
        height: row.number("height")?,
        // Leaf 0 is the block's own.
        index: row
            .number_32("leaf")?
            .checked_sub(1)
            .ok_or_else(|| damaged("leaf"))?,
        tx_id: TxId(Digest(row.array("tx_id")?)),
        counterparty: MemberId(row.number_32("counterparty")?),
        list: ListId(row.number_32("list_id")?),
        tag_epoch: TagEpoch(row.number_32("tag_epoch")?),
        session: SessionId(row.number("session_id")?),
        sequence: row.bits("sequence")?,
        first_leaf: row.number("first_leaf")?,
        price_minor: row.number_32("price_minor")?,
        audit_hashes: hashes.iter().copied().map(Digest).collect(),
    })
}
