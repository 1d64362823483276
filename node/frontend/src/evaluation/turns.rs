//! Turns at the arithmetic: so many in all, and so many for each member.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tacit_circuits::scope::MemberId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// Hands out turns. A member that has all of its own waits for one of them, and keeps nobody else waiting.
#[derive(Debug)]
pub(super) struct Turns {
    all: Arc<Semaphore>,
    // Callers are members with a certificate, so that there are no more of these than members.
    own: Mutex<HashMap<MemberId, Arc<Semaphore>>>,
    max_per_member: usize,
}

/// A turn, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    _own: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

impl Turns {
    pub(super) fn new(max: usize, max_per_member: usize) -> Self {
        Self {
            all: Arc::new(Semaphore::new(max)),
            own: Mutex::default(),
            max_per_member,
        }
    }

    /// Waits for a turn of this member's, at most for so long.
    pub(super) async fn take(&self, member: MemberId, within: Duration) -> Option<Turn> {
        let own = {
            let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
            let fresh = || Arc::new(Semaphore::new(self.max_per_member));
            own.entry(member).or_insert_with(fresh).clone()
        };
        let taken = async {
            let own = own.acquire_owned().await.ok()?;
            let of_all = self.all.clone().acquire_owned().await.ok()?;
            Some(Turn {
                _own: own,
                _of_all: of_all,
            })
        };
        timeout(within, taken).await.ok().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_member_with_all_its_turns_leaves_one_to_another() {
        let turns = Turns::new(3, 2);
        let moment = Duration::from_millis(20);
        let (one, two) = (MemberId(1), MemberId(2));
        let held = [turns.take(one, moment).await, turns.take(one, moment).await];
        assert!(held.iter().all(Option::is_some));
        assert!(turns.take(one, moment).await.is_none());
        assert!(turns.take(two, moment).await.is_some());
        drop(held);
        assert!(turns.take(one, moment).await.is_some());
    }
}
