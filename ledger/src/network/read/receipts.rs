//! Reading of what receipts are made under, and of those that were accepted.

use tacit_circuits::scope::MemberId;

use crate::kernel::state::{self, Missing, StateView};
use crate::network::keys;
use crate::network::record::{
    OwnPolicies, OwnScreenings, Policy, PolicyId, PolicyVersion, ReceiptKey, Root, Screening,
    ScreeningId,
};

/// The height at which the log had a root; `None` where it never had, or not within the last
/// [`MAX_LOG_ROOTS`](crate::network::MAX_LOG_ROOTS) blocks.
pub fn log_root(view: &dyn StateView, root: &Root) -> Result<Option<u64>, Missing> {
    state::read(view, &keys::log_root(root))
}

/// The key under which receipts are verified, once the members have voted one.
pub fn receipt_key(view: &dyn StateView) -> Result<Option<ReceiptKey>, Missing> {
    state::read(view, &keys::receipt_key())
}

/// How many policies there are; they are numbered from 1 to this.
pub fn policy_count(view: &dyn StateView) -> Result<u64, Missing> {
    Ok(state::read(view, &keys::policy_count())?.unwrap_or(0))
}

/// The latest version of a policy; earlier ones are numbered from 1.
pub fn latest_policy_version(
    view: &dyn StateView,
    id: PolicyId,
) -> Result<Option<PolicyVersion>, Missing> {
    state::read(view, &keys::policy_version(id))
}

/// A version of a policy.
pub fn policy(
    view: &dyn StateView,
    id: PolicyId,
    version: PolicyVersion,
) -> Result<Option<Policy>, Missing> {
    state::read(view, &keys::policy(id, version))
}

/// The policies of a member in their latest versions, in the order of making.
pub fn policies_of(view: &dyn StateView, owner: MemberId) -> Result<Vec<Policy>, Missing> {
    let own: OwnPolicies = state::read(view, &keys::policies_of(owner))?.unwrap_or_default();
    let version_keys: Vec<_> = own
        .iter()
        .map(|named| keys::policy_version(named.id))
        .collect();
    let versions = state::read_all::<PolicyVersion>(view, &version_keys)?;
    let latest = own.iter().zip(versions);
    let keys: Vec<_> = latest
        .filter_map(|(named, version)| Some(keys::policy(named.id, version?)))
        .collect();
    Ok(state::read_all(view, &keys)?
        .into_iter()
        .flatten()
        .collect())
}

/// An accepted set of receipts, until it expires.
pub fn screening(view: &dyn StateView, id: ScreeningId) -> Result<Option<Screening>, Missing> {
    state::read(view, &keys::screening(id))
}

/// How many sets of receipts were accepted so far; they are numbered from 1 to this.
pub fn screening_count(view: &dyn StateView) -> Result<u64, Missing> {
    Ok(state::read(view, &keys::screening_count())?.unwrap_or(0))
}

/// The latest accepted sets of a member that have not expired, newest first: at most `limit`.
pub fn screenings_of(
    view: &dyn StateView,
    submitter: MemberId,
    limit: usize,
) -> Result<Vec<Screening>, Missing> {
    let own: OwnScreenings =
        state::read(view, &keys::screenings_of(submitter))?.unwrap_or_default();
    let latest = own.iter().rev().take(limit);
    let keys: Vec<_> = latest.map(|id| keys::screening(*id)).collect();
    Ok(state::read_all(view, &keys)?
        .into_iter()
        .flatten()
        .collect())
}
