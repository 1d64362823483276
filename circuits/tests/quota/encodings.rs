//! Every byte of a proof counts, and each value has one encoding.

use tacit_circuits::quota::transfer::{Kind, Transfer, verify};
use tacit_circuits::quota::{
    BurnProof, BurnStatement, Disclosure, Element, EncodingError, KeyChange, KeyChangeStatement,
    OPENING_BYTES, Opening, QuotaKeyProof, QuotaPublicKey,
};

use super::world::{CONTEXT, Case, KINDS, key, rng};

/// The order of the group, which is no scalar.
const ORDER: &str = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";

fn order() -> [u8; 32] {
    hex::decode(ORDER).unwrap().try_into().unwrap()
}

#[test]
fn a_transfer_with_any_byte_altered_is_refused() {
    // What opens a session has the same parts in other numbers: every seventh byte of it.
    for (kind, step) in [(Kind::Settle, 1), (Kind::Open, 7)] {
        let case = Case::new(kind, 5_000, 1_200, 3);
        let bytes = case.transfer.to_bytes();
        for place in (0..bytes.len()).step_by(step) {
            let mut altered = bytes.clone();
            altered[place] ^= 1 << (place % 8);
            let accepted = Transfer::from_bytes(kind, &altered).is_ok_and(|transfer| {
                let mut statement = case.statement();
                statement.amount = &transfer.amount;
                verify(&statement, &transfer.proof).is_ok()
            });
            assert!(!accepted, "byte {place} of {kind:?}");
        }
    }
}

#[test]
fn a_transfer_of_another_length_or_kind_is_refused() {
    for kind in KINDS {
        let expected = kind.transfer_bytes();
        let bytes = Case::new(kind, 5_000, 1_200, 3).transfer.to_bytes();
        let mut long = bytes.clone();
        long.push(0);
        for wrong in [&bytes[..expected - 1], &long, &[]] {
            let found = wrong.len();
            assert_eq!(
                Transfer::from_bytes(kind, wrong).unwrap_err(),
                EncodingError::Length { expected, found }
            );
        }
    }
}

#[test]
fn no_part_of_a_transfer_is_the_identity() {
    for kind in KINDS {
        let case = Case::new(kind, 5_000, 1_200, 3);
        let bytes = case.transfer.to_bytes();
        let mut elements = 0;
        for from in (0..bytes.len()).step_by(32) {
            let mut altered = bytes.clone();
            altered[from..from + 32].fill(0);
            // Zeros are also the scalar 0.
            match Transfer::from_bytes(kind, &altered) {
                Err(error) => {
                    assert_eq!(error, EncodingError::Identity);
                    elements += 1;
                }
                Ok(transfer) => assert!(verify(&case.statement(), &transfer.proof).is_err()),
            }
        }
        // Amount and handles, limbs, six rows, A, S, T₁, T₂, and two of each halving.
        let limbs_and_halvings = if kind == Kind::Open { 2 + 14 } else { 1 + 12 };
        assert_eq!(elements, 4 + limbs_and_halvings + 6 + 4);
    }
}

#[test]
fn what_is_not_canonical_is_refused() {
    assert_eq!(
        Element::from_bytes(&[0xff; 32]),
        Err(EncodingError::Element)
    );
    // p, which is 0 again, and a negative field element.
    let mut p = [0xff; 32];
    (p[0], p[31]) = (0xed, 0x7f);
    assert_eq!(Element::from_bytes(&p), Err(EncodingError::Element));
    let mut one = [0; 32];
    one[0] = 1;
    assert_eq!(Element::from_bytes(&one), Err(EncodingError::Element));
    assert_eq!(
        QuotaPublicKey::from_bytes(&[0; 32]),
        Err(EncodingError::Identity)
    );
    assert!(Element::from_bytes(&[0; 32]).unwrap().is_identity());

    let mut proof = QuotaKeyProof::prove(&key(1), &CONTEXT, &mut rng(1)).to_bytes();
    assert!(QuotaKeyProof::from_bytes(&proof).is_ok());
    proof[32..].copy_from_slice(&order());
    assert_eq!(
        QuotaKeyProof::from_bytes(&proof),
        Err(EncodingError::Scalar)
    );
    let mut opening = [0; OPENING_BYTES];
    opening[4..].copy_from_slice(&order());
    assert!(Opening::from_secret_bytes(&opening).is_err());
}

#[test]
fn the_smaller_proofs_with_any_byte_altered_are_refused() {
    let mut rng = rng(6);
    let (key, next) = (key(1), key(4));
    let public = key.public();
    let source = Opening::random(900, &mut rng).seal(&[public]);
    let altered = |bytes: &[u8], holds: &dyn Fn(&[u8]) -> bool| {
        assert!(holds(bytes));
        for place in 0..bytes.len() {
            let mut altered = bytes.to_vec();
            altered[place] ^= 1 << (place % 8);
            assert!(!holds(&altered), "byte {place}");
        }
    };

    let proof = QuotaKeyProof::prove(&key, &CONTEXT, &mut rng);
    altered(&proof.to_bytes(), &|bytes| {
        QuotaKeyProof::from_bytes(bytes.try_into().unwrap())
            .is_ok_and(|proof| proof.verify(&public, &CONTEXT).is_ok())
    });
    let disclosure = Disclosure::prove(CONTEXT, &key, &source, 900, &mut rng).unwrap();
    altered(&disclosure.to_bytes(), &|bytes| {
        Disclosure::from_bytes(bytes).is_ok_and(|disclosure| disclosure.verify().is_ok())
    });
    let statement = KeyChangeStatement {
        context: CONTEXT,
        old: &public,
        new: &next.public(),
        handles: [source.handles[0], Element::identity()],
    };
    let change = KeyChange::prove(&statement, &key, &next, &mut rng);
    altered(&change.to_bytes(), &|bytes| {
        KeyChange::from_bytes(bytes.try_into().unwrap())
            .is_ok_and(|change| change.verify(&statement).is_ok())
    });
    let statement = BurnStatement {
        context: CONTEXT,
        key: &public,
        source: &source,
        amount_minor: 20,
    };
    let proof = BurnProof::prove(&statement, &key, 900, &mut rng).unwrap();
    altered(&proof.to_bytes(), &|bytes| {
        BurnProof::from_bytes(bytes).is_ok_and(|proof| proof.verify(&statement).is_ok())
    });
}

#[test]
fn openings_and_records_come_back_from_their_bytes() {
    let opening = Opening::random(77, &mut rng(7));
    let again = Opening::from_secret_bytes(&opening.to_secret_bytes()).unwrap();
    assert_eq!(again.amount_minor(), 77);
    let sealed = opening.seal(&[key(1).public()]);
    assert_eq!(again.seal(&[key(1).public()]), sealed);
    let bytes = borsh::to_vec(&sealed).unwrap();
    assert_eq!(bytes, sealed.to_vec());
    assert_eq!(
        borsh::from_slice::<tacit_circuits::quota::Ciphertext<1>>(&bytes).unwrap(),
        sealed
    );
}
