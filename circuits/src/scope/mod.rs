//! Who asks whom about what: the numbers that every proof is bound to.
//!
//! They are plain 32-bit numbers that the ledger hands out. Each has its own type, so that a list
//! is never taken for a member, and [`Scope`] packs three of them into one field element in fixed
//! widths, so that no two scopes share a log leaf.

use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Serialize;

use crate::curve::Field;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash,
            BorshSerialize, BorshDeserialize, Serialize,
        )]
        pub struct $name(pub u32);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }

        impl From<u32> for $name {
            fn from(number: u32) -> Self {
                Self(number)
            }
        }
    };
}

number!(
    /// A list of one owner and one category, numbered by the ledger when it is created. Shown as `L7`.
    ListId,
    "L"
);
number!(
    /// The span in which a list's key stays the same. Counted per list, from 0. Shown as `E3`.
    TagEpoch,
    "E"
);
number!(
    /// An institution, numbered by the ledger when it is admitted. Shown as `M2`.
    MemberId,
    "M"
);
number!(
    /// The state of a list within one tag epoch; two versions differ by a delta. Shown as `v12`.
    ListVersion,
    "v"
);

/// What a call is about and who made it: the public part of a log leaf.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct Scope {
    /// The list that was asked.
    pub list: ListId,
    /// The epoch whose key answered.
    pub tag_epoch: TagEpoch,
    /// The member that asked.
    pub querier: MemberId,
}

impl Scope {
    /// `list · 2^64 + tag_epoch · 2^32 + querier`: injective, and below 2^96.
    #[must_use]
    pub fn pack(&self) -> Field {
        let [list, epoch, querier] =
            [self.list.0, self.tag_epoch.0, self.querier.0].map(u128::from);
        Field::from(list << 64 | epoch << 32 | querier)
    }
}

/// `list · 2^32 + tag_epoch`: what separates the tags of one epoch from those of every other.
#[must_use]
pub fn pack_epoch(list: ListId, tag_epoch: TagEpoch) -> Field {
    Field::from(u64::from(list.0) << 32 | u64::from(tag_epoch.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_say_what_they_count() {
        assert_eq!(
            format!(
                "{} {} {} {}",
                ListId(7),
                TagEpoch(3),
                MemberId(2),
                ListVersion(12)
            ),
            "L7 E3 M2 v12"
        );
    }

    proptest! {
        #[test]
        fn two_scopes_pack_alike_only_if_they_are_one(a: [u32; 3], b: [u32; 3], same in 0..4usize) {
            // Mostly equal components, since independent draws never come close to colliding.
            let mut b = b;
            b[..same.min(3)].copy_from_slice(&a[..same.min(3)]);
            let scope = |n: [u32; 3]| Scope {
                list: ListId(n[0]),
                tag_epoch: TagEpoch(n[1]),
                querier: MemberId(n[2]),
            };
            prop_assert_eq!(a == b, scope(a).pack() == scope(b).pack());
            prop_assert_eq!(
                a[..2] == b[..2],
                pack_epoch(ListId(a[0]), TagEpoch(a[1])) == pack_epoch(ListId(b[0]), TagEpoch(b[1]))
            );
        }
    }
}
