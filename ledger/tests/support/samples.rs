//! One value of each wire type, for what is said about all of them. Every byte is fixed: no value
//! depends on a draw, on a time or on a library's choice of bytes.

use tacit_circuits::curve::WirePoint;
use tacit_circuits::identifier::IdentifierType;
use tacit_circuits::list::SizeClass;
use tacit_circuits::quota::{BurnProof, Ciphertext, KeyChange, QuotaKeyProof};
use tacit_circuits::receipt::{KeyId, Proof, SubjectCommitment};
use tacit_circuits::scope::{ListId, TagEpoch};
use tacit_ledger::kernel::{
    BusinessDate, Bytes, ChainId, Digest, LedgerKey, MemberId, ModuleId, Role, Signature, codec,
};
use tacit_ledger::network::action::Opening;
use tacit_ledger::network::parameters::CategoryId;
use tacit_ledger::network::quota::{CHARGE_TRANSFER_BYTES, ESCROW_TRANSFER_BYTES};
use tacit_ledger::network::receipts::{ObjectId, Purpose, Receipt};
use tacit_ledger::network::{
    Action, AlarmReason, Attempt, CallBatch, CallName, Candidate, Change, ConsensusKey,
    DisclosureId, DisclosureReason, DisclosureScope, DisputeAnswer, DisputeId, DisputeOutcome,
    DisputeReason, Event, Pausable, PolicyId, PolicyTerms, PolicyVersion, Profile, ProposalId,
    ProposalStatus, PublicationId, RatingReason, ReceiptContext, ReceiptSet, Request, Root,
    RoundId, Ruling, SampleCalls, SampleProof, SampleProofs, ScreeningId, SessionId, SignedRequest,
    SpkiHash, ViewId, ViewScope, request::Call,
};

use super::{
    bounded, category, fraud_proof, opening, parameters, profile, quota_key, text, version,
};

const MEMBER: MemberId = MemberId(0x0102_0304);
const LIST: ListId = ListId(0x0506_0708);
const EPOCH: TagEpoch = TagEpoch(0x090a_0b0c);
const SESSION: SessionId = SessionId(0x1112_1314_1516_1718);
const PROPOSAL: ProposalId = ProposalId(0x2122_2324_2526_2728);
const POLICY: PolicyId = PolicyId(0x3132_3334_3536_3738);
const DISPUTE: DisputeId = DisputeId(0x5152_5354_5556_5758);

const VIEW: ViewId = ViewId(0x6162_6364_6566_6768);
const DISCLOSURE: DisclosureId = DisclosureId(0x7172_7374_7576_7778);

fn call_name() -> CallName {
    CallName {
        session: SESSION,
        sequence: 0x3132_3334_3536_3738,
        index: 0x0102_0304,
    }
}

fn publication() -> PublicationId {
    version(LIST, EPOCH, 0x0d0e_0f10)
}

fn root() -> Root {
    let mut bytes = [0x31; 32];
    bytes[31] = 0;
    Root(bytes)
}

/// A proof of two scalars, both small enough to be canonical.
fn proof<T: borsh::BorshDeserialize>() -> T {
    let mut bytes = [0x41; 64];
    (bytes[31], bytes[63]) = (0, 0);
    codec::decode(&bytes).expect("two canonical scalars")
}

/// A proof of an element and a small scalar.
fn key_proof() -> QuotaKeyProof {
    let mut bytes = [0x42; 64];
    bytes[..32].copy_from_slice(&quota_key(MemberId(9)).public().to_bytes());
    bytes[63] = 0;
    QuotaKeyProof::from_bytes(&bytes).expect("canonical")
}

/// An amount for three parties, under a blinding that two of them agreed upon.
fn sealed(amount_minor: u32) -> Ciphertext<3> {
    let parties = [MEMBER, MemberId(7), MemberId(8)].map(|member| quota_key(member).public());
    let secret = quota_key(MEMBER).agree(&parties[1]);
    secret.opening(&[0x99; 32], amount_minor).seal(&parties)
}

/// An opening whose escrow is bytes of the right length.
pub(crate) fn sample_opening() -> Opening {
    Opening {
        terms: opening(0x6162_6364_6566_6768).terms(),
        escrow: Bytes::try_from(vec![0x9a; ESCROW_TRANSFER_BYTES]).expect("it fits"),
    }
}

pub(crate) fn sample_candidate() -> Candidate {
    Candidate {
        name: text("示例银行"),
        group: text("Example Group"),
        role: Role::Member,
        ledger_key: LedgerKey([0x51; 32]),
        quota_key: quota_key(MEMBER).public(),
        quota_key_proof: key_proof(),
        profile: Profile {
            consensus_key: ConsensusKey([0x52; 32]),
            tls_spki_hash: SpkiHash([0x53; 32]),
            front_end_address: text("front.example:443"),
            p2p_address: text("node.example:9000"),
        },
    }
}

pub(crate) fn sample_request() -> Request {
    let call = |byte| Call {
        blinded: WirePoint([byte; 64]),
        audit: Digest([byte + 1; 32]),
    };
    Request {
        chain_id: ChainId([0x61; 32]),
        session: SESSION,
        sequence: 0x3132_3334_3536_3738,
        querier: MEMBER,
        provider: MemberId(7),
        list: LIST,
        tag_epoch: EPOCH,
        key: WirePoint([0x62; 64]),
        price_minor: 0x4142_4344,
        charge: quota_key(MEMBER)
            .agree(&quota_key(MemberId(7)).public())
            .opening(&[0x64; 32], 0x5152_5354)
            .commitment(),
        calls: bounded(vec![call(0x63), call(0x65)]),
    }
}

pub(crate) fn sample_batch() -> CallBatch {
    CallBatch {
        signed: SignedRequest {
            request: sample_request(),
            querier_key: LedgerKey([0x71; 32]),
            signature: Signature([0x72; 64]),
        },
        evaluated: bounded(vec![WirePoint([0x73; 64]), WirePoint([0x74; 64])]),
        proof: proof(),
    }
}

/// A commitment that is canonical.
fn commitment(byte: u8) -> SubjectCommitment {
    let mut bytes = [byte; 32];
    bytes[31] = 0;
    SubjectCommitment::from_bytes(&bytes).expect("canonical")
}

pub(crate) fn sample_set() -> ReceiptSet {
    ReceiptSet {
        commitment: commitment(0x86),
        kind: IdentifierType::CreditCode,
        context: ReceiptContext {
            module: ModuleId(2),
            object: ObjectId([0x87; 32]),
            verifier: MemberId(8),
            policy: POLICY,
            policy_version: PolicyVersion(0x0809_0a0b),
            purpose: Purpose::new("credit-origination").expect("a code"),
            expiry_height: 0x8182_8384_8586_8788,
            key: KeyId([0x88; 32]),
        },
        receipts: bounded(vec![Receipt {
            publication: publication(),
            log_root: root(),
            proof: Proof([0x89; 192]),
        }]),
    }
}

pub(crate) fn sample_attempt() -> Attempt {
    Attempt {
        round: RoundId(0x4142_4344_4546_4748),
        number: 0x494a_4b4c,
    }
}

pub(crate) fn sample_sample_calls() -> SampleCalls {
    SampleCalls {
        publication: publication(),
        key: WirePoint([0x8a; 64]),
        blinded: bounded(vec![WirePoint([0x8b; 64]), WirePoint([0x8c; 64])]),
        evaluated: bounded(vec![WirePoint([0x8d; 64]), WirePoint([0x8e; 64])]),
        proof: proof(),
    }
}

pub(crate) fn sample_sample_proofs() -> SampleProofs {
    SampleProofs {
        publication: publication(),
        key: KeyId([0x90; 32]),
        log_root: root(),
        proofs: bounded(vec![SampleProof {
            commitment: commitment(0x8f),
            proof: Proof([0x91; 192]),
        }]),
    }
}

pub(crate) fn changes() -> Vec<(&'static str, Change)> {
    vec![
        ("admit", Change::Admit(sample_candidate())),
        ("remove", Change::Remove { member: MEMBER }),
        ("add-validator", Change::AddValidator { member: MEMBER }),
        (
            "remove-validator",
            Change::RemoveValidator { member: MEMBER },
        ),
        ("add-category", Change::AddCategory(category(3))),
        ("change-category", Change::ChangeCategory(category(3))),
        ("set-parameters", Change::SetParameters(parameters())),
        ("set-utc-offset", Change::SetUtcOffset { minutes: -90 }),
        (
            "set-receipt-key",
            Change::SetReceiptKey {
                verifying_key: Bytes::try_from(vec![0x84; 9]).expect("it fits"),
                transcript: Digest([0x85; 32]),
            },
        ),
        (
            "set-pause",
            Change::SetPause {
                of: Pausable::Member(MEMBER),
                paused: true,
            },
        ),
        (
            "set-code-version",
            Change::SetCodeVersion {
                version: 0x0102_0304,
                from_height: 0x8182_8384_8586_8788,
            },
        ),
    ]
}

/// One of each action.
pub(crate) fn actions() -> Vec<Action> {
    let publication = publication();
    let tag_epoch = EPOCH;
    vec![
        profile("front.example:443", "node.example:9000"),
        Action::RotateCertificate {
            tls_spki_hash: SpkiHash([0x81; 32]),
        },
        Action::Propose(Box::new(Change::Remove { member: MEMBER })),
        Action::Vote {
            proposal: PROPOSAL,
            approve: true,
        },
        Action::CreateList {
            category: CategoryId(0x0304),
            name: text("高风险账户"),
            accepts: bounded(IdentifierType::ALL.to_vec()),
        },
        Action::RegisterTagEpoch {
            list: LIST,
            tag_epoch,
            key: WirePoint([0x82; 64]),
            proof: proof(),
        },
        Action::Publish {
            publication,
            root: root(),
            size_class: SizeClass::new(3).expect("there is one"),
            evidence_root: root(),
        },
        Action::Attest {
            publication,
            digest: [0x83; 32],
        },
        Action::RaiseAlarm {
            publication,
            reason: AlarmReason::AttestationRefuted { attester: MEMBER },
        },
        fraud_proof(publication),
        Action::WithdrawList { list: LIST },
        Action::RevokeKey {
            list: LIST,
            tag_epoch,
        },
        Action::OpenSessions {
            openings: bounded(vec![sample_opening()]),
        },
        Action::CallBatch(Box::new(sample_batch())),
        Action::CloseSession { session: SESSION },
        Action::PutPolicy {
            name: text("放贷"),
            terms: PolicyTerms {
                categories: bounded(vec![CategoryId(1), CategoryId(0x0304)]),
                min_members: 3,
                kinds: bounded(vec![IdentifierType::Phone]),
                max_age_blocks: 0x8182_8384,
            },
        },
        Action::SubmitReceipts(Box::new(sample_set())),
        Action::BeaconCommit {
            attempt: sample_attempt(),
            commitment: Digest([0x92; 32]),
        },
        Action::BeaconReveal {
            attempt: sample_attempt(),
            value: [0x93; 32],
        },
        Action::LogSamples(Box::new(sample_sample_calls())),
        Action::ProveSamples(Box::new(sample_sample_proofs())),
        Action::OpenDispute {
            publication,
            commitment: commitment(0x95),
            kind: IdentifierType::Iban,
            package: Digest([0x96; 32]),
            reason: DisputeReason::Outdated,
        },
        Action::AnswerDispute {
            dispute: DISPUTE,
            answer: DisputeAnswer::Evidence {
                package: Digest([0x97; 32]),
            },
        },
        Action::RuleDispute {
            dispute: DISPUTE,
            ruling: Ruling::Dismissed,
        },
        Action::CollectCharges {
            session: SESSION,
            charge: Bytes::try_from(vec![0x9b; CHARGE_TRANSFER_BYTES]).expect("it fits"),
            closes: true,
        },
        Action::RollOver,
        Action::Deposit {
            amount_minor: 0x6162_6364_6566_6768,
            proof: Bytes::try_from(vec![0x9c; BurnProof::BYTES]).expect("it fits"),
        },
        Action::Withdraw {
            amount_minor: 0x7172_7374_7576_7778,
        },
        Action::GrantView {
            supervisor: MEMBER,
            scope: ViewScope::Cases(Digest([0x99; 32])),
            from: BusinessDate(19_675),
            until: BusinessDate(19_680),
        },
        Action::RevokeView { view: VIEW },
        Action::RecordViewUse {
            view: VIEW,
            purpose: Purpose::new("examination").expect("a code"),
            query: Digest([0x9a; 32]),
        },
        Action::RequestDisclosure {
            member: MEMBER,
            scope: DisclosureScope::Calls(bounded(vec![call_name()])),
            reason: DisclosureReason::LegalOrder,
            days: 0x0506,
        },
        Action::AnswerDisclosure {
            disclosure: DISCLOSURE,
            bundle: Digest([0x9b; 32]),
        },
        Action::RecusePanel { dispute: DISPUTE },
        Action::ChangeQuotaKey {
            key: quota_key(MemberId(9)).public(),
            change: Bytes::try_from(vec![0x9d; KeyChange::BYTES]).expect("it fits"),
        },
    ]
}

/// One of each event.
pub(crate) fn events() -> Vec<Event> {
    let (member, list, tag_epoch) = (MEMBER, LIST, EPOCH);
    let (proposal, session, category) = (PROPOSAL, SESSION, CategoryId(0x0304));
    let (publication, owner) = (publication(), MemberId(7));
    let (querier, provider) = (MEMBER, MemberId(7));
    vec![
        Event::PartyJoined {
            member,
            name: text("示例银行"),
            role: Role::Observer,
        },
        Event::PartyLeft { member },
        Event::ProfileChanged { member },
        Event::CertificateRotated {
            member,
            tls_spki_hash: SpkiHash([0x91; 32]),
        },
        Event::ValidatorChanged {
            member,
            validates: true,
        },
        Event::Proposed {
            proposal,
            proposer: member,
        },
        Event::Voted {
            proposal,
            member,
            approve: false,
        },
        Event::ProposalClosed {
            proposal,
            status: ProposalStatus::Defeated { height: 9 },
        },
        Event::CategoryChanged { category },
        Event::ParametersChanged,
        Event::ListCreated {
            list,
            owner,
            category,
        },
        Event::EpochRegistered { list, tag_epoch },
        Event::Published {
            publication,
            owner,
            root: root(),
        },
        Event::Attested {
            publication,
            attester: member,
        },
        Event::Activated {
            publication,
            superseded: Some(publication),
        },
        Event::AlarmRaised {
            number: 5,
            publication,
            owner,
            raised_by: member,
            reason: AlarmReason::RootMismatch,
        },
        Event::FraudProven {
            publication,
            owner,
            proven_by: member,
            burnt_minor: 77,
        },
        Event::ListWithdrawn { list },
        Event::KeyRevoked { list, tag_epoch },
        Event::SessionOpened {
            session,
            querier,
            provider,
            list,
            tag_epoch,
            lane: 0x0506,
            price_minor: 1,
            escrow: sealed(2),
            cap_calls: 3,
            deadline_height: 4,
        },
        Event::CallsLogged {
            session,
            sequence: 1,
            querier,
            provider,
            list,
            tag_epoch,
            first_leaf: 2,
            calls: 3,
            business_date: BusinessDate(19_675),
        },
        Event::SessionClosing {
            session,
            settles_until_height: 8,
        },
        Event::SessionClosed {
            session,
            querier,
            provider,
            list,
            returned: sealed(6),
        },
        Event::Granted {
            member,
            amount_minor: 7,
            deposited_minor: 6,
        },
        Event::LogAdvanced {
            root: root(),
            length: 8,
        },
        Event::Penalised {
            member,
            amount_minor: 9,
        },
        Event::ReceiptKeySet {
            transcript: Digest([0x92; 32]),
        },
        Event::PolicyPut {
            policy: POLICY,
            version: PolicyVersion(2),
            owner: member,
        },
        Event::ReceiptsAccepted {
            screening: ScreeningId(10),
            submitter: member,
            verifier: MemberId(8),
            module: ModuleId(2),
            object: ObjectId([0x93; 32]),
            policy: POLICY,
            policy_version: PolicyVersion(2),
            purpose: Purpose::new("credit-origination").expect("a code"),
            lists: bounded(vec![publication]),
            expiry_height: 11,
        },
        Event::ScreeningConsumed {
            screening: ScreeningId(10),
            module: ModuleId(2),
            object: ObjectId([0x93; 32]),
        },
        Event::BeaconOpened {
            attempt: sample_attempt(),
        },
        Event::BeaconDrawn {
            round: sample_attempt().round,
            output: Digest([0x94; 32]),
        },
        Event::BeaconWithheld {
            attempt: sample_attempt(),
            member,
            burnt_minor: 12,
        },
        Event::SamplesLogged {
            publication,
            first_leaf: 13,
            entries: 14,
        },
        Event::SamplesProven { publication },
        Event::Unproven { publication, owner },
        Event::ProposalAccepted {
            proposal,
            effective_height: 15,
        },
        Event::PauseChanged {
            of: Pausable::List(list),
            paused: true,
        },
        Event::DisputeOpened {
            dispute: DISPUTE,
            publication,
            owner,
            challenger: member,
            reason: DisputeReason::NeverOwed,
            stake_minor: 15,
        },
        Event::PanelRequested {
            dispute: DISPUTE,
            round: sample_attempt().round,
        },
        Event::PanelDrawn {
            dispute: DISPUTE,
            panel: bounded(vec![owner, member]),
            until: BusinessDate(19_676),
        },
        Event::EvidenceGiven {
            dispute: DISPUTE,
            package: Digest([0x98; 32]),
            until: BusinessDate(19_677),
        },
        Event::Ruled {
            dispute: DISPUTE,
            member,
            ruling: Ruling::Upheld,
        },
        Event::RulingMissed {
            dispute: DISPUTE,
            member,
            burnt_minor: 16,
        },
        Event::DisputeDecided {
            dispute: DISPUTE,
            owner,
            challenger: member,
            stake_minor: 15,
            outcome: DisputeOutcome::Withdrawn,
            paid_minor: 17,
            burnt_minor: 18,
            correct_until: Some(BusinessDate(19_678)),
        },
        Event::DisputeClosed { dispute: DISPUTE },
        Event::Suspended {
            publication,
            owner,
            dispute: DISPUTE,
        },
        Event::RatingLowered {
            member,
            reason: RatingReason::FraudProven(publication),
            points: 19,
            rating: 20,
        },
        Event::ChargesCollected {
            session,
            querier,
            provider,
            requests: 21,
            public_minor: 22,
            charge: sealed(23),
            reward_minor: 24,
        },
        Event::RolledOver {
            member,
            granted_minor: 25,
        },
        Event::Deposited {
            member,
            amount_minor: 26,
        },
        Event::Withdrawn {
            member,
            amount_minor: 27,
        },
        Event::ViewGranted {
            view: VIEW,
            member,
            supervisor: owner,
            scope: ViewScope::List(list),
            from: BusinessDate(19_675),
            until: BusinessDate(19_680),
        },
        Event::ViewRevoked { view: VIEW },
        Event::ViewUsed {
            view: VIEW,
            number: 21,
            member,
            supervisor: owner,
            purpose: Purpose::new("examination").expect("a code"),
            query: Digest([0x9a; 32]),
        },
        Event::DisclosureRequested {
            disclosure: DISCLOSURE,
            member,
            supervisor: owner,
            reason: DisclosureReason::SuspectedMisuse,
            until: BusinessDate(19_681),
        },
        Event::CallDrawRequested {
            date: BusinessDate(19_675),
            round: sample_attempt().round,
            rate: 22,
            calls: 23,
        },
        Event::CallsDrawn {
            disclosure: DISCLOSURE,
            member,
            date: BusinessDate(19_675),
            calls: bounded(vec![24, 25]),
            until: BusinessDate(19_682),
        },
        Event::DisclosureAnswered {
            disclosure: DISCLOSURE,
            member,
            bundle: Digest([0x9b; 32]),
        },
        Event::DisclosureMissed {
            disclosure: DISCLOSURE,
            member,
            burnt_minor: 26,
        },
        Event::CodeVersionSet {
            version: 27,
            from_height: 28,
        },
        Event::PanelRecused {
            dispute: DISPUTE,
            member,
            substitute: owner,
            until: BusinessDate(19_683),
        },
        Event::QuotaKeyChanged {
            member,
            former: quota_key(MEMBER).public(),
            key: quota_key(MemberId(9)).public(),
        },
    ]
}

/// The number of an enum's variant, which its encoding begins with.
pub(crate) fn variant_number(encoded: &[u8]) -> u8 {
    encoded[0]
}
