//! The file of rows that were kept out.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use csv::{Reader, StringRecord, Writer};

use crate::error::ClientError;

const HEADER: [&str; 3] = ["row", "column", "reason"];

/// The file of rows that were kept out. It is made when the first one comes.
pub struct Rejects {
    path: PathBuf,
    writer: Option<Writer<BufWriter<File>>>,
    count: u64,
}

/// Where rejects go if nobody says where: beside the file that they come from.
pub fn rejects_beside(source: &Path) -> PathBuf {
    source.with_extension("rejects.csv")
}

impl Rejects {
    /// Begins a new file, which takes the place of an old one when the first row comes.
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.into(),
            writer: None,
            count: 0,
        }
    }

    /// Goes on with the file of an earlier run, of which the first `done` rows stay as they are.
    ///
    /// # Errors
    /// [`ClientError::File`] where it cannot be read or written.
    pub fn open(path: &Path, done: u64) -> Result<Self, ClientError> {
        let mut rejects = Self::new(path);
        if done == 0 || !path.exists() {
            return Ok(rejects);
        }
        let failed = |error: csv::Error| ClientError::File {
            path: path.into(),
            source: std::io::Error::other(error),
        };
        let mut kept = path.as_os_str().to_owned();
        kept.push(".kept");
        let kept = PathBuf::from(kept);
        let mut old = Reader::from_path(path).map_err(failed)?;
        let mut copy = Self::new(&kept);
        let mut record = StringRecord::new();
        while old.read_record(&mut record).map_err(failed)? {
            let field = |place| record.get(place).unwrap_or_default();
            // A row that this run will ask again is noted again if it has to be.
            if let Ok(row) = field(0).parse()
                && row <= done
            {
                copy.add(row, field(1), field(2))?;
            }
        }
        if copy.count > 0 {
            copy.finish()?;
            std::fs::rename(&kept, path).map_err(|source| ClientError::File {
                path: path.into(),
                source,
            })?;
            let file = File::options().append(true).open(path);
            let file = file.map_err(|source| ClientError::File {
                path: path.into(),
                source,
            })?;
            rejects.writer = Some(Writer::from_writer(BufWriter::new(file)));
            rejects.count = copy.count;
        }
        Ok(rejects)
    }

    /// Notes a record, from 1, with the column and the reason. It is in the file when this returns, so that a run
    /// that goes on later finds it.
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
                    .write_record(HEADER)
                    .map_err(|error| failed(std::io::Error::other(error)))?;
                none.insert(writer)
            }
        };
        writer
            .write_record([&record.to_string(), column, reason])
            .map_err(|error| failed(std::io::Error::other(error)))?;
        writer.flush().map_err(failed)
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
