//! Clients that submit transactions and remember what they were promised.

use commonware_macros::select;
use commonware_runtime::{Clock as _, Spawner as _, deterministic};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use tacit_consensus::{LedgerHandle, toy::*};

/// Transactions that a node called final, by id, with the height it named. Outlives crashes.
#[derive(Clone, Default)]
pub struct Witness(Arc<Mutex<BTreeMap<TxId, u64>>>);

impl Witness {
    pub fn promised(&self) -> BTreeMap<TxId, u64> {
        self.0.lock().unwrap().clone()
    }
}

pub fn start(
    runtime: deterministic::Context,
    index: usize,
    handle: LedgerHandle,
    witness: Witness,
) {
    runtime.spawn(move |runtime| async move {
        let sender = MemberId(index as u32);
        let key = StateKey([b"s", &sender.0.to_be_bytes()[..]].concat());
        loop {
            let Ok((_, values)) = handle.get_many(vec![key.clone()]).await else { return };
            let next = values[0].as_ref().map_or(0, |v| u64::from_be_bytes(v[..].try_into().unwrap()));
            let mut waits = futures::stream::FuturesUnordered::new();
            for sequence in next..next + 5 {
                let envelope = Envelope { sender, sequence, expiry_height: 1 << 40, key: vec![index as u8, sequence as u8], value: vec![1; 64] };
                let handle = handle.clone();
                waits.push(async move { handle.submit_and_wait(envelope.to_bytes()).await });
            }
            loop {
                select! {
                    done = futures::StreamExt::next(&mut waits) => match done {
                        Some(Ok(place)) => { witness.0.lock().unwrap().insert(place.result.tx_id, place.height); }
                        Some(Err(_)) => {}
                        None => break,
                    },
                    _ = runtime.sleep(Duration::from_secs(20)) => break,
                }
            }
            runtime.sleep(Duration::from_millis(20)).await;
        }
    });
}
