//! Stepping down from a panel.

use crate::kernel::context::{Context, require};
use crate::kernel::party::{Party, parties};
use crate::kernel::{Reject, Stop};
use crate::network::event::Event;
use crate::network::execute::disputes::{deadline, put, require_in_time, undecided};
use crate::network::record::{DisputeId, DisputeStatus};
use crate::network::{disputes, read};

/// Lets a member of a panel step down before it has ruled. The next in the order of drawing takes its place,
/// and where the panel is to rule it has its days anew: nobody can read a file in what is left of them.
pub(in crate::network::execute) fn recuse(
    context: &mut Context<'_>,
    sender: &Party,
    id: DisputeId,
) -> Result<(), Stop> {
    let mut dispute = undecided(context, id)?;
    let until = dispute.until().ok_or(Reject::PANEL_NOT_DRAWN)?;
    let seat = dispute
        .panel
        .iter()
        .position(|seat| seat.member == sender.id);
    let seat = seat.ok_or(Reject::NOT_ON_THE_PANEL)?;
    let ruled = dispute.panel[seat].ruling.is_some();
    require(!ruled, Reject::ALREADY_RULED)?;
    require_in_time(context, &dispute)?;
    let recused = dispute.recused.push(sender.id);
    recused.map_err(|_| Reject::TOO_MANY_RECUSALS)?;
    // What drew the panel may no longer be recorded.
    let drawn = read::beacon_output(context, dispute.draw.round)?;
    let drawn = drawn.ok_or(Reject::NO_SUBSTITUTE)?;
    let order = disputes::order(context.chain_id(), &drawn, &dispute, &parties(context)?);
    let sits = |member| dispute.panel.iter().any(|seat| seat.member == member);
    let substitute = order.into_iter().find(|member| !sits(*member));
    let substitute = substitute.ok_or(Reject::NO_SUBSTITUTE)?;

    dispute.panel.as_mut_slice()[seat].member = substitute;
    let until = match dispute.status {
        DisputeStatus::Ruling { .. } => {
            let days = read::parameters(context)?.ruling_days;
            let until = deadline(context, id, days)?;
            dispute.status = DisputeStatus::Ruling { until };
            until
        }
        _ => until,
    };
    put(context, &dispute);
    context.emit(&Event::PanelRecused {
        dispute: id,
        member: sender.id,
        substitute,
        until,
    });
    Ok(())
}
