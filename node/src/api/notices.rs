//! What waits for somebody at this member.

use std::collections::BTreeMap;

use tacit_circuits::scope::ListId;
use tacit_frontend::notices::{Cause, Duty, Notice, NoticeError};
use tacit_proto::operator as proto;

use super::Operator;
use super::error::ApiError;

type Refs = BTreeMap<ListId, proto::ListRef>;

impl Operator {
    pub(super) async fn list_notices(
        &self,
        request: proto::NoticesRequest,
    ) -> Result<proto::NoticesResponse, ApiError> {
        let notices = &self.frontend()?.notices;
        let (kept, duties) = (notices.list(request.all).await?, notices.duties().await?);
        let refs = self.read(|view| self.list_refs(view)).await?;
        let kept = kept.iter().map(|notice| shown(notice, &refs));
        let duties = duties.iter().map(|duty| shown_duty(duty, &refs));
        Ok(proto::NoticesResponse {
            notices: kept.chain(duties).collect(),
        })
    }

    pub(super) async fn acknowledge_notice(
        &self,
        by: String,
        request: proto::NoticeAcknowledgeRequest,
    ) -> Result<proto::NoticeAcknowledgeResponse, ApiError> {
        let notices = &self.frontend()?.notices;
        notices.acknowledge(request.notice_id, &by).await?;
        tracing::info!(notice = request.notice_id, by, "notices.acknowledge");
        Ok(proto::NoticeAcknowledgeResponse {})
    }

    /// How much of each kind waits, of those of which something does. Nothing waits at an observer.
    pub(super) async fn notices_waiting(&self) -> Result<Vec<proto::NoticeCount>, ApiError> {
        let Some(frontend) = &self.frontend else {
            return Ok(Vec::new());
        };
        let counts = frontend.notices.waiting().await?.into_iter();
        let counts = counts.filter(|(_, waiting)| *waiting > 0);
        let shown = counts.map(|(kind, waiting)| proto::NoticeCount {
            kind: kind.name().into(),
            waiting,
        });
        Ok(shown.collect())
    }
}

fn shown(notice: &Notice, refs: &Refs) -> proto::Notice {
    let told = &notice.relied_on;
    let (marked, dispute) = match told.cause {
        Cause::Marked { version, height } => (Some((version, height)), None),
        Cause::Ruling { dispute } => (None, Some(dispute.0)),
    };
    let (by, at) = notice.acknowledged.clone().unwrap_or_default();
    let relied_on = proto::RelianceNotice {
        call: Some(proto::CallRef {
            session: told.session,
            sequence: told.sequence,
            index: told.index,
        }),
        tag_epoch: told.tag_epoch.0,
        version: told.version.map(|version| version.0.into()),
        corrected_version: marked.map(|(version, _)| version.0.into()),
        corrected_height: marked.map(|(_, height)| height),
        operator: told.operator.clone(),
        purpose: told.purpose.clone(),
        case_reference: told.case_reference.clone(),
        asked_ms: told.asked_ms,
        told_ms: notice.told_ms,
        acknowledged_by: by,
        acknowledged_ms: at,
    };
    proto::Notice {
        kind: notice.kind().name().into(),
        notice_id: Some(notice.id),
        list: refs.get(&told.list).cloned(),
        dispute_id: dispute,
        disclosure_id: None,
        until: String::new(),
        relied_on: Some(relied_on),
    }
}

fn shown_duty(duty: &Duty, refs: &Refs) -> proto::Notice {
    let (dispute, disclosure) = match duty {
        Duty::Answer { dispute, .. }
        | Duty::Rule { dispute, .. }
        | Duty::Correct { dispute, .. } => (Some(dispute.0), None),
        Duty::Disclose { disclosure, .. } => (None, Some(disclosure.0)),
    };
    let until = duty.until().map(|date| date.to_string());
    proto::Notice {
        kind: duty.kind().name().into(),
        notice_id: None,
        list: duty.list().and_then(|list| refs.get(&list).cloned()),
        dispute_id: dispute,
        disclosure_id: disclosure,
        until: until.unwrap_or_default(),
        relied_on: None,
    }
}

impl From<NoticeError> for ApiError {
    fn from(error: NoticeError) -> Self {
        let message = error.to_string();
        match error {
            NoticeError::Unknown(_) => Self::caller(
                "notice-unknown",
                message,
                "tacit notices --all shows who acknowledged it.",
            ),
            NoticeError::Store(_) | NoticeError::Archive(_) => {
                Self::node("records-unreadable", message, "See the node's log.")
            }
            NoticeError::Ledger(error) => error.into(),
        }
    }
}
