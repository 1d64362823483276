//! State keys of the risk network. Module 1; see [`Table`] for the form of a prefix.

mod disputes;
mod supervision;

pub use disputes::*;
pub use supervision::*;

use tacit_circuits::receipt::ContextHash;
use tacit_circuits::scope::{ListId, MemberId, TagEpoch};

use crate::kernel::module::ModuleId;
use crate::kernel::state::{StateKey, Table};
use crate::network::record::{
    ConsensusKey, PolicyId, PolicyVersion, ProposalId, PublicationId, Root, ScreeningId, SessionId,
    SpkiHash,
};

const fn table(number: u8, name: &'static str) -> Table {
    Table {
        module: ModuleId::NETWORK,
        number,
        name,
    }
}

const PARAMETERS: Table = table(0, "parameters");
const CATEGORIES: Table = table(1, "categories");
const PROFILE: Table = table(2, "profile");
const VALIDATORS: Table = table(3, "validators");
const CERTIFICATE: Table = table(4, "certificate");
const CONSENSUS_KEY: Table = table(5, "consensus-key");
const DEPOSIT: Table = table(6, "deposit");
const SUPPLY: Table = table(7, "supply");
const HISTORY: Table = table(8, "history");
const LIST: Table = table(9, "list");
const LIST_COUNT: Table = table(10, "list-count");
const LISTS_OF: Table = table(11, "lists-of");
const EPOCH: Table = table(12, "epoch");
const LIST_KEY: Table = table(13, "list-key");
const PUBLICATION: Table = table(14, "publication");
const ALARM: Table = table(15, "alarm");
const ALARM_COUNT: Table = table(16, "alarm-count");
const ALARM_BY: Table = table(17, "alarm-by");
const SESSION: Table = table(18, "session");
const SESSION_COUNT: Table = table(19, "session-count");
const SESSIONS: Table = table(20, "sessions");
const USAGE: Table = table(21, "usage");
const LOG_FRONTIER: Table = table(22, "log-frontier");
const LOG_HEAD: Table = table(23, "log-head");
const PROPOSAL: Table = table(24, "proposal");
const PROPOSAL_COUNT: Table = table(25, "proposal-count");
const OPEN_PROPOSALS: Table = table(26, "open-proposals");
const OPEN_PROPOSALS_OF: Table = table(27, "open-proposals-of");
const LOG_ROOT: Table = table(28, "log-root");
const LOG_ROOT_PLACE: Table = table(29, "log-root-place");
const RECEIPT_KEY: Table = table(30, "receipt-key");
const POLICY: Table = table(31, "policy");
const POLICY_VERSION: Table = table(32, "policy-version");
const POLICY_COUNT: Table = table(33, "policy-count");
const POLICIES_OF: Table = table(34, "policies-of");
const SCREENING: Table = table(35, "screening");
const SCREENING_COUNT: Table = table(36, "screening-count");
const SCREENINGS_OF: Table = table(37, "screenings-of");
const USED_CONTEXT: Table = table(38, "used-context");
const PARAMETERS_HEIGHT: Table = table(39, "parameters-height");
const BEACON: Table = table(40, "beacon");
const BEACON_OUTPUT: Table = table(41, "beacon-output");
const PAUSED_MEMBER: Table = table(42, "paused-member");
const ACCOUNT: Table = table(43, "account");
const ESCROW: Table = table(44, "escrow");
const QUOTA_KEY: Table = table(45, "quota-key");
const SUPERVISOR_KEY: Table = table(46, "supervisor-key");
const QUOTA_SUM: Table = table(47, "quota-sum");
const SERVED_SESSIONS: Table = table(70, "served-sessions");

/// All tables of the risk network.
pub const TABLES: &[Table] = &[
    PARAMETERS,
    CATEGORIES,
    PROFILE,
    VALIDATORS,
    CERTIFICATE,
    CONSENSUS_KEY,
    DEPOSIT,
    SUPPLY,
    HISTORY,
    LIST,
    LIST_COUNT,
    LISTS_OF,
    EPOCH,
    LIST_KEY,
    PUBLICATION,
    ALARM,
    ALARM_COUNT,
    ALARM_BY,
    SESSION,
    SESSION_COUNT,
    SESSIONS,
    USAGE,
    LOG_FRONTIER,
    LOG_HEAD,
    PROPOSAL,
    PROPOSAL_COUNT,
    OPEN_PROPOSALS,
    OPEN_PROPOSALS_OF,
    LOG_ROOT,
    LOG_ROOT_PLACE,
    RECEIPT_KEY,
    POLICY,
    POLICY_VERSION,
    POLICY_COUNT,
    POLICIES_OF,
    SCREENING,
    SCREENING_COUNT,
    SCREENINGS_OF,
    USED_CONTEXT,
    PARAMETERS_HEIGHT,
    BEACON,
    BEACON_OUTPUT,
    PAUSED_MEMBER,
    ACCOUNT,
    ESCROW,
    QUOTA_KEY,
    SUPERVISOR_KEY,
    QUOTA_SUM,
    disputes::DISPUTE,
    disputes::DISPUTE_COUNT,
    disputes::DISPUTES,
    disputes::DISPUTED,
    disputes::SUSPENSION,
    disputes::RATING,
    disputes::RATING_CHANGE,
    supervision::VIEW,
    supervision::VIEW_COUNT,
    supervision::VIEWS_OF,
    supervision::DISCLOSURE,
    supervision::DISCLOSURE_COUNT,
    supervision::DISCLOSURES,
    supervision::ASKED_CALLS,
    supervision::COUNTED_DATE,
    supervision::CALL_DRAW,
    supervision::CODE_VERSIONS,
    SERVED_SESSIONS,
];

/// The governed parameters. Example: `000100`.
pub fn parameters() -> StateKey {
    PARAMETERS.key()
}

/// All categories. Example: `000101`.
pub fn categories() -> StateKey {
    CATEGORIES.key()
}

/// Where a party is reached. Example, party 7: `000102 00000007`.
pub fn profile(member: MemberId) -> StateKey {
    PROFILE.key().u32(member.0)
}

/// All validators. Example: `000103`.
pub fn validators() -> StateKey {
    VALIDATORS.key()
}

/// The party to whom a certificate's key belongs or once belonged. Example: `000104` and its hash.
pub fn certificate(spki: &SpkiHash) -> StateKey {
    CERTIFICATE.key().digest(&spki.0)
}

/// The party to whom a node's key belongs. Example: `000105` and the key.
pub fn consensus_key(key: &ConsensusKey) -> StateKey {
    CONSENSUS_KEY.key().digest(&key.0)
}

/// A member's deposit. Example, party 7: `000106 00000007`.
pub fn deposit(member: MemberId) -> StateKey {
    DEPOSIT.key().u32(member.0)
}

/// Quota minted, burnt and deposited. Example: `000107`.
pub fn supply() -> StateKey {
    SUPPLY.key()
}

/// What a party asked and served. Example, party 7: `000108 00000007`.
pub fn history(member: MemberId) -> StateKey {
    HISTORY.key().u32(member.0)
}

/// A list. Example, list 5: `000109 00000005`.
pub fn list(list: ListId) -> StateKey {
    LIST.key().u32(list.0)
}

/// How many lists there are. Example: `00010a`.
pub fn list_count() -> StateKey {
    LIST_COUNT.key()
}

/// The lists of a member. Example, party 7: `00010b 00000007`.
pub fn lists_of(owner: MemberId) -> StateKey {
    LISTS_OF.key().u32(owner.0)
}

/// A tag epoch. Example, epoch 2 of list 5: `00010c 00000005 00000002`.
pub fn epoch(list: ListId, tag_epoch: TagEpoch) -> StateKey {
    EPOCH.key().u32(list.0).u32(tag_epoch.0)
}

/// The list and epoch for which a key was registered, by the Montgomery u-coordinate that it shares with
/// its negative. Example: `00010d` and the coordinate, little-endian.
pub fn list_key(montgomery_u: &[u8; 32]) -> StateKey {
    LIST_KEY.key().digest(montgomery_u)
}

/// A publication. Example, version 1 of epoch 2 of list 5: `00010e 00000005 00000002 00000001`.
pub fn publication(id: PublicationId) -> StateKey {
    PUBLICATION
        .key()
        .u32(id.list.0)
        .u32(id.tag_epoch.0)
        .u32(id.version.0)
}

/// A listed alarm, in its place of the ring. Example, place 9: `00010f 0000000000000009`.
pub fn alarm(place: u64) -> StateKey {
    ALARM.key().u64(place)
}

/// How many alarms were raised. Example: `000110`.
pub fn alarm_count() -> StateKey {
    ALARM_COUNT.key()
}

/// Set when a member has raised an alarm about a publication. Example: `000111`, the publication's three
/// numbers, and party 7: `00000007`.
pub fn alarm_by(id: PublicationId, member: MemberId) -> StateKey {
    ALARM_BY
        .key()
        .u32(id.list.0)
        .u32(id.tag_epoch.0)
        .u32(id.version.0)
        .u32(member.0)
}

/// A session. Example, session 9: `000112 0000000000000009`.
pub fn session(session: SessionId) -> StateKey {
    SESSION.key().u64(session.0)
}

/// How many sessions were opened. Example: `000113`.
pub fn session_count() -> StateKey {
    SESSION_COUNT.key()
}

/// Open sessions of a member with a list. Example, party 7, list 5: `000114 00000007 00000005`.
pub fn sessions(querier: MemberId, list: ListId) -> StateKey {
    SESSIONS.key().u32(querier.0).u32(list.0)
}

/// Calls to a list on its last business date, by group. Example, list 5: `000115 00000005`.
pub fn usage(list: ListId) -> StateKey {
    USAGE.key().u32(list.0)
}

/// The right edge of the network's log. Example: `000116`.
pub fn log_frontier() -> StateKey {
    LOG_FRONTIER.key()
}

/// Root and length of the network's log. Example: `000117`.
pub fn log_head() -> StateKey {
    LOG_HEAD.key()
}

/// A proposal. Example, proposal 3: `000118 0000000000000003`.
pub fn proposal(proposal: ProposalId) -> StateKey {
    PROPOSAL.key().u64(proposal.0)
}

/// How many proposals were made. Example: `000119`.
pub fn proposal_count() -> StateKey {
    PROPOSAL_COUNT.key()
}

/// The proposals that can be voted on. Example: `00011a`.
pub fn open_proposals() -> StateKey {
    OPEN_PROPOSALS.key()
}

/// The proposals of a member that can be voted on. Example, party 7: `00011b 00000007`.
pub fn open_proposals_of(proposer: MemberId) -> StateKey {
    OPEN_PROPOSALS_OF.key().u32(proposer.0)
}

/// The height at which the log had a root. Example: `00011c` and the root.
pub fn log_root(root: &Root) -> StateKey {
    LOG_ROOT.key().digest(&root.0)
}

/// The root in a place of the ring of recorded roots. Example, place 9: `00011d 0000000000000009`.
pub fn log_root_place(place: u64) -> StateKey {
    LOG_ROOT_PLACE.key().u64(place)
}

/// The key under which receipts are verified. Example: `00011e`.
pub fn receipt_key() -> StateKey {
    RECEIPT_KEY.key()
}

/// A version of a policy. Example, version 2 of policy 3: `00011f 0000000000000003 00000002`.
pub fn policy(policy: PolicyId, version: PolicyVersion) -> StateKey {
    POLICY.key().u64(policy.0).u32(version.0)
}

/// The latest version of a policy. Example, policy 3: `000120 0000000000000003`.
pub fn policy_version(policy: PolicyId) -> StateKey {
    POLICY_VERSION.key().u64(policy.0)
}

/// How many policies were made. Example: `000121`.
pub fn policy_count() -> StateKey {
    POLICY_COUNT.key()
}

/// The policies of a member. Example, party 7: `000122 00000007`.
pub fn policies_of(owner: MemberId) -> StateKey {
    POLICIES_OF.key().u32(owner.0)
}

/// An accepted set of receipts. Example, screening 9: `000123 0000000000000009`.
pub fn screening(screening: ScreeningId) -> StateKey {
    SCREENING.key().u64(screening.0)
}

/// How many sets of receipts were accepted. Example: `000124`.
pub fn screening_count() -> StateKey {
    SCREENING_COUNT.key()
}

/// The accepted sets of a member that have not expired. Example, party 7: `000125 00000007`.
pub fn screenings_of(submitter: MemberId) -> StateKey {
    SCREENINGS_OF.key().u32(submitter.0)
}

/// The accepted set for a context, until it expires. Example: `000126` and the context's hash.
pub fn used_context(context: &ContextHash) -> StateKey {
    USED_CONTEXT.key().digest(&context.0)
}

/// The height at which the parameters were last changed by vote. Example: `000127`.
pub fn parameters_height() -> StateKey {
    PARAMETERS_HEIGHT.key()
}

/// How the beacon stands. Example: `000128`.
pub fn beacon() -> StateKey {
    BEACON.key()
}

/// An output of the beacon, in its place of the ring. Example, place 9: `000129 0000000000000009`.
pub fn beacon_output(place: u64) -> StateKey {
    BEACON_OUTPUT.key().u64(place)
}

/// The height since which a member is stopped. Example, party 7: `00012a 00000007`.
pub fn paused_member(member: MemberId) -> StateKey {
    PAUSED_MEMBER.key().u32(member.0)
}

/// A member's confidential quota. Example, party 7: `00012b 00000007`.
pub fn account(member: MemberId) -> StateKey {
    ACCOUNT.key().u32(member.0)
}

/// The escrow of a session. Example, session 3: `00012c 0000000000000003`.
pub fn escrow(session: SessionId) -> StateKey {
    ESCROW.key().u64(session.0)
}

/// The key to which a party's amounts are sealed. Example, party 7: `00012d 00000007`.
pub fn quota_key(party: MemberId) -> StateKey {
    QUOTA_KEY.key().u32(party.0)
}

/// How many sessions with a member's lists are open. Example, party 7: `000146 00000007`.
pub fn served_sessions(provider: MemberId) -> StateKey {
    SERVED_SESSIONS.key().u32(provider.0)
}

/// The key to which all amounts are sealed too. Example: `00012e`.
pub fn supervisor_key() -> StateKey {
    SUPERVISOR_KEY.key()
}

/// The sum of the commitments of all accounts and escrows. Example: `00012f`.
pub fn quota_sum() -> StateKey {
    QUOTA_SUM.key()
}
