//! The circuit's shape: its size and its matrices, which no assignment changes.

use std::sync::LazyLock;

use ark_poly::{EvaluationDomain, GeneralEvaluationDomain};
use ark_relations::gr1cs::{
    ConstraintSynthesizer, ConstraintSystem, Matrix, OptimizationGoal, R1CS_PREDICATE_LABEL,
    SynthesisError, SynthesisMode,
};

use super::circuit::circuit_for_setup;
use crate::curve::Field;

/// How large the circuit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CircuitSize {
    /// Rank-1 constraints.
    pub constraints: usize,
    /// Variables of the witness.
    pub witness_variables: usize,
    /// Public inputs; the constant 1 is not among them.
    pub public_inputs: usize,
    /// Size of the domain of the polynomials: constraints, public inputs and the constant, up to the
    /// next power of two.
    pub domain: usize,
}

impl CircuitSize {
    /// All variables with the constant 1.
    pub(super) fn variables(&self) -> usize {
        1 + self.public_inputs + self.witness_variables
    }
}

/// The circuit's size.
#[must_use]
pub fn circuit_size() -> CircuitSize {
    shape().size
}

pub(super) struct Shape {
    pub(super) size: CircuitSize,
    /// A, B and C of `(A·z)∘(B·z) = C·z`.
    pub(super) matrices: Vec<Matrix<Field>>,
}

/// The shape, computed once.
pub(super) fn shape() -> &'static Shape {
    static SHAPE: LazyLock<Shape> = LazyLock::new(|| {
        // The description is fixed and asks for nothing that set-up mode does not give, so that it
        // fails always or never; tests run it.
        Shape::of_circuit().expect("the circuit can be written down")
    });
    &SHAPE
}

impl Shape {
    fn of_circuit() -> Result<Self, SynthesisError> {
        let system = ConstraintSystem::new_ref();
        system.set_optimization_goal(OptimizationGoal::Constraints);
        system.set_mode(SynthesisMode::Setup);
        circuit_for_setup().generate_constraints(system.clone())?;
        system.finalize();
        let rows = system.num_constraints() + system.num_instance_variables();
        let domain = GeneralEvaluationDomain::<Field>::new(rows)
            .ok_or(SynthesisError::PolynomialDegreeTooLarge)?;
        Ok(Self {
            size: CircuitSize {
                constraints: system.num_constraints(),
                witness_variables: system.num_witness_variables(),
                public_inputs: system.num_instance_variables() - 1,
                domain: domain.size(),
            },
            matrices: system
                .to_matrices()?
                .remove(R1CS_PREDICATE_LABEL)
                .ok_or(SynthesisError::AssignmentMissing)?,
        })
    }
}
