//! The first parties and their keys.

use ed25519_zebra::SigningKey;
use tacit_ledger::kernel::envelope::ledger_key;
use tacit_ledger::kernel::{MemberId, Role};
use tacit_ledger::network::parameters::CategoryId;
use tacit_ledger::network::quota::prove_key;
use tacit_ledger::network::{
    Candidate, Category, ConsensusKey, GenesisMember, NetworkGenesis, Parameters, Profile, SpkiHash,
};

use super::{bounded, quota_key, rng, text};

/// Members 1 to 5 and observer 6. 1 and 5 are of one group; 1 to 4 validate. Of five members one may be
/// faulty: two attest a publication, four carry a proposal.
pub(crate) const OWNER: MemberId = MemberId(1);
pub(crate) const QUERIER: MemberId = MemberId(2);
pub(crate) const THIRD: MemberId = MemberId(3);
pub(crate) const FOURTH: MemberId = MemberId(4);
pub(crate) const SISTER: MemberId = MemberId(5);
pub(crate) const OBSERVER: MemberId = MemberId(6);
pub(crate) const NOBODY: MemberId = MemberId(99);

pub(crate) const CATEGORY: CategoryId = CategoryId(1);
pub(crate) const PRICE_MINOR: u32 = 100;
pub(crate) const REWARD_MINOR: u32 = 10;
pub(crate) const DAILY_CAP: u32 = 40;
pub(crate) const WELCOME_MINOR: u64 = 1_000_000;
/// What of it begins in the deposit.
pub(crate) const DEPOSIT_MINOR: u64 = 100_000;
/// `w`.
pub(crate) const WINDOW: u64 = 10;
/// For so many blocks more a session stands that owes something.
pub(crate) const COLLECTION_WINDOW: u64 = 7;
pub(crate) const MAX_SESSION: u64 = 50;
pub(crate) const PROPOSAL_LIFETIME: u64 = 20;

/// The key with which a party signs.
pub(crate) fn signer(member: MemberId) -> SigningKey {
    let mut seed = [7; 32];
    seed[..4].copy_from_slice(&member.0.to_be_bytes());
    SigningKey::from(seed)
}

/// Keys of a party's node and certificate, which nobody signs with here.
pub(crate) fn consensus_key(member: MemberId) -> ConsensusKey {
    ConsensusKey(ledger_key(&signer(MemberId(member.0 + 1_000_000))).0)
}

pub(crate) fn certificate(member: MemberId) -> SpkiHash {
    let mut hash = [0; 32];
    hash[..4].copy_from_slice(&member.0.to_be_bytes());
    SpkiHash(hash)
}

/// The institution that joins as `member`.
pub(crate) fn candidate(member: MemberId, group: &str, role: Role) -> Candidate {
    Candidate {
        name: text(&format!("Bank {member}")),
        group: text(group),
        role,
        ledger_key: ledger_key(&signer(member)),
        quota_key: quota_key(member).public(),
        quota_key_proof: prove_key(
            &quota_key(member),
            &ledger_key(&signer(member)),
            &mut rng(member.0.into()),
        ),
        profile: Profile {
            consensus_key: consensus_key(member),
            tls_spki_hash: certificate(member),
            front_end_address: text("front.example:443"),
            p2p_address: text("node.example:9000"),
        },
    }
}

pub(crate) fn category(id: u16) -> Category {
    Category {
        id: CategoryId(id),
        name: text(&format!("category {id}")),
        price_minor: PRICE_MINOR,
        reward_minor: REWARD_MINOR,
        daily_cap_calls: DAILY_CAP,
        grace_blocks: 3,
        fresh_days: 0x0102,
        retired: false,
        surcharges: bounded(Vec::new()),
    }
}

pub(crate) fn parameters() -> Parameters {
    Parameters {
        welcome_grant_minor: WELCOME_MINOR,
        min_validators: 4,
        proposal_lifetime_blocks: PROPOSAL_LIFETIME,
        max_session_blocks: MAX_SESSION,
        settlement_window_blocks: WINDOW,
        fraud_owner_penalty_minor: 5_000,
        fraud_attester_penalty_minor: 700,
        beacon_window_blocks: 0x11,
        beacon_penalty_minor: 0,
        // The tests of drawn entries say how many they want.
        sampled_entries: 0,
        sample_window_blocks: 0x12,
        approval_percent: 67,
        time_lock_blocks: 0,
        // So do those of disputes.
        dispute_stake_minor: 0x0201,
        dispute_penalty_minor: 0x0403,
        dispute_reward_percent: 25,
        dispute_forfeit_percent: 75,
        panel_size: 1,
        panel_penalty_minor: 0x0605,
        answer_days: 3,
        ruling_days: 4,
        correction_days: 5,
        rating_recovery_points: 10,
        deposit_minor: DEPOSIT_MINOR,
        collection_window_blocks: COLLECTION_WINDOW,
        // And those of drawn calls.
        opening_rate: 0,
        opening_days: 2,
        disclosure_min_days: 2,
        disclosure_max_days: 4,
        disclosure_penalty_minor: 0x0807,
        rating_price_percent: 50,
    }
}

pub(crate) fn genesis() -> NetworkGenesis {
    let founders = [
        (OWNER, "Group A", Role::Member, true),
        (QUERIER, "Group B", Role::Member, true),
        (THIRD, "Group C", Role::Member, true),
        (FOURTH, "Group D", Role::Member, true),
        (SISTER, "Group A", Role::Member, false),
        (OBSERVER, "Supervisor", Role::Observer, false),
    ];
    let members = founders.map(|(id, group, role, validator)| GenesisMember {
        candidate: candidate(id, group, role),
        validator,
    });
    NetworkGenesis {
        parameters: parameters(),
        categories: bounded(vec![category(1)]),
        members: bounded(members.to_vec()),
    }
}
