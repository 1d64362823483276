//! Proof that a contributor knows what they multiplied with.
//!
//! For X′ᵢ = xᵢ·Xᵢ in G1, of one or several i: Schnorr's proof of every xᵢ to the base Xᵢ under one challenge
//! (Schnorr 1991; Cramer, Damgård, Schoenmakers 1994 for the conjunction), made non-interactive by a transcript that
//! absorbs the ceremony, phase, position, contributor, all records before and the new state. In the algebraic group
//! model that Groth16 needs anyway it yields the secrets without rewinding (Fuchsbauer, Plouviez, Seurin 2020), as
//! simulating a ceremony does (Kohlweiss, Maller, Siim, Volkhov 2021). It needs neither hashing to a curve nor pairings.

use ark_bls12_381::{G1Affine, G1Projective};
use ark_ec::{AffineRepr as _, CurveGroup as _};
use ark_ff::{PrimeField as _, UniformRand as _};
use borsh::{BorshDeserialize, BorshSerialize};
use merlin::Transcript;
use rand_core::{CryptoRng, RngCore};
use zeroize::{Zeroize as _, Zeroizing};

use super::Phase;
use super::error::RecordError;
use super::points::encode_element;
use super::scale::{Digits, sum, tables};
use crate::curve::{Field, decode_field, encode_field};

const PROTOCOL: &[u8] = b"tacit/v1/ceremony";

/// What a proof is bound to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Statement<'a> {
    pub(super) ceremony: &'a [u8; 32],
    pub(super) phase: Phase,
    /// Records before this one, in both phases.
    pub(super) position: u32,
    pub(super) name: &'a str,
    /// The head of the transcript so far.
    pub(super) previous: &'a [u8; 32],
    /// The digest of the new state.
    pub(super) state: &'a [u8; 32],
    /// Xᵢ.
    pub(super) old: &'a [G1Affine],
    /// X′ᵢ.
    pub(super) new: &'a [G1Affine],
}

/// The challenge, and a response for each secret; scalars are 32 bytes, little-endian.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Knowledge {
    pub(super) challenge: [u8; 32],
    pub(super) responses: Vec<[u8; 32]>,
}

impl Statement<'_> {
    fn transcript(&self) -> Transcript {
        let mut transcript = Transcript::new(PROTOCOL);
        transcript.append_message(b"ceremony", self.ceremony);
        transcript.append_message(b"phase", &[self.phase as u8]);
        transcript.append_message(b"position", &self.position.to_le_bytes());
        transcript.append_message(b"name", self.name.as_bytes());
        transcript.append_message(b"previous", self.previous);
        transcript.append_message(b"state", self.state);
        append_points(&mut transcript, b"X", self.old);
        append_points(&mut transcript, b"X'", self.new);
        transcript
    }

    /// Proves knowledge of `secrets`. The nonces stay secret and fresh if `rng` is, or the secrets are.
    pub(super) fn prove<R: RngCore + CryptoRng>(
        &self,
        secrets: &[Field],
        rng: &mut R,
    ) -> Knowledge {
        let mut transcript = self.transcript();
        let mut hedged = transcript.build_rng();
        for secret in secrets {
            let bytes = Zeroizing::new(encode_field(secret));
            hedged = hedged.rekey_with_witness_bytes(b"k", &*bytes);
        }
        let mut hedged = hedged.finalize(rng);
        let mut nonces = Zeroizing::new(Vec::with_capacity(secrets.len()));
        nonces.extend(secrets.iter().map(|_| Field::rand(&mut hedged)));
        let commitments: Vec<G1Affine> = tables(self.old)
            .iter()
            .zip(nonces.iter())
            .map(|(table, nonce)| {
                let digits = Digits::of::<ark_bls12_381::g1::Config>(nonce);
                sum(std::iter::once((table, &digits))).into_affine()
            })
            .collect();
        let challenge = challenge(&mut transcript, &commitments);
        let responses = secrets.iter().zip(nonces.iter()).map(|(secret, nonce)| {
            let mut product = challenge * secret;
            let response = encode_field(&(product + nonce));
            product.zeroize();
            response
        });
        Knowledge {
            challenge: encode_field(&challenge),
            responses: responses.collect(),
        }
    }

    /// Checks a proof.
    ///
    /// # Errors
    /// [`RecordError::ProofFormat`] or [`RecordError::Proof`].
    pub(super) fn verify(&self, proof: &Knowledge) -> Result<(), RecordError> {
        let scalar = |bytes| decode_field(bytes).map_err(|_| RecordError::ProofFormat);
        let claimed = scalar(&proof.challenge)?;
        if proof.responses.len() != self.new.len() || self.old.len() != self.new.len() {
            return Err(RecordError::ProofFormat);
        }
        let pairs = self.old.iter().zip(self.new).zip(&proof.responses);
        let commitments: Vec<G1Affine> = pairs
            .map(|((old, new), response)| {
                let commitment: G1Projective = *old * scalar(response)? - *new * claimed;
                Ok(commitment.into_affine())
            })
            .collect::<Result<_, RecordError>>()?;
        if challenge(&mut self.transcript(), &commitments) != claimed {
            return Err(RecordError::Proof);
        }
        Ok(())
    }
}

fn append_points(transcript: &mut Transcript, label: &'static [u8], points: &[G1Affine]) {
    for point in points {
        transcript.append_message(label, &encode_element(point));
    }
}

fn challenge(transcript: &mut Transcript, commitments: &[G1Affine]) -> Field {
    debug_assert!(commitments.iter().all(|point| point.is_on_curve()));
    append_points(transcript, b"R", commitments);
    let mut bytes = [0; 64];
    transcript.challenge_bytes(b"c", &mut bytes);
    Field::from_le_bytes_mod_order(&bytes)
}

/// The generator, once for each secret: where a phase begins.
pub(super) fn beginning(phase: Phase) -> Vec<G1Affine> {
    vec![G1Affine::generator(); phase.secrets().len()]
}
