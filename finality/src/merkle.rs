//! A plain binary hash tree over the results of a block.
//!
//! The tree is that of RFC 6962 §2.1 (left subtree: the largest power of two below the size), with
//! BLAKE3, a label in each leaf, and the number of leaves bound into the root, so that a path for
//! one size cannot be read as one for another.

use crate::{Digest, Hash};
use bytes::BufMut;
use commonware_codec::{
    Buf, EncodeSize, Error as CodecError, FixedSize, RangeCfg, Read, ReadExt as _, Write,
};
use commonware_cryptography::Hasher as _;

/// The most siblings on a path: a tree holds fewer than 2^32 leaves.
pub const MAX_PATH: usize = 32;

const NODE_PREFIX: &[u8] = b"tacit/results-node/v1";
const ROOT_PREFIX: &[u8] = b"tacit/results-root/v1";

/// The way from a leaf to the root: its index, the number of leaves, and the siblings from the leaf up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MerklePath {
    /// Position of the leaf, counted from zero.
    pub index: u32,
    /// Number of leaves in the tree.
    pub leaves: u32,
    /// Sibling hashes, the leaf's first.
    pub siblings: Vec<Digest>,
}

impl MerklePath {
    /// The root to which `leaf` leads, or `None` if the path cannot belong to a tree of that size.
    pub(crate) fn root(&self, leaf: Digest) -> Option<Digest> {
        if self.index >= self.leaves {
            return None;
        }
        let mut siblings = self.siblings.iter();
        let top = climb(leaf, self.index, self.leaves, &mut siblings)?;
        siblings.next().is_none().then(|| seal(top, self.leaves))
    }
}

impl Write for MerklePath {
    fn write(&self, buf: &mut impl BufMut) {
        self.index.write(buf);
        self.leaves.write(buf);
        self.siblings.write(buf);
    }
}

impl EncodeSize for MerklePath {
    fn encode_size(&self) -> usize {
        2 * u32::SIZE + self.siblings.encode_size()
    }
}

impl Read for MerklePath {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        Ok(Self {
            index: u32::read(buf)?,
            leaves: u32::read(buf)?,
            siblings: Vec::read_cfg(buf, &(RangeCfg::from(0..=MAX_PATH), ()))?,
        })
    }
}

/// Root of `leaves`, which are hashes already.
pub(crate) fn root(leaves: &[Digest]) -> Digest {
    let top = subtree(leaves).unwrap_or_else(|| Hash::hash(&[ROOT_PREFIX]));
    seal(top, leaves.len() as u32)
}

/// The path of the leaf at `index`, or `None` if there is no such leaf.
pub(crate) fn path(leaves: &[Digest], index: usize) -> Option<MerklePath> {
    if index >= leaves.len() {
        return None;
    }
    let mut siblings = Vec::new();
    let (mut range, mut position) = (leaves, index);
    while range.len() > 1 {
        let (left, right) = range.split_at(split(range.len()));
        if position < left.len() {
            siblings.push(subtree(right)?);
            range = left;
        } else {
            siblings.push(subtree(left)?);
            position -= left.len();
            range = right;
        }
    }
    siblings.reverse();
    Some(MerklePath {
        index: index as u32,
        leaves: leaves.len() as u32,
        siblings,
    })
}

fn climb<'a>(
    leaf: Digest,
    index: u32,
    size: u32,
    siblings: &mut impl Iterator<Item = &'a Digest>,
) -> Option<Digest> {
    if size == 1 {
        return Some(leaf);
    }
    let left = split(size as usize) as u32;
    if index < left {
        let below = climb(leaf, index, left, siblings)?;
        Some(node(&below, siblings.next()?))
    } else {
        let below = climb(leaf, index - left, size - left, siblings)?;
        Some(node(siblings.next()?, &below))
    }
}

fn subtree(leaves: &[Digest]) -> Option<Digest> {
    match leaves {
        [] => None,
        [leaf] => Some(*leaf),
        more => {
            let (left, right) = more.split_at(split(more.len()));
            Some(node(&subtree(left)?, &subtree(right)?))
        }
    }
}

/// The largest power of two below `size`, which is at least 2.
fn split(size: usize) -> usize {
    1 << (size - 1).ilog2()
}

fn node(left: &Digest, right: &Digest) -> Digest {
    Hash::hash(&[NODE_PREFIX, left, right])
}

fn seal(top: Digest, leaves: u32) -> Digest {
    Hash::hash(&[ROOT_PREFIX, &leaves.to_be_bytes(), &top])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(count: usize) -> Vec<Digest> {
        (0..count)
            .map(|i| Hash::hash(&[&i.to_be_bytes()]))
            .collect()
    }

    #[test]
    fn every_leaf_of_every_small_tree_leads_to_its_root_and_to_no_other() {
        for count in 1..40 {
            let all = leaves(count);
            let expected = root(&all);
            for (index, leaf) in all.iter().enumerate() {
                let path = path(&all, index).expect("the leaf exists");
                assert_eq!(path.root(*leaf), Some(expected));

                let mut moved = path.clone();
                moved.index = (index as u32 + 1) % count as u32;
                assert!(count == 1 || moved.root(*leaf) != Some(expected));

                let mut resized = path.clone();
                resized.leaves += 1;
                assert_ne!(resized.root(*leaf), Some(expected));
            }
        }
    }

    #[test]
    fn a_leaf_beyond_the_last_has_no_path() {
        assert_eq!(path(&leaves(3), 3), None);
        assert_eq!(path(&[], 0), None);
    }

    #[test]
    fn a_path_with_a_sibling_too_many_is_refused() {
        let all = leaves(4);
        let mut path = path(&all, 2).expect("the leaf exists");
        path.siblings.push(all[0]);
        assert_eq!(path.root(all[2]), None);
    }
}
