//! Planning and screening.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use futures::{Stream, StreamExt as _};
use tacit_circuits::scope::{ListId, MemberId};
use tacit_frontend::peer::{PeerError, Refusal};
use tacit_frontend::ports::LedgerError;
use tacit_frontend::rows::RawRow;
use tacit_frontend::screening::{
    Answer, CallsFinal, ListAnswers, Plan, PlannedList, ScreenError, ScreenEvent, ScreenRequest,
    Summary, Targets, Unreachable,
};
use tacit_ledger::kernel::Reject;
use tacit_ledger::network::audit::AuditContext;
use tacit_ledger::network::read;
use tacit_proto::{MAX_ROWS_PER_MESSAGE, operator as proto};
use tonic::Streaming;

use super::bulk::Leave;
use super::error::ApiError;
use super::lists::{
    Answers, gone, identifier_type, out_of_order, rejected_rows, row_reader, too_many_rows,
};

use super::{Caller, Operator};
use crate::operators::Role;

type Step = proto::screen_response::Step;

/// How people name the lists.
type ListRefs = BTreeMap<ListId, proto::ListRef>;

impl Operator {
    pub(super) async fn plan(
        &self,
        request: proto::ScreenPlanRequest,
    ) -> Result<proto::ScreenPlanResponse, ApiError> {
        let targets = self.targets(request.targets).await?;
        let mut rows = BTreeMap::new();
        for count in &request.types {
            *rows.entry(identifier_type(&count.r#type)?).or_default() += count.rows;
        }
        let plan = self.frontend()?.screening.plan(&targets, &rows).await?;
        let refs = self.read(|view| self.list_refs(view)).await?;
        Ok(planned(&plan, &refs, self.available().await?))
    }

    /// Screens rows as they come.
    pub(super) async fn screen(
        &self,
        caller: &Caller,
        mut asked: Streaming<proto::ScreenRequest>,
        answers: Answers<proto::ScreenResponse>,
    ) -> Result<(), ApiError> {
        use proto::screen_request::Step as Asked;
        let header = match asked.next().await {
            Some(Ok(proto::ScreenRequest {
                step: Some(Asked::Header(header)),
            })) => header,
            Some(Err(status)) => {
                return Err(ApiError::caller("stream-broken", status.message(), ""));
            }
            _ => return Err(out_of_order("the stream must begin with a header")),
        };
        let mut context = AuditContext {
            operator: caller.name.clone(),
            role: Role::Operator.name().into(),
            purpose: header.purpose.clone(),
            lawful_basis: header.lawful_basis.clone(),
            case_reference: header.case_reference.clone(),
            approver: String::new(),
        };
        // What cannot run needs nobody's approval, and uses none up.
        context.check().map_err(ScreenError::Context)?;
        let targets = self.targets(header.targets.clone()).await?;
        let reader = row_reader(&header.default_type, &header.default_region)?;
        let leave = self.leave(caller, &header).await?;
        leave.approver().clone_into(&mut context.approver);
        let request = ScreenRequest {
            targets,
            reader,
            context,
            cost_limit_minor: Some(header.cost_limit_minor).filter(|limit| *limit > 0),
            answer_timeout_ms: Some(header.answer_timeout_ms).filter(|timeout| *timeout > 0),
            rows_expected: header.rows_expected,
            wait_for_finality: header.wait_for_finality,
        };
        let broken = Broken::default();
        let mut events = self
            .frontend()?
            .screening
            .screen(request, Box::pin(rows(asked, leave, broken.clone())))
            .await?;
        let mut refs = self.read(|view| self.list_refs(view)).await?;
        let available_minor = self.available().await?;
        let mut reasons = BTreeMap::new();
        while let Some(event) = events.recv().await {
            if let ScreenEvent::Answers(ListAnswers { list, .. }) = &event
                && !refs.contains_key(list)
            {
                refs = self.read(|view| self.list_refs(view)).await?;
            }
            if let (ScreenEvent::Summary(_), Some(error)) = (&event, broken.get()) {
                // A summary would say that all rows were asked.
                return Err(error.clone());
            }
            let step = told(event, &refs, available_minor, &mut reasons);
            let response = proto::ScreenResponse { step: Some(step) };
            answers.send(Ok(response)).await.map_err(|_| gone())?;
        }
        Ok(())
    }

    async fn targets(&self, asked: Option<proto::Targets>) -> Result<Targets, ApiError> {
        let asked = asked.unwrap_or_default();
        let known = if asked.categories.is_empty() {
            Vec::new()
        } else {
            self.read(read::categories).await?
        };
        let category = |name: &String| {
            known
                .iter()
                .find(|category| category.name.as_str() == name)
                .map(|category| category.id)
                .ok_or_else(|| ApiError::unknown("category", name))
        };
        Ok(Targets {
            lists: asked.list_ids.into_iter().map(ListId).collect(),
            members: asked.member_ids.into_iter().map(MemberId).collect(),
            categories: asked
                .categories
                .iter()
                .map(category)
                .collect::<Result<_, _>>()?,
        })
    }
}

/// Why the rows ended before their end, once they did.
type Broken = Arc<OnceLock<ApiError>>;

/// The rows of a stream of requests, as far as they have leave. A stream that breaks, or holds what it must not, ends
/// the rows and leaves the reason in `broken`; what was asked until then is still answered.
fn rows(
    asked: Streaming<proto::ScreenRequest>,
    leave: Leave,
    broken: Broken,
) -> impl Stream<Item = RawRow> + use<> {
    let messages = futures::stream::unfold((asked, leave, broken), |mut state| async move {
        let (asked, leave, broken) = &mut state;
        match next_rows(asked, leave).await? {
            Ok(rows) => Some((futures::stream::iter(rows), state)),
            Err(error) => {
                // The first reason stays.
                let _ = broken.set(error);
                None
            }
        }
    });
    // Fused: whoever reads it may look once more after its end.
    messages.fuse().flatten().map(|row| RawRow {
        row: row.row,
        kind: row.r#type,
        value: row.value,
        removes: false,
    })
}

/// The next message's rows; none at the stream's end.
async fn next_rows(
    asked: &mut Streaming<proto::ScreenRequest>,
    leave: &mut Leave,
) -> Option<Result<Vec<proto::ScreenRow>, ApiError>> {
    use proto::screen_request::Step as Asked;
    let rows = match asked.next().await? {
        Ok(proto::ScreenRequest {
            step: Some(Asked::Rows(rows)),
        }) => rows.rows,
        Ok(_) => return Some(Err(out_of_order("only rows may follow the header"))),
        Err(status) => {
            return Some(Err(ApiError::caller("stream-broken", status.message(), "")));
        }
    };
    if rows.len() > MAX_ROWS_PER_MESSAGE {
        return Some(Err(too_many_rows()));
    }
    Some(leave.for_rows(&rows).await.map(|()| rows))
}

fn told(
    event: ScreenEvent,
    refs: &ListRefs,
    available_minor: u64,
    reasons: &mut BTreeMap<ListId, proto::ErrorDetail>,
) -> Step {
    match event {
        ScreenEvent::Plan(plan) => Step::Plan(planned(&plan, refs, available_minor)),
        ScreenEvent::Malformed(rows) => Step::Malformed(rejected_rows(rows)),
        ScreenEvent::Answers(answers) => {
            let list = answers.list;
            let told = answered(answers, refs);
            if let Some(reason) = &told.unreachable {
                reasons.insert(list, reason.clone());
            }
            Step::Answers(told)
        }
        ScreenEvent::Summary(summary) => Step::Summary(summed(&summary, refs, reasons)),
        ScreenEvent::Final(calls) => Step::CallsFinal(finality(&calls)),
    }
}

fn answered(answers: ListAnswers, refs: &ListRefs) -> proto::ListAnswers {
    let ListAnswers {
        list,
        provider,
        outcome,
    } = answers;
    let list = refs.get(&list).cloned();
    match outcome {
        Ok(batch) => {
            let row = |row: &tacit_frontend::screening::RowAnswer| proto::RowAnswer {
                row: row.row,
                answer: match row.answer {
                    Answer::Hit => proto::Answer::Hit,
                    Answer::Clear => proto::Answer::Clear,
                }
                .into(),
                index: row.index,
            };
            proto::ListAnswers {
                list,
                rows: batch.rows.iter().map(row).collect(),
                version: u64::from(batch.version.0),
                session: batch.session.0,
                sequence: batch.sequence,
                unreachable: None,
            }
        }
        Err((why, rows)) => {
            let row = |row| proto::RowAnswer {
                row,
                answer: proto::Answer::Unreachable.into(),
                index: 0,
            };
            proto::ListAnswers {
                list,
                rows: rows.into_iter().map(row).collect(),
                version: 0,
                session: 0,
                sequence: 0,
                unreachable: Some(unreachable(provider, &why)),
            }
        }
    }
}

fn unreachable(provider: MemberId, why: &Unreachable) -> proto::ErrorDetail {
    let message = why.to_string();
    let error = match why {
        Unreachable::NoCopy => ApiError::node("copy-absent", message, "Try again in a moment."),
        Unreachable::Retired => ApiError::caller("category-retired", message, ""),
        Unreachable::NoSession(LedgerError::Rejected(reject)) => ApiError::rejected(*reject),
        Unreachable::NoQuota { .. } => ApiError::quota_exhausted(message),
        Unreachable::NoSession(_) => ApiError::node("no-session", message, "Try again later."),
        Unreachable::Peer(PeerError::Refused(refusal)) => match foreseen(refusal) {
            // It may not be so: whoever reads it must know whose word it is.
            Some(reject) => ApiError::rejected(reject).said_by(provider),
            None => ApiError::peer(provider, "provider-refused", message),
        },
        Unreachable::Peer(PeerError::Misbehaved(_)) => {
            ApiError::peer(provider, "provider-misbehaved", message)
        }
        Unreachable::Peer(_) => ApiError::peer(provider, "provider-failed", message),
        Unreachable::Down(_) => ApiError::peer(provider, "provider-down", message),
        Unreachable::CostLimit => ApiError::caller("cost-limit", message, "Raise the limit."),
        Unreachable::Local(_) => ApiError::node("internal", message, "See the node's log."),
    };
    error.into_detail()
}

/// The ledger's refusal that the provider foresaw: then the network's rules are the reason, not the provider.
fn foreseen(refusal: &Refusal) -> Option<Reject> {
    let reject = Reject::numbered(refusal.reject_number()?);
    reject.info().map(|_| reject)
}

fn planned(plan: &Plan, refs: &ListRefs, quota_available_minor: u64) -> proto::ScreenPlanResponse {
    let list = |list: &PlannedList| proto::PlannedList {
        list: refs.get(&list.list).cloned(),
        calls: list.calls,
        price_minor: u64::from(list.price_minor),
        cost_minor: list.cost_minor(),
        unreachable: list
            .unreachable
            .as_ref()
            .map(|why| unreachable(list.provider, why)),
        version: u64::from(list.version.0),
    };
    proto::ScreenPlanResponse {
        lists: plan.lists.iter().map(list).collect(),
        cost_minor: plan.cost_minor(),
        quota_available_minor,
        calls_left_today: plan
            .lists
            .iter()
            .map(|list| u64::from(list.calls_left_today))
            .sum(),
    }
}

fn summed(
    summary: &Summary,
    refs: &ListRefs,
    reasons: &BTreeMap<ListId, proto::ErrorDetail>,
) -> proto::ScreenSummary {
    let lists = summary
        .lists
        .iter()
        .map(|(list, totals)| proto::ListSummaryLine {
            list: refs.get(list).cloned(),
            hits: totals.hits,
            clears: totals.clears,
            unreachable: totals.unreachable,
            cost_minor: totals.cost_minor,
            reason: reasons.get(list).cloned(),
        });
    proto::ScreenSummary {
        rows: summary.rows,
        rows_malformed: summary.rows_malformed,
        rows_hit: summary.rows_hit,
        rows_clear: summary.rows_clear,
        rows_incomplete: summary.rows_incomplete,
        calls: summary.calls,
        cost_minor: summary.cost_minor,
        lists: lists.collect(),
        elapsed_ms: summary.elapsed_ms,
    }
}

fn finality(calls: &CallsFinal) -> proto::CallsFinal {
    proto::CallsFinal {
        session: calls.session.0,
        sequence: calls.sequence,
        height: calls.height,
        tx_id: calls.tx_id.map(|id| id.0.0.to_vec()).unwrap_or_default(),
        charged_minor: calls.charge_minor,
    }
}

impl From<ScreenError> for ApiError {
    fn from(error: ScreenError) -> Self {
        let message = error.to_string();
        match error {
            ScreenError::Context(_) => Self::caller("context-incomplete", message, ""),
            ScreenError::CostLimit { .. } => Self::caller("cost-limit", message, ""),
            ScreenError::Ledger(error) => error.into(),
        }
    }
}
