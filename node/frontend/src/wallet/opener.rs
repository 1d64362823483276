//! Opens amounts that are sealed to a party's keys: the present one, and those that it gave up.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use tacit_circuits::quota::{AMOUNT_BOUND, Ciphertext, QuotaKey, QuotaPublicKey, ValueTable};
use tokio::sync::OnceCell;

use crate::compute::compute;

/// Bound of what is searched for: no sum of a ledger's amounts that waits exceeds it.
const BOUND: u64 = 1 << 48;

/// Amounts that are remembered. When there are more, all are forgotten, and searched for once.
const MAX_KNOWN: usize = 4_096;

/// Keys, and what they opened before. Clones share it.
#[derive(Clone)]
pub struct Opener(Arc<Inner>);

struct Inner {
    /// By generation; the last is the present one. Never empty.
    keys: RwLock<Vec<QuotaKey>>,
    known: Mutex<HashMap<Name, u64>>,
}

/// The key, and the ciphertext that it opens.
type Name = (QuotaPublicKey, Vec<u8>);

impl fmt::Debug for Opener {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Opener(<redacted>)")
    }
}

impl Opener {
    /// With the only key that a party ever had.
    #[must_use]
    pub fn new(key: QuotaKey) -> Self {
        Self::of_generations(vec![key])
    }

    /// With a party's keys by generation, of which there is one at least.
    pub(crate) fn of_generations(keys: Vec<QuotaKey>) -> Self {
        Self(Arc::new(Inner {
            keys: RwLock::new(keys),
            known: Mutex::default(),
        }))
    }

    /// Goes on with other keys, whose last is the present one from now on.
    pub(crate) fn replace(&self, keys: Vec<QuotaKey>) {
        *self.0.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    /// Makes the table with which amounts are searched for, so that the first one does not wait for it.
    pub(crate) async fn prepare() {
        table().await;
    }

    /// The present key.
    #[must_use]
    pub fn key(&self) -> QuotaKey {
        self.keys().pop().expect("there is one key at least")
    }

    /// All keys, by generation.
    #[must_use]
    pub fn keys(&self) -> Vec<QuotaKey> {
        let keys = self.0.keys.read();
        keys.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What a ciphertext holds, in minor units; `None` where it is not sealed to the present key, or holds more
    /// than 48 bits. A search, whose time grows with the value, away from the threads that serve.
    pub async fn open(&self, ciphertext: Ciphertext<1>) -> Option<u64> {
        self.search(self.key(), ciphertext, BOUND).await
    }

    /// The same with the key of a generation.
    pub async fn open_by(&self, generation: u32, ciphertext: Ciphertext<1>) -> Option<u64> {
        let key = self.keys().get(usize::try_from(generation).ok()?).cloned();
        self.search(key?, ciphertext, BOUND).await
    }

    /// What a ciphertext holds that is sealed to `key`, if that is one of these, with the key's generation.
    pub async fn open_of(
        &self,
        key: &QuotaPublicKey,
        ciphertext: Ciphertext<1>,
    ) -> Option<(QuotaKey, u64)> {
        let keys = self.keys().into_iter();
        let key = keys.rev().find(|one| one.public() == *key)?;
        let value = self.search(key.clone(), ciphertext, BOUND).await?;
        Some((key, value))
    }

    /// What one amount holds that is sealed to any of the keys, with that key.
    pub async fn open_amount(&self, ciphertext: Ciphertext<1>) -> Option<(QuotaKey, u64)> {
        for key in self.keys().into_iter().rev() {
            // A search with another key goes through all amounts, some hundredths of a second.
            if let Some(value) = self.search(key.clone(), ciphertext, AMOUNT_BOUND).await {
                return Some((key, value));
            }
        }
        None
    }

    async fn search(&self, key: QuotaKey, ciphertext: Ciphertext<1>, bound: u64) -> Option<u64> {
        if ciphertext == Ciphertext::zero() {
            return Some(0);
        }
        let name = (key.public(), ciphertext.to_vec());
        if let Some(value) = self.known().get(&name) {
            return Some(*value);
        }
        let table = table().await;
        let value = compute(move || table.open_vartime(&key, &ciphertext, bound)).await?;
        self.remember(name, value);
        Some(value)
    }

    /// Notes what a ciphertext holds, so that it need not be searched for.
    pub(crate) fn note(&self, ciphertext: Ciphertext<1>, value: u64) {
        self.remember((self.key().public(), ciphertext.to_vec()), value);
    }

    fn remember(&self, name: Name, value: u64) {
        let mut known = self.known();
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        known.insert(name, value);
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Name, u64>> {
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
