//! The one canonical encoding: borsh, exact.
//!
//! Borsh maps each value to one byte string and back; what this module adds is what hostile bytes need:
//! no trailing bytes, every vector and text of a bounded length that is checked before anything is
//! allocated for it, and errors instead of panics.

use borsh::io::{Error, ErrorKind, Read, Write};
use borsh::{BorshDeserialize, BorshSerialize};
use std::fmt;
use std::ops::Deref;

/// Why bytes are not the canonical encoding of a value.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// The bytes end too early, continue too long, exceed a bound or hold a value that cannot exist.
    #[error("bytes are not a canonical encoding: {0}")]
    NotCanonical(#[from] Error),
    /// A vector or text is longer than its type allows.
    #[error("{length} items where at most {max} are allowed")]
    TooLong {
        /// Length found.
        length: usize,
        /// Length allowed.
        max: usize,
    },
    /// A text is empty, or holds control or invisible characters, or white space at an end.
    #[error(
        "a text must be non-empty, without control or invisible characters, without white space at its ends"
    )]
    BadText,
}

/// Room that an encoding starts with; most take no more.
const TYPICAL_BYTES: usize = 256;

/// Most bytes for which room is made before they have arrived.
const PIECE_BYTES: usize = 4096;

/// Canonical bytes of `value`.
pub fn encode<T: BorshSerialize + ?Sized>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(TYPICAL_BYTES);
    // Writing to a vector has no source of errors, and no type of this crate refuses to be written.
    value
        .serialize(&mut bytes)
        .expect("writing to memory does not fail");
    bytes
}

/// Value whose canonical encoding is exactly `bytes`.
pub fn decode<T: BorshDeserialize>(bytes: &[u8]) -> Result<T, CodecError> {
    Ok(T::try_from_slice(bytes)?)
}

fn read_length(reader: &mut impl Read, max: usize) -> Result<usize, Error> {
    let length = u32::deserialize_reader(reader)? as usize;
    if length > max {
        return Err(Error::new(
            ErrorKind::InvalidData,
            format!("{length} items where at most {max} are allowed"),
        ));
    }
    Ok(length)
}

fn write_length(writer: &mut impl Write, length: usize) -> Result<(), Error> {
    // The bounded types hold at most `MAX` items and every `MAX` of the workspace fits 32 bits.
    (length as u32).serialize(writer)
}

/// At most `MAX` items. Encoded as a 32-bit little-endian count and the items.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BoundedVec<T, const MAX: usize>(Vec<T>);

impl<T, const MAX: usize> BoundedVec<T, MAX> {
    /// Most items that a value of this type holds.
    pub const MAX: usize = MAX;

    /// No items.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Appends `item`, or hands it back when the vector is full.
    pub fn push(&mut self, item: T) -> Result<(), T> {
        if self.0.len() == MAX {
            return Err(item);
        }
        self.0.push(item);
        Ok(())
    }

    /// Keeps the items that `keep` approves of, in their order.
    pub fn retain(&mut self, keep: impl FnMut(&T) -> bool) {
        self.0.retain(keep);
    }

    /// The items, to be changed but not added to.
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        &mut self.0
    }

    /// The items as a plain vector.
    pub fn into_vec(self) -> Vec<T> {
        self.0
    }
}

impl<T, const MAX: usize> Default for BoundedVec<T, MAX> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, const MAX: usize> Deref for BoundedVec<T, MAX> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T, const MAX: usize> TryFrom<Vec<T>> for BoundedVec<T, MAX> {
    type Error = CodecError;

    fn try_from(items: Vec<T>) -> Result<Self, CodecError> {
        if items.len() > MAX {
            return Err(CodecError::TooLong {
                length: items.len(),
                max: MAX,
            });
        }
        Ok(Self(items))
    }
}

impl<'a, T, const MAX: usize> IntoIterator for &'a BoundedVec<T, MAX> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<T: fmt::Debug, const MAX: usize> fmt::Debug for BoundedVec<T, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T: serde::Serialize, const MAX: usize> serde::Serialize for BoundedVec<T, MAX> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<T: BorshSerialize, const MAX: usize> BorshSerialize for BoundedVec<T, MAX> {
    fn serialize<W: Write>(&self, writer: &mut W) -> Result<(), Error> {
        write_length(writer, self.0.len())?;
        self.0.iter().try_for_each(|item| item.serialize(writer))
    }
}

impl<T: BorshDeserialize, const MAX: usize> BorshDeserialize for BoundedVec<T, MAX> {
    fn deserialize_reader<R: Read>(reader: &mut R) -> Result<Self, Error> {
        let length = read_length(reader, MAX)?;
        // Grows with the bytes that really arrive: a long count before a short input allocates little.
        let mut items = Vec::new();
        for _ in 0..length {
            items.push(T::deserialize_reader(reader)?);
        }
        Ok(Self(items))
    }
}

/// At most `MAX` bytes. The same encoding as `BoundedVec<u8, MAX>`, read and written in one piece.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Bytes<const MAX: usize>(Vec<u8>);

impl<const MAX: usize> Bytes<MAX> {
    /// Most bytes that a value of this type holds.
    pub const MAX: usize = MAX;

    /// The bytes as a plain vector.
    pub fn into_vec(self) -> Vec<u8> {
        self.0
    }
}

impl<const MAX: usize> Deref for Bytes<MAX> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl<const MAX: usize> TryFrom<Vec<u8>> for Bytes<MAX> {
    type Error = CodecError;

    fn try_from(bytes: Vec<u8>) -> Result<Self, CodecError> {
        if bytes.len() > MAX {
            return Err(CodecError::TooLong {
                length: bytes.len(),
                max: MAX,
            });
        }
        Ok(Self(bytes))
    }
}

impl<const MAX: usize> fmt::Debug for Bytes<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bytes({} bytes)", self.0.len())
    }
}

impl<const MAX: usize> BorshSerialize for Bytes<MAX> {
    fn serialize<W: Write>(&self, writer: &mut W) -> Result<(), Error> {
        write_length(writer, self.0.len())?;
        writer.write_all(&self.0)
    }
}

impl<const MAX: usize> BorshDeserialize for Bytes<MAX> {
    fn deserialize_reader<R: Read>(reader: &mut R) -> Result<Self, Error> {
        let length = read_length(reader, MAX)?;
        let mut bytes = Vec::new();
        while bytes.len() < length {
            let start = bytes.len();
            bytes.resize(length.min(start + PIECE_BYTES), 0);
            reader
                .read_exact(&mut bytes[start..])
                .map_err(|_| Error::new(ErrorKind::InvalidData, "the bytes end too early"))?;
        }
        Ok(Self(bytes))
    }
}

/// A non-empty UTF-8 text of at most `MAX` bytes without control or invisible characters and without
/// white space at its ends.
///
/// Names are shown to people on terminals and pages: what could forge a line or hide itself is refused
/// where it enters. Groups are told apart by their names alone, so two that look the same to a voter
/// must not differ in what nobody sees. Encoded like [`Bytes`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text<const MAX: usize>(String);

impl<const MAX: usize> Text<MAX> {
    /// Checks and wraps `text`.
    pub fn new(text: impl Into<String>) -> Result<Self, CodecError> {
        let text = text.into();
        if text.len() > MAX {
            return Err(CodecError::TooLong {
                length: text.len(),
                max: MAX,
            });
        }
        let padded = text.starts_with(char::is_whitespace) || text.ends_with(char::is_whitespace);
        // Of the ASCII characters, only controls are hidden.
        let hidden = if text.is_ascii() {
            text.bytes().any(|byte| byte.is_ascii_control())
        } else {
            text.chars().any(is_hidden)
        };
        if text.is_empty() || padded || hidden {
            return Err(CodecError::BadText);
        }
        Ok(Self(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Control characters, line and paragraph separators, and what is drawn as nothing: the directional
/// marks with which one text can be made to look like another (Unicode Technical Report 36, section
/// 2.5) and all that has the property Default_Ignorable_Code_Point (Unicode Standard, section 5.21).
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}'
            | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{1BCA0}'..='\u{1BCA3}'
            | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

impl<const MAX: usize> TryFrom<&str> for Text<MAX> {
    type Error = CodecError;

    fn try_from(text: &str) -> Result<Self, CodecError> {
        Self::new(text)
    }
}

impl<const MAX: usize> fmt::Display for Text<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<const MAX: usize> fmt::Debug for Text<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<const MAX: usize> serde::Serialize for Text<MAX> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<const MAX: usize> BorshSerialize for Text<MAX> {
    fn serialize<W: Write>(&self, writer: &mut W) -> Result<(), Error> {
        write_length(writer, self.0.len())?;
        writer.write_all(self.0.as_bytes())
    }
}

impl<const MAX: usize> BorshDeserialize for Text<MAX> {
    fn deserialize_reader<R: Read>(reader: &mut R) -> Result<Self, Error> {
        let bytes = Bytes::<MAX>::deserialize_reader(reader)?.into_vec();
        let text =
            String::from_utf8(bytes).map_err(|error| Error::new(ErrorKind::InvalidData, error))?;
        Self::new(text).map_err(|error| Error::new(ErrorKind::InvalidData, error))
    }
}
