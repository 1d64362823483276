//! Which of the copies here answers: the version in force, and for a while the one before.

use std::sync::Arc;

use tacit_circuits::list::VersionId;
use tacit_circuits::scope::ListVersion;

use super::lookup::ListCopy;

/// The copies of one list that are open for look-ups.
#[derive(Clone, Debug, Default)]
pub(super) struct Held {
    /// That of the last version in force that came here.
    pub(super) current: Option<Arc<ListCopy>>,
    /// That of the version that waits for attestations: it answers from the block on that puts it in force.
    pub(super) next: Option<Arc<ListCopy>>,
}

/// What the ledger says about which version of a list counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// The version in force.
    pub(super) active: VersionId,
    /// For how many blocks the version before it may still be relied on.
    pub(super) grace_blocks: u64,
    /// The version that is held here, if it was in force before, and the height at which it ceased to be.
    pub(super) superseded: Option<(VersionId, u64)>,
}

/// Why no copy answers for a list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotUsable {
    /// There is none of the list's present key.
    #[error("no verified copy of the list is here yet")]
    Absent,
    /// Another version is in force, and that which is here may not be relied on any more.
    #[error(
        "its copy of the list is {held}, and {active} is in force; {}",
        why.as_deref().unwrap_or("it is being fetched")
    )]
    Behind {
        /// What is here.
        held: ListVersion,
        /// What is in force.
        active: ListVersion,
        /// Why that is not here.
        why: Option<String>,
    },
}

impl Held {
    /// The copy that answers at this height.
    pub(super) fn choose(
        &self,
        standing: &Standing,
        height: u64,
    ) -> Result<Arc<ListCopy>, NotUsable> {
        let copies = [&self.current, &self.next];
        let exact = copies.into_iter().flatten();
        if let Some(copy) = exact.clone().find(|copy| copy.id == standing.active) {
            return Ok(copy.clone());
        }
        let of_epoch = |copy: &&Arc<ListCopy>| copy.id.tag_epoch == standing.active.tag_epoch;
        let Some(before) = self.current.as_ref().filter(of_epoch) else {
            return Err(NotUsable::Absent);
        };
        if standing.allows(before.id, height) {
            return Ok(before.clone());
        }
        Err(NotUsable::Behind {
            held: before.id.version,
            active: standing.active.version,
            why: None,
        })
    }
}

impl Standing {
    /// Whether a version that is not in force may still be relied on. Without grace, none may, from the
    /// block on that put another in its place.
    fn allows(&self, version: VersionId, height: u64) -> bool {
        let superseded = self.superseded.filter(|(id, _)| *id == version);
        superseded.is_some_and(|(_, since)| {
            self.grace_blocks > 0 && height.saturating_sub(since) <= self.grace_blocks
        })
    }
}

#[cfg(test)]
mod tests {
    use tacit_circuits::scope::{ListId, TagEpoch};

    use super::*;

    #[test]
    fn a_superseded_version_may_be_relied_on_for_its_grace_and_no_longer() {
        let version = |version| VersionId {
            list: ListId(1),
            tag_epoch: TagEpoch(0),
            version: ListVersion(version),
        };
        let standing = |grace_blocks| Standing {
            active: version(1),
            grace_blocks,
            superseded: Some((version(0), 100)),
        };
        assert!(standing(10).allows(version(0), 100));
        assert!(standing(10).allows(version(0), 110));
        assert!(!standing(10).allows(version(0), 111));
        assert!(!standing(0).allows(version(0), 100));
        assert!(!standing(10).allows(version(2), 100));
    }
}
