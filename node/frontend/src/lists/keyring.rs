//! The keys of this member's lists, open and ready for evaluation.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use tacit_circuits::oprf::ListKey;
use tacit_circuits::scope::{ListId, TagEpoch};

type Keys = HashMap<(ListId, TagEpoch), Arc<ListKey>>;

/// Keys by list and tag epoch. Clones share them. A key leaves it when it is destroyed.
#[derive(Clone, Default)]
pub(crate) struct KeyRing(Arc<RwLock<Keys>>);

impl KeyRing {
    pub(crate) fn key(&self, list: ListId, tag_epoch: TagEpoch) -> Option<Arc<ListKey>> {
        let keys = self.0.read().unwrap_or_else(PoisonError::into_inner);
        keys.get(&(list, tag_epoch)).cloned()
    }

    pub(crate) fn insert(&self, list: ListId, tag_epoch: TagEpoch, key: ListKey) {
        let mut keys = self.0.write().unwrap_or_else(PoisonError::into_inner);
        keys.insert((list, tag_epoch), Arc::new(key));
    }

    pub(crate) fn remove(&self, list: ListId, tag_epoch: TagEpoch) {
        let mut keys = self.0.write().unwrap_or_else(PoisonError::into_inner);
        keys.remove(&(list, tag_epoch));
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("KeyRing(<redacted>)")
    }
}
