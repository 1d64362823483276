//! Files that were cut off, lengthened or written by hand.

use ark_ff::PrimeField as _;
use proptest::prelude::*;
use tacit_circuits::ceremony::{
    Delta, Header, HeaderError, PointFault, Powers, RecordError, Specialised, StateError,
};
use tacit_circuits::curve::Field;

use crate::circuit::Chain;
use crate::forge::{Forger, bad_points, powers_places, powers_state};
use crate::world::{MEMBERS, World};
use tacit_circuits::ceremony::{MIN_BEACON_LOG2_HASHES, Phase};

/// 12 steps: a domain of 16.
pub(crate) const SMALL: usize = 12;

fn small(seed: u64) -> World {
    World::of(Chain::setup(SMALL), seed)
}

/// Where the elements of a record begin.
const ELEMENTS: usize = 16 + 1 + 32 + 32 + 4;
/// Where the member's number of a record of phase 1 is; the challenge follows.
const MEMBER: usize = ELEMENTS + 3 * 48 + 1;

#[test]
fn a_record_of_another_length_is_none() {
    let mut world = small(1);
    let made = world.make("anna");
    for length in 0..made.record.len() {
        let refused = world.transcript.append(&made.record[..length]);
        assert_eq!(refused, Err(RecordError::Format), "{length}");
    }
    let longer = [&made.record[..], &[0]].concat();
    assert_eq!(world.transcript.append(&longer), Err(RecordError::Format));
    let much_longer = [&made.record[..], &[0; 5_000]].concat();
    assert_eq!(
        world.transcript.append(&much_longer),
        Err(RecordError::Format)
    );
    world.transcript.append(&made.record).unwrap();
}

#[test]
fn an_element_of_a_record_must_be_a_point_of_the_group_and_not_the_identity() {
    let mut world = small(2);
    let made = world.make("anna");
    let modulus = ark_ff::BigInteger::to_bytes_be(&ark_bls12_381::Fq::MODULUS);
    for (index, name) in ["tau", "alpha", "beta"].into_iter().enumerate() {
        let refused = |compressed: [u8; 48]| {
            let mut record = made.record.clone();
            record[ELEMENTS + index * 48..][..48].copy_from_slice(&compressed);
            world.transcript.clone().append(&record)
        };
        let fault = |fault| Err(RecordError::Element { name, fault });
        let with_flags = |flags: u8, last: u8| {
            let mut bytes = [0; 48];
            bytes[0] = flags;
            bytes[47] = last;
            bytes
        };
        assert_eq!(refused(with_flags(0xc0, 0)), fault(PointFault::Identity));
        assert_eq!(
            refused(with_flags(0xc0, 1)),
            fault(PointFault::NotCanonical)
        );
        assert_eq!(
            refused(with_flags(0x00, 0)),
            fault(PointFault::NotCanonical)
        );
        // x = 0 has order 3; x = 1 is no point's.
        assert_eq!(
            refused(with_flags(0x80, 0)),
            fault(PointFault::NotInSubgroup)
        );
        assert_eq!(
            refused(with_flags(0x80, 1)),
            fault(PointFault::NotCanonical)
        );
        let mut above: [u8; 48] = modulus.clone().try_into().unwrap();
        above[0] |= 0x80;
        assert_eq!(refused(above), fault(PointFault::NotCanonical));
    }
}

#[test]
fn a_proof_that_is_missing_or_not_canonical_is_refused() {
    let mut world = small(3);
    let made = world.make("anna");
    let transcript = world.transcript.clone();
    let modulus = ark_ff::BigInteger::to_bytes_le(&Field::MODULUS);
    for scalar in 0..4 {
        // The challenge, then the count, then the responses.
        let start = MEMBER + 2 + scalar * 32 + if scalar > 0 { 4 } else { 0 };
        let mut record = made.record.clone();
        record[start..start + 32].copy_from_slice(&modulus);
        let refused = transcript.clone().append(&record);
        assert_eq!(refused, Err(RecordError::ProofFormat), "scalar {scalar}");
        record[start..start + 32].fill(0);
        assert_eq!(transcript.clone().append(&record), Err(RecordError::Proof));
    }
    let mut without = made.record[..MEMBER + 2 + 32].to_vec();
    without.extend([0; 4]);
    assert_eq!(
        transcript.clone().append(&without),
        Err(RecordError::ProofFormat)
    );
}

#[test]
fn a_state_that_is_cut_off_or_lengthened_is_refused_whatever_its_record_says() {
    let mut world = small(4);
    let secrets = [5u64, 6, 7].map(Field::from);
    let state = powers_state(world.transcript.header().log2_size(), secrets);
    let forger = Forger::first(&world, Phase::Powers, "anna");
    let mut other_kind = state.clone();
    other_kind[16] = 3;
    let mut other_size = state.clone();
    other_size[17] += 1;
    for (bytes, error) in [
        (state[..state.len() - 1].to_vec(), StateError::Length),
        (state[..18].to_vec(), StateError::Length),
        (state[..17].to_vec(), StateError::Format),
        (Vec::new(), StateError::Format),
        ([&state[..], &[0]].concat(), StateError::Length),
        (other_kind, StateError::Format),
        (other_size, StateError::Length),
    ] {
        let mut world = world.clone();
        let made = forger.made(&secrets, bytes, &mut world);
        world.take(made);
        assert_eq!(world.verified_powers(), Err(error));
    }
    // What its record does not speak of is not even looked at.
    let made = forger.made(&secrets, state, &mut world);
    world.take(made);
    world.powers.as_mut().unwrap().push(0);
    assert_eq!(world.verified_powers(), Err(StateError::Digest));
    let nothing = Powers::verify(None, &world.transcript, &mut world.rng);
    assert_eq!(nothing, Err(StateError::Length));
}

#[test]
fn every_point_of_every_vector_is_checked() {
    let world = small(5);
    let log2_size = world.transcript.header().log2_size();
    let secrets = [5u64, 6, 7].map(Field::from);
    let state = powers_state(log2_size, secrets);
    let forger = Forger::first(&world, Phase::Powers, "anna");
    for place in powers_places(1 << log2_size) {
        for index in [0, place.count / 2, place.count - 1] {
            for (fault, bytes) in bad_points(place.is_g2()) {
                let mut world = world.clone();
                let mut state = state.clone();
                state[place.range(index)].copy_from_slice(&bytes);
                let made = forger.made(&secrets, state, &mut world);
                world.take(made);
                let expected = StateError::Point {
                    vector: place.vector,
                    index,
                    fault,
                };
                assert_eq!(world.verified_powers(), Err(expected));
            }
        }
    }
}

#[test]
fn a_header_says_who_and_how_much_within_bounds() {
    let mut world = small(6);
    let mut with = |members: &[&str], source: &str, log2: u8| {
        let members = members.iter().map(|name| (*name).to_owned()).collect();
        Header::new(&world.circuit, members, source.into(), log2, &mut world.rng)
    };
    let log2 = MIN_BEACON_LOG2_HASHES;
    assert!(with(&MEMBERS, "blocks", log2).is_ok());
    assert_eq!(
        with(&[], "blocks", log2),
        Err(HeaderError::Members { count: 0 })
    );
    let many = ["x"; 65];
    assert_eq!(
        with(&many, "blocks", log2),
        Err(HeaderError::Members { count: 65 })
    );
    for name in ["", " anna", "a\nb", "a\u{1b}[2J", &"x".repeat(65)] {
        let expected = Err(HeaderError::Name { name: name.into() });
        assert_eq!(with(&[name], "blocks", log2), expected);
    }
    let twice = Err(HeaderError::Name {
        name: "anna".into(),
    });
    assert_eq!(with(&["anna", "bela", "anna"], "blocks", log2), twice);
    assert_eq!(with(&MEMBERS, "", log2), Err(HeaderError::Source));
    assert_eq!(with(&MEMBERS, "a\tb", log2), Err(HeaderError::Source));
    assert_eq!(
        with(&MEMBERS, "blocks", 3),
        Err(HeaderError::Hashes { log2: 3 })
    );
    assert_eq!(
        with(&MEMBERS, "blocks", 60),
        Err(HeaderError::Hashes { log2: 60 })
    );

    let header = with(&MEMBERS, "blocks", log2).unwrap();
    let bytes = header.to_bytes();
    assert_eq!(Header::from_bytes(&bytes).unwrap(), header);
    for length in 0..bytes.len() {
        assert_eq!(
            Header::from_bytes(&bytes[..length]),
            Err(HeaderError::Format)
        );
    }
    assert_eq!(
        Header::from_bytes(&[&bytes[..], &[0]].concat()),
        Err(HeaderError::Format)
    );
    // Two ceremonies of the same people are two.
    assert_ne!(with(&MEMBERS, "blocks", log2).unwrap().id(), header.id());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever comes is refused or, by its own bytes, the same again; nothing panics.
    #[test]
    fn hostile_bytes_are_refused_without_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..2_000),
        magic in prop::sample::select(vec!["", "tacit ceremony 1", "tacit cerrecrd 1", "tacit cerstate 1"]),
    ) {
        let mut world = small(7);
        let bytes = [magic.as_bytes(), &bytes].concat();
        if let Ok(header) = Header::from_bytes(&bytes) {
            prop_assert_eq!(header.to_bytes(), bytes.clone());
        }
        prop_assert!(world.transcript.append(&bytes).is_err());
        world.contribute("anna");
        world.powers = Some(bytes.clone());
        prop_assert_eq!(world.verified_powers(), Err(StateError::Digest));
    }
}

#[test]
fn states_of_phase_2_are_bound_to_their_records() {
    let mut world = small(8);
    world.contribute("anna");
    world.close_powers(b"block", &MEMBERS[1..]);
    world.contribute("anna");
    let (powers, specialised) = (
        world.verified_powers().unwrap(),
        world.verified_specialised().unwrap(),
    );
    let (transcript, circuit) = (&world.transcript, &world.circuit);
    let bytes = world.specialised.clone().unwrap();
    for bytes in [&bytes[1..], &bytes[..bytes.len() - 1], b""] {
        let refused = Specialised::verify(bytes, transcript, &powers, circuit, &mut world.rng);
        assert_eq!(refused, Err(StateError::Digest));
    }
    let bytes = world.delta.clone().unwrap();
    for (bytes, error) in [
        (Some(&bytes[..bytes.len() - 1]), StateError::Digest),
        (None, StateError::Length),
    ] {
        let refused = Delta::verify(bytes, transcript, &specialised, circuit, &mut world.rng);
        assert_eq!(refused, Err(error));
    }
}
