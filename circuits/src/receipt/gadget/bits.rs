//! Bits and ranges.

use ark_ff::{AdditiveGroup, One, PrimeField, Zero};
use ark_relations::gr1cs::SynthesisError;

use super::{Builder, Linear};
use crate::curve::Field;

impl Builder {
    /// Enforces that `a` is 0 or 1.
    pub(in crate::receipt) fn boolean(&self, a: &Linear) -> Result<(), SynthesisError> {
        self.enforce(a, a, a)
    }

    /// A variable that is 0 or 1.
    pub(in crate::receipt) fn bit(&self, value: bool) -> Result<Linear, SynthesisError> {
        let bit = self.witness(Field::from(value))?;
        self.boolean(&bit)?;
        Ok(bit)
    }

    /// Enforces that `a`, as the integer below p, is below `2^bits`, and returns nothing: the bits
    /// are of no further use. At most 128 bits, so that their sum cannot wrap.
    pub(in crate::receipt) fn range(&self, a: &Linear, bits: u32) -> Result<(), SynthesisError> {
        let sum = self.number(low_half(&a.value()), bits)?;
        self.equal(a, &sum)
    }

    /// The number that `bits` new bits make.
    pub(in crate::receipt) fn number(
        &self,
        value: u128,
        bits: u32,
    ) -> Result<Linear, SynthesisError> {
        debug_assert!(bits <= u128::BITS);
        let mut sum = Field::zero();
        let mut terms = Vec::with_capacity(bits as usize);
        let mut weight = Field::one();
        for place in 0..bits {
            let bit = self.bit(value >> place & 1 == 1)?;
            sum += weight * bit.value();
            terms.extend(bit.terms().iter().map(|(c, v)| (*c * weight, *v)));
            weight.double_in_place();
        }
        Ok(Linear::from_parts(sum, terms))
    }
}

/// The lower 128 bits of the integer below p.
fn low_half(a: &Field) -> u128 {
    let [first, second, ..] = a.into_bigint().0;
    u128::from(second) << 64 | u128::from(first)
}
