//! Reading state that may not be there yet.
//!
//! Execution is synchronous while the store is not. A view answers with a value, with its proven absence,
//! or with [`Missing`]: the keys that somebody has to fetch before the same call can be made again.

use borsh::{BorshDeserialize, BorshSerialize};
use std::collections::BTreeMap;
use std::fmt;

use crate::kernel::codec;
use crate::kernel::module::ModuleId;
use crate::kernel::reject::Reject;

/// Longest key of any table: prefix, and at most a digest with a few numbers.
pub const MAX_KEY_BYTES: usize = 64;

/// Room that a key starts with: prefix and two or three numbers.
const TYPICAL_KEY_BYTES: usize = 16;

/// Largest value under a key. The bounds of the record types keep every record below it, which a test
/// shows for the largest of each; stores may rely on it for their page and message sizes.
pub const MAX_VALUE_BYTES: usize = 32 * 1024;

/// One kind of record of one module. Its three bytes start every key of that kind, so the keys of two
/// tables never meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Table {
    /// Module that owns the records.
    pub module: ModuleId,
    /// Number of the table in its module.
    pub number: u8,
    /// Name, for people who look at a store.
    pub name: &'static str,
}

impl Table {
    /// The prefix of the table's keys: module (16 bits, big-endian), number (8 bits).
    pub const fn prefix(&self) -> [u8; 3] {
        let module = self.module.0.to_be_bytes();
        [module[0], module[1], self.number]
    }

    /// Starts a key of this table. Called only in the `keys.rs` of the module that owns it.
    pub fn key(&self) -> StateKey {
        let mut key = Vec::with_capacity(TYPICAL_KEY_BYTES);
        key.extend_from_slice(&self.prefix());
        StateKey(key)
    }
}

/// Key of one record: a table's prefix, then fixed-width big-endian parts, so that byte order is number
/// order. Made only in each module's `keys.rs`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct StateKey(Vec<u8>);

impl StateKey {
    /// The key's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Appends a number of 16 bits.
    #[must_use]
    pub fn u16(self, part: u16) -> Self {
        self.raw(&part.to_be_bytes())
    }

    /// Appends a number of 32 bits.
    #[must_use]
    pub fn u32(self, part: u32) -> Self {
        self.raw(&part.to_be_bytes())
    }

    /// Appends a number of 64 bits.
    #[must_use]
    pub fn u64(self, part: u64) -> Self {
        self.raw(&part.to_be_bytes())
    }

    /// Appends a digest or an encoded key.
    #[must_use]
    pub fn digest(self, part: &[u8; 32]) -> Self {
        self.raw(part)
    }

    fn raw(mut self, part: &[u8]) -> Self {
        self.0.extend_from_slice(part);
        debug_assert!(self.0.len() <= MAX_KEY_BYTES);
        self
    }
}

impl fmt::Display for StateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

impl fmt::Debug for StateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StateKey({self})")
    }
}

/// Keys that were read and are neither known nor known to be absent. Never empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} keys have to be fetched before this can be answered", .0.len())]
pub struct Missing(Vec<StateKey>);

impl Missing {
    /// One key is missing.
    pub fn one(key: StateKey) -> Self {
        Self(vec![key])
    }

    /// These keys and those of `other`.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// The keys to fetch.
    pub fn keys(&self) -> &[StateKey] {
        &self.0
    }

    /// The keys to fetch, by value.
    pub fn into_keys(self) -> Vec<StateKey> {
        self.0
    }
}

/// State as of some block.
pub trait StateView {
    /// The record under `key`, `None` when it is known that there is none.
    fn get(&self, key: &StateKey) -> Result<Option<Vec<u8>>, Missing>;
}

/// An answer that depends on state: it may be missing state, or be a refusal, or a value.
pub type Checked<T> = Result<Result<T, Reject>, Missing>;

/// Changes of a block: a value to put, or `None` to remove.
pub type Writes = BTreeMap<StateKey, Option<Vec<u8>>>;

/// Reads and decodes one record.
///
/// # Panics
/// If the record does not decode: it was written by this crate, so the store is damaged, and a machine
/// that goes on would leave the others' state.
pub fn read<T: BorshDeserialize>(
    view: &dyn StateView,
    key: &StateKey,
) -> Result<Option<T>, Missing> {
    Ok(view.get(key)?.map(|bytes| decode_record(key, &bytes)))
}

/// Reads and decodes several records, or reports *all* keys that are missing, so that they are fetched
/// at once.
///
/// # Panics
/// As [`read`].
pub fn read_all<T: BorshDeserialize>(
    view: &dyn StateView,
    keys: &[StateKey],
) -> Result<Vec<Option<T>>, Missing> {
    let mut records = Vec::with_capacity(keys.len());
    let mut missing = Vec::new();
    for key in keys {
        match view.get(key) {
            Ok(bytes) => records.push(bytes.map(|bytes| decode_record(key, &bytes))),
            Err(more) => missing.extend(more.into_keys()),
        }
    }
    if missing.is_empty() {
        Ok(records)
    } else {
        Err(Missing(missing))
    }
}

/// Finds out which of these records, of whatever types, are missing, so that they are fetched at once.
pub fn expect(view: &dyn StateView, keys: &[StateKey]) -> Result<(), Missing> {
    let missing = keys.iter().filter_map(|key| view.get(key).err());
    missing.reduce(Missing::and).map_or(Ok(()), Err)
}

fn decode_record<T: BorshDeserialize>(key: &StateKey, bytes: &[u8]) -> T {
    match codec::decode(bytes) {
        Ok(record) => record,
        Err(error) => panic!(
            "the record under key {key} does not decode ({error}): the store is damaged; \
             restore it from a backup or let the node sync afresh"
        ),
    }
}

/// What has been fetched so far. Everything else is missing.
#[derive(Clone, Debug, Default)]
pub struct Supplied(BTreeMap<StateKey, Option<Vec<u8>>>);

impl Supplied {
    /// Nothing fetched.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a fetched record, or its absence. The first answer for a key stays.
    pub fn supply(&mut self, key: StateKey, value: Option<Vec<u8>>) {
        self.0.entry(key).or_insert(value);
    }

    /// Whether the key needs no fetching.
    pub fn knows(&self, key: &StateKey) -> bool {
        self.0.contains_key(key)
    }
}

impl StateView for Supplied {
    fn get(&self, key: &StateKey) -> Result<Option<Vec<u8>>, Missing> {
        self.0
            .get(key)
            .cloned()
            .ok_or_else(|| Missing::one(key.clone()))
    }
}

/// A whole state in memory: what is not there is absent.
impl StateView for BTreeMap<StateKey, Vec<u8>> {
    fn get(&self, key: &StateKey) -> Result<Option<Vec<u8>>, Missing> {
        Ok(BTreeMap::get(self, key).cloned())
    }
}
