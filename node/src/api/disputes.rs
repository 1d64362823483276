//! Disputes: opened, answered, ruled on, looked at.

use tacit_circuits::scope::MemberId;
use tacit_frontend::disputes::{DisputeError, Shown};
use tacit_frontend::ports::{Applied, Ledger as _};
use tacit_ledger::network::{
    Action, Dispute, DisputeId, DisputeOutcome, DisputeReason, DisputeStatus, RatingReason, Ruling,
    read,
};
use tacit_proto::operator as proto;

use super::Operator;
use super::error::ApiError;

/// Disputes that one answer lists: the latest.
const MAX_DISPUTES_LISTED: u64 = 256;

/// The reasons for which an entry is disputed, as people say them.
const REASONS: [(&str, DisputeReason); 5] = [
    ("wrong-subject", DisputeReason::WrongSubject),
    ("settled", DisputeReason::Settled),
    ("never-owed", DisputeReason::NeverOwed),
    ("outdated", DisputeReason::Outdated),
    ("other", DisputeReason::Other),
];

impl Operator {
    pub(super) async fn open_dispute(
        &self,
        request: proto::DisputeOpenRequest,
    ) -> Result<proto::DisputeOpenResponse, ApiError> {
        let reason = REASONS.iter().find(|(name, _)| *name == request.reason);
        let (_, reason) = reason.ok_or_else(|| ApiError::unknown("reason", &request.reason))?;
        let call = request.call.ok_or_else(|| {
            ApiError::caller("call-missing", "the request names no call", "Name one.")
        })?;
        let call = self.logged(&call).await?;
        let (dispute, applied) = self.frontend()?.disputes.open(call, *reason).await?;
        Ok(proto::DisputeOpenResponse {
            dispute_id: dispute.0,
            tx_id: applied.tx_id.0.0.to_vec(),
            height: applied.height,
        })
    }

    pub(super) async fn answer_dispute(
        &self,
        request: proto::DisputeAnswerRequest,
    ) -> Result<proto::DisputeStepResponse, ApiError> {
        use proto::dispute_answer_request::Answer;
        let (disputes, id) = (&self.frontend()?.disputes, DisputeId(request.dispute_id));
        let applied = match request.answer {
            Some(Answer::Evidence(content)) => disputes.give_evidence(id, content).await?,
            Some(Answer::Withdraw(true)) => disputes.withdraw(id).await?,
            Some(Answer::Withdraw(false)) | None => {
                return Err(ApiError::caller(
                    "answer-missing",
                    "the request holds no answer",
                    "Give evidence or withdraw the entry.",
                ));
            }
        };
        self.stepped(id, applied).await
    }

    pub(super) async fn rule_dispute(
        &self,
        request: proto::DisputeRuleRequest,
    ) -> Result<proto::DisputeStepResponse, ApiError> {
        let id = DisputeId(request.dispute_id);
        let ruling = if request.upheld {
            Ruling::Upheld
        } else {
            Ruling::Dismissed
        };
        let applied = self.frontend()?.disputes.rule(id, ruling).await?;
        self.stepped(id, applied).await
    }

    pub(super) async fn recuse_dispute(
        &self,
        request: proto::DisputeRecuseRequest,
    ) -> Result<proto::DisputeStepResponse, ApiError> {
        let dispute = DisputeId(request.dispute_id);
        let applied = self.ledger.submit(Action::RecusePanel { dispute }).await?;
        self.stepped(dispute, applied).await
    }

    async fn stepped(
        &self,
        id: DisputeId,
        applied: Applied,
    ) -> Result<proto::DisputeStepResponse, ApiError> {
        let (dispute, lists) = self
            .read(|view| Ok((read::dispute(view, id)?, self.list_refs(view)?)))
            .await?;
        let list = |dispute: &Dispute| lists.get(&dispute.publication.list).cloned();
        Ok(proto::DisputeStepResponse {
            tx_id: applied.tx_id.0.0.to_vec(),
            height: applied.height,
            dispute: dispute.map(|dispute| shown(&dispute, list(&dispute))),
        })
    }

    pub(super) async fn list_disputes(
        &self,
        request: proto::DisputesRequest,
    ) -> Result<proto::DisputesResponse, ApiError> {
        let (disputes, lists) = self
            .read(|view| {
                let count = read::dispute_count(view)?;
                let first = count.saturating_sub(MAX_DISPUTES_LISTED) + 1;
                let mut disputes = Vec::new();
                for id in (first..=count).rev() {
                    disputes.extend(read::dispute(view, DisputeId(id))?);
                }
                Ok((disputes, self.list_refs(view)?))
            })
            .await?;
        let closed = |dispute: &Dispute| matches!(dispute.status, DisputeStatus::Closed { .. });
        let wanted = disputes
            .iter()
            .filter(|dispute| !request.open_only || !closed(dispute));
        Ok(proto::DisputesResponse {
            disputes: wanted
                .map(|dispute| shown(dispute, lists.get(&dispute.publication.list).cloned()))
                .collect(),
        })
    }

    pub(super) async fn show_dispute(
        &self,
        request: proto::DisputeShowRequest,
    ) -> Result<proto::DisputeShowResponse, ApiError> {
        use proto::dispute_show_response::Shown as Answer;
        let id = DisputeId(request.dispute_id);
        let shown = self.frontend()?.disputes.show(id, request.evidence).await?;
        let shown = match shown {
            Shown::Challenge(challenge) => Answer::Subject(proto::DisputeSubject {
                r#type: challenge.kind.name().into(),
                x: challenge.x.to_vec(),
            }),
            Shown::Evidence(evidence) => Answer::Evidence(evidence.content),
        };
        Ok(proto::DisputeShowResponse { shown: Some(shown) })
    }

    pub(super) async fn rating(
        &self,
        request: proto::RatingRequest,
    ) -> Result<proto::RatingResponse, ApiError> {
        let member = request.member_id.map_or(self.ledger.member_id(), MemberId);
        let (known, rating) = self
            .read(|view| Ok((read::member(view, member)?, read::rating(view, member)?)))
            .await?;
        known.ok_or_else(|| ApiError::unknown("member", member))?;
        let changes = rating.changes.iter().map(|change| proto::RatingChange {
            reason: reason(change.reason),
            points: change.points.into(),
            business_date: change.date.to_string(),
        });
        Ok(proto::RatingResponse {
            member_id: member.0,
            rating: rating.value.into(),
            changes: changes.collect(),
        })
    }
}

fn reason(reason: RatingReason) -> String {
    match reason {
        RatingReason::DisputeUpheld(id) => format!("dispute {id} was upheld"),
        RatingReason::EntryWithdrawn(id) => format!("withdrew the entry of dispute {id}"),
        RatingReason::DisputeUnanswered(id) => format!("did not answer dispute {id}"),
        RatingReason::DisputeDismissed(id) => format!("lost dispute {id}"),
        RatingReason::RulingMissed(id) => format!("did not rule on dispute {id}"),
        RatingReason::FraudProven(id) => format!("publication {id} was proven fraudulent"),
        RatingReason::PublicationUnproven(id) => format!("publication {id} was not proven"),
        RatingReason::DisclosureMissed(id) => format!("did not disclose what demand {id} named"),
    }
}

const fn outcome(outcome: DisputeOutcome) -> &'static str {
    match outcome {
        DisputeOutcome::Upheld => "upheld",
        DisputeOutcome::Dismissed => "dismissed",
        DisputeOutcome::Withdrawn => "withdrawn",
        DisputeOutcome::Unanswered => "unanswered",
        DisputeOutcome::Undecided => "undecided",
    }
}

fn shown(dispute: &Dispute, list: Option<proto::ListRef>) -> proto::Dispute {
    let (status, came_out) = match dispute.status {
        DisputeStatus::Drawing => ("drawing", None),
        DisputeStatus::Answering { .. } => ("answering", None),
        DisputeStatus::Ruling { .. } => ("ruling", None),
        DisputeStatus::Correcting { outcome, .. } => ("correcting", Some(outcome)),
        DisputeStatus::Closed { outcome, .. } => ("closed", Some(outcome)),
    };
    let ruling = |ruling| match ruling {
        Some(Ruling::Upheld) => "upheld",
        Some(Ruling::Dismissed) => "dismissed",
        None => "",
    };
    let reason = REASONS.iter().find(|(_, reason)| *reason == dispute.reason);
    proto::Dispute {
        dispute_id: dispute.id.0,
        list,
        tag_epoch: dispute.publication.tag_epoch.0,
        version: dispute.publication.version.0.into(),
        challenger: dispute.challenger.0,
        reason: reason.map_or("", |(name, _)| name).into(),
        status: status.into(),
        until: dispute
            .until()
            .map_or(String::new(), |date| date.to_string()),
        panel: dispute
            .panel
            .iter()
            .map(|seat| proto::DisputeSeat {
                member_id: seat.member.0,
                ruling: ruling(seat.ruling).into(),
            })
            .collect(),
        outcome: came_out.map_or("", outcome).into(),
        stake_minor: dispute.stake_minor,
        opened_height: dispute.opened_height,
        evidence_given: dispute.evidence.is_some(),
    }
}

impl From<DisputeError> for ApiError {
    fn from(error: DisputeError) -> Self {
        let message = error.to_string();
        match error {
            DisputeError::Unknown(_) => Self::caller("dispute-unknown", message, ""),
            DisputeError::NotForThisMember(_) => Self::caller("not-for-this-member", message, ""),
            DisputeError::NoEvidence(_) => Self::caller("no-evidence", message, ""),
            DisputeError::NotKept(_) => Self::caller("record-erased", message, ""),
            DisputeError::TooLarge => Self::caller("evidence-too-large", message, ""),
            DisputeError::NotThePackage(_) => Self::node(
                "package-invalid",
                message,
                "The party has not shown what it said: rule on what the ledger holds.",
            ),
            DisputeError::Receipt(error) => error.into(),
            DisputeError::Peer(_) => Self::node("party-unreachable", message, "Try again later."),
            DisputeError::Store(_) => Self::node("records-unreadable", message, ""),
            DisputeError::Ledger(error) => error.into(),
            DisputeError::Stake(error) => error.into(),
        }
    }
}
