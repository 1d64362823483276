//! Policies: what a consumer of receipts asks for.

use tacit_circuits::identifier::IdentifierType;
use tacit_frontend::ports::Ledger as _;
use tacit_ledger::kernel::party::{self, Name};
use tacit_ledger::network::parameters::CategoryId;
use tacit_ledger::network::{
    Action, Category, Event, Policy, PolicyId, PolicyTerms, PolicyVersion, read,
};
use tacit_proto::operator as proto;

use super::Operator;
use super::error::ApiError;
use super::lists::identifier_type;

impl Operator {
    pub(super) async fn put_policy(
        &self,
        request: proto::PolicyPutRequest,
    ) -> Result<proto::PolicyPutResponse, ApiError> {
        let invalid = |field: &str, reason: String| {
            ApiError::caller(
                "field-invalid",
                format!("{field} is not usable: {reason}"),
                "",
            )
        };
        let name = Name::new(&request.name).map_err(|error| invalid("name", error.to_string()))?;
        let known = self.read(read::categories).await?;
        let mut categories = request
            .categories
            .iter()
            .map(|name| category(&known, name))
            .collect::<Result<Vec<_>, _>>()?;
        categories.sort_unstable();
        categories.dedup();
        let mut kinds = request
            .types
            .iter()
            .map(|name| identifier_type(name))
            .collect::<Result<Vec<IdentifierType>, _>>()?;
        kinds.sort_unstable();
        kinds.dedup();
        let blocks = request.max_age_ms / self.block_ms().await?.max(1);
        let terms = PolicyTerms {
            categories: categories
                .try_into()
                .map_err(|error| invalid("categories", format!("{error}")))?,
            min_members: request.min_members,
            kinds: kinds
                .try_into()
                .map_err(|error| invalid("types", format!("{error}")))?,
            max_age_blocks: u32::try_from(blocks).unwrap_or(u32::MAX),
        };
        let applied = self
            .ledger
            .submit(Action::PutPolicy { name, terms })
            .await?;
        let put = applied.events.iter().find_map(|event| match event {
            Event::PolicyPut {
                policy, version, ..
            } => Some((policy.0, version.0)),
            _ => None,
        });
        let (policy, version) = put.unwrap_or_default();
        Ok(proto::PolicyPutResponse {
            policy,
            version,
            tx_id: applied.tx_id.0.0.to_vec(),
            height: applied.height,
        })
    }

    pub(super) async fn policies(
        &self,
        request: proto::PoliciesRequest,
    ) -> Result<proto::PoliciesResponse, ApiError> {
        let (found, categories) = self
            .read(|view| {
                let found = match request.policy {
                    Some(policy) => {
                        let id = PolicyId(policy);
                        let latest = read::latest_policy_version(view, id)?;
                        let versions = 1..=latest.map_or(0, |version| version.0);
                        let mut found = Vec::new();
                        for version in versions {
                            found.extend(read::policy(view, id, PolicyVersion(version))?);
                        }
                        found
                    }
                    None => {
                        let mut found = Vec::new();
                        for owner in party::parties(view)? {
                            found.extend(read::policies_of(view, owner.id)?);
                        }
                        found.sort_by_key(|policy| policy.id);
                        found
                    }
                };
                Ok((found, read::categories(view)?))
            })
            .await?;
        let policies = found.iter().map(|policy| shown(policy, &categories));
        Ok(proto::PoliciesResponse {
            policies: policies.collect(),
        })
    }
}

fn category(known: &[Category], name: &str) -> Result<CategoryId, ApiError> {
    let found = known.iter().find(|category| category.name.as_str() == name);
    found
        .map(|category| category.id)
        .ok_or_else(|| ApiError::unknown("category", name))
}

fn shown(policy: &Policy, categories: &[Category]) -> proto::Policy {
    let terms = &policy.terms;
    let name = |id: &CategoryId| {
        let found = categories.iter().find(|category| category.id == *id);
        found.map_or_else(|| id.to_string(), |category| category.name.as_str().into())
    };
    proto::Policy {
        policy: policy.id.0,
        version: policy.version.0,
        owner: policy.owner.0,
        name: policy.name.as_str().into(),
        categories: terms.categories.iter().map(name).collect(),
        min_members: terms.min_members,
        types: terms
            .kinds
            .iter()
            .map(|kind| kind.name().to_owned())
            .collect(),
        max_age_blocks: terms.max_age_blocks,
        height: policy.put_height,
    }
}
