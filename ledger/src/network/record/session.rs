//! Sessions, and what they count.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Serialize;
use std::fmt;
use tacit_circuits::quota::Element;
use tacit_circuits::scope::{ListId, MemberId, TagEpoch};

use crate::kernel::Reject;
use crate::kernel::codec::BoundedVec;
use crate::network::record::Root;

/// Sessions that one member may hold open with one list: its lanes, and those that still settle.
pub const MAX_SESSIONS_PER_LIST: usize = 64;

/// How far a request may fall behind the highest settled one of its session and still settle, in
/// sequence numbers. A provider posts its batches within seconds; this is what it may have in flight.
pub const SETTLEMENT_SPAN: u64 = 1_024;

const WORDS: usize = (SETTLEMENT_SPAN / 64) as usize;

/// Names a session: given in the order of opening, from 1, and never again.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
)]
pub struct SessionId(pub u64);

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One querier, one provider, one list and tag epoch, one lane, with a cap. Its escrow is a record of its
/// own.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Session {
    /// Name.
    pub id: SessionId,
    /// Who asks and pays.
    pub querier: MemberId,
    /// Who answers and is paid.
    pub provider: MemberId,
    /// List.
    pub list: ListId,
    /// Tag epoch.
    pub tag_epoch: TagEpoch,
    /// The querier's own number for it: parallel front ends use a lane each.
    pub lane: u16,
    /// Price of a call, in minor units, as it was when the session was opened.
    pub price_minor: u32,
    /// Most calls.
    pub cap_calls: u32,
    /// Calls settled, padding included.
    pub calls: u32,
    /// Requests settled whose charges the provider has not collected.
    pub owed_requests: u32,
    /// Sum of the commitments of their charges: what they charge above one call's price each.
    pub owed: Element,
    /// Height at which it was opened.
    pub opened_height: u64,
    /// Last height at which requests are answered. Batches settle for the settlement window more.
    pub deadline_height: u64,
    /// Which requests are settled.
    pub settled: Settled,
}

impl Session {
    /// The public part of what the provider has not collected, in minor units: one call's price for each
    /// request.
    pub fn owed_public_minor(&self) -> u64 {
        u64::from(self.price_minor) * u64::from(self.owed_requests)
    }
}

/// Which sequence numbers of a session are settled: a window that slides with the highest one
/// (the anti-replay window of RFC 4303, section 3.4.3). What has fallen out of it is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Settled {
    /// One above the highest settled number; 0 before the first.
    end: u64,
    /// Bit `n mod SETTLEMENT_SPAN` stands for number `n` of the last [`SETTLEMENT_SPAN`] below `end`.
    window: [u64; WORDS],
}

impl Settled {
    /// Refuses a number that is settled, or has fallen out of the window.
    pub fn check(&self, sequence: u64) -> Result<(), Reject> {
        match self.end.checked_sub(sequence) {
            None | Some(0) => Ok(()),
            Some(behind) if behind > SETTLEMENT_SPAN => Err(Reject::SEQUENCE_TOO_OLD),
            Some(_) if self.bit(sequence) => Err(Reject::SEQUENCE_SETTLED),
            Some(_) => Ok(()),
        }
    }

    /// Marks a number that [`check`](Self::check) lets pass.
    pub(crate) fn mark(&mut self, sequence: u64) {
        // Numbers between the old end and the new one are not settled; their bits belonged to numbers
        // that leave the window. A leap of a whole window clears it once.
        if sequence >= self.end {
            let first = self.end.max((sequence + 1).saturating_sub(SETTLEMENT_SPAN));
            (first..=sequence).for_each(|skipped| self.set(skipped, false));
            self.end = sequence + 1;
        }
        self.set(sequence, true);
    }

    fn set(&mut self, sequence: u64, settled: bool) {
        let place = sequence % SETTLEMENT_SPAN;
        let word = &mut self.window[(place / 64) as usize];
        let bit = 1 << (place % 64);
        if settled { *word |= bit } else { *word &= !bit }
    }

    fn bit(&self, sequence: u64) -> bool {
        let place = sequence % SETTLEMENT_SPAN;
        self.window[(place / 64) as usize] >> (place % 64) & 1 == 1
    }
}

/// Open sessions of one member with one list.
pub type SessionIds = BoundedVec<SessionId, MAX_SESSIONS_PER_LIST>;

/// The network's log as of the last block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct LogHead {
    /// Root of the tree.
    pub root: Root,
    /// Leaves in it.
    pub length: u64,
    /// Height at which it became so.
    pub height: u64,
}
