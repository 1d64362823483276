//! What a block brings.

use tacit_ledger::kernel::{BlockResult, Digest};
use tacit_ledger::network::ConsensusKey;

/// The fields of a block's header that people look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockHeader {
    /// Height; the first block has 1.
    pub height: u64,
    /// Milliseconds since 1970-01-01 UTC.
    pub time_ms: u64,
    /// Epoch of the agreement.
    pub epoch: u64,
    /// View in which it was proposed.
    pub view: u64,
    /// Who proposed it.
    pub leader: ConsensusKey,
    /// Hash of the header.
    pub hash: Digest,
    /// Hash of the header before it.
    pub parent: Digest,
    /// Commits to its transactions.
    pub body: Digest,
    /// The state after it.
    pub state_root: Digest,
    /// Root over its outcomes and events.
    pub results_root: Digest,
}

/// A finalized block with what came of it.
#[derive(Clone, Debug)]
pub struct Block<'a> {
    /// The header.
    pub header: BlockHeader,
    /// The canonical bytes of each transaction's envelope, in order.
    pub envelopes: Vec<&'a [u8]>,
    /// What the block did by itself, then the result of each transaction, in order.
    pub results: &'a [BlockResult],
}
