//! Sizes that a list may show.

use std::fmt;
use std::io::{self, Error, ErrorKind, Read, Write};

use borsh::{BorshDeserialize, BorshSerialize};

use super::MAX_ENTRIES;

/// Entries of class 0. Smaller lists are padded to it: 1,024 tags cost a tenth of a second.
const SMALLEST_BITS: u32 = 10;
/// The class of a full tree.
const LARGEST: u8 = 18;

/// A size that lists are padded to, so that neither a list's true size nor small changes of it show.
///
/// Class c holds `1024·2^c` entries, the last one (18) all that a tree can hold, 2^28 − 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SizeClass(u8);

/// No class is of that number or size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SizeClassError {
    /// From outside, the sender is at fault.
    #[error("there is no size class {0}; the largest is {LARGEST}")]
    Unknown(u8),
    /// The owner wants more than a tree can hold.
    #[error("{entries} entries are more than a list can hold ({MAX_ENTRIES})")]
    TooLarge {
        /// Entries wanted.
        entries: u64,
    },
    /// The owner did not pad.
    #[error("{entries} entries fill no size class; the list was not padded")]
    NotPadded {
        /// Entries present.
        entries: u64,
    },
}

impl SizeClass {
    /// The class with this number.
    ///
    /// # Errors
    /// [`SizeClassError::Unknown`].
    pub fn new(number: u8) -> Result<Self, SizeClassError> {
        if number <= LARGEST {
            Ok(Self(number))
        } else {
            Err(SizeClassError::Unknown(number))
        }
    }

    /// The smallest class that holds this many entries.
    ///
    /// # Errors
    /// [`SizeClassError::TooLarge`].
    pub fn fitting(entries: u64) -> Result<Self, SizeClassError> {
        (0..=LARGEST)
            .map(Self)
            .find(|class| u64::from(class.capacity()) >= entries)
            .ok_or(SizeClassError::TooLarge { entries })
    }

    /// The class that this many entries fill.
    ///
    /// # Errors
    /// [`SizeClassError::NotPadded`], or [`SizeClassError::TooLarge`].
    pub fn filled_by(entries: u64) -> Result<Self, SizeClassError> {
        let class = Self::fitting(entries)?;
        if u64::from(class.capacity()) == entries {
            Ok(class)
        } else {
            Err(SizeClassError::NotPadded { entries })
        }
    }

    /// The number, which stands in a publication.
    #[must_use]
    pub fn number(self) -> u8 {
        self.0
    }

    /// Entries of a list of this class, padding included.
    #[must_use]
    pub fn capacity(self) -> u32 {
        (1 << (SMALLEST_BITS + u32::from(self.0))).min(MAX_ENTRIES)
    }
}

impl fmt::Display for SizeClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} entries)", self.0, self.capacity())
    }
}

impl BorshSerialize for SizeClass {
    fn serialize<W: Write>(&self, writer: &mut W) -> io::Result<()> {
        self.0.serialize(writer)
    }
}

impl BorshDeserialize for SizeClass {
    fn deserialize_reader<R: Read>(reader: &mut R) -> io::Result<Self> {
        Self::new(u8::deserialize_reader(reader)?)
            .map_err(|error| Error::new(ErrorKind::InvalidData, error))
    }
}
