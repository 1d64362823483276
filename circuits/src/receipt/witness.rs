//! What a prover knows, in the types of the product.

use std::fmt;

use ark_ff::PrimeField;
use zeroize::Zeroizing;

use super::assignment::{Assignment, TreePath, digits};
use super::commitment::{CommitmentSecret, commit_entry};
use super::montgomery::MontgomeryPoint;
use super::relation::{TAG_LOW_BITS, Violation};
use super::statement::{Claim, ContextHash, Statement};
use crate::curve::poseidon2::{Domain, hash_2, hash_3};
use crate::curve::scalar::{EIGHTH, Scalar};
use crate::curve::{Field, Point, clear_cofactor, constant_time, elligator};
use crate::identifier::IdentifierType;
use crate::list::{MembershipPath, Presence};
use crate::log::LogPath;
use crate::merkle::Path;
use crate::oprf::{Blind, Entry, Split};
use crate::scope::{Scope, pack_epoch};

/// What is to be claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A querier's receipt, see [`Claim::Answer`].
    Answer,
    /// An owner's own entry, see [`Claim::SampledEntry`].
    SampledEntry,
}

/// A call and its answer, from which a receipt is proven. Prints without anything secret.
#[derive(Clone)]
pub struct Witness {
    /// What was asked about; in a sampled entry it may be padding.
    pub subject: Entry,
    /// The secret of the subject's commitment.
    pub secret: CommitmentSecret,
    /// The factor of the call.
    pub blind: Blind,
    /// B, as it was logged.
    pub blinded: Point,
    /// Z, as it was logged.
    pub evaluated: Point,
    /// List, tag epoch and querier of the call.
    pub scope: Scope,
    /// A root of the log.
    pub log_root: Field,
    /// The way from the call to it.
    pub log_path: LogPath,
    /// The root of a version of the list.
    pub list_root: Field,
    /// The leaf that decides, and its way to it.
    pub list_path: MembershipPath,
    /// What the receipt is for.
    pub context: ContextHash,
    /// What is claimed.
    pub purpose: Purpose,
}

impl fmt::Debug for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Witness")
            .field("list", &self.scope.list)
            .field("tag_epoch", &self.scope.tag_epoch)
            .field("purpose", &self.purpose)
            .finish_non_exhaustive()
    }
}

impl Witness {
    /// What can be proven of this, by the relation's native form.
    ///
    /// # Errors
    /// [`Violation`]: the part of the relation that does not hold.
    pub fn check(&self) -> Result<Statement, Violation> {
        let (statement, assignment) = self.assign()?;
        assignment.check()?;
        Ok(statement)
    }

    /// The statement and what the circuit is given for it; whether that holds is left open.
    ///
    /// Runs in variable time, in the prover's own process.
    ///
    /// # Errors
    /// A [`Violation`] for what cannot even be written down.
    pub fn assign(&self) -> Result<(Statement, Assignment), Violation> {
        let mut a = Assignment::blank();
        a.kind = Field::from(self.subject.type_code());
        a.x = self.subject.x();
        a.secret = self.secret.field();

        let split: Zeroizing<Split> =
            Zeroizing::new(self.blind.split_vartime().ok_or(Violation::Blind)?);
        a.a = digits(&split.a).ok_or(Violation::Blind)?;
        a.b = digits(&split.b).ok_or(Violation::Blind)?;

        let epoch = pack_epoch(self.scope.list, self.scope.tag_epoch);
        let u = hash_3(Domain::HashToCurve, a.kind, a.x, epoch);
        a.hashed = MontgomeryPoint::from_edwards(&elligator::map_to_curve(&[u])[0]);
        a.blinded = MontgomeryPoint::from_edwards(self.blinded.affine());
        a.evaluated = MontgomeryPoint::from_edwards(self.evaluated.affine());
        let inverse = self.blind.scalar().invert().unwrap_or(Scalar::zero());
        let unblinded = constant_time::multiply(&(inverse * *EIGHTH), self.evaluated.affine());
        a.unblinded = MontgomeryPoint::from_edwards(&unblinded);

        let point = MontgomeryPoint::from_edwards(&clear_cofactor(&[unblinded])[0]);
        (a.tag_high, a.tag_low) = split_tag(&hash_2(Domain::Tag, a.x, point.x));

        let leaf = self.list_path.leaf();
        a.low = Field::from(leaf.low);
        a.next = Field::from(leaf.next);
        a.log_path = tree_path(self.log_path.path());
        a.list_path = tree_path(self.list_path.path());

        let statement = Statement {
            commitment: commit_entry(&self.subject, &self.secret),
            claim: self.claim(a.low == a.tag_high)?,
            list: self.scope.list,
            tag_epoch: self.scope.tag_epoch,
            querier: self.scope.querier,
            log_root: self.log_root,
            list_root: self.list_root,
            context: self.context,
        };
        a.public = statement.public_inputs();
        a.sampled = Field::from(matches!(statement.claim, Claim::SampledEntry { .. }));
        Ok((statement, a))
    }

    fn claim(&self, listed: bool) -> Result<Claim, Violation> {
        match self.purpose {
            Purpose::Answer => Ok(Claim::Answer {
                kind: IdentifierType::from_code(self.subject.type_code())
                    .map_err(|_| Violation::Type)?,
                presence: if listed {
                    Presence::Listed
                } else {
                    Presence::NotListed
                },
            }),
            Purpose::SampledEntry if listed => Ok(Claim::SampledEntry {
                slot: u32::try_from(self.list_path.index()).map_err(|_| Violation::Slot)?,
            }),
            Purpose::SampledEntry => Err(Violation::NotAnEntry),
        }
    }
}

/// `⌊T / 2^127⌋` and the rest.
fn split_tag(hash: &Field) -> (Field, Field) {
    let mut high = hash.into_bigint();
    high >>= TAG_LOW_BITS;
    let high = Field::from_bigint(high).unwrap_or_default();
    (high, *hash - high * Field::from(1_u128 << TAG_LOW_BITS))
}

fn tree_path<const DEPTH: usize>(path: &Path<DEPTH>) -> TreePath<DEPTH> {
    TreePath {
        slot: path.index(),
        siblings: *path.siblings(),
    }
}
