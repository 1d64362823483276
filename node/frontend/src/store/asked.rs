//! This member's sessions and requests.
//!
//! A signed request is on the disk before it is sent, with what is needed to open and audit its answer.
//! So no sequence number is ever signed twice, and no call that a provider could charge is forgotten.
//!
//! Records and answer are sealed to the key of their retention period, and end with it. The request itself says
//! nothing without them; it is sealed under the store's key.

use std::collections::BTreeSet;
use std::fmt;

use sqlx::Row;
use sqlx::any::AnyRow;
use tacit_circuits::scope::{ListId, ListVersion, TagEpoch};
use tacit_ledger::kernel::{BusinessDate, codec};
use tacit_ledger::network::audit::AuditContext;
use tacit_ledger::network::{SessionId, SignedRequest};
use tacit_sealing::{BatchName, Content, Period};
use zeroize::Zeroizing;

use super::database::{Statement, Store, StoreError, number, number_32, optional_number};
use super::period::{read_date, read_period};
use super::seal::Place;
use crate::clock::now_ms;

/// How a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskedState {
    /// On the disk, perhaps sent. Whether it was answered, the ledger will tell.
    Sent = 0,
    /// Answered, and the answer verified.
    Answered = 1,
    /// Its calls stand on the ledger.
    Final = 2,
    /// Refused by the provider, or its session ended: never charged.
    Unanswered = 3,
    /// Its calls stand on the ledger and the answer was lost on its way: it is asked for again.
    Owed = 4,
    /// Its retention period is over: what it was about is not kept any more.
    Erased = 5,
}

/// A request of this member, with what only this member knows about it.
#[derive(Clone)]
pub struct AskedBatch {
    /// What was signed.
    pub signed: SignedRequest,
    /// The period to which records and answer belong.
    pub period: Period,
    /// The audit records of its calls with their nonces, in order, in their padded form.
    pub records: Zeroizing<Vec<u8>>,
    /// The answer, as [`screening`](crate::screening) encodes it.
    pub answer: Option<Zeroizing<Vec<u8>>>,
    /// How it stands.
    pub state: AskedState,
    /// The version of the list that the answers are about.
    pub version: Option<ListVersion>,
    /// Height at which its calls became final.
    pub height: Option<u64>,
    /// When it was signed, in milliseconds since 1970-01-01 UTC.
    pub created_ms: u64,
}

/// How far a session of this member has been used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AskedSession {
    /// The next sequence number.
    pub next_sequence: u64,
    /// What its requests charge, in minor units.
    pub charged_minor: u64,
    /// What was put into its escrow, in minor units, where that was noted.
    pub escrow_minor: Option<u64>,
    /// Calls of its requests, padding included; of those that will never be charged, none.
    pub calls: u64,
}

/// What is left of a request whose retention period is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErasedBatch {
    /// The period.
    pub period: Period,
    /// Months for which its records were kept after their own.
    pub keep_months: u32,
    /// The business date on which its key was destroyed.
    pub destroyed: BusinessDate,
    /// Number of its calls.
    pub calls: u32,
}

/// A request that is about to be sent, as it is kept.
#[derive(Clone, Copy)]
pub struct NewAsked<'a> {
    /// What was signed.
    pub signed: &'a SignedRequest,
    /// Its records, in their padded form.
    pub records: &'a [u8],
    /// What the records say of why it is asked: it is found by it again.
    pub context: &'a AuditContext,
    /// How many of its calls are padding.
    pub padding: u64,
    /// What all requests of the session charge with this one, in minor units.
    pub charged_minor: u64,
    /// The period to which its records belong.
    pub period: &'a Period,
    /// Months for which the period's class is kept.
    pub keep_months: u32,
    /// The custodian's copy, sealed, where there is a custodian.
    pub copy: Option<&'a [u8]>,
}

/// The name of a request with what is needed to follow it up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AskedSummary {
    pub(crate) session: SessionId,
    pub(crate) sequence: u64,
    pub(crate) created_ms: u64,
}

impl Store {
    /// How far a session has been used.
    pub async fn asked_session(&self, session: SessionId) -> Result<AskedSession, StoreError> {
        let sql = "SELECT next_sequence, cumulative_minor, escrow_minor FROM asked_session \
                   WHERE session_id = $1";
        let row = self.row(Statement::new(sql, [session.0.into()])).await?;
        let Some(row) = row else {
            return Ok(AskedSession::default());
        };
        let sql = "SELECT CAST(COALESCE(SUM(calls), 0) AS BIGINT) AS calls FROM asked_batch \
                   WHERE session_id = $1 AND state <> 3";
        let calls = self.row(Statement::new(sql, [session.0.into()])).await?;
        Ok(AskedSession {
            next_sequence: number(&row, "next_sequence")?,
            charged_minor: number(&row, "cumulative_minor")?,
            escrow_minor: optional_number(&row, "escrow_minor")?,
            calls: calls.map_or(Ok(0), |row| number(&row, "calls"))?,
        })
    }

    /// Notes what was put into the escrow of a session.
    pub(crate) async fn note_escrow(
        &self,
        session: SessionId,
        escrow_minor: u64,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO asked_session (session_id, next_sequence, cumulative_minor, \
                   escrow_minor) VALUES ($1, 0, 0, $2) ON CONFLICT (session_id) DO UPDATE SET \
                   escrow_minor = excluded.escrow_minor";
        let values = [session.0.into(), escrow_minor.into()];
        self.write(vec![Statement::new(sql, values)])
            .await
            .map(drop)
    }

    /// Numbers of a session's requests that may still be settled.
    pub(crate) async fn asked_unsettled(
        &self,
        session: SessionId,
    ) -> Result<BTreeSet<u64>, StoreError> {
        let sql = "SELECT sequence FROM asked_batch WHERE session_id = $1 AND state IN (0, 1)";
        let rows = self.rows(Statement::new(sql, [session.0.into()])).await?;
        rows.iter().map(|row| number(row, "sequence")).collect()
    }

    /// Puts a signed request onto the disk, and the session's use with it.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where the session's sequence number was used before;
    /// [`StoreError::PeriodOver`] where its records could not be opened again.
    pub async fn insert_asked(&self, asked: NewAsked<'_>) -> Result<(), StoreError> {
        let NewAsked { signed, period, .. } = asked;
        let request = &signed.request;
        let row = [request.session.0, request.sequence];
        let sealed_request = self
            .sealer
            .seal(place("sealed_request", &row), &codec::encode(signed));
        let kept = (period, Some(asked.keep_months));
        let name = BatchName::of(request).associated();
        let sealed_records = self
            .seal_for(Content::Records, kept, &name, asked.records)
            .await?;
        let (class, month) = (period.class.as_str(), period.month.number());
        let [operator, purpose, case] = self.indexer.of_context(asked.context);
        // Where the key was destroyed since the records were sealed to it, nothing of this is written.
        let batch = Statement::new(
            "INSERT INTO asked_batch (session_id, sequence, provider, list_id, tag_epoch, calls, \
             padding, state, sealed_request, sealed_records, created_ms, operator_key, \
             purpose_key, case_key, class, month) \
             SELECT $1, $2, $3, $4, $5, $6, $7, 0, $8, $9, $10, $11, $12, $13, $14, $15 \
             WHERE EXISTS (SELECT 1 FROM retention_key WHERE class = $14 AND month = $15)",
            [
                request.session.0.into(),
                request.sequence.into(),
                request.provider.0.into(),
                request.list.0.into(),
                request.tag_epoch.0.into(),
                request.calls.len().into(),
                asked.padding.into(),
                sealed_request.into(),
                sealed_records.into(),
                now_ms().into(),
                operator.into(),
                purpose.into(),
                case.into(),
                class.into(),
                month.into(),
            ],
        );
        let session = Statement::new(
            "INSERT INTO asked_session (session_id, next_sequence, cumulative_minor) \
             VALUES ($1, $2, $3) ON CONFLICT (session_id) DO UPDATE SET \
             next_sequence = CASE WHEN asked_session.next_sequence > excluded.next_sequence \
                 THEN asked_session.next_sequence ELSE excluded.next_sequence END, \
             cumulative_minor = CASE WHEN asked_session.cumulative_minor > excluded.cumulative_minor \
                 THEN asked_session.cumulative_minor ELSE excluded.cumulative_minor END",
            [
                request.session.0.into(),
                (request.sequence + 1).into(),
                asked.charged_minor.into(),
            ],
        );
        let mut statements = vec![batch, session];
        if let Some(copy) = asked.copy {
            let values = [
                request.session.0.into(),
                request.sequence.into(),
                class.into(),
                month.into(),
                copy.to_vec().into(),
            ];
            statements.push(Statement::new(INSERT_COPY, values));
        }
        let expected = statements.len() as u64;
        if self.write(statements).await? < expected {
            return Err(StoreError::PeriodOver(period.clone()));
        }
        Ok(())
    }

    /// Puts a verified answer onto the disk, with the version in which its tags were looked up.
    ///
    /// # Errors
    /// [`StoreError::PeriodOver`] where it could not be opened again.
    pub async fn answer_asked(
        &self,
        name: BatchName,
        period: &Period,
        version: Option<ListVersion>,
        answer: &[u8],
    ) -> Result<(), StoreError> {
        let associated = name.associated();
        let sealed = self
            .seal_for(Content::Answer, (period, None), &associated, answer)
            .await?;
        let sql = "UPDATE asked_batch SET sealed_answer = $3, version = $4, \
                   state = CASE WHEN state IN (2, 4) THEN 2 ELSE 1 END \
                   WHERE session_id = $1 AND sequence = $2 AND state <> 5";
        let values = [
            name.session.0.into(),
            name.sequence.into(),
            sealed.into(),
            version.map(|version| version.0).into(),
        ];
        self.write(vec![Statement::new(sql, values)])
            .await
            .map(drop)
    }

    /// Notes that a request's calls are final, at this height where that is known. Where the answer is not
    /// here, it is owed from now on.
    pub async fn settle_asked(
        &self,
        session: SessionId,
        sequence: u64,
        height: Option<u64>,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE asked_batch SET height = COALESCE($3, height), \
                   state = CASE WHEN sealed_answer IS NULL THEN 4 ELSE 2 END \
                   WHERE session_id = $1 AND sequence = $2 AND state <> 5";
        let values = [session.0.into(), sequence.into(), height.into()];
        self.write(vec![Statement::new(sql, values)])
            .await
            .map(drop)
    }

    /// Notes that a request was never evaluated, or can no longer be charged.
    pub async fn give_up_asked(&self, session: SessionId, sequence: u64) -> Result<(), StoreError> {
        let sql = "UPDATE asked_batch SET state = 3 \
                   WHERE session_id = $1 AND sequence = $2 AND state NOT IN (2, 4, 5)";
        let values = [session.0.into(), sequence.into()];
        self.write(vec![Statement::new(sql, values)])
            .await
            .map(drop)
    }

    /// A request of this member, unless its retention period is over.
    pub async fn asked(
        &self,
        session: SessionId,
        sequence: u64,
    ) -> Result<Option<AskedBatch>, StoreError> {
        let sql = "SELECT a.session_id, a.sequence, a.state, a.version, a.sealed_request, \
                   a.sealed_records, a.sealed_answer, a.height, a.created_ms, a.class, a.month, \
                   k.sealed_key FROM asked_batch a LEFT JOIN retention_key k \
                   ON k.class = a.class AND k.month = a.month \
                   WHERE a.session_id = $1 AND a.sequence = $2";
        let values = [session.0.into(), sequence.into()];
        let row = self.row(Statement::new(sql, values)).await?;
        row.map_or(Ok(None), |row| self.asked_batch(&row))
    }

    /// What is left of a request whose retention period is over.
    pub async fn erased(
        &self,
        session: SessionId,
        sequence: u64,
    ) -> Result<Option<ErasedBatch>, StoreError> {
        let sql = "SELECT a.calls - a.padding AS calls, a.class, a.month, p.keep_months, p.destroyed_date \
                   FROM asked_batch a JOIN retention_period p \
                   ON p.class = a.class AND p.month = a.month \
                   WHERE a.session_id = $1 AND a.sequence = $2 AND p.destroyed_date IS NOT NULL";
        let values = [session.0.into(), sequence.into()];
        let row = self.row(Statement::new(sql, values)).await?;
        row.map(|row| {
            Ok(ErasedBatch {
                period: read_period(&row)?,
                keep_months: number_32(&row, "keep_months")?,
                destroyed: read_date(number(&row, "destroyed_date")?)?,
                calls: number_32(&row, "calls")?,
            })
        })
        .transpose()
    }

    /// Requests in a state that were signed until a moment, oldest first, at most `limit`, beginning
    /// behind `after`.
    pub(crate) async fn asked_in(
        &self,
        state: AskedState,
        until_ms: u64,
        after: Option<AskedSummary>,
        limit: u32,
    ) -> Result<Vec<AskedSummary>, StoreError> {
        let sql = "SELECT session_id, sequence, created_ms FROM asked_batch \
                   WHERE state = $1 AND created_ms <= $2 \
                   AND (created_ms, session_id, sequence) > ($3, $4, $5) \
                   ORDER BY created_ms, session_id, sequence LIMIT $6";
        let (created_ms, session, sequence) = after.map_or((-1, -1, -1), |after| {
            let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
            (
                signed(after.created_ms),
                signed(after.session.0),
                signed(after.sequence),
            )
        });
        let values = [
            (state as u32).into(),
            until_ms.into(),
            created_ms.into(),
            session.into(),
            sequence.into(),
            limit.into(),
        ];
        let rows = self.rows(Statement::new(sql, values)).await?;
        rows.iter()
            .map(|row| {
                Ok(AskedSummary {
                    session: SessionId(number(row, "session_id")?),
                    sequence: number(row, "sequence")?,
                    created_ms: number(row, "created_ms")?,
                })
            })
            .collect()
    }

    /// How many requests are answered or sent and not yet final.
    pub async fn asked_waiting(&self) -> Result<u64, StoreError> {
        let sql = "SELECT COUNT(*) AS waiting FROM asked_batch WHERE state IN (0, 1)";
        let row = self.row(Statement::new(sql, [])).await?;
        row.map_or(Ok(0), |row| number(&row, "waiting"))
    }

    fn asked_batch(&self, row: &AnyRow) -> Result<Option<AskedBatch>, StoreError> {
        let state = match number(row, "state")? {
            0 => AskedState::Sent,
            1 => AskedState::Answered,
            2 => AskedState::Final,
            3 => AskedState::Unanswered,
            4 => AskedState::Owed,
            5 => return Ok(None),
            _ => return Err(StoreError::Damaged("request's state")),
        };
        let (period, Some(period_key)) = self.period_of(row)? else {
            return Ok(None);
        };
        let key = [number(row, "session_id")?, number(row, "sequence")?];
        let request: Vec<u8> = row.try_get("sealed_request")?;
        let records: Vec<u8> = row.try_get("sealed_records")?;
        let answer: Option<Vec<u8>> = row.try_get("sealed_answer")?;
        let request = self.sealer.open(place("sealed_request", &key), &request)?;
        let signed: SignedRequest =
            codec::decode(&request).map_err(|_| StoreError::Damaged("request"))?;
        let name = BatchName::of(&signed.request).associated();
        let open =
            |content, sealed: &[u8]| Self::open_for(content, &period, &period_key, &name, sealed);
        let answer = answer.map(|sealed| open(Content::Answer, &sealed));
        Ok(Some(AskedBatch {
            records: open(Content::Records, &records)?,
            answer: answer.transpose()?,
            signed,
            state,
            version: optional_number(row, "version")?
                .map(|version| u32::try_from(version).map(ListVersion))
                .transpose()
                .map_err(|_| StoreError::Damaged("version"))?,
            height: optional_number(row, "height")?,
            created_ms: number(row, "created_ms")?,
            period,
        }))
    }
}

/// Only beside the request of which it is a copy.
const INSERT_COPY: &str = "INSERT INTO custodian_copy (session_id, sequence, class, month, sealed_copy) \
    SELECT $1, $2, $3, $4, $5 \
    WHERE EXISTS (SELECT 1 FROM asked_batch WHERE session_id = $1 AND sequence = $2)";

/// Says which request it is and how it stands, and nothing of what was asked and answered.
impl fmt::Debug for AskedBatch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let request = &self.signed.request;
        formatter
            .debug_struct("AskedBatch")
            .field("session", &request.session)
            .field("sequence", &request.sequence)
            .field("state", &self.state)
            .field("period", &self.period)
            .field("version", &self.version)
            .field("height", &self.height)
            .finish_non_exhaustive()
    }
}

impl AskedBatch {
    /// The list and epoch that were asked.
    pub fn scope(&self) -> (ListId, TagEpoch) {
        (self.signed.request.list, self.signed.request.tag_epoch)
    }
}

pub(super) fn place<'a>(column: &'static str, row: &'a [u64]) -> Place<'a> {
    Place {
        table: "asked_batch",
        column,
        row,
    }
}
