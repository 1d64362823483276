//! This member's balances of former days, with their proofs: where statements of a period begin and end.
//!
//! The ledger proves its newest state and none of before, so a proof is kept as the first thing of each business
//! date. It holds what stands on the ledger, sealed as it stands there; what it shows is opened for each statement.

use std::sync::Arc;
use std::time::Duration;

use tacit_client::statement::{MAX_SESSIONS, ProvenBalance, StatementFileError, records};
use tacit_consensus::LedgerError;
use tacit_database::{
    ColumnError, Columns as _, Database, Durability, OpenError, Schema, Statement,
};
use tacit_frontend::ports::Ledger as _;
use tacit_ledger::kernel::BusinessDate;
use tacit_ledger::network::{SessionId, read};
use tokio::time::sleep;

use crate::ledger::MemberLedger;

/// How often it is looked whether another business date has begun.
const LOOK_INTERVAL: Duration = Duration::from_secs(30);

/// How often a proof is asked for whose sessions ended meanwhile.
const MAX_ATTEMPTS: u32 = 5;

const SCHEMA: Schema = Schema {
    migrations_table: "balances_migrations",
    migrations: &[(
        1,
        "proven balances",
        include_str!("../migrations/0001_proven_balances.sql"),
    )],
    durability: Durability::PowerLoss,
};

/// Why balances cannot be kept, or read.
#[derive(Debug, thiserror::Error)]
pub enum BalancesError {
    /// The database cannot be opened.
    #[error("the proven balances cannot be opened: {0}")]
    Open(#[from] OpenError),
    /// The database refused.
    #[error("the proven balances failed: {0}")]
    Database(#[from] sqlx::Error),
    /// A stored value is not what it should be.
    #[error("a proven balance is damaged: {0}")]
    Damaged(#[from] ColumnError),
    /// A stored balance is not what it should be.
    #[error("a proven balance is damaged: {0}")]
    Balance(#[from] StatementFileError),
    /// The ledger did not prove it.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// The balances. Clones share them.
#[derive(Clone, Debug)]
pub struct Balances {
    database: Database,
}

/// A balance with its proof, and how many sessions there were, shown or not.
#[derive(Clone, Debug)]
pub struct Proven {
    /// The balance.
    pub balance: ProvenBalance,
    /// Open sessions.
    pub sessions: usize,
}

impl Balances {
    /// Opens the balances in the database that `url` names.
    ///
    /// # Errors
    /// [`BalancesError`].
    pub async fn open(url: &str) -> Result<Self, BalancesError> {
        let database = Database::open(url, &SCHEMA).await?;
        Ok(Self { database })
    }

    /// The last balance at or before a time.
    ///
    /// # Errors
    /// [`BalancesError`].
    pub async fn at_or_before(&self, time_ms: u64) -> Result<Option<ProvenBalance>, BalancesError> {
        let sql =
            "SELECT balance FROM proven_balance WHERE time_ms <= $1 ORDER BY time_ms DESC LIMIT 1";
        self.one(sql, time_ms).await
    }

    /// The first balance at or after a time.
    ///
    /// # Errors
    /// [`BalancesError`].
    pub async fn at_or_after(&self, time_ms: u64) -> Result<Option<ProvenBalance>, BalancesError> {
        let sql = "SELECT balance FROM proven_balance WHERE time_ms >= $1 ORDER BY time_ms LIMIT 1";
        self.one(sql, time_ms).await
    }

    /// The first balance that is kept of these business dates, both included.
    ///
    /// # Errors
    /// [`BalancesError`].
    pub async fn first_of(
        &self,
        from: BusinessDate,
        until: BusinessDate,
    ) -> Result<Option<ProvenBalance>, BalancesError> {
        let sql = "SELECT balance FROM proven_balance \
                   WHERE business_date >= $1 AND business_date <= $2 ORDER BY height LIMIT 1";
        self.found(Statement::new(sql, [from.0.into(), until.0.into()]))
            .await
    }

    /// The last balance that is kept of these business dates, both included.
    ///
    /// # Errors
    /// [`BalancesError`].
    pub async fn last_of(
        &self,
        from: BusinessDate,
        until: BusinessDate,
    ) -> Result<Option<ProvenBalance>, BalancesError> {
        let sql = "SELECT balance FROM proven_balance \
                   WHERE business_date >= $1 AND business_date <= $2 ORDER BY height DESC LIMIT 1";
        self.found(Statement::new(sql, [from.0.into(), until.0.into()]))
            .await
    }

    /// Keeps a balance of each business date for as long as the node runs.
    pub async fn keep(self, ledger: Arc<MemberLedger>) {
        loop {
            if let Err(error) = self.keep_today(&ledger).await {
                tracing::warn!(%error, "balances.keep: trying again");
            }
            sleep(LOOK_INTERVAL).await;
        }
    }

    async fn keep_today(&self, ledger: &MemberLedger) -> Result<(), BalancesError> {
        let Some(clock) = ledger.handle().state().read(read::clock).await? else {
            return Ok(());
        };
        let date = clock.business_date.0;
        let sql = "SELECT height FROM proven_balance WHERE business_date = $1";
        let kept = self
            .database
            .row(Statement::new(sql, [date.into()]))
            .await?;
        if kept.is_some() {
            return Ok(());
        }
        let Proven { balance, .. } = prove(ledger).await?;
        let header = &balance.evidence.block.header;
        let sql = "INSERT INTO proven_balance (height, time_ms, business_date, balance) \
                   VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
        let values = [
            header.height.get().into(),
            header.time_ms.into(),
            date.into(),
            balance.to_bytes().into(),
        ];
        let mut transaction = self.database.begin().await?;
        let insertion = Statement::new(sql, values).query();
        insertion.execute(&mut *transaction).await?;
        Ok(transaction.commit().await?)
    }

    async fn one(
        &self,
        sql: &'static str,
        time_ms: u64,
    ) -> Result<Option<ProvenBalance>, BalancesError> {
        // A time beyond 63 bits is after all others.
        let time_ms = i64::try_from(time_ms).unwrap_or(i64::MAX);
        self.found(Statement::new(sql, [time_ms.into()])).await
    }

    async fn found(&self, statement: Statement) -> Result<Option<ProvenBalance>, BalancesError> {
        let Some(row) = self.database.row(statement).await? else {
            return Ok(None);
        };
        Ok(Some(ProvenBalance::from_bytes(&row.bytes("balance")?)?))
    }
}

/// This member's balance in the newest state, with the escrows of as many sessions as one shows.
///
/// # Errors
/// [`LedgerError`].
pub async fn prove(ledger: &MemberLedger) -> Result<Proven, LedgerError> {
    let me = ledger.member_id();
    let mut attempts = 1;
    loop {
        let state = ledger.handle().state();
        let open = state.read(|view| read::sessions_of(view, me)).await?;
        let shown = open.iter().take(MAX_SESSIONS).map(|found| found.id);
        let shown: Vec<SessionId> = shown.collect();
        let evidence = ledger.handle().prove_values(records(me, &shown)).await;
        match evidence {
            Ok(evidence) => {
                return Ok(Proven {
                    balance: ProvenBalance {
                        sessions: shown,
                        evidence,
                    },
                    sessions: open.len(),
                });
            }
            // A session ended between the two.
            Err(LedgerError::NotFound { .. }) if attempts < MAX_ATTEMPTS => attempts += 1,
            Err(error) => return Err(error),
        }
    }
}
