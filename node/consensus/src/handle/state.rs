//! Reads several keys of one state.

use super::{Query, types::LedgerError};
use commonware_utils::channel::{mpsc, oneshot};
use std::collections::BTreeMap;
use tacit_ledger::kernel::{Missing, StateKey, StateView};

/// Reads records of the newest finalized state through the ledger's own functions.
#[derive(Clone)]
pub struct StateReader {
    queries: mpsc::Sender<Query>,
}

impl StateReader {
    pub(crate) fn new(queries: mpsc::Sender<Query>) -> Self {
        Self { queries }
    }

    /// Calls `read` with a view until it misses no key, and returns what it returns.
    ///
    /// All keys are of one state: each fetch asks for all of them again.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Stopped`] if the node stops.
    pub async fn read<T>(
        &self,
        read: impl Fn(&dyn StateView) -> Result<T, Missing>,
    ) -> Result<T, LedgerError> {
        let mut known = Known::default();
        loop {
            let keys = match read(&known) {
                Ok(value) => return Ok(value),
                Err(missing) => missing.into_keys(),
            };
            // Known keys are asked for again, so that all values stay those of one height.
            let mut wanted: Vec<StateKey> = known.0.keys().cloned().collect();
            wanted.extend(keys);
            let (reply, answer) = oneshot::channel();
            let query = Query::GetMany {
                keys: wanted.clone(),
                reply,
            };
            self.queries
                .send(query)
                .await
                .map_err(|_| LedgerError::Stopped)?;
            let (_, values) = answer.await.map_err(|_| LedgerError::Stopped)?;
            known = Known(wanted.into_iter().zip(values).collect());
        }
    }
}

/// What was fetched; anything else is missing.
#[derive(Default)]
struct Known(BTreeMap<StateKey, Option<Vec<u8>>>);

impl StateView for Known {
    fn get(&self, key: &StateKey) -> Result<Option<Vec<u8>>, Missing> {
        self.0
            .get(key)
            .cloned()
            .ok_or_else(|| Missing::one(key.clone()))
    }
}
