//! Proofs of knowledge of secrets that satisfy linear relations between points (Maurer 2009): each
//! row says that an image is a sum of multiples of bases, and secrets are shared between rows.
//!
//! For secrets `x`, nonces `t`, challenge `c`: `Rᵢ = Σ tⱼ·Bᵢⱼ` and `sⱼ = tⱼ − c·xⱼ`; the verifier asks
//! for `Rᵢ = Σ sⱼ·Bᵢⱼ + c·Imageᵢ`. The proof holds the `Rᵢ` and not `c`, which makes it longer, and
//! lets many be verified as one.

use curve25519_dalek::ristretto::RistrettoPoint;
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::MultiscalarMul;
use merlin::Transcript;
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroize;

use super::element::{ELEMENT_BYTES, Element, EncodingError, Reader, SCALAR_BYTES};
use super::equation::Equation;
use super::labels::{self, TranscriptProtocol};

/// `Σ factor·element = Σ secret·factor·base`, secrets by their place.
pub(super) struct Row {
    pub(super) image: Vec<(Scalar, Element)>,
    pub(super) terms: Vec<(usize, Scalar, Element)>,
}

impl Row {
    /// `image = Σ secret·base`.
    pub(super) fn plain<const N: usize>(image: Element, terms: [(usize, Element); N]) -> Self {
        Self {
            image: vec![(Scalar::ONE, image)],
            terms: terms
                .map(|(secret, base)| (secret, Scalar::ONE, base))
                .to_vec(),
        }
    }
}

/// `ROWS` commitments and `SECRETS` responses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sigma<const ROWS: usize, const SECRETS: usize> {
    commitments: [Element; ROWS],
    responses: [Scalar; SECRETS],
}

impl<const ROWS: usize, const SECRETS: usize> Sigma<ROWS, SECRETS> {
    pub(super) const BYTES: usize = ROWS * ELEMENT_BYTES + SECRETS * SCALAR_BYTES;

    /// In constant time. The transcript holds the whole statement; false secrets yield a proof that
    /// does not hold.
    pub(super) fn prove<R: RngCore + CryptoRng>(
        transcript: &mut Transcript,
        rows: &[Row; ROWS],
        secrets: &[Scalar; SECRETS],
        rng: &mut R,
    ) -> Self {
        let mut hedged = transcript.hedged(secrets, rng);
        let mut nonces = [Scalar::ZERO; SECRETS].map(|_| Scalar::random(&mut hedged));
        let commitments = rows.each_ref().map(|row| {
            let mut scalars: Vec<Scalar> = row
                .terms
                .iter()
                .map(|(secret, factor, _)| nonces[*secret] * factor)
                .collect();
            let bases = row.terms.iter().map(|(.., base)| base.point());
            let commitment = RistrettoPoint::multiscalar_mul(&scalars, bases);
            scalars.zeroize();
            Element::from_point(commitment)
        });
        let challenge = challenge(transcript, &commitments);
        let mut responses = [Scalar::ZERO; SECRETS];
        for (response, (nonce, secret)) in responses.iter_mut().zip(nonces.iter().zip(secrets)) {
            *response = nonce - challenge * secret;
        }
        nonces.zeroize();
        weights::<ROWS>(transcript, &responses);
        Self {
            commitments,
            responses,
        }
    }

    /// Adds the rows to what must come out as the identity.
    pub(super) fn replay(
        &self,
        transcript: &mut Transcript,
        rows: &[Row; ROWS],
        equation: &mut Equation,
    ) {
        let challenge = challenge(transcript, &self.commitments);
        let weights = weights::<ROWS>(transcript, &self.responses);
        for ((row, commitment), weight) in rows.iter().zip(&self.commitments).zip(weights) {
            for (secret, factor, base) in &row.terms {
                equation.add(weight * self.responses[*secret] * factor, base);
            }
            for (factor, element) in &row.image {
                equation.add(weight * challenge * factor, element);
            }
            equation.add(-weight, commitment);
        }
    }

    pub(super) fn write(&self, bytes: &mut Vec<u8>) {
        for commitment in &self.commitments {
            bytes.extend(commitment.to_bytes());
        }
        for response in &self.responses {
            bytes.extend(response.as_bytes());
        }
    }

    /// For `N` = [`Self::BYTES`].
    pub(super) fn to_array<const N: usize>(&self) -> [u8; N] {
        let mut bytes = Vec::with_capacity(Self::BYTES);
        self.write(&mut bytes);
        let mut array = [0; N];
        array.copy_from_slice(&bytes);
        array
    }

    /// Commitments over the handles of what never had any are the identity.
    pub(super) fn read_any(reader: &mut Reader<'_>) -> Result<Self, EncodingError> {
        Ok(Self {
            commitments: reader.array(Reader::any_element)?,
            responses: reader.array(Reader::scalar)?,
        })
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, EncodingError> {
        Ok(Self {
            commitments: reader.array(Reader::element)?,
            responses: reader.array(Reader::scalar)?,
        })
    }
}

fn challenge(transcript: &mut Transcript, commitments: &[Element]) -> Scalar {
    for commitment in commitments {
        transcript.append_element(labels::SIGMA_COMMITMENT, commitment);
    }
    transcript.challenge_scalar(labels::CHALLENGE)
}

fn weights<const N: usize>(transcript: &mut Transcript, responses: &[Scalar]) -> [Scalar; N] {
    for response in responses {
        transcript.append_scalar(labels::RESPONSE, response);
    }
    transcript.challenge_weights(labels::SIGMA_WEIGHTS)
}
