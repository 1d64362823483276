//! Sums of fixed points times many scalars.
//!
//! Pippenger's method of buckets, as in Bernstein, Doumen, Lange, Oosterwijk, *Faster batch forgery identification*,
//! INDOCRYPT 2012: for each window of the scalars, the points are added up by their digit in it, and these sums
//! weighted with the digits. Scalars are [split](crate::endomorphism) before, so that there are a half or a quarter of
//! the windows, and digits have a sign. Time and memory accesses depend on the scalars.

use ark_ec::AffineRepr as _;
use ark_ec::short_weierstrass::{Affine, Projective};
use ark_ff::{AdditiveGroup as _, Zero as _};
use rayon::prelude::*;
use zeroize::Zeroizing;

use super::buckets::{Runs, weighted_sum};
use crate::endomorphism::{Digits, Split};

/// Points that are added up together: enough to share an inversion, few enough to stay in a core's cache.
const CHUNK: usize = 1 << 13;
/// What a bucket costs beside an addition into it, in additions.
const BUCKET_COST: usize = 2;

/// Points, each with the place of the scalar that multiplies it.
pub(super) struct Bases<C: Split> {
    /// Of each point `C::PARTS` images, the first being the point itself.
    images: Vec<Affine<C>>,
    places: Vec<u32>,
}

/// How parts of scalars are cut into signed digits: each from `−2^(width − 1)` on and below `2^(width − 1)`, the
/// highest from 0 on and at most `2^(width − 1)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Windows {
    width: usize,
    count: usize,
}

/// What is to be added up: images, and the parts that multiply them.
#[derive(Default)]
struct Terms {
    images: Zeroizing<Vec<u32>>,
    /// Increased by [`Windows::offset`].
    parts: Zeroizing<Vec<u128>>,
}

impl<C: Split> Bases<C> {
    /// Takes points with the places of their scalars. The identity adds nothing and is left out.
    pub(super) fn new<'a>(points: impl Iterator<Item = (u32, &'a Affine<C>)>) -> Self {
        let (mut images, mut places) = (Vec::new(), Vec::new());
        for (place, point) in points.filter(|(_, point)| !point.is_zero()) {
            let image = |image: &Affine<C>| Some(C::times_base(image));
            images.extend(std::iter::successors(Some(*point), image).take(C::PARTS));
            places.push(place);
        }
        Self { images, places }
    }

    /// `Σ scalar·point`, each scalar being given by its digits.
    pub(super) fn sum(&self, scalars: &[Digits]) -> Projective<C> {
        let windows = Windows::of_least_cost(self.images.len(), C::PART_BITS);
        let terms = self.terms(scalars, windows);
        let sums: Vec<Projective<C>> = (0..windows.count)
            .into_par_iter()
            // Memory that a thread has touched once serves it for several windows.
            .map_init(Runs::new, |runs, window| {
                self.window_sum(&terms, windows, window, runs)
            })
            .collect();
        let mut total = Projective::<C>::zero();
        for sum in sums.iter().rev() {
            for _ in 0..windows.width {
                total.double_in_place();
            }
            total += sum;
        }
        total
    }

    fn terms(&self, scalars: &[Digits], windows: Windows) -> Terms {
        let mut terms = Terms::default();
        // What grows leaves copies behind.
        terms.images.reserve_exact(self.images.len());
        terms.parts.reserve_exact(self.images.len());
        let offset = windows.offset();
        for (index, place) in self.places.iter().enumerate() {
            let parts = Zeroizing::new(C::parts(scalars[*place as usize]));
            for (part, value) in parts.iter().enumerate().take(C::PARTS) {
                if *value != 0 {
                    terms.images.push((index * C::PARTS + part) as u32);
                    terms.parts.push(value + offset);
                }
            }
        }
        terms
    }

    fn window_sum(
        &self,
        terms: &Terms,
        windows: Windows,
        window: usize,
        runs: &mut Runs<C>,
    ) -> Projective<C> {
        let digit = |part: &u128| windows.digit(*part, window);
        // Sorted by digit, without its sign, which the lowest bit takes.
        let mut ends = Zeroizing::new(vec![0_usize; windows.buckets() + 1]);
        for part in terms.parts.iter() {
            ends[digit(part).unsigned_abs() as usize] += 1;
        }
        let mut end = 0;
        for count in ends[1..].iter_mut() {
            end += std::mem::replace(count, end);
        }
        let mut sorted = Zeroizing::new(vec![0_u32; end]);
        for (image, part) in terms.images.iter().zip(terms.parts.iter()) {
            let digit = digit(part);
            if digit != 0 {
                let end = &mut ends[digit.unsigned_abs() as usize];
                sorted[*end] = image << 1 | u32::from(digit < 0);
                *end += 1;
            }
        }

        let mut sums = Vec::with_capacity(windows.buckets());
        let mut from = 0;
        for end in &ends[1..] {
            let images = &sorted[from..*end];
            runs.push(images.iter().map(|signed| {
                let image = &self.images[(signed >> 1) as usize];
                // No branch on the sign, which would be guessed wrongly half of the time.
                let y = [image.y, C::BaseField::ZERO - image.y][(signed & 1) as usize];
                Affine::new_unchecked(image.x, y)
            }));
            from = *end;
            if runs.points() >= CHUNK {
                sums.extend(runs.drain());
            }
        }
        sums.extend(runs.drain());
        weighted_sum(&sums, runs)
    }
}

impl Windows {
    const MIN_WIDTH: usize = 3;
    const MAX_WIDTH: usize = 15;

    fn of_least_cost(terms: usize, bits: usize) -> Self {
        let cost = |windows: &Self| windows.count * (terms + BUCKET_COST * windows.buckets());
        (Self::MIN_WIDTH..=Self::MAX_WIDTH)
            .map(|width| Self::of_width(width, bits))
            // So that a part with the offset fits 128 bits.
            .filter(|windows| windows.highest() < u128::BITS as usize)
            .min_by_key(cost)
            .unwrap_or(Self::of_width(Self::MIN_WIDTH, bits))
    }

    fn of_width(width: usize, bits: usize) -> Self {
        // Above the other windows, a bit less than a digit holds is left, for the carry.
        Self {
            width,
            count: 1 + (bits + 1 - width).div_ceil(width),
        }
    }

    /// Sums to make in each window.
    fn buckets(self) -> usize {
        1 << (self.width - 1)
    }

    /// Where the highest window begins.
    fn highest(self) -> usize {
        (self.count - 1) * self.width
    }

    /// `2^(width − 1)` in each window but the highest: the part's digits are those of the sum less this.
    fn offset(self) -> u128 {
        (0..self.highest())
            .step_by(self.width)
            .map(|begin| 1 << (begin + self.width - 1))
            .sum()
    }

    fn digit(self, part: u128, window: usize) -> i32 {
        let begin = window * self.width;
        if begin == self.highest() {
            return (part >> begin) as i32;
        }
        let mask = (1 << self.width) - 1;
        ((part >> begin) as i32 & mask) - (1 << (self.width - 1))
    }
}

#[cfg(test)]
mod tests {
    use ark_bls12_381::{g1, g2};
    use ark_ec::{CurveGroup as _, VariableBaseMSM as _};

    use super::*;
    use crate::curve::Field;
    use crate::endomorphism::{self, tests::scalars};

    /// So many multiples of the generator; some are the identity, twins or opposites.
    fn points<C: Split>(count: u64) -> Vec<Affine<C>> {
        let multiples: Vec<Projective<C>> = (0..count)
            .map(|index| match index % 7 {
                0 => Projective::<C>::zero(),
                1 => C::GENERATOR.into_group(),
                2 => -C::GENERATOR.into_group(),
                _ => C::GENERATOR * Field::from(index * index),
            })
            .collect();
        Projective::normalize_batch(&multiples)
    }

    fn sum<C: Split>(points: &[Affine<C>], scalars: &[Field]) -> Affine<C> {
        let digits: Vec<Digits> = scalars.iter().map(endomorphism::digits).collect();
        Bases::new((0..).zip(points)).sum(&digits).into_affine()
    }

    fn agrees_with_arkworks<C: Split>() {
        let any = scalars();
        for count in [0, 1, 2, 3, 33, 200, 1500] {
            let points = points::<C>(count as u64);
            let expect = |scalars: &[Field]| {
                let expected = Projective::<C>::msm(&points, scalars).unwrap();
                assert_eq!(sum(&points, scalars), expected.into_affine(), "{count}");
            };
            let mixed: Vec<Field> = any.iter().copied().cycle().take(count).collect();
            expect(&mixed);
            // All in one bucket: much is added to itself and to its opposite.
            for scalar in &any[..if count > 200 { 2 } else { any.len() }] {
                expect(&vec![*scalar; count]);
            }
        }
    }

    #[test]
    fn sums_are_those_of_arkworks_in_both_groups() {
        agrees_with_arkworks::<g1::Config>();
        agrees_with_arkworks::<g2::Config>();
    }

    #[test]
    fn places_say_which_scalar_belongs_to_a_point() {
        let points = points::<g1::Config>(10);
        let digits: Vec<Digits> = (0..10_u64)
            .map(|index| endomorphism::digits(&Field::from(index)))
            .collect();
        let bases = Bases::new([(7, &points[3]), (2, &points[7]), (7, &points[4])].into_iter());
        let expected = (points[3] + points[4]) * Field::from(7);
        assert_eq!(bases.sum(&digits), expected);
    }

    #[test]
    fn digits_make_the_part() {
        for bits in [64, 128] {
            // Below u² as all parts are, which leaves room for the offset.
            let largest = (u128::from(endomorphism::U).pow(2) - 1) >> (128 - bits);
            for terms in 0..16 {
                let windows = Windows::of_least_cost(1 << terms, bits);
                let buckets = 1 << (windows.width - 1);
                for part in [0, 1, 2, largest / 3, largest / 2, largest - 1, largest] {
                    let shifted = part + windows.offset();
                    let mut value = 0_i128;
                    for window in (0..windows.count).rev() {
                        let digit = windows.digit(shifted, window);
                        assert!((-buckets..=buckets).contains(&digit));
                        value = value
                            .wrapping_mul(1 << windows.width)
                            .wrapping_add(digit.into());
                    }
                    assert_eq!(value as u128, part);
                }
            }
        }
    }
}
