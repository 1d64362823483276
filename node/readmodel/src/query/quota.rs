//! What moved a member's quota.

use sqlx::any::AnyRow;
use tacit_circuits::scope::MemberId;
use tacit_database::{ColumnError, Columns, Statement};
use tacit_ledger::kernel::{BusinessDate, Digest, TxId};
use tacit_ledger::network::SessionId;

use super::{MAX_LISTED, Period};
use crate::error::ReadModelError;
use crate::model::ReadModel;
use crate::rows::MovementKind;

/// Sums of a member's movements, in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QuotaSums {
    /// Granted at admission.
    pub granted_minor: u64,
    /// Put aside for sessions.
    pub escrowed_minor: u64,
    /// Returned from sessions.
    pub refunded_minor: u64,
    /// Paid to providers.
    pub spent_minor: u64,
    /// Received for calls served.
    pub earned_minor: u64,
    /// Minted for calls served.
    pub rewarded_minor: u64,
    /// Taken for breaches of the rules.
    pub penalised_minor: u64,
    /// Put aside for disputes.
    pub staked_minor: u64,
    /// Returned from disputes.
    pub unstaked_minor: u64,
    /// Lost in disputes, of what was put aside for them.
    pub stakes_lost_minor: u64,
    /// Received from whoever lost a dispute.
    pub compensated_minor: u64,
}

/// One movement of a member's quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Movement {
    /// When, in milliseconds since 1970-01-01 UTC.
    pub time_ms: u64,
    /// Height of the block; 0 is the genesis.
    pub height: u64,
    /// The transaction; absent where the genesis or a block did it by itself.
    pub tx_id: Option<TxId>,
    /// Why.
    pub kind: MovementKind,
    /// How much, in minor units.
    pub amount_minor: u64,
    /// The other side, where there is one.
    pub counterparty: Option<MemberId>,
    /// The session, where there is one.
    pub session: Option<SessionId>,
}

impl ReadModel {
    /// Sums of a member's movements within a period.
    pub async fn quota(
        &self,
        member: MemberId,
        period: Period,
    ) -> Result<QuotaSums, ReadModelError> {
        let Some((first, last)) = period.bounds() else {
            return Ok(QuotaSums::default());
        };
        // PostgreSQL sums up to a NUMERIC. No sum exceeds what was ever minted, which fits.
        let sql = "SELECT kind, CAST(SUM(amount_minor) AS BIGINT) AS total FROM ledger_movement \
                   WHERE member = $1 AND time_ms >= $2 AND time_ms <= $3 GROUP BY kind";
        let values = [member.0.into(), first.into(), last.into()];
        let rows = self.database.rows(Statement::new(sql, values)).await?;
        let mut sums = QuotaSums::default();
        for row in &rows {
            *sums.of(kind(row)?) = row.number("total")?;
        }
        Ok(sums)
    }

    /// A member's newest movements within a period, newest first: at most `limit`, and at most
    /// [`MAX_LISTED`].
    pub async fn movements(
        &self,
        member: MemberId,
        period: Period,
        limit: u32,
    ) -> Result<Vec<Movement>, ReadModelError> {
        let Some((first, last)) = period.bounds() else {
            return Ok(Vec::new());
        };
        let sql = "SELECT m.time_ms, m.height, m.kind, m.amount_minor, m.counterparty, \
                   m.session_id, t.tx_id FROM ledger_movement m LEFT JOIN ledger_transaction t \
                   ON t.height = m.height AND t.leaf = m.leaf \
                   WHERE m.member = $1 AND m.time_ms >= $2 AND m.time_ms <= $3 \
                   ORDER BY m.time_ms DESC, m.height DESC, m.leaf DESC, m.place DESC LIMIT $4";
        let values = [
            member.0.into(),
            first.into(),
            last.into(),
            limit.min(MAX_LISTED).into(),
        ];
        let rows = self.database.rows(Statement::new(sql, values)).await?;
        Ok(rows.iter().map(movement).collect::<Result<_, _>>()?)
    }

    /// Calls that a member made on a business date, to all lists.
    pub async fn calls_on(
        &self,
        querier: MemberId,
        date: BusinessDate,
    ) -> Result<u64, ReadModelError> {
        let sql = "SELECT CAST(COALESCE(SUM(calls), 0) AS BIGINT) AS calls FROM ledger_calls \
                   WHERE querier = $1 AND business_date = $2";
        let values = [querier.0.into(), date.0.into()];
        let row = self.database.row(Statement::new(sql, values)).await?;
        Ok(row.map_or(Ok(0), |row| row.number("calls"))?)
    }

    /// The batches that a member asked on business dates, both included, in the order of the log: session, number
    /// and calls of each. At most so many, the first.
    pub async fn asked_between(
        &self,
        querier: MemberId,
        from: BusinessDate,
        until: BusinessDate,
        limit: u32,
    ) -> Result<Vec<(SessionId, u64, u32)>, ReadModelError> {
        let sql = "SELECT session_id, sequence, calls FROM ledger_calls \
                   WHERE querier = $1 AND business_date >= $2 AND business_date <= $3 \
                   ORDER BY first_leaf LIMIT $4";
        let values = [
            querier.0.into(),
            from.0.into(),
            until.0.into(),
            limit.into(),
        ];
        let rows = self.database.rows(Statement::new(sql, values)).await?;
        let batch = |row: &AnyRow| -> Result<_, ColumnError> {
            let session = SessionId(row.number("session_id")?);
            Ok((session, row.number("sequence")?, row.number_32("calls")?))
        };
        Ok(rows.iter().map(batch).collect::<Result<_, _>>()?)
    }
}

impl QuotaSums {
    fn of(&mut self, kind: MovementKind) -> &mut u64 {
        match kind {
            MovementKind::Grant => &mut self.granted_minor,
            MovementKind::Escrow => &mut self.escrowed_minor,
            MovementKind::Refund => &mut self.refunded_minor,
            MovementKind::Charge => &mut self.spent_minor,
            MovementKind::Earning => &mut self.earned_minor,
            MovementKind::Reward => &mut self.rewarded_minor,
            MovementKind::Penalty => &mut self.penalised_minor,
            MovementKind::Stake => &mut self.staked_minor,
            MovementKind::StakeReturned => &mut self.unstaked_minor,
            MovementKind::StakeLost => &mut self.stakes_lost_minor,
            MovementKind::Compensation => &mut self.compensated_minor,
        }
    }
}

fn kind(row: &AnyRow) -> Result<MovementKind, ColumnError> {
    MovementKind::numbered(row.number("kind")?).ok_or_else(|| ColumnError::Value("kind".into()))
}

fn movement(row: &AnyRow) -> Result<Movement, ColumnError> {
    let counterparty = row
        .optional_number("counterparty")?
        .map(u32::try_from)
        .transpose();
    Ok(Movement {
        time_ms: row.number("time_ms")?,
        height: row.number("height")?,
        tx_id: row.optional_array("tx_id")?.map(|id| TxId(Digest(id))),
        kind: kind(row)?,
        amount_minor: row.number("amount_minor")?,
        counterparty: counterparty
            .map_err(|_| ColumnError::Value("counterparty".into()))?
            .map(MemberId),
        session: row.optional_number("session_id")?.map(SessionId),
    })
}
