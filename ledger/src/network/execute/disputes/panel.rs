//! Drawing the panel of a dispute.

use crate::kernel::context::Context;
use crate::kernel::party::{parties, party_count};
use crate::kernel::{MemberId, Missing};
use crate::network::event::Event;
use crate::network::execute::disputes::{deadline, outcome, put};
use crate::network::execute::{Due, beacon};
use crate::network::record::{
    Dispute, DisputeId, DisputeOutcome, DisputeStatus, Panel, PanelDraw, Seat,
};
use crate::network::{disputes, read};

/// Has the beacon draw a panel of at most `size` members.
pub(super) fn request(
    context: &mut Context<'_>,
    id: DisputeId,
    number: u8,
    size: u8,
) -> Result<PanelDraw, Missing> {
    let parties = party_count(context)?;
    let round = beacon::request(context)?;
    wait(context, id)?;
    context.emit(&Event::PanelRequested { dispute: id, round });
    Ok(PanelDraw {
        round,
        number,
        size,
        height: context.height(),
        parties,
    })
}

/// Looks for the output when a round that opens now is over at the latest.
fn wait(context: &mut Context<'_>, id: DisputeId) -> Result<(), Missing> {
    let patience = beacon::patience(context)?;
    context.due_at(context.height() + patience, &Due::PanelDraw(id))
}

/// Draws the panel of a dispute that waits for one, if the beacon has given the output.
pub(in crate::network::execute) fn draw_if_due(
    context: &mut Context<'_>,
    id: DisputeId,
) -> Result<(), Missing> {
    let waiting = read::dispute(context, id)?;
    let waiting = waiting.filter(|dispute| dispute.status == DisputeStatus::Drawing);
    let Some(mut dispute) = waiting else {
        return Ok(());
    };
    let round = dispute.draw.round;
    let output = read::both(read::beacon_output(context, round), read::beacon(context));
    match output? {
        (Some(drawn), _) => {
            let parties = parties(context)?;
            let members = disputes::panel(context.chain_id(), &drawn, &dispute, &parties);
            seat(context, dispute, members)
        }
        (None, beacon) if beacon.last < round => wait(context, id),
        // So long ago that it is no longer recorded: another round decides.
        (None, _) => {
            let PanelDraw { number, size, .. } = dispute.draw;
            dispute.draw = request(context, id, number, size)?;
            put(context, &dispute);
            Ok(())
        }
    }
}

/// Seats the drawn members. The time for what comes next begins.
fn seat(
    context: &mut Context<'_>,
    mut dispute: Dispute,
    members: Vec<MemberId>,
) -> Result<(), Missing> {
    if members.is_empty() {
        return outcome::decide(context, dispute, DisputeOutcome::Undecided);
    }
    let id = dispute.id;
    let parameters = read::parameters(context)?;
    let until = match dispute.evidence {
        None => {
            let until = deadline(context, id, parameters.answer_days)?;
            dispute.status = DisputeStatus::Answering { until };
            until
        }
        Some(_) => {
            let until = deadline(context, id, parameters.ruling_days)?;
            dispute.status = DisputeStatus::Ruling { until };
            until
        }
    };
    let seats = members.iter().map(|member| Seat {
        member: *member,
        ruling: None,
    });
    dispute.panel = Panel::try_from(seats.collect::<Vec<_>>())
        .expect("the parameters bound the size of a panel");
    put(context, &dispute);
    context.emit(&Event::PanelDrawn {
        dispute: id,
        panel: members.try_into().expect("as many as there are seats"),
        until,
    });
    Ok(())
}
