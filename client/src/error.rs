//! Why a command could not do what was asked.

use std::path::PathBuf;

use tacit_certs::CertificateError;
use tacit_finality::FinalityError;
use tacit_proto::error_detail;
use tacit_proto::operator::{ErrorDetail, Fault};

use crate::audit::BundleFault;
use crate::card::CardError;
use crate::ceremony::CeremonyError;
use crate::exit::Exit;
use crate::receipt::NotVerified;
use crate::statement::StatementError;

/// Why a command could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No profile was named, and there is none in the usual place.
    #[error(
        "no profile: name one with --profile or {variable}, or make one with `tacit init` (looked at {looked_at})",
        variable = crate::profile::PROFILE_VARIABLE
    )]
    NoProfile {
        /// The usual place.
        looked_at: PathBuf,
    },
    /// A file cannot be read or written.
    #[error("cannot use {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file is not what it should be.
    #[error("{path}: {reason}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The command line is wrong in a way that its parser cannot see.
    #[error("{0}")]
    Usage(String),
    /// A member's card is not usable.
    #[error(transparent)]
    Card(#[from] CardError),
    /// The operator's certificate is not usable.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The node cannot be reached.
    #[error("cannot reach the node at {address}: {reason}; is it running?")]
    Unreachable {
        /// Where it was looked for.
        address: String,
        /// What went wrong.
        reason: String,
    },
    /// The node refused, and said why.
    #[error("{}", described(.0))]
    Refused(Box<ErrorDetail>),
    /// The connection broke.
    #[error("the connection to the node broke: {0}")]
    Broken(String),
    /// The node answered against its own protocol.
    #[error("the node answered something that this version does not understand: {0}")]
    Unexpected(&'static str),
    /// A bundle does not prove what it says.
    #[error("{path} is not proven: {source}")]
    NotProven {
        /// The bundle.
        path: PathBuf,
        /// What is wrong with it.
        source: FinalityError,
    },
    /// A bundle proves something, but not what was expected.
    #[error("{path} proves {proven}, and not what was expected")]
    ProvesOther {
        /// The bundle.
        path: PathBuf,
        /// What it proves.
        proven: String,
    },
    /// Receipts are not to be relied on.
    #[error("{path} is not to be relied on: {source}")]
    NotVerified {
        /// The file.
        path: PathBuf,
        /// Why.
        source: NotVerified,
    },
    /// A statement is not to be relied on.
    #[error("{path} is not to be relied on: {source}")]
    StatementRefused {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: StatementError,
    },
    /// Opened calls are not to be relied on.
    #[error("{path} is not to be relied on: {source}")]
    BundleRefused {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: BundleFault,
    },
    /// What the node keeps of a call is not what stands on the ledger.
    #[error("the record is not of the call that was made: {0}")]
    RecordDiffers(#[source] BundleFault),
    /// A ceremony cannot go on as was asked.
    #[error(transparent)]
    Ceremony(#[from] CeremonyError),
    /// What was said could not be shown.
    #[error("cannot write the answer: {0}")]
    Output(#[from] std::io::Error),
    /// The account of privileged reads is not what was recorded.
    #[error("the account of who looked at the records is not what was recorded: {0}")]
    AccountAltered(String),
    /// A person stopped it.
    #[error("stopped; nothing was written")]
    Stopped,
    /// The program's own runtime did not start.
    #[error("cannot start the runtime: {source}")]
    Runtime {
        /// What the system says.
        source: std::io::Error,
    },
}

impl ClientError {
    /// How the process ends with this error.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) | Self::Invalid { .. } | Self::Card(_) => Exit::Usage,
            Self::Ceremony(CeremonyError::NotNow(_) | CeremonyError::NotEmpty { .. }) => {
                Exit::Usage
            }
            Self::Refused(detail) if detail.fault() == Fault::Caller => Exit::Usage,
            _ => Exit::CouldNotRun,
        }
    }

    /// A permanent word for programs.
    pub fn code(&self) -> &str {
        match self {
            Self::NoProfile { .. } => "no-profile",
            Self::File { .. } => "file",
            Self::Invalid { .. } => "file-invalid",
            Self::Usage(_) => "usage",
            Self::Card(_) => "card",
            Self::Certificate(_) => "certificate",
            Self::Unreachable { .. } => "node-unreachable",
            Self::Refused(detail) => &detail.code,
            Self::Broken(_) => "connection-broken",
            Self::Unexpected(_) => "unexpected-answer",
            Self::NotProven { .. } => "not-proven",
            Self::ProvesOther { .. } => "proves-other",
            Self::NotVerified { .. }
            | Self::StatementRefused { .. }
            | Self::BundleRefused { .. }
            | Self::RecordDiffers(_) => "not-verified",
            Self::Ceremony(CeremonyError::Bad(_)) => "ceremony-bad-step",
            Self::Ceremony(_) => "ceremony",
            Self::Output(_) => "output",
            Self::AccountAltered(_) => "account-altered",
            Self::Stopped => "stopped",
            Self::Runtime { .. } => "runtime",
        }
    }
}

impl From<tonic::Status> for ClientError {
    fn from(status: tonic::Status) -> Self {
        match error_detail(&status) {
            Some(detail) => Self::Refused(Box::new(detail)),
            None => Self::Broken(format!("{} ({})", status.message(), status.code())),
        }
    }
}

/// A refusal in one or two sentences: what happened, and what to do.
pub fn described(detail: &ErrorDetail) -> String {
    let mut text = detail.message.clone();
    if let Some(member) = detail.member_id {
        text = format!("member {member}: {text}");
    }
    if detail.reject != 0 {
        text = format!("{text} (reject {})", detail.reject);
    }
    match detail.remedy.as_str() {
        "" => text,
        remedy if text.ends_with(['.', '?', '!']) => format!("{text} {remedy}"),
        remedy => format!("{text}. {remedy}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_and_what_to_do_are_sentences_of_their_own() {
        let refusal = |message: &str, remedy: &str, reject| ErrorDetail {
            message: message.into(),
            remedy: remedy.into(),
            reject,
            ..ErrorDetail::default()
        };
        let said = |message, remedy, reject| described(&refusal(message, remedy, reject));
        assert_eq!(said("it is sealed", "Ask it.", 0), "it is sealed. Ask it.");
        assert_eq!(said("Sealed.", "Ask it.", 0), "Sealed. Ask it.");
        assert_eq!(
            said("it is late", "Wait.", 9),
            "it is late (reject 9). Wait."
        );
        assert_eq!(said("it is late", "", 0), "it is late");
    }
}
