//! What is known about executed blocks that are not final yet.

use crate::transaction::Transaction;
use commonware_consensus::types::Height;
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};
use tacit_finality::Digest;
use tacit_ledger::kernel::{BlockResult, TxId};

/// An executed block that is not final yet.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) height: Height,
    pub(crate) parent: Digest,
    pub(crate) transactions: Vec<Arc<Transaction>>,
    pub(crate) results: Arc<Vec<BlockResult>>,
}

/// Executed blocks above the finalized height, by hash.
///
/// There are as many as there are proposals in views that are not decided, so consensus bounds them.
#[derive(Debug, Default)]
pub(crate) struct Speculation(HashMap<Digest, Candidate>);

impl Speculation {
    /// Remembers an executed block.
    pub(crate) fn insert(&mut self, block: Digest, candidate: Candidate) {
        self.0.insert(block, candidate);
    }

    /// The transactions of `block` and of its ancestors that are not final.
    pub(crate) fn in_flight(&self, mut block: Digest) -> HashSet<TxId> {
        let mut ids = HashSet::new();
        while let Some(candidate) = self.0.get(&block) {
            ids.extend(
                candidate
                    .transactions
                    .iter()
                    .map(|transaction| transaction.id),
            );
            block = candidate.parent;
        }
        ids
    }

    /// Takes `block`, which became final, and forgets all blocks up to its height.
    pub(crate) fn finalize(&mut self, block: &Digest, height: Height) -> Option<Candidate> {
        let candidate = self.0.remove(block);
        self.0.retain(|_, other| other.height > height);
        candidate
    }
}
