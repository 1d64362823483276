//! Whether a tag is on a list, shown from the list's root.

use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};

use super::{LIST_DEPTH, Tag};
use crate::curve::Field;
use crate::curve::poseidon2::{Domain, hash_2};
use crate::merkle::Path;

/// A leaf of a list's tree: a tag (0 at the chain's head) and the next larger one (2^128 − 1 at its
/// end). In an honest tree `low < next`; a [`ListFraud`](super::ListFraud) shows one where not.
#[derive(Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Leaf {
    /// The tag that the leaf stands for.
    pub low: u128,
    /// The next larger tag of the list.
    pub next: u128,
}

impl Leaf {
    /// `H2(leaf; low, next)`.
    #[must_use]
    pub fn hash(&self) -> Field {
        hash_2(Domain::Leaf, Field::from(self.low), Field::from(self.next))
    }
}

impl fmt::Debug for Leaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Leaf(<redacted>)")
    }
}

/// Whether a list holds a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Presence {
    /// A leaf begins with the tag.
    Listed,
    /// A leaf's interval spans the tag.
    NotListed,
}

/// The leaf that decides about a tag, and its way to the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct MembershipPath {
    leaf: Leaf,
    path: Path<LIST_DEPTH>,
}

/// Why a path decides nothing. Whoever sent it is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// The leaf is not at this place under this root.
    #[error("the path does not lead from its leaf to this root")]
    WrongRoot,
    /// The leaf is about other tags.
    #[error("the leaf neither begins with the tag nor spans it")]
    OtherTag,
}

impl MembershipPath {
    pub(super) fn new(leaf: Leaf, path: Path<LIST_DEPTH>) -> Self {
        Self { leaf, path }
    }

    pub(crate) fn path(&self) -> &Path<LIST_DEPTH> {
        &self.path
    }

    /// The leaf.
    #[must_use]
    pub fn leaf(&self) -> &Leaf {
        &self.leaf
    }

    /// The leaf's slot.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.path.index()
    }

    /// The root that the path leads to.
    #[must_use]
    pub fn root(&self) -> Field {
        self.path.root(self.leaf.hash())
    }

    /// What the list with this root says about the tag.
    ///
    /// # Errors
    /// [`PathError`], the first that applies in the order of its variants.
    pub fn verify(&self, root: &Field, tag: Tag) -> Result<Presence, PathError> {
        if self.root() != *root {
            return Err(PathError::WrongRoot);
        }
        let tag = tag.to_u128();
        if !(self.leaf.low <= tag && tag < self.leaf.next) {
            return Err(PathError::OtherTag);
        }
        Ok(if self.leaf.low == tag {
            Presence::Listed
        } else {
            Presence::NotListed
        })
    }
}
