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

/// How one row stands. It is complete when each list that takes its type has answered: what nobody said
/// anything about is not clear.
#[derive(Clone, Copy, Debug, Default)]
struct RowState {
    lists: usize,
    answered: usize,
    hit: bool,
}

impl RowState {
    fn is_complete(self) -> bool {
        self.lists > 0 && self.answered == self.lists
    }
}

impl Tally {
    /// Rows by their numbers, each with how many lists take it.
    pub(super) fn chunk(&self, rows: impl Iterator<Item = (u64, usize)>) -> Arc<Chunk> {
        let mut states = BTreeMap::<u64, RowState>::new();
        for (row, lists) in rows {
            // A number that the caller gave twice is answered twice.
            states.entry(row).or_default().lists += lists;
        }
        Arc::new(Chunk {
            tally: self.clone(),
            rows: Mutex::new(states),
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
                    state.answered += 1;
                    state.hit |= answer.answer == Answer::Hit;
                }
                totals.cost_minor += cost_minor;
                counts.summary.calls += answered.len() as u64;
                counts.summary.cost_minor += cost_minor;
            }
            Err((_, unanswered)) => {
                totals.unreachable += unanswered.len() as u64;
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
            counts.summary.rows_incomplete += u64::from(!state.is_complete());
            counts.summary.rows_clear += u64::from(state.is_complete() && !state.hit);
        }
    }
}

#[cfg(test)]
mod tests {
    use tacit_circuits::scope::{ListVersion, MemberId};
    use tacit_ledger::network::SessionId;

    use super::*;
    use crate::screening::answer::{RowAnswer, Unreachable};

    fn said(list: u32, rows: &[(u64, Answer)]) -> ListAnswers {
        let row = |(row, answer): &(u64, Answer)| RowAnswer {
            row: *row,
            index: 0,
            answer: *answer,
        };
        ListAnswers {
            list: ListId(list),
            provider: MemberId(1),
            outcome: Ok(Batch {
                version: ListVersion(0),
                session: SessionId(1),
                sequence: 0,
                cost_minor: 0,
                rows: rows.iter().map(row).collect(),
            }),
        }
    }

    #[test]
    fn a_row_is_clear_only_when_every_list_that_takes_it_says_so() {
        let tally = Tally::default();
        // Two lists take each of these rows, and none takes the last.
        let chunk = tally.chunk((0..5).map(|row| (row, if row < 4 { 2 } else { 0 })));
        let (hit, clear) = (Answer::Hit, Answer::Clear);
        chunk.count(&said(1, &[(0, clear), (1, clear), (2, hit), (3, clear)]));
        // The second list is silent about row 1 and row 2, and cannot be asked about row 3.
        chunk.count(&said(2, &[(0, clear)]));
        let unreachable = ListAnswers {
            outcome: Err((Unreachable::NoCopy, vec![3])),
            ..said(2, &[])
        };
        chunk.count(&unreachable);
        drop(chunk);
        let summary = tally.summary();
        assert_eq!((summary.rows_clear, summary.rows_hit), (1, 1));
        assert_eq!(summary.rows_incomplete, 4);
    }
}
