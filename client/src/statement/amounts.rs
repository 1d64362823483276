//! Sealed amounts, and the proofs of what they hold.

use rand_core::{CryptoRng, RngCore};
use tacit_circuits::quota::{Ciphertext, Disclosure, NotTheValue, QuotaKey, QuotaPublicKey};

use super::error::StatementError;

/// A sealed amount, and what it is in words.
#[derive(Clone, Debug)]
pub(super) struct Sealed {
    what: String,
    pub(super) amount: Ciphertext<1>,
}

impl Sealed {
    pub(super) fn new(what: impl Into<String>, amount: Ciphertext<1>) -> Self {
        let what = what.into();
        Self { what, amount }
    }
}

/// Proofs of amounts that are taken in the order in which they were made.
pub(super) struct Amounts<'a> {
    context: [u8; 32],
    count: usize,
    disclosures: std::slice::Iter<'a, Disclosure>,
}

impl<'a> Amounts<'a> {
    pub(super) fn new(context: [u8; 32], disclosures: &'a [Disclosure]) -> Self {
        Self {
            context,
            count: disclosures.len(),
            disclosures: disclosures.iter(),
        }
    }

    /// What the next amount holds, proven under one of the keys.
    pub(super) fn next(
        &mut self,
        sealed: &Sealed,
        keys: &[QuotaPublicKey],
    ) -> Result<u64, StatementError> {
        let disclosure = self.disclosures.next();
        let disclosure = disclosure.ok_or(StatementError::WrongCount(self.count))?;
        let about = (disclosure.context, disclosure.ciphertext);
        if about != (self.context, sealed.amount) || !keys.contains(&disclosure.key) {
            return Err(StatementError::OtherAmount(sealed.what.clone()));
        }
        let verified = disclosure.verify();
        verified.map_err(|_| StatementError::WrongProof(sealed.what.clone()))?;
        Ok(disclosure.value_minor)
    }

    /// Refuses proofs that are of no amount.
    pub(super) fn end(mut self) -> Result<(), StatementError> {
        match self.disclosures.next() {
            None => Ok(()),
            Some(_) => Err(StatementError::WrongCount(self.count)),
        }
    }
}

/// Proves what amounts hold, as `open` opens them with `key`.
pub(super) fn disclose<R: RngCore + CryptoRng>(
    context: [u8; 32],
    key: &QuotaKey,
    sealed: &[Sealed],
    open: impl Fn(&Ciphertext<1>) -> Option<u64>,
    rng: &mut R,
) -> Result<Vec<Disclosure>, NotTheValue> {
    let disclose = |sealed: &Sealed| {
        let value_minor = open(&sealed.amount).ok_or(NotTheValue)?;
        Disclosure::prove(context, key, &sealed.amount, value_minor, rng)
    };
    sealed.iter().map(disclose).collect()
}
