//! What is asked, and its point of the curve.

use std::fmt;

use ark_ed_on_bls12_381::EdwardsAffine;

use super::finalize::Entry;
use crate::curve::poseidon2::{Domain, hash_3};
use crate::curve::{Field, Point, clear_cofactor, elligator};
use crate::identifier::IdentifierType;
use crate::scope::{ListId, TagEpoch, pack_epoch};

/// One identifier, for one epoch of one list. Prints without the identifier.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Input {
    /// The identifier's type.
    pub kind: IdentifierType,
    /// The identifier's field form.
    pub x: Field,
    /// The list that is asked.
    pub list: ListId,
    /// The epoch whose key will answer.
    pub tag_epoch: TagEpoch,
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input")
            .field("kind", &self.kind)
            .field("x", &"<redacted>")
            .field("list", &self.list)
            .field("tag_epoch", &self.tag_epoch)
            .finish()
    }
}

/// The input meets one of the few field elements that map to a point of small order. Nobody is at
/// fault: an input that does so is a preimage of a hash and has never been seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("input {index} hashes to a point of small order")]
pub struct HashesToSmallOrder {
    /// The place in the batch.
    pub index: usize,
}

/// `H = 8·Elligator2(u)` with `u = H3(h2c; type, x, pack(list, tag_epoch))`.
///
/// One map of the field reaches about half of the points, and its image can be told from the whole
/// group. That is enough here, and half the price of RFC 9380's sum of two maps, which RFC 9497 asks
/// for: only `X(H)`-derived values enter tags, and the map can be sampled backwards, which is what
/// the proofs need (Abdalla, Haase, Hesse, *Security analysis of CPace*, ASIACRYPT 2021, § 5.3).
///
/// # Errors
/// [`HashesToSmallOrder`], with overwhelming probability never.
pub fn hash_to_curve(input: &Input) -> Result<Point, HashesToSmallOrder> {
    let preimage = Preimage::of(input);
    let mapped = elligator::map_to_curve(&[preimage.field_element()]);
    // The mapped point is an eighth of H, so it serves as what travels.
    Point::from_eighths(&mapped)
        .map(|points| points[0])
        .map_err(|(index, _)| HashesToSmallOrder { index })
}

/// What is hashed; unlike an [`Input`], it may be a padding entry.
#[derive(Clone, Copy)]
pub(super) struct Preimage {
    pub(super) type_code: u16,
    pub(super) x: Field,
    pub(super) epoch: Field,
}

impl Preimage {
    pub(super) fn of(input: &Input) -> Self {
        Self {
            type_code: input.kind.code(),
            x: input.x,
            epoch: pack_epoch(input.list, input.tag_epoch),
        }
    }

    pub(super) fn of_entry(entry: &Entry, epoch: Field) -> Self {
        Self {
            type_code: entry.type_code(),
            x: entry.x(),
            epoch,
        }
    }

    /// `u`.
    fn field_element(&self) -> Field {
        hash_3(
            Domain::HashToCurve,
            Field::from(self.type_code),
            self.x,
            self.epoch,
        )
    }
}

/// `H` of each, with a few inversions for all. On the calling thread.
pub(super) fn hash_all(preimages: &[Preimage]) -> Result<Vec<EdwardsAffine>, HashesToSmallOrder> {
    let elements: Vec<Field> = preimages.iter().map(Preimage::field_element).collect();
    let points = clear_cofactor(&elligator::map_to_curve(&elements));
    match points.iter().position(ark_ec::AffineRepr::is_zero) {
        Some(index) => Err(HashesToSmallOrder { index }),
        None => Ok(points),
    }
}
