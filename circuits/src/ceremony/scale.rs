//! Points times scalars in bulk: every point by its own scalar, and sums of a few such products.
//!
//! Both groups have a cheap endomorphism whose eigenvalue is a power of u = |x|, x being the parameter of BLS12-381
//! (Gallant, Lambert, Vanstone 2001; Galbraith, Lin, Scott 2009). A scalar is written to the base u² in G1 and u in
//! G2, and its digits' multiples share their doublings. Time depends on the scalars.

use std::sync::LazyLock;

use ark_bls12_381::{Fq, Fq2, g1, g2};
use ark_ec::short_weierstrass::{Affine, Projective, SWCurveConfig};
use ark_ec::{AffineRepr as _, CurveGroup as _};
use ark_ff::{AdditiveGroup as _, Field as _, MontFp, PrimeField as _, Zero as _};
use rayon::prelude::*;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::curve::Field;

/// u. The parameter itself is −u.
const U: u64 = 0xd201_0000_0001_0000;
/// Signed digits of a part: 128 bits, and a carry.
const LENGTH: usize = 129;
/// Odd multiples that a table holds: 1, 3, 5, 7, for signed digits below 8.
const ODD: usize = 4;
/// Most parts of a scalar.
const MAX_PARTS: usize = 4;
/// Points whose tables are made affine with one inversion: few enough to stay in a core's cache.
const CHUNK: usize = 128;

/// A group whose scalars split along an endomorphism.
pub(super) trait Split: SWCurveConfig<ScalarField = Field> {
    /// Parts of a scalar.
    const PARTS: usize;

    /// The parts, from digits to the base u, lowest first.
    fn parts(digits: [u64; 4]) -> [u128; MAX_PARTS];

    /// The point times the base in which parts are written.
    fn times_base(point: &Affine<Self>) -> Affine<Self>;
}

impl Split for g1::Config {
    const PARTS: usize = 2;

    fn parts([a, b, c, d]: [u64; 4]) -> [u128; MAX_PARTS] {
        let pair = |low: u64, high: u64| u128::from(low) + u128::from(high) * u128::from(U);
        [pair(a, b), pair(c, d), 0, 0]
    }

    /// u²·(X, Y) = (βX, −Y): the eigenvalue of (βX, Y) is −x².
    fn times_base(point: &Affine<Self>) -> Affine<Self> {
        let mut image = -*point;
        image.x *= g1::BETA;
        image
    }
}

/// What ψ multiplies coordinates with after raising them to the power q, with ξ = 1 + i: ξ^−(q−1)/3 and ξ^−(q−1)/2.
static PSI: LazyLock<(Fq2, Fq2)> = LazyLock::new(|| {
    let inverse = Fq2::new(Fq::ONE, Fq::ONE).inverse().unwrap_or_default();
    let exponent = |divisor: Fq| (-Fq::ONE / divisor).into_bigint();
    (
        inverse.pow(exponent(MontFp!("3"))),
        inverse.pow(exponent(MontFp!("2"))),
    )
});

impl Split for g2::Config {
    const PARTS: usize = 4;

    fn parts(digits: [u64; 4]) -> [u128; MAX_PARTS] {
        digits.map(u128::from)
    }

    /// ψ is the multiplication by q = x = −u (Galbraith, Scott 2008).
    fn times_base(point: &Affine<Self>) -> Affine<Self> {
        let mut image = -*point;
        image.x.frobenius_map_in_place(1);
        image.y.frobenius_map_in_place(1);
        image.x *= PSI.0;
        image.y *= PSI.1;
        image
    }
}

/// A scalar as signed digits of its parts: odd and below 8 in absolute value, or 0.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(super) struct Digits {
    parts: [[i8; LENGTH]; MAX_PARTS],
    length: usize,
}

impl Digits {
    pub(super) fn of<C: Split>(scalar: &Field) -> Self {
        let mut whole = scalar.into_bigint();
        // Minus one is as short as one.
        let is_negative = whole > Field::MODULUS_MINUS_ONE_DIV_TWO;
        if is_negative {
            whole = (-*scalar).into_bigint();
        }
        let mut digits = [0; 4];
        for digit in &mut digits {
            let mut remainder = 0u128;
            for limb in whole.0.iter_mut().rev() {
                let dividend = remainder << 64 | u128::from(*limb);
                *limb = (dividend / u128::from(U)) as u64;
                remainder = dividend % u128::from(U);
            }
            *digit = remainder as u64;
        }
        let mut signed = Self {
            parts: [[0; LENGTH]; MAX_PARTS],
            length: 0,
        };
        let mut parts = C::parts(digits);
        for (part, out) in parts.iter().zip(&mut signed.parts) {
            let used = signed_digits(*part, out, is_negative);
            signed.length = signed.length.max(used);
        }
        digits.zeroize();
        parts.zeroize();
        whole.0.zeroize();
        signed
    }
}

/// The w-ary non-adjacent form with w = 4; how many digits it has. A part is below u², so that the carry fits.
fn signed_digits(mut part: u128, out: &mut [i8; LENGTH], is_negative: bool) -> usize {
    let mut used = 0;
    for (place, out) in out.iter_mut().enumerate() {
        if part == 0 {
            break;
        }
        if part & 1 == 1 {
            let low = (part & 15) as i8;
            let digit = if low >= 8 { low - 16 } else { low };
            part = part.wrapping_sub(digit as u128);
            *out = if is_negative { -digit } else { digit };
            used = place + 1;
        }
        part >>= 1;
    }
    used
}

/// The odd multiples of a point that digits select.
pub(super) type Table<C> = [Affine<C>; ODD];

/// Tables of many points, with few inversions.
pub(super) fn tables<C: Split>(points: &[Affine<C>]) -> Vec<Table<C>> {
    points
        .par_chunks(CHUNK)
        .flat_map_iter(chunk_tables)
        .collect()
}

fn chunk_tables<C: Split>(points: &[Affine<C>]) -> Vec<Table<C>> {
    let mut multiples = Vec::with_capacity(points.len() * ODD);
    for point in points {
        let twice = point.into_group().double();
        let mut odd = point.into_group();
        for _ in 0..ODD {
            multiples.push(odd);
            odd += twice;
        }
    }
    let multiples = Projective::normalize_batch(&multiples);
    let (tables, _) = multiples.as_chunks::<ODD>();
    tables.to_vec()
}

/// Σ scalar·point over a few terms. The tables are those of the points themselves; their images are made here.
pub(super) fn sum<'a, C: Split>(
    terms: impl Iterator<Item = (&'a Table<C>, &'a Digits)> + Clone,
) -> Projective<C> {
    let images: Vec<([Table<C>; MAX_PARTS], &Digits)> = terms
        .map(|(table, digits)| {
            let mut images = [*table; MAX_PARTS];
            for part in 1..C::PARTS {
                images[part] = images[part - 1].map(|point| C::times_base(&point));
            }
            (images, digits)
        })
        .collect();
    let length = images.iter().map(|(_, digits)| digits.length).max();
    let mut sum = Projective::<C>::zero();
    for place in (0..length.unwrap_or(0)).rev() {
        sum.double_in_place();
        for (tables, digits) in &images {
            for (table, part) in tables.iter().zip(&digits.parts).take(C::PARTS) {
                let digit = part[place];
                let multiple = &table[usize::from(digit.unsigned_abs() / 2)];
                match digit {
                    1.. => sum += multiple,
                    0 => {}
                    _ => sum -= multiple,
                }
            }
        }
    }
    sum
}

/// Each point times its own scalar. `progress` hears how many points were done, from all cores.
pub(super) fn scale<C: Split>(
    points: &[Affine<C>],
    scalar: impl Fn(usize) -> Field + Sync,
    progress: &(dyn Fn(usize) + Sync),
) -> Vec<Affine<C>> {
    let chunks = points.par_chunks(CHUNK).enumerate();
    chunks
        .flat_map_iter(|(chunk, points)| {
            let tables = chunk_tables(points);
            let scaled = tables.iter().enumerate().map(|(index, table)| {
                let digits = Digits::of::<C>(&scalar(chunk * CHUNK + index));
                sum::<C>(std::iter::once((table, &digits)))
            });
            let scaled = Projective::normalize_batch(&scaled.collect::<Vec<_>>());
            progress(points.len());
            scaled
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scalars at which digits carry, are long or short, or change sign.
    fn scalars() -> Vec<Field> {
        let u = Field::from(U);
        let near = |center: Field| {
            (0u64..3).flat_map(move |step| [center + Field::from(step), center - Field::from(step)])
        };
        let half = Field::from(2).inverse().unwrap();
        let centers = [
            Field::from(0),
            half,
            u,
            u.square(),
            u.pow([3]),
            -u,
            -u.pow([3]),
        ];
        let mut scalars: Vec<Field> = centers.into_iter().flat_map(near).collect();
        scalars.extend((1u64..40).map(|power| Field::from(0xdead_beef_u64).pow([power])));
        scalars
    }

    fn agrees_with_arkworks<C: Split>() {
        let scalars = scalars();
        let generator = C::GENERATOR;
        let mut points: Vec<Affine<C>> = (0..scalars.len() as u64)
            .map(|index| (generator * Field::from(index * index + 1)).into_affine())
            .collect();
        points[0] = Affine::identity();
        points[7] = Affine::identity();
        let scaled = scale(&points, |index| scalars[index], &|_| {});
        for ((point, scalar), scaled) in points.iter().zip(&scalars).zip(&scaled) {
            // arkworks' own product splits the scalar too.
            let mut expected = Projective::<C>::zero();
            for bit in ark_ff::BitIteratorBE::new(scalar.into_bigint()) {
                expected.double_in_place();
                if bit {
                    expected += point;
                }
            }
            assert_eq!(expected.into_affine(), *scaled, "{scalar}");
        }
        let tables = tables(&points);
        let digits: Vec<Digits> = scalars.iter().map(Digits::of::<C>).collect();
        let expected: Projective<C> = scaled.iter().map(|point| point.into_group()).sum();
        assert_eq!(sum(tables.iter().zip(&digits)), expected);
    }

    #[test]
    fn products_are_those_of_double_and_add_in_both_groups() {
        agrees_with_arkworks::<g1::Config>();
        agrees_with_arkworks::<g2::Config>();
    }

    #[test]
    fn the_endomorphisms_multiply_by_the_base() {
        let (one, two) = (g1::Config::GENERATOR, g2::Config::GENERATOR);
        let u = Field::from(U);
        assert_eq!(
            g1::Config::times_base(&one),
            (one * u.square()).into_affine()
        );
        assert_eq!(g2::Config::times_base(&two), (two * u).into_affine());
    }
}
