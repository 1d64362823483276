//! What the members of a simulated network do next, told from the ledger's state alone.
//!
//! A client that forgets everything in a crash and looks at the state goes on where it stood. Member 1
//! publishes a list; the others attest it; member 2 opens sessions with it, out of what it rolled over, and
//! settles batches of calls, with real evaluations, padding and proofs; member 1 collects what they charge,
//! and ends sessions that are full. Where the network governs its validators, member 1 proposes the changes
//! and all vote. Whoever has nothing else to do changes its profile.

use crate::{
    network::{CATEGORY, ledger_signer, member_of},
    wallet::{self, Agreed},
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
use tacit_circuits::{
    curve::Field,
    identifier::IdentifierType,
    list::SizeClass,
    oprf::{Input, KeyContext, KeyProof, ListKey, blind, evaluate, padding_calls},
    scope::{ListId, ListVersion, TagEpoch},
};
use tacit_ledger::{
    kernel::{BoundedVec, ChainId, Digest, Missing, StateView, Text, clock},
    network::{
        Action, CallBatch, Change, Request,
        action::SessionTerms,
        read,
        record::{Proposal, PublicationId, PublicationStatus, Root, Session},
        request::Call,
    },
};

/// Calls in a batch, padding included: enough for a proof over several, few enough for a thousand runs.
const CALLS: u32 = 4;
/// Calls of a session, and quota that covers them: few, so that every run ends sessions and opens others.
const SESSION_CALLS: u32 = 24;
const ESCROW_MINOR: u32 = 300;
/// Batches whose charges are collected at once. The querier waits for it, so that none settles between the
/// state that the provider proves about and its proof.
const COLLECTED_BATCHES: u32 = 3;
/// Charges that wait in the provider's account before it makes them available.
const WAITING: u32 = 3;
/// The provider and the querier of the story, by index.
const PROVIDER: usize = 0;
const QUERIER: usize = 1;
const PARTIES: (usize, usize) = (QUERIER, PROVIDER);
const LIST: ListId = ListId(1);
const EPOCH: TagEpoch = TagEpoch(0);

/// Changes of validators, in order; each is proposed when the one before took effect.
pub(crate) fn changes(governed: bool) -> Vec<Change> {
    if !governed {
        return Vec::new();
    }
    vec![
        Change::AddValidator {
            member: member_of(4),
        },
        Change::RemoveValidator {
            member: member_of(2),
        },
        Change::AddValidator {
            member: member_of(5),
        },
    ]
}

/// What the member at `index` does next.
pub(crate) fn next(
    view: &dyn StateView,
    chain_id: ChainId,
    index: usize,
    sequence: u64,
    changes: &[Change],
) -> Result<Action, Missing> {
    if let Some(action) = govern(view, index, changes)? {
        return Ok(action);
    }
    if let Some(action) = screen(view, chain_id, index, sequence)? {
        return Ok(action);
    }
    Ok(Action::RegisterProfile {
        front_end_address: Text::new(format!("front-{index}-{sequence}.example:443"))
            .expect("it fits"),
        p2p_address: Text::new(format!("node-{index}.example:9000")).expect("it fits"),
    })
}

fn govern(
    view: &dyn StateView,
    index: usize,
    changes: &[Change],
) -> Result<Option<Action>, Missing> {
    let proposed = read::proposal_count(view)?;
    let open = read::open_proposals(view)?;
    let me = member_of(index);
    let voted = |proposal: &Proposal| proposal.votes.iter().any(|vote| vote.member == me);
    if let Some(proposal) = open.iter().find(|proposal| !voted(proposal)) {
        return Ok(Some(Action::Vote {
            proposal: proposal.id,
            approve: true,
        }));
    }
    let next = changes.get(usize::try_from(proposed).unwrap_or(usize::MAX));
    Ok(match next {
        Some(change) if index == PROVIDER && open.is_empty() => {
            Some(Action::Propose(Box::new(change.clone())))
        }
        _ => None,
    })
}

fn screen(
    view: &dyn StateView,
    chain_id: ChainId,
    index: usize,
    sequence: u64,
) -> Result<Option<Action>, Missing> {
    let publication = PublicationId {
        list: LIST,
        tag_epoch: EPOCH,
        version: ListVersion(0),
    };
    if read::list(view, LIST)?.is_none() {
        return Ok((index == PROVIDER).then(|| Action::CreateList {
            category: CATEGORY,
            name: Text::new("simulated list").expect("it fits"),
            accepts: BoundedVec::try_from(vec![IdentifierType::Phone]).expect("one fits"),
        }));
    }
    if read::epoch(view, LIST, EPOCH)?.is_none() {
        let context = KeyContext {
            chain_id: chain_id.0,
            member: member_of(PROVIDER),
            list: LIST,
            tag_epoch: EPOCH,
        };
        let key = list_key();
        return Ok((index == PROVIDER).then(|| Action::RegisterTagEpoch {
            list: LIST,
            tag_epoch: EPOCH,
            key: key.public().to_wire(),
            proof: KeyProof::prove(&key, &context, &mut rng(0)),
        }));
    }
    let Some(standing) = read::publication(view, publication)? else {
        return Ok((index == PROVIDER).then(|| Action::Publish {
            publication,
            root: Root::from(Field::from(7)),
            size_class: SizeClass::new(0).expect("there is a smallest class"),
            evidence_root: Root::from(Field::from(8)),
        }));
    };
    let me = member_of(index);
    let attested = standing.attestations.iter().any(|made| made.attester == me);
    if standing.status == PublicationStatus::Pending {
        let attests = index != PROVIDER && !attested;
        return Ok(attests.then_some(Action::Attest {
            publication,
            digest: [index as u8; 32],
        }));
    }
    match index {
        QUERIER => ask(view, chain_id, sequence),
        PROVIDER => collect(view, chain_id, sequence),
        _ => Ok(None),
    }
}

/// Settles the next batch, once the provider has collected what is due; opens a session where none has room.
fn ask(view: &dyn StateView, chain_id: ChainId, sequence: u64) -> Result<Option<Action>, Missing> {
    let sessions = read::sessions(view, member_of(QUERIER), LIST)?;
    if let Some(session) = sessions.iter().find(|session| !is_full(session)) {
        let batch = || Action::CallBatch(Box::new(call_batch(chain_id, session)));
        return Ok((!is_due(session)).then(batch));
    }
    if waits(view, QUERIER, 1)? {
        return Ok(Some(Action::RollOver));
    }
    let now = clock::clock(view)?.unwrap_or_default().height;
    let terms = SessionTerms {
        list: LIST,
        tag_epoch: EPOCH,
        lane: 0,
        cap_calls: SESSION_CALLS,
        deadline_height: now + 1_000,
    };
    wallet::open(view, chain_id, PARTIES, terms, ESCROW_MINOR, sequence).map(Some)
}

/// Collects what is due, and ends the session with it where it is full.
fn collect(
    view: &dyn StateView,
    chain_id: ChainId,
    sequence: u64,
) -> Result<Option<Action>, Missing> {
    let sessions = read::sessions(view, member_of(QUERIER), LIST)?;
    if let Some(session) = sessions.iter().find(|session| is_due(session)) {
        let settled = session.calls / CALLS;
        let owed: Vec<_> = (settled - session.owed_requests..settled)
            .map(|batch| {
                let agreed = Agreed::on(PARTIES, chain_id, session, batch.into());
                agreed.opening(session.price_minor, charged_calls(batch.into()))
            })
            .collect();
        let closes = is_full(session);
        let action = wallet::collect(view, chain_id, PARTIES, session, &owed, closes, sequence);
        return action.map(Some);
    }
    Ok(waits(view, PROVIDER, WAITING)?.then_some(Action::RollOver))
}

/// Whether so many amounts, or a grant, wait in an account.
fn waits(view: &dyn StateView, index: usize, amounts: u32) -> Result<bool, Missing> {
    let account = read::account(view, member_of(index))?;
    // The rewards that come with charges do not hurry anybody.
    let welcome = account.additions == 0 && account.granted_minor > 0;
    Ok(welcome || account.additions >= amounts)
}

fn is_full(session: &Session) -> bool {
    session.calls + CALLS > session.cap_calls
}

fn is_due(session: &Session) -> bool {
    session.owed_requests >= COLLECTED_BATCHES || is_full(session) && session.owed_requests > 0
}

/// How many calls of a session's batch are no padding.
fn charged_calls(batch: u64) -> u32 {
    1 + (batch % u64::from(CALLS)) as u32
}

/// The session's next batch: all before it are settled, because it is told from state.
fn call_batch(chain_id: ChainId, session: &Session) -> CallBatch {
    let sequence = u64::from(session.calls / CALLS);
    let mut rng = rng(session.id.0 << 32 | sequence);
    let key = list_key();
    let agreed = Agreed::on(PARTIES, chain_id, session, sequence);
    let charged = charged_calls(sequence);
    let inputs: Vec<_> = (0..u64::from(charged))
        .map(|number| Input {
            kind: IdentifierType::Phone,
            x: Field::from(sequence * u64::from(CALLS) + number),
            list: LIST,
            tag_epoch: EPOCH,
        })
        .collect();
    let (_, mut blinded) = blind(&inputs, &mut rng).expect("no input maps to a small order");
    let lacking = (CALLS - charged) as usize;
    let padding = padding_calls(&agreed.seed(), lacking, LIST, EPOCH);
    blinded.extend(padding.expect("no padding maps to a small order").1);
    let calls: Vec<_> = blinded
        .iter()
        .map(|point| Call {
            blinded: point.encode(),
            audit: Digest([sequence as u8; 32]),
        })
        .collect();
    let request = Request {
        chain_id,
        session: session.id,
        sequence,
        querier: member_of(QUERIER),
        provider: member_of(PROVIDER),
        list: LIST,
        tag_epoch: EPOCH,
        key: key.public().to_wire(),
        price_minor: session.price_minor,
        charge: agreed.opening(session.price_minor, charged).commitment(),
        calls: BoundedVec::try_from(calls).expect("a few fit"),
    };
    let (evaluated, proof) =
        evaluate(&key, &request.evaluation_context(), &blinded, &mut rng).expect("a batch");
    let evaluated: Vec<_> = evaluated.iter().map(|point| point.encode()).collect();
    CallBatch {
        signed: request.sign(&ledger_signer(QUERIER)),
        evaluated: BoundedVec::try_from(evaluated).expect("a few fit"),
        proof,
    }
}

fn list_key() -> ListKey {
    ListKey::generate(&mut rng(u64::MAX))
}

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}
