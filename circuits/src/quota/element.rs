//! Elements of ristretto255, with the encoding that each has exactly one of (RFC 9496).

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::{Add, Sub};

use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::Identity;

/// Bytes of an element.
pub const ELEMENT_BYTES: usize = 32;
/// Bytes of a scalar.
pub(super) const SCALAR_BYTES: usize = 32;

/// Bytes that are not what they should be. The sender is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodingError {
    /// Not the canonical encoding of an element.
    #[error("the bytes are not the encoding of an element")]
    Element,
    /// The identity, where it must not stand.
    #[error("the element is the identity")]
    Identity,
    /// A scalar that is not below the order.
    #[error("the scalar is not below the order")]
    Scalar,
    /// Too few bytes, or bytes after the end.
    #[error("the encoding has {found} bytes, not {expected}")]
    Length {
        /// Bytes that there should be.
        expected: usize,
        /// Bytes that there are.
        found: usize,
    },
}

/// An element of ristretto255, which is public: commitments, handles and public keys are.
#[derive(Clone, Copy)]
pub struct Element {
    point: RistrettoPoint,
    bytes: [u8; ELEMENT_BYTES],
}

impl Element {
    /// The neutral element, whose bytes are zeros.
    #[must_use]
    pub fn identity() -> Self {
        Self {
            point: RistrettoPoint::identity(),
            bytes: [0; ELEMENT_BYTES],
        }
    }

    /// Reads an element, the identity among them.
    ///
    /// # Errors
    /// [`EncodingError::Element`] for all but the canonical encoding of an element.
    pub fn from_bytes(bytes: &[u8; ELEMENT_BYTES]) -> Result<Self, EncodingError> {
        let point = CompressedRistretto(*bytes)
            .decompress()
            .ok_or(EncodingError::Element)?;
        Ok(Self {
            point,
            bytes: *bytes,
        })
    }

    /// The canonical encoding.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; ELEMENT_BYTES] {
        self.bytes
    }

    /// Whether this is the identity.
    #[must_use]
    pub fn is_identity(&self) -> bool {
        self.bytes == [0; ELEMENT_BYTES]
    }

    pub(super) fn from_point(point: RistrettoPoint) -> Self {
        Self {
            point,
            bytes: point.compress().0,
        }
    }

    pub(super) fn point(&self) -> &RistrettoPoint {
        &self.point
    }
}

impl Add for Element {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        match (self.is_identity(), other.is_identity()) {
            (true, _) => other,
            (_, true) => self,
            _ => Self::from_point(self.point + other.point),
        }
    }
}

impl Sub for Element {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        if other.is_identity() {
            return self;
        }
        Self::from_point(self.point - other.point)
    }
}

impl PartialEq for Element {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Element {}

impl Hash for Element {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes.hash(state);
    }
}

impl fmt::Debug for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Element(")?;
        for byte in self.bytes {
            write!(f, "{byte:02x}")?;
        }
        f.write_str(")")
    }
}

/// Reads fixed-length encodings from their front.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// For bytes of exactly the length that is expected, so that nothing after can run short.
    pub(super) fn new(bytes: &'a [u8], expected: usize) -> Result<Self, EncodingError> {
        let found = bytes.len();
        if found == expected {
            Ok(Self { rest: bytes })
        } else {
            Err(EncodingError::Length { expected, found })
        }
    }

    pub(super) fn bytes<const N: usize>(&mut self) -> Result<[u8; N], EncodingError> {
        let (first, rest) = self.rest.split_first_chunk().ok_or(EncodingError::Length {
            expected: N,
            found: self.rest.len(),
        })?;
        self.rest = rest;
        Ok(*first)
    }

    /// An element that may be the identity.
    pub(super) fn any_element(&mut self) -> Result<Element, EncodingError> {
        Element::from_bytes(&self.bytes()?)
    }

    /// An element that must not be the identity.
    pub(super) fn element(&mut self) -> Result<Element, EncodingError> {
        match self.any_element()? {
            element if element.is_identity() => Err(EncodingError::Identity),
            element => Ok(element),
        }
    }

    pub(super) fn scalar(&mut self) -> Result<Scalar, EncodingError> {
        decode_scalar(&self.bytes()?)
    }

    pub(super) fn array<T: Copy, const N: usize>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Result<T, EncodingError>,
    ) -> Result<[T; N], EncodingError> {
        let first = read(self)?;
        let mut items = [first; N];
        for item in items.iter_mut().skip(1) {
            *item = read(self)?;
        }
        Ok(items)
    }
}

pub(super) fn decode_scalar(bytes: &[u8; SCALAR_BYTES]) -> Result<Scalar, EncodingError> {
    Option::from(Scalar::from_canonical_bytes(*bytes)).ok_or(EncodingError::Scalar)
}

/// Gives types of a fixed length their borsh form, which is these bytes.
macro_rules! borsh_as_bytes {
    ($type:ty, $length:expr) => {
        impl borsh::BorshSerialize for $type {
            fn serialize<W: std::io::Write>(&self, writer: &mut W) -> std::io::Result<()> {
                writer.write_all(&self.to_bytes())
            }
        }

        impl borsh::BorshDeserialize for $type {
            fn deserialize_reader<R: std::io::Read>(reader: &mut R) -> std::io::Result<Self> {
                let mut bytes = [0; $length];
                reader.read_exact(&mut bytes)?;
                Self::from_bytes(&bytes)
                    .map_err(|error| std::io::Error::new(std::io::ErrorKind::InvalidData, error))
            }
        }
    };
}
pub(super) use borsh_as_bytes;

borsh_as_bytes!(Element, ELEMENT_BYTES);
