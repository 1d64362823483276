//! Refusals of the operator's service: who is at fault, what happened, what to do.

use tacit_circuits::scope::MemberId;
use tacit_consensus::LedgerError as ReadError;
use tacit_frontend::ports::LedgerError;
use tacit_frontend::wallet::WalletError;
use tacit_ledger::kernel::Reject;
use tacit_proto::operator::{ErrorDetail, Fault};
use tacit_proto::refuse;
use tonic::Status;

/// Why an operator's call was refused.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ApiError(ErrorDetail);

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl ApiError {
    fn new(fault: Fault, code: &str, message: impl Into<String>, remedy: &str) -> Self {
        Self(ErrorDetail {
            fault: fault.into(),
            code: code.into(),
            message: message.into(),
            remedy: remedy.into(),
            reject: 0,
            member_id: None,
        })
    }

    /// The call itself is wrong.
    pub(super) fn caller(code: &str, message: impl Into<String>, remedy: &str) -> Self {
        Self::new(Fault::Caller, code, message, remedy)
    }

    /// There is too little quota.
    pub(super) fn quota_exhausted(message: String) -> Self {
        Self::caller(
            "quota-exhausted",
            message,
            "Serve calls to earn more, or wait until sessions return their escrow.",
        )
    }

    /// What was asked for does not exist.
    pub(super) fn unknown(what: &str, name: impl std::fmt::Display) -> Self {
        let code = format!("{}-unknown", what.replace(' ', "-"));
        Self::caller(&code, format!("there is no {what} {name}"), "")
    }

    /// This node cannot do it now.
    pub(super) fn node(code: &str, message: impl Into<String>, remedy: &str) -> Self {
        Self::new(Fault::ThisNode, code, message, remedy)
    }

    /// Another member is at fault.
    pub(super) fn peer(member: MemberId, code: &str, message: impl Into<String>) -> Self {
        let mut error = Self::new(Fault::Peer, code, message, "");
        error.0.member_id = Some(member.0);
        error
    }

    /// The rules of the network refuse it.
    pub(super) fn rejected(reject: Reject) -> Self {
        let code = reject.info().map_or_else(
            || "refused".into(),
            |info| info.name.to_lowercase().replace('_', "-"),
        );
        let remedy = if reject.transient() {
            "Try again later."
        } else {
            ""
        };
        let text = reject
            .info()
            .map_or_else(|| reject.to_string(), |info| info.text.into());
        let mut error = Self::new(Fault::Network, &code, text, remedy);
        error.0.reject = u32::from(reject.number());
        error
    }

    /// The same, where it is another member that says so.
    pub(super) fn said_by(mut self, member: MemberId) -> Self {
        self.0.member_id = Some(member.0);
        self
    }

    /// The permanent word for it.
    pub(super) fn code(&self) -> &str {
        &self.0.code
    }

    /// The refusal as it travels inside a stream.
    pub(super) fn into_detail(self) -> ErrorDetail {
        self.0
    }
}

impl From<ApiError> for Status {
    fn from(error: ApiError) -> Self {
        refuse(&error.0)
    }
}

impl From<WalletError> for ApiError {
    fn from(error: WalletError) -> Self {
        match error {
            WalletError::Ledger(error) => error.into(),
            WalletError::Exhausted { .. } => Self::quota_exhausted(error.to_string()),
            WalletError::KeyChanging => Self::node(
                "quota-key-changing",
                error.to_string(),
                "Ask again later; `tacit quota change-key` says how far it is.",
            ),
            WalletError::ForeignKey => Self::node(
                "quota-key-foreign",
                error.to_string(),
                "Put the ledger key back with which the member joined.",
            ),
            WalletError::Contended => Self::node("quota-contended", error.to_string(), ""),
            other => Self::node("quota-unreadable", other.to_string(), "See the node's log."),
        }
    }
}

impl From<LedgerError> for ApiError {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Rejected(reject) => Self::rejected(reject),
            LedgerError::Unavailable(_) => Self::node(
                "ledger-unavailable",
                error.to_string(),
                "It may still become final: look before you ask again.",
            ),
            LedgerError::ReadDidNotEnd => Self::node(
                "internal",
                error.to_string(),
                "Report this as a fault of the program.",
            ),
        }
    }
}

impl From<ReadError> for ApiError {
    fn from(error: ReadError) -> Self {
        let remedy = match error {
            ReadError::Pruned { .. } => "Ask a node that keeps all blocks.",
            ReadError::NotYet { .. } => "Ask again when it is final.",
            _ => "",
        };
        let code = match error {
            ReadError::Stopped => "node-stopping",
            ReadError::NotFound { .. } => "not-found",
            ReadError::NotYet { .. } => "not-yet-final",
            ReadError::Pruned { .. } => "pruned",
            ReadError::NoCertificate { .. } => "no-certificate",
            ReadError::TooMany { .. } => "too-many",
        };
        match error {
            ReadError::Stopped => Self::node(code, error.to_string(), "Start the node again."),
            _ => Self::caller(code, error.to_string(), remedy),
        }
    }
}
