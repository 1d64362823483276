//! The operator's service: what the institution's own people and systems ask of their node.
//!
//! | file | calls |
//! |---|---|
//! | `explorer` | status, blocks, transactions, proofs, alarms |
//! | `governance` | members, proposals, votes |
//! | `lists` | publish, show, verify, withdraw |
//! | `screening` | plan and screen |
//! | `records` | history and quota |
//! | `service` | the generated trait, over the above |

mod error;
mod governance;

use std::sync::Arc;

use tacit_ledger::kernel::{Missing, StateView};

use crate::ledger::MemberLedger;
use error::ApiError;

/// Answers operators.
#[derive(Clone)]
pub struct Operator {
    ledger: Arc<MemberLedger>,
}

impl Operator {
    /// Reads the newest finalized state.
    async fn read<T>(
        &self,
        question: impl Fn(&dyn StateView) -> Result<T, Missing>,
    ) -> Result<T, ApiError> {
        Ok(self.ledger.handle().state().read(question).await?)
    }
}
