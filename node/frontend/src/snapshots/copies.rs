//! This member's copies of the others' lists, kept in step with the ledger.
//!
//! The ledger's state decides what is to be held; events only say when to look. So nothing is missed,
//! whatever was missed: after a restart, a partition or a flood of blocks the next look finds it. Each list
//! is brought up to date by a task of its own, so that an owner that is slow holds up nobody else's list.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tacit_circuits::list::VersionId;
use tacit_circuits::scope::ListId;
use tacit_ledger::kernel::{Missing, Reject, StateView};
use tacit_ledger::network::{
    Action, AlarmReason, List, Publication, PublicationId, PublicationStatus, read as state,
};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Notify, Semaphore};
use tokio::time::{Instant, sleep, timeout};

use super::files::{FileError, Files};
use super::held::{Held, NotUsable, Standing};
use super::lookup::{ListCopy, Lookup};
use super::obtain::{ObtainError, Obtainer};
use super::status::{CopiesConfig, CopyState, CopyStatus};
use super::wanted::{Wanted, concerns_lists, wanted, wanted_of};
use crate::compute::compute;
use crate::crash::{CrashPoint, CrashPoints};
use crate::notices::Watch;
use crate::ports::{Ledger, LedgerError, read};
use crate::tasks::Tasks;
use crate::telemetry::Counter;

/// Longest pause between two attempts to reach an owner.
const MAX_RETRY: Duration = Duration::from_secs(60);

/// What one list's task has to remember.
#[derive(Debug, Default)]
struct Progress {
    running: bool,
    again: bool,
    held: Option<VersionId>,
    newest: Option<VersionId>,
    in_force: Option<VersionId>,
    standing: Option<Standing>,
    refused: Option<(VersionId, AlarmReason)>,
    reason: Option<String>,
}

/// The copies of one front end. Clones share them.
#[derive(Clone)]
pub(crate) struct Copies(Arc<Inner>);

struct Inner {
    ledger: Arc<dyn Ledger>,
    obtainer: Obtainer,
    notices: Watch,
    files: Files,
    crash: CrashPoints,
    config: CopiesConfig,
    tasks: Tasks,
    held: ArcSwap<HashMap<ListId, Held>>,
    progress: Mutex<HashMap<ListId, Progress>>,
    permits: Semaphore,
    changed: Notify,
}

impl Copies {
    /// Starts with the copies on the disk and keeps them in step from now on.
    pub(crate) fn start(
        ledger: Arc<dyn Ledger>,
        obtainer: Obtainer,
        notices: Watch,
        files: Files,
        crash: CrashPoints,
        config: CopiesConfig,
        tasks: &Tasks,
    ) -> Self {
        let copies = Self(Arc::new(Inner {
            ledger,
            obtainer,
            notices,
            files,
            crash,
            permits: Semaphore::new(config.max_lists_at_a_time),
            config,
            tasks: tasks.clone(),
            held: ArcSwap::default(),
            progress: Mutex::default(),
            changed: Notify::new(),
        }));
        tasks.spawn(copies.clone().follow());
        copies
    }

    /// The verified copy of the last version in force that came here, whether or not it still answers.
    pub(crate) fn in_force(&self, list: ListId) -> Option<Arc<ListCopy>> {
        self.held(list).current
    }

    /// An answer that holds hits by this copy is on the disk. Where a later version is here already, it may have
    /// been gone through without that answer.
    pub(crate) fn relied_on(&self, copy: VersionId) {
        let held = self.held(copy.list);
        let is_current = held.current.is_some_and(|current| current.id == copy);
        if !is_current || held.next.is_some() {
            self.0.notices.answered_late(copy.list);
        }
    }

    fn held(&self, list: ListId) -> Held {
        self.0.held.load().get(&list).cloned().unwrap_or_default()
    }

    fn hold_open(&self, list: ListId, change: impl Fn(&mut Held)) {
        self.0.held.rcu(|held| {
            let mut held = HashMap::clone(held);
            change(held.entry(list).or_default());
            held
        });
    }

    /// What a view of the ledger says about which version of a list counts; nothing where none is in force.
    pub(crate) fn standing(
        &self,
        view: &dyn StateView,
        list: &List,
        grace_blocks: u32,
    ) -> Result<Option<Standing>, Missing> {
        let Some(active) = list.active else {
            return Ok(None);
        };
        let held = self.in_force(list.id).map(|copy| copy.id);
        let mut superseded = None;
        // A copy of another key is of no use: its calls are not answered any more.
        if let Some(held) = held.filter(|id| *id != active && id.tag_epoch == active.tag_epoch) {
            let status = state::publication(view, held)?.map(|publication| publication.status);
            if let Some(PublicationStatus::Superseded { height }) = status {
                superseded = Some((held, height));
            }
        }
        Ok(Some(Standing {
            active,
            grace_blocks: grace_blocks.into(),
            superseded,
        }))
    }

    /// The copy that answers under what the ledger says, at this height.
    pub(crate) fn choose(
        &self,
        standing: &Standing,
        height: u64,
    ) -> Result<Arc<ListCopy>, NotUsable> {
        let list = standing.active.list;
        self.held(list)
            .choose(standing, height)
            .map_err(|reason| match reason {
                NotUsable::Behind { held, active, .. } => {
                    let why = self.lock().get(&list).and_then(|progress| {
                        let refused = progress.refused.map(|(id, _)| id);
                        let served = "what its owner serves is not what it published";
                        let refused = refused.filter(|id| *id == standing.active);
                        refused
                            .map(|_| served.to_owned())
                            .or_else(|| progress.reason.clone())
                    });
                    NotUsable::Behind { held, active, why }
                }
                NotUsable::Absent => NotUsable::Absent,
            })
    }

    /// The copy that answers for a list at this height, as far as the ledger was followed here: asks nobody.
    pub(crate) fn usable(&self, list: ListId, height: u64) -> Result<Arc<ListCopy>, NotUsable> {
        let standing = self.lock().get(&list).and_then(|p| p.standing);
        let standing = standing.ok_or(NotUsable::Absent)?;
        self.choose(&standing, height)
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
        let held = self.0.held.load();
        let current = held.values().filter_map(|held| held.current.as_ref());
        current.filter(is_current).count()
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

    /// Compares what the ledger wants held with what is held, and starts what is to be done. What may not be
    /// relied on any more answers no more when this returns, however long it takes to fetch what may.
    async fn look(&self) -> Result<(), LedgerError> {
        let me = self.0.ledger.member_id();
        let lists = read(&*self.0.ledger, |view| {
            let lists = wanted(view, me)?.into_iter();
            let with_standing = |wanted: Wanted| {
                let standing = self.standing(view, &wanted.list, wanted.grace_blocks)?;
                Ok((wanted.list, standing))
            };
            lists.map(with_standing).collect::<Result<Vec<_>, _>>()
        })
        .await?;
        for (list, standing) in lists {
            let id = list.id;
            self.note(id, |progress| progress.standing = standing);
            if standing.is_none() && self.in_force(id).is_some() {
                tracing::warn!(list = %id, "snapshots.look: no version is in force any more");
                self.hold_open(id, |held| held.current = None);
            }
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
        self.0.changed.notify_waiters();
        Ok(())
    }

    /// Brings one list up to date, and again while there is news of it.
    async fn keep(self, list: ListId) {
        let first_pause = Duration::from_millis(self.0.config.retry_ms);
        let mut pause = first_pause;
        let mut failed = false;
        // Since when the owner alone could not be reached.
        let mut away_since: Option<Instant> = None;
        loop {
            {
                let mut progress = self.lock();
                let progress = progress.entry(list).or_default();
                if !std::mem::take(&mut progress.again) && !failed {
                    progress.running = false;
                    return;
                }
            }
            let result = self.update(list, away_since).await;
            failed = result.is_err();
            self.note(list, |progress| {
                progress.reason = result.as_ref().err().map(Trouble::to_string);
            });
            match result {
                Ok(()) => (away_since, pause) = (None, first_pause),
                Err(trouble) => {
                    tracing::warn!(%list, reason = %trouble, "snapshots.keep: trying again");
                    away_since = match trouble {
                        Trouble::OwnerAway(_) => away_since.or_else(|| Some(Instant::now())),
                        Trouble::Here(_) => None,
                    };
                    sleep(pause).await;
                    pause = (pause * 2).min(MAX_RETRY);
                }
            }
            self.0.changed.notify_waiters();
        }
    }

    async fn update(&self, list: ListId, away_since: Option<Instant>) -> Result<(), Trouble> {
        let me = self.0.ledger.member_id();
        let found = read(&*self.0.ledger, |view| {
            let Some(wanted) = wanted_of(view, me, list)? else {
                return Ok(None);
            };
            let standing = self.standing(view, &wanted.list, wanted.grace_blocks)?;
            Ok(Some((wanted, standing)))
        });
        let Some((wanted, standing)) = found.await? else {
            self.drop_copies(list);
            return Ok(());
        };
        let in_force = wanted.in_force.as_ref().map(|publication| publication.id);
        self.note(list, |progress| {
            progress.in_force = in_force;
            progress.standing = standing;
            progress.newest = wanted.newest.as_ref().map(|newest| newest.id);
        });
        // The version in force goes first: it answers as soon as it is here.
        match &wanted.in_force {
            Some(publication) => {
                self.hold(publication, away_since).await?;
                self.bring_into_force(publication.id).await?;
            }
            None => self.hold_open(list, |held| held.current = None),
        }
        if let Some(publication) = &wanted.newest {
            self.hold(publication, away_since).await?;
            self.prepare(publication.id).await?;
            self.attest(&wanted, publication).await?;
        }
        let keep: Vec<VersionId> = [wanted.in_force, wanted.newest]
            .into_iter()
            .flatten()
            .map(|p| p.id)
            .collect();
        Ok(self.0.files.forget_copies(list, &keep)?)
    }

    /// Sees that a verified copy of a publication is on the disk, or raises an alarm.
    async fn hold(
        &self,
        publication: &Publication,
        away_since: Option<Instant>,
    ) -> Result<(), Trouble> {
        let id = publication.id;
        let (entries, most) = (
            publication.size_class.capacity(),
            self.0.config.max_list_entries,
        );
        if entries > most {
            return Err(Trouble::Here(format!(
                "the list has {entries} entries, and no list of more than {most} is fetched here"
            )));
        }
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
            .map_err(|error| Trouble::Here(error.to_string()))?;
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
                if !self.0.obtainer.others_answer(publication.owner).await {
                    // It may well be this member that is cut off, or that is not let in.
                    let reason = format!("{reason}; nor does any other member answer");
                    return Err(Trouble::Here(reason));
                }
                let limit = Duration::from_millis(self.0.config.unavailable_alarm_ms);
                if away_since.is_some_and(|since| since.elapsed() >= limit) {
                    self.raise(publication.id, AlarmReason::SnapshotUnavailable)
                        .await?;
                }
                Err(Trouble::OwnerAway(reason))
            }
            Err(ObtainError::Local(reason)) => Err(Trouble::Here(reason)),
        }
    }

    async fn bring_into_force(&self, id: VersionId) -> Result<(), Trouble> {
        let held = self.held(id.list);
        if held.current.is_some_and(|copy| copy.id == id) {
            return Ok(());
        }
        let prepared = held.next.filter(|copy| copy.id == id);
        let copy = match prepared {
            Some(copy) => copy,
            None => match self.open(id).await? {
                Some(copy) => copy,
                None => return Ok(()),
            },
        };
        self.hold_open(id.list, |held| {
            held.current = Some(copy.clone());
            held.next = None;
        });
        self.0.notices.version_came(id.list);
        tracing::info!(list = %id.list, version = %id.version, "snapshots.in_force");
        Ok(())
    }

    /// Opens the copy of a version that waits for attestations, so that it answers from the block on that
    /// puts it in force.
    async fn prepare(&self, id: VersionId) -> Result<(), Trouble> {
        let next = self.held(id.list).next;
        if next.is_none_or(|copy| copy.id != id)
            && let Some(copy) = self.open(id).await?
        {
            self.hold_open(id.list, |held| held.next = Some(copy.clone()));
            self.0.notices.version_came(id.list);
        }
        Ok(())
    }

    /// Opens a copy for look-ups, if it is on the disk.
    async fn open(&self, id: VersionId) -> Result<Option<Arc<ListCopy>>, Trouble> {
        let path = self.0.files.copy_tags(id);
        if !path.exists() {
            return Ok(None);
        }
        let from = path.clone();
        match compute(move || Lookup::open(&from, id)).await {
            Ok(lookup) => Ok(Some(Arc::new(ListCopy { id, lookup }))),
            Err(error) => {
                // It was verified when it was written: the disk lost it. It is made again.
                let _ = super::files::remove(&path);
                Err(Trouble::Here(error.to_string()))
            }
        }
    }

    async fn attest(&self, wanted: &Wanted, publication: &Publication) -> Result<(), Trouble> {
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
        let digest = digest?;
        let action = Action::Attest {
            publication: publication.id,
            digest,
        };
        match self.0.ledger.submit(action).await {
            Ok(_)
            | Err(LedgerError::Rejected(
                Reject::ALREADY_ATTESTED | Reject::PUBLICATION_SUPERSEDED | Reject::OWN_GROUP,
            )) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    async fn raise(&self, publication: PublicationId, reason: AlarmReason) -> Result<(), Trouble> {
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
            Err(error) => Err(error.into()),
        }
    }

    /// A list was withdrawn: its copies answer no more.
    fn drop_copies(&self, list: ListId) {
        self.0.held.rcu(|held| {
            let mut held = HashMap::clone(held);
            held.remove(&list);
            held
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

/// Why a list could not be brought up to date.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    /// Its owner does not serve it, while other members can be reached.
    #[error("{0}")]
    OwnerAway(String),
    /// The disk, the ledger or the connections of this member: nobody else is accused of it.
    #[error("{0}")]
    Here(String),
}

impl From<LedgerError> for Trouble {
    fn from(error: LedgerError) -> Self {
        Self::Here(error.to_string())
    }
}

impl From<FileError> for Trouble {
    fn from(error: FileError) -> Self {
        Self::Here(error.to_string())
    }
}
