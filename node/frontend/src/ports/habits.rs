//! Questions about state that are asked over and over.
//!
//! A question follows references: a list names its category, a session its querier. Each step costs a round
//! to the store, and a single screening waits for a dozen of them. What a question needed the last time is
//! mostly what it needs again; fetched at once, it costs one round, and the answer is of one block.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tacit_ledger::kernel::{Missing, StateKey, StateView, Supplied};

use super::ledger::{Ledger, LedgerError, MAX_READ_ROUNDS};

/// Questions that are remembered. When there are more, all are forgotten, and cost their rounds once.
const MAX_QUESTIONS: usize = 1_024;

/// Most keys that are fetched on suspicion: those of some hundred lists.
const MAX_KEYS: usize = 1_024;

/// What questions needed, by what tells them apart.
#[derive(Debug)]
pub(crate) struct Habits<Q>(Mutex<HashMap<Q, Vec<StateKey>>>);

impl<Q> Default for Habits<Q> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<Q: Eq + Hash> Habits<Q> {
    /// Answers a question about the latest state, as [`read`](super::read) does.
    pub(crate) async fn read<T>(
        &self,
        ledger: &dyn Ledger,
        name: Q,
        question: impl Fn(&dyn StateView) -> Result<T, Missing>,
    ) -> Result<T, LedgerError> {
        let mut known = Supplied::new();
        let expected = self.lock().get(&name).cloned().unwrap_or_default();
        let mut wanted = expected.clone();
        for _ in 0..=MAX_READ_ROUNDS {
            if !wanted.is_empty() {
                let values = ledger.get_many(&wanted).await?;
                for (key, value) in wanted.drain(..).zip(values) {
                    known.supply(key, value);
                }
            }
            let noted = Noted {
                known: &known,
                needed: RefCell::default(),
            };
            let answer = question(&noted);
            let needed = noted.needed.into_inner();
            match answer {
                Ok(answer) => {
                    self.note(name, &expected, needed);
                    return Ok(answer);
                }
                Err(missing) => wanted = missing.into_keys(),
            }
        }
        Err(LedgerError::ReadDidNotEnd)
    }

    fn note(&self, name: Q, expected: &[StateKey], needed: BTreeSet<StateKey>) {
        if needed.iter().eq(expected) || needed.len() > MAX_KEYS {
            return;
        }
        let mut questions = self.lock();
        if questions.len() >= MAX_QUESTIONS && !questions.contains_key(&name) {
            questions.clear();
        }
        questions.insert(name, needed.into_iter().collect());
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Q, Vec<StateKey>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Remembers what is asked of it.
struct Noted<'a> {
    known: &'a Supplied,
    needed: RefCell<BTreeSet<StateKey>>,
}

impl StateView for Noted<'_> {
    fn get(&self, key: &StateKey) -> Result<Option<Vec<u8>>, Missing> {
        self.needed.borrow_mut().insert(key.clone());
        self.known.get(key)
    }
}
