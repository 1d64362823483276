//! The subject of a receipt, committed to.

use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use ark_ff::UniformRand;

use crate::curve::poseidon2::{Domain, hash_3};
use crate::curve::{FIELD_BYTES, Field, FieldError, decode_field, encode_field, field_borsh};
use crate::identifier::IdentifierType;
use crate::oprf::Entry;

/// `C = H3(commit; type, x, s)`: binds to a subject as far as Poseidon2 resists collisions, and hides
/// it as long as s stays secret. 32 canonical bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct SubjectCommitment(
    #[borsh(
        serialize_with = "field_borsh::serialize",
        deserialize_with = "field_borsh::deserialize"
    )]
    Field,
);

impl SubjectCommitment {
    /// The commitment, canonical and little-endian.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; FIELD_BYTES] {
        encode_field(&self.0)
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    /// [`FieldError`] where it is not canonical.
    pub fn from_bytes(bytes: &[u8; FIELD_BYTES]) -> Result<Self, FieldError> {
        decode_field(bytes).map(Self)
    }

    pub(super) fn field(&self) -> Field {
        self.0
    }
}

impl fmt::Debug for SubjectCommitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SubjectCommitment(")?;
        for byte in self.to_bytes() {
            write!(f, "{byte:02x}")?;
        }
        f.write_str(")")
    }
}

/// The secret s of a [`SubjectCommitment`]. Wiped when dropped, never printed.
///
/// One s per commitment: identifiers can be guessed, and with s so can be checked.
#[derive(Clone)]
pub struct CommitmentSecret(Zeroizing<Field>);

impl CommitmentSecret {
    /// A fresh secret, uniform in F.
    pub fn random<R: RngCore + CryptoRng>(rng: &mut R) -> Self {
        Self(Zeroizing::new(Field::rand(rng)))
    }

    /// The secret, canonical and little-endian, for the sealed audit record.
    #[must_use]
    pub fn to_secret_bytes(&self) -> Zeroizing<[u8; FIELD_BYTES]> {
        Zeroizing::new(encode_field(&self.0))
    }

    /// Restores a secret from [`to_secret_bytes`](Self::to_secret_bytes).
    ///
    /// # Errors
    /// [`FieldError`] where it is not canonical.
    pub fn from_secret_bytes(bytes: &[u8; FIELD_BYTES]) -> Result<Self, FieldError> {
        decode_field(bytes).map(|s| Self(Zeroizing::new(s)))
    }

    pub(super) fn field(&self) -> Field {
        *self.0
    }
}

impl fmt::Debug for CommitmentSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CommitmentSecret(<redacted>)")
    }
}

/// Commits to an identifier in its field form.
#[must_use]
pub fn commit(kind: IdentifierType, x: Field, secret: &CommitmentSecret) -> SubjectCommitment {
    commit_entry(&Entry::identifier(kind, x), secret)
}

/// Commits to what stands on a list, which may be padding.
#[must_use]
pub fn commit_entry(entry: &Entry, secret: &CommitmentSecret) -> SubjectCommitment {
    SubjectCommitment(hash_3(
        Domain::Commit,
        Field::from(entry.type_code()),
        entry.x(),
        secret.field(),
    ))
}
