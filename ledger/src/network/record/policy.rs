//! What a consumer of receipts asks for: policies, in versions that never change.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Serialize;
use std::fmt;
use tacit_circuits::identifier::IdentifierType;
use tacit_circuits::scope::MemberId;

use crate::kernel::Reject;
use crate::kernel::codec::BoundedVec;
use crate::kernel::context::require;
use crate::kernel::party::Name;
use crate::network::parameters::CategoryId;
use crate::network::record::{MAX_ACCEPTED_TYPES, MAX_RECEIPTS_PER_SET};

/// Policies that one member may ever make: one for each kind of business that relies on receipts. They
/// are named in one record.
pub const MAX_POLICIES_PER_MEMBER: usize = 32;

/// Versions that one policy may have. Old ones stay readable for ever, so a member's policies take at
/// most `MAX_POLICIES_PER_MEMBER` times as many records.
pub const MAX_POLICY_VERSIONS: u32 = 1_024;

/// Categories that one policy names.
pub const MAX_POLICY_CATEGORIES: usize = 16;

/// Names a policy: given in the order of making, from 1.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
)]
pub struct PolicyId(pub u64);

impl fmt::Display for PolicyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Number of a state of a policy, from 1 without gaps.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
)]
pub struct PolicyVersion(pub u32);

impl fmt::Display for PolicyVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// "Clear on lists of these categories, of at least so many members, none of them older than this."
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct PolicyTerms {
    /// Categories whose lists count, ascending.
    pub categories: BoundedVec<CategoryId, MAX_POLICY_CATEGORIES>,
    /// From how many owners the lists must come at the least. Lists of the asking member's own group do
    /// not count. 1 to [`MAX_RECEIPTS_PER_SET`].
    pub min_members: u32,
    /// Identifier types that may be asked for, ascending.
    pub kinds: BoundedVec<IdentifierType, MAX_ACCEPTED_TYPES>,
    /// For how many blocks a version that was superseded still counts, where its category's own bound
    /// allows it. 0 takes active versions alone.
    pub max_age_blocks: u32,
}

impl PolicyTerms {
    /// Refuses terms that are not well formed; needs no state.
    ///
    /// # Errors
    /// The first that applies of [`Reject::EMPTY`], [`Reject::DUPLICATE`],
    /// [`Reject::VALUE_OUT_OF_RANGE`].
    pub fn check(&self) -> Result<(), Reject> {
        let empty = self.categories.is_empty() || self.kinds.is_empty();
        require(!empty, Reject::EMPTY)?;
        let ascending = self.categories.is_sorted_by(|a, b| a < b);
        let ascending = ascending && self.kinds.is_sorted_by(|a, b| a < b);
        require(ascending, Reject::DUPLICATE)?;
        // More members than a set has receipts could never be shown.
        let in_range = (1..=MAX_RECEIPTS_PER_SET as u32).contains(&self.min_members);
        require(in_range, Reject::VALUE_OUT_OF_RANGE)
    }
}

/// A version of a policy. It never changes.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Policy {
    /// Policy.
    pub id: PolicyId,
    /// Version.
    pub version: PolicyVersion,
    /// Member that makes its versions.
    pub owner: MemberId,
    /// Name, unique among the owner's.
    pub name: Name,
    /// What it asks for.
    pub terms: PolicyTerms,
    /// Height at which the version was made.
    pub put_height: u64,
}

/// A policy as its owner's record lists it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct NamedPolicy {
    /// Name.
    pub name: Name,
    /// Policy.
    pub id: PolicyId,
}

/// The policies of one member, in the order of making.
pub type OwnPolicies = BoundedVec<NamedPolicy, MAX_POLICIES_PER_MEMBER>;
