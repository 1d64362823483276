//! From a call to a verdict.

use ark_bls12_381::Bls12_381;
use ark_ff::UniformRand;
use ark_groth16::Groth16;
use ark_serialize::CanonicalSerialize;
use rand::{CryptoRng, RngCore};
use tacit_circuits::curve::Field;
use tacit_circuits::identifier::IdentifierType;
use tacit_circuits::list::Presence;
use tacit_circuits::receipt::{
    Claim, CommitmentSecret, Statement, Verifier, Witness, circuit_size, commit,
};

use crate::common::{field, rng};
use crate::system::{MATRICES, variables};
use crate::world::{PROVER, World};

/// A hit, a miss, a sampled entry of each sort.
pub(crate) fn witnesses(seed: u64) -> Vec<Witness> {
    let mut world = World::new(seed, 10);
    vec![
        world.ask_listed(3),
        world.ask_stranger(),
        world.sample(4),
        world.sample(15),
    ]
}

#[test]
fn answers_and_samples_are_proven_and_verified() {
    let verifier = Verifier::new(PROVER.key().verifying_key());
    let mut claims = Vec::new();
    for witness in witnesses(1) {
        let (statement, proof) = PROVER.prove(&witness, &mut rng(2)).unwrap();
        assert_eq!(Ok(statement), witness.check());
        assert_eq!(verifier.verify(&statement, &proof), Ok(()));
        let decoded: Statement = borsh::from_slice(&borsh::to_vec(&statement).unwrap()).unwrap();
        assert_eq!(decoded, statement);
        claims.push(statement.claim);
    }
    let presence = |claim: &Claim| match claim {
        Claim::Answer { presence, .. } => Some(*presence),
        Claim::SampledEntry { .. } => None,
    };
    let presences: Vec<_> = claims.iter().map(presence).collect();
    assert_eq!(
        presences,
        [
            Some(Presence::Listed),
            Some(Presence::NotListed),
            None,
            None
        ]
    );
}

/// Bytes of zeros.
struct Zeros;

impl RngCore for Zeros {
    fn next_u32(&mut self) -> u32 {
        0
    }

    fn next_u64(&mut self) -> u64 {
        0
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        bytes.fill(0);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand::Error> {
        bytes.fill(0);
        Ok(())
    }
}

impl CryptoRng for Zeros {}

/// The proof that arkworks makes, with r and s from `rng` in this order.
fn arkworks(witness: &Witness, rng: &mut impl RngCore) -> Vec<u8> {
    let (r, s) = (Field::rand(rng), Field::rand(rng));
    let (_, assignment) = witness.assign().unwrap();
    let size = circuit_size();
    let proof = Groth16::<Bls12_381>::create_proof_with_reduction_and_matrices(
        PROVER.key().parameters(),
        r,
        s,
        &MATRICES,
        1 + size.public_inputs,
        size.constraints,
        &variables(&assignment),
    );
    let mut bytes = Vec::new();
    proof.unwrap().serialize_compressed(&mut bytes).unwrap();
    bytes
}

#[test]
fn proofs_are_those_that_arkworks_makes_with_the_same_blinding() {
    let witnesses = witnesses(6);
    for (witness, seed) in witnesses.iter().zip(60..) {
        let (_, proof) = PROVER.prove(witness, &mut rng(seed)).unwrap();
        assert_eq!(proof.0[..], arkworks(witness, &mut rng(seed)));
    }
    let (_, unblinded) = PROVER.prove(&witnesses[0], &mut Zeros).unwrap();
    assert_eq!(unblinded.0[..], arkworks(&witnesses[0], &mut Zeros));
}

#[test]
fn nothing_secret_is_printed() {
    let witness = &witnesses(3)[0];
    let (_, assignment) = witness.assign().unwrap();
    assert_eq!(
        format!("{:?}", witness.secret),
        "CommitmentSecret(<redacted>)"
    );
    assert_eq!(format!("{assignment:?}"), "Assignment(<redacted>)");
    let (list, epoch) = (witness.scope.list, witness.scope.tag_epoch);
    assert_eq!(
        format!("{witness:?}"),
        format!("Witness {{ list: {list:?}, tag_epoch: {epoch:?}, purpose: Answer, .. }}")
    );
}

#[test]
fn a_commitment_binds_type_identifier_and_secret() {
    let secret = CommitmentSecret::random(&mut rng(4));
    let restored = CommitmentSecret::from_secret_bytes(&secret.to_secret_bytes()).unwrap();
    let other = CommitmentSecret::random(&mut rng(5));
    let commitment = commit(IdentifierType::Phone, field(1), &secret);
    assert_eq!(
        commit(IdentifierType::Phone, field(1), &restored),
        commitment
    );
    assert_ne!(commit(IdentifierType::Card, field(1), &secret), commitment);
    assert_ne!(commit(IdentifierType::Phone, field(2), &secret), commitment);
    assert_ne!(commit(IdentifierType::Phone, field(1), &other), commitment);
    assert!(CommitmentSecret::from_secret_bytes(&[0xff; 32]).is_err());
}
