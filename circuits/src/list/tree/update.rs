//! From one version to the next.

use rayon::prelude::*;

use super::{IndexedTree, NO_TAG, TreeError, check_entries};
use crate::curve::Field;
use crate::list::{Delta, Presence};

impl IndexedTree {
    /// Moves on to the version that the delta leads to.
    ///
    /// # Errors
    /// [`TreeError`]; then nothing has changed.
    pub fn apply(&mut self, delta: &Delta) -> Result<(), TreeError> {
        self.check(delta)?;
        let removed: Vec<usize> = delta
            .removals()
            .iter()
            .map(|removal| self.place(removal.tag.to_u128()))
            .collect();
        // An insertion comes after the largest tag below it.
        let inserted: Vec<usize> = delta
            .insertions()
            .iter()
            .map(|tag| self.place(tag.to_u128()) + 1)
            .collect();
        let vacated = self.vacate(&removed);
        let occupied = self.occupy(delta);
        let relinked = self.reorder(&removed, inserted.into_iter().zip(occupied));
        self.rehash(vacated, relinked);
        self.trim();
        self.id = delta.to();
        Ok(())
    }

    fn check(&self, delta: &Delta) -> Result<(), TreeError> {
        if delta.from() != self.id {
            return Err(TreeError::OtherVersion {
                expected: delta.from(),
                actual: self.id,
            });
        }
        let listed = |tag| self.presence(tag) == Presence::Listed;
        if delta.insertions().iter().any(|&tag| listed(tag)) {
            return Err(TreeError::Duplicate);
        }
        if !delta.removals().iter().all(|removal| listed(removal.tag)) {
            return Err(TreeError::Absent);
        }
        check_entries(self.len() - delta.removals().len() + delta.insertions().len())
    }

    /// Empties the slots at these places of the order, and returns the slots.
    fn vacate(&mut self, places: &[usize]) -> Vec<u32> {
        let slots: Vec<u32> = places.iter().map(|&place| self.order[place]).collect();
        for &slot in &slots {
            self.slots[slot as usize] = NO_TAG;
        }
        self.holes.extend(&slots);
        slots
    }

    /// Puts the insertions into the lowest empty slots, and returns these.
    fn occupy(&mut self, delta: &Delta) -> Vec<u32> {
        delta
            .insertions()
            .iter()
            .map(|tag| {
                let slot = self.holes.pop_first().unwrap_or(self.slots.len() as u32);
                if slot as usize == self.slots.len() {
                    self.slots.push(NO_TAG);
                }
                self.slots[slot as usize] = tag.to_u128();
                slot
            })
            .collect()
    }

    /// Takes places out of the order and puts slots into it, each before the place it comes with;
    /// both ascend. Returns the slots whose leaves have changed, except those that were vacated.
    fn reorder(
        &mut self,
        removed: &[usize],
        inserted: impl ExactSizeIterator<Item = (usize, u32)>,
    ) -> Vec<u32> {
        let mut order = Vec::with_capacity(self.order.len() + inserted.len() - removed.len());
        let mut relinked = Vec::with_capacity(removed.len() + 2 * inserted.len());
        let mut copied = 0;
        let mut removed = removed.iter().copied().peekable();
        let mut inserted = inserted.peekable();
        loop {
            let removal = removed.peek().copied().unwrap_or(usize::MAX);
            let insertion = inserted.peek().map_or(usize::MAX, |&(place, _)| place);
            let place = removal.min(insertion);
            if place == usize::MAX {
                break;
            }
            order.extend_from_slice(&self.order[copied..place]);
            copied = place;
            // The chain's head is at place 0 and is neither removed nor preceded.
            relinked.extend(order.last());
            if insertion == place {
                let slots = inserted.next().map(|(_, slot)| slot);
                order.extend(slots);
                relinked.extend(slots);
            } else {
                removed.next();
                copied += 1;
            }
        }
        order.extend_from_slice(&self.order[copied..]);
        self.order = order;
        relinked.sort_unstable();
        relinked.dedup();
        relinked
    }

    /// Writes the leaves of these slots.
    fn rehash(&mut self, vacated: Vec<u32>, relinked: Vec<u32>) {
        let mut leaves: Vec<(usize, Field)> = relinked
            .par_iter()
            .map(|&slot| {
                let slot = slot as usize;
                (slot, self.leaf(self.place(self.slots[slot])).hash())
            })
            .collect();
        let still_empty = vacated
            .into_iter()
            .map(|slot| slot as usize)
            .filter(|&slot| self.slots[slot] == NO_TAG);
        leaves.extend(still_empty.map(|slot| (slot, Field::default())));
        leaves.sort_unstable_by_key(|&(slot, _)| slot);
        self.nodes.write(&leaves);
    }

    /// Forgets empty slots after the last one in use, so that equal trees have equal snapshots.
    fn trim(&mut self) {
        while self.slots.len() > 1 && self.slots.last() == Some(&NO_TAG) {
            self.slots.pop();
            self.holes.remove(&(self.slots.len() as u32));
        }
    }
}
