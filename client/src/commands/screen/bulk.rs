//! A CSV file: rows stream to the node, answers stream back, and the file leaves with columns added.

use std::path::Path;
use std::sync::Arc;

use futures::{Stream, StreamExt as _};
use indicatif::ProgressBar;
use tacit_proto::operator::{
    ScreenPlanResponse, ScreenRequest, ScreenResponse, ScreenSummary,
    screen_request::Step as Asked, screen_response::Step,
};
use tokio::sync::{Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::ScreenCommand;
use super::answers::AskedLists;
use super::feed::{Read, count, feed, stop_on_interrupt};
use super::files::Files;
use super::report::Report;
use super::sheet::{Sheet, Wanted, records_in};
use crate::Context;
use crate::commands::{STREAM_BUFFER, bar, declined};
use crate::connection;
use crate::error::ClientError;
use crate::exit::Exit;
use crate::output::{Format, print_error};
use crate::rows::{Rejects, RowSource};

/// Records that are read and not yet written. Bounds memory; enough for several batches of every list.
const MAX_WAITING_RECORDS: usize = 32_768;

pub(super) async fn run(
    command: &ScreenCommand,
    context: &Context,
    from: &Path,
    out: &Path,
) -> Result<Exit, ClientError> {
    let files = Files::new(from, out, command.rejects.as_deref());
    files.check(command.resume, command.overwrite)?;
    let done = match command.resume {
        true => records_in(&files.unfinished)?,
        false => 0,
    };
    let counted = count(&command.columns, from, done)?;
    let profile = context.profile()?;
    let grounds = command.grounds(&profile)?;
    let mut node = connection::connect(&profile).await?;
    let to_ask = counted.by_type.values().sum();
    if to_ask > 0
        && !command
            .agree_on_price(context, &mut node, &counted.by_type)
            .await?
    {
        // There is no answer that could be clear or incomplete.
        return Ok(declined("nothing was asked, and nothing paid"));
    }

    // The plan comes first, and says which columns the output will have.
    let (asked, stream) = mpsc::channel(STREAM_BUFFER);
    let first = Asked::Header(command.header(grounds, to_ask, counted.digests));
    let first = ScreenRequest { step: Some(first) };
    asked
        .send(first)
        .await
        .map_err(|_| ClientError::Unexpected("the stream closed"))?;
    let mut answers = node.screen(ReceiverStream::new(stream)).await?.into_inner();
    let plan = first_plan(&mut answers).await?;
    let lists = AskedLists::of(&mut node, &plan).await?;
    let mut source = RowSource::open(from, &command.columns)?;
    let wanted = Wanted {
        require: command.require,
        calls: command.calls,
    };
    let sheet = Sheet::open(&files, &mut source, &lists, wanted, command.resume)?;
    let rejects = Rejects::open(&files.rejects, sheet.done_before())?;

    let bar = bar(context.format());
    bar.set_length(counted.records);
    bar.set_position(sheet.done_before());
    bar.set_message("screening");
    let stop = stop_on_interrupt();
    let window = Arc::new(Semaphore::new(MAX_WAITING_RECORDS));
    let (read, records) = mpsc::channel(STREAM_BUFFER);
    let reading = tokio::task::spawn_blocking({
        let window = window.clone();
        move || feed(source, &stop, &window, &read, &asked)
    });
    let mut collector = Collector {
        sheet,
        rejects,
        files,
        window,
        bar,
        records,
        heights: Vec::new(),
        summary: None,
    };
    let collected = collector.collect(&mut answers).await;
    // Whoever reads the file must wait neither for a window that nobody empties nor for a node that nobody hears.
    drop(answers);
    collector.window.close();
    collector.records.close();
    let ended = reading
        .await
        .map_err(|_| ClientError::Unexpected("reading failed"))?;
    match collected.and(ended) {
        Ok(ended) => collector.conclude(context, ended),
        Err(error) => collector.break_off(context.format(), error),
    }
}

async fn first_plan(
    answers: &mut (impl Stream<Item = Result<ScreenResponse, Status>> + Unpin),
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

/// Puts answers to their records.
struct Collector {
    sheet: Sheet,
    rejects: Rejects,
    files: Files,
    window: Arc<Semaphore>,
    bar: ProgressBar,
    records: mpsc::Receiver<Vec<Read>>,
    heights: Vec<u64>,
    summary: Option<ScreenSummary>,
}

impl Collector {
    /// Hears everything that the node says. Fails where it does not come to its summary.
    async fn collect(
        &mut self,
        answers: &mut (impl Stream<Item = Result<ScreenResponse, Status>> + Unpin),
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
                    None if self.summary.is_some() => return Ok(()),
                    None => {
                        return Err(ClientError::Broken(
                            "the answers ended without a summary".into(),
                        ));
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
                let list = answers.list.as_ref().map_or(0, |list| list.list_id);
                self.tracked(|sheet| sheet.answered(list, &answers))
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
                self.heights.push(calls.height);
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

    /// The node has said all that it will say. `ended`: every record of the file was sent to it.
    fn conclude(mut self, context: &Context, ended: bool) -> Result<Exit, ClientError> {
        self.bar.finish_and_clear();
        if ended {
            // Asking again would not help: the node heard everything and said its last word.
            while let Ok(records) = self.records.try_recv() {
                self.take(records)?;
            }
            self.sheet.settle()?;
        }
        let kept_out = self.rejects.count();
        if let Some(path) = self.rejects.finish()? {
            eprintln!("{kept_out} values were not asked; see {}", path.display());
        }
        let before = self.sheet.done_before();
        let counts = if ended {
            self.sheet.finish()?
        } else {
            self.sheet.pause()?
        };
        let report = Report {
            counts,
            before,
            kept_out,
            summary: self.summary.unwrap_or_default(),
            heights: self.heights,
        };
        report.print(context.format())?;
        if ended {
            return Ok(report.exit());
        }
        eprintln!(
            "not complete: go on with --resume; so far in {}",
            self.files.unfinished.display()
        );
        Ok(Exit::Incomplete)
    }

    /// Something failed on the way. What was answered so far is kept for a later run, and the screening is
    /// incomplete; where nothing was, it could not be run.
    fn break_off(mut self, format: Format, error: ClientError) -> Result<Exit, ClientError> {
        self.bar.finish_and_clear();
        let unfinished = self.files.unfinished;
        if self.sheet.counts().records == 0 {
            // A file with nothing but a header would only stand in the way of the next run; if it stays, that run
            // says what to do.
            let _ = std::fs::remove_file(&unfinished);
            return Err(error);
        }
        // The first error is the one to tell.
        let kept = self
            .rejects
            .finish()
            .and_then(|_| self.sheet.pause().map(|counts| counts.records));
        match kept {
            Ok(rows) => eprintln!(
                "{rows} rows are answered, in {}; go on with --resume",
                unfinished.display()
            ),
            Err(_) => eprintln!(
                "what was answered so far is in {}; go on with --resume",
                unfinished.display()
            ),
        }
        match error {
            ClientError::Refused(_) | ClientError::Broken(_) | ClientError::Unexpected(_) => {
                print_error(format, &error);
                Ok(Exit::Incomplete)
            }
            here => Err(here),
        }
    }
}

#[cfg(test)]
mod tests;
