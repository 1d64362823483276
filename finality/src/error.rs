//! Why a proof is not believed.

use thiserror::Error;

/// What is wrong with a header, a certificate or a proof.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum FinalityError {
    /// The bytes do not decode to the expected type, or more bytes follow it.
    #[error("the {what} does not decode: {reason}")]
    Malformed {
        /// The type that was expected.
        what: &'static str,
        /// What the decoder met.
        reason: String,
    },
    /// A committee holds no key, too many keys, one key twice, or bytes that are no key.
    #[error("the committee is not one: {0}")]
    InvalidCommittee(&'static str),
    /// The verifier does not know the validators of this epoch; it lacks a hand-over.
    #[error(
        "the validators of epoch {epoch} are unknown; supply the hand-over of the epoch before"
    )]
    UnknownEpoch {
        /// The epoch whose committee is missing.
        epoch: u64,
    },
    /// The headers between the claimed block and the certified one do not form a chain.
    #[error("the header at height {height} does not follow the one before it")]
    BrokenChain {
        /// The height of the header that does not fit.
        height: u64,
    },
    /// The certificate is over another block than the last header given.
    #[error("the certificate finalizes another block than the one at height {height}")]
    WrongBlock {
        /// The height of the header that should have been certified.
        height: u64,
    },
    /// The certificate's signatures are not those of a quorum of the epoch's validators.
    #[error("the certificate is not signed by a quorum of epoch {epoch}")]
    NotSigned {
        /// The epoch whose validators should have signed.
        epoch: u64,
    },
    /// A hand-over was expected, and the header names no next committee.
    #[error("the header at height {height} ends no epoch")]
    NoHandover {
        /// The height of that header.
        height: u64,
    },
    /// The value, outcome or event does not lead to the root that the header commits to.
    #[error("the {what} does not lead to the root in the header at height {height}")]
    NotProven {
        /// What was claimed.
        what: &'static str,
        /// The height of the header whose root it was checked against.
        height: u64,
    },
}

impl FinalityError {
    pub(crate) fn malformed(what: &'static str, error: commonware_codec::Error) -> Self {
        Self::Malformed {
            what,
            reason: error.to_string(),
        }
    }
}
