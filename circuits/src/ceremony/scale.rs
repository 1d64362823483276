//! Points times scalars in bulk: every point by its own scalar, and sums of a few such products.
//!
//! A scalar is split along the group's [`endomorphism`], and its parts' multiples share their
//! doublings. Time depends on the scalars.

use ark_ec::short_weierstrass::{Affine, Projective};
use ark_ec::{AffineRepr as _, CurveGroup as _};
use ark_ff::{AdditiveGroup as _, PrimeField as _, Zero as _};
use rayon::prelude::*;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::curve::Field;
use crate::endomorphism::{self, MAX_PARTS, Split};

/// Signed digits of a part: 128 bits, and a carry.
const LENGTH: usize = 129;
/// Odd multiples that a table holds: 1, 3, 5, 7, for signed digits below 8.
const ODD: usize = 4;
/// Points whose tables are made affine with one inversion: few enough to stay in a core's cache.
const CHUNK: usize = 128;

/// A scalar as signed digits of its parts: odd and below 8 in absolute value, or 0.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(super) struct Digits {
    parts: [[i8; LENGTH]; MAX_PARTS],
    length: usize,
}

impl Digits {
    pub(super) fn of<C: Split>(scalar: &Field) -> Self {
        // Minus one is as short as one.
        let is_negative = scalar.into_bigint() > Field::MODULUS_MINUS_ONE_DIV_TWO;
        let size = Zeroizing::new(if is_negative { -*scalar } else { *scalar });
        let mut digits = endomorphism::digits(&size);
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
    use ark_bls12_381::{g1, g2};

    use super::*;
    use crate::endomorphism::tests::scalars;

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
}
