//! Blocks, transactions and their events.

use sqlx::any::AnyRow;
use tacit_circuits::scope::MemberId;
use tacit_database::{ColumnError, Columns, Statement};
use tacit_ledger::kernel::{Digest, Outcome, Reject, TxId};
use tacit_ledger::network::{ConsensusKey, SessionId};

use crate::block::BlockHeader;
use crate::error::ReadModelError;
use crate::model::ReadModel;

/// The columns of a [`TransactionRow`].
macro_rules! select_transaction {
    ($rest:literal) => {
        concat!(
            "SELECT t.height, t.leaf, t.tx_id, t.sender, t.sequence, t.action, t.reject, b.time_ms \
             FROM ledger_transaction t JOIN ledger_block b ON b.height = t.height ",
            $rest
        )
    };
}

/// A finalized block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockRow {
    /// The header. Its time is the ledger's clock after the block.
    pub header: BlockHeader,
    /// Number of transactions.
    pub transactions: u64,
}

/// A finalized transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionRow {
    /// Name.
    pub tx_id: TxId,
    /// Height of its block.
    pub height: u64,
    /// Its position among the block's transactions, from 0.
    pub index: u32,
    /// The block's time, in milliseconds since 1970-01-01 UTC.
    pub time_ms: u64,
    /// Who signed it.
    pub sender: MemberId,
    /// The sender's number for it.
    pub sequence: u64,
    /// Module and action, such as `network/call-batch`.
    pub action: String,
    /// What became of it.
    pub outcome: Outcome,
}

/// An event as people read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRow {
    /// Its position among the events of its transaction or block, from 0.
    pub index: u32,
    /// What happened, such as `calls-logged`.
    pub kind: String,
    /// Its fields as a JSON object.
    pub json: String,
}

impl ReadModel {
    /// The block at `height`; `None` above the position, at 0, and for what was passed over.
    pub async fn block(&self, height: u64) -> Result<Option<BlockRow>, ReadModelError> {
        let sql = "SELECT height, time_ms, epoch, view_number, leader, block_hash, parent_hash, \
                   body_hash, state_root, results_root, transactions \
                   FROM ledger_block WHERE height = $1";
        let row = self
            .database
            .row(Statement::new(sql, [height.into()]))
            .await?;
        Ok(row.as_ref().map(block_row).transpose()?)
    }

    /// The transactions of the block at `height`, in order. As many as a block may hold.
    pub async fn transactions(&self, height: u64) -> Result<Vec<TransactionRow>, ReadModelError> {
        let sql = select_transaction!("WHERE t.height = $1 ORDER BY t.leaf");
        let rows = self
            .database
            .rows(Statement::new(sql, [height.into()]))
            .await?;
        Ok(rows.iter().map(transaction_row).collect::<Result<_, _>>()?)
    }

    /// The transaction with this name. Where a proposer put one envelope into several blocks, the one
    /// that spent its sequence number, and else the first.
    pub async fn transaction(&self, id: TxId) -> Result<Option<TransactionRow>, ReadModelError> {
        // Refusals 1 to 99 are the kernel's: they leave the sequence number unspent.
        let sql = select_transaction!(
            "WHERE t.tx_id = $1 ORDER BY CASE WHEN t.reject BETWEEN 1 AND 99 THEN 1 ELSE 0 END, \
             t.height, t.leaf LIMIT 1"
        );
        let row = self
            .database
            .row(Statement::new(sql, [id.0.0.into()]))
            .await?;
        Ok(row.as_ref().map(transaction_row).transpose()?)
    }

    /// The transaction that settled a batch of calls, by session and the request's number in it.
    pub async fn batch(
        &self,
        session: SessionId,
        sequence: u64,
    ) -> Result<Option<TransactionRow>, ReadModelError> {
        let sql = select_transaction!(
            "JOIN ledger_calls c ON c.height = t.height AND c.leaf = t.leaf \
             WHERE c.session_id = $1 AND c.sequence = $2"
        );
        let values = [session.0.into(), sequence.into()];
        let row = self.database.row(Statement::new(sql, values)).await?;
        Ok(row.as_ref().map(transaction_row).transpose()?)
    }

    /// The events of transaction `index` of a block, in order; with no index, what the block did by
    /// itself.
    pub async fn events(
        &self,
        height: u64,
        index: Option<u32>,
    ) -> Result<Vec<EventRow>, ReadModelError> {
        let sql = "SELECT place, kind, fields FROM ledger_event \
                   WHERE height = $1 AND leaf = $2 ORDER BY place";
        let leaf = index.map_or(0, |index| u64::from(index) + 1);
        let rows = self
            .database
            .rows(Statement::new(sql, [height.into(), leaf.into()]))
            .await?;
        Ok(rows.iter().map(event_row).collect::<Result<_, _>>()?)
    }
}

fn block_row(row: &AnyRow) -> Result<BlockRow, ColumnError> {
    let header = BlockHeader {
        height: row.number("height")?,
        time_ms: row.number("time_ms")?,
        epoch: row.number("epoch")?,
        view: row.number("view_number")?,
        leader: ConsensusKey(row.array("leader")?),
        hash: Digest(row.array("block_hash")?),
        parent: Digest(row.array("parent_hash")?),
        body: Digest(row.array("body_hash")?),
        state_root: Digest(row.array("state_root")?),
        results_root: Digest(row.array("results_root")?),
    };
    Ok(BlockRow {
        header,
        transactions: row.number("transactions")?,
    })
}

fn transaction_row(row: &AnyRow) -> Result<TransactionRow, ColumnError> {
    let damaged = |column: &str| ColumnError::Value(column.into());
    let reject = u16::try_from(row.number("reject")?).map_err(|_| damaged("reject"))?;
    let outcome = match reject {
        0 => Outcome::Applied,
        number => Outcome::Rejected(Reject::numbered(number)),
    };
    Ok(TransactionRow {
        tx_id: TxId(Digest(row.array("tx_id")?)),
        height: row.number("height")?,
        // Leaf 0 is the block's own.
        index: row
            .number_32("leaf")?
            .checked_sub(1)
            .ok_or_else(|| damaged("leaf"))?,
        time_ms: row.number("time_ms")?,
        sender: MemberId(row.number_32("sender")?),
        sequence: row.bits("sequence")?,
        action: row.text("action")?,
        outcome,
    })
}

fn event_row(row: &AnyRow) -> Result<EventRow, ColumnError> {
    let index = row.number_32("place")?;
    Ok(EventRow {
        index,
        kind: row.text("kind")?,
        json: row.text("fields")?,
    })
}
