//! Opens calls of this member to an examiner.

use std::collections::{BTreeMap, BTreeSet};

use tacit_circuits::list::VersionId;
use tacit_client::audit::{
    AuditBundle, AuditedBatch, AuditedCall, BundleError, Erasure, MAX_BATCHES, MAX_BUNDLE_CALLS,
    Padding, UnopenedBatch,
};
use tacit_finality::Evidence;
use tacit_frontend::ports::Ledger as _;
use tacit_frontend::store::{ErasedBatch, Side, StoreError};
use tacit_frontend::{OpenedCalls, Opening};
use tacit_ledger::kernel::{Envelope, MemberId, StateKey, TxId};
use tacit_ledger::network::{Action, CallBatch, SessionId, keys};
use tacit_proto::operator as proto;

use super::Operator;
use super::error::ApiError;
use super::lists::{Answers, gone};

/// Bytes of one message of a bundle: far below what a message may have.
const PART_BYTES: usize = 1 << 20;

/// Records that one piece of evidence proves.
const VALUES_AT_A_TIME: usize = 128;

/// Calls by batch: session and sequence, then the places in the request.
pub(super) type Asked = BTreeMap<(u64, u64), BTreeSet<u32>>;

impl Operator {
    /// Gathers records, transactions, proofs of finality and paths of answers, and hands out the file.
    pub(super) async fn audit_bundle(
        &self,
        request: proto::AuditBundleRequest,
        answers: Answers<proto::AuditBundleResponse>,
    ) -> Result<(), ApiError> {
        use proto::audit_bundle_response::Step;
        let (asked, unopened) = (asked(&request.calls)?, request.unopened);
        let progress = |done, total| {
            let progress = proto::Progress {
                stage: proto::Stage::Opening.into(),
                done,
                total,
            };
            let step = Some(Step::Progress(progress));
            let _ = answers.try_send(Ok(proto::AuditBundleResponse { step }));
        };
        let file = self.bundle(asked, unopened, progress).await?;
        for part in file.chunks(PART_BYTES) {
            let step = Some(Step::Part(part.to_vec()));
            let sent = answers.send(Ok(proto::AuditBundleResponse { step })).await;
            sent.map_err(|_| gone())?;
        }
        Ok(())
    }

    /// Opens calls of this member as a file that verifies offline, or of any member without opening them. Says how many batches of how many are done.
    pub(super) async fn bundle(
        &self,
        asked: Asked,
        unopened: bool,
        progress: impl Fn(u64, u64),
    ) -> Result<Vec<u8>, ApiError> {
        let total = asked.len() as u64;
        let mut bundle = AuditBundle {
            chain_id: self.ledger.chain_id(),
            member: self.ledger.member_id(),
            batches: Vec::new(),
            unopened: Vec::new(),
            records: Vec::new(),
        };
        let (mut versions, mut members) = (BTreeSet::new(), BTreeSet::new());
        for (done, ((session, sequence), places)) in (1..).zip(asked) {
            let places: Vec<u32> = places.into_iter().collect();
            let session = SessionId(session);
            // Copies are made of requests before they are sent: some never become final.
            if unopened && self.read_model.batch(session, sequence).await?.is_none() {
                continue;
            }
            let settled = self.settled(session, sequence).await?;
            members.insert(settled.calls.signed.request.querier);
            let padded = match unopened {
                true => None,
                false => self.padding_among(&settled, &places).await?,
            };
            let places = match padded {
                None => places,
                Some((real, padding, shown)) => {
                    let batch = settled.clone().unopened(padding, None, Some(shown));
                    bundle.unopened.push(batch);
                    if real.is_empty() {
                        progress(done, total);
                        continue;
                    }
                    real
                }
            };
            let opening = match unopened {
                true => None,
                false => Some(self.opening(&settled, &places).await?),
            };
            match opening {
                Some(Opening::Opened(opened)) => {
                    let (batch, version) = settled.opened(opened);
                    bundle.batches.push(batch);
                    versions.insert(version);
                }
                Some(Opening::Erased(erased)) => {
                    bundle
                        .unopened
                        .push(settled.unopened(places, Some(erased), None));
                }
                None => bundle.unopened.push(settled.unopened(places, None, None)),
            }
            progress(done, total);
        }
        // Nothing that was asked for is nobody's; it is this member that shows it.
        if total > 0 {
            bundle.member = one_member(&members)?;
        }
        let keys = versions.iter().flat_map(appealed);
        let keys: BTreeSet<StateKey> = keys.collect();
        let keys: Vec<StateKey> = keys.into_iter().collect();
        for keys in keys.chunks(VALUES_AT_A_TIME) {
            let evidence = self.ledger.handle().prove_values(keys.to_vec()).await?;
            bundle.records.push(evidence);
        }
        bundle.to_bytes().map_err(unbound)
    }

    /// The transaction that settled a request, and the proof of its finality.
    async fn settled(&self, session: SessionId, sequence: u64) -> Result<Settled, ApiError> {
        let tx_id = self.batch(session, sequence).await?;
        let finality = self.ledger.handle().prove_transaction(tx_id).await?;
        let height = finality.block.header.height.get();
        let envelope = self.envelope(height, tx_id).await?;
        let settled = Envelope::from_bytes(&envelope).ok();
        let action = settled.and_then(|envelope| Action::of(&envelope));
        let Some(Ok(Action::CallBatch(calls))) = action else {
            let name = format!("{session}/{sequence}");
            return Err(ApiError::unknown("batch of calls", name));
        };
        Ok(Settled {
            envelope,
            finality,
            calls: *calls,
        })
    }

    /// Which of the places are calls about somebody, which are padding, and what shows that; None where none is
    /// padding.
    async fn padding_among(
        &self,
        settled: &Settled,
        places: &[u32],
    ) -> Result<Option<(Vec<u32>, Vec<u32>, Padding)>, ApiError> {
        let request = &settled.calls.signed.request;
        let name = (request.session.0, request.sequence);
        let frontend = self.frontend()?;
        let unreadable =
            |error: StoreError| ApiError::node("records-unreadable", error.to_string(), "");
        let known = frontend.padding(Side::Asked, &[name]).await;
        let count = known.map_err(unreadable)?.get(&name).copied();
        let Some(count) = count.and_then(|count| u32::try_from(count).ok()) else {
            return Ok(None);
        };
        let calls = request.calls.len() as u32;
        let first = calls.saturating_sub(count);
        let (padding, real): (Vec<u32>, Vec<u32>) = places
            .iter()
            .partition(|place| (first..calls).contains(place));
        if padding.is_empty() {
            return Ok(None);
        }
        let seed = frontend.padding_seed(request).await?;
        Ok(Some((real, padding, Padding { count, seed })))
    }

    /// What this member keeps of calls of a settled request.
    async fn opening(&self, settled: &Settled, places: &[u32]) -> Result<Opening, ApiError> {
        let request = &settled.calls.signed.request;
        let (session, sequence) = (request.session, request.sequence);
        let name = format!("{session}/{sequence}");
        let frontend = self.frontend()?;
        let opening = frontend.open_calls(session, sequence, places).await;
        let opening = opening
            .map_err(|error| ApiError::node("records-unreadable", error.to_string(), ""))?
            .ok_or_else(|| ApiError::unknown("own calls", &name))?;
        let there = match &opening {
            Opening::Opened(opened) => opened.calls.len() == places.len(),
            Opening::Erased(_) => {
                let last = places.last().and_then(|last| usize::try_from(*last).ok());
                last.is_some_and(|last| last < request.calls.len())
            }
        };
        if there {
            Ok(opening)
        } else {
            Err(ApiError::unknown("own call of batch", &name))
        }
    }

    /// The bytes of a transaction that stands in a block.
    async fn envelope(&self, height: u64, id: TxId) -> Result<Vec<u8>, ApiError> {
        let block = self.ledger.handle().block(height).await?;
        let is_it = |bytes: &&bytes::Bytes| {
            Envelope::from_bytes(bytes).is_ok_and(|envelope| envelope.tx_id() == id)
        };
        let found = block.envelopes.iter().find(is_it);
        let found = found.ok_or_else(|| ApiError::unknown("transaction", id))?;
        Ok(found.to_vec())
    }
}

/// A request that stands on the ledger.
#[derive(Clone)]
struct Settled {
    envelope: Vec<u8>,
    finality: Evidence,
    calls: CallBatch,
}

impl Settled {
    fn opened(self, opened: OpenedCalls) -> (AuditedBatch, VersionId) {
        let request = &self.calls.signed.request;
        let version = VersionId {
            list: request.list,
            tag_epoch: request.tag_epoch,
            version: opened.version,
        };
        let calls = opened.calls.into_iter().map(|call| AuditedCall {
            index: call.place,
            nonce: call.nonce,
            record: call.record,
            answer: call.answer,
        });
        let batch = AuditedBatch {
            envelope: self.envelope,
            finality: self.finality,
            context: opened.context,
            version: opened.version.0,
            calls: calls.collect(),
        };
        (batch, version)
    }

    fn unopened(
        self,
        places: Vec<u32>,
        erased: Option<ErasedBatch>,
        padding: Option<Padding>,
    ) -> UnopenedBatch {
        UnopenedBatch {
            envelope: self.envelope,
            finality: self.finality,
            places,
            erasure: erased.map(|erased| Erasure {
                period: erased.period,
                keep_months: erased.keep_months,
                destroyed: erased.destroyed,
            }),
            padding,
        }
    }
}

/// A bundle is about one member's calls.
fn one_member(members: &BTreeSet<MemberId>) -> Result<MemberId, ApiError> {
    match (members.first(), members.len()) {
        (Some(member), 1) => Ok(*member),
        (None, _) => Err(ApiError::caller(
            "calls-unknown",
            "none of the calls is final on the ledger",
            "",
        )),
        _ => Err(ApiError::caller(
            "several-members",
            "the calls are of several members",
            "Ask for each member's calls by themselves.",
        )),
    }
}

/// The records to which a bundle appeals for a version.
fn appealed(id: &VersionId) -> [StateKey; 2] {
    [keys::list(id.list), keys::publication(*id)]
}

pub(super) fn asked(calls: &[proto::CallRef]) -> Result<Asked, ApiError> {
    let mut asked = Asked::new();
    for call in calls {
        let places = asked.entry((call.session, call.sequence)).or_default();
        places.insert(call.index);
    }
    let calls: usize = asked.values().map(BTreeSet::len).sum();
    if calls == 0 || calls > MAX_BUNDLE_CALLS || asked.len() > MAX_BATCHES {
        return Err(ApiError::caller(
            "bundle-size",
            format!(
                "a bundle holds 1 to {MAX_BUNDLE_CALLS} calls of at most {MAX_BATCHES} batches"
            ),
            "Narrow the question down.",
        ));
    }
    Ok(asked)
}

fn unbound(error: BundleError) -> ApiError {
    ApiError::caller(
        "bundle-size",
        error.to_string(),
        "Narrow the question down.",
    )
}
