//! Proves to the network that drawn entries of this member's lists come from their keys.
//!
//! Which entries are drawn of a version is known when the beacon's round after its publication has ended.
//! Then this member logs calls of its own about them, and proves about these calls; both stand on the
//! ledger before the deadline, or the version is taken off. What either step needs is made again from the
//! list's key after an interruption: nothing is noted here.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use rand_core::{CryptoRng, OsRng, RngCore, impls};
use tacit_circuits::curve::{Field, Point};
use tacit_circuits::list::{IndexedTree, Tag, VersionId};
use tacit_circuits::log::LogPath;
use tacit_circuits::oprf::{
    BlindState, Entry, EvaluationError, HashesToSmallOrder, ListKey, OwnTagError, blind_entries,
    evaluate, tag_batch,
};
use tacit_circuits::receipt::{
    CommitmentSecret, ContextHash, KeyId, ProveError, Prover, Purpose, Witness,
};
use tacit_circuits::scope::Scope;
use tacit_ledger::kernel::{BoundedVec, Missing, Reject, StateView};
use tacit_ledger::network::record::BeaconOutput;
use tacit_ledger::network::samples::{drawn_slots, sample_context};
use tacit_ledger::network::{
    Action, Event, Publication, SampleCalls, SampleProof, SampleProofs, Sampling, read as state,
};
use tokio::sync::broadcast;
use tokio::time::sleep;

use super::own::Lists;
use super::publish::version_name;
use crate::compute::compute;
use crate::crash::CrashPoint;
use crate::ports::{FinalizedBlock, LedgerError, read};
use crate::receipts::{ProverError, ProverSlot, SharedLog};
use crate::snapshots::{FileError, read_snapshot, read_tags, write_tags};
use crate::store::{OwnList, OwnVersion, StoreError, VersionStep};

/// How often drawn entries are looked for that nothing was heard of.
const LOOK_INTERVAL: Duration = Duration::from_secs(10);

/// How often, and how long, this member's copy of the log is waited for. It follows the blocks.
const LOG_POLL: Duration = Duration::from_millis(100);
const LOG_POLLS: usize = 100;

/// Derives the blinds of this member's calls about drawn entries. Whoever does not know the list's key
/// cannot tell them from random ones; whoever knows it needs none.
const BLINDS_CONTEXT: &str = "tacit v1 blinds of drawn entries";

/// Why drawn entries were not proven. It is tried again while the ledger takes the proofs.
#[derive(Debug, thiserror::Error)]
enum SampleError {
    #[error("the key of the list's tag epoch is destroyed")]
    KeyDestroyed,
    #[error(
        "the network verifies proofs under key {voted}, and this node's proving key is {here}; set \
         receipts.proving_key_file"
    )]
    OtherKey { voted: KeyId, here: KeyId },
    #[error("the stored entries of the list and its snapshot contradict each other")]
    EntryMissing,
    #[error("this member's copy of the log does not hold its calls")]
    LogBehind,
    #[error(transparent)]
    Prove(#[from] ProveError),
    #[error(transparent)]
    Prover(#[from] ProverError),
    #[error(transparent)]
    Tag(#[from] OwnTagError),
    #[error(transparent)]
    SmallOrder(#[from] HashesToSmallOrder),
    #[error(transparent)]
    Evaluate(#[from] EvaluationError),
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl From<tacit_circuits::oprf::NoEntry> for SampleError {
    fn from(_: tacit_circuits::oprf::NoEntry) -> Self {
        Self::Store(StoreError::Damaged("part of a list"))
    }
}

/// Follows the ledger for draws of this member's lists.
pub(crate) struct Sampler {
    lists: Lists,
    log: SharedLog,
    prover: Arc<ProverSlot>,
    /// Versions of which nothing is left to be proven.
    settled: HashSet<VersionId>,
}

/// A version with drawn entries that are not proven.
struct Drawn {
    publication: Publication,
    sampling: Sampling,
    output: BeaconOutput,
    voted: KeyId,
}

impl Sampler {
    pub(crate) fn new(lists: Lists, log: SharedLog, prover: Arc<ProverSlot>) -> Self {
        Self {
            lists,
            log,
            prover,
            settled: HashSet::new(),
        }
    }

    /// Runs until the front end ends.
    pub(crate) async fn run(mut self) {
        let mut blocks = self.lists.ledger.finalized();
        loop {
            if let Err(error) = self.look().await {
                tracing::warn!(%error, "lists.samples: trying again");
            }
            tokio::select! {
                () = heard_of_a_draw(&mut blocks) => {}
                () = sleep(LOOK_INTERVAL) => {}
            }
        }
    }

    async fn look(&mut self) -> Result<(), StoreError> {
        for own in self.lists.store.own_lists().await? {
            let Some(list) = own.list_id else { continue };
            for version in self.lists.store.own_versions(own.local_id).await? {
                let (tag_epoch, number) = version_name(&version);
                let id = VersionId {
                    list,
                    tag_epoch,
                    version: number,
                };
                if version.step != VersionStep::Published || self.settled.contains(&id) {
                    continue;
                }
                // One that cannot be proven holds up no other.
                match self.prove(&own, id).await {
                    Ok(true) => drop(self.settled.insert(id)),
                    Ok(false) => {}
                    Err(error) => {
                        tracing::warn!(%error, list = %id.list, version = %id.version, "lists.samples: trying again");
                    }
                }
            }
        }
        Ok(())
    }

    /// Proves what is drawn of a version. Says whether nothing is left to be done about it.
    async fn prove(&self, own: &OwnList, id: VersionId) -> Result<bool, SampleError> {
        let ledger = &self.lists.ledger;
        let drawn = match read(&**ledger, |view| standing(view, id)).await? {
            Standing::Settled => return Ok(true),
            Standing::Waits => return Ok(false),
            Standing::Drawn(drawn) => drawn,
        };
        let prover = self.prover.get().await?;
        let here = prover.verifier().key_id();
        if here != drawn.voted {
            let voted = drawn.voted;
            return Err(SampleError::OtherKey { voted, here });
        }
        let epoch = self.lists.store.own_epoch(own.local_id, id.tag_epoch);
        let key = epoch.await?.and_then(|epoch| epoch.key);
        let key = key.ok_or(SampleError::KeyDestroyed)?;
        let digest = drawn
            .publication
            .digest(ledger.chain_id(), &key.public().to_wire());
        let size_class = drawn.publication.size_class;
        let slots = drawn_slots(&drawn.output, &digest, drawn.sampling.entries, size_class);
        let entries = self.entries(own, id, &key, &slots).await?;
        let calls = self.calls(id, &key, &entries)?;
        let first_leaf = match drawn.sampling.logged {
            Some(first_leaf) => first_leaf,
            None => self.log_calls(id, &calls).await?,
        };
        self.lists.crash.reach(CrashPoint::AfterSamplesLogged).await;
        let context = sample_context(ledger.chain_id(), &digest, drawn.voted);
        self.submit(prover, id, first_leaf, entries, calls, context)
            .await?;
        tracing::info!(list = %id.list, tag_epoch = %id.tag_epoch, version = %id.version, "lists.samples: proven");
        Ok(true)
    }

    /// The entries in some slots of a version, with their tags.
    async fn entries(
        &self,
        own: &OwnList,
        id: VersionId,
        key: &ListKey,
        slots: &[u32],
    ) -> Result<Vec<(Tag, Entry)>, SampleError> {
        let path = self.lists.files.own_snapshot(id);
        let places = slots.to_vec();
        let tags = compute(move || {
            let tags: Vec<Tag> = read_snapshot(&path)?.tags().collect();
            // A version fills its class, so that no slot before its last is empty.
            let at = |slot: &u32| tags.get(*slot as usize - 1).copied();
            let found: Option<Vec<Tag>> = places.iter().map(at).collect();
            found.ok_or(SampleError::EntryMissing)
        })
        .await?;
        let mut found: HashMap<Tag, Entry> = HashMap::new();
        let versions = self.lists.store.own_versions(own.local_id).await?;
        let of_epoch = versions.iter().rev().filter(|version| {
            version.tag_epoch == id.tag_epoch
                && version.version <= id.version
                && version.step != VersionStep::Abandoned
        });
        for version in of_epoch {
            let wanted: HashSet<Tag> = tags
                .iter()
                .copied()
                .filter(|tag| !found.contains_key(tag))
                .collect();
            if wanted.is_empty() {
                break;
            }
            found.extend(self.made_in(own, id, version, key, wanted).await?);
        }
        let entry = |tag: &Tag| found.get(tag).map(|entry| (*tag, *entry));
        let entries: Option<Vec<_>> = tags.iter().map(entry).collect();
        entries.ok_or(SampleError::EntryMissing)
    }

    /// Those of the wanted entries that a version added or removed.
    async fn made_in(
        &self,
        own: &OwnList,
        id: VersionId,
        version: &OwnVersion,
        key: &ListKey,
        wanted: HashSet<Tag>,
    ) -> Result<Vec<(Tag, Entry)>, SampleError> {
        let made = VersionId {
            version: version.version,
            ..id
        };
        let path = self.lists.files.made_tags(made);
        let kept = compute(move || read_tags(&path)).await?;
        let is_wanted = |tags: &[Tag]| tags.iter().any(|tag| wanted.contains(tag));
        if kept.as_ref().is_some_and(|tags| !is_wanted(tags)) {
            return Ok(Vec::new());
        }
        let changes = self.lists.store.own_changes(own.local_id, version).await?;
        let (path, key) = (self.lists.files.made_tags(made), key.clone());
        compute(move || {
            let entries: Vec<Entry> = changes
                .iter()
                .map(|change| Entry::from_secret_bytes(&change.entry))
                .collect::<Result<_, _>>()?;
            let tags = match kept {
                Some(tags) if tags.len() == entries.len() => tags,
                _ => {
                    let tags = tag_batch(&key, &entries, made.list, made.tag_epoch, &|_| ())?;
                    write_tags(&path, &tags)?;
                    tags
                }
            };
            let pairs = tags.into_iter().zip(entries);
            Ok(pairs.filter(|(tag, _)| wanted.contains(tag)).collect())
        })
        .await
    }

    /// This member's calls about entries: the same whenever they are made.
    fn calls(
        &self,
        id: VersionId,
        key: &ListKey,
        entries: &[(Tag, Entry)],
    ) -> Result<Calls, SampleError> {
        let entries: Vec<Entry> = entries.iter().map(|(_, entry)| *entry).collect();
        let mut stream = Stream::of(key, id);
        let (states, blinded) = blind_entries(&entries, id.list, id.tag_epoch, &mut stream)?;
        let context = SampleCalls::evaluation_context(self.lists.ledger.chain_id(), id);
        let (evaluated, proof) = evaluate(key, &context, &blinded, &mut OsRng)?;
        let wire = |points: &[Point]| {
            let points: Vec<_> = points.iter().map(Point::encode).collect();
            BoundedVec::try_from(points).expect("no more than are drawn")
        };
        let action = SampleCalls {
            publication: id,
            key: key.public().to_wire(),
            blinded: wire(&blinded),
            evaluated: wire(&evaluated),
            proof,
        };
        Ok(Calls {
            states,
            evaluated,
            action,
        })
    }

    async fn log_calls(&self, id: VersionId, calls: &Calls) -> Result<u64, SampleError> {
        let action = Action::LogSamples(Box::new(calls.action.clone()));
        let applied = match self.lists.ledger.submit(action).await {
            Ok(applied) => applied,
            // Logged by a former run that did not learn of it.
            Err(LedgerError::Rejected(Reject::SAMPLES_LOGGED)) => {
                let ledger = &*self.lists.ledger;
                let found = read(ledger, |view| state::publication(view, id)).await?;
                let sampling = found.and_then(|publication| publication.sampling);
                let logged = sampling.and_then(|sampling| sampling.logged);
                return logged.ok_or(SampleError::LogBehind);
            }
            Err(error) => return Err(error.into()),
        };
        let logged = applied.events.iter().find_map(|event| match event {
            Event::SamplesLogged { first_leaf, .. } => Some(*first_leaf),
            _ => None,
        });
        logged.ok_or(SampleError::LogBehind)
    }

    async fn submit(
        &self,
        prover: Arc<Prover>,
        id: VersionId,
        first_leaf: u64,
        entries: Vec<(Tag, Entry)>,
        calls: Calls,
        context: ContextHash,
    ) -> Result<(), SampleError> {
        let (log_root, paths) = self.paths(first_leaf, entries.len()).await?;
        let tree = self.tree(id).await?;
        let scope = Scope {
            list: id.list,
            tag_epoch: id.tag_epoch,
            querier: self.lists.ledger.member_id(),
        };
        let parts = entries.into_iter().zip(paths);
        let points = calls.states.iter().zip(&calls.evaluated);
        let witnesses: Vec<Witness> = parts
            .zip(points)
            .map(|(((tag, subject), log_path), (state, evaluated))| Witness {
                subject,
                // Nobody will ever open it.
                secret: CommitmentSecret::random(&mut OsRng),
                blind: state.blind().clone(),
                blinded: *state.blinded(),
                evaluated: *evaluated,
                scope,
                log_root,
                log_path,
                list_root: tree.root(),
                list_path: tree.path(tag),
                context,
                purpose: Purpose::SampledEntry,
            })
            .collect();
        let key = prover.verifier().key_id();
        let proven = compute(move || prover.prove_many(&witnesses, &mut OsRng, &|_| ())).await;
        let mut proofs = Vec::with_capacity(proven.len());
        for proven in proven {
            let (statement, proof) = proven?;
            let commitment = statement.commitment;
            proofs.push(SampleProof { commitment, proof });
        }
        let action = SampleProofs {
            publication: id,
            key,
            log_root: log_root.into(),
            proofs: BoundedVec::try_from(proofs).expect("no more than are drawn"),
        };
        let action = Action::ProveSamples(Box::new(action));
        match self.lists.ledger.submit(action).await {
            // Proven by a former run that did not learn of it.
            Ok(_) | Err(LedgerError::Rejected(Reject::SAMPLES_PROVEN)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The ways of this member's calls to a root of the log.
    async fn paths(
        &self,
        first_leaf: u64,
        count: usize,
    ) -> Result<(Field, Vec<LogPath>), SampleError> {
        let last = first_leaf + count as u64;
        for _ in 0..LOG_POLLS {
            let log = self.log.load_full();
            if let Some(log) = log.filter(|log| log.head().0 >= last) {
                let (length, root) = log.head();
                let path = |leaf| log.path(length, leaf);
                let paths: Option<Vec<_>> = (first_leaf..last).map(path).collect();
                return Ok((root, paths.ok_or(SampleError::LogBehind)?));
            }
            sleep(LOG_POLL).await;
        }
        Err(SampleError::LogBehind)
    }

    /// The tree of a version of this member's.
    async fn tree(&self, id: VersionId) -> Result<Arc<IndexedTree>, SampleError> {
        if let Some(tree) = self.lists.trees.get(id) {
            return Ok(tree);
        }
        let path = self.lists.files.own_snapshot(id);
        compute(move || {
            let tree = IndexedTree::from_snapshot(&read_snapshot(&path)?);
            Ok(Arc::new(tree.map_err(|_| SampleError::EntryMissing)?))
        })
        .await
    }
}

/// Calls with what only their maker knows of them.
struct Calls {
    states: Vec<BlindState>,
    evaluated: Vec<Point>,
    action: SampleCalls,
}

/// How a version stands with what is drawn of it.
enum Standing {
    /// Nothing is drawn of it, or all is proven, or it is off.
    Settled,
    /// The round has not ended.
    Waits,
    Drawn(Box<Drawn>),
}

fn standing(view: &dyn StateView, id: VersionId) -> Result<Standing, Missing> {
    let Some(publication) = state::publication(view, id)? else {
        return Ok(Standing::Waits);
    };
    let off = publication.status.is_off();
    let sampling = match publication.sampling {
        Some(sampling) if sampling.proven_height.is_none() && !off => sampling,
        _ => return Ok(Standing::Settled),
    };
    let output = state::beacon_output(view, sampling.round)?;
    let voted = state::receipt_key(view)?;
    Ok(match output.zip(voted) {
        None => Standing::Waits,
        Some((output, voted)) => Standing::Drawn(Box::new(Drawn {
            publication,
            sampling,
            output,
            voted: voted.id,
        })),
    })
}

/// Whether drawn entries of a version are still to be proven, so that what proves them is kept.
pub(super) fn is_unproven(view: &dyn StateView, id: VersionId) -> Result<bool, Missing> {
    Ok(!matches!(standing(view, id)?, Standing::Settled))
}

/// Waits for an output of the beacon.
async fn heard_of_a_draw(blocks: &mut broadcast::Receiver<Arc<FinalizedBlock>>) {
    loop {
        match blocks.recv().await {
            Ok(block) => {
                let drawn = |event: &Event| matches!(event, Event::BeaconDrawn { .. });
                if block.events.iter().any(|said| drawn(&said.event)) {
                    return;
                }
            }
            // What was missed may have been a draw.
            Err(broadcast::error::RecvError::Lagged(_)) => return,
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// The output of BLAKE3 as randomness.
struct Stream(blake3::OutputReader);

impl Stream {
    fn of(key: &ListKey, id: VersionId) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(BLINDS_CONTEXT);
        hasher.update(&*key.to_secret_bytes());
        for number in [id.list.0, id.tag_epoch.0, id.version.0] {
            hasher.update(&number.to_le_bytes());
        }
        Self(hasher.finalize_xof())
    }
}

impl RngCore for Stream {
    fn next_u32(&mut self) -> u32 {
        impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, dest: &mut [u8]) {
        self.0.fill(dest);
    }

    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(dest);
        Ok(())
    }
}

impl CryptoRng for Stream {}
