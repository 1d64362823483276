//! What the ledger keeps of a member, and the arithmetic that it does itself.
//!
//! What arrives waits in `pending` until its owner rolls it over, so that no payment changes what a
//! proof in flight takes from. Rolling over is a sum of ciphertexts and needs no proof: proofs take
//! from a ciphertext by the owner's key, and need no blinding of it.
//!
//! # Invariants
//! Commitments of all accounts and escrows sum up to (minted − burnt)·G, without blinding: amounts
//! only ever move, and what is minted or burnt is public. Both handles of a ciphertext belong to its
//! blinding. No value is below zero, and none exceeds the supply.

use borsh::{BorshDeserialize, BorshSerialize};

use super::ciphertext::{Ciphertext, public_value};
use super::element::Element;
use super::transfer::Role;

/// Most confidential amounts that wait in `pending`, those that open sessions may return included.
/// Their sum is below 2^48, and so opens from the ledger's state alone, without any history, in a time
/// that grows with it: 0.2 s for 2^36, a quarter of an hour for 2^48, with the usual table on one core. A
/// provider that settles every two seconds rolls over daily.
pub const MAX_PENDING_ADDITIONS: u32 = 1 << 16;

/// Places of an account's handles.
pub const OWNER: usize = 0;
/// See [`OWNER`].
pub const SUPERVISOR: usize = 1;

/// Why an account does not take part. The sender is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// As much waits as may: its owner must roll over first.
    #[error("{MAX_PENDING_ADDITIONS} amounts wait: the account must roll over first")]
    PendingFull,
    /// Grants would exceed 64 bits.
    #[error("the grants of an account do not fit 64 bits")]
    Overflow,
}

/// A member's quota. Handles are the owner's and the supervisor's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Account {
    /// What may be spent. Only its owner's own transactions change it.
    pub available: Ciphertext<2>,
    /// What arrived in confidential amounts.
    pub pending: Ciphertext<2>,
    /// What arrived in public amounts, in minor units.
    pub granted_minor: u64,
    /// Confidential amounts in `pending`.
    pub additions: u32,
    /// Open sessions, each of which returns one amount when it ends.
    pub sessions: u32,
}

impl Account {
    /// Holds nothing.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            available: Ciphertext::zero(),
            pending: Ciphertext::zero(),
            granted_minor: 0,
            additions: 0,
            sessions: 0,
        }
    }

    /// Adds a public amount to what waits.
    ///
    /// # Errors
    /// [`AccountError::Overflow`].
    pub fn grant(&mut self, amount_minor: u64) -> Result<(), AccountError> {
        let sum = self.granted_minor.checked_add(amount_minor);
        self.granted_minor = sum.ok_or(AccountError::Overflow)?;
        Ok(())
    }

    /// Takes a proven amount for a session's escrow, and keeps room for what it returns.
    ///
    /// # Errors
    /// [`AccountError::PendingFull`].
    pub fn open(&mut self, amount: &Ciphertext<3>) -> Result<(), AccountError> {
        self.require_room()?;
        let taken = amount.select([Role::Querier as usize, Role::Supervisor as usize]);
        self.available = self.available.minus(&taken);
        self.sessions += 1;
        Ok(())
    }

    /// Adds a proven charge to what waits.
    ///
    /// # Errors
    /// [`AccountError::PendingFull`].
    pub fn receive(&mut self, charge: &Ciphertext<3>) -> Result<(), AccountError> {
        self.require_room()?;
        let added = charge.select([Role::Provider as usize, Role::Supervisor as usize]);
        self.pending = self.pending.plus(&added);
        self.additions += 1;
        Ok(())
    }

    /// Adds what an ended session did not spend, for which there is always room.
    pub fn take_back(&mut self, rest: &Ciphertext<3>) {
        let added = rest.select([Role::Querier as usize, Role::Supervisor as usize]);
        self.pending = self.pending.plus(&added);
        self.additions = self.additions.saturating_add(1);
        self.sessions = self.sessions.saturating_sub(1);
    }

    /// Makes available what waits.
    pub fn roll_over(&mut self) {
        let arrived = self.pending.plus_public(self.granted_minor);
        self.available = self.available.plus(&arrived);
        self.pending = Ciphertext::zero();
        self.granted_minor = 0;
        self.additions = 0;
    }

    /// Takes a public amount that is proven to be there.
    pub fn burn(&mut self, amount_minor: u64) {
        self.available = self.available.minus_public(amount_minor);
    }

    /// Puts another key's handles in place of the owner's or the supervisor's, for `available` and
    /// `pending`, as proven. A party of an open session keeps its key until that has ended.
    pub fn replace_handles(&mut self, place: usize, handles: [Element; 2]) {
        let [available, pending] = handles;
        self.available.handles[place] = available;
        self.pending.handles[place] = pending;
    }

    /// All that the account holds, as a commitment.
    #[must_use]
    pub fn total(&self) -> Element {
        self.available.commitment + self.pending.commitment + public_value(self.granted_minor)
    }

    fn require_room(&self) -> Result<(), AccountError> {
        if self.additions.saturating_add(self.sessions) < MAX_PENDING_ADDITIONS {
            Ok(())
        } else {
            Err(AccountError::PendingFull)
        }
    }
}
