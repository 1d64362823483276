//! The largest of everything fits where it goes.

use tacit_circuits::curve::WirePoint;
use tacit_circuits::identifier::IdentifierType;
use tacit_ledger::kernel::codec;
use tacit_ledger::kernel::envelope::{MAX_ACTION_BYTES, MAX_ENVELOPE_BYTES};
use tacit_ledger::kernel::event::MAX_EVENT_BYTES;
use tacit_ledger::kernel::state::MAX_VALUE_BYTES;
use tacit_ledger::network::action::MAX_OPENINGS;
use tacit_ledger::network::record::*;
use tacit_ledger::network::request::{Call, MAX_CALLS};
use tacit_ledger::network::{Action, Category, Change, Event};

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

#[test]
fn the_longest_of_each_action_fits_an_envelope() {
    let mut longest = actions();
    longest.extend([
        longest_batch(),
        propose(Change::Admit(longest_candidate())),
        open(vec![opening(1); MAX_OPENINGS]),
        Action::CreateList {
            category: CATEGORY,
            name: text(&"n".repeat(96)),
            accepts: bounded(vec![IdentifierType::Phone; MAX_ACCEPTED_TYPES]),
        },
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
        status: PublicationStatus::Active { since_height: 1 },
        attestations: bounded(vec![attestation; PARTIES]),
    };
    let validator = Validator {
        member: OWNER,
        consensus_key: consensus_key(OWNER),
    };
    let mut category: Category = category(1);
    category.name = text(&"n".repeat(96));
    let lengths = [
        codec::encode(&proposal).len(),
        codec::encode(&publication).len(),
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
        // A page of due work: 64 pieces of at most 64 bytes, each with a module and a length.
        4 + 64 * (2 + 4 + 64),
        // The log's frontier: a length, and at most three nodes at each of 16 heights.
        8 + 16 * 3 * 32,
    ];
    for length in lengths {
        assert!(length <= MAX_VALUE_BYTES, "{length} bytes");
    }
}
