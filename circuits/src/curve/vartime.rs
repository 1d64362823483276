//! Sums of multiples of public points by public scalars, in variable time.

use ark_ec::{CurveGroup, VariableBaseMSM};
use ark_ed_on_bls12_381::{EdwardsAffine, EdwardsProjective, Fr};
use ark_ff::{BigInt, PrimeField};

use super::field::limbs;
use super::scalar::Scalar;

/// `Σ wᵢ·Pᵢ` for 128-bit weights. The slices are of one length.
pub(crate) fn weighted_sum_vartime(weights: &[u128], points: &[EdwardsAffine]) -> EdwardsAffine {
    debug_assert_eq!(weights.len(), points.len());
    let weights: Vec<_> = weights.iter().map(|&weight| Fr::from(weight)).collect();
    EdwardsProjective::msm_unchecked(points, &weights).into_affine()
}

/// `a·P + b·Q`.
pub(crate) fn double_multiply_vartime(
    a: &Scalar,
    p: &EdwardsAffine,
    b: &Scalar,
    q: &EdwardsAffine,
) -> EdwardsAffine {
    let scalar = |x: &Scalar| Fr::from_bigint(BigInt(limbs(&x.to_bytes()))).unwrap_or_default();
    (*p * scalar(a) + *q * scalar(b)).into_affine()
}
