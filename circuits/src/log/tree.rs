//! The whole log, for paths.

use borsh::{BorshDeserialize, BorshSerialize};

use super::{LOG_DEPTH, LogFull, MAX_LOG_LEAVES};
use crate::curve::Field;
use crate::merkle::{Merkle, Path};

/// Every node of the log: 43 bytes per call.
#[derive(Clone)]
pub struct LogTree {
    nodes: Merkle<LOG_DEPTH>,
}

impl LogTree {
    /// A log over these leaves.
    ///
    /// # Errors
    /// [`LogFull`] where they do not all fit.
    pub fn new(leaves: Vec<Field>) -> Result<Self, LogFull> {
        if leaves.len() as u64 > MAX_LOG_LEAVES {
            return Err(LogFull);
        }
        Ok(Self {
            nodes: Merkle::new(leaves),
        })
    }

    /// Appends leaves in order and returns the slot of the first.
    ///
    /// # Errors
    /// [`LogFull`] where they do not all fit; then nothing is appended.
    pub fn append(&mut self, leaves: &[Field]) -> Result<u64, LogFull> {
        let first = self.nodes.len();
        if leaves.len() as u64 > MAX_LOG_LEAVES - first as u64 {
            return Err(LogFull);
        }
        let placed: Vec<(usize, Field)> = (first..).zip(leaves.iter().copied()).collect();
        self.nodes.write(&placed);
        Ok(first as u64)
    }

    /// Leaves so far.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.nodes.len() as u64
    }

    /// Whether no call was logged yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.len() == 0
    }

    /// The root over all leaves, with empty slots to the right of them.
    #[must_use]
    pub fn root(&self) -> Field {
        self.nodes.root()
    }

    /// The path of a leaf that is there.
    #[must_use]
    pub fn path(&self, index: u64) -> Option<LogPath> {
        (index < self.len()).then(|| LogPath(self.nodes.path(index as usize)))
    }
}

/// From a call's leaf to a root of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct LogPath(Path<LOG_DEPTH>);

/// The leaf is not at this place under this root. Whoever sent the path is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the path does not lead from this leaf to this root of the log")]
pub struct NotInLog;

impl LogPath {
    pub(crate) fn path(&self) -> &Path<LOG_DEPTH> {
        &self.0
    }

    /// The slot of the leaf.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.0.index()
    }

    /// Checks that the leaf is under the root.
    ///
    /// # Errors
    /// [`NotInLog`].
    pub fn verify(&self, root: &Field, leaf: &Field) -> Result<(), NotInLog> {
        if self.0.root(*leaf) == *root {
            Ok(())
        } else {
            Err(NotInLog)
        }
    }
}
