//! The channels between nodes, and how large their messages may be.

mod peers;

pub(crate) use peers::Peers;
pub use peers::{Peer, PeerDirectory};

use crate::{block::Block, mempool::MAX_GOSSIP_BYTES};
use commonware_consensus::{marshal, marshal::standard::Standard, simplex};
use commonware_glue::stateful::db::p2p as state_sync;
use commonware_p2p::{max_message_size, utils::mux::prefixed};
use commonware_runtime::Quota;
use commonware_storage::mmr;
use commonware_utils::{NZU32, NZU64};
use std::num::NonZeroU64;
use tacit_finality::{Digest, MAX_VALIDATORS, MAX_VALUE_BYTES, Scheme};

/// Messages a second that one peer may send on one channel; more are dropped.
///
/// Consensus at 50 blocks a second sends about 150. The network reserves room for a second's worth
/// of every possible peer on every channel, so a larger quota costs memory.
pub const CHANNEL_QUOTA: Quota = Quota::per_second(NZU32!(512));

/// State operations in one message to a joining node.
pub(crate) const SYNC_BATCH: NonZeroU64 = NZU64!(64);

/// The channels of the peer-to-peer network, in order of their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Channel {
    /// Votes of consensus.
    Votes = 0,
    /// Certificates of consensus.
    Certificates = 1,
    /// Requests for certificates that a node missed.
    Resolver = 2,
    /// Requests for blocks that a node missed.
    Backfill = 3,
    /// Proposed blocks.
    Blocks = 4,
    /// Transactions that wait.
    Transactions = 5,
    /// State, for joining nodes.
    State = 6,
    /// Changes of validators and the newest finalization, for joining nodes.
    Handovers = 7,
}

impl Channel {
    /// All channels, in order of their numbers.
    pub const ALL: [Self; 8] = [
        Self::Votes,
        Self::Certificates,
        Self::Resolver,
        Self::Backfill,
        Self::Blocks,
        Self::Transactions,
        Self::State,
        Self::Handovers,
    ];

    /// The channel's number on the wire.
    pub const fn number(self) -> u64 {
        self as u64
    }
}

/// The two ends of every channel.
pub struct Channels<S, R> {
    /// Votes.
    pub votes: (S, R),
    /// Certificates.
    pub certificates: (S, R),
    /// Requests for certificates.
    pub resolver: (S, R),
    /// Requests for blocks.
    pub backfill: (S, R),
    /// Proposed blocks.
    pub blocks: (S, R),
    /// Transactions.
    pub transactions: (S, R),
    /// State.
    pub state: (S, R),
    /// Changes of validators and the newest finalization.
    pub handovers: (S, R),
}

impl<S, R> Channels<S, R> {
    /// Opens each channel by its number.
    pub fn open(mut open: impl FnMut(Channel) -> (S, R)) -> Self {
        Self {
            votes: open(Channel::Votes),
            certificates: open(Channel::Certificates),
            resolver: open(Channel::Resolver),
            backfill: open(Channel::Backfill),
            blocks: open(Channel::Blocks),
            transactions: open(Channel::Transactions),
            state: open(Channel::State),
            handovers: open(Channel::Handovers),
        }
    }
}

/// The largest message that a node sends, in bytes. The network panics on a larger one, so every
/// channel is counted here.
pub fn largest_message() -> u32 {
    /// A list's length and each transaction's: five bytes at most.
    const MAX_GOSSIP_FRAMING: usize = 16 * 1024;
    /// What surrounds a key and a value in a logged operation.
    const OPERATION_FRAMING: usize = 64;
    let validators = MAX_VALIDATORS as u32;
    max_message_size(&[
        prefixed(simplex::max_payload_size::<Scheme, Digest>(validators)),
        marshal::max_payload_size::<Standard<Block>, Scheme>(validators, &()),
        state_sync::max_payload_size::<mmr::Family, Digest>(
            SYNC_BATCH,
            MAX_VALUE_BYTES + OPERATION_FRAMING,
        ),
        crate::epochs::MAX_HANDOVER_MESSAGE,
        MAX_GOSSIP_BYTES + MAX_GOSSIP_FRAMING,
    ])
}
