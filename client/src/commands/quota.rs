//! `tacit quota`

use serde_json::json;
use tacit_proto::operator::{MovementKind, QuotaMovement, QuotaRequest, QuotaResponse};

use crate::Context;
use crate::error::ClientError;
use crate::exit::Exit;
use crate::output::{Format, Table, moment, print_json, quota};

/// This member's quota: what it has, what came and went, and what it may still ask today.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  tacit quota --movements 20")]
pub struct QuotaCommand {
    /// Show this many of the latest movements.
    #[arg(long, value_name = "NUMBER", default_value_t = 0,
          value_parser = clap::value_parser!(u32).range(0..=1_000))]
    movements: u32,
}

impl QuotaCommand {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let mut node = context.node().await?;
        let request = QuotaRequest {
            from_ms: 0,
            until_ms: 0,
            movements_limit: self.movements,
        };
        let answer = node.quota(request).await?.into_inner();
        match context.format() {
            Format::Json => print_json(&as_json(&answer))?,
            Format::Text => print(&answer)?,
        }
        Ok(Exit::Clear)
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
        "escrowed_minor": answer.escrowed_minor,
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
        let sign = if movement.incoming { "+" } else { "-" };
        table.row([
            moment(movement.time_ms),
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
