//! For each part of the relation an assignment that breaks it and nothing before it: the twin names
//! the part, and the circuit refuses.

use ark_ff::{AdditiveGroup, BigInteger, Field as _, One, PrimeField};
use rand::RngCore;
use tacit_circuits::curve::Field;
use tacit_circuits::curve::poseidon2::{Domain, hash_2, hash_3, hash_node};
use tacit_circuits::oprf::Blind;
use tacit_circuits::receipt::{
    Assignment, MontgomeryPoint, ProveError, Purpose, TreePath, Violation, Witness,
};

use crate::common::rng;
use crate::system;
use crate::world::{PROVER, World};

/// The places of the public inputs.
const KIND: usize = 1;
const EPOCH: usize = 2;
const QUERIER: usize = 3;
const LOG_ROOT: usize = 4;
const LIST_ROOT: usize = 5;
const ANSWER: usize = 6;
const SAMPLE: usize = 7;

fn hit() -> Assignment {
    World::new(11, 9).ask_listed(2).assign().unwrap().1
}

fn miss() -> Assignment {
    World::new(12, 9).ask_stranger().assign().unwrap().1
}

fn sample() -> Assignment {
    World::new(13, 9).sample(12).assign().unwrap().1
}

fn refuse(mut assignment: Assignment, change: impl FnOnce(&mut Assignment), expected: Violation) {
    assert_eq!(assignment.check(), Ok(()));
    assert!(system::accepts(&assignment));
    change(&mut assignment);
    assert_eq!(assignment.check(), Err(expected));
    assert!(!system::accepts(&assignment), "{expected}");
}

fn root<const DEPTH: usize>(leaf: Field, path: &TreePath<DEPTH>) -> Field {
    (0..DEPTH).fold(leaf, |node, height| {
        let own = (path.slot >> (2 * height) & 3) as usize;
        let mut children = path.siblings[height].to_vec();
        children.insert(own, node);
        hash_node(&children.try_into().unwrap())
    })
}

/// Puts the leaf that the assignment names under the root that it names.
fn replant(a: &mut Assignment) {
    a.public[LIST_ROOT] = root(hash_2(Domain::Leaf, a.low, a.next), &a.list_path);
}

/// Puts the call that the assignment names into the log that it names.
fn relog(a: &mut Assignment) {
    let scope = a.public[EPOCH] * Field::from(1_u64 << 32) + a.public[QUERIER];
    let call = hash_3(Domain::Call, scope, a.blinded.x, a.evaluated.x);
    a.public[LOG_ROOT] = root(call, &a.log_path);
}

/// A point of order 2: (0, 0).
const ORDER_TWO: MontgomeryPoint = MontgomeryPoint {
    x: Field::ZERO,
    y: Field::ZERO,
};

/// `P + (0, 0)`: `x ↦ 1/x`, and y follows.
fn add_order_two(p: &mut MontgomeryPoint) {
    let inverse = p.x.inverse().unwrap();
    *p = MontgomeryPoint {
        x: inverse,
        y: -p.y * inverse.square(),
    };
}

#[test]
fn part_1_the_commitment() {
    refuse(
        hit(),
        |a| a.public[0] += Field::one(),
        Violation::Commitment,
    );
    refuse(hit(), |a| a.secret += Field::one(), Violation::Commitment);
    refuse(miss(), |a| a.kind += Field::one(), Violation::Commitment);
}

#[test]
fn part_2_the_hash_to_the_curve() {
    // Another subject with a commitment of its own, but the point of the first.
    refuse(
        miss(),
        |a| {
            a.x += Field::one();
            a.public[0] = hash_3(Domain::Commit, a.kind, a.x, a.secret);
        },
        Violation::Hash,
    );
    refuse(hit(), |a| a.public[EPOCH] += Field::one(), Violation::Hash);
    // The map's other candidate, which is the x of no point; with the first one's y it is off.
    let first = hit().hashed.x;
    let other = -first - Field::from(40962);
    refuse(hit(), |a| a.hashed.x = other, Violation::Hash);
    // A point of the curve that is not the image.
    refuse(hit(), |a| add_order_two(&mut a.hashed), Violation::Hash);
    refuse(hit(), |a| a.hashed = ORDER_TWO, Violation::Hash);
}

#[test]
fn part_3_the_points() {
    let off = |p: &mut MontgomeryPoint| p.y += Field::one();
    refuse(hit(), |a| off(&mut a.blinded), Violation::BlindedOffCurve);
    refuse(
        hit(),
        |a| off(&mut a.evaluated),
        Violation::EvaluatedOffCurve,
    );
    refuse(
        hit(),
        |a| off(&mut a.unblinded),
        Violation::UnblindedOffCurve,
    );
    refuse(
        hit(),
        |a| a.unblinded = ORDER_TWO,
        Violation::UnblindedOfSmallOrder,
    );
}

#[test]
fn part_3_the_multiplications() {
    refuse(hit(), |a| a.a[5] ^= true, Violation::Blinded);
    refuse(hit(), |a| a.b[129] ^= true, Violation::Blinded);
    refuse(hit(), |a| a.a.reverse(), Violation::Blinded);
    // Another B or Z that is in the log.
    refuse(
        hit(),
        |a| {
            a.blinded = a.evaluated;
            relog(a);
        },
        Violation::Blinded,
    );
    refuse(
        hit(),
        |a| {
            a.evaluated = a.blinded;
            relog(a);
        },
        Violation::Unblinded,
    );
    // N of another key: that of the miss is a point of the curve, but no answer to this call.
    let other = miss().unblinded;
    refuse(hit(), |a| a.unblinded = other, Violation::Unblinded);
    // r = ±1: B is H itself.
    refuse(
        hit(),
        |a| {
            let mut point = a.unblinded;
            for _ in 0..3 {
                point = double(&point);
            }
            a.evaluated = point;
            relog(a);
        },
        Violation::Blind,
    );
}

fn double(p: &MontgomeryPoint) -> MontgomeryPoint {
    let (a, kappa) = (Field::from(40962), -Field::from(40964));
    let slope =
        (Field::from(3) * p.x.square() + a.double() * p.x + Field::one()) / (kappa * p.y.double());
    let x = kappa * slope.square() - a - p.x.double();
    MontgomeryPoint {
        x,
        y: slope * (p.x - x) - p.y,
    }
}

#[test]
fn part_3_torsion_changes_nothing_in_n_and_spoils_b_and_z() {
    // N = 8·N₀, so that every eighth of it serves.
    let mut assignment = hit();
    add_order_two(&mut assignment.unblinded);
    assert_eq!(assignment.check(), Ok(()));
    assert!(system::accepts(&assignment));

    // The log never holds such a B or Z; if it did, odd digits would keep the torsion.
    let torsion = |change: fn(&mut Assignment), expected| {
        refuse(
            hit(),
            |a| {
                change(a);
                relog(a);
            },
            expected,
        );
    };
    torsion(|a| add_order_two(&mut a.blinded), Violation::Blinded);
    torsion(|a| add_order_two(&mut a.evaluated), Violation::Unblinded);
    torsion(|a| a.blinded = ORDER_TWO, Violation::Blinded);
    torsion(|a| a.evaluated = ORDER_TWO, Violation::Unblinded);
}

#[test]
fn part_4_the_log() {
    refuse(
        hit(),
        |a| a.public[QUERIER] += Field::one(),
        Violation::Call,
    );
    refuse(
        hit(),
        |a| a.public[LOG_ROOT] += Field::one(),
        Violation::Call,
    );
    refuse(hit(), |a| a.log_path.slot ^= 1, Violation::Call);
    refuse(hit(), |a| a.log_path.slot ^= 1 << 31, Violation::Call);
    refuse(
        hit(),
        |a| a.log_path.siblings[15][2] += Field::one(),
        Violation::Call,
    );
}

#[test]
fn part_5_the_tag() {
    let two = Field::from(2);
    refuse(hit(), |a| a.tag_high += Field::one(), Violation::TagSplit);
    // The same sum, with the border moved by one.
    refuse(
        hit(),
        |a| {
            a.tag_high -= Field::one();
            a.tag_low += two.pow([127]);
        },
        Violation::TagLow,
    );
    // The same sum modulo p: a lower part of 127 bits whose upper one is no number of 128.
    refuse(
        hit(),
        |a| {
            a.tag_high += two.pow([127]).inverse().unwrap();
            a.tag_low -= Field::one();
        },
        Violation::TagHigh,
    );
}

/// About one hash in ten is so small that it and p fit into 255 bits: its tag would have two values.
#[test]
fn part_5_the_second_split_of_a_small_hash() {
    let mut world = World::new(16, 9);
    let limit = Field::from(u128::MAX) - Field::from(Field::MODULUS >> 127_u32) - Field::one();
    let small = (0..1000)
        .map(|_| world.ask_stranger().assign().unwrap().1)
        .find(|a| a.tag_high < limit)
        .unwrap();
    refuse(
        small,
        |a| {
            let mut sum = hash(a).into_bigint();
            assert!(!sum.add_with_carry(&Field::MODULUS));
            let high = Field::from_bigint(sum >> 127_u32).unwrap();
            a.tag_low = hash(a) - high * Field::from(1_u128 << 127);
            a.tag_high = high;
        },
        Violation::TagNotCanonical,
    );
}

fn hash(a: &Assignment) -> Field {
    a.tag_high * Field::from(1_u128 << 127) + a.tag_low
}

#[test]
fn part_6_the_leaf() {
    let one = Field::one();
    refuse(hit(), |a| a.public[LIST_ROOT] += one, Violation::Leaf);
    refuse(hit(), |a| a.list_path.slot ^= 2, Violation::Leaf);
    refuse(hit(), |a| a.list_path.slot ^= 1 << 27, Violation::Leaf);
    refuse(miss(), |a| a.low -= one, Violation::Leaf);
    refuse(miss(), |a| a.next += one, Violation::Leaf);
    // A leaf in another version.
    refuse(
        hit(),
        |a| a.list_path.siblings[13][0] += one,
        Violation::Leaf,
    );
}

#[test]
fn part_6_the_answer() {
    let one = Field::one();
    refuse(miss(), |a| a.public[ANSWER] = one, Violation::OtherTag);
    refuse(hit(), |a| a.public[ANSWER] = -one, Violation::Answer);
    refuse(
        hit(),
        |a| a.public[ANSWER] = Field::from(2),
        Violation::Answer,
    );
    refuse(
        hit(),
        |a| a.public[ANSWER] = Field::ZERO,
        Violation::BelowLeaf,
    );
    let leaf = |low: fn(Field) -> Field, next: fn(Field) -> Field| {
        move |a: &mut Assignment| {
            (a.low, a.next) = (low(a.tag_high), next(a.tag_high));
            replant(a);
        }
    };
    let (above, below): (fn(Field) -> Field, fn(Field) -> Field) =
        (|t| t + Field::one(), |t| t - Field::one());
    refuse(
        miss(),
        leaf(above, |t| t + Field::from(2)),
        Violation::BelowLeaf,
    );
    refuse(miss(), leaf(|t| t, above), Violation::BelowLeaf);
    refuse(miss(), leaf(below, |t| t), Violation::AboveLeaf);
    refuse(miss(), leaf(below, below), Violation::AboveLeaf);
    refuse(hit(), leaf(|t| t, |t| t), Violation::AboveLeaf);
    // The narrowest leaf that holds it is taken.
    let mut narrow = miss();
    leaf(below, above)(&mut narrow);
    assert_eq!(narrow.check(), Ok(()));
    assert!(system::accepts(&narrow));
}

#[test]
fn part_7_receipts_and_samples() {
    let one = Field::one();
    refuse(hit(), |a| a.public[KIND] += one, Violation::Type);
    refuse(hit(), |a| a.public[KIND] = Field::ZERO, Violation::Type);
    refuse(sample(), |a| a.sampled += one, Violation::Purpose);
    refuse(hit(), |a| a.sampled = one, Violation::Slot);
    refuse(hit(), |a| a.public[SAMPLE] = one, Violation::Slot);
    refuse(sample(), |a| a.public[SAMPLE] += one, Violation::Slot);
    refuse(
        sample(),
        |a| a.public[SAMPLE] = Field::ZERO,
        Violation::Slot,
    );
    refuse(
        sample(),
        |a| {
            // Passed off as a receipt of the type 0.
            a.sampled = Field::ZERO;
            a.public[SAMPLE] = Field::ZERO;
            a.public[KIND] = one;
        },
        Violation::Type,
    );
}

#[test]
fn a_witness_that_shows_nothing_true_says_which_part_fails() {
    let mut world = World::new(14, 9);
    let honest = world.ask_listed(1);
    let other = world.ask_listed(2);
    let check = |change: &dyn Fn(&mut Witness), expected| {
        let mut witness = honest.clone();
        assert!(witness.check().is_ok());
        change(&mut witness);
        assert_eq!(witness.check(), Err(expected));
        let refused = PROVER.prove(&witness, &mut rng(1));
        assert_eq!(refused.unwrap_err(), ProveError::Violation(expected));
    };
    check(&|w| w.blind = other.blind.clone(), Violation::Blinded);
    check(&|w| w.blinded = other.blinded, Violation::Blinded);
    check(&|w| w.subject = other.subject, Violation::Blinded);
    check(&|w| w.evaluated = other.evaluated, Violation::Call);
    check(&|w| w.log_path = other.log_path, Violation::Call);
    check(&|w| w.log_root = Field::one(), Violation::Call);
    check(&|w| w.scope.querier.0 ^= 1, Violation::Call);
    check(&|w| w.scope.list.0 ^= 1, Violation::Blinded);
    check(&|w| w.scope.tag_epoch.0 ^= 1, Violation::Blinded);
    check(&|w| w.list_root = Field::one(), Violation::Leaf);
    // Its own leaf says that the tag is not there, or it is the leaf of another.
    assert!(matches!(
        {
            let mut witness = honest.clone();
            witness.list_path = other.list_path;
            witness.check()
        },
        Err(Violation::BelowLeaf | Violation::AboveLeaf)
    ));
    let padding = world.sample(12);
    let as_receipt = |w: &mut Witness| {
        *w = padding.clone();
        w.purpose = Purpose::Answer;
    };
    check(&as_receipt, Violation::Type);
    let stranger = world.ask_stranger();
    let as_sample = |w: &mut Witness| {
        *w = stranger.clone();
        w.purpose = Purpose::SampledEntry;
    };
    check(&as_sample, Violation::NotAnEntry);
}

#[test]
fn a_blind_without_a_split_is_refused() {
    // About three in a thousand have none; `blind` draws again, but bytes from elsewhere may hold one.
    let without = (2_u64..)
        .map(|seed| {
            let mut bytes = [0; 32];
            rng(seed).fill_bytes(&mut bytes[..31]);
            Blind::from_secret_bytes(&bytes).unwrap()
        })
        .find(|blind| blind.split_vartime().is_none())
        .unwrap();
    let mut witness = World::new(15, 3).ask_stranger();
    witness.blind = without;
    assert_eq!(witness.check(), Err(Violation::Blind));
}
