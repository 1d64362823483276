//! What this member keeps of many of its requests, opened for its history.

use std::collections::HashMap;

use rayon::prelude::*;
use tacit_ledger::kernel::{ChainId, decode};
use tacit_ledger::network::audit::AuditContext;

use crate::compute::compute;
use crate::screening::OwnAnswer;
use crate::store::{KeptBatch, Store, StoreError};

/// This member's own record of one request.
pub struct OwnBatch {
    /// Per call, whether it was a hit; absent where nobody was told.
    pub hits: Option<Vec<bool>>,
    /// The version that the answers are about; 0 where it is not known.
    pub version: u64,
    /// Who asked, and why.
    pub context: AuditContext,
}

impl std::fmt::Debug for OwnBatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OwnBatch(<redacted>)")
    }
}

/// Own records by session and sequence.
pub type OwnBatches = HashMap<(u64, u64), OwnBatch>;

/// Reads and opens the records of these requests, on all cores. Those that another front end of this member keeps
/// are missing.
pub(crate) async fn own_batches(
    store: &Store,
    chain_id: ChainId,
    names: &[(u64, u64)],
) -> Result<OwnBatches, StoreError> {
    let sealed = store.asked_sealed(names).await?;
    compute(move || {
        let opened = sealed
            .par_iter()
            .map(|sealed| opened(&Store::open_kept(chain_id, sealed)?));
        opened.collect()
    })
    .await
}

fn opened(kept: &KeptBatch) -> Result<((u64, u64), OwnBatch), StoreError> {
    let answer = kept.answer.as_ref().map(|bytes| decode::<OwnAnswer>(bytes));
    let answer = answer
        .transpose()
        .map_err(|_| StoreError::Damaged("answer"))?;
    let own = OwnBatch {
        hits: answer.and_then(|answer| answer.hits),
        version: kept.version.unwrap_or(0),
        context: kept.context()?,
    };
    Ok(((kept.session.0, kept.sequence), own))
}
