//! Shows what a ciphertext holds, to anybody and for good, without the key that opens it.
//!
//! # Relation
//! Public: the context, P, the ciphertext (C, D), the value v. Secret: s.
//! 1. `H = s·P`
//! 2. `C − v·G = s·D`
//!
//! # What it does not prove
//! That the ciphertext stands on a ledger: whoever reads it compares. That the maker wants to be
//! bound to the value for other contexts.
//!
//! # Transcript
//! `tacit/v1/quota-disclosure`: `context`, `G`, `H`, `P`, `commitment`, `handle`, `value` (8 bytes), then
//! the sigma proof.
//!
//! # Cost
//! 96 bytes; three constant-time multiplications to prove.
//!
//! # Source
//! Equality of discrete logarithms (Chaum, Pedersen 1992).

use curve25519_dalek::scalar::Scalar;
use merlin::Transcript;
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use super::ciphertext::{Ciphertext, public_value};
use super::element::{Element, EncodingError, Reader, borsh_as_bytes};
use super::equation::Equation;
use super::generators::{blinding_generator, value_generator};
use super::key::{QuotaKey, QuotaPublicKey};
use super::labels::{self, TranscriptProtocol};
use super::sigma::{Row, Sigma};

/// A value with its proof, which whoever has it verifies without a ledger or a key. A member exports
/// what it was paid, a supervisor shows what it opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disclosure {
    /// What it was made for; a word of whoever asks, so that it proves nothing to others unawares.
    pub context: [u8; 32],
    /// Whose handle it is.
    pub key: QuotaPublicKey,
    /// What was opened.
    pub ciphertext: Ciphertext<1>,
    /// What it holds, in minor units.
    pub value_minor: u64,
    proof: Sigma<2, 1>,
}

/// The disclosure does not show what it says. Its maker is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the disclosure does not show that the ciphertext holds the value")]
pub struct WrongDisclosure;

/// Nothing was proven: the ciphertext does not hold the value for this key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the ciphertext does not hold the value for this key")]
pub struct NotTheValue;

impl Disclosure {
    /// Bytes of a disclosure.
    pub const BYTES: usize =
        32 + QuotaPublicKey::BYTES + Ciphertext::<1>::BYTES + 8 + Sigma::<2, 1>::BYTES;

    /// Proves what a ciphertext holds.
    ///
    /// # Errors
    /// [`NotTheValue`].
    pub fn prove<R: RngCore + CryptoRng>(
        context: [u8; 32],
        key: &QuotaKey,
        ciphertext: &Ciphertext<1>,
        value_minor: u64,
        rng: &mut R,
    ) -> Result<Self, NotTheValue> {
        if !ciphertext.opens_to(key, value_minor) {
            return Err(NotTheValue);
        }
        let (public, secret) = (key.public(), key.secret());
        Ok(Self::prove_unchecked(
            context,
            public,
            secret,
            ciphertext,
            value_minor,
            rng,
        ))
    }

    /// A false value or another's secret yields a disclosure that does not hold.
    fn prove_unchecked<R: RngCore + CryptoRng>(
        context: [u8; 32],
        key: QuotaPublicKey,
        secret: &Scalar,
        ciphertext: &Ciphertext<1>,
        value_minor: u64,
        rng: &mut R,
    ) -> Self {
        let mut transcript = transcript(&context, &key, ciphertext, value_minor);
        let rows = rows(&key, ciphertext, value_minor);
        let secrets = Zeroizing::new([*secret]);
        Self {
            context,
            key,
            ciphertext: *ciphertext,
            value_minor,
            proof: Sigma::prove(&mut transcript, &rows, &secrets, rng),
        }
    }

    /// Replays the proof, to be verified alone or with others.
    #[must_use]
    pub fn equation(&self) -> Equation {
        let (key, ciphertext, value) = (&self.key, &self.ciphertext, self.value_minor);
        let mut transcript = transcript(&self.context, key, ciphertext, value);
        let mut equation = Equation::new();
        let rows = rows(key, ciphertext, value);
        self.proof.replay(&mut transcript, &rows, &mut equation);
        equation.sealed(transcript)
    }

    /// Verifies the disclosure. Whether context, key and ciphertext are the right ones is for the
    /// caller to compare.
    ///
    /// # Errors
    /// [`WrongDisclosure`].
    pub fn verify(&self) -> Result<(), WrongDisclosure> {
        if self.equation().holds() {
            Ok(())
        } else {
            Err(WrongDisclosure)
        }
    }

    /// Context, key, commitment, handle, value (little-endian), proof.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(Self::BYTES);
        bytes.extend(self.context);
        bytes.extend(self.key.to_bytes());
        self.ciphertext.write(&mut bytes);
        bytes.extend(self.value_minor.to_le_bytes());
        self.proof.write(&mut bytes);
        bytes
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    /// [`EncodingError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EncodingError> {
        let mut reader = Reader::new(bytes, Self::BYTES)?;
        Ok(Self {
            context: reader.bytes()?,
            key: QuotaPublicKey::from_bytes(&reader.bytes()?)?,
            ciphertext: Ciphertext {
                commitment: reader.any_element()?,
                handles: reader.array(Reader::any_element)?,
            },
            value_minor: u64::from_le_bytes(reader.bytes()?),
            proof: Sigma::read_any(&mut reader)?,
        })
    }
}

borsh_as_bytes!(Disclosure, Disclosure::BYTES);

fn transcript(
    context: &[u8; 32],
    key: &QuotaPublicKey,
    ciphertext: &Ciphertext<1>,
    value: u64,
) -> Transcript {
    let mut transcript = Transcript::new(labels::DISCLOSURE_PROTOCOL);
    transcript.append_message(labels::CONTEXT, context);
    transcript.append_element(labels::VALUE_GENERATOR, &value_generator());
    transcript.append_element(labels::BLINDING_GENERATOR, &blinding_generator());
    transcript.append_element(labels::KEY, key.element());
    transcript.append_element(labels::COMMITMENT, &ciphertext.commitment);
    transcript.append_element(labels::HANDLE, &ciphertext.handles[0]);
    transcript.append_u64(labels::VALUE, value);
    transcript
}

fn rows(key: &QuotaPublicKey, ciphertext: &Ciphertext<1>, value: u64) -> [Row; 2] {
    let blinding: Element = ciphertext.commitment - public_value(value);
    [
        Row::plain(blinding_generator(), [(0, *key.element())]),
        Row::plain(blinding, [(0, ciphertext.handles[0])]),
    ]
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha20Rng;

    use super::*;
    use crate::quota::ciphertext::Opening;

    fn holds(owner: &QuotaKey, secret: &Scalar, ciphertext: &Ciphertext<1>, value: u64) -> bool {
        let mut rng = ChaCha20Rng::seed_from_u64(5);
        let public = owner.public();
        Disclosure::prove_unchecked([7; 32], public, secret, ciphertext, value, &mut rng)
            .verify()
            .is_ok()
    }

    fn sealed(owner: &QuotaKey) -> Ciphertext<1> {
        let mut rng = ChaCha20Rng::seed_from_u64(6);
        Opening::random(900, &mut rng).seal(&[owner.public()])
    }

    #[test]
    fn relation_1_the_key_is_the_owners() {
        let (key, other) = (QuotaKey::derive(&[1; 32], 0), QuotaKey::derive(&[2; 32], 0));
        let mut sealed = sealed(&key);
        assert!(holds(&key, key.secret(), &sealed, 900));
        // A handle with which the other secret makes relation 2 true.
        let factor = key.secret() * other.secret().invert();
        sealed.handles[0] = Element::from_point(sealed.handles[0].point() * factor);
        assert!(!holds(&key, other.secret(), &sealed, 900));
    }

    #[test]
    fn relation_2_the_ciphertext_holds_the_value() {
        let key = QuotaKey::derive(&[1; 32], 0);
        for value in [0, 899, 901] {
            assert!(!holds(&key, key.secret(), &sealed(&key), value));
        }
    }
}
