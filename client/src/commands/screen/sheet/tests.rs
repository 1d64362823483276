//! Answers in any order, and runs that go on.

use super::super::answers::tests::asked;
use super::*;
use crate::rows::tests::choice;
use tacit_proto::operator::{Answer, RowAnswer};

fn lists() -> AskedLists {
    asked(&[(1, 2, &["phone", "card"]), (2, 3, &["phone"])])
}

struct Fixture {
    folder: tempfile::TempDir,
    files: Files,
    source: RowSource,
}

impl Fixture {
    fn of(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let from = folder.path().join("in.csv");
        std::fs::write(&from, text).unwrap();
        let files = Files::new(&from, &folder.path().join("out.csv"), None);
        let source = Self::source(&files);
        Self {
            folder,
            files,
            source,
        }
    }

    fn new() -> Self {
        Self::of("phone,card,note\n1,2,a\n3,4,b\n5,6,c\n")
    }

    fn source(files: &Files) -> RowSource {
        RowSource::open(
            &files.from,
            &choice(&[("phone", "phone"), ("card", "card")]),
        )
        .unwrap()
    }

    fn try_sheet(&mut self, require: Option<u32>, resume: bool) -> Result<Sheet, ClientError> {
        self.source = Self::source(&self.files);
        let wanted = Wanted {
            require,
            ..Wanted::default()
        };
        Sheet::open(&self.files, &mut self.source, &lists(), wanted, resume)
    }

    fn sheet(&mut self, require: Option<u32>, resume: bool) -> Sheet {
        self.try_sheet(require, resume).unwrap()
    }

    /// Takes the next records in, as they would be asked.
    fn fill(&mut self, sheet: &mut Sheet, records: usize) {
        for _ in 0..records {
            let (number, record) = self.source.next_record().unwrap().unwrap();
            match self.source.values(number, &record) {
                Ok(_) => sheet.expect(number, record).unwrap(),
                Err(broken) => sheet.keep_out(broken.line, record).unwrap(),
            }
        }
    }

    fn output(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("out.csv")).unwrap()
    }
}

fn row(row: u64, answer: Answer) -> RowAnswer {
    RowAnswer {
        row,
        answer: answer.into(),
        index: 0,
    }
}

fn said(rows: &[RowAnswer]) -> ListAnswers {
    ListAnswers {
        rows: rows.to_vec(),
        session: 7,
        sequence: 2,
        ..ListAnswers::default()
    }
}

/// Both lists say the same of a record.
fn answer_all(sheet: &mut Sheet, record: u64, answer: Answer) {
    let answers = [row(2 * record, answer), row(2 * record + 1, answer)];
    sheet.answered(1, &said(&answers)).unwrap();
    sheet.answered(2, &said(&answers[..1])).unwrap();
}

const fn counts(records: u64, hit: u64, incomplete: u64) -> Counts {
    Counts {
        records,
        hit,
        incomplete,
    }
}

#[test]
fn records_are_written_in_order_whatever_the_order_of_answers() {
    let mut fixture = Fixture::new();
    let mut sheet = fixture.sheet(None, false);
    fixture.fill(&mut sheet, 2);
    // Record 2 first: phone is value 4, card value 5; record 1 has values 2 and 3.
    sheet
        .answered(1, &said(&[row(4, Answer::Clear), row(5, Answer::Clear)]))
        .unwrap();
    sheet.answered(2, &said(&[row(4, Answer::Hit)])).unwrap();
    assert_eq!(sheet.counts().records, 0);
    sheet
        .answered(
            1,
            &said(&[row(2, Answer::Clear), row(3, Answer::Unreachable)]),
        )
        .unwrap();
    sheet.answered(2, &said(&[row(2, Answer::Clear)])).unwrap();
    assert_eq!(sheet.finish().unwrap(), counts(2, 1, 1));
    assert_eq!(
        fixture.output(),
        "phone,card,note,phone:M2/cheats,phone:M3/cheats,card:M2/cheats,phone:answer,card:answer\n\
         1,2,a,clear,clear,unreachable,clear,incomplete\n\
         3,4,b,clear,hit,clear,hit,clear\n"
    );
}

#[test]
fn a_malformed_value_is_written_as_such_and_waits_for_nobody() {
    let mut fixture = Fixture::new();
    let mut sheet = fixture.sheet(Some(1), false);
    fixture.fill(&mut sheet, 1);
    sheet.malformed(2).unwrap();
    sheet.answered(1, &said(&[row(3, Answer::Clear)])).unwrap();
    assert_eq!(sheet.finish().unwrap(), counts(1, 0, 1));
    assert!(
        fixture
            .output()
            .ends_with("1,2,a,malformed,malformed,clear,malformed,clear\n")
    );
}

#[test]
fn a_required_number_of_members_makes_up_for_one_that_is_unreachable() {
    let mut fixture = Fixture::new();
    let mut sheet = fixture.sheet(Some(1), false);
    fixture.fill(&mut sheet, 1);
    sheet
        .answered(1, &said(&[row(2, Answer::Clear), row(3, Answer::Clear)]))
        .unwrap();
    sheet
        .answered(2, &said(&[row(2, Answer::Unreachable)]))
        .unwrap();
    assert_eq!(sheet.finish().unwrap(), counts(1, 0, 0));
}

#[test]
fn a_column_whose_type_no_list_takes_is_incomplete() {
    for require in [None, Some(1)] {
        let mut fixture = Fixture::new();
        let phones = asked(&[(1, 2, &["phone"])]);
        let files = fixture.files.clone();
        let wanted = Wanted {
            require,
            ..Wanted::default()
        };
        let mut sheet = Sheet::open(&files, &mut fixture.source, &phones, wanted, false).unwrap();
        fixture.fill(&mut sheet, 1);
        sheet.answered(1, &said(&[row(2, Answer::Clear)])).unwrap();
        assert_eq!(sheet.finish().unwrap(), counts(1, 0, 1));
        assert!(fixture.output().ends_with("1,2,a,clear,clear,incomplete\n"));
    }
}

#[test]
fn answers_stand_under_their_titles_in_records_that_are_too_short_or_too_long() {
    let mut fixture = Fixture::of("phone,card,note\n1\n3,4,b,hit,more\n");
    let mut sheet = fixture.sheet(None, false);
    fixture.fill(&mut sheet, 2);
    assert_eq!(sheet.pause().unwrap(), counts(2, 0, 2));
    let sheet = fixture.sheet(None, true);
    assert_eq!(sheet.done_before(), 2, "and a later run reads them");
    assert_eq!(sheet.finish().unwrap(), counts(2, 0, 2));
    let malformed = ["malformed"; 5].join(",");
    let output = fixture.output();
    let lines: Vec<&str> = output.lines().skip(1).collect();
    assert_eq!(lines[0], format!("1,,,{malformed}"));
    assert_eq!(lines[1], format!("3,4,b,{malformed},hit,more"));
}

#[test]
fn an_interrupted_file_goes_on_behind_its_last_whole_record() {
    let mut fixture = Fixture::new();
    let mut sheet = fixture.sheet(None, false);
    fixture.fill(&mut sheet, 2);
    answer_all(&mut sheet, 1, Answer::Clear);
    sheet.pause().unwrap();
    let path = &fixture.files.unfinished;
    let mut half = std::fs::read(path).unwrap();
    half.extend(b"3,4,b,cle");
    std::fs::write(path, half).unwrap();
    assert_eq!(records_in(path).unwrap(), 1);

    let mut sheet = fixture.sheet(None, true);
    assert_eq!(sheet.done_before(), 1);
    fixture.fill(&mut sheet, 1);
    answer_all(&mut sheet, 2, Answer::Clear);
    sheet.finish().unwrap();
    assert_eq!(fixture.output().lines().count(), 3);
    assert!(
        fixture
            .output()
            .ends_with("3,4,b,clear,clear,clear,clear,clear\n")
    );
}

#[test]
fn hits_and_gaps_of_the_run_before_count_in_the_run_that_goes_on() {
    let mut fixture = Fixture::new();
    let mut sheet = fixture.sheet(None, false);
    fixture.fill(&mut sheet, 2);
    answer_all(&mut sheet, 1, Answer::Hit);
    answer_all(&mut sheet, 2, Answer::Unreachable);
    assert_eq!(sheet.pause().unwrap(), counts(2, 1, 1));

    let mut sheet = fixture.sheet(None, true);
    assert_eq!(sheet.counts(), counts(2, 1, 1));
    fixture.fill(&mut sheet, 1);
    answer_all(&mut sheet, 3, Answer::Clear);
    assert_eq!(sheet.finish().unwrap(), counts(3, 1, 1));
}

#[test]
fn a_hit_of_which_not_enough_answered_counts_as_both_after_a_resumption_too() {
    let mut fixture = Fixture::new();
    let mut sheet = fixture.sheet(None, false);
    fixture.fill(&mut sheet, 1);
    sheet
        .answered(1, &said(&[row(2, Answer::Hit), row(3, Answer::Clear)]))
        .unwrap();
    sheet
        .answered(2, &said(&[row(2, Answer::Unreachable)]))
        .unwrap();
    assert_eq!(sheet.pause().unwrap(), counts(1, 1, 1));
    assert_eq!(fixture.sheet(None, true).counts(), counts(1, 1, 1));
}

#[test]
fn a_file_is_not_continued_with_the_answers_about_another() {
    let mut fixture = Fixture::new();
    let mut sheet = fixture.sheet(None, false);
    fixture.fill(&mut sheet, 1);
    answer_all(&mut sheet, 1, Answer::Clear);
    sheet.pause().unwrap();
    std::fs::write(&fixture.files.from, "phone,card,note\n9,2,a\n3,4,b\n").unwrap();
    let error = fixture.try_sheet(None, true).err().unwrap();
    assert!(error.to_string().contains("record 1"), "{error}");
    std::fs::write(&fixture.files.from, "phone,card\n1,2\n").unwrap();
    let error = fixture.try_sheet(None, true).err().unwrap();
    assert!(error.to_string().contains("other columns"), "{error}");
}

#[test]
fn a_column_of_the_file_never_passes_for_an_answer() {
    let mut fixture = Fixture::of("phone,card,phone:answer\n1,2,clear\n");
    let error = fixture.try_sheet(None, false).err().unwrap();
    assert!(error.to_string().contains("phone:answer"), "{error}");
}

#[test]
fn the_calls_stand_behind_the_answers_where_they_are_wanted() {
    let mut fixture = Fixture::of("phone,card\n1,2\n3,4\n");
    fixture.source = Fixture::source(&fixture.files);
    let wanted = Wanted {
        calls: true,
        ..Wanted::default()
    };
    let mut sheet =
        Sheet::open(&fixture.files, &mut fixture.source, &lists(), wanted, false).unwrap();
    fixture.fill(&mut sheet, 2);
    answer_all(&mut sheet, 1, Answer::Clear);
    sheet
        .answered(
            1,
            &said(&[row(4, Answer::Clear), row(5, Answer::Unreachable)]),
        )
        .unwrap();
    sheet.settle().unwrap();
    sheet.finish().unwrap();
    let output = fixture.output();
    let lines: Vec<&str> = output.lines().collect();
    let titles: Vec<&str> = lines[0].split(',').collect();
    assert_eq!(
        titles[titles.len() - 3..]
            .iter()
            .filter(|title| title.ends_with(":call"))
            .count(),
        3
    );
    assert!(lines[1].ends_with(",7/2/0,7/2/0,7/2/0"), "{output}");
    assert!(lines[2].ends_with(",7/2/0,,"), "{output}");
}
