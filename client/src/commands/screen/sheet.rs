//! Records that wait for their answers, written in the order of the file.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufReader, BufWriter, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use csv::{ByteRecord, ReaderBuilder, Writer, WriterBuilder};
use tacit_proto::operator::RowAnswer;

use super::{AskedLists, Said};
use crate::error::ClientError;
use crate::rows::Columns;

/// What ends an output file's name while it is not complete.
const UNFINISHED: &str = "unfinished";

/// A column of answers: one list's to one chosen column.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Lane {
    list_id: u32,
    member_id: u32,
    column: usize,
    title: String,
}

/// The answers of one record so far.
#[derive(Debug)]
struct Pending {
    record: ByteRecord,
    /// One for each lane; `None` while it is waited for.
    said: Vec<Option<Said>>,
    /// Chosen columns whose value is no identifier.
    malformed: Vec<bool>,
    waiting: usize,
    broken: bool,
}

/// What became of the records that were written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Records written.
    pub(super) records: u64,
    /// Records with at least one hit.
    pub(super) hit: u64,
    /// Records that lack an answer that they should have.
    pub(super) incomplete: u64,
}

/// The output file, with the records that wait for it.
pub(super) struct Sheet {
    columns: Columns,
    lanes: Vec<Lane>,
    require: Option<usize>,
    pending: BTreeMap<u64, Pending>,
    next: u64,
    writer: Writer<BufWriter<File>>,
    unfinished: PathBuf,
    target: PathBuf,
    counts: Counts,
}

impl Sheet {
    /// Opens the output, or goes on with an unfinished one.
    pub(super) fn open(
        target: &Path,
        header: &ByteRecord,
        columns: &Columns,
        lists: &AskedLists,
        require: Option<usize>,
        resume: bool,
    ) -> Result<Self, ClientError> {
        let lanes = lanes(columns, lists);
        let mut titles = header.clone();
        for lane in &lanes {
            titles.push_field(lane.title.as_bytes());
        }
        for column in columns.chosen() {
            titles.push_field(format!("{}:answer", column.name).as_bytes());
        }
        let mut name = target.file_name().unwrap_or_default().to_owned();
        name.push(".");
        name.push(UNFINISHED);
        let unfinished = target.with_file_name(name);
        let failed = |source| ClientError::File {
            path: unfinished.clone(),
            source,
        };
        let (mut file, written) = if resume && unfinished.exists() {
            reopen(&unfinished, &titles)?
        } else {
            (File::create(&unfinished).map_err(failed)?, None)
        };
        file.seek(SeekFrom::End(0)).map_err(failed)?;
        let mut writer = WriterBuilder::new()
            .flexible(true)
            .from_writer(BufWriter::new(file));
        if written.is_none() {
            writer
                .write_byte_record(&titles)
                .map_err(|error| failed(std::io::Error::other(error)))?;
        }
        Ok(Self {
            columns: columns.clone(),
            lanes,
            require,
            pending: BTreeMap::new(),
            next: written.unwrap_or(0) + 1,
            writer,
            unfinished,
            target: target.into(),
            counts: Counts::default(),
        })
    }

    /// Records that an earlier run has written.
    pub(super) fn done_before(&self) -> u64 {
        self.next - 1 - self.counts.records
    }

    /// The record and the name of the column that a value's number stands for.
    pub(super) fn place(&self, value: u64) -> (u64, String) {
        let (record, column) = self.columns.place(value);
        (record, column.to_owned())
    }

    /// Records that wait for answers.
    pub(super) fn waiting(&self) -> usize {
        self.pending.len()
    }

    /// What became of the records that were written.
    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    /// Takes a record in whose values are being asked.
    pub(super) fn expect(&mut self, number: u64, record: ByteRecord) -> Result<(), ClientError> {
        let said = vec![None; self.lanes.len()];
        let malformed = vec![false; self.columns.chosen().len()];
        let waiting = said.len();
        let pending = Pending {
            record,
            said,
            malformed,
            waiting,
            broken: false,
        };
        self.pending.insert(number, pending);
        self.write_complete()
    }

    /// Takes a record in that is not asked at all.
    pub(super) fn keep_out(&mut self, number: u64, record: ByteRecord) -> Result<(), ClientError> {
        let said = vec![None; self.lanes.len()];
        let malformed = vec![true; self.columns.chosen().len()];
        let pending = Pending {
            record,
            said,
            malformed,
            waiting: 0,
            broken: true,
        };
        self.pending.insert(number, pending);
        self.write_complete()
    }

    /// A value is no identifier: nobody is asked about it.
    pub(super) fn malformed(&mut self, value: u64) -> Result<(), ClientError> {
        let (number, column) = self.columns.record_and_column(value);
        if let Some(pending) = self.pending.get_mut(&number)
            && !std::mem::replace(&mut pending.malformed[column], true)
        {
            let of_column = self.lanes.iter().zip(&pending.said);
            let unanswered = of_column
                .filter(|(lane, said)| lane.column == column && said.is_none())
                .count();
            pending.waiting -= unanswered;
        }
        self.write_complete()
    }

    /// A list answered for some values.
    pub(super) fn answered(&mut self, list: u32, rows: &[RowAnswer]) -> Result<(), ClientError> {
        for row in rows {
            let (number, column) = self.columns.record_and_column(row.row);
            let lane = self
                .lanes
                .iter()
                .position(|lane| lane.list_id == list && lane.column == column);
            let (Some(lane), Some(pending)) = (lane, self.pending.get_mut(&number)) else {
                continue;
            };
            if pending.said[lane]
                .replace(Said::from(row.answer()))
                .is_none()
            {
                pending.waiting -= 1;
            }
        }
        self.write_complete()
    }

    /// Writes what is complete down to the disk, and leaves the rest for a later run.
    pub(super) fn pause(mut self) -> Result<(Counts, PathBuf), ClientError> {
        self.flush()?;
        Ok((self.counts, self.unfinished))
    }

    /// Completes the file under its name.
    pub(super) fn finish(mut self) -> Result<Counts, ClientError> {
        self.flush()?;
        std::fs::rename(&self.unfinished, &self.target).map_err(|source| ClientError::File {
            path: self.target.clone(),
            source,
        })?;
        Ok(self.counts)
    }

    fn flush(&mut self) -> Result<(), ClientError> {
        let flushed = self
            .writer
            .flush()
            .and_then(|()| self.writer.get_ref().get_ref().sync_all());
        flushed.map_err(|source| ClientError::File {
            path: self.unfinished.clone(),
            source,
        })
    }

    /// Writes the records at the front that have all their answers.
    fn write_complete(&mut self) -> Result<(), ClientError> {
        while let Some(entry) = self.pending.first_entry() {
            if *entry.key() != self.next || entry.get().waiting > 0 {
                return Ok(());
            }
            let pending = entry.remove();
            self.next += 1;
            self.write(pending)?;
        }
        Ok(())
    }

    fn write(&mut self, pending: Pending) -> Result<(), ClientError> {
        let Pending {
            mut record,
            said,
            malformed,
            broken,
            ..
        } = pending;
        for (lane, said) in self.lanes.iter().zip(&said) {
            let word = match said {
                _ if malformed[lane.column] => "malformed",
                Some(said) => said.word(),
                None => "unreachable",
            };
            record.push_field(word.as_bytes());
        }
        let (mut hit, mut incomplete) = (false, broken);
        for (column, malformed) in malformed.into_iter().enumerate() {
            let verdict = self.verdict(column, &said, malformed);
            record.push_field(verdict.as_bytes());
            hit |= verdict == "hit";
            incomplete |=
                matches!(verdict, "incomplete" | "malformed") || !self.is_enough(column, &said);
        }
        self.counts.records += 1;
        self.counts.hit += u64::from(hit);
        self.counts.incomplete += u64::from(incomplete);
        self.writer
            .write_byte_record(&record)
            .map_err(|error| ClientError::File {
                path: self.unfinished.clone(),
                source: std::io::Error::other(error),
            })
    }

    /// One word for a value: a hit outranks whatever is missing.
    fn verdict(&self, column: usize, said: &[Option<Said>], malformed: bool) -> &'static str {
        let mut of_column = self
            .lanes
            .iter()
            .zip(said)
            .filter(|(lane, _)| lane.column == column)
            .map(|(_, s)| *s);
        if malformed {
            "malformed"
        } else if of_column.any(|said| said == Some(Said::Hit)) {
            "hit"
        } else if self.is_enough(column, said) {
            "clear"
        } else {
            "incomplete"
        }
    }

    /// Whether enough members answered for a column: all of its lists, or so many members as required. Where no
    /// list takes the column's type, nobody answered, which is never enough.
    fn is_enough(&self, column: usize, said: &[Option<Said>]) -> bool {
        let of_column = || {
            self.lanes
                .iter()
                .zip(said)
                .filter(move |(lane, _)| lane.column == column)
        };
        let answered = |said: &Option<Said>| matches!(said, Some(Said::Hit | Said::Clear));
        match self.require {
            None => of_column().count() > 0 && of_column().all(|(_, said)| answered(said)),
            Some(required) => {
                let mut members: Vec<u32> = of_column()
                    .filter(|(_, said)| answered(said))
                    .map(|(lane, _)| lane.member_id)
                    .collect();
                members.sort_unstable();
                members.dedup();
                members.len() >= required
            }
        }
    }
}

fn lanes(columns: &Columns, lists: &AskedLists) -> Vec<Lane> {
    let mut lanes = Vec::new();
    for (place, column) in columns.chosen().iter().enumerate() {
        for asked in lists.accepting(&column.kind) {
            lanes.push(Lane {
                list_id: asked.list.list_id,
                member_id: asked.list.member_id,
                column: place,
                title: format!(
                    "{}:M{}/{}",
                    column.name, asked.list.member_id, asked.list.name
                ),
            });
        }
    }
    lanes
}

/// Opens an unfinished output behind its last complete record, and says how many it has.
fn reopen(path: &Path, titles: &ByteRecord) -> Result<(File, Option<u64>), ClientError> {
    let failed = |source| ClientError::File {
        path: path.into(),
        source,
    };
    let invalid = |reason: &str| ClientError::Invalid {
        path: path.into(),
        reason: reason.into(),
    };
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .map_err(failed)?;
    let bytes = file.metadata().map_err(failed)?.len();
    let (complete, records) = {
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(BufReader::new(&file));
        let mut record = ByteRecord::new();
        let mut read = |record: &mut ByteRecord| {
            reader
                .read_byte_record(record)
                .map(|found| found.then(|| reader.position().byte()))
                .map_err(|error| failed(std::io::Error::other(error)))
        };
        let Some(mut complete) = read(&mut record)? else {
            return Ok((file, None));
        };
        if record != *titles {
            return Err(invalid(
                "was begun with other columns or lists; remove it to begin again",
            ));
        }
        let mut records = 0;
        while let Some(position) = read(&mut record)? {
            // The last record may be cut off: one that ends at the end of the file without a line's end.
            if position >= bytes && !ends_with_newline(path)? {
                break;
            }
            if record.len() != titles.len() {
                return Err(invalid(
                    "holds a record of another width; remove it to begin again",
                ));
            }
            complete = position;
            records += 1;
        }
        (complete, records)
    };
    file.set_len(complete).map_err(failed)?;
    file.flush().map_err(failed)?;
    Ok((file, Some(records)))
}

fn ends_with_newline(path: &Path) -> Result<bool, ClientError> {
    use std::io::Read as _;
    let failed = |source| ClientError::File {
        path: path.into(),
        source,
    };
    let mut file = File::open(path).map_err(failed)?;
    let mut last = [0];
    file.seek(SeekFrom::End(-1)).map_err(failed)?;
    file.read_exact(&mut last).map_err(failed)?;
    Ok(last == *b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::{ColumnChoice, RowSource};
    use clap::Parser;
    use tacit_proto::operator::{Answer, ListRef};

    #[derive(Parser)]
    struct Choice {
        #[command(flatten)]
        columns: ColumnChoice,
    }

    fn lists() -> AskedLists {
        let asked = |list_id, member_id, types: &[&str]| {
            let list = ListRef {
                list_id,
                member_id,
                name: "cheats".into(),
                category: String::new(),
            };
            let types = types.iter().map(|kind| (*kind).into()).collect();
            (list_id, super::super::AskedList { list, types })
        };
        AskedLists([asked(1, 2, &["phone", "card"]), asked(2, 3, &["phone"])].into())
    }

    struct Fixture {
        folder: tempfile::TempDir,
        source: RowSource,
    }

    impl Fixture {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("in.csv");
            std::fs::write(&path, "phone,card,note\n1,2,a\n3,4,b\n5,6,c\n").unwrap();
            let words = [
                "x", "--column", "phone", "--type", "phone", "--column", "card", "--type", "card",
            ];
            let choice = Choice::parse_from(words).columns;
            let source = RowSource::open(&path, &choice).unwrap();
            Self { folder, source }
        }

        fn sheet(&self, require: Option<usize>, resume: bool) -> Sheet {
            let target = self.folder.path().join("out.csv");
            let (header, columns) = (self.source.header(), self.source.columns());
            Sheet::open(&target, header, columns, &lists(), require, resume).unwrap()
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

    fn fill(sheet: &mut Sheet, source: &mut RowSource, records: usize) {
        for _ in 0..records {
            let (number, record) = source.next_record().unwrap().unwrap();
            sheet.expect(number, record).unwrap();
        }
    }

    #[test]
    fn records_are_written_in_order_whatever_the_order_of_answers() {
        let mut fixture = Fixture::new();
        let mut sheet = fixture.sheet(None, false);
        fill(&mut sheet, &mut fixture.source, 2);
        // Record 2 first: phone is value 4, card value 5; record 1 has values 2 and 3.
        sheet
            .answered(1, &[row(4, Answer::Clear), row(5, Answer::Clear)])
            .unwrap();
        sheet.answered(2, &[row(4, Answer::Hit)]).unwrap();
        assert_eq!(sheet.counts().records, 0);
        sheet
            .answered(1, &[row(2, Answer::Clear), row(3, Answer::Unreachable)])
            .unwrap();
        sheet.answered(2, &[row(2, Answer::Clear)]).unwrap();
        let counts = sheet.finish().unwrap();
        assert_eq!(
            counts,
            Counts {
                records: 2,
                hit: 1,
                incomplete: 1
            }
        );
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
        fill(&mut sheet, &mut fixture.source, 1);
        sheet.malformed(2).unwrap();
        sheet.answered(1, &[row(3, Answer::Clear)]).unwrap();
        assert_eq!(
            sheet.counts(),
            Counts {
                records: 1,
                hit: 0,
                incomplete: 1
            }
        );
        sheet.finish().unwrap();
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
        fill(&mut sheet, &mut fixture.source, 1);
        sheet
            .answered(1, &[row(2, Answer::Clear), row(3, Answer::Clear)])
            .unwrap();
        sheet.answered(2, &[row(2, Answer::Unreachable)]).unwrap();
        assert_eq!(
            sheet.finish().unwrap(),
            Counts {
                records: 1,
                hit: 0,
                incomplete: 0
            }
        );
    }

    #[test]
    fn an_interrupted_file_goes_on_behind_its_last_whole_record() {
        let mut fixture = Fixture::new();
        let mut sheet = fixture.sheet(None, false);
        fill(&mut sheet, &mut fixture.source, 2);
        let answers = [row(2, Answer::Clear), row(3, Answer::Clear)];
        sheet.answered(1, &answers).unwrap();
        sheet.answered(2, &answers[..1]).unwrap();
        let (_, path) = sheet.pause().unwrap();
        let mut half = std::fs::read(&path).unwrap();
        half.extend(b"3,4,b,cle");
        std::fs::write(&path, half).unwrap();

        let mut sheet = fixture.sheet(None, true);
        assert_eq!(sheet.done_before(), 1);
        let record = ByteRecord::from(vec!["3", "4", "b"]);
        sheet.expect(2, record).unwrap();
        let answers = [row(4, Answer::Clear), row(5, Answer::Clear)];
        sheet.answered(1, &answers).unwrap();
        sheet.answered(2, &answers[..1]).unwrap();
        sheet.finish().unwrap();
        assert_eq!(fixture.output().lines().count(), 3);
        assert!(
            fixture
                .output()
                .ends_with("3,4,b,clear,clear,clear,clear,clear\n")
        );
    }
}
