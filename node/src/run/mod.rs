//! Runs a node: starts its parts, each over those before it, and stops them in the reverse order.
//!
//! ```text
//!   consensus ──► member's ledger ──► front end ──► listener for other members
//!        │               │
//!        │               └──────────────► listener for operators
//!        └──► read model ─────────────────────▲
//! ```
//!
//! Consensus runs on a runtime and threads of its own; everything else on the runtime made here. A part that
//! cannot go on ends the node: what is left of it would answer wrongly or not at all, and whoever watches the
//! process starts it again.

mod beacon;
mod health;
mod listeners;
mod network_log;
mod records;
mod versions;

pub use listeners::check_operator_files;
pub use versions::UnknownRules;

use std::future::pending;
use std::io::{self, Read as _};
use std::net::SocketAddr;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use ed25519_zebra::SigningKey;
use tacit_certs::CertificateError;
use tacit_consensus::engine::{Ledger as Chain, LedgerStartError};
use tacit_consensus::{
    LedgerError, LedgerHandle, NodeConfig, NodeFailed, NodeKey, Pacing, Retention, RunningNode,
    Start, Timing,
};
use tacit_frontend::crash::{CrashPoints, UnknownCrashPoint};
use tacit_frontend::ports::Ledger as _;
use tacit_frontend::receipts::{KeySource, SharedLog};
use tacit_frontend::retention::{Custody, CustodyError};
use tacit_frontend::store::{MasterKey, Store, StoreError};
use tacit_frontend::{Frontend, FrontendConfig, StartError};
use tacit_ledger::kernel::envelope::ledger_key;
use tacit_ledger::kernel::{Genesis, Registry, Role};
use tacit_ledger::network::{Member, read};
use tacit_readmodel::{ReadModel, ReadModelError};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::api::{Operator, OperatorRecords, ViewServer};
use crate::approvals::{ApprovalError, Approvals};
use crate::balances::{Balances, BalancesError};
use crate::config::{Config, ConfigError};
use crate::keys::{KeyError, NodeKeys};
use crate::ledger::MemberLedger;
use crate::operators::{LiveOperators, OperatorsError};
use crate::peers::MemberPeers;
use crate::reads::{Reads, ReadsError};
use crate::setup::genesis::{self, GenesisFileError};
use crate::telemetry::{self, TelemetryError};
use health::NodeHealth;

/// A day.
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// How long the services have to end what they are at when the node stops.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// How often a node that the network has not admitted yet looks whether it has been.
const ADMISSION_POLL: Duration = Duration::from_millis(500);

/// How often it is looked at whether consensus still runs.
const WATCH_INTERVAL: Duration = Duration::from_millis(500);

/// The least time between blocks of an idle network, and how much longer than that a silent leader is waited
/// for.
const MIN_HEARTBEAT: Duration = Duration::from_millis(250);
const LEADER_PATIENCE: Duration = Duration::from_millis(350);

/// Most threads of consensus and execution. Signatures and proofs are checked on all cores besides.
const MAX_LEDGER_THREADS: usize = 4;

/// Names the point at which the process aborts, as a power cut would end it: for tests of recovery. Unset, which
/// it is everywhere else, a point costs a branch.
pub const ABORT_AT_VARIABLE: &str = "TACIT_TEST_ABORT_AT";

/// Why a node does not start, or ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Logs, metrics or probes.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// A key of the node.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The consensus key is no ed25519 key.
    #[error("the consensus key is no ed25519 key")]
    ConsensusKey,
    /// The genesis cannot be read.
    #[error(transparent)]
    Genesis(#[from] GenesisFileError),
    /// No chain starts from the genesis.
    #[error(transparent)]
    Chain(#[from] LedgerStartError),
    /// The data directory cannot be used.
    #[error("cannot use the data directory {path}: {source}")]
    DataDir {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Another process uses the data directory: two nodes with one key could vote twice.
    #[error("a node runs over {0} already")]
    Running(PathBuf),
    /// A runtime cannot be started.
    #[error("cannot start threads: {0}")]
    Threads(#[source] io::Error),
    /// Consensus or execution.
    #[error(transparent)]
    Consensus(#[from] NodeFailed),
    /// The rules of the next block.
    #[error(transparent)]
    Rules(#[from] UnknownRules),
    /// The ledger stopped.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The rows of the ledger.
    #[error(transparent)]
    ReadModel(#[from] ReadModelError),
    /// The front end's database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The front end.
    #[error(transparent)]
    Frontend(#[from] StartError),
    /// What the configuration says of retention.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The custodian's keys, or where its copies go.
    #[error(transparent)]
    Custody(#[from] CustodyError),
    /// A certificate.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The list of operators.
    #[error(transparent)]
    Operators(#[from] OperatorsError),
    /// The approvals.
    #[error(transparent)]
    Approvals(#[from] ApprovalError),
    /// The balances of former days.
    #[error(transparent)]
    Balances(#[from] BalancesError),
    /// The account of privileged reads.
    #[error(transparent)]
    Reads(#[from] ReadsError),
    /// A listener cannot be opened.
    #[error("cannot listen for {whom} at {address}: {source}")]
    Listen {
        /// Who would be listened for.
        whom: &'static str,
        /// Where.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// A point at which a test wants the process to abort does not exist.
    #[error(transparent)]
    AbortAt(#[from] UnknownCrashPoint),
    /// A part ended that never ends by itself.
    #[error("{0} ended; the log says why")]
    PartEnded(&'static str),
}

/// Runs the node until it is interrupted, or, if `until_stdin_closes`, until whoever started it closes its
/// standard input or ends.
///
/// # Errors
/// [`RunError`], where it does not start or a part of it cannot go on.
pub fn run(config: &Config, until_stdin_closes: bool) -> Result<(), RunError> {
    telemetry::log(&config.telemetry)?;
    let keys = NodeKeys::load(&config.keys)?;
    let genesis = genesis::read(&config.ledger.genesis_file)?;
    let _lock = claim(&config.data_dir)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_name("tacit-services")
        .enable_all()
        .build()
        .map_err(RunError::Threads)?;
    let node = start_ledger(config, &keys, &genesis)?;
    let (stopping, stop) = watch::channel(false);
    let served = runtime.block_on(async {
        let serving = serve(config, &keys, &genesis, node.handle.clone(), stop);
        let mut serving = pin!(serving);
        tokio::select! {
            served = &mut serving => return served,
            () = failed(&node) => return Err(NodeFailed.into()),
            unknown = versions::unknown(node.handle.clone()) => Err(unknown?)?,
            () = asked_to_stop(until_stdin_closes) => tracing::info!("node.stop: asked to"),
        }
        // The listeners take no more, and what they are at is given its time.
        let _ = stopping.send(true);
        let ended = tokio::time::timeout(STOP_TIMEOUT, serving).await;
        ended.unwrap_or(Ok(()))
    });
    runtime.shutdown_timeout(STOP_TIMEOUT);
    let stopped = node.stop();
    served?;
    Ok(stopped?)
}

/// Everything over the ledger. Ends when the listeners have after `stop`, or where a part cannot go on.
async fn serve(
    config: &Config,
    keys: &NodeKeys,
    genesis: &Genesis,
    handle: LedgerHandle,
    stop: watch::Receiver<bool>,
) -> Result<(), RunError> {
    let health = NodeHealth::new(handle.clone());
    // First, so that whoever watches the process sees it start, and so that counters have where to be kept.
    if let Some(address) = config.telemetry.listen {
        telemetry::serve(address, health.clone()).await?;
    }
    let signing = SigningKey::from(*keys.ledger.expose());
    let me = admitted(&handle, &signing).await?;
    let (mut parts, mut listeners) = (Parts::default(), Parts::default());

    let read_model = ReadModel::open(&config.database_url("read-model"), genesis).await?;
    let feeder = records::Feeder::new(handle.clone(), read_model.clone()).await?;
    let position = feeder.position();
    parts.start("readmodel.feed", feeder.run());

    let rows = Some(read_model.clone());
    let (ledger, follower) = MemberLedger::new(handle.clone(), me.id, signing, rows);
    parts.start("ledger.follow", follower.run());
    if me.role == Role::Member {
        let participant = beacon::Participant::new(ledger.clone(), keys.ledger.expose());
        parts.start("beacon.take-part", participant.run());
    }

    let frontend = if me.role == Role::Member {
        let feeder = network_log::LogFeeder::new(handle.clone(), config.data_dir.join("log"));
        let log = feeder.log();
        parts.start("receipts.log", feeder.run());
        Some(start_frontend(config, keys, &ledger, log, &mut parts).await?)
    } else {
        None
    };
    let operators_url = config.database_url("operators");
    let reads = Reads::open(&operators_url, keys.store.expose()).await?;
    let listed = LiveOperators::open(&config.operator.operators_file)?;
    let approvals = Approvals::open(&operators_url, keys.store.expose()).await?;
    let balances = Balances::open(&operators_url).await?;
    if me.role == Role::Member {
        parts.start("balances.keep", balances.clone().keep(ledger.clone()));
    }
    let records = OperatorRecords {
        listed: listed.clone(),
        reads: Arc::new(reads),
        approvals: Arc::new(approvals),
        balances,
    };
    let (frontend, peers) = frontend.unzip();
    let mut operator = Operator::new(ledger.clone(), frontend.clone(), read_model, records);
    if let Some((frontend, peers)) = frontend.as_ref().zip(peers) {
        let views = ViewServer::new(operator.clone());
        let service = (frontend.peer_service(), views);
        let others = listeners::peers(&config.frontend, &peers, service, stop.clone()).await?;
        listeners.start("peers.serve", others);
        parts.start(
            "disclosures.answer",
            operator.clone().disclose_as_demanded(),
        );
    } else {
        match start_watching(config, &ledger, &mut parts).await {
            Ok(peers) => operator = operator.watching(peers),
            // It reads the ledger all the same.
            Err(error) => {
                tracing::warn!(%error, "peers.open: nothing that is disclosed can be fetched")
            }
        }
    }
    let operators = listeners::operators(&config.operator, operator, listed, stop.clone()).await?;
    listeners.start("operators.serve", operators);
    health.serving(frontend, position);
    tracing::info!(member = %me.id, "node.run: ready");
    let ended = tokio::select! {
        biased;
        () = listeners::stopped(stop) => {
            listeners.all_end().await;
            return Ok(());
        }
        name = parts.first_to_end() => name,
        name = listeners.first_to_end() => name,
    };
    Err(RunError::PartEnded(ended))
}

/// The front end, and its connections to the others.
async fn start_frontend(
    config: &Config,
    keys: &NodeKeys,
    ledger: &Arc<MemberLedger>,
    log: SharedLog,
    parts: &mut Parts,
) -> Result<(Arc<Frontend>, Arc<MemberPeers>), RunError> {
    let peers = Arc::new(MemberPeers::open(&config.frontend)?);
    // Before the directory is first read, so that no change falls in between.
    let blocks = ledger.finalized();
    if let Err(error) = peers.learn(&**ledger).await {
        tracing::warn!(%error, "peers.learn: the members cannot be read");
    }
    let master = MasterKey::from_bytes(*keys.store.expose());
    let store = Store::open(&config.database_url("front-end"), &master).await?;
    let mut settings = FrontendConfig::in_folder(config.data_dir.join("lists"));
    settings.screening.answer_timeout_ms = config.frontend.answer_timeout_ms;
    settings.screening.sessions.padding = config.frontend.pad_requests;
    settings.copies.unavailable_alarm_ms = config.frontend.unavailable_alarm_ms;
    settings.keep_versions =
        DAY * u32::try_from(config.frontend.keep_versions_days).unwrap_or(u32::MAX);
    settings.log = log;
    if let Some(path) = &config.receipts.proving_key_file {
        settings.proving_key = KeySource::File(path.clone());
    }
    settings.retention = config.retention.policy()?;
    if let Some(keys) = &config.retention.custodian_keys_file {
        settings.custody = Some(Custody::open(keys, &config.retention.custodian_folder)?);
    }
    if let Ok(point) = std::env::var(ABORT_AT_VARIABLE) {
        settings.crash = CrashPoints::aborting_at(point.parse()?);
    }
    let frontend = Frontend::start(settings, ledger.clone(), peers.clone(), store).await?;
    let frontend = Arc::new(frontend);
    let (following, followed) = (peers.clone(), ledger.clone());
    parts.start("peers.follow", async move {
        following.follow(&*followed, blocks).await;
    });
    let (renewing, registering) = (peers.clone(), ledger.clone());
    parts.start(
        "peers.renew",
        async move { renewing.renew(registering).await },
    );
    Ok((frontend, peers))
}

/// An observer's connections to the members, from which it fetches what they disclose.
async fn start_watching(
    config: &Config,
    ledger: &Arc<MemberLedger>,
    parts: &mut Parts,
) -> Result<Arc<MemberPeers>, CertificateError> {
    let peers = Arc::new(MemberPeers::open(&config.frontend)?);
    // Before the directory is first read, so that no change falls in between.
    let blocks = ledger.finalized();
    if let Err(error) = peers.learn(&**ledger).await {
        tracing::warn!(%error, "peers.learn: the members cannot be read");
    }
    let (following, followed) = (peers.clone(), ledger.clone());
    parts.start("peers.follow", async move {
        following.follow(&*followed, blocks).await;
    });
    let (renewing, registering) = (peers.clone(), ledger.clone());
    parts.start(
        "peers.renew",
        async move { renewing.renew(registering).await },
    );
    Ok(peers)
}

/// Starts consensus and execution.
fn start_ledger(
    config: &Config,
    keys: &NodeKeys,
    genesis: &Genesis,
) -> Result<RunningNode, RunError> {
    let key = NodeKey::from_bytes(keys.consensus.expose()).ok_or(RunError::ConsensusKey)?;
    let chain = Chain::new(genesis, Registry::network())?;
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let min_interval = Duration::from_millis(config.ledger.block_interval_ms);
    let heartbeat = min_interval.max(MIN_HEARTBEAT);
    Ok(tacit_consensus::spawn(NodeConfig {
        bootstrap: chain.genesis_peers().to_vec(),
        ledger: Arc::new(chain),
        key,
        listen: config.ledger.listen,
        follow_ledger_peers: true,
        directory: config.data_dir.join("chain"),
        timing: Timing {
            pacing: Pacing {
                min_interval,
                heartbeat,
            },
            leader_timeout: heartbeat + LEADER_PATIENCE,
        },
        retention: Retention {
            blocks: NonZeroU64::new(config.ledger.keep_blocks),
        },
        start: if config.ledger.state_sync {
            Start::Join
        } else {
            Start::Genesis
        },
        threads: NonZeroUsize::new(cores.min(MAX_LEDGER_THREADS)).unwrap_or(NonZeroUsize::MIN),
    })?)
}

/// Whom the ledger knows by this node's key. Waits until the network has admitted the institution.
async fn admitted(handle: &LedgerHandle, key: &SigningKey) -> Result<Member, RunError> {
    handle.ready().await?;
    let own = ledger_key(key);
    let mut told = false;
    loop {
        let members = handle.state().read(read::members).await?;
        let me = members
            .into_iter()
            .find(|member| member.ledger_key == own && member.is_active());
        if let Some(me) = me {
            return Ok(me);
        }
        if !told {
            tracing::info!("node.run: waits until the network admits this institution");
            told = true;
        }
        tokio::time::sleep(ADMISSION_POLL).await;
    }
}

/// Parts that never end by themselves. They end when this is dropped.
#[derive(Default)]
struct Parts(JoinSet<&'static str>);

impl Parts {
    fn start(&mut self, name: &'static str, part: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(async move {
            part.await;
            name
        });
    }

    /// Waits until one ends, and says which.
    async fn first_to_end(&mut self) -> &'static str {
        match self.0.join_next().await {
            Some(Ok(name)) => name,
            Some(Err(_)) => "a part that panicked",
            None => pending().await,
        }
    }

    /// Waits until all have ended.
    async fn all_end(&mut self) {
        while self.0.join_next().await.is_some() {}
    }
}

/// Makes the data directory, and holds it for as long as the returned file lives.
fn claim(path: &Path) -> Result<std::fs::File, RunError> {
    let failed = |source| RunError::DataDir {
        path: path.into(),
        source,
    };
    std::fs::create_dir_all(path).map_err(failed)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).map_err(failed)?;
    }
    let lock = std::fs::File::create(path.join("lock")).map_err(failed)?;
    lock.try_lock()
        .map_err(|_| RunError::Running(path.into()))?;
    Ok(lock)
}

/// Ends when consensus has ended.
async fn failed(node: &RunningNode) {
    while !node.has_failed() {
        tokio::time::sleep(WATCH_INTERVAL).await;
    }
}

async fn asked_to_stop(until_stdin_closes: bool) {
    let closed = async {
        if until_stdin_closes {
            stdin_closed().await;
        } else {
            pending::<()>().await;
        }
    };
    tokio::select! {
        () = interrupted() => {}
        () = closed => {}
    }
}

/// Ends when standard input does. Reads on a thread of its own, which ends with the process.
async fn stdin_closed() {
    let (closed, told) = tokio::sync::oneshot::channel::<()>();
    std::thread::spawn(move || {
        let mut ignored = [0; 256];
        while matches!(io::stdin().read(&mut ignored), Ok(bytes) if bytes > 0) {}
        drop(closed);
    });
    // Dropping the sender is the message.
    let _ = told.await;
}

/// Ends when the process is interrupted or told to terminate.
pub async fn interrupted() {
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            pending::<()>().await;
        }
    };
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let terminate = async {
            match signal(SignalKind::terminate()) {
                Ok(mut terminated) => {
                    terminated.recv().await;
                }
                Err(_) => pending::<()>().await,
            }
        };
        tokio::select! {
            () = interrupt => {}
            () = terminate => {}
        }
    }
    #[cfg(not(unix))]
    interrupt.await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_directory_has_one_node_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        let first = claim(&path).unwrap();
        assert!(matches!(claim(&path), Err(RunError::Running(_))));
        drop(first);
        claim(&path).unwrap();
    }
}
