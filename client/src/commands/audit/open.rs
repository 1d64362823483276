//! `tacit audit open`

use serde_json::json;
use tacit_proto::operator::{AuditBundleRequest, CallRef};

use super::{fetch, shown};
use crate::Context;
use crate::audit::{Proven, ProvenCall};
use crate::commands::receipt::call_ref;
use crate::error::ClientError;
use crate::output::{Format, moment, print_json};

/// Shows whom one call was about, and checks that it was that customer who was asked about.
///
/// Hash, blinded point, tag and answer are computed again from what this institution keeps, and compared with the
/// request and the list's root on the ledger. This node's word is taken for what stands there: for somebody else, use
/// `tacit audit bundle`. Who opens a call is written into the node's log.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  tacit audit open --call 12/0/3")]
pub struct Open {
    /// The call, as SESSION/SEQUENCE/INDEX.
    #[arg(long, value_name = "CALL", value_parser = call_ref)]
    call: CallRef,
    /// The approval under which it is opened, where the node's rules demand one.
    #[arg(long, value_name = "NUMBER")]
    approval: Option<u64>,
}

impl Open {
    pub(super) async fn run(&self, context: &Context) -> Result<(), ClientError> {
        let mut node = context.node().await?;
        let format = context.format();
        let request = AuditBundleRequest {
            calls: vec![self.call],
            approval: self.approval,
            unopened: false,
        };
        let bundle = fetch::bundle(&mut node, request, format).await?;
        let proven = bundle.recompute().map_err(ClientError::RecordDiffers)?;
        match format {
            Format::Json => print_json(&json!({
                "opened": proven.opened.first().map(shown::opened_json),
                "unopened": proven.unopened.first().map(shown::unopened_json),
            })),
            Format::Text => {
                print(&proven);
                Ok(())
            }
        }
    }
}

fn print(proven: &Proven) {
    for call in &proven.opened {
        for (name, value) in lines(call) {
            println!("{name:<10} {value}");
        }
        println!("\nhash, blinded point, tag and answer are those of this subject");
    }
    for call in &proven.unopened {
        println!("call       {}", call.name);
        println!("logged     {}, leaf {}", moment(call.time_ms), call.leaf);
        println!(
            "record     {}; its hash is {}",
            shown::erasure(call),
            call.audit
        );
    }
}

fn lines(call: &ProvenCall) -> [(&'static str, String); 11] {
    let context = &call.context;
    let list = &call.list;
    [
        ("call", call.name.to_string()),
        ("about", shown::subject(&call.subject)),
        ("answer", shown::outcome(call).into()),
        (
            "list",
            format!("{} {} of {}", list.id, list.name, list.owner),
        ),
        ("version", shown::version(call)),
        (
            "logged",
            format!("{} at height {}", moment(call.time_ms), call.height),
        ),
        (
            "operator",
            format!("{} {}", context.operator, context.role)
                .trim()
                .into(),
        ),
        ("purpose", context.purpose.clone()),
        ("basis", context.lawful_basis.clone()),
        ("case", context.case_reference.clone()),
        ("approver", context.approver.clone()),
    ]
}
