//! Records that wait for their answers, written in the order of the file.

mod resume;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Seek as _, SeekFrom};

use csv::{ByteRecord, Writer, WriterBuilder};
use tacit_proto::operator::ListAnswers;

use super::answers::{AskedLists, Judged, Said, call};
use super::files::Files;
use crate::error::ClientError;
use crate::rows::{Columns, RowSource};

pub(super) use resume::records_in;

/// What stands in place of an answer about a value that is no identifier.
const MALFORMED: &str = "malformed";

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
    /// One for each lane where calls are wanted: empty where none was made.
    calls: Vec<String>,
    /// Chosen columns whose value is no identifier.
    malformed: Vec<bool>,
    waiting: usize,
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

/// The columns of the output.
#[derive(Clone, Debug)]
struct Layout {
    /// Fields of the file's own header.
    own: usize,
    columns: Columns,
    lanes: Vec<Lane>,
    require: Option<u32>,
    /// Whether the calls that were made stand behind the answers.
    calls: bool,
}

/// What the output is to hold.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wanted {
    /// How many members must have answered a complete record; all, where it is absent.
    pub(super) require: Option<u32>,
    /// The calls that were made.
    pub(super) calls: bool,
}

impl Layout {
    fn new(source: &RowSource, lists: &AskedLists, wanted: Wanted) -> Self {
        let columns = source.columns().clone();
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
        Self {
            own: source.header().len(),
            columns,
            lanes,
            require: wanted.require,
            calls: wanted.calls,
        }
    }

    /// Lanes whose calls are written.
    fn call_lanes(&self) -> &[Lane] {
        if self.calls { &self.lanes } else { &[] }
    }

    /// The header of the output. A column of the file must not pass for one of results.
    fn titles(&self, source: &RowSource) -> Result<ByteRecord, ClientError> {
        let verdicts = self.columns.chosen().iter();
        let added: Vec<String> = self
            .lanes
            .iter()
            .map(|lane| lane.title.clone())
            .chain(verdicts.map(|column| format!("{}:answer", column.name)))
            .chain(
                self.call_lanes()
                    .iter()
                    .map(|lane| format!("{}:call", lane.title)),
            )
            .collect();
        let mut titles = source.header().clone();
        if let Some(title) = added
            .iter()
            .find(|title| titles.iter().any(|own| own == title.as_bytes()))
        {
            return Err(ClientError::Invalid {
                path: source.path().into(),
                reason: format!(
                    "already has a column {title}, as the result of an earlier screening would: rename it or \
                     take it out"
                ),
            });
        }
        titles.extend(added);
        Ok(titles)
    }

    /// The record with its answers. They stand under their titles: a record that is too short is filled up, and
    /// what a record has too much comes last.
    fn complete(&self, pending: &Pending) -> (ByteRecord, Counts) {
        let own = (0..self.own).map(|place| pending.record.get(place).unwrap_or_default());
        let mut record: ByteRecord = own.collect();
        for (lane, said) in self.lanes.iter().zip(&pending.said) {
            let word = match said {
                _ if pending.malformed[lane.column] => MALFORMED,
                Some(said) => said.word(),
                None => Said::Unreachable.word(),
            };
            record.push_field(word.as_bytes());
        }
        for (column, malformed) in pending.malformed.iter().enumerate() {
            let word = if *malformed {
                MALFORMED
            } else {
                self.judged(column, pending.said.iter().copied()).word()
            };
            record.push_field(word.as_bytes());
        }
        for call in pending.calls.iter().take(self.call_lanes().len()) {
            record.push_field(call.as_bytes());
        }
        record.extend(pending.record.iter().skip(self.own));
        let counts = self.counts(&record);
        (record, counts)
    }

    fn judged(&self, column: usize, said: impl Iterator<Item = Option<Said>>) -> Judged {
        let of_column = self
            .lanes
            .iter()
            .zip(said)
            .filter(|(lane, _)| lane.column == column)
            .map(|(lane, said)| (lane.member_id, said));
        Judged::of(of_column, self.require)
    }

    /// What a written record counts as. A run that goes on counts what the one before it wrote, so this reads
    /// nothing but the record.
    fn counts(&self, record: &ByteRecord) -> Counts {
        let (mut hit, mut incomplete) = (false, false);
        let said = || {
            let lanes = 0..self.lanes.len();
            lanes.map(|lane| Said::of_word(record.get(self.own + lane).unwrap_or_default()))
        };
        for column in 0..self.columns.chosen().len() {
            let verdict = record.get(self.own + self.lanes.len() + column);
            let judged = self.judged(column, said());
            hit |= judged.hit;
            incomplete |= !judged.enough || verdict == Some(MALFORMED.as_bytes());
        }
        Counts {
            records: 1,
            hit: u64::from(hit),
            incomplete: u64::from(incomplete),
        }
    }
}

impl Counts {
    fn add(&mut self, other: Self) {
        self.records += other.records;
        self.hit += other.hit;
        self.incomplete += other.incomplete;
    }
}

/// The output file, with the records that wait for it.
pub(super) struct Sheet {
    layout: Layout,
    pending: BTreeMap<u64, Pending>,
    next: u64,
    writer: Writer<BufWriter<File>>,
    files: Files,
    counts: Counts,
    before: u64,
}

impl Sheet {
    /// Opens the output, or goes on with an unfinished one: then the records that it holds are read from `source`,
    /// so that the next one there is the next to be asked.
    pub(super) fn open(
        files: &Files,
        source: &mut RowSource,
        lists: &AskedLists,
        wanted: Wanted,
        resume: bool,
    ) -> Result<Self, ClientError> {
        let layout = Layout::new(source, lists, wanted);
        let titles = layout.titles(source)?;
        let failed = |source| ClientError::File {
            path: files.unfinished.clone(),
            source,
        };
        let written = if resume && files.unfinished.exists() {
            resume::reopen(&files.unfinished, &titles, &layout, source)?
        } else {
            None
        };
        let (mut file, counts) = match written {
            Some((file, counts)) => (file, Some(counts)),
            None => (File::create(&files.unfinished).map_err(failed)?, None),
        };
        file.seek(SeekFrom::End(0)).map_err(failed)?;
        let mut writer = WriterBuilder::new()
            .flexible(true)
            .from_writer(BufWriter::new(file));
        if counts.is_none() {
            writer
                .write_byte_record(&titles)
                .map_err(|error| failed(std::io::Error::other(error)))?;
        }
        let counts = counts.unwrap_or_default();
        Ok(Self {
            layout,
            pending: BTreeMap::new(),
            next: counts.records + 1,
            writer,
            files: files.clone(),
            counts,
            before: counts.records,
        })
    }

    /// Records that an earlier run has written.
    pub(super) fn done_before(&self) -> u64 {
        self.before
    }

    /// The record and the name of the column that a value's number stands for.
    pub(super) fn place(&self, value: u64) -> (u64, String) {
        let (record, column) = self.layout.columns.place(value);
        (record, column.to_owned())
    }

    /// What became of the records that were written, by earlier runs as well.
    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    /// Takes a record in whose values are being asked.
    pub(super) fn expect(&mut self, number: u64, record: ByteRecord) -> Result<(), ClientError> {
        let said = vec![None; self.layout.lanes.len()];
        let pending = Pending {
            record,
            malformed: vec![false; self.layout.columns.chosen().len()],
            waiting: said.len(),
            calls: vec![String::new(); said.len()],
            said,
        };
        self.pending.insert(number, pending);
        self.write_complete()
    }

    /// Takes a record in that is not asked at all.
    pub(super) fn keep_out(&mut self, number: u64, record: ByteRecord) -> Result<(), ClientError> {
        let pending = Pending {
            record,
            said: vec![None; self.layout.lanes.len()],
            calls: vec![String::new(); self.layout.lanes.len()],
            malformed: vec![true; self.layout.columns.chosen().len()],
            waiting: 0,
        };
        self.pending.insert(number, pending);
        self.write_complete()
    }

    /// A value is no identifier: nobody is asked about it.
    pub(super) fn malformed(&mut self, value: u64) -> Result<(), ClientError> {
        let (number, column) = self.layout.columns.record_and_column(value);
        if let Some(pending) = self.pending.get_mut(&number)
            && !std::mem::replace(&mut pending.malformed[column], true)
        {
            let of_column = self.layout.lanes.iter().zip(&pending.said);
            let unanswered = of_column
                .filter(|(lane, said)| lane.column == column && said.is_none())
                .count();
            pending.waiting -= unanswered;
        }
        self.write_complete()
    }

    /// A list answered for some values.
    pub(super) fn answered(&mut self, list: u32, answers: &ListAnswers) -> Result<(), ClientError> {
        for row in &answers.rows {
            let (number, column) = self.layout.columns.record_and_column(row.row);
            let lane = self
                .layout
                .lanes
                .iter()
                .position(|lane| lane.list_id == list && lane.column == column);
            let (Some(lane), Some(pending)) = (lane, self.pending.get_mut(&number)) else {
                continue;
            };
            pending.calls[lane] = call(answers, row).unwrap_or_default();
            let first = pending.said[lane].replace(Said::from(row.answer()));
            if first.is_none() && !pending.malformed[column] {
                pending.waiting -= 1;
            }
        }
        self.write_complete()
    }

    /// Nothing more will be said: a list that was silent about a value was unreachable.
    pub(super) fn settle(&mut self) -> Result<(), ClientError> {
        for pending in self.pending.values_mut() {
            pending.waiting = 0;
        }
        self.write_complete()
    }

    /// Writes what is complete down to the disk, and leaves the rest for a later run.
    pub(super) fn pause(mut self) -> Result<Counts, ClientError> {
        self.flush()?;
        Ok(self.counts)
    }

    /// Completes the file under its name.
    pub(super) fn finish(mut self) -> Result<Counts, ClientError> {
        self.flush()?;
        std::fs::rename(&self.files.unfinished, &self.files.out).map_err(|source| {
            ClientError::File {
                path: self.files.out.clone(),
                source,
            }
        })?;
        Ok(self.counts)
    }

    fn flush(&mut self) -> Result<(), ClientError> {
        let flushed = self
            .writer
            .flush()
            .and_then(|()| self.writer.get_ref().get_ref().sync_all());
        flushed.map_err(|source| ClientError::File {
            path: self.files.unfinished.clone(),
            source,
        })
    }

    /// Writes the records at the front that have all their answers.
    fn write_complete(&mut self) -> Result<(), ClientError> {
        while let Some(entry) = self.pending.first_entry() {
            if *entry.key() != self.next || entry.get().waiting > 0 {
                return Ok(());
            }
            let (record, counts) = self.layout.complete(&entry.remove());
            self.next += 1;
            self.counts.add(counts);
            self.writer
                .write_byte_record(&record)
                .map_err(|error| ClientError::File {
                    path: self.files.unfinished.clone(),
                    source: std::io::Error::other(error),
                })?;
        }
        Ok(())
    }
}
