//! Ratings: how far the network trusts what a member publishes and says.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Serialize;

use crate::kernel::BusinessDate;
use crate::network::record::{DisclosureId, DisputeId, PublicationId};

/// The highest rating, with which every member begins. It is no credit to be earned: whoever joins was
/// admitted by vote and has done nothing wrong, and a rating that began lower would cost honest newcomers
/// a part of their rewards. Nor does leaving and joining again wash one clean without that vote.
pub const MAX_RATING: u8 = 100;

/// Days in which a member recovers the governed number of points.
pub const RECOVERY_DAYS: u32 = 30;

/// Changes that stay listed of each member: the latest. At the slowest, what lies further back has
/// recovered or is drowned by what came since; it stands in the events.
pub const MAX_RATING_CHANGES: u64 = 64;

/// Why a rating fell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RatingReason {
    /// A panel found an entry of the member's list wrong.
    DisputeUpheld(DisputeId),
    /// The member took an entry off that was disputed.
    EntryWithdrawn(DisputeId),
    /// The member did not answer a dispute in time.
    DisputeUnanswered(DisputeId),
    /// A panel found an entry right that the member had disputed.
    DisputeDismissed(DisputeId),
    /// The member sat on a panel and did not rule in time.
    RulingMissed(DisputeId),
    /// A publication of the member was proven fraudulent.
    FraudProven(PublicationId),
    /// The member did not prove the drawn entries of a publication in time.
    PublicationUnproven(PublicationId),
    /// The member did not disclose calls in time that it had to.
    DisclosureMissed(DisclosureId),
}

impl RatingReason {
    /// What it costs, in points. The same in every network, so that ratings can be compared; how fast
    /// they recover is governed.
    pub const fn points(self) -> u8 {
        match self {
            // Whoever makes good a mistake at once loses little: nobody should defend a wrong entry for
            // the sake of its rating.
            Self::EntryWithdrawn(_) => 2,
            Self::DisputeDismissed(_) | Self::RulingMissed(_) => 5,
            Self::DisputeUpheld(_) => 10,
            // To say nothing must not be better than to lose.
            Self::DisputeUnanswered(_) | Self::DisclosureMissed(_) => 15,
            Self::PublicationUnproven(_) => 20,
            Self::FraudProven(_) => 50,
        }
    }
}

/// A change of a rating.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize)]
pub struct RatingChange {
    /// Why.
    pub reason: RatingReason,
    /// Points that it cost.
    pub points: u8,
    /// The rating after it.
    pub rating: u8,
    /// Business date.
    pub date: BusinessDate,
}

/// How a member's rating stands: what it lacks to the highest, as of a date. It recovers by the day and is
/// computed when it is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct RatingRecord {
    /// What is lacking, in parts of which [`RECOVERY_DAYS`] are a point: the governed number of points
    /// per [`RECOVERY_DAYS`] is as many parts per day.
    lacking: u32,
    /// As of this date.
    date: BusinessDate,
    /// Changes so far.
    pub changes: u64,
}

impl RatingRecord {
    fn lacking_on(&self, date: BusinessDate, recovery_points: u8) -> u32 {
        let days = i64::from(date.0) - i64::from(self.date.0);
        let days = u32::try_from(days).unwrap_or(0);
        self.lacking
            .saturating_sub(days.saturating_mul(recovery_points.into()))
    }

    /// The rating on a date, 0 to [`MAX_RATING`], where so many points per [`RECOVERY_DAYS`] days recover.
    /// A point that is lacking in part is lacking.
    pub fn on(&self, date: BusinessDate, recovery_points: u8) -> u8 {
        let points = self
            .lacking_on(date, recovery_points)
            .div_ceil(RECOVERY_DAYS);
        // No more is ever lacking than there is.
        MAX_RATING.saturating_sub(u8::try_from(points).unwrap_or(MAX_RATING))
    }

    /// Takes points off, down to 0: a member at 0 recovers from there.
    pub(crate) fn lower(&mut self, points: u8, date: BusinessDate, recovery_points: u8) {
        let most = u32::from(MAX_RATING) * RECOVERY_DAYS;
        let lacking = self.lacking_on(date, recovery_points) + u32::from(points) * RECOVERY_DAYS;
        self.lacking = lacking.min(most);
        self.date = date;
        self.changes += 1;
    }
}
