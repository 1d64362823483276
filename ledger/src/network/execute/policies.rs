//! Policies of those who rely on receipts.

use crate::kernel::context::{Context, require};
use crate::kernel::party::{Name, Party};
use crate::kernel::{Reject, Stop};
use crate::network::event::Event;
use crate::network::execute::require_member;
use crate::network::record::{
    MAX_POLICY_VERSIONS, NamedPolicy, OwnPolicies, Policy, PolicyId, PolicyTerms, PolicyVersion,
};
use crate::network::{keys, read};

/// Makes the next version of the sender's policy of that name, or its first.
pub(super) fn put(
    context: &mut Context<'_>,
    sender: &Party,
    name: Name,
    terms: PolicyTerms,
) -> Result<(), Stop> {
    require_member(sender)?;
    let categories = read::categories(context)?;
    let exists = |id| {
        categories
            .binary_search_by_key(id, |known| known.id)
            .is_ok()
    };
    let all_exist = terms.categories.iter().all(exists);
    require(all_exist, Reject::CATEGORY_UNKNOWN)?;

    let own_key = keys::policies_of(sender.id);
    let mut own: OwnPolicies = context.read(&own_key)?.unwrap_or_default();
    let id = match own.iter().find(|policy| policy.name == name) {
        Some(policy) => policy.id,
        None => {
            let id = PolicyId(read::policy_count(context)? + 1);
            let name = name.clone();
            own.push(NamedPolicy { name, id })
                .map_err(|_| Reject::TOO_MANY_POLICIES)?;
            context.put(keys::policy_count(), &id.0);
            context.put(own_key, &own);
            id
        }
    };
    let latest = read::latest_policy_version(context, id)?.map_or(0, |version| version.0);
    require(
        latest < MAX_POLICY_VERSIONS,
        Reject::TOO_MANY_POLICY_VERSIONS,
    )?;
    let version = PolicyVersion(latest + 1);

    let policy = Policy {
        id,
        version,
        owner: sender.id,
        name,
        terms,
        put_height: context.height(),
    };
    context.put(keys::policy(id, version), &policy);
    context.put(keys::policy_version(id), &version);
    context.emit(&Event::PolicyPut {
        policy: id,
        version,
        owner: sender.id,
    });
    Ok(())
}
