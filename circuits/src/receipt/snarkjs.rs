//! Keys, proofs and public inputs as snarkjs reads them, so that an implementation which shares
//! nothing with this one can verify a receipt.
//!
//! `snarkjs groth16 verify verification_key.json public.json proof.json`, for its curve `bls12381`.
//! Numbers are decimal texts; points have the coordinates x, y, 1, those over the quadratic
//! extension pairs of c₀ and c₁.

use ark_bls12_381::{Fq, Fq2, G1Affine, G2Affine};
use ark_ff::{One, Zero};

use super::key::VerifyingKey;
use super::proof::{Proof, ProofError};
use super::statement::{PUBLIC_INPUTS, Statement};

const PROTOCOL: &str = r#""protocol":"groth16","curve":"bls12381""#;

/// `verification_key.json`.
#[must_use]
pub fn verification_key(key: &VerifyingKey) -> String {
    let key = key.parameters();
    let inputs: Vec<String> = key.gamma_abc_g1.iter().map(point_1).collect();
    format!(
        r#"{{{PROTOCOL},"nPublic":{PUBLIC_INPUTS},"vk_alpha_1":{},"vk_beta_2":{},"vk_gamma_2":{},"vk_delta_2":{},"IC":{}}}"#,
        point_1(&key.alpha_g1),
        point_2(&key.beta_g2),
        point_2(&key.gamma_g2),
        point_2(&key.delta_g2),
        array(&inputs),
    )
}

/// `proof.json`.
///
/// # Errors
/// [`ProofError`] for bytes that are no proof.
pub fn proof(proof: &Proof) -> Result<String, ProofError> {
    let proof = proof.decode()?;
    Ok(format!(
        r#"{{{PROTOCOL},"pi_a":{},"pi_b":{},"pi_c":{}}}"#,
        point_1(&proof.a),
        point_2(&proof.b),
        point_1(&proof.c),
    ))
}

/// `public.json`.
#[must_use]
pub fn public_inputs(statement: &Statement) -> String {
    array(&statement.public_inputs().map(number))
}

fn number(number: impl ToString) -> String {
    format!(r#""{}""#, number.to_string())
}

fn array(items: &[String]) -> String {
    format!("[{}]", items.join(","))
}

fn point_1(point: &G1Affine) -> String {
    array(&[point.x, point.y, Fq::one()].map(number))
}

fn point_2(point: &G2Affine) -> String {
    let one = Fq2::new(Fq::one(), Fq::zero());
    array(&[point.x, point.y, one].map(|pair| array(&[pair.c0, pair.c1].map(number))))
}
