//! Commits to a block's outcomes and events, and proves each of them.
//!
//! The tree is that of RFC 9162, section 2.1 (the largest power of two goes to the left), with BLAKE3
//! labels in place of its prefix bytes, and with the number of leaves hashed into the root. Leaf 0 is
//! what the block did by itself (due work); transaction `i` is leaf `i + 1`. So one proof shows that a
//! transaction stands in the block, its outcome, and each of its events.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::kernel::codec::BoundedVec;
use crate::kernel::envelope::TxId;
use crate::kernel::event::Event;
use crate::kernel::hash::{self, Digest, label};
use crate::kernel::reject::Reject;

/// Deepest results tree: a block of 2^32 transactions.
pub const MAX_RESULT_PROOF: usize = 32;

/// Most events of one result: a transaction that opens the most sessions, or a block's due work.
pub const MAX_EVENTS: usize = 1024;

/// What became of a transaction that stands in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Outcome {
    /// It took effect.
    Applied,
    /// It was refused; at most its sender's sequence number changed.
    Rejected(Reject),
}

/// A transaction with its outcome and events.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct TxResult {
    /// The transaction.
    pub tx_id: TxId,
    /// What became of it.
    pub outcome: Outcome,
    /// What it did, in order. Empty when refused.
    pub events: BoundedVec<Event, MAX_EVENTS>,
}

/// A leaf of the results tree.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum BlockResult {
    /// What the block did by itself: leaf 0 of every block.
    Block {
        /// Height of the block.
        height: u64,
        /// Events of due work, in order.
        events: BoundedVec<Event, MAX_EVENTS>,
    },
    /// One transaction.
    Tx(TxResult),
}

/// Shows that a result stands in a block.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ResultProof {
    /// Position of the leaf: 0 for the block itself, `i + 1` for transaction `i`.
    pub index: u32,
    /// Number of leaves.
    pub count: u32,
    /// Siblings from the leaf up.
    pub siblings: BoundedVec<Digest, MAX_RESULT_PROOF>,
}

fn leaf(result: &BlockResult) -> Digest {
    hash::hash_encoded(&label::RESULT_LEAF, result)
}

fn node(left: Digest, right: Digest) -> Digest {
    hash::hash_encoded(&label::RESULT_NODE, &(left, right))
}

fn sealed(count: u32, top: Digest) -> Digest {
    hash::hash_encoded(&label::RESULT_ROOT, &(count, top))
}

/// The largest power of two below `count`, for more than one leaf: where RFC 9162 splits a tree.
fn split(count: usize) -> usize {
    count.next_power_of_two() / 2
}

fn top(leaves: &[Digest]) -> Digest {
    match leaves {
        [] => Digest::default(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            node(top(left), top(right))
        }
    }
}

impl BlockResult {
    /// Its events, in order.
    pub fn events(&self) -> &[Event] {
        match self {
            Self::Block { events, .. } => events,
            Self::Tx(tx) => &tx.events,
        }
    }
}

/// Commits to the results of a block, in order.
pub fn root(results: &[BlockResult]) -> Digest {
    let leaves: Vec<_> = results.iter().map(leaf).collect();
    sealed(leaves.len() as u32, top(&leaves))
}

/// Proof that result `index` stands in the block; `None` if there is no such result.
pub fn prove(results: &[BlockResult], index: u32) -> Option<ResultProof> {
    results.get(index as usize)?;
    let leaves: Vec<_> = results.iter().map(leaf).collect();
    let mut siblings = Vec::new();
    let (mut part, mut place) = (leaves.as_slice(), index as usize);
    while part.len() > 1 {
        let (left, right) = part.split_at(split(part.len()));
        if place < left.len() {
            siblings.push(top(right));
            part = left;
        } else {
            siblings.push(top(left));
            place -= left.len();
            part = right;
        }
    }
    siblings.reverse();
    let siblings = BoundedVec::try_from(siblings).ok()?;
    Some(ResultProof {
        index,
        count: leaves.len() as u32,
        siblings,
    })
}

impl ResultProof {
    /// Whether `result` stands at [`index`](Self::index) of the block whose results have this root.
    ///
    /// The walk is that of RFC 9162, section 2.1.3.2.
    #[must_use]
    pub fn verify(&self, root: &Digest, result: &BlockResult) -> bool {
        if self.index >= self.count {
            return false;
        }
        let (mut place, mut last) = (self.index, self.count - 1);
        let mut digest = leaf(result);
        for sibling in &self.siblings {
            if last == 0 {
                return false;
            }
            if place & 1 == 1 || place == last {
                digest = node(*sibling, digest);
                // Levels at which this node has no sibling of its own are skipped.
                while place & 1 == 0 && place != 0 {
                    place >>= 1;
                    last >>= 1;
                }
            } else {
                digest = node(digest, *sibling);
            }
            place >>= 1;
            last >>= 1;
        }
        last == 0 && sealed(self.count, digest) == *root
    }
}
