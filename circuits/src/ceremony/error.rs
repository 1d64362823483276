//! Why a step of a ceremony is refused.

use super::Phase;
use super::points::{PointFault, Vector};

/// Bytes that are no header of a ceremony, or a ceremony that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// Not a header of this version, damaged, cut off, or with bytes after its end.
    #[error("not the header of a ceremony of this version, or damaged")]
    Format,
    /// Nobody, or too many.
    #[error("{count} members; there must be 1 to {max}", max = super::MAX_MEMBERS)]
    Members {
        /// How many there are.
        count: usize,
    },
    /// A name that people could not tell from another, or a terminal could not show.
    #[error(
        "the name {name:?} is empty, too long, has white space at an end or a control character, or stands twice"
    )]
    Name {
        /// The name.
        name: String,
    },
    /// The words on the beacon.
    #[error("where the beacon comes from must be said in 1 to {max} bytes", max = super::MAX_SOURCE_BYTES)]
    Source,
    /// Too few powers of τ for any circuit, or more than this program computes.
    #[error("2^{log2} is no size of a domain that is supported")]
    Size {
        /// The power of two.
        log2: u8,
    },
    /// A beacon that is too cheap to bias, or too dear to verify.
    #[error("2^{log2} is no supported count of hashes for the beacon")]
    Hashes {
        /// The power of two.
        log2: u8,
    },
}

/// A circuit that no ceremony can be held for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CircuitError {
    /// Its constraints cannot be made without a witness.
    #[error("the circuit's constraints cannot be written out: {0}")]
    Synthesis(String),
    /// It has constraints of another kind than rank 1.
    #[error("the circuit has constraints that are not of rank 1")]
    NotRankOne,
    /// It has none, or too many.
    #[error("{rows} rows are no circuit that is supported")]
    Size {
        /// Constraints and public inputs.
        rows: usize,
    },
}

/// Why a record cannot follow the records before it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Not a record of this version, cut off, or with bytes after its end.
    #[error("not a record of this version, cut off, or with bytes after its end")]
    Format,
    /// Of the other phase, or there are no more steps.
    #[error("a record of {found} where one of {expected} must follow")]
    Phase {
        /// What is next.
        expected: Phase,
        /// What it says.
        found: Phase,
    },
    /// Keys are made.
    #[error("the ceremony is over")]
    Over,
    /// It was made for another state of the transcript: an older one, another order, another ceremony.
    #[error(
        "it does not continue this transcript: it was made for another ceremony, position or order"
    )]
    Previous,
    /// No such member.
    #[error("nobody of that name is expected to contribute")]
    NotExpected,
    /// Each contributes once to a phase.
    #[error("this member contributed to this phase before")]
    Twice,
    /// A point of the record.
    #[error("{name} is no usable point: {fault}")]
    Element {
        /// Whose multiple it is.
        name: &'static str,
        /// What is wrong with it.
        fault: PointFault,
    },
    /// A secret of 1 adds nothing.
    #[error("{name} did not change")]
    Unchanged {
        /// What did not.
        name: &'static str,
    },
    /// The proof's scalars are not canonical, or it has too few.
    #[error("the proof of knowledge is missing or not canonically encoded")]
    ProofFormat,
    /// The proof is of other secrets, by another member, or for another place.
    #[error("the proof of knowledge does not hold for this member, place and state")]
    Proof,
    /// Closing without a secret of anybody.
    #[error("nobody contributed to this phase, so that everybody would know its secrets")]
    NobodyContributed,
    /// Who is left out is not who did not contribute.
    #[error("those left out are not exactly those who did not contribute")]
    Skipped,
    /// The beacon is empty or too long.
    #[error("the beacon must be 1 to {max} bytes", max = super::MAX_BEACON_BYTES)]
    Beacon,
    /// The last step is not the one that the beacon gives.
    #[error("{name} is not what the beacon gives")]
    NotOfBeacon {
        /// What is not.
        name: &'static str,
    },
}

/// Why bytes are not the state that a record speaks of, or that state is not well formed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// Not a state of this version, or of another kind.
    #[error("not a state of this version")]
    Format,
    /// Cut off, or with bytes after its end, or for another circuit.
    #[error("not as long as a state of this circuit")]
    Length,
    /// Its digest is another one.
    #[error("it is not the state that its record names")]
    Digest,
    /// A point in it.
    #[error("{vector}, number {index}: {fault}")]
    Point {
        /// Where.
        vector: Vector,
        /// Counted from 0.
        index: usize,
        /// What is wrong with it.
        fault: PointFault,
    },
    /// It does not hold the multiple that was proven.
    #[error("{vector} is not what its record proves")]
    NotProven {
        /// What is not.
        vector: Vector,
    },
    /// A vector is not what the rest of the state says that it is.
    #[error("{vector} is not consistent with the rest")]
    Inconsistent {
        /// The vector.
        vector: Vector,
    },
    /// τⁿ = 1: every proof could be forged.
    #[error("tau is a root of unity of the circuit's domain")]
    TauInDomain,
    /// Another circuit than the header names.
    #[error("this program's circuit is not the one that the ceremony is held for")]
    Circuit,
}
