//! `tacit audit bundle`

use std::path::PathBuf;

use futures::StreamExt as _;
use serde_json::json;
use tacit_proto::operator::{AuditBundleRequest, CallRef, Direction};

use super::fetch;
use crate::Context;
use crate::audit::{AuditBundle, MAX_BUNDLE_CALLS};
use crate::commands::history::Filter;
use crate::commands::receipt::call_ref;
use crate::error::ClientError;
use crate::history;
use crate::output::{Format, print_json};

/// Writes opened calls with their evidence into a file.
///
/// The file shows whom each call was about: it is for an examiner and for nobody else, and only its owner can read it.
/// Calls are named one by one, or by the filters of `tacit history`; only what this institution asked can be opened.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tacit audit bundle --call 12/0/3 --out question-7.audit\n  \
    tacit audit bundle --case LOAN-2041 --out loan-2041.audit"
)]
pub struct Bundle {
    /// A call, as SESSION/SEQUENCE/INDEX; as often as there are calls.
    #[arg(long = "call", value_name = "CALL", value_parser = call_ref)]
    calls: Vec<CallRef>,
    #[command(flatten)]
    filter: Filter,
    /// Where the bundle is written; an existing file is not touched.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The approval under which they are opened, where the node's rules demand one.
    #[arg(long, value_name = "ID")]
    approval: Option<u64>,
}

impl Bundle {
    pub(super) async fn run(&self, context: &Context) -> Result<(), ClientError> {
        let mut node = context.node().await?;
        let mut calls = self.calls.clone();
        if calls.is_empty() {
            if self.filter.is_empty() {
                return Err(ClientError::Usage(
                    "name calls with --call, or say which with a filter such as --case".into(),
                ));
            }
            let request = self.filter.request(Direction::Asked);
            let mut answers = node.history(request).await?.into_inner();
            while let Some(answer) = answers.next().await {
                for batch in &answer?.batches {
                    calls.extend(history::calls(batch)?.map(|call| call.name()));
                }
                if calls.len() > MAX_BUNDLE_CALLS {
                    return Err(ClientError::Usage(format!(
                        "more than {MAX_BUNDLE_CALLS} calls: narrow the question down"
                    )));
                }
            }
            if calls.is_empty() {
                return Err(ClientError::Usage("no call fits the filter".into()));
            }
        }
        let count = calls.len();
        let request = AuditBundleRequest {
            calls,
            approval: self.approval,
            unopened: false,
        };
        let bundle = fetch::bytes(&mut node, request, context.format()).await?;
        fetch::write_own(&self.out, &bundle)?;
        let erased = AuditBundle::from_bytes(&bundle)
            .map_err(|_| ClientError::Unexpected("a bundle that does not decode"))?
            .0
            .unopened
            .iter()
            .map(|batch| batch.places.len())
            .sum::<usize>();
        match context.format() {
            Format::Json => print_json(&json!({
                "file": self.out,
                "calls": count,
                "erased": erased,
                "bytes": bundle.len(),
            })),
            Format::Text => {
                println!(
                    "{} calls opened into {}; it shows whom they were about",
                    count.saturating_sub(erased),
                    self.out.display()
                );
                if erased > 0 {
                    println!(
                        "{erased} more were erased when their time was over; that they were made is proven"
                    );
                }
                Ok(())
            }
        }
    }
}
