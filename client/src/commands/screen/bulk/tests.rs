//! Streams that say less than they should.

use super::super::answers::tests::asked;
use super::*;
use crate::Globals;
use crate::rows::tests::choice;
use tacit_proto::operator::{Answer, ListAnswers, ListRef, RowAnswer};
use tonic::Code;

struct Fixture {
    folder: tempfile::TempDir,
    collector: Collector,
}

/// A file of three records, all of which were sent, to two lists of two members.
fn fixture(resume: bool, folder: tempfile::TempDir) -> Fixture {
    let from = folder.path().join("in.csv");
    std::fs::write(&from, "phone\n1\n2\n3\n").unwrap();
    let files = Files::new(&from, &folder.path().join("out.csv"), None);
    let mut source = RowSource::open(&from, &choice(&[("phone", "phone")])).unwrap();
    let lists = asked(&[(1, 2, &["phone"]), (2, 3, &["phone"])]);
    let sheet = Sheet::open(&files, &mut source, &lists, Wanted::default(), resume).unwrap();
    let rejects = Rejects::open(&files.rejects, sheet.done_before()).unwrap();
    let (read, records) = mpsc::channel(STREAM_BUFFER);
    let mut rest = Vec::new();
    while let Some((number, record)) = source.next_record().unwrap() {
        rest.push(Read::Asked(number, record));
    }
    read.try_send(rest).ok().unwrap();
    let collector = Collector {
        sheet,
        rejects,
        files,
        window: Arc::new(Semaphore::new(MAX_WAITING_RECORDS)),
        bar: ProgressBar::hidden(),
        records,
        heights: Vec::new(),
        summary: None,
    };
    Fixture { folder, collector }
}

fn begun() -> Fixture {
    fixture(false, tempfile::tempdir().unwrap())
}

fn said(list_id: u32, member_id: u32, rows: &[u64], answer: Answer) -> Step {
    let row = |row: &u64| RowAnswer {
        row: *row,
        answer: answer.into(),
        index: 0,
    };
    Step::Answers(ListAnswers {
        list: Some(ListRef {
            list_id,
            member_id,
            ..ListRef::default()
        }),
        rows: rows.iter().map(row).collect(),
        ..ListAnswers::default()
    })
}

fn summary() -> Step {
    Step::Summary(ScreenSummary::default())
}

fn stream(
    steps: Vec<Result<Step, Status>>,
) -> impl Stream<Item = Result<ScreenResponse, Status>> + Unpin {
    let answers = steps
        .into_iter()
        .map(|step| step.map(|step| ScreenResponse { step: Some(step) }));
    tokio_stream::iter(answers)
}

fn context() -> Context {
    let globals = Globals {
        profile: None,
        output: Format::Json,
    };
    Context { globals }
}

/// What the run ends with, as [`run`] would end it.
fn ended(mut fixture: Fixture, steps: Vec<Result<Step, Status>>) -> (Exit, tempfile::TempDir) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let collected = runtime.block_on(fixture.collector.collect(&mut stream(steps)));
    let exit = match collected {
        Ok(()) => fixture.collector.conclude(&context(), true),
        Err(error) => {
            let exit = error.exit();
            let broken = fixture.collector.break_off(Format::Json, error);
            broken.or(Ok::<_, ClientError>(exit))
        }
    };
    (exit.unwrap(), fixture.folder)
}

fn text(folder: &tempfile::TempDir, name: &str) -> String {
    std::fs::read_to_string(folder.path().join(name)).unwrap_or_default()
}

#[test]
fn a_row_that_a_list_said_nothing_of_is_written_as_unreachable_and_makes_the_run_incomplete() {
    let steps = vec![
        Ok(said(1, 2, &[1, 2, 3], Answer::Clear)),
        Ok(said(2, 3, &[1, 3], Answer::Clear)),
        Ok(summary()),
    ];
    let (exit, folder) = ended(begun(), steps);
    assert_eq!(exit, Exit::Incomplete);
    assert_eq!(
        text(&folder, "out.csv"),
        "phone,phone:M2/cheats,phone:M3/cheats,phone:answer\n\
         1,clear,clear,clear\n2,clear,unreachable,incomplete\n3,clear,clear,clear\n"
    );
}

#[test]
fn a_stream_that_breaks_is_incomplete_and_the_next_run_goes_on_from_there() {
    let steps = vec![
        Ok(said(1, 2, &[1, 2], Answer::Hit)),
        Ok(said(2, 3, &[1, 2], Answer::Clear)),
        Err(Status::new(Code::Unavailable, "gone")),
    ];
    let (exit, folder) = ended(begun(), steps);
    assert_eq!(exit, Exit::Incomplete);
    assert_eq!(text(&folder, "out.csv"), "", "nothing passes for complete");
    assert_eq!(text(&folder, "out.csv.unfinished").lines().count(), 3);

    let second = fixture(true, folder);
    assert_eq!(second.collector.sheet.done_before(), 2);
    let steps = vec![
        Ok(said(1, 2, &[3], Answer::Clear)),
        Ok(said(2, 3, &[3], Answer::Clear)),
        Ok(summary()),
    ];
    let (exit, folder) = ended(second, steps);
    assert_eq!(
        exit,
        Exit::Hit,
        "the hits of the first run are not forgotten"
    );
    assert_eq!(text(&folder, "out.csv").lines().count(), 4);
}

#[test]
fn a_stream_that_ends_without_a_summary_is_not_complete() {
    let all = [1, 2, 3];
    let steps = vec![
        Ok(said(1, 2, &all, Answer::Clear)),
        Ok(said(2, 3, &all, Answer::Clear)),
    ];
    let (exit, folder) = ended(begun(), steps);
    assert_eq!(exit, Exit::Incomplete);
    assert_eq!(text(&folder, "out.csv"), "");
}

#[test]
fn a_run_that_no_row_was_answered_in_could_not_be_run_and_leaves_nothing_behind() {
    let (exit, folder) = ended(begun(), vec![Err(Status::new(Code::Unavailable, "gone"))]);
    assert_eq!(exit, Exit::CouldNotRun);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}
