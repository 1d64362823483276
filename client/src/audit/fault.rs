//! What can be wrong with a bundle.

use tacit_finality::FinalityError;
use tacit_ledger::kernel::{ChainId, Reject};

use super::AuditedCallName;

/// What is wrong with one call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallFault {
    /// The request has no call in this place.
    #[error("the request holds no such call")]
    NoSuchCall,
    /// The circumstances are not those that were hashed.
    #[error(
        "operator, role, purpose, basis, case or approver are not those under which it was asked"
    )]
    Circumstances,
    /// The record or nonce is not what was hashed.
    #[error("the record is not the one whose hash stands on the ledger")]
    Record,
    /// A record that hashes right and holds no canonical values.
    #[error("the record holds no identifier and no blinding factor")]
    Malformed,
    /// The blinded point is of another subject.
    #[error("the point on the ledger does not hide the subject of the record")]
    OtherSubject,
    /// It is not made from the seed that is shown.
    #[error("the call is said to be padding, and is not what the shown seed gives")]
    NotPadding,
    /// The leaf does not decide, or not under this root.
    #[error(
        "the leaf of the list does not decide about the subject, or does not lead to the list's root"
    )]
    Answer,
}

/// Why a bundle is not to be relied on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BundleFault {
    /// It is of another network than the genesis.
    #[error("the bundle is of network {0}, and the genesis is another's")]
    OtherNetwork(ChainId),
    /// A batch's transaction is not proven to be final.
    #[error("batch {place}: its finality is not proven: {source}")]
    NotFinal {
        /// Which batch, from 1.
        place: usize,
        /// What is wrong.
        source: FinalityError,
    },
    /// The proof is of something else.
    #[error("batch {0}: the certificate proves something else than this transaction")]
    OtherTransaction(usize),
    /// The transaction is no batch of calls of this member, or was refused.
    #[error("batch {0}: the transaction settles no calls of this member")]
    NoCalls(usize),
    /// What the batch holds does not verify.
    #[error("batch {place}: the calls do not verify: {reject}")]
    Batch {
        /// Which batch, from 1.
        place: usize,
        /// What is wrong.
        reject: Reject,
    },
    /// A call.
    #[error("call {call}: {fault}")]
    Call {
        /// Which.
        call: AuditedCallName,
        /// What is wrong.
        fault: CallFault,
    },
    /// A call twice, or calls in disorder.
    #[error("the calls of batch {0} do not ascend, each once")]
    Disorder(usize),
    /// The records were destroyed before their time, or are said to be older than their calls.
    #[error(
        "batch {0}: its records were destroyed before the time was over for which they were to be kept"
    )]
    ErasedEarly(usize),
    /// The records are not proven to be final.
    #[error("the records of the lists are not proven: {0}")]
    Records(FinalityError),
    /// The bundle appeals to a record that it does not prove.
    #[error("the bundle does not prove the record {0}")]
    RecordMissing(String),
    /// The version was published after the call.
    #[error("call {0}: the version that it is said to be about was published later")]
    VersionTooNew(AuditedCallName),
    /// Something that no proof covers was altered.
    #[error("bytes were altered that no proof covers: the bundle is not as it was written")]
    Altered,
}
