//! The circuit and its native twin say the same.

use ark_ff::One;
use proptest::prelude::*;
use tacit_circuits::curve::Field;
use tacit_circuits::receipt::{Assignment, Statement, Witness};

use crate::common::rng;
use crate::system;
use crate::world::{World, any_field};

fn agree(witness: &Witness) -> (Statement, Assignment) {
    let (statement, assignment) = witness.assign().unwrap();
    assert_eq!(assignment.check(), Ok(()));
    assert_eq!(witness.check(), Ok(statement));
    assert!(system::accepts(&assignment));
    (statement, assignment)
}

/// Changes one of the values that the circuit is given, whichever `which` says.
fn perturb(a: &mut Assignment, which: usize, by: Field, place: usize) {
    match which {
        0 => a.public[place % 9] += by,
        1 => a.kind += by,
        2 => a.x += by,
        3 => a.secret += by,
        4 => a.a[place % 130] ^= true,
        5 => a.b[place % 130] ^= true,
        6 => a.hashed.x += by,
        7 => a.hashed.y += by,
        8 => a.blinded.x += by,
        9 => a.blinded.y += by,
        10 => a.evaluated.x += by,
        11 => a.evaluated.y += by,
        12 => a.unblinded.x += by,
        13 => a.unblinded.y += by,
        14 => a.log_path.slot ^= 1 << (place % 32),
        15 => a.log_path.siblings[place % 16][place % 3] += by,
        16 => a.tag_high += by,
        17 => a.tag_low += by,
        18 => a.low += by,
        19 => a.next += by,
        20 => a.list_path.slot ^= 1 << (place % 28),
        21 => a.list_path.siblings[place % 14][place % 3] += by,
        _ => a.sampled += by,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Odd things in a list and the log do not matter: a list without entries is one leaf.
    #[test]
    fn both_accept_what_is_true_and_refuse_what_was_changed(
        seed: u64,
        identifiers in 0..24usize,
        what in 0..3usize,
        changes in proptest::collection::vec((0..23usize, any::<bool>(), any::<usize>()), 6),
    ) {
        let mut world = World::new(seed, identifiers);
        let witness = match what {
            0 if identifiers > 0 => world.sample(seed as usize % (2 * identifiers)),
            1 if identifiers > 0 => {
                world.ask_listed(seed as usize % identifiers)
            }
            _ => world.ask_stranger(),
        };
        let (statement, assignment) = agree(&witness);
        let mut rng = rng(seed ^ 1);
        for (which, by_one, place) in changes {
            let by = if by_one { Field::one() } else { any_field(&mut rng) };
            let mut changed = assignment.clone();
            perturb(&mut changed, which, by, place);
            // In a sampled entry the public type is the verifier's; the context is what it is.
            let free = which == 0
                && (place % 9 == 8 || place % 9 == 1 && statement.public_inputs()[7] != Field::default());
            prop_assert_eq!(changed.check().is_ok(), system::accepts(&changed));
            prop_assert_eq!(changed.check().is_ok(), free, "{} {}", which, place % 9);
        }
    }
}
