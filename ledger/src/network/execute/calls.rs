//! Settling calls: leaves into the log, and what they charge is owed; collecting it.

use tacit_circuits::quota::Element;

use crate::kernel::context::{Context, require};
use crate::kernel::party::{Party, party};
use crate::kernel::{MemberId, Missing, Reject, Stop};
use crate::network::event::Event;
use crate::network::execute::{log, quota, sessions, supervision, usage};
use crate::network::read::both;
use crate::network::record::{List, MAX_RATING, Session, SessionId, SessionIds};
use crate::network::request::{CallBatch, Request};
use crate::network::session::{settlement, settles_until_height};
use crate::network::{keys, read};

/// Settles a request whose signature and evaluations were checked without state, under the key that it
/// names; here that key is compared with the registered one.
///
/// The leaves enter the log in the order of the request's calls, batches in the order of the block's
/// transactions.
pub(super) fn settle(
    context: &mut Context<'_>,
    sender: &Party,
    batch: &CallBatch,
) -> Result<(), Stop> {
    let request = &batch.signed.request;
    let mut session = settlement(context, context.height(), sender.id, &batch.signed)?;
    let first_leaf = log::append(context, &batch.leaves()?)?;

    let calls = request.calls.len() as u32;
    session.settled.mark(request.sequence);
    session.calls += calls;
    session.owed_requests += 1;
    session.owed = session.owed + request.charge;
    context.put(keys::session(session.id), &session);
    count(context, &session, calls)?;
    context.emit(&logged(context, &session, request, first_leaf));
    Ok(())
}

/// Pays the provider what a session owes it, and ends the session if it says so, or if nothing settles in
/// it any more.
pub(super) fn collect(
    context: &mut Context<'_>,
    sender: &Party,
    id: SessionId,
    charge: &[u8],
    closes: bool,
) -> Result<(), Stop> {
    let mut session = read::session(context, id)?.ok_or(Reject::SESSION_UNKNOWN)?;
    require(sender.id == session.provider, Reject::NOT_THE_PROVIDER)?;
    require(session.owed_requests > 0, Reject::NOTHING_OWED)?;
    expect(context, &session)?;
    let (requests, public_minor) = (session.owed_requests, session.owed_public_minor());
    let reward_minor = reward(context, &session)?;
    let charge = quota::collect(context, &session, charge, reward_minor)?;
    let mut served = read::history(context, session.provider)?;
    served.rewarded_minor += reward_minor;
    context.put(keys::history(session.provider), &served);
    session.owed_requests = 0;
    session.owed = Element::identity();
    context.put(keys::session(id), &session);
    context.emit(&Event::ChargesCollected {
        session: id,
        querier: session.querier,
        provider: session.provider,
        requests,
        public_minor,
        charge,
        reward_minor,
    });
    // A session that settles nothing any more stood for this alone.
    let settles_until = settles_until_height(context, &session)?;
    let settles = settles_until.is_some_and(|last| context.height() <= last);
    if closes || !settles {
        sessions::end(context, &session)?;
    }
    Ok(())
}

/// Reads what depends on the session, so that what is missing is fetched in one round.
fn expect(context: &Context<'_>, session: &Session) -> Result<(), Missing> {
    let (querier, provider) = (session.querier, session.provider);
    let parties = both(party(context, querier), party(context, provider));
    let sealed = both(
        read::quota_parties(context, querier, provider),
        read::account(context, querier),
    );
    let list = both(
        read::list(context, session.list),
        settles_until_height(context, session),
    );
    let own: Result<Option<SessionIds>, _> = context.read(&keys::sessions(querier, session.list));
    let served = read::served_sessions(context, provider);
    let rest = both(both(read::rating_value(context, provider), own), served);
    both(both(parties, sealed), both(list, rest)).map(drop)
}

/// What is minted for served requests: less than what they are proven to charge whatever became of the
/// price list since the session was opened, less what the provider's rating lacks, and nothing within a
/// group or for a list that is not kept up. On the charge the rating weighed when the session was opened.
fn reward(context: &Context<'_>, session: &Session) -> Result<u64, Stop> {
    let list = read::list(context, session.list)?.ok_or(Reject::LIST_UNKNOWN)?;
    let terms = read::category(context, list.category)?.ok_or(Reject::CATEGORY_UNKNOWN)?;
    let group = |id: MemberId| -> Result<_, Missing> { Ok(party(context, id)?.map(|p| p.group)) };
    if terms.reward_minor == 0 || group(session.querier)? == group(session.provider)? {
        return Ok(0);
    }
    if !is_fresh(context, &list, terms.fresh_days)? {
        return Ok(0);
    }
    let each = terms
        .reward_minor
        .min(session.price_minor.saturating_sub(1));
    let rating = read::rating_value(context, session.provider)?;
    let full = u64::from(each) * u64::from(session.owed_requests);
    Ok(full * u64::from(rating) / u64::from(MAX_RATING))
}

/// Whether the version in force was published few enough business dates ago.
fn is_fresh(context: &Context<'_>, list: &List, fresh_days: u16) -> Result<bool, Missing> {
    if fresh_days == 0 {
        return Ok(true);
    }
    let Some(active) = list.active else {
        return Ok(false);
    };
    let version = read::publication(context, active)?;
    let today = context.clock().business_date;
    Ok(version.is_some_and(|version| today <= version.published_date.after(fresh_days)))
}

fn count(context: &mut Context<'_>, session: &Session, calls: u32) -> Result<(), Missing> {
    usage::add(context, session.querier, session.list, calls)?;
    supervision::count(context, session.querier, calls)?;
    let mut asked = read::history(context, session.querier)?;
    asked.asked_calls += u64::from(calls);
    asked.asked_batches += 1;
    context.put(keys::history(session.querier), &asked);

    let mut served = read::history(context, session.provider)?;
    served.served_calls += u64::from(calls);
    served.served_batches += 1;
    context.put(keys::history(session.provider), &served);
    Ok(())
}

fn logged(context: &Context<'_>, session: &Session, request: &Request, first_leaf: u64) -> Event {
    Event::CallsLogged {
        session: session.id,
        sequence: request.sequence,
        querier: session.querier,
        provider: session.provider,
        list: session.list,
        tag_epoch: session.tag_epoch,
        first_leaf,
        calls: request.calls.len() as u32,
        business_date: context.clock().business_date,
    }
}
