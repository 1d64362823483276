//! Making proofs.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};

use ark_relations::gr1cs::{
    ConstraintSynthesizer, ConstraintSystem, SynthesisError, SynthesisMode,
};
use rand_core::{CryptoRng, RngCore};
use rayon::ThreadPool;
use rayon::prelude::*;
use zeroize::Zeroizing;

use super::assignment::Assignment;
use super::circuit::circuit_over;
use super::groth16::{Blinding, Points};
use super::proof::Proof;
use super::proving_key::ProvingKey;
use super::quotient::quotient;
use super::relation::Violation;
use super::shape::shape;
use super::statement::Statement;
use super::verify::Verifier;
use super::witness::Witness;
use super::workers;

/// Why there is no proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProveError {
    /// There is nothing true to prove.
    #[error(transparent)]
    Violation(#[from] Violation),
    /// The finished proof does not hold. The proving key is damaged or of another circuit, or the
    /// machine computes wrongly.
    #[error("the proof that was made does not hold: the proving key may be damaged")]
    Key,
}

/// A proving key, and threads to prove on. Beside the key itself it holds 17 MB, its points ordered for the sums that
/// proofs take.
pub struct Prover {
    key: ProvingKey,
    points: Points,
    verifier: Verifier,
    own: Option<ThreadPool>,
}

impl Prover {
    /// Proves with all cores.
    #[must_use]
    pub fn new(key: ProvingKey) -> Self {
        Self {
            points: Points::new(key.parameters()),
            verifier: Verifier::new(key.verifying_key()),
            key,
            own: None,
        }
    }

    /// Proves with so many threads.
    #[must_use]
    pub fn with_threads(key: ProvingKey, threads: NonZeroUsize) -> Self {
        Self {
            own: workers::threads(Some(threads)),
            ..Self::new(key)
        }
    }

    /// The key that it proves with.
    #[must_use]
    pub fn key(&self) -> &ProvingKey {
        &self.key
    }

    /// The verifier of what this proves.
    #[must_use]
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// Proves what the witness shows.
    ///
    /// The relation is checked natively before, so that what does not hold is a named error, and the
    /// proof verified after, so that no proof leaves that does not hold.
    ///
    /// # Errors
    /// [`ProveError`].
    pub fn prove<R: RngCore + CryptoRng>(
        &self,
        witness: &Witness,
        rng: &mut R,
    ) -> Result<(Statement, Proof), ProveError> {
        let blinding = Blinding::random(rng);
        self.install(|| self.prove_with(witness, &blinding))
    }

    /// Proves many, several at a time. `progress` hears how many are done, from several threads and
    /// not always in order.
    ///
    /// # Errors
    /// [`ProveError`], for each witness its own.
    pub fn prove_many<R: RngCore + CryptoRng>(
        &self,
        witnesses: &[Witness],
        rng: &mut R,
        progress: &(dyn Fn(usize) + Sync),
    ) -> Vec<Result<(Statement, Proof), ProveError>> {
        let blindings: Vec<Blinding> = witnesses.iter().map(|_| Blinding::random(rng)).collect();
        let done = AtomicUsize::new(0);
        self.install(|| {
            witnesses
                .par_iter()
                .zip(&blindings)
                .map(|(witness, blinding)| {
                    let result = self.prove_with(witness, blinding);
                    progress(done.fetch_add(1, Ordering::Relaxed) + 1);
                    result
                })
                .collect()
        })
    }

    fn install<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        match &self.own {
            Some(pool) => pool.install(work),
            None => workers::install(work),
        }
    }

    fn prove_with(
        &self,
        witness: &Witness,
        blinding: &Blinding,
    ) -> Result<(Statement, Proof), ProveError> {
        let (statement, assignment) = witness.assign()?;
        assignment.check()?;
        let proof = self
            .prove_assignment(&assignment, blinding)
            .map_err(|_| ProveError::Key)?;
        self.verifier
            .verify(&statement, &proof)
            .map_err(|_| ProveError::Key)?;
        Ok((statement, proof))
    }

    fn prove_assignment(
        &self,
        assignment: &Assignment,
        blinding: &Blinding,
    ) -> Result<Proof, SynthesisError> {
        let system = ConstraintSystem::new_ref();
        system.set_mode(SynthesisMode::Prove {
            construct_matrices: false,
            generate_lc_assignments: false,
        });
        circuit_over(assignment).generate_constraints(system.clone())?;
        let shape = shape();
        let variables =
            Zeroizing::new([system.instance_assignment()?, system.witness_assignment()?].concat());
        let quotient = quotient(shape, &variables)?;
        let proof = self.points.prove(&variables, &quotient, blinding);
        Ok(Proof::encode(&proof))
    }
}

impl fmt::Debug for Prover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Prover({})", self.verifier.key_id())
    }
}
