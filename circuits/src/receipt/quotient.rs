//! The quotient of Groth16's prover.
//!
//! With a, b and c for the polynomials that a constraint's three sides are interpolated by over the domain of the n-th
//! roots of unity, `a·b − c = h·(X^n − 1)`. All have degree below n, so that h is `a·b` from `X^n` on. It comes from
//! what `a·b` leaves modulo `X^n − 1` and modulo `X^n + 1`, namely c and `c − 2h`: six transforms of size n, and c's
//! values are the products of the others', since the constraints hold.

use ark_ff::Field as _;
use ark_groth16::r1cs_to_qap::evaluate_constraint;
use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};
use ark_relations::gr1cs::SynthesisError;
use rayon::prelude::*;
use zeroize::Zeroizing;

use super::shape::Shape;
use crate::curve::Field;

/// The quotient's coefficients, for values of all variables that satisfy every constraint. The last of them is 0, and a
/// key has no point for it.
pub(super) fn quotient(
    shape: &Shape,
    variables: &[Field],
) -> Result<Zeroizing<Vec<Field>>, SynthesisError> {
    let size = shape.size;
    let domain = |size| {
        Radix2EvaluationDomain::<Field>::new(size).ok_or(SynthesisError::PolynomialDegreeTooLarge)
    };
    let even = domain(size.domain)?;
    // The roots of X^n + 1.
    let odd = even
        .get_coset(domain(2 * size.domain)?.group_gen)
        .ok_or(SynthesisError::PolynomialDegreeTooLarge)?;

    let values = |matrix: usize| {
        let mut values = Zeroizing::new(vec![Field::default(); size.domain]);
        values
            .par_iter_mut()
            .zip(&shape.matrices[matrix])
            .for_each(|(value, row)| *value = evaluate_constraint(row, variables));
        values
    };
    let (mut a, mut b) = rayon::join(|| values(0), || values(1));
    // A constraint `input·0 = 0` for each public input keeps the key's points for them independent.
    let inputs = 1 + size.public_inputs;
    a[size.constraints..][..inputs].copy_from_slice(&variables[..inputs]);

    let mut c = product(&a, &b);
    let to_odd = |values: &mut Vec<Field>| {
        even.ifft_in_place(values);
        odd.fft_in_place(values);
    };
    rayon::join(
        || rayon::join(|| to_odd(&mut a), || to_odd(&mut b)),
        || even.ifft_in_place(&mut c),
    );
    let mut quotient = product(&a, &b);
    odd.ifft_in_place(&mut quotient);
    let half = Field::from(2).inverse().unwrap_or_default();
    for (rest, c) in quotient.iter_mut().zip(c.iter()) {
        *rest = (*c - *rest) * half;
    }
    Ok(quotient)
}

fn product(a: &[Field], b: &[Field]) -> Zeroizing<Vec<Field>> {
    let product: Vec<Field> = a.par_iter().zip(b).map(|(a, b)| *a * b).collect();
    Zeroizing::new(product)
}
