//! Drives a screening: rows in, answers out, bounded in between.

use std::collections::{BTreeMap, HashMap};
use std::ops::Deref;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::stream::{Stream, StreamExt};
use rayon::prelude::*;
use tacit_circuits::scope::{ListId, MemberId};
use tacit_ledger::kernel::Reject;
use tacit_ledger::network::request::MAX_CALLS;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::answer::{ListAnswers, ScreenEvent, Unreachable};
use super::ask::{Ask, is_rotated};
use super::audit::{AuditContext, ContextError};
use super::follow_up::FollowUp;
use super::plan::{Plan, PlannedList, Targets, plan};
use super::sessions::{SessionConfig, SessionError, Sessions};
use super::tally::{Chunk, Tally};
use crate::compute::compute;
use crate::crash::CrashPoints;
use crate::peer::PeerError;
use crate::ports::{Habits, Ledger, LedgerError, Peers};
use crate::rows::{RawRow, RejectedRow, Row, RowReader, RowRefusal};
use crate::snapshots::Copies;
use crate::store::Store;
use crate::telemetry::Counter;

/// Events that wait for a slow reader before the screening is held back.
const MAX_QUEUED_EVENTS: usize = 32;

/// How screenings are done.
#[derive(Clone, Debug)]
pub struct ScreeningConfig {
    /// Rows of one batch, at most [`MAX_CALLS`].
    pub batch_rows: usize,
    /// How long a batch waits for more rows, in milliseconds.
    pub fill_ms: u64,
    /// Batches of one list that are under way at a time, per screening.
    pub batches_per_list: usize,
    /// How long a provider may take for a batch before it counts as unreachable, in milliseconds.
    pub answer_timeout_ms: u64,
    /// For how long a provider that did not answer is not asked again by the same screening, in
    /// milliseconds.
    pub down_ms: u64,
    /// After how long this member posts answered calls itself if the provider has not, in milliseconds.
    pub post_after_ms: u64,
    /// Whether sessions and connections are kept ready for every list that can be asked.
    pub keep_warm: bool,
    /// How sessions are opened.
    pub sessions: SessionConfig,
}

impl Default for ScreeningConfig {
    fn default() -> Self {
        Self {
            batch_rows: MAX_CALLS,
            fill_ms: 10,
            batches_per_list: 4,
            answer_timeout_ms: 10_000,
            down_ms: 10_000,
            post_after_ms: 60_000,
            keep_warm: true,
            sessions: SessionConfig::default(),
        }
    }
}

/// What is to be screened, why, and within which limits.
#[derive(Clone, Debug, Default)]
pub struct ScreenRequest {
    /// Which lists to ask.
    pub targets: Targets,
    /// How rows are read.
    pub reader: RowReader,
    /// Who asks, and why.
    pub context: AuditContext,
    /// Most that it may cost, in minor units.
    pub cost_limit_minor: Option<u64>,
    /// How long a provider may take for a batch, in milliseconds; otherwise as configured.
    pub answer_timeout_ms: Option<u64>,
    /// How many rows will come, where that is known: sessions are opened for as many.
    pub rows_expected: Option<u64>,
    /// Whether to say when each batch is final on the ledger, and to end only then.
    pub wait_for_finality: bool,
}

/// Why a screening did not begin.
#[derive(Debug, thiserror::Error)]
pub enum ScreenError {
    /// Purpose, lawful basis, or another text.
    #[error(transparent)]
    Context(#[from] ContextError),
    /// The expected rows would cost more than allowed.
    #[error("it would cost {cost_minor} minor units, more than the limit of {limit_minor}")]
    CostLimit {
        /// What it would cost.
        cost_minor: u64,
        /// What is allowed.
        limit_minor: u64,
    },
    /// The ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// The screening of one front end. Clones share it.
#[derive(Clone)]
pub struct Screening(Arc<Engine>);

/// What screenings work with.
pub struct Engine {
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) peers: Arc<dyn Peers>,
    pub(crate) store: Store,
    pub(crate) plans: Habits<Targets>,
    pub(crate) copies: Copies,
    pub(crate) sessions: Sessions,
    pub(crate) follow_up: FollowUp,
    pub(crate) crash: CrashPoints,
    pub(crate) config: ScreeningConfig,
}

impl Deref for Screening {
    type Target = Engine;

    fn deref(&self) -> &Engine {
        &self.0
    }
}

/// Rows on their way in.
pub type Rows = Pin<Box<dyn Stream<Item = RawRow> + Send>>;

impl Screening {
    pub(crate) fn new(engine: Engine) -> Self {
        Self(Arc::new(engine))
    }

    /// What a screening would ask and cost. Asks nobody and pays nothing.
    pub async fn plan(
        &self,
        targets: &Targets,
        rows: &BTreeMap<tacit_circuits::identifier::IdentifierType, u64>,
    ) -> Result<Plan, LedgerError> {
        plan(&*self.ledger, &self.plans, &self.copies, targets, rows).await
    }

    /// Screens rows. Events come until the receiver says `None`; dropping it ends the screening, and what
    /// was asked already is still settled.
    pub async fn screen(
        &self,
        request: ScreenRequest,
        rows: Rows,
    ) -> Result<mpsc::Receiver<ScreenEvent>, ScreenError> {
        request.context.check()?;
        let plan = self.plan(&request.targets, &BTreeMap::new()).await?;
        if let Some((rows, limit_minor)) = request.rows_expected.zip(request.cost_limit_minor) {
            let prices = plan.lists.iter().filter(|list| list.unreachable.is_none());
            let each: u64 = prices.map(|list| u64::from(list.price_minor)).sum();
            let cost_minor = rows.saturating_mul(each);
            if cost_minor > limit_minor {
                return Err(ScreenError::CostLimit {
                    cost_minor,
                    limit_minor,
                });
            }
        }
        let (events, receiver) = mpsc::channel(MAX_QUEUED_EVENTS);
        let run = Run::new(self.clone(), request, plan, events);
        tokio::spawn(run.drive(rows));
        Ok(receiver)
    }

    /// Opens sessions and connections with every list that can be asked, so that a single screening meets
    /// them ready. Answers with the number of lists that are ready.
    pub async fn warm(&self) -> Result<usize, LedgerError> {
        let plan = self.plan(&Targets::default(), &BTreeMap::new()).await?;
        let askable: Vec<&PlannedList> = plan
            .lists
            .iter()
            .filter(|list| list.unreachable.is_none())
            .collect();
        match self.sessions.keep_ready(&askable).await {
            // Where there is not enough for ample sessions, they are opened when something is asked.
            Ok(()) | Err(SessionError::Ledger(LedgerError::Rejected(Reject::QUOTA_EXHAUSTED))) => {}
            Err(SessionError::Ledger(error)) => return Err(error),
            Err(SessionError::Store(reason)) => return Err(LedgerError::Unavailable(reason)),
        }
        for list in &askable {
            if let Err(error) = self.peers.channel(list.provider).await {
                tracing::debug!(%error, "screening.warm: not connected");
            }
        }
        Ok(askable.len())
    }
}

/// A list within one screening.
struct Target {
    planned: Mutex<Arc<PlannedList>>,
    permits: Arc<Semaphore>,
    down: Mutex<Option<(Instant, PeerError)>>,
}

impl Target {
    fn planned(&self) -> Arc<PlannedList> {
        self.planned
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn down(&self) -> Option<PeerError> {
        let down = self.down.lock().unwrap_or_else(PoisonError::into_inner);
        down.as_ref()
            .filter(|(until, _)| Instant::now() < *until)
            .map(|(_, error)| error.clone())
    }

    fn set_down(&self, down: Option<(Instant, PeerError)>) {
        *self.down.lock().unwrap_or_else(PoisonError::into_inner) = down;
    }
}

/// One screening.
#[derive(Clone)]
struct Run {
    screening: Screening,
    request: Arc<ScreenRequest>,
    context: Arc<AuditContext>,
    plan: Arc<Plan>,
    targets: Arc<HashMap<ListId, Target>>,
    tally: Tally,
    started: Instant,
    events: mpsc::Sender<ScreenEvent>,
    finals: mpsc::UnboundedSender<super::answer::CallsFinal>,
    finals_received: Arc<Mutex<Option<mpsc::UnboundedReceiver<super::answer::CallsFinal>>>>,
}

impl Run {
    fn new(
        screening: Screening,
        request: ScreenRequest,
        plan: Plan,
        events: mpsc::Sender<ScreenEvent>,
    ) -> Self {
        let permits = screening.config.batches_per_list;
        let target = |planned: &PlannedList| Target {
            planned: Mutex::new(Arc::new(planned.clone())),
            permits: Arc::new(Semaphore::new(permits)),
            down: Mutex::new(None),
        };
        let targets = plan
            .lists
            .iter()
            .map(|list| (list.list, target(list)))
            .collect();
        let (finals, finals_received) = mpsc::unbounded_channel();
        Self {
            context: Arc::new(request.context.clone()),
            request: Arc::new(request),
            plan: Arc::new(plan),
            targets: Arc::new(targets),
            tally: Tally::default(),
            started: Instant::now(),
            screening,
            events,
            finals,
            finals_received: Arc::new(Mutex::new(Some(finals_received))),
        }
    }

    /// Until the rows end or nobody listens any more.
    async fn drive(self, mut rows: Rows) {
        if self
            .events
            .send(ScreenEvent::Plan((*self.plan).clone()))
            .await
            .is_err()
        {
            return;
        }
        self.open_sessions().await;
        let mut asks = JoinSet::new();
        while let Some(chunk) = self.next_chunk(&mut rows).await {
            if !self.start_chunk(chunk, &mut asks).await {
                return;
            }
            while asks.try_join_next().is_some() {}
        }
        while asks.join_next().await.is_some() {}
        self.finish().await;
    }

    /// One transaction for all lists. What fails is tried again per batch, and reported there.
    async fn open_sessions(&self) {
        let Some(rows) = self.request.rows_expected else {
            return;
        };
        let askable = self
            .plan
            .lists
            .iter()
            .filter(|list| list.unreachable.is_none());
        let wanted: Vec<_> = askable.map(|list| (list, rows)).collect();
        if let Err(error) = self.screening.sessions.ensure(&wanted).await {
            tracing::warn!(%error, "screening.sessions: not all could be opened at once");
        }
    }

    async fn next_chunk(&self, rows: &mut Rows) -> Option<Vec<RawRow>> {
        let config = &self.screening.config;
        let size = config.batch_rows.clamp(1, MAX_CALLS);
        let mut chunk = vec![rows.next().await?];
        let full_by = Instant::now() + Duration::from_millis(config.fill_ms);
        while chunk.len() < size {
            match timeout_at(full_by, rows.next()).await {
                Ok(Some(row)) => chunk.push(row),
                Ok(None) | Err(_) => break,
            }
        }
        Some(chunk)
    }

    /// Reads a chunk's rows and asks every list that takes them. False when nobody listens any more.
    async fn start_chunk(&self, chunk: Vec<RawRow>, asks: &mut JoinSet<()>) -> bool {
        let read = chunk.len() as u64;
        let request = self.request.clone();
        let (rows, mut rejected) = compute(move || {
            let read: Vec<_> = chunk
                .par_iter()
                .map(|raw| request.reader.read(raw))
                .collect();
            let (mut rows, mut rejected) = (Vec::with_capacity(read.len()), Vec::new());
            for row in read {
                match row {
                    Ok(row) => rows.push(row),
                    Err(reason) => rejected.push(reason),
                }
            }
            (rows, rejected)
        })
        .await;
        let (asked, unasked): (Vec<Row>, Vec<Row>) =
            rows.into_iter().partition(|row| self.is_asked(row));
        rejected.extend(unasked.into_iter().map(|row| RejectedRow {
            row: row.row,
            reason: RowRefusal::TypeNotAsked(row.identifier.kind()),
        }));
        self.tally.read(read, rejected.len() as u64);
        if !rejected.is_empty()
            && self
                .events
                .send(ScreenEvent::Malformed(rejected))
                .await
                .is_err()
        {
            return false;
        }
        self.ask_all(asked, asks).await
    }

    fn is_asked(&self, row: &Row) -> bool {
        self.plan
            .lists
            .iter()
            .any(|list| list.accepts.contains(&row.identifier.kind()))
    }

    async fn ask_all(&self, rows: Vec<Row>, asks: &mut JoinSet<()>) -> bool {
        if rows.is_empty() {
            return !self.events.is_closed();
        }
        let chunk = self.tally.chunk(rows.iter().map(|row| row.row));
        let rows = Arc::new(rows);
        for planned in &self.plan.lists {
            let accepted = |row: &&Row| planned.accepts.contains(&row.identifier.kind());
            let rows = if rows.iter().all(|row| accepted(&row)) {
                rows.clone()
            } else {
                Arc::new(rows.iter().filter(accepted).cloned().collect())
            };
            let Some(target) = self.targets.get(&planned.list).filter(|_| !rows.is_empty()) else {
                continue;
            };
            let Ok(permit) = target.permits.clone().acquire_owned().await else {
                return false;
            };
            if self.events.is_closed() {
                return false;
            }
            let (run, list, chunk) = (self.clone(), planned.list, chunk.clone());
            asks.spawn(async move {
                run.ask(list, rows, &chunk).await;
                drop(permit);
            });
        }
        true
    }

    async fn ask(&self, list: ListId, rows: Arc<Vec<Row>>, chunk: &Arc<Chunk>) {
        let Some(target) = self.targets.get(&list) else {
            return;
        };
        let provider: MemberId = target.planned().provider;
        let numbers = || rows.iter().map(|row| row.row).collect::<Vec<_>>();
        let outcome = match self.try_ask(target, rows.clone()).await {
            Ok(batch) => {
                Counter::CallsAnswered.add(rows.len());
                Ok(batch)
            }
            Err(reason) => {
                Counter::CallsUnanswered.add(rows.len());
                Err((reason, numbers()))
            }
        };
        let answers = ListAnswers {
            list,
            provider,
            outcome,
        };
        chunk.count(&answers);
        // Nobody may listen any more; what was answered is on the disk.
        let _ = self.events.send(ScreenEvent::Answers(answers)).await;
    }

    async fn try_ask(
        &self,
        target: &Target,
        rows: Arc<Vec<Row>>,
    ) -> Result<super::answer::Batch, Unreachable> {
        if let Some(error) = target.down() {
            return Err(Unreachable::Down(error));
        }
        let config = &self.screening.config;
        let timeout_ms = self
            .request
            .answer_timeout_ms
            .unwrap_or(config.answer_timeout_ms);
        let timeout = Duration::from_millis(timeout_ms);
        let mut planned = target.planned();
        for attempt in 0.. {
            let copy = self.screening.copies.in_force(planned.list);
            let Some(copy) = copy.filter(|copy| copy.id.tag_epoch == planned.tag_epoch) else {
                // The list has moved to another epoch since the plan was made, or its copy has.
                if attempt == 2 {
                    return Err(Unreachable::NoCopy);
                }
                planned = self.plan_anew(target, attempt > 0).await?;
                continue;
            };
            if let Some(reason) = planned.unreachable.clone() {
                return Err(reason);
            }
            self.reserve_cost(&planned, rows.len())?;
            let (rows, context) = (rows.clone(), self.context.clone());
            let ask = Ask {
                planned: planned.clone(),
                copy,
                rows,
                context,
                timeout,
            };
            let result = self.screening.ask(&ask).await;
            if result.as_ref().is_err_and(never_charged) {
                self.release_cost(&planned, ask.rows.len());
            }
            match &result {
                Ok(batch) => {
                    target.set_down(None);
                    if self.request.wait_for_finality {
                        let name = (batch.session, batch.sequence);
                        self.screening
                            .follow_up
                            .watch(name, self.finals.clone())
                            .await;
                    }
                }
                Err(error) if is_rotated(error) && attempt < 2 => {
                    planned = self.plan_anew(target, true).await?;
                    continue;
                }
                Err(Unreachable::Peer(
                    error @ (PeerError::TimedOut { .. }
                    | PeerError::Transport(_)
                    | PeerError::NoConnection(_)
                    | PeerError::Misbehaved(_)),
                )) => {
                    let until = Instant::now() + Duration::from_millis(config.down_ms);
                    target.set_down(Some((until, error.clone())));
                }
                Err(_) => {}
            }
            return result;
        }
        Err(Unreachable::NoCopy)
    }

    /// Reads the list's present epoch, after a moment in which its copy may have come.
    async fn plan_anew(
        &self,
        target: &Target,
        wait: bool,
    ) -> Result<Arc<PlannedList>, Unreachable> {
        if wait {
            self.screening.copies.changed().await;
        }
        let list = target.planned().list;
        let targets = Targets {
            lists: vec![list],
            ..Targets::default()
        };
        let plan = self.screening.plan(&targets, &BTreeMap::new()).await;
        let plan = plan.map_err(Unreachable::NoSession)?;
        let planned = plan.lists.into_iter().next().ok_or(Unreachable::NoCopy)?;
        let planned = Arc::new(planned);
        *target
            .planned
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = planned.clone();
        Ok(planned)
    }

    fn reserve_cost(&self, planned: &PlannedList, calls: usize) -> Result<(), Unreachable> {
        let Some(limit) = self.request.cost_limit_minor else {
            return Ok(());
        };
        let cost = calls as u64 * u64::from(planned.price_minor);
        if self.tally.commit(cost) <= limit {
            Ok(())
        } else {
            self.tally.uncommit(cost);
            Err(Unreachable::CostLimit)
        }
    }

    fn release_cost(&self, planned: &PlannedList, calls: usize) {
        if self.request.cost_limit_minor.is_some() {
            let cost = calls as u64 * u64::from(planned.price_minor);
            self.tally.uncommit(cost);
        }
    }

    async fn finish(self) {
        let mut summary = self.tally.summary();
        summary.elapsed_ms = self.started.elapsed().as_millis() as u64;
        let _ = self.events.send(ScreenEvent::Summary(summary)).await;
        if !self.request.wait_for_finality {
            return;
        }
        let received = self
            .finals_received
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Self { finals, events, .. } = self;
        drop(finals);
        let Some(mut received) = received else { return };
        while let Some(last) = received.recv().await {
            if events.send(ScreenEvent::Final(last)).await.is_err() {
                return;
            }
        }
    }
}

/// Whether nothing can be charged for what failed: the provider did not evaluate it. One that was silent
/// or dishonest may have.
fn never_charged(error: &Unreachable) -> bool {
    !matches!(
        error,
        Unreachable::Peer(
            PeerError::TimedOut { .. } | PeerError::Transport(_) | PeerError::Misbehaved(_)
        ) | Unreachable::Local(_)
    )
}
