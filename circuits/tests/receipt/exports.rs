//! Receipts verified by snarkjs.

use std::path::{Path, PathBuf};
use std::process::Command;

use tacit_circuits::receipt::{Proof, Statement, snarkjs};

use crate::common::rng;
use crate::proofs::witnesses;
use crate::world::PROVER;

/// The variable that names the snarkjs executable, or its `cli.js`.
const SNARKJS: &str = "TACIT_TEST_SNARKJS";

fn verify(snarkjs: &Path, folder: &Path) -> bool {
    let mut command = match snarkjs.extension() {
        Some(extension) if extension != "exe" => {
            let mut node = Command::new("node");
            node.arg(snarkjs);
            node
        }
        _ => Command::new(snarkjs),
    };
    let output = command
        .args(["groth16", "verify"])
        .args(["verification_key.json", "public.json", "proof.json"])
        .current_dir(folder)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    // It is one of two answers, not a failure to run.
    let (valid, invalid) = (text.contains("OK!"), text.contains("Invalid proof"));
    assert!(valid != invalid, "{text}{:?}", output.stderr);
    assert_eq!(valid, output.status.success());
    valid
}

#[test]
#[cfg_attr(not(tacit_test_snarkjs), ignore = "TACIT_TEST_SNARKJS is not set")]
fn snarkjs_accepts_receipts_and_refuses_changed_ones() {
    let snarkjs = PathBuf::from(std::env::var_os(SNARKJS).expect("the path of snarkjs"));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("receipt-snarkjs");
    std::fs::create_dir_all(&folder).unwrap();
    let write = |name: &str, text: String| std::fs::write(folder.join(name), text).unwrap();
    let key = PROVER.key();
    write(
        "verification_key.json",
        snarkjs::verification_key(key.verifying_key()),
    );
    for witness in witnesses(61) {
        let (statement, proof): (Statement, Proof) = PROVER.prove(&witness, &mut rng(62)).unwrap();
        write("proof.json", snarkjs::proof(&proof).unwrap());
        write("public.json", snarkjs::public_inputs(&statement));
        assert!(verify(&snarkjs, &folder));
        let mut other = statement;
        other.querier.0 ^= 1;
        write("public.json", snarkjs::public_inputs(&other));
        assert!(!verify(&snarkjs, &folder));
    }
}

#[test]
fn what_is_exported_is_json_with_as_many_numbers_as_it_must_have() {
    let key = PROVER.key();
    let (statement, proof) = PROVER.prove(&witnesses(63)[1], &mut rng(64)).unwrap();
    let parse = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    let key = parse(&snarkjs::verification_key(key.verifying_key()));
    assert_eq!(key["nPublic"], 9);
    assert_eq!(key["curve"], "bls12381");
    assert_eq!(key["IC"].as_array().unwrap().len(), 10);
    let exported = parse(&snarkjs::proof(&proof).unwrap());
    assert_eq!(exported["pi_b"][1].as_array().unwrap().len(), 2);
    let inputs = parse(&snarkjs::public_inputs(&statement));
    let expected: Vec<String> = statement
        .public_inputs()
        .iter()
        .map(|input| num_bigint::BigUint::from(*input).to_string())
        .collect();
    assert_eq!(inputs, serde_json::json!(expected));
    assert!(snarkjs::proof(&Proof([0; 192])).is_err());
}
