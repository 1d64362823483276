//! The write-behind log of calls: what was answered is posted to the ledger until it is final.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tacit_ledger::kernel::Reject;
use tacit_ledger::network::{Action, SessionId};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::sleep;

use super::unsettled::Book;
use crate::crash::{CrashPoint, CrashPoints};
use crate::ports::{Ledger, LedgerError};
use crate::store::{ServedBatch, Settlement, Store, StoreError};
use crate::tasks::Tasks;

/// Batches that are on their way to the ledger at a time. Each takes up to 192 kB of a block; the rest
/// waits on the disk.
const MAX_POSTED_AT_A_TIME: usize = 16;

/// First pause after the ledger could not be reached; it doubles up to [`MAX_RETRY_PAUSE`].
const RETRY_PAUSE: Duration = Duration::from_millis(200);

/// Longest pause between two attempts.
const MAX_RETRY_PAUSE: Duration = Duration::from_secs(10);

/// Posts batches. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct CallLog {
    book: Book,
    waiting: Arc<AtomicUsize>,
    // Names only: the batches stay on the disk, so that a queue of any length costs little memory.
    queue: mpsc::UnboundedSender<(SessionId, u64)>,
}

struct Poster {
    ledger: Arc<dyn Ledger>,
    store: Store,
    crash: CrashPoints,
    book: Book,
    waiting: Arc<AtomicUsize>,
    delay: Duration,
}

impl CallLog {
    /// Starts posting: first what a former run answered, then what is answered from now on, `delay_ms`
    /// after the answer, so that answers go before their settlement when there is much to do.
    pub(crate) async fn start(
        ledger: Arc<dyn Ledger>,
        store: Store,
        crash: CrashPoints,
        delay_ms: u64,
        tasks: &Tasks,
    ) -> Result<Self, StoreError> {
        let (queue, names) = mpsc::unbounded_channel();
        let (book, waiting) = (Book::default(), Arc::new(AtomicUsize::new(0)));
        let log = Self {
            book: book.clone(),
            waiting: waiting.clone(),
            queue,
        };
        for summary in store.served_waiting().await? {
            if let Some(served) = store.served(summary.session, summary.sequence).await? {
                log.book
                    .restore(&served.batch.signed.request, served.request_hash);
                log.served(&served);
            }
        }
        let delay = Duration::from_millis(delay_ms);
        let poster = Arc::new(Poster {
            ledger,
            store,
            crash,
            book,
            waiting,
            delay,
        });
        tasks.spawn(run(poster, names, tasks.clone()));
        Ok(log)
    }

    /// What is answered and not final.
    pub(crate) fn book(&self) -> &Book {
        &self.book
    }

    /// Batches answered and not final.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Posts a batch that is on the disk.
    pub(crate) fn served(&self, served: &ServedBatch) {
        let request = &served.batch.signed.request;
        self.waiting.fetch_add(1, Ordering::Relaxed);
        // The poster lives as long as the front end.
        let _ = self.queue.send((request.session, request.sequence));
    }
}

async fn run(
    poster: Arc<Poster>,
    mut names: mpsc::UnboundedReceiver<(SessionId, u64)>,
    tasks: Tasks,
) {
    let permits = Arc::new(Semaphore::new(MAX_POSTED_AT_A_TIME));
    while let Some((session, sequence)) = names.recv().await {
        let Ok(permit) = permits.clone().acquire_owned().await else {
            return;
        };
        let poster = poster.clone();
        tasks.spawn(async move {
            sleep(poster.delay).await;
            poster.post(session, sequence).await;
            drop(permit);
        });
    }
}

impl Poster {
    /// Posts one batch until the ledger has said yes or no.
    async fn post(&self, session: SessionId, sequence: u64) {
        let mut pause = RETRY_PAUSE;
        loop {
            match self.try_post(session, sequence).await {
                Ok((settlement, height)) => {
                    self.crash.reach(CrashPoint::BeforeSettledWrite).await;
                    let noted = self
                        .store
                        .settle_served(session, sequence, settlement, height)
                        .await;
                    if let Err(error) = noted {
                        tracing::error!(%error, "call_log.settle: the database failed");
                    }
                    self.book.release(session, sequence);
                    self.waiting.fetch_sub(1, Ordering::Relaxed);
                    return;
                }
                Err(reason) => {
                    tracing::warn!(%reason, %session, sequence, "call_log.post: trying again");
                    sleep(pause).await;
                    pause = (pause * 2).min(MAX_RETRY_PAUSE);
                }
            }
        }
    }

    async fn try_post(
        &self,
        session: SessionId,
        sequence: u64,
    ) -> Result<(Settlement, Option<u64>), String> {
        let served = self
            .store
            .served(session, sequence)
            .await
            .map_err(|e| e.to_string())?;
        let Some(served) = served else {
            return Ok((Settlement::Refused, None));
        };
        self.crash.reach(CrashPoint::BeforePost).await;
        match self
            .ledger
            .submit(Action::CallBatch(Box::new(served.batch)))
            .await
        {
            Ok(applied) => Ok((Settlement::Final, Some(applied.height))),
            // The querier posted it, or a former run did.
            Err(LedgerError::Rejected(Reject::SEQUENCE_SETTLED)) => Ok((Settlement::Final, None)),
            Err(LedgerError::Rejected(reject)) if !reject.transient() => {
                tracing::error!(%reject, %session, sequence, "call_log.post: cannot be settled");
                Ok((Settlement::Refused, None))
            }
            Err(error) => Err(error.to_string()),
        }
    }
}
