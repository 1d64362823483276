//! What must not change unnoticed: a changed circuit needs new keys, and so a new ceremony.

use serde_json::{Value, json};
use tacit_circuits::list::{LIST_DEPTH, Presence};
use tacit_circuits::log::LOG_DEPTH;
use tacit_circuits::receipt::{
    Claim, PROOF_BYTES, PUBLIC_INPUT_NAMES, circuit_size, development_keys,
};

use crate::system::MATRICES;
use crate::world::{World, hexadecimal};

/// Promised of the circuit; the domain of 2^14 has no room for more than 16,374.
const MAX_CONSTRAINTS: usize = 14_000;

/// BLAKE3 over all three matrices: every coefficient and its place.
fn matrices_digest() -> String {
    let mut hasher = blake3::Hasher::new_derive_key("tacit v1 receipt circuit matrices");
    for matrix in MATRICES.iter() {
        hasher.update(&(matrix.len() as u64).to_le_bytes());
        for row in matrix {
            let mut row = row.clone();
            row.sort_unstable_by_key(|(_, variable)| *variable);
            hasher.update(&(row.len() as u64).to_le_bytes());
            for (coefficient, variable) in row {
                hasher.update(&(variable as u64).to_le_bytes());
                hasher.update(&tacit_circuits::curve::encode_field(&coefficient));
            }
        }
    }
    hasher.finalize().to_hex().to_string()
}

#[test]
fn the_circuit_is_the_pinned_one() {
    let size = circuit_size();
    assert!(size.constraints <= MAX_CONSTRAINTS);
    let key = development_keys();
    let (_, digest) = key.to_cache();
    let actual = json!({
        "constraints": size.constraints,
        "witness_variables": size.witness_variables,
        "public_inputs": PUBLIC_INPUT_NAMES,
        "domain": size.domain,
        "list_depth": LIST_DEPTH,
        "log_depth": LOG_DEPTH,
        "proof_bytes": PROOF_BYTES,
        "matrices": matrices_digest(),
        "development_key_id": key.verifying_key().id().to_string(),
        "development_cache": hexadecimal(&digest.0),
    });
    compare(include_str!("../../src/receipt/fingerprint.json"), &actual);
}

/// The public inputs of a hit, a miss and a sample of one world.
#[test]
fn public_inputs_are_the_pinned_ones() {
    let mut world = World::new(71, 10);
    let cases = [world.ask_listed(3), world.ask_stranger(), world.sample(15)].map(|witness| {
        let statement = witness.check().unwrap();
        let claim = match statement.claim {
            Claim::Answer { kind, presence } => json!({
                "type": kind.code(),
                "listed": presence == Presence::Listed,
            }),
            Claim::SampledEntry { slot } => json!({ "slot": slot }),
        };
        let subject = witness.subject.to_secret_bytes();
        json!({
            "subject_type": u16::from_le_bytes([subject[0], subject[1]]),
            "subject_x": hexadecimal(&subject[2..]),
            "secret": hexadecimal(&*witness.secret.to_secret_bytes()),
            "claim": claim,
            "list": statement.list.0,
            "tag_epoch": statement.tag_epoch.0,
            "querier": statement.querier.0,
            "log_root": hexadecimal(&tacit_circuits::curve::encode_field(&statement.log_root)),
            "list_root": hexadecimal(&tacit_circuits::curve::encode_field(&statement.list_root)),
            "context": hexadecimal(&statement.context.0),
            "statement": hexadecimal(&borsh::to_vec(&statement).unwrap()),
            "public_inputs": statement
                .public_inputs()
                .map(|input| hexadecimal(&tacit_circuits::curve::encode_field(&input))),
        })
    });
    compare(
        include_str!("../../vectors/v1/receipt.json"),
        &json!({ "statements": cases }),
    );
}

/// Shows what it should be where it is not.
fn compare(pinned: &str, actual: &Value) {
    let pinned: Value = serde_json::from_str(pinned).unwrap();
    assert!(
        pinned == *actual,
        "pinned otherwise; it is now\n{}",
        serde_json::to_string_pretty(actual).unwrap()
    );
}
