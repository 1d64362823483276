//! Sealed amounts, and the proofs of what they hold.

use rand_core::{CryptoRng, RngCore};
use tacit_circuits::quota::{Ciphertext, Disclosure, NotTheValue, QuotaKey, QuotaPublicKey};

use super::error::StatementError;

/// A sealed amount, and what it is in words.
#[derive(Clone, Debug)]
pub struct Sealed {
    what: String,
    /// The amount, with the member's handle.
    pub amount: Ciphertext<1>,
    /// The key to which it is sealed, where a record says so; else it is one amount, sealed to one of the member's
    /// keys.
    pub key: Option<QuotaPublicKey>,
}

impl Sealed {
    pub(super) fn new(
        what: impl Into<String>,
        amount: Ciphertext<1>,
        key: Option<QuotaPublicKey>,
    ) -> Self {
        let what = what.into();
        Self { what, amount, key }
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

    /// What the next amount holds, as proven.
    ///
    /// Where no record says to which key an amount is sealed, any will do: a handle is a multiple of H whichever
    /// key it was made for, and no key makes of it the proof of another amount.
    pub(super) fn next(&mut self, sealed: &Sealed) -> Result<u64, StatementError> {
        let disclosure = self.disclosures.next();
        let disclosure = disclosure.ok_or(StatementError::WrongCount(self.count))?;
        let about = (disclosure.context, disclosure.ciphertext);
        let other_key = sealed.key.is_some_and(|key| key != disclosure.key);
        if about != (self.context, sealed.amount) || other_key {
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

/// Proves what amounts hold, as `open` opens them, and with which key.
pub(super) fn disclose<R: RngCore + CryptoRng>(
    context: [u8; 32],
    sealed: &[Sealed],
    open: impl Fn(&Ciphertext<1>) -> Option<(QuotaKey, u64)>,
    rng: &mut R,
) -> Result<Vec<Disclosure>, NotTheValue> {
    let disclose = |sealed: &Sealed| {
        let (key, value_minor) = open(&sealed.amount).ok_or(NotTheValue)?;
        Disclosure::prove(context, &key, &sealed.amount, value_minor, rng)
    };
    sealed.iter().map(disclose).collect()
}
