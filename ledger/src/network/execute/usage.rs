//! Calls of groups, counted by list and business date.

use tacit_circuits::scope::ListId;

use crate::kernel::context::Context;
use crate::kernel::party::party;
use crate::kernel::{MemberId, Missing};
use crate::network::keys;
use crate::network::record::{GroupKey, Usage};

/// Counts calls of a member for its group.
pub(super) fn add(
    context: &mut Context<'_>,
    querier: MemberId,
    list: ListId,
    calls: u32,
) -> Result<(), Missing> {
    let Some(party) = party(context, querier)? else {
        return Ok(());
    };
    let date = context.clock().business_date;
    let counted: Option<Usage> = context.read(&keys::usage(list))?;
    let mut usage = counted.unwrap_or(Usage {
        business_date: date,
        groups: Default::default(),
    });
    usage.add(date, GroupKey::of(&party.group), calls);
    context.put(keys::usage(list), &usage);
    Ok(())
}
