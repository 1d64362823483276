//! From a call to a verdict.

use tacit_circuits::list::Presence;
use tacit_circuits::receipt::{Claim, Statement, Verifier, Witness};

use crate::common::rng;
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
