//! Settling calls: leaves into the log, the charge to the provider.

use crate::kernel::context::Context;
use crate::kernel::party::{Party, party};
use crate::kernel::{MemberId, Missing, Reject, Stop};
use crate::network::event::Event;
use crate::network::execute::{log, quota, supervision, usage};
use crate::network::record::{MAX_RATING, Session};
use crate::network::request::{CallBatch, Request};
use crate::network::session::settlement;
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
    let charge_minor = request.amount_minor().ok_or(Reject::AMOUNT_TOO_LARGE)?;
    let reward_minor = reward(context, &session, calls)?;
    session.settled.mark(request.sequence);
    session.calls += calls;
    session.spent_minor += charge_minor;
    context.put(keys::session(session.id), &session);
    quota::pay(context, session.querier, session.provider, charge_minor)?;
    quota::mint(context, session.provider, reward_minor.into())?;
    count(context, &session, calls, charge_minor, reward_minor)?;
    context.emit(&logged(
        context,
        &session,
        request,
        first_leaf,
        charge_minor,
        reward_minor,
    ));
    Ok(())
}

/// What is minted for served calls: less than their charge whatever became of the price list since the
/// session was opened, less what the provider's rating lacks, and nothing within a group. On the
/// charge the rating weighed when the session was opened.
fn reward(context: &Context<'_>, session: &Session, calls: u32) -> Result<u32, Stop> {
    let list = read::list(context, session.list)?.ok_or(Reject::LIST_UNKNOWN)?;
    let terms = read::category(context, list.category)?.ok_or(Reject::CATEGORY_UNKNOWN)?;
    let group = |id: MemberId| -> Result<_, Missing> { Ok(party(context, id)?.map(|p| p.group)) };
    if terms.reward_minor == 0 || group(session.querier)? == group(session.provider)? {
        return Ok(0);
    }
    let each = terms
        .reward_minor
        .min(session.price_minor.saturating_sub(1));
    let rating = read::rating_value(context, session.provider)?;
    // At most the charge of the same calls, which fits 32 bits: so does what the rating leaves of it.
    let rated = u64::from(each * calls) * u64::from(rating) / u64::from(MAX_RATING);
    Ok(rated as u32)
}

fn count(
    context: &mut Context<'_>,
    session: &Session,
    calls: u32,
    charge_minor: u32,
    reward_minor: u32,
) -> Result<(), Missing> {
    usage::add(context, session.querier, session.list, calls)?;
    supervision::count(context, session.querier, calls)?;
    let mut asked = read::history(context, session.querier)?;
    asked.asked_calls += u64::from(calls);
    asked.asked_batches += 1;
    asked.spent_minor += u64::from(charge_minor);
    context.put(keys::history(session.querier), &asked);

    let mut served = read::history(context, session.provider)?;
    served.served_calls += u64::from(calls);
    served.served_batches += 1;
    served.earned_minor += u64::from(charge_minor);
    served.rewarded_minor += u64::from(reward_minor);
    context.put(keys::history(session.provider), &served);
    Ok(())
}

fn logged(
    context: &Context<'_>,
    session: &Session,
    request: &Request,
    first_leaf: u64,
    charge_minor: u32,
    reward_minor: u32,
) -> Event {
    Event::CallsLogged {
        session: session.id,
        sequence: request.sequence,
        querier: session.querier,
        provider: session.provider,
        list: session.list,
        tag_epoch: session.tag_epoch,
        first_leaf,
        calls: request.calls.len() as u32,
        charge_minor,
        reward_minor,
        business_date: context.clock().business_date,
    }
}
