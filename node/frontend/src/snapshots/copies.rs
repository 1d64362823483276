//! This member's copies of the others' lists, kept in step with the ledger.
//!
//! The ledger's state decides what is to be held; events only say when to look. So nothing is missed,
//! whatever was missed: after a restart, a partition or a flood of blocks the next look finds it. Each list
//! is brought up to date by a task of its own, so that an owner that is slow holds up nobody else's list.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tacit_circuits::curve::WirePoint;
use tacit_circuits::list::VersionId;
use tacit_circuits::scope::{ListId, MemberId};
use tacit_ledger::kernel::{Missing, Reject, StateView};
use tacit_ledger::network::{
    Action, AlarmReason, EpochStatus, Event, List, Publication, PublicationId, PublicationStatus,
    read as state,
};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Notify, Semaphore};
use tokio::time::{Instant, sleep, timeout};

use super::files::{FileError, Files};
use super::lookup::{ListCopy, Lookup};
use super::obtain::{ObtainError, Obtainer};
use crate::compute::compute;
use crate::crash::{CrashPoint, CrashPoints};
use crate::ports::{Ledger, LedgerError, read};
use crate::tasks::Tasks;
use crate::telemetry::Counter;

/// How the copies are kept.
#[derive(Clone, Debug)]
pub struct CopiesConfig {
    /// Lists that are fetched and rebuilt at a time; each needs the memory of its tree.
    pub max_lists_at_a_time: usize,
    /// How often to look at the ledger when it says nothing, in milliseconds.
    pub look_interval_ms: u64,
    /// First pause after an owner could not be reached, in milliseconds; it doubles up to a minute.
    pub retry_ms: u64,
    /// For how long an owner may fail to serve a publication before an alarm is raised, in milliseconds.
    pub unavailable_alarm_ms: u64,
}

impl Default for CopiesConfig {
    fn default() -> Self {
        Self {
            max_lists_at_a_time: 2,
            look_interval_ms: 5_000,
            retry_ms: 250,
            unavailable_alarm_ms: 600_000,
        }
    }
}

/// Longest pause between two attempts to reach an owner.
const MAX_RETRY: Duration = Duration::from_secs(60);

/// How this member's copy of a list stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CopyState {
    /// It is the version in force.
    Current,
    /// A newer version is in force and not here yet; this one still answers.
    Behind,
    /// There is none yet.
    Absent,
    /// What the owner serves is not what it published. An alarm has been raised.
    Refused(AlarmReason),
}

/// The copy of one list, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyStatus {
    /// The list.
    pub list: ListId,
    /// How it stands.
    pub state: CopyState,
    /// The version that is searched here.
    pub held: Option<VersionId>,
    /// Why the newest version is not here, when something failed.
    pub reason: Option<String>,
}

/// What one list's task has to remember.
#[derive(Debug, Default)]
struct Progress {
    running: bool,
    again: bool,
    held: Option<VersionId>,
    newest: Option<VersionId>,
    in_force: Option<VersionId>,
    refused: Option<(VersionId, AlarmReason)>,
    reason: Option<String>,
}

/// The copies of one front end. Clones share them.
#[derive(Clone)]
pub(crate) struct Copies(Arc<Inner>);

struct Inner {
    ledger: Arc<dyn Ledger>,
    obtainer: Obtainer,
    files: Files,
    crash: CrashPoints,
    config: CopiesConfig,
    tasks: Tasks,
    in_force: ArcSwap<HashMap<ListId, Arc<ListCopy>>>,
    progress: Mutex<HashMap<ListId, Progress>>,
    permits: Semaphore,
    changed: Notify,
}

impl Copies {
    /// Starts with the copies on the disk and keeps them in step from now on.
    pub(crate) fn start(
        ledger: Arc<dyn Ledger>,
        obtainer: Obtainer,
        files: Files,
        crash: CrashPoints,
        config: CopiesConfig,
        tasks: &Tasks,
    ) -> Self {
        let copies = Self(Arc::new(Inner {
            ledger,
            obtainer,
            files,
            crash,
            permits: Semaphore::new(config.max_lists_at_a_time),
            config,
            tasks: tasks.clone(),
            in_force: ArcSwap::default(),
            progress: Mutex::default(),
            changed: Notify::new(),
        }));
        tasks.spawn(copies.clone().follow());
        copies
    }

    /// The verified copy of the version in force. During a rotation, the one before.
    pub(crate) fn in_force(&self, list: ListId) -> Option<Arc<ListCopy>> {
        self.0.in_force.load().get(&list).cloned()
    }

    /// How the copy of a list stands.
    pub(crate) fn status(&self, list: ListId) -> CopyStatus {
        let held = self.in_force(list).map(|copy| copy.id);
        let progress = self.lock();
        let Some(progress) = progress.get(&list) else {
            let state = if held.is_some() {
                CopyState::Current
            } else {
                CopyState::Absent
            };
            return CopyStatus {
                list,
                state,
                held,
                reason: None,
            };
        };
        let refused = progress
            .refused
            .filter(|(id, _)| Some(*id) == progress.newest);
        let state = match (refused, held) {
            (Some((_, reason)), _) => CopyState::Refused(reason),
            (None, None) => CopyState::Absent,
            (None, Some(held)) if Some(held) == progress.in_force => CopyState::Current,
            (None, Some(_)) => CopyState::Behind,
        };
        CopyStatus {
            list,
            state,
            held,
            reason: progress.reason.clone(),
        }
    }

    /// Copies that are the version in force.
    pub(crate) fn current(&self) -> usize {
        let progress = self.lock();
        let is_current = |copy: &&Arc<ListCopy>| {
            let progress = progress.get(&copy.id.list);
            progress.is_none_or(|progress| progress.in_force == Some(copy.id))
        };
        self.0.in_force.load().values().filter(is_current).count()
    }

    /// Waits until something changes, or a moment has passed.
    pub(crate) async fn changed(&self) {
        let _ = timeout(Duration::from_millis(100), self.0.changed.notified()).await;
    }

    /// Waits until something changes.
    pub(crate) async fn wait_for_change(&self) {
        self.0.changed.notified().await;
    }

    async fn follow(self) {
        let mut blocks = self.0.ledger.finalized();
        loop {
            if let Err(error) = self.look().await {
                tracing::warn!(%error, "snapshots.look: the ledger cannot be read; trying again");
                sleep(Duration::from_millis(self.0.config.retry_ms)).await;
                continue;
            }
            let pause = Duration::from_millis(self.0.config.look_interval_ms);
            let deadline = Instant::now() + pause;
            loop {
                match tokio::time::timeout_at(deadline, blocks.recv()).await {
                    Ok(Ok(block)) if block.events.iter().any(|e| concerns_lists(&e.event)) => break,
                    Ok(Ok(_)) => {}
                    Ok(Err(RecvError::Lagged(_))) | Err(_) => break,
                    Ok(Err(RecvError::Closed)) => return,
                }
            }
        }
    }

    /// Compares what the ledger wants held with what is held, and starts what is to be done.
    async fn look(&self) -> Result<(), LedgerError> {
        let me = self.0.ledger.member_id();
        let lists = read(&*self.0.ledger, |view| wanted(view, me)).await?;
        for wanted in lists {
            let id = wanted.list.id;
            {
                let mut progress = self.lock();
                let progress = progress.entry(id).or_default();
                progress.again = true;
                if std::mem::replace(&mut progress.running, true) {
                    continue;
                }
            }
            let copies = self.clone();
            self.0.tasks.spawn(async move { copies.keep(id).await });
        }
        Ok(())
    }

    /// Brings one list up to date, and again while there is news of it.
    async fn keep(self, list: ListId) {
        let first_pause = Duration::from_millis(self.0.config.retry_ms);
        let mut pause = first_pause;
        let mut failing_since: Option<Instant> = None;
        loop {
            {
                let mut progress = self.lock();
                let progress = progress.entry(list).or_default();
                if !std::mem::take(&mut progress.again) && failing_since.is_none() {
                    progress.running = false;
                    return;
                }
            }
            let result = self.update(list, failing_since).await;
            self.note(list, |progress| {
                progress.reason = result.as_ref().err().cloned()
            });
            match result {
                Ok(()) => (failing_since, pause) = (None, first_pause),
                Err(reason) => {
                    tracing::warn!(%list, %reason, "snapshots.keep: trying again");
                    failing_since.get_or_insert_with(Instant::now);
                    sleep(pause).await;
                    pause = (pause * 2).min(MAX_RETRY);
                }
            }
            self.0.changed.notify_waiters();
        }
    }

    async fn update(&self, list: ListId, failing_since: Option<Instant>) -> Result<(), String> {
        let me = self.0.ledger.member_id();
        let wanted = read(&*self.0.ledger, |view| wanted_of(view, me, list)).await;
        let Some(wanted) = wanted.map_err(|error| error.to_string())? else {
            self.drop_copy(list);
            return Ok(());
        };
        let in_force = wanted.in_force.as_ref().map(|publication| publication.id);
        self.note(list, |progress| {
            progress.in_force = in_force;
            progress.newest = wanted.newest.as_ref().map(|newest| newest.id);
        });
        // The version in force goes first: it answers as soon as it is here.
        if let Some(publication) = &wanted.in_force {
            self.hold(publication, failing_since).await?;
            self.bring_into_force(publication.id).await?;
        }
        if let Some(publication) = &wanted.newest {
            self.hold(publication, failing_since).await?;
            self.attest(&wanted, publication).await?;
        }
        let keep: Vec<VersionId> = [wanted.in_force, wanted.newest]
            .into_iter()
            .flatten()
            .map(|p| p.id)
            .collect();
        self.0
            .files
            .forget_copies(list, &keep)
            .map_err(|error| error.to_string())
    }

    /// Sees that a verified copy of a publication is on the disk, or raises an alarm.
    async fn hold(
        &self,
        publication: &Publication,
        failing_since: Option<Instant>,
    ) -> Result<(), String> {
        let id = publication.id;
        let refused = self
            .lock()
            .get(&id.list)
            .and_then(|progress| progress.refused);
        if self.0.files.copy_tags(id).exists() || refused.is_some_and(|(of, _)| of == id) {
            return Ok(());
        }
        let _permit = self
            .0
            .permits
            .acquire()
            .await
            .map_err(|error| error.to_string())?;
        match self.0.obtainer.obtain(publication).await {
            Ok(()) => {
                self.note(id.list, |progress| progress.held = Some(id));
                Ok(())
            }
            Err(ObtainError::NotThePublication(reason)) => {
                self.raise(publication.id, reason).await?;
                self.note(id.list, |progress| progress.refused = Some((id, reason)));
                Ok(())
            }
            Err(ObtainError::Unavailable(reason)) => {
                let limit = Duration::from_millis(self.0.config.unavailable_alarm_ms);
                if failing_since.is_some_and(|since| since.elapsed() >= limit) {
                    self.raise(publication.id, AlarmReason::SnapshotUnavailable)
                        .await?;
                }
                Err(reason)
            }
            Err(ObtainError::Local(reason)) => Err(reason),
        }
    }

    async fn bring_into_force(&self, id: VersionId) -> Result<(), String> {
        if self.in_force(id.list).is_some_and(|copy| copy.id == id) {
            return Ok(());
        }
        let path = self.0.files.copy_tags(id);
        if !path.exists() {
            return Ok(());
        }
        let lookup = match Lookup::open(&path, id) {
            Ok(lookup) => lookup,
            Err(error) => {
                // It was verified when it was written: the disk lost it. It is fetched again.
                let _ = super::files::remove(&path);
                return Err(error.to_string());
            }
        };
        let copy = Arc::new(ListCopy { id, lookup });
        self.0.in_force.rcu(|copies| {
            let mut copies = HashMap::clone(copies);
            copies.insert(id.list, copy.clone());
            copies
        });
        tracing::info!(list = %id.list, version = %id.version, "snapshots.in_force");
        Ok(())
    }

    async fn attest(&self, wanted: &Wanted, publication: &Publication) -> Result<(), String> {
        let me = self.0.ledger.member_id();
        let attested = publication
            .attestations
            .iter()
            .any(|made| made.attester == me);
        let waits = publication.status == PublicationStatus::Pending;
        let id = publication.id;
        if attested || !waits || wanted.same_group || !self.0.files.copy_tags(id).exists() {
            return Ok(());
        }
        self.0.crash.reach(CrashPoint::BeforeAttest).await;
        let Some(key) = wanted.newest_key else {
            return Ok(());
        };
        let (obtainer, of) = (self.0.obtainer.clone(), publication.clone());
        let digest = compute(move || obtainer.attestation(&of, &key)).await;
        let digest = digest.map_err(|error| error.to_string())?;
        let action = Action::Attest {
            publication: publication.id,
            digest,
        };
        match self.0.ledger.submit(action).await {
            Ok(_)
            | Err(LedgerError::Rejected(
                Reject::ALREADY_ATTESTED | Reject::PUBLICATION_SUPERSEDED | Reject::OWN_GROUP,
            )) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    }

    async fn raise(&self, publication: PublicationId, reason: AlarmReason) -> Result<(), String> {
        let PublicationId {
            list,
            tag_epoch,
            version,
        } = publication;
        tracing::error!(%list, %tag_epoch, %version, ?reason, "snapshots.alarm: not what its owner published");
        match self
            .0
            .ledger
            .submit(Action::RaiseAlarm {
                publication,
                reason,
            })
            .await
        {
            Ok(_) => {
                Counter::AlarmsRaised.add(1);
                Ok(())
            }
            Err(LedgerError::Rejected(_)) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// A list was withdrawn: its copy answers no more.
    fn drop_copy(&self, list: ListId) {
        self.0.in_force.rcu(|copies| {
            let mut copies = HashMap::clone(copies);
            copies.remove(&list);
            copies
        });
        if let Err(error) = self.0.files.forget_copies(list, &[]) {
            tracing::warn!(%list, %error, "snapshots.drop: a copy could not be deleted");
        }
    }

    fn note(&self, list: ListId, change: impl FnOnce(&mut Progress)) {
        change(self.lock().entry(list).or_default());
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ListId, Progress>> {
        self.0
            .progress
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is to be held of one list.
struct Wanted {
    list: List,
    /// Whether its owner and this member are of one group, whose members do not attest each other.
    same_group: bool,
    in_force: Option<Publication>,
    /// The newest publication that may come into force, and the key of its epoch.
    newest: Option<Publication>,
    newest_key: Option<WirePoint>,
}

fn wanted(view: &dyn StateView, me: MemberId) -> Result<Vec<Wanted>, Missing> {
    let mut lists = state::lists(view)?;
    lists.retain(|list| list.owner != me);
    lists
        .into_iter()
        .map(|list| wanted_now(view, me, list))
        .collect()
}

fn wanted_of(view: &dyn StateView, me: MemberId, list: ListId) -> Result<Option<Wanted>, Missing> {
    match state::list(view, list)? {
        Some(list) if list.is_standing() => wanted_now(view, me, list).map(Some),
        _ => Ok(None),
    }
}

fn wanted_now(view: &dyn StateView, me: MemberId, list: List) -> Result<Wanted, Missing> {
    let in_force = match list.active {
        Some(id) => state::publication(view, id)?,
        None => None,
    };
    let newest = newest_pending(view, &list)?;
    let newest_key = match &newest {
        Some(newest) => state::epoch(view, list.id, newest.id.tag_epoch)?.map(|epoch| epoch.key),
        None => None,
    };
    let group = |member| state::member(view, member).map(|found| found.map(|found| found.group));
    let same_group = group(me)? == group(list.owner)?;
    Ok(Wanted {
        list,
        same_group,
        in_force,
        newest,
        newest_key,
    })
}

/// The last version of the last usable epoch, while it waits for attestations.
fn newest_pending(view: &dyn StateView, list: &List) -> Result<Option<Publication>, Missing> {
    let first = list.active.map_or(0, |active| active.tag_epoch.0);
    for epoch in (first..list.epochs).rev() {
        let Some(epoch) = state::epoch(view, list.id, epoch.into())? else {
            continue;
        };
        let usable = matches!(epoch.status, EpochStatus::Registered | EpochStatus::Current);
        let Some(last) = epoch.versions.checked_sub(1).filter(|_| usable) else {
            continue;
        };
        let id = PublicationId {
            list: list.id,
            tag_epoch: epoch.tag_epoch,
            version: last.into(),
        };
        let publication = state::publication(view, id)?;
        return Ok(publication.filter(|found| found.status == PublicationStatus::Pending));
    }
    Ok(None)
}

fn concerns_lists(event: &Event) -> bool {
    matches!(
        event,
        Event::Published { .. }
            | Event::Activated { .. }
            | Event::FraudProven { .. }
            | Event::ListWithdrawn { .. }
            | Event::KeyRevoked { .. }
    )
}

impl From<FileError> for ObtainError {
    fn from(error: FileError) -> Self {
        Self::Local(error.to_string())
    }
}
