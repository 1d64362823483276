//! Proves that committed values are below 2^32, several at once (Bünz et al. 2018, section 4.2).
//!
//! Proofs are made by the `bulletproofs` crate, and verified here, since that crate offers no batch.
//! Both replay the same transcript. A test holds the two verifiers against each other.
//!
//! The prover's multiplications in the inner-product argument run in variable time. They are over
//! vectors that the protocol without that argument would send in the clear, and so tell nothing.

use std::iter;

use bulletproofs::RangeProof;
use curve25519_dalek::scalar::Scalar;
use merlin::Transcript;
use rand_core::{CryptoRng, RngCore};

use super::element::{ELEMENT_BYTES, Element, EncodingError, Reader, SCALAR_BYTES};
use super::equation::Equation;
use super::generators::{blinding_generator, generators, value_generator};
use super::labels::{self, TranscriptProtocol};

/// Bits of each value.
pub(super) const LIMB_BITS: usize = 32;
/// Most values of one proof: an amount, two limbs of what is left, and a filler up to a power of two.
pub(super) const MAX_LIMBS: usize = 4;

/// Four points, three scalars, two folded scalars, and two points of each halving.
pub(super) const fn range_bytes(limbs: usize) -> usize {
    4 * ELEMENT_BYTES + 5 * SCALAR_BYTES + 2 * rounds(limbs) * ELEMENT_BYTES
}

const fn rounds(limbs: usize) -> usize {
    (LIMB_BITS * limbs).ilog2() as usize
}

/// A range proof. Its points are not the identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Range {
    /// A, S, T₁, T₂.
    committed: [Element; 4],
    /// t(x), its blinding, and the blinding of A + x·S.
    opened: [Scalar; 3],
    halvings: Vec<[Element; 2]>,
    folded: [Scalar; 2],
}

impl Range {
    /// For 2 or 4 values; those at or above 2^32 yield a proof that does not hold.
    pub(super) fn prove<R: RngCore + CryptoRng>(
        transcript: &mut Transcript,
        values: &[u64],
        blindings: &[Scalar],
        rng: &mut R,
    ) -> Self {
        let all = generators();
        let (proof, _) = RangeProof::prove_multiple_with_rng(
            &all.range,
            &all.pedersen,
            transcript,
            values,
            blindings,
            LIMB_BITS,
            rng,
        )
        .expect("a power of two of values within the generators' capacity, a blinding each");
        let bytes = proof.to_bytes();
        // What is written is canonical; a point that is the identity would be a discrete logarithm
        // between the generators.
        let proof = Reader::new(&bytes, range_bytes(values.len()))
            .and_then(|mut reader| Self::read(&mut reader, values.len()))
            .expect("the crate writes elements and scalars in this order");
        proof.weights(transcript);
        proof
    }

    /// Adds both equations of the proof to what must come out as the identity.
    pub(super) fn replay(
        &self,
        transcript: &mut Transcript,
        commitments: &[Element],
        equation: &mut Equation,
    ) {
        let bits = LIMB_BITS * commitments.len();
        let [a, s, t_1, t_2] = &self.committed;
        let [t_x, t_x_blinding, e_blinding] = self.opened;
        let [folded_left, folded_right] = self.folded;

        transcript.append_message(b"dom-sep", b"rangeproof v1");
        transcript.append_u64(b"n", LIMB_BITS as u64);
        transcript.append_u64(b"m", commitments.len() as u64);
        for commitment in commitments {
            transcript.append_element(b"V", commitment);
        }
        transcript.append_element(b"A", a);
        transcript.append_element(b"S", s);
        let y = transcript.challenge_scalar(b"y");
        let z = transcript.challenge_scalar(b"z");
        transcript.append_element(b"T_1", t_1);
        transcript.append_element(b"T_2", t_2);
        let x = transcript.challenge_scalar(b"x");
        transcript.append_scalar(b"t_x", &t_x);
        transcript.append_scalar(b"t_x_blinding", &t_x_blinding);
        transcript.append_scalar(b"e_blinding", &e_blinding);
        let w = transcript.challenge_scalar(b"w");
        transcript.append_message(b"dom-sep", b"ipp v1");
        transcript.append_u64(b"n", bits as u64);
        let mut halving: Vec<Scalar> = Vec::with_capacity(self.halvings.len());
        for [left, right] in &self.halvings {
            transcript.append_element(b"L", left);
            transcript.append_element(b"R", right);
            halving.push(transcript.challenge_scalar(b"u"));
        }
        let [vectors, polynomial] = self.weights(transcript);

        // y and the halving challenges at once: an inversion costs as much as 250 multiplications.
        let mut inverse: Vec<Scalar> = iter::once(y).chain(halving.iter().copied()).collect();
        Scalar::batch_invert(&mut inverse);
        let (y_inverse, halving_inverse) = (inverse[0], &inverse[1..]);

        // The inner product argument, and with it A + x·S.
        equation.add(vectors, a);
        equation.add(vectors * x, s);
        for (([left, right], u), u_inverse) in
            self.halvings.iter().zip(&halving).zip(halving_inverse)
        {
            equation.add(vectors * u * u, left);
            equation.add(vectors * u_inverse * u_inverse, right);
        }
        let factors = folding_factors(&halving, halving_inverse);
        let z_squared = z * z;
        let limb_factors: Vec<Scalar> = powers(z).take(commitments.len()).collect();
        let mut left = Vec::with_capacity(bits);
        let mut right = Vec::with_capacity(bits);
        let mut y_power = Scalar::ONE;
        let mut y_inverse_power = Scalar::ONE;
        let mut y_sum = Scalar::ZERO;
        for (bit, (factor, factor_inverse)) in factors.iter().zip(factors.iter().rev()).enumerate()
        {
            let shifted = limb_factors[bit / LIMB_BITS] * Scalar::from(1u64 << (bit % LIMB_BITS));
            left.push(vectors * (-z - folded_left * factor));
            right.push(
                vectors
                    * (z + y_inverse_power * (z_squared * shifted - folded_right * factor_inverse)),
            );
            y_sum += y_power;
            y_power *= y;
            y_inverse_power *= y_inverse;
        }
        equation.set_vectors(left, right);
        equation.add(-vectors * e_blinding, &blinding_generator());
        equation.add(
            vectors * w * (t_x - folded_left * folded_right),
            &value_generator(),
        );

        // t(x) is what the commitments say: δ(y, z) = (z − z²)·Σ yⁱ − z³·Σ zʲ·(2^32 − 1).
        let z_sum: Scalar = limb_factors.iter().sum();
        let all_ones = Scalar::from(u32::MAX);
        let delta = (z - z_squared) * y_sum - z_squared * z * z_sum * all_ones;
        equation.add(polynomial * (delta - t_x), &value_generator());
        equation.add(-polynomial * t_x_blinding, &blinding_generator());
        equation.add(polynomial * x, t_1);
        equation.add(polynomial * x * x, t_2);
        for (commitment, factor) in commitments.iter().zip(&limb_factors) {
            if !commitment.is_identity() {
                equation.add(polynomial * z_squared * factor, commitment);
            }
        }
    }

    /// The folded scalars are the only ones that the crate's transcript leaves out.
    fn weights(&self, transcript: &mut Transcript) -> [Scalar; 2] {
        transcript.append_scalar(labels::FOLDED_LEFT, &self.folded[0]);
        transcript.append_scalar(labels::FOLDED_RIGHT, &self.folded[1]);
        transcript.challenge_weights(labels::RANGE_WEIGHTS)
    }

    pub(super) fn write(&self, bytes: &mut Vec<u8>) {
        let halvings = self.halvings.as_flattened();
        bytes.extend(self.committed.iter().flat_map(Element::to_bytes));
        bytes.extend(self.opened.iter().flat_map(Scalar::to_bytes));
        bytes.extend(halvings.iter().flat_map(Element::to_bytes));
        bytes.extend(self.folded.iter().flat_map(Scalar::to_bytes));
    }

    pub(super) fn read(reader: &mut Reader<'_>, limbs: usize) -> Result<Self, EncodingError> {
        Ok(Self {
            committed: reader.array(Reader::element)?,
            opened: reader.array(Reader::scalar)?,
            halvings: (0..rounds(limbs))
                .map(|_| reader.array(Reader::element))
                .collect::<Result<_, _>>()?,
            folded: reader.array(Reader::scalar)?,
        })
    }
}

/// `sᵢ = Π uⱼ^±1`, plus where bit j of i is set, the first halving deciding about the highest bit.
fn folding_factors(halving: &[Scalar], inverse: &[Scalar]) -> Vec<Scalar> {
    let mut factors = vec![inverse.iter().product::<Scalar>()];
    for challenge in halving.iter().rev() {
        let squared = challenge * challenge;
        let upper: Vec<Scalar> = factors.iter().map(|factor| factor * squared).collect();
        factors.extend(upper);
    }
    factors
}

fn powers(base: Scalar) -> impl Iterator<Item = Scalar> {
    iter::successors(Some(Scalar::ONE), move |power| Some(power * base))
}

#[cfg(test)]
mod tests {
    use curve25519_dalek::ristretto::CompressedRistretto;
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha20Rng;

    use super::*;
    use crate::quota::ciphertext::commit;

    fn theirs(bytes: &[u8], commitments: &[Element]) -> bool {
        let all = generators();
        let commitments: Vec<_> = commitments
            .iter()
            .map(|commitment| CompressedRistretto(commitment.to_bytes()))
            .collect();
        let mut transcript = Transcript::new(b"test");
        let mut rng = ChaCha20Rng::seed_from_u64(3);
        RangeProof::from_bytes(bytes).is_ok_and(|proof| {
            proof
                .verify_multiple_with_rng(
                    &all.range,
                    &all.pedersen,
                    &mut transcript,
                    &commitments,
                    LIMB_BITS,
                    &mut rng,
                )
                .is_ok()
        })
    }

    fn ours(bytes: &[u8], commitments: &[Element]) -> bool {
        let limbs = commitments.len();
        let proof = Reader::new(bytes, range_bytes(limbs))
            .and_then(|mut reader| Range::read(&mut reader, limbs));
        proof.is_ok_and(|proof| {
            let mut transcript = Transcript::new(b"test");
            let mut equation = Equation::new();
            proof.replay(&mut transcript, commitments, &mut equation);
            equation.sealed(transcript).holds()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn both_verifiers_agree(
            seed: u64,
            many: bool,
            values in prop::array::uniform4(prop_oneof![
                3 => 0..1u64 << 32,
                1 => Just(u64::from(u32::MAX)),
                1 => (1u64 << 32)..=u64::MAX,
            ]),
            fault in prop::option::weighted(0.5, (0..736usize, 1..=255u8)),
            other in prop::bool::weighted(0.1),
        ) {
            let mut rng = ChaCha20Rng::seed_from_u64(seed);
            let values = &values[..if many { 4 } else { 2 }];
            let blindings: Vec<_> = values.iter().map(|_| Scalar::random(&mut rng)).collect();
            let mut commitments: Vec<_> = values
                .iter()
                .zip(&blindings)
                .map(|(value, blinding)| commit(*value, blinding))
                .collect();
            let mut transcript = Transcript::new(b"test");
            let proof = Range::prove(&mut transcript, values, &blindings, &mut rng);
            let mut bytes = Vec::new();
            proof.write(&mut bytes);
            prop_assert_eq!(bytes.len(), range_bytes(values.len()));
            if let Some((place, change)) = fault {
                let place = place % bytes.len();
                bytes[place] ^= change;
            }
            if other {
                commitments.swap(0, 1);
            }
            let holds = ours(&bytes, &commitments);
            prop_assert_eq!(holds, theirs(&bytes, &commitments));
            let in_range = values.iter().all(|value| value >> LIMB_BITS == 0);
            prop_assert_eq!(holds, in_range && fault.is_none() && !other);
        }
    }
}
