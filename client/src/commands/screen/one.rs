//! Values given on the command line.

use std::collections::BTreeMap;

use futures::StreamExt as _;
use serde_json::json;
use tacit_proto::operator::{
    CallsFinal, ListAnswers, ScreenRequest, ScreenRow, ScreenRows, screen_request::Step as Asked,
    screen_response::Step,
};

use super::{Said, ScreenCommand, reason};
use crate::Context;
use crate::error::ClientError;
use crate::exit::Exit;
use crate::output::{Format, Table, print_json, quota};

/// One answer of one list to one value.
struct Line {
    row: u64,
    list_id: u32,
    member_id: u32,
    name: String,
    said: Said,
    reason: String,
    version: u64,
    session: u64,
    sequence: u64,
    index: u32,
}

pub(super) async fn run(command: &ScreenCommand, context: &Context) -> Result<Exit, ClientError> {
    let kind = command.columns.only_type().ok_or_else(|| {
        ClientError::Usage("name the type of the identifiers with one --type".into())
    })?;
    let rows = command
        .values
        .iter()
        .enumerate()
        .map(|(row, value)| ScreenRow {
            row: row as u64,
            r#type: kind.to_owned(),
            value: value.clone(),
        })
        .collect();
    let steps = [
        Asked::Header(command.header(command.values.len() as u64)),
        Asked::Rows(ScreenRows { rows }),
    ];
    let requests = steps.map(|step| ScreenRequest { step: Some(step) });
    let mut node = context.node().await?;
    let mut answers = node
        .screen(tokio_stream::iter(requests))
        .await?
        .into_inner();

    let (mut lines, mut malformed) = (Vec::new(), BTreeMap::new());
    let (mut finals, mut summary) = (BTreeMap::new(), None);
    while let Some(answer) = answers.next().await {
        match answer?.step {
            Some(Step::Answers(answers)) => lines.extend(read(answers)),
            Some(Step::Malformed(rows)) => {
                malformed.extend(rows.rows.into_iter().map(|row| (row.row, row.reason)));
            }
            Some(Step::CallsFinal(calls)) => {
                finals.insert((calls.session, calls.sequence), calls);
            }
            Some(Step::Summary(last)) => summary = Some(last),
            Some(Step::Plan(_) | Step::Progress(_)) | None => {}
        }
    }
    let summary = summary.ok_or(ClientError::Unexpected(
        "the answers ended without a summary",
    ))?;
    lines.sort_by_key(|line| (line.row, line.list_id));
    match context.format() {
        Format::Json => print_as_json(command, &lines, &malformed, &finals)?,
        Format::Text => print(command, &lines, &malformed, &finals)?,
    }
    if context.format() == Format::Text {
        println!(
            "cost {}, {} ms",
            quota(summary.cost_minor),
            summary.elapsed_ms
        );
    }
    Ok(verdict(command, &lines, &malformed))
}

fn read(answers: ListAnswers) -> impl Iterator<Item = Line> {
    let list = answers.list.clone().unwrap_or_default();
    let why = answers.unreachable.clone();
    let ListAnswers {
        rows,
        version,
        session,
        sequence,
        ..
    } = answers;
    rows.into_iter().map(move |row| {
        let said = Said::from(row.answer());
        Line {
            row: row.row,
            list_id: list.list_id,
            member_id: list.member_id,
            name: list.name.clone(),
            said,
            reason: if said == Said::Unreachable {
                reason(why.as_ref())
            } else {
                String::new()
            },
            version,
            session,
            sequence,
            index: row.index,
        }
    })
}

fn verdict(command: &ScreenCommand, lines: &[Line], malformed: &BTreeMap<u64, String>) -> Exit {
    if malformed.len() == command.values.len() {
        return Exit::Usage;
    }
    let mut exit = if malformed.is_empty() {
        Exit::Clear
    } else {
        Exit::Incomplete
    };
    for row in 0..command.values.len() as u64 {
        let of_row = || lines.iter().filter(|line| line.row == row);
        if malformed.contains_key(&row) {
            continue;
        }
        let members = |answered: bool| {
            let mut members: Vec<u32> = of_row()
                .filter(|line| !answered || line.said != Said::Unreachable)
                .map(|line| line.member_id)
                .collect();
            members.sort_unstable();
            members.dedup();
            members.len()
        };
        if of_row().any(|line| line.said == Said::Hit) {
            exit = exit.max(Exit::Hit);
        }
        // Where no list takes the type, nobody answered, which is never enough.
        let every_list =
            of_row().count() > 0 && of_row().all(|line| line.said != Said::Unreachable);
        let enough = command.is_enough(members(true), members(false))
            && (command.require.is_some() || every_list);
        if !enough {
            exit = exit.max(Exit::Incomplete);
        }
    }
    exit
}

type Finals = BTreeMap<(u64, u64), CallsFinal>;

fn print(
    command: &ScreenCommand,
    lines: &[Line],
    malformed: &BTreeMap<u64, String>,
    finals: &Finals,
) -> Result<(), ClientError> {
    let several = command.values.len() > 1;
    let mut table = Table::new(&[
        "value", "list", "of", "name", "answer", "version", "call", "",
    ]);
    for (row, why) in malformed {
        let cells = [
            format!("{}", row + 1),
            String::new(),
            String::new(),
            String::new(),
        ];
        let answer = [
            "malformed".into(),
            String::new(),
            String::new(),
            why.clone(),
        ];
        table.row(cells.into_iter().chain(answer));
    }
    for line in lines {
        let call = match finals.get(&(line.session, line.sequence)) {
            _ if line.session == 0 => String::new(),
            Some(calls) => {
                format!(
                    "{}/{}.{} at {}",
                    line.session, line.sequence, line.index, calls.height
                )
            }
            None => format!("{}/{}.{}", line.session, line.sequence, line.index),
        };
        table.row([
            if several {
                format!("{}", line.row + 1)
            } else {
                "1".into()
            },
            format!("L{}", line.list_id),
            format!("M{}", line.member_id),
            line.name.clone(),
            line.said.word().into(),
            line.version.to_string(),
            call,
            line.reason.clone(),
        ]);
    }
    table.print()
}

fn print_as_json(
    command: &ScreenCommand,
    lines: &[Line],
    malformed: &BTreeMap<u64, String>,
    finals: &Finals,
) -> Result<(), ClientError> {
    for row in 0..command.values.len() as u64 {
        let answers: Vec<_> = lines
            .iter()
            .filter(|line| line.row == row)
            .map(|line| {
                let height = finals
                    .get(&(line.session, line.sequence))
                    .map(|calls| calls.height);
                json!({
                    "list_id": line.list_id,
                    "member_id": line.member_id,
                    "name": line.name,
                    "answer": line.said.word(),
                    "reason": line.reason,
                    "version": line.version,
                    "session": line.session,
                    "sequence": line.sequence,
                    "index": line.index,
                    "height": height,
                })
            })
            .collect();
        // The value itself is not repeated: answers are kept longer than they should be known.
        print_json(&json!({ "row": row, "malformed": malformed.get(&row), "answers": answers }))?;
    }
    Ok(())
}
