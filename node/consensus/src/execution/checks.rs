//! Which transactions passed the checks that need no state.

use std::collections::{HashSet, VecDeque};
use tacit_ledger::kernel::TxId;

/// The most ids that are remembered: several full blocks and a full mempool, at 64 bytes each.
pub(crate) const MAX_CHECKED: usize = 131_072;

/// The newest transactions whose signatures and proofs hold.
///
/// A block's transactions usually came through the mempool before it, so validating the block
/// checks only the few that did not.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    ids: HashSet<TxId>,
    order: VecDeque<TxId>,
}

impl Checked {
    pub(crate) fn contains(&self, id: &TxId) -> bool {
        self.ids.contains(id)
    }

    pub(crate) fn insert(&mut self, id: TxId) {
        if !self.ids.insert(id) {
            return;
        }
        self.order.push_back(id);
        if self.order.len() > MAX_CHECKED
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
    }
}
