//! What needs a second person waits for one.

use prost::Message;
use tacit_proto::operator as proto;

use super::error::ApiError;
use super::{Caller, Operator};
use crate::approvals::{Approval, ApprovalError, Kind, State};
use crate::clock::now_ms;

impl Operator {
    /// Lets an export of a history through: where the rules say so, under an approval that is used up thereby.
    pub(super) async fn approved_export(
        &self,
        caller: &Caller,
        request: &proto::HistoryRequest,
        what: &str,
    ) -> Result<(), ApiError> {
        if !request.export {
            return Ok(());
        }
        let bound = proto::HistoryRequest {
            approval: None,
            // Whether calls are counted changes nothing in what is exported.
            count: false,
            ..request.clone()
        };
        self.approved_if_needed(caller, Kind::HistoryExport, &bound, request.approval, what)
            .await
    }

    /// The same for a bundle.
    pub(super) async fn approved_bundle(
        &self,
        caller: &Caller,
        request: &proto::AuditBundleRequest,
        what: &str,
    ) -> Result<(), ApiError> {
        let bound = proto::AuditBundleRequest {
            approval: None,
            ..request.clone()
        };
        self.approved_if_needed(caller, Kind::AuditBundle, &bound, request.approval, what)
            .await
    }

    async fn approved_if_needed(
        &self,
        caller: &Caller,
        kind: Kind,
        bound: &impl Message,
        approval: Option<u64>,
        what: &str,
    ) -> Result<(), ApiError> {
        // One that is named is used even where none is needed: it stands for what was approved.
        if approval.is_some() || self.records.listed.rules().exports_need_approval {
            self.approved(caller, kind, bound, approval, what).await?;
        }
        Ok(())
    }

    /// Uses the approval that is named for a request that is `bound` by it; where none is, asks for one and says so.
    pub(super) async fn approved(
        &self,
        caller: &Caller,
        kind: Kind,
        bound: &impl Message,
        approval: Option<u64>,
        what: &str,
    ) -> Result<Approval, ApiError> {
        let desk = &self.records.approvals;
        let bound = bound.encode_to_vec();
        if let Some(id) = approval {
            return Ok(desk.spend(id, &caller.name, kind, &bound).await?);
        }
        let id = desk.ask(&caller.name, kind, &bound, what).await?.id;
        Err(ApiError::caller(
            "approval-needed",
            format!("this needs a second person: approval {id} is asked for"),
            &format!(
                "Somebody else with the role approver runs `tacit approval grant {id}`; then add --approval {id} \
                 to the same command."
            ),
        ))
    }

    pub(super) async fn list_approvals(
        &self,
        request: proto::ApprovalsRequest,
    ) -> Result<proto::ApprovalsResponse, ApiError> {
        let desk = &self.records.approvals;
        let found = match request.approval_id {
            Some(id) => vec![desk.find(id).await?],
            None => desk.latest().await?,
        };
        let now_ms = now_ms();
        let wanted = found
            .iter()
            .filter(|one| !request.waiting_only || one.state(now_ms) == State::Waiting);
        Ok(proto::ApprovalsResponse {
            approvals: wanted.map(|one| shown(one, now_ms)).collect(),
        })
    }

    pub(super) async fn decide_approval(
        &self,
        caller: &Caller,
        request: proto::ApprovalDecideRequest,
    ) -> Result<proto::Approval, ApiError> {
        let desk = &self.records.approvals;
        let decided = desk.decide(request.approval_id, &caller.name, request.granted);
        Ok(shown(&decided.await?, now_ms()))
    }
}

fn shown(approval: &Approval, now_ms: u64) -> proto::Approval {
    let state = match approval.state(now_ms) {
        State::Waiting => "waiting",
        State::Granted => "granted",
        State::Refused => "refused",
        State::Used => "used",
        State::Expired => "expired",
    };
    proto::Approval {
        approval_id: approval.id,
        kind: approval.kind.clone(),
        what: approval.what.clone(),
        digest: approval.digest.to_vec(),
        state: state.into(),
        asked_by: approval.asked_by.clone(),
        asked_ms: approval.asked_ms,
        expires_ms: approval.expires_ms,
        decided_by: approval.decided_by.clone(),
        decided_ms: approval.decided_ms,
        used_ms: approval.used_ms,
    }
}

impl From<ApprovalError> for ApiError {
    fn from(error: ApprovalError) -> Self {
        let message = error.to_string();
        match error {
            ApprovalError::Unknown(_) => Self::caller("approval-unknown", message, ""),
            ApprovalError::OwnRequest(..) => Self::caller(
                "approval-own",
                message,
                "Somebody else with the role approver decides.",
            ),
            ApprovalError::OfAnother(..) => Self::caller("approval-of-another", message, ""),
            ApprovalError::State(..) | ApprovalError::ForOther(..) => Self::caller(
                "approval-unusable",
                message,
                "Run the command without --approval to ask for a new one.",
            ),
            ApprovalError::TooMany(_) => Self::caller(
                "approvals-full",
                message,
                "Let somebody decide on those first.",
            ),
            ApprovalError::Open(_)
            | ApprovalError::Database(_)
            | ApprovalError::Damaged(_)
            | ApprovalError::Altered(_) => {
                Self::node("approvals-unreadable", message, "See the node's log.")
            }
        }
    }
}
