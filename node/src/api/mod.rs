//! The operator's service: what the institution's own people and systems ask of their node.
//!
//! | file | calls |
//! |---|---|
//! | `audit` | calls opened to an examiner |
//! | `disputes` | disputes and ratings |
//! | `explorer` | blocks, transactions, proofs, alarms |
//! | `governance` | members, proposals, votes |
//! | `lists` | publish, show, verify, withdraw |
//! | `policies` | what consumers of receipts ask for |
//! | `receipts` | create, submit, show |
//! | `records` | history and quota |
//! | `retention` | how long records are kept, legal holds |
//! | `screening` | plan and screen |
//! | `status` | where the node stands |
//! | `service` | the generated trait, over the above |

mod audit;
mod disputes;
mod error;
mod explorer;
mod governance;
mod lists;
mod policies;
mod receipts;
mod records;
mod retention;
mod screening;
mod service;
mod status;

use std::sync::Arc;

use tacit_frontend::Frontend;
use tacit_ledger::kernel::{Missing, StateView};
use tacit_readmodel::ReadModel;

use crate::ledger::MemberLedger;
use error::ApiError;

/// Answers operators. Clones answer from the same node.
#[derive(Clone)]
pub struct Operator {
    ledger: Arc<MemberLedger>,
    frontend: Option<Arc<Frontend>>,
    read_model: ReadModel,
}

impl Operator {
    /// Answers from these parts of a node. An observer has no front end.
    pub fn new(
        ledger: Arc<MemberLedger>,
        frontend: Option<Arc<Frontend>>,
        read_model: ReadModel,
    ) -> Self {
        Self {
            ledger,
            frontend,
            read_model,
        }
    }

    /// The front end, which only members have.
    fn frontend(&self) -> Result<&Frontend, ApiError> {
        self.frontend.as_deref().ok_or_else(|| {
            ApiError::caller(
                "observer",
                "this node observes: it holds no lists and asks no questions",
                "Ask a member's node.",
            )
        })
    }

    /// Reads the newest finalized state.
    async fn read<T>(
        &self,
        question: impl Fn(&dyn StateView) -> Result<T, Missing>,
    ) -> Result<T, ApiError> {
        Ok(self.ledger.handle().state().read(question).await?)
    }
}
