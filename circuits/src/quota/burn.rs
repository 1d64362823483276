//! Proves that a public amount can be taken out of a source, so that it may be burnt.
//!
//! # Relation
//! Public: the context, P, the source (S, D), the amount a, limbs L and U of what is left. Secret: s,
//! the limbs' values and blindings; y is the blinding of `L + 2^32·U`.
//! 1. `H = s·P`
//! 2. `S − a·G − L − 2^32·U = s·D − y·H`
//! 3. what L and U hold is in [0, 2^32)
//!
//! # What it does not prove
//! What the source held.
//!
//! # Transcript
//! See `docs/protocol.md`.
//!
//! # Cost
//! 864 bytes.
//!
//! # Source
//! Relations 3 to 5 of [`transfer`](super::transfer), for an amount without blinding.

use curve25519_dalek::scalar::Scalar;
use merlin::Transcript;
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use super::ciphertext::Ciphertext;
use super::element::{ELEMENT_BYTES, EncodingError, Reader};
use super::equation::Equation;
use super::generators::{blinding_generator, value_generator};
use super::key::{QuotaKey, QuotaPublicKey};
use super::labels::{self, TranscriptProtocol};
use super::limbs::{LimbOpenings, Limbs, split};
use super::range::{Range, range_bytes};
use super::sigma::{Row, Sigma};
use super::transfer::ProveError;

/// Limbs of what is left.
const LIMBS: usize = 2;
/// Places of the secrets: s, y.
const KEY: usize = 0;
const REST_BLINDING: usize = 1;

/// What is burnt out of what.
#[derive(Clone, Copy, Debug)]
pub struct BurnStatement<'a> {
    /// Made by the ledger from chain, account and sequence.
    pub context: [u8; 32],
    /// Whose source it is.
    pub key: &'a QuotaPublicKey,
    /// What the amount is taken from.
    pub source: &'a Ciphertext<1>,
    /// The amount, in minor units.
    pub amount_minor: u64,
}

/// The proof beside a burn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BurnProof {
    limbs: Limbs,
    sigma: Sigma<2, 2>,
    range: Range,
}

/// The proof does not show that the source holds the amount. Its maker is at fault, or the ledger
/// has moved on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the proof does not show that this source holds the amount, in this context")]
pub struct WrongBurn;

impl BurnProof {
    /// Bytes of a proof.
    pub const BYTES: usize = LIMBS * ELEMENT_BYTES + Sigma::<2, 2>::BYTES + range_bytes(LIMBS);

    /// Proves that the amount is there, out of a source that holds `source_minor`.
    ///
    /// # Errors
    /// [`ProveError::Key`], [`ProveError::Source`] or [`ProveError::Exhausted`].
    pub fn prove<R: RngCore + CryptoRng>(
        statement: &BurnStatement<'_>,
        key: &QuotaKey,
        source_minor: u64,
        rng: &mut R,
    ) -> Result<Self, ProveError> {
        if key.public() != *statement.key {
            return Err(ProveError::Key);
        }
        if !statement.source.opens_to(key, source_minor) {
            return Err(ProveError::Source);
        }
        let rest = source_minor
            .checked_sub(statement.amount_minor)
            .ok_or(ProveError::Exhausted)?;
        let limbs = Zeroizing::new(split(rest, LIMBS));
        Ok(Self::prove_unchecked(statement, key.secret(), &limbs, rng))
    }

    /// False limbs or another's secret yield a proof that does not hold.
    fn prove_unchecked<R: RngCore + CryptoRng>(
        statement: &BurnStatement<'_>,
        secret: &Scalar,
        rest: &[u64],
        rng: &mut R,
    ) -> Self {
        let mut transcript = statement.transcript();
        let mut hedged = transcript.hedged(std::slice::from_ref(secret), rng);
        let openings = LimbOpenings::draw(rest, &mut hedged);
        let limbs = openings.commit();
        let secrets = Zeroizing::new([*secret, openings.blinding()]);
        let rows = statement.rows(&limbs, &mut transcript);
        let sigma = Sigma::prove(&mut transcript, &rows, &secrets, &mut hedged);
        let (values, blindings) = (&openings.values, &openings.blindings);
        let range = Range::prove(&mut transcript, values, blindings, &mut hedged);
        Self {
            limbs,
            sigma,
            range,
        }
    }

    /// Replays the proof, to be verified alone or with others.
    #[must_use]
    pub fn equation(&self, statement: &BurnStatement<'_>) -> Equation {
        let mut transcript = statement.transcript();
        let mut equation = Equation::new();
        let rows = statement.rows(&self.limbs, &mut transcript);
        self.sigma.replay(&mut transcript, &rows, &mut equation);
        let limbs = self.limbs.elements();
        self.range.replay(&mut transcript, limbs, &mut equation);
        equation.sealed(transcript)
    }

    /// Verifies the proof.
    ///
    /// # Errors
    /// [`WrongBurn`].
    pub fn verify(&self, statement: &BurnStatement<'_>) -> Result<(), WrongBurn> {
        if self.equation(statement).holds() {
            Ok(())
        } else {
            Err(WrongBurn)
        }
    }

    /// Limbs, sigma proof, range proof.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(Self::BYTES);
        self.limbs.write(&mut bytes);
        self.sigma.write(&mut bytes);
        self.range.write(&mut bytes);
        bytes
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    /// [`EncodingError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EncodingError> {
        let mut reader = Reader::new(bytes, Self::BYTES)?;
        Ok(Self {
            limbs: Limbs::read(&mut reader, LIMBS)?,
            sigma: Sigma::read(&mut reader)?,
            range: Range::read(&mut reader, LIMBS)?,
        })
    }
}

impl BurnStatement<'_> {
    fn transcript(&self) -> Transcript {
        let mut transcript = Transcript::new(labels::BURN_PROTOCOL);
        transcript.append_message(labels::CONTEXT, &self.context);
        transcript.append_element(labels::VALUE_GENERATOR, &value_generator());
        transcript.append_element(labels::BLINDING_GENERATOR, &blinding_generator());
        transcript.append_element(labels::KEY, self.key.element());
        transcript.append_element(labels::SOURCE, &self.source.commitment);
        transcript.append_element(labels::SOURCE_HANDLE, &self.source.handles[0]);
        transcript.append_u64(labels::AMOUNT, self.amount_minor);
        transcript
    }

    /// Absorbs the limbs, and writes the relation down.
    fn rows(&self, limbs: &Limbs, transcript: &mut Transcript) -> [Row; 2] {
        limbs.absorb(transcript);
        let rest = self.source.minus_public(self.amount_minor);
        [
            Row::plain(blinding_generator(), [(KEY, *self.key.element())]),
            limbs.row(&rest, KEY, REST_BLINDING),
        ]
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha20Rng;

    use super::*;
    use crate::quota::ciphertext::Opening;
    use crate::quota::element::Element;

    const REST: u64 = (1 << 40) - 1_200;

    /// Whether a claim about 1,200 out of 2^40 holds.
    fn holds(owner: &QuotaKey, source: &Ciphertext<1>, secret: &Scalar, rest: &[u64]) -> bool {
        let statement = BurnStatement {
            context: [7; 32],
            key: &owner.public(),
            source,
            amount_minor: 1_200,
        };
        let mut rng = ChaCha20Rng::seed_from_u64(5);
        let proof = BurnProof::prove_unchecked(&statement, secret, rest, &mut rng);
        proof.verify(&statement).is_ok()
    }

    fn source(key: &QuotaKey) -> Ciphertext<1> {
        let mut rng = ChaCha20Rng::seed_from_u64(6);
        let some = Opening::random(1 << 31, &mut rng).seal(&[key.public()]);
        some.plus_public((1 << 40) - (1 << 31))
    }

    #[test]
    fn relation_1_the_key_is_the_owners() {
        let (key, other) = (QuotaKey::derive(&[1; 32], 0), QuotaKey::derive(&[2; 32], 0));
        let mut source = source(&key);
        assert!(holds(&key, &source, key.secret(), &split(REST, LIMBS)));
        // A handle with which the other secret makes relation 2 true.
        let factor = key.secret() * other.secret().invert();
        source.handles[0] = Element::from_point(source.handles[0].point() * factor);
        assert!(!holds(&key, &source, other.secret(), &split(REST, LIMBS)));
    }

    #[test]
    fn relation_2_the_rest_is_what_the_source_holds_less_the_amount() {
        let key = QuotaKey::derive(&[1; 32], 0);
        for rest in [REST + 1, REST - 1, REST + 1_200] {
            assert!(!holds(
                &key,
                &source(&key),
                key.secret(),
                &split(rest, LIMBS)
            ));
        }
    }

    #[test]
    fn relation_3_no_limb_is_as_large_as_2_to_the_32() {
        let key = QuotaKey::derive(&[1; 32], 0);
        let [low, high] = [REST % (1 << 32), REST >> 32];
        assert!(holds(&key, &source(&key), key.secret(), &[low, high]));
        let moved = [low + (1 << 32), high - 1];
        assert!(!holds(&key, &source(&key), key.secret(), &moved));
    }
}
