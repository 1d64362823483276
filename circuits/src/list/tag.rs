//! What stands on a list instead of an identifier.

use std::fmt;
use std::io::{self, Error, ErrorKind, Read, Write};

use ark_ff::PrimeField;
use borsh::{BorshDeserialize, BorshSerialize};

use crate::curve::Field;

/// Bytes of an encoded tag.
pub const TAG_BYTES: usize = 16;

/// The upper 128 bits of `T = H2(tag; x, X(N))`: `⌊T / 2^127⌋`, neither 0 nor 2^128 − 1, which are
/// the ends of the tree's chain.
///
/// Tags of queried subjects tell who was asked about, so a tag never prints.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(u128);

/// The number is one of the two that end the tree's chain. From outside, the sender is at fault;
/// from a hash, it is seen once in 2^128 times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a tag is neither 0 nor 2^128 - 1")]
pub struct TagError;

impl Tag {
    /// The tag with this number.
    ///
    /// # Errors
    /// [`TagError`] for 0 and 2^128 − 1.
    pub const fn new(number: u128) -> Result<Self, TagError> {
        match number {
            0 | u128::MAX => Err(TagError),
            _ => Ok(Self(number)),
        }
    }

    /// The number, for look-ups and files. Not for logs.
    #[must_use]
    pub const fn to_u128(self) -> u128 {
        self.0
    }

    /// For a number that was a tag before.
    pub(super) const fn known(number: u128) -> Self {
        debug_assert!(Self::new(number).is_ok());
        Self(number)
    }

    /// `⌊T / 2^127⌋`.
    pub(crate) fn from_hash(hash: &Field) -> Result<Self, TagError> {
        let [_, second, third, fourth] = hash.into_bigint().0;
        // T is below 2^255, so that bits 127 to 254 are all there is above 2^127.
        let upper = u128::from(fourth) << 64 | u128::from(third);
        Self::new(upper << 1 | u128::from(second >> 63))
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tag(<redacted>)")
    }
}

impl TryFrom<u128> for Tag {
    type Error = TagError;

    fn try_from(number: u128) -> Result<Self, TagError> {
        Self::new(number)
    }
}

impl BorshSerialize for Tag {
    fn serialize<W: Write>(&self, writer: &mut W) -> io::Result<()> {
        self.0.serialize(writer)
    }
}

impl BorshDeserialize for Tag {
    fn deserialize_reader<R: Read>(reader: &mut R) -> io::Result<Self> {
        Self::new(u128::deserialize_reader(reader)?)
            .map_err(|error| Error::new(ErrorKind::InvalidData, error))
    }
}
