//! What happened in the risk network.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Serialize;
use serde::Serializer;
use tacit_circuits::quota::{Ciphertext, QuotaPublicKey};
use tacit_circuits::scope::{ListId, MemberId, TagEpoch};

use crate::kernel::codec::{self, BoundedVec, CodecError};
use crate::kernel::hash::Digest;
use crate::kernel::party::{Name, Role};
use crate::kernel::{BusinessDate, ModuleId};
use crate::network::parameters::CategoryId;
use crate::network::receipts::{ObjectId, Purpose};
use crate::network::record::{
    AlarmReason, Attempt, DisclosureId, DisclosureReason, DisputeId, DisputeOutcome, DisputeReason,
    DrawnCalls, MAX_PANEL, MAX_RECEIPTS_PER_SET, Pausable, PolicyId, PolicyVersion, ProposalId,
    ProposalStatus, PublicationId, RatingReason, Root, RoundId, Ruling, ScreeningId, SessionId,
    SpkiHash, ViewId, ViewScope,
};

/// An event of the risk network.
///
/// People read it as an object whose `kind` is the event's name in lower case with hyphens, such as
/// `calls-logged`; byte strings are hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Event {
    /// A party joined.
    PartyJoined {
        /// Its number.
        member: MemberId,
        /// Its name.
        name: Name,
        /// What it may do.
        role: Role,
    },
    /// A party left.
    PartyLeft {
        /// Its number.
        member: MemberId,
    },
    /// A party's addresses changed.
    ProfileChanged {
        /// Party.
        member: MemberId,
    },
    /// A party's certificate key changed.
    CertificateRotated {
        /// Party.
        member: MemberId,
        /// Hash of the new key.
        tls_spki_hash: SpkiHash,
    },
    /// A member begins or ceases to validate.
    ValidatorChanged {
        /// Member.
        member: MemberId,
        /// Whether it validates from now on.
        validates: bool,
    },
    /// Something was proposed.
    Proposed {
        /// Proposal.
        proposal: ProposalId,
        /// Who proposed it.
        proposer: MemberId,
    },
    /// A member voted.
    Voted {
        /// Proposal.
        proposal: ProposalId,
        /// Who voted.
        member: MemberId,
        /// Whether for it.
        approve: bool,
    },
    /// A proposal was decided or expired.
    ProposalClosed {
        /// Proposal.
        proposal: ProposalId,
        /// How it stands.
        status: ProposalStatus,
    },
    /// A category came to be or changed.
    CategoryChanged {
        /// Category.
        category: CategoryId,
    },
    /// Parameters of the network changed.
    ParametersChanged,
    /// A list came to be.
    ListCreated {
        /// List.
        list: ListId,
        /// Owner.
        owner: MemberId,
        /// Category.
        category: CategoryId,
    },
    /// A key was registered.
    EpochRegistered {
        /// List.
        list: ListId,
        /// Epoch.
        tag_epoch: TagEpoch,
    },
    /// A version was published: members fetch it, rebuild it and attest it.
    Published {
        /// Publication.
        publication: PublicationId,
        /// Owner of the list.
        owner: MemberId,
        /// Root.
        root: Root,
    },
    /// A member attested a publication.
    Attested {
        /// Publication.
        publication: PublicationId,
        /// Who attested it.
        attester: MemberId,
    },
    /// A publication became active.
    Activated {
        /// Publication.
        publication: PublicationId,
        /// The one whose place it took.
        superseded: Option<PublicationId>,
    },
    /// A member complained about a publication.
    AlarmRaised {
        /// Number of the alarm.
        number: u64,
        /// Publication.
        publication: PublicationId,
        /// Owner of the list: whose snapshot it is.
        owner: MemberId,
        /// Who complains.
        raised_by: MemberId,
        /// Why.
        reason: AlarmReason,
    },
    /// A publication was proven fraudulent.
    FraudProven {
        /// Publication.
        publication: PublicationId,
        /// Owner of the list.
        owner: MemberId,
        /// Who proved it.
        proven_by: MemberId,
        /// What owner and attesters paid together, in minor units.
        burnt_minor: u64,
    },
    /// A list was withdrawn.
    ListWithdrawn {
        /// List.
        list: ListId,
    },
    /// A key was revoked.
    KeyRevoked {
        /// List.
        list: ListId,
        /// Epoch.
        tag_epoch: TagEpoch,
    },
    /// A session was opened.
    SessionOpened {
        /// Session.
        session: SessionId,
        /// Who asks.
        querier: MemberId,
        /// Who answers.
        provider: MemberId,
        /// List.
        list: ListId,
        /// Tag epoch.
        tag_epoch: TagEpoch,
        /// Lane.
        lane: u16,
        /// Price of a call, in minor units.
        price_minor: u32,
        /// Escrow, for querier, provider and supervisor.
        #[serde(serialize_with = "hexadecimal")]
        escrow: Ciphertext<3>,
        /// Most calls.
        cap_calls: u32,
        /// Last height at which requests are answered.
        deadline_height: u64,
    },
    /// Calls entered the log, and what they charge is owed.
    CallsLogged {
        /// Session.
        session: SessionId,
        /// Number of the request in its session.
        sequence: u64,
        /// Who asked.
        querier: MemberId,
        /// Who answered.
        provider: MemberId,
        /// List.
        list: ListId,
        /// Tag epoch.
        tag_epoch: TagEpoch,
        /// Index in the log of the first call's leaf; the others follow in the order of the request.
        first_leaf: u64,
        /// Number of calls, padding included.
        calls: u32,
        /// Business date on which they count.
        business_date: BusinessDate,
    },
    /// A session's deadline was brought forward: it answers no more requests and still settles.
    SessionClosing {
        /// Session.
        session: SessionId,
        /// Last height at which batches settle.
        settles_until_height: u64,
    },
    /// A session ended and its escrow returned.
    SessionClosed {
        /// Session.
        session: SessionId,
        /// Who asked.
        querier: MemberId,
        /// Who answered.
        provider: MemberId,
        /// List.
        list: ListId,
        /// What returned to the querier, for querier, provider and supervisor.
        #[serde(serialize_with = "hexadecimal")]
        returned: Ciphertext<3>,
    },
    /// Quota was granted.
    Granted {
        /// To whom.
        member: MemberId,
        /// How much, in minor units.
        amount_minor: u64,
        /// How much of it stands in the member's deposit, in minor units. The rest waits in its account.
        deposited_minor: u64,
    },
    /// The log grew in this block.
    LogAdvanced {
        /// Its root after the block.
        root: Root,
        /// Its leaves after the block.
        length: u64,
    },
    /// Quota was taken for a fraud that was proven in the same transaction.
    Penalised {
        /// Who paid: the list's owner or an attester.
        member: MemberId,
        /// How much, in minor units.
        amount_minor: u64,
    },
    /// Receipts are verified under another key from now on.
    ReceiptKeySet {
        /// Digest of the transcript of the ceremony that made it.
        transcript: Digest,
    },
    /// A policy came to be or has another version.
    PolicyPut {
        /// Policy.
        policy: PolicyId,
        /// Version.
        version: PolicyVersion,
        /// Who made it.
        owner: MemberId,
    },
    /// A set of receipts was accepted: a subject was clear on the lists that it names.
    ReceiptsAccepted {
        /// The accepted set.
        screening: ScreeningId,
        /// Who asked the lists.
        submitter: MemberId,
        /// Who relies on the set.
        verifier: MemberId,
        /// The business ledger for which it was made.
        module: ModuleId,
        /// The object there.
        object: ObjectId,
        /// Policy that it satisfies.
        policy: PolicyId,
        /// The policy's version.
        policy_version: PolicyVersion,
        /// What for.
        purpose: Purpose,
        /// The publications on which the subject was clear.
        lists: BoundedVec<PublicationId, MAX_RECEIPTS_PER_SET>,
        /// First height at which it can no longer be relied on.
        expiry_height: u64,
    },
    /// A business ledger relied on an accepted set, in the same transaction.
    ScreeningConsumed {
        /// The accepted set.
        screening: ScreeningId,
        /// The business ledger.
        module: ModuleId,
        /// The object there.
        object: ObjectId,
    },
    /// The validators are to commit to values of the beacon.
    BeaconOpened {
        /// Round and attempt; an attempt above 0 follows one that gave too few values.
        attempt: Attempt,
    },
    /// The beacon gave an output.
    BeaconDrawn {
        /// Round.
        round: RoundId,
        /// Output.
        output: Digest,
    },
    /// A validator committed to a value of the beacon and kept it to itself.
    BeaconWithheld {
        /// Round and attempt.
        attempt: Attempt,
        /// Who.
        member: MemberId,
        /// What it paid, in minor units.
        burnt_minor: u64,
    },
    /// A list's owner logged calls about the drawn entries of a version.
    SamplesLogged {
        /// Publication.
        publication: PublicationId,
        /// Index in the log of the first call's leaf; the others follow in the order of drawing.
        first_leaf: u64,
        /// How many.
        entries: u8,
    },
    /// A list's owner proved that the drawn entries of a version come from its key.
    SamplesProven {
        /// Publication.
        publication: PublicationId,
    },
    /// A version's owner did not prove the drawn entries in time: the version is off.
    Unproven {
        /// Publication.
        publication: PublicationId,
        /// Owner of the list.
        owner: MemberId,
    },
    /// A proposal was carried, and waits for its time-lock.
    ProposalAccepted {
        /// Proposal.
        proposal: ProposalId,
        /// First height at which it is in effect.
        effective_height: u64,
    },
    /// A list or a member was stopped, or goes on.
    PauseChanged {
        /// Which.
        of: Pausable,
        /// Whether it is stopped from now on.
        paused: bool,
    },
    /// A member disputes an entry.
    DisputeOpened {
        /// Dispute.
        dispute: DisputeId,
        /// The version whose answer was a hit.
        publication: PublicationId,
        /// Owner of the list.
        owner: MemberId,
        /// Who disputes it.
        challenger: MemberId,
        /// What is said to be wrong.
        reason: DisputeReason,
        /// What the challenger put aside, in minor units.
        stake_minor: u64,
    },
    /// The beacon is to draw a panel.
    PanelRequested {
        /// Dispute.
        dispute: DisputeId,
        /// The round whose output draws it.
        round: RoundId,
    },
    /// A panel was drawn. Its members are to be sent what the parties have to show.
    PanelDrawn {
        /// Dispute.
        dispute: DisputeId,
        /// Its members, in the order of drawing.
        panel: BoundedVec<MemberId, MAX_PANEL>,
        /// Last date for what comes next: the owner's answer, or a fresh panel's rulings.
        until: BusinessDate,
    },
    /// An owner answered a dispute with evidence.
    EvidenceGiven {
        /// Dispute.
        dispute: DisputeId,
        /// Digest of the evidence.
        package: Digest,
        /// Last date for the panel's rulings.
        until: BusinessDate,
    },
    /// A member of a panel ruled.
    Ruled {
        /// Dispute.
        dispute: DisputeId,
        /// Who.
        member: MemberId,
        /// What it found.
        ruling: Ruling,
    },
    /// A member of a panel did not rule in time.
    RulingMissed {
        /// Dispute.
        dispute: DisputeId,
        /// Who.
        member: MemberId,
        /// What it paid, in minor units.
        burnt_minor: u64,
    },
    /// It is known how a dispute came out. The stake returned to the challenger unless the dispute was
    /// dismissed.
    DisputeDecided {
        /// Dispute.
        dispute: DisputeId,
        /// Owner of the list.
        owner: MemberId,
        /// Who disputed it.
        challenger: MemberId,
        /// What the challenger had put aside, in minor units.
        stake_minor: u64,
        /// How it came out.
        outcome: DisputeOutcome,
        /// What the loser paid the other party, in minor units: the owner of its free deposit, the
        /// challenger of its stake. It waits in the other's account.
        paid_minor: u64,
        /// What the loser paid beside that, in minor units. It is burnt.
        burnt_minor: u64,
        /// Last date for a later version, where the owner has to publish one.
        correct_until: Option<BusinessDate>,
    },
    /// Nothing more is to be done about a dispute.
    DisputeClosed {
        /// Dispute.
        dispute: DisputeId,
    },
    /// No later version of a list was published in time after a dispute: the version is off.
    Suspended {
        /// Publication.
        publication: PublicationId,
        /// Owner of the list.
        owner: MemberId,
        /// The dispute.
        dispute: DisputeId,
    },
    /// A member's rating fell.
    RatingLowered {
        /// Who.
        member: MemberId,
        /// Why.
        reason: RatingReason,
        /// Points that it cost.
        points: u8,
        /// The rating from now on.
        rating: u8,
    },
    /// A provider collected what a session owed.
    ChargesCollected {
        /// Session.
        session: SessionId,
        /// Who asked and pays.
        querier: MemberId,
        /// Who answered and is paid.
        provider: MemberId,
        /// Requests that were paid.
        requests: u32,
        /// One call's price for each of them, in minor units.
        public_minor: u64,
        /// What they charged above that, for querier, provider and supervisor.
        #[serde(serialize_with = "hexadecimal")]
        charge: Ciphertext<3>,
        /// What was minted to the provider, in minor units.
        reward_minor: u64,
    },
    /// What waited in a member's account is available.
    RolledOver {
        /// Member.
        member: MemberId,
        /// Public amounts among it, in minor units.
        granted_minor: u64,
    },
    /// A member put quota from its account into its deposit.
    Deposited {
        /// Member.
        member: MemberId,
        /// How much, in minor units.
        amount_minor: u64,
    },
    /// A member took quota out of its deposit: it waits in its account.
    Withdrawn {
        /// Member.
        member: MemberId,
        /// How much, in minor units.
        amount_minor: u64,
    },
    /// A member lets a supervisor look at something.
    ViewGranted {
        /// View.
        view: ViewId,
        /// Whose data it shows.
        member: MemberId,
        /// Who may look.
        supervisor: MemberId,
        /// At what.
        scope: ViewScope,
        /// First date.
        from: BusinessDate,
        /// Last date.
        until: BusinessDate,
    },
    /// A member took a view back.
    ViewRevoked {
        /// View.
        view: ViewId,
    },
    /// A supervisor looks.
    ViewUsed {
        /// View.
        view: ViewId,
        /// Number of the use, from 1.
        number: u64,
        /// Whose data it shows.
        member: MemberId,
        /// Who looks.
        supervisor: MemberId,
        /// What for.
        purpose: Purpose,
        /// Digest of what it asks.
        query: Digest,
    },
    /// A supervisor demands that a member opens calls; which, the demand's record says.
    DisclosureRequested {
        /// Demand.
        disclosure: DisclosureId,
        /// Who has to open them.
        member: MemberId,
        /// Who demands it.
        supervisor: MemberId,
        /// Why.
        reason: DisclosureReason,
        /// Last date for the answer.
        until: BusinessDate,
    },
    /// The beacon is to draw calls of a date that is over.
    CallDrawRequested {
        /// The date.
        date: BusinessDate,
        /// The round whose output draws.
        round: RoundId,
        /// One in so many is drawn.
        rate: u32,
        /// Calls of all members on that date.
        calls: u32,
    },
    /// Calls of a member were drawn: it has to open them to the supervisors.
    CallsDrawn {
        /// Demand.
        disclosure: DisclosureId,
        /// Who made them.
        member: MemberId,
        /// The date on which they were logged.
        date: BusinessDate,
        /// Their numbers among the member's calls of that date in the order of the log, from 1, ascending.
        calls: DrawnCalls,
        /// Last date for the answer.
        until: BusinessDate,
    },
    /// A member answered a demand, or opened drawn calls.
    DisclosureAnswered {
        /// Demand.
        disclosure: DisclosureId,
        /// Who.
        member: MemberId,
        /// Digest of the bundle that it sends.
        bundle: Digest,
    },
    /// A member did not answer in time.
    DisclosureMissed {
        /// Demand.
        disclosure: DisclosureId,
        /// Who.
        member: MemberId,
        /// What it paid, in minor units.
        burnt_minor: u64,
    },
    /// Another version of the rules was voted.
    CodeVersionSet {
        /// Version.
        version: u32,
        /// First height that it executes.
        from_height: u64,
    },
    /// A member of a panel stepped down, and another one took its place.
    PanelRecused {
        /// Dispute.
        dispute: DisputeId,
        /// Who stepped down.
        member: MemberId,
        /// Who sits there now.
        substitute: MemberId,
        /// Last date for the next step.
        until: BusinessDate,
    },
    /// A member's amounts are sealed to another key from now on.
    QuotaKeyChanged {
        /// Member.
        member: MemberId,
        /// The key so far.
        #[serde(serialize_with = "key_hexadecimal")]
        former: QuotaPublicKey,
        /// The key from now on.
        #[serde(serialize_with = "key_hexadecimal")]
        key: QuotaPublicKey,
    },
}

fn hexadecimal<S: Serializer>(
    ciphertext: &Ciphertext<3>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&hex::encode(ciphertext.to_vec()))
}

fn key_hexadecimal<S: Serializer>(key: &QuotaPublicKey, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&hex::encode(key.to_bytes()))
}

impl Event {
    /// A kernel event as one of the risk network's, if it is one.
    pub fn read(event: &crate::kernel::Event) -> Option<Result<Self, CodecError>> {
        (event.module == ModuleId::NETWORK).then(|| codec::decode(&event.body))
    }
}
