//! What a screening of a file came to, for people and for programs.

use serde_json::json;
use tacit_proto::operator::ScreenSummary;

use super::sheet::Counts;
use crate::error::{ClientError, described};
use crate::exit::Exit;
use crate::output::{Format, Table, print_json, quota};

/// What a screening of a file came to.
#[derive(Clone, Debug, Default)]
pub(super) struct Report {
    /// Records of the output, those of earlier runs included.
    pub(super) counts: Counts,
    /// Records that earlier runs have written.
    pub(super) before: u64,
    /// Values and records that were not asked.
    pub(super) kept_out: u64,
    /// What the node says of this run.
    pub(super) summary: ScreenSummary,
    /// Heights of the blocks that hold the calls, as far as they were waited for.
    pub(super) heights: Vec<u64>,
}

impl Report {
    /// What scripts see: incomplete outranks a hit, and a hit outranks clear.
    pub(super) fn exit(&self) -> Exit {
        match self.counts {
            Counts {
                incomplete: 1.., ..
            } => Exit::Incomplete,
            Counts { hit: 1.., .. } => Exit::Hit,
            Counts { .. } => Exit::Clear,
        }
    }

    pub(super) fn print(&self, format: Format) -> Result<(), ClientError> {
        match format {
            Format::Json => self.print_json(),
            Format::Text => self.print_text(),
        }
    }

    fn print_text(&self) -> Result<(), ClientError> {
        let Self {
            counts, summary, ..
        } = self;
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
        if self.before > 0 {
            println!(
                "{} of the rows were screened by an earlier run; calls and cost are those of this one",
                self.before
            );
        }
        if let (Some(first), Some(last)) = (self.heights.iter().min(), self.heights.iter().max()) {
            println!("the calls stand on the ledger in blocks {first} to {last}");
        }
        Ok(())
    }

    fn print_json(&self) -> Result<(), ClientError> {
        let Self {
            counts, summary, ..
        } = self;
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
            "rows_before": self.before,
            "values_malformed": self.kept_out,
            "calls": summary.calls,
            "cost_minor": summary.cost_minor,
            "elapsed_ms": summary.elapsed_ms,
            "lists": lists,
            "first_height": self.heights.iter().min(),
            "last_height": self.heights.iter().max(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_lacks_an_answer_is_incomplete_even_if_it_has_hits() {
        let exit = |hit, incomplete| {
            let counts = Counts {
                records: 9,
                hit,
                incomplete,
            };
            let report = Report {
                counts,
                ..Report::default()
            };
            report.exit().code()
        };
        assert_eq!(
            (exit(0, 0), exit(1, 0), exit(1, 1), exit(0, 1)),
            (0, 1, 3, 3)
        );
    }
}
