//! From powers of τ to Lagrange polynomials at τ, without knowing τ.

use ark_ec::short_weierstrass::{Affine, Projective};
use ark_ec::{AffineRepr as _, CurveGroup as _};
use ark_ff::{Field as _, One as _};
use ark_poly::Radix2EvaluationDomain;
use rayon::prelude::*;

use super::scale::scale;
use crate::curve::Field;
use crate::endomorphism::Split;

/// L₀(τ)·P, …, Lₙ₋₁(τ)·P from P, τ·P, …, τⁿ⁻¹·P over the domain of the n-th roots of unity: an inverse discrete
/// Fourier transform of points, by decimation in frequency with radix 4, and 2 for what is left.
///
/// Radix 4 saves a quarter of the general products, and its products with a fourth root of unity cost little: that
/// root is ±u³ for both groups' base u (see [`scale`](super::scale)).
pub(super) fn lagrange<C: Split>(
    powers: &[Affine<C>],
    domain: &Radix2EvaluationDomain<Field>,
    progress: &(dyn Fn(usize) + Sync),
) -> Vec<Affine<C>> {
    let mut points = powers.to_vec();
    let mut size = points.len();
    // The first step divides by n as well.
    let mut factor = domain.size_inv;
    let mut root = domain.group_gen_inv;
    while size >= 4 {
        points = step4(&points, size, root, factor, progress);
        factor = Field::one();
        root = root.square().square();
        size /= 4;
    }
    if size == 2 {
        points = step2(&points, factor);
    }
    reverse_bits(&mut points);
    points
}

/// Products that [`lagrange`] announces for n points.
pub(super) fn lagrange_work(n: usize) -> usize {
    (n.trailing_zeros() / 2) as usize * (n + n / 4)
}

/// Splits every run of `size` points into four, whose transforms are the outputs 0, 2, 1 and 3 modulo 4.
fn step4<C: Split>(
    points: &[Affine<C>],
    size: usize,
    root: Field,
    factor: Field,
    progress: &(dyn Fn(usize) + Sync),
) -> Vec<Affine<C>> {
    let quarter = size / 4;
    let fourth_root = root.pow([quarter as u64]);
    let at = |index: usize| {
        let start = index / quarter * size + index % quarter;
        [0, 1, 2, 3].map(|part| points[start + part * quarter])
    };
    let count = points.len() / 4;
    let differences: Vec<Projective<C>> = (0..count)
        .into_par_iter()
        .map(|index| {
            let [_, b, _, d] = at(index);
            b.into_group() - d
        })
        .collect();
    let differences = Projective::normalize_batch(&differences);
    let rotated = scale(&differences, |_| fourth_root, progress);

    let outputs: Vec<[Projective<C>; 4]> = (0..count)
        .into_par_iter()
        .map(|index| {
            let [a, b, c, d] = at(index);
            let (even, odd) = (a.into_group() + c, b.into_group() + d);
            let (difference, rotated) = (a.into_group() - c, rotated[index]);
            [
                even + odd,
                even - odd,
                difference + rotated,
                difference - rotated,
            ]
        })
        .collect();
    let mut split = vec![Projective::default(); points.len()];
    for (index, outputs) in outputs.into_iter().enumerate() {
        let start = index / quarter * size + index % quarter;
        for (part, output) in outputs.into_iter().enumerate() {
            split[start + part * quarter] = output;
        }
    }
    let split = Projective::normalize_batch(&split);

    let mut powers = vec![Field::one(); size];
    for index in 1..size {
        powers[index] = powers[index - 1] * root;
    }
    let twiddle = |index: usize| {
        let place = index % size;
        let times = [0, 2, 1, 3][place / quarter];
        powers[place % quarter * times] * factor
    };
    scale(&split, twiddle, progress)
}

fn step2<C: Split>(points: &[Affine<C>], factor: Field) -> Vec<Affine<C>> {
    let pairs = points.par_chunks_exact(2);
    let outputs: Vec<Projective<C>> = pairs
        .flat_map_iter(|pair| {
            let (a, b) = (pair[0].into_group(), pair[1]);
            [a + b, a - b]
        })
        .collect();
    let outputs = Projective::normalize_batch(&outputs);
    if factor.is_one() {
        return outputs;
    }
    scale(&outputs, |_| factor, &|_| {})
}

fn reverse_bits<T>(items: &mut [T]) {
    let bits = items.len().trailing_zeros();
    for index in 0..items.len() {
        let other = index
            .reverse_bits()
            .checked_shr(usize::BITS - bits)
            .unwrap_or(0);
        if index < other {
            items.swap(index, other);
        }
    }
}
