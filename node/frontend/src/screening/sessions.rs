//! This member's sessions: opened on demand, several in one transaction, kept and renewed.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tacit_circuits::scope::{ListId, TagEpoch};
use tacit_ledger::kernel::{BoundedVec, Reject};
use tacit_ledger::network::action::{MAX_OPENINGS, Opening};
use tacit_ledger::network::{Action, Event, Session, SessionId, read as state};
use tokio::sync::Mutex;
use tokio::time::sleep;

use super::plan::PlannedList;
use crate::ports::{Ledger, LedgerError, read};
use crate::store::{Store, StoreError};
use crate::tasks::Tasks;

/// A session is not used any more when it has this many blocks left: a request takes a few to be answered.
const DEADLINE_MARGIN_BLOCKS: u64 = 20;

/// Pause after a session could not be renewed.
const RENEW_PAUSE: Duration = Duration::from_secs(10);

/// Sessions grow to at most this multiple of the configured size by themselves.
const MAX_GROWTH: u64 = 16;

/// How sessions are opened.
#[derive(Clone, Debug)]
pub struct SessionConfig {
    /// This front end's own lane: front ends that share a member have a lane each.
    pub lane: u16,
    /// Calls for which a session is opened when fewer are asked for. Their price is put into escrow, and
    /// returns when the session ends.
    pub session_calls: u32,
    /// Most calls of one session.
    pub max_session_calls: u32,
    /// For how many blocks a session is opened, as far as the network allows.
    pub session_blocks: u64,
}

impl Default for SessionConfig {
    fn default() -> Self {
        // At ten blocks a second, two hours.
        Self {
            lane: 0,
            session_calls: 2_000,
            max_session_calls: 1_000_000,
            session_blocks: 72_000,
        }
    }
}

/// A place in a session for one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reservation {
    pub(super) session: SessionId,
    pub(super) sequence: u64,
    pub(super) price_minor: u32,
    pub(super) cumulative_minor: u64,
    pub(super) opened_height: u64,
}

/// Why no session could be had.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum SessionError {
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error("{0}")]
    Store(String),
}

impl From<StoreError> for SessionError {
    fn from(error: StoreError) -> Self {
        Self::Store(error.to_string())
    }
}

/// A session in use.
#[derive(Clone, Debug)]
struct Lane {
    session: SessionId,
    tag_epoch: TagEpoch,
    price_minor: u32,
    escrow_minor: u64,
    cap_calls: u64,
    opened_height: u64,
    deadline_height: u64,
    next_sequence: u64,
    cumulative_minor: u64,
    calls: u64,
}

impl Lane {
    fn room(&self) -> u64 {
        let left = self.escrow_minor.saturating_sub(self.cumulative_minor);
        let paid = left
            .checked_div(u64::from(self.price_minor))
            .unwrap_or(u64::MAX);
        paid.min(self.cap_calls.saturating_sub(self.calls))
    }

    /// Whether half of the session is used up.
    fn runs_low(&self) -> bool {
        self.room() <= self.cap_calls / 2
    }

    /// Whether it is of the list's epoch, and lasts.
    fn serves(&self, planned: &PlannedList, height: u64) -> bool {
        self.tag_epoch == planned.tag_epoch
            && self.deadline_height > height + DEADLINE_MARGIN_BLOCKS
    }

    fn reserve(&mut self, calls: u64) -> Reservation {
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        self.calls += calls;
        self.cumulative_minor += calls * u64::from(self.price_minor);
        Reservation {
            session: self.session,
            sequence,
            price_minor: self.price_minor,
            cumulative_minor: self.cumulative_minor,
            opened_height: self.opened_height,
        }
    }
}

/// For how many calls sessions are opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Size {
    /// For as many as configured, or as are asked for if these are more.
    Ample,
    /// For as many as are asked for.
    Exact,
}

/// Whether the ledger refuses for want of quota.
fn is_short(error: &SessionError) -> bool {
    matches!(
        error,
        SessionError::Ledger(LedgerError::Rejected(Reject::QUOTA_EXHAUSTED))
    )
}

/// The sessions of one front end. Clones share them.
#[derive(Clone)]
pub(crate) struct Sessions(Arc<Inner>);

struct Inner {
    ledger: Arc<dyn Ledger>,
    store: Store,
    config: SessionConfig,
    tasks: Tasks,
    lanes: Mutex<HashMap<ListId, Vec<Lane>>>,
    /// One transaction opens for all who wait; who comes meanwhile finds what it opened.
    opening: Mutex<()>,
    /// Lists whose next session is being opened before the present one is used up.
    renewing: std::sync::Mutex<HashSet<ListId>>,
}

/// Whether there is a session with much room.
fn has_next(lanes: &[Lane], planned: &PlannedList, height: u64) -> bool {
    lanes
        .iter()
        .any(|lane| lane.serves(planned, height) && !lane.runs_low())
}

impl Sessions {
    /// Takes up the sessions that are open on the ledger.
    pub(crate) async fn start(
        ledger: Arc<dyn Ledger>,
        store: Store,
        config: SessionConfig,
        tasks: &Tasks,
    ) -> Result<Self, StoreError> {
        let inner = Inner {
            ledger,
            store,
            config,
            tasks: tasks.clone(),
            lanes: Mutex::default(),
            opening: Mutex::new(()),
            renewing: std::sync::Mutex::default(),
        };
        let sessions = Self(Arc::new(inner));
        if let Err(error) = sessions.take_up().await {
            // They are not lost: their escrow returns at their deadline, and new ones are opened.
            tracing::warn!(%error, "sessions.take_up: open sessions could not be read");
        }
        Ok(sessions)
    }

    async fn take_up(&self) -> Result<(), SessionError> {
        let me = self.0.ledger.member_id();
        let open = read(&*self.0.ledger, |view| state::sessions_of(view, me)).await?;
        for session in open {
            if session.lane == self.0.config.lane {
                self.add(&session).await?;
            }
        }
        Ok(())
    }

    async fn add(&self, session: &Session) -> Result<(), SessionError> {
        let (next_sequence, cumulative_minor) = self.0.store.asked_session(session.id).await?;
        let price = u64::from(session.price_minor);
        // What was signed for counts, settled or not.
        let calls = cumulative_minor.checked_div(price).unwrap_or_default();
        let lane = Lane {
            session: session.id,
            tag_epoch: session.tag_epoch,
            price_minor: session.price_minor,
            escrow_minor: session.escrow_minor.into(),
            cap_calls: session.cap_calls.into(),
            opened_height: session.opened_height,
            deadline_height: session.deadline_height,
            next_sequence,
            cumulative_minor,
            calls: calls.max(session.calls.into()),
        };
        self.0
            .lanes
            .lock()
            .await
            .entry(session.list)
            .or_default()
            .push(lane);
        Ok(())
    }

    /// Sees that each list has a session with room for its calls; opens those that are missing in as few
    /// transactions as possible. Where quota is short, sessions are opened for just the calls asked for.
    pub(super) async fn ensure(&self, wanted: &[(&PlannedList, u64)]) -> Result<(), SessionError> {
        if self.missing(wanted).await.is_empty() {
            return Ok(());
        }
        let _one_at_a_time = self.0.opening.lock().await;
        let missing = self.missing(wanted).await;
        for some in missing.chunks(MAX_OPENINGS) {
            match self.open(some, Size::Ample).await {
                Err(error) if is_short(&error) => self.open_sparingly(some).await?,
                other => other?,
            }
        }
        Ok(())
    }

    /// Sees that each list has a session, as far as quota suffices for ample ones.
    pub(super) async fn keep_ready(&self, lists: &[&PlannedList]) -> Result<(), SessionError> {
        let wanted: Vec<_> = lists.iter().map(|list| (*list, 1)).collect();
        if self.missing(&wanted).await.is_empty() {
            return Ok(());
        }
        let _one_at_a_time = self.0.opening.lock().await;
        let missing = self.missing(&wanted).await;
        for some in missing.chunks(MAX_OPENINGS) {
            self.open(some, Size::Ample).await?;
        }
        Ok(())
    }

    /// Opens for just what is asked; if not even that suffices for all, for each alone, so that what there
    /// is goes as far as it can. Fails only where nothing could be opened.
    async fn open_sparingly(&self, wanted: &[(&PlannedList, u64)]) -> Result<(), SessionError> {
        let mut result = self.open(wanted, Size::Exact).await;
        if wanted.len() > 1 && result.as_ref().is_err_and(is_short) {
            for one in wanted {
                let opened = self.open(std::slice::from_ref(one), Size::Exact).await;
                result = if opened.is_ok() || result.is_ok() {
                    Ok(())
                } else {
                    opened
                };
            }
        }
        result
    }

    async fn missing<'a>(&self, wanted: &[(&'a PlannedList, u64)]) -> Vec<(&'a PlannedList, u64)> {
        let height = self.0.ledger.height();
        let mut lanes = self.0.lanes.lock().await;
        let mut missing = Vec::new();
        for &(planned, calls) in wanted {
            let lanes = lanes.entry(planned.list).or_default();
            lanes.retain(|lane| lane.deadline_height > height + DEADLINE_MARGIN_BLOCKS);
            let calls = calls.min(self.0.config.max_session_calls.into());
            let fits = |lane: &Lane| lane.tag_epoch == planned.tag_epoch && lane.room() >= calls;
            if !lanes.iter().any(fits) {
                missing.push((planned, calls));
            }
        }
        missing
    }

    async fn open(&self, wanted: &[(&PlannedList, u64)], size: Size) -> Result<(), SessionError> {
        let me = self.0.ledger.member_id();
        let (parameters, height, balance) = read(&*self.0.ledger, |view| {
            Ok((
                state::parameters(view)?,
                state::clock(view)?.unwrap_or_default().height,
                state::balance(view, me)?,
            ))
        })
        .await?;
        let blocks = self
            .0
            .config
            .session_blocks
            .min(parameters.max_session_blocks);
        let last_caps = self.last_caps().await;
        let ample = u64::from(self.0.config.session_calls);
        let openings: Vec<Opening> = wanted
            .iter()
            .map(|(planned, calls)| {
                let calls = match size {
                    Size::Exact => *calls,
                    // A list that is asked a lot gets ever larger sessions.
                    Size::Ample => {
                        let last = last_caps.get(&planned.list).copied().unwrap_or_default();
                        (*calls).max((2 * last).clamp(ample, MAX_GROWTH * ample))
                    }
                };
                // An amount has 32 bits: dear lists get shorter sessions.
                let payable = u32::MAX
                    .checked_div(planned.price_minor)
                    .unwrap_or(u32::MAX);
                let calls = u32::try_from(calls).unwrap_or(u32::MAX).min(payable);
                Opening {
                    list: planned.list,
                    tag_epoch: planned.tag_epoch,
                    lane: self.0.config.lane,
                    escrow_minor: calls * planned.price_minor,
                    cap_calls: calls,
                    // The transaction enters a later block than the last one, so the span still fits.
                    deadline_height: height + blocks,
                }
            })
            .collect();
        let escrow_minor: u64 = openings.iter().map(|o| u64::from(o.escrow_minor)).sum();
        if escrow_minor > balance.available_minor {
            // The ledger would say the same, and a block would carry it.
            return Err(LedgerError::Rejected(Reject::QUOTA_EXHAUSTED).into());
        }
        let openings = BoundedVec::try_from(openings)
            .map_err(|error| SessionError::Store(error.to_string()))?;
        let applied = self
            .0
            .ledger
            .submit(Action::OpenSessions { openings })
            .await?;
        for event in applied.events {
            if let Event::SessionOpened { session, .. } = event {
                let found = read(&*self.0.ledger, |view| state::session(view, session)).await?;
                if let Some(found) = found {
                    self.add(&found).await?;
                }
            }
        }
        Ok(())
    }

    async fn last_caps(&self) -> HashMap<ListId, u64> {
        let lanes = self.0.lanes.lock().await;
        let last = lanes
            .iter()
            .filter_map(|(list, lanes)| Some((*list, lanes.last()?.cap_calls)));
        last.collect()
    }

    /// A place for a request of so many calls.
    pub(super) async fn reserve(
        &self,
        planned: &PlannedList,
        calls: u64,
    ) -> Result<Reservation, SessionError> {
        loop {
            let height = self.0.ledger.height();
            {
                let mut lanes = self.0.lanes.lock().await;
                let lanes = lanes.entry(planned.list).or_default();
                let usable = lanes
                    .iter_mut()
                    .find(|lane| lane.serves(planned, height) && lane.room() >= calls);
                if let Some(lane) = usable {
                    let reservation = lane.reserve(calls);
                    if !has_next(lanes, planned, height) {
                        self.renew(planned.clone());
                    }
                    return Ok(reservation);
                }
            }
            self.ensure(&[(planned, calls)]).await?;
        }
    }

    /// Opens the next session before the present one is used up.
    fn renew(&self, planned: PlannedList) {
        let list = planned.list;
        if !self.renewing().insert(list) {
            return;
        }
        let sessions = self.clone();
        self.0.tasks.spawn(async move {
            if let Err(error) = sessions.open_next(&planned).await {
                tracing::info!(%error, %list, "sessions.renew: not renewed");
                sleep(RENEW_PAUSE).await;
            }
            sessions.renewing().remove(&list);
        });
    }

    async fn open_next(&self, planned: &PlannedList) -> Result<(), SessionError> {
        let _one_at_a_time = self.0.opening.lock().await;
        let height = self.0.ledger.height();
        let there = {
            let lanes = self.0.lanes.lock().await;
            let lanes = lanes.get(&planned.list).map_or(&[][..], Vec::as_slice);
            has_next(lanes, planned, height)
        };
        if there {
            return Ok(());
        }
        let calls = self.0.config.session_calls.into();
        self.open(&[(planned, calls)], Size::Ample).await
    }

    fn renewing(&self) -> std::sync::MutexGuard<'_, HashSet<ListId>> {
        self.0
            .renewing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Uses a session no more: its provider or the ledger says that it is over.
    pub(super) async fn retire(&self, list: ListId, session: SessionId) {
        let mut lanes = self.0.lanes.lock().await;
        if let Some(lanes) = lanes.get_mut(&list) {
            lanes.retain(|lane| lane.session != session);
        }
    }

    /// Whether a refusal of the ledger says that the session is over, while another may do.
    pub(super) fn ends_session(reject: u16) -> bool {
        [
            Reject::SESSION_UNKNOWN,
            Reject::SESSION_ENDED,
            Reject::SESSION_CAP_REACHED,
            Reject::ESCROW_EXHAUSTED,
            Reject::SEQUENCE_SETTLED,
            Reject::SEQUENCE_TOO_OLD,
            Reject::PRICE_MISMATCH,
        ]
        .iter()
        .any(|ends| ends.number() == reject)
    }
}
