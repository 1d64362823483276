//! The receipt's relation out of arkworks' own gadgets, for its number of constraints.
//!
//! As one would write it first: Poseidon sponges, scalar multiplication bit by bit, binary trees of
//! as many slots. It is smaller than the receipt's where there is no gadget: Elligator2 is left out.

use ark_bls12_381::Fr;
use ark_crypto_primitives::sponge::constraints::CryptographicSpongeVar;
use ark_crypto_primitives::sponge::poseidon::constraints::PoseidonSpongeVar;
use ark_crypto_primitives::sponge::poseidon::{PoseidonConfig, find_poseidon_ark_and_mds};
use ark_ec::PrimeGroup;
use ark_ed_on_bls12_381::{EdwardsProjective, JubjubConfig};
use ark_r1cs_std::fields::fp::FpVar;
use ark_r1cs_std::groups::CurveVar;
use ark_r1cs_std::groups::curves::twisted_edwards::AffineVar;
use ark_r1cs_std::prelude::*;
use ark_relations::gr1cs::{ConstraintSystem, ConstraintSystemRef, SynthesisError};
use tacit_circuits::list::LIST_DEPTH;
use tacit_circuits::log::LOG_DEPTH;

type Element = FpVar<Fr>;
type Point = AffineVar<JubjubConfig, Element>;
type Result<T> = std::result::Result<T, SynthesisError>;

/// Full and partial rounds for x⁵ and a state of 3 at 128 bits.
const ROUNDS: (u64, u64) = (8, 57);
/// Bits of a scalar of Jubjub.
const SCALAR_BITS: usize = 252;
/// Bits of the hash that are not the tag's.
const REST_BITS: usize = 127;

/// Constraints of the whole.
pub(crate) fn constraints() -> usize {
    let system = ConstraintSystem::new_ref();
    synthesise(&system).expect("the circuit can be written down");
    system.num_constraints()
}

fn synthesise(system: &ConstraintSystemRef<Fr>) -> Result<()> {
    let (ark, mds) = find_poseidon_ark_and_mds::<Fr>(255, 2, ROUNDS.0, ROUNDS.1, 0);
    let poseidon = PoseidonConfig::new(ROUNDS.0 as usize, ROUNDS.1 as usize, 5, mds, ark, 2, 1);
    let hash = |inputs: &[&Element]| -> Result<Element> {
        let mut sponge = PoseidonSpongeVar::new(system.clone(), &poseidon);
        for input in inputs {
            sponge.absorb(input)?;
        }
        sponge
            .squeeze_field_elements(1)?
            .pop()
            .ok_or(SynthesisError::AssignmentMissing)
    };
    let witness = || Element::new_witness(system.clone(), || Ok(Fr::from(7)));
    let public = || Element::new_input(system.clone(), || Ok(Fr::from(7)));
    let point = || Point::new_witness(system.clone(), || Ok(EdwardsProjective::generator()));
    let path = |leaf: Element, height: usize| -> Result<()> {
        let mut node = leaf;
        for _ in 0..height {
            let right = Boolean::new_witness(system.clone(), || Ok(false))?;
            let sibling = witness()?;
            let left = right.select(&sibling, &node)?;
            let other = right.select(&node, &sibling)?;
            node = hash(&[&left, &other])?;
        }
        node.enforce_equal(&public()?)
    };

    let (kind, x, secret) = (witness()?, witness()?, witness()?);
    hash(&[&kind, &x, &secret])?.enforce_equal(&public()?)?;
    let epoch = public()?;
    let _unmapped = hash(&[&kind, &x, &epoch])?;
    // The checks that points lie in the subgroup are part of the stock allocation.
    let (hashed, unblinded, blinded, evaluated) = (point()?, point()?, point()?, point()?);
    let blind: Vec<Boolean<Fr>> = (0..SCALAR_BITS)
        .map(|_| Boolean::new_witness(system.clone(), || Ok(true)))
        .collect::<Result<_>>()?;
    hashed
        .scalar_mul_le(blind.iter())?
        .enforce_equal(&blinded)?;
    unblinded
        .scalar_mul_le(blind.iter())?
        .enforce_equal(&evaluated)?;
    path(
        hash(&[&public()?, &blinded.x, &evaluated.x])?,
        2 * LOG_DEPTH,
    )?;

    let bits = hash(&[&x, &unblinded.x])?.to_bits_le()?;
    let tag = Boolean::le_bits_to_fp(&bits[REST_BITS..])?;
    let (low, next) = (witness()?, witness()?);
    path(hash(&[&low, &next])?, 2 * LIST_DEPTH)?;
    for difference in [&tag - &low, &next - &tag] {
        for bit in &difference.to_bits_le()?[128..] {
            bit.enforce_equal(&Boolean::FALSE)?;
        }
    }
    Ok(())
}
