//! Points of both groups from outside, each checked in full.

use std::fmt;

use ark_bls12_381::{g1, g2};
use ark_ec::AffineRepr as _;
use ark_ec::short_weierstrass::{Affine, SWCurveConfig};
use ark_serialize::{CanonicalDeserialize as _, CanonicalSerialize as _, Compress, Validate};
use rayon::prelude::*;

use super::error::StateError;

/// Bytes of a compressed point of G1.
pub(super) const COMPRESSED_BYTES: usize = 48;

/// Points that a core checks before it looks for more work.
const CHUNK: usize = 64;

/// The vectors and single points that states hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vector {
    /// τⁱ in G1, i up to 2n − 2.
    TauG1,
    /// τⁱ in G2, i up to n − 1.
    TauG2,
    /// α·τⁱ in G1, i up to n − 1.
    AlphaG1,
    /// β·τⁱ in G1, i up to n − 1.
    BetaG1,
    /// β in G2.
    BetaG2,
    /// A of every variable, in G1.
    A,
    /// B of every variable, in G1.
    BG1,
    /// B of every variable, in G2.
    BG2,
    /// βA + αB + C of the instance.
    Instance,
    /// βA + αB + C of the witness, divided by δ.
    L,
    /// τⁱ·(τⁿ − 1), divided by δ.
    H,
    /// δ in G1.
    DeltaG1,
    /// δ in G2.
    DeltaG2,
}

impl fmt::Display for Vector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TauG1 => "tau in G1",
            Self::TauG2 => "tau in G2",
            Self::AlphaG1 => "alpha in G1",
            Self::BetaG1 => "beta tau in G1",
            Self::BetaG2 => "beta in G2",
            Self::A => "the A query",
            Self::BG1 => "the B query in G1",
            Self::BG2 => "the B query in G2",
            Self::Instance => "the instance query",
            Self::L => "the L query",
            Self::H => "the H query",
            Self::DeltaG1 => "delta in G1",
            Self::DeltaG2 => "delta in G2",
        })
    }
}

/// Why bytes are no point that may stand where they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PointFault {
    /// Flags or a coordinate have another encoding, or are none.
    #[error("it is not canonically encoded")]
    NotCanonical,
    /// The coordinates do not satisfy the curve's equation.
    #[error("it is not on the curve")]
    NotOnCurve,
    /// It is on the curve, but not of the prime order.
    #[error("it is not in the group of prime order")]
    NotInSubgroup,
    /// It is the neutral element, where that cannot be.
    #[error("it is the identity")]
    Identity,
}

/// Whether a vector may hold the neutral element: a variable may be absent from a matrix.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Identity {
    Allowed,
    Refused,
}

pub(super) trait Encoded: SWCurveConfig {
    /// Bytes of an uncompressed point.
    const BYTES: usize;
}

impl Encoded for g1::Config {
    const BYTES: usize = 96;
}

impl Encoded for g2::Config {
    const BYTES: usize = 192;
}

/// Reads uncompressed points one after another. arkworks checks that a point is in the subgroup, but of an
/// uncompressed one not that it is on the curve: both are done here.
fn decode<C: Encoded>(bytes: &[u8], identity: Identity) -> Result<Affine<C>, PointFault> {
    let point = Affine::<C>::deserialize_with_mode(bytes, Compress::No, Validate::No)
        .map_err(|_| PointFault::NotCanonical)?;
    checked(point, identity)
}

fn checked<C: SWCurveConfig>(
    point: Affine<C>,
    identity: Identity,
) -> Result<Affine<C>, PointFault> {
    if point.is_zero() {
        return match identity {
            Identity::Allowed => Ok(point),
            Identity::Refused => Err(PointFault::Identity),
        };
    }
    if !point.is_on_curve() {
        return Err(PointFault::NotOnCurve);
    }
    if !point.is_in_correct_subgroup_assuming_on_curve() {
        return Err(PointFault::NotInSubgroup);
    }
    Ok(point)
}

/// A point of G1 other than the identity, compressed.
pub(super) fn decode_element(
    bytes: &[u8; COMPRESSED_BYTES],
) -> Result<Affine<g1::Config>, PointFault> {
    let point = Affine::deserialize_with_mode(&bytes[..], Compress::Yes, Validate::No)
        .map_err(|_| PointFault::NotCanonical)?;
    checked(point, Identity::Refused)
}

/// The inverse of [`decode_element`].
pub(super) fn encode_element(point: &Affine<g1::Config>) -> [u8; COMPRESSED_BYTES] {
    let mut bytes = [0; COMPRESSED_BYTES];
    // Writing a point into its exact size does not fail.
    let _ = point.serialize_compressed(&mut bytes[..]);
    bytes
}

/// Takes vectors off the front of bytes whose length was compared with what is expected.
pub(super) struct PointReader<'a> {
    bytes: &'a [u8],
}

impl<'a> PointReader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// `count` points, checked on all cores.
    pub(super) fn vector<C: Encoded>(
        &mut self,
        vector: Vector,
        count: usize,
        identity: Identity,
    ) -> Result<Vec<Affine<C>>, StateError> {
        let (bytes, rest) = self
            .bytes
            .split_at_checked(count * C::BYTES)
            .ok_or(StateError::Length)?;
        self.bytes = rest;
        let read: Vec<Result<Affine<C>, PointFault>> = bytes
            .par_chunks(C::BYTES)
            .with_min_len(CHUNK)
            .map(|bytes| decode(bytes, identity))
            .collect();
        let indexed = read.into_iter().enumerate();
        indexed
            .map(|(index, point)| {
                point.map_err(|fault| StateError::Point {
                    vector,
                    index,
                    fault,
                })
            })
            .collect()
    }

    /// A single point, never the identity.
    pub(super) fn point<C: Encoded>(&mut self, vector: Vector) -> Result<Affine<C>, StateError> {
        let points = self.vector(vector, 1, Identity::Refused)?;
        points.first().copied().ok_or(StateError::Length)
    }

    /// That nothing is left.
    pub(super) fn end(self) -> Result<(), StateError> {
        if self.bytes.is_empty() {
            Ok(())
        } else {
            Err(StateError::Length)
        }
    }
}

/// Appends uncompressed points.
pub(super) fn write<C: Encoded>(out: &mut Vec<u8>, points: &[Affine<C>]) {
    for point in points {
        // Writing into memory does not fail.
        let _ = point.serialize_uncompressed(&mut *out);
    }
}
