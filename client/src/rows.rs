//! Rows of a CSV file, on their way to the node.
//!
//! A file may have any columns; each column that is chosen has a type. Rows are read as a stream: a file of
//! millions of rows takes no more memory than one chunk of it. A line that is no CSV, or not UTF-8, is kept out
//! with its reason, and the rest goes on.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use csv::{ByteRecord, Reader, ReaderBuilder, Writer};

use crate::error::ClientError;

/// The byte order mark that some programs put before UTF-8.
const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

/// Bytes read from the file at once.
const READ_BUFFER_BYTES: usize = 1 << 20;

/// Columns of a file that may be chosen. A row becomes one call per column and list, so more would be a slip.
const MAX_COLUMNS: usize = 16;

/// Which columns hold what.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct ColumnChoice {
    /// A column of the file, by its name in the header. Repeat it with its --type for further columns.
    #[arg(long = "column", value_name = "NAME")]
    columns: Vec<String>,
    /// The type of identifier in the column before it, such as phone, card or resident-id.
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// Country of phone numbers without a country code, as two letters (ISO 3166-1 alpha-2).
    #[arg(long, value_name = "CODE")]
    pub region: Option<String>,
}

impl ColumnChoice {
    /// The only type, where one value and no column is given.
    pub fn only_type(&self) -> Option<&str> {
        match (self.columns.as_slice(), self.types.as_slice()) {
            ([], [kind]) => Some(kind),
            _ => None,
        }
    }
}

/// The chosen columns of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    chosen: Vec<Column>,
}

/// A chosen column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name in the header.
    pub name: String,
    /// The type of identifier in it.
    pub kind: String,
    place: usize,
}

impl Columns {
    fn find(header: &ByteRecord, choice: &ColumnChoice, path: &Path) -> Result<Self, ClientError> {
        if choice.columns.is_empty() {
            return Err(ClientError::Usage(
                "name a column of the file with --column".into(),
            ));
        }
        if choice.columns.len() != choice.types.len() {
            return Err(ClientError::Usage(
                "each --column needs a --type after it".into(),
            ));
        }
        if choice.columns.len() > MAX_COLUMNS {
            return Err(ClientError::Usage(format!(
                "at most {MAX_COLUMNS} columns can be chosen"
            )));
        }
        let invalid = |reason: String| ClientError::Invalid {
            path: path.into(),
            reason,
        };
        let mut chosen = Vec::new();
        for (name, kind) in choice.columns.iter().zip(&choice.types) {
            let mut places = header
                .iter()
                .enumerate()
                .filter(|(_, field)| field.trim_ascii() == name.as_bytes())
                .map(|(place, _)| place);
            let place = places.next().ok_or_else(|| {
                let names: Vec<_> = header.iter().map(String::from_utf8_lossy).collect();
                invalid(format!(
                    "has no column {name}; it has: {}",
                    names.join(", ")
                ))
            })?;
            if places.next().is_some() {
                return Err(invalid(format!("has two columns named {name}; rename one")));
            }
            chosen.push(Column {
                name: name.clone(),
                kind: kind.clone(),
                place,
            });
        }
        Ok(Self { chosen })
    }

    /// The chosen columns, in the order in which they were named.
    pub fn chosen(&self) -> &[Column] {
        &self.chosen
    }

    /// The types of the chosen columns, each once.
    pub fn types(&self) -> Vec<String> {
        let mut types: Vec<String> = self
            .chosen
            .iter()
            .map(|column| column.kind.clone())
            .collect();
        types.sort();
        types.dedup();
        types
    }

    /// The number under which a value travels: record `record` of the file, column `column` of the chosen ones.
    pub fn number(&self, record: u64, column: usize) -> u64 {
        record * self.chosen.len() as u64 + column as u64
    }

    /// The record and the chosen column that a number stands for.
    pub fn record_and_column(&self, number: u64) -> (u64, usize) {
        let columns = self.chosen.len() as u64;
        (
            number / columns,
            usize::try_from(number % columns).unwrap_or_default(),
        )
    }

    /// The record and the name of the column that a number stands for.
    pub fn place(&self, number: u64) -> (u64, &str) {
        let (record, column) = self.record_and_column(number);
        (
            record,
            self.chosen.get(column).map_or("", |column| &column.name),
        )
    }
}

/// A value on its way to the node.
#[derive(Clone)]
pub struct Value {
    /// See [`Columns::number`].
    pub row: u64,
    /// The type of its column.
    pub kind: String,
    /// What stands there.
    pub value: String,
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Value")
            .field("row", &self.row)
            .field("value", &"<redacted>")
            .finish()
    }
}

/// A record that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Its number, from 1.
    pub line: u64,
    /// Why. Does not repeat its values.
    pub reason: String,
}

/// Some records of a file.
#[derive(Clone, Debug, Default)]
pub struct Chunk {
    /// The values of the chosen columns.
    pub values: Vec<Value>,
    /// Records that cannot be read.
    pub broken: Vec<Broken>,
    /// Records in the chunk, broken ones included.
    pub records: u64,
}

/// A CSV file being read.
pub struct RowSource {
    reader: Reader<BufReader<File>>,
    path: PathBuf,
    columns: Columns,
    header: ByteRecord,
    record: u64,
    bytes: u64,
}

impl RowSource {
    /// Opens a file and finds the chosen columns in its header.
    ///
    /// # Errors
    /// [`ClientError`], where the file cannot be read or lacks a column.
    pub fn open(path: &Path, choice: &ColumnChoice) -> Result<Self, ClientError> {
        let failed = |source| ClientError::File {
            path: path.into(),
            source,
        };
        let mut file = File::open(path).map_err(failed)?;
        let bytes = file.metadata().map_err(failed)?.len();
        skip_byte_order_mark(&mut file).map_err(failed)?;
        let mut reader = ReaderBuilder::new()
            .flexible(true)
            .buffer_capacity(READ_BUFFER_BYTES)
            .from_reader(BufReader::new(file));
        let header = reader
            .byte_headers()
            .map_err(|error| ClientError::Invalid {
                path: path.into(),
                reason: format!("has no readable header: {error}"),
            })?
            .clone();
        let columns = Columns::find(&header, choice, path)?;
        Ok(Self {
            reader,
            path: path.into(),
            columns,
            header,
            record: 0,
            bytes,
        })
    }

    /// The chosen columns.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// The header as it stands in the file.
    pub fn header(&self) -> &ByteRecord {
        &self.header
    }

    /// Bytes of the file, and how many of them were read.
    pub fn progress(&self) -> (u64, u64) {
        (self.reader.position().byte(), self.bytes)
    }

    /// The next record, with its number from 1; `None` at the end.
    ///
    /// # Errors
    /// [`ClientError::File`] where the file cannot be read on.
    pub fn next_record(&mut self) -> Result<Option<(u64, ByteRecord)>, ClientError> {
        let mut record = ByteRecord::new();
        let found =
            self.reader
                .read_byte_record(&mut record)
                .map_err(|error| ClientError::File {
                    path: self.path.clone(),
                    source: std::io::Error::other(error),
                })?;
        if !found {
            return Ok(None);
        }
        self.record += 1;
        Ok(Some((self.record, record)))
    }

    /// The values of a record's chosen columns, or why it cannot be read.
    ///
    /// # Errors
    /// [`Broken`].
    pub fn values(&self, number: u64, record: &ByteRecord) -> Result<Vec<Value>, Broken> {
        let broken = |reason: String| Broken {
            line: number,
            reason,
        };
        if record.len() != self.header.len() {
            let (has, header) = (record.len(), self.header.len());
            return Err(broken(format!(
                "has {has} fields where the header has {header}"
            )));
        }
        let value = |(index, column): (usize, &Column)| {
            let bytes = record.get(column.place).unwrap_or_default();
            let text = std::str::from_utf8(bytes)
                .map_err(|_| broken(format!("{} is not UTF-8; convert the file", column.name)))?;
            Ok(Value {
                row: self.columns.number(number, index),
                kind: column.kind.clone(),
                value: text.to_owned(),
            })
        };
        self.columns.chosen.iter().enumerate().map(value).collect()
    }

    /// The next records, as long as their values are not more than `max_values`; `None` at the end.
    ///
    /// # Errors
    /// As [`next_record`](Self::next_record).
    pub fn next_chunk(&mut self, max_values: usize) -> Result<Option<Chunk>, ClientError> {
        let mut chunk = Chunk::default();
        while chunk.values.len() + self.columns.chosen.len() <= max_values {
            let Some((number, record)) = self.next_record()? else {
                break;
            };
            chunk.records += 1;
            match self.values(number, &record) {
                Ok(values) => chunk.values.extend(values),
                Err(broken) => chunk.broken.push(broken),
            }
        }
        Ok((chunk.records > 0).then_some(chunk))
    }
}

fn skip_byte_order_mark(file: &mut File) -> std::io::Result<()> {
    let mut start = [0; BYTE_ORDER_MARK.len()];
    let is_mark = match file.read_exact(&mut start) {
        Ok(()) => start == BYTE_ORDER_MARK,
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => false,
        Err(error) => return Err(error),
    };
    if !is_mark {
        file.seek(SeekFrom::Start(0))?;
    }
    Ok(())
}

/// The file of rows that were kept out. It is made when the first one comes.
pub struct Rejects {
    path: PathBuf,
    writer: Option<Writer<BufWriter<File>>>,
    count: u64,
}

impl Rejects {
    /// Goes to `path`, or beside `source` if that is none.
    pub fn new(path: Option<PathBuf>, source: &Path) -> Self {
        let path = path.unwrap_or_else(|| source.with_extension("rejects.csv"));
        Self {
            path,
            writer: None,
            count: 0,
        }
    }

    /// Notes a record, from 1, with the column and the reason.
    ///
    /// # Errors
    /// [`ClientError::File`] where it cannot be written.
    pub fn add(&mut self, record: u64, column: &str, reason: &str) -> Result<(), ClientError> {
        self.count += 1;
        let path = self.path.clone();
        let failed = |source| ClientError::File {
            path: path.clone(),
            source,
        };
        let writer = match &mut self.writer {
            Some(writer) => writer,
            none => {
                let file = File::create(&self.path).map_err(failed)?;
                let mut writer = Writer::from_writer(BufWriter::new(file));
                writer
                    .write_record(["row", "column", "reason"])
                    .map_err(|error| failed(std::io::Error::other(error)))?;
                none.insert(writer)
            }
        };
        writer
            .write_record([&record.to_string(), column, reason])
            .map_err(|error| failed(std::io::Error::other(error)))
    }

    /// How many were noted.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Completes the file, and says where it is if there is one.
    ///
    /// # Errors
    /// [`ClientError::File`] where it cannot be written.
    pub fn finish(&mut self) -> Result<Option<PathBuf>, ClientError> {
        let Some(mut writer) = self.writer.take() else {
            return Ok(None);
        };
        writer.flush().map_err(|source| ClientError::File {
            path: self.path.clone(),
            source,
        })?;
        Ok(Some(self.path.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn choice(pairs: &[(&str, &str)]) -> ColumnChoice {
        ColumnChoice {
            columns: pairs.iter().map(|(name, _)| (*name).into()).collect(),
            types: pairs.iter().map(|(_, kind)| (*kind).into()).collect(),
            region: None,
        }
    }

    fn open(bytes: &[u8], pairs: &[(&str, &str)]) -> Result<RowSource, ClientError> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        RowSource::open(file.path(), &choice(pairs))
    }

    fn values(chunk: &Chunk) -> Vec<&str> {
        chunk
            .values
            .iter()
            .map(|value| value.value.as_str())
            .collect()
    }

    #[test]
    fn a_byte_order_mark_quotes_and_crlf_do_not_change_the_values() {
        let bytes = b"\xef\xbb\xbfphone,name\r\n\"138 0013 8000\",\"Li, \"\"Lei\"\"\"\r\n139,x\r\n";
        let mut source = open(bytes, &[("phone", "phone")]).unwrap();
        let chunk = source.next_chunk(10).unwrap().unwrap();
        assert_eq!(values(&chunk), ["138 0013 8000", "139"]);
        assert!(source.next_chunk(10).unwrap().is_none());
    }

    #[test]
    fn a_line_in_another_encoding_is_kept_out_with_its_reason_and_the_rest_goes_on() {
        let mut source = open(b"name\n\xc4\xe3\xba\xc3\nok\n", &[("name", "text")]).unwrap();
        let chunk = source.next_chunk(10).unwrap().unwrap();
        assert_eq!(values(&chunk), ["ok"]);
        assert_eq!(chunk.broken[0].line, 1);
        assert!(chunk.broken[0].reason.contains("UTF-8"));
    }

    #[test]
    fn a_short_line_is_kept_out() {
        let mut source = open(b"a,b\n1\n2,3\n", &[("b", "text")]).unwrap();
        let chunk = source.next_chunk(10).unwrap().unwrap();
        assert_eq!((values(&chunk), chunk.broken.len()), (vec!["3"], 1));
    }

    #[test]
    fn a_missing_column_and_one_that_stands_twice_are_refused_by_name() {
        let missing = open(b"a,b\n", &[("c", "text")]).err().unwrap().to_string();
        assert!(
            missing.contains("no column c") && missing.contains("a, b"),
            "{missing}"
        );
        let twice = open(b"a,a\n", &[("a", "text")]).err().unwrap().to_string();
        assert!(twice.contains("two columns"), "{twice}");
    }

    #[test]
    fn a_number_leads_back_to_record_and_column() {
        let source = open(b"a,b,c\n", &[("c", "phone"), ("a", "card")]).unwrap();
        let columns = source.columns();
        let number = columns.number(7, 1);
        assert_eq!(columns.place(number), (7, "a"));
        assert_eq!(columns.types(), ["card", "phone"]);
    }

    #[test]
    fn chunks_hold_no_more_values_than_asked_for() {
        let mut source = open(b"a,b\n1,2\n3,4\n5,6\n", &[("a", "text"), ("b", "text")]).unwrap();
        let sizes: Vec<usize> = std::iter::from_fn(|| source.next_chunk(5).unwrap())
            .map(|chunk| chunk.values.len())
            .collect();
        assert_eq!(sizes, [4, 2]);
    }

    #[test]
    fn no_rejects_make_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("in.csv");
        let mut rejects = Rejects::new(None, &source);
        assert_eq!(rejects.finish().unwrap(), None);
        rejects.add(3, "phone", "is too short").unwrap();
        let path = rejects.finish().unwrap().unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        assert_eq!(text, "row,column,reason\n3,phone,is too short\n");
    }
}
