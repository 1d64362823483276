//! Demands for disclosure: made by a supervisor or drawn, answered by the member, missed by silence.

use crate::kernel::context::{Context, require};
use crate::kernel::hash::Digest;
use crate::kernel::party::{Party, Role, party};
use crate::kernel::{BusinessDate, MemberId, Missing, Reject, Stop, keys as kernel_keys, state};
use crate::network::event::Event;
use crate::network::execute::{Due, quota, ratings};
use crate::network::record::{
    Disclosure, DisclosureCause, DisclosureId, DisclosureIds, DisclosureReason, DisclosureScope,
    DisclosureStatus, RatingReason,
};
use crate::network::{keys, read};

/// Demands that a member opens calls.
pub(in crate::network::execute) fn request(
    context: &mut Context<'_>,
    sender: &Party,
    member: MemberId,
    scope: DisclosureScope,
    reason: DisclosureReason,
    days: u16,
) -> Result<(), Stop> {
    let asked = party(context, member)?.ok_or(Reject::MEMBER_UNKNOWN)?;
    require(asked.role == Role::Member, Reject::NOT_A_MEMBER)?;
    require(asked.is_active(), Reject::MEMBER_LEFT)?;
    require(sender.role == Role::Observer, Reject::NOT_AN_OBSERVER)?;
    let parameters = read::parameters(context)?;
    let allowed = parameters.disclosure_min_days..=parameters.disclosure_max_days;
    let in_range = allowed.contains(&days);
    require(in_range, Reject::DISCLOSURE_DAYS_OUT_OF_RANGE)?;
    let by = sender.id;
    let own = with_room(context, member, Some(by))?;
    let own = own.ok_or(Reject::TOO_MANY_DISCLOSURES)?;

    let until = context.clock().business_date.after(days);
    let cause = DisclosureCause::Demanded { by, reason, scope };
    let disclosure = open(context, own, member, cause, until)?;
    context.emit(&Event::DisclosureRequested {
        disclosure,
        member,
        supervisor: by,
        reason,
        until,
    });
    Ok(())
}

/// Demands that a member opens calls of a date that were drawn. Where as many demands are open as are
/// recorded, which takes weeks of backlog, there is none.
pub(super) fn open_drawn(
    context: &mut Context<'_>,
    member: MemberId,
    cause: DisclosureCause,
) -> Result<(), Missing> {
    let DisclosureCause::Drawn { date, calls } = cause.clone() else {
        return Ok(());
    };
    let days = read::parameters(context)?.opening_days;
    let until = context.clock().business_date.after(days);
    let Some(own) = with_room(context, member, None)? else {
        return Ok(());
    };
    let disclosure = open(context, own, member, cause, until)?;
    context.emit(&Event::CallsDrawn {
        disclosure,
        member,
        date,
        calls,
        until,
    });
    Ok(())
}

/// Reads at once what demands on these members read, so that it is fetched in two rounds and not in two for
/// each of them.
pub(super) fn expect(context: &Context<'_>, members: &[MemberId]) -> Result<(), Missing> {
    let lists: Vec<_> = members
        .iter()
        .map(|member| keys::disclosures(*member, None))
        .collect();
    let parties = members.iter().map(|member| kernel_keys::party(*member));
    let shared = [keys::parameters(), keys::disclosure_count()];
    let first: Vec<_> = parties.chain(lists.clone()).chain(shared).collect();
    state::expect(context, &first)?;
    let full = state::read_all::<DisclosureIds>(context, &lists)?;
    let full = full.into_iter().flatten();
    let full = full.filter(|own| own.len() == DisclosureIds::MAX);
    let records = full.flat_map(DisclosureIds::into_vec).map(keys::disclosure);
    state::expect(context, &records.collect::<Vec<_>>())
}

/// The recorded demands, with room for one more: the oldest that is closed makes it. `None` where all are
/// open.
fn with_room(
    context: &mut Context<'_>,
    member: MemberId,
    supervisor: Option<MemberId>,
) -> Result<Option<DisclosureIds>, Missing> {
    let own_key = keys::disclosures(member, supervisor);
    let mut own: DisclosureIds = context.read(&own_key)?.unwrap_or_default();
    if own.len() < DisclosureIds::MAX {
        return Ok(Some(own));
    }
    let records: Vec<_> = own.iter().map(|id| keys::disclosure(*id)).collect();
    let found = state::read_all::<Disclosure>(context, &records)?;
    let closed = found.into_iter().flatten().find(|found| !found.is_open());
    let Some(Disclosure { id, .. }) = closed else {
        return Ok(None);
    };
    context.remove(keys::disclosure(id));
    own.retain(|other| *other != id);
    Ok(Some(own))
}

fn open(
    context: &mut Context<'_>,
    mut own: DisclosureIds,
    member: MemberId,
    cause: DisclosureCause,
    until: BusinessDate,
) -> Result<DisclosureId, Missing> {
    let id = DisclosureId(read::disclosure_count(context)? + 1);
    own.push(id).expect("there is room for one");
    context.due_on(until.after(1), &Due::DisclosureDeadline(id))?;
    context.put(keys::disclosure_count(), &id.0);
    context.put(keys::disclosures(member, cause.supervisor()), &own);
    let disclosure = Disclosure {
        id,
        member,
        cause,
        opened_height: context.height(),
        until,
        status: DisclosureStatus::Open,
    };
    context.put(keys::disclosure(id), &disclosure);
    Ok(id)
}

/// Takes a member's answer: the digest of what it sends.
pub(in crate::network::execute) fn answer(
    context: &mut Context<'_>,
    sender: &Party,
    id: DisclosureId,
    bundle: Digest,
) -> Result<(), Stop> {
    let disclosure = read::disclosure(context, id)?.ok_or(Reject::DISCLOSURE_UNKNOWN)?;
    let asked = disclosure.member == sender.id;
    require(asked, Reject::NOT_THE_DISCLOSING_MEMBER)?;
    require(disclosure.is_open(), Reject::DISCLOSURE_CLOSED)?;
    // The last date may be over and the work of that deadline be still in line.
    let in_time = context.clock().business_date <= disclosure.until;
    require(in_time, Reject::DISCLOSURE_DEADLINE_PASSED)?;

    let height = context.height();
    let status = DisclosureStatus::Answered { bundle, height };
    put(context, disclosure, status);
    context.emit(&Event::DisclosureAnswered {
        disclosure: id,
        member: sender.id,
        bundle,
    });
    Ok(())
}

/// Records the silence of a member whose last date has passed. Who has left cannot answer any more, and to
/// who has left nobody answers.
pub(in crate::network::execute) fn pass_deadline(
    context: &mut Context<'_>,
    id: DisclosureId,
) -> Result<(), Missing> {
    let found = read::disclosure(context, id)?;
    let Some(disclosure) = found.filter(Disclosure::is_open) else {
        return Ok(());
    };
    let height = context.height();
    let member = disclosure.member;
    let sides = std::iter::once(member).chain(disclosure.cause.supervisor());
    let mut both_there = true;
    for side in sides {
        both_there &= party(context, side)?.is_some_and(|party| party.is_active());
    }
    if !both_there {
        put(context, disclosure, DisclosureStatus::Lapsed { height });
        return Ok(());
    }
    // Read at once, so that what is missing is fetched in one round.
    let expected = [
        keys::parameters(),
        keys::supply(),
        keys::deposit(member),
        keys::rating(member),
    ];
    state::expect(context, &expected)?;
    let penalty_minor = read::parameters(context)?.disclosure_penalty_minor;
    let burnt_minor = quota::burn_up_to(context, member, penalty_minor)?;
    put(context, disclosure, DisclosureStatus::Missed { height });
    context.emit(&Event::DisclosureMissed {
        disclosure: id,
        member,
        burnt_minor,
    });
    ratings::lower(context, member, RatingReason::DisclosureMissed(id))
}

fn put(context: &mut Context<'_>, disclosure: Disclosure, status: DisclosureStatus) {
    let key = keys::disclosure(disclosure.id);
    let closed = Disclosure {
        status,
        ..disclosure
    };
    context.put(key, &closed);
}
