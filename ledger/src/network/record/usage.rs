//! What a corporate group asks one list in a day.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::kernel::BusinessDate;
use crate::kernel::codec::BoundedVec;
use crate::kernel::hash::{self, label};
use crate::kernel::party::{MAX_PARTIES, Name};

/// Stands for a corporate group: the first half of the hash of its name. Who looks for two names with one key
/// takes 2⁶⁴ steps, and would share its own caps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct GroupKey([u8; 16]);

impl GroupKey {
    /// The key of the group with this name.
    pub fn of(name: &Name) -> Self {
        let digest = hash::hash_encoded(&label::GROUP, name);
        let mut half = [0; 16];
        half.copy_from_slice(&digest.0[..16]);
        Self(half)
    }
}

/// Calls of one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct GroupCalls {
    /// Group.
    pub group: GroupKey,
    /// Calls of all its members.
    pub calls: u32,
}

/// Calls to one list on one business date, by group: one record, found without knowing who belongs to which.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Usage {
    /// The date.
    pub business_date: BusinessDate,
    /// Groups that asked on it, in the order of their first calls.
    pub groups: BoundedVec<GroupCalls, MAX_PARTIES>,
}

impl Usage {
    /// Calls of a group on a date.
    pub fn on(&self, date: BusinessDate, group: GroupKey) -> u32 {
        let counted = self.groups.iter().find(|counted| counted.group == group);
        counted.map_or(0, |counted| {
            if self.business_date == date {
                counted.calls
            } else {
                0
            }
        })
    }

    /// Adds calls of a group on a date; those of an earlier date are over.
    pub(crate) fn add(&mut self, date: BusinessDate, group: GroupKey, calls: u32) {
        if self.business_date != date {
            self.business_date = date;
            self.groups = BoundedVec::new();
        }
        let mut counts = self.groups.as_mut_slice().iter_mut();
        match counts.find(|counted| counted.group == group) {
            Some(counted) => counted.calls = counted.calls.saturating_add(calls),
            None => self
                .groups
                .push(GroupCalls { group, calls })
                .expect("no more groups than parties"),
        }
    }
}
