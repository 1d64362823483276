//! `tacit status`

use serde_json::json;
use tacit_proto::operator::{CopyState, Role, StatusRequest, StatusResponse};

use crate::Context;
use crate::error::ClientError;
use crate::exit::Exit;
use crate::output::{Format, Table, moment, print_json, quota};

/// Where the node stands.
#[derive(Debug, clap::Args)]
pub struct StatusCommand {}

impl StatusCommand {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let mut node = context.node().await?;
        let status = node.status(StatusRequest {}).await?.into_inner();
        match context.format() {
            Format::Json => print_json(&as_json(&status))?,
            Format::Text => print(&status)?,
        }
        Ok(Exit::Clear)
    }
}

fn role(status: &StatusResponse) -> &'static str {
    match status.role() {
        Role::Observer => "observer",
        _ => "member",
    }
}

const fn copy_state(state: CopyState) -> &'static str {
    match state {
        CopyState::Current => "current",
        CopyState::Behind => "behind",
        CopyState::Absent | CopyState::Unspecified => "absent",
        CopyState::Refused => "refused",
    }
}

fn as_json(status: &StatusResponse) -> serde_json::Value {
    let copies: Vec<_> = status
        .copies
        .iter()
        .map(|copy| {
            json!({
                "list_id": copy.list.as_ref().map(|list| list.list_id),
                "member_id": copy.list.as_ref().map(|list| list.member_id),
                "state": copy_state(copy.state()),
                "version_held": copy.version_held,
                "version_active": copy.version_active,
                "reason": copy.reason,
            })
        })
        .collect();
    let notices: serde_json::Map<_, _> = status
        .notices
        .iter()
        .map(|count| (count.kind.clone(), json!(count.waiting)))
        .collect();
    json!({
        "member_id": status.member_id,
        "name": status.display_name,
        "role": role(status),
        "validator": status.validator,
        "chain_id": hex::encode(&status.chain_id),
        "height": status.height,
        "block_time_ms": status.block_time_ms,
        "epoch": status.epoch,
        "view": status.view,
        "validators": status.validators,
        "syncing": status.syncing,
        "read_model_height": status.read_model_height,
        "quota_available_minor": status.quota_available_minor,
        "quota_escrowed_minor": status.quota_escrowed_minor,
        "calls_waiting": status.calls_waiting,
        "version": status.version,
        "rules_version": status.rules_version,
        "next_rules_version": status.next_rules_version,
        "next_rules_from_height": status.next_rules_version.map(|_| status.next_rules_from_height),
        "next_rules_known": status.next_rules_known,
        "notices": notices,
        "copies": copies,
    })
}

fn print(status: &StatusResponse) -> Result<(), ClientError> {
    let validates = if status.validator { ", validates" } else { "" };
    println!(
        "{} (member {}), {}{validates}",
        status.display_name,
        status.member_id,
        role(status)
    );
    println!("chain    {}", hex::encode(&status.chain_id));
    let syncing = if status.syncing { ", catching up" } else { "" };
    println!(
        "ledger   height {} of {}, epoch {}, {} validators{syncing}",
        status.height,
        moment(status.block_time_ms),
        status.epoch,
        status.validators,
    );
    if let Some(next) = status.next_rules_version {
        let height = status.next_rules_from_height;
        if status.next_rules_known {
            println!(
                "rules    version {}, {next} from height {height} on",
                status.rules_version
            );
        } else {
            println!(
                "rules    version {}; this node STOPS before height {height}: install a release that knows version {next}",
                status.rules_version
            );
        }
    }
    println!(
        "quota    {} available, {} in escrow",
        quota(status.quota_available_minor),
        quota(status.quota_escrowed_minor)
    );
    println!(
        "calls    {} answered and not final yet",
        status.calls_waiting
    );
    if !status.notices.is_empty() {
        let counts: Vec<_> = status
            .notices
            .iter()
            .map(|count| format!("{} {}", count.waiting, count.kind))
            .collect();
        println!("notices  {}: tacit notices", counts.join(", "));
    }
    if status.copies.is_empty() {
        println!("copies   none of the others' lists");
        return Ok(());
    }
    println!("copies of the others' lists");
    let mut table = Table::new(&["  list", "of", "name", "copy", "version", "active", ""]);
    for copy in &status.copies {
        let list = copy.list.clone().unwrap_or_default();
        table.row([
            format!("  L{}", list.list_id),
            format!("M{}", list.member_id),
            list.name,
            copy_state(copy.state()).into(),
            copy.version_held.to_string(),
            copy.version_active.to_string(),
            copy.reason.clone(),
        ]);
    }
    table.print()?;
    Ok(())
}
