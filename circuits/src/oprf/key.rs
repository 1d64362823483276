//! A list's key for one tag epoch.

use std::fmt;

use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use crate::curve::scalar::{self, EIGHTH, SCALAR_BYTES, Scalar};
use crate::curve::{Field, Point, PointError, WirePoint, constant_time};

/// Bytes that are no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The stored secret is damaged: it is zero, or not below ℓ. Whoever keeps it is at fault.
    #[error("the secret is zero or not canonical")]
    Secret,
    /// The public key is no point. The sender is at fault.
    #[error("the public key is no point: {0}")]
    Point(#[from] PointError),
    /// What was sent has a torsion component, so that the key would have a second encoding. The
    /// sender is at fault.
    #[error("the public key's encoding is not the one in the prime-order group")]
    Torsion,
}

/// The secret `k ∈ ℤ_ℓ*` of a list's tag epoch. Used in constant time only; wiped when dropped.
#[derive(Clone)]
pub struct ListKey {
    secret: Zeroizing<[u8; SCALAR_BYTES]>,
    public: PublicKey,
}

impl ListKey {
    /// Draws a key.
    pub fn generate<R: RngCore + CryptoRng>(rng: &mut R) -> Self {
        Self::from_scalar(&scalar::random_nonzero(rng))
    }

    /// Restores a key from [`to_secret_bytes`](Self::to_secret_bytes).
    ///
    /// # Errors
    /// [`KeyError::Secret`] for zero and for what is not canonical.
    pub fn from_secret_bytes(bytes: &[u8; SCALAR_BYTES]) -> Result<Self, KeyError> {
        match scalar::decode(bytes) {
            Some(secret) if secret != Scalar::zero() => Ok(Self::from_scalar(&secret)),
            _ => Err(KeyError::Secret),
        }
    }

    /// The scalar, little-endian. The caller encrypts it before it rests anywhere.
    #[must_use]
    pub fn to_secret_bytes(&self) -> Zeroizing<[u8; SCALAR_BYTES]> {
        self.secret.clone()
    }

    /// `K = k·G`.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        self.public
    }

    pub(super) fn scalar(&self) -> Scalar {
        // Checked when the key was made.
        scalar::decode(&self.secret).unwrap_or(Scalar::zero())
    }

    pub(super) fn secret(&self) -> &[u8; SCALAR_BYTES] {
        &self.secret
    }

    /// For a scalar that is not zero.
    fn from_scalar(secret: &Scalar) -> Self {
        let eighth = constant_time::multiply(&(secret * *EIGHTH), Point::generator().affine());
        let public = Point::from_eighth(eighth).unwrap_or_else(|_| Point::generator());
        Self {
            secret: Zeroizing::new(secret.to_bytes()),
            public: PublicKey(public),
        }
    }
}

impl fmt::Debug for ListKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListKey")
            .field("secret", &"<redacted>")
            .field("public", &self.public)
            .finish()
    }
}

/// `K = k·G`, which stands on the ledger. It has exactly one encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey(Point);

impl PublicKey {
    /// Reads a key from the wire.
    ///
    /// Unlike points of a call, a key must arrive in its one canonical form, so that the ledger may
    /// compare and index keys by their bytes; this costs one multiplication.
    ///
    /// # Errors
    /// [`KeyError::Point`] or [`KeyError::Torsion`].
    pub fn from_wire(wire: &WirePoint) -> Result<Self, KeyError> {
        let point = Point::decode(wire)?;
        if Point::canonical(&point).encode() == *wire {
            Ok(Self(point))
        } else {
            Err(KeyError::Torsion)
        }
    }

    /// The key in the form of the wire.
    #[must_use]
    pub fn to_wire(&self) -> WirePoint {
        self.0.encode()
    }

    /// The u-coordinate, equal for `K` and `−K`: the ledger refuses one that it has seen.
    #[must_use]
    pub fn montgomery_u(&self) -> Field {
        self.0.montgomery_u()
    }

    /// The key as a point.
    #[must_use]
    pub fn point(&self) -> &Point {
        &self.0
    }
}
