//! `tacit supervision read`: what a member shows under a view.

use std::path::{Path, PathBuf};

use futures::StreamExt as _;
use serde_json::json;
use tacit_ledger::kernel::codec;
use tacit_proto::operator::view_read_response::Step;
use tacit_proto::operator::{
    Period, PublicationState, View, ViewReadRequest, ViewReadResponse, ViewedFile, ViewedList,
    ViewsRequest, view_scope::Of,
};
use tonic::Streaming;

use super::{period, write};
use crate::Context;
use crate::cases;
use crate::error::ClientError;
use crate::history::{Export, ExportFormat, calls};
use crate::output::{Format, Table, print_json};

/// Largest bundle or statement that a view shows at once.
const MAX_FILE_BYTES: u64 = 32 << 20;

/// Which view, what for, and where to.
#[derive(Debug, clap::Args)]
pub struct ReadArgs {
    /// The view.
    view: u64,
    /// What for: a short code, which stands on the ledger.
    #[arg(long, value_name = "CODE")]
    purpose: String,
    /// Of a history or a statement of quota: only these dates, as FROM..UNTIL; all that the view shows without them.
    #[arg(long, value_name = "DATES", value_parser = period)]
    dates: Option<Period>,
    /// Of cases: the set, as the member handed it over.
    #[arg(long, value_name = "FILE")]
    cases: Option<PathBuf>,
    /// Of cases: which part of them, from 0.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    page: u32,
    /// The file, which is there when it is whole; a list is printed.
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    /// Of a history: the file's format; without it, what its ending says: .csv, .jsonl or .parquet.
    #[arg(long, value_name = "FORMAT", requires = "to")]
    format: Option<ExportFormat>,
    /// Replace the history's file if it exists.
    #[arg(long, requires = "to")]
    force: bool,
}

impl ReadArgs {
    pub(super) async fn run(&self, context: &Context) -> Result<(), ClientError> {
        let mut node = context.node().await?;
        let views = node.views(ViewsRequest {}).await?.into_inner().views;
        let found = views.iter().find(|view| view.view_id == self.view);
        let of = found.and_then(|view| view.scope.as_ref()?.of.as_ref());
        let of = of.ok_or_else(|| {
            ClientError::Usage(format!(
                "there is no view {}: see tacit supervision grants",
                self.view
            ))
        })?;
        let request = self.request(of)?;
        // Before anything is recorded: what cannot be written is not asked for.
        match of {
            Of::History(_) => {
                let export = self.export()?;
                let steps = node.view_read(request).await?.into_inner();
                self.history(context.format(), steps, export).await
            }
            Of::ListId(_) => {
                let steps = node.view_read(request).await?.into_inner();
                list(context.format(), steps).await
            }
            Of::Cases(_) | Of::Quota(_) => {
                let to = self.to()?;
                if to.symlink_metadata().is_ok() {
                    let shown = to.display();
                    return Err(ClientError::Usage(format!(
                        "{shown} exists: name another file with --to"
                    )));
                }
                let steps = node.view_read(request).await?.into_inner();
                let cases = matches!(of, Of::Cases(_));
                file(context.format(), steps, to, cases).await
            }
        }
    }

    fn request(&self, of: &Of) -> Result<ViewReadRequest, ClientError> {
        let cases = match (of, &self.cases) {
            (Of::Cases(digest), Some(path)) => {
                let set = cases::read(path)?;
                if set.digest().0[..] != digest[..] {
                    return Err(ClientError::Invalid {
                        path: path.clone(),
                        reason: "is another set of cases than the one that was granted".into(),
                    });
                }
                codec::encode(&set)
            }
            (Of::Cases(_), None) => {
                return Err(ClientError::Usage(
                    "name the set of cases with --cases, as the member handed it over".into(),
                ));
            }
            _ => Vec::new(),
        };
        Ok(ViewReadRequest {
            view_id: self.view,
            purpose: self.purpose.clone(),
            dates: self.dates.clone(),
            cases,
            page: self.page,
        })
    }

    fn to(&self) -> Result<&Path, ClientError> {
        self.to
            .as_deref()
            .ok_or_else(|| ClientError::Usage("name a file with --to".into()))
    }

    fn export(&self) -> Result<Export, ClientError> {
        let to = self.to()?;
        let format = self.format.or_else(|| ExportFormat::of(to));
        let format = format.ok_or_else(|| {
            ClientError::Usage(format!(
                "the ending of {} names no format: add --format csv, jsonl or parquet",
                to.display()
            ))
        })?;
        Export::begin(to, format, self.force)
    }

    async fn history(
        &self,
        format: Format,
        mut steps: Streaming<ViewReadResponse>,
        mut export: Export,
    ) -> Result<(), ClientError> {
        while let Some(step) = steps.next().await {
            if let Some(Step::History(answer)) = step?.step {
                for batch in &answer.batches {
                    for call in calls(batch)? {
                        export.add(&call)?;
                    }
                }
            }
        }
        let exported = export.finish()?;
        let (to, sha256) = (self.to()?, hex::encode(exported.sha256));
        match format {
            Format::Json => print_json(&json!({
                "file": to,
                "rows": exported.rows,
                "bytes": exported.bytes,
                "sha256": sha256,
            })),
            Format::Text => {
                eprintln!("{} calls, {} bytes", exported.rows, exported.bytes);
                // As sha256sum writes and checks it.
                println!("{sha256}  {}", to.display());
                Ok(())
            }
        }
    }
}

async fn list(format: Format, mut steps: Streaming<ViewReadResponse>) -> Result<(), ClientError> {
    let mut found = None;
    while let Some(step) = steps.next().await {
        if let Some(Step::List(list)) = step?.step {
            found = Some(list);
        }
    }
    let list = found.ok_or(ClientError::Unexpected("nothing of the list"))?;
    match format {
        Format::Json => print_json(&list_json(&list)),
        Format::Text => print_list(&list),
    }
}

fn state(state: PublicationState) -> &'static str {
    match state {
        PublicationState::Pending => "pending",
        PublicationState::Active => "in force",
        PublicationState::Superseded => "superseded",
        PublicationState::Off => "off",
        PublicationState::Unproven => "unproven",
        PublicationState::Suspended => "suspended",
        PublicationState::Unspecified => "",
    }
}

fn list_json(list: &ViewedList) -> serde_json::Value {
    let name = list.list.as_ref();
    let latest = list.latest.iter().map(|version| {
        json!({
            "tag_epoch": version.tag_epoch,
            "version": version.version,
            "entries": version.entries,
            "added": version.added,
            "removed": version.removed,
            "size_class": version.size_class,
            "state": state(version.state()),
            "published_height": version.published_height,
            "active_height": version.active_height,
            "attestations": version.attestations,
        })
    });
    json!({
        "list_id": name.map(|list| list.list_id),
        "member_id": name.map(|list| list.member_id),
        "name": name.map(|list| &list.name),
        "category": name.map(|list| &list.category),
        "types": list.types,
        "withdrawn": list.withdrawn,
        "paused": list.paused,
        "versions": list.versions,
        "latest": latest.collect::<Vec<_>>(),
    })
}

fn print_list(list: &ViewedList) -> Result<(), ClientError> {
    let name = list.list.clone().unwrap_or_default();
    println!(
        "list      L{} {} of M{}",
        name.list_id, name.name, name.member_id
    );
    println!("category  {}", name.category);
    println!("types     {}", list.types.join(", "));
    let standing = match (list.withdrawn, list.paused) {
        (true, _) => "withdrawn",
        (false, true) => "paused",
        (false, false) => "standing",
    };
    println!("stands    {standing}");
    println!(
        "versions  {}, the latest {} of them:",
        list.versions,
        list.latest.len()
    );
    let columns = [
        "epoch", "version", "entries", "added", "removed", "class", "state", "height", "attested",
    ];
    let mut table = Table::new(&columns);
    for version in &list.latest {
        table.row([
            version.tag_epoch.to_string(),
            version.version.to_string(),
            version.entries.to_string(),
            version.added.to_string(),
            version.removed.to_string(),
            version.size_class.to_string(),
            state(version.state()).into(),
            version.published_height.to_string(),
            version.attestations.to_string(),
        ]);
    }
    table.print()
}

async fn file(
    format: Format,
    mut steps: Streaming<ViewReadResponse>,
    to: &Path,
    cases: bool,
) -> Result<(), ClientError> {
    let (mut about, mut bytes) = (ViewedFile::default(), Vec::new());
    while let Some(step) = steps.next().await {
        match step?.step {
            Some(Step::File(file)) => about = file,
            Some(Step::Part(part)) => bytes.extend_from_slice(&part),
            _ => {}
        }
        if bytes.len() as u64 > MAX_FILE_BYTES {
            return Err(ClientError::Unexpected("a file that is too large"));
        }
    }
    if bytes.len() as u64 != about.bytes {
        return Err(ClientError::Unexpected("a file that is not whole"));
    }
    if !bytes.is_empty() {
        write(to, &bytes)?;
    }
    match format {
        Format::Json => print_json(&json!({
            "file": (!bytes.is_empty()).then_some(to),
            "bytes": bytes.len(),
            "calls": about.calls,
            "pages": about.pages,
        })),
        Format::Text if bytes.is_empty() => {
            println!("no calls of these cases");
            Ok(())
        }
        Format::Text if cases => {
            println!(
                "{} calls in {}, one of {} parts; check it with tacit audit verify",
                about.calls,
                to.display(),
                about.pages
            );
            Ok(())
        }
        Format::Text => {
            println!("{}; check it with tacit quota verify", to.display());
            Ok(())
        }
    }
}

/// What a view shows, for the list of views.
pub(super) fn scope_words(view: &View) -> String {
    let dates = |dates: &Period| format!("{}..{}", dates.from, dates.until);
    match view.scope.as_ref().and_then(|scope| scope.of.as_ref()) {
        Some(Of::History(of)) => format!("history {}", dates(of)),
        Some(Of::ListId(list)) => format!("L{list}"),
        Some(Of::Cases(digest)) => format!("cases {}", hex::encode(digest)),
        Some(Of::Quota(of)) => format!("quota {}", dates(of)),
        None => String::new(),
    }
}
