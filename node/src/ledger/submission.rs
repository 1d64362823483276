//! Numbers, signs and submits this member's transactions, and waits for what becomes of them.
//!
//! The ledger executes a member's transactions in the order of their sequence numbers, without
//! gaps. So numbers are given out under a lock that is held until the transaction is admitted. A
//! number is lost to somebody else when a transaction from before a restart still waits at a peer
//! and becomes final first; the follower sees it, and the action is signed again with a new number.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ed25519_zebra::SigningKey;
use tacit_circuits::scope::MemberId;
use tacit_consensus::{AdmissionError, LedgerHandle};
use tacit_frontend::ports::{Applied, LedgerError};
use tacit_ledger::kernel::{Envelope, Outcome, Reject, TxId};
use tacit_ledger::network::{Action, Event, read};
use tokio::sync::{Mutex as AsyncMutex, oneshot};

/// How far ahead a transaction expires. At 20 blocks a second, ten seconds: long enough for a
/// leader or two to be down, short enough that a caller does not wait for a lost one.
const EXPIRY_BLOCKS: u64 = 200;

/// How often an action is signed again because its number went to another transaction or its
/// expiry passed.
const MAX_ATTEMPTS: u32 = 5;

/// How often, and how long, a full mempool is waited for.
const MAX_FULL_RETRIES: u32 = 100;
const FULL_RETRY_DELAY: Duration = Duration::from_millis(100);

/// What became of a submitted transaction.
#[derive(Debug)]
pub(super) enum Fate {
    /// It stands in a block.
    Final {
        /// Height of the block.
        height: u64,
        /// What came of it.
        outcome: Outcome,
        /// What it did.
        events: Vec<Event>,
    },
    /// Its number went to another transaction, or its expiry passed: it will never stand in a block.
    Lost,
}

struct Waiting {
    tx_id: TxId,
    expiry_height: u64,
    reply: oneshot::Sender<Fate>,
}

/// This member's transactions that wait for a block, by sequence number.
#[derive(Clone, Default)]
pub(super) struct Pending(Arc<Mutex<BTreeMap<u64, Waiting>>>);

impl Pending {
    /// The place of a transaction that is about to be submitted; `None` if one waits there already.
    fn wait(&self, sequence: u64, envelope: &Envelope) -> Option<oneshot::Receiver<Fate>> {
        let mut pending = self.lock();
        if pending.contains_key(&sequence) {
            return None;
        }
        let (reply, fate) = oneshot::channel();
        let (tx_id, expiry_height) = (envelope.tx_id(), envelope.expiry_height);
        pending.insert(
            sequence,
            Waiting {
                tx_id,
                expiry_height,
                reply,
            },
        );
        Some(fate)
    }

    fn forget(&self, sequence: u64) {
        self.lock().remove(&sequence);
    }

    /// A transaction of this member became final.
    pub(super) fn finalized(&self, sequence: u64, tx_id: TxId, fate: Fate) {
        if let Some(waiting) = self.lock().remove(&sequence) {
            let fate = if waiting.tx_id == tx_id {
                fate
            } else {
                Fate::Lost
            };
            // Whoever asked may have given up.
            let _ = waiting.reply.send(fate);
        }
    }

    /// The block at `height` is final: what could stand in it at the latest, and does not, is lost.
    pub(super) fn passed(&self, height: u64) {
        let mut pending = self.lock();
        let lost: Vec<u64> = pending
            .iter()
            .filter(|(_, waiting)| waiting.expiry_height <= height)
            .map(|(sequence, _)| *sequence)
            .collect();
        for sequence in lost {
            if let Some(waiting) = pending.remove(&sequence) {
                let _ = waiting.reply.send(Fate::Lost);
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, Waiting>> {
        // A panic under this lock leaves a map that is still whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Submits actions as one member.
pub(super) struct Submitter {
    handle: LedgerHandle,
    member: MemberId,
    key: SigningKey,
    /// The next number, or `None` where the state must be asked.
    next: AsyncMutex<Option<u64>>,
    pending: Pending,
}

impl Submitter {
    pub(super) fn new(handle: LedgerHandle, member: MemberId, key: SigningKey) -> Self {
        Self {
            handle,
            member,
            key,
            next: AsyncMutex::new(None),
            pending: Pending::default(),
        }
    }

    pub(super) fn pending(&self) -> &Pending {
        &self.pending
    }

    /// Submits an action and waits until it is final.
    pub(super) async fn submit(&self, action: &Action) -> Result<Applied, LedgerError> {
        for _ in 0..MAX_ATTEMPTS {
            let (tx_id, fate) = self.admit(action).await?;
            match fate.await {
                Ok(Fate::Final {
                    height,
                    outcome: Outcome::Applied,
                    events,
                }) => {
                    return Ok(Applied {
                        height,
                        tx_id,
                        events,
                    });
                }
                Ok(Fate::Final {
                    outcome: Outcome::Rejected(reject),
                    ..
                }) => {
                    return Err(LedgerError::Rejected(reject));
                }
                Ok(Fate::Lost) => self.forget_numbers().await,
                Err(_) => return Err(LedgerError::Unavailable("the node is stopping".into())),
            }
        }
        Err(LedgerError::Unavailable(format!(
            "lost {MAX_ATTEMPTS} times before a block held it"
        )))
    }

    /// Signs the action under the next free number and hands it to the mempool.
    async fn admit(&self, action: &Action) -> Result<(TxId, oneshot::Receiver<Fate>), LedgerError> {
        let mut full = 0;
        loop {
            let mut next = self.next.lock().await;
            let sequence = match *next {
                Some(sequence) => sequence,
                None => self.next_in_state().await?,
            };
            let envelope = self.signed(action, sequence);
            let Some(fate) = self.pending.wait(sequence, &envelope) else {
                *next = Some(sequence + 1);
                continue;
            };
            let Err(error) = self.handle.submit(envelope.to_bytes()).await else {
                *next = Some(sequence + 1);
                return Ok((envelope.tx_id(), fate));
            };
            self.pending.forget(sequence);
            match error {
                // One from before a restart waits under this number.
                AdmissionError::SequenceTaken => *next = Some(sequence + 1),
                AdmissionError::Expired => *next = Some(sequence),
                AdmissionError::Refused(Reject::SEQUENCE_TOO_LOW) => *next = None,
                AdmissionError::Refused(reject) => return Err(LedgerError::Rejected(reject)),
                AdmissionError::Full | AdmissionError::SenderFull if full < MAX_FULL_RETRIES => {
                    full += 1;
                    drop(next);
                    tokio::time::sleep(FULL_RETRY_DELAY).await;
                }
                error => return Err(LedgerError::Unavailable(error.to_string())),
            }
        }
    }

    fn signed(&self, action: &Action, sequence: u64) -> Envelope {
        let expiry_height = self.handle.height() + EXPIRY_BLOCKS;
        action
            .unsigned(self.handle.chain_id(), self.member, sequence, expiry_height)
            .sign(&self.key)
    }

    async fn next_in_state(&self) -> Result<u64, LedgerError> {
        self.handle
            .state()
            .read(|view| read::next_sequence(view, self.member))
            .await
            .map_err(|error| LedgerError::Unavailable(error.to_string()))
    }

    /// A lost transaction leaves a gap that those after it cannot pass: the state knows where it is,
    /// and the next transaction fills it.
    async fn forget_numbers(&self) {
        *self.next.lock().await = None;
    }
}
