//! Executes the transactions of a block over a batch of the store.
//!
//! The ledger is synchronous and the store is not: each step of a block either takes effect or names
//! the keys it misses, which are read together before the step is tried again.

use super::{
    ledger::{self, Ledger},
    store::{Batch, Sealed},
};
use crate::{
    runtime::{Runtime, compute},
    transaction::Transaction,
};
use bytes::Bytes;
use commonware_glue::stateful::db::Unmerkleized as _;
use commonware_utils::non_empty_range;
use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
    sync::Arc,
};
use tacit_finality::{Committee, StateCommitment, key_digest};
use tacit_ledger::kernel::{
    BlockContext, BlockResult, BlockRun, Missing, Reject, StateKey, StateView, Writes,
};
use tacit_ledger::network::{SUPPORTED_CODE_VERSIONS, keys, read as network};
use tracing::error;

/// What becomes of a transaction that may not stand in a block: one that is not in turn, has
/// expired, or whose sender is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// It is left out, by whoever composes the block.
    LeaveOut,
    /// It makes the block invalid, for whoever checks it.
    Refuse,
}

/// A block's transactions, executed over its parent's state.
pub(crate) struct Executed<E: Runtime> {
    pub(crate) sealed: Sealed<E>,
    pub(crate) state: StateCommitment,
    pub(crate) results: Vec<BlockResult>,
    /// The validators of the next epoch, if the block ends one.
    pub(crate) handover: Option<Committee>,
    /// The transactions that stand in the block, in order.
    pub(crate) included: Vec<Arc<Transaction>>,
    /// The transactions that were left out, with the reason.
    pub(crate) left_out: Vec<(Arc<Transaction>, Reject)>,
}

/// Where a block stands in its epoch.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) context: BlockContext,
    /// Whether it is the last block of its epoch.
    pub(crate) ends_epoch: bool,
    /// The committee of its own epoch, which stays if the state names none.
    pub(crate) committee: Committee,
}

/// Executes `transactions` as the block at `place`, whose parent's state is that of `batch`.
///
/// Answers `None` if a transaction may not stand in the block and `unfit` refuses it.
///
/// # Panics
///
/// If the store fails: a node that cannot read its state must stop.
pub(crate) async fn execute<E: Runtime>(
    runtime: &E,
    ledger: &Arc<Ledger>,
    place: Place,
    transactions: Vec<Arc<Transaction>>,
    unfit: Unfit,
    mut batch: Batch<E>,
) -> Option<Executed<E>> {
    let first_block = place.context.height == 1;
    let mut steps = Steps::new(ledger, &place, transactions, unfit);
    let mut wanted = steps.prefetch();
    loop {
        let values = read(ledger, first_block, &batch, &wanted).await;
        steps.supply(mem::take(&mut wanted), values);
        let progress;
        (steps, progress) = compute(runtime, "execute", move || {
            let progress = steps.advance();
            (steps, progress)
        })
        .await;
        match progress {
            Ok(Progress::Done) => break,
            Ok(Progress::Refused) => return None,
            Err(missing) => wanted = missing.into_keys(),
        }
    }

    if first_block {
        for (key, value) in &ledger.genesis_writes {
            batch = batch.write(key_digest(key.as_bytes()), value.clone().map(Bytes::from));
        }
    }
    for (key, value) in steps.writes {
        batch = batch.write(key_digest(key.as_bytes()), value.map(Bytes::from));
    }
    let sealed = batch
        .merkleize()
        .await
        .expect("the state store must be readable");
    Some(Executed {
        state: commitment(&sealed),
        sealed,
        results: steps.results,
        handover: steps.handover,
        included: steps.included,
        left_out: steps.left_out,
    })
}

/// Whether this code knows the rules that are in force at a height, as the state before it says. Executed under
/// other rules, a block would give another state.
pub(crate) async fn knows_rules<E: Runtime>(height: u64, batch: &Batch<E>) -> bool {
    // The first block's state is the genesis, whose rules are the first.
    if height == 1 {
        return true;
    }
    let key = keys::code_versions();
    let digest = key_digest(key.as_bytes());
    let values = batch
        .get_many(&[&digest])
        .await
        .expect("the state store must be readable");
    let value = values.into_iter().flatten().next();
    let state = BTreeMap::from([(key, value.map(|bytes| bytes.to_vec()))]);
    let version = network::code_versions(&AfterBlock {
        writes: &Writes::new(),
        supplied: &state,
    });
    let version = version.expect("its only key is there").at(height);
    let known = SUPPORTED_CODE_VERSIONS.contains(&version);
    if !known {
        error!(
            height,
            version,
            "the members voted rules from this height on that this release does not know; install one that does"
        );
    }
    known
}

/// What a header says about a sealed state.
fn commitment<E: Runtime>(sealed: &Sealed<E>) -> StateCommitment {
    StateCommitment {
        root: sealed.root(),
        operations_root: sealed.ops_root(),
        operations: non_empty_range!(sealed.sync_boundary(), sealed.bounds().tip.size),
    }
}

async fn read<E: Runtime>(
    ledger: &Ledger,
    first_block: bool,
    batch: &Batch<E>,
    keys: &[StateKey],
) -> Vec<Option<Vec<u8>>> {
    if first_block {
        // The store is empty before the first block, which writes the genesis along with its own
        // changes.
        let writes = &ledger.genesis_writes;
        return keys
            .iter()
            .map(|key| writes.get(key).cloned().flatten())
            .collect();
    }
    let digests: Vec<_> = keys.iter().map(|key| key_digest(key.as_bytes())).collect();
    let digests: Vec<_> = digests.iter().collect();
    let values = batch
        .get_many(&digests)
        .await
        .expect("the state store must be readable");
    values
        .into_iter()
        .map(|value| value.map(|bytes| bytes.to_vec()))
        .collect()
}

enum Progress {
    Done,
    Refused,
}

/// The synchronous part of an execution: goes on as far as the supplied state allows.
struct Steps {
    run: BlockRun,
    supplied: BTreeMap<StateKey, Option<Vec<u8>>>,
    unfit: Unfit,
    opened: bool,
    closed: bool,
    next: usize,
    transactions: Vec<Arc<Transaction>>,
    /// The committee to keep if the state names none, in the last block of an epoch.
    fallback: Option<Committee>,

    writes: Writes,
    results: Vec<BlockResult>,
    included: Vec<Arc<Transaction>>,
    left_out: Vec<(Arc<Transaction>, Reject)>,
    handover: Option<Committee>,
}

impl Steps {
    fn new(
        ledger: &Ledger,
        place: &Place,
        transactions: Vec<Arc<Transaction>>,
        unfit: Unfit,
    ) -> Self {
        let run = ledger.machine.begin(place.context);
        Self {
            run,
            supplied: BTreeMap::new(),
            unfit,
            opened: false,
            closed: false,
            next: 0,
            transactions,
            fallback: place.ends_epoch.then(|| place.committee.clone()),
            writes: Writes::new(),
            results: Vec::new(),
            included: Vec::new(),
            left_out: Vec::new(),
            handover: None,
        }
    }

    /// Keys that the transactions will read for certain.
    fn prefetch(&self) -> Vec<StateKey> {
        let mut keys = BTreeSet::new();
        for transaction in &self.transactions {
            // One by one: most are known from the transactions before.
            keys.extend(self.run.prefetch(&transaction.envelope));
        }
        keys.into_iter().collect()
    }

    fn supply(&mut self, keys: Vec<StateKey>, values: Vec<Option<Vec<u8>>>) {
        for (key, value) in keys.into_iter().zip(values) {
            self.run.supply(key.clone(), value.clone());
            self.supplied.entry(key).or_insert(value);
        }
    }

    fn advance(&mut self) -> Result<Progress, Missing> {
        if !self.opened {
            self.run.open()?;
            self.opened = true;
        }
        while let Some(transaction) = self.transactions.get(self.next) {
            let included = self.run.include(transaction.id, &transaction.envelope)?;
            match (included, self.unfit) {
                (Ok(_), _) => self.included.push(transaction.clone()),
                (Err(_), Unfit::Refuse) => return Ok(Progress::Refused),
                (Err(reject), Unfit::LeaveOut) => self.left_out.push((transaction.clone(), reject)),
            }
            self.next += 1;
        }
        if !self.closed {
            let execution = self.run.close()?;
            self.writes = execution.writes;
            self.results = execution.results;
            self.closed = true;
        }
        if let Some(fallback) = &self.fallback {
            let view = AfterBlock {
                writes: &self.writes,
                supplied: &self.supplied,
            };
            let named = ledger::committee(&view)?;
            self.handover = Some(named.unwrap_or_else(|_| fallback.clone()));
        }
        Ok(Progress::Done)
    }
}

/// The state after the block, as far as it is known.
struct AfterBlock<'a> {
    writes: &'a Writes,
    supplied: &'a BTreeMap<StateKey, Option<Vec<u8>>>,
}

impl StateView for AfterBlock<'_> {
    fn get(&self, key: &StateKey) -> Result<Option<Vec<u8>>, Missing> {
        self.writes
            .get(key)
            .or_else(|| self.supplied.get(key))
            .cloned()
            .ok_or_else(|| Missing::one(key.clone()))
    }
}
