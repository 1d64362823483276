//! One batch of one list: reserve, blind, sign, record, send, verify, look up, record, answer.

use std::sync::Arc;
use std::time::Duration;

use rand_core::OsRng;
use tacit_circuits::curve::{Point, WirePoint, encode_field};
use tacit_circuits::oprf::{
    BlindState, DleqProof, EvaluationError, FinalizeError, Input, PublicKey, blind, finalize,
    verify,
};
use tacit_ledger::kernel::{BoundedVec, Digest, Reject, codec};
use tacit_ledger::network::audit::{AuditContext, AuditRecord};
use tacit_ledger::network::request::{Call, MAX_CALLS};
use tacit_ledger::network::{Request, SignedRequest};
use tacit_sealing::{BatchName, Period};
use tokio::time::{Instant, sleep};

use super::answer::{Answer, Batch, RowAnswer, Unreachable};
use super::engine::Engine;
use super::own_records::{OwnAnswer, OwnRecords, fresh_nonce};
use super::plan::PlannedList;
use super::sessions::{Reservation, SessionError, Sessions};
use crate::compute::compute;
use crate::crash::CrashPoint;
use crate::peer::{PeerError, PeerMisbehaved, RefusalCode, evaluate};
use crate::ports::LedgerError;
use crate::rows::Row;
use crate::snapshots::ListCopy;
use crate::store::NewAsked;
use crate::telemetry::Counter;
use crate::wallet::{Agreed, WalletError};

/// Sessions that are tried for one batch: one that turns out to be over is replaced.
const MAX_SESSIONS_TRIED: usize = 3;

/// Pause before a provider that is busy, or whose ledger is behind, is asked again.
const BUSY_PAUSE: Duration = Duration::from_millis(50);

/// Times that a connection which failed is tried again with the same bytes.
const MAX_RECONNECTS: usize = 2;

/// What is asked of one list.
pub(super) struct Ask {
    pub(super) planned: Arc<PlannedList>,
    pub(super) copy: Arc<ListCopy>,
    pub(super) rows: Arc<Vec<Row>>,
    pub(super) context: Arc<AuditContext>,
    pub(super) timeout: Duration,
}

/// A signed request with what only this member knows.
struct Prepared {
    signed: SignedRequest,
    states: Vec<BlindState>,
    records: OwnRecords,
}

impl Engine {
    /// Asks, and answers with what was verified.
    pub(super) async fn ask(&self, ask: &Ask) -> Result<Batch, Unreachable> {
        let calls = ask.rows.len() as u64;
        let mut last = None;
        for _ in 0..MAX_SESSIONS_TRIED {
            let reservation = self.sessions.reserve(&ask.planned, calls).await?;
            match self.ask_in(ask, &reservation).await {
                Err(Unreachable::Peer(PeerError::Refused(refusal)))
                    if refusal.reject_number().is_some_and(Sessions::ends_session)
                        || refusal.is(RefusalCode::SequenceReused)
                        || refusal.is(RefusalCode::EscrowExhausted) =>
                {
                    self.sessions
                        .retire(ask.planned.list, reservation.session)
                        .await;
                    last = Some(Unreachable::Peer(refusal.into()));
                }
                other => return other,
            }
        }
        Err(last.unwrap_or(Unreachable::NoCopy))
    }

    async fn ask_in(&self, ask: &Ask, place: &Reservation) -> Result<Batch, Unreachable> {
        let prepared = self.prepare(ask, place).await;
        let Prepared {
            signed,
            states,
            records,
        } = match prepared {
            Ok(prepared) => prepared,
            Err(error) => return Err(self.unsent(ask, place, error).await),
        };
        self.crash.reach(CrashPoint::BeforeAskedWrite).await;
        let (period, keep_months) = self.retention.period(&records.context);
        let name = BatchName::of(&signed.request);
        let kept = (&period, keep_months);
        let written = self.write_down(ask, place, &signed, &records, kept).await;
        if let Err(error) = written {
            return Err(self.unsent(ask, place, error).await);
        }
        self.crash.reach(CrashPoint::BeforeSend).await;
        let bytes = codec::encode(&signed);
        let (evaluated, proof) = match self.send(ask, place, bytes).await {
            Ok(answer) => answer,
            Err(error) => {
                self.note_failure(ask, place, &error).await;
                return Err(Unreachable::Peer(error));
            }
        };
        let opened = self
            .open_answer(ask, signed, states, evaluated, proof)
            .await;
        let answer = match opened {
            Ok(answer) => answer,
            Err(error) => {
                Counter::AnswersRefused.add(1);
                tracing::error!(provider = %ask.planned.provider, %error, "screening.verify: refused");
                return Err(error);
            }
        };
        self.crash.reach(CrashPoint::BeforeAnswerWrite).await;
        let version = Some(ask.copy.id.version);
        let encoded = zeroize::Zeroizing::new(codec::encode(&answer));
        self.store
            .answer_asked(name, &period, version, &encoded)
            .await
            .map_err(local)?;
        if answer
            .hits
            .as_ref()
            .is_some_and(|hits| hits.contains(&true))
        {
            self.copies.relied_on(ask.copy.id);
        }
        self.crash.reach(CrashPoint::BeforeHandOver).await;
        Ok(batch(ask, place, &answer))
    }

    /// Puts a request with its records onto the disk, and the custodian's copy with them where there is one.
    async fn write_down(
        &self,
        ask: &Ask,
        place: &Reservation,
        signed: &SignedRequest,
        records: &OwnRecords,
        (period, keep_months): (&Period, u32),
    ) -> Result<(), Unreachable> {
        let padded = records.to_padded();
        let padded =
            padded.ok_or_else(|| local("the records are larger than a request may have"))?;
        let (name, version) = (BatchName::of(&signed.request), ask.copy.id.version);
        let copy = self
            .retention
            .custody()
            .map(|custody| custody.seal(period, &name, version, &padded));
        let copy = copy.transpose().map_err(local)?;
        let asked = NewAsked {
            signed,
            records: &padded,
            context: &records.context,
            padding: place.size.saturating_sub(ask.rows.len() as u64),
            charged_minor: place.charged_minor,
            period,
            keep_months,
            copy: copy.as_deref(),
        };
        self.store.insert_asked(asked).await.map_err(local)
    }

    /// Blinds, records and signs, on all cores.
    async fn prepare(&self, ask: &Ask, place: &Reservation) -> Result<Prepared, Unreachable> {
        let (rows, planned) = (ask.rows.clone(), ask.planned.clone());
        let (context, place) = (ask.context.clone(), place.clone());
        let ledger = self.ledger.clone();
        let secret = self.wallet.secret(place.session, planned.provider).await;
        let secret = secret.map_err(local)?;
        compute(move || {
            let inputs: Vec<Input> = rows
                .iter()
                .map(|row| Input {
                    kind: row.identifier.kind(),
                    x: row.identifier.field(),
                    list: planned.list,
                    tag_epoch: planned.tag_epoch,
                })
                .collect();
            let (mut states, blinded) = blind(&inputs, &mut OsRng).map_err(|e| e.to_string())?;
            let records = own_records(&rows, &inputs, &states, &context);
            let audits = records.calls.iter();
            let audits = audits.map(|(_, nonce, record)| record.commitment(nonce));
            let mut calls: Vec<Call> = blinded.iter().zip(audits).map(call).collect();
            let agreed = Agreed::new(secret, ledger.chain_id(), place.session, place.sequence);
            let charge = agreed.opening(place.charge_minor(rows.len()), place.price_minor);
            // Padding comes last: what this member keeps of a call, and is told of it, has the call's place.
            let lacking = (place.size as usize).saturating_sub(rows.len());
            let scope = (planned.list, planned.tag_epoch);
            let padding = agreed.padding(lacking, scope).map_err(|e| e.to_string())?;
            calls.extend(padding.points.iter().zip(padding.audits).map(call));
            states.extend(padding.states);
            let request = Request {
                chain_id: ledger.chain_id(),
                session: place.session,
                sequence: place.sequence,
                querier: ledger.member_id(),
                provider: planned.provider,
                list: planned.list,
                tag_epoch: planned.tag_epoch,
                key: planned.key,
                price_minor: place.price_minor,
                charge: charge.commitment(),
                calls: BoundedVec::try_from(calls).map_err(|e| e.to_string())?,
            };
            let signed = request.sign_with(ledger.ledger_key(), |message| ledger.sign(message));
            Ok(Prepared {
                signed,
                states,
                records,
            })
        })
        .await
        .map_err(Unreachable::Local)
    }

    /// Sends the same bytes until there is an answer, a refusal, or no time left.
    async fn send(
        &self,
        ask: &Ask,
        place: &Reservation,
        bytes: Vec<u8>,
    ) -> Result<(BoundedVec<WirePoint, MAX_CALLS>, DleqProof), PeerError> {
        let deadline = Instant::now() + ask.timeout;
        let mut reconnects = 0;
        let mut lost = None;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let timeout_ms = ask.timeout.as_millis() as u64;
                return Err(PeerError::TimedOut { timeout_ms });
            }
            let sent = async {
                let channel = self.peers.channel(ask.planned.provider).await?;
                evaluate(channel, bytes.clone(), place.opened_height, left).await
            };
            let result = tokio::time::timeout(left, sent).await;
            let timeout_ms = ask.timeout.as_millis() as u64;
            match result.unwrap_or(Err(PeerError::TimedOut { timeout_ms })) {
                Err(PeerError::Refused(refusal)) if is_passing(refusal.code) => {
                    sleep(BUSY_PAUSE.min(left)).await;
                }
                Err(error @ PeerError::Transport(_)) if reconnects < MAX_RECONNECTS => {
                    reconnects += 1;
                    lost = Some(error);
                    sleep(BUSY_PAUSE.min(left)).await;
                }
                // What was lost on the way may have been evaluated; what never left was not.
                Err(PeerError::NoConnection(error)) => {
                    return Err(lost.unwrap_or(PeerError::NoConnection(error)));
                }
                // The whole time is over, not only what was left of it.
                Err(PeerError::TimedOut { .. }) => return Err(PeerError::TimedOut { timeout_ms }),
                other => return other,
            }
        }
    }

    /// A request that was refused, or never left, was not evaluated: its room in the session serves another.
    /// One without an answer may have been: it stays on the disk, and the ledger tells.
    async fn note_failure(&self, ask: &Ask, place: &Reservation, error: &PeerError) {
        if !matches!(error, PeerError::Refused(_) | PeerError::NoConnection(_)) {
            return;
        }
        self.give_back(ask, place).await;
        let (session, sequence) = (place.session, place.sequence);
        if let Err(error) = self.store.give_up_asked(session, sequence).await {
            tracing::error!(%error, "screening.record: the database failed");
        }
    }

    /// Gives up the place of a request that was not sent.
    async fn unsent(&self, ask: &Ask, place: &Reservation, error: Unreachable) -> Unreachable {
        self.give_back(ask, place).await;
        error
    }

    async fn give_back(&self, ask: &Ask, place: &Reservation) {
        let calls = ask.rows.len() as u64;
        self.sessions
            .give_back(ask.planned.list, place, calls)
            .await;
    }

    /// Verifies the proof against the ledger's key, makes the tags, looks them up. On all cores.
    async fn open_answer(
        &self,
        ask: &Ask,
        signed: SignedRequest,
        states: Vec<BlindState>,
        evaluated: BoundedVec<WirePoint, MAX_CALLS>,
        proof: DleqProof,
    ) -> Result<OwnAnswer, Unreachable> {
        let (copy, asked) = (ask.copy.clone(), ask.rows.len());
        compute(move || {
            let request = &signed.request;
            let points = answered_points(states.len(), &evaluated)?;
            let key = PublicKey::from_wire(&request.key).map_err(local)?;
            let context = request.evaluation_context();
            let tags = finalize(&states, &key, &context, &points, &proof).map_err(fault)?;
            let hits = tags
                .into_iter()
                .take(asked)
                .map(|tag| copy.lookup.contains(tag))
                .collect();
            Ok(OwnAnswer {
                evaluated,
                proof,
                hits: Some(hits),
            })
        })
        .await
    }
}

/// The evaluated points of an answer to so many calls.
fn answered_points(asked: usize, evaluated: &[WirePoint]) -> Result<Vec<Point>, PeerMisbehaved> {
    let answered = evaluated.len();
    if asked != answered {
        return Err(PeerMisbehaved::WrongCount { asked, answered });
    }
    Point::decode_batch(evaluated)
        .map_err(|(index, source)| PeerMisbehaved::PointInvalid { index, source })
}

/// Verifies an answer that came after its screening had ended. Nobody waits for what it says; the proof is
/// kept with the request, and whoever audits it finds the answer there.
pub(super) fn late_answer(
    request: &Request,
    evaluated: BoundedVec<WirePoint, MAX_CALLS>,
    proof: DleqProof,
) -> Result<OwnAnswer, Unreachable> {
    let points = answered_points(request.calls.len(), &evaluated)?;
    let blinded = Point::decode_batch(&request.blinded()).map_err(|(_, error)| local(error))?;
    let key = PublicKey::from_wire(&request.key).map_err(local)?;
    let context = request.evaluation_context();
    verify(&key, &context, &blinded, &points, &proof).map_err(|error| fault(error.into()))?;
    Ok(OwnAnswer {
        evaluated,
        proof,
        hits: None,
    })
}

fn call((point, audit): (&Point, Digest)) -> Call {
    Call {
        blinded: point.encode(),
        audit,
    }
}

fn own_records(
    rows: &[Row],
    inputs: &[Input],
    states: &[BlindState],
    context: &AuditContext,
) -> OwnRecords {
    let digest: Digest = context.digest();
    let calls = rows
        .iter()
        .zip(inputs)
        .zip(states)
        .map(|((row, input), state)| {
            let record = AuditRecord {
                kind: input.kind,
                x: encode_field(&input.x),
                blind: *state.blind().to_secret_bytes(),
                context: digest,
            };
            (row.row, fresh_nonce(), record)
        });
    OwnRecords {
        context: context.clone(),
        calls: calls.collect(),
    }
}

fn batch(ask: &Ask, place: &Reservation, answer: &OwnAnswer) -> Batch {
    let hits = answer.hits.as_deref().unwrap_or_default();
    let rows = ask
        .rows
        .iter()
        .zip(hits)
        .enumerate()
        .map(|(index, (row, hit))| RowAnswer {
            row: row.row,
            // A batch has at most a thousand calls.
            index: index as u32,
            answer: if *hit { Answer::Hit } else { Answer::Clear },
        });
    Batch {
        version: ask.copy.id.version,
        session: place.session,
        sequence: place.sequence,
        cost_minor: hits.len() as u64 * u64::from(place.price_minor),
        rows: rows.collect(),
    }
}

/// Refusals that pass by themselves within moments.
fn is_passing(code: u32) -> bool {
    [
        RefusalCode::Busy,
        RefusalCode::LedgerBehind,
        RefusalCode::Internal,
    ]
    .iter()
    .any(|passing| passing.number() == code)
}

fn fault(error: FinalizeError) -> Unreachable {
    match error {
        FinalizeError::Evaluation(EvaluationError::WrongProof) => {
            misbehaved(PeerMisbehaved::WrongProof)
        }
        FinalizeError::Evaluation(EvaluationError::LengthMismatch { blinded, evaluated }) => {
            misbehaved(PeerMisbehaved::WrongCount {
                asked: blinded,
                answered: evaluated,
            })
        }
        other => local(other),
    }
}

fn misbehaved(fault: PeerMisbehaved) -> Unreachable {
    Unreachable::Peer(fault.into())
}

fn local(error: impl std::fmt::Display) -> Unreachable {
    Unreachable::Local(error.to_string())
}

impl From<PeerMisbehaved> for Unreachable {
    fn from(fault: PeerMisbehaved) -> Self {
        misbehaved(fault)
    }
}

impl From<SessionError> for Unreachable {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Ledger(error) => Self::NoSession(error),
            SessionError::Wallet(WalletError::Exhausted {
                needed_minor,
                available_minor,
            }) => Self::NoQuota {
                needed_minor,
                available_minor,
            },
            other => Self::Local(other.to_string()),
        }
    }
}

/// Whether a refusal says that the list's epoch has changed, so that the plan is to be made anew.
pub(super) fn is_rotated(error: &Unreachable) -> bool {
    let changed = [
        Reject::EPOCH_SUPERSEDED,
        Reject::EPOCH_NOT_ACTIVE,
        Reject::EPOCH_REVOKED,
    ];
    match error {
        Unreachable::Peer(PeerError::Refused(refusal)) => {
            let number = refusal.reject_number();
            changed.iter().any(|reject| Some(reject.number()) == number)
        }
        Unreachable::NoSession(LedgerError::Rejected(reject)) => changed.contains(reject),
        _ => false,
    }
}
