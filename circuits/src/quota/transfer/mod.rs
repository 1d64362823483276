//! Proves that an amount is in range, that every party can open it, and that what is left of its
//! source is not below zero.
//!
//! # Relation
//! Public: the kind, the context, the parties' keys Pᵢ, the source (S, D) as the prover's handle has
//! it, the amount (A, Dᵢ), limbs L and U of what is left. Secret: v, r, the prover's key s, and the
//! limbs' values and blindings; y is the blinding of `L + 2^32·U`.
//! 1. `A = v·G + r·H`
//! 2. `Dᵢ = r·Pᵢ` for querier, provider and supervisor
//! 3. `H = s·P` for the prover's P
//! 4. `S − A − L − 2^32·U = s·(D − Dₚ) − y·H`, Dₚ the prover's handle of the amount
//! 5. v and what L and U hold are in [0, 2^32)
//!
//! The source is a ciphertext, so that `s·D` is the blinding of S times H. By 3 and 4, therefore, what
//! is left of the source is what the limbs hold, which 5 bounds. The prover needs its key, and no
//! blinding of the source: sums of whatever arrived can be spent as they are.
//!
//! A session's escrow is below 2^32, and so is what is left of it: settling has no U.
//!
//! # What it does not prove
//! That the source is what the ledger says, or that its value was in range before: the ledger's
//! state does. That v is the amount agreed upon. That other parties know the secrets of their keys.
//!
//! # Transcript
//! See `docs/protocol.md`.
//!
//! # Cost
//! 1,248 bytes for opening a session, 1,152 for settling, amount included; see `benches/circuits`
//! for times.
//!
//! # Source
//! Twisted ElGamal and the proofs of PGC (Chen, Ma, Tang, Au 2020), with one aggregated range proof
//! (Bünz et al. 2018) where PGC has two. PGC re-encrypts what is left before the range proof; here
//! fresh commitments to its limbs serve for that.

mod proof;
#[cfg(test)]
mod tests;

pub use proof::{Proof, ProveError, WrongTransfer, equation, prove, verify};

use merlin::Transcript;

use super::ciphertext::{Ciphertext, Opening};
use super::element::{EncodingError, Reader};
use super::generators::{blinding_generator, value_generator};
use super::key::{QuotaKey, QuotaPublicKey};
use super::labels::{self, TranscriptProtocol};

/// The parties of a transfer, and of an escrow: their places among its handles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Who asks and pays.
    Querier = 0,
    /// Who answers and is paid.
    Provider = 1,
    /// Who may see amounts.
    Supervisor = 2,
}

/// The keys of a transfer's parties, in the order of [`Role`].
pub type Parties = [QuotaPublicKey; 3];

/// What a transfer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The querier puts an amount into escrow, out of what it has available.
    Open,
    /// The provider takes a charge out of an escrow.
    Settle,
}

impl Kind {
    /// Who proves, and under whose handle the source is.
    #[must_use]
    pub fn prover(self) -> Role {
        match self {
            Self::Open => Role::Querier,
            Self::Settle => Role::Provider,
        }
    }

    /// Bytes of a transfer of this kind.
    #[must_use]
    pub const fn transfer_bytes(self) -> usize {
        Ciphertext::<3>::BYTES + Proof::bytes(self)
    }

    /// Most that the source may hold once the amount is taken, plus one.
    fn rest_bound(self) -> u128 {
        match self {
            Self::Open => 1 << 64,
            Self::Settle => 1 << 32,
        }
    }
}

/// What a transfer is proven for.
#[derive(Clone, Copy, Debug)]
pub struct Statement<'a> {
    /// What it does.
    pub kind: Kind,
    /// Made by the ledger from all that the transfer must not be moved away from: chain, accounts,
    /// sequence.
    pub context: [u8; 32],
    /// The keys of its parties.
    pub parties: &'a Parties,
    /// What the amount is taken from, under the prover's handle.
    pub source: &'a Ciphertext<1>,
    /// The amount.
    pub amount: &'a Ciphertext<3>,
}

/// What the prover knows.
pub struct Witness<'a> {
    /// The prover's key.
    pub key: &'a QuotaKey,
    /// What the source holds, in minor units.
    pub source_minor: u64,
    /// The amount's opening.
    pub amount: &'a Opening,
}

impl Statement<'_> {
    /// The relation, natively.
    ///
    /// # Errors
    /// [`ProveError`], which says what is false.
    pub fn check(&self, witness: &Witness<'_>) -> Result<(), ProveError> {
        if witness.key.public() != *self.prover_key() {
            return Err(ProveError::Key);
        }
        if witness.amount.seal(self.parties) != *self.amount {
            return Err(ProveError::Amount);
        }
        if !self.source.opens_to(witness.key, witness.source_minor) {
            return Err(ProveError::Source);
        }
        let rest = witness
            .source_minor
            .checked_sub(witness.amount.value.into())
            .ok_or(ProveError::Exhausted)?;
        if u128::from(rest) >= self.kind.rest_bound() {
            return Err(ProveError::Source);
        }
        Ok(())
    }

    /// What the prover's handle makes of the source once the amount is taken.
    #[must_use]
    pub fn rest(&self) -> Ciphertext<1> {
        self.source
            .minus(&self.amount.select([self.kind.prover() as usize]))
    }

    fn prover_key(&self) -> &QuotaPublicKey {
        &self.parties[self.kind.prover() as usize]
    }

    /// The transcript up to the limbs, which the proof holds.
    fn transcript(&self) -> Transcript {
        let mut transcript = Transcript::new(labels::TRANSFER_PROTOCOL);
        transcript.append_message(labels::CONTEXT, &self.context);
        let kind = match self.kind {
            Kind::Open => 0,
            Kind::Settle => 1,
        };
        transcript.append_u64(labels::KIND, kind);
        transcript.append_element(labels::VALUE_GENERATOR, &value_generator());
        transcript.append_element(labels::BLINDING_GENERATOR, &blinding_generator());
        for party in self.parties {
            transcript.append_element(labels::KEY, party.element());
        }
        transcript.append_element(labels::SOURCE, &self.source.commitment);
        transcript.append_element(labels::SOURCE_HANDLE, &self.source.handles[0]);
        transcript.append_element(labels::AMOUNT, &self.amount.commitment);
        for handle in &self.amount.handles {
            transcript.append_element(labels::HANDLE, handle);
        }
        transcript
    }
}

/// An amount with its proof, as it goes onto the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// The amount, for querier, provider and supervisor.
    pub amount: Ciphertext<3>,
    /// The proof.
    pub proof: Proof,
}

impl Transfer {
    /// Amount, then proof: [`Kind::transfer_bytes`] bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.amount.to_vec();
        self.proof.write(&mut bytes);
        bytes
    }

    /// Reads a transfer of a kind.
    ///
    /// # Errors
    /// [`EncodingError`]: another length, an element or a scalar that is not canonical, the identity.
    pub fn from_bytes(kind: Kind, bytes: &[u8]) -> Result<Self, EncodingError> {
        let mut reader = Reader::new(bytes, kind.transfer_bytes())?;
        Ok(Self {
            amount: Ciphertext::read(&mut reader)?,
            proof: Proof::read(&mut reader, kind)?,
        })
    }
}
