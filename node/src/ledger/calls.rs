//! Former batches of calls, found by the rows and read from the blocks, and former keys.

use tacit_circuits::quota::QuotaPublicKey;
use tacit_circuits::scope::MemberId;
use tacit_consensus::LedgerHandle;
use tacit_frontend::ports::{BatchPlace, LedgerError, SettledBatch};
use tacit_ledger::kernel::Envelope;
use tacit_ledger::network::{Action, SessionId};
use tacit_readmodel::ReadModel;

pub(super) async fn uncollected(
    rows: Option<&ReadModel>,
    session: SessionId,
) -> Result<Vec<BatchPlace>, LedgerError> {
    let Some(rows) = rows else {
        return Ok(Vec::new());
    };
    let batches = rows.uncollected(session).await;
    let batches = batches.map_err(|error| LedgerError::Unavailable(error.to_string()))?;
    let place = |batch: tacit_readmodel::UncollectedBatch| BatchPlace {
        height: batch.height,
        leaf: batch.leaf,
        sequence: batch.sequence,
    };
    Ok(batches.into_iter().map(place).collect())
}

pub(super) async fn former_quota_keys(
    rows: Option<&ReadModel>,
    member: MemberId,
) -> Result<Vec<QuotaPublicKey>, LedgerError> {
    let Some(rows) = rows else {
        return Ok(Vec::new());
    };
    let changes = rows.key_changes(member).await;
    let changes = changes.map_err(|error| LedgerError::Unavailable(error.to_string()))?;
    Ok(changes.into_iter().map(|change| change.former).collect())
}

pub(super) async fn settled_batch(
    handle: &LedgerHandle,
    place: BatchPlace,
) -> Result<SettledBatch, LedgerError> {
    let block = handle.block(place.height).await;
    let block = block.map_err(|error| LedgerError::Unavailable(error.to_string()))?;
    // Leaf 0 is the block's own result; transaction i has leaf i + 1.
    let index = place.leaf.checked_sub(1).map(usize::try_from);
    let bytes = index.and_then(|index| block.envelopes.get(index.ok()?));
    let envelope = bytes.and_then(|bytes| Envelope::from_bytes(bytes).ok());
    match envelope.as_ref().and_then(Action::of) {
        Some(Ok(Action::CallBatch(batch))) => Ok(SettledBatch {
            batch: *batch,
            time_ms: block.header.time_ms,
        }),
        _ => Err(LedgerError::Unavailable(format!(
            "no batch of calls stands at height {}, result {}: the rows are of another chain",
            place.height, place.leaf
        ))),
    }
}
