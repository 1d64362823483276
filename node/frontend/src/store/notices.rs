//! What this member is told of its own answers: that an entry was corrected on which one relied.
//!
//! Each call is told once. What is told is sealed to the period of the call's records and ends with it; a row
//! shows when it was made and who took note of it, and not of which call it is.

use sqlx::Row;
use sqlx::any::AnyRow;
use tacit_circuits::scope::{ListId, TagEpoch};
use tacit_ledger::network::DisputeId;
use tacit_sealing::{Content, Period};
use zeroize::Zeroizing;

use super::asked_sealed::{SealedBatches, sealed_columns};
use super::database::{Statement, Store, StoreError, number, optional_number};
use crate::clock::now_ms;

/// A notice that is about to be kept.
pub(crate) struct NewNotice<'a> {
    /// The call's session, sequence and place.
    pub(crate) call: (u64, u64, u32),
    /// Whether the owner marked the entry.
    pub(crate) certain: bool,
    /// The period of the call's records.
    pub(crate) period: &'a Period,
    /// What is told.
    pub(crate) told: &'a [u8],
}

/// A notice as it is kept.
pub(crate) struct KeptNotice {
    pub(crate) id: u64,
    pub(crate) created_ms: u64,
    pub(crate) acknowledged: Option<(String, u64)>,
    pub(crate) told: Zeroizing<Vec<u8>>,
}

impl Store {
    /// Requests of a list's epoch that were answered, still sealed, by session and sequence, behind `after`.
    pub(crate) async fn answered_of(
        &self,
        (list, tag_epoch): (ListId, TagEpoch),
        after: Option<[u64; 2]>,
        limit: u32,
    ) -> Result<SealedBatches, StoreError> {
        const SELECT: &str = concat!(
            sealed_columns!(),
            "FROM asked_batch b \
             JOIN retention_key k ON k.class = b.class AND k.month = b.month \
             WHERE b.list_id = $1 AND b.tag_epoch = $2 AND b.state <> 5 \
             AND b.sealed_answer IS NOT NULL AND (b.session_id, b.sequence) > ($3, $4) \
             ORDER BY b.session_id, b.sequence LIMIT $5"
        );
        let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let [session, sequence] = after.map_or([-1, -1], |after| after.map(signed));
        let values = [
            list.0.into(),
            tag_epoch.0.into(),
            session.into(),
            sequence.into(),
            limit.into(),
        ];
        let rows = self.rows(Statement::new(SELECT, values)).await?;
        self.sealed_batches(&rows)
    }

    /// Keeps a notice, unless its call was told before: what is certain is told where there was doubt, which
    /// nobody needs to look into any more. True where it is new. Where the retention period is over, there is
    /// nothing left to tell.
    pub(crate) async fn keep_notice(&self, notice: NewNotice<'_>) -> Result<bool, StoreError> {
        let NewNotice { call, period, .. } = notice;
        let key = self.indexer.of_call(call);
        let sealed = self
            .seal_for(Content::Notice, (period, None), &key, notice.told)
            .await;
        let sealed = match sealed {
            Err(StoreError::PeriodOver(_)) => return Ok(false),
            sealed => sealed?,
        };
        let certain = u32::from(notice.certain);
        let doubt = Statement::new(
            "DELETE FROM notice WHERE call_key = $1 AND certain < $2 AND acknowledged_ms IS NULL",
            [key.to_vec().into(), certain.into()],
        );
        let made = Statement::new(
            "INSERT INTO notice (notice_id, call_key, certain, class, month, sealed_notice, \
             created_ms) SELECT COALESCE((SELECT MAX(notice_id) FROM notice), 0) + 1, \
             $1, $2, $3, $4, $5, $6 \
             WHERE EXISTS (SELECT 1 FROM retention_key WHERE class = $3 AND month = $4) \
             AND NOT EXISTS (SELECT 1 FROM notice WHERE call_key = $1 AND certain >= $2)",
            [
                key.to_vec().into(),
                certain.into(),
                period.class.as_str().into(),
                period.month.number().into(),
                sealed.into(),
                now_ms().into(),
            ],
        );
        Ok(self.write(vec![doubt, made]).await? > 0)
    }

    /// Notices in the order of their numbers, those that were acknowledged only where `all` are wanted; at most
    /// `limit`, the latest.
    pub(crate) async fn notices(
        &self,
        all: bool,
        limit: u32,
    ) -> Result<Vec<KeptNotice>, StoreError> {
        let sql = "SELECT n.notice_id, n.call_key, n.sealed_notice, n.created_ms, \
                   n.acknowledged_by, n.acknowledged_ms, n.class, n.month, k.sealed_key \
                   FROM notice n JOIN retention_key k ON k.class = n.class AND k.month = n.month \
                   WHERE $1 = 1 OR n.acknowledged_ms IS NULL ORDER BY n.notice_id DESC LIMIT $2";
        let values = [u32::from(all).into(), limit.into()];
        let rows = self.rows(Statement::new(sql, values)).await?;
        let kept = rows.iter().rev().map(|row| self.kept_notice(row));
        Ok(kept
            .collect::<Result<Vec<_>, _>>()?
            .into_iter()
            .flatten()
            .collect())
    }

    /// How many notices nobody has acknowledged: those that are certain, and the others.
    pub(crate) async fn notices_waiting(&self) -> Result<(u64, u64), StoreError> {
        let sql = "SELECT CAST(COALESCE(SUM(n.certain), 0) AS BIGINT) AS certain, \
                   COUNT(*) AS waiting FROM notice n \
                   JOIN retention_key k ON k.class = n.class AND k.month = n.month \
                   WHERE n.acknowledged_ms IS NULL";
        let row = self.row(Statement::new(sql, [])).await?;
        let row = row.ok_or(StoreError::Damaged("notices"))?;
        let certain = number(&row, "certain")?;
        Ok((certain, number(&row, "waiting")?.saturating_sub(certain)))
    }

    /// Notes who took note of a notice. False where there is none that waits for it.
    pub(crate) async fn acknowledge_notice(&self, id: u64, by: &str) -> Result<bool, StoreError> {
        let sql = "UPDATE notice SET acknowledged_by = $2, acknowledged_ms = $3 \
                   WHERE notice_id = $1 AND acknowledged_ms IS NULL";
        let values = [id.into(), by.into(), now_ms().into()];
        let changed = self.write(vec![Statement::new(sql, values)]).await?;
        Ok(changed > 0)
    }

    /// Up to which dispute all rulings were gone through for good.
    pub(crate) async fn rulings_seen(&self) -> Result<DisputeId, StoreError> {
        let sql = "SELECT dispute FROM notice_progress WHERE id = 1";
        let row = self.row(Statement::new(sql, [])).await?;
        row.map_or(Ok(DisputeId(0)), |row| {
            number(&row, "dispute").map(DisputeId)
        })
    }

    /// Notes up to which dispute that is.
    pub(crate) async fn see_rulings(&self, dispute: DisputeId) -> Result<(), StoreError> {
        let sql = "INSERT INTO notice_progress (id, dispute) VALUES (1, $1) \
                   ON CONFLICT (id) DO UPDATE SET dispute = excluded.dispute";
        self.write(vec![Statement::new(sql, [dispute.0.into()])])
            .await
            .map(drop)
    }

    fn kept_notice(&self, row: &AnyRow) -> Result<Option<KeptNotice>, StoreError> {
        let (period, Some(period_key)) = self.period_of(row)? else {
            return Ok(None);
        };
        let key: Vec<u8> = row.try_get("call_key")?;
        let sealed: Vec<u8> = row.try_get("sealed_notice")?;
        let by: Option<String> = row.try_get("acknowledged_by")?;
        Ok(Some(KeptNotice {
            id: number(row, "notice_id")?,
            created_ms: number(row, "created_ms")?,
            acknowledged: by.zip(optional_number(row, "acknowledged_ms")?),
            told: Self::open_for(Content::Notice, &period, &period_key, &key, &sealed)?,
        }))
    }
}
