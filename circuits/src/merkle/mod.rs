//! Merkle trees of arity 4 and fixed depth, under lists and the log.
//!
//! A node is `P4(c0, c1, c2, c3)[0] + c0` over its children, an empty slot is 0, and an empty subtree
//! is the node over empty children. Only the part up to the last slot in use is stored.

mod path;

use std::sync::LazyLock;

use rayon::prelude::*;

use crate::curve::Field;
use crate::curve::poseidon2::hash_node;

pub(crate) use path::Path;

/// Children of a node.
pub(crate) const ARITY: usize = 4;
/// No tree is deeper.
const MAX_DEPTH: usize = 16;
/// Below this many nodes, handing them to other threads costs more than it saves.
const PARALLEL_FROM: usize = 32;

/// The root of an empty subtree of each height.
pub(crate) static EMPTY: LazyLock<[Field; MAX_DEPTH + 1]> = LazyLock::new(|| {
    let mut roots = [Field::default(); MAX_DEPTH + 1];
    for height in 1..=MAX_DEPTH {
        roots[height] = hash_node(&[roots[height - 1]; ARITY]);
    }
    roots
});

/// A tree of `4^DEPTH` slots with all its inner nodes.
#[derive(Clone)]
pub(crate) struct Merkle<const DEPTH: usize> {
    /// `levels[0]` are the leaves, `levels[DEPTH]` the root. Missing on the right: empty subtrees.
    levels: Vec<Vec<Field>>,
}

impl<const DEPTH: usize> Merkle<DEPTH> {
    /// Slots of the tree.
    pub(crate) const CAPACITY: usize = ARITY.pow(DEPTH as u32);

    /// A tree over these leaves, at most [`CAPACITY`](Self::CAPACITY).
    pub(crate) fn new(leaves: Vec<Field>) -> Self {
        debug_assert!(leaves.len() <= Self::CAPACITY);
        let mut levels = Vec::with_capacity(DEPTH + 1);
        levels.push(leaves);
        for height in 0..DEPTH {
            let parents = parents(&levels[height], height);
            levels.push(parents);
        }
        Self { levels }
    }

    pub(crate) fn root(&self) -> Field {
        node(&self.levels, DEPTH, 0)
    }

    /// Slots up to the last that was ever in use.
    pub(crate) fn len(&self) -> usize {
        self.levels[0].len()
    }

    /// Writes leaves, in ascending order of their slots, and rehashes what is above them.
    pub(crate) fn write(&mut self, leaves: &[(usize, Field)]) {
        let Some(&(last, _)) = leaves.last() else {
            return;
        };
        debug_assert!(leaves.is_sorted_by(|a, b| a.0 < b.0) && last < Self::CAPACITY);
        let mut width = self.len().max(last + 1);
        for (height, level) in self.levels.iter_mut().enumerate() {
            level.resize(width, EMPTY[height]);
            width = width.div_ceil(ARITY);
        }
        for &(index, leaf) in leaves {
            self.levels[0][index] = leaf;
        }
        let mut dirty: Vec<usize> = leaves.iter().map(|&(index, _)| index).collect();
        for height in 0..DEPTH {
            dirty.iter_mut().for_each(|index| *index /= ARITY);
            dirty.dedup();
            let below = &self.levels;
            let parents: Vec<Field> = dirty
                .par_iter()
                .with_min_len(PARALLEL_FROM)
                .map(|&parent| hash_node(&children(below, height, parent)))
                .collect();
            for (&index, parent) in dirty.iter().zip(parents) {
                self.levels[height + 1][index] = parent;
            }
        }
    }

    /// The siblings of a slot, from the leaf up.
    pub(crate) fn path(&self, index: usize) -> Path<DEPTH> {
        let mut siblings = [[Field::default(); ARITY - 1]; DEPTH];
        let mut position = index;
        for (height, siblings) in siblings.iter_mut().enumerate() {
            let children = children(&self.levels, height, position / ARITY);
            let others = (0..ARITY).filter(|&child| child != position % ARITY);
            for (sibling, child) in siblings.iter_mut().zip(others) {
                *sibling = children[child];
            }
            position /= ARITY;
        }
        Path {
            index: index as u64,
            siblings,
        }
    }
}

/// The level above.
fn parents(level: &[Field], height: usize) -> Vec<Field> {
    level
        .par_chunks(ARITY)
        .with_min_len(PARALLEL_FROM)
        .map(|present| {
            let mut children = [EMPTY[height]; ARITY];
            children[..present.len()].copy_from_slice(present);
            hash_node(&children)
        })
        .collect()
}

fn node(levels: &[Vec<Field>], height: usize, index: usize) -> Field {
    levels[height].get(index).copied().unwrap_or(EMPTY[height])
}

fn children(levels: &[Vec<Field>], height: usize, parent: usize) -> [Field; ARITY] {
    std::array::from_fn(|child| node(levels, height, parent * ARITY + child))
}
