//! A member's quota stated to a reader: balances, and what moved between them.

use std::collections::HashMap;
use std::time::Duration;

use rand_core::OsRng;
use tacit_client::statement::{
    MAX_RESULTS, MakeError, Proven, ProvenBalance, ProvenPeriod, Reader, StatementError,
};
use tacit_frontend::ports::Ledger as _;
use tacit_frontend::wallet::WalletError;
use tacit_ledger::kernel::BusinessDate;
use tacit_ledger::kernel::clock::utc_offset_minutes;
use tacit_ledger::network::read;
use tacit_proto::operator as proto;
use tacit_readmodel::Period;
use tokio::time::{Instant, sleep};

use super::Operator;
use super::error::ApiError;
use super::lists::{Answers, gone};
use crate::balances::{self, BalancesError};

/// Bytes of one message of a statement: far below what a message may have.
const PART_BYTES: usize = 1 << 20;

/// How long the rows may take to come to the height of the balance.
const ROWS_TIMEOUT: Duration = Duration::from_secs(10);

/// Between two looks at them.
const ROWS_POLL: Duration = Duration::from_millis(50);

/// A statement as a file.
#[derive(Clone, Debug)]
pub(super) struct MadeStatement {
    /// The file.
    pub(super) file: Vec<u8>,
    /// Open sessions whose escrows the last balance shows.
    pub(super) sessions_shown: usize,
    /// Open sessions, if that is known: at the end of a former period it is not.
    pub(super) sessions: usize,
}

impl Operator {
    /// States this member's quota, and hands out the file.
    pub(super) async fn state_quota(
        &self,
        request: proto::StateQuotaRequest,
        answers: Answers<proto::StateQuotaResponse>,
    ) -> Result<(), ApiError> {
        let reader = Reader::new(&request.reader).map_err(|error| {
            let message = format!("the reader's name is not usable: {error}");
            ApiError::caller("reader-invalid", message, "Write a shorter one.")
        })?;
        let period = request.from_ms.map(|from_ms| Period {
            from_ms,
            until_ms: request.until_ms,
        });
        let made = self.statement(reader, period).await?;
        for part in made.file.chunks(PART_BYTES) {
            let response = proto::StateQuotaResponse {
                part: part.to_vec(),
                sessions_shown: u32::try_from(made.sessions_shown).unwrap_or(u32::MAX),
                sessions: u32::try_from(made.sessions).unwrap_or(u32::MAX),
            };
            answers.send(Ok(response)).await.map_err(|_| gone())?;
        }
        Ok(())
    }

    /// What stands on the ledger of this member, opened for a reader; with a period, all that moved from the last
    /// balance that is kept of before it to the first that is kept of after it, or to the present one.
    ///
    /// Before the first balance that is kept a period begins with the network.
    pub(super) async fn statement(
        &self,
        reader: Reader,
        period: Option<Period>,
    ) -> Result<MadeStatement, ApiError> {
        let kept = match period.and_then(|period| period.until_ms) {
            Some(until_ms) => self.records.balances.at_or_after(until_ms).await?,
            None => None,
        };
        let (closing, sessions) = match kept {
            Some(closing) => {
                let sessions = closing.sessions.len();
                (closing, sessions)
            }
            None => {
                let proven = balances::prove(&self.ledger).await?;
                (proven.balance, proven.sessions)
            }
        };
        let period = match period {
            Some(period) => {
                let opening = self.records.balances.at_or_before(period.from_ms).await?;
                Some(self.moved(opening, &closing).await?)
            }
            None => None,
        };
        self.made(reader, period, closing, sessions).await
    }

    /// The same of two business dates, both included; `None` where no balance is kept of them.
    ///
    /// It begins with the network or with the first balance that is kept of these dates, and ends with the present
    /// one, with the first that is kept of the date after, or with the last of these dates: nothing is shown that
    /// moved before or after, but on that date after until its balance was kept.
    pub(super) async fn statement_of_dates(
        &self,
        reader: Reader,
        from: BusinessDate,
        until: BusinessDate,
    ) -> Result<Option<MadeStatement>, ApiError> {
        let kept = &self.records.balances;
        let (clock, offset) = self
            .read(|view| Ok((read::clock(view)?, utc_offset_minutes(view)?)))
            .await?;
        let today = clock.unwrap_or_default().business_date;
        if today < from {
            return Ok(None);
        }
        let closing = if today <= until {
            Some(balances::prove(&self.ledger).await?.balance)
        } else {
            let after = until.after(1);
            match kept.first_of(after, after).await? {
                Some(first) => Some(first),
                None => kept.last_of(from, until).await?,
            }
        };
        let Some(closing) = closing else {
            return Ok(None);
        };
        let first = self.read_model.block(1).await?;
        let began = first.map(|block| BusinessDate::at(block.header.time_ms, offset));
        let period = if began.is_some_and(|began| from <= began) {
            Some(self.moved(None, &closing).await?)
        } else {
            match kept.first_of(from, until).await? {
                Some(opening) if opening != closing => {
                    Some(self.moved(Some(opening), &closing).await?)
                }
                // Of one moment there are no movements.
                _ => None,
            }
        };
        let sessions = closing.sessions.len();
        let made = self.made(reader, period, closing, sessions);
        Ok(Some(made.await?))
    }

    async fn made(
        &self,
        reader: Reader,
        period: Option<ProvenPeriod>,
        closing: ProvenBalance,
        sessions: usize,
    ) -> Result<MadeStatement, ApiError> {
        let sessions_shown = closing.sessions.len();
        let proven = Proven {
            chain_id: self.ledger.chain_id(),
            member: self.ledger.member_id(),
            period,
            closing,
        };
        Ok(MadeStatement {
            file: self.disclosed(proven, reader).await?,
            sessions_shown,
            sessions,
        })
    }

    /// What moved from one balance, or the beginning of the network, to another, proven.
    async fn moved(
        &self,
        opening: Option<ProvenBalance>,
        closing: &ProvenBalance,
    ) -> Result<ProvenPeriod, ApiError> {
        let height = |balance: &ProvenBalance| balance.evidence.block.header.height.get();
        let (after, until) = (opening.as_ref().map_or(0, height), height(closing));
        if after >= until {
            return Err(ApiError::caller(
                "period-empty",
                format!("no balance is kept of between height {after} and the end of the period"),
                "Ask for an earlier beginning: a balance is kept of each business date.",
            ));
        }
        self.rows_up_to(until).await?;
        let gaps = self.read_model.gaps().await?.into_iter();
        let mut missing = gaps.filter(|gap| gap.first_height <= until && gap.last_height > after);
        if let Some(gap) = missing.next() {
            return Err(ApiError::node(
                "period-unread",
                format!(
                    "this node never read the blocks from height {} to {}: what moved there is not known",
                    gap.first_height, gap.last_height
                ),
                "Ask for a later beginning, or state it on a node that has read all blocks.",
            ));
        }
        let me = self.ledger.member_id();
        let limit = MAX_RESULTS as u32 + 1;
        let places = self.read_model.moved_results(me, after, until, limit);
        let places = places.await?;
        if places.len() > MAX_RESULTS {
            return Err(ApiError::caller(
                "period-too-long",
                format!("more than {MAX_RESULTS} transactions moved quota in the period"),
                "Ask for shorter periods, one after the other: each begins where the one before ends.",
            ));
        }
        let mut results = Vec::with_capacity(places.len());
        for (height, leaf) in places {
            results.push(self.ledger.handle().prove_result(height, leaf).await?);
        }
        Ok(ProvenPeriod { opening, results })
    }

    /// Waits until the rows have come to a height.
    async fn rows_up_to(&self, height: u64) -> Result<(), ApiError> {
        let deadline = Instant::now() + ROWS_TIMEOUT;
        while self.read_model.position().await?.height < height {
            if Instant::now() >= deadline {
                let message = format!("the rows of this node have not come to height {height} yet");
                return Err(ApiError::node("rows-behind", message, "Ask again later."));
            }
            sleep(ROWS_POLL).await;
        }
        Ok(())
    }

    async fn disclosed(&self, proven: Proven, reader: Reader) -> Result<Vec<u8>, ApiError> {
        // All amounts are opened before the proofs are made, which wait for nothing.
        let mut values = HashMap::new();
        for sealed in proven.sealed()? {
            let opened = match &sealed.key {
                Some(key) => self.opener.open_of(key, sealed.amount).await,
                None => self.opener.open_amount(sealed.amount).await,
            };
            let opened = opened.ok_or(WalletError::Unreadable)?;
            values.insert(sealed.amount.to_vec(), opened);
        }
        let made = tokio::task::spawn_blocking(move || {
            let open = |sealed: &tacit_circuits::quota::Ciphertext<1>| {
                values.get(&sealed.to_vec()).cloned()
            };
            proven.disclose(reader, open, &mut OsRng)?.to_bytes()
        });
        let made = made.await.map_err(|_| {
            let remedy = "Report this as a fault of the program.";
            ApiError::node("internal", "a statement could not be made", remedy)
        })?;
        Ok(made?)
    }
}

impl From<MakeError> for ApiError {
    fn from(error: MakeError) -> Self {
        match error {
            MakeError::TooLarge(_) | MakeError::TooLong(_) => Self::caller(
                "period-too-long",
                error.to_string(),
                "Ask for shorter periods, one after the other.",
            ),
            MakeError::Records(_) | MakeError::NotTheValue(_) => {
                Self::node("quota-unreadable", error.to_string(), "Try again.")
            }
        }
    }
}

impl From<StatementError> for ApiError {
    fn from(error: StatementError) -> Self {
        MakeError::from(error).into()
    }
}

impl From<BalancesError> for ApiError {
    fn from(error: BalancesError) -> Self {
        match error {
            BalancesError::Ledger(error) => error.into(),
            _ => Self::node(
                "balances-unreadable",
                error.to_string(),
                "See the node's log.",
            ),
        }
    }
}
