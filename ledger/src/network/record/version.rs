//! The version of the rules that a network runs.

use std::ops::RangeInclusive;

use borsh::{BorshDeserialize, BorshSerialize};

/// The version of the first block's rules.
pub const FIRST_CODE_VERSION: u32 = 1;

/// The versions whose blocks this code executes. A release that brings new rules keeps the old ones until all
/// chains have passed on.
pub const SUPPORTED_CODE_VERSIONS: RangeInclusive<u32> = FIRST_CODE_VERSION..=FIRST_CODE_VERSION;

/// Which version of the rules is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct CodeVersions {
    /// The version before the next one.
    pub current: u32,
    /// The version that was voted last.
    pub next: Option<NextVersion>,
}

/// A version that was voted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct NextVersion {
    /// Version.
    pub version: u32,
    /// First height that it executes.
    pub from_height: u64,
}

impl Default for CodeVersions {
    fn default() -> Self {
        Self {
            current: FIRST_CODE_VERSION,
            next: None,
        }
    }
}

impl CodeVersions {
    /// The version that executes the block of a height.
    pub fn at(&self, height: u64) -> u32 {
        match self.next {
            Some(next) if height >= next.from_height => next.version,
            _ => self.current,
        }
    }

    /// What comes after a height, if something was voted.
    pub fn after(&self, height: u64) -> Option<NextVersion> {
        self.next.filter(|next| next.from_height > height)
    }
}
