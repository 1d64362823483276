//! A set-up ceremony as a folder that members hand on.
//!
//! | file | holds |
//! |---|---|
//! | `ceremony` | the header |
//! | `001.record`, … | the steps, each chained to the one before |
//! | `NNN.state` | the state after step NNN: of the last two steps, and of the end of phase 1 |
//! | `queries.state` | the circuit's queries, once phase 1 is over |
//! | `proving.key`, `verifying.key` | the keys, once phase 2 is over |
//! | `….refused` | what was set aside |

mod checked;
mod folder;
mod steps;
#[cfg(test)]
mod tests;

pub use checked::{Author, Bad, Checked, CheckedStep};
pub use steps::{Ceremony, EncodeKeys, KeyFiles, Watch};

use std::path::PathBuf;

use tacit_circuits::ceremony::{HeaderError, RecordError};

/// Why a ceremony's folder cannot be used as was asked.
#[derive(Debug, thiserror::Error)]
pub enum CeremonyError {
    /// A file cannot be read or written.
    #[error("cannot use {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file is larger than it can be.
    #[error("{path} is larger than {max} bytes")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The most.
        max: u64,
    },
    /// Another program works in the folder.
    #[error("another program works in {path}; wait until it has ended")]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// There is a ceremony, or something else, where a new one should be.
    #[error("{path} is not empty: name a new folder")]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// The header.
    #[error("the header: {0}")]
    Header(#[from] HeaderError),
    /// For another circuit than this program's.
    #[error("the ceremony is held for another circuit than this version of the program has")]
    OtherCircuit,
    /// A step that does not hold.
    #[error(transparent)]
    Bad(#[from] Bad),
    /// What was asked for cannot come next.
    #[error("{0}")]
    NotNow(String),
    /// A phase was ended by another public value than was said.
    #[error("{0}")]
    OtherBeacon(String),
    /// The step that was made does not hold: this machine computes wrongly.
    #[error("the step that was made does not hold: {0}; this machine may be faulty")]
    Faulty(RecordError),
    /// The keys cannot be written down.
    #[error("the keys: {0}")]
    Keys(String),
}
