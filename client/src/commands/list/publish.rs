//! `tacit list publish`

use std::path::PathBuf;

use futures::StreamExt as _;
use serde_json::json;
use tacit_proto::MAX_ROWS_PER_MESSAGE;
use tacit_proto::operator::{
    ListDifference, ListPublishConfirm, ListPublishHeader, ListPublishMode, ListPublishRequest,
    ListPublishResponse, ListPublishRowsEnd, ListRow, ListRows, Progress,
    list_publish_request::Step as Asked, list_publish_response::Step,
};
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use crate::Context;
use crate::commands::{STREAM_BUFFER, bar, confirmed, declined, stage_words};
use crate::error::ClientError;
use crate::exit::Exit;
use crate::output::{Format, print_json};
use crate::rows::{ColumnChoice, Columns, Rejects, RowSource, is_same_file, rejects_beside};

/// Publishes a list from a CSV file, or changes one.
///
/// Nothing leaves the house but tags under a key that only this member holds. What would change is shown before
/// it is published.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    tacit list publish cheats --category transaction-fraud --from cheats.csv --column phone --type phone\n  \
    tacit list publish cheats --from more.csv --column phone --type phone --change")]
pub struct Publish {
    /// The list's name, unique among this member's lists.
    name: String,
    /// The CSV file.
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    #[command(flatten)]
    columns: ColumnChoice,
    /// Category of the network; needed when the list is new.
    #[arg(
        long,
        value_name = "NAME",
        default_value = "",
        hide_default_value = true
    )]
    category: String,
    /// Add the rows to the list, instead of putting them in place of all that is on it.
    #[arg(long, conflicts_with = "remove")]
    change: bool,
    /// Take the rows off the list.
    #[arg(long)]
    remove: bool,
    /// With --remove: the rows should never have been on it. Members that relied on one are told.
    #[arg(long, requires = "remove")]
    corrected: bool,
    /// Begin a new tag epoch: a fresh key, under which every tag changes.
    #[arg(long)]
    new_tag_epoch: bool,
    /// Show what would change, and publish nothing.
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    /// Where refused rows go, with line and reason; beside the file if none is given.
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
}

impl Publish {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let mut source = RowSource::open(&self.from, &self.columns)?;
        let columns = source.columns().clone();
        let rejects = self.rejects.clone();
        let rejects = rejects.unwrap_or_else(|| rejects_beside(&self.from));
        if is_same_file(&rejects, &self.from) {
            return Err(ClientError::Usage(
                "--rejects is the file that is read: name another one".into(),
            ));
        }
        let mut rejects = Rejects::new(&rejects);
        let mut node = context.node().await?;

        let (asked, stream) = mpsc::channel(STREAM_BUFFER);
        let header = self.header(&columns);
        let removes = self.remove;
        let (confirm, confirmation) = oneshot::channel::<bool>();
        let reading = tokio::task::spawn_blocking(move || {
            let send = |step| {
                asked
                    .blocking_send(ListPublishRequest { step: Some(step) })
                    .is_ok()
            };
            let mut broken = Vec::new();
            if !send(Asked::Header(header)) {
                return Ok((source, broken));
            }
            while let Some(chunk) = source.next_chunk(MAX_ROWS_PER_MESSAGE)? {
                broken.extend(chunk.broken);
                let rows = chunk.values.into_iter().map(|value| ListRow {
                    row: value.row,
                    r#type: value.kind,
                    value: value.value,
                    remove: removes,
                });
                if !send(Asked::Rows(ListRows {
                    rows: rows.collect(),
                })) {
                    return Ok((source, broken));
                }
            }
            if send(Asked::RowsEnd(ListPublishRowsEnd {}))
                && confirmation.blocking_recv() == Ok(true)
            {
                send(Asked::Confirm(ListPublishConfirm {}));
            }
            Ok::<_, ClientError>((source, broken))
        });

        let mut answers = node
            .list_publish(ReceiverStream::new(stream))
            .await?
            .into_inner();
        let outcome = self
            .follow(context, &columns, &mut answers, confirm, &mut rejects)
            .await;
        let (_, broken) = reading
            .await
            .map_err(|_| ClientError::Unexpected("reading failed"))??;
        for row in broken {
            rejects.add(row.line, "", &row.reason)?;
        }
        let outcome = outcome?;
        if let Some(path) = rejects.finish()? {
            eprintln!("refused rows are in {}", path.display());
        }
        if outcome.published.is_none() && !self.dry_run {
            return Ok(declined("nothing was published"));
        }
        outcome.print(context, rejects.count())
    }

    fn header(&self, columns: &Columns) -> ListPublishHeader {
        let mode = if self.change || self.remove {
            ListPublishMode::Change
        } else {
            ListPublishMode::Replace
        };
        ListPublishHeader {
            name: self.name.clone(),
            category: self.category.clone(),
            types: if self.category.is_empty() {
                Vec::new()
            } else {
                columns.types()
            },
            mode: mode.into(),
            default_type: String::new(),
            default_region: self.columns.region.clone().unwrap_or_default(),
            rows_expected: None,
            new_tag_epoch: self.new_tag_epoch,
            corrected: self.corrected,
        }
    }

    async fn follow(
        &self,
        context: &Context,
        columns: &Columns,
        answers: &mut Streaming<ListPublishResponse>,
        confirm: oneshot::Sender<bool>,
        rejects: &mut Rejects,
    ) -> Result<Outcome, ClientError> {
        let bar = bar(context.format());
        let mut confirm = Some(confirm);
        let mut outcome = Outcome::default();
        while let Some(answer) = answers.next().await {
            match answer?.step {
                Some(Step::Rejected(rejected)) => {
                    for row in rejected.rows {
                        let (line, column) = columns.place(row.row);
                        rejects.add(line, column, &row.reason)?;
                    }
                }
                Some(Step::Progress(progress)) => show(&bar, &progress),
                Some(Step::Difference(difference)) => {
                    bar.finish_and_clear();
                    let publish = self.decide(context, &difference)?;
                    outcome.difference = Some(difference);
                    if let Some(confirm) = confirm.take() {
                        // The reader ended early only where the stream broke, which is told below.
                        let _ = confirm.send(publish);
                    }
                }
                Some(Step::Published(published)) => outcome.published = Some(published),
                Some(Step::Active(active)) => outcome.active = Some(active),
                None => {}
            }
        }
        bar.finish_and_clear();
        Ok(outcome)
    }

    fn decide(&self, context: &Context, difference: &ListDifference) -> Result<bool, ClientError> {
        if context.format() == Format::Text {
            println!(
                "{} rows read, {} refused, {} duplicates",
                difference.rows_read, difference.rows_rejected, difference.rows_duplicate
            );
            println!(
                "{} entries come, {} leave, {} stay: {} in all",
                difference.added, difference.removed, difference.unchanged, difference.entries
            );
        }
        if self.dry_run {
            return Ok(false);
        }
        Ok(self.yes || confirmed(&format!("Publish {}?", self.name))?)
    }
}

#[derive(Debug, Default)]
struct Outcome {
    difference: Option<ListDifference>,
    published: Option<tacit_proto::operator::ListPublished>,
    active: Option<tacit_proto::operator::ListActive>,
}

impl Outcome {
    fn print(&self, context: &Context, rejected: u64) -> Result<Exit, ClientError> {
        let difference = self
            .difference
            .ok_or(ClientError::Unexpected("no difference was shown"))?;
        let list = self
            .published
            .as_ref()
            .and_then(|published| published.list.clone());
        match (context.format(), &self.published) {
            (Format::Json, published) => print_json(&json!({
                "list_id": list.map(|list| list.list_id),
                "entries": difference.entries,
                "added": difference.added,
                "removed": difference.removed,
                "rows_read": difference.rows_read,
                "rows_rejected": rejected,
                "rows_duplicate": difference.rows_duplicate,
                "tag_epoch": published.as_ref().map(|published| published.tag_epoch),
                "version": published.as_ref().map(|published| published.version),
                "root": published.as_ref().map(|published| hex::encode(&published.root)),
                "size_class": published.as_ref().map(|published| published.size_class),
                "published_height": published.as_ref().map(|published| published.height),
                "active_height": self.active.map(|active| active.height),
            }))?,
            (Format::Text, None) => println!("nothing was published"),
            (Format::Text, Some(published)) => {
                println!(
                    "published L{} E{} v{} at height {}: {} entries, {} with padding",
                    list.map_or(0, |list| list.list_id),
                    published.tag_epoch,
                    published.version,
                    published.height,
                    difference.entries,
                    published.size_class
                );
                println!("root {}", hex::encode(&published.root));
                match self.active {
                    Some(active) => println!("active at height {}", active.height),
                    None => println!("waits for attestations of other members"),
                }
            }
        }
        Ok(Exit::Clear)
    }
}

fn show(bar: &indicatif::ProgressBar, progress: &Progress) {
    bar.set_message(stage_words(progress.stage()));
    if progress.total > 0 {
        bar.set_length(progress.total);
    }
    bar.set_position(progress.done);
}
