//! Refusals: permanent numbers, one order of precedence.
//!
//! A refused transaction changes nothing but its sender's sequence number, and the refusal is the same
//! on every machine. Four phases check a transaction, and the first refusal that applies is the one
//! returned:
//!
//! 1. the kernel without state: form, chain, module, signature;
//! 2. the module without state: proofs, points, sums;
//! 3. the kernel with state: sender, key, expiry, sequence;
//! 4. the module with state.
//!
//! Within a phase the checks of an action run in ascending order of their numbers. An action that holds
//! others (the openings of several sessions, the change that a deciding vote carries out) is checked
//! itself first, then they are, each by itself, in their order. A refusal of phases
//! 1 to 3 does not even spend the sequence number: such a transaction was not authorised, or is not yet
//! or no longer in turn, and does not belong in a block.
//!
//! Numbers are never reused. 1 to 99 are the kernel's, 100 to 999 the risk network's; other modules take
//! blocks of a thousand from 1000 on.

use borsh::{BorshDeserialize, BorshSerialize};
use std::fmt;

/// Why a transaction was refused. See the module's documentation for the order of precedence.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct Reject(u16);

/// What a refusal means. Each module publishes one per number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RejectInfo {
    /// The refusal.
    pub reject: Reject,
    /// Its name, as in the code.
    pub name: &'static str,
    /// True when the same transaction could succeed later without anyone changing it.
    pub transient: bool,
    /// One sentence for the person whose transaction it was: what happened, and what to do.
    pub text: &'static str,
}

impl Reject {
    /// The refusal with this permanent number, for the table of a module.
    pub const fn numbered(number: u16) -> Self {
        Self(number)
    }

    /// Its permanent number.
    pub const fn number(self) -> u16 {
        self.0
    }

    /// What it means, for the refusals of the kernel and the risk network. Those of other modules are
    /// described by their registry, see [`Registry::describe`](crate::kernel::Registry::describe).
    pub fn info(self) -> Option<&'static RejectInfo> {
        let tables = [KERNEL_REJECTS, crate::network::reject::NETWORK_REJECTS];
        tables
            .into_iter()
            .flatten()
            .find(|info| info.reject == self)
    }

    /// Whether the same transaction could succeed later without anyone changing it.
    pub fn transient(self) -> bool {
        self.info().is_some_and(|info| info.transient)
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.info() {
            Some(info) => write!(f, "{} ({}): {}", info.name, self.0, info.text),
            None => write!(f, "refused with number {}", self.0),
        }
    }
}

impl fmt::Debug for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.info() {
            Some(info) => write!(f, "{}", info.name),
            None => write!(f, "Reject({})", self.0),
        }
    }
}

impl std::error::Error for Reject {}

/// Declares the refusals of a module: constants on [`Reject`] and the table that describes them.
macro_rules! rejects {
    ($(#[$doc:meta])* $table:ident: $($number:literal $name:ident $lasting:ident $text:literal;)*) => {
        impl $crate::kernel::Reject {
            $(#[doc = $text] pub const $name: Self = Self::numbered($number);)*
        }

        $(#[$doc])*
        pub const $table: &[$crate::kernel::RejectInfo] = &[
            $($crate::kernel::RejectInfo {
                reject: $crate::kernel::Reject::$name,
                name: stringify!($name),
                transient: rejects!(@ $lasting),
                text: $text,
            },)*
        ];
    };
    (@ lasting) => { false };
    (@ transient) => { true };
}
pub(crate) use rejects;

rejects! {
    /// Refusals of the kernel, in the order of their numbers.
    KERNEL_REJECTS:
    1 MALFORMED lasting "The bytes are not a canonical transaction of this version.";
    2 WRONG_CHAIN lasting "The transaction was signed for another chain.";
    3 MODULE_UNKNOWN lasting "This chain has no such module.";
    4 SIGNATURE_INVALID lasting "The signature does not verify under the sender's key.";
    20 SENDER_UNKNOWN lasting "The sender is no party of this chain.";
    21 SENDER_KEY_MISMATCH lasting "The transaction is signed with a key that is not the sender's registered one.";
    22 SENDER_LEFT lasting "The sender has left the network.";
    23 EXPIRED lasting "The transaction's expiry height has passed; sign it again.";
    24 SEQUENCE_TOO_LOW lasting "A transaction with this sequence number stands on the ledger already.";
    25 SEQUENCE_TOO_HIGH transient "Transactions with lower sequence numbers have to come first.";
}
