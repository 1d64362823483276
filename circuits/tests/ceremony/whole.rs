//! Ceremonies as they should go.

use ark_bls12_381::Bls12_381;
use ark_groth16::Groth16;
use ark_snark::SNARK as _;
use tacit_circuits::ceremony::{
    Circuit, Delta, Header, Keys, Next, Phase, RecordError, Step, Transcript,
};
use tacit_circuits::curve::Field;

use crate::circuit::Chain;
use crate::world::{LENGTH, MEMBERS, World, quiet};

/// Proofs verify under the keys, those of something else do not.
fn assert_keys_work(keys: &Keys, length: usize, world: &mut World) {
    let chain = Chain {
        start: Some(Field::from(123_456u64)),
        length,
    };
    let public = chain.public();
    let proof = Groth16::<Bls12_381>::prove(keys.proving(), chain, &mut world.rng).unwrap();
    let prepared = ark_groth16::prepare_verifying_key(keys.verifying());
    let holds =
        |public: &[Field]| Groth16::<Bls12_381>::verify_proof(&prepared, &proof, public).unwrap();
    assert!(holds(&public));
    assert!(!holds(&[public[0] + Field::from(1), public[1]]));
}

#[test]
fn four_members_and_two_beacons_make_keys_that_prove_and_verify() {
    let mut world = World::new(1);
    for name in MEMBERS {
        let step = world.contribute(name);
        assert_eq!(
            step,
            Step::Contribution {
                phase: Phase::Powers,
                name: name.into()
            }
        );
    }
    world.close_powers(b"block 1", &[]);
    // In any order.
    for name in MEMBERS.iter().rev() {
        let step = world.contribute(name);
        assert_eq!(
            step,
            Step::Contribution {
                phase: Phase::Delta,
                name: (*name).into()
            }
        );
    }
    let powers = world.verified_powers().unwrap();
    let specialised = world.verified_specialised().unwrap();
    let delta = world.verified_delta().unwrap();
    let (made, keys) = world
        .transcript
        .close_delta(
            b"block 2",
            &[],
            &powers,
            specialised.clone(),
            &delta,
            &quiet,
        )
        .unwrap();
    let step = world.take(made);
    assert_eq!(
        step,
        Step::Closing {
            phase: Phase::Delta,
            beacon: b"block 2".to_vec(),
            skipped: vec![]
        }
    );
    assert_eq!(world.transcript.next(), Next::Over);
    assert_keys_work(&keys, LENGTH, &mut world);

    // Somebody else, from the bytes alone.
    let header = Header::from_bytes(&world.transcript.header().to_bytes()).unwrap();
    let mut other = World {
        transcript: Transcript::new(header),
        ..world.clone()
    };
    for record in &world.records {
        other.transcript.append(record).unwrap();
    }
    assert_eq!(other.transcript.head(), world.transcript.head());
    let delta = other.verified_delta().unwrap();
    let again = Keys::new(&powers, specialised, delta);
    assert_eq!(again.proving(), keys.proving());
    assert_eq!(other.transcript.keys(), Some(again.digest()));
    let more = other.transcript.append(&world.records[0]);
    assert_eq!(more, Err(RecordError::Over));
}

#[test]
fn members_who_do_not_come_are_left_out_by_name() {
    let mut world = World::new(2);
    world.contribute("dora");
    let step = world.close_powers(b"block 1", &["bela", "anna", "港湾"]);
    let skipped = ["anna", "bela", "港湾"].map(str::to_owned).to_vec();
    let expected = Step::Closing {
        phase: Phase::Powers,
        beacon: b"block 1".to_vec(),
        skipped,
    };
    assert_eq!(step, expected);
    // Whoever missed phase 1 is welcome in phase 2.
    let missing = MEMBERS.map(str::to_owned).to_vec();
    assert_eq!(
        world.transcript.next(),
        Next::Open {
            phase: Phase::Delta,
            missing
        }
    );
    world.contribute("anna");
}

/// Domains of both parities of the power of two, down to the smallest: the transform has steps of 4 and of 2.
#[test]
fn domains_of_every_shape_give_working_keys() {
    for length in [1, 2, 5, 12, 27] {
        let mut world = World::of(Chain::setup(length), 3);
        world.contribute("anna");
        world.close_powers(b"1", &["bela", "港湾", "dora"]);
        let (powers, specialised) = (
            world.verified_powers().unwrap(),
            world.verified_specialised().unwrap(),
        );
        let delta = Delta::initial(&specialised);
        let keys = Keys::new(&powers, specialised, delta);
        assert_keys_work(&keys, length, &mut world);
    }
}

#[test]
fn a_circuit_has_one_fingerprint_and_another_circuit_another() {
    let fingerprint = |length| Circuit::new(Chain::setup(length)).unwrap().fingerprint();
    assert_eq!(fingerprint(5), fingerprint(5));
    assert_ne!(fingerprint(5), fingerprint(6));
}
