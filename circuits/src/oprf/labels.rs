//! Every label of every transcript, and the one way in which items are absorbed.

use ark_ed_on_bls12_381::EdwardsAffine;
use merlin::Transcript;
use rand_core::{CryptoRng, RngCore};

use crate::curve::encode_affine;
use crate::curve::scalar::Scalar;

pub(super) const DLEQ_PROTOCOL: &[u8] = b"tacit/v1/dleq";
pub(super) const POSSESSION_PROTOCOL: &[u8] = b"tacit/v1/key-possession";

pub(super) const CHAIN: &[u8] = b"chain";
pub(super) const MEMBER: &[u8] = b"member";
pub(super) const SESSION: &[u8] = b"session";
pub(super) const SEQUENCE: &[u8] = b"sequence";
pub(super) const LIST: &[u8] = b"list";
pub(super) const TAG_EPOCH: &[u8] = b"tag-epoch";
pub(super) const GENERATOR: &[u8] = b"G";
pub(super) const KEY: &[u8] = b"K";
pub(super) const COUNT: &[u8] = b"count";
pub(super) const BLINDED: &[u8] = b"B";
pub(super) const EVALUATED: &[u8] = b"Z";
pub(super) const WEIGHTS: &[u8] = b"weights";
pub(super) const COMBINED_BLINDED: &[u8] = b"M";
pub(super) const COMBINED_EVALUATED: &[u8] = b"N";
pub(super) const COMMITMENT_GENERATOR: &[u8] = b"R1";
pub(super) const COMMITMENT_BLINDED: &[u8] = b"R2";
pub(super) const CHALLENGE: &[u8] = b"c";
const NONCE_KEY: &[u8] = b"k";

/// What the proofs absorb and draw. Merlin prefixes each message with its label and length, so that
/// no two sequences of items give one transcript.
pub(super) trait TranscriptProtocol {
    /// Both affine coordinates of the point itself, not of the eighth that travels.
    fn append_point(&mut self, label: &'static [u8], point: &EdwardsAffine);

    /// A scalar from 64 bytes, so that its bias is below 2^-250.
    fn challenge_scalar(&mut self, label: &'static [u8]) -> Scalar;

    /// One weight of 128 bits for each of `count` items.
    fn challenge_weights(&mut self, label: &'static [u8], count: usize) -> Vec<u128>;

    /// A nonce that depends on the secret, on all that was absorbed and on `rng`: it stays secret
    /// and fresh if any one of them does.
    fn hedged_nonce<R: RngCore + CryptoRng>(&self, secret: &[u8; 32], rng: &mut R) -> Scalar;
}

impl TranscriptProtocol for Transcript {
    fn append_point(&mut self, label: &'static [u8], point: &EdwardsAffine) {
        self.append_message(label, &encode_affine(point));
    }

    fn challenge_scalar(&mut self, label: &'static [u8]) -> Scalar {
        let mut bytes = [0; 64];
        self.challenge_bytes(label, &mut bytes);
        Scalar::from_bytes_wide(&bytes)
    }

    fn challenge_weights(&mut self, label: &'static [u8], count: usize) -> Vec<u128> {
        let mut bytes = vec![[0; 16]; count];
        self.challenge_bytes(label, bytes.as_flattened_mut());
        bytes.into_iter().map(u128::from_le_bytes).collect()
    }

    fn hedged_nonce<R: RngCore + CryptoRng>(&self, secret: &[u8; 32], rng: &mut R) -> Scalar {
        let mut rng = self
            .build_rng()
            .rekey_with_witness_bytes(NONCE_KEY, secret)
            .finalize(rng);
        crate::curve::scalar::random_nonzero(&mut rng)
    }
}
