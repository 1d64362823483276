//! Ratings, as they fall. How they recover is computed by whoever reads them.

use tacit_circuits::scope::MemberId;

use crate::kernel::Missing;
use crate::kernel::context::Context;
use crate::network::event::Event;
use crate::network::record::{MAX_RATING_CHANGES, RatingChange, RatingReason, RatingRecord};
use crate::network::{keys, read};

/// Takes off a member's rating what the reason costs.
pub(super) fn lower(
    context: &mut Context<'_>,
    member: MemberId,
    reason: RatingReason,
) -> Result<(), Missing> {
    let recovery = read::parameters(context)?.rating_recovery_points;
    let (points, date) = (reason.points(), context.clock().business_date);
    let mut record: RatingRecord = context.read(&keys::rating(member))?.unwrap_or_default();
    let place = record.changes % MAX_RATING_CHANGES;
    record.lower(points, date, recovery);
    let rating = record.on(date, recovery);
    let change = RatingChange {
        reason,
        points,
        rating,
        date,
    };
    context.put(keys::rating(member), &record);
    context.put(keys::rating_change(member, place), &change);
    context.emit(&Event::RatingLowered {
        member,
        reason,
        points,
        rating,
    });
    Ok(())
}
