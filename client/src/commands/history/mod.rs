//! `tacit history`

mod export;

use std::collections::VecDeque;
use std::path::PathBuf;

use futures::StreamExt as _;
use tacit_proto::operator::{Answer, Direction, HistoryBatch, HistoryRequest};

use crate::Context;
use crate::error::ClientError;
use crate::exit::Exit;
use crate::history::{Call, ExportFormat, as_json, calls};
use crate::moment;
use crate::output::{Format, Table, moment as shown_moment, print_json, quota, short};

/// What this member asked of others and others asked of it, oldest first.
///
/// With --to, all of it goes into a file: CSV, JSON Lines or Parquet, however many calls there are. With `--output
/// json`, one line a call, without a limit unless one is given.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  tacit history --asked --limit 20\n  \
    tacit history --case LOAN-2041 --answer hit\n  \
    tacit history --from 2026-01-01 --until 2026-02-01 --to january.parquet\n  \
    tacit history --member 2 --output json > calls.jsonl")]
pub struct HistoryCommand {
    /// Only what this member asked.
    #[arg(long, conflicts_with = "served")]
    asked: bool,
    /// Only what it served.
    #[arg(long)]
    served: bool,
    #[command(flatten)]
    filter: Filter,
    /// Only the latest so many.
    #[arg(long, value_name = "NUMBER", conflicts_with = "to",
          value_parser = positive)]
    limit: Option<usize>,
    /// Write them into this file, which is there when it is whole.
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    /// The file's format; without it, what its ending says: .csv, .jsonl or .parquet.
    #[arg(long, value_name = "FORMAT", requires = "to")]
    format: Option<ExportFormat>,
    /// The approval under which it is exported, where the node's rules demand one.
    #[arg(long, value_name = "ID", requires = "to")]
    approval: Option<u64>,
    /// Replace the file if it exists.
    #[arg(long, requires = "to")]
    force: bool,
}

/// Which calls.
#[derive(Debug, clap::Args)]
pub(super) struct Filter {
    /// Only calls with this member on the other side.
    #[arg(long, value_name = "ID")]
    pub(super) member: Option<u32>,
    /// Only calls to this list.
    #[arg(long, value_name = "ID")]
    list: Option<u32>,
    /// Only with this purpose.
    #[arg(
        long,
        value_name = "CODE",
        default_value = "",
        hide_default_value = true
    )]
    purpose: String,
    /// From this time on: a date (its beginning in UTC), a time as in RFC 3339, or milliseconds since 1970-01-01
    /// UTC.
    #[arg(
        long,
        alias = "from-ms",
        value_name = "TIME",
        value_parser = moment::parse,
        default_value = "0",
        hide_default_value = true
    )]
    from: u64,
    /// Before this time, written in the same ways.
    #[arg(
        long,
        alias = "until-ms",
        value_name = "TIME",
        value_parser = moment::parse,
        default_value = "0",
        hide_default_value = true
    )]
    until: u64,
    /// Only what this operator asked; what this institution's own records hold.
    #[arg(
        long,
        value_name = "NAME",
        default_value = "",
        hide_default_value = true
    )]
    operator: String,
    /// Only for this case or consent reference; what this institution's own records hold.
    #[arg(
        long = "case",
        value_name = "REFERENCE",
        default_value = "",
        hide_default_value = true
    )]
    case_reference: String,
    /// Only with this answer; what this institution's own records hold.
    #[arg(long, value_name = "ANSWER", value_parser = ["hit", "clear", "unknown"])]
    answer: Option<String>,
}

fn positive(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| "a number from 1 on".into())
}

impl Filter {
    /// Whether it leaves everything in.
    pub(super) fn is_empty(&self) -> bool {
        self.request(Direction::Unspecified) == HistoryRequest::default()
    }

    /// The question for the node.
    pub(super) fn request(&self, direction: Direction) -> HistoryRequest {
        let answer = self.answer.as_deref().map(|answer| match answer {
            "hit" => Answer::Hit,
            "clear" => Answer::Clear,
            _ => Answer::Unspecified,
        });
        HistoryRequest {
            direction: direction.into(),
            from_ms: self.from,
            until_ms: self.until,
            member_id: self.member,
            list_id: self.list,
            purpose: self.purpose.clone(),
            operator: self.operator.clone(),
            case_reference: self.case_reference.clone(),
            answer: answer.map(Into::into),
            ..HistoryRequest::default()
        }
    }
}

impl HistoryCommand {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        match &self.to {
            Some(to) => self.export(context, to).await?,
            None => self.show(context).await?,
        }
        Ok(Exit::Clear)
    }

    fn request(&self) -> HistoryRequest {
        self.filter.request(match (self.asked, self.served) {
            (true, _) => Direction::Asked,
            (_, true) => Direction::Served,
            _ => Direction::Unspecified,
        })
    }

    async fn show(&self, context: &Context) -> Result<(), ClientError> {
        let mut node = context.node().await?;
        let request = HistoryRequest {
            latest: self.limit.unwrap_or(0) as u64,
            ..self.request()
        };
        let mut answers = node.history(request).await?.into_inner();
        let mut table = header();
        let mut latest = Latest::new(self.limit);
        let mut total = 0_u64;
        while let Some(answer) = answers.next().await {
            for batch in answer?.batches {
                let count = calls(&batch)?.count();
                total += count as u64;
                match self.limit {
                    Some(_) => latest.keep(batch, count),
                    // Without a limit nothing is kept.
                    None => {
                        for call in calls(&batch)? {
                            show(context.format(), &mut table, &call)?;
                        }
                    }
                }
            }
        }
        for (batch, skipped) in latest.batches() {
            for call in calls(batch)?.skip(skipped) {
                show(context.format(), &mut table, &call)?;
            }
        }
        if context.format() == Format::Text {
            table.print()?;
            match self.limit {
                Some(limit) if total > limit as u64 => println!("the latest {limit} calls"),
                _ => println!("{total} calls"),
            }
        }
        Ok(())
    }
}

/// The latest batches, which are known only at the end.
struct Latest {
    limit: usize,
    batches: VecDeque<(HistoryBatch, usize)>,
    calls: usize,
}

impl Latest {
    fn new(limit: Option<usize>) -> Self {
        Self {
            limit: limit.unwrap_or(0),
            batches: VecDeque::new(),
            calls: 0,
        }
    }

    fn keep(&mut self, batch: HistoryBatch, calls: usize) {
        self.calls += calls;
        self.batches.push_back((batch, calls));
        while let Some((_, first)) = self.batches.front() {
            if self.calls - first < self.limit {
                break;
            }
            self.calls -= first;
            self.batches.pop_front();
        }
    }

    /// The batches, each with how many of its calls are too many.
    fn batches(&self) -> impl Iterator<Item = (&HistoryBatch, usize)> {
        let mut too_many = self.calls.saturating_sub(self.limit);
        self.batches.iter().map(move |(batch, calls)| {
            let skipped = too_many.min(*calls);
            too_many -= skipped;
            (batch, skipped)
        })
    }
}

fn header() -> Table {
    Table::new(&[
        "time", "height", "", "with", "list", "call", "price", "answer", "tx",
    ])
}

fn show(format: Format, table: &mut Table, call: &Call<'_>) -> Result<(), ClientError> {
    match format {
        Format::Json => print_json(&as_json(call)),
        Format::Text => {
            add(table, call);
            Ok(())
        }
    }
}

fn add(table: &mut Table, call: &Call<'_>) {
    let batch = call.batch();
    let list = batch.list.as_ref();
    table.row([
        shown_moment(batch.time_ms),
        batch.height.to_string(),
        call.direction().into(),
        format!("M{}", batch.member_id),
        list.map(|list| format!("L{} {}", list.list_id, list.name))
            .unwrap_or_default(),
        format!("{}/{}/{}", batch.session, batch.sequence, call.index()),
        quota(batch.price_minor),
        call.answer().unwrap_or("-").into(),
        short(&batch.tx_id),
    ]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(sequence: u64) -> HistoryBatch {
        HistoryBatch {
            sequence,
            ..HistoryBatch::default()
        }
    }

    #[test]
    fn the_latest_are_the_last_ones_and_no_more() {
        for (limit, expected) in [
            (1, vec![(3, 3)]),
            (4, vec![(3, 0)]),
            (5, vec![(2, 0), (3, 0)]),
            (6, vec![(1, 1), (2, 0), (3, 0)]),
            (100, vec![(1, 0), (2, 0), (3, 0)]),
            (0, vec![]),
        ] {
            let mut latest = Latest::new(Some(limit));
            for (sequence, calls) in [(1, 2), (2, 1), (3, 4)] {
                latest.keep(batch(sequence), calls);
            }
            let kept = latest.batches().filter(|(_, skipped)| *skipped < 4);
            let kept: Vec<_> = kept.map(|(batch, skip)| (batch.sequence, skip)).collect();
            assert_eq!(kept, expected, "{limit}");
        }
    }
}
