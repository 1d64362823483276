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

#[cfg(test)]
mod tests {
    use super::*;
    use tacit_ledger::kernel::Digest;

    fn id(number: usize) -> TxId {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&(number as u64).to_be_bytes());
        TxId(Digest(bytes))
    }

    #[test]
    fn the_oldest_ids_are_forgotten_first_and_never_more_than_the_bound_are_kept() {
        let mut checked = Checked::default();
        for number in 0..MAX_CHECKED + 10 {
            checked.insert(id(number));
        }
        assert!(!checked.contains(&id(9)));
        assert!(checked.contains(&id(10)));
        assert_eq!(checked.ids.len(), MAX_CHECKED);
        assert_eq!(checked.order.len(), MAX_CHECKED);
    }

    #[test]
    fn an_id_that_comes_twice_takes_one_place() {
        let mut checked = Checked::default();
        checked.insert(id(1));
        checked.insert(id(1));
        assert_eq!(checked.order.len(), 1);
    }
}
