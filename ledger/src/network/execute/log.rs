//! The network's one log of calls.

use tacit_circuits::curve::Field;

use crate::kernel::context::Context;
use crate::kernel::{Missing, Reject, Stop};
use crate::network::event::Event;
use crate::network::record::LogHead;
use crate::network::{keys, read};

/// Appends leaves in their order, and says at which index the first one stands.
pub(super) fn append(context: &mut Context<'_>, leaves: &[Field]) -> Result<u64, Stop> {
    let mut frontier = read::log_frontier(context)?;
    let first = frontier.append(leaves).map_err(|_| Reject::LOG_FULL)?;
    context.put(keys::log_frontier(), &frontier);
    Ok(first)
}

/// Records the log's root once for a block that logged calls: the root costs a hash for each level of the
/// tree, however many batches the block holds.
pub(crate) fn end_block(context: &mut Context<'_>) -> Result<(), Missing> {
    if !context.written_in_block(&keys::log_frontier()) {
        return Ok(());
    }
    let frontier = read::log_frontier(context)?;
    let (root, length) = (frontier.root().into(), frontier.len());
    context.put(
        keys::log_head(),
        &LogHead {
            root,
            length,
            height: context.height(),
        },
    );
    context.emit(&Event::LogAdvanced { root, length });
    Ok(())
}
