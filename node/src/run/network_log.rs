//! Writes the calls of finalized blocks into this member's copy of the network's log.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tacit_circuits::curve::Field;
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
        let mut begin = false;
        loop {
            match self.follow(begin).await {
                Err(Trouble::Ledger(LedgerError::Stopped)) => return,
                Err(trouble) => {
                    // The right edge stands in the ledger's state: what was there before is lost to new
                    // receipts, and nothing is wrong.
                    begin = !matches!(trouble, Trouble::Ledger(_));
                    tracing::error!(error = %trouble, begin, "receipts.log: trying again");
                    tokio::time::sleep(RETRY_DELAY).await;
                }
                Ok(()) => begin = true,
            }
        }
    }

    /// Follows from where the files end, or from the newest state; ends where the blocks in between are gone.
    async fn follow(&self, begin: bool) -> Result<(), Trouble> {
        let opened = if begin {
            None
        } else {
            NetworkLog::open(&self.folder, self.handle.chain_id())?
        };
        let log = match opened {
            Some(log) => log,
            None => self.begin().await?,
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

    async fn begin(&self) -> Result<NetworkLog, Trouble> {
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
        let Some(Ok(Action::CallBatch(batch))) = Action::of(&envelope) else {
            continue;
        };
        leaves.extend(batch.leaves()?);
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
