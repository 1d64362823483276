//! `tacit quota`

mod change_key;
mod statement;

use std::path::PathBuf;

use serde_json::json;
use tacit_proto::operator::move_quota_request::Move;
use tacit_proto::operator::{
    MoveQuotaRequest, MovementKind, QuotaMovement, QuotaRequest, QuotaResponse, StateQuotaRequest,
};

use crate::Context;
use crate::error::ClientError;
use crate::exit::Exit;
use crate::moment;
use crate::output::{Format, Table, print_json, quota};

/// Quota: what a member has, what came and went, and what it may still ask today.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  tacit quota --movements 20\n  tacit quota deposit 5000"
)]
pub struct QuotaCommand {
    /// Show this many of the latest movements.
    #[arg(long, value_name = "NUMBER", default_value_t = 0,
          value_parser = clap::value_parser!(u32).range(0..=1_000))]
    movements: u32,
    /// Show that of another member. Only the supervisor's node can open it.
    #[arg(long, value_name = "MEMBER", value_parser = member_id)]
    member: Option<u32>,
    #[command(subcommand)]
    action: Option<QuotaAction>,
}

/// Moves this member's own quota, or states it to others.
#[derive(Debug, clap::Subcommand)]
enum QuotaAction {
    /// Put quota into the deposit, from which penalties and stakes are taken.
    Deposit {
        /// Quota, with up to three decimals.
        #[arg(value_parser = minor_units)]
        amount: u64,
    },
    /// Take quota out of the deposit, as far as it exceeds the governed one.
    Withdraw {
        /// Quota, with up to three decimals.
        #[arg(value_parser = minor_units)]
        amount: u64,
    },
    /// Make available what waits. The node does it by itself when it needs to.
    RollOver,
    /// Seal this member's quota to its next key, as when the present one may be known to somebody.
    ///
    /// It waits until no session is open, of this member or with its lists: for as long as batches settle, ten minutes
    /// in a new network. Until then no session is opened and nothing is answered. Interrupt it to give it up.
    #[command(name = "change-key")]
    ChangeKey,
    /// Write what this member has, and what moved, with proofs that its reader verifies without a node.
    #[command(
        after_help = "Example:\n  tacit quota statement --from 2026-01-01 --until 2026-04-01 --reader \"Examiner\" --to q1.statement"
    )]
    Statement {
        /// For whom it is made; the proofs are bound to this name.
        #[arg(long, value_name = "READER")]
        reader: String,
        /// State all that moved from here on. It begins with the last balance that is kept of before, of which there
        /// is one of each business date; before the first of them, with the network.
        #[arg(long, value_name = "WHEN", value_parser = moment::parse)]
        from: Option<u64>,
        /// State it up to the first balance that is kept of after this; without it, up to now.
        #[arg(long, value_name = "WHEN", value_parser = moment::parse, requires = "from")]
        until: Option<u64>,
        /// The file; one that exists is not overwritten.
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
    },
    /// Check a statement without a node, from the file and the genesis alone.
    Verify {
        /// The file, as `tacit quota statement` wrote it.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The genesis of the network. It is all that is taken on trust: get it from somebody you trust, not from
        /// whoever hands you the statement.
        #[arg(long, value_name = "FILE")]
        genesis: PathBuf,
    },
}

impl QuotaCommand {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        match &self.action {
            Some(action) => action.run(context).await,
            None => self.show(context).await,
        }
    }

    async fn show(&self, context: &Context) -> Result<Exit, ClientError> {
        let mut node = context.node().await?;
        let request = QuotaRequest {
            from_ms: 0,
            until_ms: 0,
            movements_limit: self.movements,
            member_id: self.member,
        };
        let answer = node.quota(request).await?.into_inner();
        match context.format() {
            Format::Json => print_json(&as_json(&answer))?,
            Format::Text => print(&answer)?,
        }
        Ok(Exit::Clear)
    }
}

impl QuotaAction {
    async fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let (what, amount_minor) = match self {
            Self::Deposit { amount } => (Move::Deposit, *amount),
            Self::Withdraw { amount } => (Move::Withdraw, *amount),
            Self::RollOver => (Move::RollOver, 0),
            Self::ChangeKey => return change_key::change(context).await,
            Self::Statement {
                reader,
                from,
                until,
                to,
            } => {
                let request = StateQuotaRequest {
                    reader: reader.clone(),
                    from_ms: *from,
                    until_ms: *until,
                };
                return statement::write(context, request, to).await;
            }
            Self::Verify { file, genesis } => {
                return statement::verify(context.format(), file, genesis);
            }
        };
        let request = MoveQuotaRequest {
            r#move: what.into(),
            amount_minor,
        };
        let mut node = context.node().await?;
        let answer = node.move_quota(request).await?.into_inner();
        match context.format() {
            Format::Json => print_json(&json!({
                "height": answer.height,
                "tx_id": hex::encode(&answer.tx_id),
            }))?,
            Format::Text => println!(
                "final at height {}, transaction {}",
                answer.height,
                hex::encode(&answer.tx_id)
            ),
        }
        Ok(Exit::Clear)
    }
}

/// A member, as `M2` or `2`.
fn member_id(text: &str) -> Result<u32, String> {
    let digits = text.strip_prefix(['M', 'm']).unwrap_or(text);
    let expected = || format!("{text:?} names no member: write M2");
    digits.parse().map_err(|_| expected())
}

/// Quota with up to three decimals, in minor units.
fn minor_units(text: &str) -> Result<u64, String> {
    let expected = || format!("{text:?} is no amount of quota: write 12 or 12.5");
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || decimals.len() > 3 || !is_number(whole) || !is_number(decimals) {
        return Err(expected());
    }
    let whole: u64 = whole.parse().map_err(|_| expected())?;
    let minor: u64 = format!("{decimals:0<3}").parse().map_err(|_| expected())?;
    let amount = whole
        .checked_mul(1_000)
        .and_then(|all| all.checked_add(minor));
    match amount {
        Some(amount) if amount > 0 => Ok(amount),
        _ => Err(expected()),
    }
}

const fn kind(kind: MovementKind) -> &'static str {
    match kind {
        MovementKind::Unspecified => "unknown",
        MovementKind::Grant => "grant",
        MovementKind::Escrow => "escrow",
        MovementKind::Refund => "refund",
        MovementKind::Charge => "charge",
        MovementKind::Earning => "earning",
        MovementKind::Reward => "reward",
        MovementKind::Penalty => "penalty",
        MovementKind::Stake => "stake",
        MovementKind::StakeReturned => "stake returned",
        MovementKind::StakeLost => "stake lost",
        MovementKind::Compensation => "compensation",
        MovementKind::Transfer => "transfer",
        MovementKind::Deposit => "deposit",
        MovementKind::Withdrawal => "withdrawal",
        MovementKind::RollOver => "roll-over",
    }
}

fn as_json(answer: &QuotaResponse) -> serde_json::Value {
    let movement = |movement: &QuotaMovement| {
        json!({
            "time_ms": movement.time_ms,
            "height": movement.height,
            "tx_id": hex::encode(&movement.tx_id),
            "kind": kind(movement.kind()),
            "amount_minor": movement.amount_minor,
            "incoming": movement.incoming,
            "member_id": movement.member_id,
            "session": movement.session,
        })
    };
    json!({
        "available_minor": answer.available_minor,
        "waiting_minor": answer.waiting_minor,
        "escrowed_minor": answer.escrowed_minor,
        "deposit_free_minor": answer.deposit_free_minor,
        "deposit_staked_minor": answer.deposit_staked_minor,
        "granted_minor": answer.granted_minor,
        "earned_minor": answer.earned_minor,
        "rewarded_minor": answer.rewarded_minor,
        "spent_minor": answer.spent_minor,
        "penalised_minor": answer.penalised_minor,
        "calls_today": answer.calls_today,
        "calls_cap_day": answer.calls_cap_day,
        "movements": answer.movements.iter().map(movement).collect::<Vec<_>>(),
    })
}

fn print(answer: &QuotaResponse) -> Result<(), ClientError> {
    println!(
        "quota    {} available, {} in escrow",
        quota(answer.available_minor),
        quota(answer.escrowed_minor)
    );
    println!(
        "deposit  {} free, {} put aside for disputes",
        quota(answer.deposit_free_minor),
        quota(answer.deposit_staked_minor)
    );
    println!(
        "in all   {} granted, {} earned, {} rewarded, {} spent, {} in penalties",
        quota(answer.granted_minor),
        quota(answer.earned_minor),
        quota(answer.rewarded_minor),
        quota(answer.spent_minor),
        quota(answer.penalised_minor)
    );
    println!(
        "today    {} calls of at most {}",
        answer.calls_today, answer.calls_cap_day
    );
    if answer.movements.is_empty() {
        return Ok(());
    }
    let mut table = Table::new(&["time", "height", "what", "amount", "with", "session"]);
    for movement in &answer.movements {
        let sign = match movement.kind() {
            // Nothing comes or goes: what waited becomes available.
            MovementKind::RollOver => "",
            _ if movement.incoming => "+",
            _ => "-",
        };
        table.row([
            crate::output::moment(movement.time_ms),
            movement.height.to_string(),
            kind(movement.kind()).into(),
            format!("{sign}{}", quota(movement.amount_minor)),
            movement
                .member_id
                .map(|id| format!("M{id}"))
                .unwrap_or_default(),
            movement
                .session
                .map(|id| id.to_string())
                .unwrap_or_default(),
        ]);
    }
    table.print()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_of_quota_have_up_to_three_decimals() {
        for (text, minor) in [("12", 12_000), ("0.5", 500), ("1.25", 1_250), ("0.001", 1)] {
            assert_eq!(minor_units(text), Ok(minor), "{text}");
        }
        for bad in [
            "",
            "0",
            "0.000",
            ".5",
            "1.0005",
            "-1",
            "+1",
            "1e3",
            "18446744073709552",
        ] {
            assert!(minor_units(bad).is_err(), "{bad}");
        }
    }
}
