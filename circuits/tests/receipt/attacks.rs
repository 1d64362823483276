//! A proof of one statement passed off as that of another, and what is no proof at all.

use std::sync::LazyLock;

use ark_bls12_381::{Bls12_381, Fr, G1Affine, G2Affine};
use ark_ec::CurveGroup;
use ark_ff::{One, UniformRand};
use ark_groth16::Groth16;
use ark_serialize::{CanonicalDeserialize, CanonicalSerialize};
use tacit_circuits::curve::Field;
use tacit_circuits::identifier::IdentifierType;
use tacit_circuits::list::Presence;
use tacit_circuits::receipt::{
    Claim, ContextHash, PROOF_BYTES, Proof, ProofError, Statement, SubjectCommitment, Verifier,
    VerifyError,
};

use crate::common::rng;
use crate::system;
use crate::world::{PROVER, World};

struct Proven {
    hit: (Statement, Proof),
    miss: (Statement, Proof),
    sample: (Statement, Proof),
}

static PROVEN: LazyLock<Proven> = LazyLock::new(|| {
    let mut world = World::new(41, 9);
    let prove = |witness| PROVER.prove(&witness, &mut rng(42)).unwrap();
    Proven {
        hit: prove(world.ask_listed(3)),
        miss: prove(world.ask_stranger()),
        sample: prove(world.sample(14)),
    }
});

fn verifier() -> &'static Verifier {
    PROVER.verifier()
}

const REFUSED: Result<(), VerifyError> = Err(VerifyError::DoesNotHold);

#[test]
fn a_proof_proves_no_other_statement() {
    let refuse = |(statement, proof): &(Statement, Proof), change: fn(&mut Statement)| {
        assert_eq!(verifier().verify(statement, proof), Ok(()));
        let mut other = *statement;
        change(&mut other);
        assert_ne!(other, *statement);
        assert_eq!(verifier().verify(&other, proof), REFUSED, "{other:?}");
    };
    let flip = |statement: &mut Statement| {
        if let Claim::Answer { presence, .. } = &mut statement.claim {
            *presence = match presence {
                Presence::Listed => Presence::NotListed,
                Presence::NotListed => Presence::Listed,
            };
        }
    };
    refuse(&PROVEN.hit, flip);
    refuse(&PROVEN.miss, flip);
    for answered in [&PROVEN.hit, &PROVEN.miss, &PROVEN.sample] {
        refuse(answered, |s| s.list.0 ^= 1);
        refuse(answered, |s| s.tag_epoch.0 ^= 1);
        refuse(answered, |s| s.querier.0 ^= 1);
        refuse(answered, |s| s.log_root += Field::one());
        refuse(answered, |s| s.list_root += Field::one());
        refuse(answered, |s| s.context.0[0] ^= 1);
        refuse(answered, |s| s.context.0[30] ^= 0x80);
        refuse(answered, |s| {
            let mut bytes = s.commitment.to_bytes();
            bytes[0] ^= 1;
            s.commitment = SubjectCommitment::from_bytes(&bytes).unwrap();
        });
    }
    refuse(&PROVEN.miss, |s| {
        if let Claim::Answer { kind, .. } = &mut s.claim {
            let other = kind.code() % 9 + 1;
            *kind = IdentifierType::from_code(other).unwrap();
        }
    });
    refuse(&PROVEN.sample, |s| {
        if let Claim::SampledEntry { slot } = &mut s.claim {
            *slot += 1;
        }
    });
    refuse(&PROVEN.hit, |s| s.claim = Claim::SampledEntry { slot: 0 });
    refuse(&PROVEN.sample, |s| {
        s.claim = Claim::Answer {
            kind: IdentifierType::Phone,
            presence: Presence::Listed,
        };
    });
}

/// Proofs about two calls, exchanged.
#[test]
fn a_proof_of_another_call_does_not_serve() {
    let (hit, miss) = (PROVEN.hit, PROVEN.miss);
    assert_eq!(verifier().verify(&hit.0, &miss.1), REFUSED);
    assert_eq!(verifier().verify(&miss.0, &hit.1), REFUSED);
}

#[test]
fn of_a_context_31_bytes_are_proven_about() {
    let context = ContextHash([0xff; 32]);
    let mut last = context;
    last.0[31] = 0;
    assert_eq!(context.to_field(), last.to_field());
    for byte in 0..31 {
        let mut other = context;
        other.0[byte] ^= 1;
        assert_ne!(context.to_field(), other.to_field());
    }
}

#[test]
fn the_sign_of_h_changes_no_statement() {
    let (statement, mut assignment) = World::new(43, 3).ask_listed(0).assign().unwrap();
    // −H with −B, or with the digits of −a; −N with −Z.
    assignment.hashed.y = -assignment.hashed.y;
    assert!(!system::accepts(&assignment));
    let mut flipped = assignment.clone();
    flipped.blinded.y = -flipped.blinded.y;
    assert!(system::accepts(&flipped));
    assert_eq!(flipped.check(), Ok(()));
    flipped.unblinded.y = -flipped.unblinded.y;
    flipped.evaluated.y = -flipped.evaluated.y;
    assert!(system::accepts(&flipped));
    assert_eq!(flipped.public, statement.public_inputs());
    let mut negated = assignment.clone();
    negated.a = negated.a.map(|digit| !digit);
    negated.evaluated.y = -negated.evaluated.y;
    assert!(system::accepts(&negated));
}

/// One path leads to an empty slot: nothing hashes to 0, so that no leaf is there.
#[test]
fn an_empty_slot_holds_no_leaf_and_no_call() {
    let mut world = World::new(44, 5);
    let (_, assignment) = world.ask_stranger().assign().unwrap();
    // Behind the last leaf of the list and of the log, below the same parent or another.
    for slot in [11, 12, 20, 1 << 20] {
        let mut moved = assignment.clone();
        moved.list_path.slot = slot;
        assert!(moved.check().is_err() && !system::accepts(&moved));
        let mut moved = assignment.clone();
        moved.log_path.slot += slot;
        assert!(moved.check().is_err() && !system::accepts(&moved));
    }
}

#[test]
fn too_many_or_too_few_inputs_are_refused() {
    let (statement, proof) = PROVEN.hit;
    let mut inputs = statement.public_inputs().to_vec();
    assert_eq!(verifier().verify_inputs(&inputs, &proof), Ok(()));
    for extra in [Field::default(), Field::one()] {
        inputs.push(extra);
        let refused = verifier().verify_inputs(&inputs, &proof);
        assert_eq!(refused, Err(VerifyError::InputCount));
        inputs.pop();
    }
    inputs.pop();
    let refused = verifier().verify_inputs(&inputs, &proof);
    assert_eq!(refused, Err(VerifyError::InputCount));
    let refused = verifier().verify_inputs(&[], &proof);
    assert_eq!(refused, Err(VerifyError::InputCount));
}

fn parts(proof: &Proof) -> ark_groth16::Proof<Bls12_381> {
    ark_groth16::Proof::deserialize_compressed(&proof.0[..]).unwrap()
}

fn bytes(proof: &ark_groth16::Proof<Bls12_381>) -> Proof {
    let mut bytes = Vec::new();
    proof.serialize_compressed(&mut bytes).unwrap();
    Proof(bytes.try_into().unwrap())
}

#[test]
fn a_valid_proof_becomes_another_and_so_identifies_nothing() {
    let (statement, proof) = PROVEN.hit;
    let key = PROVER.key();
    let vk = key.verifying_key().parameters();
    let other = Groth16::<Bls12_381>::rerandomize_proof(vk, &parts(&proof), &mut rng(5));
    let other = bytes(&other);
    assert_ne!(other, proof);
    assert_eq!(verifier().verify(&statement, &other), Ok(()));
    // So does −A, −B.
    let negated = ark_groth16::Proof {
        a: -parts(&proof).a,
        b: -parts(&proof).b,
        c: parts(&proof).c,
    };
    assert_eq!(verifier().verify(&statement, &bytes(&negated)), Ok(()));
}

#[test]
fn changed_elements_are_refused() {
    let (statement, proof) = PROVEN.hit;
    let factor = Fr::rand(&mut rng(6));
    let original = parts(&proof);
    let scale = |p: G1Affine| (p * factor).into_affine();
    let changes = [
        ark_groth16::Proof {
            a: scale(original.a),
            ..original.clone()
        },
        ark_groth16::Proof {
            b: (original.b * factor).into_affine(),
            ..original.clone()
        },
        ark_groth16::Proof {
            c: scale(original.c),
            ..original.clone()
        },
        ark_groth16::Proof {
            a: -original.a,
            ..original.clone()
        },
        ark_groth16::Proof {
            a: original.c,
            b: original.b,
            c: original.a,
        },
    ];
    for changed in changes {
        let changed = bytes(&changed);
        assert_eq!(changed.check(), Ok(()));
        assert_eq!(verifier().verify(&statement, &changed), REFUSED);
    }
}

#[test]
fn bytes_that_are_no_proof_are_refused_as_such() {
    let (statement, proof) = PROVEN.hit;
    let refuse = |change: &dyn Fn(&mut [u8; PROOF_BYTES]), element: char| {
        let mut bytes = proof.0;
        change(&mut bytes);
        let malformed = Proof(bytes);
        assert_eq!(malformed.check(), Err(ProofError { element }));
        assert_eq!(
            verifier().verify(&statement, &malformed),
            Err(VerifyError::Malformed(ProofError { element }))
        );
    };
    for (from, to, element) in [(0, 48, 'A'), (48, 144, 'B'), (144, 192, 'C')] {
        // The identity, in its encoding and in others.
        for flags in [0xc0, 0x40, 0xe0] {
            refuse(
                &move |b| {
                    b[from..to].fill(0);
                    b[from] = flags;
                },
                element,
            );
        }
        // The point as if it were not compressed; all zeros; all ones.
        refuse(&move |b| b[from] &= 0x7f, element);
        refuse(&move |b| b[from..to].fill(0), element);
        refuse(&move |b| b[from..to].fill(0xff), element);
        // An identity that carries a point.
        refuse(&move |b| b[from] |= 0x40, element);
    }
    // x + the modulus of the base field: the same point, were it not refused.
    refuse(&add_modulus, 'A');
    // A point of the curve outside the subgroup.
    let mut x = ark_bls12_381::Fq::one();
    let outside = loop {
        let point = G1Affine::get_point_from_x_unchecked(x, false);
        if let Some(point) = point
            && !point.is_in_correct_subgroup_assuming_on_curve()
        {
            break point;
        }
        x += ark_bls12_381::Fq::one();
    };
    let mut encoded = Vec::new();
    outside.serialize_compressed(&mut encoded).unwrap();
    refuse(&|b| b[..48].copy_from_slice(&encoded), 'A');
    refuse(&|b| b[144..].copy_from_slice(&encoded), 'C');
    let mut x = ark_bls12_381::Fq2::one();
    let outside = loop {
        let point = G2Affine::get_point_from_x_unchecked(x, false);
        if let Some(point) = point
            && !point.is_in_correct_subgroup_assuming_on_curve()
        {
            break point;
        }
        x += ark_bls12_381::Fq2::one();
    };
    let mut encoded = Vec::new();
    outside.serialize_compressed(&mut encoded).unwrap();
    refuse(&|b| b[48..144].copy_from_slice(&encoded), 'B');
}

/// Adds the base field's modulus to A's x, where the sum fits beside the flags, as it does for every
/// fourth x or so; else makes it the modulus itself, which stands for 0.
fn add_modulus(bytes: &mut [u8; PROOF_BYTES]) {
    use ark_ff::{BigInteger, PrimeField};
    let modulus = ark_bls12_381::Fq::MODULUS.to_bytes_be();
    let flags = bytes[0] & 0xe0;
    bytes[0] &= 0x1f;
    let mut carry = 0;
    let mut sum = [0_u8; 48];
    for place in (0..48).rev() {
        let digit = u16::from(bytes[place]) + u16::from(modulus[place]) + carry;
        sum[place] = digit as u8;
        carry = digit >> 8;
    }
    if carry != 0 || sum[0] & 0xe0 != 0 {
        sum.copy_from_slice(&modulus);
    }
    bytes[..48].copy_from_slice(&sum);
    bytes[0] |= flags;
}

#[test]
fn statements_with_field_elements_that_are_not_canonical_are_refused() {
    let (statement, _) = PROVEN.hit;
    let bytes = borsh::to_vec(&statement).unwrap();
    assert!(bytes.len() <= tacit_circuits::receipt::MAX_STATEMENT_BYTES);
    assert_eq!(borsh::from_slice::<Statement>(&bytes).unwrap(), statement);
    let length = bytes.len();
    // The commitment, and from the end: context, list root, log root.
    for from in [0, length - 96, length - 64] {
        let mut other = bytes.clone();
        other[from..from + 32].fill(0xff);
        assert!(borsh::from_slice::<Statement>(&other).is_err());
    }
    assert!(SubjectCommitment::from_bytes(&[0xff; 32]).is_err());
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(borsh::from_slice::<Statement>(&longer).is_err());
    for cut in 0..length {
        assert!(borsh::from_slice::<Statement>(&bytes[..cut]).is_err());
    }
}
