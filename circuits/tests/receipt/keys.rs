//! Keys, their files, and batches.

use tacit_circuits::receipt::{
    BatchError, CacheDigest, KeyError, PROVING_KEY_MAGIC, Proof, ProvingKey, Statement,
    VERIFYING_KEY_BYTES, VerifyingKey,
};

use crate::common::rng;
use crate::proofs::witnesses;
use crate::world::PROVER;

/// Promised for the file.
const MAX_PROVING_KEY_BYTES: usize = 4_000_000;

#[test]
fn a_proving_key_survives_its_file_and_its_cache() {
    let key = PROVER.key();
    let bytes = key.to_bytes();
    assert!(bytes.len() <= MAX_PROVING_KEY_BYTES, "{}", bytes.len());
    let read = ProvingKey::from_bytes(&bytes).unwrap();
    assert!(read == *key);
    assert!(read.to_bytes() == bytes);

    let (cache, digest) = key.to_cache();
    assert!(ProvingKey::from_cache(&cache, &digest).unwrap() == *key);
    let mut changed = cache.clone();
    changed[cache.len() / 2] ^= 1;
    for (bytes, digest) in [
        (&changed[..], digest),
        (&cache[..cache.len() - 1], digest),
        (&cache[..], CacheDigest([0; 32])),
        (&[], digest),
    ] {
        let refused = ProvingKey::from_cache(bytes, &digest);
        assert_eq!(refused.unwrap_err(), KeyError::OtherBytes);
    }

    // Before points are decoded: another kind of file, another length.
    let refuse =
        |bytes: &[u8], error| assert_eq!(ProvingKey::from_bytes(bytes).unwrap_err(), error);
    refuse(&cache, KeyError::OtherFormat);
    refuse(&[], KeyError::OtherFormat);
    refuse(&PROVING_KEY_MAGIC, KeyError::OtherSize);
    refuse(&bytes[..bytes.len() - 48], KeyError::OtherSize);
    let mut longer = bytes.clone();
    longer.push(0);
    refuse(&longer, KeyError::OtherSize);
}

#[test]
fn a_verifying_key_has_one_encoding() {
    let key = PROVER.verifier().key_id();
    let verifying = PROVER.key().verifying_key().clone();
    assert_eq!(verifying.id(), key);
    let bytes = verifying.to_bytes();
    assert_eq!(VerifyingKey::from_bytes(&bytes).unwrap(), verifying);
    assert_eq!(
        borsh::from_slice::<VerifyingKey>(&borsh::to_vec(&verifying).unwrap()).unwrap(),
        verifying
    );
    for length in [0, VERIFYING_KEY_BYTES - 48, VERIFYING_KEY_BYTES - 1] {
        let refused = VerifyingKey::from_bytes(&bytes[..length]);
        assert_eq!(refused.unwrap_err(), KeyError::OtherSize);
    }
    // α, β, γ, δ and the first and the last input's point: the identity, and no point.
    for from in [0, 48, 144, 240, 336, VERIFYING_KEY_BYTES - 48] {
        let end = from + if (48..336).contains(&from) { 96 } else { 48 };
        for first in [0xc0, 0xff] {
            let mut other = bytes;
            other[from..end].fill(0);
            other[from] = first;
            let refused = VerifyingKey::from_bytes(&other);
            assert_eq!(refused.unwrap_err(), KeyError::NotInGroup);
        }
    }
    let mut parameters = verifying.parameters().clone();
    parameters.gamma_abc_g1.pop();
    let refused = VerifyingKey::from_parameters(parameters);
    assert_eq!(refused.unwrap_err(), KeyError::OtherSize);
}

#[test]
fn batches_name_what_does_not_hold() {
    let verifier = PROVER.verifier();
    let seed = [7; 32];
    let done = std::sync::Mutex::new(Vec::new());
    let proven = PROVER.prove_many(&witnesses(51), &mut rng(52), &|count| {
        done.lock().unwrap().push(count);
    });
    let mut counts = done.into_inner().unwrap();
    counts.sort_unstable();
    assert_eq!(counts, [1, 2, 3, 4]);
    let items: Vec<(Statement, Proof)> = proven.into_iter().map(Result::unwrap).collect();
    for (statement, proof) in &items {
        assert_eq!(verifier.verify(statement, proof), Ok(()));
    }
    assert_eq!(verifier.verify_batch(&[], &seed), Ok(()));
    for length in 1..=items.len() {
        assert_eq!(verifier.verify_batch(&items[..length], &seed), Ok(()));
    }
    let batch: Vec<(Statement, Proof)> = items.iter().cycle().take(11).copied().collect();
    assert_eq!(verifier.verify_batch(&batch, &seed), Ok(()));

    let culprits = |change: &dyn Fn(&mut Vec<(Statement, Proof)>)| {
        let mut batch = batch.clone();
        change(&mut batch);
        let first = verifier.verify_batch(&batch, &seed);
        assert_eq!(first, verifier.verify_batch(&batch, &seed));
        match first {
            Ok(()) => Vec::new(),
            Err(BatchError { culprits }) => culprits,
        }
    };
    assert_eq!(culprits(&|b| b[3].0.context.0[0] ^= 1), [3]);
    assert_eq!(culprits(&|b| b[10].1.0[0] ^= 0x80), [10]);
    // Two proofs exchanged, which a plain sum of the equations would let pass.
    let exchange = |b: &mut Vec<(Statement, Proof)>| {
        let (first, second) = (b[0].1, b[5].1);
        (b[0].1, b[5].1) = (second, first);
    };
    assert_eq!(culprits(&exchange), [0, 5]);
    assert_eq!(
        culprits(&|b| {
            exchange(b);
            b[7].1 = Proof([0; 192]);
        }),
        [0, 5, 7]
    );
}

/// A key of this size whose points do not belong together yields no proof.
#[test]
fn a_damaged_proving_key_is_noticed() {
    use tacit_circuits::receipt::{ProveError, Prover};
    let mut parameters = PROVER.key().parameters().clone();
    parameters.l_query.swap(3, 4);
    let prover = Prover::new(ProvingKey::from_parameters(parameters.clone()).unwrap());
    let refused = prover.prove(&witnesses(53)[0], &mut rng(54));
    assert_eq!(refused.unwrap_err(), ProveError::Key);
    parameters.h_query.pop();
    let refused = ProvingKey::from_parameters(parameters);
    assert_eq!(refused.unwrap_err(), KeyError::OtherSize);
}
