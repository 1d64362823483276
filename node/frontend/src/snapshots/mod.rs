//! Snapshots of lists: served to members, fetched from them, verified, and searched.
//!
//! An owner's snapshots and deltas lie in files and are streamed from any offset. A reader fetches what the
//! ledger says is published, as a delta where it holds the version before; rebuilds the tree, and compares
//! its root with the one on the ledger **before anything of it is used**. If it agrees, the reader attests
//! it; if not, it raises an alarm that names the publication. When the ledger says that a publication is
//! active, its verified copy takes the place of the one before, in one step. A copy that is behind answers
//! for as long as its category's grace allows; one whose version is off answers no more.
//!
//! What was fetched is kept beside, so that what a list said can be shown when it has long changed.
//!
//! Look-ups go to a sorted, memory-mapped file of 16 bytes a tag.

mod archive;
mod copies;
mod deltas;
mod fetch;
mod files;
mod held;
mod lookup;
mod obtain;
mod serve;
mod status;
mod trees;
mod wanted;

/// Versions that a reader which was away makes up for delta by delta, and whose deltas an owner keeps for it:
/// a month of daily versions. A reader that was away for longer fetches the snapshot.
pub(crate) const MAX_DELTA_CHAIN: u32 = 32;

pub use lookup::{ListCopy, Lookup, LookupError};
pub use status::{CopiesConfig, CopyState, CopyStatus, MAX_LIST_ENTRIES};

pub(crate) use archive::Archive;
pub(crate) use copies::Copies;
pub use files::FileError;
pub(crate) use files::{
    Files, io_error, read_snapshot, read_tags, remove, write_snapshot, write_tags, write_whole,
};
pub(crate) use held::{NotUsable, Standing};
pub(crate) use obtain::Obtainer;
pub use obtain::TreeUnreadable;
pub(crate) use serve::{SnapshotServer, SnapshotStream};
pub(crate) use trees::Trees;
