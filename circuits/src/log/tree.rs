//! The log in memory, for paths.

use borsh::{BorshDeserialize, BorshSerialize};

use super::nodes::{CompleteNodes, path_at};
use super::{LOG_DEPTH, LogFrontier, LogFull};
use crate::curve::Field;
use crate::merkle::Path;

/// Every complete subtree of the log from some length on: 43 bytes per call.
#[derive(Clone)]
pub struct LogTree {
    frontier: LogFrontier,
    /// At each height the complete subtrees, from `first` on.
    levels: Vec<Vec<Field>>,
    first: [u64; LOG_DEPTH + 1],
}

impl LogTree {
    /// A log over these leaves.
    ///
    /// # Errors
    /// [`LogFull`] where they do not all fit.
    pub fn new(leaves: Vec<Field>) -> Result<Self, LogFull> {
        let mut tree = Self::from_frontier(LogFrontier::new());
        tree.append(&leaves)?;
        Ok(tree)
    }

    /// A log of which only the right edge is known: it has the paths of the leaves that are appended.
    #[must_use]
    pub fn from_frontier(frontier: LogFrontier) -> Self {
        let mut levels = vec![Vec::new(); LOG_DEPTH + 1];
        let mut first = [0; LOG_DEPTH + 1];
        for (height, level) in levels.iter_mut().enumerate() {
            let (from, pending) = frontier.pending(height);
            first[height] = from;
            level.extend_from_slice(pending);
        }
        Self {
            frontier,
            levels,
            first,
        }
    }

    /// Appends leaves in order and returns the slot of the first.
    ///
    /// # Errors
    /// [`LogFull`] where they do not all fit; then nothing is appended.
    pub fn append(&mut self, leaves: &[Field]) -> Result<u64, LogFull> {
        let levels = &mut self.levels;
        self.frontier.append_noting(leaves, &mut |height, nodes| {
            levels[height].extend_from_slice(nodes);
        })
    }

    /// Leaves so far.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.frontier.len()
    }

    /// Whether no call was logged yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.frontier.is_empty()
    }

    /// The root over all leaves, with empty slots to the right of them.
    #[must_use]
    pub fn root(&self) -> Field {
        self.frontier.root()
    }

    /// The path of a leaf that is there.
    #[must_use]
    pub fn path(&self, index: u64) -> Option<LogPath> {
        path_at(self, self.len(), index)
    }
}

impl CompleteNodes for LogTree {
    fn node(&self, height: usize, index: u64) -> Option<Field> {
        let place = index.checked_sub(*self.first.get(height)?)?;
        self.levels[height]
            .get(usize::try_from(place).ok()?)
            .copied()
    }
}

/// From a call's leaf to a root of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct LogPath(pub(super) Path<LOG_DEPTH>);

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
