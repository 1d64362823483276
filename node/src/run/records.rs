//! Writes finalized blocks into the read model, in order, at the database's pace.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tacit_consensus::{FinalizedBlock, LedgerError, LedgerHandle};
use tacit_ledger::kernel::Digest;
use tacit_ledger::network::ConsensusKey;
use tacit_readmodel::{Block, BlockHeader, ReadModel, ReadModelError};

/// Blocks that go into one SQL transaction while the rows are behind. Bounds the memory that they take.
const MAX_BLOCKS_PER_COMMIT: usize = 64;

/// How long a database that fails is left alone before it is tried again.
const RETRY_DELAY: Duration = Duration::from_secs(2);

/// Feeds the read model.
pub(super) struct Feeder {
    handle: LedgerHandle,
    model: ReadModel,
    position: Arc<AtomicU64>,
}

impl Feeder {
    pub(super) async fn new(
        handle: LedgerHandle,
        model: ReadModel,
    ) -> Result<Self, ReadModelError> {
        let position = Arc::new(AtomicU64::new(model.position().await?.height));
        Ok(Self {
            handle,
            model,
            position,
        })
    }

    /// The height that the rows have reached, as it grows.
    pub(super) fn position(&self) -> Arc<AtomicU64> {
        self.position.clone()
    }

    /// Runs until the ledger stops, or until the rows contradict it.
    pub(super) async fn run(self) {
        loop {
            match self.follow().await {
                Ok(()) => return,
                Err(error @ ReadModelError::Contradiction { .. }) => {
                    tracing::error!(%error, "readmodel.feed: the rows are not this ledger's; restore or empty the database");
                    return;
                }
                Err(error) => {
                    tracing::warn!(%error, "readmodel.feed: trying again");
                    tokio::time::sleep(RETRY_DELAY).await;
                }
            }
        }
    }

    /// Follows the chain from where the rows stand; ends when the ledger stops.
    async fn follow(&self) -> Result<(), ReadModelError> {
        let mut stream = self
            .handle
            .finalized(self.model.position().await?.height + 1);
        loop {
            let first = match stream.next().await {
                Ok(block) => block,
                Err(LedgerError::Pruned { oldest, .. }) => {
                    tracing::warn!(
                        oldest,
                        "readmodel.feed: blocks before this one are kept by no one here; they are passed over"
                    );
                    self.model.pass_over(oldest).await?;
                    stream = self.handle.finalized(oldest);
                    continue;
                }
                Err(error) => {
                    tracing::info!(%error, "readmodel.feed ends");
                    return Ok(());
                }
            };
            let mut blocks = vec![first];
            // What is final already goes into the same transaction; nothing is waited for.
            while blocks.len() < MAX_BLOCKS_PER_COMMIT && stream.height() <= self.handle.height() {
                match stream.next().await {
                    Ok(block) => blocks.push(block),
                    Err(_) => break,
                }
            }
            let shown: Vec<Block<'_>> = blocks.iter().map(shown).collect();
            self.model.apply_all(&shown).await?;
            if let Some(last) = blocks.last() {
                self.position
                    .store(last.header.height.get(), Ordering::Relaxed);
            }
        }
    }
}

fn shown(block: &FinalizedBlock) -> Block<'_> {
    let header = &block.header;
    let mut leader = [0; 32];
    leader.copy_from_slice(header.context.leader.as_ref());
    Block {
        header: BlockHeader {
            height: header.height.get(),
            time_ms: header.time_ms,
            epoch: header.epoch().get(),
            view: header.context.round.view().get(),
            leader: ConsensusKey(leader),
            hash: Digest(header.hash()),
            parent: Digest(header.parent.0),
            body: Digest(header.body.0),
            state_root: Digest(header.state.root.0),
            results_root: Digest(header.results_root.0),
        },
        envelopes: block.envelopes.iter().map(AsRef::as_ref).collect(),
        results: &block.results,
    }
}
