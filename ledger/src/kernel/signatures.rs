//! Ed25519 signatures, many at a time.
//!
//! Batches follow ZIP 215, under which a batch verifies exactly when each of its signatures does. The
//! random weights that batch verification needs are derived from all that is verified, so that the
//! ledger draws no randomness: whoever makes a batch cannot choose signatures after the weights.

use ed25519_zebra::batch::{Item, Verifier};
use ed25519_zebra::{Signature as ZebraSignature, VerificationKey, VerificationKeyBytes};
use rand_core::{CryptoRng, RngCore};
use rayon::prelude::*;
use std::borrow::Borrow;

use crate::kernel::envelope::{Envelope, Signature};
use crate::kernel::hash::label;
use crate::kernel::party::LedgerKey;

/// Signatures of one batch: the gain of batching levels off here, and one bad signature costs the
/// single verification of no more than its batch.
const BATCH: usize = 64;

/// Whether `signature` is `key`'s over `message`.
pub fn verify(key: &LedgerKey, message: &[u8], signature: &Signature) -> bool {
    VerificationKey::try_from(VerificationKeyBytes::from(key.0)).is_ok_and(|key| {
        key.verify(&ZebraSignature::from(signature.0), message)
            .is_ok()
    })
}

/// Whether the bytes are a key under which anything can verify.
pub(crate) fn is_key(bytes: &[u8; 32]) -> bool {
    VerificationKey::try_from(VerificationKeyBytes::from(*bytes)).is_ok()
}

/// Whether each envelope bears its sender's signature. On all cores.
pub(crate) fn verify_all(envelopes: &[impl Borrow<Envelope> + Sync]) -> Vec<bool> {
    envelopes
        .par_chunks(BATCH)
        .flat_map_iter(verify_batch)
        .collect()
}

fn verify_batch(envelopes: &[impl Borrow<Envelope>]) -> Vec<bool> {
    let mut weights = label::SIGNATURE_WEIGHTS.hasher();
    let items: Vec<Item> = envelopes
        .iter()
        .map(|envelope| {
            let envelope = envelope.borrow();
            let message = envelope.signed_bytes();
            weights.update(&envelope.sender_key.0);
            weights.update(&envelope.signature.0);
            weights.update(&message);
            let key = VerificationKeyBytes::from(envelope.sender_key.0);
            Item::from((key, ZebraSignature::from(envelope.signature.0), &message))
        })
        .collect();
    let mut batch = Verifier::new();
    items.iter().for_each(|item| batch.queue(item.clone()));
    match batch.verify(Weights(weights.finalize_xof())) {
        Ok(()) => vec![true; items.len()],
        Err(_) => items
            .into_iter()
            .map(|item| item.verify_single().is_ok())
            .collect(),
    }
}

/// The output of BLAKE3 as the source of a batch's weights.
struct Weights(blake3::OutputReader);

impl RngCore for Weights {
    fn next_u32(&mut self) -> u32 {
        rand_core::impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        rand_core::impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, dest: &mut [u8]) {
        self.0.fill(dest);
    }

    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(dest);
        Ok(())
    }
}

impl CryptoRng for Weights {}
