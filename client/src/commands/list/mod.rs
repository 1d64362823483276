//! `tacit list …`

mod publish;

use std::time::Duration;

use futures::StreamExt as _;
use serde_json::json;
use tacit_proto::operator::{
    ListAllRequest, ListName, ListRevokeKeyRequest, ListSelector, ListShowRequest, ListSummary,
    ListVerifyRequest, ListWithdrawRequest, Publication, PublicationState, list_selector::By,
    list_verify_response::Step,
};

use crate::Context;
use crate::error::ClientError;
use crate::exit::Exit;
use crate::output::{Format, Table, print_json, quota};

use publish::Publish;

/// Publishes and looks at lists.
#[derive(Debug, clap::Subcommand)]
pub enum ListCommand {
    /// Publishes a list, or changes one.
    Publish(Publish),
    /// Shows one list with its publications, or all lists.
    #[command(
        after_help = "Examples:\n  tacit list show\n  tacit list show blacklist --member 2\n  tacit list show 3"
    )]
    Show {
        /// Its name or its number; all lists if none is given.
        list: Option<String>,
        /// Its owner, where it is named and not this member's own.
        #[arg(long, value_name = "ID")]
        member: Option<u32>,
    },
    /// Rebuilds a list's tree from this node's own copy and compares it with the root on the ledger.
    Verify {
        /// Its name or its number.
        list: String,
        /// Its owner, where it is named and not this member's own.
        #[arg(long, value_name = "ID")]
        member: Option<u32>,
    },
    /// Takes one of this member's lists out of service, for good.
    Withdraw {
        /// Its name or its number.
        list: String,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Ends a tag epoch of an own list at once, because its key may be known to others.
    ///
    /// Calls under it are refused from then on, and the list answers again once it is published anew.
    RevokeKey {
        /// Its name or its number.
        list: String,
        /// The tag epoch; the one under which calls are made now if none is given.
        #[arg(long, value_name = "EPOCH")]
        epoch: Option<u32>,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
}

impl ListCommand {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        match self {
            Self::Publish(publish) => publish.run(context).await,
            Self::Show {
                list: Some(list),
                member,
            } => show(context, list, *member).await,
            Self::Show { list: None, member } => show_all(context, *member).await,
            Self::Verify { list, member } => verify(context, list, *member).await,
            Self::Withdraw { list, yes } => withdraw(context, list, *yes).await,
            Self::RevokeKey { list, epoch, yes } => revoke_key(context, list, *epoch, *yes).await,
        }
    }
}

fn selector(list: &str, member: Option<u32>) -> ListSelector {
    let by = match list.trim_start_matches('L').parse() {
        Ok(number) if member.is_none() => By::ListId(number),
        _ => By::Name(ListName {
            member_id: member,
            name: list.to_owned(),
        }),
    };
    ListSelector { by: Some(by) }
}

fn summary_as_json(summary: &ListSummary) -> serde_json::Value {
    let list = summary.list.clone().unwrap_or_default();
    json!({
        "list_id": list.list_id,
        "member_id": list.member_id,
        "name": list.name,
        "category": list.category,
        "types": summary.types,
        "withdrawn": summary.withdrawn,
        "tag_epoch": summary.tag_epoch,
        "active_version": summary.active_version,
        "size_class": summary.size_class,
        "price_minor": summary.price_minor,
        "entries": summary.entries,
    })
}

async fn show_all(context: &Context, member: Option<u32>) -> Result<Exit, ClientError> {
    let mut node = context.node().await?;
    let request = ListAllRequest {
        member_id: member,
        category: String::new(),
    };
    let lists = node.list_all(request).await?.into_inner().lists;
    if context.format() == Format::Json {
        lists
            .iter()
            .try_for_each(|list| print_json(&summary_as_json(list)))?;
        return Ok(Exit::Clear);
    }
    let mut table = Table::new(&[
        "list", "of", "name", "category", "types", "size", "version", "price",
    ]);
    for summary in &lists {
        let list = summary.list.clone().unwrap_or_default();
        table.row([
            format!("L{}", list.list_id),
            format!("M{}", list.member_id),
            list.name,
            list.category,
            summary.types.join(","),
            summary.size_class.to_string(),
            version(summary),
            quota(summary.price_minor),
        ]);
    }
    table.print()?;
    Ok(Exit::Clear)
}

fn version(summary: &ListSummary) -> String {
    match summary.active_version {
        _ if summary.withdrawn => "withdrawn".into(),
        Some(version) => format!("E{} v{version}", summary.tag_epoch),
        None => "not active yet".into(),
    }
}

/// What stands of the entries that the beacon draws of a version.
fn drawn(publication: &Publication) -> String {
    match (publication.sampled_entries, publication.proven_height) {
        (0, _) => "-".into(),
        (drawn, Some(height)) => format!("{drawn}, proven at {height}"),
        (drawn, None) => format!("{drawn}, not proven"),
    }
}

const fn state(state: PublicationState) -> &'static str {
    match state {
        PublicationState::Pending | PublicationState::Unspecified => "pending",
        PublicationState::Active => "active",
        PublicationState::Superseded => "superseded",
        PublicationState::Off => "off",
        PublicationState::Unproven => "unproven",
        PublicationState::Suspended => "suspended",
    }
}

async fn show(context: &Context, list: &str, member: Option<u32>) -> Result<Exit, ClientError> {
    let mut node = context.node().await?;
    let request = ListShowRequest {
        list: Some(selector(list, member)),
    };
    let answer = node.list_show(request).await?.into_inner();
    let summary = answer
        .summary
        .ok_or(ClientError::Unexpected("a list without a summary"))?;
    if context.format() == Format::Json {
        let publication = |publication: &Publication| {
            json!({
                "tag_epoch": publication.tag_epoch,
                "version": publication.version,
                "root": hex::encode(&publication.root),
                "size_class": publication.size_class,
                "state": state(publication.state()),
                "attesters": publication.attesters,
                "attestations_needed": publication.attestations_needed,
                "sampled_entries": publication.sampled_entries,
                "proven_height": publication.proven_height,
                "published_height": publication.published_height,
                "active_height": publication.active_height,
            })
        };
        let mut object = summary_as_json(&summary);
        object["publications"] = answer.publications.iter().map(publication).collect();
        print_json(&object)?;
        return Ok(Exit::Clear);
    }
    let list = summary.list.clone().unwrap_or_default();
    println!(
        "L{} {} of M{}, {}",
        list.list_id, list.name, list.member_id, list.category
    );
    println!("types    {}", summary.types.join(", "));
    println!(
        "version  {}, {} entries with padding",
        version(&summary),
        summary.size_class
    );
    if let Some(entries) = summary.entries {
        println!("entries  {entries} (only this member knows)");
    }
    println!("price    {} a call", quota(summary.price_minor));
    let columns = [
        "version",
        "state",
        "published",
        "attested by",
        "drawn",
        "root",
    ];
    let mut table = Table::new(&columns);
    for publication in &answer.publications {
        let attesters: Vec<String> = publication
            .attesters
            .iter()
            .map(|id| format!("M{id}"))
            .collect();
        table.row([
            format!("E{} v{}", publication.tag_epoch, publication.version),
            state(publication.state()).into(),
            publication.published_height.to_string(),
            format!(
                "{} of {}: {}",
                attesters.len(),
                publication.attestations_needed,
                attesters.join(" ")
            ),
            drawn(publication),
            hex::encode(&publication.root),
        ]);
    }
    table.print()?;
    Ok(Exit::Clear)
}

async fn verify(context: &Context, list: &str, member: Option<u32>) -> Result<Exit, ClientError> {
    let mut node = context.node().await?;
    let request = ListVerifyRequest {
        list: Some(selector(list, member)),
    };
    let mut steps = node.list_verify(request).await?.into_inner();
    let spinner = (context.format() == Format::Text).then(indicatif::ProgressBar::new_spinner);
    if let Some(spinner) = &spinner {
        spinner.set_message("rebuilding the tree");
        spinner.enable_steady_tick(Duration::from_millis(100));
    }
    while let Some(step) = steps.next().await {
        let Some(Step::Verified(verified)) = step?.step else {
            continue;
        };
        if let Some(spinner) = spinner {
            spinner.finish_and_clear();
        }
        let (rebuilt, published) = (
            hex::encode(&verified.root_rebuilt),
            hex::encode(&verified.root_on_ledger),
        );
        match context.format() {
            Format::Json => print_json(&json!({
                "version": verified.version,
                "agrees": verified.agrees,
                "tags": verified.tags,
                "root_rebuilt": rebuilt,
                "root_on_ledger": published,
            }))?,
            Format::Text => {
                println!("rebuilt    {rebuilt} from {} tags", verified.tags);
                println!("on ledger  {published}, version {}", verified.version);
                let verdict = if verified.agrees {
                    "they agree"
                } else {
                    "THEY DIFFER"
                };
                println!("{verdict}");
            }
        }
        return Ok(if verified.agrees {
            Exit::Clear
        } else {
            Exit::Hit
        });
    }
    Err(ClientError::Unexpected(
        "the node ended the verification without a verdict",
    ))
}

async fn withdraw(context: &Context, list: &str, yes: bool) -> Result<Exit, ClientError> {
    if !yes && !super::confirmed(&format!("Withdraw {list} for good?"))? {
        return Ok(super::declined("nothing was withdrawn"));
    }
    let mut node = context.node().await?;
    let request = ListWithdrawRequest {
        list: Some(selector(list, None)),
    };
    let answer = node.list_withdraw(request).await?.into_inner();
    match context.format() {
        Format::Json => print_json(&json!({
            "list_id": answer.list.map(|list| list.list_id),
            "tx_id": hex::encode(&answer.tx_id),
            "height": answer.height,
        }))?,
        Format::Text => println!("withdrawn at height {}", answer.height),
    }
    Ok(Exit::Clear)
}

async fn revoke_key(
    context: &Context,
    list: &str,
    tag_epoch: Option<u32>,
    yes: bool,
) -> Result<Exit, ClientError> {
    let question =
        format!("End the key of {list} at once? It answers nobody until it is published anew.");
    if !yes && !super::confirmed(&question)? {
        return Ok(super::declined("nothing was revoked"));
    }
    let mut node = context.node().await?;
    let request = ListRevokeKeyRequest {
        list: Some(selector(list, None)),
        tag_epoch,
    };
    let answer = node.list_revoke_key(request).await?.into_inner();
    match context.format() {
        Format::Json => print_json(&json!({
            "list_id": answer.list.map(|list| list.list_id),
            "tx_id": hex::encode(&answer.tx_id),
            "height": answer.height,
        }))?,
        Format::Text => println!("revoked at height {}", answer.height),
    }
    Ok(Exit::Clear)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_selected_by_number_or_by_owner_and_name() {
        assert_eq!(selector("3", None).by, Some(By::ListId(3)));
        assert_eq!(selector("L3", None).by, Some(By::ListId(3)));
        let named = |member_id, name: &str| {
            By::Name(ListName {
                member_id,
                name: name.into(),
            })
        };
        assert_eq!(
            selector("blacklist", Some(2)).by,
            Some(named(Some(2), "blacklist"))
        );
        assert_eq!(selector("2024", Some(2)).by, Some(named(Some(2), "2024")));
    }
}
