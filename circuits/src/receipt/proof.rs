//! A proof as it travels.

use std::fmt;

use ark_bls12_381::{Bls12_381, G1Affine, G2Affine};
use borsh::{BorshDeserialize, BorshSerialize};

use super::points::{G1_BYTES, G2_BYTES, GroupPoint, NotInGroup};

/// Bytes of a proof.
pub const PROOF_BYTES: usize = 2 * G1_BYTES + G2_BYTES;

/// A Groth16 proof: A, B and C, compressed. Bytes only; [`check`](Self::check) and the verifier say
/// whether they are a proof at all.
///
/// **Never an identifier.** Anybody can turn a valid proof into another valid one of the same
/// statement (Baghery, Kohlweiss, Siim, Volkhov, *Another look at extraction and randomization of
/// Groth's zk-SNARK*, FC 2021): whoever must tell receipts apart does so by their statements.
#[derive(Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Proof(pub [u8; PROOF_BYTES]);

/// The bytes are not three points of their groups, each in its only encoding and not the identity.
/// Whoever sent them is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("element {element} of the proof is not a canonical point of its group")]
pub struct ProofError {
    /// Which of them: `A`, `B` or `C`.
    pub element: char,
}

impl Proof {
    /// Whether the bytes are a proof, valid or not.
    ///
    /// # Errors
    /// [`ProofError`] for the first element that is none.
    pub fn check(&self) -> Result<(), ProofError> {
        self.decode().map(|_| ())
    }

    pub(super) fn decode(&self) -> Result<ark_groth16::Proof<Bls12_381>, ProofError> {
        let (a, rest) = self.0.split_at(G1_BYTES);
        let (b, c) = rest.split_at(G2_BYTES);
        let error = |element| move |NotInGroup| ProofError { element };
        Ok(ark_groth16::Proof {
            a: G1Affine::read_non_zero(a).map_err(error('A'))?,
            b: G2Affine::read_non_zero(b).map_err(error('B'))?,
            c: G1Affine::read_non_zero(c).map_err(error('C'))?,
        })
    }

    pub(super) fn encode(proof: &ark_groth16::Proof<Bls12_381>) -> Self {
        let mut bytes = Vec::with_capacity(PROOF_BYTES);
        proof.a.write(&mut bytes);
        proof.b.write(&mut bytes);
        proof.c.write(&mut bytes);
        let mut proof = [0; PROOF_BYTES];
        proof.copy_from_slice(&bytes);
        Self(proof)
    }
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proof(")?;
        for byte in &self.0[..8] {
            write!(f, "{byte:02x}")?;
        }
        f.write_str("…)")
    }
}
