//! What the parts of a node share.

use super::{checks::Checked, ledger::Ledger, speculation::Speculation};
use crate::{
    archive, block::Block, config::Retention, epochs::Committees, handle::Waiters, mempool::Pool,
    transaction::Transaction,
};
use commonware_consensus::types::FixedEpocher;
use commonware_utils::channel::watch;
use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};
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
    ready: AtomicBool,
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
            ready: AtomicBool::new(false),
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

    /// Whether all of these transactions pass the checks that need no state. Computes for long.
    pub(crate) fn check(&self, transactions: &[Arc<Transaction>]) -> bool {
        let fresh: Vec<_> = {
            let checked = self.checked();
            transactions
                .iter()
                .filter(|tx| !checked.contains(&tx.id))
                .cloned()
                .collect()
        };
        self.check_each(&fresh).iter().all(Result::is_ok)
    }

    /// Checks each of these transactions without state. Computes for long.
    pub(crate) fn check_each(&self, transactions: &[Arc<Transaction>]) -> Vec<Result<(), Reject>> {
        let envelopes: Vec<Envelope> = transactions.iter().map(|tx| tx.envelope.clone()).collect();
        let verdicts = self.ledger.machine.check_stateless(&envelopes);
        let mut checked = self.checked();
        for (transaction, verdict) in transactions.iter().zip(&verdicts) {
            if verdict.is_ok() {
                checked.insert(transaction.id);
            }
        }
        verdicts
    }

    /// Says that state can be read from now on.
    pub(crate) fn set_ready(&self) {
        self.ready.store(true, Ordering::Release);
    }

    /// Whether state can be read.
    pub(crate) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
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
