//! Looks for what waits, when something changes and now and then.
//!
//! Nothing that is found is remembered beside the notices themselves: after a restart the deltas that were put
//! aside are read again, and a call that was told is not told twice.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tacit_circuits::scope::ListId;
use tacit_ledger::network::read as state;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use super::marks::Marks;
use super::rulings::Rulings;
use super::{Duty, NoticeError, NoticeKind, Notices};
use crate::ports::{Ledger, read};
use crate::snapshots::Obtainer;
use crate::store::Store;
use crate::tasks::Tasks;
use crate::telemetry;

/// How often it is looked when nothing says that something changed.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// What changes within this time is looked at together.
const TOGETHER: Duration = Duration::from_millis(50);

/// Looks for what waits. Clones share it.
#[derive(Clone)]
pub(crate) struct Watch(Arc<Inner>);

/// What looking takes.
pub(super) struct Inner {
    pub(super) ledger: Arc<dyn Ledger>,
    pub(super) obtainer: Obtainer,
    pub(super) store: Store,
    notices: Notices,
    /// Lists of which there is news, and whether what was gone through is gone through again.
    news: Mutex<BTreeMap<ListId, bool>>,
    wake: Notify,
}

/// What is known since the start.
#[derive(Default)]
struct Known {
    marks: HashMap<ListId, Marks>,
    rulings: Rulings,
    duties: HashSet<Duty>,
}

impl Watch {
    pub(crate) fn start(
        ledger: Arc<dyn Ledger>,
        obtainer: Obtainer,
        notices: Notices,
        tasks: &Tasks,
    ) -> Self {
        let watch = Self(Arc::new(Inner {
            ledger,
            obtainer,
            store: notices.store.clone(),
            notices,
            news: Mutex::default(),
            wake: Notify::new(),
        }));
        tasks.spawn(watch.clone().run());
        watch
    }

    /// A version of a list came.
    pub(crate) fn version_came(&self, list: ListId) {
        self.news().entry(list).or_insert(false);
        self.0.wake.notify_one();
    }

    /// An answer came that an earlier version gave: what later ones mark is gone through again.
    pub(crate) fn answered_late(&self, list: ListId) {
        self.news().insert(list, true);
        self.0.wake.notify_one();
    }

    fn news(&self) -> MutexGuard<'_, BTreeMap<ListId, bool>> {
        self.0.news.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn run(self) {
        let mut known = Known::default();
        while let Err(error) = self.begin().await {
            tracing::warn!(%error, "notices.watch: the ledger cannot be read; trying again");
            sleep(LOOK_INTERVAL).await;
        }
        loop {
            let mut failed = false;
            let news = std::mem::take(&mut *self.news());
            for (list, again) in news {
                let marks = known.marks.entry(list).or_default();
                match marks.look(&self.0, list, again).await {
                    Ok(told) => say(NoticeKind::EntryCorrected, told),
                    Err(error) => {
                        tracing::warn!(%list, %error, "notices.watch: trying again");
                        *self.news().entry(list).or_default() |= again;
                        failed = true;
                    }
                }
            }
            // After the marks: what is certain is not told as a doubt first.
            if !failed {
                match known.rulings.look(&self.0).await {
                    Ok(told) => say(NoticeKind::EntryInDoubt, told),
                    Err(error) => tracing::warn!(%error, "notices.watch: trying again"),
                }
            }
            if let Err(error) = self.count(&mut known.duties).await {
                tracing::warn!(%error, "notices.watch: trying again");
            }
            // Whether it was woken or the time is over, it looks.
            let _ = timeout(LOOK_INTERVAL, self.0.wake.notified()).await;
            sleep(TOGETHER).await;
        }
    }

    /// All lists are news at the start.
    async fn begin(&self) -> Result<(), NoticeError> {
        let me = self.0.ledger.member_id();
        let lists = read(&*self.0.ledger, state::lists).await?;
        let mut news = self.news();
        for list in lists.into_iter().filter(|list| list.owner != me) {
            news.entry(list.id).or_insert(false);
        }
        Ok(())
    }

    /// Brings the gauges up to date, and says which duties are new.
    async fn count(&self, known: &mut HashSet<Duty>) -> Result<(), NoticeError> {
        let duties = self.0.notices.duties().await?;
        for duty in duties.iter().filter(|duty| !known.contains(duty)) {
            let kind = duty.kind().name();
            let until = duty.until().map(|date| date.to_string());
            let until = until.unwrap_or_default();
            match duty {
                Duty::Answer { dispute, list, .. }
                | Duty::Rule { dispute, list, .. }
                | Duty::Correct { dispute, list, .. } => {
                    tracing::info!(kind, %dispute, %list, until, "notices.new");
                }
                Duty::Disclose { disclosure, .. } => {
                    tracing::info!(kind, %disclosure, until, "notices.new");
                }
            }
        }
        *known = duties.into_iter().collect();
        for (kind, waiting) in self.0.notices.waiting().await? {
            telemetry::set_notices(kind, waiting);
        }
        Ok(())
    }
}

/// Says that there are new notices: how many, and of no list, since a list with one gave a hit.
fn say(kind: NoticeKind, told: u64) {
    if told > 0 {
        let kind = kind.name();
        tracing::info!(kind, told, "notices.new");
    }
}
