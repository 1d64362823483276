//! Checks what comes in, in batches and away from consensus.
//!
//! Transactions of this node's own callers are answered, kept and told to all peers; those of peers
//! are kept. Whatever waits is checked together, on all cores. A transaction of this node that is not
//! in a block after [`RETELL_EVERY`] is told again, for peers that were not connected before.

use super::pool::PoolRefusal;
use crate::{
    execution::Core,
    handle::Query,
    runtime::{Runtime, compute},
    transaction::Transaction,
};
use bytes::Bytes;
use commonware_codec::{Encode as _, RangeCfg, Read as _};
use commonware_p2p::{Receiver, Recipients, Sender};
use commonware_runtime::{Handle, IoBuf};
use commonware_utils::channel::{mpsc, oneshot};
use futures::{
    FutureExt as _,
    future::{Either, select},
};
use std::{
    collections::{BTreeSet, HashSet},
    pin::pin,
    sync::Arc,
    time::Duration,
};
use tacit_ledger::kernel::{
    MemberId, Reject, StateKey, Supplied, TxId, envelope::MAX_ENVELOPE_BYTES, keys,
};
use thiserror::Error;
use tracing::debug;

/// The most bytes of transactions in one message to peers; a larger backlog goes in several.
pub(crate) const MAX_GOSSIP_BYTES: usize = 512 * 1024;
/// The most transactions in one message to peers.
const MAX_GOSSIP_TRANSACTIONS: usize = 2_048;
/// The most transactions that are checked together: about 50 ms of signatures on one core.
const MAX_BATCH: usize = 1_024;
/// Submissions that wait before a caller has to.
const MAILBOX_SIZE: usize = 4_096;
/// The least time between two batches. What comes in faster is checked and told together, which keeps
/// the messages to peers within their quota.
const BATCH_INTERVAL: Duration = Duration::from_millis(4);
/// How often peers are told again of what still waits.
const RETELL_EVERY: Duration = Duration::from_secs(2);

/// Why a transaction was not admitted.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum AdmissionError {
    /// The bytes are no canonical envelope.
    #[error("the bytes are not the canonical encoding of one transaction")]
    Malformed,
    /// The ledger refuses it whatever the state.
    #[error("the ledger refuses it: {0:?}")]
    Refused(Reject),
    /// Another transaction of the sender waits under the same sequence number.
    #[error("another transaction of the sender waits under this sequence number; use the next one")]
    SequenceTaken,
    /// Its expiry height has passed.
    #[error("its expiry height has passed; sign it again with a later one")]
    Expired,
    /// The sender's share of the mempool is full.
    #[error("too many transactions of this sender wait; submit again when some are final")]
    SenderFull,
    /// The mempool is full.
    #[error("the mempool is full; submit again later")]
    Full,
    /// The node has no state yet by which it could tell the sender.
    #[error("the node is still joining; submit again when it has a state")]
    Joining,
    /// The node is stopping.
    #[error("the node is stopping")]
    Stopped,
}

impl From<PoolRefusal> for AdmissionError {
    fn from(refusal: PoolRefusal) -> Self {
        match refusal {
            // The pool has another transaction under the number, or this one.
            PoolRefusal::Known | PoolRefusal::SequenceTaken => Self::SequenceTaken,
            PoolRefusal::SenderFull => Self::SenderFull,
            PoolRefusal::Full => Self::Full,
            PoolRefusal::Expired => Self::Expired,
        }
    }
}

type Verdict = Result<TxId, AdmissionError>;

struct Submission {
    bytes: Bytes,
    reply: oneshot::Sender<Verdict>,
}

/// Hands transactions to admission. Clones reach the same one.
#[derive(Clone)]
pub(crate) struct AdmissionMailbox(mpsc::Sender<Submission>);

impl AdmissionMailbox {
    /// Submits the bytes of an envelope, and returns when it waits for a block.
    pub(crate) async fn submit(&self, bytes: Bytes) -> Verdict {
        let (reply, verdict) = oneshot::channel();
        self.0
            .send(Submission { bytes, reply })
            .await
            .map_err(|_| AdmissionError::Stopped)?;
        verdict.await.unwrap_or(Err(AdmissionError::Stopped))
    }
}

/// Where a transaction came from.
enum Origin {
    Caller(oneshot::Sender<Verdict>),
    Peer,
}

/// The actor that admits transactions.
pub(crate) struct Admission {
    submissions: mpsc::Receiver<Submission>,
    admitter: Admitter,
}

/// Checks and keeps.
struct Admitter {
    core: Arc<Core>,
    queries: mpsc::Sender<Query>,
    /// This node's own transactions that may still wait.
    ours: HashSet<TxId>,
}

impl Admission {
    pub(crate) fn new(core: Arc<Core>, queries: mpsc::Sender<Query>) -> (Self, AdmissionMailbox) {
        let (sender, submissions) = mpsc::channel(MAILBOX_SIZE);
        let admitter = Admitter {
            core,
            queries,
            ours: HashSet::new(),
        };
        (
            Self {
                submissions,
                admitter,
            },
            AdmissionMailbox(sender),
        )
    }

    /// Runs on the gossip channel until every mailbox is gone.
    pub(crate) fn start<E, S, R>(self, runtime: E, channel: (S, R)) -> Handle<()>
    where
        E: Runtime,
        S: Sender,
        R: Receiver<PublicKey = S::PublicKey>,
    {
        runtime.spawn(move |runtime| self.run(runtime, channel))
    }

    async fn run<E, S, R>(self, runtime: E, (mut sender, mut receiver): (S, R))
    where
        E: Runtime,
        S: Sender,
        R: Receiver<PublicKey = S::PublicKey>,
    {
        let Self {
            mut submissions,
            mut admitter,
        } = self;
        let mut retell_at = runtime.current() + RETELL_EVERY;
        let mut next_batch_at = runtime.current();
        loop {
            let mut batch = Vec::new();
            {
                let submission = pin!(submissions.recv());
                let gossip = pin!(receiver.recv());
                let retell = pin!(runtime.sleep_until(retell_at));
                match select(select(submission, gossip), retell).await {
                    Either::Left((Either::Left((Some(submission), _)), _)) => {
                        batch.push((submission.bytes, Origin::Caller(submission.reply)));
                    }
                    Either::Left((Either::Right((Ok((_, message)), _)), _)) => {
                        read_gossip(message, &mut batch);
                    }
                    Either::Left(_) => return,
                    Either::Right(_) => {
                        retell_at = runtime.current() + RETELL_EVERY;
                        admitter.retell(&mut sender);
                        continue;
                    }
                }
            }
            runtime.sleep_until(next_batch_at).await;
            next_batch_at = runtime.current() + BATCH_INTERVAL;
            // Whatever else came in meanwhile is checked along with it.
            while batch.len() < MAX_BATCH {
                if let Ok(submission) = submissions.try_recv() {
                    batch.push((submission.bytes, Origin::Caller(submission.reply)));
                } else if let Some(Ok((_, message))) = receiver.recv().now_or_never() {
                    read_gossip(message, &mut batch);
                } else {
                    break;
                }
            }
            let fresh = admitter.admit(&runtime, batch).await;
            tell(&mut sender, &fresh);
        }
    }
}

impl Admitter {
    /// Checks a batch, answers its callers, and returns those of this node that peers need to know.
    async fn admit<E: Runtime>(
        &mut self,
        runtime: &E,
        batch: Vec<(Bytes, Origin)>,
    ) -> Vec<Arc<Transaction>> {
        let core = self.core.clone();
        let mut checked = compute(runtime, "admit", move || check(&core, batch)).await;
        self.check_state(&mut checked).await;
        let mut fresh = Vec::new();
        for (verdict, origin) in checked {
            let verdict = verdict.and_then(|transaction| self.keep(transaction));
            match origin {
                Origin::Peer => {
                    if let Err(error) = verdict {
                        debug!(%error, "a peer's transaction was not admitted");
                    }
                }
                Origin::Caller(reply) => {
                    if let Ok((transaction, true)) = &verdict {
                        self.ours.insert(transaction.id);
                        fresh.push(transaction.clone());
                    }
                    let _ = reply.send(verdict.map(|(transaction, _)| transaction.id));
                }
            }
        }
        fresh
    }

    /// Refuses what the newest state refuses: unknown senders, other keys, numbers already used.
    ///
    /// This keeps strangers from filling the pool, and from taking numbers of others, so nothing is admitted
    /// while there is no state. A block's own execution decides again.
    async fn check_state(&self, checked: &mut [CheckedTransaction]) {
        if !self.core.is_ready() {
            for (verdict, _) in checked {
                if verdict.is_ok() {
                    *verdict = Err(AdmissionError::Joining);
                }
            }
            return;
        }
        let senders: BTreeSet<MemberId> = checked
            .iter()
            .filter_map(|(verdict, _)| Some(verdict.as_ref().ok()?.envelope.sender))
            .collect();
        let wanted: Vec<StateKey> = senders
            .iter()
            .flat_map(|sender| [keys::party(*sender), keys::sequence(*sender)])
            .collect();
        let (reply, answer) = oneshot::channel();
        let query = Query::GetMany {
            keys: wanted.clone(),
            reply,
        };
        if wanted.is_empty() || self.queries.send(query).await.is_err() {
            return;
        }
        let Ok((height, values)) = answer.await else {
            return;
        };
        let mut view = Supplied::new();
        for (key, value) in wanted.into_iter().zip(values) {
            view.supply(key, value);
        }
        let machine = &self.core.ledger.machine;
        for (verdict, _) in checked {
            let Ok(transaction) = verdict else { continue };
            match machine.admit(&view, height + 1, &transaction.envelope) {
                // Those with lower numbers may be on their way.
                Ok(Ok(()) | Err(Reject::SEQUENCE_TOO_HIGH)) | Err(_) => {}
                Ok(Err(reject)) => *verdict = Err(AdmissionError::Refused(reject)),
            }
        }
    }

    /// Puts a checked transaction into the pool; the flag says whether it is new there.
    fn keep(
        &self,
        transaction: Arc<Transaction>,
    ) -> Result<(Arc<Transaction>, bool), AdmissionError> {
        match self.core.pool.insert(transaction.clone()) {
            Ok(()) => Ok((transaction, true)),
            // Submitting twice is how a caller retries, and is answered like the first time.
            Err(PoolRefusal::Known) => Ok((transaction, false)),
            Err(refusal) => Err(refusal.into()),
        }
    }

    fn retell<S: Sender>(&mut self, sender: &mut S) {
        let pool = &self.core.pool;
        self.ours.retain(|id| pool.contains(id));
        let waiting = pool.sample(MAX_GOSSIP_BYTES, |id| self.ours.contains(id));
        tell(sender, &waiting);
    }
}

type CheckedTransaction = (Result<Arc<Transaction>, AdmissionError>, Origin);

/// Reads and checks a batch without state.
fn check(core: &Core, batch: Vec<(Bytes, Origin)>) -> Vec<CheckedTransaction> {
    let ids: Vec<_> = batch
        .iter()
        .map(|(bytes, _)| Transaction::id_of(bytes))
        .collect();
    // Transactions that wait already need no second check.
    let known = core.pool.find(&ids);
    let mut done = Vec::with_capacity(batch.len());
    let (mut fresh, mut origins) = (Vec::new(), Vec::new());
    for (((bytes, origin), id), known) in batch.into_iter().zip(ids).zip(known) {
        match known {
            Some(transaction) => done.push((Ok(transaction), origin)),
            None => match Transaction::read(id, bytes) {
                Some(transaction) => {
                    fresh.push(transaction);
                    origins.push(origin);
                }
                None => done.push((Err(AdmissionError::Malformed), origin)),
            },
        }
    }
    // Those without a place need no check at all, so a flood costs little once its share is full.
    let refusals = core.pool.refusals(&fresh);
    let (mut fitting, mut waiting) = (Vec::new(), Vec::new());
    for ((transaction, origin), refusal) in fresh.into_iter().zip(origins).zip(refusals) {
        match refusal {
            Some(refusal) => done.push((Err(refusal.into()), origin)),
            None => {
                fitting.push(transaction);
                waiting.push(origin);
            }
        }
    }
    let verdicts = core.check(fitting).into_iter();
    let verdicts = verdicts.map(|verdict| verdict.map_err(AdmissionError::Refused));
    done.extend(verdicts.zip(waiting));
    done
}

/// Sends transactions to all peers, in messages of bounded size.
fn tell<S: Sender>(sender: &mut S, transactions: &[Arc<Transaction>]) {
    let mut message: Vec<Bytes> = Vec::new();
    let mut size = 0;
    for transaction in transactions {
        let length = transaction.bytes.len();
        if size + length > MAX_GOSSIP_BYTES || message.len() == MAX_GOSSIP_TRANSACTIONS {
            send(sender, &mut message);
            size = 0;
        }
        size += length;
        message.push(transaction.bytes.clone());
    }
    if !message.is_empty() {
        send(sender, &mut message);
    }
}

fn send<S: Sender>(sender: &mut S, message: &mut Vec<Bytes>) {
    // A peer whose queue is full misses it and hears of it again later, or in the block.
    let _ = sender.send(Recipients::All, IoBuf::from(message.encode()), false);
    message.clear();
}

fn read_gossip(message: IoBuf, batch: &mut Vec<(Bytes, Origin)>) {
    let config = (
        RangeCfg::from(0..=MAX_GOSSIP_TRANSACTIONS),
        RangeCfg::from(0..=MAX_ENVELOPE_BYTES),
    );
    let mut message = message;
    match Vec::<Bytes>::read_cfg(&mut message, &config) {
        Ok(transactions) => {
            batch.extend(transactions.into_iter().map(|bytes| (bytes, Origin::Peer)));
        }
        Err(error) => debug!(%error, "a peer's message of transactions does not decode"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(bytes: Vec<u8>) -> usize {
        let mut batch = Vec::new();
        read_gossip(IoBuf::from(bytes), &mut batch);
        batch.len()
    }

    proptest! {
        #[test]
        fn no_message_of_a_peer_makes_this_node_fail(
            bytes in prop::collection::vec(any::<u8>(), 0..512)
        ) {
            read(bytes);
        }
    }

    #[test]
    fn a_message_with_more_transactions_than_allowed_is_dropped_whole() {
        let message = |count: usize| vec![Bytes::from_static(b"x"); count].encode().to_vec();
        assert_eq!(
            read(message(MAX_GOSSIP_TRANSACTIONS)),
            MAX_GOSSIP_TRANSACTIONS
        );
        assert_eq!(read(message(MAX_GOSSIP_TRANSACTIONS + 1)), 0);
    }

    #[test]
    fn a_transaction_longer_than_any_envelope_is_dropped() {
        let message = |length: usize| vec![Bytes::from(vec![0; length])].encode().to_vec();
        assert_eq!(read(message(MAX_ENVELOPE_BYTES)), 1);
        assert_eq!(read(message(MAX_ENVELOPE_BYTES + 1)), 0);
    }
}
