//! Sessions: opening, closing, returning escrow.

use tacit_circuits::quota::{Ciphertext, Element};

use crate::kernel::context::{Context, require};
use crate::kernel::party::Party;
use crate::kernel::{Missing, Reject, Stop};
use crate::network::action::{Opening, SessionTerms};
use crate::network::event::Event;
use crate::network::execute::{Due, pauses, quota, require_member};
use crate::network::price::session_price;
use crate::network::read::both;
use crate::network::record::{EpochStatus, List, Session, SessionId, SessionIds, Settled};
use crate::network::session::{collects_until_height, settles_until_height};
use crate::network::{keys, read};

/// Opens sessions, all or none.
pub(super) fn open(
    context: &mut Context<'_>,
    sender: &Party,
    openings: &[Opening],
) -> Result<(), Stop> {
    require_member(sender)?;
    pauses::require_running(context, sender)?;
    let window = read::parameters(context)?.settlement_window_blocks;
    let ends: Vec<_> = openings
        .iter()
        .map(|opening| opening.terms.deadline_height.saturating_add(window + 1))
        .collect();
    context.expect_due(&ends)?;
    let sessions = openings
        .iter()
        .map(|opening| open_one(context, sender, &opening.terms))
        .collect::<Result<Vec<_>, _>>()?;
    quota::require_deposit(context, sender.id)?;
    let escrows: Vec<_> = sessions
        .iter()
        .zip(openings)
        .map(|(session, opening)| (session.id, session.provider, opening))
        .collect();
    quota::put_into_escrow(context, sender.id, &escrows)?;
    for session in &sessions {
        quota::count_served(context, session.provider, true)?;
        let escrow = read::escrow(context, session.id)?;
        context.emit(&opened(session, escrow));
    }
    Ok(())
}

fn open_one(
    context: &mut Context<'_>,
    sender: &Party,
    opening: &SessionTerms,
) -> Result<Session, Stop> {
    let list = callable(context, opening)?;
    require(list.owner != sender.id, Reject::OWN_LIST)?;
    let parameters = read::parameters(context)?;
    let height = context.height();
    let latest = height + parameters.max_session_blocks;
    let in_range = (height + 1..=latest).contains(&opening.deadline_height);
    require(in_range, Reject::DEADLINE_OUT_OF_RANGE)?;
    let own_key = keys::sessions(sender.id, list.id);
    let mut own: SessionIds = context.read(&own_key)?.unwrap_or_default();
    let number: u64 = context.read(&keys::session_count())?.unwrap_or(0) + 1;
    let id = SessionId(number);
    own.push(id).map_err(|_| Reject::TOO_MANY_SESSIONS)?;
    let terms = read::category(context, list.category)?.ok_or(Reject::CATEGORY_UNKNOWN)?;

    let session = Session {
        id,
        querier: sender.id,
        provider: list.owner,
        list: list.id,
        tag_epoch: opening.tag_epoch,
        lane: opening.lane,
        price_minor: session_price(context, sender.id, &list, &terms)?,
        cap_calls: opening.cap_calls,
        calls: 0,
        owed_requests: 0,
        owed: Element::identity(),
        opened_height: height,
        deadline_height: opening.deadline_height,
        settled: Settled::default(),
    };
    context.put(keys::session_count(), &number);
    context.put(own_key, &own);
    context.put(keys::session(id), &session);
    let last = session.deadline_height + parameters.settlement_window_blocks;
    context.due_at(last + 1, &Due::SessionEnd(id))?;
    Ok(session)
}

/// The list, if calls may be made to it under the opening's epoch.
fn callable(context: &Context<'_>, opening: &SessionTerms) -> Result<List, Stop> {
    let list = read::list(context, opening.list)?.ok_or(Reject::LIST_UNKNOWN)?;
    require(list.is_standing(), Reject::LIST_WITHDRAWN)?;
    let terms = read::category(context, list.category)?.ok_or(Reject::CATEGORY_UNKNOWN)?;
    require(!terms.retired, Reject::CATEGORY_RETIRED)?;
    require(!list.is_paused(), Reject::LIST_PAUSED)?;
    let epoch = read::epoch(context, list.id, opening.tag_epoch)?.ok_or(Reject::EPOCH_UNKNOWN)?;
    match epoch.status {
        EpochStatus::Revoked { .. } => return Err(Reject::EPOCH_REVOKED.into()),
        EpochStatus::Superseded { .. } => return Err(Reject::EPOCH_SUPERSEDED.into()),
        EpochStatus::Registered | EpochStatus::Current => {}
    }
    let active = list
        .active
        .is_some_and(|active| active.tag_epoch == opening.tag_epoch);
    require(active, Reject::EPOCH_NOT_ACTIVE)?;
    Ok(list)
}

fn opened(session: &Session, escrow: Ciphertext<3>) -> Event {
    Event::SessionOpened {
        session: session.id,
        querier: session.querier,
        provider: session.provider,
        list: session.list,
        tag_epoch: session.tag_epoch,
        lane: session.lane,
        price_minor: session.price_minor,
        escrow,
        cap_calls: session.cap_calls,
        deadline_height: session.deadline_height,
    }
}

/// Ends a session. The provider gives up what it has not settled and collected, so its word ends it at
/// once; the querier's brings the deadline forward, and the provider keeps the window to settle what it
/// answered, and the one to collect what it is owed.
pub(super) fn close(context: &mut Context<'_>, sender: &Party, id: SessionId) -> Result<(), Stop> {
    let mut session = read::session(context, id)?.ok_or(Reject::SESSION_UNKNOWN)?;
    let is_party = [session.querier, session.provider].contains(&sender.id);
    require(is_party, Reject::NOT_A_PARTY)?;
    let height = context.height();
    let settles_until = settles_until_height(context, &session)?;
    let settles = settles_until.is_some_and(|last| height <= last);
    if sender.id == session.provider {
        return Ok(end(context, &session)?);
    }
    if !settles {
        let collects_until = collects_until_height(context, &session)?;
        let collects = collects_until.is_some_and(|last| height <= last);
        require(!collects, Reject::SESSION_OWES)?;
        return Ok(end(context, &session)?);
    }
    require(session.deadline_height > height, Reject::SESSION_ENDED)?;

    session.deadline_height = height;
    let window = read::parameters(context)?.settlement_window_blocks;
    context.put(keys::session(id), &session);
    // Earlier than the window from now where the epoch was superseded before.
    let settles_until = settles_until_height(context, &session)?;
    let settles_until_height = settles_until.unwrap_or(height + window);
    context.due_at(settles_until_height + 1, &Due::SessionEnd(id))?;
    context.emit(&Event::SessionClosing {
        session: id,
        settles_until_height,
    });
    Ok(())
}

/// Returns the escrow of a session whose windows have passed. A session may be due more than once: when it
/// was opened, when its querier closed it, and when it was found to owe something.
pub(super) fn end_if_due(context: &mut Context<'_>, id: SessionId) -> Result<(), Missing> {
    let Some(session) = read::session(context, id)? else {
        return Ok(());
    };
    let settles_until = settles_until_height(context, &session)?;
    let stands_until = settles_until.max(collects_until_height(context, &session)?);
    match stands_until {
        Some(last) if context.height() <= last => context.due_at(last + 1, &Due::SessionEnd(id)),
        _ => end(context, &session),
    }
}

pub(super) fn end(context: &mut Context<'_>, session: &Session) -> Result<(), Missing> {
    // In one round, whichever of them is missing.
    let sealed = both(
        read::escrow(context, session.id),
        read::account(context, session.querier),
    );
    both(sealed, read::served_sessions(context, session.provider))?;
    let returned = quota::return_escrow(context, session)?;
    quota::count_served(context, session.provider, false)?;
    let own_key = keys::sessions(session.querier, session.list);
    let mut own: SessionIds = context.read(&own_key)?.unwrap_or_default();
    own.retain(|id| *id != session.id);
    if own.is_empty() {
        context.remove(own_key);
    } else {
        context.put(own_key, &own);
    }
    context.remove(keys::session(session.id));
    context.emit(&Event::SessionClosed {
        session: session.id,
        querier: session.querier,
        provider: session.provider,
        list: session.list,
        returned,
    });
    Ok(())
}
