//! The beacon: numbers that nobody can choose.
//!
//! In a round the validators first commit to a random value each, then reveal it; the output hashes
//! what was revealed. It cannot be foreseen while one honest value is hidden, and those who reveal last
//! can only leave values of their own out: c of them choose among at most 2^c outputs, and pay the
//! governed penalty for every value that they withhold.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Serialize;
use std::fmt;
use tacit_circuits::scope::MemberId;

use crate::kernel::ChainId;
use crate::kernel::codec::BoundedVec;
use crate::kernel::hash::{self, Digest, label};
use crate::network::record::MAX_VALIDATORS;

/// Outputs that stay recorded: the latest. A round takes two blocks or more, so that an output outlives
/// every deadline for proofs about what it drew, which lies at most
/// [`MAX_SAMPLE_WINDOW_BLOCKS`](crate::network::parameters::MAX_SAMPLE_WINDOW_BLOCKS) after it.
pub const MAX_BEACON_OUTPUTS: u64 = 1 << 16;

/// Names a round of the beacon: given in their order, from 1.
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
    Serialize,
)]
pub struct RoundId(pub u64);

impl fmt::Display for RoundId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One go at a round. A round whose values do not suffice is gone through again with fresh values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize, Serialize)]
pub struct Attempt {
    /// Round.
    pub round: RoundId,
    /// Number of the attempt, from 0.
    pub number: u32,
}

/// A validator's random value of one attempt.
pub type BeaconValue = [u8; 32];

impl Attempt {
    /// What a validator commits with: hides its value until it reveals it.
    pub fn commitment(&self, chain_id: ChainId, member: MemberId, value: &BeaconValue) -> Digest {
        hash::hash_encoded(&label::BEACON_COMMITMENT, &(chain_id, self, member, value))
    }
}

/// How the beacon stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Beacon {
    /// The last round that gave an output; 0 before the first.
    pub last: RoundId,
    /// Its output; zeros before the first.
    pub output: Digest,
    /// The round that is open.
    pub open: Option<Round>,
    /// Whether somebody waits for the round after the open one.
    pub wanted: bool,
}

/// An open round.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Round {
    /// Its number and attempt.
    pub attempt: Attempt,
    /// Height at which the attempt began; commitments are taken from the next one on.
    pub opened_height: u64,
    /// Last height at which commitments are taken; values are taken from the next one on.
    pub commit_until: u64,
    /// Last height at which values are taken.
    pub reveal_until: u64,
    /// Those who validated when the attempt began, by number of member.
    pub shares: BoundedVec<Share, MAX_VALIDATORS>,
}

/// A validator's part in an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Share {
    /// Validator.
    pub member: MemberId,
    /// What it committed with.
    pub commitment: Option<Digest>,
    /// What it revealed.
    pub value: Option<BeaconValue>,
}

impl Round {
    /// Whether commitments are taken at `height`.
    pub fn takes_commitments(&self, height: u64) -> bool {
        self.opened_height < height && height <= self.commit_until
    }

    /// Whether values are taken at `height`.
    pub fn takes_values(&self, height: u64) -> bool {
        self.commit_until < height && height <= self.reveal_until
    }

    /// A validator's part.
    pub fn share(&self, member: MemberId) -> Option<&Share> {
        self.shares.iter().find(|share| share.member == member)
    }

    /// The output that follows `before` from the values that were revealed.
    pub(crate) fn output(&self, chain_id: ChainId, before: &Digest) -> Digest {
        let revealed: Vec<(MemberId, BeaconValue)> = self
            .shares
            .iter()
            .filter_map(|share| Some((share.member, share.value?)))
            .collect();
        hash::hash_encoded(
            &label::BEACON_OUTPUT,
            &(chain_id, self.attempt.round, before, revealed),
        )
    }
}

/// What a round gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct BeaconOutput {
    /// Round.
    pub round: RoundId,
    /// The numbers that nobody chose.
    pub output: Digest,
    /// Height at which they became known.
    pub height: u64,
}

impl BeaconOutput {
    /// `count` numbers of 1 to `of`, all different, in the order in which they are drawn; all of them
    /// where there are no more. Draws for different purposes have nothing to do with each other.
    ///
    /// The numbers of 32 bits, little-endian, of BLAKE3's extendable output over output and purpose,
    /// each modulo `of`, plus 1. Those at the top that would favour small remainders, and those drawn
    /// before, are passed over.
    pub fn draw(&self, purpose: &Digest, count: usize, of: u32) -> Vec<u32> {
        let wanted = count.min(of as usize);
        let mut hasher = label::BEACON_DRAW.hasher();
        hasher.update(&self.output.0);
        hasher.update(&purpose.0);
        let mut stream = hasher.finalize_xof();
        let fair = u32::MAX - (u32::MAX % of.max(1) + 1) % of.max(1);
        let mut drawn = Vec::with_capacity(wanted);
        while drawn.len() < wanted {
            let mut bytes = [0; 4];
            stream.fill(&mut bytes);
            let number = u32::from_le_bytes(bytes);
            let place = number % of + 1;
            if number <= fair && !drawn.contains(&place) {
                drawn.push(place);
            }
        }
        drawn
    }
}
