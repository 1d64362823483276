//! Values given on the command line.

use std::collections::BTreeMap;

use futures::{Stream, StreamExt as _};
use serde_json::json;
use tacit_proto::operator::{
    CallsFinal, ListAnswers, RejectedRows, ScreenRequest, ScreenResponse, ScreenRow, ScreenRows,
    ScreenSummary, screen_request::Step as Asked, screen_response::Step,
};
use tacit_proto::{MAX_ROWS_PER_MESSAGE, rows_digest};
use tonic::Status;

use super::ScreenCommand;
use super::answers::{AskedList, AskedLists, Judged, Said, call, reason};
use crate::Context;
use crate::connection::{self, Node};
use crate::error::ClientError;
use crate::exit::Exit;
use crate::output::{Format, Table, print_error, print_json, quota};

/// One answer of one list to one value.
#[derive(Clone, Debug, Default)]
struct Line {
    row: u64,
    list_id: u32,
    member_id: u32,
    name: String,
    said: Option<Said>,
    reason: String,
    version: u64,
    session: u64,
    sequence: u64,
    index: u32,
    call: Option<String>,
}

/// All that was said.
#[derive(Debug, Default)]
struct Screening {
    kind: String,
    values: u64,
    require: Option<u32>,
    asked: AskedLists,
    lines: Vec<Line>,
    /// Values that were not asked, and why.
    malformed: BTreeMap<u64, String>,
    finals: BTreeMap<(u64, u64), CallsFinal>,
    summary: Option<ScreenSummary>,
}

pub(super) async fn run(command: &ScreenCommand, context: &Context) -> Result<Exit, ClientError> {
    let kind = command.columns.only_type().ok_or_else(|| {
        ClientError::Usage("name the type of the identifiers with one --type".into())
    })?;
    let profile = context.profile()?;
    let grounds = command.grounds(&profile)?;
    let values = command.values.len() as u64;
    let rows: Vec<_> = messages(kind, &command.values).collect();
    let digests = rows.iter().map(|rows| rows_digest(&rows.rows).to_vec());
    let header = Asked::Header(command.header(grounds, values, digests.collect()));
    let requests: Vec<_> = std::iter::once(header)
        .chain(rows.into_iter().map(Asked::Rows))
        .map(|step| ScreenRequest { step: Some(step) })
        .collect();
    let mut node = connection::connect(&profile).await?;
    let mut answers = node
        .screen(tokio_stream::iter(requests))
        .await?
        .into_inner();

    let mut screening = Screening {
        kind: kind.to_owned(),
        values,
        require: command.require,
        ..Screening::default()
    };
    let heard = screening.hear_all(&mut node, &mut answers).await;
    if let Err(error) = heard {
        // What was answered and paid for is shown even if the rest never came.
        if screening.lines.is_empty() {
            return Err(error);
        }
        print_error(context.format(), &error);
    }
    screening.expect_all_lists();
    match context.format() {
        Format::Json => screening.print_as_json()?,
        Format::Text => screening.print()?,
    }
    Ok(screening.exit())
}

/// The values, in messages of no more rows than one may hold.
fn messages<'a>(kind: &'a str, values: &'a [String]) -> impl Iterator<Item = ScreenRows> + 'a {
    let row = |(row, value): (usize, &String)| ScreenRow {
        row: row as u64,
        r#type: kind.to_owned(),
        value: value.clone(),
    };
    let starts = (0..values.len()).step_by(MAX_ROWS_PER_MESSAGE);
    starts.map(move |start| {
        let part = values.iter().enumerate().skip(start);
        ScreenRows {
            rows: part.take(MAX_ROWS_PER_MESSAGE).map(row).collect(),
        }
    })
}

impl Screening {
    /// Hears everything that the node says. Fails where it does not come to its summary.
    async fn hear_all(
        &mut self,
        node: &mut Node,
        answers: &mut (impl Stream<Item = Result<ScreenResponse, Status>> + Unpin),
    ) -> Result<(), ClientError> {
        while let Some(answer) = answers.next().await {
            match answer?.step {
                Some(Step::Plan(plan)) => self.asked = AskedLists::of(node, &plan).await?,
                Some(Step::Answers(answers)) => self.lines.extend(lines(answers)),
                Some(Step::Malformed(rows)) => self.keep_out(rows),
                Some(Step::CallsFinal(calls)) => {
                    self.finals.insert((calls.session, calls.sequence), calls);
                }
                Some(Step::Summary(summary)) => self.summary = Some(summary),
                Some(Step::Progress(_)) | None => {}
            }
        }
        match self.summary {
            Some(_) => Ok(()),
            None => Err(ClientError::Broken(
                "the answers ended without a summary".into(),
            )),
        }
    }

    fn keep_out(&mut self, rows: RejectedRows) {
        let rows = rows.rows.into_iter().map(|row| (row.row, row.reason));
        self.malformed.extend(rows);
    }

    /// A list of the plan that said nothing about a value is shown as unreachable: a gap is never silent.
    fn expect_all_lists(&mut self) {
        for row in (0..self.values).filter(|row| !self.malformed.contains_key(row)) {
            for asked in self.asked.accepting(&self.kind) {
                let heard = self
                    .lines
                    .iter()
                    .any(|line| line.row == row && line.list_id == asked.list.list_id);
                if !heard {
                    self.lines.push(silent(row, asked));
                }
            }
        }
        self.lines.sort_by_key(|line| (line.row, line.list_id));
    }

    fn of_row(&self, row: u64) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(move |line| line.row == row)
    }

    fn judged(&self, row: u64) -> Judged {
        let said = self.of_row(row).map(|line| (line.member_id, line.said));
        Judged::of(said, self.require)
    }

    /// One word for a value.
    fn verdict(&self, row: u64) -> &'static str {
        match self.malformed.contains_key(&row) {
            true if self.is_askable() => "malformed",
            true => "incomplete",
            false => self.judged(row).word(),
        }
    }

    /// Whether any list that is asked takes the values' type.
    fn is_askable(&self) -> bool {
        self.asked.accepting(&self.kind).next().is_some()
    }

    fn exit(&self) -> Exit {
        let all_malformed = self.malformed.len() as u64 == self.values;
        if all_malformed && self.is_askable() {
            return Exit::Usage;
        }
        let mut exit = match (self.malformed.is_empty(), &self.summary) {
            (true, Some(_)) => Exit::Clear,
            _ => Exit::Incomplete,
        };
        for row in (0..self.values).filter(|row| !self.malformed.contains_key(row)) {
            let judged = self.judged(row);
            if judged.hit {
                exit = exit.max(Exit::Hit);
            }
            if !judged.enough {
                exit = exit.max(Exit::Incomplete);
            }
        }
        exit
    }

    fn height(&self, line: &Line) -> Option<u64> {
        let calls = self.finals.get(&(line.session, line.sequence));
        calls.map(|calls| calls.height)
    }

    fn print(&self) -> Result<(), ClientError> {
        let mut table = Table::new(&[
            "value", "list", "of", "name", "answer", "version", "call", "",
        ]);
        for (row, why) in &self.malformed {
            let nothing = String::new;
            table.row([
                (row + 1).to_string(),
                nothing(),
                nothing(),
                nothing(),
                self.verdict(*row).into(),
                nothing(),
                nothing(),
                why.clone(),
            ]);
        }
        for line in &self.lines {
            let call = match (line.call.clone(), self.height(line)) {
                (Some(call), Some(height)) => format!("{call} at {height}"),
                (call, _) => call.unwrap_or_default(),
            };
            table.row([
                (line.row + 1).to_string(),
                format!("L{}", line.list_id),
                format!("M{}", line.member_id),
                line.name.clone(),
                line.word().into(),
                line.version.to_string(),
                call,
                line.reason.clone(),
            ]);
        }
        table.print()?;
        if let Some(summary) = &self.summary {
            println!(
                "cost {}, {} ms",
                quota(summary.cost_minor),
                summary.elapsed_ms
            );
        }
        Ok(())
    }

    fn print_as_json(&self) -> Result<(), ClientError> {
        for row in 0..self.values {
            let answers: Vec<_> = self
                .of_row(row)
                .map(|line| {
                    json!({
                        "list_id": line.list_id,
                        "member_id": line.member_id,
                        "name": line.name,
                        "answer": line.word(),
                        "reason": line.reason,
                        "version": line.version,
                        "call": line.call,
                        "session": line.session,
                        "sequence": line.sequence,
                        "index": line.index,
                        "height": self.height(line),
                    })
                })
                .collect();
            // The value itself is not repeated: answers are kept longer than they should be known.
            print_json(&json!({
                "row": row,
                "verdict": self.verdict(row),
                "malformed": self.malformed.get(&row),
                "answers": answers,
            }))?;
        }
        Ok(())
    }
}

impl Line {
    fn word(&self) -> &'static str {
        self.said.unwrap_or(Said::Unreachable).word()
    }
}

fn lines(mut answers: ListAnswers) -> impl Iterator<Item = Line> {
    let list = answers.list.clone().unwrap_or_default();
    let why = answers.unreachable.clone();
    let rows = std::mem::take(&mut answers.rows);
    rows.into_iter().map(move |row| {
        let said = Said::from(row.answer());
        Line {
            row: row.row,
            list_id: list.list_id,
            member_id: list.member_id,
            name: list.name.clone(),
            said: Some(said),
            reason: if said == Said::Unreachable {
                reason(why.as_ref())
            } else {
                String::new()
            },
            version: answers.version,
            session: answers.session,
            sequence: answers.sequence,
            index: row.index,
            call: call(&answers, &row),
        }
    })
}

/// What a list that said nothing is shown with.
fn silent(row: u64, asked: &AskedList) -> Line {
    let why = asked.unreachable.clone();
    Line {
        row,
        list_id: asked.list.list_id,
        member_id: asked.list.member_id,
        name: asked.list.name.clone(),
        reason: why.unwrap_or_else(|| "it did not answer".into()),
        ..Line::default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::answers::tests::asked;
    use super::*;
    use tacit_proto::operator::{Answer, ListRef, RejectedRow, RowAnswer};

    fn screening(values: u64, lists: &[(u32, u32, &[&str])]) -> Screening {
        Screening {
            kind: "phone".into(),
            values,
            asked: asked(lists),
            summary: Some(ScreenSummary::default()),
            ..Screening::default()
        }
    }

    impl Screening {
        fn say(&mut self, list_id: u32, member_id: u32, said: &[(u64, Answer)]) {
            let rows = said.iter().map(|(row, answer)| RowAnswer {
                row: *row,
                answer: (*answer).into(),
                index: 0,
            });
            self.lines.extend(lines(ListAnswers {
                list: Some(ListRef {
                    list_id,
                    member_id,
                    ..ListRef::default()
                }),
                rows: rows.collect(),
                ..ListAnswers::default()
            }));
        }

        fn refuse(&mut self, row: u64) {
            let reason = "no list that is asked takes it".into();
            self.keep_out(RejectedRows {
                rows: vec![RejectedRow { row, reason }],
            });
        }

        fn ended(mut self) -> Self {
            self.expect_all_lists();
            self
        }
    }

    const TWO: &[(u32, u32, &[&str])] = &[(1, 2, &["phone"]), (2, 3, &["phone"])];

    #[test]
    fn a_list_of_the_plan_that_says_nothing_is_shown_and_makes_the_value_incomplete() {
        let mut screening = screening(1, TWO);
        screening.say(1, 2, &[(0, Answer::Clear)]);
        let ended = screening.ended();
        assert_eq!(ended.lines.len(), 2);
        assert_eq!(ended.lines[1].word(), "unreachable");
        assert_eq!(ended.lines[1].reason, "it did not answer");
        assert_eq!(ended.verdict(0), "incomplete");
        assert_eq!(ended.exit(), Exit::Incomplete);
    }

    #[test]
    fn a_list_that_takes_other_types_is_not_waited_for() {
        let mut screening = screening(1, &[(1, 2, &["phone"]), (2, 3, &["card"])]);
        screening.say(1, 2, &[(0, Answer::Clear)]);
        let ended = screening.ended();
        assert_eq!((ended.lines.len(), ended.exit()), (1, Exit::Clear));
    }

    #[test]
    fn a_requirement_that_fewer_members_than_asked_meet_is_incomplete() {
        for (require, exit) in [
            (1, Exit::Clear),
            (2, Exit::Incomplete),
            (3, Exit::Incomplete),
        ] {
            let mut screening = screening(1, TWO);
            screening.require = Some(require);
            screening.say(1, 2, &[(0, Answer::Clear)]);
            assert_eq!(screening.ended().exit(), exit, "{require}");
        }
    }

    #[test]
    fn a_value_whose_type_no_list_takes_is_incomplete_and_never_clear() {
        for require in [None, Some(1)] {
            let mut screening = screening(1, &[(1, 2, &["card"])]);
            screening.require = require;
            let silent = screening.ended();
            assert_eq!(
                silent.exit(),
                Exit::Incomplete,
                "the node said nothing of it"
            );
            let mut screening = silent;
            screening.refuse(0);
            assert_eq!(screening.verdict(0), "incomplete");
            assert_eq!(screening.exit(), Exit::Incomplete, "the node refused it");
        }
    }

    #[test]
    fn nothing_but_malformed_values_is_a_usage_error() {
        let mut one = screening(2, TWO);
        one.refuse(0);
        one.say(1, 2, &[(1, Answer::Hit)]);
        one.say(2, 3, &[(1, Answer::Clear)]);
        assert_eq!(one.verdict(0), "malformed");
        assert_eq!(one.verdict(1), "hit");
        assert_eq!(one.exit(), Exit::Incomplete);
        one.refuse(1);
        assert_eq!(one.exit(), Exit::Usage);
    }

    #[test]
    fn answers_without_a_summary_are_incomplete() {
        let mut screening = screening(1, &TWO[..1]);
        screening.say(1, 2, &[(0, Answer::Clear)]);
        screening.summary = None;
        assert_eq!(screening.ended().exit(), Exit::Incomplete);
    }

    #[test]
    fn no_message_holds_more_rows_than_one_may() {
        let values = vec![String::from("1"); MAX_ROWS_PER_MESSAGE + 1];
        let sizes: Vec<usize> = messages("phone", &values)
            .map(|message| message.rows.len())
            .collect();
        assert_eq!(sizes, [MAX_ROWS_PER_MESSAGE, 1]);
    }
}
