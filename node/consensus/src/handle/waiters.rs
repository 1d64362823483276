//! Callers that wait for a transaction to become final.

use super::types::{FinalTransaction, SubmitError};
use commonware_utils::channel::oneshot;
use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};
use tacit_ledger::kernel::{BlockResult, TxId};

type Answer = oneshot::Sender<Result<FinalTransaction, SubmitError>>;

/// Who waits for what. Bounded by what callers of this node wait for at once.
#[derive(Default)]
pub(crate) struct Waiters(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    by_id: HashMap<TxId, Vec<Answer>>,
    by_expiry: BTreeSet<(u64, TxId)>,
}

impl Waiters {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a transaction that may stand in blocks up to `expiry_height`.
    pub(crate) fn wait(
        &self,
        id: TxId,
        expiry_height: u64,
    ) -> oneshot::Receiver<Result<FinalTransaction, SubmitError>> {
        let (answer, place) = oneshot::channel();
        let mut inner = self.lock();
        let answers = inner.by_id.entry(id).or_default();
        answers.retain(|answer| !answer.is_closed());
        answers.push(answer);
        inner.by_expiry.insert((expiry_height, id));
        place
    }

    /// Answers those who wait for a transaction of this block, or for one that expired with it.
    pub(crate) fn finalized(&self, height: u64, results: &[BlockResult]) {
        let mut inner = self.lock();
        if inner.by_id.is_empty() {
            return;
        }
        let transactions = results.iter().filter_map(|result| match result {
            BlockResult::Tx(result) => Some(result),
            BlockResult::Block { .. } => None,
        });
        for (index, result) in transactions.enumerate() {
            for answer in inner.by_id.remove(&result.tx_id).into_iter().flatten() {
                let index = index as u32;
                let _ = answer.send(Ok(FinalTransaction {
                    height,
                    index,
                    result: result.clone(),
                }));
            }
        }
        while let Some((expiry, id)) = inner.by_expiry.first().copied()
            && expiry <= height
        {
            inner.by_expiry.remove(&(expiry, id));
            for answer in inner.by_id.remove(&id).into_iter().flatten() {
                let _ = answer.send(Err(SubmitError::Expired));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tacit_ledger::kernel::{Digest, Outcome, TxResult};

    fn result(id: u8) -> TxResult {
        let tx_id = TxId(Digest([id; 32]));
        TxResult {
            tx_id,
            outcome: Outcome::Applied,
            events: Default::default(),
        }
    }

    #[test]
    fn who_waits_is_told_the_height_and_the_place_among_the_transactions() {
        let waiters = Waiters::default();
        let mut place = waiters.wait(result(2).tx_id, 100);
        let own = BlockResult::Block {
            height: 7,
            events: Default::default(),
        };
        waiters.finalized(
            7,
            &[own, BlockResult::Tx(result(1)), BlockResult::Tx(result(2))],
        );
        let expected = FinalTransaction {
            height: 7,
            index: 1,
            result: result(2),
        };
        assert_eq!(place.try_recv(), Ok(Ok(expected)));
    }

    #[test]
    fn who_waits_is_told_when_the_last_height_passed_without_the_transaction() {
        let waiters = Waiters::default();
        let mut place = waiters.wait(result(2).tx_id, 8);
        waiters.finalized(7, &[]);
        assert!(place.try_recv().is_err());
        waiters.finalized(8, &[]);
        assert_eq!(place.try_recv(), Ok(Err(SubmitError::Expired)));
        assert!(waiters.lock().by_id.is_empty());
        assert!(waiters.lock().by_expiry.is_empty());
    }
}
