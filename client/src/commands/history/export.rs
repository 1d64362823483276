//! A history into a file.

use std::path::Path;
use std::time::Duration;

use futures::StreamExt as _;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use tacit_proto::operator::HistoryRequest;

use super::HistoryCommand;
use crate::Context;
use crate::commands::bar;
use crate::connection::Node;
use crate::error::ClientError;
use crate::history::{Export, ExportFormat, Exported, calls};
use crate::output::{Format, print_json};

/// How often a bar without an end moves.
const TICK: Duration = Duration::from_millis(200);

impl HistoryCommand {
    pub(super) async fn export(&self, context: &Context, to: &Path) -> Result<(), ClientError> {
        let format = self
            .format
            .or_else(|| ExportFormat::of(to))
            .ok_or_else(|| {
                ClientError::Usage(format!(
                    "the ending of {} names no format: add --format csv, jsonl or parquet",
                    to.display()
                ))
            })?;
        // Before the node is asked: what cannot be written need not be read.
        let export = Export::begin(to, format, self.force)?;
        let mut node = context.node().await?;
        let request = HistoryRequest {
            count: true,
            export: true,
            approval: self.approval,
            ..self.request()
        };
        let bar = endless(bar(context.format()));
        let exported = tokio::select! {
            exported = write_all(&mut node, request, export, &bar) => exported,
            _ = tokio::signal::ctrl_c() => Err(ClientError::Stopped),
        };
        bar.finish_and_clear();
        let exported = exported?;
        let sha256 = hex::encode(exported.sha256);
        match context.format() {
            Format::Json => print_json(&json!({
                "file": to,
                "format": format.name(),
                "rows": exported.rows,
                "bytes": exported.bytes,
                "sha256": sha256,
            })),
            Format::Text => {
                eprintln!(
                    "{} calls, {} bytes as {}",
                    exported.rows,
                    exported.bytes,
                    format.name()
                );
                // As sha256sum writes and checks it.
                println!("{sha256}  {}", to.display());
                Ok(())
            }
        }
    }
}

async fn write_all(
    node: &mut Node,
    request: HistoryRequest,
    mut export: Export,
    bar: &ProgressBar,
) -> Result<Exported, ClientError> {
    let mut answers = node.history(request).await?.into_inner();
    while let Some(answer) = answers.next().await {
        let answer = answer?;
        if let Some(total) = answer.calls_total {
            with_end(bar, total);
        }
        for batch in &answer.batches {
            for call in calls(batch)? {
                export.add(&call)?;
                bar.inc(1);
            }
        }
    }
    export.finish()
}

/// As long as it is not known how many will come.
fn endless(bar: ProgressBar) -> ProgressBar {
    bar.set_message("writing calls");
    if let Ok(style) = ProgressStyle::with_template("{msg:24} {spinner} {human_pos} {per_sec}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(TICK);
    bar
}

/// Once it is known.
fn with_end(shown: &ProgressBar, total: u64) {
    shown.set_style(bar(Format::Text).style());
    shown.set_length(total);
}
