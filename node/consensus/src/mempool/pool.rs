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
        let mut inner = self.lock();
        inner.height = height;
        for transaction in transactions {
            inner.remove_through(transaction.envelope.sender, transaction.envelope.sequence);
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
    fn insert(&mut self, transaction: Arc<Transaction>) -> Result<(), PoolRefusal> {
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
        let (sender, sequence) = (transaction.envelope.sender, transaction.envelope.sequence);
        let queue = self.senders.entry(sender).or_default();
        if queue.by_sequence.contains_key(&sequence) {
            return Err(PoolRefusal::SequenceTaken);
        }
        if queue.by_sequence.len() >= MAX_POOL_TRANSACTIONS_PER_SENDER
            || queue.bytes + size > MAX_POOL_BYTES_PER_SENDER
        {
            return Err(PoolRefusal::SenderFull);
        }
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
        let Some(queue) = self.senders.get(&sender) else {
            return;
        };
        let ids: Vec<_> = queue
            .by_sequence
            .range(..=sequence)
            .map(|(_, tx)| tx.id)
            .collect();
        for id in ids {
            self.remove(&id);
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
