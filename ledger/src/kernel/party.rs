//! Who may sign, and in which role.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Serialize;
use std::fmt;
use tacit_circuits::scope::MemberId;

use crate::kernel::codec::Text;
use crate::kernel::keys;
use crate::kernel::state::{self, Missing, StateView};

/// Longest name of an institution or group, in UTF-8 bytes: 32 Chinese characters, 96 Latin ones.
pub const MAX_NAME_BYTES: usize = 96;

/// Parties of one network, those that left included. Enumerations of members, voters and validators are
/// sized by it; the design aims at about 100 members.
pub const MAX_PARTIES: usize = 256;

/// Name of an institution, a group, a list or a category.
pub type Name = Text<MAX_NAME_BYTES>;

macro_rules! key_bytes {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
        pub struct $name(pub [u8; 32]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
    };
}
pub(crate) use key_bytes;

key_bytes! {
    /// Ed25519 key with which a party signs transactions and requests (ZIP 215 encoding).
    LedgerKey
}

/// What a party may do.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Votes, publishes and calls.
    Member,
    /// Sees and verifies: no votes, no lists, no calls. The supervisor is one.
    Observer,
}

/// Whether a party belongs to the network now.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub enum PartyStatus {
    /// Belongs to it.
    Active,
    /// Left, or was voted out, at this height. Its number and keys are never given to another.
    Left {
        /// Height of the block that took effect.
        height: u64,
    },
}

/// Somebody who may sign.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Party {
    /// Number, given in the order of joining from 1.
    pub id: MemberId,
    /// The institution's name.
    pub name: Name,
    /// Corporate group. Parties of one group do not attest each other's lists and earn nothing from
    /// each other's calls.
    pub group: Name,
    /// What it may do.
    pub role: Role,
    /// Whether it belongs to the network now.
    pub status: PartyStatus,
    /// Key with which it signs.
    pub ledger_key: LedgerKey,
}

impl Party {
    /// True when it belongs to the network now.
    pub fn is_active(&self) -> bool {
        self.status == PartyStatus::Active
    }

    /// True when it is an active member, not an observer.
    pub fn is_active_member(&self) -> bool {
        self.is_active() && self.role == Role::Member
    }
}

/// The party with this number.
pub fn party(view: &dyn StateView, id: MemberId) -> Result<Option<Party>, Missing> {
    state::read(view, &keys::party(id))
}

/// Number of parties that ever joined; they are numbered from 1 to this.
pub fn party_count(view: &dyn StateView) -> Result<u32, Missing> {
    Ok(state::read(view, &keys::party_count())?.unwrap_or(0))
}

/// All parties that ever joined, by number.
pub fn parties(view: &dyn StateView) -> Result<Vec<Party>, Missing> {
    let keys: Vec<_> = (1..=party_count(view)?)
        .map(|id| keys::party(MemberId(id)))
        .collect();
    Ok(state::read_all(view, &keys)?
        .into_iter()
        .flatten()
        .collect())
}

/// The sequence number that the party's next transaction must carry.
pub fn next_sequence(view: &dyn StateView, id: MemberId) -> Result<u64, Missing> {
    Ok(state::read(view, &keys::sequence(id))?.unwrap_or(0))
}
