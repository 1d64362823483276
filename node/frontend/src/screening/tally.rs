//! Counts a screening's answers as they come.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tacit_circuits::scope::ListId;

use super::answer::{Answer, Batch, ListAnswers, ListTotals, Summary};

/// The counts of one screening. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally(Arc<Mutex<Counts>>);

#[derive(Debug, Default)]
struct Counts {
    summary: Summary,
    committed_minor: u64,
    lists: BTreeMap<ListId, ListTotals>,
}

/// Rows that go to several lists together: their answers are counted per row when all lists have spoken.
/// Memory is bounded by the batches that are under way.
#[derive(Debug)]
pub(super) struct Chunk {
    tally: Tally,
    rows: Mutex<BTreeMap<u64, RowState>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct RowState {
    hit: bool,
    incomplete: bool,
}

impl Tally {
    pub(super) fn chunk(&self, rows: impl Iterator<Item = u64>) -> Arc<Chunk> {
        let rows = rows.map(|row| (row, RowState::default())).collect();
        Arc::new(Chunk {
            tally: self.clone(),
            rows: Mutex::new(rows),
        })
    }

    pub(super) fn read(&self, rows: u64, malformed: u64) {
        let mut counts = self.lock();
        counts.summary.rows += rows;
        counts.summary.rows_malformed += malformed;
    }

    /// Sets a cost aside, and says what is set aside in all.
    pub(super) fn commit(&self, cost_minor: u64) -> u64 {
        let mut counts = self.lock();
        counts.committed_minor = counts.committed_minor.saturating_add(cost_minor);
        counts.committed_minor
    }

    /// Gives back what was set aside.
    pub(super) fn uncommit(&self, cost_minor: u64) {
        let mut counts = self.lock();
        counts.committed_minor = counts.committed_minor.saturating_sub(cost_minor);
    }

    pub(super) fn summary(&self) -> Summary {
        let counts = self.lock();
        let lists = counts
            .lists
            .iter()
            .map(|(list, totals)| (*list, *totals))
            .collect();
        Summary {
            lists,
            ..counts.summary.clone()
        }
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Chunk {
    /// Counts what one list says.
    pub(super) fn count(&self, answers: &ListAnswers) {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let mut counts = self.tally.lock();
        let totals = counts.lists.entry(answers.list).or_default();
        match &answers.outcome {
            Ok(Batch {
                rows: answered,
                cost_minor,
                ..
            }) => {
                for answer in answered {
                    match answer.answer {
                        Answer::Hit => totals.hits += 1,
                        Answer::Clear => totals.clears += 1,
                    }
                    let state = rows.entry(answer.row).or_default();
                    state.hit |= answer.answer == Answer::Hit;
                }
                totals.cost_minor += cost_minor;
                counts.summary.calls += answered.len() as u64;
                counts.summary.cost_minor += cost_minor;
            }
            Err((_, unanswered)) => {
                totals.unreachable += unanswered.len() as u64;
                for row in unanswered {
                    rows.entry(*row).or_default().incomplete = true;
                }
            }
        }
    }
}

impl Drop for Chunk {
    /// The last list has spoken.
    fn drop(&mut self) {
        let rows = self.rows.get_mut().unwrap_or_else(PoisonError::into_inner);
        let mut counts = self.tally.lock();
        for state in rows.values() {
            counts.summary.rows_hit += u64::from(state.hit);
            counts.summary.rows_incomplete += u64::from(state.incomplete);
            counts.summary.rows_clear += u64::from(!state.hit && !state.incomplete);
        }
    }
}
