//! Evaluates requests.

use std::sync::Arc;
use std::time::Duration;

use rand_core::OsRng;
use tacit_circuits::curve::{Point, WirePoint};
use tacit_circuits::oprf::{DleqProof, ListKey, evaluate};
use tacit_circuits::scope::MemberId;
use tacit_ledger::kernel::party::party;
use tacit_ledger::kernel::{BoundedVec, Missing, Reject, StateView, codec};
use tacit_ledger::network::request::MAX_CALLS;
use tacit_ledger::network::session::{Unsettled, admission};
use tacit_ledger::network::{CallBatch, Request, Session, SessionId, SignedRequest, read as state};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

use super::budgets::{BudgetError, Budgets};
use super::collecting::Collector;
use super::ledger_log::CallLog;
use super::restoring::Restorer;
use super::turns::Turns;
use super::unsettled::{Beside, Book, Claim};
use crate::compute::compute;
use crate::crash::{CrashPoint, CrashPoints};
use crate::lists::KeyRing;
use crate::peer::{Refusal, RefusalCode};
use crate::places::Places;
use crate::ports::{Habits, Ledger, LedgerError, read};
use crate::store::{ServedBatch, Settlement, Store, StoreError};
use crate::tasks::Tasks;
use crate::telemetry::Counter;
use crate::wallet::{Agreed, Wallet};

/// Longest encoded request: 1,000 calls of 96 bytes, and what surrounds them.
pub const MAX_REQUEST_BYTES: usize = 100 * 1024;

/// How often the height is looked at while a request waits for its session.
const HEIGHT_POLL: Duration = Duration::from_millis(5);

/// How far ahead of this member's ledger a session may have been opened for its request to be waited for, in
/// blocks. Members' ledgers are a block or two apart; a height beyond this is not one that is about to come.
const MAX_BLOCKS_AHEAD: u64 = 16;

/// Pause before the database is asked what became of a write whose outcome it did not tell.
const DOUBT_PAUSE: Duration = Duration::from_secs(1);

/// Label under which a signed request is hashed, to tell whether two are the same.
const REQUEST_LABEL: &str = "tacit v1 frontend served request";

/// The hash of the encoding of a signed request.
pub(super) fn request_hash(request: &[u8]) -> [u8; 32] {
    blake3::derive_key(REQUEST_LABEL, request)
}

/// How much the evaluation service takes on.
#[derive(Clone, Debug)]
pub struct EvaluationConfig {
    /// Requests evaluated at a time. Each may bring 1,000 points; the pool of threads is shared.
    pub max_concurrent: usize,
    /// Of these, those of one member.
    pub max_concurrent_per_member: usize,
    /// Requests that wait or are evaluated; further ones are refused as busy at once. Bounds memory:
    /// a request and its evaluation take half a megabyte.
    pub max_queued: usize,
    /// Of these, those of one member: a flood of one is no flood for the others.
    pub max_queued_per_member: usize,
    /// How long a request may wait for its turn before it is refused as busy, in milliseconds.
    pub queue_timeout_ms: u64,
    /// How long a request may wait for the ledger to come to its session, in milliseconds. It has no turn
    /// meanwhile.
    pub ledger_wait_ms: u64,
    /// Requests that wait for the ledger at a time; further ones are refused at once.
    pub max_waiting: usize,
    /// Of these, those of one member.
    pub max_waiting_per_member: usize,
}

impl Default for EvaluationConfig {
    fn default() -> Self {
        Self {
            max_concurrent: 8,
            max_concurrent_per_member: 4,
            max_queued: 128,
            max_queued_per_member: 32,
            queue_timeout_ms: 5_000,
            ledger_wait_ms: 2_000,
            max_waiting: 64,
            max_waiting_per_member: 8,
        }
    }
}

/// The evaluation service of one front end.
pub(crate) struct Evaluator {
    ledger: Arc<dyn Ledger>,
    store: Store,
    keys: KeyRing,
    book: Book,
    wallet: Wallet,
    budgets: Budgets,
    log: CallLog,
    crash: CrashPoints,
    config: EvaluationConfig,
    tasks: Tasks,
    turns: Turns,
    queue: Places,
    waiting: Places,
    admissions: Habits<SessionId>,
}

impl Evaluator {
    pub(crate) fn new(
        wallet: Wallet,
        store: Store,
        keys: KeyRing,
        log: CallLog,
        crash: CrashPoints,
        config: EvaluationConfig,
        tasks: &Tasks,
    ) -> Self {
        let turns = Turns::new(config.max_concurrent, config.max_concurrent_per_member);
        let queue = Places::new(config.max_queued, config.max_queued_per_member);
        let waiting = Places::new(config.max_waiting, config.max_waiting_per_member);
        let (book, ledger) = (log.book().clone(), wallet.ledger());
        let restorer = Restorer {
            ledger: ledger.clone(),
            wallet: wallet.clone(),
            store: store.clone(),
        };
        let budgets = Budgets::new(restorer.clone());
        let collector = Collector {
            ledger: ledger.clone(),
            wallet: wallet.clone(),
            store: store.clone(),
            book: book.clone(),
            restorer,
        };
        collector.start(tasks);
        Self {
            ledger,
            store,
            keys,
            book,
            wallet,
            budgets,
            log,
            crash,
            config,
            tasks: tasks.clone(),
            turns,
            queue,
            waiting,
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
        self.wait_for(caller, opened_height).await?;
        let queue_timeout = Duration::from_millis(self.config.queue_timeout_ms);
        let turn = self.turns.take(caller, queue_timeout).await;
        let turn = turn.ok_or_else(busy)?;
        let request_hash = request_hash(request);
        let (signed, blinded) = self.parse(caller, request).await?;
        let (done, answer) = oneshot::channel();
        let evaluator = self.clone();
        self.tasks.spawn(async move {
            let answer = evaluator.answer(signed, blinded, request_hash).await;
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
    ) -> Result<Vec<u8>, Refusal> {
        if let Some(answer) = self.answered_before(&signed, request_hash).await? {
            return Ok(answer);
        }
        if self.wallet.holds_sessions() {
            let message = "this member is about to change its key for quota; ask again";
            return Err(refused(RefusalCode::Busy, message));
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

        let unsettled = match self.book.claim(request, request_hash) {
            Claim::New(unsettled) => unsettled,
            // It came twice at once: the other one is being answered, and then this one is.
            Claim::Same => return Err(busy()),
            Claim::Other => return Err(reused()),
            Claim::TooOld => return Err(foreseen(Reject::SEQUENCE_TOO_OLD)),
            Claim::TooFarAhead => {
                let message = "earlier requests of the session are not settled yet; ask again";
                return Err(refused(RefusalCode::Busy, message));
            }
        };
        let claimed = Claimed {
            book: &self.book,
            request,
            keep: false,
        };
        let session = self.admit(&signed, &unsettled).await?;
        let (blinded, charge_minor) = self.charge(&signed, blinded).await?;
        let taken = self.budgets.take(&session, charge_minor).await;
        let taken = taken.map_err(unreadable)?.ok_or_else(exhausted)?;
        let (points, proof) = evaluate_batch(key, signed.clone(), blinded).await?;
        let batch = CallBatch {
            signed: signed.clone(),
            evaluated: points,
            proof,
        };
        let served = ServedBatch::now(request_hash, batch, charge_minor);
        self.crash.reach(CrashPoint::BeforeServedWrite).await;
        match self.store.insert_served(&served).await {
            Ok(()) => {}
            Err(StoreError::Conflict) => return Err(reused()),
            Err(error) => {
                // It may stand on the disk all the same: what is held stays held until that is known.
                claimed.keep();
                taken.keep();
                self.resolve(request.session, request.sequence);
                return Err(failed(error));
            }
        }
        claimed.keep();
        taken.keep();
        self.log.served(&served);
        Counter::CallsServed.add(request.calls.len());
        self.crash.reach(CrashPoint::BeforeAnswer).await;
        Ok(encode_answer(&served.batch))
    }

    /// What a request charges, in minor units, with its points: the agreed charge, for calls of which the rest
    /// is the agreed padding.
    async fn charge(
        &self,
        signed: &SignedRequest,
        blinded: Vec<Point>,
    ) -> Result<(Vec<Point>, u32), Refusal> {
        // It was admitted: the querier is the session's.
        let request = &signed.request;
        let secret = self.wallet.secret(request.session, request.querier).await;
        let signed = signed.clone();
        let secret = secret.map_err(|error| unreadable(error.into()))?;
        compute(move || {
            let request = &signed.request;
            let agreed = Agreed::new(secret, request.chain_id, request.session, request.sequence);
            let charged = agreed.charged_calls(request, &blinded);
            let charged =
                charged.map_err(|wrong| refused(RefusalCode::ChargeInvalid, wrong.to_string()))?;
            // Price and number of calls were checked: the product fits.
            Ok((blinded, charged * request.price_minor))
        })
        .await
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
        let (session, sequence) = (request.session, request.sequence);
        // In this order: what is held is released only after the disk says what became of it.
        let held = self.book.holds(session, sequence);
        let served = self.store.served(session, sequence).await;
        let Some(served) = served.map_err(failed)? else {
            return Ok(None);
        };
        if served.settlement == Settlement::Waiting && !held {
            // Nobody sees to it that it is settled, although it is answered.
            self.take_up(&served);
        }
        if served.request_hash == request_hash {
            Ok(Some(encode_answer(&served.batch)))
        } else {
            Err(reused())
        }
    }

    /// Sees that a batch that stands on the disk is settled.
    fn take_up(&self, served: &ServedBatch) {
        let request = &served.batch.signed.request;
        self.book.restore(request, served.request_hash);
        self.log.served(served);
    }

    /// Finds out whether a batch stands on the disk whose write ended in an error, and sees that it is
    /// settled if it does.
    fn resolve(&self, session: SessionId, sequence: u64) {
        let (store, book, log) = (self.store.clone(), self.book.clone(), self.log.clone());
        self.tasks.spawn(async move {
            loop {
                sleep(DOUBT_PAUSE).await;
                match store.served(session, sequence).await {
                    Ok(Some(served)) => return log.served(&served),
                    Ok(None) => return book.release(session, sequence),
                    Err(error) => {
                        tracing::error!(%error, %session, sequence, "evaluation.record: the database failed");
                    }
                }
            }
        });
    }

    /// Waits until the ledger here comes to the height at which a session was opened. Nobody vouches for the
    /// height: it takes a place among those who wait, and no turn.
    async fn wait_for(&self, caller: MemberId, height: u64) -> Result<(), Refusal> {
        let here = self.ledger.height();
        if height <= here {
            return Ok(());
        }
        if height - here > MAX_BLOCKS_AHEAD {
            return Err(behind());
        }
        let _place = self.waiting.take(caller).ok_or_else(behind)?;
        let deadline = Instant::now() + Duration::from_millis(self.config.ledger_wait_ms);
        while self.ledger.height() < height {
            if Instant::now() >= deadline {
                return Err(behind());
            }
            sleep(HEIGHT_POLL).await;
        }
        Ok(())
    }

    /// What became final a moment ago stands in the ledger's state and is held here still: counted twice, it
    /// may seem too much. Before a request is refused for that, each is counted once.
    async fn admit_exactly(
        &self,
        signed: &SignedRequest,
    ) -> Result<Result<Session, Reject>, LedgerError> {
        let provider = self.ledger.member_id();
        let request = &signed.request;
        let held = self.book.beside(request);
        read(&*self.ledger, |view| {
            let unsettled = unsettled_in(view, request, &held)?;
            admission(view, provider, signed, &unsettled)
        })
        .await
    }

    async fn admit(
        &self,
        signed: &SignedRequest,
        unsettled: &Unsettled,
    ) -> Result<Session, Refusal> {
        let provider = self.ledger.member_id();
        let session = signed.request.session;
        let question = |view: &dyn StateView| admission(view, provider, signed, unsettled);
        let mut admitted = self.admissions.read(&*self.ledger, session, question).await;
        if matches!(&admitted, Ok(Err(reject)) if LIMITS.contains(reject)) {
            admitted = self.admit_exactly(signed).await;
        }
        match admitted {
            Ok(Ok(session)) if session.provider == provider => Ok(session),
            Ok(Ok(_)) => Err(refused(
                RefusalCode::Ledger(Reject::NOT_A_PARTY),
                "not this member's session",
            )),
            Ok(Err(reject)) => Err(foreseen(reject)),
            Err(error) => {
                tracing::warn!(%error, "evaluation.admission: the ledger cannot be read");
                Err(internal())
            }
        }
    }
}

/// Refusals that depend on what is held beside a request.
const LIMITS: [Reject; 2] = [Reject::SESSION_CAP_REACHED, Reject::DAILY_CAP_REACHED];

/// What is held and not settled yet in a view of the ledger's state. Of a session that has ended, nothing
/// will be settled any more.
fn unsettled_in(
    view: &dyn StateView,
    request: &Request,
    held: &[Beside],
) -> Result<Unsettled, Missing> {
    let mut unsettled = Unsettled::default();
    let group = |id| Ok::<_, Missing>(party(view, id)?.map(|party| party.group));
    let own_group = group(request.querier)?;
    for held in held {
        let session = state::session(view, held.session)?;
        if session.is_none_or(|session| session.settled.check(held.sequence).is_err()) {
            continue;
        }
        // One cap for all members of a group.
        if held.querier == request.querier || group(held.querier)? == own_group {
            unsettled.list_calls = unsettled.list_calls.saturating_add(held.calls);
        }
        if held.session == request.session {
            unsettled.session_calls = unsettled.session_calls.saturating_add(held.calls);
        }
    }
    Ok(unsettled)
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
) -> Result<(BoundedVec<WirePoint, MAX_CALLS>, DleqProof), Refusal> {
    compute(move || {
        let context = signed.request.evaluation_context();
        let (points, proof) =
            evaluate(&key, &context, &blinded, &mut OsRng).map_err(|_| internal())?;
        let evaluated: Vec<_> = points.iter().map(Point::encode).collect();
        // There are as many evaluations as calls, and those are bounded.
        let evaluated = BoundedVec::try_from(evaluated).map_err(|_| internal())?;
        Ok((evaluated, proof))
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

fn foreseen(reject: Reject) -> Refusal {
    refused(RefusalCode::Ledger(reject), reject.to_string())
}

fn behind() -> Refusal {
    let message = "this member's ledger has not come to the session's opening yet";
    refused(RefusalCode::LedgerBehind, message)
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

fn exhausted() -> Refusal {
    let message = "the rest of the session's escrow does not cover the charge";
    refused(RefusalCode::EscrowExhausted, message)
}

fn unreadable(error: BudgetError) -> Refusal {
    tracing::error!(%error, "evaluation.charge: not known; nothing was answered");
    internal()
}

fn failed(error: StoreError) -> Refusal {
    tracing::error!(%error, "evaluation.record: the database failed; nothing was answered");
    internal()
}
