//! This member's sessions: opened on demand, several in one transaction, kept, renewed, and closed when
//! they are of no more use, so that what is left of their escrow returns.

mod lane;
mod open;
mod tidy;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::future::Future;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tacit_circuits::quota::transfer::Role;
use tacit_circuits::scope::ListId;
use tacit_ledger::kernel::Reject;
use tacit_ledger::network::request::MAX_CALLS;
use tacit_ledger::network::{Session, SessionId, read as state};
use tokio::sync::{Mutex, Notify, oneshot};
use tokio::time::sleep;

use super::plan::PlannedList;
use crate::ports::{Ledger, LedgerError, read};
use crate::store::{Store, StoreError};
use crate::tasks::Tasks;
use crate::wallet::{Wallet, WalletError, padded_size};
use lane::Lane;
pub(super) use lane::Reservation;

/// Pause after a session could not be renewed.
const RENEW_PAUSE: Duration = Duration::from_secs(10);

/// How often a session may be opened for one request, and be used up by others before it is there. Each
/// time somebody gets on; this only ends a wait that would not end.
const MAX_RESERVE_ROUNDS: usize = 64;

/// How sessions are opened.
#[derive(Clone, Debug)]
pub struct SessionConfig {
    /// This front end's own lane: front ends that share a member have a lane each.
    pub lane: u16,
    /// Calls for which a session is opened when fewer are asked for. Their price is put into escrow, and
    /// returns when the session ends.
    pub session_calls: u32,
    /// Most calls of one session; at least those of one batch.
    pub max_session_calls: u32,
    /// For how many blocks a session is opened, as far as the network allows.
    pub session_blocks: u64,
    /// Whether requests are padded, so that nobody but their provider learns how many calls they make. Padding
    /// is not charged, and counts against daily caps.
    pub padding: bool,
}

impl Default for SessionConfig {
    fn default() -> Self {
        // At ten blocks a second, two hours.
        Self {
            lane: 0,
            session_calls: 2_000,
            max_session_calls: 1_000_000,
            session_blocks: 72_000,
            padding: true,
        }
    }
}

/// Why no session could be had.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum SessionError {
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Wallet(WalletError),
    #[error("{0}")]
    Store(String),
    /// What could be opened could not be used.
    #[error(
        "sessions of {blocks} blocks are over before they can be used; the network's limit, or this node's configuration, is too low"
    )]
    TooShort { blocks: u64 },
    /// Others used up whatever was opened.
    #[error("every session that was opened was used up by other screenings; try again")]
    Contended,
    #[error("this front end is being stopped")]
    Stopping,
}

impl From<WalletError> for SessionError {
    fn from(error: WalletError) -> Self {
        match error {
            WalletError::Ledger(error) => Self::Ledger(error),
            other => Self::Wallet(other),
        }
    }
}

impl From<StoreError> for SessionError {
    fn from(error: StoreError) -> Self {
        Self::Store(error.to_string())
    }
}

/// Lists with calls that are to be made to them.
type Wanted = Vec<(PlannedList, u64)>;

/// The sessions of one front end. Clones share them.
#[derive(Clone)]
pub(crate) struct Sessions(Arc<Inner>);

struct Inner {
    ledger: Arc<dyn Ledger>,
    wallet: Wallet,
    store: Store,
    config: SessionConfig,
    tasks: Tasks,
    lanes: Mutex<HashMap<ListId, Vec<Lane>>>,
    /// One transaction opens for all who wait; who comes meanwhile finds what it opened.
    opening: Mutex<()>,
    /// Lists whose next session is being opened before the present one is used up.
    renewing: std::sync::Mutex<HashSet<ListId>>,
    /// Sessions that are used no more and that the ledger may still hold, and whether they are closed.
    over: std::sync::Mutex<BTreeMap<SessionId, bool>>,
    /// There is something to be closed, or to be found on the ledger.
    untidy: Notify,
}

impl Sessions {
    /// Takes up the sessions that are open on the ledger.
    pub(crate) async fn start(
        ledger: Arc<dyn Ledger>,
        wallet: Wallet,
        store: Store,
        mut config: SessionConfig,
        tasks: &Tasks,
    ) -> Result<Self, StoreError> {
        config.max_session_calls = config.max_session_calls.max(MAX_CALLS as u32);
        let inner = Inner {
            ledger,
            wallet,
            store,
            config,
            tasks: tasks.clone(),
            lanes: Mutex::default(),
            opening: Mutex::new(()),
            renewing: std::sync::Mutex::default(),
            over: std::sync::Mutex::default(),
            untidy: Notify::new(),
        };
        let sessions = Self(Arc::new(inner));
        if let Err(error) = sessions.take_up().await {
            // They are not lost: they are looked for again, and new ones are opened.
            tracing::warn!(%error, "sessions.take_up: open sessions could not be read");
        }
        tasks.spawn(sessions.clone().tidy());
        Ok(sessions)
    }

    async fn add(&self, session: &Session) -> Result<(), SessionError> {
        if self.over().contains_key(&session.id) {
            return Ok(());
        }
        let store = &self.0.store;
        let asked = store.asked_session(session.id).await?;
        let escrow_minor = match asked.escrow_minor {
            Some(escrow_minor) => escrow_minor,
            // Opened a moment ago, or by a former run that was interrupted: nothing was asked in it yet.
            None => {
                let escrow = self.escrow(session.id).await?;
                store.note_escrow(session.id, escrow).await?;
                escrow
            }
        };
        let unsettled = store.asked_unsettled(session.id).await?;
        let lane = Lane::new(
            session,
            escrow_minor,
            asked,
            unsettled,
            self.0.config.padding,
        );
        let mut lanes = self.0.lanes.lock().await;
        let lanes = lanes.entry(session.list).or_default();
        if lanes.iter().all(|known| known.session != session.id) {
            lanes.push(lane);
        }
        Ok(())
    }

    /// Sees that each list has a session with room for its calls; opens those that are missing in as few
    /// transactions as possible. Where quota is short, sessions are opened for just the calls asked for.
    pub(super) async fn ensure(&self, wanted: &[(&PlannedList, u64)]) -> Result<(), SessionError> {
        self.open_missing(wanted, true).await
    }

    /// Sees that each list has a session, as far as quota suffices for ample ones.
    pub(super) async fn keep_ready(&self, lists: &[&PlannedList]) -> Result<(), SessionError> {
        let wanted: Vec<_> = lists.iter().map(|list| (*list, 1)).collect();
        self.open_missing(&wanted, false).await
    }

    async fn open_missing(
        &self,
        wanted: &[(&PlannedList, u64)],
        sparingly: bool,
    ) -> Result<(), SessionError> {
        let missing = self.missing(wanted).await;
        if missing.is_empty() {
            return Ok(());
        }
        let sessions = self.clone();
        self.to_the_end(async move {
            let _one_at_a_time = sessions.0.opening.lock().await;
            let wanted: Vec<_> = missing.iter().map(|(list, calls)| (list, *calls)).collect();
            let missing = sessions.missing(&wanted).await;
            sessions.open_all(&missing, sparingly).await
        })
        .await
    }

    /// Does what must not stop half-way, whether or not the caller waits for it: a session that stands on
    /// the ledger and is in use nowhere binds its escrow for nothing.
    async fn to_the_end<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, SessionError>> + Send + 'static,
    ) -> Result<T, SessionError> {
        let (done, result) = oneshot::channel();
        self.0.tasks.spawn(async move {
            // Whoever asked may have gone.
            let _ = done.send(work.await);
        });
        result.await.unwrap_or(Err(SessionError::Stopping))
    }

    /// What stands in a session's escrow, in minor units.
    async fn escrow(&self, session: SessionId) -> Result<u64, SessionError> {
        let escrow = read(&*self.0.ledger, |view| state::escrow(view, session)).await?;
        Ok(self.0.wallet.open(&escrow, Role::Querier as usize).await?)
    }

    async fn missing(&self, wanted: &[(&PlannedList, u64)]) -> Wanted {
        let height = self.0.ledger.height();
        let mut lanes = self.0.lanes.lock().await;
        let mut missing = Vec::new();
        for &(planned, calls) in wanted {
            let lanes = lanes.entry(planned.list).or_default();
            lanes.retain(|lane| lane.lasts(height));
            let calls = calls.min(self.max_calls(planned));
            let fits = |lane: &Lane| lane.is_of(planned) && lane.takes(calls);
            if !lanes.iter().any(fits) {
                missing.push((planned.clone(), calls));
            }
        }
        missing
    }

    /// Most calls of one session: an amount has 32 bits, so that dear lists get smaller ones, and so has the
    /// number of calls with their padding.
    fn max_calls(&self, planned: &PlannedList) -> u64 {
        let payable = u32::MAX.checked_div(planned.price_minor);
        let most = u32::MAX / padded_size(1) as u32;
        let max = self.0.config.max_session_calls.min(most);
        payable.unwrap_or(u32::MAX).min(max).into()
    }

    /// A place for a request of so many calls.
    pub(super) async fn reserve(
        &self,
        planned: &PlannedList,
        calls: u64,
    ) -> Result<Reservation, SessionError> {
        for _ in 0..MAX_RESERVE_ROUNDS {
            let height = self.0.ledger.height();
            {
                let mut lanes = self.0.lanes.lock().await;
                let lanes = lanes.entry(planned.list).or_default();
                let usable = lanes
                    .iter_mut()
                    .find(|lane| lane.serves(planned, height) && lane.takes(calls));
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
        Err(SessionError::Contended)
    }

    /// Takes back a place whose request was not evaluated, so that its room serves another.
    pub(super) async fn give_back(&self, list: ListId, place: &Reservation, calls: u64) {
        self.with_lane(list, place.session, |lane| {
            lane.give_back(place.sequence, calls);
        })
        .await;
    }

    /// Notes that a request is settled, or never will be: later ones no longer wait for it.
    pub(super) async fn settled(&self, list: ListId, session: SessionId, sequence: u64) {
        self.with_lane(list, session, |lane| lane.settled(sequence))
            .await;
    }

    async fn with_lane(
        &self,
        list: ListId,
        session: SessionId,
        change: impl FnOnce(&mut Lane) + Send,
    ) {
        let mut lanes = self.0.lanes.lock().await;
        let lanes = lanes.get_mut(&list).map_or(&mut [][..], Vec::as_mut_slice);
        if let Some(lane) = lanes.iter_mut().find(|lane| lane.session == session) {
            change(lane);
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
        self.open_all(&[(planned.clone(), calls)], false).await
    }

    /// Uses a session no more: its provider or the ledger says that it is over. It is closed.
    pub(super) async fn retire(&self, list: ListId, session: SessionId) {
        let mut lanes = self.0.lanes.lock().await;
        if let Some(lanes) = lanes.get_mut(&list) {
            self.retire_where(lanes, |lane| lane.session == session);
        }
    }

    /// Uses none of the sessions any more. They are closed.
    pub(crate) async fn retire_all(&self) {
        for lanes in self.0.lanes.lock().await.values_mut() {
            self.retire_where(lanes, |_| true);
        }
    }

    fn retire_where(&self, lanes: &mut Vec<Lane>, is_over: impl Fn(&Lane) -> bool) {
        for lane in lanes.extract_if(.., |lane| is_over(lane)) {
            self.over().insert(lane.session, false);
            self.0.untidy.notify_one();
        }
    }

    fn renewing(&self) -> std::sync::MutexGuard<'_, HashSet<ListId>> {
        self.0
            .renewing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn over(&self) -> std::sync::MutexGuard<'_, BTreeMap<SessionId, bool>> {
        self.0.over.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a refusal of the ledger says that the session is over, while another may do.
    pub(super) fn ends_session(reject: u16) -> bool {
        [
            Reject::SESSION_UNKNOWN,
            Reject::SESSION_ENDED,
            Reject::SESSION_CAP_REACHED,
            Reject::SEQUENCE_SETTLED,
            Reject::SEQUENCE_TOO_OLD,
            Reject::PRICE_MISMATCH,
        ]
        .iter()
        .any(|ends| ends.number() == reject)
    }
}

/// Whether there is a session with much room.
fn has_next(lanes: &[Lane], planned: &PlannedList, height: u64) -> bool {
    lanes
        .iter()
        .any(|lane| lane.serves(planned, height) && !lane.runs_low())
}
