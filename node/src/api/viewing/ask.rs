//! The supervisor's side: forms the question, records that it is asked, and hands on what is shown.

use std::time::Duration;

use prost::Message as _;
use rand_core::{OsRng, RngCore as _};
use tacit_frontend::ports::{Applied, Ledger as _};
use tacit_ledger::kernel::codec;
use tacit_ledger::network::receipts::Purpose;
use tacit_ledger::network::views::{Asked, CaseSet, MAX_VIEW_QUERY_BYTES, ViewQuery, ViewRefusal};
use tacit_ledger::network::{Action, View, ViewId, ViewScope, read};
use tacit_proto::operator::view_read_response::Step;
use tacit_proto::peer::views_client::ViewsClient;
use tacit_proto::{MAX_OPERATOR_MESSAGE_BYTES, operator as proto, peer as wire};
use tokio::time::timeout;
use tonic::Streaming;

use super::refusal::Refused;
use super::{MAX_FILE_BYTES, is_of_kind};
use crate::api::Operator;
use crate::api::error::ApiError;
use crate::api::lists::{Answers, gone};
use crate::api::supervision::{invalid, period};

/// How long a member may take until its node has looked at the question.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(40);

/// How long it may take for a part: for calls to a list of a million entries it rebuilds the list's tree.
const PART_TIMEOUT: Duration = Duration::from_secs(300);

/// What stands around a step in a message between nodes.
const FRAMING_BYTES: usize = 1_024;

impl Operator {
    /// Looks through a view: what is shown follows once the use stands on the ledger.
    pub(in crate::api) async fn read_view(
        &self,
        request: proto::ViewReadRequest,
        answers: Answers<proto::ViewReadResponse>,
    ) -> Result<(), ApiError> {
        let peers = self.peers.clone().ok_or_else(|| {
            let refused = Refused::Rule(ViewRefusal::NotASupervisor);
            ApiError::from(refused)
        })?;
        let purpose = Purpose::new(&request.purpose)
            .map_err(|error| invalid(format!("purpose is not usable: {error}")))?;
        let id = ViewId(request.view_id);
        let found = self.read(|state| read::view(state, id)).await?;
        let view = found.ok_or(Refused::Rule(ViewRefusal::Unknown))?;
        if view.supervisor != self.ledger.member_id() {
            return Err(Refused::Rule(ViewRefusal::NotTheGrantee).into());
        }
        let mut nonce = [0; 32];
        OsRng.fill_bytes(&mut nonce);
        let query = ViewQuery {
            chain_id: self.ledger.chain_id(),
            view: id,
            nonce,
            asked: asked(&view.scope, &request)?,
        };
        // What the member would refuse is not recorded as asked.
        if !query.is_within(&view.scope) {
            return Err(Refused::Rule(ViewRefusal::OutOfScope).into());
        }
        // Before the record as well: who cannot be reached is not asked.
        let channel = peers
            .channel(view.member)
            .await
            .map_err(|error| ApiError::peer(view.member, "party-unreachable", error.to_string()))?;
        let action = Action::RecordViewUse {
            view: id,
            purpose,
            query: query.digest(),
        };
        let looking = self.looking.lock().await;
        let applied = self.ledger.submit(action).await?;
        send(&answers, recorded(&applied, &query)).await?;
        let mut client = ViewsClient::new(channel)
            .max_decoding_message_size(MAX_OPERATOR_MESSAGE_BYTES + FRAMING_BYTES);
        let asking = client.read_view(wire::ReadViewRequest {
            query: codec::encode(&query),
            recorded_height: applied.height,
        });
        let late = |_| not_reached(&view, "it does not answer in time");
        let answer = timeout(ANSWER_TIMEOUT, asking).await.map_err(late)?;
        drop(looking);
        let parts = answer.map_err(|status| broken(&view, &status))?;
        hand_on(&view, parts.into_inner(), &answers).await
    }
}

/// The question, by what the view shows.
fn asked(scope: &ViewScope, request: &proto::ViewReadRequest) -> Result<Asked, ApiError> {
    let dates = |first, last| match request.dates.clone() {
        None => Ok((first, last)),
        dates => period("dates", dates),
    };
    Ok(match *scope {
        ViewScope::History { from, until } => {
            let (from, until) = dates(from, until)?;
            Asked::History { from, until }
        }
        ViewScope::Quota { from, until } => {
            let (from, until) = dates(from, until)?;
            Asked::Quota { from, until }
        }
        ViewScope::List(_) => Asked::List,
        ViewScope::Cases(_) => {
            let fits = request.cases.len() <= MAX_VIEW_QUERY_BYTES;
            let set = fits.then(|| codec::decode::<CaseSet>(&request.cases));
            let set = set.and_then(Result::ok);
            let set = set.ok_or_else(|| invalid("cases are no set of cases".into()))?;
            let page = request.page;
            Asked::Cases { set, page }
        }
    })
}

/// Hands on what a member shows, as far as it is of the view's kind.
async fn hand_on(
    view: &View,
    mut parts: Streaming<wire::ViewPart>,
    answers: &Answers<proto::ViewReadResponse>,
) -> Result<(), ApiError> {
    use wire::view_part::Outcome;
    let mut file_bytes = 0_usize;
    loop {
        let late = |_| not_reached(view, "it stopped in the middle");
        let part = timeout(PART_TIMEOUT, parts.message()).await.map_err(late)?;
        let shown = match part.map_err(|status| broken(view, &status))? {
            None => return Ok(()),
            Some(wire::ViewPart { outcome }) => match outcome {
                Some(Outcome::Shown(shown)) => shown,
                Some(Outcome::Refusal(refusal)) => {
                    return Err(Refused::said_by(view.member, &refusal));
                }
                None => return Err(misshown(view)),
            },
        };
        let shown = proto::ViewReadResponse::decode(shown.as_slice()).ok();
        let step = shown.and_then(|shown| shown.step);
        let step = step.filter(|step| is_of_kind(&view.scope, step));
        let step = step.ok_or_else(|| misshown(view))?;
        if let Step::Part(part) = &step {
            file_bytes += part.len();
        }
        if file_bytes > MAX_FILE_BYTES {
            return Err(misshown(view));
        }
        send(answers, step).await?;
    }
}

async fn send(answers: &Answers<proto::ViewReadResponse>, step: Step) -> Result<(), ApiError> {
    let response = proto::ViewReadResponse { step: Some(step) };
    answers.send(Ok(response)).await.map_err(|_| gone())
}

fn recorded(applied: &Applied, query: &ViewQuery) -> Step {
    Step::Recorded(proto::ViewUseRecorded {
        tx_id: applied.tx_id.0.0.to_vec(),
        height: applied.height,
        query: query.digest().0.to_vec(),
    })
}

fn not_reached(view: &View, what: &str) -> ApiError {
    let message = format!("{} shows nothing: {what}", view.member);
    ApiError::peer(view.member, "party-unreachable", message)
}

/// The connection failed. The other side's text is not passed on.
fn broken(view: &View, status: &tonic::Status) -> ApiError {
    not_reached(view, &format!("the connection failed: {:?}", status.code()))
}

fn misshown(view: &View) -> ApiError {
    let message = format!("{} sends what such a view does not show", view.member);
    ApiError::peer(view.member, "view-misshown", message)
}
