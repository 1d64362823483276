//! The operator's service: what the institution's own people and systems ask of their node.
//!
//! | file | calls |
//! |---|---|
//! | `approvals` | what needs a second person |
//! | `audit` | calls opened to an examiner |
//! | `disputes` | disputes and ratings |
//! | `explorer` | blocks, transactions, proofs, alarms |
//! | `history` | what was asked and served |
//! | `gate`, `roles` | who may ask for what |
//! | `governance` | members, proposals, votes |
//! | `lists` | publish, show, verify, withdraw |
//! | `policies` | what consumers of receipts ask for |
//! | `reads` | who looked at the records |
//! | `receipts` | create, submit, show |
//! | `records` | quota, and where a batch stands |
//! | `screening` | plan and screen |
//! | `status` | where the node stands |
//! | `service` | the generated trait, over the above |

mod approvals;
mod audit;
mod disputes;
mod error;
mod explorer;
mod gate;
mod governance;
mod history;
mod lists;
mod policies;
mod reads;
mod receipts;
mod records;
mod roles;
mod screening;
mod service;
mod status;

use std::sync::Arc;

use tacit_frontend::Frontend;
use tacit_ledger::kernel::{Missing, StateView};
use tacit_readmodel::ReadModel;

use crate::approvals::Approvals;
use crate::ledger::MemberLedger;
use crate::operators::LiveOperators;
use crate::reads::Reads;
use error::ApiError;
pub use gate::{Caller, OperatorGate};

/// Answers operators. Clones answer from the same node.
#[derive(Clone)]
pub struct Operator {
    ledger: Arc<MemberLedger>,
    frontend: Option<Arc<Frontend>>,
    read_model: ReadModel,
    records: OperatorRecords,
}

/// What the node keeps of its operators.
#[derive(Clone)]
pub struct OperatorRecords {
    /// Their certificates, roles and rules.
    pub listed: Arc<LiveOperators>,
    /// Who looked at the records.
    pub reads: Arc<Reads>,
    /// What needs a second person.
    pub approvals: Arc<Approvals>,
}

impl Operator {
    /// Answers from these parts of a node. An observer has no front end.
    pub fn new(
        ledger: Arc<MemberLedger>,
        frontend: Option<Arc<Frontend>>,
        read_model: ReadModel,
        records: OperatorRecords,
    ) -> Self {
        Self {
            ledger,
            frontend,
            read_model,
            records,
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
