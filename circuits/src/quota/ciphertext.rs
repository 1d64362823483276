//! Commitments to values with a handle for each party that may open them: twisted ElGamal.
//!
//! `C = v·G + r·H` and `Dᵢ = r·Pᵢ`. The holder of sᵢ has `v·G = C − sᵢ·Dᵢ`. Everything is linear: sums and
//! differences of ciphertexts, part by part, hold the sums and differences of values, for all
//! parties at once. So a party that can open a whole and a part can open the rest.

use curve25519_dalek::ristretto::RistrettoPoint;
use curve25519_dalek::scalar::Scalar;
use rand_core::{CryptoRng, RngCore};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::element::{ELEMENT_BYTES, Element, EncodingError, Reader, SCALAR_BYTES, decode_scalar};
use super::generators::generators;
use super::key::{QuotaKey, QuotaPublicKey};

/// Bound of one amount. Sums may exceed it.
pub const AMOUNT_BOUND: u64 = 1 << 32;

/// Bytes of an opening: value, then blinding.
pub const OPENING_BYTES: usize = 4 + SCALAR_BYTES;

/// An amount and the blinding that hides it. Who has both can show what a commitment holds, and to
/// whom it is sent they are as secret as to the sender. Wiped when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Opening {
    pub(super) value: u32,
    pub(super) blinding: Scalar,
}

impl Opening {
    /// An amount, in minor units, under a fresh blinding.
    pub fn random<R: RngCore + CryptoRng>(amount_minor: u32, rng: &mut R) -> Self {
        let blinding = loop {
            let blinding = Scalar::random(rng);
            if blinding != Scalar::ZERO {
                break blinding;
            }
        };
        Self {
            value: amount_minor,
            blinding,
        }
    }

    /// The amount, in minor units.
    #[must_use]
    pub fn amount_minor(&self) -> u32 {
        self.value
    }

    /// `v·G + r·H`.
    #[must_use]
    pub fn commitment(&self) -> Element {
        commit(self.value.into(), &self.blinding)
    }

    /// The opening of the sum of these commitments, unless the sum of the amounts exceeds 32 bits.
    #[must_use]
    pub fn sum<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Option<Self> {
        let (mut value, mut blinding) = (0_u32, Scalar::ZERO);
        for part in parts {
            value = value.checked_add(part.value)?;
            blinding += part.blinding;
        }
        Some(Self { value, blinding })
    }

    /// Value (4 bytes, little-endian), then blinding. Secret.
    #[must_use]
    pub fn to_secret_bytes(&self) -> Zeroizing<[u8; OPENING_BYTES]> {
        let mut bytes = Zeroizing::new([0; OPENING_BYTES]);
        bytes[..4].copy_from_slice(&self.value.to_le_bytes());
        bytes[4..].copy_from_slice(self.blinding.as_bytes());
        bytes
    }

    /// Reads what [`to_secret_bytes`](Self::to_secret_bytes) wrote.
    ///
    /// # Errors
    /// [`EncodingError::Scalar`].
    pub fn from_secret_bytes(bytes: &[u8; OPENING_BYTES]) -> Result<Self, EncodingError> {
        let mut value = Zeroizing::new([0; 4]);
        let mut blinding = Zeroizing::new([0; SCALAR_BYTES]);
        value.copy_from_slice(&bytes[..4]);
        blinding.copy_from_slice(&bytes[4..]);
        Ok(Self {
            value: u32::from_le_bytes(*value),
            blinding: decode_scalar(&blinding)?,
        })
    }

    /// The amount sealed for these parties, in their order.
    #[must_use]
    pub fn seal<const N: usize>(&self, parties: &[QuotaPublicKey; N]) -> Ciphertext<N> {
        let commitment = commit(self.value.into(), &self.blinding);
        Ciphertext {
            commitment,
            handles: parties
                .map(|party| Element::from_point(party.element().point() * self.blinding)),
        }
    }
}

/// `v·G + r·H`, in constant time.
pub(super) fn commit(value: u64, blinding: &Scalar) -> Element {
    let pedersen = &generators().pedersen;
    Element::from_point(pedersen.commit(Scalar::from(value), *blinding))
}

/// `v·G`, of a value that is public.
pub(super) fn public_value(value: u64) -> Element {
    Element::from_point(RistrettoPoint::mul_base(&Scalar::from(value)))
}

/// A commitment and `N` handles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ciphertext<const N: usize> {
    /// `C = v·G + r·H`.
    pub commitment: Element,
    /// `Dᵢ = r·Pᵢ`, in the order of the parties.
    pub handles: [Element; N],
}

impl<const N: usize> Ciphertext<N> {
    /// Bytes of a ciphertext: commitment, then handles.
    pub const BYTES: usize = (1 + N) * ELEMENT_BYTES;

    /// Holds 0, without blinding.
    #[must_use]
    pub fn zero() -> Self {
        Self {
            commitment: Element::identity(),
            handles: [Element::identity(); N],
        }
    }

    /// Part by part, which holds the sum for every party.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        let mut sum = *self;
        sum.commitment = self.commitment + other.commitment;
        for (handle, added) in sum.handles.iter_mut().zip(&other.handles) {
            *handle = *handle + *added;
        }
        sum
    }

    /// Part by part, which holds the difference for every party; whether it is below zero is for a
    /// proof to say.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        let mut difference = *self;
        difference.commitment = self.commitment - other.commitment;
        for (handle, taken) in difference.handles.iter_mut().zip(&other.handles) {
            *handle = *handle - *taken;
        }
        difference
    }

    /// With a public value added, which needs no blinding.
    #[must_use]
    pub fn plus_public(mut self, value: u64) -> Self {
        self.commitment = self.commitment + public_value(value);
        self
    }

    /// With a public value taken away.
    #[must_use]
    pub fn minus_public(mut self, value: u64) -> Self {
        self.commitment = self.commitment - public_value(value);
        self
    }

    /// What some of the parties see of it, by their places.
    #[must_use]
    pub fn select<const M: usize>(&self, places: [usize; M]) -> Ciphertext<M> {
        Ciphertext {
            commitment: self.commitment,
            handles: places.map(|place| self.handles[place]),
        }
    }

    /// Commitment, then handles.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(Self::BYTES);
        self.write(&mut bytes);
        bytes
    }

    pub(super) fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.commitment.to_bytes());
        bytes.extend(self.handles.iter().flat_map(Element::to_bytes));
    }

    /// One that somebody sends: no part is the identity, so that an amount is never bare.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, EncodingError> {
        Ok(Self {
            commitment: reader.element()?,
            handles: reader.array(Reader::element)?,
        })
    }
}

impl Ciphertext<1> {
    /// `v·G = C − s·D`, for the party whose ciphertext this is. In constant time.
    pub(super) fn value_point(&self, key: &QuotaKey) -> Element {
        let [handle] = &self.handles;
        Element::from_point(self.commitment.point() - handle.point() * key.secret())
    }

    /// Whether this holds `value` for the holder of `key`.
    #[must_use]
    pub fn opens_to(&self, key: &QuotaKey, value: u64) -> bool {
        self.value_point(key) == public_value(value)
    }
}

/// As the ledger keeps it: parts may be the identity.
impl<const N: usize> borsh::BorshSerialize for Ciphertext<N> {
    fn serialize<W: std::io::Write>(&self, writer: &mut W) -> std::io::Result<()> {
        writer.write_all(&self.to_vec())
    }
}

impl<const N: usize> borsh::BorshDeserialize for Ciphertext<N> {
    fn deserialize_reader<R: std::io::Read>(reader: &mut R) -> std::io::Result<Self> {
        let mut next = || Element::deserialize_reader(reader);
        let commitment = next()?;
        let mut handles = [Element::identity(); N];
        for handle in &mut handles {
            *handle = next()?;
        }
        Ok(Self {
            commitment,
            handles,
        })
    }
}
