//! Opens calls of this member to an examiner.

use std::collections::{BTreeMap, BTreeSet};

use tacit_circuits::list::VersionId;
use tacit_client::audit::{
    AuditBundle, AuditedBatch, AuditedCall, BundleError, MAX_BATCHES, MAX_BUNDLE_CALLS,
};
use tacit_frontend::ports::Ledger as _;
use tacit_ledger::kernel::{Envelope, StateKey, TxId};
use tacit_ledger::network::{SessionId, keys};
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
        let asked = asked(&request.calls)?;
        let progress = |done, total| {
            let progress = proto::Progress {
                stage: proto::Stage::Opening.into(),
                done,
                total,
            };
            let step = Some(Step::Progress(progress));
            let _ = answers.try_send(Ok(proto::AuditBundleResponse { step }));
        };
        let file = self.bundle(asked, progress).await?;
        for part in file.chunks(PART_BYTES) {
            let step = Some(Step::Part(part.to_vec()));
            let sent = answers.send(Ok(proto::AuditBundleResponse { step })).await;
            sent.map_err(|_| gone())?;
        }
        Ok(())
    }

    /// Opens calls of this member as a file that verifies offline. Says how many batches of how many are done.
    pub(super) async fn bundle(
        &self,
        asked: Asked,
        progress: impl Fn(u64, u64),
    ) -> Result<Vec<u8>, ApiError> {
        let total = asked.len() as u64;
        let mut bundle = AuditBundle {
            chain_id: self.ledger.chain_id(),
            member: self.ledger.member_id(),
            batches: Vec::with_capacity(asked.len()),
            records: Vec::new(),
        };
        let mut versions = BTreeSet::new();
        for (done, ((session, sequence), places)) in (1..).zip(asked) {
            let places: Vec<u32> = places.into_iter().collect();
            let (batch, version) = self.audited(SessionId(session), sequence, &places).await?;
            bundle.batches.push(batch);
            versions.insert(version);
            progress(done, total);
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

    async fn audited(
        &self,
        session: SessionId,
        sequence: u64,
        places: &[u32],
    ) -> Result<(AuditedBatch, VersionId), ApiError> {
        let name = format!("{session}/{sequence}");
        let tx_id = self.batch(session, sequence).await?;
        let opened = self.frontend()?.open_calls(session, sequence, places).await;
        let opened = opened
            .map_err(|error| ApiError::node("records-unreadable", error.to_string(), ""))?
            .ok_or_else(|| ApiError::unknown("own calls", &name))?;
        if opened.calls.len() != places.len() {
            return Err(ApiError::unknown("own call of batch", &name));
        }
        let finality = self.ledger.handle().prove_transaction(tx_id).await?;
        let height = finality.block.header.height.get();
        let envelope = self.envelope(height, tx_id).await?;
        let settled = Envelope::from_bytes(&envelope).ok();
        let action = settled.and_then(|envelope| tacit_ledger::network::Action::of(&envelope));
        let Some(Ok(tacit_ledger::network::Action::CallBatch(batch))) = action else {
            return Err(ApiError::unknown("batch of calls", &name));
        };
        let request = &batch.signed.request;
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
            envelope,
            finality,
            context: opened.context,
            version: opened.version.0,
            calls: calls.collect(),
        };
        Ok((batch, version))
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
