//! From a draft to the ledger, in steps that survive an interruption.

use std::collections::HashSet;
use std::sync::Arc;

use rand_core::OsRng;
use tacit_circuits::curve::encode_field;
use tacit_circuits::list::{IndexedTree, MAX_DELTA_CHANGES, SizeClass, SizeClassError, VersionId};
use tacit_circuits::oprf::{Entry, KeyContext, KeyProof, ListKey};
use tacit_circuits::scope::{ListId, ListVersion, TagEpoch};
use tacit_ledger::kernel::{BoundedVec, CodecError, Reject, Text, TxId};
use tacit_ledger::network::parameters::CategoryId;
use tacit_ledger::network::{Action, Event, PublicationId, Root, read as state};

use super::build::{BuildError, build};
use super::draft::{Draft, EntryBytes};
use super::own::Lists;
use super::padding::plan;
use crate::compute::compute;
use crate::crash::CrashPoint;
use crate::disputes::ChallengesError;
use crate::ports::{Applied, LedgerError, read};
use crate::snapshots::{FileError, read_snapshot};
use crate::store::{Change, OwnList, OwnVersion, StoreError, VersionStep};
use crate::wallet::WalletError;

/// Root of the tree of evidence of a list whose entries carry none: that of an empty slot.
const NO_EVIDENCE: Root = Root([0; 32]);

/// What publishing is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Tags are made from entries, on all cores.
    MakingTags,
    /// The tree is built.
    BuildingTree,
    /// Snapshot and delta are written.
    WritingSnapshot,
    /// Transactions are on their way to finality.
    Submitting,
}

/// Who hears of a stage what is done of it, and all of it.
type Listener = Arc<dyn Fn(Stage, u64, u64) + Send + Sync>;

/// Hears how far publishing is. Called from several threads, and not always in order.
#[derive(Clone, Default)]
pub struct Progress(Option<Listener>);

impl Progress {
    /// Calls `hear` with the stage, what is done of it, and all of it.
    pub fn to(hear: impl Fn(Stage, u64, u64) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(hear)))
    }

    pub(super) fn report(&self, stage: Stage, done: u64, total: u64) {
        if let Some(hear) = &self.0 {
            hear(stage, done, total);
        }
    }
}

/// A version that stands on the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// Its name.
    pub publication: PublicationId,
    /// Its root.
    pub root: Root,
    /// Its size, padding included.
    pub size_class: SizeClass,
    /// Entries without padding.
    pub entries: u64,
    /// Height at which it was published.
    pub height: u64,
    /// The transaction; `None` where a former run had published it.
    pub tx_id: Option<TxId>,
}

/// Why a list could not be published or changed.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// There is no list of this name.
    #[error("this member has no list named {0:?}")]
    Unknown(String),
    /// A new list needs a category and the types that it accepts.
    #[error(
        "the list {0:?} is new: give its category and the types of identifiers that it accepts"
    )]
    SpecIncomplete(String),
    /// The list was made with another category or other types.
    #[error(
        "the list {0:?} stands with another category or other types; leave them out, or choose another name"
    )]
    SpecDiffers(String),
    /// A name that the ledger does not take.
    #[error("the name of the list is too long or holds control characters")]
    BadName(#[source] CodecError),
    /// The list was changed since the draft was begun.
    #[error("the list was changed by someone else meanwhile; begin again")]
    Outdated,
    /// Nothing would change.
    #[error("the version in force has exactly these entries; there is nothing to publish")]
    NothingToPublish,
    /// More entries than a list can hold.
    #[error(transparent)]
    TooLarge(#[from] SizeClassError),
    /// The key of the list's epoch is destroyed.
    #[error("the key of the list's tag epoch is destroyed; publish a new tag epoch")]
    KeyDestroyed,
    /// The version could not be made.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The disk.
    #[error(transparent)]
    File(#[from] FileError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The deposit without which nobody publishes.
    #[error("the deposit: {0}")]
    Deposit(#[from] WalletError),
}

impl Lists {
    /// Publishes a draft. When this returns, the version stands on the ledger; it counts once enough
    /// members have attested it.
    pub async fn publish(&self, draft: Draft, progress: Progress) -> Result<Published, ListError> {
        let _one_at_a_time = self.publishing.lock().await;
        let own = self.own_of(&draft).await?;
        let version = self.write_draft(&own, draft).await?;
        self.crash.reach(CrashPoint::AfterDraft).await;
        self.finish(own, version, &progress).await
    }

    /// The list's row, made where it is new.
    async fn own_of(&self, draft: &Draft) -> Result<OwnList, ListError> {
        let spec = &draft.spec;
        if let Some(own) = self.store.own_list(&spec.name).await? {
            let latest = self
                .latest_version(&own)
                .await?
                .map(|version| version_name(&version));
            let same = draft.local_id == Some(own.local_id) && latest == draft.based_on;
            return if same || latest.is_none() {
                Ok(own)
            } else {
                Err(ListError::Outdated)
            };
        }
        let category = spec.category.ok_or_else(|| incomplete(&spec.name))?;
        let accepts: Vec<u16> = draft.accepts.iter().map(|kind| kind.code()).collect();
        Ok(self
            .store
            .create_own_list(&spec.name, category.0, &accepts)
            .await?)
    }

    /// Step 1: what the version is made from.
    async fn write_draft(&self, own: &OwnList, draft: Draft) -> Result<OwnVersion, ListError> {
        let difference = draft.difference();
        let before = draft.before.len() as u64;
        let padding = draft.padding.len() as u64;
        let change = plan(before, padding, difference.added, difference.removed)?;
        let changes = difference.added + difference.removed + change.insert + change.remove;
        let rotate = draft.spec.new_tag_epoch
            || draft.based_on.is_none()
            || changes > MAX_DELTA_CHANGES as u64
            || self.epoch_ended(own).await?;
        if difference.is_empty() && !rotate {
            return Err(ListError::NothingToPublish);
        }
        let (epoch, number) = self.next_version(own, &draft, rotate).await?;
        let (added, removed) = (difference.added, difference.removed);
        let version = OwnVersion::new(epoch, number, difference.entries(), added, removed);
        if rotate {
            let key = ListKey::generate(&mut OsRng);
            let changes = compute(move || everything(&draft)).await?;
            return Ok(self
                .store
                .draft_version(own.local_id, &version, &changes, Some(&key))
                .await?);
        }
        let challenged = self.challenged(own, &draft).await?;
        let changes = compute(move || {
            let padding = draft.padding.iter().take(change.remove as usize);
            let padding = padding.map(|entry| removal(*entry, false));
            let is_wrong = |entry: &EntryBytes| draft.spec.corrected || challenged.contains(entry);
            let leaving = draft.leaving();
            let leaving = leaving.map(|entry| removal(*entry, is_wrong(entry)));
            let leaving = leaving.chain(padding);
            let fresh = (0..change.insert).map(|_| fresh_padding());
            let coming = draft.coming().copied().chain(fresh).map(insertion);
            leaving.chain(coming).collect::<Vec<_>>()
        })
        .await;
        Ok(self
            .store
            .draft_version(own.local_id, &version, &changes, None)
            .await?)
    }

    /// Entries of a draft that leave while somebody disputes them, or because of a dispute.
    async fn challenged(
        &self,
        own: &OwnList,
        draft: &Draft,
    ) -> Result<HashSet<EntryBytes>, ListError> {
        let Some(list) = own.list_id.filter(|_| draft.leaving().next().is_some()) else {
            return Ok(HashSet::new());
        };
        Ok(self.challenges.of(list, &draft.before).await?)
    }

    async fn epoch_ended(&self, own: &OwnList) -> Result<bool, ListError> {
        use tacit_ledger::network::EpochStatus;
        let Some((list, latest)) = own.list_id.zip(self.latest_version(own).await?) else {
            return Ok(false);
        };
        let epoch = read(&*self.ledger, |view| {
            state::epoch(view, list, latest.tag_epoch)
        })
        .await?;
        let open = [EpochStatus::Registered, EpochStatus::Current];
        Ok(epoch.is_some_and(|epoch| !open.contains(&epoch.status)))
    }

    /// The number that the ledger expects next.
    async fn next_version(
        &self,
        own: &OwnList,
        draft: &Draft,
        rotate: bool,
    ) -> Result<(TagEpoch, ListVersion), ListError> {
        let Some(list) = own.list_id else {
            return Ok((TagEpoch(0), ListVersion(0)));
        };
        match draft.based_on {
            Some((epoch, version)) if !rotate => Ok((epoch, ListVersion(version.0 + 1))),
            _ => {
                let found = read(&*self.ledger, |view| state::list(view, list)).await?;
                Ok((
                    TagEpoch(found.map_or(0, |found| found.epochs)),
                    ListVersion(0),
                ))
            }
        }
    }

    /// Steps 2 to 5, from wherever the version stands.
    pub(super) async fn finish(
        &self,
        own: OwnList,
        version: OwnVersion,
        progress: &Progress,
    ) -> Result<Published, ListError> {
        match self.try_finish(&own, &version, progress).await {
            Err(ListError::Ledger(LedgerError::Rejected(reject))) if !reject.transient() => {
                let step = VersionStep::Abandoned;
                self.store
                    .advance_version(own.local_id, &version, step, None)
                    .await?;
                Err(LedgerError::Rejected(reject).into())
            }
            other => other,
        }
    }

    async fn try_finish(
        &self,
        own: &OwnList,
        version: &OwnVersion,
        progress: &Progress,
    ) -> Result<Published, ListError> {
        let list = self.number(own).await?;
        let id = VersionId {
            list,
            tag_epoch: version.tag_epoch,
            version: version.version,
        };
        let epoch = self.store.own_epoch(own.local_id, id.tag_epoch).await?;
        let key = epoch
            .and_then(|epoch| epoch.key)
            .ok_or(ListError::KeyDestroyed)?;
        let tree = if version.step == VersionStep::Drafted {
            let tree = self.build(own, version, id, &key, progress).await?;
            let step = VersionStep::Built;
            self.store
                .advance_version(own.local_id, version, step, None)
                .await?;
            self.crash.reach(CrashPoint::AfterBuild).await;
            tree
        } else {
            self.tree(id).await?
        };
        progress.report(Stage::Submitting, 0, 2);
        self.register(id, &key).await?;
        self.crash.reach(CrashPoint::AfterKeyRegistered).await;
        self.keys.insert(list, id.tag_epoch, key);
        progress.report(Stage::Submitting, 1, 2);
        let root = Root(encode_field(&tree.root()));
        let size_class = SizeClass::filled_by(tree.len() as u64)?;
        self.trees.put(tree);
        let (height, tx_id) = self.submit_version(id, root, size_class).await?;
        self.crash.reach(CrashPoint::AfterPublish).await;
        let step = VersionStep::Published;
        self.store
            .advance_version(own.local_id, version, step, Some(height))
            .await?;
        progress.report(Stage::Submitting, 2, 2);
        let publication = id;
        Ok(Published {
            publication,
            root,
            size_class,
            entries: version.entries,
            height,
            tx_id,
        })
    }

    /// Step 2: the list's number on the ledger.
    async fn number(&self, own: &OwnList) -> Result<ListId, ListError> {
        if let Some(list) = own.list_id {
            return Ok(list);
        }
        let me = self.ledger.member_id();
        let lists = read(&*self.ledger, |view| state::lists_of(view, me)).await?;
        let mine = self.store.own_lists().await?;
        let taken = |id| mine.iter().any(|other| other.list_id == Some(id));
        let found = lists
            .iter()
            .find(|list| list.is_standing() && list.name.as_str() == own.name && !taken(list.id));
        let list = match found {
            // A former run had it created and was interrupted before it noted the number.
            Some(list) => list.id,
            None => self.create(own).await?,
        };
        self.crash.reach(CrashPoint::AfterListCreated).await;
        self.store.number_own_list(own.local_id, list).await?;
        Ok(list)
    }

    async fn create(&self, own: &OwnList) -> Result<ListId, ListError> {
        let mut accepts = Vec::with_capacity(own.accepts.len());
        for code in &own.accepts {
            let kind = tacit_circuits::identifier::IdentifierType::from_code(*code);
            accepts.push(kind.map_err(|_| StoreError::Damaged("list"))?);
        }
        accepts.sort_unstable();
        accepts.dedup();
        let action = Action::CreateList {
            category: CategoryId(own.category),
            name: Text::new(&own.name).map_err(ListError::BadName)?,
            accepts: BoundedVec::try_from(accepts).map_err(ListError::BadName)?,
        };
        let applied = self.ledger.submit(action).await?;
        let created = applied.events.iter().find_map(|event| match event {
            Event::ListCreated { list, .. } => Some(*list),
            _ => None,
        });
        created.ok_or_else(|| unexpected("a list was created, and no event says so"))
    }

    /// Step 3: tags, tree, files.
    async fn build(
        &self,
        own: &OwnList,
        version: &OwnVersion,
        id: VersionId,
        key: &ListKey,
        progress: &Progress,
    ) -> Result<IndexedTree, ListError> {
        let changes = self.store.own_changes(own.local_id, version).await?;
        let (files, trees) = (self.files.clone(), self.trees.clone());
        let (key, progress) = (key.clone(), progress.clone());
        let built = compute(move || build(&files, &trees, id, &key, &changes, &progress)).await;
        Ok(built?)
    }

    /// The tree of a version whose snapshot is on the disk.
    async fn tree(&self, id: VersionId) -> Result<IndexedTree, ListError> {
        if let Some(tree) = self.trees.take(id) {
            return Ok(tree);
        }
        let path = self.files.own_snapshot(id);
        let tree = compute(move || {
            IndexedTree::from_snapshot(&read_snapshot(&path)?).map_err(BuildError::from)
        });
        Ok(tree.await?)
    }

    /// Step 4: the key of a new epoch.
    async fn register(&self, id: VersionId, key: &ListKey) -> Result<(), ListError> {
        let epoch = read(&*self.ledger, |view| {
            state::epoch(view, id.list, id.tag_epoch)
        })
        .await?;
        let wire = key.public().to_wire();
        match epoch {
            Some(epoch) if epoch.key == wire => return Ok(()),
            Some(_) => return Err(LedgerError::Rejected(Reject::EPOCH_OUT_OF_ORDER).into()),
            None => {}
        }
        let context = KeyContext {
            chain_id: self.ledger.chain_id().0,
            member: self.ledger.member_id(),
            list: id.list,
            tag_epoch: id.tag_epoch,
        };
        let proof = KeyProof::prove(key, &context, &mut OsRng);
        let VersionId {
            list, tag_epoch, ..
        } = id;
        self.ledger
            .submit(Action::RegisterTagEpoch {
                list,
                tag_epoch,
                key: wire,
                proof,
            })
            .await?;
        Ok(())
    }

    /// Step 5: the version.
    async fn submit_version(
        &self,
        id: VersionId,
        root: Root,
        size_class: SizeClass,
    ) -> Result<(u64, Option<TxId>), ListError> {
        let publication = id;
        let found = read(&*self.ledger, |view| state::publication(view, publication)).await?;
        match found {
            Some(found) if found.root == root => return Ok((found.published_height, None)),
            Some(_) => return Err(LedgerError::Rejected(Reject::VERSION_OUT_OF_ORDER).into()),
            None => {}
        }
        let action = Action::Publish {
            publication,
            root,
            size_class,
            evidence_root: NO_EVIDENCE,
        };
        self.wallet.ensure_deposit(0).await?;
        let Applied { height, tx_id, .. } = self.ledger.submit(action).await?;
        Ok((height, Some(tx_id)))
    }
}

/// All entries of a draft, with padding that fills a class: what a new epoch begins with.
fn everything(draft: &Draft) -> Result<Vec<Change>, SizeClassError> {
    let entries = draft.difference().entries();
    let padding = plan(0, 0, entries, 0)?.insert;
    let fresh = (0..padding).map(|_| fresh_padding());
    let entries = draft.staying().chain(draft.coming()).copied();
    Ok(entries.chain(fresh).map(insertion).collect())
}

fn fresh_padding() -> EntryBytes {
    Entry::padding(&mut OsRng).to_secret_bytes()
}

fn insertion(entry: EntryBytes) -> Change {
    Change {
        removes: false,
        corrected: false,
        entry,
    }
}

fn removal(entry: EntryBytes, corrected: bool) -> Change {
    Change {
        removes: true,
        corrected,
        entry,
    }
}

pub(super) fn version_name(version: &OwnVersion) -> (TagEpoch, ListVersion) {
    (version.tag_epoch, version.version)
}

fn incomplete(name: &str) -> ListError {
    ListError::SpecIncomplete(name.to_owned())
}

fn unexpected(what: &str) -> ListError {
    LedgerError::Unavailable(what.to_owned()).into()
}

impl From<ChallengesError> for ListError {
    fn from(error: ChallengesError) -> Self {
        match error {
            ChallengesError::Store(error) => error.into(),
            ChallengesError::Ledger(error) => error.into(),
        }
    }
}
