//! Paths and roots of the log as it stood at any earlier length.
//!
//! The log only grows, so a subtree that is complete never changes: whoever keeps the complete ones can
//! show the whole log at every length, and needs nothing else.

use super::{LOG_DEPTH, LogPath};
use crate::curve::Field;
use crate::curve::poseidon2::hash_node;
use crate::merkle::{ARITY, EMPTY, Path};

/// Complete subtrees of a log, wherever they are kept.
pub trait CompleteNodes {
    /// The root of the subtree over the leaves from `index·4^height` on, `4^height` of them; `None` where it
    /// is not complete, or not kept. A leaf has height 0.
    fn node(&self, height: usize, index: u64) -> Option<Field>;
}

/// The root of the log when it held `length` leaves; `None` where a subtree for it is not kept.
pub fn root_at(nodes: &impl CompleteNodes, length: u64) -> Option<Field> {
    if length >> (2 * LOG_DEPTH) > 0 {
        return nodes
            .node(LOG_DEPTH, 0)
            .filter(|_| length == 1 << (2 * LOG_DEPTH));
    }
    open_nodes(nodes, length).map(|open| open[LOG_DEPTH])
}

/// The path of leaf `index` in the log when it held `length` leaves; `None` where there was no such leaf, or
/// a subtree for it is not kept.
pub fn path_at(nodes: &impl CompleteNodes, length: u64, index: u64) -> Option<LogPath> {
    if index >= length || length > 1 << (2 * LOG_DEPTH) {
        return None;
    }
    let open = open_nodes(nodes, length)?;
    let mut siblings = [[Field::default(); ARITY - 1]; LOG_DEPTH];
    for (height, siblings) in siblings.iter_mut().enumerate() {
        let position = index >> (2 * height);
        let first = position & !(ARITY as u64 - 1);
        let others = (first..first + ARITY as u64).filter(|&other| other != position);
        for (sibling, other) in siblings.iter_mut().zip(others) {
            *sibling = node_at(nodes, &open, length, height, other)?;
        }
    }
    Some(LogPath(Path::new(index, siblings)))
}

/// A node of the log at this length.
fn node_at(
    nodes: &impl CompleteNodes,
    open: &[Field; LOG_DEPTH + 1],
    length: u64,
    height: usize,
    index: u64,
) -> Option<Field> {
    let complete = length >> (2 * height);
    match index {
        _ if index < complete => nodes.node(height, index),
        _ if index == complete => Some(open[height]),
        _ => Some(EMPTY[height]),
    }
}

/// At each height the subtree that the next leaf would belong to, which is not complete.
fn open_nodes(nodes: &impl CompleteNodes, length: u64) -> Option<[Field; LOG_DEPTH + 1]> {
    let mut open = [EMPTY[0]; LOG_DEPTH + 1];
    for height in 0..LOG_DEPTH {
        let complete = length >> (2 * height);
        let first = complete & !(ARITY as u64 - 1);
        let mut children = [EMPTY[height]; ARITY];
        for (child, index) in children.iter_mut().zip(first..=complete) {
            *child = if index < complete {
                nodes.node(height, index)?
            } else {
                open[height]
            };
        }
        open[height + 1] = hash_node(&children);
    }
    Some(open)
}
