//! Points of BLS12-381 as bytes: compressed as Zcash does it, one encoding each.

use ark_bls12_381::{g1, g2};
use ark_ec::AffineRepr;
use ark_ec::short_weierstrass::Affine;
use rayon::prelude::*;

/// Bytes of a compressed point of G1.
pub(super) const G1_BYTES: usize = 48;
/// Bytes of a compressed point of G2.
pub(super) const G2_BYTES: usize = 96;

/// Why bytes are no point of the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the canonical encoding of a point of the group")]
pub(super) struct NotInGroup;

/// A point of a pairing group.
pub(super) trait GroupPoint: AffineRepr + Send + Sync {
    /// Bytes when compressed.
    const BYTES: usize;

    /// The point of the group that these bytes encode, possibly the identity.
    fn read(bytes: &[u8]) -> Result<Self, NotInGroup> {
        // Checks curve and subgroup; that nothing else decodes to the same is checked after it.
        let point = Self::deserialize_compressed(bytes).map_err(|_| NotInGroup)?;
        let mut canonical = Vec::with_capacity(Self::BYTES);
        point
            .serialize_compressed(&mut canonical)
            .map_err(|_| NotInGroup)?;
        if canonical == bytes {
            Ok(point)
        } else {
            Err(NotInGroup)
        }
    }

    /// As [`read`](Self::read), but refuses the identity.
    fn read_non_zero(bytes: &[u8]) -> Result<Self, NotInGroup> {
        let point = Self::read(bytes)?;
        if point.is_zero() {
            Err(NotInGroup)
        } else {
            Ok(point)
        }
    }

    /// So many points, on all cores.
    fn read_all(bytes: &[u8]) -> Result<Vec<Self>, NotInGroup> {
        bytes.par_chunks(Self::BYTES).map(Self::read).collect()
    }

    /// Appends the compressed form.
    fn write(&self, bytes: &mut Vec<u8>) {
        // Writing into a Vec cannot fail.
        let _infallible = self.serialize_compressed(bytes);
    }
}

impl GroupPoint for Affine<g1::Config> {
    const BYTES: usize = G1_BYTES;
}

impl GroupPoint for Affine<g2::Config> {
    const BYTES: usize = G2_BYTES;
}
