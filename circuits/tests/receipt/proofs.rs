//! From a call to a verdict.

use tacit_circuits::identifier::IdentifierType;
use tacit_circuits::list::Presence;
use tacit_circuits::receipt::{Claim, CommitmentSecret, Statement, Verifier, Witness, commit};

use crate::common::{field, rng};
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
