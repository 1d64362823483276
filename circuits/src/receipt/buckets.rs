//! Sums of points in affine coordinates, many at a time.
//!
//! An affine addition takes 3 products and an inversion. Inverting many at once makes that 6 products (Montgomery,
//! *Speeding the Pollard and elliptic curve methods of factorization*, Mathematics of Computation 48, 1987), against 10
//! with a denominator kept beside each sum.

use ark_ec::short_weierstrass::{Affine, Bucket, Projective, SWCurveConfig};
use ark_ec::{AffineRepr as _, CurveGroup as _};
use ark_ff::{AdditiveGroup as _, Field as _, Zero as _};

/// Runs of points, each to be added up.
pub(super) struct Runs<C: SWCurveConfig> {
    /// The points of all runs, one run after the other.
    points: Vec<Affine<C>>,
    /// Points of each run.
    lengths: Vec<usize>,
    /// Whether the identity may be among the points.
    identities: bool,
    /// What the slopes of a round divide by, then the inverses.
    divisors: Vec<C::BaseField>,
    /// Of each divisor the product of those before it.
    products: Vec<C::BaseField>,
    /// Sums that take no slope, by the place of their divisor.
    exceptions: Vec<(usize, Affine<C>)>,
}

impl<C: SWCurveConfig> Runs<C> {
    pub(super) fn new() -> Self {
        Self {
            points: Vec::new(),
            lengths: Vec::new(),
            identities: false,
            divisors: Vec::new(),
            products: Vec::new(),
            exceptions: Vec::new(),
        }
    }

    /// Adds a run of points, none of which is the identity.
    pub(super) fn push(&mut self, run: impl Iterator<Item = Affine<C>>) {
        let before = self.points.len();
        self.points.extend(run);
        self.lengths.push(self.points.len() - before);
    }

    /// Points of all runs.
    pub(super) fn points(&self) -> usize {
        self.points.len()
    }

    /// Takes all runs away, and returns the sum of each.
    ///
    /// Every round adds neighbours, so that a run is half as long after it.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Affine<C>> {
        while self.lengths.iter().any(|length| *length > 1) {
            self.round();
        }
        self.identities = false;
        let mut points = self.points.drain(..);
        self.lengths.drain(..).map(move |length| {
            let sum = (length == 1).then(|| points.next());
            sum.flatten().unwrap_or_else(Affine::identity)
        })
    }

    fn round(&mut self) {
        self.divide();
        // No sum is written beyond what it was made of, and none is made of what was overwritten.
        let mut inverses = self.divisors.iter().enumerate();
        let mut exceptions = self.exceptions.drain(..).peekable();
        let (mut from, mut to) = (0, 0);
        for length in &mut self.lengths {
            let pairs = *length / 2;
            for (pair, (place, inverse)) in inverses.by_ref().take(pairs).enumerate() {
                let [p, q] = [0, 1].map(|second| &self.points[from + 2 * pair + second]);
                let sum = match exceptions.next_if(|(exception, _)| *exception == place) {
                    None => add(p, q, inverse),
                    Some((_, sum)) => sum,
                };
                self.points[to + pair] = sum;
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

    /// Inverts what the slopes divide by.
    fn divide(&mut self) {
        self.divisors.clear();
        let mut rest = &self.points[..];
        for length in &self.lengths {
            let (run, after) = rest.split_at(*length);
            rest = after;
            for [p, q] in run.as_chunks().0 {
                let mut divisor = q.x - p.x;
                if divisor.is_zero() || self.identities && (p.is_zero() || q.is_zero()) {
                    let sum = (p.into_group() + q).into_affine();
                    self.identities |= sum.is_zero();
                    self.exceptions.push((self.divisors.len(), sum));
                    divisor = C::BaseField::ONE;
                }
                self.divisors.push(divisor);
            }
        }
        self.products.clear();
        let mut product = C::BaseField::ONE;
        for divisor in &self.divisors {
            self.products.push(product);
            product *= divisor;
        }
        // No divisor is 0.
        let mut inverse = product.inverse().unwrap_or_default();
        for (divisor, before) in self.divisors.iter_mut().zip(&self.products).rev() {
            let rest = inverse * *divisor;
            *divisor = inverse * before;
            inverse = rest;
        }
    }
}

/// The sum of two points with different x; `inverse` is that of the difference.
fn add<C: SWCurveConfig>(p: &Affine<C>, q: &Affine<C>, inverse: &C::BaseField) -> Affine<C> {
    let slope = (q.y - p.y) * inverse;
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
    let not_zero = |point: &&Affine<C>| !point.is_zero();
    for row in points.chunks_exact(columns) {
        runs.push(row.iter().filter(not_zero).copied());
    }
    for column in 0..columns {
        let column = points[column..].iter().step_by(columns);
        runs.push(column.filter(not_zero).copied());
    }
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
