//! `tacit approval …`

use serde_json::json;
use tacit_proto::operator::{Approval, ApprovalDecideRequest, ApprovalsRequest};

use crate::Context;
use crate::error::ClientError;
use crate::exit::Exit;
use crate::output::{Format, Table, moment, print_json};

/// What needs a second person: exports of the history and bundles for examiners, where the node's rules say so.
///
/// The command that needs one asks for it and names its number. Somebody else grants it, and the same command with
/// --approval runs, once.
#[derive(Debug, clap::Subcommand)]
pub enum ApprovalCommand {
    /// Approvals, newest first.
    List {
        /// Only those that wait for a decision.
        #[arg(long)]
        waiting: bool,
    },
    /// One approval, with all that it is for.
    Show {
        /// Its number.
        approval: u64,
    },
    /// Grants an approval that somebody else asked for.
    Grant {
        /// Its number.
        approval: u64,
    },
    /// Refuses an approval that somebody else asked for.
    Refuse {
        /// Its number.
        approval: u64,
    },
}

impl ApprovalCommand {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        match *self {
            Self::List { waiting } => list(context, waiting).await?,
            Self::Show { approval } => show(context, approval).await?,
            Self::Grant { approval } => decide(context, approval, true).await?,
            Self::Refuse { approval } => decide(context, approval, false).await?,
        }
        Ok(Exit::Clear)
    }
}

async fn list(context: &Context, waiting_only: bool) -> Result<(), ClientError> {
    let mut node = context.node().await?;
    let request = ApprovalsRequest {
        waiting_only,
        approval_id: None,
    };
    let found = node.approvals(request).await?.into_inner().approvals;
    if context.format() == Format::Json {
        return found.iter().try_for_each(|one| print_json(&as_json(one)));
    }
    let mut table = Table::new(&[
        "approval",
        "state",
        "for",
        "of",
        "asked by",
        "at",
        "decided by",
    ]);
    for one in &found {
        table.row([
            one.approval_id.to_string(),
            one.state.clone(),
            one.kind.clone(),
            one.what.clone(),
            one.asked_by.clone(),
            moment(one.asked_ms),
            one.decided_by.clone(),
        ]);
    }
    table.print()?;
    Ok(())
}

async fn show(context: &Context, approval: u64) -> Result<(), ClientError> {
    let mut node = context.node().await?;
    let request = ApprovalsRequest {
        waiting_only: false,
        approval_id: Some(approval),
    };
    let found = node.approvals(request).await?.into_inner().approvals;
    let one = found.first();
    print(
        context.format(),
        one.ok_or(ClientError::Unexpected("no approval"))?,
    )
}

async fn decide(context: &Context, approval: u64, granted: bool) -> Result<(), ClientError> {
    let mut node = context.node().await?;
    let request = ApprovalDecideRequest {
        approval_id: approval,
        granted,
    };
    let decided = node.approval_decide(request).await?.into_inner();
    print(context.format(), &decided)
}

fn print(format: Format, one: &Approval) -> Result<(), ClientError> {
    if format == Format::Json {
        return print_json(&as_json(one));
    }
    println!("approval  {} ({})", one.approval_id, one.state);
    println!("for       {} of {}", one.kind, one.what);
    println!("asked by  {} at {}", one.asked_by, moment(one.asked_ms));
    println!("until     {}", moment(one.expires_ms));
    if !one.decided_by.is_empty() {
        println!("decided   {} at {}", one.decided_by, moment(one.decided_ms));
    }
    if one.used_ms > 0 {
        println!("used      {}", moment(one.used_ms));
    }
    println!("digest    {}", hex::encode(&one.digest));
    Ok(())
}

fn as_json(one: &Approval) -> serde_json::Value {
    json!({
        "approval_id": one.approval_id,
        "state": one.state,
        "kind": one.kind,
        "what": one.what,
        "digest": hex::encode(&one.digest),
        "asked_by": one.asked_by,
        "asked_ms": one.asked_ms,
        "expires_ms": one.expires_ms,
        "decided_by": Some(&one.decided_by).filter(|name| !name.is_empty()),
        "decided_ms": Some(one.decided_ms).filter(|time| *time > 0),
        "used_ms": Some(one.used_ms).filter(|time| *time > 0),
    })
}
