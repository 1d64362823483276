//! States that are not what their records prove, by a single point or by a secret that is none.

use ark_ff::{FftField as _, Field as _};
use tacit_circuits::ceremony::{
    Circuit, Made, Phase, PointFault, RecordError, Specialised, StateError, Vector,
};
use tacit_circuits::curve::Field;

use crate::circuit::Chain;
use crate::forge::{
    Forger, change, delta_places, delta_state, powers_places, powers_state, specialised_places,
    state_digest,
};
use crate::refused_bytes::SMALL;
use crate::world::{MEMBERS, World, quiet};

/// The domain of [`SMALL`], its public variables with the one, and those of its witness.
const N: usize = 16;
const INSTANCE: usize = 3;
const WITNESS: usize = SMALL + 1;

fn small(seed: u64) -> World {
    World::of(Chain::setup(SMALL), seed)
}

/// Phase 2, to which nobody contributed yet.
fn in_phase_2(seed: u64) -> World {
    let mut world = small(seed);
    world.contribute("anna");
    world.close_powers(b"block 1", &MEMBERS[1..]);
    world
}

fn fields<const K: usize>(numbers: [u64; K]) -> [Field; K] {
    numbers.map(Field::from)
}

#[test]
fn secrets_that_add_nothing_or_take_everything_are_refused() {
    let world = small(5);
    let log2_size = world.transcript.header().log2_size();
    for (index, name) in ["tau", "alpha", "beta"].into_iter().enumerate() {
        for (secret, error) in [
            (
                0,
                RecordError::Element {
                    name,
                    fault: PointFault::Identity,
                },
            ),
            (1, RecordError::Unchanged { name }),
        ] {
            let mut world = world.clone();
            let mut secrets = fields([5, 6, 7]);
            secrets[index] = Field::from(secret);
            let forger = Forger::first(&world, Phase::Powers, "anna");
            let record = forger.record(&secrets, &powers_state(log2_size, secrets), &mut world);
            assert_eq!(world.transcript.append(&record), Err(error));
        }
    }
    for exponent in [1, 3, N as u64 / 2] {
        let mut world = world.clone();
        let root = Field::get_root_of_unity(N as u64).unwrap().pow([exponent]);
        let secrets = [root, Field::from(6), Field::from(7)];
        let forger = Forger::first(&world, Phase::Powers, "anna");
        let made = forger.made(&secrets, powers_state(log2_size, secrets), &mut world);
        world.take(made);
        assert_eq!(world.verified_powers(), Err(StateError::TauInDomain));
    }

    let mut world = in_phase_2(6);
    for (secret, error) in [
        (
            0,
            RecordError::Element {
                name: "delta",
                fault: PointFault::Identity,
            },
        ),
        (1, RecordError::Unchanged { name: "delta" }),
    ] {
        let delta = Field::from(secret);
        let state = delta_state(&world, N, WITNESS, delta, delta);
        let forger = Forger::first(&world, Phase::Delta, "anna");
        let record = forger.record(&[delta], &state, &mut world);
        assert_eq!(world.transcript.append(&record), Err(error));
    }
}

#[test]
fn a_changed_power_is_found_in_every_vector() {
    let world = small(7);
    let log2_size = world.transcript.header().log2_size();
    let secrets = fields([5, 6, 7]);
    let state = powers_state(log2_size, secrets);
    let forger = Forger::first(&world, Phase::Powers, "anna");
    let verified = |state: Vec<u8>| {
        let mut world = world.clone();
        let made = forger.made(&secrets, state, &mut world);
        world.take(made);
        world.verified_powers()
    };
    verified(state.clone()).unwrap();
    for place in powers_places(N) {
        let vector = place.vector;
        for index in 0..place.count {
            let mut changed = state.clone();
            change(&mut changed, place, index);
            let proven = match vector {
                Vector::TauG1 => index == 1,
                Vector::AlphaG1 | Vector::BetaG1 => index == 0,
                _ => false,
            };
            let expected = if proven {
                StateError::NotProven { vector }
            } else {
                StateError::Inconsistent { vector }
            };
            assert_eq!(verified(changed), Err(expected), "{vector} {index}");
        }
    }
}

#[test]
fn a_changed_query_is_found_in_every_vector() {
    let mut world = small(8);
    world.contribute("anna");
    let powers = world.verified_powers().unwrap();
    let skipped = MEMBERS[1..]
        .iter()
        .map(|name| (*name).to_owned())
        .collect::<Vec<_>>();
    let (closing, queries) = world
        .transcript
        .close_powers(b"block", &skipped, &powers, &world.circuit, &quiet)
        .unwrap();
    let queries = queries.to_bytes();
    let verified = |bytes: Vec<u8>, circuit: &Circuit| {
        let mut world = world.clone();
        let mut record = closing.record.clone();
        let result = record.len() - 32;
        record[result..].copy_from_slice(&state_digest(&bytes));
        world.take(Made {
            record,
            state: closing.state.clone(),
        });
        let powers = world.verified_powers().unwrap();
        Specialised::verify(&bytes, &world.transcript, &powers, circuit, &mut world.rng)
    };
    verified(queries.clone(), &world.circuit).unwrap();
    for place in specialised_places(N, INSTANCE, WITNESS) {
        for index in 0..place.count {
            let mut changed = queries.clone();
            change(&mut changed, place, index);
            let expected = StateError::Inconsistent {
                vector: place.vector,
            };
            let refused = verified(changed, &world.circuit);
            assert_eq!(refused, Err(expected), "{} {index}", place.vector);
        }
    }
    let refused = verified(queries[..queries.len() - 1].to_vec(), &world.circuit);
    assert_eq!(refused, Err(StateError::Length));

    // The same size, another constraint.
    let other = Circuit::new(Chain::setup(SMALL - 1)).unwrap();
    assert_eq!(verified(queries, &other), Err(StateError::Circuit));
}

#[test]
fn a_changed_point_of_phase_2_is_found_in_every_vector() {
    let world = in_phase_2(9);
    let delta = Field::from(77);
    let state = delta_state(&world, N, WITNESS, delta, delta);
    let forger = Forger::first(&world, Phase::Delta, "bela");
    let verified = |state: Vec<u8>| {
        let mut world = world.clone();
        let made = forger.made(&[delta], state, &mut world);
        world.take(made);
        world.verified_delta()
    };
    verified(state.clone()).unwrap();
    for place in delta_places(N, WITNESS) {
        let vector = place.vector;
        for index in 0..place.count {
            let mut changed = state.clone();
            change(&mut changed, place, index);
            let expected = match vector {
                Vector::DeltaG1 => StateError::NotProven { vector },
                _ => StateError::Inconsistent { vector },
            };
            assert_eq!(verified(changed), Err(expected), "{vector} {index}");
        }
    }
    // Queries divided by one δ, and another in G2.
    let mismatch = delta_state(&world, N, WITNESS, delta, Field::from(78));
    let expected = StateError::Inconsistent {
        vector: Vector::DeltaG2,
    };
    assert_eq!(verified(mismatch), Err(expected));
}

/// A closing has no proof, so that whoever ends a phase can name any state: it is checked like any other.
#[test]
fn the_state_of_a_closing_is_checked_like_any_other() {
    let world = in_phase_2(12);
    let mut begun = small(12).transcript;
    begun.append(&world.records[0]).unwrap();
    for (index, vector) in [Vector::TauG1, Vector::TauG2].into_iter().enumerate() {
        let mut state = world.powers.clone().unwrap();
        change(&mut state, powers_places(N)[index], 5);
        let mut record = world.records[1].clone();
        record[49..81].copy_from_slice(&state_digest(&state));
        let mut other = World {
            transcript: begun.clone(),
            ..world.clone()
        };
        other.take(Made { record, state });
        let refused = other.verified_powers();
        assert_eq!(refused, Err(StateError::Inconsistent { vector }));
    }
}
