//! Records that a file proves, read by the code that reads the ledger's state.

use std::collections::BTreeMap;

use tacit_finality::{Claim, Evidence, ValueProof};
use tacit_ledger::kernel::{Missing, StateKey, StateView};

/// The proven records. What is not among them is missing: its absence is not proven.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProvenRecords(BTreeMap<Vec<u8>, Vec<u8>>);

impl ProvenRecords {
    /// The records that verified evidence proves; `None` where it proves something else.
    pub(crate) fn of(evidence: &Evidence) -> Option<Self> {
        let mut records = Self::default();
        records.add(evidence).then_some(records)
    }

    /// Adds those that verified evidence proves, and says whether it proves any.
    pub(crate) fn add(&mut self, evidence: &Evidence) -> bool {
        let values = match &evidence.claim {
            Claim::Values(values) => values.as_slice(),
            Claim::Value(value) => std::slice::from_ref(&**value),
            Claim::Block | Claim::Result(_) => return false,
        };
        let record = |value: &ValueProof| (value.key.to_vec(), value.value.to_vec());
        self.0.extend(values.iter().map(record));
        true
    }
}

impl StateView for ProvenRecords {
    fn get(&self, key: &StateKey) -> Result<Option<Vec<u8>>, Missing> {
        let value = self.0.get(key.as_bytes()).cloned();
        value.map(Some).ok_or_else(|| Missing::one(key.clone()))
    }
}

/// The name of the first record that is not proven.
pub(crate) fn first_missing(missing: Missing) -> String {
    let first = missing.into_keys().into_iter().next();
    first.map(|key| key.to_string()).unwrap_or_default()
}
