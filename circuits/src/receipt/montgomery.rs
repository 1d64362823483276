//! Jubjub in its Montgomery form `κ·y² = x³ + A·x² + x`, in affine coordinates, as the circuit
//! computes on it.
//!
//! The circuit uses this form because adding two affine points costs four constraints in it, and
//! because tags and log leaves hold x alone.

use std::sync::LazyLock;

use ark_ec::twisted_edwards::MontCurveConfig;
use ark_ec::{AffineRepr, CurveGroup};
use ark_ed_on_bls12_381::{EdwardsAffine, JubjubConfig};
use ark_ff::{AdditiveGroup, Field as _, MontFp, One, PrimeField, Zero};
use sha2::{Digest, Sha512};
use zeroize::Zeroize;

use crate::curve::{Field, clear_cofactor, elligator};

/// The curve's A.
pub(super) const A: Field = <JubjubConfig as MontCurveConfig>::COEFF_A;
/// The curve's κ.
pub(super) const KAPPA: Field = <JubjubConfig as MontCurveConfig>::COEFF_B;
/// The non-square of Elligator2.
pub(super) const ELLIGATOR_Z: Field = MontFp!("5");

/// The label that the multiplications' offset is derived from.
const OFFSET_LABEL: &str = "tacit/v1/receipt-offset";

/// A pair of coordinates, on the curve or not; the identity has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Zeroize)]
pub struct MontgomeryPoint {
    /// The Montgomery u-coordinate, `X(P)` of the protocol.
    pub x: Field,
    /// The other coordinate.
    pub y: Field,
}

impl MontgomeryPoint {
    /// `((1 + y)/(1 − y), (1 + y)/((1 − y)·x))`; (0, 0) for the identity, which has no such pair,
    /// and for (0, −1), which is it.
    pub(crate) fn from_edwards(point: &EdwardsAffine) -> Self {
        let inverse = |a: Field| a.inverse().unwrap_or_default();
        let x = (Field::one() + point.y) * inverse(Field::one() - point.y);
        Self {
            x,
            y: x * inverse(point.x),
        }
    }

    /// The point in Edwards form, if this is a point.
    pub(super) fn to_edwards(self) -> Option<EdwardsAffine> {
        if !self.is_on_curve() {
            return None;
        }
        // y = 0 only at (0, 0), and no point has x = −1: A − 2 over −κ is no square.
        let y = (self.x - Field::one()) * (self.x + Field::one()).inverse()?;
        let x = self.y.inverse().map_or(Field::zero(), |i| self.x * i);
        Some(EdwardsAffine::new_unchecked(x, y))
    }

    fn is_on_curve(self) -> bool {
        KAPPA * self.y.square() == ((self.x + A) * self.x + Field::one()) * self.x
    }
}

/// Where the circuit's multiplications start, and where they end if nothing was added on the way.
pub(super) struct Offset {
    pub(super) start: MontgomeryPoint,
    /// `2^(DIGITS − 1)` times the start.
    pub(super) end: MontgomeryPoint,
}

/// The offset for multiplications of so many digits.
///
/// `S = 8·Elligator2(SHA-512(label))`, so that nobody knows its discrete logarithm to any base.
pub(super) fn offset(digits: usize) -> Offset {
    static START: LazyLock<EdwardsAffine> = LazyLock::new(|| {
        let u = Field::from_be_bytes_mod_order(&Sha512::digest(OFFSET_LABEL.as_bytes()));
        clear_cofactor(&elligator::map_to_curve(&[u]))[0]
    });
    let mut end = START.into_group();
    for _ in 1..digits {
        end.double_in_place();
    }
    Offset {
        start: MontgomeryPoint::from_edwards(&START),
        end: MontgomeryPoint::from_edwards(&end.into_affine()),
    }
}
