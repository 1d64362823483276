//! What a proof comes down to: multiples of points whose sum is the identity where the proof holds.
//!
//! All kinds of proofs of quota give such a sum, so that any mixture of them is verified as one.
//! Each of a proof's own equations enters its sum with a weight of 128 bits from the proof's own
//! transcript, drawn after all of the proof was absorbed; each proof enters the batch with a weight
//! from a transcript over the seals of all. Weights are not the verifier's choice, so that all
//! validators come to the same, and a prover who tries has one chance in 2^128 each time.

use curve25519_dalek::ristretto::RistrettoPoint;
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::{IsIdentity, VartimeMultiscalarMul};
use merlin::Transcript;

use super::element::Element;
use super::generators::{blinding_generator, generators, value_generator};
use super::labels::{self, TranscriptProtocol};

/// Proofs that do not hold, by their place in the batch. Their makers are at fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("proofs that do not hold: {0:?}")]
pub struct WrongProofs(pub Vec<usize>);

/// A proof, replayed over its statement up to the one sum that remains to be computed.
#[derive(Clone)]
pub struct Equation {
    points: Vec<(Element, Scalar)>,
    left: Vec<Scalar>,
    right: Vec<Scalar>,
    seal: [u8; 32],
}

impl Equation {
    pub(super) fn new() -> Self {
        Self {
            points: vec![
                (value_generator(), Scalar::ZERO),
                (blinding_generator(), Scalar::ZERO),
            ],
            left: Vec::new(),
            right: Vec::new(),
            seal: [0; 32],
        }
    }

    /// Adds `scalar·element`. A point that is there already takes up no second place.
    pub(super) fn add(&mut self, scalar: Scalar, element: &Element) {
        match self.points.iter_mut().find(|(known, _)| known == element) {
            Some((_, sum)) => *sum += scalar,
            None => self.points.push((*element, scalar)),
        }
    }

    /// Sets the multiples of the range proof's generators.
    pub(super) fn set_vectors(&mut self, left: Vec<Scalar>, right: Vec<Scalar>) {
        self.left = left;
        self.right = right;
    }

    /// Closes the equation with what binds all of statement and proof.
    pub(super) fn sealed(mut self, transcript: Transcript) -> Self {
        self.seal = transcript.seal();
        self
    }

    /// Whether the proof holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        sum_vartime(&[(self, Scalar::ONE)]).is_identity()
    }
}

/// Verifies any mixture of proofs as one; where the sum does not come out, each alone, to name
/// those that do not hold.
///
/// # Errors
/// [`WrongProofs`], with at least one place.
pub fn verify_batch(equations: &[Equation]) -> Result<(), WrongProofs> {
    let mut transcript = Transcript::new(labels::BATCH_PROTOCOL);
    transcript.append_u64(labels::COUNT, equations.len() as u64);
    for equation in equations {
        transcript.append_message(labels::SEAL, &equation.seal);
    }
    let weighted: Vec<_> = equations
        .iter()
        .map(|equation| {
            let [weight] = transcript.challenge_weights(labels::BATCH_WEIGHTS);
            (equation, weight)
        })
        .collect();
    if sum_vartime(&weighted).is_identity() {
        return Ok(());
    }
    let wrong = equations
        .iter()
        .enumerate()
        .filter(|(_, equation)| !equation.holds())
        .map(|(place, _)| place)
        .collect();
    Err(WrongProofs(wrong))
}

fn sum_vartime(equations: &[(&Equation, Scalar)]) -> RistrettoPoint {
    let all = generators();
    let longest = |vector: fn(&Equation) -> &Vec<Scalar>| {
        let lengths = equations.iter().map(|(equation, _)| vector(equation).len());
        vec![Scalar::ZERO; lengths.max().unwrap_or(0)]
    };
    let (mut left, mut right) = (longest(|e| &e.left), longest(|e| &e.right));
    // G and H stand first in each.
    let mut common = [Scalar::ZERO; 2];
    let mut scalars = Vec::new();
    let mut points = Vec::new();
    for (equation, weight) in equations {
        for (sums, vector) in [(&mut left, &equation.left), (&mut right, &equation.right)] {
            for (sum, scalar) in sums.iter_mut().zip(vector) {
                *sum += weight * scalar;
            }
        }
        let (first, own) = equation.points.split_at(common.len());
        for (sum, (_, scalar)) in common.iter_mut().zip(first) {
            *sum += weight * scalar;
        }
        scalars.extend(own.iter().map(|(_, scalar)| weight * scalar));
        points.extend(own.iter().map(|(element, _)| element.point()));
    }
    RistrettoPoint::vartime_multiscalar_mul(
        common.iter().chain(&scalars).chain(&left).chain(&right),
        [&all.pedersen.B, &all.pedersen.B_blinding]
            .into_iter()
            .chain(points)
            .chain(&all.left[..left.len()])
            .chain(&all.right[..right.len()]),
    )
}
