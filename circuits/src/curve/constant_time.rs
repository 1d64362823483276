//! Multiplication by secret scalars: no branch and no address depends on the scalar.
//!
//! arkworks' field branches on its operands in every addition, so the arithmetic here is that of
//! the `jubjub` crate, and coordinates cross over as canonical integers. Affine coordinates leave
//! through a constant-time inversion, since a projective Z carries traces of the scalar.

use ark_ed_on_bls12_381::EdwardsAffine;
use ark_ff::{BigInt, PrimeField};
use ff::BatchInverter;
use jubjub::{AffinePoint, ExtendedPoint, Fq};

use super::field::{Field, limbs};
use super::scalar::Scalar;

/// `scalar · point`.
pub(crate) fn multiply(scalar: &Scalar, point: &EdwardsAffine) -> EdwardsAffine {
    from_jubjub(&AffinePoint::from(to_jubjub(point) * scalar))
}

/// `scalarᵢ · Pᵢ` for each point, with one inversion, on the calling thread.
pub(crate) fn multiply_each<'a>(
    scalars: impl Iterator<Item = &'a Scalar>,
    points: &[EdwardsAffine],
) -> Vec<EdwardsAffine> {
    products(scalars, points).iter().map(from_jubjub).collect()
}

/// `X(scalarᵢ · Pᵢ)` for each point of 𝔾 and scalar that is not zero, with two inversions, on the
/// calling thread.
pub(crate) fn montgomery_u_each<'a>(
    scalars: impl Iterator<Item = &'a Scalar>,
    points: &[EdwardsAffine],
) -> Vec<Field> {
    let products = products(scalars, points);
    let mut inverses: Vec<Fq> = products
        .iter()
        .map(|point| Fq::one() - point.get_v())
        .collect();
    BatchInverter::invert_with_external_scratch(&mut inverses, &mut vec![Fq::zero(); points.len()]);
    products
        .iter()
        .zip(inverses)
        .map(|(point, inverse)| field((Fq::one() + point.get_v()) * inverse))
        .collect()
}

fn products<'a>(
    scalars: impl Iterator<Item = &'a Scalar>,
    points: &[EdwardsAffine],
) -> Vec<AffinePoint> {
    let mut products: Vec<ExtendedPoint> = scalars
        .zip(points)
        .map(|(scalar, point)| to_jubjub(point) * scalar)
        .collect();
    jubjub::batch_normalize(&mut products).collect()
}

fn to_jubjub(point: &EdwardsAffine) -> ExtendedPoint {
    let coordinate = |x: &Field| Fq::from_raw(x.into_bigint().0);
    AffinePoint::from_raw_unchecked(coordinate(&point.x), coordinate(&point.y)).into()
}

fn from_jubjub(point: &AffinePoint) -> EdwardsAffine {
    EdwardsAffine::new_unchecked(field(point.get_u()), field(point.get_v()))
}

fn field(x: Fq) -> Field {
    // Both crates keep integers below the one modulus, so that this never falls back.
    Field::from_bigint(BigInt(limbs(&x.to_bytes()))).unwrap_or_default()
}
