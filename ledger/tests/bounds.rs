//! The largest of everything fits where it goes.

use tacit_circuits::curve::WirePoint;
use tacit_circuits::identifier::IdentifierType;
use tacit_circuits::quota::{Account, Ciphertext};
use tacit_ledger::kernel::envelope::{MAX_ACTION_BYTES, MAX_ENVELOPE_BYTES};
use tacit_ledger::kernel::event::MAX_EVENT_BYTES;
use tacit_ledger::kernel::state::MAX_VALUE_BYTES;
use tacit_ledger::kernel::{Bytes, codec};
use tacit_ledger::network::action::MAX_OPENINGS;
use tacit_ledger::network::receipts::context::MAX_PURPOSE_BYTES;
use tacit_ledger::network::receipts::{ObjectId, Purpose};
use tacit_ledger::network::record::*;
use tacit_ledger::network::request::{Call, MAX_CALLS};
use tacit_ledger::network::{
    Action, Category, Change, Event, ReceiptSet, SampleCalls, SampleProofs,
};

use crate::support::*;

/// A party with the longest name, group and addresses.
fn longest_candidate() -> Candidate {
    let mut candidate = sample_candidate();
    candidate.name = text(&"n".repeat(96));
    candidate.group = text(&"g".repeat(96));
    let host = "h".repeat(253);
    candidate.profile.front_end_address = text(&format!("{host}:65535"));
    candidate.profile.p2p_address = text(&format!("{host}:65535"));
    candidate
}

fn longest_batch() -> Action {
    let mut batch = sample_batch();
    let call = Call {
        blinded: WirePoint([1; 64]),
        audit: tacit_ledger::kernel::Digest([1; 32]),
    };
    batch.signed.request.calls = bounded(vec![call; MAX_CALLS]);
    batch.evaluated = bounded(vec![WirePoint([1; 64]); MAX_CALLS]);
    Action::CallBatch(Box::new(batch))
}

fn longest_terms() -> PolicyTerms {
    let mut terms = terms();
    terms.categories = bounded(vec![CATEGORY; MAX_POLICY_CATEGORIES]);
    terms.kinds = bounded(vec![IdentifierType::Phone; MAX_ACCEPTED_TYPES]);
    terms
}

fn longest_purpose() -> Purpose {
    Purpose::new(&"p".repeat(MAX_PURPOSE_BYTES)).expect("a code")
}

fn longest_set() -> ReceiptSet {
    let mut set = sample_set();
    set.receipts = bounded(vec![set.receipts[0].clone(); MAX_RECEIPTS_PER_SET]);
    set.context.purpose = longest_purpose();
    set
}

fn longest_sample_calls() -> SampleCalls {
    let mut calls = sample_sample_calls();
    calls.blinded = bounded(vec![calls.blinded[0]; MAX_SAMPLED_ENTRIES]);
    calls.evaluated = calls.blinded.clone();
    calls
}

fn longest_sample_proofs() -> SampleProofs {
    let mut proofs = sample_sample_proofs();
    proofs.proofs = bounded(vec![proofs.proofs[0].clone(); MAX_SAMPLED_ENTRIES]);
    proofs
}

fn longest_key() -> Change {
    Change::SetReceiptKey {
        verifying_key: Bytes::try_from(vec![1; MAX_VERIFYING_KEY_BYTES]).expect("it fits"),
        transcript: tacit_ledger::kernel::Digest([1; 32]),
    }
}

fn longest_scope() -> DisclosureScope {
    DisclosureScope::Calls(bounded(vec![call_name(1); MAX_NAMED_CALLS]))
}

fn longest_category() -> Category {
    let step = tacit_ledger::network::parameters::Surcharge {
        from_calls: 1,
        percent: 1,
    };
    let mut category = category(1);
    category.name = text(&"n".repeat(96));
    category.surcharges = bounded(vec![
        step;
        tacit_ledger::network::parameters::MAX_SURCHARGES
    ]);
    category
}

#[test]
fn the_longest_of_each_action_fits_an_envelope() {
    let mut longest = actions();
    longest.extend([
        longest_batch(),
        propose(Change::Admit(longest_candidate())),
        Action::OpenSessions {
            openings: bounded(vec![sample_opening(); MAX_OPENINGS]),
        },
        Action::CreateList {
            category: CATEGORY,
            name: text(&"n".repeat(96)),
            accepts: bounded(vec![IdentifierType::Phone; MAX_ACCEPTED_TYPES]),
        },
        put_policy(&"n".repeat(96), longest_terms()),
        submit(longest_set()),
        log_samples(longest_sample_calls()),
        prove_samples(longest_sample_proofs()),
        propose(longest_key()),
        Action::RequestDisclosure {
            member: OWNER,
            scope: longest_scope(),
            reason: DisclosureReason::Other,
            days: 1,
        },
        propose(Change::AddCategory(longest_category())),
    ]);
    let chain = Chain::new();
    for action in longest {
        assert!(
            codec::encode(&action).len() <= MAX_ACTION_BYTES,
            "{}",
            action.name()
        );
        let envelope = chain.envelope(OWNER, &action).to_bytes();
        assert!(envelope.len() <= MAX_ENVELOPE_BYTES, "{}", action.name());
    }
}

#[test]
fn the_longest_of_each_event_fits() {
    let mut longest = events();
    longest.push(Event::PartyJoined {
        member: OWNER,
        name: text(&"n".repeat(96)),
        role: tacit_ledger::kernel::Role::Member,
    });
    longest.push(Event::ReceiptsAccepted {
        screening: ScreeningId(1),
        submitter: OWNER,
        verifier: OWNER,
        module: tacit_ledger::kernel::ModuleId(1),
        object: ObjectId([1; 32]),
        policy: PolicyId(1),
        policy_version: PolicyVersion(1),
        purpose: longest_purpose(),
        lists: bounded(vec![first(); MAX_RECEIPTS_PER_SET]),
        expiry_height: 1,
    });
    longest.push(Event::PanelDrawn {
        dispute: DISPUTE,
        panel: bounded(vec![OWNER; MAX_PANEL]),
        until: tacit_ledger::kernel::BusinessDate(1),
    });
    longest.push(Event::CallsDrawn {
        disclosure: DEMAND,
        member: OWNER,
        date: tacit_ledger::kernel::BusinessDate(1),
        calls: bounded(vec![1; MAX_DRAWN_CALLS]),
        until: tacit_ledger::kernel::BusinessDate(1),
    });
    longest.push(Event::ViewUsed {
        view: VIEW,
        number: 1,
        member: OWNER,
        supervisor: OBSERVER,
        purpose: longest_purpose(),
        query: tacit_ledger::kernel::Digest([1; 32]),
    });
    for event in longest {
        assert!(codec::encode(&event).len() <= MAX_EVENT_BYTES, "{event:?}");
    }
}

#[test]
fn the_longest_of_each_record_fits_under_a_key() {
    const PARTIES: usize = tacit_ledger::kernel::party::MAX_PARTIES;
    let ballot = Ballot {
        member: OWNER,
        approve: true,
    };
    let proposal = Proposal {
        id: ProposalId(1),
        proposer: OWNER,
        change: Change::Admit(longest_candidate()),
        proposed_height: 1,
        expiry_height: 1,
        status: ProposalStatus::Carried { height: 1 },
        votes: bounded(vec![ballot; PARTIES]),
    };
    let attestation = Attestation {
        attester: OWNER,
        digest: [1; 32],
        height: 1,
    };
    let publication = Publication {
        id: first(),
        owner: OWNER,
        root: root(),
        size_class: tacit_circuits::list::SizeClass::new(0).expect("there is one"),
        evidence_root: root(),
        published_height: 1,
        published_date: tacit_ledger::kernel::BusinessDate(1),
        status: PublicationStatus::Active { since_height: 1 },
        attestations: bounded(vec![attestation; PARTIES]),
        sampling: Some(Sampling {
            round: RoundId(1),
            entries: 16,
            logged: Some(1),
            proven_height: Some(1),
        }),
    };
    let share = Share {
        member: OWNER,
        commitment: Some(tacit_ledger::kernel::Digest([1; 32])),
        value: Some([1; 32]),
    };
    let beacon = Beacon {
        last: RoundId(1),
        output: tacit_ledger::kernel::Digest([1; 32]),
        open: Some(Round {
            attempt: Attempt {
                round: RoundId(2),
                number: 0,
            },
            opened_height: 1,
            commit_until: 2,
            reveal_until: 3,
            shares: bounded(vec![share; MAX_VALIDATORS]),
        }),
        wanted: true,
    };
    let validator = Validator {
        member: OWNER,
        consensus_key: consensus_key(OWNER),
    };
    let category = longest_category();
    let disclosure = Disclosure {
        id: DEMAND,
        member: OWNER,
        cause: DisclosureCause::Demanded {
            by: OBSERVER,
            reason: DisclosureReason::Other,
            scope: longest_scope(),
        },
        opened_height: 1,
        until: tacit_ledger::kernel::BusinessDate(1),
        status: DisclosureStatus::Open,
    };
    let view = View {
        id: VIEW,
        member: OWNER,
        supervisor: OBSERVER,
        scope: ViewScope::Cases(tacit_ledger::kernel::Digest([1; 32])),
        from: tacit_ledger::kernel::BusinessDate(1),
        until: tacit_ledger::kernel::BusinessDate(1),
        granted_height: 1,
        uses: 1,
        last_use: Some(ViewUse {
            date: tacit_ledger::kernel::BusinessDate(1),
            height: 1,
            purpose: longest_purpose(),
            query: tacit_ledger::kernel::Digest([1; 32]),
        }),
    };
    let count = CallCount {
        member: OWNER,
        calls: 1,
    };
    let draw = CallDraw {
        date: tacit_ledger::kernel::BusinessDate(1),
        round: RoundId(1),
        rate: 1,
        counts: bounded(vec![count; PARTIES]),
        done: 1,
    };
    let of_group = GroupCalls {
        group: GroupKey::of(&text("group")),
        calls: 1,
    };
    let keyed = Proposal {
        change: longest_key(),
        ..proposal.clone()
    };
    let policy = Policy {
        id: PolicyId(1),
        version: PolicyVersion(1),
        owner: OWNER,
        name: text(&"n".repeat(96)),
        terms: longest_terms(),
        put_height: 1,
    };
    let set = longest_set();
    let screening = Screening {
        id: ScreeningId(1),
        submitter: OWNER,
        commitment: set.commitment,
        kind: set.kind,
        context: set.context,
        lists: bounded(vec![first(); MAX_RECEIPTS_PER_SET]),
        accepted_height: 1,
        consumed: Some(Consumption {
            height: 1,
            module: tacit_ledger::kernel::ModuleId(1),
        }),
    };
    let named = NamedPolicy {
        name: text(&"n".repeat(96)),
        id: PolicyId(1),
    };
    let seat = Seat {
        member: OWNER,
        ruling: Some(Ruling::Upheld),
    };
    let dispute = Dispute {
        panel: bounded(vec![seat; MAX_PANEL]),
        former: bounded(vec![OWNER; MAX_PANEL]),
        recused: bounded(vec![OWNER; MAX_RECUSALS]),
        ..ANSWERED.dispute(DISPUTE)
    };
    let lengths = [
        codec::encode(&dispute).len(),
        codec::encode(&disclosure).len(),
        codec::encode(&view).len(),
        codec::encode(&draw).len(),
        codec::encode(&vec![of_group; PARTIES]).len() + 4,
        codec::encode(&vec![VIEW; MAX_VIEWS_PER_MEMBER]).len(),
        codec::encode(&vec![DEMAND; MAX_DISCLOSURES]).len(),
        codec::encode(&vec![DISPUTE; MAX_DISPUTES_PER_LIST]).len(),
        codec::encode(&keyed).len(),
        codec::encode(&policy).len(),
        codec::encode(&screening).len(),
        codec::encode(&vec![named; MAX_POLICIES_PER_MEMBER]).len(),
        codec::encode(&vec![ScreeningId(1); MAX_SCREENINGS_PER_MEMBER]).len(),
        // The voted key, with its name, transcript and height.
        32 + 4 + MAX_VERIFYING_KEY_BYTES + 32 + 8,
        codec::encode(&proposal).len(),
        codec::encode(&publication).len(),
        codec::encode(&beacon).len(),
        codec::encode(&Validators::try_from(vec![validator; MAX_VALIDATORS]).expect("fits")).len(),
        codec::encode(
            &OpenProposals::try_from(vec![ProposalId(1); MAX_OPEN_PROPOSALS]).expect("fits"),
        )
        .len(),
        codec::encode(
            &SessionIds::try_from(vec![SessionId(1); MAX_SESSIONS_PER_LIST]).expect("fits"),
        )
        .len(),
        codec::encode(&vec![
            category;
            tacit_ledger::network::parameters::MAX_CATEGORIES
        ])
        .len(),
        codec::encode(&longest_candidate().profile).len(),
        codec::encode(&Account::empty()).len(),
        codec::encode(&Ciphertext::<3>::zero()).len(),
        codec::encode(&ANSWERED.deposit(OWNER)).len(),
        // A page of due work: 64 pieces of at most 64 bytes, each with a module and a length.
        4 + 64 * (2 + 4 + 64),
        // The log's frontier: a length, and at most three nodes at each of 16 heights.
        8 + 16 * 3 * 32,
    ];
    for length in lengths {
        assert!(length <= MAX_VALUE_BYTES, "{length} bytes");
    }
}
