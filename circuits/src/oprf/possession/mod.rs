//! Proves that whoever registers a list's key knows it: some `k` with `K = k·G`.
//!
//! # Relation
//! Public: `K` and the [`KeyContext`]. Secret: `k`.
//! 1. `K = k·G`
//!
//! # What it does not prove
//! That `k` is fresh, or known to nobody else.
//!
//! # Transcript
//! [`POSSESSION_PROTOCOL`](super::labels), chain id, member, list, tag epoch, `G`, `K`, `R1 = t·G`;
//! drawn: the challenge `c`. The response is `s = t − c·k`.
//!
//! # Cost
//! 64 bytes; one constant-time multiplication to prove, one double multiplication to verify.
//!
//! # Source
//! Schnorr's proof of knowledge of a discrete logarithm, made non-interactive by a merlin transcript
//! (RFC 8235 § 3 has the same equations), with a hedged nonce.

use std::io::{self, Read, Write};

use ark_ed_on_bls12_381::EdwardsAffine;
use borsh::{BorshDeserialize, BorshSerialize};
use merlin::Transcript;
use rand_core::{CryptoRng, RngCore};

use super::dleq::{ProofNotCanonical, decode_scalars, encode_scalars};
use super::key::{ListKey, PublicKey};
use super::labels::{self, TranscriptProtocol};
use crate::curve::scalar::Scalar;
use crate::curve::{Point, constant_time, vartime};
use crate::scope::{ListId, MemberId, TagEpoch};

/// Bytes of a proof: the challenge, then the response.
pub const KEY_PROOF_BYTES: usize = 64;

/// What a key is registered for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyContext {
    /// The ledger.
    pub chain_id: [u8; 32],
    /// The owner of the list.
    pub member: MemberId,
    /// The list.
    pub list: ListId,
    /// The tag epoch that the key is for.
    pub tag_epoch: TagEpoch,
}

/// The proof beside a key's registration: challenge and response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyProof {
    challenge: Scalar,
    response: Scalar,
}

/// The proof does not show that its maker knows the key for this chain, member, list and epoch. The
/// registrant is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the proof does not show possession of this key for this chain, member, list and epoch")]
pub struct WrongKeyProof;

impl KeyProof {
    /// Proves possession of `key`.
    pub fn prove<R: RngCore + CryptoRng>(key: &ListKey, context: &KeyContext, rng: &mut R) -> Self {
        let mut transcript = transcript(&key.public(), context);
        let nonce = transcript.hedged_nonce(key.secret(), rng);
        let commitment = constant_time::multiply(&nonce, Point::generator().affine());
        let challenge = challenge(&mut transcript, &commitment);
        Self {
            challenge,
            response: nonce - challenge * key.scalar(),
        }
    }

    /// Checks the proof for a key and a context.
    ///
    /// # Errors
    /// [`WrongKeyProof`].
    pub fn verify(&self, key: &PublicKey, context: &KeyContext) -> Result<(), WrongKeyProof> {
        let mut transcript = transcript(key, context);
        let commitment = vartime::double_multiply_vartime(
            &self.response,
            Point::generator().affine(),
            &self.challenge,
            key.point().affine(),
        );
        if challenge(&mut transcript, &commitment) == self.challenge {
            Ok(())
        } else {
            Err(WrongKeyProof)
        }
    }

    /// Challenge then response, each canonical and little-endian.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; KEY_PROOF_BYTES] {
        encode_scalars(&self.challenge, &self.response)
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    /// [`ProofNotCanonical`] where a scalar is at or above ℓ.
    pub fn from_bytes(bytes: &[u8; KEY_PROOF_BYTES]) -> Result<Self, ProofNotCanonical> {
        let (challenge, response) = decode_scalars(bytes)?;
        Ok(Self {
            challenge,
            response,
        })
    }
}

impl BorshSerialize for KeyProof {
    fn serialize<W: Write>(&self, writer: &mut W) -> io::Result<()> {
        writer.write_all(&self.to_bytes())
    }
}

impl BorshDeserialize for KeyProof {
    fn deserialize_reader<R: Read>(reader: &mut R) -> io::Result<Self> {
        let bytes = <[u8; KEY_PROOF_BYTES]>::deserialize_reader(reader)?;
        Self::from_bytes(&bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }
}

fn transcript(key: &PublicKey, context: &KeyContext) -> Transcript {
    let mut transcript = Transcript::new(labels::POSSESSION_PROTOCOL);
    transcript.append_message(labels::CHAIN, &context.chain_id);
    transcript.append_u64(labels::MEMBER, context.member.0.into());
    transcript.append_u64(labels::LIST, context.list.0.into());
    transcript.append_u64(labels::TAG_EPOCH, context.tag_epoch.0.into());
    transcript.append_point(labels::GENERATOR, Point::generator().affine());
    transcript.append_point(labels::KEY, key.point().affine());
    transcript
}

fn challenge(transcript: &mut Transcript, commitment: &EdwardsAffine) -> Scalar {
    transcript.append_point(labels::COMMITMENT_GENERATOR, commitment);
    transcript.challenge_scalar(labels::CHALLENGE)
}
