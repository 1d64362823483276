//! A CSV file: rows stream to the node, answers stream back, and the file leaves with columns added.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use csv::ByteRecord;
use futures::StreamExt as _;
use indicatif::ProgressBar;
use serde_json::json;
use tacit_proto::MAX_ROWS_PER_MESSAGE;
use tacit_proto::operator::{
    ScreenPlanResponse, ScreenRequest, ScreenResponse, ScreenRow, ScreenRows, ScreenSummary,
    screen_request::Step as Asked, screen_response::Step,
};
use tokio::sync::{Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use super::sheet::{Counts, Sheet};
use super::{AskedLists, ScreenCommand};
use crate::Context;
use crate::commands::{STREAM_BUFFER, bar};
use crate::error::{ClientError, described};
use crate::exit::Exit;
use crate::output::{Format, Table, print_json, quota};
use crate::rows::{Broken, Rejects, RowSource, Value};

/// Records that are read and not yet written. Bounds memory; enough for several batches of every list.
const MAX_WAITING_RECORDS: usize = 32_768;

/// Records that travel together. Small enough that the first answers come soon.
const RECORDS_PER_MESSAGE: usize = 2_000;

/// A record read from the file, with what is to become of it.
enum Read {
    Asked(u64, ByteRecord),
    KeptOut(ByteRecord, Broken),
}

pub(super) async fn run(
    command: &ScreenCommand,
    context: &Context,
    from: &Path,
    out: &Path,
) -> Result<Exit, ClientError> {
    let counted = count(command, from)?;
    let mut node = context.node().await?;
    if !command
        .agree_on_price(context, &mut node, &counted.by_type)
        .await?
    {
        return Ok(Exit::Clear);
    }
    let source = RowSource::open(from, &command.columns)?;
    let columns = source.columns().clone();
    let header = source.header().clone();

    // The plan comes first, and says which columns the output will have.
    let (asked, stream) = mpsc::channel(STREAM_BUFFER);
    let first = Asked::Header(command.header(counted.by_type.values().sum()));
    let first = ScreenRequest { step: Some(first) };
    asked
        .send(first)
        .await
        .map_err(|_| ClientError::Unexpected("the stream closed"))?;
    let mut answers = node.screen(ReceiverStream::new(stream)).await?.into_inner();
    let plan = first_plan(&mut answers).await?;
    let lists = AskedLists::of(&mut node, &plan).await?;
    let sheet = Sheet::open(
        out,
        &header,
        &columns,
        &lists,
        command.require,
        command.resume,
    )?;

    let bar = bar(context.format());
    bar.set_length(counted.records);
    bar.set_position(sheet.done_before());
    bar.set_message("screening");
    let stop = stop_on_interrupt();
    let window = Arc::new(Semaphore::new(MAX_WAITING_RECORDS));
    let (read, records) = mpsc::channel(STREAM_BUFFER);
    let skip = sheet.done_before();
    let reading = tokio::task::spawn_blocking({
        let (stop, window) = (stop.clone(), window.clone());
        move || feed(source, skip, &stop, &window, &read, &asked)
    });
    let rejects = Rejects::new(command.rejects.clone(), from);
    let mut collector = Collector {
        sheet,
        rejects,
        window,
        bar,
        records,
        finals: Vec::new(),
        summary: None,
    };
    let collected = collector.collect(&mut answers).await;
    reading
        .await
        .map_err(|_| ClientError::Unexpected("reading failed"))??;
    collected?;
    collector.conclude(context, stop.load(Ordering::Relaxed))
}

/// What a first pass over the file finds.
struct Counted {
    records: u64,
    by_type: BTreeMap<String, u64>,
}

fn count(command: &ScreenCommand, from: &Path) -> Result<Counted, ClientError> {
    let mut source = RowSource::open(from, &command.columns)?;
    let mut counted = Counted {
        records: 0,
        by_type: BTreeMap::new(),
    };
    while let Some(chunk) = source.next_chunk(MAX_ROWS_PER_MESSAGE)? {
        counted.records += chunk.records;
        for value in chunk.values {
            *counted.by_type.entry(value.kind).or_default() += 1;
        }
    }
    Ok(counted)
}

async fn first_plan(
    answers: &mut Streaming<ScreenResponse>,
) -> Result<ScreenPlanResponse, ClientError> {
    match answers.next().await {
        Some(Ok(ScreenResponse {
            step: Some(Step::Plan(plan)),
        })) => Ok(plan),
        Some(Err(status)) => Err(status.into()),
        _ => Err(ClientError::Unexpected(
            "the answers do not begin with a plan",
        )),
    }
}

/// True once the person has pressed Ctrl-C: what was asked is still answered and written.
fn stop_on_interrupt() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let told = stop.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            told.store(true, Ordering::Relaxed);
            eprintln!("stopping: what was asked is still written; go on later with --resume");
        }
    });
    stop
}

/// Reads records and sends their values, as far as the window allows.
fn feed(
    mut source: RowSource,
    skip: u64,
    stop: &AtomicBool,
    window: &Arc<Semaphore>,
    read: &mpsc::Sender<Vec<Read>>,
    asked: &mpsc::Sender<ScreenRequest>,
) -> Result<(), ClientError> {
    let per_record = source.columns().chosen().len();
    let most = RECORDS_PER_MESSAGE.min(MAX_ROWS_PER_MESSAGE / per_record);
    let runtime = tokio::runtime::Handle::current();
    while !stop.load(Ordering::Relaxed) {
        let (mut records, mut rows) = (Vec::with_capacity(most), Vec::new());
        while records.len() < most {
            let Some((number, record)) = source.next_record()? else {
                break;
            };
            if number <= skip {
                continue;
            }
            match source.values(number, &record) {
                Ok(values) => {
                    rows.extend(values.into_iter().map(screen_row));
                    records.push(Read::Asked(number, record));
                }
                Err(broken) => records.push(Read::KeptOut(record, broken)),
            }
        }
        if records.is_empty() {
            return Ok(());
        }
        let place = u32::try_from(records.len()).unwrap_or(u32::MAX);
        match runtime.block_on(window.acquire_many(place)) {
            // Given back when the records are written.
            Ok(permits) => permits.forget(),
            Err(_) => return Ok(()),
        }
        // The collector must know a record before its answers come.
        let request = ScreenRequest {
            step: Some(Asked::Rows(ScreenRows { rows })),
        };
        if read.blocking_send(records).is_err() || asked.blocking_send(request).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

fn screen_row(value: Value) -> ScreenRow {
    ScreenRow {
        row: value.row,
        r#type: value.kind,
        value: value.value,
    }
}

/// Puts answers to their records.
struct Collector {
    sheet: Sheet,
    rejects: Rejects,
    window: Arc<Semaphore>,
    bar: ProgressBar,
    records: mpsc::Receiver<Vec<Read>>,
    finals: Vec<u64>,
    summary: Option<ScreenSummary>,
}

impl Collector {
    async fn collect(
        &mut self,
        answers: &mut Streaming<ScreenResponse>,
    ) -> Result<(), ClientError> {
        let mut reading = true;
        loop {
            tokio::select! {
                biased;
                records = self.records.recv(), if reading => match records {
                    Some(records) => self.take(records)?,
                    None => reading = false,
                },
                answer = answers.next() => match answer {
                    Some(answer) => {
                        // Records that were sent before this answer are waiting in the channel.
                        while let Ok(records) = self.records.try_recv() {
                            self.take(records)?;
                        }
                        self.hear(answer?)?;
                    }
                    None => {
                        // Whoever reads the file must not wait for a window that nobody empties.
                        self.window.close();
                        self.records.close();
                        return Ok(());
                    }
                },
            }
        }
    }

    fn take(&mut self, records: Vec<Read>) -> Result<(), ClientError> {
        for record in records {
            match record {
                Read::Asked(number, record) => {
                    self.tracked(|sheet| sheet.expect(number, record))?;
                }
                Read::KeptOut(record, broken) => {
                    self.rejects.add(broken.line, "", &broken.reason)?;
                    self.tracked(|sheet| sheet.keep_out(broken.line, record))?;
                }
            }
        }
        Ok(())
    }

    fn hear(&mut self, answer: ScreenResponse) -> Result<(), ClientError> {
        match answer.step {
            Some(Step::Answers(answers)) => {
                let list = answers.list.map_or(0, |list| list.list_id);
                self.tracked(|sheet| sheet.answered(list, &answers.rows))
            }
            Some(Step::Malformed(rows)) => {
                for row in rows.rows {
                    let (line, column) = self.sheet.place(row.row);
                    self.rejects.add(line, &column, &row.reason)?;
                    self.tracked(|sheet| sheet.malformed(row.row))?;
                }
                Ok(())
            }
            Some(Step::CallsFinal(calls)) => {
                self.finals.push(calls.height);
                Ok(())
            }
            Some(Step::Summary(summary)) => {
                self.summary = Some(summary);
                Ok(())
            }
            Some(Step::Plan(_) | Step::Progress(_)) | None => Ok(()),
        }
    }

    /// Changes the sheet, and gives back the places of the records that it wrote.
    fn tracked(
        &mut self,
        change: impl FnOnce(&mut Sheet) -> Result<(), ClientError>,
    ) -> Result<(), ClientError> {
        let before = self.sheet.counts().records;
        change(&mut self.sheet)?;
        let written = self.sheet.counts().records - before;
        if written > 0 {
            self.window
                .add_permits(usize::try_from(written).unwrap_or_default());
            self.bar.inc(written);
        }
        Ok(())
    }

    fn conclude(mut self, context: &Context, stopped: bool) -> Result<Exit, ClientError> {
        self.bar.finish_and_clear();
        let kept_out = self.rejects.count();
        if let Some(path) = self.rejects.finish()? {
            eprintln!("{kept_out} values were not asked; see {}", path.display());
        }
        let complete = !stopped && self.sheet.waiting() == 0;
        let (counts, unfinished) = if complete {
            (self.sheet.finish()?, None)
        } else {
            let (counts, path) = self.sheet.pause()?;
            (counts, Some(path))
        };
        let summary = self.summary.ok_or(ClientError::Broken(
            "the answers ended without a summary".into(),
        ))?;
        let heights = (
            self.finals.iter().min().copied(),
            self.finals.iter().max().copied(),
        );
        match context.format() {
            Format::Json => print_as_json(&counts, &summary, kept_out, heights)?,
            Format::Text => print(&counts, &summary, heights)?,
        }
        if let Some(path) = unfinished {
            eprintln!(
                "not complete: go on with --resume; so far in {}",
                path.display()
            );
            return Ok(Exit::Incomplete);
        }
        Ok(verdict(&counts))
    }
}

fn verdict(counts: &Counts) -> Exit {
    match counts {
        Counts {
            incomplete: 1.., ..
        } => Exit::Incomplete,
        Counts { hit: 1.., .. } => Exit::Hit,
        Counts { .. } => Exit::Clear,
    }
}

type Heights = (Option<u64>, Option<u64>);

fn print(counts: &Counts, summary: &ScreenSummary, heights: Heights) -> Result<(), ClientError> {
    let mut table = Table::new(&[
        "list",
        "of",
        "name",
        "hit",
        "clear",
        "unreachable",
        "cost",
        "",
    ]);
    for line in &summary.lists {
        let list = line.list.clone().unwrap_or_default();
        table.row([
            format!("L{}", list.list_id),
            format!("M{}", list.member_id),
            list.name,
            line.hits.to_string(),
            line.clears.to_string(),
            line.unreachable.to_string(),
            quota(line.cost_minor),
            line.reason.as_ref().map(described).unwrap_or_default(),
        ]);
    }
    table.print()?;
    println!(
        "{} rows: {} with a hit, {} incomplete; {} calls, cost {}, {:.2} s",
        counts.records,
        counts.hit,
        counts.incomplete,
        summary.calls,
        quota(summary.cost_minor),
        std::time::Duration::from_millis(summary.elapsed_ms).as_secs_f64()
    );
    if let (Some(first), Some(last)) = heights {
        println!("the calls stand on the ledger in blocks {first} to {last}");
    }
    Ok(())
}

fn print_as_json(
    counts: &Counts,
    summary: &ScreenSummary,
    kept_out: u64,
    heights: Heights,
) -> Result<(), ClientError> {
    let lists: Vec<_> = summary
        .lists
        .iter()
        .map(|line| {
            json!({
                "list_id": line.list.as_ref().map(|list| list.list_id),
                "member_id": line.list.as_ref().map(|list| list.member_id),
                "hits": line.hits,
                "clears": line.clears,
                "unreachable": line.unreachable,
                "cost_minor": line.cost_minor,
                "reason": line.reason.as_ref().map(described),
            })
        })
        .collect();
    print_json(&json!({
        "rows": counts.records,
        "rows_hit": counts.hit,
        "rows_incomplete": counts.incomplete,
        "values_malformed": kept_out,
        "calls": summary.calls,
        "cost_minor": summary.cost_minor,
        "elapsed_ms": summary.elapsed_ms,
        "lists": lists,
        "first_height": heights.0,
        "last_height": heights.1,
    }))
}
