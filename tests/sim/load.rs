//! Clients that submit transactions and remember what they were promised.

use crate::{
    network::{member_of, sign},
    story,
};
use commonware_macros::select;
use commonware_runtime::{Clock as _, Spawner as _, deterministic};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tacit_consensus::LedgerHandle;
use tacit_ledger::{
    kernel::{Outcome, TxId},
    network::{Change, read},
};

/// How long a client waits for an answer before it looks at the ledger again.
const PATIENCE: Duration = Duration::from_secs(10);

/// Transactions that a node called final, by id, with the height it named. Outlives crashes.
#[derive(Clone, Default)]
pub(crate) struct Witness(Arc<Mutex<Promises>>);

#[derive(Default)]
struct Promises {
    heights: BTreeMap<TxId, u64>,
    /// Kinds of actions that were applied.
    applied: BTreeMap<&'static str, u64>,
}

impl Witness {
    /// What was promised so far.
    pub(crate) fn promised(&self) -> BTreeMap<TxId, u64> {
        self.lock().heights.clone()
    }

    /// How often an action of this kind was applied.
    pub(crate) fn applied(&self, kind: &str) -> u64 {
        self.lock().applied.get(kind).copied().unwrap_or(0)
    }

    fn note(&self, id: TxId, height: u64, kind: &'static str, outcome: Outcome) {
        let mut promises = self.lock();
        promises.heights.insert(id, height);
        if outcome == Outcome::Applied {
            *promises.applied.entry(kind).or_insert(0) += 1;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Promises> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a client's node treats it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Promise {
    /// It says that a transaction is final when it is.
    WhenFinal,
    /// Planted fault: it says so as soon as the transaction waits.
    WhenSubmitted,
}

/// Submits transactions of the member at `index` to its node, until the node stops.
pub(crate) fn start(
    runtime: deterministic::Context,
    index: usize,
    handle: LedgerHandle,
    witness: Witness,
    changes: Vec<Change>,
    promise: Promise,
) {
    runtime.spawn(move |runtime| async move {
        let chain_id = handle.chain_id();
        loop {
            let state = handle.state();
            let told = state.read(|view| {
                let sequence = read::next_sequence(view, member_of(index))?;
                let action = story::next(view, chain_id, index, sequence, &changes)?;
                Ok((sequence, action))
            });
            let Ok((sequence, action)) = told.await else {
                return;
            };
            let kind = kind(&action);
            let envelope = sign(chain_id, index, sequence, &action);
            if promise == Promise::WhenSubmitted {
                let height = handle.height() + 1;
                witness.note(envelope.tx_id(), height, kind, Outcome::Applied);
            }
            select! {
                answer = handle.submit_and_wait(envelope.to_bytes()) => if let Ok(place) = answer
                    && promise == Promise::WhenFinal
                {
                    witness.note(place.result.tx_id, place.height, kind, place.result.outcome);
                },
                _ = runtime.sleep(PATIENCE) => {},
            }
            runtime.sleep(Duration::from_millis(10)).await;
        }
    });
}

fn kind(action: &tacit_ledger::network::Action) -> &'static str {
    use tacit_ledger::network::Action;
    match action {
        Action::CallBatch(_) => "call batch",
        Action::OpenSessions { .. } => "open sessions",
        Action::CollectCharges { closes: false, .. } => "collection",
        Action::CollectCharges { closes: true, .. } => "last collection",
        Action::RollOver => "roll over",
        Action::Attest { .. } => "attest",
        Action::Propose(_) => "propose",
        Action::Vote { .. } => "vote",
        Action::RegisterProfile { .. } => "profile",
        _ => "list",
    }
}
