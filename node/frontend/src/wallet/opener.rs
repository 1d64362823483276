//! Opens amounts that are sealed to a key.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tacit_circuits::quota::{Ciphertext, QuotaKey, ValueTable};
use tokio::sync::OnceCell;

use crate::compute::compute;

/// Bound of what is searched for: no sum of a ledger's amounts that waits exceeds it.
const BOUND: u64 = 1 << 48;

/// Amounts that are remembered. When there are more, all are forgotten, and searched for once.
const MAX_KNOWN: usize = 4_096;

/// A key, and what it opened before. Clones share it.
#[derive(Clone)]
pub struct Opener(Arc<Inner>);

struct Inner {
    key: QuotaKey,
    known: Mutex<HashMap<Vec<u8>, u64>>,
}

impl fmt::Debug for Opener {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Opener(<redacted>)")
    }
}

impl Opener {
    /// With a party's key.
    #[must_use]
    pub fn new(key: QuotaKey) -> Self {
        Self(Arc::new(Inner {
            key,
            known: Mutex::default(),
        }))
    }

    /// Makes the table with which amounts are searched for, so that the first one does not wait for it.
    pub(crate) async fn prepare() {
        table().await;
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> &QuotaKey {
        &self.0.key
    }

    /// What a ciphertext holds, in minor units; `None` where it is not sealed to this key, or holds more than
    /// 48 bits. A search, whose time grows with the value, away from the threads that serve.
    pub async fn open(&self, ciphertext: Ciphertext<1>) -> Option<u64> {
        if ciphertext == Ciphertext::zero() {
            return Some(0);
        }
        let name = ciphertext.to_vec();
        if let Some(value) = self.known().get(&name) {
            return Some(*value);
        }
        let table = table().await;
        let opener = self.clone();
        let value = compute(move || table.open_vartime(&opener.0.key, &ciphertext, BOUND)).await?;
        self.remember(name, value);
        Some(value)
    }

    /// Notes what a ciphertext holds, so that it need not be searched for.
    pub(crate) fn note(&self, ciphertext: Ciphertext<1>, value: u64) {
        self.remember(ciphertext.to_vec(), value);
    }

    fn remember(&self, name: Vec<u8>, value: u64) {
        let mut known = self.known();
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        known.insert(name, value);
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Vec<u8>, u64>> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The table, which is the same for every key. It is made outside of the pool's locks: a thread of the pool that
/// waits for it could be the one that makes it.
async fn table() -> Arc<ValueTable> {
    static TABLE: OnceCell<Arc<ValueTable>> = OnceCell::const_new();
    let make = || compute(|| Arc::new(ValueTable::new()));
    TABLE.get_or_init(make).await.clone()
}
