//! `tacit history`

use std::collections::VecDeque;

use futures::StreamExt as _;
use serde_json::json;
use tacit_proto::operator::{Answer, CallRef, Direction, HistoryRequest, HistoryRow};

use crate::Context;
use crate::error::ClientError;
use crate::exit::Exit;
use crate::output::{Format, Table, moment, print_json, quota, short};

/// What this member asked of others and others asked of it, oldest first.
///
/// With `--output json`, one line a call, without a limit unless one is given.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tacit history --asked --limit 20\n  tacit history --member 2 --output json > calls.jsonl"
)]
pub struct HistoryCommand {
    /// Only what this member asked.
    #[arg(long, conflicts_with = "served")]
    asked: bool,
    /// Only what it served.
    #[arg(long)]
    served: bool,
    #[command(flatten)]
    filter: Filter,
    /// Only the latest so many.
    #[arg(long, value_name = "NUMBER")]
    limit: Option<usize>,
}

/// Which calls.
#[derive(Debug, clap::Args)]
pub(super) struct Filter {
    /// Only calls with this member on the other side.
    #[arg(long, value_name = "ID")]
    pub(super) member: Option<u32>,
    /// Only calls to this list.
    #[arg(long, value_name = "ID")]
    list: Option<u32>,
    /// Only with this purpose.
    #[arg(
        long,
        value_name = "CODE",
        default_value = "",
        hide_default_value = true
    )]
    purpose: String,
    /// From this time on, in milliseconds since 1970-01-01 UTC.
    #[arg(
        long,
        value_name = "TIME",
        default_value_t = 0,
        hide_default_value = true
    )]
    from_ms: u64,
    /// Before this time, in milliseconds since 1970-01-01 UTC.
    #[arg(
        long,
        value_name = "TIME",
        default_value_t = 0,
        hide_default_value = true
    )]
    until_ms: u64,
    /// Only what this operator asked; what this institution's own records hold.
    #[arg(
        long,
        value_name = "NAME",
        default_value = "",
        hide_default_value = true
    )]
    operator: String,
    /// Only for this case or consent reference; what this institution's own records hold.
    #[arg(
        long = "case",
        value_name = "REFERENCE",
        default_value = "",
        hide_default_value = true
    )]
    case_reference: String,
    /// Only with this answer; what this institution's own records hold.
    #[arg(long, value_name = "ANSWER", value_parser = ["hit", "clear", "unknown"])]
    answer: Option<String>,
}

impl Filter {
    /// Whether it leaves everything in.
    pub(super) fn is_empty(&self) -> bool {
        self.request(Direction::Unspecified) == HistoryRequest::default()
    }

    /// The question for the node.
    pub(super) fn request(&self, direction: Direction) -> HistoryRequest {
        let answer = self.answer.as_deref().map(|answer| match answer {
            "hit" => Answer::Hit,
            "clear" => Answer::Clear,
            _ => Answer::Unspecified,
        });
        HistoryRequest {
            direction: direction.into(),
            from_ms: self.from_ms,
            until_ms: self.until_ms,
            member_id: self.member,
            list_id: self.list,
            purpose: self.purpose.clone(),
            operator: self.operator.clone(),
            case_reference: self.case_reference.clone(),
            answer: answer.map(Into::into),
        }
    }
}

/// The name of a call in a row.
pub(super) fn call_of(row: &HistoryRow) -> CallRef {
    CallRef {
        session: row.session,
        sequence: row.sequence,
        index: row.index,
    }
}

impl HistoryCommand {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let mut node = context.node().await?;
        let direction = match (self.asked, self.served) {
            (true, _) => Direction::Asked,
            (_, true) => Direction::Served,
            _ => Direction::Unspecified,
        };
        let request = self.filter.request(direction);
        let mut rows = node.history(request).await?.into_inner();
        // The latest so many are known only at the end; without a limit nothing is kept.
        let mut kept = VecDeque::new();
        let mut table = header();
        let mut total = 0_u64;
        while let Some(row) = rows.next().await {
            let row = row?;
            total += 1;
            match self.limit {
                Some(limit) => {
                    kept.push_back(row);
                    if kept.len() > limit {
                        kept.pop_front();
                    }
                }
                None => show(context.format(), &mut table, &row)?,
            }
        }
        for row in &kept {
            show(context.format(), &mut table, row)?;
        }
        if context.format() == Format::Text {
            table.print()?;
            let shown = if self.limit.is_some() {
                kept.len() as u64
            } else {
                total
            };
            println!("{shown} of {total} calls");
        }
        Ok(Exit::Clear)
    }
}

fn header() -> Table {
    Table::new(&[
        "time", "height", "", "with", "list", "call", "price", "answer", "tx",
    ])
}

fn show(format: Format, table: &mut Table, row: &HistoryRow) -> Result<(), ClientError> {
    match format {
        Format::Json => print_json(&as_json(row)),
        Format::Text => {
            add(table, row);
            Ok(())
        }
    }
}

fn direction(row: &HistoryRow) -> &'static str {
    match row.direction() {
        Direction::Asked => "asked",
        Direction::Served => "served",
        Direction::Unspecified => "",
    }
}

fn answer(row: &HistoryRow) -> Option<&'static str> {
    row.own_record.as_ref().map(|own| match own.answer() {
        Answer::Hit => "hit",
        Answer::Clear => "clear",
        Answer::Unreachable => "unreachable",
        Answer::Unspecified => "unknown",
    })
}

fn add(table: &mut Table, row: &HistoryRow) {
    let list = row.list.as_ref();
    table.row([
        moment(row.time_ms),
        row.height.to_string(),
        direction(row).into(),
        format!("M{}", row.member_id),
        list.map(|list| format!("L{} {}", list.list_id, list.name))
            .unwrap_or_default(),
        format!("{}/{}/{}", row.session, row.sequence, row.index),
        quota(row.price_minor),
        answer(row).unwrap_or("-").into(),
        short(&row.tx_id),
    ]);
}

fn as_json(row: &HistoryRow) -> serde_json::Value {
    let own = row.own_record.as_ref().map(|own| {
        json!({
            "answer": answer(row),
            "operator": own.operator,
            "lawful_basis": own.lawful_basis,
            "case_reference": own.case_reference,
            "approver": own.approver,
            "version": own.version,
        })
    });
    json!({
        "direction": direction(row),
        "time_ms": row.time_ms,
        "height": row.height,
        "tx_id": hex::encode(&row.tx_id),
        "member_id": row.member_id,
        "list_id": row.list.as_ref().map(|list| list.list_id),
        "tag_epoch": row.tag_epoch,
        "call": format!("{}/{}/{}", row.session, row.sequence, row.index),
        "session": row.session,
        "sequence": row.sequence,
        "index": row.index,
        "price_minor": row.price_minor,
        "purpose": row.purpose,
        "audit_hash": hex::encode(&row.audit_hash),
        "own_record": own,
    })
}
