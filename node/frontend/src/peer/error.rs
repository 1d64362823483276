//! What can go wrong between two members, and who is at fault.

use tacit_circuits::curve::PointError;
use tacit_ledger::kernel::Reject;
use tacit_proto::peer as wire;

use crate::ports::PeersError;

/// Numbers from here on are those of the ledger's own refusals, which the provider foresees: a request
/// that could not be settled is not evaluated.
const LEDGER_REFUSALS: u32 = 1_000;

/// Longest message of a refusal that is passed on, in bytes.
const MAX_MESSAGE_BYTES: usize = 512;

/// Why a provider did not evaluate a request. The numbers are permanent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefusalCode {
    /// 1: the request is not the canonical encoding of a signed request, or is too long.
    Malformed,
    /// 2: the request is for another network.
    WrongChain,
    /// 3: the caller is not the querier whose request it is.
    NotTheQuerier,
    /// 4: the querier's signature does not hold.
    SignatureInvalid,
    /// 5: a blinded point is off the curve, not canonical or of small order.
    PointInvalid,
    /// 6: another request was evaluated under this session and sequence number.
    SequenceReused,
    /// 7: the provider has no key for the list and tag epoch.
    KeyUnknown,
    /// 8: the provider has as much to do as it takes on; ask again.
    Busy,
    /// 9: the provider's ledger has not come to the height of the session's opening; ask again.
    LedgerBehind,
    /// 10: the provider could not do it; ask again.
    Internal,
    /// 11: the snapshot is not here.
    SnapshotUnknown,
    /// 12: the rest of the session's escrow does not cover the charge.
    EscrowExhausted,
    /// 13: the charge is not that of the request's calls.
    ChargeInvalid,
    /// 1000 and above: the ledger would refuse to settle it, with the number above 1000.
    Ledger(Reject),
}

impl RefusalCode {
    /// The permanent number.
    pub fn number(self) -> u32 {
        match self {
            Self::Malformed => 1,
            Self::WrongChain => 2,
            Self::NotTheQuerier => 3,
            Self::SignatureInvalid => 4,
            Self::PointInvalid => 5,
            Self::SequenceReused => 6,
            Self::KeyUnknown => 7,
            Self::Busy => 8,
            Self::LedgerBehind => 9,
            Self::Internal => 10,
            Self::SnapshotUnknown => 11,
            Self::EscrowExhausted => 12,
            Self::ChargeInvalid => 13,
            Self::Ledger(reject) => LEDGER_REFUSALS + u32::from(reject.number()),
        }
    }

    /// Whether the same request may be evaluated later.
    pub fn transient(self) -> bool {
        match self {
            Self::Busy | Self::LedgerBehind | Self::Internal => true,
            Self::Ledger(reject) => reject.transient(),
            _ => false,
        }
    }
}

/// A provider's refusal to evaluate. Nothing is charged for it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("refused ({code}): {message}")]
pub struct Refusal {
    /// The permanent number; see [`RefusalCode`].
    pub code: u32,
    /// For people.
    pub message: String,
    /// Whether the same request may succeed later.
    pub transient: bool,
}

impl Refusal {
    /// A refusal of this member.
    pub(crate) fn new(code: RefusalCode, message: impl Into<String>) -> Self {
        Self {
            code: code.number(),
            message: message.into(),
            transient: code.transient(),
        }
    }

    /// Whether this refusal has the given reason.
    pub fn is(&self, code: RefusalCode) -> bool {
        self.code == code.number()
    }

    /// The ledger's refusal that the provider foresees, if that is the reason.
    pub fn reject_number(&self) -> Option<u16> {
        self.code
            .checked_sub(LEDGER_REFUSALS)
            .and_then(|number| u16::try_from(number).ok())
    }

    pub(crate) fn from_wire(refusal: wire::Refusal) -> Self {
        let wire::Refusal {
            code,
            mut message,
            transient,
        } = refusal;
        if message.len() > MAX_MESSAGE_BYTES {
            let end = message.floor_char_boundary(MAX_MESSAGE_BYTES);
            message.truncate(end);
        }
        Self {
            code,
            message,
            transient,
        }
    }

    pub(crate) fn to_wire(&self) -> wire::Refusal {
        let Self {
            code,
            message,
            transient,
        } = self.clone();
        wire::Refusal {
            code,
            message,
            transient,
        }
    }
}

/// What a member did that the protocol forbids. The member is at fault; nothing is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeerMisbehaved {
    /// An answer that is not of the form.
    #[error("its answer is not of the protocol's form")]
    MalformedAnswer,
    /// Another number of points than was asked.
    #[error("it answered {answered} of {asked} calls")]
    WrongCount {
        /// Calls asked.
        asked: usize,
        /// Points that came back.
        answered: usize,
    },
    /// A point off the curve, not canonical, or of small order.
    #[error("its answer to call {index} is no point of the group: {source}")]
    PointInvalid {
        /// The call.
        index: usize,
        /// What is wrong with the point.
        source: PointError,
    },
    /// The proof does not show that the list's registered key made the answers.
    #[error("its proof does not show that the list's registered key made the answers")]
    WrongProof,
    /// Bytes that are no snapshot or delta, or are for another publication.
    #[error("what it serves is no snapshot of this publication")]
    MalformedSnapshot,
    /// A snapshot whose tree has another root than the publication.
    #[error("the snapshot that it serves rebuilds another root than the published one")]
    WrongRoot,
    /// More bytes than an answer, or a publication of this size, has.
    #[error("it sends more than there is to say")]
    Oversized,
}

/// Why there is no answer of a member.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PeerError {
    /// There is no connection.
    #[error(transparent)]
    NoConnection(#[from] PeersError),
    /// The connection failed, or the member refused at the level of the connection.
    #[error("the connection failed: {0}")]
    Transport(String),
    /// No answer within the time.
    #[error("no answer within {timeout_ms} ms")]
    TimedOut {
        /// The time.
        timeout_ms: u64,
    },
    /// The member says no. Whether it is right is seen from the code.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The member broke the protocol.
    #[error(transparent)]
    Misbehaved(#[from] PeerMisbehaved),
}

impl From<tonic::Status> for PeerError {
    fn from(status: tonic::Status) -> Self {
        // The decoder here says so of a message that is longer than what is read.
        if status.code() == tonic::Code::OutOfRange {
            return PeerMisbehaved::Oversized.into();
        }
        // The other side's text is not passed on: it decides what stands in it.
        Self::Transport(format!("{:?}", status.code()))
    }
}
