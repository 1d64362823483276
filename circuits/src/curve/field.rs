//! The field that circuits compute in, and its one encoding.

use ark_ff::{BigInt, PrimeField};

/// F, the scalar field of BLS12-381 and the base field of Jubjub.
pub type Field = ark_bls12_381::Fr;

/// Bytes of an encoded field element.
pub const FIELD_BYTES: usize = 32;

/// Bytes from outside that are no field element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// The integer is not below the modulus, so the element would have two encodings. The sender
    /// is at fault.
    #[error("not canonical: a field element's encoding must be below the modulus")]
    NotCanonical,
}

/// The canonical integer, little-endian.
#[must_use]
pub fn encode_field(element: &Field) -> [u8; FIELD_BYTES] {
    let mut bytes = [0; FIELD_BYTES];
    for (chunk, limb) in bytes.chunks_exact_mut(8).zip(element.into_bigint().0) {
        chunk.copy_from_slice(&limb.to_le_bytes());
    }
    bytes
}

/// Reads what [`encode_field`] wrote.
///
/// # Errors
/// [`FieldError::NotCanonical`] for an integer at or above the modulus.
pub fn decode_field(bytes: &[u8; FIELD_BYTES]) -> Result<Field, FieldError> {
    Field::from_bigint(BigInt(limbs(bytes))).ok_or(FieldError::NotCanonical)
}

/// Four little-endian 64-bit limbs.
pub(crate) fn limbs(bytes: &[u8; FIELD_BYTES]) -> [u64; 4] {
    let mut limbs = [0; 4];
    for (limb, chunk) in limbs.iter_mut().zip(bytes.chunks_exact(8)) {
        let mut word = [0; 8];
        word.copy_from_slice(chunk);
        *limb = u64::from_le_bytes(word);
    }
    limbs
}

/// Borsh for a field element: its 32 canonical bytes. For `#[borsh(serialize_with, …)]`.
pub mod field_borsh {
    use std::io::{Error, ErrorKind, Read, Result, Write};

    use super::{FIELD_BYTES, Field, decode_field, encode_field};

    /// Writes the canonical encoding.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn serialize<W: Write>(element: &Field, writer: &mut W) -> Result<()> {
        writer.write_all(&encode_field(element))
    }

    /// Reads the canonical encoding.
    ///
    /// # Errors
    /// `InvalidData` for an encoding that is not canonical, and those of the reader.
    pub fn deserialize<R: Read>(reader: &mut R) -> Result<Field> {
        let mut bytes = [0; FIELD_BYTES];
        reader.read_exact(&mut bytes)?;
        decode_field(&bytes).map_err(|error| Error::new(ErrorKind::InvalidData, error))
    }
}
