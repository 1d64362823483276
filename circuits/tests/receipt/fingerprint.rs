//! What must not change unnoticed: a changed circuit needs new keys, and so a new ceremony.

use serde_json::{Value, json};
use tacit_circuits::list::LIST_DEPTH;
use tacit_circuits::log::LOG_DEPTH;
use tacit_circuits::receipt::{PROOF_BYTES, PUBLIC_INPUT_NAMES, circuit_size, development_keys};

use crate::system::MATRICES;

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
        "development_cache": hex::encode(digest.0),
    });
    let pinned: Value =
        serde_json::from_str(include_str!("../../src/receipt/fingerprint.json")).unwrap();
    assert!(
        pinned == actual,
        "pinned otherwise; it is now\n{}",
        serde_json::to_string_pretty(&actual).unwrap()
    );
}
