//! Puts a node together.
//!
//! ```text
//!   votes, certificates ──► simplex (one engine an epoch) ──► marshal: blocks, certificates
//!                              │ propose, verify                  │ finalized blocks
//!                              ▼                                  ▼
//!   transactions ──► mempool ──► paced ──► state actor ──► execution over the store
//!                                              │
//!                                              ▼ finalized
//!                                results archive, waiters, streams ──► LedgerHandle
//! ```
//!
//! [`start`] is generic in the runtime, the network and the source of peers, so that production and
//! simulation run the same wiring.

mod joining;
mod storage;

pub use crate::{
    execution::ledger::{Ledger, LedgerStartError},
    network::{CHANNEL_QUOTA, Channel, Channels, PeerDirectory, largest_message},
};

use crate::{
    archive,
    block::Block,
    config::{Retention, Timing},
    epochs::{BlockReporter, Committees, EpochManager, Handovers, finalized_blocks},
    execution::{
        Core, LedgerApplication, store,
        sync::{Downloader, Downloads, Served},
    },
    handle::{LedgerHandle, Server, StateReader},
    mempool::Admission,
    network::{Peer, Peers, SYNC_BATCH},
    pacing::Paced,
    runtime::Runtime,
};
use commonware_broadcast::buffered;
use commonware_consensus::{
    Reporter, Reporters,
    marshal::{
        self, Update,
        core::Actor as MarshalActor,
        resolver::p2p as backfill,
        standard::{Deferred, Standard},
    },
    types::{FixedEpocher, ViewDelta},
};
use commonware_cryptography::{Digested, Digestible as _, Signer as _, ed25519};
use commonware_glue::stateful::{
    PruneConfig, Stateful,
    db::{DatabaseSet as _, SyncEngineConfig, p2p as state_sync},
};
use commonware_p2p::{Blocker, Provider, Receiver, Sender};
use commonware_parallel::Sequential;
use commonware_runtime::{Handle, buffer::paged::CacheRef};
use commonware_storage::mmr;
use commonware_utils::{NZDuration, NZU16, NZU64, NZUsize};
use futures::future::select;
use joining::SyncPlan;
use std::{
    num::{NonZeroU16, NonZeroUsize},
    pin::pin,
    sync::Arc,
    time::Duration,
};
use tacit_finality::{ConsensusKey, Finalization, StateCommitment};

/// Bytes of a page of files, and how many pages are kept in memory: 64 MiB.
const PAGE_BYTES: NonZeroU16 = NZU16!(4_096);
const CACHED_PAGES: NonZeroUsize = NZUsize!(16_384);
const MAILBOX_SIZE: NonZeroUsize = NZUsize!(1_024);
/// Finalized blocks that may be under way to the parts of the node at once.
const MAX_PENDING_BLOCKS: NonZeroUsize = NZUsize!(16);
/// Missing blocks that are asked for at once.
const MAX_REPAIR: NonZeroUsize = NZUsize!(64);
/// Proposed blocks of each peer that are kept until they are asked for.
const BLOCKS_PER_PEER: usize = 10;
/// How long a peer may take to answer, and how long to wait before asking again.
const FETCH_TIMEOUT: Duration = Duration::from_secs(2);
const FETCH_RETRY: Duration = Duration::from_millis(100);

/// How a node without data starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// With the network, or replaying all its blocks.
    Genesis,
    /// From the state of a recent block, downloaded from peers. Has no effect on a node with data.
    Join,
}

/// What [`start`] needs.
pub struct Config<D, P, B, O> {
    /// The chain.
    pub ledger: Arc<Ledger>,
    /// Votes, and names the node among its peers.
    pub signer: ed25519::PrivateKey,
    /// Starts the name of every file.
    pub prefix: String,
    /// How long the parts of consensus wait for each other.
    pub timing: Timing,
    /// How much history to keep.
    pub retention: Retention,
    /// How a node without data starts.
    pub start: Start,
    /// Tells the network layer with whom to speak.
    pub directory: D,
    /// Whether the members that the ledger names become the peers.
    pub follow_ledger_peers: bool,
    /// With whom to speak before the ledger is known.
    pub bootstrap: Vec<Peer>,
    /// Who is spoken with.
    pub provider: P,
    /// Shuts out peers that misbehave.
    pub blocker: B,
    /// Sees finalized blocks along with the node. Acknowledges them like any other part.
    pub observer: Option<O>,
}

/// A node that runs.
pub struct Node {
    /// Reaches its ledger.
    pub handle: LedgerHandle,
    /// Ends only if the node cannot go on, with a panic if its files cannot be opened.
    pub task: Handle<()>,
}

/// Starts a node on `channels`. The handle serves at once; a node that joins answers questions about
/// state when it has one.
pub fn start<E, D, P, B, O, S, R>(
    runtime: E,
    config: Config<D, P, B, O>,
    channels: Channels<S, R>,
) -> Node
where
    E: Runtime,
    D: PeerDirectory,
    P: Provider<PublicKey = ConsensusKey>,
    B: Blocker<PublicKey = ConsensusKey> + Sync,
    O: Reporter<Activity = Update<Block>>,
    S: Sender<PublicKey = ConsensusKey>,
    R: Receiver<PublicKey = ConsensusKey>,
{
    let page_cache = CacheRef::new(PAGE_BYTES, CACHED_PAGES);
    let committees = Committees::new(
        config.ledger.chain_id.0,
        config.ledger.genesis_committee.clone(),
        config.signer.clone(),
    );
    let (archive, archive_mailbox) = archive::new(&config.prefix, page_cache.clone());
    let core = Arc::new(Core::new(
        config.ledger.clone(),
        genesis::<E>(&config.ledger),
        FixedEpocher::new(config.ledger.epoch_blocks),
        committees,
        archive_mailbox,
        config.retention,
    ));
    let (server, queries) = Server::new(core.clone(), config.signer.public_key());
    let (admission, admission_mailbox) = Admission::new(core.clone(), queries.clone());
    let handle = LedgerHandle::new(core.clone(), admission_mailbox, queries);
    let parts = Parts {
        core,
        page_cache,
        archive,
        admission,
        server,
        state: handle.state(),
    };
    let task = runtime
        .child("node")
        .spawn(|runtime| run(runtime, config, channels, parts));
    Node { handle, task }
}

/// The block before the first, over an empty store.
fn genesis<E: Runtime>(ledger: &Ledger) -> Block {
    let empty = store::Stores::<E>::initial_sync_targets();
    Block::genesis(
        &ledger.chain_id.0,
        ledger.genesis_time_ms,
        ledger.genesis_committee.clone(),
        StateCommitment {
            root: empty.root,
            operations_root: empty.root,
            operations: empty.range,
        },
    )
}

/// What stands before the node has opened its files.
struct Parts {
    core: Arc<Core>,
    page_cache: CacheRef,
    archive: archive::Actor,
    admission: Admission,
    server: Server,
    state: StateReader,
}

/// Opens the node's files, finds where it stands, and runs it.
async fn run<E, D, P, B, O, S, R>(
    runtime: E,
    config: Config<D, P, B, O>,
    channels: Channels<S, R>,
    parts: Parts,
) where
    E: Runtime,
    D: PeerDirectory,
    P: Provider<PublicKey = ConsensusKey>,
    B: Blocker<PublicKey = ConsensusKey> + Sync,
    O: Reporter<Activity = Update<Block>>,
    S: Sender<PublicKey = ConsensusKey>,
    R: Receiver<PublicKey = ConsensusKey>,
{
    let Parts {
        core,
        page_cache,
        archive,
        admission,
        server,
        state: state_reader,
    } = parts;
    let prefix = config.prefix;
    let me = config.signer.public_key();
    let epocher = core.epocher.clone();
    let committees = core.committees.clone();
    let genesis_digest = core.genesis.digest();

    archive.start(runtime.child("archive"));
    // Peers first: nothing below can be fetched without them.
    Peers {
        state: state_reader,
        directory: config.directory,
        follow: config.follow_ledger_peers,
        bootstrap: config.bootstrap,
    }
    .start(runtime.child("peers"));
    admission.start(runtime.child("admission"), channels.transactions);

    // Hand-overs, and from where a joining node starts.
    let (handovers, handover_mailbox) =
        Handovers::open(&runtime, &prefix, committees.clone()).await;
    handovers.start(runtime.child("handovers"), channels.handovers);
    let plan = SyncPlan::init(runtime.child("plan"), format!("{prefix}-plan")).await;
    let wanted = config.start == Start::Join;
    let plan = joining::choose_floor(plan, wanted, &handover_mailbox).await;
    let sync_floor: Option<Finalization> = plan.floor().cloned();

    // Proposed blocks, and those that were missed.
    let resolver = backfill::init(
        runtime.child("backfill"),
        backfill::Config {
            public_key: me.clone(),
            peer_provider: config.provider.clone(),
            blocker: config.blocker.clone(),
            mailbox_size: MAILBOX_SIZE,
            fetch_timeout: NZDuration!(FETCH_TIMEOUT),
            fetch_retry_delay: FETCH_RETRY,
            priority_requests: false,
            priority_responses: false,
        },
        channels.backfill,
    );
    let (broadcast, buffer) = buffered::Engine::new(
        runtime.child("broadcast"),
        buffered::Config {
            public_key: me.clone(),
            mailbox_size: MAILBOX_SIZE,
            deque_size: BLOCKS_PER_PEER,
            priority: false,
            codec_config: (),
            peer_provider: config.provider.clone(),
            strategy: Sequential,
        },
    );
    broadcast.start(channels.blocks);

    // Finalized blocks and certificates.
    let (certificates, blocks) = storage::archives(&runtime, &prefix, page_cache.clone()).await;
    let (marshal_actor, marshal, floor) = MarshalActor::<_, Standard<Block>, _, _, _, _, _>::init(
        runtime.child("marshal"),
        certificates,
        blocks,
        marshal::Config {
            provider: committees.clone(),
            epocher: epocher.clone(),
            start: plan.marshal_start(Digested::precomputed(core.genesis.clone(), genesis_digest)),
            partition_prefix: format!("{prefix}-marshal"),
            mailbox_size: MAILBOX_SIZE,
            view_retention: ViewDelta::new(64),
            prunable_items_per_section: NZU64!(64),
            page_cache: page_cache.clone(),
            replay_buffer: storage::BUFFER,
            key_write_buffer: storage::BUFFER,
            value_write_buffer: storage::BUFFER,
            block_codec_config: (),
            max_repair: MAX_REPAIR,
            max_pending_acks: MAX_PENDING_BLOCKS,
            strategy: Sequential,
        },
    )
    .await;
    handover_mailbox.serve(marshal.clone()).await;

    // State, and its download.
    let (sync_actor, sync_resolver) =
        state_sync::Actor::<_, ConsensusKey, _, _, mmr::Family, Served<E>>::new(
            runtime.child("state_sync"),
            state_sync::Config {
                peer_provider: config.provider.clone(),
                blocker: config.blocker.clone(),
                database: None,
                mailbox_size: MAILBOX_SIZE,
                me: Some(me.clone()),
                fetch_timeout: NZDuration!(FETCH_TIMEOUT),
                fetch_retry_delay: FETCH_RETRY,
                max_serve_ops: SYNC_BATCH,
                priority_requests: false,
                priority_responses: false,
            },
        );
    sync_actor.start(channels.state);
    let downloads = Downloads::default();
    let watch = joining::Watch {
        floor: sync_floor.clone(),
        core: core.clone(),
        marshal: marshal.clone(),
        handovers: handover_mailbox.clone(),
        downloads: downloads.clone(),
    };
    let (state_actor, state) = Stateful::new(
        runtime.child("state"),
        commonware_glue::stateful::Config {
            application: LedgerApplication::new(core.clone()),
            db_config: store::config(&prefix, page_cache.clone()),
            provider: (),
            marshal: (marshal.clone(), floor),
            mailbox_size: MAILBOX_SIZE,
            plan,
            resolvers: Downloader::new(runtime.child("downloader"), sync_resolver, downloads),
            sync_config: SyncEngineConfig {
                fetch_batch_size: SYNC_BATCH,
                apply_batch_size: NZU64!(1_024),
                max_outstanding_requests: NZUsize!(16),
            },
            prune_config: config.retention.blocks.map(|kept| PruneConfig {
                maintenance_interval: storage::PRUNE_EVERY,
                retained_marshal_blocks: usize::try_from(kept.get()).unwrap_or(usize::MAX),
                retained_qmdb_blocks: 0,
            }),
            strategy: Sequential,
        },
    );

    // Questions.
    let stores = state.clone();
    server.start(
        runtime.child("server"),
        marshal.clone(),
        handover_mailbox.clone(),
        async move { stores.subscribe_databases().await },
    );

    // Consensus.
    let paced = Paced::new(state.clone(), core.pool.clone(), config.timing.pacing);
    let deferred = Deferred::new(
        runtime.child("deferred"),
        paced,
        marshal.clone(),
        epocher.clone(),
    );
    let (reporter, finalized): (BlockReporter, _) = finalized_blocks();
    let own: Reporters<_, _> = (state, reporter).into();
    let reporters: Reporters<O, _> = (config.observer, own).into();
    marshal_actor.start(reporters, buffer, resolver);
    state_actor.start();
    let manager = EpochManager {
        committees,
        handovers: handover_mailbox,
        epocher,
        marshal: marshal.clone(),
        application: deferred,
        blocker: config.blocker,
        prefix,
        page_cache,
        timing: config.timing,
        genesis: genesis_digest,
        sync_floor,
    };
    let stalled = pin!(watch.stalled(runtime.child("joining")));
    let managed = pin!(manager.run(
        runtime,
        finalized,
        channels.votes,
        channels.certificates,
        channels.resolver,
    ));
    select(stalled, managed).await;
}
