//! Obtains a publication: fetch, rebuild, compare with the ledger, and only then keep.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};
use tacit_circuits::curve::{WirePoint, encode_field};
use tacit_circuits::list::{
    IndexedTree, MAX_DELTA_CHANGES, SizeClass, Snapshot, TreeError, VersionId, attestation_digest,
};
use tacit_circuits::scope::{ListId, MemberId, TagEpoch};
use tacit_ledger::kernel::Role;
use tacit_ledger::network::{AlarmReason, Publication, read as state};
use tacit_proto::peer as wire;
use tacit_proto::peer::SnapshotForm;
use tacit_proto::peer::peer_client::PeerClient;
use tokio::time::timeout;

use super::archive::{Archive, Corrections};
use super::fetch::{FetchError, fetch};
use super::files::{FileError, Files, read_snapshot, remove, write_snapshot};
use super::lookup::Lookup;
use super::trees::Trees;
use crate::compute::compute;
use crate::peer::PeerError;
use crate::ports::{Ledger, Peers, read};

/// Bytes of a snapshot or delta beside its entries.
const HEADER_BYTES: u64 = 64;
/// Bytes of an entry of a snapshot, and of a removal and an insertion of a delta together.
const ENTRY_BYTES: u64 = 16;
const CHANGE_BYTES: u64 = 33;

/// Why there is no copy.
#[derive(Debug)]
pub(super) enum ObtainError {
    /// The owner does not serve it now.
    Unavailable(String),
    /// What the owner serves is not what it published.
    NotThePublication(AlarmReason),
    /// This member could not keep it.
    Local(String),
}

impl From<FileError> for ObtainError {
    fn from(error: FileError) -> Self {
        Self::Local(error.to_string())
    }
}

/// Longest time in which another member is to say that it is there.
const PING_TIMEOUT: Duration = Duration::from_secs(3);

/// Obtains publications of others. Clones share what is underneath.
#[derive(Clone)]
pub(crate) struct Obtainer {
    ledger: Arc<dyn Ledger>,
    peers: Arc<dyn Peers>,
    pub(super) files: Files,
    pub(super) archive: Archive,
    pub(super) trees: Trees,
}

impl Obtainer {
    pub(crate) fn new(
        ledger: Arc<dyn Ledger>,
        peers: Arc<dyn Peers>,
        files: Files,
        archive: Archive,
        trees: Trees,
    ) -> Self {
        Self {
            ledger,
            peers,
            files,
            archive,
            trees,
        }
    }

    /// Brings a verified copy of a publication onto the disk.
    pub(super) async fn obtain(&self, publication: &Publication) -> Result<(), ObtainError> {
        if self.remake(publication).await? {
            return Ok(());
        }
        if let Some(before) = self.version_before(publication)
            && self.obtain_deltas(publication, before).await?
        {
            return Ok(());
        }
        // What a former attempt left may have been spoilt here: nobody is accused before it was fetched
        // afresh.
        let resumed = self.files.incoming(publication.id, "full").exists();
        let verified = match self.obtain_full(publication).await {
            Err(ObtainError::NotThePublication(_)) if resumed => {
                self.obtain_full(publication).await
            }
            other => other,
        };
        let (tree, snapshot) = verified?;
        self.keep(tree, snapshot).await?;
        let (archive, path) = (
            self.archive.clone(),
            self.files.copy_snapshot(publication.id),
        );
        let id = publication.id;
        archived(compute(move || archive.keep_snapshot(id, &path)).await);
        Ok(())
    }

    /// Makes what is searched anew from a snapshot that is here and still is the publication. Where it is
    /// not, the disk spoilt it, and it is fetched.
    async fn remake(&self, publication: &Publication) -> Result<bool, ObtainError> {
        let path = self.files.copy_snapshot(publication.id);
        if !path.exists() {
            return Ok(false);
        }
        let of = publication.clone();
        let verified = compute(move || verify_snapshot(&of, &path)).await;
        match verified {
            Ok((tree, snapshot)) => self.keep(tree, snapshot).await.map(|()| true),
            Err(_) => Ok(false),
        }
    }

    /// Whether any member but this one and `owner` answers now; true where there is no other.
    pub(super) async fn others_answer(&self, owner: MemberId) -> bool {
        let me = self.ledger.member_id();
        let members = read(&*self.ledger, state::members).await;
        let Ok(mut others) = members else {
            return false;
        };
        others.retain(|other| {
            let is_other = other.id != me && other.id != owner;
            is_other && other.is_active() && other.role == Role::Member
        });
        let mut answers: FuturesUnordered<_> =
            others.iter().map(|other| self.answers(other.id)).collect();
        let mut heard = answers.is_empty();
        while let Some(answered) = answers.next().await {
            heard |= answered;
            if heard {
                break;
            }
        }
        heard
    }

    async fn answers(&self, member: MemberId) -> bool {
        let ping = async {
            let channel = self.peers.channel(member).await.ok()?;
            let mut client = PeerClient::new(channel);
            client.ping(wire::PingRequest {}).await.ok()
        };
        matches!(timeout(PING_TIMEOUT, ping).await, Ok(Some(_)))
    }

    async fn obtain_full(
        &self,
        publication: &Publication,
    ) -> Result<(IndexedTree, Snapshot), ObtainError> {
        let path = self.fetch(publication, SnapshotForm::Full, "full").await?;
        let (of, from) = (publication.clone(), path.clone());
        let verified = compute(move || verify_snapshot(&of, &from)).await;
        if !matches!(verified, Err(ObtainError::Local(_))) {
            remove(&path)?;
        }
        verified
    }

    /// The hash with which this member attests a copy that it holds.
    pub(super) fn attestation(
        &self,
        publication: &Publication,
        key: &WirePoint,
    ) -> Result<[u8; 32], FileError> {
        let snapshot = read_snapshot(&self.files.copy_snapshot(publication.id))?;
        let digest = publication.digest(self.ledger.chain_id(), key);
        Ok(attestation_digest(
            self.ledger.member_id(),
            &digest.0,
            &snapshot,
        ))
    }

    pub(super) async fn fetch(
        &self,
        publication: &Publication,
        form: SnapshotForm,
        name: &str,
    ) -> Result<PathBuf, ObtainError> {
        let id = publication.id;
        let path = self.files.incoming(id, name);
        let unavailable = |reason: String| ObtainError::Unavailable(reason);
        let channel = self
            .peers
            .channel(publication.owner)
            .await
            .map_err(|error| unavailable(error.to_string()))?;
        match fetch(
            channel,
            id,
            form,
            max_bytes(publication.size_class, form),
            &path,
        )
        .await
        {
            Ok(()) => Ok(path),
            Err(FetchError::Peer(PeerError::Misbehaved(_))) => {
                remove(&path)?;
                Err(ObtainError::NotThePublication(
                    AlarmReason::SnapshotMalformed,
                ))
            }
            Err(FetchError::File(error)) => Err(ObtainError::Local(error.to_string())),
            Err(error) => Err(unavailable(error.to_string())),
        }
    }

    /// Puts a verified copy onto the disk: first the snapshot, then the tags, whose presence says that both
    /// are there.
    pub(super) async fn keep(
        &self,
        tree: IndexedTree,
        snapshot: Snapshot,
    ) -> Result<(), ObtainError> {
        let (files, trees, id) = (self.files.clone(), self.trees.clone(), tree.id());
        compute(move || {
            write_snapshot(&files.copy_snapshot(id), &snapshot)?;
            Lookup::write(&files.copy_tags(id), &tree)?;
            trees.put(tree);
            Ok::<_, FileError>(())
        })
        .await?;
        Ok(())
    }

    /// Rebuilds the tree of a copy and says its root and number of tags, beside the ledger's root.
    pub(crate) async fn verify_copy(&self, id: VersionId) -> Result<([u8; 32], usize), FileError> {
        let path = self.files.copy_snapshot(id);
        compute(move || {
            let snapshot = read_snapshot(&path)?;
            let tags = snapshot.tags().count();
            // A tree that cannot be built has no root; the root of none is zero.
            let root = IndexedTree::from_snapshot(&snapshot)
                .map(|tree| encode_field(&tree.root()))
                .unwrap_or_default();
            Ok((root, tags))
        })
        .await
    }

    /// The tree of a copy, for paths. One that is not in memory is rebuilt: some seconds per million entries.
    pub(crate) async fn tree(&self, id: VersionId) -> Result<Arc<IndexedTree>, TreeUnreadable> {
        if let Some(tree) = self.trees.get(id) {
            return Ok(tree);
        }
        let (path, trees) = (self.files.copy_snapshot(id), self.trees.clone());
        compute(move || {
            let snapshot = read_snapshot(&path)?;
            let tree = Arc::new(IndexedTree::from_snapshot(&snapshot)?);
            trees.put(tree.clone());
            Ok(tree)
        })
        .await
    }

    /// The tree of any version that was held here since versions are kept: the copy's, or one rebuilt from the
    /// archive.
    pub(crate) async fn past_tree(&self, id: VersionId) -> Option<Arc<IndexedTree>> {
        if let Some(tree) = self.trees.get(id) {
            return Some(tree);
        }
        let (path, archive) = (self.files.copy_snapshot(id), self.archive.clone());
        compute(move || {
            let copy = path.exists().then(|| read_snapshot(&path).ok()).flatten();
            let copy = copy.and_then(|snapshot| IndexedTree::from_snapshot(&snapshot).ok());
            copy.or_else(|| archive.tree(id)).map(Arc::new)
        })
        .await
    }

    /// Whether a version was held here, so that [`past_tree`](Self::past_tree) may have it.
    pub(crate) fn held(&self, id: VersionId) -> bool {
        self.files.copy_tags(id).exists() || self.archive.has(id)
    }

    /// Which entries the deltas that were put aside mark as corrected, by the version that took them off: those
    /// of a list's epochs from `first` on. `seen` names versions that need not be read again.
    pub(crate) async fn corrections(
        &self,
        list: ListId,
        first: TagEpoch,
        seen: BTreeSet<VersionId>,
    ) -> Result<Vec<Corrections>, FileError> {
        let archive = self.archive.clone();
        compute(move || archive.corrections(list, first, &seen)).await
    }

    /// The key of a publication's epoch, for readers that need it beside the copy.
    pub(crate) async fn publication(
        &self,
        id: VersionId,
    ) -> Result<Option<Publication>, crate::ports::LedgerError> {
        read(&*self.ledger, |view| state::publication(view, id)).await
    }
}

/// A version that could not be put aside is a later examiner's loss and holds up nothing.
pub(super) fn archived(kept: Result<(), FileError>) {
    if let Err(error) = kept {
        tracing::warn!(%error, "snapshots.archive: a version is not kept");
    }
}

/// Why a copy has no tree. It was verified when it was written: the disk lost it.
#[derive(Debug, thiserror::Error)]
pub enum TreeUnreadable {
    /// The file.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is no list any more.
    #[error("the copy rebuilds no tree: {0}")]
    Damaged(#[from] TreeError),
}

/// The tree of a version that is on the disk.
pub(super) fn tree_of(files: &Files, trees: &Trees, id: VersionId) -> Option<IndexedTree> {
    trees.take(id).or_else(|| {
        let snapshot = read_snapshot(&files.copy_snapshot(id)).ok()?;
        IndexedTree::from_snapshot(&snapshot).ok()
    })
}

fn verify_snapshot(
    publication: &Publication,
    path: &std::path::Path,
) -> Result<(IndexedTree, Snapshot), ObtainError> {
    let malformed = || ObtainError::NotThePublication(AlarmReason::SnapshotMalformed);
    let snapshot = match read_snapshot(path) {
        Ok(snapshot) => snapshot,
        Err(FileError::Io { source, .. }) => return Err(ObtainError::Local(source.to_string())),
        Err(_) => return Err(malformed()),
    };
    if snapshot.id() != publication.id {
        return Err(malformed());
    }
    let tree = IndexedTree::from_snapshot(&snapshot).map_err(|_| malformed())?;
    if is_published(publication, &tree) {
        Ok((tree, snapshot))
    } else {
        Err(ObtainError::NotThePublication(AlarmReason::RootMismatch))
    }
}

/// Whether the tree is the published one: its root, its name, and its size.
pub(super) fn is_published(publication: &Publication, tree: &IndexedTree) -> bool {
    tree.id() == publication.id
        && encode_field(&tree.root()) == publication.root.0
        && SizeClass::filled_by(tree.len() as u64) == Ok(publication.size_class)
}

/// Most bytes that an honest owner sends. Slots that deltas emptied may double a snapshot.
fn max_bytes(size_class: SizeClass, form: SnapshotForm) -> u64 {
    let entries = u64::from(size_class.capacity());
    match form {
        SnapshotForm::Delta => {
            HEADER_BYTES + CHANGE_BYTES * (2 * entries).min(MAX_DELTA_CHANGES as u64)
        }
        _ => HEADER_BYTES + ENTRY_BYTES * 2 * entries,
    }
}
