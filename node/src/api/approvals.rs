//! What needs a second person waits for one.

use std::time::{SystemTime, UNIX_EPOCH};

use prost::Message as _;
use tacit_proto::operator as proto;

use super::error::ApiError;
use super::{Caller, Operator};
use crate::approvals::{Approval, ApprovalError, Kind, State};

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
        let digest = Kind::HistoryExport.digest(&bound.encode_to_vec());
        self.approved(caller, Kind::HistoryExport, digest, request.approval, what)
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
        let digest = Kind::AuditBundle.digest(&bound.encode_to_vec());
        self.approved(caller, Kind::AuditBundle, digest, request.approval, what)
            .await
    }

    async fn approved(
        &self,
        caller: &Caller,
        kind: Kind,
        digest: [u8; 32],
        approval: Option<u64>,
        what: &str,
    ) -> Result<(), ApiError> {
        let desk = &self.records.approvals;
        let Some(id) = approval else {
            if !self.records.listed.exports_need_approval() {
                return Ok(());
            }
            let asked = desk.ask(&caller.name, kind, digest, what).await?;
            let id = asked.id;
            return Err(ApiError::caller(
                "approval-needed",
                format!("this needs a second person: approval {id} is asked for"),
                &format!(
                    "Somebody else with the role approver runs `tacit approval grant {id}`; then add --approval {id} \
                     to the same command."
                ),
            ));
        };
        // One that is named is used even where none is needed: it stands for what was approved.
        Ok(desk.spend(id, &caller.name, kind, &digest).await?)
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

fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| u64::try_from(now.as_millis()).unwrap_or(u64::MAX))
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
