//! Answers questions on the ledger's runtime.

use super::types::{FinalTransaction, FinalizedBlock, LedgerError, Status};
use crate::{
    epochs::{HandoverMailbox, Marshal},
    execution::{Core, store::Stores},
    runtime::Runtime,
};
use bytes::Bytes;
use commonware_consensus::{marshal::Identifier, types::Height};
use commonware_runtime::Handle;
use commonware_utils::channel::{mpsc, oneshot};
use futures::{
    StreamExt as _,
    future::{BoxFuture, Either, select},
    lock::Mutex,
    stream::FuturesUnordered,
};
use std::{future::Future, pin::pin, sync::Arc, time::Duration};
use tacit_finality::{
    Claim, ConsensusKey, Evidence, FinalizedHeader, Header, MAX_DESCENDANTS, MAX_PROVEN_VALUES,
    ResultClaim, ValueProof, key_digest,
};
use tacit_ledger::kernel::{BlockResult, StateKey, TxId, results};

/// Questions that wait before a caller has to.
const QUEUE: usize = 1_024;
/// Questions that are worked on at once; each reads the disk a few times.
const MAX_IN_PROGRESS: usize = 64;

type Reply<T> = oneshot::Sender<T>;

/// A question with where its answer goes.
pub(crate) enum Query {
    GetMany {
        keys: Vec<StateKey>,
        reply: Reply<(u64, Vec<Option<Vec<u8>>>)>,
    },
    Blocks {
        from: u64,
        max: usize,
        reply: Reply<Result<Vec<FinalizedBlock>, LedgerError>>,
    },
    Transaction {
        id: TxId,
        reply: Reply<Option<FinalTransaction>>,
    },
    ProveValues {
        keys: Vec<StateKey>,
        reply: Reply<Result<Evidence, LedgerError>>,
    },
    ProveTransaction {
        id: TxId,
        reply: Reply<Result<Evidence, LedgerError>>,
    },
    ProveResult {
        height: u64,
        leaf: u32,
        reply: Reply<Result<Evidence, LedgerError>>,
    },
    ProveBlock {
        height: u64,
        reply: Reply<Result<Evidence, LedgerError>>,
    },
    Status {
        reply: Reply<Status>,
    },
}

/// Answers questions.
pub(crate) struct Server {
    queries: mpsc::Receiver<Query>,
    core: Arc<Core>,
    me: ConsensusKey,
}

impl Server {
    pub(crate) fn new(core: Arc<Core>, me: ConsensusKey) -> (Self, mpsc::Sender<Query>) {
        let (sender, queries) = mpsc::channel(QUEUE);
        (Self { queries, core, me }, sender)
    }

    /// Runs until every handle is gone. `stores` resolves when the node has a state.
    pub(crate) fn start<E: Runtime>(
        self,
        runtime: E,
        marshal: Marshal,
        handovers: HandoverMailbox,
        stores: impl Future<Output = Stores<E>> + Send + 'static,
    ) -> Handle<()> {
        runtime.spawn(move |runtime| self.run(runtime, marshal, handovers, stores))
    }

    async fn run<E: Runtime>(
        self,
        runtime: E,
        marshal: Marshal,
        handovers: HandoverMailbox,
        stores: impl Future<Output = Stores<E>> + Send + 'static,
    ) {
        let Self {
            mut queries,
            core,
            me,
        } = self;
        // Until there is a state, only the status can be told.
        let mut waiting = Vec::new();
        let stores = {
            let mut stores = pin!(stores);
            loop {
                let query = pin!(queries.recv());
                match select(stores.as_mut(), query).await {
                    Either::Left((stores, _)) => break stores,
                    Either::Right((None, _)) => return,
                    Either::Right((Some(Query::Status { reply }), _)) => {
                        let _ = reply.send(status(&core, &marshal, &me, true).await);
                    }
                    Either::Right((Some(query), _)) if waiting.len() < QUEUE => waiting.push(query),
                    // The queue behind this one holds the rest back.
                    Either::Right((Some(query), _)) => drop(query),
                }
            }
        };
        if let Some((_, block)) = marshal.get_anchor().await {
            core.advance_tip(&block.inner().header);
        }

        core.set_ready();
        let answers = Arc::new(Answers {
            runtime: runtime.child("answers"),
            stores,
            core,
            marshal,
            handovers,
            changes: Mutex::default(),
            me,
        });
        let mut in_progress: FuturesUnordered<BoxFuture<'static, ()>> = FuturesUnordered::new();
        for query in waiting {
            in_progress.push(Box::pin(answers.clone().answer(query)));
        }
        loop {
            if in_progress.len() >= MAX_IN_PROGRESS {
                in_progress.next().await;
                continue;
            }
            let query = pin!(queries.recv());
            if in_progress.is_empty() {
                match query.await {
                    Some(query) => in_progress.push(Box::pin(answers.clone().answer(query))),
                    None => return,
                }
                continue;
            }
            match select(query, in_progress.next()).await {
                Either::Left((Some(query), _)) => {
                    in_progress.push(Box::pin(answers.clone().answer(query)));
                }
                Either::Left((None, _)) => return,
                Either::Right(_) => {}
            }
        }
    }
}

async fn status(core: &Core, marshal: &Marshal, me: &ConsensusKey, syncing: bool) -> Status {
    let tip = core.tip().borrow().clone();
    let certified = marshal.get_info(Identifier::Latest).await;
    let epoch = core.committees.newest();
    let committee = core.committees.committee(epoch);
    let (transactions, bytes) = core.pool.load();
    Status {
        chain_id: core.ledger.chain_id,
        height: tip.height.get(),
        time_ms: tip.time_ms,
        epoch: epoch.get(),
        view: tip.context.round.view().get(),
        certified_height: certified.map_or(0, |(height, _)| height.get()),
        validator: committee
            .as_ref()
            .is_some_and(|committee| committee.contains(me)),
        validators: committee.map_or(0, |committee| committee.keys().len() as u32),
        syncing,
        waiting_transactions: transactions as u64,
        waiting_bytes: bytes as u64,
    }
}

/// Hand-overs that changed the validators: what evidence leads through.
#[derive(Default)]
struct Changes {
    /// Epochs that were looked through, from the first on.
    epochs: u64,
    headers: Vec<FinalizedHeader>,
}

/// What answering needs.
struct Answers<E: Runtime> {
    runtime: E,
    stores: Stores<E>,
    core: Arc<Core>,
    marshal: Marshal,
    handovers: HandoverMailbox,
    changes: Mutex<Changes>,
    me: ConsensusKey,
}

impl<E: Runtime> Answers<E> {
    async fn answer(self: Arc<Self>, query: Query) {
        // A caller that no longer waits is no reason for anything.
        match query {
            Query::GetMany { keys, reply } => {
                let _ = reply.send(self.get_many(&keys).await);
            }
            Query::Blocks { from, max, reply } => {
                let _ = reply.send(self.blocks(from, max).await);
            }
            Query::Transaction { id, reply } => {
                let _ = reply.send(self.transaction(id).await);
            }
            Query::ProveValues { keys, reply } => {
                let _ = reply.send(self.prove_values(&keys).await);
            }
            Query::ProveTransaction { id, reply } => {
                let _ = reply.send(self.prove_transaction(id).await);
            }
            Query::ProveResult {
                height,
                leaf,
                reply,
            } => {
                let _ = reply.send(self.prove_result(Height::new(height), leaf).await);
            }
            Query::ProveBlock { height, reply } => {
                let _ = reply.send(self.evidence(Height::new(height), Claim::Block).await);
            }
            Query::Status { reply } => {
                let _ = reply.send(status(&self.core, &self.marshal, &self.me, false).await);
            }
        }
    }

    /// Waits until the store's state is that of the newest header, which it is but for a moment in
    /// each block.
    async fn settled(&self) -> Header {
        loop {
            let tip = self.core.tip().borrow().clone();
            if tip.height.is_zero() || self.stores.read().await.root() == tip.state.root {
                return tip;
            }
            self.runtime.sleep(Duration::from_millis(1)).await;
        }
    }

    async fn get_many(&self, keys: &[StateKey]) -> (u64, Vec<Option<Vec<u8>>>) {
        let digests: Vec<_> = keys.iter().map(|key| key_digest(key.as_bytes())).collect();
        let digests: Vec<_> = digests.iter().collect();
        loop {
            let tip = self.settled().await;
            if tip.height.is_zero() {
                // The first block writes what the genesis says; until then it is true already.
                let writes = &self.core.ledger.genesis_writes;
                let values = keys.iter().map(|key| writes.get(key).cloned().flatten());
                return (0, values.collect());
            }
            let store = self.stores.read().await;
            if store.root() == tip.state.root {
                let values = store
                    .get_many(&digests)
                    .await
                    .expect("the state store must be readable");
                let values = values
                    .into_iter()
                    .map(|value| value.map(|bytes| bytes.to_vec()));
                return (tip.height.get(), values.collect());
            }
        }
    }

    async fn blocks(&self, from: u64, max: usize) -> Result<Vec<FinalizedBlock>, LedgerError> {
        let tip = self.core.tip().borrow().height.get();
        let mut blocks = Vec::new();
        for height in (from..=tip).take(max) {
            let at = Height::new(height);
            let (block, results) = (
                self.marshal.get_block(at).await,
                self.core.archive.get(at).await,
            );
            let (Some(block), Some(results)) = (block, results) else {
                if blocks.is_empty() {
                    let oldest = self.oldest().await;
                    return Err(LedgerError::Pruned { height, oldest });
                }
                break;
            };
            let finalization = self.marshal.get_finalization(at).await;
            let block = block.inner().clone();
            blocks.push(FinalizedBlock {
                header: block.header,
                finalization,
                envelopes: block.envelopes,
                results,
            });
        }
        Ok(blocks)
    }

    /// The oldest height of which both the block and its results are kept.
    ///
    /// Both are pruned to one depth, but file by file, and a joining node has blocks before it has
    /// results.
    async fn oldest(&self) -> u64 {
        let tip = self.core.tip().borrow().height;
        let Some(mut oldest) = self.core.archive.oldest().await else {
            return tip.get() + 1;
        };
        while oldest < tip && self.marshal.get_block(oldest).await.is_none() {
            oldest = oldest.next();
        }
        oldest.get()
    }

    async fn transaction(&self, id: TxId) -> Option<FinalTransaction> {
        let place = self.core.archive.find(id).await?;
        let results = self.core.archive.get(place.height).await?;
        let before = &results[..(place.index as usize).min(results.len())];
        let index = before
            .iter()
            .filter(|result| matches!(result, BlockResult::Tx(_)))
            .count();
        match results.get(place.index as usize)? {
            BlockResult::Tx(result) => Some(FinalTransaction {
                height: place.height.get(),
                index: index as u32,
                result: result.clone(),
            }),
            BlockResult::Block { .. } => None,
        }
    }

    /// Proves the values of all keys in one state.
    async fn prove_values(&self, keys: &[StateKey]) -> Result<Evidence, LedgerError> {
        if keys.len() > MAX_PROVEN_VALUES {
            return Err(LedgerError::TooMany {
                asked: keys.len(),
                most: MAX_PROVEN_VALUES,
            });
        }
        loop {
            let tip = self.settled().await;
            if tip.height.is_zero() {
                return Err(LedgerError::NotYet { height: 1 });
            }
            // The next block waits meanwhile: a moment, as the number of keys is bounded.
            let store = self.stores.read().await;
            if store.root() != tip.state.root {
                continue;
            }
            let mut proofs = Vec::with_capacity(keys.len());
            for key in keys {
                let digest = key_digest(key.as_bytes());
                let value = store
                    .get(&digest)
                    .await
                    .expect("the state store must be readable");
                let value = value.ok_or(LedgerError::NotFound { what: "value" })?;
                let proof = store
                    .key_value_proof(digest)
                    .await
                    .expect("a key with a value has a proof of it");
                proofs.push(ValueProof {
                    key: Bytes::copy_from_slice(key.as_bytes()),
                    value,
                    proof,
                });
            }
            drop(store);
            let claim = match <[ValueProof; 1]>::try_from(proofs) {
                Ok([proof]) => Claim::Value(Box::new(proof)),
                Err(proofs) => Claim::Values(proofs),
            };
            return self.evidence(tip.height, claim).await;
        }
    }

    async fn prove_transaction(&self, id: TxId) -> Result<Evidence, LedgerError> {
        let place = self.core.archive.find(id).await;
        let place = place.ok_or(LedgerError::NotFound {
            what: "transaction",
        })?;
        self.prove_result(place.height, place.index).await
    }

    async fn prove_result(&self, height: Height, leaf: u32) -> Result<Evidence, LedgerError> {
        let missing = LedgerError::NotFound { what: "result" };
        let results = self.core.archive.get(height).await;
        let results = results.ok_or(missing.clone())?;
        let result = results.get(leaf as usize).cloned();
        let result = result.ok_or(missing.clone())?;
        let proof = results::prove(&results, leaf).ok_or(missing)?;
        let claim = Claim::Result(Box::new(ResultClaim { result, proof }));
        self.evidence(height, claim).await
    }

    /// The claim about the block at `height`, with its certificate and the way from genesis to it.
    async fn evidence(&self, height: Height, claim: Claim) -> Result<Evidence, LedgerError> {
        let block = self.finalized_header(height).await?;
        let handovers = self.changes_before(block.header.epoch().get()).await;
        Ok(Evidence {
            handovers: handovers.ok_or(LedgerError::NoCertificate {
                height: height.get(),
            })?,
            block,
            claim,
        })
    }

    /// The hand-overs before `epoch` after which other validators decided; `None` if one is not known.
    async fn changes_before(&self, epoch: u64) -> Option<Vec<FinalizedHeader>> {
        let mut changes = self.changes.lock().await;
        while changes.epochs < epoch {
            let handover = self.handovers.get(changes.epochs).await?;
            let before = match changes.headers.last() {
                Some(change) => change.header.handover.as_ref(),
                None => Some(&self.core.ledger.genesis_committee),
            };
            if handover.header.handover.as_ref() != before {
                changes.headers.push(handover);
            }
            changes.epochs += 1;
        }
        let before = |change: &&FinalizedHeader| change.header.epoch().get() < epoch;
        Some(changes.headers.iter().take_while(before).cloned().collect())
    }

    /// The header at `height`, and those after it up to one with a certificate.
    async fn finalized_header(&self, height: Height) -> Result<FinalizedHeader, LedgerError> {
        let tip = self.core.tip().borrow().height;
        if height > tip {
            return Err(LedgerError::NotYet {
                height: height.get(),
            });
        }
        let mut headers = Vec::new();
        let mut at = height;
        while headers.len() <= MAX_DESCENDANTS {
            let Some(block) = self.marshal.get_block(at).await else {
                break;
            };
            headers.push(block.inner().header.clone());
            if let Some(finalization) = self.marshal.get_finalization(at).await {
                let mut headers = headers.into_iter();
                let header = headers
                    .next()
                    .ok_or(LedgerError::NoCertificate { height: at.get() })?;
                return Ok(FinalizedHeader {
                    header,
                    descendants: headers.collect(),
                    finalization,
                });
            }
            at = at.next();
        }
        if headers.is_empty() {
            let oldest = self.oldest().await;
            return Err(LedgerError::Pruned {
                height: height.get(),
                oldest,
            });
        }
        Err(LedgerError::NoCertificate {
            height: height.get(),
        })
    }
}
