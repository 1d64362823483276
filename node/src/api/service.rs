//! The generated trait, over the calls of [`Operator`].

use std::future::Future;
use std::pin::Pin;

use futures::Stream;
use tacit_ledger::network::{Action, ViewId};
use tacit_proto::MAX_OPERATOR_MESSAGE_BYTES;
use tacit_proto::operator as proto;
use tacit_proto::operator::operator_server::{Operator as Service, OperatorServer};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::error::ApiError;
use super::history::HISTORY_BUFFER;
use super::lists::{Answers, STREAM_BUFFER};
use super::reads::bundle_in_words;
use super::{Caller, Operator};

type Answer<T> = Result<Response<T>, Status>;
type AnswerStream<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

impl Operator {
    /// The service, to be put behind a listener for operators.
    pub fn into_server(self) -> OperatorServer<Self> {
        OperatorServer::new(self)
            .max_decoding_message_size(MAX_OPERATOR_MESSAGE_BYTES)
            .max_encoding_message_size(MAX_OPERATOR_MESSAGE_BYTES)
    }
}

async fn once<T>(answer: impl Future<Output = Result<T, ApiError>>) -> Answer<T> {
    Ok(Response::new(answer.await?))
}

/// Runs `work` with a place for its answers. An error ends the stream.
fn streamed<T, W>(work: impl FnOnce(Answers<T>) -> W) -> Answer<AnswerStream<T>>
where
    T: Send + 'static,
    W: Future<Output = Result<(), ApiError>> + Send + 'static,
{
    streamed_behind(STREAM_BUFFER, work)
}

/// The same, where so many answers wait for a slow reader.
fn streamed_behind<T, W>(
    buffer: usize,
    work: impl FnOnce(Answers<T>) -> W,
) -> Answer<AnswerStream<T>>
where
    T: Send + 'static,
    W: Future<Output = Result<(), ApiError>> + Send + 'static,
{
    let (answers, stream) = mpsc::channel(buffer);
    let work = work(answers.clone());
    tokio::spawn(async move {
        if let Err(error) = work.await {
            // Whoever asked may have gone away.
            let _ = answers.send(Err(error.into())).await;
        }
    });
    Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
}

/// Who calls: every screening and every read of the records is recorded under a name.
fn caller<T>(request: &Request<T>) -> Result<Caller, Status> {
    let caller = request.extensions().get::<Caller>();
    caller
        .cloned()
        .ok_or_else(|| Status::unauthenticated("no operator's certificate"))
}

#[tonic::async_trait]
impl Service for Operator {
    type ListPublishStream = AnswerStream<proto::ListPublishResponse>;
    type ListVerifyStream = AnswerStream<proto::ListVerifyResponse>;
    type ScreenStream = AnswerStream<proto::ScreenResponse>;
    type HistoryStream = AnswerStream<proto::HistoryResponse>;
    type ChangeQuotaKeyStream = AnswerStream<proto::ChangeQuotaKeyResponse>;
    type StateQuotaStream = AnswerStream<proto::StateQuotaResponse>;
    type AuditBundleStream = AnswerStream<proto::AuditBundleResponse>;
    type AuditReadsStream = AnswerStream<proto::AuditReadsResponse>;
    type ReceiptCreateStream = AnswerStream<proto::ReceiptCreateResponse>;

    async fn status(&self, _: Request<proto::StatusRequest>) -> Answer<proto::StatusResponse> {
        once(self.status_now()).await
    }

    async fn list_publish(
        &self,
        request: Request<Streaming<proto::ListPublishRequest>>,
    ) -> Answer<Self::ListPublishStream> {
        let (operator, asked) = (self.clone(), request.into_inner());
        streamed(|answers| async move { operator.publish(asked, answers).await })
    }

    async fn list_show(
        &self,
        request: Request<proto::ListShowRequest>,
    ) -> Answer<proto::ListShowResponse> {
        once(self.show_list(request.into_inner())).await
    }

    async fn list_all(
        &self,
        request: Request<proto::ListAllRequest>,
    ) -> Answer<proto::ListAllResponse> {
        once(self.all_lists(request.into_inner())).await
    }

    async fn list_verify(
        &self,
        request: Request<proto::ListVerifyRequest>,
    ) -> Answer<Self::ListVerifyStream> {
        let (operator, asked) = (self.clone(), request.into_inner());
        streamed(|answers| async move { operator.verify_list(asked, answers).await })
    }

    async fn list_withdraw(
        &self,
        request: Request<proto::ListWithdrawRequest>,
    ) -> Answer<proto::ListWithdrawResponse> {
        once(self.withdraw_list(request.into_inner())).await
    }

    async fn list_revoke_key(
        &self,
        request: Request<proto::ListRevokeKeyRequest>,
    ) -> Answer<proto::ListRevokeKeyResponse> {
        once(self.revoke_list_key(request.into_inner())).await
    }

    async fn screen_plan(
        &self,
        request: Request<proto::ScreenPlanRequest>,
    ) -> Answer<proto::ScreenPlanResponse> {
        once(self.plan(request.into_inner())).await
    }

    async fn screen(
        &self,
        request: Request<Streaming<proto::ScreenRequest>>,
    ) -> Answer<Self::ScreenStream> {
        let (caller, operator) = (caller(&request)?, self.clone());
        let asked = request.into_inner();
        streamed(
            |answers| async move { Operator::screen(&operator, &caller, asked, answers).await },
        )
    }

    async fn audit_bundle(
        &self,
        request: Request<proto::AuditBundleRequest>,
    ) -> Answer<Self::AuditBundleStream> {
        let caller = caller(&request)?;
        let (operator, asked) = (self.clone(), request.into_inner());
        let what = bundle_in_words(&asked);
        let reading = self.reading(&caller, "audit-bundle", &what).await?;
        streamed(|answers| async move {
            let approved = operator.approved_bundle(&caller, &asked, &what).await;
            let opened = match approved {
                Ok(()) => operator.audit_bundle(asked, answers).await,
                Err(error) => Err(error),
            };
            reading.ended(opened, |()| "done".into()).await
        })
    }

    async fn audit_reads(
        &self,
        request: Request<proto::AuditReadsRequest>,
    ) -> Answer<Self::AuditReadsStream> {
        let caller = caller(&request)?;
        let (operator, asked) = (self.clone(), request.into_inner());
        let what = match asked.from_number {
            0 => "everything".to_owned(),
            from => format!("from={from}"),
        };
        let reading = self.reading(&caller, "audit-reads", &what).await?;
        streamed(|answers| async move {
            let shown = operator.audit_reads(asked, answers).await;
            reading.ended(shown, |()| "done".into()).await
        })
    }

    async fn approvals(
        &self,
        request: Request<proto::ApprovalsRequest>,
    ) -> Answer<proto::ApprovalsResponse> {
        let (caller, asked) = (caller(&request)?, request.into_inner());
        let what = asked.approval_id.map_or("all".into(), |id| id.to_string());
        let reading = self.reading(&caller, "approvals", &what).await?;
        let shown = self.list_approvals(asked).await;
        once(reading.ended(shown, |shown| {
            format!("done: {} approvals", shown.approvals.len())
        }))
        .await
    }

    async fn approval_decide(
        &self,
        request: Request<proto::ApprovalDecideRequest>,
    ) -> Answer<proto::Approval> {
        let (caller, asked) = (caller(&request)?, request.into_inner());
        let words = if asked.granted { "grant" } else { "refuse" };
        let what = format!("{words} {}", asked.approval_id);
        let reading = self.reading(&caller, "approval-decide", &what).await?;
        let decided = self.decide_approval(&caller, asked).await;
        once(reading.ended(decided, |_| "done".into())).await
    }

    async fn retention(
        &self,
        _: Request<proto::RetentionRequest>,
    ) -> Answer<proto::RetentionResponse> {
        once(self.show_retention()).await
    }

    async fn retention_hold(
        &self,
        request: Request<proto::RetentionHoldRequest>,
    ) -> Answer<proto::RetentionHoldResponse> {
        let caller = caller(&request)?;
        once(self.hold(caller.name, request.into_inner())).await
    }

    async fn retention_release(
        &self,
        request: Request<proto::RetentionReleaseRequest>,
    ) -> Answer<proto::RetentionReleaseResponse> {
        let caller = caller(&request)?;
        once(self.release_hold(caller.name, request.into_inner())).await
    }

    async fn dispute_open(
        &self,
        request: Request<proto::DisputeOpenRequest>,
    ) -> Answer<proto::DisputeOpenResponse> {
        once(self.open_dispute(request.into_inner())).await
    }

    async fn dispute_answer(
        &self,
        request: Request<proto::DisputeAnswerRequest>,
    ) -> Answer<proto::DisputeStepResponse> {
        once(self.answer_dispute(request.into_inner())).await
    }

    async fn dispute_rule(
        &self,
        request: Request<proto::DisputeRuleRequest>,
    ) -> Answer<proto::DisputeStepResponse> {
        once(self.rule_dispute(request.into_inner())).await
    }

    async fn disputes(
        &self,
        request: Request<proto::DisputesRequest>,
    ) -> Answer<proto::DisputesResponse> {
        once(self.list_disputes(request.into_inner())).await
    }

    async fn dispute_show(
        &self,
        request: Request<proto::DisputeShowRequest>,
    ) -> Answer<proto::DisputeShowResponse> {
        let (caller, asked) = (caller(&request)?, request.into_inner());
        let what = format!("dispute={} evidence={}", asked.dispute_id, asked.evidence);
        let reading = self.reading(&caller, "dispute-package", &what).await?;
        let shown = self.show_dispute(asked).await;
        once(reading.ended(shown, |_| "done".into())).await
    }

    async fn dispute_recuse(
        &self,
        request: Request<proto::DisputeRecuseRequest>,
    ) -> Answer<proto::DisputeStepResponse> {
        once(self.recuse_dispute(request.into_inner())).await
    }

    async fn notices(
        &self,
        request: Request<proto::NoticesRequest>,
    ) -> Answer<proto::NoticesResponse> {
        let (caller, asked) = (caller(&request)?, request.into_inner());
        let what = if asked.all { "all" } else { "waiting" };
        let reading = self.reading(&caller, "notices", what).await?;
        let shown = self.list_notices(asked).await;
        let words = |shown: &proto::NoticesResponse| {
            let told = shown.notices.iter().filter(|one| one.relied_on.is_some());
            format!("done: {} calls", told.count())
        };
        once(reading.ended(shown, words)).await
    }

    async fn notice_acknowledge(
        &self,
        request: Request<proto::NoticeAcknowledgeRequest>,
    ) -> Answer<proto::NoticeAcknowledgeResponse> {
        let caller = caller(&request)?;
        once(self.acknowledge_notice(caller.name, request.into_inner())).await
    }

    async fn view_grant(
        &self,
        request: Request<proto::ViewGrantRequest>,
    ) -> Answer<proto::SupervisionStepResponse> {
        once(self.grant_view(request.into_inner())).await
    }

    async fn view_revoke(
        &self,
        request: Request<proto::ViewRevokeRequest>,
    ) -> Answer<proto::SupervisionStepResponse> {
        let view = ViewId(request.into_inner().view_id);
        once(self.step(Action::RevokeView { view })).await
    }

    type ViewReadStream = AnswerStream<proto::ViewReadResponse>;

    async fn view_read(
        &self,
        request: Request<proto::ViewReadRequest>,
    ) -> Answer<Self::ViewReadStream> {
        let caller = caller(&request)?;
        let (operator, asked) = (self.clone(), request.into_inner());
        let what = format!("view={} purpose={}", asked.view_id, asked.purpose);
        let reading = self.reading(&caller, "view-read", &what).await?;
        streamed_behind(HISTORY_BUFFER, |answers| async move {
            let shown = operator.read_view(asked, answers).await;
            reading.ended(shown, |()| "done".into()).await
        })
    }

    async fn views(&self, _: Request<proto::ViewsRequest>) -> Answer<proto::ViewsResponse> {
        once(self.list_views()).await
    }

    async fn disclosure_request(
        &self,
        request: Request<proto::DisclosureRequestRequest>,
    ) -> Answer<proto::SupervisionStepResponse> {
        once(self.request_disclosure(request.into_inner())).await
    }

    async fn disclosure_answer(
        &self,
        request: Request<proto::DisclosureAnswerRequest>,
    ) -> Answer<proto::SupervisionStepResponse> {
        let (caller, asked) = (caller(&request)?, request.into_inner());
        let what = format!("disclosure={}", asked.disclosure_id);
        let reading = self.reading(&caller, "disclosure-answer", &what).await?;
        let answered = self.answer_disclosure(asked).await;
        once(reading.ended(answered, |_| "done".into())).await
    }

    async fn disclosures(
        &self,
        request: Request<proto::DisclosuresRequest>,
    ) -> Answer<proto::DisclosuresResponse> {
        once(self.list_disclosures(request.into_inner())).await
    }

    type DisclosureShowStream = AnswerStream<proto::DisclosurePart>;

    async fn disclosure_show(
        &self,
        request: Request<proto::DisclosureShowRequest>,
    ) -> Answer<Self::DisclosureShowStream> {
        let caller = caller(&request)?;
        let (operator, asked) = (self.clone(), request.into_inner());
        let what = format!("disclosure={}", asked.disclosure_id);
        let reading = self.reading(&caller, "disclosure-show", &what).await?;
        streamed(|answers| async move {
            let shown = operator.show_disclosure(asked, answers).await;
            reading.ended(shown, |()| "done".into()).await
        })
    }

    async fn coverage(
        &self,
        request: Request<proto::CoverageRequest>,
    ) -> Answer<proto::CoverageResponse> {
        once(Operator::coverage(self, request.into_inner())).await
    }

    async fn rating(
        &self,
        request: Request<proto::RatingRequest>,
    ) -> Answer<proto::RatingResponse> {
        once(Operator::rating(self, request.into_inner())).await
    }

    async fn receipt_create(
        &self,
        request: Request<proto::ReceiptCreateRequest>,
    ) -> Answer<Self::ReceiptCreateStream> {
        let (operator, asked) = (self.clone(), request.into_inner());
        streamed(|answers| async move { operator.create_receipts(asked, answers).await })
    }

    async fn receipt_submit(
        &self,
        request: Request<proto::ReceiptSubmitRequest>,
    ) -> Answer<proto::ReceiptSubmitResponse> {
        once(self.submit_receipts(request.into_inner())).await
    }

    async fn receipts(
        &self,
        request: Request<proto::ReceiptsRequest>,
    ) -> Answer<proto::ReceiptsResponse> {
        once(self.accepted_receipts(request.into_inner())).await
    }

    async fn policy_put(
        &self,
        request: Request<proto::PolicyPutRequest>,
    ) -> Answer<proto::PolicyPutResponse> {
        once(self.put_policy(request.into_inner())).await
    }

    async fn policies(
        &self,
        request: Request<proto::PoliciesRequest>,
    ) -> Answer<proto::PoliciesResponse> {
        once(Operator::policies(self, request.into_inner())).await
    }

    async fn history(
        &self,
        request: Request<proto::HistoryRequest>,
    ) -> Answer<Self::HistoryStream> {
        let caller = caller(&request)?;
        let (operator, asked) = (self.clone(), request.into_inner());
        let action = if asked.export {
            "history-export"
        } else {
            "history"
        };
        let what = self.history_in_words(&asked);
        let reading = self.reading(&caller, action, &what).await?;
        streamed_behind(HISTORY_BUFFER, |answers| async move {
            let approved = operator.approved_export(&caller, &asked, &what).await;
            let calls = match approved {
                Ok(()) => Operator::history(&operator, asked, answers).await,
                Err(error) => Err(error),
            };
            let ended = reading.ended(calls, |calls| format!("done: {calls} calls"));
            ended.await.map(drop)
        })
    }

    async fn quota(&self, request: Request<proto::QuotaRequest>) -> Answer<proto::QuotaResponse> {
        let (caller, asked) = (caller(&request)?, request.into_inner());
        let Some(other) = asked.member_id else {
            return once(Operator::quota(self, asked)).await;
        };
        // What the supervisor opens of others is on record.
        let what = format!("member={other}");
        let reading = self.reading(&caller, "quota", &what).await?;
        let shown = Operator::quota(self, asked).await;
        once(reading.ended(shown, |_| "done".into())).await
    }

    async fn state_quota(
        &self,
        request: Request<proto::StateQuotaRequest>,
    ) -> Answer<Self::StateQuotaStream> {
        let caller = caller(&request)?;
        let (operator, asked) = (self.clone(), request.into_inner());
        // What is shown of amounts to whom is on record.
        let until = asked.until_ms.map(|until| format!(" until={until}"));
        let period = asked.from_ms.map_or_else(
            || " balance".to_owned(),
            |from| format!(" from={from}{}", until.unwrap_or_default()),
        );
        let what = format!("reader={}{period}", asked.reader);
        let reading = self.reading(&caller, "state-quota", &what).await?;
        streamed(|answers| async move {
            let stated = operator.state_quota(asked, answers).await;
            reading.ended(stated, |()| "done".into()).await
        })
    }

    async fn change_quota_key(
        &self,
        _: Request<proto::ChangeQuotaKeyRequest>,
    ) -> Answer<Self::ChangeQuotaKeyStream> {
        let operator = self.clone();
        streamed(|answers| async move { Operator::change_quota_key(&operator, answers).await })
    }

    async fn move_quota(
        &self,
        request: Request<proto::MoveQuotaRequest>,
    ) -> Answer<proto::MoveQuotaResponse> {
        once(Operator::move_quota(self, request.into_inner())).await
    }

    async fn members(&self, _: Request<proto::MembersRequest>) -> Answer<proto::MembersResponse> {
        once(Operator::members(self)).await
    }

    async fn proposals(
        &self,
        request: Request<proto::ProposalsRequest>,
    ) -> Answer<proto::ProposalsResponse> {
        once(Operator::proposals(self, request.into_inner())).await
    }

    async fn propose(
        &self,
        request: Request<proto::ProposeRequest>,
    ) -> Answer<proto::ProposeResponse> {
        once(Operator::propose(self, request.into_inner())).await
    }

    async fn vote(&self, request: Request<proto::VoteRequest>) -> Answer<proto::VoteResponse> {
        once(Operator::vote(self, request.into_inner())).await
    }

    async fn ledger_block(
        &self,
        request: Request<proto::LedgerBlockRequest>,
    ) -> Answer<proto::LedgerBlockResponse> {
        once(self.block(request.into_inner())).await
    }

    async fn ledger_tx(
        &self,
        request: Request<proto::LedgerTxRequest>,
    ) -> Answer<proto::LedgerTxResponse> {
        once(self.transaction(request.into_inner())).await
    }

    async fn ledger_prove(
        &self,
        request: Request<proto::LedgerProveRequest>,
    ) -> Answer<proto::LedgerProveResponse> {
        once(self.prove(request.into_inner())).await
    }

    async fn alarms(
        &self,
        request: Request<proto::AlarmsRequest>,
    ) -> Answer<proto::AlarmsResponse> {
        once(Operator::alarms(self, request.into_inner())).await
    }
}
