//! The network's one log of calls.

use tacit_circuits::curve::Field;

use crate::kernel::context::Context;
use crate::kernel::{Missing, Reject, Stop};
use crate::network::event::Event;
use crate::network::record::{LogHead, MAX_LOG_ROOTS, Root};
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
    let (root, length) = (Root::from(frontier.root()), frontier.len());
    context.put(
        keys::log_head(),
        &LogHead {
            root,
            length,
            height: context.height(),
        },
    );
    context.emit(&Event::LogAdvanced { root, length });
    record(context, root)
}

/// Records a root for the receipts to come, in the place of the ring that the block's height gives; the
/// root that stood there is one of a block at least as many blocks ago as the ring has places.
fn record(context: &mut Context<'_>, root: Root) -> Result<(), Missing> {
    let height = context.height();
    let place_key = keys::log_root_place(height % MAX_LOG_ROOTS);
    if let Some(overwritten) = context.read::<Root>(&place_key)? {
        context.remove(keys::log_root(&overwritten));
    }
    context.put(place_key, &root);
    context.put(keys::log_root(&root), &height);
    Ok(())
}
