//! The generators: those of the `bulletproofs` crate, so that its range proofs speak of the same
//! commitments.
//!
//! G is the base point of ristretto255 and carries values; H is SHA3-512 of G's encoding, mapped to
//! the group, and carries blindings. Nobody knows a relation between them, nor to the generators
//! of the range proof, which come from SHAKE256 of `GeneratorsChain`, a letter and a party's number.

use std::sync::LazyLock;

use bulletproofs::{BulletproofGens, PedersenGens};
use curve25519_dalek::ristretto::RistrettoPoint;
use sha3::Shake256;
use sha3::digest::{ExtendableOutput, Update, XofReader};

use super::element::Element;
use super::range::{LIMB_BITS, MAX_LIMBS};

static GENERATORS: LazyLock<Generators> = LazyLock::new(Generators::new);

pub(super) struct Generators {
    pub(super) pedersen: PedersenGens,
    pub(super) range: BulletproofGens,
    /// Those of the left vector of a range proof, for all limbs in their order.
    pub(super) left: Vec<RistrettoPoint>,
    /// Those of the right vector.
    pub(super) right: Vec<RistrettoPoint>,
    value: Element,
    blinding: Element,
}

impl Generators {
    fn new() -> Self {
        let pedersen = PedersenGens::default();
        Self {
            range: BulletproofGens::new(LIMB_BITS, MAX_LIMBS),
            left: chains(b'G'),
            right: chains(b'H'),
            value: Element::from_point(pedersen.B),
            blinding: Element::from_point(pedersen.B_blinding),
            pedersen,
        }
    }
}

/// All generators, made at the first call in some 10 ms.
pub(super) fn generators() -> &'static Generators {
    &GENERATORS
}

/// G, which carries values.
#[must_use]
pub fn value_generator() -> Element {
    GENERATORS.value
}

/// H, which carries blindings.
#[must_use]
pub fn blinding_generator() -> Element {
    GENERATORS.blinding
}

/// The crate keeps its right generators to itself, and a batch needs both kinds.
fn chains(letter: u8) -> Vec<RistrettoPoint> {
    (0..MAX_LIMBS as u32)
        .flat_map(|party| {
            let mut shake = Shake256::default();
            shake.update(b"GeneratorsChain");
            shake.update(&[letter]);
            shake.update(&party.to_le_bytes());
            let mut reader = shake.finalize_xof();
            (0..LIMB_BITS).map(move |_| {
                let mut bytes = [0; 64];
                reader.read(&mut bytes);
                RistrettoPoint::from_uniform_bytes(&bytes)
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_left_generators_are_those_of_the_crate() {
        let all = generators();
        let theirs: Vec<_> = (0..MAX_LIMBS)
            .flat_map(|party| all.range.share(party).G(LIMB_BITS))
            .copied()
            .collect();
        assert_eq!(all.left, theirs);
        assert_ne!(all.left, all.right);
    }

    #[test]
    fn all_generators_are_those_of_another_implementation() {
        let file: serde_json::Value =
            serde_json::from_str(include_str!("../../vectors/v1/quota.json")).unwrap();
        let all = generators();
        let mut hasher = blake3::Hasher::new();
        for point in all.left.iter().chain(&all.right) {
            hasher.update(point.compress().as_bytes());
        }
        let digest = hasher.finalize().to_hex();
        assert_eq!(digest.as_str(), file["range_generators"].as_str().unwrap());
    }
}
