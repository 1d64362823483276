//! The sum over all accounts and escrows, which must be the supply and nothing else.

use curve25519_dalek::ristretto::RistrettoPoint;
use curve25519_dalek::traits::Identity;

use super::ciphertext::public_value;
use super::element::{ELEMENT_BYTES, Element, EncodingError, borsh_as_bytes};

/// Running sum of all commitments of a ledger. The ledger tells it of each record that changes, in the
/// place where records are written, so that no transaction's own arithmetic is trusted.
///
/// There are no differences to account for: re-keying leaves commitments as they are, and no
/// operation adds blinding that another does not take away.
#[derive(Clone, Copy, Debug)]
pub struct SupplyCheck {
    sum: RistrettoPoint,
}

impl SupplyCheck {
    /// Bytes of its encoding.
    pub const BYTES: usize = ELEMENT_BYTES;

    /// Of a ledger without accounts.
    #[must_use]
    pub fn new() -> Self {
        Self {
            sum: RistrettoPoint::identity(),
        }
    }

    /// A record's commitment changes. A record that comes or goes has the identity on the other side.
    pub fn replace(&mut self, before: &Element, after: &Element) {
        self.sum += after.point() - before.point();
    }

    /// Whether the sum is `supply·G`. If not, something was made out of nothing or lost, and the
    /// ledger must not go on.
    #[must_use]
    pub fn holds(&self, supply_minor: u64) -> bool {
        self.sum == *public_value(supply_minor).point()
    }

    /// The sum, encoded.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        self.sum.compress().0
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    /// [`EncodingError`].
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Result<Self, EncodingError> {
        let sum = *Element::from_bytes(bytes)?.point();
        Ok(Self { sum })
    }
}

impl Default for SupplyCheck {
    fn default() -> Self {
        Self::new()
    }
}

impl PartialEq for SupplyCheck {
    fn eq(&self, other: &Self) -> bool {
        self.sum == other.sum
    }
}

impl Eq for SupplyCheck {}

borsh_as_bytes!(SupplyCheck, SupplyCheck::BYTES);
