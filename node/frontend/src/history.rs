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
    /// How many of its calls are padding: its last ones.
    pub padding: u64,
    /// Why it was made, and what came of it; `None` where its retention period is over.
    pub record: Option<OwnRecord>,
}

/// Why a request was made, and what came of it.
pub struct OwnRecord {
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

impl std::fmt::Debug for OwnRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OwnRecord(<redacted>)")
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
        let receivers = sealed.receivers();
        let opened = sealed
            .batches
            .par_iter()
            .map(|batch| opened(&batch.open(chain_id, &receivers)?));
        opened.collect()
    })
    .await
}

fn opened(kept: &KeptBatch) -> Result<((u64, u64), OwnBatch), StoreError> {
    let record = kept.records.as_ref().map(|records| {
        let answer = records
            .answer
            .as_ref()
            .map(|bytes| decode::<OwnAnswer>(bytes));
        let answer = answer
            .transpose()
            .map_err(|_| StoreError::Damaged("answer"))?;
        Ok::<_, StoreError>(OwnRecord {
            hits: answer.and_then(|answer| answer.hits),
            version: kept.version.unwrap_or(0),
            context: records.context()?,
        })
    });
    let own = OwnBatch {
        padding: kept.padding,
        record: record.transpose()?,
    };
    Ok((kept.name, own))
}
