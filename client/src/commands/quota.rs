//! `tacit quota`

use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::json;
use tacit_proto::operator::move_quota_request::Move;
use tacit_proto::operator::{
    MoveQuotaRequest, MovementKind, QuotaMovement, QuotaRequest, QuotaResponse, StateQuotaRequest,
};

use crate::Context;
use crate::error::ClientError;
use crate::exit::Exit;
use crate::output::{Format, Table, moment, print_json, quota};
use crate::statement::{MAX_STATEMENT_BYTES, QuotaStatement};
use crate::trust::{read_file, read_genesis};

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
    /// Write what this member has, with proofs that its reader verifies without a node.
    Statement {
        /// For whom it is made; the proofs are bound to this name.
        #[arg(long, value_name = "READER")]
        reader: String,
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
            Self::Statement { reader, to } => return state(context, reader, to).await,
            Self::Verify { file, genesis } => return verify(context.format(), file, genesis),
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

async fn state(context: &Context, reader: &str, to: &Path) -> Result<Exit, ClientError> {
    let request = StateQuotaRequest {
        reader: reader.to_owned(),
    };
    let mut node = context.node().await?;
    let answer = node.state_quota(request).await?.into_inner();
    let written = std::fs::File::create_new(to).and_then(|mut out| out.write_all(&answer.file));
    written.map_err(|source| ClientError::File {
        path: to.to_owned(),
        source,
    })?;
    match context.format() {
        Format::Json => print_json(&json!({
            "file": to,
            "sessions_shown": answer.sessions_shown,
            "sessions": answer.sessions,
        }))?,
        Format::Text => println!(
            "{} for {reader}, with the escrows of {} of {} open sessions",
            to.display(),
            answer.sessions_shown,
            answer.sessions
        ),
    }
    Ok(Exit::Clear)
}

fn verify(format: Format, path: &Path, genesis: &Path) -> Result<Exit, ClientError> {
    let (genesis, committee) = read_genesis(genesis)?;
    let bytes = read_file(path, MAX_STATEMENT_BYTES as u64)?;
    let file = QuotaStatement::from_bytes(&bytes).map_err(|error| ClientError::Invalid {
        path: path.to_owned(),
        reason: format!("is no statement of quota: {error}"),
    })?;
    let stated = file.verify(&genesis, committee);
    let stated = stated.map_err(|source| ClientError::StatementRefused {
        path: path.to_owned(),
        source,
    })?;
    let escrowed: u64 = stated.escrows.iter().map(|(_, escrow)| escrow).sum();
    match format {
        Format::Json => print_json(&json!({
            "member_id": file.member.0,
            "reader": file.reader.as_str(),
            "height": stated.height,
            "time_ms": stated.time_ms,
            "available_minor": stated.available_minor + stated.waiting_minor,
            "waiting_minor": stated.waiting_minor,
            "escrowed_minor": escrowed,
            "deposit_free_minor": stated.deposit.free_minor,
            "deposit_staked_minor": stated.deposit.staked_minor,
        }))?,
        Format::Text => {
            println!("member      {}", file.member);
            println!("for         {}", file.reader.as_str());
            let available = stated.available_minor + stated.waiting_minor;
            println!("available   {}", quota(available));
            let sessions = stated.escrows.len();
            println!(
                "in escrow   {} in {sessions} sessions; others are not excluded",
                quota(escrowed)
            );
            println!("deposit     {}", quota(stated.deposit.total_minor()));
            println!(
                "as of       height {}, {}",
                stated.height,
                moment(stated.time_ms)
            );
        }
    }
    Ok(Exit::Clear)
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
