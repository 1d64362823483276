//! Variables, their values, and rank-1 constraints over them.

use ark_ff::{Field as _, One, Zero};
use ark_relations::gr1cs::{ConstraintSystemRef, LinearCombination, SynthesisError, Variable};

use crate::curve::Field;

/// A linear combination of variables, with its value.
///
/// Where only an assignment is wanted, the terms are left out: they are most of the work.
#[derive(Clone)]
pub(in crate::receipt) struct Linear {
    value: Field,
    terms: Vec<(Field, Variable)>,
}

impl Linear {
    pub(in crate::receipt) fn value(&self) -> Field {
        self.value
    }

    pub(super) fn terms(&self) -> &[(Field, Variable)] {
        &self.terms
    }

    pub(super) fn from_parts(value: Field, terms: Vec<(Field, Variable)>) -> Self {
        Self { value, terms }
    }

    pub(in crate::receipt) fn zero() -> Self {
        Self::from_parts(Field::zero(), Vec::new())
    }

    pub(in crate::receipt) fn plus(&self, other: &Self) -> Self {
        self.plus_multiple(other, Field::one())
    }

    pub(in crate::receipt) fn minus(&self, other: &Self) -> Self {
        self.plus_multiple(other, -Field::one())
    }

    pub(in crate::receipt) fn plus_multiple(&self, other: &Self, factor: Field) -> Self {
        let mut terms = Vec::with_capacity(self.terms.len() + other.terms.len());
        terms.extend_from_slice(&self.terms);
        terms.extend(other.terms.iter().map(|(c, v)| (*c * factor, *v)));
        Self::from_parts(self.value + other.value * factor, terms)
    }

    pub(in crate::receipt) fn times(&self, factor: Field) -> Self {
        Self::zero().plus_multiple(self, factor)
    }

    fn combination(&self) -> LinearCombination<Field> {
        let mut combination = LinearCombination(self.terms.clone());
        combination.compactify();
        combination
    }
}

/// Writes a circuit into a constraint system.
pub(in crate::receipt) struct Builder {
    system: ConstraintSystemRef<Field>,
    /// Whether anybody wants the matrices; if not, combinations carry values only.
    symbolic: bool,
}

impl Builder {
    pub(in crate::receipt) fn new(system: ConstraintSystemRef<Field>) -> Self {
        let symbolic = system.should_construct_matrices();
        Self { system, symbolic }
    }

    pub(in crate::receipt) fn constant(&self, value: Field) -> Linear {
        self.term(value, value, Variable::One)
    }

    pub(in crate::receipt) fn one(&self) -> Linear {
        self.constant(Field::one())
    }

    /// The next public input.
    pub(in crate::receipt) fn public(&self, value: Field) -> Result<Linear, SynthesisError> {
        let variable = self.system.new_input_variable(|| Ok(value))?;
        Ok(self.term(value, Field::one(), variable))
    }

    /// A new variable, which the caller must constrain.
    pub(in crate::receipt) fn witness(&self, value: Field) -> Result<Linear, SynthesisError> {
        let variable = self.system.new_witness_variable(|| Ok(value))?;
        Ok(self.term(value, Field::one(), variable))
    }

    fn term(&self, value: Field, coefficient: Field, variable: Variable) -> Linear {
        let terms = if self.symbolic {
            vec![(coefficient, variable)]
        } else {
            Vec::new()
        };
        Linear::from_parts(value, terms)
    }

    /// `a·b = c`.
    pub(in crate::receipt) fn enforce(
        &self,
        a: &Linear,
        b: &Linear,
        c: &Linear,
    ) -> Result<(), SynthesisError> {
        if !self.symbolic {
            return Ok(());
        }
        self.system.enforce_r1cs_constraint(
            || a.combination(),
            || b.combination(),
            || c.combination(),
        )
    }

    /// `a = b`.
    pub(in crate::receipt) fn equal(&self, a: &Linear, b: &Linear) -> Result<(), SynthesisError> {
        self.enforce(&a.minus(b), &self.one(), &Linear::zero())
    }

    /// A variable for `a·b`.
    pub(in crate::receipt) fn product(
        &self,
        a: &Linear,
        b: &Linear,
    ) -> Result<Linear, SynthesisError> {
        let product = self.witness(a.value * b.value)?;
        self.enforce(a, b, &product)?;
        Ok(product)
    }

    /// A variable for `numerator / denominator`, whose product with the denominator is enforced.
    /// Where the denominator is 0 and the numerator is not, nothing satisfies it; where both are,
    /// the variable is free, and the caller must rule that out.
    pub(in crate::receipt) fn quotient(
        &self,
        numerator: &Linear,
        denominator: &Linear,
    ) -> Result<Linear, SynthesisError> {
        let inverse = denominator.value.inverse().unwrap_or_default();
        let quotient = self.witness(numerator.value * inverse)?;
        self.enforce(&quotient, denominator, numerator)?;
        Ok(quotient)
    }

    /// A variable for `1/a`, which shows that `a` is not 0.
    pub(in crate::receipt) fn inverse(&self, a: &Linear) -> Result<Linear, SynthesisError> {
        self.quotient(&self.one(), a)
    }

    /// A variable that equals `a`, to keep later combinations short.
    pub(in crate::receipt) fn materialise(&self, a: &Linear) -> Result<Linear, SynthesisError> {
        let variable = self.witness(a.value)?;
        self.equal(a, &variable)?;
        Ok(variable)
    }

    /// `if_unset` where the bit is 0, `if_set` where it is 1.
    pub(in crate::receipt) fn select(
        &self,
        bit: &Linear,
        if_unset: &Linear,
        if_set: &Linear,
    ) -> Result<Linear, SynthesisError> {
        let step = self.product(bit, &if_set.minus(if_unset))?;
        Ok(if_unset.plus(&step))
    }
}
