//! The files of a ceremony. Each is whole or not there: it is written beside its place, and then moved.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use tacit_circuits::ceremony::{Circuit, MAX_HEADER_BYTES, MAX_RECORD_BYTES};

use super::CeremonyError;

const HEADER: &str = "ceremony";
const QUERIES: &str = "queries.state";
const LOCK: &str = "lock";
/// What ends the name of a file that is being written. One that is found was not finished.
const PARTIAL: &str = "partial";

/// A ceremony's folder.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    max_state_bytes: u64,
}

/// Held while files change. The system frees it with the process, however that ends.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Folder {
    /// The folder, which need not exist yet.
    pub(super) fn new(path: &Path, circuit: &Circuit) -> Self {
        Self {
            path: path.into(),
            max_state_bytes: circuit.max_state_bytes(),
        }
    }

    /// Makes the folder, where nothing is in its place.
    pub(super) fn create(&self) -> Result<(), CeremonyError> {
        let file = |source| self.error(&self.path, source);
        fs::create_dir_all(&self.path).map_err(file)?;
        if fs::read_dir(&self.path).map_err(file)?.next().is_some() {
            return Err(CeremonyError::NotEmpty {
                path: self.path.clone(),
            });
        }
        Ok(())
    }

    /// Keeps other programs out, and clears away what they did not finish writing.
    pub(super) fn lock(&self) -> Result<Lock, CeremonyError> {
        let path = self.path.join(LOCK);
        let mut options = OpenOptions::new();
        let opened = options.create(true).truncate(false).write(true).open(&path);
        let file = opened.map_err(|source| self.error(&path, source))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(CeremonyError::Locked {
                    path: self.path.clone(),
                });
            }
            Err(TryLockError::Error(source)) => return Err(self.error(&path, source)),
        }
        self.clear_partial()
            .map_err(|source| self.error(&self.path, source))?;
        Ok(Lock { _file: file })
    }

    fn clear_partial(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.path)? {
            let path = entry?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == PARTIAL)
            {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    pub(super) fn header(&self) -> Result<Vec<u8>, CeremonyError> {
        let path = self.path.join(HEADER);
        match self.read(&path, MAX_HEADER_BYTES as u64)? {
            Some(bytes) => Ok(bytes),
            None => Err(self.error(&path, ErrorKind::NotFound.into())),
        }
    }

    pub(super) fn write_header(&self, bytes: &[u8]) -> Result<(), CeremonyError> {
        self.write(&self.path.join(HEADER), bytes)
    }

    /// A step, counted from 1. One that is longer than any can be is cut off, and then refused for what it is.
    pub(super) fn record(&self, step: u32) -> Result<Option<Vec<u8>>, CeremonyError> {
        let path = self.record_path(step);
        let opened = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(self.error(&path, source)),
        };
        let mut bytes = Vec::new();
        let read = opened
            .take(MAX_RECORD_BYTES as u64 + 1)
            .read_to_end(&mut bytes);
        read.map_err(|source| self.error(&path, source))?;
        Ok(Some(bytes))
    }

    pub(super) fn write_record(&self, step: u32, bytes: &[u8]) -> Result<(), CeremonyError> {
        self.write(&self.record_path(step), bytes)
    }

    /// The state after a step. That of step 0 is in nobody's file.
    pub(super) fn state(&self, step: u32) -> Result<Vec<u8>, CeremonyError> {
        self.read_state(&self.state_path(step))
    }

    pub(super) fn write_state(&self, step: u32, bytes: &[u8]) -> Result<(), CeremonyError> {
        self.write(&self.state_path(step), bytes)
    }

    pub(super) fn queries(&self) -> Result<Vec<u8>, CeremonyError> {
        self.read_state(&self.path.join(QUERIES))
    }

    pub(super) fn write_queries(&self, bytes: &[u8]) -> Result<(), CeremonyError> {
        self.write(&self.path.join(QUERIES), bytes)
    }

    /// A key, where it is there.
    pub(super) fn key(&self, name: &str) -> Result<Option<Vec<u8>>, CeremonyError> {
        self.read(&self.path.join(name), self.max_state_bytes)
    }

    pub(super) fn write_key(&self, name: &str, bytes: &[u8]) -> Result<(), CeremonyError> {
        self.write(&self.path.join(name), bytes)
    }

    /// Removes a state that nobody needs any more.
    pub(super) fn remove_state(&self, step: u32) -> Result<(), CeremonyError> {
        let path = self.state_path(step);
        match fs::remove_file(&path) {
            Err(source) if source.kind() != ErrorKind::NotFound => Err(self.error(&path, source)),
            _ => Ok(()),
        }
    }

    /// Gives the files of a step, and of all after it, names under which nothing looks for them.
    pub(super) fn set_aside(&self, from: u32) -> Result<(), CeremonyError> {
        let mut last = from;
        while self.record_path(last + 1).exists() {
            last += 1;
        }
        // From the end, so that an interruption leaves no gap behind a step.
        for step in (from..=last).rev() {
            for path in [self.record_path(step), self.state_path(step)] {
                if path.exists() {
                    let aside = free_name(&path);
                    fs::rename(&path, &aside).map_err(|source| self.error(&path, source))?;
                }
            }
        }
        self.sync()
    }

    fn record_path(&self, step: u32) -> PathBuf {
        self.path.join(format!("{step:03}.record"))
    }

    fn state_path(&self, step: u32) -> PathBuf {
        self.path.join(format!("{step:03}.state"))
    }

    fn read_state(&self, path: &Path) -> Result<Vec<u8>, CeremonyError> {
        match self.read(path, self.max_state_bytes)? {
            Some(bytes) => Ok(bytes),
            None => Err(self.error(
                path,
                io::Error::new(
                    ErrorKind::NotFound,
                    "it is not there: get the folder again from whoever handed it on",
                ),
            )),
        }
    }

    fn read(&self, path: &Path, max: u64) -> Result<Option<Vec<u8>>, CeremonyError> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(self.error(path, source)),
        };
        let mut bytes = Vec::new();
        let read = file.take(max + 1).read_to_end(&mut bytes);
        read.map_err(|source| self.error(path, source))?;
        if bytes.len() as u64 > max {
            let path = path.into();
            return Err(CeremonyError::TooLarge { path, max });
        }
        Ok(Some(bytes))
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), CeremonyError> {
        let mut partial = path.as_os_str().to_owned();
        partial.push(".");
        partial.push(PARTIAL);
        let written = File::create(&partial).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        });
        written
            .and_then(|()| fs::rename(&partial, path))
            .map_err(|source| self.error(path, source))?;
        self.sync()
    }

    /// Makes names last.
    fn sync(&self) -> Result<(), CeremonyError> {
        let synced = File::open(&self.path).and_then(|folder| folder.sync_all());
        synced.map_err(|source| self.error(&self.path, source))
    }

    fn error(&self, path: &Path, source: io::Error) -> CeremonyError {
        CeremonyError::File {
            path: path.into(),
            source,
        }
    }
}

/// The file's name with `.refused`, and a number where that is taken.
fn free_name(path: &Path) -> PathBuf {
    let named = |suffix: String| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let numbered = (1u32..).map(|number| named(format!(".refused.{number}")));
    let mut candidates = std::iter::once(named(".refused".into())).chain(numbered);
    candidates
        .find(|candidate| !candidate.exists())
        .unwrap_or_else(|| named(".refused".into()))
}
