//! What can be wrong with a statement.

use tacit_circuits::quota::{EncodingError, NotTheValue};
use tacit_finality::FinalityError;
use tacit_ledger::kernel::ChainId;
use tacit_ledger::kernel::codec::CodecError;
use tacit_ledger::network::SessionId;
use tacit_ledger::network::movement::Part;

use crate::file::FormatError;

/// Why bytes are no statement.
#[derive(Debug, thiserror::Error)]
pub enum StatementFileError {
    /// They are of no such file.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// A proof of an amount does not decode.
    #[error("a proof of an amount does not decode: {0}")]
    Disclosure(EncodingError),
    /// The proofs of the records do not decode.
    #[error(transparent)]
    Evidence(#[from] FinalityError),
}

/// Why a statement is not to be relied on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// It is of another network than the genesis.
    #[error("the statement is of network {0}, and the genesis is another's")]
    OtherNetwork(ChainId),
    /// The records are not proven to be final.
    #[error("the records are not proven: {0}")]
    NotFinal(#[from] FinalityError),
    /// A record is missing.
    #[error("the file does not prove the record {0}")]
    RecordMissing(String),
    /// There is not one proof for each amount.
    #[error("the file has {0} proofs of amounts, and another number of amounts")]
    WrongCount(usize),
    /// A proof is of another amount, key, reader or network.
    #[error("the proof of {0} is of something else")]
    OtherAmount(String),
    /// A proof does not hold.
    #[error("the proof of {0} does not hold")]
    WrongProof(String),
    /// A session is another member's.
    #[error("session {0} is not one that the member opened")]
    OtherSession(SessionId),
    /// A result is not proven to be final.
    #[error("result {place} is not proven: {source}")]
    ResultNotFinal {
        /// Its place in the file, counted from 1.
        place: usize,
        /// What is wrong.
        source: FinalityError,
    },
    /// A result is no result, or moves nothing of the member's.
    #[error("result {0} moves nothing of this member's")]
    NoMovement(usize),
    /// The balance at the beginning is not of before the one at the end.
    #[error("the balance at the beginning is not of before the one at the end")]
    Backwards,
    /// Results are out of order, shown twice, or of blocks outside of the period.
    #[error("result {0} is out of order, or outside of the period")]
    Disorder(usize),
    /// What moved does not lead from the first balance to the last one.
    #[error(
        "what moved does not lead from the balance at the beginning to that at the end: {} differs by {difference_minor} minor units. \
         A movement is missing", part_name(.part)
    )]
    DoesNotLead {
        /// Where it differs.
        part: Part,
        /// What there is at the end less what there should be, in minor units.
        difference_minor: i128,
    },
    /// What went into the escrow of a session is not what came out of it.
    #[error(
        "the escrow of session {session} differs by {difference_minor} minor units from what moved. A movement is missing"
    )]
    SessionDoesNotLead {
        /// Which.
        session: SessionId,
        /// What there is at the end less what there should be, in minor units.
        difference_minor: i128,
    },
}

const fn part_name(part: &Part) -> &'static str {
    match part {
        Part::Account => "the account",
        Part::Escrow => "what is in escrow",
        Part::Deposit => "the deposit",
        Part::Stake => "what is put aside for disputes",
    }
}

/// Why a statement cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    /// The records are not those of the member.
    #[error(transparent)]
    Records(#[from] StatementError),
    /// The key does not open them.
    #[error(transparent)]
    NotTheValue(#[from] NotTheValue),
    /// There is more in it than a statement holds.
    #[error("the period is too long for one statement: {0}")]
    TooLarge(#[from] CodecError),
    /// The file would be larger than one is.
    #[error("the period is too long for one statement: {0}")]
    TooLong(FormatError),
}
