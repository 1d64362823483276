//! Points of 𝔾, and how they travel.

use std::fmt;
use std::sync::LazyLock;

use ark_ec::{AffineRepr, CurveGroup};
use ark_ed_on_bls12_381::{EdwardsAffine, EdwardsProjective};
use ark_ff::{Field as _, One, batch_inversion};
use borsh::{BorshDeserialize, BorshSerialize};

use super::constant_time;
use super::field::{FIELD_BYTES, Field, FieldError, decode_field, encode_field};
use super::scalar::EIGHTH;

/// Bytes of a point on the wire.
pub const WIRE_POINT_BYTES: usize = 2 * FIELD_BYTES;

/// A point as it travels: both affine coordinates of `P' = 8⁻¹·P`, each canonical little-endian,
/// x before y. Bytes only; [`Point::decode`] says whether they are a point.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct WirePoint(pub [u8; WIRE_POINT_BYTES]);

impl fmt::Debug for WirePoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WirePoint(")?;
        for byte in self.0 {
            write!(f, "{byte:02x}")?;
        }
        f.write_str(")")
    }
}

/// Why bytes are no point. The sender is at fault in every case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PointError {
    /// A coordinate has more than one encoding.
    #[error("the coordinates are not canonical")]
    NotCanonical(#[from] FieldError),
    /// The coordinates do not satisfy the curve's equation.
    #[error("the coordinates are not on the curve")]
    NotOnCurve,
    /// Eight times the point is the identity.
    #[error("the point has small order")]
    SmallOrder,
}

/// A point of 𝔾, the prime-order subgroup of Jubjub; never the identity.
///
/// It is kept beside the eighth of it that is sent, so that encoding costs nothing. Eight eighths,
/// which differ by torsion, decode to one point: two points are equal by what they are, not by what
/// was sent, and no protocol may tell points apart by their [`WirePoint`].
#[derive(Clone, Copy)]
pub struct Point {
    affine: EdwardsAffine,
    eighth: EdwardsAffine,
}

impl Point {
    /// Reads a point from the wire: `P = 8·P'`.
    ///
    /// The factor 8 puts the result into 𝔾 by construction, so that neither a subgroup check nor a
    /// square root is needed.
    ///
    /// # Errors
    /// [`PointError`], the first that applies in the order of its variants.
    pub fn decode(wire: &WirePoint) -> Result<Self, PointError> {
        Self::from_eighth(decode_affine(wire)?)
    }

    /// Reads many points with one inversion.
    ///
    /// # Errors
    /// The index and the error of the first that is no point.
    pub fn decode_batch(wire: &[WirePoint]) -> Result<Vec<Self>, (usize, PointError)> {
        let eighths: Vec<EdwardsAffine> = wire
            .iter()
            .enumerate()
            .map(|(index, wire)| decode_affine(wire).map_err(|error| (index, error)))
            .collect::<Result<_, _>>()?;
        Self::from_eighths(&eighths)
    }

    /// The point in the form of the wire.
    #[must_use]
    pub fn encode(&self) -> WirePoint {
        WirePoint(encode_affine(&self.eighth))
    }

    /// Many points in the form of the wire.
    #[must_use]
    pub fn encode_batch(points: &[Self]) -> Vec<WirePoint> {
        points.iter().map(Self::encode).collect()
    }

    /// The Montgomery u-coordinate `X(P) = (1 + y) / (1 − y)`, which is also that of `−P`.
    #[must_use]
    pub fn montgomery_u(&self) -> Field {
        // y = 1 only at the identity.
        (Field::one() + self.affine.y)
            * (Field::one() - self.affine.y).inverse().unwrap_or_default()
    }

    /// [`montgomery_u`](Self::montgomery_u) of many points with one inversion.
    #[must_use]
    pub fn montgomery_u_batch(points: &[Self]) -> Vec<Field> {
        let mut inverses: Vec<Field> = points
            .iter()
            .map(|point| Field::one() - point.affine.y)
            .collect();
        batch_inversion(&mut inverses);
        points
            .iter()
            .zip(inverses)
            .map(|(point, inverse)| (Field::one() + point.affine.y) * inverse)
            .collect()
    }

    /// The generator `G` of 𝔾: `arkworks`' for Jubjub.
    #[must_use]
    pub fn generator() -> Self {
        static GENERATOR: LazyLock<Point> = LazyLock::new(|| {
            let affine = EdwardsAffine::generator();
            Point {
                affine,
                eighth: affine,
            }
            .canonical()
        });
        *GENERATOR
    }

    /// The same point beside that eighth of it which lies in 𝔾; costs one multiplication.
    pub(crate) fn canonical(&self) -> Self {
        Self {
            affine: self.affine,
            eighth: constant_time::multiply(&EIGHTH, &self.affine),
        }
    }

    /// The affine coordinates of the point itself.
    pub(crate) fn affine(&self) -> &EdwardsAffine {
        &self.affine
    }

    /// `8·P'` for a `P'` on the curve.
    pub(crate) fn from_eighth(eighth: EdwardsAffine) -> Result<Self, PointError> {
        Self::from_eighths(&[eighth])
            .map_err(|(_, error)| error)
            .map(|points| points[0])
    }

    /// `8·P'` for each `P'` on the curve.
    pub(crate) fn from_eighths(
        eighths: &[EdwardsAffine],
    ) -> Result<Vec<Self>, (usize, PointError)> {
        let cleared = clear_cofactor(eighths);
        eighths
            .iter()
            .zip(cleared)
            .enumerate()
            .map(|(index, (&eighth, affine))| {
                if affine.is_zero() {
                    Err((index, PointError::SmallOrder))
                } else {
                    Ok(Self { affine, eighth })
                }
            })
            .collect()
    }
}

impl PartialEq for Point {
    fn eq(&self, other: &Self) -> bool {
        self.affine == other.affine
    }
}

impl Eq for Point {}

impl fmt::Debug for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Point").field(&self.encode()).finish()
    }
}

/// x then y, each canonical and little-endian.
pub(crate) fn encode_affine(point: &EdwardsAffine) -> [u8; WIRE_POINT_BYTES] {
    let mut bytes = [0; WIRE_POINT_BYTES];
    bytes[..FIELD_BYTES].copy_from_slice(&encode_field(&point.x));
    bytes[FIELD_BYTES..].copy_from_slice(&encode_field(&point.y));
    bytes
}

/// A point of the curve, in whatever coset of 𝔾.
fn decode_affine(wire: &WirePoint) -> Result<EdwardsAffine, PointError> {
    let (mut x, mut y) = ([0; FIELD_BYTES], [0; FIELD_BYTES]);
    x.copy_from_slice(&wire.0[..FIELD_BYTES]);
    y.copy_from_slice(&wire.0[FIELD_BYTES..]);
    let point = EdwardsAffine::new_unchecked(decode_field(&x)?, decode_field(&y)?);
    if point.is_on_curve() {
        Ok(point)
    } else {
        Err(PointError::NotOnCurve)
    }
}

/// `8·P` of each, with one inversion.
pub(crate) fn clear_cofactor(points: &[EdwardsAffine]) -> Vec<EdwardsAffine> {
    let cleared: Vec<EdwardsProjective> = points
        .iter()
        .map(|point| {
            let mut point = point.into_group();
            for _ in 0..3 {
                ark_ff::AdditiveGroup::double_in_place(&mut point);
            }
            point
        })
        .collect();
    EdwardsProjective::normalize_batch(&cleared)
}
