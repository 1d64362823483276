//! No variable of the witness is free: each one, changed alone, breaks a constraint.

use ark_ff::One;
use rayon::prelude::*;
use tacit_circuits::curve::Field;
use tacit_circuits::receipt::{Assignment, PUBLIC_INPUTS};

use crate::common::rng;
use crate::system::{MATRICES, holds, variables};
use crate::world::{World, any_field};

/// Constraints in which each variable stands.
fn occurrences(count: usize) -> Vec<Vec<usize>> {
    let mut occurrences = vec![Vec::new(); count];
    for matrix in MATRICES.iter() {
        for (constraint, row) in matrix.iter().enumerate() {
            for (_, variable) in row {
                occurrences[*variable].push(constraint);
            }
        }
    }
    occurrences
}

fn free_variables(assignment: &Assignment) -> Vec<usize> {
    let values = variables(assignment);
    assert!((0..MATRICES[0].len()).all(|constraint| holds(constraint, &values)));
    let occurrences = occurrences(values.len());
    let mut rng = rng(31);
    let random = any_field(&mut rng);
    (1..values.len())
        .into_par_iter()
        .map_with(values.clone(), |values, variable| {
            let value = values[variable];
            // A public input may stand in a square only, which its negative shares; the proof's own
            // equation binds it beside the constraints.
            let negative = if variable > PUBLIC_INPUTS {
                -value
            } else {
                random
            };
            let other = [value + Field::one(), negative, random]
                .into_iter()
                .filter(|other| *other != value)
                .any(|other| {
                    values[variable] = other;
                    occurrences[variable]
                        .iter()
                        .all(|constraint| holds(*constraint, values))
                });
            values[variable] = value;
            other.then_some(variable)
        })
        .flatten()
        .collect()
}

#[test]
fn no_variable_of_a_receipt_is_free() {
    let hit = World::new(21, 9).ask_listed(2).assign().unwrap().1;
    let miss = World::new(22, 0).ask_stranger().assign().unwrap().1;
    for assignment in [hit, miss] {
        assert_eq!(free_variables(&assignment), [0; 0]);
    }
}

/// The verifier puts 0 for the type, and no witness depends on it.
#[test]
fn of_a_sample_only_the_public_type_is_free() {
    const TYPE: usize = 2;
    let sample = World::new(23, 9).sample(12).assign().unwrap().1;
    assert_eq!(free_variables(&sample), [TYPE]);
}
