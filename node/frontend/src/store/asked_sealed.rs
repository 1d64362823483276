//! This member's requests as its history reads them: many at once, opened by whoever has cores for it.
//!
//! ```text
//!   rows ──► sealed batches ──encapsulations, each once──► receivers ──► kept batches
//! ```

use std::collections::{HashMap, HashSet};

use futures::future::try_join_all;
use rayon::prelude::*;
use sqlx::Row;
use sqlx::any::AnyRow;
use tacit_ledger::kernel::ChainId;
use tacit_ledger::network::SessionId;
use tacit_ledger::network::audit::AuditContext;
use tacit_sealing::{
    BatchName, Content, Encapsulation, OwnRecords, Period, PrivateKey, Receiver, encapsulation,
};
use zeroize::Zeroizing;

use super::asked_history::key_of;
use super::database::{Statement, Store, StoreError, number, optional_number};
use super::period::read_period;

/// State of a request whose retention period is over.
const ERASED: u64 = 5;

/// What a row of requests is read from: of `asked_batch b`, and of `retention_key k`, which may be missing.
macro_rules! sealed_columns {
    () => {
        "SELECT b.session_id, b.sequence, b.version, b.created_ms, b.padding, b.state, \
         b.sealed_records, b.sealed_answer, b.class, b.month, k.sealed_key "
    };
}
pub(super) use sealed_columns;

/// A request of this member's.
pub(crate) struct KeptBatch {
    /// Session, and number of the request in it.
    pub(crate) name: (u64, u64),
    /// The version of the list that the answers are about.
    pub(crate) version: Option<u64>,
    /// When it was signed, in milliseconds since 1970-01-01 UTC.
    pub(crate) created_ms: u64,
    /// How many of its calls are padding.
    pub(crate) padding: u64,
    /// What is kept of it, opened; `None` where its retention period is over.
    pub(crate) records: Option<KeptRecords>,
}

/// Why a request was made, and the answer, as [`screening`](crate::screening) encodes them.
pub(crate) struct KeptRecords {
    /// The period to which they belong.
    pub(crate) period: Period,
    pub(crate) records: Zeroizing<Vec<u8>>,
    pub(crate) answer: Option<Zeroizing<Vec<u8>>>,
}

impl KeptRecords {
    /// Why it was asked. It stands first in the records; what follows is not read.
    pub(crate) fn context(&self) -> Result<AuditContext, StoreError> {
        OwnRecords::context_of(&self.records).map_err(|_| StoreError::Damaged("audit record"))
    }
}

/// Requests as they are kept.
pub(crate) struct SealedBatches {
    pub(crate) batches: Vec<SealedBatch>,
    keys: HashMap<Period, PrivateKey>,
}

/// One of them.
pub(crate) struct SealedBatch {
    /// Session and sequence.
    pub(crate) key: [u64; 2],
    version: Option<u64>,
    created_ms: u64,
    padding: u64,
    /// `None` where the retention period is over.
    sealed: Option<Sealed>,
}

struct Sealed {
    period: Period,
    records: Vec<u8>,
    answer: Option<Vec<u8>>,
}

/// Opened encapsulations, by what they are of.
pub(crate) struct Receivers<'a>(HashMap<(&'a Period, Encapsulation), Receiver>);

impl SealedBatches {
    /// Opens each encapsulation, once. One that does not open is missing.
    pub(crate) fn receivers(&self) -> Receivers<'_> {
        let sealed = self
            .batches
            .iter()
            .filter_map(|batch| batch.sealed.as_ref());
        let needed: HashSet<(&Period, Encapsulation)> = sealed
            .flat_map(|sealed| {
                let values = [Some(&sealed.records), sealed.answer.as_ref()];
                let encapsulations = values
                    .into_iter()
                    .flatten()
                    .filter_map(|v| encapsulation(v));
                encapsulations.map(|one| (&sealed.period, one))
            })
            .collect();
        let opened = needed
            .into_par_iter()
            .filter_map(|(period, encapsulation)| {
                let key = self.keys.get(period)?;
                let receiver = Receiver::new(period, key, encapsulation).ok()?;
                Some(((period, encapsulation), receiver))
            });
        Receivers(opened.collect())
    }
}

impl Receivers<'_> {
    fn open(
        &self,
        content: Content,
        period: &Period,
        name: &BatchName,
        value: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        encapsulation(value)
            .and_then(|encapsulation| self.0.get(&(period, encapsulation)))
            .and_then(|receiver| receiver.open(content, &name.associated(), value).ok())
            .ok_or_else(|| StoreError::PeriodSeal(period.clone()))
    }
}

impl SealedBatch {
    /// Opens its answer alone, if there is one and its retention period is not over.
    pub(crate) fn open_answer(
        &self,
        chain_id: ChainId,
        receivers: &Receivers<'_>,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let name = self.name(chain_id);
        let sealed = self.sealed.as_ref();
        let answer = sealed.and_then(|sealed| Some((&sealed.period, sealed.answer.as_ref()?)));
        answer
            .map(|(period, answer)| receivers.open(Content::Answer, period, &name, answer))
            .transpose()
    }

    /// Opens it, as a request of a network.
    pub(crate) fn open(
        &self,
        chain_id: ChainId,
        receivers: &Receivers<'_>,
    ) -> Result<KeptBatch, StoreError> {
        let name = self.name(chain_id);
        let answer = self.open_answer(chain_id, receivers)?;
        let records = self.sealed.as_ref().map(|sealed| {
            let period = sealed.period.clone();
            let records = receivers.open(Content::Records, &period, &name, &sealed.records)?;
            Ok::<_, StoreError>(KeptRecords {
                period,
                records,
                answer,
            })
        });
        Ok(KeptBatch {
            name: (self.key[0], self.key[1]),
            version: self.version,
            created_ms: self.created_ms,
            padding: self.padding,
            records: records.transpose()?,
        })
    }

    fn name(&self, chain_id: ChainId) -> BatchName {
        let [session, sequence] = self.key;
        BatchName {
            chain_id,
            session: SessionId(session),
            sequence,
        }
    }
}

impl Store {
    /// The rows of these requests, in any order, those that are here.
    pub(crate) async fn asked_sealed(
        &self,
        names: &[(u64, u64)],
    ) -> Result<SealedBatches, StoreError> {
        const SELECT: &str = concat!(
            sealed_columns!(),
            "FROM named n \
             JOIN asked_batch b ON b.session_id = n.first AND b.sequence = n.second \
             LEFT JOIN retention_key k ON k.class = b.class AND k.month = b.month"
        );
        // A page is a few statements: each has a connection of its own, and waits for the disk alone.
        let reading = Statement::of_pairs(SELECT, names).map(|statement| self.rows(statement));
        self.sealed_batches(try_join_all(reading).await?.iter().flatten())
    }

    /// Reads rows of `sealed_columns`.
    pub(super) fn sealed_batches<'a>(
        &self,
        rows: impl IntoIterator<Item = &'a AnyRow>,
    ) -> Result<SealedBatches, StoreError> {
        let mut keys = HashMap::new();
        let batches = rows
            .into_iter()
            .map(|row| self.sealed_batch(row, &mut keys))
            .collect::<Result<_, _>>()?;
        Ok(SealedBatches { batches, keys })
    }

    fn sealed_batch(
        &self,
        row: &AnyRow,
        keys: &mut HashMap<Period, PrivateKey>,
    ) -> Result<SealedBatch, StoreError> {
        let period = read_period(row)?;
        if !keys.contains_key(&period)
            && let (_, Some(key)) = self.period_of(row)?
        {
            keys.insert(period.clone(), key);
        }
        let is_kept = number(row, "state")? != ERASED && keys.contains_key(&period);
        let sealed = is_kept.then(|| {
            Ok::<_, StoreError>(Sealed {
                period,
                records: row.try_get("sealed_records")?,
                answer: row.try_get("sealed_answer")?,
            })
        });
        Ok(SealedBatch {
            key: key_of(row)?,
            version: optional_number(row, "version")?,
            created_ms: number(row, "created_ms")?,
            padding: number(row, "padding")?,
            sealed: sealed.transpose()?,
        })
    }
}
