//! Trees that are kept in memory, so that a delta costs its own size and not the list's.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tacit_circuits::list::{IndexedTree, VersionId};

/// Trees of recently used lists, bounded by their entries. Clones share them.
///
/// A tree needs about 63 bytes an entry. One that is not here is rebuilt from its snapshot, at some
/// seconds per million entries.
#[derive(Clone, Debug)]
pub(crate) struct Trees {
    // Least recently used first; there are few.
    trees: Arc<Mutex<VecDeque<Arc<IndexedTree>>>>,
    max_entries: usize,
}

impl Trees {
    pub(crate) fn new(max_entries: usize) -> Self {
        Self {
            trees: Arc::default(),
            max_entries,
        }
    }

    /// Takes a tree out. Who changes it puts the changed one back; who fails does not. One that somebody
    /// reads meanwhile is copied.
    pub(crate) fn take(&self, id: VersionId) -> Option<IndexedTree> {
        let taken = {
            let mut trees = self.trees.lock().unwrap_or_else(PoisonError::into_inner);
            let place = trees.iter().position(|tree| tree.id() == id)?;
            trees.remove(place)?
        };
        Some(Arc::unwrap_or_clone(taken))
    }

    /// A tree, to be read.
    pub(crate) fn get(&self, id: VersionId) -> Option<Arc<IndexedTree>> {
        let mut trees = self.trees.lock().unwrap_or_else(PoisonError::into_inner);
        let place = trees.iter().position(|tree| tree.id() == id)?;
        let tree = trees.remove(place)?;
        trees.push_back(tree.clone());
        Some(tree)
    }

    /// Keeps a tree, in place of others of its list, as long as there is room.
    pub(crate) fn put(&self, tree: impl Into<Arc<IndexedTree>>) {
        let tree = tree.into();
        let mut trees = self.trees.lock().unwrap_or_else(PoisonError::into_inner);
        trees.retain(|kept| kept.id().list != tree.id().list);
        if tree.len() <= self.max_entries {
            trees.push_back(tree);
        }
        while trees.iter().map(|tree| tree.len()).sum::<usize>() > self.max_entries {
            trees.pop_front();
        }
    }
}
