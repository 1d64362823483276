//! How disputes come out, and what follows from it.

use crate::kernel::context::Context;
use crate::kernel::party::party;
use crate::kernel::{Missing, keys as kernel_keys, state};
use crate::network::event::Event;
use crate::network::execute::disputes::{deadline, panel, put};
use crate::network::execute::quota::{self, Payment};
use crate::network::execute::{lists, ratings};
use crate::network::record::{
    Dispute, DisputeId, DisputeIds, DisputeOutcome, DisputeStatus, List, PublicationStatus,
    RatingReason, Ruling, Seat,
};
use crate::network::{keys, read};

impl From<Ruling> for DisputeOutcome {
    fn from(ruling: Ruling) -> Self {
        match ruling {
            Ruling::Upheld => Self::Upheld,
            Ruling::Dismissed => Self::Dismissed,
        }
    }
}

/// Ends the argument: stakes, penalties and ratings follow at once, a correction within its days.
pub(super) fn decide(
    context: &mut Context<'_>,
    mut dispute: Dispute,
    outcome: DisputeOutcome,
) -> Result<(), Missing> {
    let (id, owner, challenger) = (dispute.id, dispute.owner, dispute.challenger);
    // Read at once, so that what is missing is fetched in one round.
    let expected = [
        keys::parameters(),
        keys::supply(),
        keys::deposit(owner),
        keys::deposit(challenger),
        keys::account(owner),
        keys::account(challenger),
        keys::quota_sum(),
        keys::rating(owner),
        keys::rating(challenger),
        keys::disputes(challenger, dispute.publication.list),
    ];
    state::expect(context, &expected)?;
    let Payment {
        paid_minor,
        burnt_minor,
    } = settle(context, &dispute, outcome)?;
    let reason = match outcome {
        DisputeOutcome::Upheld => Some((owner, RatingReason::DisputeUpheld(id))),
        DisputeOutcome::Withdrawn => Some((owner, RatingReason::EntryWithdrawn(id))),
        DisputeOutcome::Unanswered => Some((owner, RatingReason::DisputeUnanswered(id))),
        DisputeOutcome::Dismissed => Some((challenger, RatingReason::DisputeDismissed(id))),
        DisputeOutcome::Undecided => None,
    };
    if let Some((loser, reason)) = reason {
        ratings::lower(context, loser, reason)?;
    }
    let correct_until = if outcome.wants_correction() {
        let days = read::parameters(context)?.correction_days;
        let until = deadline(context, id, days)?;
        dispute.status = DisputeStatus::Correcting {
            outcome,
            decided_height: context.height(),
            until,
        };
        put(context, &dispute);
        Some(until)
    } else {
        None
    };
    context.emit(&Event::DisputeDecided {
        dispute: id,
        owner,
        challenger,
        stake_minor: dispute.stake_minor,
        outcome,
        paid_minor,
        burnt_minor,
        correct_until,
    });
    match correct_until {
        Some(_) => Ok(()),
        None => close(context, dispute, outcome),
    }
}

fn settle(
    context: &mut Context<'_>,
    dispute: &Dispute,
    outcome: DisputeOutcome,
) -> Result<Payment, Missing> {
    let parameters = read::parameters(context)?;
    let (owner, challenger) = (dispute.owner, dispute.challenger);
    let stake_minor = dispute.stake_minor;
    if outcome == DisputeOutcome::Dismissed {
        let percent = parameters.dispute_forfeit_percent;
        return quota::forfeit_stake(context, challenger, owner, stake_minor, percent);
    }
    quota::return_stake(context, challenger, stake_minor)?;
    match outcome {
        DisputeOutcome::Upheld | DisputeOutcome::Unanswered => quota::penalise(
            context,
            owner,
            challenger,
            parameters.dispute_penalty_minor,
            parameters.dispute_reward_percent,
        ),
        _ => Ok(Payment::default()),
    }
}

fn close(
    context: &mut Context<'_>,
    mut dispute: Dispute,
    outcome: DisputeOutcome,
) -> Result<(), Missing> {
    let list = dispute.publication.list;
    let own_key = keys::disputes(dispute.challenger, list);
    let mut own: DisputeIds = context.read(&own_key)?.unwrap_or_default();
    own.retain(|id| *id != dispute.id);
    if own.is_empty() {
        context.remove(own_key);
    } else {
        context.put(own_key, &own);
    }
    context.remove(keys::disputed(list, &dispute.commitment));
    dispute.status = DisputeStatus::Closed {
        outcome,
        height: context.height(),
    };
    put(context, &dispute);
    context.emit(&Event::DisputeClosed {
        dispute: dispute.id,
    });
    Ok(())
}

/// Does what a deadline brings whose last date has passed, unless the step was taken. Each step sets a
/// deadline of its own.
pub(in crate::network::execute) fn pass_deadline(
    context: &mut Context<'_>,
    id: DisputeId,
) -> Result<(), Missing> {
    let Some(dispute) = read::dispute(context, id)? else {
        return Ok(());
    };
    let today = context.clock().business_date;
    if dispute.until().is_none_or(|until| today <= until) {
        return Ok(());
    }
    match dispute.status {
        DisputeStatus::Answering { .. } => {
            // Who has left cannot answer any more, and silence of such a party says nothing.
            let owner = party(context, dispute.owner)?;
            let silent = owner.is_some_and(|owner| owner.is_active());
            let outcome = if silent {
                DisputeOutcome::Unanswered
            } else {
                DisputeOutcome::Undecided
            };
            decide(context, dispute, outcome)
        }
        DisputeStatus::Ruling { .. } => end_ruling(context, dispute),
        DisputeStatus::Correcting {
            outcome,
            decided_height,
            ..
        } => {
            demand_correction(context, &dispute, decided_height)?;
            close(context, dispute, outcome)
        }
        DisputeStatus::Drawing | DisputeStatus::Closed { .. } => Ok(()),
    }
}

/// Those who ruled decide. Where they are of two minds, or there are none, a fresh panel is drawn once.
fn end_ruling(context: &mut Context<'_>, mut dispute: Dispute) -> Result<(), Missing> {
    miss_rulings(context, &dispute)?;
    let upheld = dispute.rulings(Ruling::Upheld);
    let dismissed = dispute.rulings(Ruling::Dismissed);
    if upheld != dismissed {
        let majority = if upheld > dismissed {
            Ruling::Upheld
        } else {
            Ruling::Dismissed
        };
        return decide(context, dispute, majority.into());
    }
    if dispute.draw.number > 0 {
        return decide(context, dispute, DisputeOutcome::Undecided);
    }
    let former: Vec<_> = dispute.panel.iter().map(|seat| seat.member).collect();
    dispute.former = former.try_into().expect("as many as there are seats");
    dispute.draw = panel::request(context, dispute.id, 1, dispute.draw.size)?;
    dispute.status = DisputeStatus::Drawing;
    put(context, &dispute);
    Ok(())
}

/// Members of the panel that are still there and said nothing pay for it.
fn miss_rulings(context: &mut Context<'_>, dispute: &Dispute) -> Result<(), Missing> {
    let silent = |seat: &&Seat| seat.ruling.is_none();
    let silent: Vec<_> = dispute.panel.iter().filter(silent).collect();
    let records = silent.iter().flat_map(|seat| {
        [
            kernel_keys::party(seat.member),
            keys::deposit(seat.member),
            keys::rating(seat.member),
        ]
    });
    let shared = [keys::parameters(), keys::supply()];
    state::expect(
        context,
        &shared.into_iter().chain(records).collect::<Vec<_>>(),
    )?;
    let penalty_minor = read::parameters(context)?.panel_penalty_minor;
    for Seat { member, .. } in silent {
        if party(context, *member)?.is_some_and(|party| party.is_active()) {
            let burnt_minor = quota::burn_up_to(context, *member, penalty_minor)?;
            context.emit(&Event::RulingMissed {
                dispute: dispute.id,
                member: *member,
                burnt_minor,
            });
            ratings::lower(context, *member, RatingReason::RulingMissed(dispute.id))?;
        }
    }
    Ok(())
}

/// Takes off what still says what was found wrong, unless the list has a version that can have left it out.
fn demand_correction(
    context: &mut Context<'_>,
    dispute: &Dispute,
    decided_height: u64,
) -> Result<(), Missing> {
    let Some(list) = read::list(context, dispute.publication.list)? else {
        return Ok(());
    };
    if list.is_standing() && !read::is_corrected(context, &list, decided_height)? {
        suspend(context, dispute, &list)?;
    }
    Ok(())
}

/// Takes off the disputed version and the active one; none that was published before becomes active.
fn suspend(context: &mut Context<'_>, dispute: &Dispute, list: &List) -> Result<(), Missing> {
    let height = context.height();
    context.put(keys::suspension(list.id), &height);
    let disputed = dispute.publication;
    let active = list.active.filter(|active| *active != disputed);
    for id in std::iter::once(disputed).chain(active) {
        lists::clear_active(context, id)?;
        let publication = read::publication(context, id)?;
        if let Some(mut publication) = publication.filter(|found| !found.status.is_off()) {
            publication.status = PublicationStatus::Suspended { height };
            lists::put_publication(context, &publication);
            context.emit(&Event::Suspended {
                publication: id,
                owner: dispute.owner,
                dispute: dispute.id,
            });
        }
    }
    Ok(())
}
