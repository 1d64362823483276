//! Proves that whoever registers a key for quota knows its secret.
//!
//! # Relation
//! Public: P and the context. Secret: s.
//! 1. `H = s·P`
//!
//! # What it does not prove
//! That s is fresh, or known to nobody else.
//!
//! # Transcript
//! `tacit/v1/quota-key`: `context`, `G`, `H`, `P`, then the sigma proof.
//!
//! # Cost
//! 64 bytes; one constant-time multiplication to prove, one double multiplication to verify.
//!
//! # Source
//! Schnorr's proof of knowledge; registered keys must be proven known, or a key made from another's
//! would pass as one's own (Ristenpart, Yilek 2007).

use merlin::Transcript;
use rand_core::{CryptoRng, RngCore};

use super::element::{EncodingError, Reader, borsh_as_bytes};
use super::equation::Equation;
use super::generators::{blinding_generator, value_generator};
use super::key::{QuotaKey, QuotaPublicKey};
use super::labels::{self, TranscriptProtocol};
use super::sigma::{Row, Sigma};

/// Bytes of a proof.
pub const QUOTA_KEY_PROOF_BYTES: usize = Sigma::<1, 1>::BYTES;

/// The proof beside a key's registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuotaKeyProof(Sigma<1, 1>);

/// The proof does not show that its maker knows this key's secret, in this context. The registrant is
/// at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the proof does not show possession of this key in this context")]
pub struct WrongQuotaKeyProof;

impl QuotaKeyProof {
    /// Proves possession of `key`. The context is the ledger's, made from chain and member.
    pub fn prove<R: RngCore + CryptoRng>(key: &QuotaKey, context: &[u8; 32], rng: &mut R) -> Self {
        let public = key.public();
        let mut transcript = transcript(&public, context);
        let secrets = zeroize::Zeroizing::new([*key.secret()]);
        Self(Sigma::prove(
            &mut transcript,
            &[row(&public)],
            &secrets,
            rng,
        ))
    }

    /// Replays the proof, to be verified alone or with others.
    #[must_use]
    pub fn equation(&self, key: &QuotaPublicKey, context: &[u8; 32]) -> Equation {
        let mut transcript = transcript(key, context);
        let mut equation = Equation::new();
        self.0.replay(&mut transcript, &[row(key)], &mut equation);
        equation.sealed(transcript)
    }

    /// Verifies the proof for a key and a context.
    ///
    /// # Errors
    /// [`WrongQuotaKeyProof`].
    pub fn verify(
        &self,
        key: &QuotaPublicKey,
        context: &[u8; 32],
    ) -> Result<(), WrongQuotaKeyProof> {
        if self.equation(key, context).holds() {
            Ok(())
        } else {
            Err(WrongQuotaKeyProof)
        }
    }

    /// R, then s.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; QUOTA_KEY_PROOF_BYTES] {
        self.0.to_array()
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    /// [`EncodingError`].
    pub fn from_bytes(bytes: &[u8; QUOTA_KEY_PROOF_BYTES]) -> Result<Self, EncodingError> {
        Sigma::read(&mut Reader::new(bytes, bytes.len())?).map(Self)
    }
}

borsh_as_bytes!(QuotaKeyProof, QUOTA_KEY_PROOF_BYTES);

fn row(key: &QuotaPublicKey) -> Row {
    Row::plain(blinding_generator(), [(0, *key.element())])
}

fn transcript(key: &QuotaPublicKey, context: &[u8; 32]) -> Transcript {
    let mut transcript = Transcript::new(labels::KEY_PROTOCOL);
    transcript.append_message(labels::CONTEXT, context);
    transcript.append_element(labels::VALUE_GENERATOR, &value_generator());
    transcript.append_element(labels::BLINDING_GENERATOR, &blinding_generator());
    transcript.append_element(labels::KEY, key.element());
    transcript
}
