//! What screenings are, how they are configured, and how one begins.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;

use futures::stream::Stream;
use tacit_circuits::identifier::IdentifierType;
use tacit_ledger::network::audit::{AuditContext, ContextError};
use tacit_ledger::network::request::MAX_CALLS;
use tokio::sync::mpsc;

use super::answer::ScreenEvent;
use super::follow_up::FollowUp;
use super::plan::{Plan, PlannedList, Targets, plan};
use super::run::Run;
use super::sessions::{SessionConfig, SessionError, Sessions};
use crate::crash::CrashPoints;
use crate::ports::{Habits, Ledger, LedgerError, Peers};
use crate::retention::Retention;
use crate::rows::{RawRow, RowReader};
use crate::snapshots::{Copies, ListCopy};
use crate::store::Store;
use crate::wallet::{Wallet, WalletError};

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
    /// For how long a list that could not be asked, or whose provider did not answer, is not asked again by
    /// the same screening, in milliseconds.
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
    pub(crate) wallet: Wallet,
    pub(crate) retention: Arc<Retention>,
    pub(crate) plans: Habits<Targets>,
    pub(crate) copies: Copies,
    pub(crate) sessions: Sessions,
    pub(crate) follow_up: FollowUp,
    pub(crate) crash: CrashPoints,
    pub(crate) config: ScreeningConfig,
}

impl Engine {
    /// The copy in which a list's answers are looked up now, if there is one of the planned epoch.
    pub(super) fn usable_copy(&self, planned: &PlannedList) -> Option<Arc<ListCopy>> {
        let height = self.ledger.height();
        let followed = self.copies.usable(planned.list, height).ok();
        let followed = followed.filter(|copy| copy.id.tag_epoch == planned.tag_epoch);
        match (followed, &planned.standing) {
            // The ledger said more when it was planned than has been followed here since.
            (Some(copy), Some(standing)) if copy.id.version < planned.version => {
                self.copies.choose(standing, height).ok()
            }
            (followed, _) => followed,
        }
    }
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
        rows: &BTreeMap<IdentifierType, u64>,
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
            Ok(()) | Err(SessionError::Wallet(WalletError::Exhausted { .. })) => {}
            Err(SessionError::Ledger(error)) => return Err(error),
            Err(other) => return Err(LedgerError::Unavailable(other.to_string())),
        }
        for list in &askable {
            if let Err(error) = self.peers.channel(list.provider).await {
                tracing::debug!(%error, "screening.warm: not connected");
            }
        }
        Ok(askable.len())
    }
}
