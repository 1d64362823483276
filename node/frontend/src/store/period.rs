//! Retention periods: their keys, what is sealed to them, and the destruction of both.
//!
//! A period's private key stands in a row of its own, sealed under the store's key, and nowhere else: it is read
//! when values are opened and never kept in memory. So destroying the row destroys what was sealed to it, whatever
//! copies of the sealed values there are. What is sealed shares an encapsulation for a while (see
//! [`tacit_sealing::Sender`]); its secret is dropped after that, and with the key.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rand_core::OsRng;
use sqlx::Row;
use sqlx::any::AnyRow;
use tacit_ledger::kernel::BusinessDate;
use tacit_sealing::{
    ClassName, Content, Month, Period, PrivateKey, Receiver, Sender, encapsulation,
};
use zeroize::Zeroizing;

use super::database::{Statement, Store, StoreError, number, number_32, optional_number};
use super::seal::Place;
use crate::clock::now_ms;

/// Rows that one write erases, so that those who wait for the same disk are not held up.
const ROWS_PER_WRITE: u32 = 256;

/// Values that share an encapsulation: so many that opening a history costs few exchanges of keys.
const MAX_VALUES_OF_SENDER: u32 = 4_096;

/// How long they share it at most: a sender's secret opens what it sealed, and is not to outlive the work at hand.
const MAX_AGE_OF_SENDER: Duration = Duration::from_secs(600);

/// Who seals for the periods that are written to.
#[derive(Debug, Default)]
pub(super) struct Senders(Mutex<HashMap<Period, Current>>);

#[derive(Debug)]
struct Current {
    sender: Arc<Sender>,
    began: Instant,
    values: u32,
}

impl Senders {
    /// Who seals the next value of a period; `None` where nobody does, or has for long enough.
    fn next(&self, period: &Period) -> Option<Arc<Sender>> {
        let mut senders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        senders.retain(|_, current| {
            current.values < MAX_VALUES_OF_SENDER && current.began.elapsed() < MAX_AGE_OF_SENDER
        });
        let current = senders.get_mut(period)?;
        current.values += 1;
        Some(current.sender.clone())
    }

    fn put(&self, period: &Period, sender: Arc<Sender>) {
        let mut senders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let current = Current {
            sender,
            began: Instant::now(),
            values: 1,
        };
        senders.insert(period.clone(), current);
    }

    fn forget(&self, period: &Period) {
        let mut senders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        senders.remove(period);
    }
}

/// A period and the months for which it is kept; `None` where it is there already.
pub(crate) type Kept<'a> = (&'a Period, Option<u32>);

/// How the destruction of a period's key went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destruction {
    /// It is destroyed now.
    Done,
    /// It was destroyed before.
    Before,
    /// A legal hold keeps it.
    Held,
    /// Requests of the period are still being settled, for which their answers are needed.
    Unsettled,
}

/// A period, as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeriodSummary {
    /// Which.
    pub period: Period,
    /// Months for which its records are kept after their own.
    pub keep_months: u32,
    /// Requests whose records belong to it.
    pub requests: u64,
    /// Calls of these requests, without padding.
    pub calls: u64,
    /// The business date on which its key was destroyed, where it was.
    pub destroyed: Option<BusinessDate>,
}

impl Store {
    /// Seals a value for a period. Where the period has no key, one is made if it is said for how long it is kept.
    ///
    /// # Errors
    /// [`StoreError::PeriodOver`] where the key was destroyed.
    pub(super) async fn seal_for(
        &self,
        content: Content,
        (period, keep_months): Kept<'_>,
        associated: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, StoreError> {
        let sender = match self.senders.next(period) {
            Some(sender) => sender,
            None => self.sender(period, keep_months).await?,
        };
        let sealed = sender.seal(content, associated, plain, &mut OsRng);
        sealed.map_err(|_| StoreError::PeriodSeal(period.clone()))
    }

    /// A sender to a period's key. The row is opened for it: a public key that somebody put into the database would
    /// open everything to them.
    async fn sender(
        &self,
        period: &Period,
        keep_months: Option<u32>,
    ) -> Result<Arc<Sender>, StoreError> {
        let mut private = self.private_key(period).await?;
        if let (None, Some(keep_months)) = (&private, keep_months) {
            self.make_period(period, keep_months).await?;
            private = self.private_key(period).await?;
        }
        let private = private.ok_or_else(|| StoreError::PeriodOver(period.clone()))?;
        let sender = Sender::new(period, &private.public(), &mut OsRng);
        let sender = Arc::new(sender.map_err(|_| StoreError::PeriodSeal(period.clone()))?);
        self.senders.put(period, sender.clone());
        Ok(sender)
    }

    /// Makes a key for a period that had none. Where it had one before, nothing changes.
    async fn make_period(&self, period: &Period, keep_months: u32) -> Result<(), StoreError> {
        let private = PrivateKey::random(&mut OsRng);
        let row = place_of(period);
        let sealed = self
            .sealer
            .seal(key_place(&row), &*private.to_secret_bytes());
        let name = || [period.class.as_str().into(), period.month.number().into()];
        let there = Statement::new(
            "INSERT INTO retention_period (class, month, keep_months, created_ms, swept) \
             VALUES ($1, $2, $3, $4, 0) ON CONFLICT (class, month) DO NOTHING",
            name()
                .into_iter()
                .chain([keep_months.into(), now_ms().into()]),
        );
        let key = Statement::new(
            "INSERT INTO retention_key (class, month, sealed_key) SELECT $1, $2, $3 \
             WHERE EXISTS (SELECT 1 FROM retention_period \
                 WHERE class = $1 AND month = $2 AND destroyed_date IS NULL) \
             ON CONFLICT (class, month) DO NOTHING",
            name().into_iter().chain([sealed.into()]),
        );
        self.write(vec![there, key]).await.map(drop)
    }

    async fn private_key(&self, period: &Period) -> Result<Option<PrivateKey>, StoreError> {
        let sql = "SELECT sealed_key FROM retention_key WHERE class = $1 AND month = $2";
        let name = [period.class.as_str().into(), period.month.number().into()];
        let row = self.row(Statement::new(sql, name)).await?;
        row.map(|row| self.unwrap_key(period, &row.try_get::<Vec<u8>, _>("sealed_key")?))
            .transpose()
    }

    fn unwrap_key(&self, period: &Period, sealed: &[u8]) -> Result<PrivateKey, StoreError> {
        let plain = self.sealer.open(key_place(&place_of(period)), sealed)?;
        PrivateKey::from_secret_bytes(&plain).map_err(|_| StoreError::Damaged("key of a period"))
    }

    /// The period of a row and its key, from the columns `class`, `month` and `sealed_key`. No key where it is
    /// destroyed.
    pub(super) fn period_of(
        &self,
        row: &AnyRow,
    ) -> Result<(Period, Option<PrivateKey>), StoreError> {
        let period = read_period(row)?;
        let sealed: Option<Vec<u8>> = row.try_get("sealed_key")?;
        let key = sealed.map(|sealed| self.unwrap_key(&period, &sealed));
        Ok((period, key.transpose()?))
    }

    /// Notes for how long periods of a class are kept, as it is configured now.
    pub async fn keep_class(&self, class: &ClassName, keep_months: u32) -> Result<(), StoreError> {
        let sql = "UPDATE retention_period SET keep_months = $2 \
                   WHERE class = $1 AND keep_months <> $2 AND destroyed_date IS NULL";
        let values = [class.as_str().into(), keep_months.into()];
        self.write(vec![Statement::new(sql, values)])
            .await
            .map(drop)
    }

    /// All periods, by class and month.
    pub async fn periods(&self) -> Result<Vec<PeriodSummary>, StoreError> {
        let sql = "SELECT p.class, p.month, p.keep_months, p.destroyed_date, \
                   COUNT(a.sequence) AS requests, CAST(COALESCE(SUM(a.calls - a.padding), 0) AS BIGINT) AS calls \
                   FROM retention_period p LEFT JOIN asked_batch a \
                   ON a.class = p.class AND a.month = p.month \
                   GROUP BY p.class, p.month, p.keep_months, p.destroyed_date \
                   ORDER BY p.class, p.month";
        let rows = self.rows(Statement::new(sql, [])).await?;
        rows.iter()
            .map(|row| {
                Ok(PeriodSummary {
                    period: read_period(row)?,
                    keep_months: number_32(row, "keep_months")?,
                    requests: number(row, "requests")?,
                    calls: number(row, "calls")?,
                    destroyed: optional_number(row, "destroyed_date")?
                        .map(read_date)
                        .transpose()?,
                })
            })
            .collect()
    }

    /// Destroys a period's key, unless a hold keeps it or requests are still being settled. What it opened is
    /// gone when this returns; [`erase_period`](Self::erase_period) takes the rest away.
    pub async fn destroy_period(
        &self,
        period: &Period,
        today: BusinessDate,
    ) -> Result<Destruction, StoreError> {
        let name = || [period.class.as_str().into(), period.month.number().into()];
        // In one transaction, and every writer is this one: nothing comes between question and deed.
        let key = Statement::new(
            "DELETE FROM retention_key WHERE class = $1 AND month = $2 \
             AND NOT EXISTS (SELECT 1 FROM retention_hold h \
                 WHERE h.class = $1 AND h.month = $2 AND h.released_ms IS NULL) \
             AND NOT EXISTS (SELECT 1 FROM asked_batch a \
                 WHERE a.class = $1 AND a.month = $2 AND a.state IN (0, 1))",
            name(),
        );
        let noted = Statement::new(
            "UPDATE retention_period SET destroyed_date = $3 \
             WHERE class = $1 AND month = $2 AND destroyed_date IS NULL \
             AND NOT EXISTS (SELECT 1 FROM retention_key k WHERE k.class = $1 AND k.month = $2)",
            name().into_iter().chain([today.0.into()]),
        );
        let changed = self.write(vec![key, noted]).await?;
        if changed > 0 {
            self.senders.forget(period);
            return Ok(Destruction::Done);
        }
        let sql = "SELECT (SELECT COUNT(*) FROM retention_key WHERE class = $1 AND month = $2) AS keys, \
                   (SELECT COUNT(*) FROM retention_hold \
                        WHERE class = $1 AND month = $2 AND released_ms IS NULL) AS holds";
        let row = self.row(Statement::new(sql, name())).await?;
        let row = row.ok_or(StoreError::Damaged("retention period"))?;
        Ok(match (number(&row, "keys")?, number(&row, "holds")?) {
            (0, _) => Destruction::Before,
            (_, 0) => Destruction::Unsettled,
            _ => Destruction::Held,
        })
    }

    /// Periods whose keys are destroyed, and of which something is left to overwrite.
    pub(crate) async fn unswept_periods(&self) -> Result<Vec<Period>, StoreError> {
        let sql = "SELECT class, month FROM retention_period \
                   WHERE destroyed_date IS NOT NULL AND swept = 0 ORDER BY class, month";
        let rows = self.rows(Statement::new(sql, [])).await?;
        rows.iter().map(read_period).collect()
    }

    /// Empties the rows of a period whose key is destroyed, and then what the database still keeps of its key
    /// beside the table. What stays of a request is its name, its list and how many calls it had. False where
    /// it is to be done again.
    pub async fn erase_period(&self, period: &Period) -> Result<bool, StoreError> {
        let name = || [period.class.as_str().into(), period.month.number().into()];
        loop {
            let page = name()
                .into_iter()
                .chain([Vec::new().into(), ROWS_PER_WRITE.into()]);
            let erased = self
                .write(vec![Statement::new(ERASE_REQUESTS, page)])
                .await?;
            if erased < u64::from(ROWS_PER_WRITE) {
                break;
            }
        }
        self.write(vec![
            Statement::new(ERASE_PACKAGES, name()),
            Statement::new(ERASE_COPIES, name()),
            Statement::new(ERASE_NOTICES, name()),
        ])
        .await?;
        self.sweep("retention_key").await
    }

    /// Notes that nothing of a period is left to overwrite.
    pub(crate) async fn period_is_swept(&self, period: &Period) -> Result<(), StoreError> {
        let sql = "UPDATE retention_period SET swept = 1 \
                   WHERE class = $1 AND month = $2 AND destroyed_date IS NOT NULL";
        let name = [period.class.as_str().into(), period.month.number().into()];
        self.write(vec![Statement::new(sql, name)]).await.map(drop)
    }

    /// Opens a value of a period.
    pub(super) fn open_for(
        content: Content,
        period: &Period,
        key: &PrivateKey,
        associated: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let opened = encapsulation(sealed)
            .and_then(|encapsulation| Receiver::new(period, key, encapsulation).ok())
            .and_then(|receiver| receiver.open(content, associated, sealed).ok());
        opened.ok_or_else(|| StoreError::PeriodSeal(period.clone()))
    }
}

const ERASE_REQUESTS: &str = "UPDATE asked_batch \
    SET state = 5, sealed_request = $3, sealed_records = $3, sealed_answer = NULL, \
    operator_key = NULL, purpose_key = NULL, case_key = NULL \
    WHERE EXISTS (SELECT 1 FROM retention_period p \
        WHERE p.class = $1 AND p.month = $2 AND p.destroyed_date IS NOT NULL) \
    AND (session_id, sequence) IN (SELECT session_id, sequence FROM asked_batch \
        WHERE class = $1 AND month = $2 AND state <> 5 LIMIT $4)";

const ERASE_PACKAGES: &str = "DELETE FROM dispute_package WHERE class = $1 AND month = $2 \
    AND EXISTS (SELECT 1 FROM retention_period p \
        WHERE p.class = $1 AND p.month = $2 AND p.destroyed_date IS NOT NULL)";

const ERASE_COPIES: &str = "DELETE FROM custodian_copy WHERE class = $1 AND month = $2 \
    AND EXISTS (SELECT 1 FROM retention_period p \
        WHERE p.class = $1 AND p.month = $2 AND p.destroyed_date IS NOT NULL)";

const ERASE_NOTICES: &str = "DELETE FROM notice WHERE class = $1 AND month = $2 \
    AND EXISTS (SELECT 1 FROM retention_period p \
        WHERE p.class = $1 AND p.month = $2 AND p.destroyed_date IS NOT NULL)";

/// The period in the columns `class` and `month`.
pub(super) fn read_period(row: &AnyRow) -> Result<Period, StoreError> {
    let damaged = || StoreError::Damaged("retention period");
    let class: Option<String> = row.try_get("class")?;
    let class = class.ok_or_else(damaged)?.parse().map_err(|_| damaged())?;
    let month = Month::numbered(number_32(row, "month")?).ok_or_else(damaged)?;
    Ok(Period { class, month })
}

/// A date in days since 1970-01-01.
pub(super) fn read_date(days: u64) -> Result<BusinessDate, StoreError> {
    let days = i32::try_from(days).map_err(|_| StoreError::Damaged("date"))?;
    Ok(BusinessDate(days))
}

/// A period as the integers of a place.
pub(super) fn place_of(period: &Period) -> [u64; 5] {
    let class = blake3::hash(period.class.as_str().as_bytes());
    let (parts, _) = class.as_bytes().as_chunks::<8>();
    let part = |number: usize| u64::from_be_bytes(parts[number]);
    [
        part(0),
        part(1),
        part(2),
        part(3),
        period.month.number().into(),
    ]
}

const fn key_place(row: &[u64; 5]) -> Place<'_> {
    Place {
        table: "retention_key",
        column: "sealed_key",
        row,
    }
}
