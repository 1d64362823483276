//! Retention: to which period what is kept of a call belongs, until when it is kept, and its end.
//!
//! Each class and month has a key. Once a day is over on which the class's time ends, the key is destroyed, and
//! with it records, answers and packages of disputes that were sealed to it, wherever copies of them are; then
//! their rows are emptied. A legal hold postpones it. Dates are business dates of the ledger.

mod custody;
mod policy;

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use tacit_ledger::kernel::BusinessDate;
use tacit_ledger::kernel::clock::utc_offset_minutes;
use tacit_ledger::network::audit::AuditContext;
use tacit_ledger::network::read as state;
use tokio::sync::Mutex;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::sleep;

use crate::ports::{Ledger, LedgerError, read};
use crate::store::{Destruction, Hold, PeriodSummary, Store, StoreError};

pub use custody::{Custody, CustodyError};
pub use policy::{PolicyError, RetentionPolicy};
pub use tacit_sealing::{BadPeriod, ClassName, Month, Period};

/// How often the date is looked at, and copies for the custodian are written into files: what is lost with the
/// database is at most what was asked meanwhile.
const LOOK_INTERVAL: Duration = Duration::from_secs(30);

/// For how many months ahead the custodian must have keys before it is complained of.
const CUSTODIAN_MONTHS_AHEAD: u32 = 2;

/// Longest reason of a hold, in bytes: a reference and a sentence, not the file.
pub const MAX_REASON_BYTES: usize = 1_024;

/// Why retention did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum RetentionError {
    /// The period has nothing that could be kept.
    #[error("nothing is kept of {0}: there never was, or its key is destroyed")]
    NothingKept(Period),
    /// There is no such hold that could be released.
    #[error("there is no hold {0} in force")]
    NoHold(u64),
    /// A hold and its release are justified.
    #[error("a reason has 1 to {MAX_REASON_BYTES} bytes")]
    Reason,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The custodian's copies.
    #[error(transparent)]
    Custody(#[from] CustodyError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// A period as people look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeriodStatus {
    /// The period, and how much belongs to it.
    pub summary: PeriodSummary,
    /// The business date on which its key is to be destroyed, as it is configured now.
    pub over_on: BusinessDate,
    /// Holds in force.
    pub holds: Vec<u64>,
}

/// Retention of one front end.
pub struct Retention {
    ledger: Arc<dyn Ledger>,
    store: Store,
    policy: RetentionPolicy,
    custody: Option<Custody>,
    /// The ledger's business date at the last block that was seen, in days since 1970-01-01.
    today: AtomicI32,
    /// Minutes by which the business day is ahead of UTC.
    utc_offset_minutes: i16,
    /// One look at a time.
    looking: Mutex<()>,
}

impl Retention {
    /// Reads the date, and the policy's classes into the store.
    ///
    /// # Errors
    /// [`RetentionError`] where the ledger, the database or the custodian's keys cannot be used.
    pub(crate) async fn start(
        ledger: Arc<dyn Ledger>,
        store: Store,
        policy: RetentionPolicy,
        custody: Option<Custody>,
    ) -> Result<Self, RetentionError> {
        let (clock, offset) = read(&*ledger, |view| {
            Ok((state::clock(view)?, utc_offset_minutes(view)?))
        })
        .await?;
        for (class, months) in policy.classes() {
            store.keep_class(class, months).await?;
        }
        let date = clock.unwrap_or_default().business_date;
        Ok(Self {
            ledger,
            store,
            policy,
            custody,
            today: AtomicI32::new(date.0),
            utc_offset_minutes: offset,
            looking: Mutex::default(),
        })
    }

    /// Looks at the date for as long as the front end runs.
    pub(crate) async fn run(self: Arc<Self>) {
        tokio::join!(self.follow_date(), async {
            loop {
                if let Err(error) = self.look().await {
                    tracing::error!(%error, "retention.look: trying again");
                }
                sleep(LOOK_INTERVAL).await;
            }
        });
    }

    /// Takes the date from each block, so that a node that comes back after months puts nothing into the month in
    /// which it stopped.
    async fn follow_date(&self) {
        let mut blocks = self.ledger.finalized();
        loop {
            match blocks.recv().await {
                Ok(block) => {
                    let date = BusinessDate::at(block.time_ms, self.utc_offset_minutes);
                    self.today.fetch_max(date.0, Ordering::Relaxed);
                }
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    }

    /// The period to which a request made now belongs, and the months for which it is kept.
    pub(crate) fn period(&self, context: &AuditContext) -> (Period, u32) {
        self.period_of(Some(&context.purpose))
    }

    /// The same of what has no purpose of its own.
    pub(crate) fn period_of(&self, purpose: Option<&str>) -> (Period, u32) {
        kept(&self.policy, purpose, Month::of(self.today()))
    }

    /// The period to which something of a class belongs that is made now, and the months for which it is kept.
    pub(crate) fn period_in(&self, class: &ClassName) -> (Period, u32) {
        let period = Period {
            class: class.clone(),
            month: Month::of(self.today()),
        };
        let months = self.policy.keep_months(class);
        match months {
            Some(months) => (period, months),
            // A class that is configured no more gets nothing new.
            None => self.period_of(None),
        }
    }

    /// For how many months what belongs to a period is kept. A class that is configured no more keeps the months that
    /// its period had, which stand with the period itself.
    pub(crate) fn months_of(&self, period: &Period) -> u32 {
        self.policy.keep_months(&period.class).unwrap_or_default()
    }

    /// The custodian, if there is one.
    pub(crate) fn custody(&self) -> Option<&Custody> {
        self.custody.as_ref()
    }

    fn today(&self) -> BusinessDate {
        BusinessDate(self.today.load(Ordering::Relaxed))
    }

    /// Does what the date brings: writes copies for the custodian into files, and destroys the keys of periods
    /// that are over. Twice is as good as once.
    ///
    /// # Errors
    /// [`RetentionError`]; what was done until then stays done, and the next look goes on from there.
    pub async fn look(&self) -> Result<(), RetentionError> {
        let _alone = self.looking.lock().await;
        let Some(clock) = read(&*self.ledger, state::clock).await? else {
            return Ok(());
        };
        let date = clock.business_date;
        self.today.fetch_max(date.0, Ordering::Relaxed);
        // Copies of what is over go to nobody: destroyed first, exported then.
        self.destroy_what_is_over(date).await?;
        if let Some(custody) = &self.custody {
            let (chain_id, member) = (self.ledger.chain_id(), self.ledger.member_id());
            custody.export(&self.store, chain_id, member).await?;
            self.warn_of_custodian(custody, Month::of(date));
        }
        Ok(())
    }

    async fn destroy_what_is_over(&self, today: BusinessDate) -> Result<(), RetentionError> {
        for summary in self.store.periods().await? {
            let PeriodSummary {
                period, destroyed, ..
            } = &summary;
            if destroyed.is_some() || self.over_on(&summary) > today {
                continue;
            }
            match self.store.destroy_period(period, today).await? {
                Destruction::Done => {
                    tracing::info!(class = %period.class, month = %period.month, "retention.destroy: the period's key is destroyed");
                }
                Destruction::Before | Destruction::Held => {}
                Destruction::Unsettled => {
                    tracing::warn!(class = %period.class, month = %period.month, "retention.destroy: waits for requests that are being settled");
                }
            }
        }
        for period in self.store.unswept_periods().await? {
            let erased = self.store.erase_period(&period).await?;
            if !erased {
                tracing::warn!(class = %period.class, month = %period.month, "retention.erase: readers hold the database's log back; trying again");
            }
            // Without their key they open for the custodian alone, who destroys its own.
            let forgotten = match &self.custody {
                Some(custody) => custody.forget(&period).await,
                None => Ok(()),
            };
            if let Err(error) = &forgotten {
                tracing::error!(%error, "retention.erase: the custodian's files cannot be deleted; trying again");
            }
            if erased && forgotten.is_ok() {
                self.store.period_is_swept(&period).await?;
            }
        }
        Ok(())
    }

    fn over_on(&self, summary: &PeriodSummary) -> BusinessDate {
        // A class that is configured no more keeps the months that it had.
        let months = self.policy.keep_months(&summary.period.class);
        summary
            .period
            .over_on(months.unwrap_or(summary.keep_months))
    }

    fn warn_of_custodian(&self, custody: &Custody, month: Month) {
        for (class, _) in self.policy.classes() {
            let last = custody.last_month(class);
            if last.is_none_or(|last| last < month.after(CUSTODIAN_MONTHS_AHEAD)) {
                tracing::warn!(%class, "retention.custodian: its keys end soon; ask it for more and name the new file in retention.custodian_keys_file");
            }
        }
    }

    /// All periods, how much belongs to each, and when each ends.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn overview(&self) -> Result<Vec<PeriodStatus>, StoreError> {
        let holds = self.store.holds().await?;
        let periods = self.store.periods().await?.into_iter().map(|summary| {
            let of = |hold: &&Hold| hold.period == summary.period && hold.released.is_none();
            PeriodStatus {
                over_on: self.over_on(&summary),
                holds: holds.iter().filter(of).map(|hold| hold.id).collect(),
                summary,
            }
        });
        Ok(periods.collect())
    }

    /// The classes that are configured, with the months for which each is kept.
    pub fn classes(&self) -> impl Iterator<Item = (&ClassName, u32)> {
        self.policy.classes()
    }

    /// All holds.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn holds(&self) -> Result<Vec<Hold>, StoreError> {
        self.store.holds().await
    }

    /// Places a legal hold on a period, and answers with its number.
    ///
    /// # Errors
    /// [`RetentionError::NothingKept`] where it comes too late, [`RetentionError::Reason`], or the database.
    pub async fn hold(
        &self,
        period: &Period,
        reason: &str,
        by: &str,
    ) -> Result<u64, RetentionError> {
        check_reason(reason)?;
        let placed = self.store.place_hold(period, reason, by).await;
        let hold = placed.map_err(|error| match error {
            StoreError::PeriodOver(period) => RetentionError::NothingKept(period),
            error => error.into(),
        })?;
        tracing::info!(operator = by, hold, class = %period.class, month = %period.month, "retention.hold: placed");
        Ok(hold)
    }

    /// Releases a legal hold.
    ///
    /// # Errors
    /// [`RetentionError::NoHold`], [`RetentionError::Reason`], or the database.
    pub async fn release(&self, hold: u64, reason: &str, by: &str) -> Result<(), RetentionError> {
        check_reason(reason)?;
        if !self.store.release_hold(hold, reason, by).await? {
            return Err(RetentionError::NoHold(hold));
        }
        tracing::info!(operator = by, hold, "retention.hold: released");
        Ok(())
    }
}

fn kept(policy: &RetentionPolicy, purpose: Option<&str>, month: Month) -> (Period, u32) {
    let class = policy.class_of(purpose).clone();
    // The policy knows every class that it names.
    let keep_months = policy.keep_months(&class).unwrap_or_default();
    (Period { class, month }, keep_months)
}

fn check_reason(reason: &str) -> Result<(), RetentionError> {
    if reason.trim().is_empty() || reason.len() > MAX_REASON_BYTES {
        return Err(RetentionError::Reason);
    }
    Ok(())
}
