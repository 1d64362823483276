//! The circuit's matrices, and assignments held against them.

use std::sync::LazyLock;

use ark_ff::Zero;
use ark_relations::gr1cs::{
    ConstraintSynthesizer, ConstraintSystem, Matrix, OptimizationGoal, R1CS_PREDICATE_LABEL,
    SynthesisMode,
};
use tacit_circuits::curve::Field;
use tacit_circuits::receipt::{Assignment, circuit_for_setup, circuit_over};

/// The matrices as a set-up sees them.
pub(crate) static MATRICES: LazyLock<Vec<Matrix<Field>>> = LazyLock::new(|| {
    let system = ConstraintSystem::new_ref();
    system.set_optimization_goal(OptimizationGoal::Constraints);
    system.set_mode(SynthesisMode::Setup);
    circuit_for_setup()
        .generate_constraints(system.clone())
        .unwrap();
    system.finalize();
    system.to_matrices().unwrap()[R1CS_PREDICATE_LABEL].clone()
});

/// All variables with their values: the constant 1, public inputs, witness.
pub(crate) fn variables(assignment: &Assignment) -> Vec<Field> {
    let system = ConstraintSystem::new_ref();
    system.set_mode(SynthesisMode::Prove {
        construct_matrices: false,
        generate_lc_assignments: false,
    });
    circuit_over(assignment)
        .generate_constraints(system.clone())
        .unwrap();
    [
        system.instance_assignment().unwrap(),
        system.witness_assignment().unwrap(),
    ]
    .concat()
}

/// Whether this constraint holds.
pub(crate) fn holds(constraint: usize, variables: &[Field]) -> bool {
    let [a, b, c] = &MATRICES[..] else {
        panic!("a rank-1 constraint system has three matrices");
    };
    let row = |matrix: &Matrix<Field>| -> Field {
        matrix[constraint]
            .iter()
            .map(|(coefficient, variable)| *coefficient * variables[*variable])
            .sum()
    };
    (row(a) * row(b) - row(c)).is_zero()
}

/// Whether the circuit accepts the assignment.
pub(crate) fn accepts(assignment: &Assignment) -> bool {
    let variables = variables(assignment);
    (0..MATRICES[0].len()).all(|constraint| holds(constraint, &variables))
}
