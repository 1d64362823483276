//! Points of the Montgomery curve in the circuit.
//!
//! # Exceptional cases
//! The affine formulas divide. Where a divisor is 0 and its numerator is not, nothing satisfies the
//! constraint: a loss of completeness, never of soundness. What must not happen is 0/0, which would
//! leave a slope free, and with it the result.
//!
//! - **Doubling** divides `3x² + 2Ax + 1` by `2κy`. Both are 0 at no point, since the curve is
//!   smooth. So the double of the point of order 2, (0, 0), does not exist here, the only one of
//!   that order in this field (`A² − 4` is no square); and three doublings of a point on the curve
//!   prove that eight times it is of order ℓ and not the identity.
//! - **Adding** inverts `x₂ − x₁` explicitly, so that both the sum and the difference of a point
//!   with itself are refused.
//! - **`2P + Q`** as `P + (P + Q)` inverts `x_Q − x_P`, and divides `2y_P` by `x_P − x_{P+Q}`. The
//!   latter is 0 where `Q = −2P`; the numerator is then 0 only if P has order 2.
//!
//! In [`Multiplier`] P is an accumulator, `2^i·S` and multiples of the two points. Where these lie
//! in 𝔾, so does P, and it has no order 2. The points do: H and N are eight times a point on the
//! curve, and B and Z have the x of a pair that the log was given, which is in 𝔾 by its decoding.
//! The refused cases (an accumulator that meets ±Q or −2P) are relations between S and the points,
//! which nobody can find who cannot take discrete logarithms.

use ark_ff::{AdditiveGroup, Field as _, One};
use ark_relations::gr1cs::SynthesisError;

use super::{Builder, Linear};
use crate::curve::Field;
use crate::oprf::SPLIT_BITS;
use crate::receipt::montgomery::{A, ELLIGATOR_Z, KAPPA, MontgomeryPoint, offset};

/// Digits of ±1 of each multiplier: they make the odd numbers below `2^SPLIT_BITS` in size.
pub(in crate::receipt) const DIGITS: usize = SPLIT_BITS as usize;

/// Steps after which an accumulator gets variables of its own. Its x is a sum that grows with every
/// step; one constraint in eight steps keeps the combinations short.
const STEPS_PER_VARIABLE: usize = 8;

/// A point's coordinates.
#[derive(Clone)]
pub(in crate::receipt) struct CurvePoint {
    pub(in crate::receipt) x: Linear,
    pub(in crate::receipt) y: Linear,
}

impl CurvePoint {
    fn negated(&self) -> Self {
        Self {
            x: self.x.clone(),
            y: self.y.times(-Field::one()),
        }
    }
}

impl Builder {
    fn constant_point(&self, point: &MontgomeryPoint) -> CurvePoint {
        CurvePoint {
            x: self.constant(point.x),
            y: self.constant(point.y),
        }
    }

    /// Two variables that make a point of the curve. 3 constraints.
    pub(in crate::receipt) fn point(
        &self,
        point: &MontgomeryPoint,
    ) -> Result<CurvePoint, SynthesisError> {
        let x = self.witness(point.x)?;
        let y = self.witness(point.y)?;
        let x_squared = self.product(&x, &x)?;
        let y_squared = self.product(&y, &y)?;
        let cubic = x_squared.plus_multiple(&x, A).plus(&self.one());
        self.enforce(&cubic, &x, &y_squared.times(KAPPA))?;
        Ok(CurvePoint { x, y })
    }

    /// The image of `u` under Elligator2, up to its sign: `image`'s x is one of the two candidates
    /// of the map. Only one of them is the x of a point, so that the bit is not free. 7 constraints.
    pub(in crate::receipt) fn elligator(
        &self,
        u: &Linear,
        image: &MontgomeryPoint,
    ) -> Result<CurvePoint, SynthesisError> {
        let denominator = self.product(u, u)?.times(ELLIGATOR_Z).plus(&self.one());
        let first = self.quotient(&self.constant(-A), &denominator)?;
        let second = first.times(-Field::one()).plus(&self.constant(-A));
        let is_first = self.bit(image.x == first.value())?;
        let image = self.point(image)?;
        self.enforce(&is_first, &first.minus(&second), &image.x.minus(&second))?;
        Ok(image)
    }

    /// `8·P`, which is of order ℓ. 12 constraints.
    pub(in crate::receipt) fn eightfold(
        &self,
        point: &CurvePoint,
    ) -> Result<CurvePoint, SynthesisError> {
        let double = self.double(point)?;
        self.double(&self.double(&double)?)
    }

    fn double(&self, p: &CurvePoint) -> Result<CurvePoint, SynthesisError> {
        let numerator = self
            .product(&p.x, &p.x)?
            .times(Field::from(3))
            .plus_multiple(&p.x, A.double())
            .plus(&self.one());
        let slope = self.quotient(&numerator, &p.y.times(KAPPA.double()))?;
        let x = self.third(&slope, &p.x, &p.x)?;
        let y = self.reflected(&slope, p, &x)?;
        Ok(CurvePoint { x, y })
    }

    /// `P + Q` for `x_P ≠ x_Q`. 4 constraints.
    fn add(&self, p: &CurvePoint, q: &CurvePoint) -> Result<CurvePoint, SynthesisError> {
        let slope = self.chord(p, q)?;
        let x = self.third(&slope, &p.x, &q.x)?;
        let y = self.reflected(&slope, p, &x)?;
        Ok(CurvePoint { x, y })
    }

    /// `2P + Q` as `P + (P + Q)`, without the y of the inner sum. 6 constraints.
    fn double_add(&self, p: &CurvePoint, q: &CurvePoint) -> Result<CurvePoint, SynthesisError> {
        let inner = self.chord(p, q)?;
        let inner_x = self.third(&inner, &p.x, &q.x)?;
        // The slope from P to P + Q is 2y_P / (x_P − x_{P+Q}) less that from P to Q.
        let step = p.x.minus(&inner_x);
        let numerator = p.y.times(Field::from(2));
        let ratio = numerator.value() * step.value().inverse().unwrap_or_default();
        let outer = self.witness(ratio - inner.value())?;
        self.enforce(&inner.plus(&outer), &step, &numerator)?;
        let x = self.third(&outer, &inner_x, &p.x)?;
        let y = self.reflected(&outer, p, &x)?;
        Ok(CurvePoint { x, y })
    }

    /// The slope of the chord; its product with the inverse shows that the points' x differ.
    fn chord(&self, p: &CurvePoint, q: &CurvePoint) -> Result<Linear, SynthesisError> {
        let inverse = self.inverse(&q.x.minus(&p.x))?;
        self.product(&q.y.minus(&p.y), &inverse)
    }

    /// The x of the third point of a line: `κλ² − A − x₁ − x₂`.
    fn third(&self, slope: &Linear, x1: &Linear, x2: &Linear) -> Result<Linear, SynthesisError> {
        Ok(self
            .product(slope, slope)?
            .times(KAPPA)
            .plus(&self.constant(-A))
            .minus(x1)
            .minus(x2))
    }

    /// The y of the sum at `x`: `λ·(x_P − x) − y_P`.
    fn reflected(
        &self,
        slope: &Linear,
        p: &CurvePoint,
        x: &Linear,
    ) -> Result<Linear, SynthesisError> {
        let run = p.x.minus(x);
        let y = self.witness(slope.value() * run.value() - p.y.value())?;
        self.enforce(slope, &run, &y.plus(&p.y))?;
        Ok(y)
    }
}

/// Odd `a` and `b` by their digits of ±1, which two equations share.
pub(in crate::receipt) struct Multiplier {
    /// For each digit from the most significant on: whether a's is 1, and whether b's is the same.
    digits: Vec<(Linear, Linear)>,
}

impl Multiplier {
    /// The digits of `a` and `b` from the most significant on, `true` for 1. 2 constraints each.
    pub(in crate::receipt) fn new(
        builder: &Builder,
        a: &[bool; DIGITS],
        b: &[bool; DIGITS],
    ) -> Result<Self, SynthesisError> {
        let digits = a
            .iter()
            .zip(b)
            .map(|(a, b)| Ok((builder.bit(*a)?, builder.bit(a == b)?)))
            .collect::<Result<_, _>>()?;
        Ok(Self { digits })
    }

    /// `a·P = b·Q`, as `Σ 2^i·(aᵢ·P − bᵢ·Q) = 0`: each term is `P − Q` or `P + Q` or the negative of
    /// one, and both are computed once. The accumulator starts at S, so that it is nowhere the
    /// identity. 1,194 constraints.
    pub(in crate::receipt) fn enforce_equal(
        &self,
        builder: &Builder,
        p: &CurvePoint,
        q: &CurvePoint,
    ) -> Result<(), SynthesisError> {
        let difference = builder.add(p, &q.negated())?;
        let sum = builder.add(p, q)?;
        let offset = offset(DIGITS);
        let mut accumulator = builder.constant_point(&offset.start);
        for (index, (positive, agree)) in self.digits.iter().enumerate() {
            let sign = positive.times(Field::from(2)).minus(&builder.one());
            let y = builder.select(agree, &sum.y, &difference.y)?;
            let term = CurvePoint {
                x: builder.select(agree, &sum.x, &difference.x)?,
                y: builder.product(&sign, &y)?,
            };
            accumulator = if index == 0 {
                builder.add(&accumulator, &term)?
            } else {
                builder.double_add(&accumulator, &term)?
            };
            if index % STEPS_PER_VARIABLE == STEPS_PER_VARIABLE - 1 {
                accumulator.x = builder.materialise(&accumulator.x)?;
            }
        }
        let end = builder.constant_point(&offset.end);
        builder.equal(&accumulator.x, &end.x)?;
        builder.equal(&accumulator.y, &end.y)
    }
}
