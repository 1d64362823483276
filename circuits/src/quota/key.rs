//! A member's key for quota: `P = s⁻¹·H`, so that a handle `r·P` gives the holder of s the blinding
//! `r·H` of a commitment, and with it the value.

use std::fmt;

use curve25519_dalek::ristretto::RistrettoPoint;
use curve25519_dalek::scalar::Scalar;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::element::{ELEMENT_BYTES, Element, EncodingError, borsh_as_bytes};
use super::generators::blinding_generator;

const DERIVATION: &str = "tacit v1 quota key";
const NOBODY: &str = "tacit v1 quota key of nobody";

/// The secret `s`. Used in constant time only; wiped when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct QuotaKey {
    secret: Scalar,
    #[zeroize(skip)]
    public: QuotaPublicKey,
}

impl QuotaKey {
    /// Derives the key of a generation from the 32 bytes behind a member's ledger key: 64 bytes of
    /// BLAKE3 in key derivation mode over the material and the generation (4 bytes), little-endian,
    /// reduced. A member that changes its key goes to the next generation and needs no new backup.
    ///
    /// Derivation runs one way: whoever gets a quota key learns nothing of the ledger key.
    #[must_use]
    pub fn derive(material: &[u8; 32], generation: u32) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(DERIVATION);
        hasher.update(material);
        hasher.update(&generation.to_le_bytes());
        let mut output = hasher.finalize_xof();
        let mut wide = [0; 64];
        let secret = loop {
            output.fill(&mut wide);
            let secret = Scalar::from_bytes_mod_order_wide(&wide);
            if secret != Scalar::ZERO {
                break secret;
            }
        };
        wide.zeroize();
        hasher.zeroize();
        output.zeroize();
        let public = blinding_generator().point() * secret.invert();
        Self {
            secret,
            public: QuotaPublicKey(Element::from_point(public)),
        }
    }

    /// `P = s⁻¹·H`.
    #[must_use]
    pub fn public(&self) -> QuotaPublicKey {
        self.public
    }

    pub(super) fn secret(&self) -> &Scalar {
        &self.secret
    }
}

impl fmt::Debug for QuotaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QuotaKey")
            .field("secret", &"<redacted>")
            .field("public", &self.public)
            .finish()
    }
}

/// `P = s⁻¹·H`, which stands on the ledger. Never the identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct QuotaPublicKey(Element);

impl QuotaPublicKey {
    /// Bytes of a key.
    pub const BYTES: usize = ELEMENT_BYTES;

    /// Reads a key.
    ///
    /// # Errors
    /// [`EncodingError`], also for the identity, under which every handle would be the same.
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Result<Self, EncodingError> {
        match Element::from_bytes(bytes)? {
            element if element.is_identity() => Err(EncodingError::Identity),
            element => Ok(Self(element)),
        }
    }

    /// The canonical encoding.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        self.0.to_bytes()
    }

    /// A key whose secret nobody knows, for a network without a supervisor: a hash mapped to the
    /// group, so that everybody sees that it was not chosen.
    #[must_use]
    pub fn nobody() -> Self {
        let mut wide = [0; 64];
        blake3::Hasher::new_derive_key(NOBODY)
            .finalize_xof()
            .fill(&mut wide);
        Self(Element::from_point(RistrettoPoint::from_uniform_bytes(
            &wide,
        )))
    }

    pub(super) fn element(&self) -> &Element {
        &self.0
    }
}

borsh_as_bytes!(QuotaPublicKey, QuotaPublicKey::BYTES);
