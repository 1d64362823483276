//! Quota: deposits in the plain, and what came and went. Accounts and escrows are those of
//! [`tacit_circuits::quota`].

use borsh::{BorshDeserialize, BorshSerialize};

/// Quota of a member that stands in the plain, so that penalties and stakes are taken without asking it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Deposit {
    /// What is bound by nothing, in minor units.
    pub free_minor: u64,
    /// What it put aside for disputes of its own that are undecided, in minor units.
    pub staked_minor: u64,
}

impl Deposit {
    /// All of it, in minor units.
    pub fn total_minor(&self) -> u64 {
        self.free_minor + self.staked_minor
    }
}

/// Quota that ever came and went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Supply {
    /// Minted by grants and rewards, in minor units.
    pub minted_minor: u64,
    /// Burnt by penalties, in minor units.
    pub burnt_minor: u64,
    /// What stands in deposits, in minor units.
    pub deposited_minor: u64,
}

impl Supply {
    /// What accounts and escrows hold together, in minor units: minted less burnt less deposited.
    pub fn confidential_minor(&self) -> u64 {
        // No more was ever burnt and deposited than was minted.
        self.minted_minor - self.burnt_minor - self.deposited_minor
    }
}
