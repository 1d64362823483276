//! The tree of linked leaves that commits to a version of a list.

mod update;

use std::collections::BTreeSet;
use std::fmt;

use rayon::prelude::*;

use super::{LIST_DEPTH, Leaf, MAX_ENTRIES, MembershipPath, Presence, Snapshot, Tag, VersionId};
use crate::curve::Field;
use crate::merkle::Merkle;

/// The chain's head stands for no entry and never moves.
const HEAD: usize = 0;
/// What an empty slot holds, and the head's own tag.
const NO_TAG: u128 = 0;
/// What follows the largest tag.
const END: u128 = u128::MAX;

/// The tags of a version, linked in ascending order, in a Merkle tree (arity 4, depth 14).
///
/// Slot 0 holds the chain's head `(0, t₁)`. A new list's tags fill the slots from 1 on in ascending
/// order, so that the order tells nothing. A [`Delta`](super::Delta) empties the slots of its
/// removals, then puts its insertions, ascending, into the lowest empty slots. A leaf is
/// `H2(leaf; tag, next)`, an empty slot 0, so that the root is a function of the [`Snapshot`] and a
/// delta of δ changes costs O(14·δ) hashes. Needs about 63 bytes per entry.
#[derive(Clone)]
pub struct IndexedTree {
    id: VersionId,
    /// The tag in each slot.
    slots: Vec<u128>,
    /// The slots in use, by their tags.
    order: Vec<u32>,
    /// Empty slots before the last one in use.
    holes: BTreeSet<u32>,
    nodes: Merkle<LIST_DEPTH>,
}

/// Why there is no such tree. Whoever made the list or the delta is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// The delta is for another state.
    #[error("the delta starts from {expected:?}, the tree is at {actual:?}")]
    OtherVersion {
        /// What the delta starts from.
        expected: VersionId,
        /// What the tree is.
        actual: VersionId,
    },
    /// A tag is there twice, or inserted although it is there.
    #[error("a tag is listed twice")]
    Duplicate,
    /// A tag is removed although it is not there.
    #[error("a tag that is not listed cannot be removed")]
    Absent,
    /// More than a tree can hold.
    #[error("{entries} entries are more than a list can hold ({MAX_ENTRIES})")]
    Full {
        /// Entries wanted.
        entries: usize,
    },
}

impl IndexedTree {
    /// The tree of a new list, from its tags in any order. On all cores.
    ///
    /// # Errors
    /// [`TreeError::Duplicate`] or [`TreeError::Full`].
    pub fn build(id: VersionId, tags: Vec<Tag>) -> Result<Self, TreeError> {
        check_entries(tags.len())?;
        let mut slots: Vec<u128> = tags.into_iter().map(Tag::to_u128).collect();
        slots.par_sort_unstable();
        slots.insert(HEAD, NO_TAG);
        let order = (0..slots.len() as u32).collect();
        Self::assemble(id, slots, order)
    }

    /// The tree of a version that was fetched. On all cores.
    ///
    /// # Errors
    /// [`TreeError::Duplicate`].
    pub fn from_snapshot(snapshot: &Snapshot) -> Result<Self, TreeError> {
        let mut slots = Vec::with_capacity(snapshot.slot_count() + 1);
        slots.push(NO_TAG);
        slots.extend_from_slice(snapshot.slots());
        let mut order: Vec<u32> = (0..slots.len() as u32)
            .filter(|&slot| slot as usize == HEAD || slots[slot as usize] != NO_TAG)
            .collect();
        order.par_sort_unstable_by_key(|&slot| slots[slot as usize]);
        Self::assemble(snapshot.id(), slots, order)
    }

    fn assemble(id: VersionId, slots: Vec<u128>, order: Vec<u32>) -> Result<Self, TreeError> {
        let ascending = |pair: &[u32]| slots[pair[0] as usize] < slots[pair[1] as usize];
        if !order.par_windows(2).all(ascending) {
            return Err(TreeError::Duplicate);
        }
        let mut next = vec![NO_TAG; slots.len()];
        for (place, &slot) in order.iter().enumerate() {
            next[slot as usize] = order
                .get(place + 1)
                .map_or(END, |&follower| slots[follower as usize]);
        }
        let leaves = slots
            .par_iter()
            .zip(next)
            .enumerate()
            .map(|(slot, (&low, next))| {
                if slot != HEAD && low == NO_TAG {
                    Field::default()
                } else {
                    Leaf { low, next }.hash()
                }
            })
            .collect();
        let holes = (1..slots.len() as u32)
            .filter(|&slot| slots[slot as usize] == NO_TAG)
            .collect();
        Ok(Self {
            id,
            slots,
            order,
            holes,
            nodes: Merkle::new(leaves),
        })
    }

    /// Which state of which list this is.
    #[must_use]
    pub fn id(&self) -> VersionId {
        self.id
    }

    /// The root `R` that a publication names.
    #[must_use]
    pub fn root(&self) -> Field {
        self.nodes.root()
    }

    /// Entries, padding included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.order.len() - 1
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The tags in ascending order.
    pub fn sorted_tags(&self) -> impl ExactSizeIterator<Item = Tag> + '_ {
        // Every slot in the order but the head's holds a tag.
        self.order[1..]
            .iter()
            .map(|&slot| Tag::known(self.slots[slot as usize]))
    }

    /// Whether the tag is listed.
    #[must_use]
    pub fn presence(&self, tag: Tag) -> Presence {
        let leaf = self.leaf(self.place(tag.to_u128()));
        if leaf.low == tag.to_u128() {
            Presence::Listed
        } else {
            Presence::NotListed
        }
    }

    /// The leaf that decides about the tag, and its way to the root.
    #[must_use]
    pub fn path(&self, tag: Tag) -> MembershipPath {
        let place = self.place(tag.to_u128());
        let slot = self.order[place] as usize;
        MembershipPath::new(self.leaf(place), self.nodes.path(slot))
    }

    /// All of this version.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::new(self.id, self.slots[1..].to_vec())
    }

    fn leaf(&self, place: usize) -> Leaf {
        let tag = |place: usize| self.order.get(place).map(|&slot| self.slots[slot as usize]);
        Leaf {
            low: tag(place).unwrap_or(NO_TAG),
            next: tag(place + 1).unwrap_or(END),
        }
    }

    /// The place in the order of the largest tag that is not above this number.
    fn place(&self, number: u128) -> usize {
        // The head is not above any number.
        self.order
            .partition_point(|&slot| self.slots[slot as usize] <= number)
            - 1
    }
}

impl fmt::Debug for IndexedTree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IndexedTree")
            .field("id", &self.id)
            .field("entries", &self.len())
            .field("root", &self.root())
            .finish_non_exhaustive()
    }
}

fn check_entries(entries: usize) -> Result<(), TreeError> {
    if entries <= MAX_ENTRIES as usize {
        Ok(())
    } else {
        Err(TreeError::Full { entries })
    }
}
