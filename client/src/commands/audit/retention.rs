//! `tacit audit retention`, `tacit audit hold` and `tacit audit release`

use serde_json::json;
use tacit_proto::operator::{
    RetentionHoldRequest, RetentionHoldShown, RetentionPeriod, RetentionReleaseRequest,
    RetentionRequest, RetentionResponse,
};

use crate::Context;
use crate::error::ClientError;
use crate::output::{Format, Table, moment, print_json};

/// For how long the records of this institution's calls are kept, and when each month's key will be destroyed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  tacit audit retention\n  tacit audit retention --holds")]
pub struct Retention {
    /// Shows the legal holds instead, with those that were released.
    #[arg(long)]
    holds: bool,
}

/// Places a legal hold: the records of a month and class are kept until it is released.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  tacit audit hold --class standard --month 2026-11 --reason \"order 17/2031 of the district court\""
)]
pub struct Hold {
    /// The class, as `tacit audit retention` shows it.
    #[arg(long)]
    class: String,
    /// The month in which the calls were made, as YEAR-MONTH.
    #[arg(long, value_name = "MONTH")]
    month: String,
    /// Why: a reference and a sentence. It outlives the records, so leave names of customers out of it.
    #[arg(long)]
    reason: String,
}

/// Releases a legal hold.
///
/// Where the time of its records is over and no other hold keeps them, their key is destroyed within a minute.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  tacit audit release 3 --reason \"order 17/2031 was lifted\"")]
pub struct Release {
    /// The hold's number.
    #[arg(value_name = "HOLD")]
    hold: u64,
    /// Why.
    #[arg(long)]
    reason: String,
}

impl Retention {
    pub(super) async fn run(&self, context: &Context) -> Result<(), ClientError> {
        let mut node = context.node().await?;
        let kept = node.retention(RetentionRequest {}).await?.into_inner();
        match (context.format(), self.holds) {
            (Format::Json, false) => print_json(&json!({
                "classes": kept.classes.iter().map(|class| json!({
                    "class": class.class,
                    "keep_months": class.keep_months,
                })).collect::<Vec<_>>(),
                "periods": kept.periods.iter().map(period_json).collect::<Vec<_>>(),
            })),
            (Format::Json, true) => print_json(&json!({
                "holds": kept.holds.iter().map(hold_json).collect::<Vec<_>>(),
            })),
            (Format::Text, false) => print(&kept),
            (Format::Text, true) => print_holds(&kept.holds),
        }
    }
}

impl Hold {
    pub(super) async fn run(&self, context: &Context) -> Result<(), ClientError> {
        let mut node = context.node().await?;
        let request = RetentionHoldRequest {
            class: self.class.clone(),
            month: self.month.clone(),
            reason: self.reason.clone(),
        };
        let placed = node.retention_hold(request).await?.into_inner();
        match context.format() {
            Format::Json => print_json(&json!({ "hold_id": placed.hold_id })),
            Format::Text => {
                let (class, month) = (&self.class, &self.month);
                println!(
                    "hold {} keeps the records of {class} {month}",
                    placed.hold_id
                );
                Ok(())
            }
        }
    }
}

impl Release {
    pub(super) async fn run(&self, context: &Context) -> Result<(), ClientError> {
        let mut node = context.node().await?;
        let request = RetentionReleaseRequest {
            hold_id: self.hold,
            reason: self.reason.clone(),
        };
        node.retention_release(request).await?;
        match context.format() {
            Format::Json => print_json(&json!({ "hold_id": self.hold })),
            Format::Text => {
                println!("hold {} is released", self.hold);
                Ok(())
            }
        }
    }
}

fn print(kept: &RetentionResponse) -> Result<(), ClientError> {
    for class in &kept.classes {
        let (class, months) = (&class.class, class.keep_months);
        println!("{class}: {months} whole months after the month of the call");
    }
    if kept.periods.is_empty() {
        println!("no records yet");
        return Ok(());
    }
    println!();
    let mut table = Table::new(&["class", "month", "requests", "calls", "key"]);
    for period in &kept.periods {
        table.row([
            period.class.clone(),
            period.month.clone(),
            period.requests.to_string(),
            period.calls.to_string(),
            key_words(period),
        ]);
    }
    table.print()
}

/// What becomes of a period's key.
fn key_words(period: &RetentionPeriod) -> String {
    if !period.destroyed_on.is_empty() {
        return format!("destroyed on {}", period.destroyed_on);
    }
    let until = format!("to be destroyed on {}", period.over_on);
    match period.holds.as_slice() {
        [] => until,
        holds => {
            let holds: Vec<_> = holds.iter().map(u64::to_string).collect();
            format!("{until}, kept by hold {}", holds.join(", "))
        }
    }
}

fn print_holds(holds: &[RetentionHoldShown]) -> Result<(), ClientError> {
    if holds.is_empty() {
        println!("no holds");
        return Ok(());
    }
    let mut table = Table::new(&[
        "hold", "class", "month", "placed", "by", "reason", "released",
    ]);
    for hold in holds {
        let released = match hold.released_ms {
            0 => "-".into(),
            at => format!(
                "{} by {}: {}",
                moment(at),
                hold.released_by,
                hold.release_reason
            ),
        };
        table.row([
            hold.hold_id.to_string(),
            hold.class.clone(),
            hold.month.clone(),
            moment(hold.placed_ms),
            hold.placed_by.clone(),
            hold.reason.clone(),
            released,
        ]);
    }
    table.print()
}

fn period_json(period: &RetentionPeriod) -> serde_json::Value {
    let destroyed = Some(&period.destroyed_on).filter(|date| !date.is_empty());
    json!({
        "class": period.class,
        "month": period.month,
        "requests": period.requests,
        "calls": period.calls,
        "over_on": period.over_on,
        "destroyed_on": destroyed,
        "holds": period.holds,
    })
}

fn hold_json(hold: &RetentionHoldShown) -> serde_json::Value {
    let released = (hold.released_ms > 0).then(|| {
        json!({
            "by": hold.released_by,
            "time_ms": hold.released_ms,
            "reason": hold.release_reason,
        })
    });
    json!({
        "hold_id": hold.hold_id,
        "class": hold.class,
        "month": hold.month,
        "reason": hold.reason,
        "placed_by": hold.placed_by,
        "placed_ms": hold.placed_ms,
        "released": released,
    })
}
