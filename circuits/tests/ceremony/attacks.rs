//! Contributors who do not keep to the rules. Each is refused for its own reason.

use tacit_circuits::ceremony::{Phase, Powers, RecordError, StateError, Vector};
use tacit_circuits::curve::Field;

use crate::circuit::Chain;
use crate::forge::{Forger, powers_state};
use crate::refused_bytes::SMALL;
use crate::world::{MEMBERS, World, quiet};

/// Where a record names what it follows, and where it names its state.
const PREVIOUS: std::ops::Range<usize> = 17..49;

fn small(seed: u64) -> World {
    World::of(Chain::setup(SMALL), seed)
}

fn fields<const K: usize>(numbers: [u64; K]) -> [Field; K] {
    numbers.map(Field::from)
}

#[test]
fn records_in_another_order_are_refused() {
    let mut world = small(1);
    let begun = world.transcript.clone();
    for name in MEMBERS {
        world.contribute(name);
    }
    let mut swapped = begun.clone();
    assert_eq!(
        swapped.append(&world.records[1]),
        Err(RecordError::Previous)
    );
    swapped.append(&world.records[0]).unwrap();
    assert_eq!(
        swapped.append(&world.records[2]),
        Err(RecordError::Previous)
    );
    assert_eq!(
        swapped.append(&world.records[0]),
        Err(RecordError::Previous)
    );
    swapped.append(&world.records[1]).unwrap();
}

#[test]
fn a_contribution_to_an_older_state_is_refused() {
    let mut world = small(2);
    world.contribute("anna");
    let late = world.make("bela");
    world.contribute("dora");
    assert_eq!(
        world.transcript.append(&late.record),
        Err(RecordError::Previous)
    );
    // Said to follow dora's, its proof no longer holds.
    let mut moved = late.record.clone();
    moved[PREVIOUS].copy_from_slice(&world.transcript.head());
    assert_eq!(world.transcript.append(&moved), Err(RecordError::Proof));
}

/// The record multiplies what is there, but the state begins anew: all the others' secrets would be gone.
#[test]
fn a_state_that_drops_the_others_secrets_is_refused() {
    let mut world = small(3);
    let first = fields([11, 12, 13]);
    let log2_size = world.transcript.header().log2_size();
    let forger = Forger::first(&world, Phase::Powers, "anna");
    let made = forger.made(&first, powers_state(log2_size, first), &mut world);
    let old = first.map(|secret| {
        use ark_ec::{AffineRepr as _, CurveGroup as _};
        (ark_bls12_381::G1Affine::generator() * secret).into_affine()
    });
    world.take(made);

    let second = fields([21, 22, 23]);
    let forger = Forger {
        old: old.to_vec(),
        ..Forger::first(&world, Phase::Powers, "bela")
    };
    let dropped = forger.made(&second, powers_state(log2_size, second), &mut world);
    let mut other = world.clone();
    other.take(dropped);
    let refused = other.verified_powers();
    assert_eq!(
        refused,
        Err(StateError::NotProven {
            vector: Vector::TauG1
        })
    );

    // Multiplied as it says, it is taken: what is refused above is refused for that alone.
    let product = [0, 1, 2].map(|index| first[index] * second[index]);
    let kept = forger.made(&second, powers_state(log2_size, product), &mut world);
    world.take(kept);
    world.verified_powers().unwrap();
}

#[test]
fn a_proof_holds_for_its_maker_place_and_ceremony_only() {
    let mut world = small(4);
    let log2_size = world.transcript.header().log2_size();
    let secrets = fields([5, 6, 7]);
    let state = powers_state(log2_size, secrets);
    let own = Forger::first(&world, Phase::Powers, "anna");
    let honest = own.record(&secrets, &state, &mut world);
    world.transcript.clone().append(&honest).unwrap();

    // Proven for somebody else, who did nothing.
    let mut others = honest.clone();
    let member = honest.len() - (2 + 32 + 4 + 3 * 32);
    others[member] = 1;
    assert_eq!(
        world.transcript.clone().append(&others),
        Err(RecordError::Proof)
    );

    // Proven in another ceremony, at another position, for another phase, for another name, before other records.
    let elsewhere = [
        Forger {
            id: small(99).transcript.header().id(),
            ..own.clone()
        },
        Forger {
            position: 1,
            ..own.clone()
        },
        Forger {
            phase: Phase::Delta,
            ..own.clone()
        },
        Forger {
            name: "bela".into(),
            ..own.clone()
        },
        Forger {
            previous: [3; 32],
            ..own.clone()
        },
    ];
    for forger in elsewhere {
        let mut replayed = forger.record(&secrets, &state, &mut world);
        replayed[16] = Phase::Powers as u8;
        replayed[PREVIOUS].copy_from_slice(&own.previous);
        assert_eq!(
            world.transcript.clone().append(&replayed),
            Err(RecordError::Proof)
        );
    }

    // Proven for another state.
    let mut other_state = honest.clone();
    other_state[49] ^= 1;
    assert_eq!(
        world.transcript.clone().append(&other_state),
        Err(RecordError::Proof)
    );

    // Another ceremony's as it stands.
    let mut foreign = small(98);
    let made = foreign.make("anna");
    assert_eq!(
        world.transcript.append(&made.record),
        Err(RecordError::Previous)
    );
}

/// Whoever ends phase 1 names the queries' digest, so that only the check of the queries themselves can refuse them.
#[test]
fn a_member_contributes_once_to_a_phase_and_strangers_never() {
    let mut world = small(10);
    world.contribute("anna");
    let powers = world.verified_powers().unwrap();
    let mut make = |name| {
        let made = world
            .transcript
            .contribute_powers(name, &powers, b"", &mut world.rng, &quiet);
        made.map(|_| ()).unwrap_err()
    };
    assert_eq!(make("anna"), RecordError::Twice);
    assert_eq!(make("mallory"), RecordError::NotExpected);

    // By hand, with proofs that hold.
    let log2_size = world.transcript.header().log2_size();
    let secrets = fields([5, 6, 7]);
    let state = powers_state(log2_size, secrets);
    let again = Forger::first(&world, Phase::Powers, "anna");
    let record = again.record(&secrets, &state, &mut world);
    assert_eq!(world.transcript.append(&record), Err(RecordError::Twice));
    let stranger = Forger { member: 4, ..again };
    let record = stranger.record(&secrets, &state, &mut world);
    assert_eq!(
        world.transcript.append(&record),
        Err(RecordError::NotExpected)
    );
}

#[test]
fn a_phase_ends_with_its_beacon_and_says_who_was_left_out() {
    let mut world = small(11);
    let names = |names: &[&str]| {
        names
            .iter()
            .map(|name| (*name).to_owned())
            .collect::<Vec<_>>()
    };
    let close = |world: &World, beacon: &[u8], skipped: &[&str], powers: &Powers| {
        let skipped = names(skipped);
        let made = world
            .transcript
            .close_powers(beacon, &skipped, powers, &world.circuit, &quiet);
        made.map(|(made, _)| made)
    };
    let begun = world.verified_powers().unwrap();
    let nobody = close(&world, b"block", &MEMBERS, &begun);
    assert_eq!(nobody.map(|_| ()), Err(RecordError::NobodyContributed));

    world.contribute("anna");
    let powers = world.verified_powers().unwrap();
    for (beacon, skipped, error) in [
        (&b"block"[..], &MEMBERS[2..], RecordError::Skipped),
        (b"block", &MEMBERS, RecordError::Skipped),
        (
            b"block",
            &["bela", "bela", "港湾", "dora"],
            RecordError::Skipped,
        ),
        (
            b"block",
            &["bela", "港湾", "mallory"],
            RecordError::NotExpected,
        ),
        (b"", &MEMBERS[1..], RecordError::Beacon),
        (&[7; 65], &MEMBERS[1..], RecordError::Beacon),
    ] {
        let refused = close(&world, beacon, skipped, &powers);
        assert_eq!(refused.map(|_| ()), Err(error));
    }

    let made = close(&world, b"block", &MEMBERS[1..], &powers).unwrap();
    let beacon = made.record.len() - (32 + 4 + 3 * 2 + 5);
    assert_eq!(&made.record[beacon..beacon + 5], b"block");
    let mut other = made.record.clone();
    other[beacon] ^= 1;
    let refused = world.transcript.append(&other);
    assert_eq!(refused, Err(RecordError::NotOfBeacon { name: "tau" }));
    // Somebody who did contribute, said to be left out instead of another.
    let mut slandered = made.record.clone();
    let skipped = slandered.len() - 32 - 3 * 2;
    slandered[skipped] = 0;
    assert_eq!(
        world.transcript.append(&slandered),
        Err(RecordError::Skipped)
    );
    world.transcript.append(&made.record).unwrap();

    // Phase 1 is over.
    let secrets = fields([5, 6, 7]);
    let state = powers_state(world.transcript.header().log2_size(), secrets);
    let late = Forger::first(&world, Phase::Powers, "bela").record(&secrets, &state, &mut world);
    let expected = RecordError::Phase {
        expected: Phase::Delta,
        found: Phase::Powers,
    };
    assert_eq!(world.transcript.append(&late), Err(expected));
}
