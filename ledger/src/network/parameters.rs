//! What the members govern by vote.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Serialize;
use std::fmt;

use crate::kernel::Reject;
use crate::kernel::codec::BoundedVec;
use crate::kernel::context::require;
use crate::kernel::party::Name;
use crate::network::record::{
    MAX_BEACON_OUTPUTS, MAX_PANEL, MAX_RATING, MAX_SAMPLED_ENTRIES, MAX_VALIDATORS,
};

/// Categories of lists of one network. The white paper names three; they are kept in one record.
pub const MAX_CATEGORIES: usize = 64;

/// Highest price of a call: 1,000 calls of it still fit the 32 bits of one amount.
pub const MAX_PRICE_MINOR: u32 = u32::MAX / 1_000;

/// Quota in minor units, thousandths of one quota.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
)]
pub struct Quota(pub u64);

impl Quota {
    /// Minor units in one quota.
    pub const MINOR: u64 = 1_000;

    /// This many whole quota.
    pub const fn whole(quota: u32) -> Self {
        Self(quota as u64 * Self::MINOR)
    }

    /// Sum, unless it exceeds 64 bits.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// Difference, unless it would be negative.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.0 / Self::MINOR, self.0 % Self::MINOR)
    }
}

/// Number of a category.
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
pub struct CategoryId(pub u16);

impl fmt::Display for CategoryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A kind of list, with its line of the price list.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Category {
    /// Number.
    pub id: CategoryId,
    /// Name, shown to people.
    pub name: Name,
    /// What a call costs its querier and pays its provider, in minor units of quota, before what the day's
    /// calls add and the owner's rating takes off. At most [`MAX_PRICE_MINOR`]. A session keeps the price at
    /// which it was opened.
    pub price_minor: u32,
    /// What is minted to the provider for a request that it served, in minor units. Less than the price of
    /// one call, which every request is proven to charge at the least, and nothing between members of one
    /// group. It is not for each call, since how many of them are padding is nobody's business.
    pub reward_minor: u32,
    /// Calls that the members of one group may settle with one list of the category on one business date,
    /// padding included.
    pub daily_cap_calls: u32,
    /// For how many blocks a consumer may still rely on a version that was superseded. 0 for lists of
    /// high risk.
    pub grace_blocks: u32,
    /// For how many business dates after its publication the version in force earns its owner rewards; 0: for
    /// as long as it is in force. Who keeps a list up earns, whatever its size.
    pub fresh_days: u16,
    /// Retired categories take no new lists and no new sessions.
    pub retired: bool,
    /// What sessions cost more that are opened late in a busy day, in ascending order of their calls.
    pub surcharges: BoundedVec<Surcharge, MAX_SURCHARGES>,
}

/// A step of progressive prices: whoever asks much in a day pays more for each further session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize)]
pub struct Surcharge {
    /// From so many calls on, padding included, that the querier's group settled with the list on the same
    /// business date before the session is opened. At least 1.
    pub from_calls: u32,
    /// So many hundredths are added to the price.
    pub percent: u16,
}

impl Category {
    /// Refuses values outside the ranges of the fields.
    pub fn check(&self) -> Result<(), Reject> {
        let dearest = self.surcharges.iter().map(|step| self.surcharged(step));
        let price_fits = dearest
            .chain([self.price_minor.into()])
            .all(|price| price <= u64::from(MAX_PRICE_MINOR));
        let reward_fits = self.reward_minor < self.price_minor || self.reward_minor == 0;
        // Steps that ascend in both: nobody pays less for having asked more.
        let ascend =
            |a: &Surcharge, b: &Surcharge| a.from_calls < b.from_calls && a.percent < b.percent;
        let first = self.surcharges.first();
        let steps_fit = self.surcharges.is_sorted_by(ascend)
            && first.is_none_or(|step| step.from_calls > 0 && step.percent > 0);
        require(
            price_fits && reward_fits && steps_fit,
            Reject::VALUE_OUT_OF_RANGE,
        )
    }
}

/// Numbers that hold for the whole network.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Parameters {
    /// Quota minted to a member that joins, in minor units.
    pub welcome_grant_minor: u64,
    /// The validators may not become fewer than this by vote. 4 tolerate one fault.
    pub min_validators: u32,
    /// For how many blocks a proposal can be voted on.
    pub proposal_lifetime_blocks: u64,
    /// How far ahead of its opening a session's deadline may lie, in blocks.
    pub max_session_blocks: u64,
    /// `w`: for how many blocks after a session's deadline, or after its epoch was superseded, batches
    /// may still be settled.
    pub settlement_window_blocks: u64,
    /// What the owner of a publication that was proven fraudulent pays, in minor units, as far as its
    /// quota goes. It is burnt.
    pub fraud_owner_penalty_minor: u64,
    /// What each of its attesters pays, in minor units, as far as its quota goes. It is burnt.
    pub fraud_attester_penalty_minor: u64,
    /// For how many blocks the beacon takes commitments, and then for how many it takes values.
    pub beacon_window_blocks: u64,
    /// What a validator pays that committed to a value of the beacon and withheld it, in minor units, as
    /// far as its quota goes. It is burnt.
    pub beacon_penalty_minor: u64,
    /// How many entries the beacon draws of each version of a list, for its owner to prove. 0 draws none.
    pub sampled_entries: u8,
    /// For how many blocks after they are drawn the proofs about them are taken. A version without them
    /// is off from then on.
    pub sample_window_blocks: u64,
    /// How many of a hundred active members carry a proposal.
    pub approval_percent: u8,
    /// For how many blocks a change that was carried waits before it takes effect, so that whoever does not
    /// want it can prepare. A pause does not wait.
    pub time_lock_blocks: u64,
    /// What a challenger puts aside for a dispute, in minor units, until it is decided.
    pub dispute_stake_minor: u64,
    /// What an owner pays for an entry that was found wrong, or for which it did not answer, in minor
    /// units, as far as its quota goes.
    pub dispute_penalty_minor: u64,
    /// How much of that the challenger gets, in hundredths. The rest is burnt.
    pub dispute_reward_percent: u8,
    /// How much of a lost stake the owner gets, in hundredths. The rest is burnt.
    pub dispute_forfeit_percent: u8,
    /// How many members the beacon draws for a panel. Odd.
    pub panel_size: u8,
    /// What a member of a panel pays that did not rule in time, in minor units, as far as its quota goes.
    /// It is burnt.
    pub panel_penalty_minor: u64,
    /// Business days that an owner has to answer, after the one on which the panel was drawn.
    pub answer_days: u16,
    /// Business days that a panel has to rule, after the one on which the owner answered.
    pub ruling_days: u16,
    /// Business days that an owner has to publish a later version, after the one of the outcome.
    pub correction_days: u16,
    /// Points of a rating that recover in [`RECOVERY_DAYS`](crate::network::record::RECOVERY_DAYS) days.
    pub rating_recovery_points: u8,
    /// What a member keeps in its deposit to open sessions and to publish, in minor units. As much of a
    /// welcome grant begins there.
    pub deposit_minor: u64,
    /// For how many blocks after the last of its batches could be settled a session that owes something
    /// stands for its provider to collect it. 0 ends it with the settlement window.
    pub collection_window_blocks: u64,
    /// One in so many calls of a business date is drawn, to be opened to the supervisors. 0 draws none.
    pub opening_rate: u32,
    /// Business days that a member has to open drawn calls, after the one on which they were drawn.
    pub opening_days: u16,
    /// The fewest business days that a supervisor may give a member for a disclosure.
    pub disclosure_min_days: u16,
    /// The most.
    pub disclosure_max_days: u16,
    /// What a member pays that did not disclose in time, in minor units, as far as its quota goes. It is burnt.
    pub disclosure_penalty_minor: u64,
    /// How much of a price goes with the rating of the list's owner, in hundredths; at most
    /// [`MAX_RATING_PRICE_PERCENT`]. 0: prices are the same whoever answers.
    pub rating_price_percent: u8,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            welcome_grant_minor: Quota::whole(100_000).0,
            min_validators: 4,
            // At ten blocks a second: a week to vote, a day for a session, ten minutes to settle.
            proposal_lifetime_blocks: 7 * 864_000,
            max_session_blocks: 864_000,
            settlement_window_blocks: 6_000,
            fraud_owner_penalty_minor: Quota::whole(10_000).0,
            fraud_attester_penalty_minor: Quota::whole(1_000).0,
            // Five seconds to commit, five to reveal; a share of a penalty for fraud.
            beacon_window_blocks: 50,
            beacon_penalty_minor: Quota::whole(100).0,
            // A list with a tenth of its tags made up passes two versions in three, and ten in 70 ones:
            // proofs cost its owner 0.5 s each, so it is the number of versions that catches it.
            sampled_entries: 4,
            // Ten minutes: an owner's front end may restart, and proves four entries in seconds.
            sample_window_blocks: 6_000,
            // More than two thirds of up to 100 members: what agreement itself needs.
            approval_percent: 67,
            time_lock_blocks: 0,
            // Dear enough that nobody disputes to annoy; a member disputes 200 entries at a time from its
            // welcome grant. A wrong entry costs twice that, and half of it makes up for the trouble.
            dispute_stake_minor: Quota::whole(500).0,
            dispute_penalty_minor: Quota::whole(1_000).0,
            dispute_reward_percent: 50,
            dispute_forfeit_percent: 50,
            panel_size: 3,
            panel_penalty_minor: Quota::whole(100).0,
            // Files have to be fetched by people, over weekends.
            answer_days: 3,
            ruling_days: 5,
            correction_days: 5,
            // A lost dispute is forgotten after a month.
            rating_recovery_points: 10,
            // Two fraudulent publications, or a fifth of the welcome grant.
            deposit_minor: Quota::whole(20_000).0,
            // An hour: a querier may post batches while the provider is down, and an escrow is not bound
            // for much longer than its session.
            collection_window_blocks: 36_000,
            // Off until the members and their supervisor agree on it.
            opening_rate: 0,
            // As for the answer to a dispute, and a weekend more.
            opening_days: 5,
            disclosure_min_days: 2,
            disclosure_max_days: 30,
            // As much as a wrong entry.
            disclosure_penalty_minor: Quota::whole(1_000).0,
            // A list that nobody trusts is worth half.
            rating_price_percent: 50,
        }
    }
}

/// Longest of all governed spans of blocks: ten years at ten blocks a second. Keeps every sum of heights
/// far from 64 bits.
pub const MAX_SPAN_BLOCKS: u64 = 10 * 365 * 864_000;

/// Longest of the spans for proofs about drawn entries: what was drawn stays recorded for longer.
pub const MAX_SAMPLE_WINDOW_BLOCKS: u64 = MAX_BEACON_OUTPUTS;

/// Longest of the beacon's two spans: a day at ten blocks a second.
pub const MAX_BEACON_WINDOW_BLOCKS: u64 = 864_000;

/// Longest time for a step of a dispute: what is not settled in a quarter is not settled by waiting.
pub const MAX_DISPUTE_DAYS: u16 = 90;

/// Longest time to open drawn calls: fewer than [`MAX_DISCLOSURES`](crate::network::record::MAX_DISCLOSURES)
/// dates, so that those that are due stay recorded.
pub const MAX_OPENING_DAYS: u16 = 20;

/// Longest time that a supervisor can be allowed to give: what is not disclosed in a quarter is not disclosed.
pub const MAX_DISCLOSURE_DAYS: u16 = 90;

/// Largest part of a price that can go with a rating: a list whose owner lost all trust is not asked for
/// nothing, as quota is what keeps others from walking through it.
pub const MAX_RATING_PRICE_PERCENT: u8 = 90;

/// Steps of one category's surcharges.
pub const MAX_SURCHARGES: usize = 8;

impl Parameters {
    /// Refuses values outside the ranges of the fields.
    pub fn check(&self) -> Result<(), Reject> {
        let spans = [
            self.proposal_lifetime_blocks,
            self.max_session_blocks,
            self.settlement_window_blocks,
        ];
        let spans_fit = spans
            .iter()
            .all(|span| (1..=MAX_SPAN_BLOCKS).contains(span))
            && (1..=MAX_BEACON_WINDOW_BLOCKS).contains(&self.beacon_window_blocks)
            && (1..=MAX_SAMPLE_WINDOW_BLOCKS).contains(&self.sample_window_blocks);
        // Grants and penalties stay so small that the sum of all balances cannot reach 64 bits.
        let amounts = [
            self.welcome_grant_minor,
            self.fraud_owner_penalty_minor,
            self.fraud_attester_penalty_minor,
            self.beacon_penalty_minor,
            self.dispute_stake_minor,
            self.dispute_penalty_minor,
            self.panel_penalty_minor,
            self.deposit_minor,
            self.disclosure_penalty_minor,
        ];
        let amounts_fit = amounts.iter().all(|amount| *amount <= 1 << 48);
        // A minimum above the bound would keep every validator in place for ever.
        let minimum_fits = (1..=MAX_VALIDATORS as u32).contains(&self.min_validators);
        let approval_fits = (51..=100).contains(&self.approval_percent);
        let waits = [self.time_lock_blocks, self.collection_window_blocks];
        let waits_fit = waits.iter().all(|wait| *wait <= MAX_SPAN_BLOCKS);
        let samples_fit = usize::from(self.sampled_entries) <= MAX_SAMPLED_ENTRIES;
        require(
            spans_fit
                && amounts_fit
                && minimum_fits
                && samples_fit
                && approval_fits
                && waits_fit
                && self.disputes_fit()
                && self.disclosures_fit()
                && self.rating_price_percent <= MAX_RATING_PRICE_PERCENT,
            Reject::VALUE_OUT_OF_RANGE,
        )
    }

    fn disclosures_fit(&self) -> bool {
        let days = self.disclosure_min_days..=self.disclosure_max_days;
        (1..=MAX_OPENING_DAYS).contains(&self.opening_days)
            && *days.start() >= 1
            && !days.is_empty()
            && *days.end() <= MAX_DISCLOSURE_DAYS
    }

    fn disputes_fit(&self) -> bool {
        let shares = [self.dispute_reward_percent, self.dispute_forfeit_percent];
        let days = [self.answer_days, self.ruling_days, self.correction_days];
        // An even panel can be of two minds.
        let panel_fits = self.panel_size % 2 == 1 && usize::from(self.panel_size) <= MAX_PANEL;
        shares.iter().all(|share| *share <= 100)
            && days
                .iter()
                .all(|days| (1..=MAX_DISPUTE_DAYS).contains(days))
            && panel_fits
            && self.rating_recovery_points <= MAX_RATING
    }
}
