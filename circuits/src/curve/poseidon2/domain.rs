//! What a hash is for: one constant per use.

use std::sync::LazyLock;

use ark_ff::PrimeField;
use sha2::{Digest, Sha512};

use crate::curve::Field;

/// The use of a Poseidon2 hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// An identifier on its way to the curve.
    HashToCurve,
    /// A tag, from the identifier and the evaluated point.
    Tag,
    /// A leaf of a list's tree.
    Leaf,
    /// A leaf of the log.
    Call,
    /// The commitment to a receipt's subject.
    Commit,
}

impl Domain {
    const ALL: [Self; 5] = [
        Self::HashToCurve,
        Self::Tag,
        Self::Leaf,
        Self::Call,
        Self::Commit,
    ];

    /// The versioned label that the constant is derived from.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::HashToCurve => "tacit/v1/h2c",
            Self::Tag => "tacit/v1/tag",
            Self::Leaf => "tacit/v1/leaf",
            Self::Call => "tacit/v1/call",
            Self::Commit => "tacit/v1/commit",
        }
    }

    /// SHA-512 of the label, read big-endian and reduced into F.
    #[must_use]
    pub fn constant(self) -> Field {
        static CONSTANTS: LazyLock<[Field; Domain::ALL.len()]> = LazyLock::new(|| {
            Domain::ALL.map(|domain| {
                Field::from_be_bytes_mod_order(&Sha512::digest(domain.label().as_bytes()))
            })
        });
        CONSTANTS[self as usize]
    }
}
