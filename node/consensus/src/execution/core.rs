//! What the parts of a node share.

use super::{checks::Checked, ledger::Ledger, speculation::Speculation};
use crate::{
    archive, block::Block, config::Retention, epochs::Committees, handle::Waiters, mempool::Pool,
    transaction::Transaction,
};
use bytes::Bytes;
use commonware_consensus::types::FixedEpocher;
use commonware_utils::channel::watch;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tacit_finality::Header;
use tacit_ledger::kernel::{Envelope, Reject};

/// What the parts of a node share. Everything behind a lock is held for a few map operations.
pub(crate) struct Core {
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) genesis: Block,
    pub(crate) epocher: FixedEpocher,
    pub(crate) committees: Committees,
    pub(crate) pool: Pool,
    pub(crate) archive: archive::Mailbox,
    pub(crate) waiters: Waiters,
    pub(crate) retention: Retention,
    /// Whether there is a state to read: false while a joining node downloads it.
    ready: watch::Sender<bool>,
    tip: watch::Sender<Header>,
    checked: Mutex<Checked>,
    speculation: Mutex<Speculation>,
}

impl Core {
    pub(crate) fn new(
        ledger: Arc<Ledger>,
        genesis: Block,
        epocher: FixedEpocher,
        committees: Committees,
        archive: archive::Mailbox,
        retention: Retention,
    ) -> Self {
        let (tip, _) = watch::channel(genesis.header.clone());
        Self {
            ledger,
            genesis,
            epocher,
            committees,
            pool: Pool::default(),
            archive,
            waiters: Waiters::default(),
            retention,
            ready: watch::channel(false).0,
            tip,
            checked: Mutex::default(),
            speculation: Mutex::default(),
        }
    }

    pub(crate) fn speculation(&self) -> MutexGuard<'_, Speculation> {
        self.speculation
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn checked(&self) -> MutexGuard<'_, Checked> {
        self.checked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the transactions of a block. `None` if one is malformed or, unless all are `trusted`, does
    /// not pass the checks that need no state. Computes for long.
    pub(crate) fn read_block(
        &self,
        envelopes: &[Bytes],
        trusted: bool,
    ) -> Option<Vec<Arc<Transaction>>> {
        let ids: Vec<_> = envelopes
            .iter()
            .map(|bytes| Transaction::id_of(bytes))
            .collect();
        // Most wait in the pool, read and checked.
        let mut known = self.pool.find(&ids);
        let missing = (0..ids.len()).filter(|place| known[*place].is_none());
        let (mut places, mut fresh) = (Vec::new(), Vec::new());
        for place in missing {
            places.push(place);
            fresh.push(Transaction::read(ids[place], envelopes[place].clone())?);
        }
        let verdicts = if trusted {
            fresh.into_iter().map(|tx| Ok(Arc::new(tx))).collect()
        } else {
            self.check(fresh)
        };
        for (place, verdict) in places.into_iter().zip(verdicts) {
            known[place] = Some(verdict.ok()?);
        }
        known.into_iter().collect()
    }

    /// Checks each of these transactions without state, unless it was checked before. Computes for
    /// long.
    pub(crate) fn check(
        &self,
        transactions: Vec<Transaction>,
    ) -> Vec<Result<Arc<Transaction>, Reject>> {
        let fresh: Vec<bool> = {
            let checked = self.checked();
            let is_fresh = |tx: &Transaction| !checked.contains(&tx.id);
            transactions.iter().map(is_fresh).collect()
        };
        let envelopes: Vec<&Envelope> = transactions
            .iter()
            .zip(&fresh)
            .filter_map(|(tx, fresh)| fresh.then_some(&tx.envelope))
            .collect();
        let mut verdicts = self.ledger.machine.check_stateless(&envelopes).into_iter();
        let mut checked = self.checked();
        let verdict = |(tx, fresh): (Transaction, bool)| {
            if fresh {
                verdicts.next().expect("each fresh one has a verdict")?;
                checked.insert(tx.id);
            }
            Ok(Arc::new(tx))
        };
        transactions.into_iter().zip(fresh).map(verdict).collect()
    }

    /// Says that state can be read from now on.
    pub(crate) fn set_ready(&self) {
        self.ready.send_replace(true);
    }

    /// Whether state can be read.
    pub(crate) fn is_ready(&self) -> bool {
        *self.ready.borrow()
    }

    /// Whether state can be read, as it changes.
    pub(crate) fn ready(&self) -> watch::Receiver<bool> {
        self.ready.subscribe()
    }

    /// The newest finalized header.
    pub(crate) fn tip(&self) -> watch::Receiver<Header> {
        self.tip.subscribe()
    }

    /// Moves the tip up to `header`, never down.
    pub(crate) fn advance_tip(&self, header: &Header) {
        self.tip.send_if_modified(|tip| {
            let newer = header.height > tip.height;
            if newer {
                *tip = header.clone();
            }
            newer
        });
    }
}
