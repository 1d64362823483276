//! From a leaf to the root.

use std::fmt;
use std::io::{self, Error, ErrorKind, Read, Write};

use borsh::{BorshDeserialize, BorshSerialize};

use super::ARITY;
use crate::curve::Field;
use crate::curve::field_borsh;
use crate::curve::poseidon2::hash_node;

/// A slot of a tree of `4^DEPTH` and its siblings from the leaf up.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Path<const DEPTH: usize> {
    /// Below `4^DEPTH`.
    pub(super) index: u64,
    pub(super) siblings: [[Field; ARITY - 1]; DEPTH],
}

impl<const DEPTH: usize> Path<DEPTH> {
    const SLOTS: u64 = (ARITY as u64).pow(DEPTH as u32);

    pub(crate) fn index(&self) -> u64 {
        self.index
    }

    pub(crate) fn siblings(&self) -> &[[Field; ARITY - 1]; DEPTH] {
        &self.siblings
    }

    /// The root over this leaf and the siblings.
    pub(crate) fn root(&self, leaf: Field) -> Field {
        let mut position = self.index;
        let mut node = leaf;
        for siblings in &self.siblings {
            let own = (position % ARITY as u64) as usize;
            let mut children = [node; ARITY];
            let others = (0..ARITY).filter(|&child| child != own);
            for (child, sibling) in others.zip(siblings) {
                children[child] = *sibling;
            }
            node = hash_node(&children);
            position /= ARITY as u64;
        }
        node
    }
}

impl<const DEPTH: usize> fmt::Debug for Path<DEPTH> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Path")
            .field("index", &self.index)
            .finish_non_exhaustive()
    }
}

impl<const DEPTH: usize> BorshSerialize for Path<DEPTH> {
    fn serialize<W: Write>(&self, writer: &mut W) -> io::Result<()> {
        self.index.serialize(writer)?;
        self.siblings
            .as_flattened()
            .iter()
            .try_for_each(|sibling| field_borsh::serialize(sibling, writer))
    }
}

impl<const DEPTH: usize> BorshDeserialize for Path<DEPTH> {
    fn deserialize_reader<R: Read>(reader: &mut R) -> io::Result<Self> {
        let index = u64::deserialize_reader(reader)?;
        if index >= Self::SLOTS {
            return Err(Error::new(
                ErrorKind::InvalidData,
                "the tree has no such slot",
            ));
        }
        let mut siblings = [[Field::default(); ARITY - 1]; DEPTH];
        for sibling in siblings.as_flattened_mut() {
            *sibling = field_borsh::deserialize(reader)?;
        }
        Ok(Self { index, siblings })
    }
}
