//! Answers other members.

use std::sync::Arc;

use tacit_circuits::scope::MemberId;
use tacit_ledger::network::read as state;
use tacit_proto::peer as wire;
use tacit_proto::peer::peer_server::{Peer, PeerServer};
use tonic::{Request, Response, Status};

use crate::disclosures::{self, DisclosureServer, MAX_BUNDLE_BYTES};
use crate::disputes::PackageServer;
use crate::evaluation::{Evaluator, MAX_REQUEST_BYTES};
use crate::ports::{Ledger, PeerIdentity, read};
use crate::snapshots::{SnapshotServer, SnapshotStream};
use crate::telemetry::Counter;

/// Largest message that the service reads: a request and its framing.
pub const MAX_PEER_REQUEST_BYTES: usize = MAX_REQUEST_BYTES + 1024;

/// The service that a front end offers to other members.
#[derive(Clone)]
pub struct PeerService {
    ledger: Arc<dyn Ledger>,
    evaluator: Arc<Evaluator>,
    snapshots: SnapshotServer,
    packages: PackageServer,
    disclosures: DisclosureServer,
}

impl PeerService {
    pub(crate) fn new(
        ledger: Arc<dyn Ledger>,
        evaluator: Arc<Evaluator>,
        snapshots: SnapshotServer,
        packages: PackageServer,
        disclosures: DisclosureServer,
    ) -> Self {
        Self {
            ledger,
            evaluator,
            snapshots,
            packages,
            disclosures,
        }
    }

    /// The service with its limits, to be put behind a listener that knows its callers.
    pub fn into_server(self) -> PeerServer<Self> {
        PeerServer::new(self)
            .max_decoding_message_size(MAX_PEER_REQUEST_BYTES)
            .max_encoding_message_size(MAX_BUNDLE_BYTES + disclosures::FRAMING_BYTES)
    }

    /// Lists go to members only: observers see the ledger, and what they are granted.
    async fn require_member(&self, caller: MemberId) -> Result<(), Status> {
        let found = read(&*self.ledger, |view| state::member(view, caller)).await;
        let found = found.map_err(|error| {
            tracing::warn!(%error, "peer.caller: the ledger cannot be read");
            Status::unavailable("the ledger cannot be read; ask again")
        })?;
        match found {
            Some(found)
                if found.is_active() && found.role == tacit_ledger::kernel::Role::Member =>
            {
                Ok(())
            }
            _ => Err(Status::permission_denied(
                "only active members of the network may ask",
            )),
        }
    }
}

fn caller<T>(request: &Request<T>) -> Result<MemberId, Status> {
    let identity = request.extensions().get::<PeerIdentity>();
    let PeerIdentity(member) =
        identity.ok_or_else(|| Status::unauthenticated("no registered certificate"))?;
    Ok(*member)
}

#[tonic::async_trait]
impl Peer for PeerService {
    async fn ping(
        &self,
        request: Request<wire::PingRequest>,
    ) -> Result<Response<wire::PingResponse>, Status> {
        caller(&request)?;
        let chain_id = self.ledger.chain_id().0.to_vec();
        Ok(Response::new(wire::PingResponse {
            chain_id,
            height: self.ledger.height(),
        }))
    }

    async fn evaluate(
        &self,
        request: Request<wire::EvaluateRequest>,
    ) -> Result<Response<wire::EvaluateResponse>, Status> {
        let caller = caller(&request)?;
        let wire::EvaluateRequest {
            signed_request,
            opened_height,
        } = request.into_inner();
        let outcome = match self
            .evaluator
            .evaluate(caller, &signed_request, opened_height)
            .await
        {
            Ok(evaluation) => wire::evaluate_response::Outcome::Evaluation(evaluation),
            Err(refusal) => {
                Counter::RequestsRefused.add(1);
                tracing::info!(%caller, code = refusal.code, "peer.evaluate: refused");
                wire::evaluate_response::Outcome::Refusal(refusal.to_wire())
            }
        };
        Ok(Response::new(wire::EvaluateResponse {
            outcome: Some(outcome),
        }))
    }

    async fn fetch_dispute_package(
        &self,
        request: Request<wire::FetchDisputePackageRequest>,
    ) -> Result<Response<wire::DisputePackage>, Status> {
        let caller = caller(&request)?;
        self.require_member(caller).await?;
        let package = self.packages.hand_out(caller, request.into_inner()).await?;
        Ok(Response::new(package))
    }

    async fn fetch_disclosure(
        &self,
        request: Request<wire::FetchDisclosureRequest>,
    ) -> Result<Response<wire::Disclosure>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let disclosed = self.disclosures.hand_out(caller, request).await?;
        Ok(Response::new(disclosed))
    }

    type FetchSnapshotStream = SnapshotStream;

    async fn fetch_snapshot(
        &self,
        request: Request<wire::FetchSnapshotRequest>,
    ) -> Result<Response<SnapshotStream>, Status> {
        let caller = caller(&request)?;
        self.require_member(caller).await?;
        let stream = self.snapshots.stream(caller, request.into_inner()).await?;
        Ok(Response::new(stream))
    }
}
