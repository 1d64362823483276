//! Where a batch of calls stands: what the read model knows.

use tacit_ledger::kernel::TxId;
use tacit_ledger::network::SessionId;
use tacit_readmodel::{Period, ReadModelError};

use super::Operator;
use super::error::ApiError;

impl Operator {
    /// The transaction that settled a batch of calls.
    pub(super) async fn batch(&self, session: SessionId, sequence: u64) -> Result<TxId, ApiError> {
        let found = self.read_model.batch(session, sequence).await?;
        let name = format!("{session}/{sequence}");
        found
            .map(|row| row.tx_id)
            .ok_or_else(|| ApiError::unknown("batch of calls", name))
    }
}

pub(super) fn period(from_ms: u64, until_ms: u64) -> Period {
    Period {
        from_ms,
        until_ms: Some(until_ms).filter(|until| *until > 0),
    }
}

impl From<ReadModelError> for ApiError {
    fn from(error: ReadModelError) -> Self {
        Self::node(
            "records-unreadable",
            error.to_string(),
            "See the node's log.",
        )
    }
}
