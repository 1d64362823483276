//! How the rest of a node reaches the ledger, from any thread and any runtime.
//!
//! | file | content |
//! |---|---|
//! | `types` | what is asked and answered |
//! | `server` | answers on the ledger's runtime |
//! | `state` | reads several keys of one state |
//! | `stream` | finalized blocks, from any height on |
//! | `waiters` | callers that wait for a transaction to become final |

mod server;
mod state;
mod stream;
mod types;
mod waiters;

pub(crate) use server::{Query, Server};
pub(crate) use waiters::Waiters;
pub use {
    state::StateReader,
    stream::FinalizedStream,
    types::{FinalTransaction, FinalizedBlock, LedgerError, Status, SubmitError},
};

use crate::{
    execution::Core,
    mempool::{AdmissionError, AdmissionMailbox},
};
use bytes::Bytes;
use commonware_utils::channel::{mpsc, oneshot, watch};
use std::sync::Arc;
use tacit_finality::{Evidence, Header};
use tacit_ledger::kernel::{ChainId, Envelope, StateKey, TxId};

/// Reaches the ledger of this node. Clones reach the same one.
///
/// Its futures run on any executor. Queues behind it are bounded: a caller that asks more than the
/// node answers waits, and consensus never waits for a caller.
#[derive(Clone)]
pub struct LedgerHandle {
    core: Arc<Core>,
    admission: AdmissionMailbox,
    queries: mpsc::Sender<Query>,
}

impl LedgerHandle {
    pub(crate) fn new(
        core: Arc<Core>,
        admission: AdmissionMailbox,
        queries: mpsc::Sender<Query>,
    ) -> Self {
        Self {
            core,
            admission,
            queries,
        }
    }

    /// The network's id: the hash of its genesis.
    pub fn chain_id(&self) -> ChainId {
        self.core.ledger.chain_id
    }

    /// The height of the newest finalized block that this node executed.
    pub fn height(&self) -> u64 {
        self.core.tip().borrow().height.get()
    }

    /// Waits until the node has a state: at once but while it opens its files, or joins.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Stopped`] if the node stops.
    pub async fn ready(&self) -> Result<(), LedgerError> {
        let mut ready = self.core.ready();
        ready
            .wait_for(|ready| *ready)
            .await
            .map_err(|_| LedgerError::Stopped)?;
        Ok(())
    }

    /// The newest finalized header, as it changes.
    pub fn tip(&self) -> watch::Receiver<Header> {
        self.core.tip()
    }

    /// Submits the canonical bytes of an envelope, and returns when it waits for a block.
    ///
    /// Submitting the same bytes again is harmless.
    ///
    /// # Errors
    ///
    /// [`AdmissionError`] says what to do.
    pub async fn submit(&self, envelope: impl Into<Bytes>) -> Result<TxId, AdmissionError> {
        self.admission.submit(envelope.into()).await
    }

    /// Submits an envelope and waits until it is final.
    ///
    /// Dropping the future stops the waiting, not the transaction.
    ///
    /// # Errors
    ///
    /// [`SubmitError::Admission`] if it was not admitted, [`SubmitError::Expired`] if its expiry
    /// height passed without it, [`SubmitError::Stopped`] if the node stops.
    pub async fn submit_and_wait(
        &self,
        envelope: impl Into<Bytes>,
    ) -> Result<FinalTransaction, SubmitError> {
        let bytes = envelope.into();
        let read = Envelope::from_bytes(&bytes).map_err(|_| AdmissionError::Malformed)?;
        // Waiting starts before the submission, so that no block comes in between.
        let place = self.core.waiters.wait(read.tx_id(), read.expiry_height);
        self.submit(bytes).await?;
        place.await.map_err(|_| SubmitError::Stopped)?
    }

    /// Reads several keys of the newest finalized state, and its height.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Stopped`] if the node stops. While a node is joining, this waits until it has
    /// a state.
    pub async fn get_many(
        &self,
        keys: Vec<StateKey>,
    ) -> Result<(u64, Vec<Option<Vec<u8>>>), LedgerError> {
        self.ask(|reply| Query::GetMany { keys, reply }).await
    }

    /// Reads typed records through [`get_many`](Self::get_many).
    pub fn state(&self) -> StateReader {
        StateReader::new(self.queries.clone())
    }

    /// The finalized block at `height`.
    ///
    /// # Errors
    ///
    /// [`LedgerError::NotYet`] above the newest block, [`LedgerError::Pruned`] below the oldest.
    pub async fn block(&self, height: u64) -> Result<FinalizedBlock, LedgerError> {
        let blocks = self
            .ask(|reply| Query::Blocks {
                from: height,
                max: 1,
                reply,
            })
            .await??;
        blocks
            .into_iter()
            .next()
            .ok_or(LedgerError::NotYet { height })
    }

    /// Finalized blocks from `height` on, those to come included.
    ///
    /// The stream reads at its reader's pace: a slow reader holds up nobody, and reads what it missed
    /// from disk.
    pub fn finalized(&self, height: u64) -> FinalizedStream {
        FinalizedStream::new(self.queries.clone(), self.core.tip(), height)
    }

    /// Where a transaction stands and what came of it; `None` if it is not final or was pruned.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Stopped`] if the node stops.
    pub async fn transaction(&self, id: TxId) -> Result<Option<FinalTransaction>, LedgerError> {
        self.ask(|reply| Query::Transaction { id, reply }).await
    }

    /// Proves the value of a key in the newest finalized state.
    ///
    /// # Errors
    ///
    /// [`LedgerError::NotFound`] if the key has no value: absence is not proven.
    pub async fn prove_value(&self, key: StateKey) -> Result<Evidence, LedgerError> {
        self.prove_values(vec![key]).await
    }

    /// Proves the values of several keys in one finalized state, the newest.
    ///
    /// # Errors
    ///
    /// [`LedgerError::NotFound`] if a key has no value: absence is not proven.
    /// [`LedgerError::TooMany`] for more than [`MAX_PROVEN_VALUES`](tacit_finality::MAX_PROVEN_VALUES).
    pub async fn prove_values(&self, keys: Vec<StateKey>) -> Result<Evidence, LedgerError> {
        self.ask(|reply| Query::ProveValues { keys, reply }).await?
    }

    /// Proves that a transaction is final, with its outcome and its events.
    ///
    /// # Errors
    ///
    /// [`LedgerError::NotFound`] if it is not final or was pruned.
    pub async fn prove_transaction(&self, id: TxId) -> Result<Evidence, LedgerError> {
        self.ask(|reply| Query::ProveTransaction { id, reply })
            .await?
    }

    /// Proves what a transaction of a block did, or, with leaf 0, what the block did by itself: transaction i is
    /// leaf i + 1.
    ///
    /// # Errors
    ///
    /// [`LedgerError::NotFound`] if there is no such result or it was pruned.
    pub async fn prove_result(&self, height: u64, leaf: u32) -> Result<Evidence, LedgerError> {
        self.ask(|reply| Query::ProveResult {
            height,
            leaf,
            reply,
        })
        .await?
    }

    /// Proves that the block at `height` is final.
    ///
    /// # Errors
    ///
    /// [`LedgerError::NotYet`] above the newest block, [`LedgerError::Pruned`] below the oldest.
    pub async fn prove_block(&self, height: u64) -> Result<Evidence, LedgerError> {
        self.ask(|reply| Query::ProveBlock { height, reply })
            .await?
    }

    /// How the node stands.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Stopped`] if the node stops.
    pub async fn status(&self) -> Result<Status, LedgerError> {
        self.ask(|reply| Query::Status { reply }).await
    }

    async fn ask<T>(
        &self,
        query: impl FnOnce(oneshot::Sender<T>) -> Query,
    ) -> Result<T, LedgerError> {
        let (reply, answer) = oneshot::channel();
        self.queries
            .send(query(reply))
            .await
            .map_err(|_| LedgerError::Stopped)?;
        answer.await.map_err(|_| LedgerError::Stopped)
    }
}
