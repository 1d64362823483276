//! What a block commits to.

use crate::{Committee, Digest, Hash, ProposalContext};
use bytes::BufMut;
use commonware_codec::{
    Buf, Encode as _, EncodeSize, Error as CodecError, FixedSize, MaxEncodeSize, Read,
    ReadExt as _, Write,
};
use commonware_consensus::types::{Epoch, Height};
use commonware_cryptography::{Digestible, Hasher as _};
use commonware_storage::mmr;
use commonware_utils::range::NonEmptyRange;

/// Names one network: the hash of its genesis. Every signature of the network binds it.
pub type ChainId = [u8; 32];

/// Prefix of a header's hash.
const HEADER_LABEL: &[u8] = b"tacit/block-header/v1";

/// The state after a block.
///
/// The store keeps an append-only log of operations and marks which of them are still in force.
/// `root` commits to both and is what proofs lead to; `operations_root` commits to the log alone and
/// is what a joining node downloads against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateCommitment {
    /// Root over the keys that exist now and their values.
    pub root: Digest,
    /// Root over the log of operations.
    pub operations_root: Digest,
    /// The part of the log that a joining node needs, from its first operation to one past its last.
    pub operations: NonEmptyRange<mmr::Location>,
}

impl Write for StateCommitment {
    fn write(&self, buf: &mut impl BufMut) {
        self.root.write(buf);
        self.operations_root.write(buf);
        self.operations.write(buf);
    }
}

impl EncodeSize for StateCommitment {
    fn encode_size(&self) -> usize {
        2 * Digest::SIZE + self.operations.encode_size()
    }
}

impl MaxEncodeSize for StateCommitment {
    const MAX_ENCODE_SIZE: usize =
        2 * Digest::SIZE + NonEmptyRange::<mmr::Location>::MAX_ENCODE_SIZE;
}

impl Read for StateCommitment {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        Ok(Self {
            root: Digest::read(buf)?,
            operations_root: Digest::read(buf)?,
            operations: NonEmptyRange::read(buf)?,
        })
    }
}

/// A block without its transactions. Its hash is the block's hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Epoch, view, leader and parent view under which the block was first proposed.
    pub context: ProposalContext,
    /// Hash of the block before it.
    pub parent: Digest,
    /// Number of blocks since genesis, which has height 0.
    pub height: Height,
    /// The leader's clock in milliseconds since the Unix epoch; strictly above the parent's.
    pub time_ms: u64,
    /// Hash of the block's transactions, in order.
    pub body: Digest,
    /// The state after the block's transactions.
    pub state: StateCommitment,
    /// Root over the outcome and events of each of the block's transactions.
    pub results_root: Digest,
    /// The validators of the next epoch, in the last block of an epoch and nowhere else.
    pub handover: Option<Committee>,
}

impl Header {
    /// The epoch whose validators finalize the block.
    pub fn epoch(&self) -> Epoch {
        self.context.round.epoch()
    }

    /// The longest encoding, in bytes.
    pub fn max_encode_size() -> usize {
        ProposalContext::MAX_ENCODE_SIZE
            + 3 * Digest::SIZE
            + Height::MAX_ENCODE_SIZE
            + u64::SIZE
            + StateCommitment::MAX_ENCODE_SIZE
            + u8::SIZE
            + Committee::max_encode_size()
    }
}

impl Header {
    /// The hash that certificates and the next block name.
    pub fn hash(&self) -> [u8; 32] {
        self.digest().0
    }
}

impl Write for Header {
    fn write(&self, buf: &mut impl BufMut) {
        self.context.write(buf);
        self.parent.write(buf);
        self.height.write(buf);
        self.time_ms.write(buf);
        self.body.write(buf);
        self.state.write(buf);
        self.results_root.write(buf);
        self.handover.write(buf);
    }
}

impl EncodeSize for Header {
    fn encode_size(&self) -> usize {
        self.context.encode_size()
            + 3 * Digest::SIZE
            + self.height.encode_size()
            + u64::SIZE
            + self.state.encode_size()
            + self.handover.encode_size()
    }
}

impl Read for Header {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        Ok(Self {
            context: ProposalContext::read(buf)?,
            parent: Digest::read(buf)?,
            height: Height::read(buf)?,
            time_ms: u64::read(buf)?,
            body: Digest::read(buf)?,
            state: StateCommitment::read(buf)?,
            results_root: Digest::read(buf)?,
            handover: Option::<Committee>::read(buf)?,
        })
    }
}

impl Digestible for Header {
    type Digest = Digest;

    fn digest(&self) -> Digest {
        Hash::hash(&[HEADER_LABEL, &self.encode()])
    }
}
