//! Follows this member's calls until they are final, posts those that the provider does not post, and asks
//! again for answers that were paid for and lost on their way.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tacit_ledger::kernel::{BoundedVec, Reject, TxId, codec};
use tacit_ledger::network::{Action, CallBatch, Event, SessionId, SignedRequest, read as state};
use tacit_sealing::BatchName;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Mutex, Notify, mpsc};
use tokio::time::{Instant, sleep, timeout};

use super::answer::{CallsFinal, Unreachable};
use super::ask::late_answer;
use super::own_records::OwnAnswer;
use super::sessions::Sessions;
use crate::clock::now_ms;
use crate::compute::compute;
use crate::peer::{PeerError, evaluate};
use crate::ports::{FinalizedBlock, Ledger, LedgerError, Peers, read};
use crate::store::{AskedState, Store, StoreError};
use crate::tasks::Tasks;

/// How often calls that wait are looked at.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// Pause before a call is looked at again that could not be followed up; it doubles up to
/// [`MAX_RETRY_PAUSE`].
const RETRY_PAUSE: Duration = Duration::from_secs(5);

/// Longest such pause.
const MAX_RETRY_PAUSE: Duration = Duration::from_secs(600);

/// Batches that are read at a time.
const PAGE: u32 = 256;

/// How long a provider may take to repeat an answer.
const OWED_TIMEOUT: Duration = Duration::from_secs(5);

/// Names a request: its session, and its number within.
type Name = (SessionId, u64);

/// Batches whose finality somebody waits for, with what they charge, in minor units.
type Watched = HashMap<Name, (mpsc::UnboundedSender<CallsFinal>, u64)>;

/// Calls that could not be followed up: when they are looked at again, and the pause after that.
type Backoff = HashMap<Name, (Instant, Duration)>;

/// Follows the calls of one front end. Clones share it.
#[derive(Clone)]
pub(crate) struct FollowUp(Arc<Inner>);

struct Inner {
    ledger: Arc<dyn Ledger>,
    peers: Arc<dyn Peers>,
    store: Store,
    sessions: Sessions,
    post_after_ms: u64,
    watched: Mutex<Watched>,
    /// Answers that their providers do not give any more.
    lost: Mutex<HashSet<Name>>,
    /// Blocks were missed: whatever waits may have become final in them.
    missed: AtomicBool,
    wake: Notify,
}

impl FollowUp {
    pub(crate) fn start(
        ledger: Arc<dyn Ledger>,
        peers: Arc<dyn Peers>,
        store: Store,
        sessions: Sessions,
        post_after_ms: u64,
        tasks: &Tasks,
    ) -> Self {
        let follow_up = Self(Arc::new(Inner {
            ledger,
            peers,
            store,
            sessions,
            post_after_ms,
            watched: Mutex::default(),
            lost: Mutex::default(),
            // What became final while nobody listened here is found out before anything is posted.
            missed: AtomicBool::new(true),
            wake: Notify::new(),
        }));
        tasks.spawn(follow_up.clone().follow());
        tasks.spawn(follow_up.clone().look_after());
        tasks.spawn(follow_up.clone().collect());
        follow_up
    }

    /// Tells `whom` when the batch is final, even if it is already. Where that cannot happen any more, the
    /// sender is dropped.
    pub(super) async fn watch(
        &self,
        name: Name,
        charge_minor: u64,
        whom: mpsc::UnboundedSender<CallsFinal>,
    ) {
        let mut watched = self.0.watched.lock().await;
        watched.insert(name, (whom, charge_minor));
        drop(watched);
        // It may have become final between its answer and now.
        match self.0.store.asked(name.0, name.1).await {
            Ok(Some(asked)) if is_settled(asked.state) => {
                self.tell(name, asked.height.unwrap_or_default(), None)
                    .await;
            }
            Ok(Some(asked)) if asked.state != AskedState::Unanswered => {}
            Ok(_) => self.stop_waiting(name).await,
            Err(error) => tracing::error!(%error, "follow_up.watch: the database failed"),
        }
    }

    async fn tell(&self, name: Name, height: u64, tx_id: Option<TxId>) {
        let watched = self.0.watched.lock().await.remove(&name);
        if let Some((whom, charge_minor)) = watched {
            let (session, sequence) = name;
            // Whoever waited may have gone.
            let _ = whom.send(CallsFinal {
                session,
                sequence,
                height,
                tx_id,
                charge_minor,
            });
        }
    }

    /// A batch will never be final: nobody waits for it.
    async fn stop_waiting(&self, name: Name) {
        self.0.watched.lock().await.remove(&name);
    }

    /// Takes every block as it comes. Nothing else is done here, so that no block is missed for it.
    async fn follow(self) {
        let mut blocks = self.0.ledger.finalized();
        loop {
            match blocks.recv().await {
                Ok(block) => self.take(&block).await,
                Err(RecvError::Lagged(_)) => {
                    self.0.missed.store(true, Ordering::Relaxed);
                    self.0.wake.notify_one();
                }
                Err(RecvError::Closed) => return,
            }
        }
    }

    /// Looks after what waits, now and then, and at once when blocks were missed.
    async fn look_after(self) {
        let mut backoff = Backoff::new();
        loop {
            let missed = self.0.missed.swap(false, Ordering::Relaxed);
            if let Err(error) = self.look(missed, &mut backoff).await {
                tracing::warn!(%error, "follow_up.look: trying again");
                self.0.missed.fetch_or(missed, Ordering::Relaxed);
            }
            // Whether it was woken or the time is over, it looks.
            let _ = timeout(LOOK_INTERVAL, self.0.wake.notified()).await;
        }
    }

    async fn take(&self, block: &FinalizedBlock) {
        let me = self.0.ledger.member_id();
        for finalized in &block.events {
            let Event::CallsLogged {
                session,
                sequence,
                querier,
                list,
                ..
            } = finalized.event
            else {
                continue;
            };
            if querier != me {
                continue;
            }
            let height = block.height;
            self.0.sessions.settled(list, session, sequence).await;
            let store = &self.0.store;
            let noted = store.settle_asked(session, sequence, Some(height)).await;
            if let Err(error) = noted {
                tracing::error!(%error, "follow_up.settle: the database failed");
                self.0.missed.store(true, Ordering::Relaxed);
            }
            self.tell((session, sequence), height, finalized.tx_id)
                .await;
        }
    }

    /// Compares what waits with the ledger: providers may not post, and events may have been missed, in
    /// which case everything that waits is looked at. One that cannot be followed up holds up no other.
    async fn look(&self, missed: bool, backoff: &mut Backoff) -> Result<(), StoreError> {
        let now = now_ms();
        let overdue = now.saturating_sub(self.0.post_after_ms);
        let until = if missed { now } else { overdue };
        let mut failing = Backoff::new();
        for state in [AskedState::Answered, AskedState::Sent] {
            let mut last = None;
            loop {
                let page = self.0.store.asked_in(state, until, last, PAGE).await?;
                for asked in &page {
                    let name = (asked.session, asked.sequence);
                    let before = backoff.get(&name).copied();
                    if let Some(waits) = before.filter(|(again, _)| Instant::now() < *again) {
                        failing.insert(name, waits);
                        continue;
                    }
                    let looked = if state == AskedState::Sent {
                        self.look_for(name).await
                    } else {
                        self.settle(name, asked.created_ms <= overdue).await
                    };
                    if let Err(error) = looked {
                        let pause = before.map_or(RETRY_PAUSE, |(_, pause)| pause);
                        let (session, sequence) = name;
                        tracing::warn!(%error, %session, sequence, ?pause, "follow_up.look: trying again");
                        let next = (pause * 2).min(MAX_RETRY_PAUSE);
                        failing.insert(name, (Instant::now() + pause, next));
                    }
                }
                last = page.last().copied();
                if page.len() < PAGE as usize {
                    break;
                }
            }
        }
        // What was not found again is settled, or given up.
        *backoff = failing;
        Ok(())
    }

    /// A provider that does not answer holds up nothing but this.
    async fn collect(self) {
        loop {
            if let Err(error) = self.collect_owed().await {
                tracing::warn!(%error, "follow_up.collect: trying again");
            }
            sleep(LOOK_INTERVAL).await;
        }
    }

    /// Asks again for answers that stand on the ledger and are not here: the same request gets the same
    /// answer, and is not charged again. Those who do not give it now are asked at the next look.
    async fn collect_owed(&self) -> Result<(), LookError> {
        let store = &self.0.store;
        let mut owed = Vec::new();
        let mut last = None;
        loop {
            let page = store
                .asked_in(AskedState::Owed, now_ms(), last, PAGE)
                .await?;
            owed.extend(page.iter().map(|owed| (owed.session, owed.sequence)));
            last = page.last().copied();
            if page.len() < PAGE as usize {
                break;
            }
        }
        let lost = self.0.lost.lock().await.clone();
        let mut away = HashSet::new();
        for name in owed.into_iter().filter(|name| !lost.contains(name)) {
            let asked = match store.asked(name.0, name.1).await {
                Ok(Some(asked)) => asked,
                Ok(None) => continue,
                Err(error) => {
                    let (session, sequence) = name;
                    tracing::error!(%error, %session, sequence, "follow_up.collect: not read");
                    continue;
                }
            };
            let provider = asked.signed.request.provider;
            if away.contains(&provider) {
                continue;
            }
            let batch = BatchName::of(&asked.signed.request);
            match self.ask_again(asked.signed).await {
                Ok(answer) => {
                    let encoded = zeroize::Zeroizing::new(codec::encode(&answer));
                    let answered = store.answer_asked(batch, &asked.period, None, &encoded);
                    match answered.await {
                        // It ended meanwhile, and nobody needs the answer any more.
                        Ok(()) | Err(StoreError::PeriodOver(_)) => {}
                        Err(error) => return Err(error.into()),
                    }
                }
                Err(Unreachable::Peer(PeerError::Refused(refusal))) if refusal.transient => {}
                Err(Unreachable::Peer(
                    PeerError::NoConnection(_)
                    | PeerError::Transport(_)
                    | PeerError::TimedOut { .. },
                )) => {
                    away.insert(provider);
                }
                Err(error) => {
                    let (session, sequence) = name;
                    tracing::error!(%error, %session, sequence, "follow_up.collect: not given");
                    self.0.lost.lock().await.insert(name);
                }
            }
        }
        Ok(())
    }

    async fn ask_again(&self, signed: SignedRequest) -> Result<OwnAnswer, Unreachable> {
        let channel = self.0.peers.channel(signed.request.provider).await;
        let channel = channel.map_err(|error| Unreachable::Peer(error.into()))?;
        let bytes = codec::encode(&signed);
        let answer = evaluate(channel, bytes, 0, OWED_TIMEOUT).await;
        let (evaluated, proof) = answer.map_err(Unreachable::Peer)?;
        compute(move || late_answer(&signed.request, evaluated, proof)).await
    }

    /// A request without an answer here: its provider may have settled it, or may still.
    async fn look_for(&self, name: Name) -> Result<(), LookError> {
        match self.on_ledger(name).await? {
            Some(Ok(())) => Ok(()),
            Some(Err(Reject::SEQUENCE_SETTLED)) => self.found_settled(name).await,
            Some(Err(_)) | None => self.give_up(name).await,
        }
    }

    /// Whether the ledger would settle a request; nothing where its session is over.
    async fn on_ledger(&self, name: Name) -> Result<Option<Result<(), Reject>>, LedgerError> {
        let open = read(&*self.0.ledger, |view| state::session(view, name.0)).await?;
        Ok(open.map(|open| open.settled.check(name.1)))
    }

    /// A batch became final, and the event was missed.
    async fn found_settled(&self, name: Name) -> Result<(), LookError> {
        let store = &self.0.store;
        store.settle_asked(name.0, name.1, None).await?;
        if let Some(asked) = store.asked(name.0, name.1).await? {
            let list = asked.signed.request.list;
            self.0.sessions.settled(list, name.0, name.1).await;
            let height = asked.height.unwrap_or_else(|| self.0.ledger.height());
            self.tell(name, height, None).await;
        }
        Ok(())
    }

    /// A batch will never be settled.
    async fn give_up(&self, name: Name) -> Result<(), LookError> {
        self.0.store.give_up_asked(name.0, name.1).await?;
        self.stop_waiting(name).await;
        Ok(())
    }

    /// An answered batch that is not known to be final: it is, or it is posted when it is overdue.
    async fn settle(&self, name: Name, overdue: bool) -> Result<(), LookError> {
        match self.on_ledger(name).await? {
            Some(Ok(())) if overdue => {}
            Some(Ok(())) => return Ok(()),
            Some(Err(Reject::SEQUENCE_SETTLED)) => return self.found_settled(name).await,
            // The session is over and says no more; what it settled stands in the events.
            Some(Err(_)) | None => return self.give_up(name).await,
        }
        let store = &self.0.store;
        let Some(asked) = store.asked(name.0, name.1).await? else {
            return Ok(());
        };
        let Some(answer) = &asked.answer else {
            return Ok(());
        };
        let damaged = || StoreError::Damaged("answer");
        let OwnAnswer {
            evaluated, proof, ..
        } = codec::decode(answer).map_err(|_| damaged())?;
        let batch = CallBatch {
            signed: asked.signed.clone(),
            evaluated: BoundedVec::try_from(evaluated.into_vec()).map_err(|_| damaged())?,
            proof,
        };
        let action = Action::CallBatch(Box::new(batch));
        match self.0.ledger.submit(action).await {
            Ok(applied) => {
                let list = asked.signed.request.list;
                self.0.sessions.settled(list, name.0, name.1).await;
                store
                    .settle_asked(name.0, name.1, Some(applied.height))
                    .await?;
                self.tell(name, applied.height, Some(applied.tx_id)).await;
                Ok(())
            }
            Err(LedgerError::Rejected(Reject::SEQUENCE_SETTLED)) => self.found_settled(name).await,
            Err(LedgerError::Rejected(reject)) if !reject.transient() => {
                let (session, sequence) = name;
                tracing::error!(%reject, %session, sequence, "follow_up.post: cannot be settled");
                self.give_up(name).await
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn is_settled(state: AskedState) -> bool {
    matches!(state, AskedState::Final | AskedState::Owed)
}

/// Why a look did not end.
#[derive(Debug, thiserror::Error)]
enum LookError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}
