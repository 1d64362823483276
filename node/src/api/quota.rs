//! A member's quota: opened with this node's key, and moved.

use tacit_circuits::scope::MemberId;
use tacit_frontend::ports::Ledger as _;
use tacit_frontend::wallet::{Eye, Holdings, KeyInUse, WalletError, holdings};
use tacit_ledger::network::read;
use tacit_proto::operator as proto;
use tacit_readmodel::{Amount, Movement, MovementFilter, MovementKind};

use super::Operator;
use super::error::ApiError;
use super::lists::{Answers, gone};
use super::records::period;

impl Operator {
    /// What a member has, as far as this node's key opens it.
    pub(super) async fn holdings(&self, member: MemberId) -> Result<Holdings, ApiError> {
        let eye = self.eye(member).await?;
        Ok(holdings(&*self.ledger, &self.opener, member, eye).await?)
    }

    /// What this member may spend, in minor units.
    pub(super) async fn available(&self) -> Result<u64, ApiError> {
        let available = self.frontend()?.wallet.available().await?;
        Ok(available)
    }

    /// With whose key this node opens a member's amounts: the member's own, or the supervisor's where this node
    /// is the supervisor's.
    async fn eye(&self, member: MemberId) -> Result<Eye, ApiError> {
        if member == self.ledger.member_id() {
            return Ok(Eye::Own);
        }
        let supervisor = self.read(read::supervisor_key).await?;
        if supervisor == self.opener.key().public() {
            return Ok(Eye::Supervisor);
        }
        Err(ApiError::caller(
            "quota-sealed",
            format!("the quota of member {member} is sealed to it and to the supervisor"),
            "Ask that member, or the supervisor.",
        ))
    }

    pub(super) async fn quota(
        &self,
        request: proto::QuotaRequest,
    ) -> Result<proto::QuotaResponse, ApiError> {
        let me = self.ledger.member_id();
        let member = request.member_id.map_or(me, MemberId);
        let eye = self.eye(member).await?;
        let (clock, lists, categories) = self
            .read(|view| {
                let clock = read::clock(view)?.unwrap_or_default();
                Ok((clock, read::lists(view)?, read::categories(view)?))
            })
            .await?;
        let holdings = holdings(&*self.ledger, &self.opener, member, eye).await?;
        let callable = lists
            .iter()
            .filter(|list| list.is_standing() && list.owner != member);
        let calls_cap_day = callable
            .filter_map(|list| {
                categories
                    .iter()
                    .find(|category| category.id == list.category)
            })
            .map(|category| u64::from(category.daily_cap_calls))
            .sum();
        let filter = MovementFilter {
            period: period(request.from_ms, request.until_ms),
            ..MovementFilter::all(member)
        };
        let sums = self.read_model.quota_sums(filter).await?;
        let sum = async |kind: MovementKind| {
            if eye == Eye::Supervisor {
                return self.amount(&sums.of(kind), 0, eye).await;
            }
            let mut sum_minor = 0;
            for (generation, part) in sums.parts(kind) {
                sum_minor += self.amount(part, generation, eye).await?;
            }
            Ok(sum_minor)
        };
        let mut movements = Vec::new();
        if request.movements_limit > 0 {
            let limit = request.movements_limit;
            for row in self.read_model.newest_movements(filter, limit).await? {
                let amount_minor = self.amount(&row.amount(), row.generation, eye).await?;
                movements.push(movement(&row, amount_minor));
            }
        }
        Ok(proto::QuotaResponse {
            available_minor: holdings.available_minor + holdings.waiting_minor,
            escrowed_minor: holdings.escrowed_minor,
            waiting_minor: holdings.waiting_minor,
            deposit_free_minor: holdings.deposit.free_minor,
            deposit_staked_minor: holdings.deposit.staked_minor,
            granted_minor: sum(MovementKind::Grant).await?,
            earned_minor: sum(MovementKind::Earning).await?,
            rewarded_minor: sum(MovementKind::Reward).await?,
            spent_minor: sum(MovementKind::Charge).await?,
            penalised_minor: sum(MovementKind::Penalty).await?,
            calls_today: self
                .read_model
                .calls_on(member, clock.business_date)
                .await?,
            calls_cap_day,
            movements,
        })
    }

    /// Opens an amount, in minor units: with the member's key of a generation, or the supervisor's.
    async fn amount(&self, amount: &Amount, generation: u32, eye: Eye) -> Result<u64, ApiError> {
        if amount.is_public() {
            return Ok(amount.public_minor.unsigned_abs());
        }
        let total = amount.total().select([eye.place()]);
        let opened = match eye {
            Eye::Own => self.opener.open_by(generation, total).await,
            Eye::Supervisor => self.opener.open(total).await,
        };
        Ok(opened.ok_or(WalletError::Unreadable)?)
    }

    /// Changes the key to which this member's quota is sealed, and says what it waits for.
    pub(super) async fn change_quota_key(
        &self,
        answers: Answers<proto::ChangeQuotaKeyResponse>,
    ) -> Result<(), ApiError> {
        use proto::change_quota_key_response::Step;
        let frontend = self.frontend()?;
        let window = self.read(read::parameters).await?.settlement_window_blocks;
        let waiting = |in_use: &KeyInUse| {
            let ends = in_use.own.iter().map(|own| own.deadline_height + window);
            let step = Some(Step::Waiting(proto::KeyInUse {
                own_sessions: in_use.own.len() as u32,
                served_sessions: in_use.served.len() as u32,
                until_height: ends.max().unwrap_or(0),
            }));
            // Who does not read in time is told the next time.
            let _ = answers.try_send(Ok(proto::ChangeQuotaKeyResponse { step }));
        };
        let change = frontend.change_quota_key(waiting);
        let changed = tokio::select! {
            changed = change => changed?,
            () = answers.closed() => return Err(gone()),
        };
        let generation = self.opener.keys().len() - 1;
        let step = Some(Step::Changed(proto::QuotaKeyChanged {
            height: changed.height,
            tx_id: changed.tx_id.0.0.to_vec(),
            key: self.opener.key().public().to_bytes().to_vec(),
            generation: u32::try_from(generation).unwrap_or(u32::MAX),
        }));
        let said = answers
            .send(Ok(proto::ChangeQuotaKeyResponse { step }))
            .await;
        said.map_err(|_| gone())
    }

    pub(super) async fn move_quota(
        &self,
        request: proto::MoveQuotaRequest,
    ) -> Result<proto::MoveQuotaResponse, ApiError> {
        use proto::move_quota_request::Move;
        let wallet = &self.frontend()?.wallet;
        let applied = match request.r#move() {
            Move::Deposit => wallet.deposit(request.amount_minor).await?,
            Move::Withdraw => wallet.withdraw(request.amount_minor).await?,
            Move::RollOver => wallet.roll_over().await?,
            Move::Unspecified => {
                let message = "it is not said how quota is to be moved";
                return Err(ApiError::caller("move-missing", message, "Name one."));
            }
        };
        Ok(proto::MoveQuotaResponse {
            height: applied.height,
            tx_id: applied.tx_id.0.0.to_vec(),
        })
    }
}

fn movement(movement: &Movement, amount_minor: u64) -> proto::QuotaMovement {
    use proto::MovementKind as Kind;
    let kind = match movement.kind {
        MovementKind::Grant => Kind::Grant,
        MovementKind::Escrow => Kind::Escrow,
        MovementKind::Refund => Kind::Refund,
        MovementKind::Charge => Kind::Charge,
        MovementKind::Earning => Kind::Earning,
        MovementKind::Reward => Kind::Reward,
        MovementKind::Penalty => Kind::Penalty,
        MovementKind::Stake => Kind::Stake,
        MovementKind::StakeReturned => Kind::StakeReturned,
        MovementKind::StakeLost => Kind::StakeLost,
        MovementKind::Compensation => Kind::Compensation,
        MovementKind::Deposit => Kind::Deposit,
        MovementKind::Withdrawal => Kind::Withdrawal,
        MovementKind::RollOver => Kind::RollOver,
    };
    proto::QuotaMovement {
        time_ms: movement.time_ms,
        height: movement.height,
        tx_id: movement.tx_id.map(|id| id.0.0.to_vec()).unwrap_or_default(),
        kind: kind.into(),
        amount_minor,
        incoming: movement.kind.incoming(),
        member_id: movement.counterparty.map(|member| member.0),
        session: movement.session.map(|session| session.0),
    }
}
