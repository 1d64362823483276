//! Lists and members that the members stopped in an emergency.

use crate::kernel::context::{Context, require};
use crate::kernel::party::{Party, party};
use crate::kernel::{MemberId, Reject, Stop};
use crate::network::event::Event;
use crate::network::execute::lists;
use crate::network::record::Pausable;
use crate::network::{keys, read};

/// Stops a list or a member, or lets it go on.
pub(super) fn set(context: &mut Context<'_>, of: Pausable, paused: bool) -> Result<(), Stop> {
    match of {
        Pausable::List(list) => {
            let mut list = read::list(context, list)?.ok_or(Reject::LIST_UNKNOWN)?;
            list.paused = paused;
            lists::put_list(context, &list);
        }
        Pausable::Member(member) => set_member(context, member, paused)?,
    }
    context.emit(&Event::PauseChanged { of, paused });
    Ok(())
}

/// A member's lists stop and go on with it. Each says so itself, so that its record alone shows whether
/// receipts about it may be relied on.
fn set_member(context: &mut Context<'_>, member: MemberId, paused: bool) -> Result<(), Stop> {
    party(context, member)?.ok_or(Reject::MEMBER_UNKNOWN)?;
    for mut list in read::lists_of(context, member)? {
        list.owner_paused = paused;
        lists::put_list(context, &list);
    }
    if paused {
        let height = context.height();
        context.put(keys::paused_member(member), &height);
    } else {
        context.remove(keys::paused_member(member));
    }
    Ok(())
}

/// Refuses a member that is stopped.
pub(super) fn require_running(context: &Context<'_>, sender: &Party) -> Result<(), Stop> {
    let paused = read::member_is_paused(context, sender.id)?;
    Ok(require(!paused, Reject::MEMBER_PAUSED)?)
}
