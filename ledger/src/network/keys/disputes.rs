//! State keys of disputes and ratings.

use tacit_circuits::receipt::SubjectCommitment;
use tacit_circuits::scope::{ListId, MemberId};

use crate::kernel::state::{StateKey, Table};
use crate::network::keys::table;
use crate::network::record::DisputeId;

pub(super) const DISPUTE: Table = table(50, "dispute");
pub(super) const DISPUTE_COUNT: Table = table(51, "dispute-count");
pub(super) const DISPUTES: Table = table(52, "disputes");
pub(super) const DISPUTED: Table = table(53, "disputed");
pub(super) const SUSPENSION: Table = table(54, "suspension");
pub(super) const RATING: Table = table(55, "rating");
pub(super) const RATING_CHANGE: Table = table(56, "rating-change");

/// A dispute. Example, dispute 9: `000132 0000000000000009`.
pub fn dispute(dispute: DisputeId) -> StateKey {
    DISPUTE.key().u64(dispute.0)
}

/// How many disputes were opened. Example: `000133`.
pub fn dispute_count() -> StateKey {
    DISPUTE_COUNT.key()
}

/// Open disputes of a member about a list. Example, party 7, list 5: `000134 00000007 00000005`.
pub fn disputes(challenger: MemberId, list: ListId) -> StateKey {
    DISPUTES.key().u32(challenger.0).u32(list.0)
}

/// The open dispute about a subject on a list. Example, list 5: `000135 00000005` and the commitment.
pub fn disputed(list: ListId, commitment: &SubjectCommitment) -> StateKey {
    DISPUTED.key().u32(list.0).digest(&commitment.to_bytes())
}

/// The height up to which a list's versions are suspended. Example, list 5: `000136 00000005`.
pub fn suspension(list: ListId) -> StateKey {
    SUSPENSION.key().u32(list.0)
}

/// How a member's rating stands. Example, party 7: `000137 00000007`.
pub fn rating(member: MemberId) -> StateKey {
    RATING.key().u32(member.0)
}

/// A listed change of a member's rating, in its place of the ring. Example, party 7, place 9:
/// `000138 00000007 0000000000000009`.
pub fn rating_change(member: MemberId, place: u64) -> StateKey {
    RATING_CHANGE.key().u32(member.0).u64(place)
}
