//! Which calls of a date are opened to the supervisors: a pure rule over a record that everybody can read.

use crate::kernel::hash::{self, label};
use crate::kernel::{ChainId, MemberId};
use crate::network::record::{BeaconOutput, CallDraw, MAX_DRAWN_CALLS, MAX_DRAWN_ON_DATE};

/// The calls that an output draws of a date's, by number of member and ascending.
///
/// The calls of all members are numbered one after the other, by member and in the order of the log. Of `total`
/// calls `⌊(total + lot − 1) / rate⌋` are drawn, where the lot is a number of 1 to `rate` that the output draws
/// first: `total / rate` on average, so that a network with few calls is not left out. They are at most
/// [`MAX_DRAWN_ON_DATE`] in all and [`MAX_DRAWN_CALLS`] of one member, the first that are drawn.
pub fn drawn_calls(
    chain_id: ChainId,
    drawn: &BeaconOutput,
    draw: &CallDraw,
) -> Vec<(MemberId, Vec<u32>)> {
    let purpose = |part: u8| hash::hash_encoded(&label::CALL_DRAW, &(chain_id, draw.date, part));
    let (total, rate) = (draw.total(), draw.rate.max(1));
    let lot = drawn.draw(&purpose(0), 1, rate).first().copied();
    let number = (u64::from(total) + u64::from(lot.unwrap_or(1)) - 1) / u64::from(rate);
    let number = usize::try_from(number).map_or(MAX_DRAWN_ON_DATE, |n| n.min(MAX_DRAWN_ON_DATE));
    let mut of_members: Vec<Vec<u32>> = vec![Vec::new(); draw.counts.len()];
    for mut call in drawn.draw(&purpose(1), number, total) {
        for (count, calls) in draw.counts.iter().zip(&mut of_members) {
            if call <= count.calls {
                if calls.len() < MAX_DRAWN_CALLS {
                    calls.push(call);
                }
                break;
            }
            call -= count.calls;
        }
    }
    let pairs = draw.counts.iter().zip(of_members);
    pairs
        .filter(|(_, calls)| !calls.is_empty())
        .map(|(count, mut calls)| {
            calls.sort_unstable();
            (count.member, calls)
        })
        .collect()
}
