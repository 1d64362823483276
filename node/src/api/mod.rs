//! The operator's service: what the institution's own people and systems ask of their node.
//!
//! | file | calls |
//! |---|---|
//! | `approvals` | what needs a second person |
//! | `audit` | calls opened to an examiner |
//! | `bulk` | screenings of many rows, which wait for a second person |
//! | `disclosing` | calls opened as supervisors demand |
//! | `disputes` | disputes and ratings |
//! | `explorer` | blocks, transactions, proofs, alarms |
//! | `history` | what was asked and served |
//! | `gate`, `roles` | who may ask for what |
//! | `governance` | members, proposals, votes |
//! | `lists` | publish, show, verify, withdraw |
//! | `notices` | what waits for somebody |
//! | `policies` | what consumers of receipts ask for |
//! | `reads` | who looked at the records |
//! | `receipts` | create, submit, show |
//! | `quota` | balances opened with this node's key, and moved |
//! | `statement` | balances and movements stated to a reader |
//! | `records` | where a batch stands |
//! | `retention` | how long records are kept, legal holds |
//! | `screening` | plan and screen |
//! | `status` | where the node stands |
//! | `supervision` | views, demands for disclosure, coverage |
//! | `viewing` | what views show, from node to node |
//! | `service` | the generated trait, over the above |

mod approvals;
mod audit;
mod bulk;
mod disclosing;
mod disputes;
mod error;
mod explorer;
mod gate;
mod governance;
mod history;
mod lists;
mod notices;
mod policies;
mod quota;
mod reads;
mod receipts;
mod records;
mod retention;
mod roles;
mod screening;
mod service;
mod statement;
mod status;
mod supervision;
mod viewing;

use std::sync::Arc;

use tacit_frontend::Frontend;
use tacit_frontend::ports::{Ledger as _, Peers};
use tacit_frontend::wallet::Opener;
use tacit_ledger::kernel::{Missing, StateView};
use tacit_readmodel::ReadModel;
use tokio::sync::Mutex;

use crate::approvals::Approvals;
use crate::balances::Balances;
use crate::ledger::MemberLedger;
use crate::operators::LiveOperators;
use crate::reads::Reads;
use error::ApiError;
pub use gate::{Caller, OperatorGate};
pub use viewing::ViewServer;

/// Answers operators. Clones answer from the same node.
#[derive(Clone)]
pub struct Operator {
    ledger: Arc<MemberLedger>,
    frontend: Option<Arc<Frontend>>,
    read_model: ReadModel,
    opener: Opener,
    peers: Option<Arc<dyn Peers>>,
    records: OperatorRecords,
    /// Held from the record of a view's use until the member has looked at it: the next use takes its place.
    looking: Arc<Mutex<()>>,
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
    /// Balances of former days.
    pub balances: Balances,
}

impl Operator {
    /// Answers from these parts of a node. An observer has no front end.
    pub fn new(
        ledger: Arc<MemberLedger>,
        frontend: Option<Arc<Frontend>>,
        read_model: ReadModel,
        records: OperatorRecords,
    ) -> Self {
        let own = || Opener::new(ledger.quota_key(0));
        let opener = frontend
            .as_ref()
            .map_or_else(own, |frontend| frontend.wallet.opener().clone());
        Self {
            ledger,
            frontend,
            read_model,
            records,
            opener,
            peers: None,
            looking: Arc::default(),
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
