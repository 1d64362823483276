//! The verifying key, and its name.

use std::fmt;
use std::io::{self, Error, ErrorKind, Read, Write};

use ark_bls12_381::{Bls12_381, G1Affine, G2Affine};
use borsh::{BorshDeserialize, BorshSerialize};

use super::points::{G1_BYTES, G2_BYTES, GroupPoint, NotInGroup};
use super::statement::PUBLIC_INPUTS;

/// Points of the verifying key that the public inputs multiply, with that of the constant 1.
const INPUT_POINTS: usize = PUBLIC_INPUTS + 1;

/// Bytes of a verifying key: α in G1, β, γ and δ in G2, then the points of the constant 1 and of each
/// public input in G1, all compressed.
pub const VERIFYING_KEY_BYTES: usize = G1_BYTES + 3 * G2_BYTES + INPUT_POINTS * G1_BYTES;

/// Separates this use of BLAKE3 from all others.
const KEY_ID_CONTEXT: &str = "tacit v1 receipt verifying key";

/// Why something is no key of this circuit. Whoever made it is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The bytes begin otherwise: another kind of file, or another version of it.
    #[error("not a key of the receipt circuit, version 1")]
    OtherFormat,
    /// Too many or too few bytes or points.
    #[error("the key is for a circuit of another size")]
    OtherSize,
    /// A point is not canonical, not in its group, or the identity where none may be.
    #[error("the key holds something that is no point of its group")]
    NotInGroup,
    /// The bytes are not those that were hashed.
    #[error("the key's bytes are not the expected ones")]
    OtherBytes,
}

impl From<NotInGroup> for KeyError {
    fn from(NotInGroup: NotInGroup) -> Self {
        Self::NotInGroup
    }
}

/// The name of a verifying key: BLAKE3 of its bytes. What the ledger votes on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct KeyId(pub [u8; 32]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// What proofs of this circuit are verified with. Every point is in its group, and none the identity.
#[derive(Clone, PartialEq)]
pub struct VerifyingKey(ark_groth16::VerifyingKey<Bls12_381>);

impl VerifyingKey {
    /// The key of a set-up.
    ///
    /// # Errors
    /// [`KeyError`]; points are checked as those from outside are.
    pub fn from_parameters(key: ark_groth16::VerifyingKey<Bls12_381>) -> Result<Self, KeyError> {
        if key.gamma_abc_g1.len() != INPUT_POINTS {
            return Err(KeyError::OtherSize);
        }
        Self::from_bytes(&Self(key).to_bytes())
    }

    /// The key as a set-up knows it.
    #[must_use]
    pub fn parameters(&self) -> &ark_groth16::VerifyingKey<Bls12_381> {
        &self.0
    }

    /// The canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; VERIFYING_KEY_BYTES] {
        let mut bytes = Vec::with_capacity(VERIFYING_KEY_BYTES);
        self.0.alpha_g1.write(&mut bytes);
        for point in [&self.0.beta_g2, &self.0.gamma_g2, &self.0.delta_g2] {
            point.write(&mut bytes);
        }
        for point in &self.0.gamma_abc_g1 {
            point.write(&mut bytes);
        }
        let mut array = [0; VERIFYING_KEY_BYTES];
        array.copy_from_slice(&bytes);
        array
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        if bytes.len() != VERIFYING_KEY_BYTES {
            return Err(KeyError::OtherSize);
        }
        let (alpha, rest) = bytes.split_at(G1_BYTES);
        let (twos, inputs) = rest.split_at(3 * G2_BYTES);
        let two =
            |index: usize| G2Affine::read_non_zero(&twos[index * G2_BYTES..(index + 1) * G2_BYTES]);
        Ok(Self(ark_groth16::VerifyingKey {
            alpha_g1: G1Affine::read_non_zero(alpha)?,
            beta_g2: two(0)?,
            gamma_g2: two(1)?,
            delta_g2: two(2)?,
            gamma_abc_g1: inputs
                .chunks_exact(G1_BYTES)
                .map(G1Affine::read_non_zero)
                .collect::<Result<_, _>>()?,
        }))
    }

    /// The key's name.
    #[must_use]
    pub fn id(&self) -> KeyId {
        KeyId(blake3::derive_key(KEY_ID_CONTEXT, &self.to_bytes()))
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({})", self.id())
    }
}

impl BorshSerialize for VerifyingKey {
    fn serialize<W: Write>(&self, writer: &mut W) -> io::Result<()> {
        writer.write_all(&self.to_bytes())
    }
}

impl BorshDeserialize for VerifyingKey {
    fn deserialize_reader<R: Read>(reader: &mut R) -> io::Result<Self> {
        let mut bytes = [0; VERIFYING_KEY_BYTES];
        reader.read_exact(&mut bytes)?;
        Self::from_bytes(&bytes).map_err(|error| Error::new(ErrorKind::InvalidData, error))
    }
}
