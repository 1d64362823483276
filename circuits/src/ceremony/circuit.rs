//! The circuit that keys are made for, as its three matrices.

use ark_poly::{EvaluationDomain as _, Radix2EvaluationDomain};
use ark_relations::gr1cs::{
    ConstraintSynthesizer, ConstraintSystem, Matrix, OptimizationGoal, R1CS_PREDICATE_LABEL,
    SynthesisMode,
};

use super::error::CircuitError;
use super::{MAX_LOG2_SIZE, MIN_LOG2_SIZE};
use crate::curve::{Field, encode_field};

const FINGERPRINT_CONTEXT: &str = "tacit v1 ceremony circuit";

/// Coefficients by variable: the instance with its leading one, then the witness.
pub(super) type Row = Vec<(Field, usize)>;

/// A circuit of rank-1 constraints A·z ∘ B·z = C·z, in the form that makes its keys.
///
/// Rows are those that ark-groth16 proves with: the constraints, and one row of A for each variable of the instance.
#[derive(Clone, Debug)]
pub struct Circuit {
    pub(super) instance: usize,
    pub(super) witness: usize,
    pub(super) a: Vec<Row>,
    pub(super) b: Vec<Row>,
    pub(super) c: Vec<Row>,
    pub(super) domain: Radix2EvaluationDomain<Field>,
}

impl Circuit {
    /// Writes out the constraints. No witness is needed.
    ///
    /// # Errors
    /// [`CircuitError`].
    pub fn new(synthesizer: impl ConstraintSynthesizer<Field>) -> Result<Self, CircuitError> {
        let system = ConstraintSystem::new_ref();
        // What ark-groth16 sets as well: the prover must meet the same matrices.
        system.set_optimization_goal(OptimizationGoal::Constraints);
        system.set_mode(SynthesisMode::Setup);
        let synthesis = |error: ark_relations::utils::error::SynthesisError| {
            CircuitError::Synthesis(error.to_string())
        };
        synthesizer
            .generate_constraints(system.clone())
            .map_err(synthesis)?;
        system.finalize();
        let mut matrices = system.to_matrices().map_err(synthesis)?;
        let rank_one = matrices.remove(R1CS_PREDICATE_LABEL);
        let [a, b, c] = <[Matrix<Field>; 3]>::try_from(rank_one.unwrap_or_default())
            .map_err(|_| CircuitError::NotRankOne)?;
        if matrices.values().flatten().any(|matrix| !matrix.is_empty()) {
            return Err(CircuitError::NotRankOne);
        }
        let instance = system.num_instance_variables();
        let rows = a.len() + instance;
        let size = CircuitError::Size { rows };
        if rows > 1 << MAX_LOG2_SIZE {
            return Err(size);
        }
        let domain = Radix2EvaluationDomain::new(rows).ok_or(size.clone())?;
        if domain.log_size_of_group < u32::from(MIN_LOG2_SIZE) {
            return Err(size);
        }
        let mut a = canonical(a);
        a.extend((0..instance).map(|variable| vec![(Field::from(1), variable)]));
        Ok(Self {
            instance,
            witness: system.num_witness_variables(),
            a,
            b: canonical(b),
            c: canonical(c),
            domain,
        })
    }

    /// The power of two that is the domain's size n.
    #[must_use]
    pub fn log2_size(&self) -> u8 {
        // At most MAX_LOG2_SIZE.
        self.domain.log_size_of_group as u8
    }

    pub(super) fn size(&self) -> usize {
        1 << self.domain.log_size_of_group
    }

    pub(super) fn variables(&self) -> usize {
        self.instance + self.witness
    }

    /// BLAKE3 of both counts of variables and of the rows of A, B and C: of each the number of its coefficients, and
    /// these by rising variable. Counts and variables are 32 bits, little-endian.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key(FINGERPRINT_CONTEXT);
        let number = |hasher: &mut blake3::Hasher, number: usize| {
            hasher.update(&(number as u32).to_le_bytes());
        };
        number(&mut hasher, self.instance);
        number(&mut hasher, self.witness);
        for matrix in [&self.a, &self.b, &self.c] {
            number(&mut hasher, matrix.len());
            for row in matrix {
                number(&mut hasher, row.len());
                for (coefficient, variable) in row {
                    number(&mut hasher, *variable);
                    hasher.update(&encode_field(coefficient));
                }
            }
        }
        hasher.finalize().into()
    }
}

/// Rows by rising variable, each variable once, no zeros: the same circuit always gives the same rows.
fn canonical(matrix: Matrix<Field>) -> Vec<Row> {
    let rows = matrix.into_iter().map(|mut row| {
        row.sort_by_key(|(_, variable)| *variable);
        let mut merged: Row = Vec::with_capacity(row.len());
        for (coefficient, variable) in row {
            match merged.last_mut() {
                Some((sum, last)) if *last == variable => *sum += coefficient,
                _ => merged.push((coefficient, variable)),
            }
        }
        merged.retain(|(coefficient, _)| *coefficient != Field::from(0));
        merged
    });
    rows.collect()
}
