//! The right edge of the log, all that appending needs.

use std::io::{self, Error, ErrorKind, Read, Write};

use borsh::{BorshDeserialize, BorshSerialize};
use rayon::prelude::*;

use super::{CHUNK, CompleteNodes, LOG_DEPTH, LogFull, MAX_LOG_LEAVES};
use crate::curve::poseidon2::hash_node;
use crate::curve::{Field, field_borsh};
use crate::merkle::{ARITY, EMPTY};

/// The state of an append-only tree: its length, and at each height the up to three complete
/// subtrees that wait for their siblings. At most 1.6 kB encoded.
///
/// Equal leaves give equal frontiers, whatever the batches in which they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogFrontier {
    len: u64,
    /// At each height as many as that base-4 digit of `len`.
    pending: [Vec<Field>; LOG_DEPTH],
    /// The root once the log is full.
    full: Option<Field>,
}

impl LogFrontier {
    /// An empty log.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Leaves so far, which is the slot of the next.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether no call was logged yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Appends leaves in order, hashing on all cores, and returns the slot of the first.
    ///
    /// # Errors
    /// [`LogFull`] where they do not all fit; then nothing is appended.
    pub fn append(&mut self, leaves: &[Field]) -> Result<u64, LogFull> {
        self.append_noting(leaves, &mut |_, _| {})
    }

    /// [`append`](Self::append), and tells of each height, from the leaves up, the subtrees that are complete
    /// from now on, in their order: what has to be kept for [`path_at`](super::path_at).
    ///
    /// # Errors
    /// [`LogFull`] where they do not all fit; then nothing is appended and nothing told.
    pub fn append_noting(
        &mut self,
        leaves: &[Field],
        note: &mut dyn FnMut(usize, &[Field]),
    ) -> Result<u64, LogFull> {
        let first = self.len;
        if leaves.len() as u64 > MAX_LOG_LEAVES - first {
            return Err(LogFull);
        }
        self.len += leaves.len() as u64;
        let mut rising = leaves.to_vec();
        for (height, pending) in self.pending.iter_mut().enumerate() {
            if rising.is_empty() {
                return Ok(first);
            }
            note(height, &rising);
            pending.append(&mut rising);
            let (complete, rest) = pending.as_chunks::<ARITY>();
            rising = complete
                .par_iter()
                .with_min_len(CHUNK)
                .map(hash_node)
                .collect();
            *pending = rest.to_vec();
        }
        note(LOG_DEPTH, &rising);
        self.full = rising.first().copied();
        Ok(first)
    }

    /// The complete subtrees of a height that wait for their siblings, and the index of the first of them.
    #[must_use]
    pub fn pending(&self, height: usize) -> (u64, &[Field]) {
        let pending = match self.pending.get(height) {
            Some(pending) => pending,
            None => self.full.as_slice(),
        };
        let complete = self.len.checked_shr(2 * height as u32).unwrap_or(0);
        (complete - pending.len() as u64, pending)
    }

    /// The frontier of a log of this length whose complete subtrees are kept; `None` where one is not.
    pub fn at(nodes: &impl CompleteNodes, len: u64) -> Option<Self> {
        let mut frontier = Self {
            len,
            ..Self::default()
        };
        for (height, pending) in frontier.pending.iter_mut().enumerate() {
            let complete = len >> (2 * height);
            *pending = (complete & !(ARITY as u64 - 1)..complete)
                .map(|index| nodes.node(height, index))
                .collect::<Option<_>>()?;
        }
        if len == MAX_LOG_LEAVES {
            frontier.full = Some(nodes.node(LOG_DEPTH, 0)?);
        }
        Some(frontier)
    }

    /// The root over all leaves, with empty slots to the right of them.
    #[must_use]
    pub fn root(&self) -> Field {
        if let Some(root) = self.full {
            return root;
        }
        // The subtree that the next leaf belongs to, from the bottom up.
        let mut open = EMPTY[0];
        for (height, pending) in self.pending.iter().enumerate() {
            let mut children = [EMPTY[height]; ARITY];
            children[..pending.len()].copy_from_slice(pending);
            children[pending.len()] = open;
            open = hash_node(&children);
        }
        open
    }
}

impl BorshSerialize for LogFrontier {
    fn serialize<W: Write>(&self, writer: &mut W) -> io::Result<()> {
        self.len.serialize(writer)?;
        self.pending
            .iter()
            .flatten()
            .chain(&self.full)
            .try_for_each(|node| field_borsh::serialize(node, writer))
    }
}

impl BorshDeserialize for LogFrontier {
    fn deserialize_reader<R: Read>(reader: &mut R) -> io::Result<Self> {
        let len = u64::deserialize_reader(reader)?;
        if len > MAX_LOG_LEAVES {
            return Err(Error::new(ErrorKind::InvalidData, LogFull));
        }
        let mut frontier = Self {
            len,
            ..Self::default()
        };
        for (height, pending) in frontier.pending.iter_mut().enumerate() {
            let digit = len >> (2 * height) & 3;
            *pending = (0..digit)
                .map(|_| field_borsh::deserialize(reader))
                .collect::<io::Result<_>>()?;
        }
        if len == MAX_LOG_LEAVES {
            frontier.full = Some(field_borsh::deserialize(reader)?);
        }
        Ok(frontier)
    }
}
