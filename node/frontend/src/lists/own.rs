//! The lists of one front end.

use std::collections::HashSet;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use tacit_circuits::identifier::{IdentifierType, PADDING_TYPE_CODE};
use tacit_circuits::scope::{ListId, ListVersion, TagEpoch};
use tacit_ledger::kernel::{Missing, StateView};
use tacit_ledger::network::{Action, EpochStatus, PublicationId, PublicationStatus, read as state};
use tokio::sync::Mutex;
use tokio::time::sleep;

use super::draft::{Draft, EntryBytes, ListSpec};
use super::keyring::KeyRing;
use super::publish::{ListError, Progress, version_name};
use super::samples::is_unproven;
use crate::crash::CrashPoints;
use crate::disputes::Challenges;
use crate::ports::{Applied, Ledger, LedgerError, read};
use crate::snapshots::{Files, MAX_DELTA_CHAIN, Trees};
use crate::store::{OwnList, OwnVersion, Store, StoreError, VersionStep};
use crate::tasks::Tasks;
use crate::wallet::Wallet;

/// How often keys are looked at that may have come to their end, and interrupted publications.
const TEND_INTERVAL: Duration = Duration::from_secs(10);

/// This member's lists. Clones share them.
#[derive(Clone)]
pub struct Lists(Arc<Inner>);

/// What the steps of publishing work with.
pub struct Inner {
    pub(super) ledger: Arc<dyn Ledger>,
    pub(super) wallet: Wallet,
    pub(super) store: Store,
    pub(super) files: Files,
    pub(super) trees: Trees,
    pub(super) keys: KeyRing,
    pub(super) challenges: Challenges,
    pub(super) crash: CrashPoints,
    /// Versions of a list follow each other, and tags use all cores: one publication at a time.
    pub(super) publishing: Mutex<()>,
}

impl Deref for Lists {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

/// A list of this member, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListSummary {
    /// Its name.
    pub name: String,
    /// Its number on the ledger, once it has one.
    pub list: Option<ListId>,
    /// Entries of the last version, without padding.
    pub entries: u64,
    /// The last version that was published or is being published.
    pub version: Option<(TagEpoch, ListVersion)>,
    /// Whether a publication was interrupted and will be finished.
    pub unfinished: bool,
}

impl Lists {
    pub(crate) async fn start(
        wallet: Wallet,
        store: Store,
        (files, trees): (Files, Trees),
        keys: KeyRing,
        challenges: Challenges,
        crash: CrashPoints,
        tasks: &Tasks,
    ) -> Result<Self, StoreError> {
        let publishing = Mutex::new(());
        let inner = Inner {
            ledger: wallet.ledger(),
            wallet,
            store,
            files,
            trees,
            keys,
            challenges,
            crash,
            publishing,
        };
        let lists = Self(Arc::new(inner));
        lists.open_keys().await?;
        tasks.spawn(lists.clone().tend());
        Ok(lists)
    }

    /// Begins a version of a list, or a new list.
    pub async fn draft(&self, spec: ListSpec) -> Result<Draft, ListError> {
        let _one_at_a_time = self.publishing.lock().await;
        let Some(own) = self.store.own_list(&spec.name).await? else {
            if spec.category.is_none() || spec.accepts.is_empty() {
                return Err(ListError::SpecIncomplete(spec.name));
            }
            let accepts = spec.accepts.clone();
            return Ok(Draft::new(
                spec,
                None,
                accepts,
                None,
                HashSet::new(),
                Vec::new(),
            ));
        };
        let accepts = accepted(&own)?;
        let asked: HashSet<_> = spec.accepts.iter().collect();
        let differs = spec
            .category
            .is_some_and(|category| category.0 != own.category)
            || (!asked.is_empty() && asked != accepts.iter().collect());
        if differs {
            return Err(ListError::SpecDiffers(spec.name));
        }
        self.finish_interrupted(&own).await?;
        let own = self
            .store
            .own_list(&spec.name)
            .await?
            .ok_or(StoreError::Damaged("list"))?;
        let based_on = self.latest_version(&own).await?;
        let (entries, padding) = match &based_on {
            Some(latest) => self.entries(&own, latest).await?,
            None => Default::default(),
        };
        let based_on = based_on.as_ref().map(version_name);
        Ok(Draft::new(
            spec,
            Some(own.local_id),
            accepts,
            based_on,
            entries,
            padding,
        ))
    }

    /// Withdraws a list for good.
    pub async fn withdraw(&self, name: &str) -> Result<Applied, ListError> {
        let list = self.numbered(name).await?;
        Ok(self.ledger.submit(Action::WithdrawList { list }).await?)
    }

    /// Ends the tag epoch of a list under which calls are made now at once, because its key may be known to
    /// others. The key is destroyed; a new epoch can be published. One that is published already and waits
    /// to take its place stays: it has another key. Before any epoch came into force, the one that waits is
    /// ended.
    pub async fn revoke_key(&self, name: &str) -> Result<Applied, ListError> {
        let list = self.numbered(name).await?;
        let found = read(&*self.ledger, |view| state::list(view, list)).await?;
        let found = found.ok_or_else(|| unknown(name))?;
        let last = found.epochs.checked_sub(1).map(TagEpoch);
        let tag_epoch = found.current_epoch.or(last).ok_or_else(|| unknown(name))?;
        self.revoke_epoch(name, tag_epoch).await
    }

    /// Ends one tag epoch of a list at once: the present one, one that waits to take its place, or a former
    /// one whose calls are still being settled.
    pub async fn revoke_epoch(
        &self,
        name: &str,
        tag_epoch: TagEpoch,
    ) -> Result<Applied, ListError> {
        let list = self.numbered(name).await?;
        // The ledger first: a key that others know must not wait for a publication to end.
        let action = Action::RevokeKey { list, tag_epoch };
        let applied = self.ledger.submit(action).await?;
        // A publication that is under way puts its key among those that are open when it ends.
        let _one_at_a_time = self.publishing.lock().await;
        let own = self.store.own_list(name).await?;
        let own = own.ok_or_else(|| unknown(name))?;
        self.destroy(&own, list, tag_epoch).await?;
        Ok(applied)
    }

    /// All lists of this member, in the order in which they were made.
    pub async fn summaries(&self) -> Result<Vec<ListSummary>, ListError> {
        let mut summaries = Vec::new();
        for own in self.store.own_lists().await? {
            let latest = self.latest_version(&own).await?;
            summaries.push(ListSummary {
                entries: latest.as_ref().map_or(0, |latest| latest.entries),
                unfinished: latest
                    .as_ref()
                    .is_some_and(|l| l.step < VersionStep::Published),
                version: latest.as_ref().map(version_name),
                name: own.name,
                list: own.list_id,
            });
        }
        Ok(summaries)
    }

    /// The versions of a list, oldest first; none where it is not this member's.
    ///
    /// # Errors
    /// [`ListError::Store`].
    pub async fn versions(&self, list: ListId) -> Result<Vec<OwnVersion>, ListError> {
        let own = self.store.own_lists().await?;
        match own.iter().find(|own| own.list_id == Some(list)) {
            Some(own) => Ok(self.store.own_versions(own.local_id).await?),
            None => Ok(Vec::new()),
        }
    }

    /// Whether a publication counts: `Some(true)` when it is or was active, `Some(false)` while it waits,
    /// `None` when it is not on the ledger or was taken off.
    pub async fn is_active(&self, id: PublicationId) -> Result<Option<bool>, LedgerError> {
        let found = read(&*self.ledger, |view| state::publication(view, id)).await?;
        Ok(match found.map(|publication| publication.status) {
            Some(PublicationStatus::Pending) => Some(false),
            Some(PublicationStatus::Active { .. } | PublicationStatus::Superseded { .. }) => {
                Some(true)
            }
            Some(
                PublicationStatus::Fraudulent { .. }
                | PublicationStatus::Unproven { .. }
                | PublicationStatus::Suspended { .. },
            )
            | None => None,
        })
    }

    /// The last version that was not given up.
    pub(super) async fn latest_version(
        &self,
        own: &OwnList,
    ) -> Result<Option<OwnVersion>, StoreError> {
        let versions = self.store.own_versions(own.local_id).await?;
        Ok(versions
            .into_iter()
            .rfind(|version| version.step != VersionStep::Abandoned))
    }

    /// The entries of a version, and its padding: its epoch's changes, one after the other.
    async fn entries(
        &self,
        own: &OwnList,
        latest: &OwnVersion,
    ) -> Result<(HashSet<EntryBytes>, Vec<EntryBytes>), StoreError> {
        let (mut entries, mut padding) = (HashSet::new(), HashSet::new());
        for version in self.store.own_versions(own.local_id).await? {
            let counts = version.tag_epoch == latest.tag_epoch
                && version.version <= latest.version
                && version.step != VersionStep::Abandoned;
            if !counts {
                continue;
            }
            for change in self.store.own_changes(own.local_id, &version).await? {
                let set = if is_padding(&change.entry) {
                    &mut padding
                } else {
                    &mut entries
                };
                if change.removes {
                    set.remove(&change.entry);
                } else {
                    set.insert(change.entry);
                }
            }
        }
        Ok((entries, padding.into_iter().collect()))
    }

    async fn numbered(&self, name: &str) -> Result<ListId, ListError> {
        let own = self.store.own_list(name).await?;
        own.and_then(|own| own.list_id).ok_or_else(|| unknown(name))
    }

    async fn finish_interrupted(&self, own: &OwnList) -> Result<(), ListError> {
        match self.latest_version(own).await? {
            Some(latest) if latest.step < VersionStep::Published => {
                let published = self
                    .finish(own.clone(), latest, &Progress::default())
                    .await?;
                let PublicationId { list, version, .. } = published.publication;
                tracing::info!(%list, %version, "lists.publish: finished");
                Ok(())
            }
            _ => Ok(()),
        }
    }

    async fn open_keys(&self) -> Result<(), StoreError> {
        for own in self.store.own_lists().await? {
            let Some(list) = own.list_id else { continue };
            for tag_epoch in self.store.own_epochs_with_key(own.local_id).await? {
                let epoch = self.store.own_epoch(own.local_id, tag_epoch).await?;
                if let Some(key) = epoch.and_then(|epoch| epoch.key) {
                    self.keys.insert(list, tag_epoch, key);
                }
            }
        }
        Ok(())
    }

    /// Finishes what was interrupted, destroys keys whose time is over, and forgets what nobody needs.
    async fn tend(self) {
        loop {
            if let Err(error) = self.tend_once().await {
                tracing::warn!(%error, "lists.tend: trying again");
            }
            sleep(TEND_INTERVAL).await;
        }
    }

    async fn tend_once(&self) -> Result<(), StoreError> {
        for own in self.store.own_lists().await? {
            // A list that is damaged, or whose publication is refused, holds up no other.
            if let Err(error) = self.tend_one(&own).await {
                tracing::warn!(%error, list = own.local_id, "lists.tend: trying again");
            }
        }
        Ok(())
    }

    async fn tend_one(&self, own: &OwnList) -> Result<(), ListError> {
        let finished = {
            let _one_at_a_time = self.publishing.lock().await;
            self.finish_interrupted(own).await
        };
        // Keys whose time is over are destroyed whatever else is wrong with their list.
        if let Some(list) = own.list_id {
            for tag_epoch in self.store.own_epochs_with_key(own.local_id).await? {
                if read(&*self.ledger, |view| is_over(view, list, tag_epoch)).await? {
                    self.destroy(own, list, tag_epoch).await?;
                }
            }
            self.forget(own, list).await?;
        }
        finished
    }

    /// Deletes what is served of versions before the one in force, except for deltas of its epoch, and what was listed in epochs whose keys
    /// are destroyed.
    async fn forget(&self, own: &OwnList, list: ListId) -> Result<(), ListError> {
        let _one_at_a_time = self.publishing.lock().await;
        let latest = self.latest_version(own).await?;
        // A version that the ledger may still refuse does not replace those before it.
        let Some(latest) = latest.filter(|latest| latest.step == VersionStep::Published) else {
            return Ok(());
        };
        let (store, local_id) = (&self.store, own.local_id);
        store
            .forget_entries_before(local_id, latest.tag_epoch)
            .await?;
        let found = read(&*self.ledger, |view| state::list(view, list)).await?;
        let Some(active) = found.and_then(|list| list.active) else {
            return Ok(());
        };
        let from = (active.tag_epoch, active.version);
        let versions = store.own_versions(local_id).await?;
        let keyed = store.own_epochs_with_key(local_id).await?;
        let (mut served, mut made) = (Vec::new(), Vec::new());
        for (tag_epoch, version) in versions.iter().map(version_name) {
            let id = PublicationId {
                list,
                tag_epoch,
                version,
            };
            let unproven = || read(&*self.ledger, move |view| is_unproven(view, id));
            let on_disk = self.files.own_snapshot(id).exists();
            if (tag_epoch, version) >= from || (on_disk && unproven().await?) {
                served.push(id);
            }
            if keyed.contains(&tag_epoch) {
                made.push(id);
            }
        }
        let first = active.version.0.saturating_sub(MAX_DELTA_CHAIN);
        let deltas = (first..active.version.0).map(|version| PublicationId {
            version: ListVersion(version),
            ..active
        });
        self.files
            .forget_own(list, &served, &deltas.collect::<Vec<_>>())?;
        Ok(self.files.forget_made(list, &made)?)
    }

    async fn destroy(
        &self,
        own: &OwnList,
        list: ListId,
        tag_epoch: TagEpoch,
    ) -> Result<(), StoreError> {
        self.keys.remove(list, tag_epoch);
        self.store.destroy_key(own.local_id, tag_epoch).await?;
        tracing::info!(%list, %tag_epoch, "lists.key: destroyed");
        Ok(())
    }
}

/// Whether nothing can be settled under a key any more.
fn is_over(view: &dyn StateView, list: ListId, tag_epoch: TagEpoch) -> Result<bool, Missing> {
    let epoch = state::epoch(view, list, tag_epoch)?;
    let height = state::clock(view)?.unwrap_or_default().height;
    let window = state::parameters(view)?.settlement_window_blocks;
    Ok(match epoch.map(|epoch| epoch.status) {
        Some(EpochStatus::Superseded { height: ended }) => height > ended.saturating_add(window),
        Some(EpochStatus::Revoked { .. }) => true,
        Some(EpochStatus::Registered | EpochStatus::Current) | None => false,
    })
}

fn is_padding(entry: &EntryBytes) -> bool {
    entry[..2] == PADDING_TYPE_CODE.to_le_bytes()
}

fn accepted(own: &OwnList) -> Result<Vec<IdentifierType>, StoreError> {
    let types = own
        .accepts
        .iter()
        .map(|code| IdentifierType::from_code(*code));
    types
        .collect::<Result<_, _>>()
        .map_err(|_| StoreError::Damaged("list"))
}

fn unknown(name: &str) -> ListError {
    ListError::Unknown(name.to_owned())
}
