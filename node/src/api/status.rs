//! Where the node stands.

use tacit_frontend::ports::Ledger as _;
use tacit_ledger::network::{SUPPORTED_CODE_VERSIONS, read};
use tacit_proto::operator as proto;

use super::Operator;
use super::error::ApiError;
use super::governance::role;
use super::lists::shown_copy;

impl Operator {
    pub(super) async fn status_now(&self) -> Result<proto::StatusResponse, ApiError> {
        let me = self.ledger.member_id();
        let (member, lists, refs, rules) = self
            .read(|view| {
                Ok((
                    read::member(view, me)?,
                    read::lists(view)?,
                    self.list_refs(view)?,
                    read::code_versions(view)?,
                ))
            })
            .await?;
        let holdings = self.holdings(me).await?;
        let notices = self.notices_waiting().await?;
        let member = member.ok_or_else(|| ApiError::unknown("member", me))?;
        let ledger = self.ledger.handle().status().await?;
        let next_rules = rules.after(ledger.height + 1);
        let position = self.read_model.position().await?;
        let others = lists
            .iter()
            .filter(|list| list.is_standing() && list.owner != me);
        let copies = self.frontend.iter().flat_map(|frontend| {
            others.clone().map(|list| {
                let copy = frontend.copy_status(list.id);
                shown_copy(&copy, refs.get(&list.id), list.active)
            })
        });
        Ok(proto::StatusResponse {
            notices,
            member_id: me.0,
            display_name: member.name.as_str().into(),
            role: role(member.role).into(),
            validator: member.validator,
            chain_id: ledger.chain_id.0.to_vec(),
            height: ledger.height,
            block_time_ms: ledger.time_ms,
            epoch: ledger.epoch,
            view: ledger.view,
            validators: ledger.validators,
            syncing: ledger.syncing,
            read_model_height: position.height,
            quota_available_minor: holdings.available_minor + holdings.waiting_minor,
            quota_escrowed_minor: holdings.escrowed_minor,
            calls_waiting: self
                .frontend
                .as_ref()
                .map_or(0, |frontend| frontend.served_waiting() as u64),
            version: env!("CARGO_PKG_VERSION").into(),
            copies: copies.collect(),
            rules_version: rules.at(ledger.height + 1),
            next_rules_version: next_rules.map(|next| next.version),
            next_rules_from_height: next_rules.map_or(0, |next| next.from_height),
            next_rules_known: next_rules
                .is_none_or(|next| SUPPORTED_CODE_VERSIONS.contains(&next.version)),
        })
    }
}
