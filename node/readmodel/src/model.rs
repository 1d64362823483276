//! Opening, position, applying.

use sqlx::{Any, Transaction};
use tacit_database::{Columns, Database, Durability, Schema, Statement};
use tacit_ledger::kernel::{ChainId, Digest, Genesis};

use crate::block::{Block, BlockHeader};
use crate::error::ReadModelError;
use crate::rows::Rows;

const SCHEMA: Schema = Schema {
    migrations_table: "readmodel_migrations",
    migrations: &[
        (
            1,
            "finalized blocks",
            include_str!("../migrations/0001_finalized_blocks.sql"),
        ),
        (
            2,
            "indexes of histories",
            include_str!("../migrations/0002_history_indexes.sql"),
        ),
        (
            3,
            "confidential quota",
            include_str!("../migrations/0003_confidential_quota.sql"),
        ),
    ],
    // What a power cut took, the ledger brings again.
    durability: Durability::ProcessEnd,
};

/// How far the rows reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Last height that was applied; 0 is the genesis.
    pub height: u64,
    /// Its time by the ledger's clock, in milliseconds since 1970-01-01 UTC.
    pub time_ms: u64,
}

/// Heights that were passed over: what happened there is missing from every answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// First of them.
    pub first_height: u64,
    /// Last of them.
    pub last_height: u64,
}

/// What the ledger has finalized, as rows. Clones share the database.
#[derive(Clone, Debug)]
pub struct ReadModel {
    pub(crate) database: Database,
}

/// How a block stands to the rows.
enum Turn {
    /// It is the next one; it counts as having happened then.
    Next { time_ms: u64 },
    /// It stands in the rows.
    Before,
}

impl ReadModel {
    /// Opens the database that `url` names, `sqlite://…` or `postgres://…`, brings its schema up to date,
    /// and starts it from `genesis` if it is empty. An SQLite file is made with `sqlite://…?mode=rwc`.
    ///
    /// # Errors
    /// [`ReadModelError::OtherChain`] where the rows are those of another genesis.
    pub async fn open(url: &str, genesis: &Genesis) -> Result<Self, ReadModelError> {
        let model = Self {
            database: Database::open(url, &SCHEMA).await?,
        };
        model.start(genesis).await?;
        let expected = genesis.chain_id();
        let row = model
            .database
            .row(Statement::new("SELECT chain_id FROM ledger_position", []))
            .await?;
        let found = row
            .ok_or(sqlx::Error::RowNotFound)?
            .array("chain_id")
            .map(ChainId)?;
        if found != expected {
            return Err(ReadModelError::OtherChain { expected, found });
        }
        Ok(model)
    }

    /// How far the rows reach. Feed the block after it next.
    pub async fn position(&self) -> Result<Position, ReadModelError> {
        let sql = "SELECT height, time_ms FROM ledger_position";
        let row = self.database.row(Statement::new(sql, [])).await?;
        let row = row.ok_or(sqlx::Error::RowNotFound)?;
        Ok(Position {
            height: row.number("height")?,
            time_ms: row.number("time_ms")?,
        })
    }

    /// Writes a finalized block. A block that stands in the rows changes nothing.
    ///
    /// # Errors
    /// [`ReadModelError::OutOfOrder`] where blocks before it are missing,
    /// [`ReadModelError::Contradiction`] where it does not follow the last one or is not the one that
    /// stands at its height, [`ReadModelError::Unreadable`] where its parts do not decode. Nothing is
    /// written then.
    pub async fn apply(&self, block: &Block<'_>) -> Result<(), ReadModelError> {
        self.apply_all(std::slice::from_ref(block)).await
    }

    /// Writes finalized blocks, in ascending order of height, in one transaction: all or none. Faster than
    /// one by one for whoever is behind.
    ///
    /// # Errors
    /// As [`apply`](Self::apply), for the first block that has one.
    pub async fn apply_all(&self, blocks: &[Block<'_>]) -> Result<(), ReadModelError> {
        let mut transaction = self.database.begin().await?;
        let mut rows = Rows::new();
        for block in blocks {
            if let Turn::Next { time_ms } = take_turn(&mut transaction, &block.header).await? {
                rows.add(block, time_ms)?;
            }
        }
        for statement in rows.into_statements() {
            statement.query().execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// Passes over all heights below `next`, so that the block at `next` can be applied: for a node that
    /// took over the state at a later height, and whose peers keep no earlier blocks. The passed heights
    /// are listed by [`gaps`](Self::gaps).
    pub async fn pass_over(&self, next: u64) -> Result<(), ReadModelError> {
        let mut transaction = self.database.begin().await?;
        let insert = "INSERT INTO ledger_gap (first_height, last_height) \
                      SELECT height + 1, $1 FROM ledger_position WHERE height < $1";
        let update = "UPDATE ledger_position SET height = $1, block_hash = NULL WHERE height < $1";
        let last = next.saturating_sub(1);
        for sql in [insert, update] {
            let statement = Statement::new(sql, [last.into()]);
            statement.query().execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// The heights that were passed over, ascending.
    pub async fn gaps(&self) -> Result<Vec<Gap>, ReadModelError> {
        let sql = "SELECT first_height, last_height FROM ledger_gap ORDER BY first_height";
        let rows = self.database.rows(Statement::new(sql, [])).await?;
        rows.iter()
            .map(|row| {
                let first_height = row.number("first_height")?;
                Ok(Gap {
                    first_height,
                    last_height: row.number("last_height")?,
                })
            })
            .collect()
    }

    /// Closes the database once running statements have ended.
    pub async fn close(&self) {
        self.database.close().await;
    }

    /// Writes the position and the first rows, unless they are there.
    async fn start(&self, genesis: &Genesis) -> Result<(), ReadModelError> {
        let mut transaction = self.database.begin().await?;
        let sql = "INSERT INTO ledger_position (id, chain_id, height, time_ms, block_hash) \
                   VALUES (1, $1, 0, $2, $3) ON CONFLICT (id) DO NOTHING";
        let values = [
            genesis.chain_id().0.into(),
            genesis.time_ms.into(),
            None::<Vec<u8>>.into(),
        ];
        let result = Statement::new(sql, values)
            .query()
            .execute(&mut *transaction)
            .await?;
        if result.rows_affected() > 0 {
            let mut rows = Rows::new();
            rows.add_genesis(genesis)?;
            for statement in rows.into_statements() {
                statement.query().execute(&mut *transaction).await?;
            }
        }
        Ok(transaction.commit().await?)
    }
}

/// Moves the position to a block if it is the next one. The update comes first: it takes the lock that
/// makes other feeders wait, so whoever of them comes second finds the block before the position.
async fn take_turn(
    transaction: &mut Transaction<'static, Any>,
    header: &BlockHeader,
) -> Result<Turn, ReadModelError> {
    let height = header.height;
    let sql = "UPDATE ledger_position SET height = $1, block_hash = $2, \
               time_ms = CASE WHEN time_ms > $3 THEN time_ms ELSE $3 END \
               WHERE height = $1 - 1 AND (block_hash IS NULL OR block_hash = $4)";
    let values = [
        height.into(),
        header.hash.0.into(),
        header.time_ms.into(),
        header.parent.0.into(),
    ];
    let update = Statement::new(sql, values)
        .query()
        .execute(&mut **transaction)
        .await?;
    let sql = "SELECT height, time_ms FROM ledger_position";
    let position = Statement::new(sql, [])
        .query()
        .fetch_one(&mut **transaction)
        .await?;
    if update.rows_affected() > 0 {
        return Ok(Turn::Next {
            time_ms: position.number("time_ms")?,
        });
    }
    let position = position.number("height")?;
    if height > position + 1 {
        return Err(ReadModelError::OutOfOrder {
            position,
            given: height,
        });
    }
    if height > position {
        return Err(ReadModelError::Contradiction { height });
    }
    let sql = "SELECT block_hash FROM ledger_block WHERE height = $1";
    let statement = Statement::new(sql, [height.into()]);
    match statement.query().fetch_optional(&mut **transaction).await? {
        // Passed over: nothing is known about it that it could contradict.
        None => Ok(Turn::Before),
        Some(row) if row.array("block_hash").map(Digest)? == header.hash => Ok(Turn::Before),
        Some(_) => Err(ReadModelError::Contradiction { height }),
    }
}
