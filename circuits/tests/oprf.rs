//! Blind evaluation between a querier and a provider, honest and not.

mod common;

use common::{context, field, input, key, rng};
use proptest::prelude::*;
use rand::Rng;
use tacit_circuits::curve::{
    FieldError, Point, PointError, WIRE_POINT_BYTES, WirePoint, encode_field,
};
use tacit_circuits::identifier::IdentifierType;
use tacit_circuits::oprf::{
    Blind, DleqProof, Entry, EvaluationContext, EvaluationError, FinalizeError, Input, KeyContext,
    KeyError, KeyProof, ListKey, MAX_BATCH, NoBlind, ProofNotCanonical, PublicKey, WrongKeyProof,
    blind, blind_entries, evaluate, finalize, hash_to_curve, tag_batch, verify,
};
use tacit_circuits::scope::{ListId, MemberId, TagEpoch};

/// A batch of `calls` that was blinded and honestly answered.
struct Answered {
    key: ListKey,
    context: EvaluationContext,
    states: Vec<tacit_circuits::oprf::BlindState>,
    blinded: Vec<Point>,
    evaluated: Vec<Point>,
    proof: DleqProof,
}

impl Answered {
    fn new(calls: usize) -> Self {
        let mut rng = rng(calls as u64);
        let key = ListKey::generate(&mut rng);
        let context = context();
        let inputs: Vec<Input> = (0..calls as u64).map(input).collect();
        let (states, blinded) = blind(&inputs, &mut rng).unwrap();
        let (evaluated, proof) = evaluate(&key, &context, &blinded, &mut rng).unwrap();
        Self {
            key,
            context,
            states,
            blinded,
            evaluated,
            proof,
        }
    }

    fn verify(&self) -> Result<(), EvaluationError> {
        verify(
            &self.key.public(),
            &self.context,
            &self.blinded,
            &self.evaluated,
            &self.proof,
        )
    }
}

#[test]
fn a_blind_evaluation_ends_in_the_tag_that_the_owner_computes() {
    for calls in [1, 2, 63, 64, 65, 200] {
        let batch = Answered::new(calls);
        let tags = finalize(
            &batch.states,
            &batch.key.public(),
            &batch.context,
            &batch.evaluated,
            &batch.proof,
        )
        .unwrap();
        let entries: Vec<Entry> = (0..calls as u64)
            .map(|n| Entry::identifier(input(n).kind, input(n).x))
            .collect();
        let own = tag_batch(
            &batch.key,
            &entries,
            batch.context.list,
            batch.context.tag_epoch,
            &|_| {},
        );
        assert_eq!(tags, own.unwrap());
    }
}

#[test]
fn the_sign_of_the_point_does_not_change_the_tag() {
    // Whoever flips B, or a twin map that ends in −H, reaches −N, which has the u-coordinate of N.
    let point = hash_to_curve(&input(1)).unwrap();
    let negated = negate(&point);
    assert_ne!(point, negated);
    assert_eq!(point.montgomery_u(), negated.montgomery_u());
    let mut rng = rng(1);
    let key = ListKey::generate(&mut rng);
    let (evaluated, _) = evaluate(&key, &context(), &[point, negated], &mut rng).unwrap();
    assert_ne!(evaluated[0], evaluated[1]);
    assert_eq!(evaluated[0].montgomery_u(), evaluated[1].montgomery_u());
}

#[test]
fn list_epoch_type_identifier_and_key_each_change_the_tag() {
    let base = input(1);
    let variants = [
        base,
        Input {
            x: field(2),
            ..base
        },
        Input {
            kind: IdentifierType::Iban,
            ..base
        },
        Input {
            list: ListId(base.list.0 + 1),
            ..base
        },
        Input {
            tag_epoch: TagEpoch(base.tag_epoch.0 + 1),
            ..base
        },
        // The fields that are packed together, exchanged.
        Input {
            list: ListId(base.tag_epoch.0),
            tag_epoch: TagEpoch(base.list.0),
            ..base
        },
    ];
    let mut tags = Vec::new();
    for key in [key(1), key(2)] {
        for input in variants {
            let entry = Entry::identifier(input.kind, input.x);
            tags.extend(tag_batch(&key, &[entry], input.list, input.tag_epoch, &|_| {}).unwrap());
        }
    }
    let distinct: std::collections::BTreeSet<_> = tags.iter().collect();
    assert_eq!(distinct.len(), tags.len());
}

#[test]
fn the_same_identifier_is_never_sent_as_the_same_point() {
    let inputs = vec![input(1); 100];
    let (_, blinded) = blind(&inputs, &mut rng(1)).unwrap();
    let distinct: std::collections::BTreeSet<_> = blinded
        .iter()
        .map(|point| encode_field(&point.montgomery_u()))
        .collect();
    assert_eq!(distinct.len(), blinded.len());
}

#[test]
fn an_honest_proof_verifies_at_every_size() {
    for calls in [1, 2, 3, 100, MAX_BATCH] {
        assert_eq!(Answered::new(calls).verify(), Ok(()), "{calls} calls");
    }
}

#[test]
fn a_proof_holds_for_one_key_only() {
    let batch = Answered::new(3);
    let other = verify(
        &key(9).public(),
        &batch.context,
        &batch.blinded,
        &batch.evaluated,
        &batch.proof,
    );
    assert_eq!(other, Err(EvaluationError::WrongProof));
}

#[test]
fn a_proof_holds_for_one_context_only() {
    let batch = Answered::new(3);
    let honest = batch.context;
    let mut chain_id = honest.chain_id;
    chain_id[31] ^= 1;
    for context in [
        EvaluationContext { chain_id, ..honest },
        EvaluationContext {
            session: honest.session + 1,
            ..honest
        },
        EvaluationContext {
            sequence: honest.sequence + 1,
            ..honest
        },
        EvaluationContext {
            list: ListId(honest.list.0 + 1),
            ..honest
        },
        EvaluationContext {
            tag_epoch: TagEpoch(honest.tag_epoch.0 + 1),
            ..honest
        },
        // Neighbouring items, exchanged.
        EvaluationContext {
            session: honest.sequence,
            sequence: honest.session,
            ..honest
        },
    ] {
        let batch = Answered {
            context,
            ..Answered::new(3)
        };
        assert_eq!(
            batch.verify(),
            Err(EvaluationError::WrongProof),
            "{context:?}"
        );
    }
}

#[test]
fn swapped_replaced_or_rearranged_answers_are_refused() {
    let honest = Answered::new(4);
    let other = Answered::new(5);
    let tampered: [fn(&mut Answered, &Answered); 6] = [
        |batch, _| batch.evaluated.swap(0, 1),
        |batch, _| batch.blinded.swap(2, 3),
        // Pairs that are right one by one, in another order than was signed.
        |batch, _| {
            batch.blinded.swap(0, 1);
            batch.evaluated.swap(0, 1);
        },
        |batch, _| batch.evaluated[3] = batch.blinded[3],
        |batch, other| batch.evaluated[0] = other.evaluated[0],
        |batch, other| batch.proof = other.proof,
    ];
    for (number, tamper) in tampered.into_iter().enumerate() {
        let mut batch = Answered::new(4);
        assert_eq!(batch.verify(), Ok(()));
        tamper(&mut batch, &other);
        assert_eq!(
            batch.verify(),
            Err(EvaluationError::WrongProof),
            "tampering {number}"
        );
    }
    assert_eq!(honest.verify(), Ok(()));
}

#[test]
fn two_wrong_answers_that_cancel_out_are_refused() {
    // Z₀ + D and Z₁ − D have the right sum: equal weights would let them pass.
    let mut batch = Answered::new(2);
    let difference = batch.blinded[0];
    batch.evaluated[0] = add(&batch.evaluated[0], &difference);
    batch.evaluated[1] = add(&batch.evaluated[1], &negate(&difference));
    assert_eq!(batch.verify(), Err(EvaluationError::WrongProof));
}

#[test]
fn a_batch_is_neither_empty_nor_too_long_nor_answered_in_part() {
    let mut rng = rng(1);
    let key = key(1);
    let point = Point::generator();
    assert_eq!(
        evaluate(&key, &context(), &[], &mut rng).unwrap_err(),
        EvaluationError::Empty
    );
    assert_eq!(
        evaluate(&key, &context(), &[point; MAX_BATCH + 1], &mut rng).unwrap_err(),
        EvaluationError::TooLong {
            calls: MAX_BATCH + 1
        }
    );
    let mut batch = Answered::new(3);
    batch.evaluated.pop();
    assert_eq!(
        batch.verify(),
        Err(EvaluationError::LengthMismatch {
            blinded: 3,
            evaluated: 2
        })
    );
    let long = [point; MAX_BATCH + 1];
    assert_eq!(
        verify(&key.public(), &context(), &long, &long, &batch.proof),
        Err(EvaluationError::TooLong {
            calls: MAX_BATCH + 1
        })
    );
    assert_eq!(
        verify(&key.public(), &context(), &[], &[], &batch.proof),
        Err(EvaluationError::Empty)
    );
}

#[test]
fn no_tag_comes_from_an_answer_that_does_not_verify() {
    let batch = Answered::new(2);
    let other = key(9).public();
    let tags = finalize(
        &batch.states,
        &other,
        &batch.context,
        &batch.evaluated,
        &batch.proof,
    );
    assert_eq!(
        tags,
        Err(FinalizeError::Evaluation(EvaluationError::WrongProof))
    );
}

#[test]
fn every_single_bit_of_a_proof_counts() {
    let batch = Answered::new(1);
    let bytes = batch.proof.to_bytes();
    assert_eq!(DleqProof::from_bytes(&bytes), Ok(batch.proof));
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes;
        flipped[bit / 8] ^= 1 << (bit % 8);
        if let Ok(proof) = DleqProof::from_bytes(&flipped) {
            let batch = Answered {
                proof,
                ..Answered::new(1)
            };
            assert_eq!(
                batch.verify(),
                Err(EvaluationError::WrongProof),
                "bit {bit}"
            );
        }
    }
}

#[test]
fn a_proof_with_a_scalar_above_the_order_is_refused() {
    let mut bytes = Answered::new(1).proof.to_bytes();
    assert!(DleqProof::from_bytes(&bytes).is_ok());
    bytes[63] = 0xff;
    assert_eq!(DleqProof::from_bytes(&bytes), Err(ProofNotCanonical));
    assert!(borsh::from_slice::<DleqProof>(&bytes).is_err());
}

#[test]
fn two_proofs_of_one_statement_share_no_nonce() {
    // The same key, batch and context, and a random source that repeats itself or is stuck: the
    // response is t − c·k, so equal nonces show as equal proofs.
    let batch = Answered::new(1);
    let again = |context: &EvaluationContext, seed| {
        evaluate(&batch.key, context, &batch.blinded, &mut rng(seed))
            .unwrap()
            .1
    };
    assert_eq!(again(&batch.context, 7), again(&batch.context, 7));
    assert_ne!(again(&batch.context, 7), again(&batch.context, 8));
    let other = EvaluationContext {
        sequence: 99,
        ..batch.context
    };
    assert_ne!(again(&batch.context, 7), again(&other, 7));
}

#[test]
fn possession_of_a_key_is_proven_for_one_registration_only() {
    let key = key(1);
    let honest = KeyContext {
        chain_id: [1; 32],
        member: MemberId(1),
        list: ListId(2),
        tag_epoch: TagEpoch(3),
    };
    let proof = KeyProof::prove(&key, &honest, &mut rng(1));
    assert_eq!(proof.verify(&key.public(), &honest), Ok(()));
    assert_eq!(KeyProof::from_bytes(&proof.to_bytes()), Ok(proof));
    for context in [
        KeyContext {
            chain_id: [2; 32],
            ..honest
        },
        KeyContext {
            member: MemberId(2),
            ..honest
        },
        KeyContext {
            list: ListId(1),
            ..honest
        },
        KeyContext {
            tag_epoch: TagEpoch(4),
            ..honest
        },
    ] {
        assert_eq!(proof.verify(&key.public(), &context), Err(WrongKeyProof));
    }
    let stranger = common::key(2).public();
    assert_eq!(proof.verify(&stranger, &honest), Err(WrongKeyProof));
    let mut bytes = proof.to_bytes();
    bytes[32] ^= 1;
    let bent = KeyProof::from_bytes(&bytes).unwrap();
    assert_eq!(bent.verify(&key.public(), &honest), Err(WrongKeyProof));
}

#[test]
fn a_key_survives_its_bytes_and_never_prints() {
    let key = key(1);
    let secret = key.to_secret_bytes();
    let restored = ListKey::from_secret_bytes(&secret).unwrap();
    assert_eq!(restored.public(), key.public());
    assert_eq!(
        PublicKey::from_wire(&key.public().to_wire()),
        Ok(key.public())
    );
    let printed = format!("{key:?}");
    assert!(printed.contains("<redacted>"));
    assert!(!printed.contains(&hex::encode(*secret)));
    assert_eq!(
        ListKey::from_secret_bytes(&[0; 32]).unwrap_err(),
        KeyError::Secret
    );
    assert_eq!(
        ListKey::from_secret_bytes(&[0xff; 32]).unwrap_err(),
        KeyError::Secret
    );
}

#[test]
fn a_public_key_has_one_encoding_although_a_point_has_eight() {
    let wire = key(1).public().to_wire();
    // (0, −1) has order 2: adding it negates both coordinates.
    let twin = common::add_order_two(&wire);
    assert_eq!(Point::decode(&twin), Point::decode(&wire));
    assert_eq!(PublicKey::from_wire(&twin), Err(KeyError::Torsion));
}

#[test]
fn what_a_call_hides_never_prints() {
    let batch = Answered::new(1);
    let x = hex::encode(encode_field(&input(0).x));
    let r = hex::encode(*batch.states[0].blind().to_secret_bytes());
    for printed in [
        format!("{:?}", batch.states),
        format!("{:?}", input(0)),
        format!("{:?}", Entry::identifier(input(0).kind, input(0).x)),
    ] {
        assert!(printed.contains("<redacted>"), "{printed}");
        assert!(!printed.contains(&x) && !printed.contains(&r), "{printed}");
    }
}

#[test]
fn a_point_off_the_curve_is_refused() {
    let mut wire = Point::generator().encode();
    assert!(Point::decode(&wire).is_ok());
    wire.0[0] ^= 1;
    assert_eq!(Point::decode(&wire), Err(PointError::NotOnCurve));
    assert_eq!(
        Point::decode(&WirePoint([0; WIRE_POINT_BYTES])),
        Err(PointError::NotOnCurve)
    );
}

#[test]
fn the_identity_and_every_point_of_small_order_are_refused() {
    for wire in common::small_order_points() {
        assert_eq!(Point::decode(&wire), Err(PointError::SmallOrder));
    }
    assert_eq!(common::small_order_points().len(), 8);
}

#[test]
fn a_coordinate_above_the_modulus_is_refused() {
    let modulus =
        hex::decode("01000000fffffffffe5bfeff02a4bd5305d8a10908d83933487d9d2953a7ed73").unwrap();
    let generator = Point::generator().encode();
    for offset in [0, 32] {
        let mut wire = generator;
        wire.0[offset..offset + 32].copy_from_slice(&modulus);
        assert_eq!(
            Point::decode(&wire),
            Err(PointError::NotCanonical(FieldError::NotCanonical))
        );
        wire.0[offset..offset + 32].copy_from_slice(&[0xff; 32]);
        assert_eq!(
            Point::decode(&wire),
            Err(PointError::NotCanonical(FieldError::NotCanonical))
        );
    }
}

#[test]
fn a_batch_of_points_names_the_first_that_is_none() {
    let good = Point::generator().encode();
    let mut bad = good;
    bad.0[0] ^= 1;
    assert_eq!(
        Point::decode_batch(&[good; 3]).unwrap(),
        [Point::generator(); 3]
    );
    assert_eq!(
        Point::decode_batch(&[good, bad, bad]),
        Err((1, PointError::NotOnCurve))
    );
    let identity = common::small_order_points()[0];
    assert_eq!(
        Point::decode_batch(&[good, good, identity]),
        Err((2, PointError::SmallOrder))
    );
}

#[test]
fn every_blind_that_is_drawn_splits_into_short_odd_numbers() {
    let inputs = vec![input(1); 300];
    let (states, _) = blind(&inputs, &mut rng(3)).unwrap();
    for state in &states {
        let split = state.blind().split_vartime().unwrap();
        let r = common::integer(&*state.blind().to_secret_bytes());
        let (a, b) = (common::half(&split.a), common::half(&split.b));
        for part in [&a, &b] {
            assert!(part.magnitude().bits() <= 130 && part.magnitude().bit(0));
        }
        let order = num_bigint::BigInt::from(common::order());
        let difference = a - b * num_bigint::BigInt::from(r);
        assert!((difference % order).magnitude().bits() == 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn points_survive_the_wire(seed: u64) {
        let mut rng = rng(seed);
        let inputs: Vec<Input> = (0..8).map(|_| input(rng.r#gen())).collect();
        let (_, points) = blind(&inputs, &mut rng).unwrap();
        let wire = Point::encode_batch(&points);
        let decoded = Point::decode_batch(&wire).unwrap();
        prop_assert_eq!(&decoded, &points);
        prop_assert_eq!(Point::encode_batch(&decoded), wire);
    }

    #[test]
    fn bytes_are_a_point_or_an_error_and_never_a_panic(low: [u8; 32], high: [u8; 32]) {
        let mut bytes = [0; 64];
        bytes[..32].copy_from_slice(&low);
        bytes[32..].copy_from_slice(&high);
        prop_assert!(Point::decode(&WirePoint(bytes)).is_err());
        let _ = DleqProof::from_bytes(&bytes);
    }
}

fn negate(point: &Point) -> Point {
    let mut wire = point.encode();
    let mut x = [0; 32];
    x.copy_from_slice(&wire.0[..32]);
    let x = tacit_circuits::curve::decode_field(&x).unwrap();
    wire.0[..32].copy_from_slice(&encode_field(&-x));
    Point::decode(&wire).unwrap()
}

fn add(a: &Point, b: &Point) -> Point {
    Point::decode(&common::add_wire(&a.encode(), &b.encode())).unwrap()
}

#[test]
fn an_owner_blinds_its_own_entries_and_padding_among_them() {
    let mut rng = rng(77);
    let key = ListKey::generate(&mut rng);
    let context = context();
    let entries = [
        Entry::identifier(IdentifierType::Phone, field(1)),
        Entry::padding(&mut rng),
    ];
    let (list, epoch) = (context.list, context.tag_epoch);
    let (states, blinded) = blind_entries(&entries, list, epoch, &mut rng).unwrap();
    let (evaluated, proof) = evaluate(&key, &context, &blinded, &mut rng).unwrap();
    let tags = finalize(&states, &key.public(), &context, &evaluated, &proof);
    let own = tag_batch(&key, &entries, list, epoch, &|_| {});
    assert_eq!(tags.unwrap(), own.unwrap());
}

#[test]
fn a_blind_survives_its_bytes_and_only_a_scalar_that_is_not_zero_is_one() {
    let (states, _) = blind(&[input(1)], &mut rng(78)).unwrap();
    let bytes = states[0].blind().to_secret_bytes();
    let restored = Blind::from_secret_bytes(&bytes).unwrap();
    assert_eq!(restored.to_secret_bytes(), bytes);
    assert!(restored.split_vartime().is_some());
    let mut order = [0; 32];
    order.copy_from_slice(&common::order().to_bytes_le());
    for refused in [[0; 32], order, [0xff; 32]] {
        assert_eq!(Blind::from_secret_bytes(&refused).unwrap_err(), NoBlind);
    }
}
