//! Drawn calls: counted while they are logged, drawn when their date is over.
//!
//! The ledger counts calls by member and date and nothing more: a drawn call is named by its number among the
//! calls of its member on that date, which the events tell to everybody. What the beacon gives is asked for
//! when the date is over, so that nobody can log a call, or leave one out, by what it draws.

use crate::kernel::codec::BoundedVec;
use crate::kernel::context::Context;
use crate::kernel::party::{Role, parties, party};
use crate::kernel::{BusinessDate, MemberId, Missing, state};
use crate::network::event::Event;
use crate::network::execute::supervision::disclosures;
use crate::network::execute::{Due, beacon};
use crate::network::record::{AskedCalls, CallCount, CallDraw, DisclosureCause, DrawnCalls};
use crate::network::{keys, read, supervision};

/// Members of whom one block demands drawn calls: each takes an event and a handful of records.
const MAX_DEMANDS_PER_BLOCK: usize = 16;

/// Counts logged calls, where the members want calls to be drawn.
pub(in crate::network::execute) fn count(
    context: &mut Context<'_>,
    querier: MemberId,
    calls: u32,
) -> Result<(), Missing> {
    if read::parameters(context)?.opening_rate == 0 {
        return Ok(());
    }
    let date = context.clock().business_date;
    let records = read::both(
        read::asked_calls(context, querier),
        context.read::<BusinessDate>(&keys::counted_date()),
    );
    let (mut asked, counted) = records?;
    asked.add(date, calls);
    context.put(keys::asked_calls(querier), &asked);
    if counted != Some(date) {
        context.put(keys::counted_date(), &date);
        context.due_on(date.after(1), &Due::CallDate(date))?;
    }
    Ok(())
}

/// Has calls of a date that is over drawn, if there is anybody to open them to.
pub(in crate::network::execute) fn close_date(
    context: &mut Context<'_>,
    date: BusinessDate,
) -> Result<(), Missing> {
    let (parameters, parties) = read::both(read::parameters(context), parties(context))?;
    let watched = parties
        .iter()
        .any(|party| party.role == Role::Observer && party.is_active());
    if parameters.opening_rate == 0 || !watched {
        return Ok(());
    }
    let records: Vec<_> = parties
        .iter()
        .map(|party| keys::asked_calls(party.id))
        .collect();
    let asked = state::read_all::<AskedCalls>(context, &records)?;
    let counts = parties.iter().zip(asked).filter_map(|(party, asked)| {
        let calls = asked?.on(date);
        let member = party.id;
        (calls > 0).then_some(CallCount { member, calls })
    });
    let counts: Vec<_> = counts.collect();
    if counts.is_empty() {
        return Ok(());
    }
    let counts = BoundedVec::try_from(counts).expect("no more than parties");
    ask(context, date, parameters.opening_rate, counts)
}

fn ask(
    context: &mut Context<'_>,
    date: BusinessDate,
    rate: u32,
    counts: BoundedVec<CallCount, { crate::kernel::party::MAX_PARTIES }>,
) -> Result<(), Missing> {
    let round = beacon::request(context)?;
    wait(context, date)?;
    let draw = CallDraw {
        date,
        round,
        rate,
        counts,
        done: 0,
    };
    context.put(keys::call_draw(date), &draw);
    context.emit(&Event::CallDrawRequested {
        date,
        round,
        rate,
        calls: draw.total(),
    });
    Ok(())
}

/// Looks for the output when a round that opens now is over at the latest.
fn wait(context: &mut Context<'_>, date: BusinessDate) -> Result<(), Missing> {
    let patience = beacon::patience(context)?;
    context.due_at(context.height() + patience, &Due::CallDraw(date))
}

/// Demands the calls that were drawn of a date, of a few members in each block.
pub(in crate::network::execute) fn draw_if_due(
    context: &mut Context<'_>,
    date: BusinessDate,
) -> Result<(), Missing> {
    let Some(mut draw) = read::call_draw(context, date)? else {
        return Ok(());
    };
    let output = read::both(
        read::beacon_output(context, draw.round),
        read::beacon(context),
    );
    let drawn = match output? {
        (Some(drawn), _) => drawn,
        (None, beacon) if beacon.last < draw.round => return wait(context, date),
        // So long ago that it is no longer recorded: another round decides, unless some is demanded already.
        (None, _) if draw.done == 0 => return ask(context, date, draw.rate, draw.counts),
        (None, _) => {
            context.remove(keys::call_draw(date));
            return Ok(());
        }
    };
    let of_members = supervision::drawn_calls(context.chain_id(), &drawn, &draw);
    let done = draw.done as usize;
    let now = of_members.iter().skip(done).take(MAX_DEMANDS_PER_BLOCK);
    let members: Vec<_> = now.clone().map(|(member, _)| *member).collect();
    disclosures::expect(context, &members)?;
    for (member, calls) in now {
        // Who has left cannot open anything.
        if party(context, *member)?.is_some_and(|party| party.is_active()) {
            let calls = DrawnCalls::try_from(calls.clone()).expect("the rule bounds them");
            let cause = DisclosureCause::Drawn { date, calls };
            disclosures::open_drawn(context, *member, cause)?;
        }
    }
    let done = done + MAX_DEMANDS_PER_BLOCK;
    if done >= of_members.len() {
        context.remove(keys::call_draw(date));
        return Ok(());
    }
    draw.done = done as u32;
    context.put(keys::call_draw(date), &draw);
    context.due_at(context.height() + 1, &Due::CallDraw(date))
}
