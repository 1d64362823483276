//! The version of the rules.

use crate::kernel::context::{Context, require};
use crate::kernel::{Reject, Stop};
use crate::network::event::Event;
use crate::network::parameters::MAX_SPAN_BLOCKS;
use crate::network::record::{CodeVersions, NextVersion};
use crate::network::{keys, read};

/// Has another version of the rules execute the blocks from a height on. One that was voted before and is not
/// in force yet gives way to it.
pub(super) fn set(context: &mut Context<'_>, version: u32, from_height: u64) -> Result<(), Stop> {
    let height = context.height();
    let versions = read::code_versions(context)?;
    let current = versions.at(height);
    require(version > current, Reject::CODE_VERSION_NOT_NEWER)?;
    // Nobody's machine can be asked to have stopped already.
    let in_range = (height + 1..=height + MAX_SPAN_BLOCKS).contains(&from_height);
    require(in_range, Reject::CODE_VERSION_HEIGHT_OUT_OF_RANGE)?;
    let next = Some(NextVersion {
        version,
        from_height,
    });
    context.put(keys::code_versions(), &CodeVersions { current, next });
    context.emit(&Event::CodeVersionSet {
        version,
        from_height,
    });
    Ok(())
}
