//! Places for what members ask for at a time: so many in all, and so many for each.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tacit_circuits::scope::MemberId;

/// Counts what is under way. Clones share the counts.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    taken: Arc<Mutex<HashMap<MemberId, usize>>>,
    max: usize,
    max_per_member: usize,
}

/// A place that is given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    taken: Arc<Mutex<HashMap<MemberId, usize>>>,
    member: MemberId,
}

impl Places {
    pub(crate) fn new(max: usize, max_per_member: usize) -> Self {
        Self {
            taken: Arc::default(),
            max,
            max_per_member,
        }
    }

    /// A place for one more of this member's, if there is one.
    pub(crate) fn take(&self, member: MemberId) -> Option<Place> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let own = taken.get(&member).copied().unwrap_or_default();
        // Only members who have places stand in the map, so that the sum is short.
        if own >= self.max_per_member || taken.values().sum::<usize>() >= self.max {
            return None;
        }
        taken.insert(member, own + 1);
        Some(Place {
            taken: self.taken.clone(),
            member,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = taken.get_mut(&self.member) {
            *own -= 1;
            if *own == 0 {
                taken.remove(&self.member);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_takes_no_more_than_its_places_and_leaves_those_of_the_others() {
        let places = Places::new(3, 2);
        let (one, two) = (MemberId(1), MemberId(2));
        let held = [places.take(one), places.take(one)];
        assert!(held.iter().all(Option::is_some));
        assert!(places.take(one).is_none());
        let last = places.take(two);
        assert!(last.is_some());
        assert!(places.take(two).is_none());
        drop(held);
        assert!(places.take(two).is_some());
        drop(last);
        assert!(places.taken.lock().expect("taken").is_empty());
    }
}
