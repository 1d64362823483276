//! The ledger as consensus sees it: builds blocks, checks them, and learns which are final.

use super::{
    Core,
    ledger::results_root,
    run::{Executed, Place, Unfit, execute, knows_rules},
    speculation::Candidate,
    store::{Batch, Sealed, Stores, sync_target},
};
use crate::{
    archive::Record,
    block::{Block, MAX_BLOCK_BYTES, MAX_BLOCK_TRANSACTIONS, body_digest},
    pacing::{block_time, time_is_valid},
    runtime::{Runtime, compute, now_ms},
    transaction::Transaction,
};
use commonware_consensus::{
    Heightable as _,
    marshal::ancestry::Ancestry,
    types::{Epocher as _, Height},
};
use commonware_cryptography::{Digested, Digestible as _};
use commonware_glue::stateful::{self, Finality, Input, Proposed, db::DatabaseSet};
use commonware_storage::mmr;
use commonware_storage::qmdb::sync::Target;
use futures::StreamExt as _;
use std::{future::pending, sync::Arc};
use tacit_finality::{Digest, Header, ProposalContext, Scheme};
use tacit_ledger::kernel::BlockContext;
use tracing::{debug, warn};

/// Blocks between two prunings of results.
const PRUNE_EVERY: u64 = 64;

/// The ledger behind the engine. Clones share everything.
#[derive(Clone)]
pub(crate) struct LedgerApplication {
    core: Arc<Core>,
}

impl LedgerApplication {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    fn place(&self, height: Height, time_ms: u64) -> Option<Place> {
        let bounds = self.core.epocher.containing(height)?;
        Some(Place {
            context: BlockContext {
                chain_id: self.core.ledger.chain_id,
                height: height.get(),
                time_ms,
            },
            ends_epoch: bounds.last() == height,
            committee: self.core.committees.committee(bounds.epoch())?,
        })
    }

    fn remember<E: Runtime>(&self, block: &Digested<Block>, executed: Executed<E>) -> Sealed<E> {
        let candidate = Candidate {
            height: block.height(),
            parent: block.inner().header.parent,
            transactions: executed.included,
            results: Arc::new(executed.results),
        };
        self.core.speculation().insert(block.digest(), candidate);
        executed.sealed
    }

    /// Reads the block's transactions and checks those that were not checked before. `None` if one
    /// of them is malformed or does not hold.
    async fn read_and_check<E: Runtime>(
        &self,
        runtime: &E,
        block: &Digested<Block>,
        finality: Finality,
    ) -> Option<Vec<Arc<Transaction>>> {
        let core = self.core.clone();
        let block = block.clone();
        compute(runtime, "check", move || {
            core.read_block(&block.inner().envelopes, finality == Finality::Finalized)
        })
        .await
    }
}

impl<E: Runtime> stateful::Application<E> for LedgerApplication {
    type SigningScheme = Scheme;
    type Context = ProposalContext;
    type Block = Block;
    type Databases = Stores<E>;
    type Captured = ();
    type Provider = ();
    type Input = ();

    fn sync_targets(block: &Block) -> Target<mmr::Family, Digest> {
        sync_target(&block.header.state)
    }

    async fn genesis(&mut self) -> Block {
        self.core.genesis.clone()
    }

    async fn propose(
        &mut self,
        (runtime, context): (E, ProposalContext),
        mut ancestry: impl Ancestry<Block>,
        batch: Batch<E>,
        _input: Input<(), ()>,
    ) -> Option<Proposed<Self, E>> {
        let parent = ancestry.next().await?;
        let height = parent.height().next();
        let time_ms = block_time(&parent.inner().header, now_ms(&runtime));
        let place = self.place(height, time_ms)?;
        if !knows_rules(height.get(), &batch).await {
            return None;
        }

        let in_flight = self.core.speculation().in_flight(parent.digest());
        let transactions = self.core.pool.select(
            &in_flight,
            height.get(),
            MAX_BLOCK_TRANSACTIONS,
            MAX_BLOCK_BYTES,
        );
        let executed = execute(
            &runtime,
            &self.core.ledger,
            place,
            transactions,
            Unfit::LeaveOut,
            batch,
        )
        .await?;
        self.core.pool.evict_left_out(&executed.left_out);

        let envelopes: Vec<_> = executed
            .included
            .iter()
            .map(|tx| tx.bytes.clone())
            .collect();
        let block = Block {
            header: Header {
                context,
                parent: parent.digest(),
                height,
                time_ms,
                body: body_digest(&envelopes),
                state: executed.state.clone(),
                results_root: results_root(&executed.results),
                handover: executed.handover.clone(),
            },
            envelopes,
        };
        let digest = block.digest();
        let block = Digested::precomputed(block, digest);
        let merkleized = self.remember(&block, executed);
        Some(Proposed {
            block: block.inner().clone(),
            merkleized,
        })
    }

    async fn process(
        &mut self,
        (runtime, _): (E, ProposalContext),
        mut ancestry: impl Ancestry<Block>,
        batch: Batch<E>,
        finality: Finality,
    ) -> Option<Sealed<E>> {
        let block = ancestry.next().await?;
        let header = &block.inner().header;
        if finality == Finality::Candidate {
            let parent = ancestry.next().await?;
            if !time_is_valid(&parent.inner().header, header) {
                warn!(
                    height = header.height.get(),
                    "a proposal's time breaks the rules"
                );
                return None;
            }
        }
        if !knows_rules(header.height.get(), &batch).await {
            if finality == Finality::Finalized {
                // What is final has to be executed, and cannot be here: whoever runs the node stops it.
                pending::<()>().await;
            }
            return None;
        }
        let transactions = self.read_and_check(&runtime, &block, finality).await?;
        let place = self.place(header.height, header.time_ms)?;
        let executed = execute(
            &runtime,
            &self.core.ledger,
            place,
            transactions,
            Unfit::Refuse,
            batch,
        )
        .await?;

        let agrees = header.state == executed.state
            && header.results_root == results_root(&executed.results)
            && header.handover == executed.handover;
        if !agrees {
            warn!(
                height = header.height.get(),
                ours = %executed.state.root,
                theirs = %header.state.root,
                "a proposal commits to another state than its execution gives"
            );
            return None;
        }
        Some(self.remember(&block, executed))
    }

    async fn capture(
        &mut self,
        _context: (E, ProposalContext),
        _block: &Block,
        _sealed: &Sealed<E>,
        _readers: <Stores<E> as DatabaseSet<E>>::Readers,
    ) {
    }

    async fn finalized(
        &mut self,
        _context: (E, ProposalContext),
        block: &Block,
        _captured: (),
        _readers: <Stores<E> as DatabaseSet<E>>::Readers,
    ) {
        let digest = block.digest();
        let height = block.header.height;
        let candidate = self
            .core
            .speculation()
            .finalize(&digest, height)
            .expect("a finalized block was executed before its state is applied");
        // The record is on disk when this returns, and consensus acknowledges the block after it. A
        // crash in between rewinds the store, and the block is executed again.
        let results = candidate.results;
        let record = Record {
            block: digest,
            results: results.clone(),
        };
        self.core.archive.append(record, height).await;
        if let Some(kept) = self.core.retention.blocks
            && height.get().is_multiple_of(PRUNE_EVERY)
        {
            let oldest = height.get().saturating_sub(kept.get());
            self.core.archive.prune(Height::new(oldest)).await;
        }
        self.core
            .pool
            .finalized(&candidate.transactions, height.get());
        self.core.advance_tip(&block.header);
        self.core.waiters.finalized(height.get(), &results);
        debug!(
            height = height.get(),
            transactions = block.envelopes.len(),
            "finalized"
        );
    }
}
