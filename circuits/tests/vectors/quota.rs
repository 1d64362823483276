//! Quota, from libsodium's ristretto255.

use serde_json::Value;
use tacit_circuits::quota::transfer::{Kind, Statement, Transfer, verify};
use tacit_circuits::quota::{
    BurnProof, BurnStatement, Ciphertext, Disclosure, Element, KeyChange, KeyChangeStatement,
    OPENING_BYTES, Opening, QuotaKey, QuotaKeyProof, QuotaPublicKey, blinding_generator,
    value_generator,
};

use super::{Scripted, array, bytes, entries, file, number, text};

fn element(value: &Value) -> Element {
    Element::from_bytes(&array(value)).unwrap()
}

fn keys() -> [QuotaKey; 3] {
    [1, 2, 3].map(|number| QuotaKey::derive(&[number; 32], 0))
}

fn parties() -> [QuotaPublicKey; 3] {
    keys().map(|key| key.public())
}

fn source(value: &Value) -> Ciphertext<1> {
    Ciphertext {
        commitment: element(&value["source"][0]),
        handles: [element(&value["source"][1])],
    }
}

#[test]
fn generators_and_keys_are_those_of_another_implementation() {
    let file = file("quota.json");
    assert_eq!(value_generator(), element(&file["G"]));
    assert_eq!(blinding_generator(), element(&file["H"]));
    assert_eq!(QuotaPublicKey::nobody().to_bytes(), array(&file["nobody"]));
    for case in entries(&file, "keys") {
        let key = QuotaKey::derive(&array(&case["material"]), number(&case["generation"]));
        assert_eq!(key.public().to_bytes(), array(&case["P"]));
    }
}

#[test]
fn amounts_are_sealed_as_another_implementation_does() {
    let file = file("quota.json");
    for case in entries(&file, "sealed") {
        let value: u32 = number(&case["value"]);
        let mut opening = [0; OPENING_BYTES];
        opening[..4].copy_from_slice(&value.to_le_bytes());
        opening[4..].copy_from_slice(&bytes(&case["blinding"]));
        let opening = Opening::from_secret_bytes(&opening).unwrap();
        let sealed = opening.seal(&parties());
        assert_eq!(sealed.to_vec(), bytes(&case["ciphertext"]));
        for (place, key) in keys().iter().enumerate() {
            assert!(sealed.select([place]).opens_to(key, value.into()));
        }
    }
}

#[test]
fn sigma_proofs_are_made_as_another_implementation_does() {
    let file = file("quota.json");
    let context = array(&file["context"]);
    let scripted = || Scripted::new(bytes(&file["randomness"]));
    let [key, ..] = keys();
    let public = key.public();

    let mut rng = scripted();
    let proof = QuotaKeyProof::prove(&key, &context, &mut rng);
    assert!(rng.is_used_up());
    assert_eq!(proof.to_bytes(), array(&file["possession"]));
    proof.verify(&public, &context).unwrap();

    let expected = bytes(&file["disclosure"]);
    let read = Disclosure::from_bytes(&expected).unwrap();
    read.verify().unwrap();
    let (ciphertext, value) = (read.ciphertext, read.value_minor);
    let made = Disclosure::prove(context, &key, &ciphertext, value, &mut scripted()).unwrap();
    assert_eq!(made.to_bytes(), expected);

    let new = QuotaKey::derive(&[1; 32], 1);
    let handles = file["key_change"]["handles"].as_array().unwrap();
    let statement = KeyChangeStatement {
        context,
        old: &public,
        new: &new.public(),
        handles: [element(&handles[0]), element(&handles[1])],
    };
    let change = KeyChange::prove(&statement, &key, &new, &mut scripted());
    assert_eq!(change.to_bytes(), array(&file["key_change"]["change"]));
    change.verify(&statement).unwrap();
}

#[test]
fn transfers_of_another_implementation_hold_in_their_context_alone() {
    let file = file("quota.json");
    let parties = parties();
    for case in entries(&file, "transfers") {
        let kind = match text(&case["kind"]) {
            "open" => Kind::Open,
            _ => Kind::Settle,
        };
        let bytes = bytes(&case["transfer"]);
        let transfer = Transfer::from_bytes(kind, &bytes).unwrap();
        assert_eq!(transfer.to_bytes(), bytes);
        let source = source(case);
        let holds = |context: &Value, source: &Ciphertext<1>| {
            let statement = Statement {
                kind,
                context: array(context),
                parties: &parties,
                source,
                amount: &transfer.amount,
            };
            verify(&statement, &transfer.proof).is_ok()
        };
        assert!(holds(&file["context"], &source));
        assert!(!holds(&file["other_context"], &source));
        assert!(!holds(&file["context"], &source.plus_public(1)));

        let (held, value): (u64, u64) = (number(&case["held"]), number(&case["value"]));
        let place = kind.prover() as usize;
        assert!(source.opens_to(&keys()[place], held));
        let rest = source.minus(&transfer.amount.select([place]));
        assert!(rest.opens_to(&keys()[place], held - value));
        for (place, key) in keys().iter().enumerate() {
            assert!(transfer.amount.select([place]).opens_to(key, value));
        }
    }
}

#[test]
fn a_burn_of_another_implementation_holds_for_its_amount_alone() {
    let file = file("quota.json");
    let burn = &file["burn"];
    let public = keys()[0].public();
    let source = source(burn);
    let proof = BurnProof::from_bytes(&bytes(&burn["proof"])).unwrap();
    let amount: u64 = number(&burn["amount"]);
    for (amount_minor, holds) in [(amount, true), (amount - 1, false), (amount + 1, false)] {
        let statement = BurnStatement {
            context: array(&file["context"]),
            key: &public,
            source: &source,
            amount_minor,
        };
        assert_eq!(proof.verify(&statement).is_ok(), holds);
    }
}
