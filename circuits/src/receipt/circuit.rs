//! The relation as a circuit. The numbers are those of the [module](super).

use ark_ff::Field as _;
use ark_relations::gr1cs::{ConstraintSynthesizer, ConstraintSystemRef, SynthesisError};

use super::assignment::Assignment;
use super::gadget::{Builder, Linear, Multiplier};
use super::relation::{TAG_HIGH_BITS, TAG_LOW_BITS, last_canonical_high};
use crate::curve::Field;
use crate::curve::poseidon2::Domain;

/// The circuit over one assignment. It says what must hold, not whether it does: see
/// [`Assignment::check`].
pub(super) struct Circuit<'a>(pub(super) &'a Assignment);

impl ConstraintSynthesizer<Field> for Circuit<'_> {
    fn generate_constraints(
        self,
        system: ConstraintSystemRef<Field>,
    ) -> Result<(), SynthesisError> {
        synthesise(self.0, &Builder::new(system))
    }
}

/// The circuit with nothing assigned, for a set-up.
struct Blank;

impl ConstraintSynthesizer<Field> for Blank {
    fn generate_constraints(
        self,
        system: ConstraintSystemRef<Field>,
    ) -> Result<(), SynthesisError> {
        synthesise(&Assignment::blank(), &Builder::new(system))
    }
}

/// The circuit for a set-up: its shape, which no assignment changes, without values that satisfy it.
#[must_use]
pub fn circuit_for_setup() -> impl ConstraintSynthesizer<Field> {
    Blank
}

/// The circuit over an assignment that may break it, to see whether it does.
#[must_use]
pub fn circuit_over(assignment: &Assignment) -> impl ConstraintSynthesizer<Field> + '_ {
    Circuit(assignment)
}

fn synthesise(a: &Assignment, builder: &Builder) -> Result<(), SynthesisError> {
    let mut public = Vec::with_capacity(a.public.len());
    for value in a.public {
        public.push(builder.public(value)?);
    }
    let [
        commitment,
        public_kind,
        epoch,
        querier,
        log_root,
        list_root,
        answer,
        sample,
        context,
    ] = &public[..]
    else {
        return Err(SynthesisError::AssignmentMissing);
    };
    let kind = builder.witness(a.kind)?;
    let x = builder.witness(a.x)?;
    let secret = builder.witness(a.secret)?;

    // 1
    let committed = builder.hash_3(Domain::Commit, &kind, &x, &secret)?;
    builder.equal(&committed, commitment)?;

    // 2
    let u = builder.hash_3(Domain::HashToCurve, &kind, &x, epoch)?;
    let hashed = builder.eightfold(&builder.elligator(&u, &a.hashed)?)?;

    // 3
    let blinded = builder.point(&a.blinded)?;
    let evaluated = builder.point(&a.evaluated)?;
    let unblinded = builder.eightfold(&builder.point(&a.unblinded)?)?;
    let multiplier = Multiplier::new(builder, &a.a, &a.b)?;
    multiplier.enforce_equal(builder, &hashed, &blinded)?;
    multiplier.enforce_equal(builder, &unblinded, &evaluated)?;

    // 4
    let scope = epoch.times(Field::from(1_u64 << 32)).plus(querier);
    let call = builder.hash_3(Domain::Call, &scope, &blinded.x, &evaluated.x)?;
    let (root, _) = builder.path(&call, a.log_path.slot, &a.log_path.siblings)?;
    builder.equal(&root, log_root)?;

    // 5
    let hash = builder.hash_2(Domain::Tag, &x, &unblinded.x)?;
    let tag = split_tag(builder, a, &hash)?;

    // 6
    let low = builder.witness(a.low)?;
    let next = builder.witness(a.next)?;
    let leaf = builder.hash_2(Domain::Leaf, &low, &next)?;
    let (root, slot) = builder.path(&leaf, a.list_path.slot, &a.list_path.siblings)?;
    builder.equal(&root, list_root)?;
    builder.boolean(answer)?;
    let above_low = tag.minus(&low);
    builder.enforce(answer, &above_low, &Linear::zero())?;
    let one = builder.one();
    builder.range(&above_low.plus(answer).minus(&one), TAG_HIGH_BITS)?;
    builder.range(&next.minus(&tag).minus(&one), TAG_HIGH_BITS)?;

    // 7
    let sampled = builder.witness(a.sampled)?;
    builder.boolean(&sampled)?;
    builder.enforce(&sampled, &slot.plus(&one), sample)?;
    builder.enforce(
        &one.minus(&sampled),
        &public_kind.minus(&kind),
        &Linear::zero(),
    )?;

    // 8
    builder.product(context, context)?;
    Ok(())
}

/// `T = high·2^127 + low` with low of 127 bits, high of 128, and high at most `⌊p/2^127⌋ − 1`, so that
/// the sum is below p and the split the only one.
fn split_tag(builder: &Builder, a: &Assignment, hash: &Linear) -> Result<Linear, SynthesisError> {
    let high = builder.witness(a.tag_high)?;
    let low = builder.witness(a.tag_low)?;
    let weight = Field::from(2).pow([u64::from(TAG_LOW_BITS)]);
    builder.equal(hash, &low.plus_multiple(&high, weight))?;
    builder.range(&low, TAG_LOW_BITS)?;
    builder.range(&high, TAG_HIGH_BITS)?;
    let room = builder.constant(last_canonical_high()).minus(&high);
    builder.range(&room, TAG_HIGH_BITS)?;
    Ok(high)
}
