//! What shows that a published root is not that of an honest tree.

use borsh::{BorshDeserialize, BorshSerialize};

use super::{Leaf, MembershipPath};
use crate::curve::Field;

/// Leaves under one root that no honest tree holds together. An owner who could publish them could
/// answer both yes and no about a tag between them.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum ListFraud {
    /// One leaf whose interval is empty or runs backwards.
    Disorder(Box<MembershipPath>),
    /// Two leaves in different slots whose intervals overlap.
    Overlap(Box<MembershipPath>, Box<MembershipPath>),
}

/// Why an accusation fails. The accuser is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FraudError {
    /// A leaf is not under the accused root.
    #[error("a path does not lead from its leaf to the accused root")]
    WrongRoot,
    /// The same slot twice.
    #[error("both paths are of one slot")]
    SameSlot,
    /// The leaves are such as an honest tree holds.
    #[error("the leaves are in order")]
    Honest,
}

impl ListFraud {
    /// Checks the accusation against the published root.
    ///
    /// # Errors
    /// [`FraudError`], the first that applies in the order of its variants.
    pub fn verify(&self, root: &Field) -> Result<(), FraudError> {
        let fraud = match self {
            Self::Disorder(path) => is_disordered(under(root, path)?),
            Self::Overlap(first, second) => {
                let leaves = (under(root, first)?, under(root, second)?);
                if first.index() == second.index() {
                    return Err(FraudError::SameSlot);
                }
                overlap(leaves.0, leaves.1)
            }
        };
        if fraud {
            Ok(())
        } else {
            Err(FraudError::Honest)
        }
    }
}

fn under<'a>(root: &Field, path: &'a MembershipPath) -> Result<&'a Leaf, FraudError> {
    if path.root() == *root {
        Ok(path.leaf())
    } else {
        Err(FraudError::WrongRoot)
    }
}

fn is_disordered(leaf: &Leaf) -> bool {
    leaf.low >= leaf.next
}

/// Whether `[low, next)` of both share a number.
fn overlap(first: &Leaf, second: &Leaf) -> bool {
    first.low.max(second.low) < first.next.min(second.next)
}
