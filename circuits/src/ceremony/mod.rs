//! The ceremony that makes the keys of a Groth16 circuit.
//!
//! Whoever knows the secrets behind the keys can prove what is false. So several members make them one after another:
//! each multiplies what is there by secrets of their own and forgets them, and the keys are sound if one of them did.
//! Phase 1 makes powers of τ with α and β, which are then specialised to the circuit; phase 2 makes δ. Each phase ends
//! with a contribution that a public value gives (Bowe, Gabizon, Miers, *Scalable multi-party computation for
//! zk-SNARK parameters in the random beacon model*, 2017). What is stored and checked follows Kohlweiss, Maller, Siim,
//! Volkhov, *Snarky ceremonies*, 2021: a short record of every contribution, and the newest state, which holds all of
//! them.
//!
//! [`Transcript`] checks records and makes new ones; [`Powers`], [`Specialised`] and [`Delta`] are the states. All
//! that comes from outside is checked to be canonical, on the curve and in the group of prime order.

mod circuit;
mod contribute;
mod delta;
mod error;
mod header;
mod keys;
mod lagrange;
mod points;
mod powers;
mod proof;
mod ratio;
mod record;
mod scale;
mod secrets;
mod specialise;
mod state;
mod transcript;

use std::fmt;

pub use circuit::Circuit;
pub use contribute::{Made, Progress};
pub use delta::Delta;
pub use error::{CircuitError, HeaderError, RecordError, StateError};
pub use header::Header;
pub use keys::Keys;
pub use points::{PointFault, Vector};
pub use powers::Powers;
pub use specialise::Specialised;
pub use transcript::{Next, Step, Transcript};

/// Members of a ceremony. One honest one suffices; each is an hour of somebody's day.
pub const MAX_MEMBERS: usize = 64;
/// Bytes of a member's name.
pub const MAX_NAME_BYTES: usize = 64;
/// Bytes of the words on where beacons come from.
pub const MAX_SOURCE_BYTES: usize = 512;
/// Bytes of a header: the longest that the limits above allow is shorter.
pub const MAX_HEADER_BYTES: usize = 8192;
/// Bytes of a record: the longest closing, with everybody but one left out, is shorter.
pub const MAX_RECORD_BYTES: usize = 1024;
/// Bytes of a beacon: the longest digest in use.
pub const MAX_BEACON_BYTES: usize = 64;
/// The smallest domain: below it nothing is saved, and the steps of the transform are not all there.
pub const MIN_LOG2_SIZE: u8 = 2;
/// The largest domain: its states take 600 MB.
pub const MAX_LOG2_SIZE: u8 = 20;
/// The least count of hashes for a beacon, as a power of two, for rehearsals and tests.
pub const MIN_BEACON_LOG2_HASHES: u8 = 4;
/// The largest count: it takes an hour.
pub const MAX_BEACON_LOG2_HASHES: u8 = 36;
/// What ceremonies use: one to five seconds, longer than a validator may wait with a block, and little for whoever
/// verifies.
pub const BEACON_LOG2_HASHES: u8 = 24;

/// A half of the ceremony.
#[derive(Clone, Copy, Debug, PartialEq, Eq, borsh::BorshSerialize, borsh::BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Phase {
    /// Powers of τ, with α and β: the same for every circuit of a size.
    Powers = 1,
    /// δ, for one circuit.
    Delta = 2,
}

impl Phase {
    /// What a contribution to it multiplies with.
    pub(crate) fn secrets(self) -> &'static [&'static str] {
        match self {
            Self::Powers => &["tau", "alpha", "beta"],
            Self::Delta => &["delta"],
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "phase {}", *self as u8)
    }
}
