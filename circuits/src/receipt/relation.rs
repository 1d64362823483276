//! The relation natively: what the circuit demands, computed without it.
//!
//! The circuit and this are written from the same list of the [module](super) and share only hashes
//! and constants, so that each shows mistakes of the other. Point arithmetic here is that of the
//! Edwards form.

use ark_ec::{AffineRepr, CurveGroup};
use ark_ed_on_bls12_381::{EdwardsAffine, EdwardsProjective};
use ark_ff::{BigInteger, One, PrimeField, Zero};

use super::assignment::{Assignment, Digits, TreePath};
use super::gadget::DIGITS;
use super::montgomery::MontgomeryPoint;
use crate::curve::poseidon2::{Domain, hash_2, hash_3, hash_node};
use crate::curve::{Field, clear_cofactor, elligator};
use crate::merkle::ARITY;

/// Bits of a tag.
pub(super) const TAG_HIGH_BITS: u32 = 128;
/// Bits of the hash below the tag.
pub(super) const TAG_LOW_BITS: u32 = 127;

/// `⌊p / 2^127⌋ − 1`, the largest tag that a receipt can be about.
///
/// With `⌊p / 2^127⌋` itself the lower part would need a comparison of its own. A hash has that upper
/// part with probability below 2^-128: such a subject gets no receipt, and none was ever seen.
pub(super) fn last_canonical_high() -> Field {
    let mut modulus = Field::MODULUS;
    modulus >>= TAG_LOW_BITS;
    Field::from_bigint(modulus).unwrap_or_default() - Field::one()
}

/// The part of the relation that an assignment breaks first. Whoever made it is at fault, unless it
/// says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// 1: C commits to another subject or with another secret.
    #[error("1: the commitment is not to this subject")]
    Commitment,
    /// 2: the point is not the image of the subject.
    #[error("2: the point is not the subject's hash")]
    Hash,
    /// 2: the subject hashes to a point of small order. Nobody is at fault; never seen.
    #[error("2: the subject hashes to a point of small order")]
    HashOfSmallOrder,
    /// 3: B is no point of the curve.
    #[error("3: the blinded point is not on the curve")]
    BlindedOffCurve,
    /// 3: Z is no point of the curve.
    #[error("3: the evaluated point is not on the curve")]
    EvaluatedOffCurve,
    /// 3: N₀ is no point of the curve.
    #[error("3: the unblinded point is not on the curve")]
    UnblindedOffCurve,
    /// 3: eight times N₀ is the identity.
    #[error("3: the unblinded point has small order")]
    UnblindedOfSmallOrder,
    /// 3: the blind has no split into two odd halves, or is ±1. One drawn by
    /// [`blind`](crate::oprf::blind()) has a split, and is ±1 with probability 2^-251.
    #[error("3: the blind cannot be proven about")]
    Blind,
    /// 3: a·H is not b·B.
    #[error("3: the blinded point is not the subject's under this blind")]
    Blinded,
    /// 3: a·N is not b·Z.
    #[error("3: the unblinded point is not the evaluated one under this blind")]
    Unblinded,
    /// 4: the call is not at this place under this root of the log, for this list, epoch and querier.
    #[error("4: the call is not under this root of the log")]
    Call,
    /// 5: the two parts do not make the hash.
    #[error("5: the tag and its rest do not make the hash")]
    TagSplit,
    /// 5: the lower part has more than 127 bits.
    #[error("5: the rest below the tag is too long")]
    TagLow,
    /// 5: the upper part has more than 128 bits.
    #[error("5: the tag is too long")]
    TagHigh,
    /// 5: the upper part is too large, so that the split could be another one.
    #[error("5: the split of the tag is not canonical")]
    TagNotCanonical,
    /// 6: the leaf is not at this place under the list's root.
    #[error("6: the leaf is not under this root of the list")]
    Leaf,
    /// 6: the answer is neither 0 nor 1.
    #[error("6: the answer is neither yes nor no")]
    Answer,
    /// 6: the answer is 1, and the leaf begins with another tag.
    #[error("6: the answer is yes, and the leaf begins with another tag")]
    OtherTag,
    /// 6: the tag is below the leaf, or begins it although the answer is 0.
    #[error("6: the leaf begins at the tag or above it")]
    BelowLeaf,
    /// 6: the tag is at or above the next one.
    #[error("6: the leaf ends at the tag or below it")]
    AboveLeaf,
    /// 7: o is neither 0 nor 1.
    #[error("7: it is neither a receipt nor a sampled entry")]
    Purpose,
    /// 7: q is neither 0 in a receipt nor the slot plus 1 of a sampled entry.
    #[error("7: the slot that is named is another")]
    Slot,
    /// 7: the public type is not the subject's.
    #[error("7: the type that is named is another")]
    Type,
    /// 7: a sampled entry begins its leaf, and this one does not.
    #[error("7: the sampled entry is not on the list")]
    NotAnEntry,
}

impl Assignment {
    /// Whether the circuit accepts this assignment, without the circuit.
    ///
    /// They agree but where an accumulator of the circuit's multiplications meets one of their terms,
    /// a relation that nobody can find; the circuit then refuses.
    ///
    /// # Errors
    /// [`Violation`], the first that applies in the order of its variants up to
    /// [`Type`](Violation::Type).
    pub fn check(&self) -> Result<(), Violation> {
        let [
            commitment,
            kind,
            epoch,
            querier,
            log_root,
            list_root,
            answer,
            sample,
            _context,
        ] = self.public;
        if hash_3(Domain::Commit, self.kind, self.x, self.secret) != commitment {
            return Err(Violation::Commitment);
        }
        let unblinded = self.check_points(epoch)?;
        let scope = epoch * Field::from(1_u64 << 32) + querier;
        let call = hash_3(Domain::Call, scope, self.blinded.x, self.evaluated.x);
        if root(call, &self.log_path) != log_root {
            return Err(Violation::Call);
        }
        self.check_tag(hash_2(Domain::Tag, self.x, unblinded.x))?;
        self.check_leaf(list_root, answer)?;
        if !is_bit(self.sampled) {
            return Err(Violation::Purpose);
        }
        let slots = 1_u64 << (2 * self.list_path.siblings.len());
        let slot = self.list_path.slot % slots;
        if sample != self.sampled * (Field::from(slot) + Field::one()) {
            return Err(Violation::Slot);
        }
        if self.sampled.is_zero() && kind != self.kind {
            return Err(Violation::Type);
        }
        Ok(())
    }

    /// Parts 2 and 3. Returns N.
    fn check_points(&self, epoch: Field) -> Result<MontgomeryPoint, Violation> {
        let u = hash_3(Domain::HashToCurve, self.kind, self.x, epoch);
        let image = elligator::map_to_curve(&[u])[0];
        let hashed = self.hashed.to_edwards().ok_or(Violation::Hash)?;
        if hashed != image && hashed != -image {
            return Err(Violation::Hash);
        }
        let point = |p: &MontgomeryPoint, error| p.to_edwards().ok_or(error);
        let blinded = point(&self.blinded, Violation::BlindedOffCurve)?;
        let evaluated = point(&self.evaluated, Violation::EvaluatedOffCurve)?;
        let unblinded = point(&self.unblinded, Violation::UnblindedOffCurve)?;
        let cleared = clear_cofactor(&[hashed, unblinded]);
        let (hashed, unblinded) = (cleared[0], cleared[1]);
        if hashed.is_zero() {
            return Err(Violation::HashOfSmallOrder);
        }
        if unblinded.is_zero() {
            return Err(Violation::UnblindedOfSmallOrder);
        }
        if same_x(&hashed, &blinded) || same_x(&unblinded, &evaluated) {
            return Err(Violation::Blind);
        }
        if multiply(&self.a, &hashed) != multiply(&self.b, &blinded) {
            return Err(Violation::Blinded);
        }
        if multiply(&self.a, &unblinded) != multiply(&self.b, &evaluated) {
            return Err(Violation::Unblinded);
        }
        Ok(MontgomeryPoint::from_edwards(&unblinded))
    }

    /// Part 5.
    fn check_tag(&self, hash: Field) -> Result<(), Violation> {
        let weight = Field::from(1_u128 << TAG_LOW_BITS);
        if self.tag_high * weight + self.tag_low != hash {
            return Err(Violation::TagSplit);
        }
        if !fits(self.tag_low, TAG_LOW_BITS) {
            return Err(Violation::TagLow);
        }
        if !fits(self.tag_high, TAG_HIGH_BITS) {
            return Err(Violation::TagHigh);
        }
        if self.tag_high > last_canonical_high() {
            return Err(Violation::TagNotCanonical);
        }
        Ok(())
    }

    /// Part 6.
    fn check_leaf(&self, list_root: Field, answer: Field) -> Result<(), Violation> {
        let leaf = hash_2(Domain::Leaf, self.low, self.next);
        if root(leaf, &self.list_path) != list_root {
            return Err(Violation::Leaf);
        }
        if !is_bit(answer) {
            return Err(Violation::Answer);
        }
        let above_low = self.tag_high - self.low;
        if answer.is_one() && !above_low.is_zero() {
            return Err(Violation::OtherTag);
        }
        // Of a tag and a leaf of 128 bits, the differences are what they are as integers.
        if answer.is_zero() && !fits(above_low - Field::one(), TAG_HIGH_BITS) {
            return Err(Violation::BelowLeaf);
        }
        if !fits(self.next - self.tag_high - Field::one(), TAG_HIGH_BITS) {
            return Err(Violation::AboveLeaf);
        }
        Ok(())
    }
}

fn is_bit(a: Field) -> bool {
    a.is_zero() || a.is_one()
}

/// Whether the integer below p has at most so many bits.
fn fits(a: Field, bits: u32) -> bool {
    a.into_bigint().num_bits() <= bits
}

fn same_x(p: &EdwardsAffine, q: &EdwardsAffine) -> bool {
    p == q || *p == -*q
}

/// `Σ dᵢ·2^i` times the point.
fn multiply(digits: &Digits, point: &EdwardsAffine) -> EdwardsAffine {
    debug_assert_eq!(digits.len(), DIGITS);
    let mut sum = EdwardsProjective::zero();
    for digit in digits {
        sum += sum;
        if *digit {
            sum += point;
        } else {
            sum -= point;
        }
    }
    sum.into_affine()
}

fn root<const DEPTH: usize>(leaf: Field, path: &TreePath<DEPTH>) -> Field {
    let mut node = leaf;
    for (height, siblings) in path.siblings.iter().enumerate() {
        let own = (path.slot >> (2 * height) & 3) as usize;
        let mut children = [node; ARITY];
        let others = (0..ARITY).filter(|&child| child != own);
        for (child, sibling) in others.zip(siblings) {
            children[child] = *sibling;
        }
        node = hash_node(&children);
    }
    node
}
