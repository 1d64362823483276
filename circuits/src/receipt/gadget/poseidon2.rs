//! Poseidon2 in the circuit: three constraints for each S-box, none for what is linear.

use ark_ff::Zero;
use ark_relations::gr1cs::{SynthesisError, Variable};

use super::{Builder, Linear};
use crate::curve::Field;
use crate::curve::poseidon2::{Domain, Rounds, rounds_3, rounds_4};

/// A state whose elements are linear in the inputs and in the S-boxes' outputs.
///
/// It is kept by columns: the coefficients that one variable has in each element. A linear layer of
/// the permutation then acts on each column as it does on the values. In the partial rounds columns
/// pile up, one for each S-box, to 60 at the end, which is still less than constraints of their own.
struct State<const T: usize> {
    values: [Field; T],
    columns: Vec<(Variable, [Field; T])>,
}

impl<const T: usize> State<T> {
    fn new(inputs: &[&Linear; T]) -> Self {
        let mut state = Self {
            values: inputs.map(Linear::value),
            columns: Vec::new(),
        };
        for (element, input) in inputs.iter().enumerate() {
            for (coefficient, variable) in input.terms() {
                state.column(*variable)[element] += coefficient;
            }
        }
        state
    }

    fn column(&mut self, variable: Variable) -> &mut [Field; T] {
        let place = self.columns.iter().position(|(v, _)| *v == variable);
        let place = place.unwrap_or_else(|| {
            self.columns.push((variable, [Field::zero(); T]));
            self.columns.len() - 1
        });
        &mut self.columns[place].1
    }

    fn layer(&mut self, layer: fn(&mut [Field; T])) {
        layer(&mut self.values);
        for (_, column) in &mut self.columns {
            layer(column);
        }
    }

    fn element(&self, element: usize) -> Linear {
        let terms = self.columns.iter();
        let terms = terms.filter(|(_, column)| !column[element].is_zero());
        Linear::from_parts(
            self.values[element],
            terms.map(|(v, column)| (column[element], *v)).collect(),
        )
    }

    /// `(sᵢ + constant)⁵` in place of `sᵢ`.
    fn s_box(
        &mut self,
        builder: &Builder,
        element: usize,
        constant: Field,
    ) -> Result<(), SynthesisError> {
        let input = self.element(element).plus(&builder.constant(constant));
        let square = builder.product(&input, &input)?;
        let fourth = builder.product(&square, &square)?;
        let fifth = builder.product(&fourth, &input)?;
        for (_, column) in &mut self.columns {
            column[element] = Field::zero();
        }
        self.columns.retain(|(_, c)| c.iter().any(|c| !c.is_zero()));
        self.values[element] = fifth.value();
        for (coefficient, variable) in fifth.terms() {
            self.column(*variable)[element] += coefficient;
        }
        Ok(())
    }
}

impl Builder {
    /// The first element of the permutation's output.
    fn permute<const T: usize>(
        &self,
        rounds: &Rounds<T>,
        inputs: &[&Linear; T],
    ) -> Result<Linear, SynthesisError> {
        let mut state = State::new(inputs);
        let (first, last) = rounds.full.split_at(rounds.full.len() / 2);
        state.layer(rounds.external);
        self.full_rounds(rounds, &mut state, first)?;
        for constant in rounds.partial {
            state.s_box(self, 0, *constant)?;
            state.layer(rounds.internal);
        }
        self.full_rounds(rounds, &mut state, last)?;
        Ok(state.element(0))
    }

    fn full_rounds<const T: usize>(
        &self,
        rounds: &Rounds<T>,
        state: &mut State<T>,
        constants: &[[Field; T]],
    ) -> Result<(), SynthesisError> {
        for constants in constants {
            for (element, constant) in constants.iter().enumerate() {
                state.s_box(self, element, *constant)?;
            }
            state.layer(rounds.external);
        }
        Ok(())
    }

    /// `H2(d; a, b)`, 240 constraints.
    pub(in crate::receipt) fn hash_2(
        &self,
        domain: Domain,
        a: &Linear,
        b: &Linear,
    ) -> Result<Linear, SynthesisError> {
        self.permute(&rounds_3(), &[a, b, &self.constant(domain.constant())])
    }

    /// `H3(d; a, b, c)`, 264 constraints.
    pub(in crate::receipt) fn hash_3(
        &self,
        domain: Domain,
        a: &Linear,
        b: &Linear,
        c: &Linear,
    ) -> Result<Linear, SynthesisError> {
        self.permute(&rounds_4(), &[a, b, c, &self.constant(domain.constant())])
    }

    /// A node over four children, 264 constraints.
    pub(super) fn hash_node(&self, children: &[Linear; 4]) -> Result<Linear, SynthesisError> {
        let output = self.permute(&rounds_4(), &children.each_ref())?;
        Ok(output.plus(&children[0]))
    }
}
