//! The member's side: lets in whom the ledger lets in, and shows so much at a time.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::Stream;
use prost::Message as _;
use tacit_certs::SpkiHash;
use tacit_frontend::ports::{Ledger as _, PeerIdentity};
use tacit_ledger::kernel::{MemberId, Role, codec};
use tacit_ledger::network::views::{MAX_VIEW_QUERY_BYTES, ViewQuery, ViewRefusal, may_show};
use tacit_ledger::network::{Member, View, ViewId, read};
use tacit_proto::operator::view_read_response::Step;
use tacit_proto::peer::views_server::{Views, ViewsServer};
use tacit_proto::{MAX_OPERATOR_MESSAGE_BYTES, operator as proto, peer as wire};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use super::in_words;
use super::refusal::Refused;
use crate::api::Operator;
use crate::api::error::ApiError;
use crate::api::lists::gone;
use crate::api::reads::Reading;
use crate::reads::Reader;

/// What is shown at once, to all supervisors together: a history reads the whole of the ledger's rows, a bundle
/// is made in memory.
const MAX_AT_ONCE: usize = 4;

/// Parts that wait for a slow reader: each takes up to a megabyte.
const BUFFER: usize = 2;

/// How long a reader may leave a part waiting before it loses its place.
const TAKE_TIMEOUT: Duration = Duration::from_secs(20);

/// How long a ledger that is behind the recorded use is waited for: far below what a request may take.
const LEDGER_INTERVAL: Duration = Duration::from_millis(50);
const LEDGER_LOOKS: u32 = 100;

/// What stands around a question in a message.
const FRAMING_BYTES: usize = 1_024;

type Parts = mpsc::Sender<Result<wire::ViewPart, Status>>;

/// Serves what this member granted views of.
#[derive(Clone)]
pub struct ViewServer {
    operator: Operator,
    places: Arc<Semaphore>,
}

impl ViewServer {
    /// Shows what this node keeps.
    pub fn new(operator: Operator) -> Self {
        Self {
            operator,
            places: Arc::new(Semaphore::new(MAX_AT_ONCE)),
        }
    }

    /// The service with its limits, to be put behind a listener that knows its callers.
    pub fn into_server(self) -> ViewsServer<Self> {
        ViewsServer::new(self)
            .max_decoding_message_size(MAX_VIEW_QUERY_BYTES + FRAMING_BYTES)
            .max_encoding_message_size(MAX_OPERATOR_MESSAGE_BYTES + FRAMING_BYTES)
    }

    /// Looks whether it may be shown, and records that it is about to be.
    async fn begin(
        &self,
        caller: MemberId,
        request: wire::ReadViewRequest,
    ) -> Result<Showing, Refused> {
        let place = self.places.clone().try_acquire_owned();
        let place = place.map_err(|_| Refused::Busy)?;
        if request.query.len() > MAX_VIEW_QUERY_BYTES {
            return Err(Refused::Malformed);
        }
        let query: ViewQuery = codec::decode(&request.query).map_err(|_| Refused::Malformed)?;
        let ledger = &self.operator.ledger;
        let (me, chain_id) = (ledger.member_id(), ledger.chain_id());
        // Nobody but a supervisor may hold a place while the ledger is waited for.
        let found = self.operator.read(|state| read::member(state, caller));
        let supervisor = found.await.map_err(|error| unreadable(&error))?;
        let supervisor = supervisor.filter(|party| party.role == Role::Observer);
        let supervisor = supervisor.ok_or(Refused::Rule(ViewRefusal::NotASupervisor))?;
        self.wait_for(request.recorded_height).await?;
        let allowed = self
            .operator
            .read(|state| may_show(state, chain_id, me, caller, &query));
        let allowed = allowed.await.map_err(|error| unreadable(&error))?;
        let view = allowed.map_err(Refused::Rule)?;
        let purpose = view.last_use.as_ref().map(|last| last.purpose.as_str());
        let what = format!(
            "view={} use={} purpose={} {}",
            view.id,
            view.uses,
            purpose.unwrap_or_default(),
            in_words(&query.asked)
        );
        let reader = Reader {
            operator: format!("supervisor {caller}"),
            certificate: SpkiHash(supervisor.profile.tls_spki_hash.0),
        };
        // What is not recorded is not shown.
        let reading = self.operator.reading_by(reader, "view-shown", &what).await;
        Ok(Showing {
            reading: reading.map_err(|error| unreadable(&error))?,
            view,
            query,
            supervisor,
            _place: place,
        })
    }

    async fn wait_for(&self, height: u64) -> Result<(), Refused> {
        for _ in 0..LEDGER_LOOKS {
            if self.operator.ledger.height() >= height {
                return Ok(());
            }
            tokio::time::sleep(LEDGER_INTERVAL).await;
        }
        Err(Refused::LedgerBehind)
    }
}

/// What is about to be shown.
struct Showing {
    reading: Reading,
    view: View,
    query: ViewQuery,
    supervisor: Member,
    _place: OwnedSemaphorePermit,
}

impl Showing {
    /// Shows it. Whatever ends it early is told behind the last part: an answer that only stops would pass for a
    /// whole one.
    async fn run(self, operator: Operator, parts: Parts) {
        let showing = tokio::spawn(self.show(operator, parts.clone()));
        let last = match showing.await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => Ok(Refused::of(&error).to_wire()),
            Err(_) => Err(Status::internal("showing ended early")),
        };
        // Its place is free by now: nothing is held for a reader that takes its time but this.
        let _ = parts.send(last).await;
    }

    async fn show(self, operator: Operator, parts: Parts) -> Result<(), ApiError> {
        let shown = Shown {
            operator: operator.clone(),
            view: self.view.id,
            parts,
        };
        let gathered = operator
            .gather(&self.view, self.query.asked, &self.supervisor, &shown)
            .await;
        let ended = self
            .reading
            .ended(gathered, |words| format!("done: {words}"))
            .await;
        if let Err(error) = &ended {
            tracing::warn!(%error, view = %self.view.id, "views.serve: not shown to its end");
        }
        ended.map(drop)
    }
}

/// Where what is shown goes.
pub(super) struct Shown {
    operator: Operator,
    view: ViewId,
    parts: Parts,
}

impl Shown {
    /// Sends a step, unless the view was revoked meanwhile or whoever asked takes too long.
    pub(super) async fn send(&self, step: Step) -> Result<(), ApiError> {
        let id = self.view;
        let stands = self.operator.read(|state| read::view(state, id)).await?;
        if stands.is_none() {
            return Err(Refused::Rule(ViewRefusal::Unknown).into());
        }
        let response = proto::ViewReadResponse { step: Some(step) };
        let part = wire::ViewPart {
            outcome: Some(wire::view_part::Outcome::Shown(response.encode_to_vec())),
        };
        let taken = self.parts.send_timeout(Ok(part), TAKE_TIMEOUT).await;
        taken.map_err(|_| gone())
    }
}

fn unreadable(error: &ApiError) -> Refused {
    tracing::error!(%error, "views.serve: nothing can be shown");
    Refused::Unreadable
}

#[tonic::async_trait]
impl Views for ViewServer {
    type ReadViewStream = Pin<Box<dyn Stream<Item = Result<wire::ViewPart, Status>> + Send>>;

    async fn read_view(
        &self,
        request: Request<wire::ReadViewRequest>,
    ) -> Result<Response<Self::ReadViewStream>, Status> {
        let identity = request.extensions().get::<PeerIdentity>().copied();
        let PeerIdentity(caller) =
            identity.ok_or_else(|| Status::unauthenticated("no registered certificate"))?;
        let (parts, stream) = mpsc::channel(BUFFER);
        match self.begin(caller, request.into_inner()).await {
            Ok(showing) => {
                tokio::spawn(showing.run(self.operator.clone(), parts));
            }
            Err(refused) => {
                tracing::info!(%caller, code = refused.code(), "views.serve: refused");
                let _ = parts.try_send(Ok(refused.to_wire()));
            }
        }
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }
}
