//! A history's file: written beside its place under another name, hashed on the way, and put there when it is whole.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use super::call::Call;
use super::csv::Csv;
use super::lines::Lines;
use super::parquet::Parquet;
use crate::error::ClientError;

/// Bytes that are written at once.
const BUFFER_BYTES: usize = 1 << 20;

/// How a history is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ExportFormat {
    /// Comma-separated values (RFC 4180).
    Csv,
    /// JSON Lines: one object a line.
    Jsonl,
    /// Apache Parquet.
    Parquet,
}

impl ExportFormat {
    /// The format that a file's ending names.
    pub fn of(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        match ending.as_str() {
            "csv" => Some(Self::Csv),
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
            Self::Parquet => "parquet",
        }
    }
}

/// Writes calls in one format.
pub(super) trait Writer<W> {
    /// Adds a call.
    fn add(&mut self, call: &Call<'_>) -> std::io::Result<()>;
    /// Ends the file and gives it back.
    fn finish(self: Box<Self>) -> std::io::Result<W>;
}

/// A file on its way. Dropped before its end, it leaves nothing behind.
pub struct Export {
    to: PathBuf,
    force: bool,
    writer: Box<dyn Writer<Hashed>>,
    rows: u64,
}

/// A file that is in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// Calls in it.
    pub rows: u64,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of its bytes.
    pub sha256: [u8; 32],
}

impl Export {
    /// Begins a file beside `to`, which only its owner can read.
    ///
    /// # Errors
    /// [`ClientError::Usage`] where `to` exists and is not to be replaced, [`ClientError::File`].
    pub fn begin(to: &Path, format: ExportFormat, force: bool) -> Result<Self, ClientError> {
        let failed = |source| ClientError::File {
            path: to.into(),
            source,
        };
        let Some(name) = to.file_name().filter(|_| !to.is_dir()) else {
            let folder = to.display();
            return Err(ClientError::Usage(format!(
                "{folder} is a folder: name a file"
            )));
        };
        if !force && to.symlink_metadata().is_ok() {
            return Err(exists(to));
        }
        let folder = match to.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let file = tempfile::Builder::new()
            .prefix(&format!(".{}.", name.to_string_lossy()))
            .suffix(".part")
            .tempfile_in(folder)
            .map_err(failed)?;
        let out = Hashed {
            out: BufWriter::with_capacity(BUFFER_BYTES, file),
            hash: Sha256::new(),
            bytes: 0,
        };
        let writer: Box<dyn Writer<Hashed>> = match format {
            ExportFormat::Csv => Box::new(Csv::new(out).map_err(failed)?),
            ExportFormat::Jsonl => Box::new(Lines(out)),
            ExportFormat::Parquet => Box::new(Parquet::new(out).map_err(failed)?),
        };
        Ok(Self {
            to: to.into(),
            force,
            writer,
            rows: 0,
        })
    }

    /// Adds a call.
    ///
    /// # Errors
    /// [`ClientError::File`].
    pub fn add(&mut self, call: &Call<'_>) -> Result<(), ClientError> {
        self.rows += 1;
        self.writer.add(call).map_err(|source| ClientError::File {
            path: self.to.clone(),
            source,
        })
    }

    /// Puts the file in its place, once it is on the disk.
    ///
    /// # Errors
    /// [`ClientError::Usage`] where something has come to stand there meanwhile, [`ClientError::File`].
    pub fn finish(self) -> Result<Exported, ClientError> {
        let failed = |source| ClientError::File {
            path: self.to.clone(),
            source,
        };
        let hashed = self.writer.finish().map_err(failed)?;
        let file = hashed.out.into_inner();
        let file = file.map_err(|error| failed(error.into_error()))?;
        file.as_file().sync_all().map_err(failed)?;
        let placed = if self.force {
            file.persist(&self.to)
        } else {
            file.persist_noclobber(&self.to)
        };
        placed.map_err(|error| match error.error.kind() {
            std::io::ErrorKind::AlreadyExists => exists(&self.to),
            _ => failed(error.error),
        })?;
        sync_folder(&self.to).map_err(failed)?;
        Ok(Exported {
            rows: self.rows,
            bytes: hashed.bytes,
            sha256: hashed.hash.finalize().into(),
        })
    }
}

fn exists(path: &Path) -> ClientError {
    ClientError::Usage(format!(
        "{} exists: name another file with --to, or add --force to replace it",
        path.display()
    ))
}

/// Makes a new name survive a power cut, where folders can be synced.
fn sync_folder(path: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        let folder = path.parent().filter(|folder| *folder != Path::new(""));
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    let _ = path;
    Ok(())
}

/// A file that is hashed as it is written.
pub(super) struct Hashed {
    out: BufWriter<NamedTempFile<File>>,
    hash: Sha256,
    bytes: u64,
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}
