//! Quota, and where a batch of calls stands: what the read model knows.

use tacit_frontend::ports::Ledger as _;
use tacit_ledger::kernel::TxId;
use tacit_ledger::network::{SessionId, read};
use tacit_proto::operator as proto;
use tacit_readmodel::{Movement, MovementKind, Period, ReadModelError};

use super::Operator;
use super::error::ApiError;

impl Operator {
    pub(super) async fn quota(
        &self,
        request: proto::QuotaRequest,
    ) -> Result<proto::QuotaResponse, ApiError> {
        let me = self.ledger.member_id();
        let (balance, clock, lists, categories) = self
            .read(|view| {
                Ok((
                    read::balance(view, me)?,
                    read::clock(view)?.unwrap_or_default(),
                    read::lists(view)?,
                    read::categories(view)?,
                ))
            })
            .await?;
        let callable = lists
            .iter()
            .filter(|list| list.is_standing() && list.owner != me);
        let calls_cap_day = callable
            .filter_map(|list| {
                categories
                    .iter()
                    .find(|category| category.id == list.category)
            })
            .map(|category| u64::from(category.daily_cap_calls))
            .sum();
        let period = period(request.from_ms, request.until_ms);
        let sums = self.read_model.quota(me, period).await?;
        let movements = match request.movements_limit {
            0 => Vec::new(),
            limit => self.read_model.movements(me, period, limit).await?,
        };
        Ok(proto::QuotaResponse {
            available_minor: balance.available_minor,
            escrowed_minor: balance.escrowed_minor,
            granted_minor: sums.granted_minor,
            earned_minor: sums.earned_minor,
            rewarded_minor: sums.rewarded_minor,
            spent_minor: sums.spent_minor,
            penalised_minor: sums.penalised_minor,
            calls_today: self.read_model.calls_on(me, clock.business_date).await?,
            calls_cap_day,
            movements: movements.iter().map(movement).collect(),
        })
    }

    /// The transaction that settled a batch of calls.
    pub(super) async fn batch(&self, session: SessionId, sequence: u64) -> Result<TxId, ApiError> {
        let found = self.read_model.batch(session, sequence).await?;
        let name = format!("{session}/{sequence}");
        found
            .map(|row| row.tx_id)
            .ok_or_else(|| ApiError::unknown("batch of calls", name))
    }
}

pub(super) fn period(from_ms: u64, until_ms: u64) -> Period {
    Period {
        from_ms,
        until_ms: Some(until_ms).filter(|until| *until > 0),
    }
}

fn movement(movement: &Movement) -> proto::QuotaMovement {
    use proto::MovementKind as Kind;
    let (kind, incoming) = match movement.kind {
        MovementKind::Grant => (Kind::Grant, true),
        MovementKind::Escrow => (Kind::Escrow, false),
        MovementKind::Refund => (Kind::Refund, true),
        MovementKind::Charge => (Kind::Charge, false),
        MovementKind::Earning => (Kind::Earning, true),
        MovementKind::Reward => (Kind::Reward, true),
        MovementKind::Penalty => (Kind::Penalty, false),
        MovementKind::Stake => (Kind::Stake, false),
        MovementKind::StakeReturned => (Kind::StakeReturned, true),
        MovementKind::StakeLost => (Kind::StakeLost, false),
        MovementKind::Compensation => (Kind::Compensation, true),
    };
    proto::QuotaMovement {
        time_ms: movement.time_ms,
        height: movement.height,
        tx_id: movement.tx_id.map(|id| id.0.0.to_vec()).unwrap_or_default(),
        kind: kind.into(),
        amount_minor: movement.amount_minor,
        incoming,
        member_id: movement.counterparty.map(|member| member.0),
        session: movement.session.map(|session| session.0),
    }
}

impl From<ReadModelError> for ApiError {
    fn from(error: ReadModelError) -> Self {
        Self::node(
            "records-unreadable",
            error.to_string(),
            "See the node's log.",
        )
    }
}
