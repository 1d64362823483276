//! Moves a member's handles from one key to the next, so that commitments stay what they are.
//!
//! # Relation
//! Public: the context, P, P′, for each of two ciphertexts the handles D and D′. Secret: s, s′.
//! 1. `H = s·P`
//! 2. `H = s′·P′`
//! 3. `0 = s·D − s′·D′`, for each
//!
//! By 3 both keys find the same blinding. Commitments do not change, and no sum over them does.
//!
//! # What it does not prove
//! That s′ is known to nobody else. What was opened with s before stays open to whoever has s.
//!
//! # Transcript
//! `tacit/v1/quota-key-change`: `context`, `G`, `H`, `P`, `P-new`, both `handle`, both `handle-new`, then the
//! sigma proof.
//!
//! # Cost
//! 256 bytes, handles included.
//!
//! # Source
//! Equality of discrete logarithms (Chaum, Pedersen 1992), as in the re-encryption of PGC.

use curve25519_dalek::scalar::Scalar;
use merlin::Transcript;
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use super::element::{ELEMENT_BYTES, Element, EncodingError, Reader, borsh_as_bytes};
use super::equation::Equation;
use super::generators::{blinding_generator, value_generator};
use super::key::{QuotaKey, QuotaPublicKey};
use super::labels::{self, TranscriptProtocol};
use super::sigma::{Row, Sigma};

/// Which key takes over which handles.
#[derive(Clone, Copy, Debug)]
pub struct KeyChangeStatement<'a> {
    /// Made by the ledger from chain, account and sequence.
    pub context: [u8; 32],
    /// The key so far.
    pub old: &'a QuotaPublicKey,
    /// The key from now on.
    pub new: &'a QuotaPublicKey,
    /// The handles so far: of what is available, and of what is pending.
    pub handles: [Element; 2],
}

/// The handles under the new key, with their proof, which also shows possession of the new key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyChange {
    /// The handles from now on, in the order of the statement's.
    pub handles: [Element; 2],
    proof: Sigma<4, 2>,
}

/// The proof does not show that the new handles are the old ones'. Its maker is at fault, or the
/// ledger has moved on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the proof does not show this change of keys, in this context")]
pub struct WrongKeyChange;

impl KeyChange {
    /// Bytes of a change: handles, then proof.
    pub const BYTES: usize = 2 * ELEMENT_BYTES + Sigma::<4, 2>::BYTES;

    /// Makes the new handles and proves them. Keys that are not the statement's yield a proof that
    /// does not hold.
    pub fn prove<R: RngCore + CryptoRng>(
        statement: &KeyChangeStatement<'_>,
        old: &QuotaKey,
        new: &QuotaKey,
        rng: &mut R,
    ) -> Self {
        let inverse = Zeroizing::new(new.secret().invert());
        let factor = Zeroizing::new(old.secret() * *inverse);
        let handles = statement
            .handles
            .map(|handle| Element::from_point(handle.point() * *factor));
        Self::prove_unchecked(statement, handles, old, new, rng)
    }

    /// False handles yield a proof that does not hold.
    fn prove_unchecked<R: RngCore + CryptoRng>(
        statement: &KeyChangeStatement<'_>,
        handles: [Element; 2],
        old: &QuotaKey,
        new: &QuotaKey,
        rng: &mut R,
    ) -> Self {
        let mut transcript = statement.transcript(&handles);
        let secrets = Zeroizing::new([*old.secret(), *new.secret()]);
        let rows = statement.rows(&handles);
        Self {
            handles,
            proof: Sigma::prove(&mut transcript, &rows, &secrets, rng),
        }
    }

    /// Replays the proof, to be verified alone or with others.
    #[must_use]
    pub fn equation(&self, statement: &KeyChangeStatement<'_>) -> Equation {
        let mut transcript = statement.transcript(&self.handles);
        let mut equation = Equation::new();
        let rows = statement.rows(&self.handles);
        self.proof.replay(&mut transcript, &rows, &mut equation);
        equation.sealed(transcript)
    }

    /// Verifies the change.
    ///
    /// # Errors
    /// [`WrongKeyChange`].
    pub fn verify(&self, statement: &KeyChangeStatement<'_>) -> Result<(), WrongKeyChange> {
        if self.equation(statement).holds() {
            Ok(())
        } else {
            Err(WrongKeyChange)
        }
    }

    /// Handles, then proof.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        let (handles, proof) = bytes.split_at_mut(2 * ELEMENT_BYTES);
        for (place, handle) in handles.chunks_exact_mut(ELEMENT_BYTES).zip(&self.handles) {
            place.copy_from_slice(&handle.to_bytes());
        }
        proof.copy_from_slice(&self.proof.to_array::<{ Sigma::<4, 2>::BYTES }>());
        bytes
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    /// [`EncodingError`].
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Result<Self, EncodingError> {
        let mut reader = Reader::new(bytes, Self::BYTES)?;
        Ok(Self {
            // An account that only ever held what is public has no handles yet.
            handles: reader.array(Reader::any_element)?,
            proof: Sigma::read_any(&mut reader)?,
        })
    }
}

borsh_as_bytes!(KeyChange, KeyChange::BYTES);

impl KeyChangeStatement<'_> {
    fn transcript(&self, handles: &[Element; 2]) -> Transcript {
        let mut transcript = Transcript::new(labels::KEY_CHANGE_PROTOCOL);
        transcript.append_message(labels::CONTEXT, &self.context);
        transcript.append_element(labels::VALUE_GENERATOR, &value_generator());
        transcript.append_element(labels::BLINDING_GENERATOR, &blinding_generator());
        transcript.append_element(labels::KEY, self.old.element());
        transcript.append_element(labels::NEW_KEY, self.new.element());
        for handle in &self.handles {
            transcript.append_element(labels::HANDLE, handle);
        }
        for handle in handles {
            transcript.append_element(labels::NEW_HANDLE, handle);
        }
        transcript
    }

    fn rows(&self, handles: &[Element; 2]) -> [Row; 4] {
        let same = |place: usize| Row {
            image: Vec::new(),
            terms: vec![
                (0, Scalar::ONE, self.handles[place]),
                (1, -Scalar::ONE, handles[place]),
            ],
        };
        [
            Row::plain(blinding_generator(), [(0, *self.old.element())]),
            Row::plain(blinding_generator(), [(1, *self.new.element())]),
            same(0),
            same(1),
        ]
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha20Rng;

    use super::*;
    use crate::quota::ciphertext::Opening;

    #[test]
    fn relation_3_each_new_handle_finds_the_same_blinding() {
        let mut rng = ChaCha20Rng::seed_from_u64(5);
        let (old, new) = (QuotaKey::derive(&[1; 32], 0), QuotaKey::derive(&[1; 32], 1));
        let sealed = [900, 7].map(|value| Opening::random(value, &mut rng).seal(&[old.public()]));
        let statement = KeyChangeStatement {
            context: [7; 32],
            old: &old.public(),
            new: &new.public(),
            handles: sealed.map(|sealed| sealed.handles[0]),
        };
        let true_ones = KeyChange::prove(&statement, &old, &new, &mut rng).handles;
        let mut holds = |handles| {
            KeyChange::prove_unchecked(&statement, handles, &old, &new, &mut rng)
                .verify(&statement)
                .is_ok()
        };
        assert!(holds(true_ones));
        for place in 0..2 {
            for false_one in [
                true_ones[place] + true_ones[place],
                statement.handles[place],
                Element::identity(),
            ] {
                let mut handles = true_ones;
                handles[place] = false_one;
                assert!(!holds(handles));
            }
        }
    }
}
