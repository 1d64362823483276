//! Verifying proofs, one or many.

use std::fmt;

use ark_bls12_381::{Bls12_381, Fr, G1Affine, G1Projective, G2Affine};
use ark_ec::pairing::Pairing;
use ark_ec::{AffineRepr, CurveGroup, VariableBaseMSM};
use ark_ff::{One, PrimeField, Zero};
use ark_groth16::{Groth16, PreparedVerifyingKey, prepare_verifying_key};
use rayon::prelude::*;

use super::key::{KeyId, VerifyingKey};
use super::proof::{Proof, ProofError};
use super::statement::{PUBLIC_INPUTS, Statement};
use super::workers;
use crate::curve::Field;

/// Separates this use of BLAKE3 from all others.
const WEIGHTS_CONTEXT: &str = "tacit v1 receipt batch weights";
/// Bytes of a weight: a wrong proof passes in a batch with probability 2^-128.
const WEIGHT_BYTES: usize = 16;

type Groth = Groth16<Bls12_381>;

/// Why a proof is refused. Whoever sent it is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The bytes are no proof.
    #[error(transparent)]
    Malformed(#[from] ProofError),
    /// There are more or fewer public inputs than the circuit has.
    #[error("the circuit has {PUBLIC_INPUTS} public inputs")]
    InputCount,
    /// The proof does not prove this statement under this key.
    #[error("the proof does not hold")]
    DoesNotHold,
}

/// Some proofs of a batch are refused; the others hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} proofs of the batch do not hold", culprits.len())]
pub struct BatchError {
    /// The places of the refused ones, ascending.
    pub culprits: Vec<usize>,
}

/// A verifying key, prepared.
#[derive(Clone)]
pub struct Verifier {
    id: KeyId,
    prepared: PreparedVerifyingKey<Bls12_381>,
}

impl Verifier {
    /// Prepares a key.
    #[must_use]
    pub fn new(key: &VerifyingKey) -> Self {
        Self {
            id: key.id(),
            prepared: prepare_verifying_key(key.parameters()),
        }
    }

    /// The name of the key.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.id
    }

    /// Whether the proof proves the statement.
    ///
    /// # Errors
    /// [`VerifyError`], the first that applies in the order of its variants.
    pub fn verify(&self, statement: &Statement, proof: &Proof) -> Result<(), VerifyError> {
        self.verify_inputs(&statement.public_inputs(), proof)
    }

    /// Whether the proof is one for these public inputs. A [`Statement`] makes them right; this is for
    /// those who hold another implementation against this one.
    ///
    /// # Errors
    /// [`VerifyError`], the first that applies in the order of its variants.
    pub fn verify_inputs(&self, inputs: &[Field], proof: &Proof) -> Result<(), VerifyError> {
        let proof = proof.decode()?;
        // arkworks pairs inputs with the key's points and drops what is left over of either.
        if inputs.len() != PUBLIC_INPUTS {
            return Err(VerifyError::InputCount);
        }
        match Groth::verify_proof(&self.prepared, &proof, inputs) {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(VerifyError::DoesNotHold),
        }
    }

    /// Whether each proof proves its statement, in about a fifth of the time that verifying each
    /// would take. On all cores.
    ///
    /// The equations of Groth16 are added up with weights of 128 bits from BLAKE3 over the seed, the
    /// key and the whole batch: whoever chose the proofs could not know the weights. Validators take
    /// a seed that all of them know, so that all come to the same. If the sum does not hold, each
    /// proof is verified alone.
    ///
    /// # Errors
    /// [`BatchError`] names those that do not hold alone.
    pub fn verify_batch(
        &self,
        items: &[(Statement, Proof)],
        seed: &[u8; 32],
    ) -> Result<(), BatchError> {
        workers::install(|| {
            if self.holds_together(items, seed) {
                return Ok(());
            }
            let culprits: Vec<usize> = items
                .par_iter()
                .enumerate()
                .filter(|(_, (statement, proof))| self.verify(statement, proof).is_err())
                .map(|(index, _)| index)
                .collect();
            if culprits.is_empty() {
                Ok(())
            } else {
                Err(BatchError { culprits })
            }
        })
    }

    /// Whether all proofs prove their statements: what [`verify_batch`](Self::verify_batch) decides,
    /// without the search for those that do not. On all cores.
    #[must_use]
    pub fn holds(&self, items: &[(Statement, Proof)], seed: &[u8; 32]) -> bool {
        workers::install(|| self.holds_together(items, seed))
    }

    fn holds_together(&self, items: &[(Statement, Proof)], seed: &[u8; 32]) -> bool {
        if items.is_empty() {
            return true;
        }
        let decoded: Result<Vec<_>, ProofError> =
            items.par_iter().map(|(_, proof)| proof.decode()).collect();
        let Ok(proofs) = decoded else {
            return false;
        };
        let weights = self.weights(items, seed);
        let total: Fr = weights.iter().sum();
        let mut inputs = [Fr::zero(); PUBLIC_INPUTS + 1];
        inputs[0] = total;
        for ((statement, _), weight) in items.iter().zip(&weights) {
            for (sum, input) in inputs[1..].iter_mut().zip(statement.public_inputs()) {
                *sum += input * weight;
            }
        }
        let key = &self.prepared.vk;
        let inputs = G1Projective::msm_unchecked(&key.gamma_abc_g1, &inputs);
        let points: Vec<G1Affine> = proofs.iter().map(|proof| proof.c).collect();
        let last = G1Projective::msm_unchecked(&points, &weights);
        // Σ wᵢ·(e(Aᵢ, Bᵢ) − e(α, β)) − e(Σ wᵢ·ICᵢ, γ) − e(Σ wᵢ·Cᵢ, δ) = 0
        let mut left: Vec<G1Projective> = proofs
            .par_iter()
            .zip(&weights)
            .map(|(proof, weight)| proof.a.mul_bigint(&weight.into_bigint().0[..2]))
            .collect();
        left.push(key.alpha_g1 * -total);
        left.extend([inputs, last]);
        let left = G1Projective::normalize_batch(&left);
        let prepare = |point: G2Affine| <Bls12_381 as Pairing>::G2Prepared::from(point);
        let mut right: Vec<_> = proofs.par_iter().map(|proof| prepare(proof.b)).collect();
        right.push(prepare(key.beta_g2));
        right.push(self.prepared.gamma_g2_neg_pc.clone());
        right.push(self.prepared.delta_g2_neg_pc.clone());
        Bls12_381::multi_pairing(left, right).0.is_one()
    }

    fn weights(&self, items: &[(Statement, Proof)], seed: &[u8; 32]) -> Vec<Fr> {
        let mut hasher = blake3::Hasher::new_derive_key(WEIGHTS_CONTEXT);
        hasher.update(seed);
        hasher.update(&self.id.0);
        hasher.update(&(items.len() as u64).to_le_bytes());
        for item in items {
            // A hasher takes everything that is written to it.
            let _infallible = borsh::to_writer(&mut hasher, item);
        }
        let mut bytes = vec![[0; WEIGHT_BYTES]; items.len()];
        hasher.finalize_xof().fill(bytes.as_flattened_mut());
        bytes
            .into_iter()
            .map(|bytes| Fr::from(u128::from_le_bytes(bytes)))
            .collect()
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verifier({})", self.id)
    }
}
