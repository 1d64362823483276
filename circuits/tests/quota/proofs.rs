//! The proofs beside transfers: keys, burns, changes of keys, disclosures, and batches of all.

use tacit_circuits::quota::transfer::{Kind, ProveError, equation};
use tacit_circuits::quota::{
    BurnProof, BurnStatement, Ciphertext, Disclosure, Element, KeyChange, KeyChangeStatement,
    NotTheValue, Opening, QuotaKey, QuotaKeyProof, QuotaPublicKey, verify_batch,
};

use super::world::{CONTEXT, Case, key, keys, parties, rng};

const OTHER_CONTEXT: [u8; 32] = [8; 32];

#[test]
fn a_key_is_registered_by_who_knows_it_in_one_context() {
    let proof = QuotaKeyProof::prove(&key(1), &CONTEXT, &mut rng(1));
    assert!(proof.verify(&key(1).public(), &CONTEXT).is_ok());
    assert!(proof.verify(&key(1).public(), &OTHER_CONTEXT).is_err());
    assert!(proof.verify(&key(2).public(), &CONTEXT).is_err());
    assert!(proof.verify(&QuotaPublicKey::nobody(), &CONTEXT).is_err());
}

#[test]
fn keys_differ_by_material_and_generation() {
    let all = [
        QuotaKey::derive(&[1; 32], 0),
        QuotaKey::derive(&[1; 32], 1),
        QuotaKey::derive(&[2; 32], 0),
    ];
    let publics: std::collections::HashSet<_> = all.iter().map(QuotaKey::public).collect();
    assert_eq!(publics.len(), all.len());
    assert_eq!(QuotaKey::derive(&[1; 32], 1).public(), all[1].public());
    assert!(format!("{:?}", all[0]).contains("redacted"));
}

#[test]
fn only_what_is_there_is_burnt() {
    let mut rng = rng(2);
    let public = key(1).public();
    let source = Opening::random(900, &mut rng)
        .seal(&[public])
        .plus_public(1 << 48);
    let held = (1 << 48) + 900;
    let statement = |amount_minor, context, source| BurnStatement {
        context,
        key: &public,
        source,
        amount_minor,
    };
    for amount in [0, 20, 1 << 40, held] {
        let statement = statement(amount, CONTEXT, &source);
        let proof = BurnProof::prove(&statement, &key(1), held, &mut rng).unwrap();
        proof.verify(&statement).unwrap();
    }
    let true_one = statement(20, CONTEXT, &source);
    let proof = BurnProof::prove(&true_one, &key(1), held, &mut rng).unwrap();
    let less = source.minus_public(1);
    for (name, false_one) in [
        ("amount", statement(21, CONTEXT, &source)),
        ("context", statement(20, OTHER_CONTEXT, &source)),
        ("source", statement(20, CONTEXT, &less)),
    ] {
        assert!(proof.verify(&false_one).is_err(), "{name}");
    }
    let more = statement(held + 1, CONTEXT, &source);
    let refused = BurnProof::prove(&more, &key(1), held, &mut rng).unwrap_err();
    assert_eq!(refused, ProveError::Exhausted);
    let refused = BurnProof::prove(&more, &key(1), held + 1, &mut rng).unwrap_err();
    assert_eq!(refused, ProveError::Source);
    let refused = BurnProof::prove(&more, &key(2), held, &mut rng).unwrap_err();
    assert_eq!(refused, ProveError::Key);
}

#[test]
fn handles_move_to_the_next_key_and_to_no_other() {
    let mut rng = rng(3);
    let (old, new, third) = (key(1), QuotaKey::derive(&[1; 32], 1), key(3));
    let (old_public, new_public) = (old.public(), new.public());
    let available = Opening::random(900, &mut rng).seal(&[old_public]);
    let pending = Opening::random(7, &mut rng).seal(&[old_public]);
    let statement = KeyChangeStatement {
        context: CONTEXT,
        old: &old_public,
        new: &new_public,
        handles: [available.handles[0], pending.handles[0]],
    };
    let change = KeyChange::prove(&statement, &old, &new, &mut rng);
    change.verify(&statement).unwrap();
    for (ciphertext, handle, value) in [
        (available, change.handles[0], 900),
        (pending, change.handles[1], 7),
    ] {
        let moved = Ciphertext {
            handles: [handle],
            ..ciphertext
        };
        assert!(moved.opens_to(&new, value));
        assert!(!moved.opens_to(&old, value));
    }

    // Relation 1: the old key is another's.
    let wrong = KeyChange::prove(&statement, &third, &new, &mut rng);
    assert!(wrong.verify(&statement).is_err());
    // Relation 2: the new key is another's.
    let wrong = KeyChange::prove(&statement, &old, &third, &mut rng);
    assert!(wrong.verify(&statement).is_err());
    // Relation 3: each handle is the new key's for this blinding.
    for place in 0..2 {
        let mut wrong = change.clone();
        wrong.handles[place] = wrong.handles[place] + wrong.handles[place];
        assert!(wrong.verify(&statement).is_err());
        let mut wrong = change.clone();
        wrong.handles[place] = Element::identity();
        assert!(wrong.verify(&statement).is_err());
    }
    let mut swapped = change.clone();
    swapped.handles.swap(0, 1);
    assert!(swapped.verify(&statement).is_err());
    let mut elsewhere = statement;
    elsewhere.context = OTHER_CONTEXT;
    assert!(change.verify(&elsewhere).is_err());
}

#[test]
fn a_disclosure_shows_one_value_of_one_ciphertext() {
    let mut rng = rng(4);
    let opening = Opening::random(1_234, &mut rng);
    let sealed = opening.seal(&parties());
    for (place, key) in keys().iter().enumerate() {
        let seen = sealed.select([place]);
        let disclosure = Disclosure::prove(CONTEXT, key, &seen, 1_234, &mut rng).unwrap();
        disclosure.verify().unwrap();
        let refused = Disclosure::prove(CONTEXT, key, &seen, 1_235, &mut rng);
        assert_eq!(refused.unwrap_err(), NotTheValue);

        let altered = |change: &dyn Fn(&mut Disclosure)| {
            let mut altered = disclosure.clone();
            change(&mut altered);
            altered.verify().is_err()
        };
        assert!(altered(&|disclosure| disclosure.value_minor += 1));
        assert!(altered(&|disclosure| disclosure.context = OTHER_CONTEXT));
        assert!(altered(
            &|disclosure| disclosure.key = keys()[(place + 1) % 3].public()
        ));
        // A higher value in a commitment that holds it: the proof is of the other one.
        assert!(altered(&|disclosure| {
            disclosure.value_minor += 1;
            disclosure.ciphertext = disclosure.ciphertext.plus_public(1);
        }));
    }
    // A sum that never had a handle is bare, and shown all the same.
    let bare = Ciphertext::<1>::zero().plus_public(5);
    let disclosure = Disclosure::prove(CONTEXT, &key(1), &bare, 5, &mut rng).unwrap();
    let read = Disclosure::from_bytes(&disclosure.to_bytes()).unwrap();
    assert_eq!(read, disclosure);
    read.verify().unwrap();
}

#[test]
fn a_batch_mixes_all_proofs_and_names_the_wrong_ones() {
    let mut rng = rng(5);
    let (owner, next) = (key(1), QuotaKey::derive(&[1; 32], 1));
    let (public, next_public) = (owner.public(), next.public());
    let source = Opening::random(900, &mut rng).seal(&[public]);
    let burn = BurnStatement {
        context: CONTEXT,
        key: &public,
        source: &source,
        amount_minor: 900,
    };
    let change = KeyChangeStatement {
        context: CONTEXT,
        old: &public,
        new: &next_public,
        handles: [source.handles[0]; 2],
    };
    let (open, settle) = (
        Case::new(Kind::Open, 5_000, 7, 1),
        Case::new(Kind::Settle, 5_000, 7, 2),
    );
    let burn_proof = BurnProof::prove(&burn, &owner, 900, &mut rng).unwrap();
    let mut equations = vec![
        QuotaKeyProof::prove(&owner, &CONTEXT, &mut rng).equation(&public, &CONTEXT),
        equation(&open.statement(), &open.transfer.proof),
        burn_proof.equation(&burn),
        KeyChange::prove(&change, &owner, &next, &mut rng).equation(&change),
        equation(&settle.statement(), &settle.transfer.proof),
        Disclosure::prove(CONTEXT, &owner, &source, 900, &mut rng)
            .unwrap()
            .equation(),
    ];
    verify_batch(&equations).unwrap();
    let mut other = burn;
    other.amount_minor = 899;
    equations[2] = burn_proof.equation(&other);
    equations[5] = QuotaKeyProof::prove(&next, &CONTEXT, &mut rng).equation(&public, &CONTEXT);
    assert_eq!(verify_batch(&equations).unwrap_err().0, vec![2, 5]);
}
