//! Drives a screening: rows in, answers out, bounded in between.

use std::collections::{BTreeMap, HashMap};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::stream::StreamExt;
use rayon::prelude::*;
use tacit_circuits::scope::{ListId, MemberId};
use tacit_ledger::kernel::Reject;
use tacit_ledger::network::audit::AuditContext;
use tacit_ledger::network::request::MAX_CALLS;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, timeout_at};

use super::answer::{ListAnswers, ScreenEvent, Unreachable};
use super::ask::{Ask, is_rotated};
use super::engine::{Rows, ScreenRequest, Screening};
use super::plan::{Plan, PlannedList, Targets};
use super::tally::{Chunk, Tally};
use crate::compute::compute;
use crate::peer::PeerError;
use crate::ports::LedgerError;
use crate::rows::{RawRow, RejectedRow, Row, RowRefusal};
use crate::telemetry::Counter;

/// Plans that are made for one batch: a list may move to another epoch or version while it is asked.
const MAX_PLANS: usize = 3;

/// A list within one screening.
struct Target {
    planned: Mutex<Arc<PlannedList>>,
    permits: Arc<Semaphore>,
    down: Mutex<Option<(Instant, Unreachable)>>,
}

impl Target {
    fn planned(&self) -> Arc<PlannedList> {
        self.planned
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Why the list is not asked at the moment.
    fn down(&self) -> Option<Unreachable> {
        let down = self.down.lock().unwrap_or_else(PoisonError::into_inner);
        down.as_ref()
            .filter(|(until, _)| Instant::now() < *until)
            .map(|(_, reason)| match reason {
                Unreachable::Peer(error) if !matches!(error, PeerError::Refused(_)) => {
                    Unreachable::Down(error.clone())
                }
                other => other.clone(),
            })
    }

    fn set_down(&self, down: Option<(Instant, Unreachable)>) {
        *self.down.lock().unwrap_or_else(PoisonError::into_inner) = down;
    }
}

/// One screening.
#[derive(Clone)]
pub(super) struct Run {
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
    pub(super) fn new(
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
    pub(super) async fn drive(self, mut rows: Rows) {
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
            while let Some(ended) = asks.try_join_next() {
                note_panic(ended);
            }
        }
        while let Some(ended) = asks.join_next().await {
            note_panic(ended);
        }
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
        let lists = |row: &Row| {
            let kind = row.identifier.kind();
            let takes = |list: &&PlannedList| list.accepts.contains(&kind);
            self.plan.lists.iter().filter(takes).count()
        };
        let chunk = self
            .tally
            .chunk(rows.iter().map(|row| (row.row, lists(row))));
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
        // A fault of this program in one batch is no answer of the list, and ends nothing else.
        let asked = AssertUnwindSafe(self.try_ask(target, rows.clone()));
        let answered = asked.catch_unwind().await.unwrap_or_else(|_| {
            tracing::error!(%list, "screening.ask: a batch ended in a fault of this program");
            let reason = "a fault of this program; it stands in the log";
            Err(Unreachable::Local(reason.to_owned()))
        });
        let outcome = match answered {
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
        if let Some(reason) = target.down() {
            return Err(reason);
        }
        let config = &self.screening.config;
        let timeout_ms = self
            .request
            .answer_timeout_ms
            .unwrap_or(config.answer_timeout_ms);
        let timeout = Duration::from_millis(timeout_ms);
        let mut planned = target.planned();
        for attempt in 0..MAX_PLANS {
            let last = attempt + 1 == MAX_PLANS;
            let copy = match &planned.unreachable {
                None => self.screening.usable_copy(&planned),
                Some(Unreachable::NoCopy | Unreachable::Local(_)) => None,
                // The ledger says so: no copy changes it.
                Some(_) => break,
            };
            let Some(copy) = copy else {
                // The list, or its copy here, has moved since the plan was made; or a copy is on its way.
                if !last {
                    planned = self.plan_anew(target, attempt > 0).await?;
                }
                continue;
            };
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
                            .watch(name, batch.cost_minor, self.finals.clone())
                            .await;
                    }
                }
                Err(error) if is_rotated(error) && !last => {
                    planned = self.plan_anew(target, true).await?;
                    continue;
                }
                Err(error) if is_lasting(error) => {
                    let until = Instant::now() + Duration::from_millis(config.down_ms);
                    target.set_down(Some((until, error.clone())));
                }
                Err(_) => {}
            }
            return result;
        }
        if let Some(reason) = planned.unreachable.clone() {
            return Err(reason);
        }
        let height = self.screening.ledger.height();
        let usable = self.screening.copies.usable(planned.list, height);
        Err(usable.err().map_or(Unreachable::NoCopy, Unreachable::from))
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
        if self.said_price(list) != Some(planned.price_minor) {
            // What a call costs was said at the beginning; nobody pays another price unasked.
            let reason = LedgerError::Rejected(Reject::PRICE_MISMATCH);
            return Err(Unreachable::NoSession(reason));
        }
        let planned = Arc::new(planned);
        *target
            .planned
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = planned.clone();
        Ok(planned)
    }

    /// The price of the list in the plan that the screening began with.
    fn said_price(&self, list: ListId) -> Option<u32> {
        let said = self.plan.lists.iter().find(|planned| planned.list == list);
        said.map(|planned| planned.price_minor)
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

/// Whether the next batch would fare no better: the list is left alone for a while.
fn is_lasting(error: &Unreachable) -> bool {
    match error {
        Unreachable::Peer(PeerError::Refused(refusal)) => {
            let day_is_over = Reject::DAILY_CAP_REACHED.number();
            refusal.reject_number() == Some(day_is_over) || !refusal.transient
        }
        Unreachable::Peer(_) | Unreachable::NoSession(_) => true,
        _ => false,
    }
}

/// What was asked is counted as unanswered already; this says that it happened.
fn note_panic(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "screening.ask: a batch ended in a fault of this program");
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
