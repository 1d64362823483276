//! Follows this member's calls until they are final, posts those that the provider does not post, and asks
//! again for answers that were paid for and lost on their way.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tacit_ledger::kernel::{BoundedVec, Reject, codec};
use tacit_ledger::network::{Action, CallBatch, Event, SessionId, SignedRequest, read as state};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Mutex, mpsc};
use tokio::time::{Instant, sleep, timeout_at};

use super::answer::{CallsFinal, Unreachable};
use super::ask::late_answer;
use super::audit::OwnAnswer;
use crate::clock::now_ms;
use crate::compute::compute;
use crate::peer::{PeerError, evaluate};
use crate::ports::{FinalizedBlock, Ledger, LedgerError, Peers, read};
use crate::store::{AskedState, Store, StoreError};
use crate::tasks::Tasks;

/// How often calls that wait are looked at.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// Pause after the database or the ledger failed.
const RETRY_PAUSE: Duration = Duration::from_millis(200);

/// Batches that are read at a time.
const PAGE: u32 = 256;

/// How long a provider may take to repeat an answer.
const OWED_TIMEOUT: Duration = Duration::from_secs(5);

/// Batches whose finality somebody waits for.
type Watched = HashMap<(SessionId, u64), mpsc::UnboundedSender<CallsFinal>>;

/// Follows the calls of one front end. Clones share it.
#[derive(Clone)]
pub(crate) struct FollowUp(Arc<Inner>);

struct Inner {
    ledger: Arc<dyn Ledger>,
    peers: Arc<dyn Peers>,
    store: Store,
    post_after_ms: u64,
    watched: Mutex<Watched>,
    /// Answers that their providers do not give any more.
    lost: Mutex<HashSet<(SessionId, u64)>>,
}

impl FollowUp {
    pub(crate) fn start(
        ledger: Arc<dyn Ledger>,
        peers: Arc<dyn Peers>,
        store: Store,
        post_after_ms: u64,
        tasks: &Tasks,
    ) -> Self {
        let follow_up = Self(Arc::new(Inner {
            ledger,
            peers,
            store,
            post_after_ms,
            watched: Mutex::default(),
            lost: Mutex::default(),
        }));
        tasks.spawn(follow_up.clone().follow());
        tasks.spawn(follow_up.clone().collect());
        follow_up
    }

    /// Tells `whom` when the batch is final, even if it is already. Where that cannot happen any more, the
    /// sender is dropped.
    pub(super) async fn watch(
        &self,
        name: (SessionId, u64),
        whom: mpsc::UnboundedSender<CallsFinal>,
    ) {
        self.0.watched.lock().await.insert(name, whom);
        // It may have become final between its answer and now.
        match self.0.store.asked(name.0, name.1).await {
            Ok(Some(asked)) if is_settled(asked.state) => {
                let charge_minor = asked
                    .signed
                    .request
                    .amount_minor()
                    .unwrap_or_default()
                    .into();
                let height = asked.height.unwrap_or_default();
                let (session, sequence) = name;
                self.tell(CallsFinal {
                    session,
                    sequence,
                    height,
                    tx_id: None,
                    charge_minor,
                })
                .await;
            }
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "follow_up.watch: the database failed"),
        }
    }

    async fn tell(&self, is_final: CallsFinal) {
        let name = (is_final.session, is_final.sequence);
        if let Some(whom) = self.0.watched.lock().await.remove(&name) {
            // Whoever waited may have gone.
            let _ = whom.send(is_final);
        }
    }

    async fn follow(self) {
        let mut blocks = self.0.ledger.finalized();
        // What became final while nobody listened here is found out before anything is posted.
        let mut missed = true;
        loop {
            if let Err(error) = self.look(missed).await {
                tracing::warn!(%error, "follow_up.look: trying again");
                sleep(RETRY_PAUSE).await;
                continue;
            }
            missed = false;
            let deadline = Instant::now() + LOOK_INTERVAL;
            loop {
                match timeout_at(deadline, blocks.recv()).await {
                    Ok(Ok(block)) => self.take(&block).await,
                    Ok(Err(RecvError::Lagged(_))) => {
                        missed = true;
                        break;
                    }
                    Err(_) => break,
                    Ok(Err(RecvError::Closed)) => return,
                }
            }
        }
    }

    async fn take(&self, block: &FinalizedBlock) {
        let me = self.0.ledger.member_id();
        for finalized in &block.events {
            let Event::CallsLogged {
                session,
                sequence,
                querier,
                charge_minor,
                ..
            } = finalized.event
            else {
                continue;
            };
            if querier != me {
                continue;
            }
            let height = block.height;
            if let Err(error) = self
                .0
                .store
                .settle_asked(session, sequence, Some(height))
                .await
            {
                tracing::error!(%error, "follow_up.settle: the database failed");
            }
            let (tx_id, charge_minor) = (finalized.tx_id, charge_minor.into());
            self.tell(CallsFinal {
                session,
                sequence,
                height,
                tx_id,
                charge_minor,
            })
            .await;
        }
    }

    /// Compares what waits with the ledger: providers may not post, and events may have been missed, in
    /// which case everything that waits is looked at.
    async fn look(&self, missed: bool) -> Result<(), LookError> {
        let now = now_ms();
        let overdue = now.saturating_sub(self.0.post_after_ms);
        let until = if missed { now } else { overdue };
        for state in [AskedState::Answered, AskedState::Sent] {
            let mut last = None;
            loop {
                let page = self.0.store.asked_in(state, until, last, PAGE).await?;
                for asked in &page {
                    let (session, sequence) = (asked.session, asked.sequence);
                    if state == AskedState::Sent {
                        self.look_for(session, sequence).await?;
                    } else {
                        let post = asked.created_ms <= overdue;
                        self.settle(session, sequence, post).await?;
                    }
                }
                last = page.last().copied();
                if page.len() < PAGE as usize {
                    break;
                }
            }
        }
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
        let owed = store
            .asked_in(AskedState::Owed, now_ms(), None, PAGE)
            .await?;
        let lost = self.0.lost.lock().await.clone();
        let asked = owed.iter().map(|owed| (owed.session, owed.sequence));
        let mut away = HashSet::new();
        for name in asked.filter(|name| !lost.contains(name)) {
            let Some(asked) = store.asked(name.0, name.1).await? else {
                continue;
            };
            let provider = asked.signed.request.provider;
            if away.contains(&provider) {
                continue;
            }
            match self.ask_again(asked.signed).await {
                Ok(answer) => {
                    let encoded = zeroize::Zeroizing::new(codec::encode(&answer));
                    store.answer_asked(name.0, name.1, None, &encoded).await?;
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
    async fn look_for(&self, session: SessionId, sequence: u64) -> Result<(), LookError> {
        let open = read(&*self.0.ledger, |view| state::session(view, session)).await?;
        let store = &self.0.store;
        match open.map(|open| open.settled.check(sequence)) {
            Some(Ok(())) => {}
            Some(Err(Reject::SEQUENCE_SETTLED)) => {
                store.settle_asked(session, sequence, None).await?;
            }
            Some(Err(_)) | None => store.give_up_asked(session, sequence).await?,
        }
        Ok(())
    }

    /// A batch became final, and the event was missed.
    async fn found_settled(&self, session: SessionId, sequence: u64) -> Result<(), LookError> {
        let store = &self.0.store;
        store.settle_asked(session, sequence, None).await?;
        if let Some(asked) = store.asked(session, sequence).await? {
            let charge_minor = asked.signed.request.amount_minor().unwrap_or_default();
            self.tell(CallsFinal {
                session,
                sequence,
                height: self.0.ledger.height(),
                tx_id: None,
                charge_minor: charge_minor.into(),
            })
            .await;
        }
        Ok(())
    }

    /// An answered batch that is not known to be final: it is, or it is posted when it is overdue.
    async fn settle(
        &self,
        session: SessionId,
        sequence: u64,
        overdue: bool,
    ) -> Result<(), LookError> {
        let open = read(&*self.0.ledger, |view| state::session(view, session)).await?;
        let store = &self.0.store;
        match open.map(|open| open.settled.check(sequence)) {
            Some(Ok(())) if overdue => {}
            Some(Ok(())) => return Ok(()),
            Some(Err(Reject::SEQUENCE_SETTLED)) => {
                return self.found_settled(session, sequence).await;
            }
            Some(Err(_)) | None => {
                // The session is over and says no more; what it settled stands in the events.
                store.give_up_asked(session, sequence).await?;
                self.0.watched.lock().await.remove(&(session, sequence));
                return Ok(());
            }
        }
        let Some(asked) = store.asked(session, sequence).await? else {
            return Ok(());
        };
        let Some(answer) = asked.answer else {
            return Ok(());
        };
        let OwnAnswer {
            evaluated, proof, ..
        } = codec::decode(&answer).map_err(|_| StoreError::Damaged("answer"))?;
        let evaluated = BoundedVec::try_from(evaluated.into_vec())
            .map_err(|_| StoreError::Damaged("answer"))?;
        let batch = CallBatch {
            signed: asked.signed,
            evaluated,
            proof,
        };
        match self
            .0
            .ledger
            .submit(Action::CallBatch(Box::new(batch)))
            .await
        {
            Ok(applied) => {
                store
                    .settle_asked(session, sequence, Some(applied.height))
                    .await?
            }
            Err(LedgerError::Rejected(Reject::SEQUENCE_SETTLED)) => {
                self.found_settled(session, sequence).await?;
            }
            Err(LedgerError::Rejected(reject)) if !reject.transient() => {
                tracing::error!(%reject, %session, sequence, "follow_up.post: cannot be settled");
                store.give_up_asked(session, sequence).await?;
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
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
