//! What is left of a source, as commitments to limbs of 32 bits, for the range proof.
//!
//! The prover does not know the blinding of what is left, and a range proof needs one; so it commits
//! to the limbs afresh and shows, with its key, that they hold the same value.

use curve25519_dalek::scalar::Scalar;
use merlin::Transcript;
use rand_core::{CryptoRng, RngCore};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::ciphertext::{Ciphertext, commit};
use super::element::{Element, EncodingError, Reader};
use super::generators::blinding_generator;
use super::labels::{self, TranscriptProtocol};
use super::range::LIMB_BITS;
use super::sigma::Row;

/// Commitments to the limbs, the lowest first. None is the identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Limbs(Vec<Element>);

/// Values and blindings of the limbs.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(super) struct LimbOpenings {
    pub(super) values: Vec<u64>,
    pub(super) blindings: Vec<Scalar>,
}

impl LimbOpenings {
    /// Under fresh blindings.
    pub(super) fn draw<R: RngCore + CryptoRng>(values: &[u64], rng: &mut R) -> Self {
        Self {
            values: values.to_vec(),
            blindings: values.iter().map(|_| Scalar::random(rng)).collect(),
        }
    }

    pub(super) fn commit(&self) -> Limbs {
        let openings = self.values.iter().zip(&self.blindings);
        Limbs(openings.map(|(value, r)| commit(*value, r)).collect())
    }

    /// The blinding of the limbs' weighted sum.
    pub(super) fn blinding(&self) -> Scalar {
        let limbs = self.blindings.iter().zip(weights());
        limbs.map(|(blinding, weight)| blinding * weight).sum()
    }
}

impl Limbs {
    pub(super) fn elements(&self) -> &[Element] {
        &self.0
    }

    pub(super) fn absorb(&self, transcript: &mut Transcript) {
        for (label, limb) in [labels::LOW, labels::HIGH].into_iter().zip(&self.0) {
            transcript.append_element(label, limb);
        }
    }

    /// `C − Σ 2^(32·i)·Lᵢ = s·D − y·H`, with the places of s and y among the secrets.
    pub(super) fn row(&self, rest: &Ciphertext<1>, key: usize, blinding: usize) -> Row {
        let limbs = self.0.iter().zip(weights());
        let mut image = vec![(Scalar::ONE, rest.commitment)];
        image.extend(limbs.map(|(limb, weight)| (-weight, *limb)));
        Row {
            image,
            terms: vec![
                (key, Scalar::ONE, rest.handles[0]),
                (blinding, -Scalar::ONE, blinding_generator()),
            ],
        }
    }

    pub(super) fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.0.iter().flat_map(Element::to_bytes));
    }

    pub(super) fn read(reader: &mut Reader<'_>, count: usize) -> Result<Self, EncodingError> {
        let limbs = (0..count).map(|_| reader.element());
        Ok(Self(limbs.collect::<Result<_, _>>()?))
    }
}

/// The limbs of a value below 2^(32·count), the lowest first.
pub(super) fn split(value: u64, count: usize) -> Vec<u64> {
    (0..count)
        .map(|limb| value >> (limb * LIMB_BITS) & u64::from(u32::MAX))
        .collect()
}

fn weights() -> impl Iterator<Item = Scalar> {
    let base = Scalar::from(1u64 << LIMB_BITS);
    std::iter::successors(Some(Scalar::ONE), move |power| Some(power * base))
}
