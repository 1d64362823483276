//! Sums of points in affine coordinates, many at a time.
//!
//! An affine addition takes 3 products and an inversion. Inverting many at once makes that 6 products (Montgomery,
//! *Speeding the Pollard and elliptic curve methods of factorization*, Mathematics of Computation 48, 1987), against 10
//! with a denominator kept beside each sum.

use ark_ec::AffineRepr as _;
use ark_ec::short_weierstrass::{Affine, Bucket, Projective, SWCurveConfig};
use ark_ff::{AdditiveGroup as _, Field as _, Zero as _, serial_batch_inversion_and_mul};

/// Runs of points, each to be added up.
pub(super) struct Runs<C: SWCurveConfig> {
    /// The points of all runs, one run after the other.
    pub(super) points: Vec<Affine<C>>,
    /// Points of each run.
    pub(super) lengths: Vec<usize>,
    /// What the additions of a round divide by, and its inverses.
    divisors: Vec<C::BaseField>,
}

impl<C: SWCurveConfig> Runs<C> {
    pub(super) fn new() -> Self {
        Self {
            points: Vec::new(),
            lengths: Vec::new(),
            divisors: Vec::new(),
        }
    }

    /// Takes all runs away, and returns the sum of each.
    ///
    /// Every round adds neighbours, so that a run is half as long after it.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Affine<C>> {
        while self.lengths.iter().any(|length| *length > 1) {
            self.round();
        }
        let mut points = self.points.drain(..);
        self.lengths.drain(..).map(move |length| {
            let sum = (length == 1).then(|| points.next());
            sum.flatten().unwrap_or_else(Affine::identity)
        })
    }

    fn round(&mut self) {
        self.divisors.clear();
        let mut rest = &self.points[..];
        for length in &self.lengths {
            let (run, after) = rest.split_at(*length);
            rest = after;
            let (pairs, _) = run.as_chunks::<2>();
            self.divisors.extend(pairs.iter().map(divisor));
        }
        serial_batch_inversion_and_mul(&mut self.divisors, &C::BaseField::ONE);

        // No sum is written beyond what it was made of, and none is made of what was overwritten.
        let mut inverses = self.divisors.iter();
        let (mut from, mut to) = (0, 0);
        for length in &mut self.lengths {
            let pairs = *length / 2;
            for (pair, inverse) in inverses.by_ref().take(pairs).enumerate() {
                let [p, q] = [0, 1].map(|second| self.points[from + 2 * pair + second]);
                self.points[to + pair] = add(&p, &q, inverse);
            }
            if *length % 2 == 1 {
                self.points[to + pairs] = self.points[from + *length - 1];
            }
            from += *length;
            *length = length.div_ceil(2);
            to += *length;
        }
        self.points.truncate(to);
    }
}

/// What the slope of the line through two points divides by; 0 where their sum takes no slope.
fn divisor<C: SWCurveConfig>([p, q]: &[Affine<C>; 2]) -> C::BaseField {
    if p.is_zero() || q.is_zero() {
        C::BaseField::ZERO
    } else if p.x != q.x {
        q.x - p.x
    } else if p.y == q.y {
        p.y.double()
    } else {
        C::BaseField::ZERO
    }
}

/// The sum of two points; `inverse` is that of their [`divisor`], or 0 as it is.
fn add<C: SWCurveConfig>(p: &Affine<C>, q: &Affine<C>, inverse: &C::BaseField) -> Affine<C> {
    if inverse.is_zero() {
        return match (p.is_zero(), q.is_zero()) {
            (true, _) => *q,
            (_, true) => *p,
            _ => Affine::identity(),
        };
    }
    let rise = if p.x == q.x {
        let square = p.x.square();
        square.double() + square + C::COEFF_A
    } else {
        q.y - p.y
    };
    let slope = rise * inverse;
    let x = slope.square() - p.x - q.x;
    Affine::new_unchecked(x, slope * (p.x - x) - p.y)
}

/// `Σ (k + 1)·Pₖ` over a power of two of points.
///
/// With `k = columns·i + j` that is `Σ (j + 1)·(column j) + columns·Σ i·(row i)`: to add up columns and rows takes two
/// affine additions for a point, where running sums take two of twice the cost.
pub(super) fn weighted_sum<C: SWCurveConfig>(
    points: &[Affine<C>],
    runs: &mut Runs<C>,
) -> Projective<C> {
    debug_assert!(points.len().is_power_of_two());
    let doublings = points.len().ilog2() / 2;
    let columns = 1 << doublings;
    let rows = points.len() / columns;
    runs.points.extend_from_slice(points);
    for column in 0..columns {
        runs.points.extend(points[column..].iter().step_by(columns));
    }
    runs.lengths.resize(rows, columns);
    runs.lengths.resize(rows + columns, rows);
    let sums: Vec<Affine<C>> = runs.drain().collect();
    let (rows, columns) = sums.split_at(rows);
    let mut sum = running_sum(&rows[1..]);
    for _ in 0..doublings {
        sum.double_in_place();
    }
    sum + running_sum(columns)
}

/// `Σ (k + 1)·Pₖ`.
fn running_sum<C: SWCurveConfig>(points: &[Affine<C>]) -> Projective<C> {
    let (mut running, mut sum) = (Bucket::<C>::ZERO, Bucket::<C>::ZERO);
    for point in points.iter().rev() {
        running += point;
        sum += &running;
    }
    sum.into()
}
