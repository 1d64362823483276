//! What a party can do.

use borsh::{BorshDeserialize, BorshSerialize};
use tacit_circuits::curve::WirePoint;
use tacit_circuits::identifier::IdentifierType;
use tacit_circuits::list::{ListFraud, SizeClass};
use tacit_circuits::oprf::KeyProof;
use tacit_circuits::quota::{BurnProof, KeyChange, QuotaPublicKey};
use tacit_circuits::receipt::SubjectCommitment;
use tacit_circuits::scope::{ListId, TagEpoch};

use crate::kernel::codec::{self, BoundedVec, CodecError};
use crate::kernel::envelope::{Envelope, Unsigned};
use crate::kernel::party::Name;
use crate::kernel::{BusinessDate, Bytes, ChainId, Digest, MemberId, ModuleId};
use crate::network::parameters::CategoryId;
use crate::network::quota::{CHARGE_TRANSFER_BYTES, ESCROW_TRANSFER_BYTES};
use crate::network::receipts::{Purpose, ReceiptSet};
use crate::network::record::{
    Address, AlarmReason, Attempt, BeaconValue, Change, DisclosureId, DisclosureReason,
    DisclosureScope, DisputeAnswer, DisputeId, DisputeReason, MAX_ACCEPTED_TYPES, PolicyTerms,
    ProposalId, PublicationId, Root, Ruling, SessionId, SpkiHash, ViewId, ViewScope,
};
use crate::network::request::CallBatch;
use crate::network::samples::{SampleCalls, SampleProofs};

/// Sessions that one transaction opens. Each brings a proof of 1.2 kB, which every validator checks in less
/// than 2 ms.
pub const MAX_OPENINGS: usize = 16;

/// An action of the risk network. In brackets, who may send it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Action {
    /// Changes where the sender is reached (any party).
    RegisterProfile {
        /// Where its front end serves other members.
        front_end_address: Address,
        /// Where its node takes part in consensus.
        p2p_address: Address,
    },
    /// Changes the key of the sender's front end (any party).
    RotateCertificate {
        /// Hash of the new certificate's key.
        tls_spki_hash: SpkiHash,
    },
    /// Proposes a change and votes for it (a member).
    Propose(Box<Change>),
    /// Votes once on a proposal (a member).
    Vote {
        /// Proposal.
        proposal: ProposalId,
        /// Whether for it.
        approve: bool,
    },
    /// Creates a list (a member, who becomes its owner).
    CreateList {
        /// Category.
        category: CategoryId,
        /// Name, shown to people.
        name: Name,
        /// Identifier types that it will hold, ascending.
        accepts: BoundedVec<IdentifierType, MAX_ACCEPTED_TYPES>,
    },
    /// Registers the key of the list's next tag epoch (its owner).
    RegisterTagEpoch {
        /// List.
        list: ListId,
        /// The number after the last registered one.
        tag_epoch: TagEpoch,
        /// `K = k·G`, never registered before, nor its negative.
        key: WirePoint,
        /// Proof of knowledge of `k`, bound to chain, owner, list and epoch.
        proof: KeyProof,
    },
    /// Publishes a version (the list's owner).
    Publish {
        /// Its name; the version follows the last published one of the epoch.
        publication: PublicationId,
        /// Root of its linked-leaf tree.
        root: Root,
        /// Its size.
        size_class: SizeClass,
        /// Root of its evidence.
        evidence_root: Root,
    },
    /// Says that the sender rebuilt a publication (a member outside the owner's group).
    Attest {
        /// Publication.
        publication: PublicationId,
        /// Hash of attester, publication and snapshot bytes.
        digest: [u8; 32],
    },
    /// Complains about a publication (a member other than its owner).
    RaiseAlarm {
        /// Publication.
        publication: PublicationId,
        /// Why.
        reason: AlarmReason,
    },
    /// Proves that a publication's tree is no list (any party).
    FraudProof {
        /// Publication.
        publication: PublicationId,
        /// The root to which the leaves lead.
        root: Root,
        /// The leaves.
        fraud: ListFraud,
    },
    /// Withdraws a list for good (its owner).
    WithdrawList {
        /// List.
        list: ListId,
    },
    /// Ends a tag epoch at once (the list's owner).
    RevokeKey {
        /// List.
        list: ListId,
        /// Epoch.
        tag_epoch: TagEpoch,
    },
    /// Opens sessions and puts their escrow aside (a member).
    OpenSessions {
        /// The sessions.
        openings: BoundedVec<Opening, MAX_OPENINGS>,
    },
    /// Settles a request (its querier or its provider).
    CallBatch(Box<CallBatch>),
    /// Ends a session: at once when the provider asks, after the settlement window when the querier
    /// does.
    CloseSession {
        /// Session.
        session: SessionId,
    },
    /// Makes the next version of one of the sender's policies, or a policy (a member).
    PutPolicy {
        /// Name, unique among the sender's policies.
        name: Name,
        /// What it asks for.
        terms: PolicyTerms,
    },
    /// Shows that a subject was clear on lists that the sender asked (a member).
    SubmitReceipts(Box<ReceiptSet>),
    /// Commits to a value of the beacon (a validator).
    BeaconCommit {
        /// The open attempt.
        attempt: Attempt,
        /// [`Attempt::commitment`] to the value.
        commitment: Digest,
    },
    /// Reveals it (whoever committed to it).
    BeaconReveal {
        /// The open attempt.
        attempt: Attempt,
        /// The value.
        value: BeaconValue,
    },
    /// Logs calls about the drawn entries of a version (its owner).
    LogSamples(Box<SampleCalls>),
    /// Proves that the drawn entries of a version come from its key (its owner).
    ProveSamples(Box<SampleProofs>),
    /// Disputes an entry that was a hit, and puts the stake aside (a member outside the owner's group).
    OpenDispute {
        /// The version whose answer was a hit.
        publication: PublicationId,
        /// Hides the subject.
        commitment: SubjectCommitment,
        /// Type of the subject's identifier.
        kind: IdentifierType,
        /// Digest of the package with the receipt of the hit and the opening of the commitment.
        package: Digest,
        /// What is wrong.
        reason: DisputeReason,
    },
    /// Answers a dispute (the owner of the list).
    AnswerDispute {
        /// Dispute.
        dispute: DisputeId,
        /// What it says.
        answer: DisputeAnswer,
    },
    /// Rules on a dispute, once (a member of its panel).
    RuleDispute {
        /// Dispute.
        dispute: DisputeId,
        /// What it finds.
        ruling: Ruling,
    },
    /// Collects what a session owes (its provider), and may end it.
    CollectCharges {
        /// Session.
        session: SessionId,
        /// What its requests charge above one call's price each, for its parties and the supervisor, with
        /// the proof that the escrow covers it.
        charge: Bytes<CHARGE_TRANSFER_BYTES>,
        /// Whether the provider gives up whatever is not settled, so that the session ends.
        closes: bool,
    },
    /// Makes available what waits in the sender's account (a member).
    RollOver,
    /// Puts quota from the sender's account into its deposit (a member).
    Deposit {
        /// How much, in minor units.
        amount_minor: u64,
        /// Shows that it is available.
        proof: Bytes<{ BurnProof::BYTES }>,
    },
    /// Takes quota out of the sender's deposit, as far as it exceeds the governed one (a member).
    Withdraw {
        /// How much, in minor units.
        amount_minor: u64,
    },
    /// Lets a supervisor look at something of the sender's between two dates (a member).
    GrantView {
        /// Who may look.
        supervisor: MemberId,
        /// At what.
        scope: ViewScope,
        /// First date.
        from: BusinessDate,
        /// Last date, today or later.
        until: BusinessDate,
    },
    /// Takes a view back (who granted it).
    RevokeView {
        /// View.
        view: ViewId,
    },
    /// Records that the sender looks (the supervisor to whom the view was granted).
    RecordViewUse {
        /// View.
        view: ViewId,
        /// What for.
        purpose: Purpose,
        /// Digest of what it asks the member's node.
        query: Digest,
    },
    /// Demands that a member opens calls to the sender (an observer).
    RequestDisclosure {
        /// Who has to open them.
        member: MemberId,
        /// Which.
        scope: DisclosureScope,
        /// Why.
        reason: DisclosureReason,
        /// Business days that the member has, after the present one.
        days: u16,
    },
    /// Answers a demand for disclosure, or opens drawn calls (the member that has to).
    AnswerDisclosure {
        /// Demand.
        disclosure: DisclosureId,
        /// Digest of the bundle that the sender sends.
        bundle: Digest,
    },
    /// Steps down from the panel of a dispute before ruling (a member of it).
    RecusePanel {
        /// Dispute.
        dispute: DisputeId,
    },
    /// Puts another key in the place of the one to which the sender's amounts are sealed. Not while a session of its
    /// own or with a list of its is open: an escrow stays sealed to the keys that it was opened under.
    ChangeQuotaKey {
        /// The key from now on.
        key: QuotaPublicKey,
        /// The account's handles under that key, with the proof that they are of the same blindings:
        /// [`KeyChange::BYTES`].
        change: Bytes<{ KeyChange::BYTES }>,
    },
}

/// A session to open, with what it may cost.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Opening {
    /// What is opened.
    pub terms: SessionTerms,
    /// The escrow, for querier, provider and supervisor, with the proof that it is available.
    pub escrow: Bytes<ESCROW_TRANSFER_BYTES>,
}

/// What a session is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SessionTerms {
    /// List.
    pub list: ListId,
    /// Its present tag epoch.
    pub tag_epoch: TagEpoch,
    /// The querier's own number for the session.
    pub lane: u16,
    /// Most calls.
    pub cap_calls: u32,
    /// Last height at which requests are answered.
    pub deadline_height: u64,
}

impl Action {
    /// Reads the canonical bytes of an envelope's action.
    pub fn read(bytes: &[u8]) -> Result<Self, CodecError> {
        codec::decode(bytes)
    }

    /// The action as a transaction to be signed.
    pub fn unsigned(
        &self,
        chain_id: ChainId,
        sender: MemberId,
        sequence: u64,
        expiry_height: u64,
    ) -> Unsigned {
        // The bounds of the fields keep every action below the envelope's bound, as a test shows.
        let action = Bytes::try_from(codec::encode(self)).expect("actions fit an envelope");
        Unsigned {
            chain_id,
            sender,
            sequence,
            expiry_height,
            module: ModuleId::NETWORK,
            action,
        }
    }

    /// Its name, for people: lower case with hyphens.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::RegisterProfile { .. } => "register-profile",
            Self::RotateCertificate { .. } => "rotate-certificate",
            Self::Propose(_) => "propose",
            Self::Vote { .. } => "vote",
            Self::CreateList { .. } => "create-list",
            Self::RegisterTagEpoch { .. } => "register-tag-epoch",
            Self::Publish { .. } => "publish",
            Self::Attest { .. } => "attest",
            Self::RaiseAlarm { .. } => "raise-alarm",
            Self::FraudProof { .. } => "fraud-proof",
            Self::WithdrawList { .. } => "withdraw-list",
            Self::RevokeKey { .. } => "revoke-key",
            Self::OpenSessions { .. } => "open-sessions",
            Self::CallBatch(_) => "call-batch",
            Self::CloseSession { .. } => "close-session",
            Self::PutPolicy { .. } => "put-policy",
            Self::SubmitReceipts(_) => "submit-receipts",
            Self::BeaconCommit { .. } => "beacon-commit",
            Self::BeaconReveal { .. } => "beacon-reveal",
            Self::LogSamples(_) => "log-samples",
            Self::ProveSamples(_) => "prove-samples",
            Self::OpenDispute { .. } => "open-dispute",
            Self::AnswerDispute { .. } => "answer-dispute",
            Self::RuleDispute { .. } => "rule-dispute",
            Self::CollectCharges { .. } => "collect-charges",
            Self::RollOver => "roll-over",
            Self::Deposit { .. } => "deposit",
            Self::Withdraw { .. } => "withdraw",
            Self::GrantView { .. } => "grant-view",
            Self::RevokeView { .. } => "revoke-view",
            Self::RecordViewUse { .. } => "record-view-use",
            Self::RequestDisclosure { .. } => "request-disclosure",
            Self::AnswerDisclosure { .. } => "answer-disclosure",
            Self::RecusePanel { .. } => "recuse-panel",
            Self::ChangeQuotaKey { .. } => "change-quota-key",
        }
    }

    /// The action of an envelope, if it is one of the risk network's.
    pub fn of(envelope: &Envelope) -> Option<Result<Self, CodecError>> {
        (envelope.module == ModuleId::NETWORK).then(|| Self::read(&envelope.action))
    }
}
