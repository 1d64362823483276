//! Multiplication by secret scalars: no branch and no address depends on the scalar.
//!
//! arkworks' field branches on its operands in every addition, so the arithmetic here is that of
//! the `jubjub` crate, and coordinates cross over as canonical integers. Affine coordinates leave
//! through a constant-time inversion, since a projective Z carries traces of the scalar.
//!
//! The crate's own multiplication adds once per bit. Here it is once per window of three, from a
//! table of the point's multiples that is read whole for every window, which takes a third off.

use ark_ed_on_bls12_381::EdwardsAffine;
use ark_ff::{BigInt, PrimeField};
use ff::BatchInverter;
use jubjub::{AffinePoint, ExtendedNielsPoint, ExtendedPoint, Fq};
use subtle::{ConditionallySelectable, ConstantTimeEq};
use zeroize::Zeroizing;

use super::field::{Field, limbs};
use super::scalar::Scalar;

/// Bits of the scalar per addition. With four, reading the table costs what the additions save.
const WINDOW_BITS: usize = 3;
/// Windows of a scalar: ℓ has 252 bits.
const WINDOWS: usize = 252 / WINDOW_BITS;

/// `scalar · point`.
pub(crate) fn multiply(scalar: &Scalar, point: &EdwardsAffine) -> EdwardsAffine {
    from_jubjub(&AffinePoint::from(product(scalar, &to_jubjub(point))))
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
        .map(|(scalar, point)| product(scalar, &to_jubjub(point)))
        .collect();
    jubjub::batch_normalize(&mut products).collect()
}

/// `scalar · point`, from the most significant window down.
fn product(scalar: &Scalar, point: &ExtendedPoint) -> ExtendedPoint {
    let bytes = Zeroizing::new(scalar.to_bytes());
    let bit = |place: usize| bytes[place / 8] >> (place % 8) & 1;
    let multiples = multiples(point);
    let mut product = ExtendedPoint::identity();
    for window in (0..WINDOWS).rev() {
        for _ in 0..WINDOW_BITS {
            product = product.double();
        }
        let digit = (0..WINDOW_BITS).fold(0, |digit, place| {
            digit | bit(WINDOW_BITS * window + place) << place
        });
        product += select(&multiples, digit);
    }
    product
}

/// `0·P, 1·P, … 7·P`.
fn multiples(point: &ExtendedPoint) -> [ExtendedNielsPoint; 1 << WINDOW_BITS] {
    let one = point.to_niels();
    let mut multiples = [ExtendedPoint::identity(); 1 << WINDOW_BITS];
    for index in 1..multiples.len() {
        multiples[index] = if index % 2 == 0 {
            multiples[index / 2].double()
        } else {
            multiples[index - 1] + one
        };
    }
    multiples.map(|multiple| multiple.to_niels())
}

/// The entry at `digit`, having touched all.
fn select(multiples: &[ExtendedNielsPoint; 1 << WINDOW_BITS], digit: u8) -> ExtendedNielsPoint {
    let mut selected = multiples[0];
    for (index, multiple) in (0u8..).zip(multiples) {
        selected.conditional_assign(multiple, index.ct_eq(&digit));
    }
    selected
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
