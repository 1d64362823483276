//! `tacit policy …`

use std::time::Duration;

use serde_json::json;
use tacit_proto::operator::{PoliciesRequest, Policy, PolicyPutRequest};

use super::receipt::span;
use crate::Context;
use crate::error::ClientError;
use crate::exit::Exit;
use crate::output::{Format, Table, print_json};
use crate::rows::IdentifierTypes;

/// What whoever relies on receipts asks for.
#[derive(Debug, clap::Subcommand)]
pub enum PolicyCommand {
    /// Makes a policy of this institution, or its next version.
    #[command(
        after_help = "Example, \"clear on the fraud lists of at least three members, none older than a day\":\n  \
        tacit policy put consumer-credit --category transaction-fraud --members 3 --type phone --max-age 1d"
    )]
    Put {
        /// Its name, unique among this institution's policies.
        name: String,
        /// A category whose lists count; may be given again.
        #[arg(long = "category", value_name = "NAME", required = true)]
        categories: Vec<String>,
        /// From how many members the lists must come at the least.
        #[arg(long, value_name = "NUMBER")]
        members: u32,
        /// A type of identifier that may be asked about; may be given again.
        #[arg(long = "type", value_name = "TYPE", value_parser = IdentifierTypes, required = true)]
        types: Vec<String>,
        /// For how long a version that was superseded still counts, where its category allows it.
        #[arg(long, value_name = "SPAN", default_value = "0s", value_parser = span)]
        max_age: Duration,
    },
    /// All policies in their latest versions, or all versions of one.
    List {
        /// Only this one, in all its versions.
        #[arg(value_name = "NUMBER")]
        policy: Option<u64>,
    },
}

impl PolicyCommand {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        match self {
            Self::Put {
                name,
                categories,
                members,
                types,
                max_age,
            } => {
                let request = PolicyPutRequest {
                    name: name.clone(),
                    categories: categories.clone(),
                    min_members: *members,
                    types: types.clone(),
                    max_age_ms: u64::try_from(max_age.as_millis()).unwrap_or(u64::MAX),
                };
                put(context, request).await?;
            }
            Self::List { policy } => list(context, *policy).await?,
        }
        Ok(Exit::Clear)
    }
}

async fn put(context: &Context, request: PolicyPutRequest) -> Result<(), ClientError> {
    let mut node = context.node().await?;
    let answer = node.policy_put(request).await?.into_inner();
    match context.format() {
        Format::Json => print_json(&json!({
            "policy": answer.policy,
            "version": answer.version,
            "tx_id": hex::encode(&answer.tx_id),
            "height": answer.height,
        })),
        Format::Text => {
            println!(
                "policy {}, version {}, stands since height {}",
                answer.policy, answer.version, answer.height
            );
            Ok(())
        }
    }
}

async fn list(context: &Context, policy: Option<u64>) -> Result<(), ClientError> {
    let mut node = context.node().await?;
    let policies = node
        .policies(PoliciesRequest { policy })
        .await?
        .into_inner()
        .policies;
    if context.format() == Format::Json {
        return policies
            .iter()
            .try_for_each(|policy| print_json(&as_json(policy)));
    }
    let mut table = Table::new(&[
        "",
        "of",
        "name",
        "categories",
        "members",
        "types",
        "age in blocks",
    ]);
    for policy in &policies {
        table.row([
            format!("{}@{}", policy.policy, policy.version),
            format!("M{}", policy.owner),
            policy.name.clone(),
            policy.categories.join(" "),
            policy.min_members.to_string(),
            policy.types.join(" "),
            policy.max_age_blocks.to_string(),
        ]);
    }
    table.print()
}

fn as_json(policy: &Policy) -> serde_json::Value {
    json!({
        "policy": policy.policy,
        "version": policy.version,
        "owner": policy.owner,
        "name": policy.name,
        "categories": policy.categories,
        "min_members": policy.min_members,
        "types": policy.types,
        "max_age_blocks": policy.max_age_blocks,
        "height": policy.height,
    })
}
