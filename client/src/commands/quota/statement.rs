//! `tacit quota statement` and `tacit quota verify`

use std::io::Write as _;
use std::path::Path;

use futures::StreamExt as _;
use serde_json::json;
use tacit_ledger::network::movement::MovementKind;
use tacit_proto::operator::StateQuotaRequest;

use crate::Context;
use crate::error::ClientError;
use crate::exit::Exit;
use crate::output::{Format, Table, moment, print_json, quota};
use crate::statement::{
    Balance, MAX_STATEMENT_BYTES, QuotaStatement, ShownMovement, Stated, StatedPeriod,
};
use crate::trust::{read_file, read_genesis};

/// Writes what the node states.
pub(super) async fn write(
    context: &Context,
    request: StateQuotaRequest,
    to: &Path,
) -> Result<Exit, ClientError> {
    let (reader, of_period) = (request.reader.clone(), request.from_ms.is_some());
    let mut node = context.node().await?;
    let mut parts = node.state_quota(request).await?.into_inner();
    let (mut file, mut shown, mut sessions) = (Vec::new(), 0, 0);
    while let Some(part) = parts.next().await {
        let part = part?;
        file.extend_from_slice(&part.part);
        (shown, sessions) = (part.sessions_shown, part.sessions);
        if file.len() > MAX_STATEMENT_BYTES {
            return Err(ClientError::Unexpected("a statement that is too large"));
        }
    }
    let statement = QuotaStatement::from_bytes(&file);
    let statement =
        statement.map_err(|_| ClientError::Unexpected("a statement that does not decode"))?;
    let written = std::fs::File::create_new(to).and_then(|mut out| {
        out.write_all(&file)?;
        out.sync_all()
    });
    written.map_err(|source| ClientError::File {
        path: to.to_owned(),
        source,
    })?;
    let period = statement.proven.period.as_ref();
    let transactions = period.map_or(0, |period| period.results.len());
    match context.format() {
        Format::Json => print_json(&json!({
            "file": to,
            "transactions": of_period.then_some(transactions),
            "sessions_shown": shown,
            "sessions": sessions,
        }))?,
        Format::Text => {
            let moved = match of_period {
                true => format!("what {transactions} transactions moved, and "),
                false => String::new(),
            };
            println!(
                "{} for {reader}, with {moved}the escrows of {shown} of {sessions} open sessions",
                to.display(),
            );
        }
    }
    Ok(Exit::Clear)
}

/// Checks a statement from the file and the genesis alone.
pub(super) fn verify(format: Format, path: &Path, genesis: &Path) -> Result<Exit, ClientError> {
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
    match format {
        Format::Json => print_json(&as_json(&file, &stated))?,
        Format::Text => print(&file, &stated)?,
    }
    Ok(Exit::Clear)
}

fn escrowed(balance: &Balance) -> u64 {
    balance.escrows.iter().map(|(_, escrow)| escrow).sum()
}

fn balance_as_json(balance: &Balance) -> serde_json::Value {
    json!({
        "height": balance.height,
        "time_ms": balance.time_ms,
        "available_minor": balance.available_minor + balance.waiting_minor,
        "waiting_minor": balance.waiting_minor,
        "escrowed_minor": escrowed(balance),
        "deposit_free_minor": balance.deposit.free_minor,
        "deposit_staked_minor": balance.deposit.staked_minor,
    })
}

fn as_json(file: &QuotaStatement, stated: &Stated) -> serde_json::Value {
    let mut object = balance_as_json(&stated.closing);
    object["member_id"] = json!(file.proven.member.0);
    object["reader"] = json!(file.reader.as_str());
    if let Some(period) = &stated.period {
        let movement = |movement: &ShownMovement| {
            json!({
                "time_ms": movement.time_ms,
                "height": movement.height,
                "tx_id": movement.tx_id.map(|id| hex::encode(id.0.0)),
                "kind": words(movement.kind),
                "amount_minor": movement.amount_minor,
                "incoming": movement.kind.incoming(),
                "member_id": movement.counterparty.map(|member| member.0),
                "session": movement.session.map(|session| session.0),
            })
        };
        object["opening"] = balance_as_json(&period.opening);
        object["movements"] = period.movements.iter().map(movement).collect();
        object["movements_lead"] = json!(true);
        object["sessions_untold"] = json!(period.sessions_untold);
    }
    object
}

fn print(file: &QuotaStatement, stated: &Stated) -> Result<(), ClientError> {
    println!("member      {}", file.proven.member);
    println!("for         {}", file.reader.as_str());
    if let Some(period) = &stated.period {
        println!("\nbeginning");
        print_balance(&period.opening);
        println!("\nmovements   {}", period.movements.len());
        print_movements(period)?;
        println!("\nend");
    }
    print_balance(&stated.closing);
    if let Some(period) = &stated.period {
        println!("\nThe movements lead from the one balance to the other, to the last unit.");
        if period.sessions_untold > 0 {
            println!(
                "Of {} sessions not all charges need be shown: their escrow at one end of the period is not.",
                period.sessions_untold
            );
        }
    }
    Ok(())
}

fn print_balance(balance: &Balance) {
    let available = balance.available_minor + balance.waiting_minor;
    println!("available   {}", quota(available));
    println!(
        "in escrow   {} in {} sessions; others are not excluded",
        quota(escrowed(balance)),
        balance.escrows.len()
    );
    println!("deposit     {}", quota(balance.deposit.total_minor()));
    match balance.height {
        0 => println!("as of       the genesis, {}", moment(balance.time_ms)),
        height => println!("as of       height {height}, {}", moment(balance.time_ms)),
    }
}

fn print_movements(period: &StatedPeriod) -> Result<(), ClientError> {
    let mut table = Table::new(&["time", "height", "what", "amount", "with", "session"]);
    for movement in &period.movements {
        table.row([
            moment(movement.time_ms),
            movement.height.to_string(),
            words(movement.kind).into(),
            format!("{}{}", sign(movement.kind), quota(movement.amount_minor)),
            movement
                .counterparty
                .map(|member| member.to_string())
                .unwrap_or_default(),
            movement
                .session
                .map(|session| session.to_string())
                .unwrap_or_default(),
        ]);
    }
    table.print()
}

/// Nothing comes or goes when what waited becomes available.
const fn sign(kind: MovementKind) -> &'static str {
    match kind {
        MovementKind::RollOver => "",
        kind if kind.incoming() => "+",
        _ => "-",
    }
}

const fn words(kind: MovementKind) -> &'static str {
    match kind {
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
        MovementKind::Deposit => "deposit",
        MovementKind::Withdrawal => "withdrawal",
        MovementKind::RollOver => "roll-over",
    }
}
