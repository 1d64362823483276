//! Proposals and votes.

use crate::kernel::clock::MAX_UTC_OFFSET_MINUTES;
use crate::kernel::codec::BoundedVec;
use crate::kernel::context::{Context, require};
use crate::kernel::party::{Party, parties};
use crate::kernel::{Missing, Reject, Stop, keys as kernel_keys};
use crate::network::event::Event;
use crate::network::execute::{Due, members, pauses, receipts, require_member, versions};
use crate::network::parameters::{Category, Parameters};
use crate::network::read::Categories;
use crate::network::record::{
    Ballot, Change, OpenProposals, OwnProposals, Proposal, ProposalId, ProposalStatus,
};
use crate::network::{keys, read};

/// Proposes a change with the proposer's vote for it.
pub(super) fn propose(
    context: &mut Context<'_>,
    sender: &Party,
    change: Change,
) -> Result<(), Stop> {
    require_member(sender)?;
    let own_key = keys::open_proposals_of(sender.id);
    let mut own: OwnProposals = context.read(&own_key)?.unwrap_or_default();
    let mut open: OpenProposals = context.read(&keys::open_proposals())?.unwrap_or_default();
    let number = read::proposal_count(context)? + 1;
    let id = ProposalId(number);
    own.push(id).map_err(|_| Reject::TOO_MANY_PROPOSALS)?;
    open.push(id).map_err(|_| Reject::TOO_MANY_PROPOSALS)?;

    let proposed_height = context.height();
    let lifetime = read::parameters(context)?.proposal_lifetime_blocks;
    let proposal = Proposal {
        id,
        proposer: sender.id,
        change,
        proposed_height,
        expiry_height: proposed_height + lifetime,
        status: ProposalStatus::Open,
        votes: BoundedVec::new(),
    };
    context.put(keys::proposal_count(), &number);
    context.put(keys::open_proposals(), &open);
    context.put(own_key, &own);
    context.due_at(proposal.expiry_height + 1, &Due::ProposalExpiry(id))?;
    context.emit(&Event::Proposed {
        proposal: id,
        proposer: sender.id,
    });
    cast(context, sender, proposal, true)
}

/// Votes on a proposal, and carries it out with the vote that decides it. If it can no longer be carried
/// out, the deciding vote is refused with the reason.
pub(super) fn vote(
    context: &mut Context<'_>,
    sender: &Party,
    id: ProposalId,
    approve: bool,
) -> Result<(), Stop> {
    require_member(sender)?;
    let proposal = read::proposal(context, id)?.ok_or(Reject::PROPOSAL_UNKNOWN)?;
    let in_time = context.height() <= proposal.expiry_height;
    let open = proposal.status == ProposalStatus::Open && in_time;
    require(open, Reject::PROPOSAL_CLOSED)?;
    let voted = proposal
        .votes
        .iter()
        .any(|ballot| ballot.member == sender.id);
    require(!voted, Reject::ALREADY_VOTED)?;
    cast(context, sender, proposal, approve)
}

fn cast(
    context: &mut Context<'_>,
    sender: &Party,
    mut proposal: Proposal,
    approve: bool,
) -> Result<(), Stop> {
    let (id, member) = (proposal.id, sender.id);
    proposal
        .votes
        .push(Ballot { member, approve })
        .expect("no more votes than parties");
    context.emit(&Event::Voted {
        proposal: id,
        member,
        approve,
    });
    let height = context.height();
    match tally(context, &proposal)? {
        Tally::Carried => carried(context, proposal)?,
        Tally::Defeated => close(context, proposal, ProposalStatus::Defeated { height })?,
        Tally::Undecided => context.put(keys::proposal(id), &proposal),
    }
    Ok(())
}

/// Carries a change out, at once or when its time-lock ends.
fn carried(context: &mut Context<'_>, mut proposal: Proposal) -> Result<(), Stop> {
    let height = context.height();
    let lock = read::parameters(context)?.time_lock_blocks;
    if lock == 0 || is_emergency(&proposal.change) {
        carry_out(context, &proposal)?;
        return Ok(close(
            context,
            proposal,
            ProposalStatus::Carried { height },
        )?);
    }
    let effective_height = height + lock;
    let (id, status) = (proposal.id, ProposalStatus::Accepted { effective_height });
    proposal.status = status;
    context.put(keys::proposal(id), &proposal);
    context.due_at(effective_height, &Due::ProposalEffect(id))?;
    context.emit(&Event::ProposalAccepted {
        proposal: id,
        effective_height,
    });
    Ok(())
}

/// Carries an accepted change out. One that has become impossible meanwhile changes nothing.
pub(super) fn take_effect(context: &mut Context<'_>, id: ProposalId) -> Result<(), Missing> {
    let height = context.height();
    match read::proposal(context, id)? {
        Some(proposal) if matches!(proposal.status, ProposalStatus::Accepted { .. }) => {
            let tried = context.attempt(|step| carry_out(step, &proposal))?;
            let status = match tried {
                Ok(()) => ProposalStatus::Carried { height },
                Err(_) => ProposalStatus::Failed { height },
            };
            close(context, proposal, status)
        }
        _ => Ok(()),
    }
}

/// Whether a change stops or starts something, and so waits for nothing.
fn is_emergency(change: &Change) -> bool {
    matches!(change, Change::SetPause { .. })
}

enum Tally {
    Carried,
    Defeated,
    Undecided,
}

/// One member, one vote: carried by the governed share of all active members, an emergency by more than two
/// thirds; defeated once so many voted against it that this can no longer happen.
fn tally(context: &Context<'_>, proposal: &Proposal) -> Result<Tally, Missing> {
    let parties = parties(context)?;
    let members: Vec<&Party> = parties
        .iter()
        .filter(|party| party.is_active_member())
        .collect();
    let cast = |approve: bool| {
        let ballot = |party: &Party| Ballot {
            member: party.id,
            approve,
        };
        members
            .iter()
            .filter(|party| proposal.votes.contains(&ballot(party)))
            .count()
    };
    let percent = usize::from(read::parameters(context)?.approval_percent);
    let carries = |votes: usize| {
        if is_emergency(&proposal.change) {
            votes * 3 > members.len() * 2
        } else {
            votes * 100 >= members.len() * percent
        }
    };
    Ok(match (cast(true), cast(false)) {
        (approvals, _) if carries(approvals) => Tally::Carried,
        (_, rejections) if !carries(members.len() - rejections) => Tally::Defeated,
        _ => Tally::Undecided,
    })
}

fn carry_out(context: &mut Context<'_>, proposal: &Proposal) -> Result<(), Stop> {
    match &proposal.change {
        Change::Admit(candidate) => members::admit(context, candidate).map(|_| ()),
        Change::Remove { member } => members::remove(context, *member),
        Change::AddValidator { member } => members::add_validator(context, *member),
        Change::RemoveValidator { member } => members::remove_validator(context, *member),
        Change::AddCategory(category) => add_category(context, category),
        Change::ChangeCategory(category) => change_category(context, category),
        Change::SetParameters(parameters) => {
            set_parameters(context, proposal.proposed_height, parameters)
        }
        Change::SetUtcOffset { minutes } => {
            context.put(kernel_keys::utc_offset(), minutes);
            context.emit(&Event::ParametersChanged);
            Ok(())
        }
        Change::SetReceiptKey {
            verifying_key,
            transcript,
        } => receipts::set_key(context, verifying_key, *transcript),
        Change::SetPause { of, paused } => pauses::set(context, *of, *paused),
        Change::SetCodeVersion {
            version,
            from_height,
        } => versions::set(context, *version, *from_height),
    }
}

/// A change names all parameters. One that was proposed before another took effect would take that one's
/// back without anybody having voted on it.
fn set_parameters(
    context: &mut Context<'_>,
    proposed_height: u64,
    parameters: &Parameters,
) -> Result<(), Stop> {
    let changed: Option<u64> = context.read(&keys::parameters_height())?;
    let current = changed.is_none_or(|changed| changed < proposed_height);
    require(current, Reject::PARAMETERS_CHANGED_SINCE)?;
    context.put(keys::parameters(), parameters);
    context.put(keys::parameters_height(), &context.height());
    context.emit(&Event::ParametersChanged);
    Ok(())
}

fn add_category(context: &mut Context<'_>, category: &Category) -> Result<(), Stop> {
    let mut categories = read::categories(context)?;
    let place = categories.binary_search_by_key(&category.id, |category| category.id);
    let place = place.err().ok_or(Reject::CATEGORY_EXISTS)?;
    categories.insert(place, category.clone());
    put_categories(context, categories, category)
}

fn change_category(context: &mut Context<'_>, category: &Category) -> Result<(), Stop> {
    let mut categories = read::categories(context)?;
    let place = categories.binary_search_by_key(&category.id, |category| category.id);
    categories[place.map_err(|_| Reject::CATEGORY_UNKNOWN)?] = category.clone();
    put_categories(context, categories, category)
}

fn put_categories(
    context: &mut Context<'_>,
    categories: Vec<Category>,
    changed: &Category,
) -> Result<(), Stop> {
    let categories = Categories::try_from(categories).map_err(|_| Reject::TOO_MANY_CATEGORIES)?;
    context.put(keys::categories(), &categories);
    context.emit(&Event::CategoryChanged {
        category: changed.id,
    });
    Ok(())
}

/// Refuses changes whose values lie outside their ranges; needs no state.
pub(super) fn check(change: &Change) -> Result<(), Reject> {
    match change {
        Change::Admit(candidate) => {
            candidate.check()?;
            candidate.check_keys()?;
            candidate.check_possession()
        }
        Change::AddCategory(category) | Change::ChangeCategory(category) => category.check(),
        Change::SetParameters(parameters) => parameters.check(),
        Change::SetUtcOffset { minutes } => {
            let in_range = minutes.unsigned_abs() <= MAX_UTC_OFFSET_MINUTES.unsigned_abs();
            require(in_range, Reject::VALUE_OUT_OF_RANGE)
        }
        Change::SetReceiptKey { verifying_key, .. } => receipts::check_key(verifying_key),
        Change::Remove { .. }
        | Change::AddValidator { .. }
        | Change::RemoveValidator { .. }
        | Change::SetPause { .. }
        | Change::SetCodeVersion { .. } => Ok(()),
    }
}

/// Closes a proposal that nobody decided in time.
pub(super) fn expire(context: &mut Context<'_>, id: ProposalId) -> Result<(), Missing> {
    match read::proposal(context, id)? {
        Some(proposal) if proposal.status == ProposalStatus::Open => {
            close(context, proposal, ProposalStatus::Expired)
        }
        _ => Ok(()),
    }
}

fn close(
    context: &mut Context<'_>,
    mut proposal: Proposal,
    status: ProposalStatus,
) -> Result<(), Missing> {
    proposal.status = status;
    let mut open: OpenProposals = context.read(&keys::open_proposals())?.unwrap_or_default();
    open.retain(|id| *id != proposal.id);
    context.put(keys::open_proposals(), &open);
    let own_key = keys::open_proposals_of(proposal.proposer);
    let mut own: OwnProposals = context.read(&own_key)?.unwrap_or_default();
    own.retain(|id| *id != proposal.id);
    if own.is_empty() {
        context.remove(own_key);
    } else {
        context.put(own_key, &own);
    }
    context.put(keys::proposal(proposal.id), &proposal);
    context.emit(&Event::ProposalClosed {
        proposal: proposal.id,
        status,
    });
    Ok(())
}
