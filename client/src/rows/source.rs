//! A file, read record by record.

use std::fs::File;
use std::io::{BufReader, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use csv::{ByteRecord, Reader, ReaderBuilder};

use super::{Column, ColumnChoice, Columns};
use crate::error::ClientError;

/// The byte order mark that some programs put before UTF-8.
const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

/// Bytes read from the file at once.
const READ_BUFFER_BYTES: usize = 1 << 20;

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

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
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
