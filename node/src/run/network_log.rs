//! Writes the calls of finalized blocks into this member's copy of the network's log.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tacit_circuits::curve::Field;
use tacit_circuits::log::LogFrontier;
use tacit_consensus::{FinalizedBlock, LedgerError, LedgerHandle};
use tacit_frontend::receipts::{AppendError, NetworkLog, SharedLog};
use tacit_frontend::snapshots::FileError;
use tacit_ledger::kernel::{BlockResult, Envelope, Outcome, Reject};
use tacit_ledger::network::{Action, Event, keys};

/// How much of the log may have to be read from the blocks again after a power cut.
const SYNC_INTERVAL: Duration = Duration::from_secs(1);

/// How long a disk that fails is left alone before it is tried again.
const RETRY_DELAY: Duration = Duration::from_secs(2);

/// Follows the chain for the log.
pub(super) struct LogFeeder {
    handle: LedgerHandle,
    folder: PathBuf,
    log: SharedLog,
}

/// Where the log begins.
#[derive(Clone, Copy, Debug)]
enum Beginning {
    /// Where the files end; with the first block where there are none.
    Files,
    /// With the first block.
    Blocks,
    /// With the newest state: the blocks before it are kept here no more.
    State,
}

/// Why the log is begun again.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Append(#[from] AppendError),
    #[error(transparent)]
    File(#[from] FileError),
    #[error("a call of block {0} does not decode")]
    Unreadable(u64),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl LogFeeder {
    pub(super) fn new(handle: LedgerHandle, folder: PathBuf) -> Self {
        let log = SharedLog::default();
        Self {
            handle,
            folder,
            log,
        }
    }

    /// Where the log can be read.
    pub(super) fn log(&self) -> SharedLog {
        self.log.clone()
    }

    /// Runs until the ledger stops.
    pub(super) async fn run(self) {
        let mut from = Beginning::Files;
        loop {
            match self.follow(from).await {
                Err(Trouble::Ledger(LedgerError::Stopped)) => return,
                Err(trouble) => {
                    if !matches!(trouble, Trouble::Ledger(_)) {
                        from = Beginning::Blocks;
                    }
                    tracing::error!(error = %trouble, ?from, "receipts.log: trying again");
                    tokio::time::sleep(RETRY_DELAY).await;
                }
                Ok(()) => from = Beginning::State,
            }
        }
    }

    /// Follows from where the log begins; ends where the next block is kept no more.
    async fn follow(&self, from: Beginning) -> Result<(), Trouble> {
        let chain = self.handle.chain_id();
        let opened = match from {
            Beginning::Files => NetworkLog::open(&self.folder, chain)?,
            Beginning::Blocks | Beginning::State => None,
        };
        let log = match (opened, from) {
            (Some(log), _) => log,
            (None, Beginning::State) => self.begin_from_state().await?,
            (None, _) => NetworkLog::begin(&self.folder, chain, 0, LogFrontier::new())?,
        };
        let log = Arc::new(log);
        self.log.store(Some(log.clone()));
        let mut blocks = self.handle.finalized(log.height() + 1);
        let mut synced = Instant::now();
        loop {
            let block = match blocks.next().await {
                Ok(block) => block,
                Err(LedgerError::Pruned { .. }) => return Ok(()),
                Err(error) => {
                    log.sync()?;
                    return Err(error.into());
                }
            };
            let height = block.header.height.get();
            let leaves = leaves(&block).map_err(|_| Trouble::Unreadable(height))?;
            log.append(height, &leaves, root(&block))?;
            if synced.elapsed() >= SYNC_INTERVAL {
                log.sync()?;
                synced = Instant::now();
            }
        }
    }

    /// Begins with the right edge that stands in the newest state: receipts of calls from before it cannot be
    /// made here.
    async fn begin_from_state(&self) -> Result<NetworkLog, Trouble> {
        let (height, values) = self.handle.get_many(vec![keys::log_frontier()]).await?;
        let frontier = match values.into_iter().flatten().next() {
            Some(bytes) => {
                tacit_ledger::kernel::decode(&bytes).map_err(|_| Trouble::Unreadable(height))?
            }
            None => Default::default(),
        };
        tracing::info!(height, "receipts.log: begins");
        let chain = self.handle.chain_id();
        Ok(NetworkLog::begin(&self.folder, chain, height, frontier)?)
    }
}

/// The leaves that a block added, in their order.
fn leaves(block: &FinalizedBlock) -> Result<Vec<Field>, Reject> {
    let results = block.results.iter().filter_map(|result| match result {
        BlockResult::Tx(tx) => Some(tx),
        BlockResult::Block { .. } => None,
    });
    let mut leaves = Vec::new();
    for (bytes, result) in block.envelopes.iter().zip(results) {
        if result.outcome != Outcome::Applied {
            continue;
        }
        let envelope = Envelope::from_bytes(bytes).map_err(|_| Reject::MALFORMED)?;
        match Action::of(&envelope) {
            Some(Ok(Action::CallBatch(batch))) => leaves.extend(batch.leaves()?),
            Some(Ok(Action::LogSamples(calls))) => leaves.extend(calls.leaves(envelope.sender)?),
            _ => {}
        }
    }
    Ok(leaves)
}

/// The log's root after a block that logged calls.
fn root(block: &FinalizedBlock) -> Option<Field> {
    let events = block.results.iter().filter_map(|result| match result {
        BlockResult::Block { events, .. } => Some(events),
        BlockResult::Tx(_) => None,
    });
    events
        .flat_map(|events| events.iter())
        .find_map(|event| match Event::read(event) {
            Some(Ok(Event::LogAdvanced { root, .. })) => root.field().ok(),
            _ => None,
        })
}
