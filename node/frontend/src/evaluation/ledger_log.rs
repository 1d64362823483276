//! The write-behind log of calls: what was answered is posted to the ledger until it is final.
//!
//! Answers go first. To settle a call costs every validator about as much arithmetic as to answer it, so
//! batches wait while their provider is being asked, though never for long: then all of them are posted in
//! the order of their answers.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tacit_ledger::kernel::Reject;
use tacit_ledger::network::{Action, SessionId};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, sleep, sleep_until};

use super::unsettled::Book;
use crate::crash::{CrashPoint, CrashPoints};
use crate::ports::{Ledger, LedgerError};
use crate::store::{ServedBatch, Settlement, Store, StoreError};
use crate::tasks::Tasks;

/// Calls that are on their way to the ledger at a time. A call takes 190 bytes of a block, so that this is
/// a fifth of what the ledger takes of one sender; the rest waits on the disk.
const MAX_POSTED_CALLS: usize = 16_000;

/// What a batch counts beside its calls: its envelope, and the task that waits for it.
const BATCH_OVERHEAD_CALLS: usize = 16;

/// Least pause between two looks at whether somebody is asking.
const LEAST_PAUSE: Duration = Duration::from_millis(5);

/// First pause after the ledger could not be reached; it doubles up to [`MAX_RETRY_PAUSE`].
const RETRY_PAUSE: Duration = Duration::from_millis(200);

/// Longest pause between two attempts.
const MAX_RETRY_PAUSE: Duration = Duration::from_secs(10);

/// Posts batches. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct CallLog {
    book: Book,
    waiting: Arc<AtomicUsize>,
    activity: Activity,
    // Names only: the batches stay on the disk, so that a queue of any length costs little memory.
    queue: mpsc::UnboundedSender<Waiting>,
}

/// When batches are posted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PostingTimes {
    /// For how long nobody must have asked anything.
    pub(crate) quiet: Duration,
    /// How long after its answer a batch is posted whoever asks.
    pub(crate) within: Duration,
}

/// A batch that is on the disk and not posted.
#[derive(Debug)]
struct Waiting {
    session: SessionId,
    sequence: u64,
    calls: usize,
    since: Instant,
}

struct Poster {
    ledger: Arc<dyn Ledger>,
    store: Store,
    crash: CrashPoints,
    book: Book,
    waiting: Arc<AtomicUsize>,
    activity: Activity,
    times: PostingTimes,
}

impl CallLog {
    /// Starts posting: first what a former run answered, then what is answered from now on.
    pub(crate) async fn start(
        ledger: Arc<dyn Ledger>,
        store: Store,
        crash: CrashPoints,
        times: PostingTimes,
        tasks: &Tasks,
    ) -> Result<Self, StoreError> {
        let (queue, names) = mpsc::unbounded_channel();
        let (book, waiting) = (Book::default(), Arc::new(AtomicUsize::new(0)));
        let activity = Activity::default();
        let log = Self {
            book: book.clone(),
            waiting: waiting.clone(),
            activity: activity.clone(),
            queue,
        };
        for summary in store.served_waiting().await? {
            if let Some(served) = store.served(summary.session, summary.sequence).await? {
                log.book
                    .restore(&served.batch.signed.request, served.request_hash);
                log.served(&served);
            }
        }
        let poster = Arc::new(Poster {
            ledger,
            store,
            crash,
            book,
            waiting,
            activity,
            times,
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
        let _ = self.queue.send(Waiting {
            session: request.session,
            sequence: request.sequence,
            calls: request.calls.len(),
            since: Instant::now(),
        });
    }

    /// Says that somebody is asking, until what it returns is dropped.
    pub(crate) fn asked(&self) -> Asking {
        self.activity.count(|state| state.under_way += 1);
        Asking(self.activity.clone())
    }
}

/// Whether this member is being asked. Clones share it.
#[derive(Clone, Debug)]
struct Activity(Arc<Mutex<ActivityState>>);

#[derive(Debug)]
struct ActivityState {
    under_way: usize,
    last: Instant,
}

impl Default for Activity {
    fn default() -> Self {
        let (under_way, last) = (0, Instant::now());
        Self(Arc::new(Mutex::new(ActivityState { under_way, last })))
    }
}

impl Activity {
    fn count<T>(&self, change: impl FnOnce(&mut ActivityState) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until nobody has asked for so long, or the time is over.
    async fn quiet(&self, quiet: Duration, until: Instant) {
        loop {
            let now = Instant::now();
            let calm = self.count(|state| match state.under_way {
                0 => state.last + quiet,
                // Whoever is being answered is answered before it is looked at again.
                _ => now + quiet.max(LEAST_PAUSE),
            });
            if calm.min(until) <= now {
                return;
            }
            sleep_until(calm.min(until)).await;
        }
    }
}

/// Somebody is asking.
#[derive(Debug)]
pub(crate) struct Asking(Activity);

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.count(|state| {
            state.under_way -= 1;
            state.last = Instant::now();
        });
    }
}

async fn run(poster: Arc<Poster>, mut queue: mpsc::UnboundedReceiver<Waiting>, tasks: Tasks) {
    let permits = Arc::new(Semaphore::new(MAX_POSTED_CALLS));
    while let Some(batch) = queue.recv().await {
        let PostingTimes { quiet, within } = poster.times;
        poster.activity.quiet(quiet, batch.since + within).await;
        let weight = (batch.calls + BATCH_OVERHEAD_CALLS).min(MAX_POSTED_CALLS) as u32;
        let Ok(permit) = permits.clone().acquire_many_owned(weight).await else {
            return;
        };
        let poster = poster.clone();
        tasks.spawn(async move {
            poster.post(batch.session, batch.sequence).await;
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
