//! A circuit of a few hundred constraints, with all that a real one has: public inputs, sums with large and negative
//! coefficients, a column that every row shares, and a variable that no constraint mentions.

use ark_ff::Field as _;
use ark_relations::gr1cs::{
    ConstraintSynthesizer, ConstraintSystemRef, LinearCombination, Variable,
};
use ark_relations::utils::error::SynthesisError;
use tacit_circuits::curve::Field;

/// Knowledge of the start of a chain y ← (y + k·i − start)·(2⁻¹·y − start) that ends in a public value.
#[derive(Clone)]
pub(crate) struct Chain {
    pub(crate) start: Option<Field>,
    pub(crate) length: usize,
}

impl Chain {
    pub(crate) fn setup(length: usize) -> Self {
        Self {
            start: None,
            length,
        }
    }

    fn constant(index: usize) -> Field {
        Field::from(0x9e37_79b9_7f4a_7c15u64).pow([3 + index as u64])
    }

    fn step(y: Field, start: Field, index: usize) -> Field {
        let half = Field::from(2).inverse().unwrap();
        (y + Self::constant(index) - start) * (y * half - start)
    }

    /// The public inputs.
    pub(crate) fn public(&self) -> Vec<Field> {
        let start = self.start.unwrap();
        let steps = 0..self.length;
        vec![
            steps.fold(start, |y, index| Self::step(y, start, index)),
            Field::from(7),
        ]
    }
}

impl ConstraintSynthesizer<Field> for Chain {
    fn generate_constraints(self, cs: ConstraintSystemRef<Field>) -> Result<(), SynthesisError> {
        let known = |value: Option<Field>| value.ok_or(SynthesisError::AssignmentMissing);
        let public = self.start.map(|_| self.public());
        let of_public = |index: usize| public.as_ref().map(|public| public[index]);
        let end = cs.new_input_variable(|| known(of_public(0)))?;
        let seven = cs.new_input_variable(|| known(of_public(1)))?;
        let start = cs.new_witness_variable(|| known(self.start))?;
        let _ = cs.new_witness_variable(|| known(self.start))?;
        let half = Field::from(2).inverse().unwrap();
        let (mut y, mut variable) = (self.start, start);
        for index in 0..self.length {
            let next = y
                .zip(self.start)
                .map(|(y, start)| Self::step(y, start, index));
            let is_last = index + 1 == self.length;
            let out = if is_last {
                end
            } else {
                cs.new_witness_variable(|| known(next))?
            };
            let minus_start = (-Field::from(1), start);
            let a = LinearCombination(vec![
                (Field::from(1), variable),
                (Self::constant(index), Variable::One),
                minus_start,
            ]);
            let b = LinearCombination(vec![(half, variable), minus_start]);
            cs.enforce_r1cs_constraint(
                || a.clone(),
                || b.clone(),
                || LinearCombination(vec![(Field::from(1), out)]),
            )?;
            (y, variable) = (next, out);
        }
        cs.enforce_r1cs_constraint(
            || LinearCombination(vec![(Field::from(1), Variable::One)]),
            || LinearCombination(vec![(Field::from(1), seven)]),
            || LinearCombination(vec![(Field::from(7), Variable::One)]),
        )
    }
}
