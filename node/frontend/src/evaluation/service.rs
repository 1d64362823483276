//! Evaluates requests.

use std::sync::Arc;
use std::time::Duration;

use rand_core::OsRng;
use tacit_circuits::curve::Point;
use tacit_circuits::oprf::{ListKey, evaluate};
use tacit_circuits::scope::MemberId;
use tacit_ledger::kernel::{BoundedVec, Reject, StateView, codec};
use tacit_ledger::network::session::{Unsettled, admission};
use tacit_ledger::network::{CallBatch, SessionId, SignedRequest};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::{Instant, sleep, timeout};

use super::ledger_log::CallLog;
use super::unsettled::{Book, Claim};
use crate::compute::compute;
use crate::crash::{CrashPoint, CrashPoints};
use crate::lists::KeyRing;
use crate::peer::{Refusal, RefusalCode};
use crate::places::Places;
use crate::ports::{Habits, Ledger};
use crate::store::{ServedBatch, Store, StoreError};
use crate::tasks::Tasks;
use crate::telemetry::Counter;

/// Longest encoded request: 1,000 calls of 96 bytes, and what surrounds them.
pub const MAX_REQUEST_BYTES: usize = 100 * 1024;

/// How often the height is looked at while a request waits for its session.
const HEIGHT_POLL: Duration = Duration::from_millis(5);

/// Label under which a signed request is hashed, to tell whether two are the same.
const REQUEST_LABEL: &str = "tacit v1 frontend served request";

/// How much the evaluation service takes on.
#[derive(Clone, Debug)]
pub struct EvaluationConfig {
    /// Requests evaluated at a time. Each may bring 1,000 points; the pool of threads is shared.
    pub max_concurrent: usize,
    /// Requests that wait or are evaluated; further ones are refused as busy at once. Bounds memory:
    /// a request and its evaluation take half a megabyte.
    pub max_queued: usize,
    /// Of these, those of one member: a flood of one is no flood for the others.
    pub max_queued_per_member: usize,
    /// How long a request may wait for its turn before it is refused as busy, in milliseconds.
    pub queue_timeout_ms: u64,
    /// How long a request may wait for the ledger to come to its session, in milliseconds.
    pub ledger_wait_ms: u64,
}

impl Default for EvaluationConfig {
    fn default() -> Self {
        Self {
            max_concurrent: 8,
            max_queued: 128,
            max_queued_per_member: 32,
            queue_timeout_ms: 5_000,
            ledger_wait_ms: 2_000,
        }
    }
}

/// The evaluation service of one front end.
#[derive(Debug)]
pub(crate) struct Evaluator {
    ledger: Arc<dyn Ledger>,
    store: Store,
    keys: KeyRing,
    book: Book,
    log: CallLog,
    crash: CrashPoints,
    config: EvaluationConfig,
    tasks: Tasks,
    permits: Arc<Semaphore>,
    queue: Places,
    admissions: Habits<SessionId>,
}

impl Evaluator {
    pub(crate) fn new(
        ledger: Arc<dyn Ledger>,
        store: Store,
        keys: KeyRing,
        log: CallLog,
        crash: CrashPoints,
        config: EvaluationConfig,
        tasks: &Tasks,
    ) -> Self {
        let permits = Arc::new(Semaphore::new(config.max_concurrent));
        let queue = Places::new(config.max_queued, config.max_queued_per_member);
        let book = log.book().clone();
        Self {
            ledger,
            store,
            keys,
            book,
            log,
            crash,
            config,
            tasks: tasks.clone(),
            permits,
            queue,
            admissions: Habits::default(),
        }
    }

    /// Answers a request of `caller` with the encoded evaluation: the evaluated points and their proof.
    ///
    /// A caller that goes away while it waits for its turn is forgotten. From then on the request is
    /// answered to its end, whether or not anybody still listens: one that is on the disk must be posted.
    pub(crate) async fn evaluate(
        self: &Arc<Self>,
        caller: MemberId,
        request: &[u8],
        opened_height: u64,
    ) -> Result<Vec<u8>, Refusal> {
        let _place = self.queue.take(caller).ok_or_else(busy)?;
        let _asking = self.log.asked();
        let queue_timeout = Duration::from_millis(self.config.queue_timeout_ms);
        let turn = timeout(queue_timeout, self.permits.clone().acquire_owned())
            .await
            .map_err(|_| busy())?
            .map_err(|_| internal())?;
        let request_hash = blake3::derive_key(REQUEST_LABEL, request);
        let (signed, blinded) = self.parse(caller, request).await?;
        let (done, answer) = oneshot::channel();
        let evaluator = self.clone();
        self.tasks.spawn(async move {
            let answer = evaluator
                .answer(signed, blinded, request_hash, opened_height)
                .await;
            drop(turn);
            // The caller may have gone; the same request gets the same answer from the disk.
            let _ = done.send(answer);
        });
        answer.await.map_err(|_| internal())?
    }

    async fn answer(
        &self,
        signed: SignedRequest,
        blinded: Vec<Point>,
        request_hash: [u8; 32],
        opened_height: u64,
    ) -> Result<Vec<u8>, Refusal> {
        if let Some(answer) = self.answered_before(&signed, request_hash).await? {
            return Ok(answer);
        }
        let request = &signed.request;
        let key = self
            .keys
            .key(request.list, request.tag_epoch)
            .ok_or_else(|| {
                refused(
                    RefusalCode::KeyUnknown,
                    "no key for this list and tag epoch",
                )
            })?;
        self.wait_for(opened_height).await?;

        let unsettled = match self.book.claim(request, request_hash) {
            Claim::New(unsettled) => unsettled,
            // It came twice at once: the other one is being answered, and then this one is.
            Claim::Same => return Err(busy()),
            Claim::Other => return Err(reused()),
        };
        let claimed = Claimed {
            book: &self.book,
            request,
            keep: false,
        };
        self.admit(&signed, &unsettled).await?;
        let served = evaluate_batch(key, signed.clone(), blinded, request_hash).await?;
        self.crash.reach(CrashPoint::BeforeServedWrite).await;
        match self.store.insert_served(&served).await {
            Ok(()) => {}
            Err(StoreError::Conflict) => return Err(reused()),
            Err(error) => return Err(failed(error)),
        }
        claimed.keep();
        self.log.served(&served);
        Counter::CallsServed.add(request.calls.len());
        self.crash.reach(CrashPoint::BeforeAnswer).await;
        Ok(encode_answer(&served.batch))
    }

    /// Form, caller, signature, sums and points, away from the serving threads.
    async fn parse(
        &self,
        caller: MemberId,
        bytes: &[u8],
    ) -> Result<(SignedRequest, Vec<Point>), Refusal> {
        if bytes.len() > MAX_REQUEST_BYTES {
            return Err(refused(RefusalCode::Malformed, "the request is too long"));
        }
        let signed: SignedRequest = codec::decode(bytes).map_err(|_| {
            refused(
                RefusalCode::Malformed,
                "not an encoding of a signed request",
            )
        })?;
        if signed.request.querier != caller {
            let message = "the caller is not the querier whose request this is";
            return Err(refused(RefusalCode::NotTheQuerier, message));
        }
        let chain_id = self.ledger.chain_id();
        compute(move || match signed.check(chain_id) {
            Ok(points) => Ok((signed, points)),
            Err(reject) => Err(refused(code_of(reject), reject.to_string())),
        })
        .await
    }

    async fn answered_before(
        &self,
        signed: &SignedRequest,
        request_hash: [u8; 32],
    ) -> Result<Option<Vec<u8>>, Refusal> {
        let request = &signed.request;
        let served = self
            .store
            .served(request.session, request.sequence)
            .await
            .map_err(failed)?;
        match served {
            None => Ok(None),
            Some(served) if served.request_hash == request_hash => {
                Ok(Some(encode_answer(&served.batch)))
            }
            Some(_) => Err(reused()),
        }
    }

    async fn wait_for(&self, height: u64) -> Result<(), Refusal> {
        let deadline = Instant::now() + Duration::from_millis(self.config.ledger_wait_ms);
        while self.ledger.height() < height {
            if Instant::now() >= deadline {
                let message = "this member's ledger has not come to the session's opening yet";
                return Err(refused(RefusalCode::LedgerBehind, message));
            }
            sleep(HEIGHT_POLL).await;
        }
        Ok(())
    }

    async fn admit(&self, signed: &SignedRequest, unsettled: &Unsettled) -> Result<(), Refusal> {
        let provider = self.ledger.member_id();
        let session = signed.request.session;
        let question = |view: &dyn StateView| admission(view, provider, signed, unsettled);
        let admitted = self.admissions.read(&*self.ledger, session, question).await;
        match admitted {
            Ok(Ok(session)) if session.provider == provider => Ok(()),
            Ok(Ok(_)) => Err(refused(
                RefusalCode::Ledger(Reject::NOT_A_PARTY),
                "not this member's session",
            )),
            Ok(Err(reject)) => Err(refused(RefusalCode::Ledger(reject), reject.to_string())),
            Err(error) => {
                tracing::warn!(%error, "evaluation.admission: the ledger cannot be read");
                Err(internal())
            }
        }
    }
}

impl std::fmt::Debug for dyn Ledger {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Ledger({})", self.member_id())
    }
}

async fn evaluate_batch(
    key: Arc<ListKey>,
    signed: SignedRequest,
    blinded: Vec<Point>,
    request_hash: [u8; 32],
) -> Result<ServedBatch, Refusal> {
    compute(move || {
        let context = signed.request.evaluation_context();
        let (points, proof) =
            evaluate(&key, &context, &blinded, &mut OsRng).map_err(|_| internal())?;
        let evaluated: Vec<_> = points.iter().map(Point::encode).collect();
        // There are as many evaluations as calls, and those are bounded.
        let evaluated = BoundedVec::try_from(evaluated).map_err(|_| internal())?;
        Ok(ServedBatch::now(
            request_hash,
            CallBatch {
                signed,
                evaluated,
                proof,
            },
        ))
    })
    .await
}

/// The evaluated points, then the proof, as they stand in a batch.
fn encode_answer(batch: &CallBatch) -> Vec<u8> {
    codec::encode(&(&batch.evaluated, &batch.proof))
}

/// Gives a claim up again unless the request was put onto the disk.
struct Claimed<'a> {
    book: &'a Book,
    request: &'a tacit_ledger::network::Request,
    keep: bool,
}

impl Claimed<'_> {
    fn keep(mut self) {
        self.keep = true;
    }
}

impl Drop for Claimed<'_> {
    fn drop(&mut self) {
        if !self.keep {
            self.book
                .release(self.request.session, self.request.sequence);
        }
    }
}

fn code_of(reject: Reject) -> RefusalCode {
    match reject {
        Reject::REQUEST_WRONG_CHAIN => RefusalCode::WrongChain,
        Reject::REQUEST_SIGNATURE_INVALID => RefusalCode::SignatureInvalid,
        Reject::POINT_INVALID => RefusalCode::PointInvalid,
        other => RefusalCode::Ledger(other),
    }
}

fn refused(code: RefusalCode, message: impl Into<String>) -> Refusal {
    Refusal::new(code, message)
}

fn busy() -> Refusal {
    refused(
        RefusalCode::Busy,
        "this member has as much to do as it takes on; ask again",
    )
}

fn internal() -> Refusal {
    refused(
        RefusalCode::Internal,
        "this member could not do it; ask again",
    )
}

fn reused() -> Refusal {
    let message = "another request was answered under this session and sequence number";
    refused(RefusalCode::SequenceReused, message)
}

fn failed(error: StoreError) -> Refusal {
    tracing::error!(%error, "evaluation.record: the database failed; nothing was answered");
    internal()
}
