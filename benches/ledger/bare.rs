//! The engine without a ledger: it orders signed envelopes and checks their signatures.

use bytes::{BufMut, Bytes};
use commonware_actor::Feedback;
use commonware_broadcast::buffered;
use commonware_codec::{
    Buf, Encode as _, EncodeSize, Error as CodecError, FixedSize as _, MaxEncodeSize as _,
    RangeCfg, Read, ReadExt as _, Write,
};
use commonware_consensus::{
    Application, BoundedBlock, CertifiableBlock, Heightable, Reporter,
    marshal::{
        self, Update,
        ancestry::Ancestry,
        core::Actor as MarshalActor,
        resolver::p2p as backfill,
        standard::{Deferred, Standard},
    },
    simplex::{
        self, SkipBudget,
        config::{Floor, ForwardPolicy, SkipPolicy},
        elector::RoundRobin,
    },
    types::{Epoch, FixedEpocher, Height, Round, View, ViewDelta},
};
use commonware_cryptography::{
    ChaCha20Poly1305, Digest as _, Digested, Digestible, Hasher as _, Signer as _,
    certificate::ConstantProvider, ed25519,
};
use commonware_p2p::{
    AddressableManager as _, Receiver as _, Recipients, Sender as _, authenticated::lookup,
};
use commonware_parallel::Sequential;
use commonware_runtime::{
    Clock as _, IoBuf, Runner as _, Spawner as _, Supervisor as _, buffer::paged::CacheRef, tokio,
};
use commonware_storage::{archive::prunable, translator::TwoCap};
use commonware_stream::{
    cups::{self, Cups},
    sake::{self, Sake},
};
use commonware_utils::{Acknowledgement as _, NZDuration, NZU16, NZU64, NZUsize, ordered::Map};
use futures::StreamExt as _;
use std::{
    collections::{HashMap, HashSet, VecDeque},
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant, UNIX_EPOCH},
};
use tacit_consensus::{
    Timing,
    block::{MAX_BLOCK_BYTES, MAX_BLOCK_TRANSACTIONS},
    engine::{CHANNEL_QUOTA, Channel, Channels, Ledger, largest_message},
};
use tacit_finality::{
    Committee, ConsensusKey, Digest, Finalization, Hash, ProposalContext, Scheme,
};
use tacit_ledger::kernel::{Envelope, Machine, Registry, envelope::MAX_ENVELOPE_BYTES};

const NAMESPACE: &[u8] = b"tacit/bench/bare-engine";
/// Envelopes that wait at one node; as the ledger's own bound for one sender.
const MAX_WAITING: usize = 16_384;
/// Envelopes in one message to peers.
const GOSSIP: usize = 512;

/// Transactions a second that the bare engine orders.
pub(crate) fn run(
    keys: &[ed25519::PrivateKey],
    ledger: &Ledger,
    envelopes: &[Vec<Vec<u8>>],
    measured: Duration,
) -> f64 {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let addresses = super::free_addresses();
    let over = Arc::new(AtomicBool::new(false));
    let ordered: Vec<_> = keys.iter().map(|_| Arc::new(AtomicU64::new(0))).collect();
    let nodes: Vec<_> = (0..keys.len())
        .map(|index| {
            let node = Node {
                key: keys[index].clone(),
                committee: ledger.genesis_committee().clone(),
                machine: Machine::new(ledger.chain_id(), Registry::network()),
                peers: keys
                    .iter()
                    .map(ed25519::PrivateKey::public_key)
                    .zip(addresses.clone())
                    .collect(),
                listen: addresses[index],
                ordered: ordered[index].clone(),
                over: over.clone(),
            };
            let envelopes = envelopes[index]
                .iter()
                .map(|bytes| Bytes::from(bytes.clone()))
                .collect();
            let directory = directory.path().join(index.to_string());
            thread::spawn(move || node.run(directory, envelopes))
        })
        .collect();
    thread::sleep(super::WARM_UP);
    let (started, before) = (Instant::now(), ordered[0].load(Ordering::Relaxed));
    thread::sleep(measured);
    let transactions = ordered[0].load(Ordering::Relaxed) - before;
    let rate = transactions as f64 / started.elapsed().as_secs_f64();
    over.store(true, Ordering::Relaxed);
    nodes
        .into_iter()
        .for_each(|node| node.join().expect("the bare node does not fail"));
    rate
}

/// Envelopes in an order, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Block {
    context: ProposalContext,
    parent: Digest,
    height: Height,
    time_ms: u64,
    envelopes: Vec<Bytes>,
}

impl Write for Block {
    fn write(&self, buf: &mut impl BufMut) {
        self.context.write(buf);
        self.parent.write(buf);
        self.height.write(buf);
        self.time_ms.write(buf);
        self.envelopes.write(buf);
    }
}

impl EncodeSize for Block {
    fn encode_size(&self) -> usize {
        self.context.encode_size()
            + Digest::SIZE
            + self.height.encode_size()
            + u64::SIZE
            + self.envelopes.encode_size()
    }
}

impl Read for Block {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        let bounds = (
            RangeCfg::from(0..=MAX_BLOCK_TRANSACTIONS),
            RangeCfg::from(0..=MAX_ENVELOPE_BYTES),
        );
        Ok(Self {
            context: ProposalContext::read(buf)?,
            parent: Digest::read(buf)?,
            height: Height::read(buf)?,
            time_ms: u64::read(buf)?,
            envelopes: Vec::read_cfg(buf, &bounds)?,
        })
    }
}

impl Digestible for Block {
    type Digest = Digest;

    fn digest(&self) -> Digest {
        Hash::hash(&[&self.encode()])
    }
}

impl Heightable for Block {
    fn height(&self) -> Height {
        self.height
    }
}

impl commonware_consensus::Block for Block {
    fn parent(&self) -> Digest {
        self.parent
    }
}

impl CertifiableBlock for Block {
    type Context = ProposalContext;

    fn context(&self) -> ProposalContext {
        self.context.clone()
    }
}

impl BoundedBlock for Block {
    fn max_encode_size((): &()) -> usize {
        ProposalContext::MAX_ENCODE_SIZE
            + Digest::SIZE
            + Height::MAX_ENCODE_SIZE
            + u64::SIZE
            + MAX_BLOCK_BYTES
            + 5 * (MAX_BLOCK_TRANSACTIONS + 1)
    }
}

/// What waits, what was checked, and what stands in blocks that are not final yet.
#[derive(Default)]
struct Pool {
    waiting: VecDeque<(Digest, Bytes)>,
    checked: HashSet<Digest>,
    blocks: HashMap<Digest, (Height, Digest, Vec<Digest>)>,
}

#[derive(Clone)]
struct Orderer {
    pool: Arc<Mutex<Pool>>,
    machine: Machine,
    min_interval_ms: u64,
    ordered: Arc<AtomicU64>,
}

impl Orderer {
    fn pool(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Checks the signatures of those that were not checked before. Computes for long.
    fn check(&self, envelopes: &[Bytes]) -> bool {
        let ids: Vec<_> = envelopes.iter().map(|bytes| Hash::hash(&[bytes])).collect();
        let fresh: Vec<_> = {
            let pool = self.pool();
            let new = ids
                .iter()
                .zip(envelopes)
                .filter(|(id, _)| !pool.checked.contains(*id));
            new.map(|(_, bytes)| Envelope::from_bytes(bytes)).collect()
        };
        let Ok(fresh): Result<Vec<_>, _> = fresh.into_iter().collect() else {
            return false;
        };
        let valid = self
            .machine
            .check_stateless(&fresh)
            .iter()
            .all(Result::is_ok);
        self.pool().checked.extend(ids);
        valid
    }

    fn admit(&self, envelopes: Vec<Bytes>) {
        if self.check(&envelopes) {
            let mut pool = self.pool();
            let with_ids = envelopes
                .into_iter()
                .map(|bytes| (Hash::hash(&[&bytes]), bytes));
            pool.waiting.extend(with_ids);
        }
    }

    fn remember(&self, block: &Block, digest: Digest) {
        let ids = block
            .envelopes
            .iter()
            .map(|bytes| Hash::hash(&[bytes]))
            .collect();
        self.pool()
            .blocks
            .insert(digest, (block.height, block.parent, ids));
    }
}

impl Application<tokio::Context> for Orderer {
    type SigningScheme = Scheme;
    type Context = ProposalContext;
    type Block = Block;
    type Input = ();

    async fn propose(
        &mut self,
        (runtime, context): (tokio::Context, ProposalContext),
        mut ancestry: impl Ancestry<Block>,
        (): (),
    ) -> Option<Digested<Block>> {
        let parent = ancestry.next().await?;
        let now = || {
            runtime
                .current()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default()
                .as_millis() as u64
        };
        let due = parent.inner().time_ms + self.min_interval_ms;
        runtime
            .sleep(Duration::from_millis(
                due.saturating_sub(now()).min(self.min_interval_ms),
            ))
            .await;
        let envelopes = {
            let pool = self.pool();
            let mut used = HashSet::new();
            let mut ancestor = parent.digest();
            while let Some((_, before, ids)) = pool.blocks.get(&ancestor) {
                used.extend(ids.iter().copied());
                ancestor = *before;
            }
            let mut room = MAX_BLOCK_BYTES;
            let free = pool.waiting.iter().filter(|(id, _)| !used.contains(id));
            let fits = free.take(MAX_BLOCK_TRANSACTIONS).take_while(|(_, bytes)| {
                let rest = room.checked_sub(bytes.len());
                room = rest.unwrap_or(room);
                rest.is_some()
            });
            fits.map(|(_, bytes)| bytes.clone()).collect()
        };
        let block = Block {
            context,
            parent: parent.digest(),
            height: parent.height().next(),
            time_ms: now(),
            envelopes,
        };
        let digest = block.digest();
        self.remember(&block, digest);
        Some(Digested::precomputed(block, digest))
    }

    async fn verify(
        &mut self,
        (runtime, _): (tokio::Context, ProposalContext),
        mut ancestry: impl Ancestry<Block>,
    ) -> bool {
        let Some(block) = ancestry.next().await else {
            return false;
        };
        let (this, checked) = (self.clone(), block.clone());
        let check = runtime.child("check").shared(true);
        let valid = check.spawn(move |_| async move { this.check(&checked.inner().envelopes) });
        let valid = valid.await.unwrap_or(false);
        if valid {
            self.remember(block.inner(), block.digest());
        }
        valid
    }
}

impl Reporter for Orderer {
    type Activity = Update<Block>;

    fn report(&mut self, update: Update<Block>) -> Feedback {
        if let Update::Block(block, acknowledgement) = update {
            let envelopes = &block.inner().envelopes;
            let done: HashSet<_> = envelopes.iter().map(|bytes| Hash::hash(&[bytes])).collect();
            let mut pool = self.pool();
            pool.waiting.retain(|(id, _)| !done.contains(id));
            let height = block.height();
            pool.blocks.retain(|_, (other, _, _)| *other > height);
            self.ordered
                .fetch_add(envelopes.len() as u64, Ordering::Relaxed);
            acknowledgement.acknowledge();
        }
        Feedback::Ok
    }
}

struct Node {
    key: ed25519::PrivateKey,
    committee: Committee,
    machine: Machine,
    peers: Vec<(ConsensusKey, SocketAddr)>,
    listen: SocketAddr,
    ordered: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
}

impl Node {
    fn run(self, directory: std::path::PathBuf, envelopes: Vec<Bytes>) {
        let config = tokio::Config::new()
            .with_worker_threads(1)
            .with_storage_directory(directory);
        tokio::Runner::new(config).start(|runtime| self.main(runtime, envelopes));
    }

    async fn main(self, runtime: tokio::Context, envelopes: Vec<Bytes>) {
        let timing = Timing::default();
        let me = self.key.public_key();
        let handshake = Cups::<_, ChaCha20Poly1305>::new(
            Sake {
                signer: self.key.clone(),
                synchrony_bound: Duration::from_secs(5),
                max_handshake_age: Duration::from_secs(10),
                version: sake::Version::V1,
            },
            cups::Version::V1,
        );
        let mut config = lookup::Config::local(
            handshake,
            NAMESPACE,
            self.listen,
            NZUsize!(32),
            largest_message(),
            NZUsize!(1_024),
        );
        config.tracked_peer_sets = NZUsize!(2);
        config.allowed_handshake_rate_per_ip =
            commonware_runtime::Quota::per_second(commonware_utils::NZU32!(256));
        let (mut network, mut oracle) = lookup::Network::new(runtime.child("network"), config);
        let channels =
            Channels::open(|channel: Channel| network.register(channel.number(), CHANNEL_QUOTA));
        network.start();
        let peers = self
            .peers
            .iter()
            .map(|(key, address)| (key.clone(), (*address).into()));
        oracle.track(0, Map::from_iter_dedup(peers));

        let page_cache = CacheRef::new(NZU16!(4_096), NZUsize!(16_384));
        let buffer_bytes = NZUsize!(1 << 20);
        macro_rules! archive {
            ($name:literal, $codec:expr) => {
                prunable::Archive::init(
                    runtime.child($name),
                    prunable::Config {
                        translator: TwoCap,
                        metadata_partition: concat!($name, "-metadata").into(),
                        key_partition: concat!($name, "-keys").into(),
                        key_page_cache: page_cache.clone(),
                        value_partition: concat!($name, "-values").into(),
                        compression: None,
                        codec_config: $codec,
                        items_per_section: NZU64!(256),
                        key_write_buffer: buffer_bytes,
                        value_write_buffer: buffer_bytes,
                        replay_buffer: buffer_bytes,
                    },
                )
                .await
                .expect("the archive opens")
            };
        }
        let certificates: prunable::Archive<TwoCap, _, Digest, Finalization> =
            archive!("certificates", self.committee.keys().len());
        let blocks: prunable::Archive<TwoCap, _, Digest, Arc<Block>> = archive!("blocks", ());

        let genesis = Block {
            context: ProposalContext {
                round: Round::new(Epoch::zero(), View::zero()),
                leader: me.clone(),
                parent: (View::zero(), Digest::EMPTY),
            },
            parent: Digest::EMPTY,
            height: Height::zero(),
            time_ms: 0,
            envelopes: Vec::new(),
        };
        // All nodes must start from one block, so its leader is nobody's key in particular.
        let genesis = Block {
            context: ProposalContext {
                leader: self.peers[0].0.clone(),
                ..genesis.context.clone()
            },
            ..genesis
        };
        let genesis_digest = genesis.digest();
        let scheme = Scheme::signer(NAMESPACE, self.committee.keys().clone(), self.key.clone())
            .expect("every node validates");
        let epocher = FixedEpocher::new(NZU64!(u64::MAX));
        let resolver = backfill::init(
            runtime.child("backfill"),
            backfill::Config {
                public_key: me.clone(),
                peer_provider: oracle.clone(),
                blocker: oracle.clone(),
                mailbox_size: NZUsize!(1_024),
                fetch_timeout: NZDuration!(Duration::from_secs(2)),
                fetch_retry_delay: Duration::from_millis(100),
                priority_requests: false,
                priority_responses: false,
            },
            channels.backfill,
        );
        let (broadcast, buffer) = buffered::Engine::new(
            runtime.child("broadcast"),
            buffered::Config {
                public_key: me,
                mailbox_size: NZUsize!(1_024),
                deque_size: 10,
                priority: false,
                codec_config: (),
                peer_provider: oracle.clone(),
                strategy: Sequential,
            },
        );
        broadcast.start(channels.blocks);
        let (actor, marshal, _) = MarshalActor::<_, Standard<Block>, _, _, _, _, _>::init(
            runtime.child("marshal"),
            certificates,
            blocks,
            marshal::Config {
                provider: ConstantProvider::new(scheme.clone()),
                epocher: epocher.clone(),
                start: marshal::Start::Genesis(Digested::precomputed(genesis, genesis_digest)),
                partition_prefix: "marshal".into(),
                mailbox_size: NZUsize!(1_024),
                view_retention: ViewDelta::new(64),
                prunable_items_per_section: NZU64!(64),
                page_cache: page_cache.clone(),
                replay_buffer: buffer_bytes,
                key_write_buffer: buffer_bytes,
                value_write_buffer: buffer_bytes,
                block_codec_config: (),
                max_repair: NZUsize!(64),
                max_pending_acks: NZUsize!(16),
                strategy: Sequential,
            },
        )
        .await;
        let orderer = Orderer {
            pool: Arc::default(),
            machine: self.machine,
            min_interval_ms: timing.pacing.min_interval.as_millis() as u64,
            ordered: self.ordered,
        };
        actor.start(orderer.clone(), buffer, resolver);
        let deferred = Deferred::new(runtime.child("deferred"), orderer.clone(), marshal, epocher);
        let leader = timing.leader_timeout;
        let engine = simplex::Engine::new(
            runtime.child("simplex"),
            simplex::Config {
                scheme,
                elector: RoundRobin::<Hash>::default(),
                blocker: oracle,
                automaton: deferred.clone(),
                relay: deferred.clone(),
                reporter: deferred,
                track_historical_votes: false,
                strategy: Sequential,
                partition: "votes".into(),
                mailbox_size: NZUsize!(1_024),
                epoch: Epoch::zero(),
                floor: Floor::Genesis(genesis_digest),
                replay_buffer: buffer_bytes,
                write_buffer: buffer_bytes,
                page_cache,
                leader_timeout: leader,
                certification_timeout: leader * 2,
                timeout_retry: leader * 2,
                view_retention: ViewDelta::new(64),
                skip: SkipPolicy::Enabled {
                    timeout: leader * 5,
                    budget: SkipBudget::Participants,
                },
                fetch_timeout: NZDuration!(Duration::from_secs(2)),
                fetch_retry_delay: Duration::from_millis(200),
                forward: ForwardPolicy::SilentVoters,
            },
        );
        engine.start(channels.votes, channels.certificates, channels.resolver);

        let (mut sender, mut receiver) = channels.transactions;
        let heard = orderer.clone();
        runtime.child("hear").spawn(move |runtime| async move {
            let bounds = (
                RangeCfg::from(0..=GOSSIP),
                RangeCfg::from(0..=MAX_ENVELOPE_BYTES),
            );
            while let Ok((_, mut message)) = receiver.recv().await {
                let Ok(envelopes) = Vec::<Bytes>::read_cfg(&mut message, &bounds) else {
                    continue;
                };
                let heard = heard.clone();
                let check = runtime.child("admit").shared(true);
                let _ = check
                    .spawn(move |_| async move { heard.admit(envelopes) })
                    .await;
            }
        });
        for batch in envelopes.chunks(GOSSIP) {
            while orderer.pool().waiting.len() > MAX_WAITING && !self.over.load(Ordering::Relaxed) {
                runtime.sleep(Duration::from_millis(5)).await;
            }
            if self.over.load(Ordering::Relaxed) {
                return;
            }
            let (own, this) = (batch.to_vec(), orderer.clone());
            let _ = sender.send(Recipients::All, IoBuf::from(own.encode()), false);
            let check = runtime.child("admit").shared(true);
            let _ = check.spawn(move |_| async move { this.admit(own) }).await;
        }
        panic!("{}", super::USED_UP);
    }
}
