//! Every label of every transcript of quota, and the one way in which items are absorbed.

use curve25519_dalek::scalar::Scalar;
use merlin::{Transcript, TranscriptRng};
use rand_core::{CryptoRng, RngCore};

use super::element::Element;

pub(super) const TRANSFER_PROTOCOL: &[u8] = b"tacit/v1/quota-transfer";
pub(super) const BURN_PROTOCOL: &[u8] = b"tacit/v1/quota-burn";
pub(super) const KEY_PROTOCOL: &[u8] = b"tacit/v1/quota-key";
pub(super) const KEY_CHANGE_PROTOCOL: &[u8] = b"tacit/v1/quota-key-change";
pub(super) const DISCLOSURE_PROTOCOL: &[u8] = b"tacit/v1/quota-disclosure";
pub(super) const BATCH_PROTOCOL: &[u8] = b"tacit/v1/quota-batch";

pub(super) const CONTEXT: &[u8] = b"context";
pub(super) const KIND: &[u8] = b"kind";
pub(super) const VALUE_GENERATOR: &[u8] = b"G";
pub(super) const BLINDING_GENERATOR: &[u8] = b"H";
pub(super) const KEY: &[u8] = b"P";
pub(super) const NEW_KEY: &[u8] = b"P-new";
pub(super) const SOURCE: &[u8] = b"source";
pub(super) const SOURCE_HANDLE: &[u8] = b"source-handle";
pub(super) const AMOUNT: &[u8] = b"amount";
pub(super) const HANDLE: &[u8] = b"handle";
pub(super) const NEW_HANDLE: &[u8] = b"handle-new";
pub(super) const COMMITMENT: &[u8] = b"commitment";
pub(super) const VALUE: &[u8] = b"value";
pub(super) const LOW: &[u8] = b"low";
pub(super) const HIGH: &[u8] = b"high";
pub(super) const SIGMA_COMMITMENT: &[u8] = b"R";
pub(super) const CHALLENGE: &[u8] = b"c";
pub(super) const RESPONSE: &[u8] = b"s";
pub(super) const SIGMA_WEIGHTS: &[u8] = b"sigma-weights";
pub(super) const RANGE_WEIGHTS: &[u8] = b"range-weights";
pub(super) const FOLDED_LEFT: &[u8] = b"a";
pub(super) const FOLDED_RIGHT: &[u8] = b"b";
pub(super) const SEAL: &[u8] = b"seal";
pub(super) const COUNT: &[u8] = b"count";
pub(super) const BATCH_WEIGHTS: &[u8] = b"weights";
const WITNESS: &[u8] = b"witness";

/// What the proofs absorb and draw. Merlin prefixes each message with its label and length, so that
/// no two sequences of items give one transcript.
pub(super) trait TranscriptProtocol {
    /// The canonical encoding.
    fn append_element(&mut self, label: &'static [u8], element: &Element);

    /// 32 bytes, little-endian.
    fn append_scalar(&mut self, label: &'static [u8], scalar: &Scalar);

    /// A scalar from 64 bytes, so that its bias is below 2^-250.
    fn challenge_scalar(&mut self, label: &'static [u8]) -> Scalar;

    /// `N` weights of 128 bits, drawn at once.
    fn challenge_weights<const N: usize>(&mut self, label: &'static [u8]) -> [Scalar; N];

    /// Binds all that was absorbed.
    fn seal(self) -> [u8; 32];

    /// Randomness that depends on the secrets, on all that was absorbed and on `rng`: it stays
    /// secret and fresh if any one of them does.
    fn hedged<R: RngCore + CryptoRng>(&self, secrets: &[Scalar], rng: &mut R) -> TranscriptRng;
}

impl TranscriptProtocol for Transcript {
    fn append_element(&mut self, label: &'static [u8], element: &Element) {
        self.append_message(label, &element.to_bytes());
    }

    fn append_scalar(&mut self, label: &'static [u8], scalar: &Scalar) {
        self.append_message(label, scalar.as_bytes());
    }

    fn challenge_scalar(&mut self, label: &'static [u8]) -> Scalar {
        let mut bytes = [0; 64];
        self.challenge_bytes(label, &mut bytes);
        Scalar::from_bytes_mod_order_wide(&bytes)
    }

    fn challenge_weights<const N: usize>(&mut self, label: &'static [u8]) -> [Scalar; N] {
        let mut bytes = [[0; 16]; N];
        self.challenge_bytes(label, bytes.as_flattened_mut());
        bytes.map(|weight| Scalar::from(u128::from_le_bytes(weight)))
    }

    fn seal(mut self) -> [u8; 32] {
        let mut seal = [0; 32];
        self.challenge_bytes(SEAL, &mut seal);
        seal
    }

    fn hedged<R: RngCore + CryptoRng>(&self, secrets: &[Scalar], rng: &mut R) -> TranscriptRng {
        secrets
            .iter()
            .fold(self.build_rng(), |builder, secret| {
                builder.rekey_with_witness_bytes(WITNESS, secret.as_bytes())
            })
            .finalize(rng)
    }
}
