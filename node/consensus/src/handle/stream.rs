//! Finalized blocks, from any height on.

use super::{
    Query,
    types::{FinalizedBlock, LedgerError},
};
use commonware_utils::channel::{mpsc, oneshot, watch};
use std::collections::VecDeque;
use tacit_finality::Header;

/// Blocks fetched at once by a reader that is behind.
const READ_AHEAD: usize = 32;

/// Finalized blocks in order of height, read at the reader's pace.
pub struct FinalizedStream {
    queries: mpsc::Sender<Query>,
    tip: watch::Receiver<Header>,
    next: u64,
    ready: VecDeque<FinalizedBlock>,
}

impl FinalizedStream {
    pub(crate) fn new(
        queries: mpsc::Sender<Query>,
        tip: watch::Receiver<Header>,
        from: u64,
    ) -> Self {
        // Genesis holds no transaction and is nobody's news.
        Self {
            queries,
            tip,
            next: from.max(1),
            ready: VecDeque::new(),
        }
    }

    /// The height of the block that [`next`](Self::next) returns.
    pub fn height(&self) -> u64 {
        self.next
    }

    /// The next block, as soon as it is final.
    ///
    /// Dropping the future loses no block.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Pruned`] if the node no longer keeps the block: the reader is further behind
    /// than the node remembers, or the node joined later. [`LedgerError::Stopped`] if the node stops.
    pub async fn next(&mut self) -> Result<FinalizedBlock, LedgerError> {
        loop {
            if let Some(block) = self.ready.pop_front() {
                self.next = block.header.height.get() + 1;
                return Ok(block);
            }
            let next = self.next;
            self.tip
                .wait_for(|tip| tip.height.get() >= next)
                .await
                .map_err(|_| LedgerError::Stopped)?;
            let (reply, answer) = oneshot::channel();
            self.queries
                .send(Query::Blocks {
                    from: next,
                    max: READ_AHEAD,
                    reply,
                })
                .await
                .map_err(|_| LedgerError::Stopped)?;
            self.ready = answer.await.map_err(|_| LedgerError::Stopped)??.into();
        }
    }
}
