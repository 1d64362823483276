//! Views: granted by a member, revoked by it, used by a supervisor.

use crate::kernel::context::{Context, require};
use crate::kernel::hash::Digest;
use crate::kernel::party::{Party, Role, party};
use crate::kernel::{BusinessDate, MemberId, Missing, Reject, Stop, state};
use crate::network::event::Event;
use crate::network::execute::{members, require_member};
use crate::network::receipts::Purpose;
use crate::network::record::{MAX_VIEW_DAYS, View, ViewId, ViewIds, ViewScope, ViewUse};
use crate::network::{keys, read};

/// Lets a supervisor look at something of the sender's between two dates.
pub(in crate::network::execute) fn grant(
    context: &mut Context<'_>,
    sender: &Party,
    supervisor: MemberId,
    scope: ViewScope,
    from: BusinessDate,
    until: BusinessDate,
) -> Result<(), Stop> {
    require_member(sender)?;
    let role = members::active(context, supervisor)?.role;
    if let ViewScope::List(list) = scope {
        let list = read::list(context, list)?.ok_or(Reject::LIST_UNKNOWN)?;
        require(list.owner == sender.id, Reject::NOT_THE_OWNER)?;
    }
    require(role == Role::Observer, Reject::VIEW_FOR_MEMBER)?;
    let today = context.clock().business_date;
    let in_range = today <= until && until <= today.after(MAX_VIEW_DAYS);
    require(in_range, Reject::VIEW_DATES_OUT_OF_RANGE)?;
    let mut own = with_room(context, sender.id, today)?;
    let id = ViewId(read::view_count(context)? + 1);
    own.push(id).map_err(|_| Reject::TOO_MANY_VIEWS)?;

    let view = View {
        id,
        member: sender.id,
        supervisor,
        scope,
        from,
        until,
        granted_height: context.height(),
        uses: 0,
        last_use: None,
    };
    context.put(keys::view_count(), &id.0);
    context.put(keys::views_of(sender.id), &own);
    context.put(keys::view(id), &view);
    context.emit(&Event::ViewGranted {
        view: id,
        member: sender.id,
        supervisor,
        scope,
        from,
        until,
    });
    Ok(())
}

/// A member's views. Where there are as many as there may be, those that have expired are dropped.
fn with_room(
    context: &mut Context<'_>,
    member: MemberId,
    today: BusinessDate,
) -> Result<ViewIds, Missing> {
    let mut own: ViewIds = context.read(&keys::views_of(member))?.unwrap_or_default();
    if own.len() < ViewIds::MAX {
        return Ok(own);
    }
    let records: Vec<_> = own.iter().map(|id| keys::view(*id)).collect();
    let views = state::read_all::<View>(context, &records)?;
    let expired: Vec<ViewId> = views
        .into_iter()
        .flatten()
        .filter(|view| view.until < today)
        .map(|view| view.id)
        .collect();
    for id in &expired {
        context.remove(keys::view(*id));
    }
    own.retain(|id| !expired.contains(id));
    Ok(own)
}

/// Takes a view back.
pub(in crate::network::execute) fn revoke(
    context: &mut Context<'_>,
    sender: &Party,
    id: ViewId,
) -> Result<(), Stop> {
    let view = read::view(context, id)?.ok_or(Reject::VIEW_UNKNOWN)?;
    require(view.member == sender.id, Reject::NOT_THE_GRANTOR)?;
    let own_key = keys::views_of(sender.id);
    let mut own: ViewIds = context.read(&own_key)?.unwrap_or_default();
    own.retain(|other| *other != id);
    if own.is_empty() {
        context.remove(own_key);
    } else {
        context.put(own_key, &own);
    }
    context.remove(keys::view(id));
    context.emit(&Event::ViewRevoked { view: id });
    Ok(())
}

/// Records that a supervisor looks: what it asked stands here as a digest, before the member's node shows it
/// anything.
pub(in crate::network::execute) fn record_use(
    context: &mut Context<'_>,
    sender: &Party,
    id: ViewId,
    purpose: Purpose,
    query: Digest,
) -> Result<(), Stop> {
    let mut view = read::view(context, id)?.ok_or(Reject::VIEW_UNKNOWN)?;
    let member = party(context, view.member)?;
    let stands = member.is_some_and(|member| member.is_active());
    require(stands, Reject::MEMBER_LEFT)?;
    require(view.supervisor == sender.id, Reject::NOT_THE_GRANTEE)?;
    let today = context.clock().business_date;
    require(view.from <= today, Reject::VIEW_NOT_YET)?;
    require(today <= view.until, Reject::VIEW_EXPIRED)?;

    view.uses += 1;
    view.last_use = Some(ViewUse {
        date: today,
        height: context.height(),
        purpose: purpose.clone(),
        query,
    });
    context.put(keys::view(id), &view);
    context.emit(&Event::ViewUsed {
        view: id,
        number: view.uses,
        member: view.member,
        supervisor: sender.id,
        purpose,
        query,
    });
    Ok(())
}
