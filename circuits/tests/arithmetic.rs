//! The crate's arithmetic beside arkworks', and what follows from it for tags and proofs.

mod common;

use ark_ec::{AffineRepr, CurveGroup};
use ark_ed_on_bls12_381::{EdwardsAffine, Fr};
use ark_ff::{Field as _, PrimeField};
use common::{affine, context, input, rng, wire};
use proptest::prelude::*;
use rand::Rng;
use tacit_circuits::curve::poseidon2::{Domain, hash_2};
use tacit_circuits::curve::{Field, Point};
use tacit_circuits::list::Tag;
use tacit_circuits::oprf::{
    Entry, EvaluationError, Input, ListKey, blind, evaluate, finalize, hash_to_curve, tag_batch,
    verify,
};

/// The point itself, from the eighth that travels.
fn whole(point: &Point) -> EdwardsAffine {
    affine(&point.encode()).mul_bigint([8u64]).into_affine()
}

/// `k·P` by arkworks, as it travels.
fn times(k: Fr, point: &Point) -> Point {
    let eighth = k * Fr::from(8u8).inverse().unwrap();
    Point::decode(&wire(&(whole(point) * eighth).into_affine())).unwrap()
}

fn scalar_of(key: &ListKey) -> Fr {
    Fr::from_le_bytes_mod_order(&*key.to_secret_bytes())
}

fn key_of(scalar: Fr) -> ListKey {
    let mut bytes = [0; 32];
    for (chunk, limb) in bytes.chunks_exact_mut(8).zip(scalar.into_bigint().0) {
        chunk.copy_from_slice(&limb.to_le_bytes());
    }
    ListKey::from_secret_bytes(&bytes).unwrap()
}

fn negated(point: &Point) -> Point {
    Point::decode(&wire(&-affine(&point.encode()))).unwrap()
}

fn tag_of(x: Field, point: &Point) -> Tag {
    let hash = hash_2(Domain::Tag, x, point.montgomery_u()).into_bigint();
    let number: num_bigint::BigUint =
        common::integer(&ark_ff::BigInteger::to_bytes_le(&hash)) >> 127;
    Tag::new(number.try_into().unwrap()).unwrap()
}

#[test]
fn multiplication_by_scalars_at_the_edges_is_that_of_arkworks() {
    let point = hash_to_curve(&input(1)).unwrap();
    let bits = (0..251).map(|bit| Fr::from(2u8).pow([bit]));
    let edges = [1u64, 2, 3, u64::MAX].map(Fr::from);
    for scalar in bits.chain(edges).flat_map(|scalar| [scalar, -scalar]) {
        let key = key_of(scalar);
        let (evaluated, _) = evaluate(&key, &context(), &[point], &mut rng(1)).unwrap();
        assert_eq!(evaluated[0], times(scalar, &point), "{scalar}");
        assert_eq!(
            *key.public().point(),
            times(scalar, &Point::generator()),
            "{scalar}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn multiplication_in_constant_time_is_that_of_arkworks(seed: u64, calls in 1..70usize) {
        let mut rng = rng(seed);
        let key = ListKey::generate(&mut rng);
        let inputs: Vec<Input> = (0..calls).map(|_| input(rng.r#gen())).collect();
        let (states, blinded) = blind(&inputs, &mut rng).unwrap();
        let (evaluated, _) = evaluate(&key, &context(), &blinded, &mut rng).unwrap();
        for (((input, state), b), z) in inputs.iter().zip(&states).zip(&blinded).zip(&evaluated) {
            let r = Fr::from_le_bytes_mod_order(&*state.blind().to_secret_bytes());
            prop_assert_eq!(*b, times(r, &hash_to_curve(input).unwrap()));
            prop_assert_eq!(*z, times(scalar_of(&key), b));
            // In 𝔾: the order annihilates it, and what travels too.
            prop_assert!(z.encode() == times(Fr::from(1u8), z).encode());
        }
    }

    #[test]
    fn the_sign_of_the_hashed_point_does_not_reach_the_tag(seed: u64) {
        let mut rng = rng(seed);
        let key = ListKey::generate(&mut rng);
        let input = input(rng.r#gen());
        let point = hash_to_curve(&input).unwrap();
        let both = [point, negated(&point)];
        let (evaluated, _) = evaluate(&key, &context(), &both, &mut rng).unwrap();
        prop_assert_ne!(evaluated[0], evaluated[1]);
        let entry = Entry::identifier(input.kind, input.x);
        let own = tag_batch(&key, &[entry], input.list, input.tag_epoch, &|_| {}).unwrap();
        prop_assert_eq!(tag_of(input.x, &evaluated[0]), own[0]);
        prop_assert_eq!(tag_of(input.x, &evaluated[1]), own[0]);
    }

    #[test]
    fn a_provider_that_exchanges_any_two_answers_is_found_out(
        calls in 2..24usize,
        places: (prop::sample::Index, prop::sample::Index),
        seed: u64,
    ) {
        let (first, second) = (places.0.index(calls), places.1.index(calls - 1));
        // Skips the first place, so that both differ.
        let second = second + usize::from(second >= first);
        let mut rng = rng(seed);
        let key = ListKey::generate(&mut rng);
        let inputs: Vec<Input> = (0..calls).map(|_| input(rng.r#gen())).collect();
        let (states, blinded) = blind(&inputs, &mut rng).unwrap();
        let (honest, proof) = evaluate(&key, &context(), &blinded, &mut rng).unwrap();
        let check = |blinded: &[Point], evaluated: &[Point]| {
            verify(&key.public(), &context(), blinded, evaluated, &proof)
        };
        prop_assert_eq!(check(&blinded, &honest), Ok(()));

        let mut answers = honest.clone();
        answers.swap(first, second);
        prop_assert_eq!(check(&blinded, &answers), Err(EvaluationError::WrongProof));
        prop_assert!(finalize(&states, &key.public(), &context(), &answers, &proof).is_err());
        // Exchanged as pairs, every pair is right, and yet it is not the batch that was signed.
        let mut sent = blinded.clone();
        sent.swap(first, second);
        prop_assert_eq!(check(&sent, &answers), Err(EvaluationError::WrongProof));
        // One answer of another sign has the tag of the right one, and is refused all the same.
        let mut answers = honest.clone();
        answers[first] = negated(&honest[first]);
        prop_assert_eq!(check(&blinded, &answers), Err(EvaluationError::WrongProof));
    }
}
