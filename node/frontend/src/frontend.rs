//! Puts the parts of a front end together.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tacit_circuits::list::VersionId;
use tacit_circuits::scope::ListId;
use tacit_ledger::network::{Request, read as state};
use tokio::time::sleep;

use crate::audit::{self, Opening};
use crate::compute::compute;
use crate::crash::CrashPoints;
use crate::disclosures::{DisclosureServer, Disclosures};
use crate::disputes::{Challenges, Disputes, PackageServer};
use crate::evaluation::{CallLog, EvaluationConfig, Evaluator, PostingTimes};
use crate::history::{self, OwnBatches};
use crate::lists::{KeyRing, Lists, Sampler};
use crate::notices::{Notices, Watch};
use crate::peer::PeerService;
use crate::ports::{Habits, Ledger, LedgerError, Peers, read};
use crate::receipts::{KeySource, ProverSlot, Receipts, SharedLog};
use crate::retention::{Custody, Retention, RetentionError, RetentionPolicy};
use crate::screening::{
    Engine, FollowUp, OwnAnswer, OwnRecords, Screening, ScreeningConfig, Sessions,
};
use crate::snapshots::{
    Archive, Copies, CopiesConfig, CopyStatus, FileError, Files, Obtainer, SnapshotServer, Trees,
};
use crate::store::{AskedBatch, Side, Store, StoreError};
use crate::tasks::Tasks;
use crate::telemetry;
use crate::wallet::{Agreed, Wallet, WalletError};

/// How often sessions and connections are looked after while nothing changes.
const WARM_INTERVAL: Duration = Duration::from_secs(5);

/// For how long past versions are kept unless it is configured: five years, as records of due diligence are
/// (Directive (EU) 2015/849, article 40).
const KEEP_VERSIONS: Duration = Duration::from_secs(1_826 * 24 * 3_600);

/// How often it is looked for past versions that need not be kept.
const FORGET_INTERVAL: Duration = Duration::from_secs(24 * 3_600);

/// How a front end is run. All has defaults but the folder.
#[derive(Clone, Debug)]
pub struct FrontendConfig {
    /// Folder of the snapshots.
    pub folder: PathBuf,
    /// The provider's service.
    pub evaluation: EvaluationConfig,
    /// The copies of others' lists.
    pub copies: CopiesConfig,
    /// Screenings.
    pub screening: ScreeningConfig,
    /// For how long nobody must have asked this member anything before it posts to the ledger what it
    /// answered, in milliseconds: answers go before their settlement.
    pub post_delay_ms: u64,
    /// How long after its answer a batch is posted whoever asks, in milliseconds.
    pub post_within_ms: u64,
    /// How long a member that fetches a list may take no part of it before it loses the transfer, in
    /// milliseconds.
    pub serve_part_timeout_ms: u64,
    /// Entries of the trees that are kept in memory, at about 63 bytes each.
    pub max_tree_entries: usize,
    /// For how long past versions of others' lists are kept, so that what they said can be shown.
    pub keep_versions: Duration,
    /// The key with which receipts are proven.
    pub proving_key: KeySource,
    /// The network's log, which whoever follows the chain fills.
    pub log: SharedLog,
    /// For how long what is kept of a call is kept.
    pub retention: RetentionPolicy,
    /// Who holds a copy of it, where somebody does.
    pub custody: Option<Custody>,
    /// Where tests stop it.
    pub crash: CrashPoints,
}

impl FrontendConfig {
    /// Defaults, with this folder.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            evaluation: EvaluationConfig::default(),
            copies: CopiesConfig::default(),
            screening: ScreeningConfig::default(),
            post_delay_ms: 100,
            post_within_ms: 3_000,
            serve_part_timeout_ms: 20_000,
            max_tree_entries: 4_000_000,
            keep_versions: KEEP_VERSIONS,
            proving_key: KeySource::Development,
            log: SharedLog::default(),
            retention: RetentionPolicy::default(),
            custody: None,
            crash: CrashPoints::default(),
        }
    }
}

/// Why a front end does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The folder of the snapshots.
    #[error(transparent)]
    File(#[from] FileError),
    /// Retention.
    #[error(transparent)]
    Retention(#[from] RetentionError),
    /// The key for quota.
    #[error(transparent)]
    Wallet(#[from] WalletError),
}

/// A verification of a copy: what it rebuilds, and what stands on the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyVerified {
    /// The version.
    pub id: VersionId,
    /// The root that the copy rebuilds; zero where it rebuilds none.
    pub root_rebuilt: [u8; 32],
    /// The root on the ledger.
    pub root_on_ledger: [u8; 32],
    /// Tags of the copy, padding included.
    pub tags: usize,
}

/// A running front end. Its background tasks end when it is dropped.
pub struct Frontend {
    /// This member's own lists.
    pub lists: Lists,
    /// Screening.
    pub screening: Screening,
    /// Receipts.
    pub receipts: Arc<Receipts>,
    /// Disputes.
    pub disputes: Disputes,
    /// This member's quota.
    pub wallet: Wallet,
    /// Calls that are opened to supervisors.
    pub disclosures: Disclosures,
    /// For how long what was asked is kept.
    pub retention: Arc<Retention>,
    /// What waits for somebody.
    pub notices: Notices,
    peer: PeerService,
    copies: Copies,
    obtainer: Obtainer,
    pub(crate) log: CallLog,
    pub(crate) sessions: Sessions,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) store: Store,
    tasks: Tasks,
}

impl Frontend {
    /// Starts everything over a ledger, connections to the others, and a database: takes up interrupted
    /// publications, posts what was answered and is not final, brings the copies of the others' lists up
    /// to date.
    pub async fn start(
        config: FrontendConfig,
        ledger: Arc<dyn Ledger>,
        peers: Arc<dyn Peers>,
        store: Store,
    ) -> Result<Self, StartError> {
        let FrontendConfig {
            crash, screening, ..
        } = config;
        telemetry::register();
        let tasks = Tasks::new();
        let (policy, custody) = (config.retention, config.custody);
        let retention = Retention::start(ledger.clone(), store.clone(), policy, custody);
        let retention = Arc::new(retention.await?);
        tasks.spawn(retention.clone().run());
        let files = Files::open(&config.folder)?;
        let (keys, trees) = (KeyRing::default(), Trees::new(config.max_tree_entries));
        let times = PostingTimes {
            quiet: Duration::from_millis(config.post_delay_ms),
            within: Duration::from_millis(config.post_within_ms),
        };
        let wallet = Wallet::start(ledger.clone(), &tasks).await?;
        let log =
            CallLog::start(ledger.clone(), store.clone(), crash.clone(), times, &tasks).await?;
        let evaluator = Evaluator::new(
            wallet.clone(),
            store.clone(),
            keys.clone(),
            log.clone(),
            crash.clone(),
            config.evaluation,
            &tasks,
        );
        let challenges = Challenges::new(ledger.clone(), peers.clone(), store.clone());
        tasks.spawn(challenges.clone().run());
        let lists = Lists::start(
            wallet.clone(),
            store.clone(),
            (files.clone(), trees.clone()),
            keys,
            challenges,
            crash.clone(),
            &tasks,
        )
        .await?;
        let prover = ProverSlot::new(config.proving_key, &config.folder, store.clone());
        let prover = Arc::new(prover);
        let sampler = Sampler::new(lists.clone(), config.log.clone(), prover.clone());
        tasks.spawn(sampler.run());
        let archive = Archive::open(&config.folder.join("archive"), config.keep_versions)?;
        tasks.spawn(forget_versions(archive.clone()));
        let obtainer = Obtainer::new(ledger.clone(), peers.clone(), files.clone(), archive, trees);
        let notices = Notices::new(ledger.clone(), store.clone());
        let watch = Watch::start(ledger.clone(), obtainer.clone(), notices.clone(), &tasks);
        let copies = Copies::start(
            ledger.clone(),
            obtainer.clone(),
            watch,
            files.clone(),
            crash.clone(),
            config.copies,
            &tasks,
        );
        let sessions = screening.sessions.clone();
        let sessions = Sessions::start(
            ledger.clone(),
            wallet.clone(),
            store.clone(),
            sessions,
            &tasks,
        )
        .await?;
        let follow_up = FollowUp::start(
            ledger.clone(),
            peers.clone(),
            store.clone(),
            sessions.clone(),
            screening.post_after_ms,
            &tasks,
        );
        let disputing = peers.clone();
        let keep_warm = screening.keep_warm;
        let part_timeout = Duration::from_millis(config.serve_part_timeout_ms);
        let screening = Screening::new(Engine {
            ledger: ledger.clone(),
            peers,
            store: store.clone(),
            wallet: wallet.clone(),
            retention: retention.clone(),
            plans: Habits::default(),
            copies: copies.clone(),
            sessions: sessions.clone(),
            follow_up,
            crash,
            config: screening,
        });
        if keep_warm {
            tasks.spawn(stay_warm(screening.clone(), copies.clone()));
        }
        let receipts = Arc::new(Receipts {
            ledger: ledger.clone(),
            store: store.clone(),
            copies: copies.clone(),
            obtainer: obtainer.clone(),
            log: config.log,
            prover,
        });
        tasks.spawn(read_proving_key(receipts.clone()));
        let disputes = Disputes {
            ledger: ledger.clone(),
            wallet: wallet.clone(),
            peers: disputing,
            store: store.clone(),
            receipts: receipts.clone(),
            retention: retention.clone(),
        };
        let peer = PeerService::new(
            ledger.clone(),
            Arc::new(evaluator),
            SnapshotServer::new(files, part_timeout, &tasks),
            PackageServer::new(ledger.clone(), store.clone()),
            DisclosureServer::new(ledger.clone(), store.clone()),
        );
        let disclosures = Disclosures {
            ledger: ledger.clone(),
            retention: retention.clone(),
            store: store.clone(),
        };
        Ok(Self {
            lists,
            screening,
            receipts,
            disputes,
            wallet,
            disclosures,
            retention,
            notices,
            peer,
            copies,
            obtainer,
            log,
            sessions,
            ledger,
            store,
            tasks,
        })
    }

    /// The service for other members, to be put behind a listener that puts a
    /// [`PeerIdentity`](crate::ports::PeerIdentity) into each request's extensions.
    pub fn peer_service(&self) -> PeerService {
        self.peer.clone()
    }

    /// How this member's copy of a list stands.
    pub fn copy_status(&self, list: ListId) -> CopyStatus {
        self.copies.status(list)
    }

    /// Lists of others whose copy here is the version in force.
    pub fn lists_current(&self) -> usize {
        self.copies.current()
    }

    /// Rebuilds the tree of this member's copy of a list. `None` where there is no copy.
    pub async fn verify_copy(&self, list: ListId) -> Result<Option<CopyVerified>, VerifyError> {
        let Some(copy) = self.copies.in_force(list) else {
            return Ok(None);
        };
        let id = copy.id;
        let (root_rebuilt, tags) = self.obtainer.verify_copy(id).await?;
        let on_ledger = read(&*self.ledger, |view| {
            let list = state::list(view, id.list)?;
            match list
                .and_then(|list| list.active)
                .filter(|active| *active == id)
            {
                Some(active) => state::publication(view, active),
                None => Ok(None),
            }
        })
        .await?;
        let on_ledger = match on_ledger {
            Some(publication) => Some(publication),
            None => self.obtainer.publication(id).await?,
        };
        let root_on_ledger = on_ledger.map_or([0; 32], |publication| publication.root.0);
        Ok(Some(CopyVerified {
            id,
            root_rebuilt,
            root_on_ledger,
            tags,
        }))
    }

    /// Batches that this member answered and that are not final yet.
    pub fn served_waiting(&self) -> usize {
        self.log.waiting()
    }

    /// Opens calls of one of this member's requests, named by their places in it: what an examiner is shown; or
    /// says that they were erased in time. `None` where this member keeps no such request.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open_calls(
        &self,
        session: tacit_ledger::network::SessionId,
        sequence: u64,
        places: &[u32],
    ) -> Result<Option<Opening>, StoreError> {
        let Some((asked, records, answer)) = self.own_records(session, sequence).await? else {
            let erased = self.store.erased(session, sequence).await?;
            return Ok(erased.map(Opening::Erased));
        };
        let opened = audit::open(&self.obtainer, &asked, records, answer, places).await?;
        Ok(opened.map(Opening::Opened))
    }

    /// What this member keeps of one of its requests: the request, why it was made, and the answers. `None`
    /// where its retention period is over as well.
    pub async fn own_records(
        &self,
        session: tacit_ledger::network::SessionId,
        sequence: u64,
    ) -> Result<Option<(AskedBatch, OwnRecords, Option<OwnAnswer>)>, StoreError> {
        let Some(asked) = self.store.asked(session, sequence).await? else {
            return Ok(None);
        };
        let damaged = |_| StoreError::Damaged("audit record");
        let records = OwnRecords::from_padded(&asked.records);
        let records = records.map_err(|_| StoreError::Damaged("audit record"))?;
        let answer = asked
            .answer
            .as_ref()
            .map(|bytes| tacit_ledger::kernel::decode(bytes));
        let answer = answer.transpose().map_err(damaged)?;
        Ok(Some((asked, records, answer)))
    }

    /// What this member keeps of many of its requests, named by session and sequence: how many of the calls of each
    /// are padding, why it was made, and what came of it. Those that another front end of this member keeps are missing.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn own_batches(&self, names: &[(u64, u64)]) -> Result<OwnBatches, StoreError> {
        history::own_batches(&self.store, self.ledger.chain_id(), names).await
    }

    /// What shows that the padding of a request of this member is padding.
    ///
    /// # Errors
    /// [`WalletError`].
    pub async fn padding_seed(&self, request: &Request) -> Result<[u8; 32], WalletError> {
        let other = request.provider;
        let present = read(&*self.ledger, |view| state::quota_key(view, other)).await?;
        let present = present.ok_or(WalletError::NoKey(other))?;
        let former = self.ledger.former_quota_keys(other).await?;
        let theirs: Vec<_> = former.into_iter().chain([present]).rev().collect();
        let (own, request) = (self.wallet.opener().keys(), request.clone());
        let seed = compute(move || {
            let pairs = own.iter().rev().flat_map(|own| {
                let theirs = theirs.iter();
                theirs.map(|theirs| own.agree(theirs))
            });
            let (session, sequence) = (request.session, request.sequence);
            let agreed =
                pairs.map(|secret| Agreed::new(secret, request.chain_id, session, sequence));
            // The charge tells between which keys it was agreed.
            let mut found = agreed.filter(|agreed| agreed.count(&request).is_some());
            found.next().map(|agreed| agreed.padding_seed())
        });
        seed.await.ok_or(WalletError::NotAgreed)
    }

    /// How many calls of these requests, named by session and sequence, are padding, of those that have any.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn padding(
        &self,
        side: Side,
        names: &[(u64, u64)],
    ) -> Result<HashMap<(u64, u64), u64>, StoreError> {
        self.store.padding_of(side, names).await
    }

    /// The database.
    pub fn store(&self) -> &Store {
        &self.store
    }
}

/// Why a copy could not be verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The copy cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl Drop for Frontend {
    fn drop(&mut self) {
        self.tasks.abort();
    }
}

/// Deletes past versions whose time is over.
async fn forget_versions(archive: Archive) {
    loop {
        let of = archive.clone();
        let forgotten = compute(move || of.forget(SystemTime::now())).await;
        if let Err(error) = forgotten {
            tracing::warn!(%error, "snapshots.archive: trying again");
        }
        sleep(FORGET_INTERVAL).await;
    }
}

/// Reads the proving key at the start where the network takes receipts, so that the first does not wait for
/// it.
async fn read_proving_key(receipts: Arc<Receipts>) {
    let voted = read(&*receipts.ledger, state::receipt_key).await;
    if !matches!(voted, Ok(Some(_))) {
        return;
    }
    if let Err(error) = receipts.prover().get().await {
        tracing::warn!(%error, "receipts.key: no receipts until it can be read");
    }
}

/// Keeps sessions and connections ready for every list that can be asked.
async fn stay_warm(screening: Screening, copies: Copies) {
    let mut ready = 0;
    loop {
        match screening.warm().await {
            Ok(lists) if lists != ready => {
                ready = lists;
                tracing::info!(lists, "screening.warm: ready");
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, "screening.warm: sessions could not be opened");
                sleep(WARM_INTERVAL).await;
            }
        }
        tokio::select! {
            () = copies.wait_for_change() => {}
            () = sleep(WARM_INTERVAL) => {}
        }
    }
}
