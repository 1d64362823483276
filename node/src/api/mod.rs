//! The operator's service: what the institution's own people and systems ask of their node.
//!
//! | file | calls |
//! |---|---|
//! | `audit` | calls opened to an examiner |
//! | `disclosing` | calls opened as supervisors demand |
//! | `disputes` | disputes and ratings |
//! | `explorer` | blocks, transactions, proofs, alarms |
//! | `governance` | members, proposals, votes |
//! | `lists` | publish, show, verify, withdraw |
//! | `policies` | what consumers of receipts ask for |
//! | `receipts` | create, submit, show |
//! | `quota` | balances opened with this node's key, and moved |
//! | `records` | history |
//! | `screening` | plan and screen |
//! | `status` | where the node stands |
//! | `supervision` | views, demands for disclosure, coverage |
//! | `service` | the generated trait, over the above |

mod audit;
mod disclosing;
mod disputes;
mod error;
mod explorer;
mod governance;
mod lists;
mod policies;
mod quota;
mod receipts;
mod records;
mod screening;
mod service;
mod status;
mod supervision;

use std::sync::Arc;

use tacit_frontend::Frontend;
use tacit_frontend::ports::{Ledger as _, Peers};
use tacit_frontend::wallet::Opener;
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
    opener: Opener,
    peers: Option<Arc<dyn Peers>>,
}

impl Operator {
    /// Answers from these parts of a node. An observer has no front end.
    pub fn new(
        ledger: Arc<MemberLedger>,
        frontend: Option<Arc<Frontend>>,
        read_model: ReadModel,
    ) -> Self {
        let own = || Opener::new(ledger.quota_key());
        let opener = frontend
            .as_ref()
            .map_or_else(own, |frontend| frontend.wallet.opener().clone());
        Self {
            ledger,
            frontend,
            read_model,
            opener,
            peers: None,
        }
    }

    /// The same, of an observer, which fetches from members what they disclose to it.
    pub fn watching(self, peers: Arc<dyn Peers>) -> Self {
        Self {
            peers: Some(peers),
            ..self
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
