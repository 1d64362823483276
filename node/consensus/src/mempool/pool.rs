//! What waits for a block, within bounds.

use crate::transaction::Transaction;
use futures::channel::oneshot;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tacit_ledger::kernel::{MemberId, Reject, TxId};

/// The most bytes of waiting transactions: thirty full blocks. A node that falls behind further
/// gains nothing from remembering more.
pub const MAX_POOL_BYTES: usize = 64 * 1024 * 1024;
/// The most bytes of waiting transactions of one sender, so that one flooding member leaves room for
/// the others.
pub const MAX_POOL_BYTES_PER_SENDER: usize = 16 * 1024 * 1024;
/// The most waiting transactions of one sender.
pub const MAX_POOL_TRANSACTIONS_PER_SENDER: usize = 16_384;

/// Why the pool takes no transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PoolRefusal {
    /// It waits already.
    Known,
    /// Another transaction of the sender waits under the same sequence number.
    SequenceTaken,
    /// The sender's share is full.
    SenderFull,
    /// The pool is full.
    Full,
    /// Its expiry height has passed.
    Expired,
}

/// Waiting transactions. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Pool(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    senders: BTreeMap<MemberId, Queue>,
    ids: HashMap<TxId, (MemberId, u64)>,
    /// The last height at which each transaction may stand in a block.
    expiries: BTreeSet<(u64, TxId)>,
    bytes: usize,
    height: u64,
    /// Who is served first in the next block, so that none is always last.
    turn: Option<MemberId>,
    waiters: Vec<oneshot::Sender<()>>,
}

#[derive(Default)]
struct Queue {
    by_sequence: BTreeMap<u64, Arc<Transaction>>,
    bytes: usize,
}

impl Pool {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a checked transaction.
    pub(crate) fn insert(&self, transaction: Arc<Transaction>) -> Result<(), PoolRefusal> {
        self.lock().insert(transaction)
    }

    /// Whether the transaction waits.
    pub(crate) fn contains(&self, id: &TxId) -> bool {
        self.lock().ids.contains_key(id)
    }

    /// Those of these transactions that wait.
    pub(crate) fn find(&self, ids: &[TxId]) -> Vec<Option<Arc<Transaction>>> {
        let inner = self.lock();
        let find = |id: &TxId| {
            let (sender, sequence) = inner.ids.get(id)?;
            inner
                .senders
                .get(sender)?
                .by_sequence
                .get(sequence)
                .cloned()
        };
        ids.iter().map(find).collect()
    }

    /// Why the pool would not take each of these transactions now, if it would not.
    pub(crate) fn refusals(&self, transactions: &[Transaction]) -> Vec<Option<PoolRefusal>> {
        let inner = self.lock();
        let refusal = |transaction| inner.admits(transaction).err();
        transactions.iter().map(refusal).collect()
    }

    /// Number and bytes of waiting transactions.
    pub(crate) fn load(&self) -> (usize, usize) {
        let inner = self.lock();
        (inner.ids.len(), inner.bytes)
    }

    /// Resolves when a transaction waits: at once if one does already.
    pub(crate) async fn arrival(&self) {
        let arrived = {
            let mut inner = self.lock();
            if !inner.ids.is_empty() {
                return;
            }
            inner.waiters.retain(|waiter| !waiter.is_canceled());
            let (notify, arrived) = oneshot::channel();
            inner.waiters.push(notify);
            arrived
        };
        let _ = arrived.await;
    }

    /// Picks transactions for a block at `height`: senders in turn, each sender's in ascending
    /// sequence, none of those `in_flight`, within both bounds.
    pub(crate) fn select(
        &self,
        in_flight: &HashSet<TxId>,
        height: u64,
        max_transactions: usize,
        max_bytes: usize,
    ) -> Vec<Arc<Transaction>> {
        self.lock()
            .select(in_flight, height, max_transactions, max_bytes)
    }

    /// Drops those of the left-out transactions that will never fit.
    pub(crate) fn evict_left_out(&self, left_out: &[(Arc<Transaction>, Reject)]) {
        let mut inner = self.lock();
        for (transaction, reject) in left_out {
            if !reject.transient() {
                inner.remove(&transaction.id);
            }
        }
    }

    /// Drops what a finalized block contains, what it overtook, and what expired with it.
    pub(crate) fn finalized(&self, transactions: &[Arc<Transaction>], height: u64) {
        let mut last: BTreeMap<MemberId, u64> = BTreeMap::new();
        for transaction in transactions {
            let (sender, sequence) = (transaction.envelope.sender, transaction.envelope.sequence);
            let last = last.entry(sender).or_insert(sequence);
            *last = sequence.max(*last);
        }
        let mut inner = self.lock();
        inner.height = height;
        for (sender, sequence) in last {
            inner.remove_through(sender, sequence);
        }
        inner.expire();
    }

    /// Up to `max_bytes` of waiting transactions of which `ours` is true, for telling peers again.
    pub(crate) fn sample(
        &self,
        max_bytes: usize,
        ours: impl Fn(&TxId) -> bool,
    ) -> Vec<Arc<Transaction>> {
        let inner = self.lock();
        let mut room = max_bytes;
        let mut sample = Vec::new();
        for transaction in inner
            .senders
            .values()
            .flat_map(|queue| queue.by_sequence.values())
        {
            if !ours(&transaction.id) {
                continue;
            }
            let Some(rest) = room.checked_sub(transaction.bytes.len()) else {
                break;
            };
            room = rest;
            sample.push(transaction.clone());
        }
        sample
    }
}

impl Inner {
    /// Whether there is a place for the transaction.
    fn admits(&self, transaction: &Transaction) -> Result<(), PoolRefusal> {
        if self.ids.contains_key(&transaction.id) {
            return Err(PoolRefusal::Known);
        }
        if transaction.envelope.expiry_height <= self.height {
            return Err(PoolRefusal::Expired);
        }
        let size = transaction.bytes.len();
        if self.bytes + size > MAX_POOL_BYTES {
            return Err(PoolRefusal::Full);
        }
        let Some(queue) = self.senders.get(&transaction.envelope.sender) else {
            return Ok(());
        };
        if queue
            .by_sequence
            .contains_key(&transaction.envelope.sequence)
        {
            return Err(PoolRefusal::SequenceTaken);
        }
        if queue.by_sequence.len() >= MAX_POOL_TRANSACTIONS_PER_SENDER
            || queue.bytes + size > MAX_POOL_BYTES_PER_SENDER
        {
            return Err(PoolRefusal::SenderFull);
        }
        Ok(())
    }

    fn insert(&mut self, transaction: Arc<Transaction>) -> Result<(), PoolRefusal> {
        self.admits(&transaction)?;
        let size = transaction.bytes.len();
        let (sender, sequence) = (transaction.envelope.sender, transaction.envelope.sequence);
        let queue = self.senders.entry(sender).or_default();
        queue.bytes += size;
        self.bytes += size;
        self.ids.insert(transaction.id, (sender, sequence));
        self.expiries
            .insert((transaction.envelope.expiry_height, transaction.id));
        queue.by_sequence.insert(sequence, transaction);
        for waiter in self.waiters.drain(..) {
            let _ = waiter.send(());
        }
        Ok(())
    }

    fn select(
        &mut self,
        in_flight: &HashSet<TxId>,
        height: u64,
        max_transactions: usize,
        max_bytes: usize,
    ) -> Vec<Arc<Transaction>> {
        let mut selected = Vec::new();
        let mut room = max_bytes;
        // The sender after the one that was served first last time comes first this time.
        let first = self.turn.and_then(|last| {
            self.senders
                .range((std::ops::Bound::Excluded(last), std::ops::Bound::Unbounded))
                .next()
        });
        let first = first
            .or_else(|| self.senders.iter().next())
            .map(|(sender, _)| *sender);
        let Some(first) = first else { return selected };
        self.turn = Some(first);

        let order = self
            .senders
            .range(first..)
            .chain(self.senders.range(..first));
        let mut queues: Vec<_> = order
            .map(|(_, queue)| queue.by_sequence.values().peekable())
            .collect();
        /// Transactions of one sender before the next one's turn.
        const ROUND: usize = 64;
        while !queues.is_empty() {
            queues.retain_mut(|queue| {
                for _ in 0..ROUND {
                    let Some(transaction) = queue.peek() else {
                        return false;
                    };
                    if in_flight.contains(&transaction.id)
                        || transaction.envelope.expiry_height < height
                    {
                        queue.next();
                        continue;
                    }
                    // A later transaction of this sender could not stand in the block without this
                    // one, so a sender whose next one does not fit is done.
                    let Some(rest) = room.checked_sub(transaction.bytes.len()) else {
                        return false;
                    };
                    if selected.len() == max_transactions {
                        return false;
                    }
                    room = rest;
                    selected.push((*transaction).clone());
                    queue.next();
                }
                true
            });
        }
        selected
    }

    fn remove(&mut self, id: &TxId) {
        let Some((sender, sequence)) = self.ids.remove(id) else {
            return;
        };
        let Some(queue) = self.senders.get_mut(&sender) else {
            return;
        };
        if let Some(transaction) = queue.by_sequence.remove(&sequence) {
            queue.bytes -= transaction.bytes.len();
            self.bytes -= transaction.bytes.len();
            self.expiries
                .remove(&(transaction.envelope.expiry_height, transaction.id));
        }
        if queue.by_sequence.is_empty() {
            self.senders.remove(&sender);
        }
    }

    /// Drops the sender's transactions up to `sequence`: they are final or can never be.
    fn remove_through(&mut self, sender: MemberId, sequence: u64) {
        let Some(queue) = self.senders.get_mut(&sender) else {
            return;
        };
        while let Some(first) = queue.by_sequence.first_entry()
            && *first.key() <= sequence
        {
            let transaction = first.remove();
            queue.bytes -= transaction.bytes.len();
            self.bytes -= transaction.bytes.len();
            self.ids.remove(&transaction.id);
            self.expiries
                .remove(&(transaction.envelope.expiry_height, transaction.id));
        }
        if queue.by_sequence.is_empty() {
            self.senders.remove(&sender);
        }
    }

    fn expire(&mut self) {
        while let Some((expiry, id)) = self.expiries.first().copied()
            && expiry <= self.height
        {
            self.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use futures::FutureExt as _;
    use proptest::prelude::*;
    use tacit_ledger::kernel::{
        ChainId, Envelope, LedgerKey, ModuleId, Signature, envelope::MAX_ACTION_BYTES,
    };

    fn transaction(
        sender: u32,
        sequence: u64,
        expiry_height: u64,
        size: usize,
    ) -> Arc<Transaction> {
        let envelope = Envelope {
            chain_id: ChainId([0; 32]),
            sender: MemberId(sender),
            sender_key: LedgerKey([0; 32]),
            sequence,
            expiry_height,
            module: ModuleId::NETWORK,
            action: vec![0; size].try_into().expect("it fits"),
            signature: Signature([0; 64]),
        };
        let bytes = Bytes::from(envelope.to_bytes());
        let id = Transaction::id_of(&bytes);
        Arc::new(Transaction::read(id, bytes).expect("it is canonical"))
    }

    fn selected(pool: &Pool, count: usize) -> Vec<(u32, u64)> {
        pool.select(&HashSet::new(), 1, count, usize::MAX)
            .iter()
            .map(|transaction| (transaction.envelope.sender.0, transaction.envelope.sequence))
            .collect()
    }

    #[test]
    fn a_senders_transactions_are_selected_in_order_of_their_numbers_however_they_came_in() {
        let pool = Pool::default();
        for sequence in [3, 0, 2, 1] {
            pool.insert(transaction(1, sequence, 100, 8))
                .expect("there is room");
        }
        assert_eq!(selected(&pool, 10), [(1, 0), (1, 1), (1, 2), (1, 3)]);
    }

    #[test]
    fn no_sender_is_served_first_in_two_blocks_running() {
        let pool = Pool::default();
        for sender in 1..=3 {
            pool.insert(transaction(sender, 0, 100, 8))
                .expect("there is room");
        }
        let first: Vec<u32> = (0..4).map(|_| selected(&pool, 1)[0].0).collect();
        assert_eq!(first, [1, 2, 3, 1]);
    }

    #[test]
    fn what_is_in_flight_or_expired_is_not_selected() {
        let pool = Pool::default();
        let in_flight = transaction(1, 0, 100, 8);
        pool.insert(in_flight.clone()).expect("there is room");
        pool.insert(transaction(1, 1, 100, 8))
            .expect("there is room");
        pool.insert(transaction(2, 0, 4, 8)).expect("there is room");
        let picked = pool.select(&HashSet::from([in_flight.id]), 5, 10, usize::MAX);
        let picked: Vec<_> = picked.iter().map(|tx| tx.envelope.sequence).collect();
        assert_eq!(picked, [1]);
    }

    #[test]
    fn a_final_transaction_takes_those_it_overtook_along() {
        let pool = Pool::default();
        for sequence in 0..4 {
            pool.insert(transaction(1, sequence, 100, 8))
                .expect("there is room");
        }
        // Another transaction with number 2 became final, one that this pool never saw.
        pool.finalized(&[transaction(1, 2, 100, 9)], 7);
        assert_eq!(selected(&pool, 10), [(1, 3)]);
    }

    #[test]
    fn expired_transactions_leave_and_are_not_taken_again() {
        let pool = Pool::default();
        pool.insert(transaction(1, 0, 7, 8)).expect("there is room");
        pool.finalized(&[], 7);
        assert_eq!(pool.load(), (0, 0));
        assert_eq!(
            pool.insert(transaction(1, 0, 7, 8)),
            Err(PoolRefusal::Expired)
        );
    }

    #[test]
    fn a_second_transaction_under_a_taken_number_is_refused_and_the_same_one_is_known() {
        let pool = Pool::default();
        pool.insert(transaction(1, 0, 100, 8))
            .expect("there is room");
        assert_eq!(
            pool.insert(transaction(1, 0, 100, 8)),
            Err(PoolRefusal::Known)
        );
        assert_eq!(
            pool.insert(transaction(1, 0, 100, 9)),
            Err(PoolRefusal::SequenceTaken)
        );
    }

    #[test]
    fn a_flooding_sender_leaves_room_for_others() {
        let pool = Pool::default();
        let mut sequence = 0;
        let refusal = loop {
            match pool.insert(transaction(1, sequence, 100, MAX_ACTION_BYTES)) {
                Ok(()) => sequence += 1,
                Err(refusal) => break refusal,
            }
        };
        assert_eq!(refusal, PoolRefusal::SenderFull);
        assert!(pool.load().1 <= MAX_POOL_BYTES_PER_SENDER);
        assert_eq!(
            pool.insert(transaction(2, 0, 100, MAX_ACTION_BYTES)),
            Ok(())
        );
    }

    #[test]
    fn an_arrival_wakes_whoever_waits() {
        let pool = Pool::default();
        let mut waiting = Box::pin(pool.arrival());
        assert!((&mut waiting).now_or_never().is_none());
        pool.insert(transaction(1, 0, 100, 8))
            .expect("there is room");
        assert!((&mut waiting).now_or_never().is_some());
    }

    proptest! {
        #[test]
        fn counts_agree_with_contents_whatever_happens(
            steps in prop::collection::vec((0u32..3, 0u64..6, 1u64..20, 0u8..3), 0..60)
        ) {
            let pool = Pool::default();
            for (sender, sequence, number, what) in steps {
                match what {
                    0 => pool.finalized(&[transaction(sender, sequence, 100, 8)], number),
                    _ => { let _ = pool.insert(transaction(sender, sequence, number + 1, 8)); }
                }
                let inner = pool.lock();
                let queued: Vec<_> =
                    inner.senders.values().flat_map(|queue| queue.by_sequence.values()).collect();
                prop_assert_eq!(queued.len(), inner.ids.len());
                prop_assert_eq!(queued.len(), inner.expiries.len());
                prop_assert_eq!(queued.iter().map(|tx| tx.bytes.len()).sum::<usize>(), inner.bytes);
                prop_assert!(queued.iter().all(|tx| tx.envelope.expiry_height > inner.height));
            }
        }
    }
}
