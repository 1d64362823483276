//! What the members decide by vote: one member, one vote, more than two thirds of all members.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Serialize;
use std::fmt;
use tacit_circuits::quota::{QuotaKeyProof, QuotaPublicKey};
use tacit_circuits::scope::{ListId, MemberId};

use crate::kernel::Reject;
use crate::kernel::codec::{BoundedVec, Bytes};
use crate::kernel::context::require;
use crate::kernel::hash::Digest;
use crate::kernel::party::{LedgerKey, MAX_PARTIES, Name, Role};
use crate::kernel::signatures;
use crate::network::parameters::{Category, Parameters};
use crate::network::quota::key_context;
use crate::network::record::{MAX_VERIFYING_KEY_BYTES, Profile, check_address};

/// Proposals that one member may have open at a time. The bound is each member's own: were it the
/// network's, one member could fill it for ever and so keep all others from proposing anything, its own
/// removal included.
pub const MAX_OPEN_PROPOSALS_PER_MEMBER: usize = 4;

/// Proposals that may be open at a time: they are listed in one record, of 8 kB at the most.
pub const MAX_OPEN_PROPOSALS: usize = MAX_PARTIES * MAX_OPEN_PROPOSALS_PER_MEMBER;

/// Names a proposal, in the order of proposing, from 1.
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
pub struct ProposalId(pub u64);

impl fmt::Display for ProposalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An institution that is to join.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Candidate {
    /// The institution's name.
    pub name: Name,
    /// Corporate group.
    pub group: Name,
    /// What it may do.
    pub role: Role,
    /// Key with which it signs.
    pub ledger_key: LedgerKey,
    /// Key to which its amounts of quota are sealed.
    pub quota_key: QuotaPublicKey,
    /// Proof that it knows that key's secret.
    pub quota_key_proof: QuotaKeyProof,
    /// Where it is reached.
    pub profile: Profile,
}

impl Candidate {
    /// Refuses addresses that are not `host:port`.
    pub(crate) fn check(&self) -> Result<(), Reject> {
        check_address(&self.profile.front_end_address)?;
        check_address(&self.profile.p2p_address)
    }

    /// Refuses a quota key whose proof of possession does not hold.
    pub(crate) fn check_possession(&self) -> Result<(), Reject> {
        self.quota_key_proof
            .verify(&self.quota_key, &key_context(&self.ledger_key))
            .map_err(|_| Reject::QUOTA_KEY_PROOF_INVALID)
    }

    /// Refuses keys that are no Ed25519 keys. A party with such a ledger key could never sign, and a
    /// committee with such a consensus key could never be formed: the network would stay with the
    /// validators that it has. The keys of a genesis are checked by whoever founds a network on it.
    pub(crate) fn check_keys(&self) -> Result<(), Reject> {
        let keys = [self.ledger_key.0, self.profile.consensus_key.0];
        let are_keys = keys.iter().all(signatures::is_key);
        require(are_keys, Reject::VALUE_OUT_OF_RANGE)
    }
}

/// What a proposal would change.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[expect(
    clippy::large_enum_variant,
    reason = "changes are rare and come one at a time"
)]
pub enum Change {
    /// An institution joins, as a member or as an observer.
    Admit(Candidate),
    /// A party leaves: its lists are withdrawn, its sessions run out, it no longer validates.
    Remove {
        /// Party.
        member: MemberId,
    },
    /// A member begins to validate.
    AddValidator {
        /// Member.
        member: MemberId,
    },
    /// A member ceases to validate.
    RemoveValidator {
        /// Member.
        member: MemberId,
    },
    /// A category comes to be.
    AddCategory(Category),
    /// A category gets other prices, rewards or caps, or is retired.
    ChangeCategory(Category),
    /// Other parameters of the network.
    SetParameters(Parameters),
    /// Another offset of the business date from UTC, in minutes.
    SetUtcOffset {
        /// Minutes ahead of UTC.
        minutes: i16,
    },
    /// Another key under which receipts are verified. Those made under the one before are refused from
    /// then on.
    SetReceiptKey {
        /// The key's canonical bytes.
        verifying_key: Bytes<MAX_VERIFYING_KEY_BYTES>,
        /// Digest of the transcript of the ceremony that made it: what the voters have verified.
        transcript: Digest,
    },
    /// An emergency: a list or a member stops, or goes on. Carried by more than two thirds of the members
    /// whatever is governed, and takes effect at once.
    SetPause {
        /// What stops.
        of: Pausable,
        /// Whether it stops; else it goes on.
        paused: bool,
    },
    /// Another version of the rules from a height on. Machines that do not know it stop before that height.
    SetCodeVersion {
        /// Version, above the one in force.
        version: u32,
        /// First height that it executes.
        from_height: u64,
    },
}

/// What the members can stop in an emergency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pausable {
    /// A list: no sessions, no answers, no receipts.
    List(ListId),
    /// A member: the same for all its lists, and it opens no sessions, publishes, attests and shows
    /// nothing. It votes.
    Member(MemberId),
}

/// A proposal with its votes.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Proposal {
    /// Name.
    pub id: ProposalId,
    /// Who proposed it.
    pub proposer: MemberId,
    /// What it would change.
    pub change: Change,
    /// Height at which it was proposed.
    pub proposed_height: u64,
    /// Last height at which it can be voted on.
    pub expiry_height: u64,
    /// How it stands.
    pub status: ProposalStatus,
    /// Votes in the order in which they were cast. Only those of active members count.
    pub votes: BoundedVec<Ballot, MAX_PARTIES>,
}

/// A vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Ballot {
    /// Who voted.
    pub member: MemberId,
    /// Whether for it.
    pub approve: bool,
}

/// How a proposal stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProposalStatus {
    /// Can be voted on.
    Open,
    /// Carried, and in effect since this height.
    Carried {
        /// Height of the deciding vote.
        height: u64,
    },
    /// So many voted against it at this height that it can no longer be carried.
    Defeated {
        /// Height of the deciding vote.
        height: u64,
    },
    /// Nobody decided it in time.
    Expired,
    /// Carried; takes effect at this height.
    Accepted {
        /// First height at which it is in effect.
        effective_height: u64,
    },
    /// Carried, and could not be carried out any more when its time came.
    Failed {
        /// That height.
        height: u64,
    },
}

/// Proposals that can be voted on, in the order of proposing.
pub type OpenProposals = BoundedVec<ProposalId, MAX_OPEN_PROPOSALS>;

/// Those of one proposer, in the order of proposing.
pub type OwnProposals = BoundedVec<ProposalId, MAX_OPEN_PROPOSALS_PER_MEMBER>;
