//! The endomorphisms of the two pairing groups, and scalars written to the base that they multiply by.
//!
//! Both groups have a cheap endomorphism whose eigenvalue is a power of u = |x|, x being the parameter of BLS12-381
//! (Gallant, Lambert, Vanstone 2001; Galbraith, Lin, Scott 2009). A scalar is written to the base u² in G1 and u in
//! G2: its parts multiply the point's images, and are a half or a quarter as long.

use std::sync::LazyLock;

use ark_bls12_381::{Fq, Fq2, g1, g2};
use ark_ec::short_weierstrass::{Affine, SWCurveConfig};
use ark_ff::{Field as _, MontFp, PrimeField as _};
use zeroize::Zeroize as _;

use crate::curve::Field;

/// u. The parameter itself is −u.
pub(crate) const U: u64 = 0xd201_0000_0001_0000;
/// `⌊(2^128 − 1)/u⌋ − 2^64`, by which [`divide`] multiplies.
const RECIPROCAL: u64 = (u128::MAX / U as u128 - (1 << 64)) as u64;
/// Most parts of a scalar.
pub(crate) const MAX_PARTS: usize = 4;

/// A scalar's digits to the base u, lowest first; the scalars are below u⁴.
pub(crate) type Digits = [u64; MAX_PARTS];

/// A group whose scalars split along an endomorphism.
pub(crate) trait Split: SWCurveConfig<ScalarField = Field> {
    /// Parts of a scalar.
    const PARTS: usize;
    /// Bits of a part.
    const PART_BITS: usize;

    /// The parts, from digits to the base u, lowest first.
    fn parts(digits: Digits) -> [u128; MAX_PARTS];

    /// The point times the base in which parts are written.
    fn times_base(point: &Affine<Self>) -> Affine<Self>;
}

impl Split for g1::Config {
    const PARTS: usize = 2;
    const PART_BITS: usize = 128;

    fn parts([a, b, c, d]: Digits) -> [u128; MAX_PARTS] {
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
    const PART_BITS: usize = 64;

    fn parts(digits: Digits) -> [u128; MAX_PARTS] {
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

/// The scalar's digits to the base u.
pub(crate) fn digits(scalar: &Field) -> Digits {
    let mut quotient = scalar.into_bigint().0;
    let mut digits = [0; MAX_PARTS];
    // The scalar is below u⁴, so that the quotient loses a limb each time, and its highest limb is below u.
    for (digit, limbs) in digits.iter_mut().zip((1..=MAX_PARTS).rev()) {
        let [rest @ .., highest] = &mut quotient[..limbs] else {
            break;
        };
        let mut remainder = std::mem::take(highest);
        for limb in rest.iter_mut().rev() {
            (*limb, remainder) = divide(remainder, *limb);
        }
        *digit = remainder;
    }
    quotient.zeroize();
    digits
}

/// Quotient and remainder of `high·2^64 + low` by u, for `high` below u.
///
/// Möller, Granlund, *Improved division by invariant integers*, IEEE Transactions on Computers 60 (2011), algorithm 4;
/// u has its highest bit set.
fn divide(high: u64, low: u64) -> (u64, u64) {
    debug_assert!(high < U);
    let estimate =
        u128::from(RECIPROCAL) * u128::from(high) + (u128::from(high) << 64 | u128::from(low));
    let mut quotient = ((estimate >> 64) as u64).wrapping_add(1);
    let mut remainder = low.wrapping_sub(quotient.wrapping_mul(U));
    if remainder > estimate as u64 {
        quotient = quotient.wrapping_sub(1);
        remainder = remainder.wrapping_add(U);
    }
    if remainder >= U {
        quotient = quotient.wrapping_add(1);
        remainder -= U;
    }
    (quotient, remainder)
}

#[cfg(test)]
pub(crate) mod tests {
    use ark_ec::{AffineRepr as _, CurveGroup as _};
    use ark_ff::AdditiveGroup as _;

    use super::*;

    /// Scalars at which digits carry, are long or short, or change sign.
    pub(crate) fn scalars() -> Vec<Field> {
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
            -u.square(),
            -u.pow([3]),
        ];
        let mut scalars: Vec<Field> = centers.into_iter().flat_map(near).collect();
        scalars.extend((1u64..40).map(|power| Field::from(0xdead_beef_u64).pow([power])));
        scalars
    }

    #[test]
    fn digits_are_those_of_the_scalar() {
        for scalar in scalars() {
            let digits = digits(&scalar);
            assert!(digits.iter().all(|digit| *digit < U), "{scalar}");
            let value = digits.iter().rev().fold(Field::ZERO, |value, digit| {
                value * Field::from(U) + Field::from(*digit)
            });
            assert_eq!(value, scalar);
        }
        for high in [0, 1, U / 2, U - 2, U - 1] {
            for low in [0, 1, U - 1, U, u64::MAX] {
                let dividend = u128::from(high) << 64 | u128::from(low);
                let (quotient, remainder) = divide(high, low);
                assert_eq!(u128::from(quotient), dividend / u128::from(U));
                assert_eq!(u128::from(remainder), dividend % u128::from(U));
            }
        }
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
        let identity = Affine::<g2::Config>::zero();
        assert_eq!(g2::Config::times_base(&identity), identity);
    }
}
