//! Clients that submit transactions and remember what they were promised.

use crate::network::{member_of, sign};
use commonware_macros::select;
use commonware_runtime::{Clock as _, Spawner as _, deterministic};
use futures::stream::{FuturesUnordered, StreamExt as _};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tacit_consensus::LedgerHandle;
use tacit_ledger::{
    kernel::{Text, TxId},
    network::{Action, read},
};

/// Transactions that a client submits before it waits for them.
const BURST: u64 = 4;
/// How long a client waits for an answer before it looks at the ledger again.
const PATIENCE: Duration = Duration::from_secs(20);

/// Transactions that a node called final, by id, with the height it named. Outlives crashes.
#[derive(Clone, Default)]
pub struct Witness(Arc<Mutex<BTreeMap<TxId, u64>>>);

impl Witness {
    /// What was promised so far.
    pub fn promised(&self) -> BTreeMap<TxId, u64> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn note(&self, id: TxId, height: u64) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id, height);
    }
}

/// Submits transactions of the member at `index` to its node, until the node stops.
pub fn start(
    runtime: deterministic::Context,
    index: usize,
    handle: LedgerHandle,
    witness: Witness,
) {
    runtime.spawn(move |runtime| async move {
        loop {
            let state = handle.state();
            let next = state
                .read(|view| read::next_sequence(view, member_of(index)))
                .await;
            let Ok(next) = next else { return };
            let mut answers: FuturesUnordered<_> = (next..next + BURST)
                .map(|sequence| {
                    let action = Action::RegisterProfile {
                        front_end_address: Text::new(format!(
                            "front-{index}-{sequence}.example:443"
                        ))
                        .expect("it fits"),
                        p2p_address: Text::new(format!("node-{index}.example:9000"))
                            .expect("it fits"),
                    };
                    let envelope = sign(handle.chain_id(), index, sequence, &action);
                    let handle = handle.clone();
                    async move { handle.submit_and_wait(envelope.to_bytes()).await }
                })
                .collect();
            let patience = runtime.current() + PATIENCE;
            loop {
                select! {
                    answer = answers.next() => match answer {
                        Some(Ok(place)) => witness.note(place.result.tx_id, place.height),
                        Some(Err(_)) => {}
                        None => break,
                    },
                    _ = runtime.sleep_until(patience) => break,
                }
            }
            runtime.sleep(Duration::from_millis(20)).await;
        }
    });
}
