//! A session in use, and the places in it.

use std::collections::BTreeSet;

use tacit_circuits::scope::TagEpoch;
use tacit_ledger::network::{SETTLEMENT_SPAN, Session, SessionId};
use tokio::time::Instant;

use super::super::plan::PlannedList;
use crate::store::AskedSession;
use crate::wallet::padded_size;

/// A session is not used any more when it has this many blocks left: a request takes a few to be answered.
pub(super) const DEADLINE_MARGIN_BLOCKS: u64 = 20;

/// How far apart the numbers of requests may lie that are not known to be settled. The ledger's span less
/// what a provider may have settled and not noted yet.
const WINDOW: u64 = SETTLEMENT_SPAN - 64;

/// A place in a session for one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Reservation {
    pub(in super::super) session: SessionId,
    pub(in super::super) sequence: u64,
    pub(in super::super) price_minor: u32,
    /// What all requests of the session charge with this one, in minor units.
    pub(in super::super) charged_minor: u64,
    /// Calls of the request with its padding.
    pub(in super::super) size: u64,
    pub(in super::super) opened_height: u64,
}

impl Reservation {
    /// What so many calls charge, in minor units.
    pub(in super::super) fn charge_minor(&self, calls: usize) -> u32 {
        // A request has a thousand calls at most, and prices are bounded so that the product fits.
        calls as u32 * self.price_minor
    }
}

/// A session in use.
#[derive(Clone, Debug)]
pub(super) struct Lane {
    pub(super) session: SessionId,
    pub(super) tag_epoch: TagEpoch,
    pub(super) price_minor: u32,
    pub(super) cap_calls: u64,
    /// What was put into it, whatever was collected since.
    escrow_minor: u64,
    opened_height: u64,
    pub(super) deadline_height: u64,
    next_sequence: u64,
    charged_minor: u64,
    padding: bool,
    /// Calls, padding included.
    calls: u64,
    /// Numbers that were given out, and of which it is not known that they are settled or never will be.
    unsettled: BTreeSet<u64>,
    /// When it was last given a request, or taken up.
    pub(super) used: Instant,
}

impl Lane {
    /// A session as the ledger has it, used as far as this member's own records say.
    pub(super) fn new(
        session: &Session,
        escrow_minor: u64,
        asked: AskedSession,
        unsettled: BTreeSet<u64>,
        padding: bool,
    ) -> Self {
        Self {
            session: session.id,
            tag_epoch: session.tag_epoch,
            price_minor: session.price_minor,
            escrow_minor,
            cap_calls: session.cap_calls.into(),
            opened_height: session.opened_height,
            deadline_height: session.deadline_height,
            next_sequence: asked.next_sequence,
            padding,
            charged_minor: asked.charged_minor,
            // What was signed for counts, settled or not.
            calls: asked.calls.max(session.calls.into()),
            unsettled,
            used: Instant::now(),
        }
    }

    /// Calls of a request with its padding, if there is to be any.
    fn size(&self, calls: u64) -> u64 {
        if self.padding {
            padded_size(calls)
        } else {
            calls
        }
    }

    /// Calls that the rest of its escrow pays for.
    fn paid(&self) -> u64 {
        let left = self.escrow_minor.saturating_sub(self.charged_minor);
        left.checked_div(u64::from(self.price_minor))
            .unwrap_or(u64::MAX)
    }

    /// Whether half of the session is used up.
    pub(super) fn runs_low(&self) -> bool {
        let whole = self
            .escrow_minor
            .checked_div(u64::from(self.price_minor))
            .unwrap_or(self.cap_calls);
        self.paid() <= whole / 2
            || self.calls > self.cap_calls / 2
            || self.window_left() <= WINDOW / 2
    }

    /// Whether it lasts, is of the list's epoch, and at the price that was planned: what a screening said
    /// that it costs is what its calls are charged.
    pub(super) fn serves(&self, planned: &PlannedList, height: u64) -> bool {
        self.is_of(planned) && self.lasts(height)
    }

    pub(super) fn is_of(&self, planned: &PlannedList) -> bool {
        self.tag_epoch == planned.tag_epoch && self.price_minor == planned.price_minor
    }

    pub(super) fn lasts(&self, height: u64) -> bool {
        self.deadline_height > height + DEADLINE_MARGIN_BLOCKS
    }

    /// Whether it takes a request of so many calls now.
    pub(super) fn takes(&self, calls: u64) -> bool {
        let padded = self.calls.saturating_add(self.size(calls));
        self.paid() >= calls && padded <= self.cap_calls && self.window_left() > 0
    }

    pub(super) fn reserve(&mut self, calls: u64) -> Reservation {
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        let size = self.size(calls);
        self.calls += size;
        self.charged_minor += calls * u64::from(self.price_minor);
        self.unsettled.insert(sequence);
        self.used = Instant::now();
        Reservation {
            session: self.session,
            sequence,
            price_minor: self.price_minor,
            charged_minor: self.charged_minor,
            size,
            opened_height: self.opened_height,
        }
    }

    /// Takes back the room of a request that will not be charged. Its number stays used.
    pub(super) fn give_back(&mut self, sequence: u64, calls: u64) {
        if self.unsettled.remove(&sequence) {
            let size = self.size(calls);
            self.calls = self.calls.saturating_sub(size);
            let charge = calls * u64::from(self.price_minor);
            self.charged_minor = self.charged_minor.saturating_sub(charge);
        }
    }

    /// Notes that a request is settled, or never will be.
    pub(super) fn settled(&mut self, sequence: u64) {
        self.unsettled.remove(&sequence);
    }

    /// Numbers that may be given out before the lowest unsettled one must be settled.
    fn window_left(&self) -> u64 {
        let lowest = self.unsettled.first().copied();
        let lowest = lowest.unwrap_or(self.next_sequence);
        WINDOW.saturating_sub(self.next_sequence - lowest)
    }
}

#[cfg(test)]
mod tests {
    use tacit_circuits::quota::Element;
    use tacit_circuits::scope::{ListId, MemberId};

    use super::*;

    /// A session at a price of 2, for so many calls however they come.
    fn lane(calls: u32) -> Lane {
        let session = Session {
            id: SessionId(1),
            querier: MemberId(1),
            provider: MemberId(2),
            list: ListId(1),
            tag_epoch: TagEpoch(0),
            lane: 0,
            price_minor: 2,
            cap_calls: 4 * calls,
            calls: 0,
            owed_requests: 0,
            owed: Element::identity(),
            opened_height: 0,
            deadline_height: 1_000,
            settled: Default::default(),
        };
        let escrow_minor = 2 * u64::from(calls);
        Lane::new(
            &session,
            escrow_minor,
            AskedSession::default(),
            BTreeSet::new(),
            true,
        )
    }

    #[test]
    fn numbers_never_lie_further_apart_than_what_settles_in_any_order() {
        let mut lane = lane(1_000_000);
        let mut given = Vec::new();
        while lane.takes(1) {
            given.push(lane.reserve(1).sequence);
        }
        let (first, last) = (given[0], given[given.len() - 1]);
        assert!(last - first < SETTLEMENT_SPAN, "{first} {last}");
        assert!(given.len() > 900, "bulk screening needs most of the span");
        // What is settled behind the lowest one does not help; the lowest one does.
        lane.settled(5);
        assert!(!lane.takes(1));
        lane.settled(0);
        assert!(lane.takes(1));
        assert_eq!(lane.reserve(1).sequence, last + 1);
        assert!(!lane.takes(1));
    }

    #[test]
    fn a_session_serves_no_plan_of_another_price_or_epoch() {
        let lane = lane(10);
        let planned = |price_minor, tag_epoch| PlannedList {
            list: ListId(1),
            name: String::new(),
            provider: MemberId(2),
            category: tacit_ledger::network::parameters::CategoryId(1),
            accepts: Vec::new(),
            tag_epoch: TagEpoch(tag_epoch),
            version: 0.into(),
            price_minor,
            calls: 0,
            calls_left_today: 0,
            unreachable: None,
            key: tacit_circuits::curve::WirePoint([0; 64]),
            standing: None,
        };
        assert!(lane.serves(&planned(2, 0), 0));
        assert!(!lane.serves(&planned(1, 0), 0));
        assert!(!lane.serves(&planned(3, 0), 0));
        assert!(!lane.serves(&planned(2, 1), 0));
        assert!(!lane.serves(&planned(2, 0), 980), "it is about to end");
    }

    #[test]
    fn what_is_refused_gives_its_room_back_once_and_its_number_never() {
        let mut lane = lane(10);
        let refused = lane.reserve(8);
        assert_eq!((refused.charged_minor, lane.paid()), (16, 2));
        assert!(lane.takes(2) && !lane.takes(3));
        lane.give_back(refused.sequence, 8);
        lane.give_back(refused.sequence, 8);
        assert_eq!(lane.paid(), 10);
        let next = lane.reserve(10);
        assert_eq!((next.sequence, next.charged_minor, next.size), (1, 20, 16));
        lane.settled(1);
        lane.give_back(1, 10);
        assert_eq!(lane.paid(), 0, "what is settled is charged");
    }

    #[test]
    fn a_session_for_so_many_calls_takes_them_one_by_one_and_together() {
        for by in [1, 3, 5, 40] {
            let mut lane = lane(40);
            let mut taken = 0;
            while lane.takes(by) {
                assert_eq!(lane.reserve(by).size, padded_size(by));
                taken += by;
            }
            assert_eq!(taken, 40 / by * by, "{by}");
        }
    }
}
