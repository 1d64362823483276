//! `tacit receipt list`

use serde_json::json;
use tacit_proto::operator::{AcceptedReceipts, ReceiptsRequest};

use crate::Context;
use crate::error::ClientError;
use crate::output::{Format, Table, print_json, short};

/// Accepted sets that have not expired, and the key under which receipts are verified.
#[derive(Debug, clap::Args)]
pub struct List {
    /// Those of this member; this institution's, if none is named.
    #[arg(long, value_name = "ID")]
    member: Option<u32>,
    /// Only the newest so many.
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    limit: u32,
}

impl List {
    pub(super) async fn run(&self, context: &Context) -> Result<(), ClientError> {
        let mut node = context.node().await?;
        let request = ReceiptsRequest {
            member_id: self.member,
            limit: self.limit,
        };
        let answer = node.receipts(request).await?.into_inner();
        if context.format() == Format::Json {
            answer
                .accepted
                .iter()
                .try_for_each(|accepted| print_json(&as_json(accepted)))?;
            return Ok(());
        }
        let mut table = Table::new(&[
            "",
            "commitment",
            "type",
            "lists",
            "for",
            "by",
            "policy",
            "accepted",
            "expires",
            "used",
        ]);
        for accepted in &answer.accepted {
            let purpose = accepted.purpose.clone().unwrap_or_default();
            table.row([
                accepted.screening_id.to_string(),
                short(&accepted.commitment),
                accepted.r#type.clone(),
                accepted.publications.join(" "),
                purpose.code,
                format!("M{}", purpose.verifier),
                format!("{}@{}", purpose.policy, purpose.policy_version),
                accepted.accepted_height.to_string(),
                accepted.expiry_height.to_string(),
                accepted
                    .consumed_height
                    .map_or_else(|| "no".into(), |height| height.to_string()),
            ]);
        }
        table.print()?;
        match answer.key {
            Some(key) => println!(
                "receipts are verified under key {} since height {}",
                hex::encode(&key.id),
                key.height
            ),
            None => println!("the members have voted no key: receipts are not taken yet"),
        }
        Ok(())
    }
}

fn as_json(accepted: &AcceptedReceipts) -> serde_json::Value {
    let purpose = accepted.purpose.clone().unwrap_or_default();
    json!({
        "screening_id": accepted.screening_id,
        "submitter": accepted.submitter,
        "commitment": hex::encode(&accepted.commitment),
        "type": accepted.r#type,
        "publications": accepted.publications,
        "purpose": purpose.code,
        "verifier": purpose.verifier,
        "module": purpose.module,
        "object": hex::encode(&purpose.object),
        "policy": purpose.policy,
        "policy_version": purpose.policy_version,
        "accepted_height": accepted.accepted_height,
        "expiry_height": accepted.expiry_height,
        "consumed_height": accepted.consumed_height,
    })
}
