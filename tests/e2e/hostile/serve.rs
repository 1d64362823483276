//! What dogwood says when it is asked: anything.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use rand_core::OsRng;
use tacit_certs::peer_server_config;
use tacit_certs::serve::{self, AcceptLimits, PeerGate};
use tacit_circuits::curve::{Point, WirePoint};
use tacit_circuits::list::VersionId;
use tacit_circuits::oprf::{DleqProof, EvaluationContext, ListKey, evaluate};
use tacit_circuits::scope::{ListId, ListVersion, TagEpoch};
use tacit_frontend::ports::PeerIdentity;
use tacit_ledger::kernel::{BoundedVec, codec};
use tacit_ledger::network::SignedRequest;
use tacit_ledger::network::request::MAX_CALLS;
use tacit_proto::peer as wire;
use tacit_proto::peer::peer_server::{Peer, PeerServer};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tonic::transport::Server;
use tonic::{Request, Response, Status};

use super::{Dogwood, bounded};
use crate::tap::Tap;

/// Evaluated points and their proof, as an answer carries them.
pub(super) type Evaluated = (BoundedVec<WirePoint, MAX_CALLS>, DleqProof);

/// What becomes of an answer that would have been right.
pub(super) type Deed = Arc<dyn Fn(&SignedRequest, Evaluated) -> Said + Send + Sync>;

/// What dogwood says.
pub(super) enum Said {
    /// An answer.
    Answer(Evaluated),
    /// Bytes in the place of an answer.
    Bytes(Vec<u8>),
    /// A refusal with this code.
    Refusal(u32),
    /// Nothing.
    Silence,
}

/// What dogwood serves, and how.
#[derive(Default)]
struct Shelf {
    keys: HashMap<ListId, ListKey>,
    snapshots: HashMap<VersionId, Vec<Vec<u8>>>,
    deed: Option<Deed>,
    /// Requests that were answered, with what would have been right.
    asked: Vec<(SignedRequest, Evaluated)>,
}

/// Dogwood's front end. Clones serve the same.
#[derive(Clone, Default)]
pub(super) struct FrontEnd(Arc<Mutex<Shelf>>);

impl FrontEnd {
    fn with<T>(&self, change: impl FnOnce(&mut Shelf) -> T) -> T {
        change(&mut self.0.lock().expect("no test panics under it"))
    }

    /// Serves a list: its key, and what is sent as its snapshot, header aside, part by part.
    pub(super) fn put(&self, id: VersionId, key: &ListKey, parts: Vec<Vec<u8>>) {
        self.with(|shelf| {
            shelf.keys.insert(id.list, key.clone());
            shelf.snapshots.insert(id, parts);
        });
    }

    /// From now on answers become this.
    pub(super) fn does(&self, deed: Deed) {
        self.with(|shelf| shelf.deed = Some(deed));
    }

    /// The last request, and the answer that would have been right.
    pub(super) fn last_asked(&self) -> (SignedRequest, Evaluated) {
        self.with(|shelf| shelf.asked.last().cloned().expect("it was asked"))
    }

    /// Serves at an address of the system's choice, behind dogwood's certificate. Dropping the runtime ends it,
    /// connections included.
    pub(super) fn serve(&self, dogwood: &Dogwood) -> (Runtime, std::net::SocketAddr) {
        let runtime = Runtime::new().expect("a runtime");
        let (identity, verifier) = (
            dogwood.peers.identity.clone(),
            dogwood.peers.verifier.clone(),
        );
        let service = PeerServer::new(self.clone());
        let address = runtime.block_on(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let address = listener.local_addr().expect("an address");
            let tls = peer_server_config(identity, verifier.clone()).expect("certificates");
            let incoming = serve::peers(listener, tls, verifier.clone(), AcceptLimits::default());
            let server = Server::builder()
                .layer(PeerGate::new(verifier, PeerIdentity))
                .add_service(service);
            tokio::spawn(server.serve_with_incoming(incoming));
            address
        });
        (runtime, address)
    }

    /// Serves at dogwood's registered address, through a tap.
    pub(super) fn open(&self, dogwood: &Dogwood) -> Served {
        let (runtime, address) = self.serve(dogwood);
        let tap = Tap::between(dogwood.config.frontend.listen, address);
        Served {
            tap,
            runtime: Some(runtime),
        }
    }
}

/// A front end that is reached. Dropping it closes the port and whatever is open.
pub(super) struct Served {
    pub(super) tap: Tap,
    runtime: Option<Runtime>,
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The right answer to a request under a key, in a context.
pub(super) fn answer(
    key: &ListKey,
    context: &EvaluationContext,
    signed: &SignedRequest,
) -> Evaluated {
    let blinded = Point::decode_batch(&signed.request.blinded()).expect("an honest querier");
    let (points, proof) = evaluate(key, context, &blinded, &mut OsRng).expect("a batch");
    let points = points.iter().map(Point::encode).collect();
    (bounded(points), proof)
}

#[tonic::async_trait]
impl Peer for FrontEnd {
    async fn fetch_dispute_package(
        &self,
        _: Request<wire::FetchDisputePackageRequest>,
    ) -> Result<Response<wire::DisputePackage>, Status> {
        Err(Status::not_found("this front end has nothing to show"))
    }

    async fn fetch_disclosure(
        &self,
        _: Request<wire::FetchDisclosureRequest>,
    ) -> Result<Response<wire::Disclosure>, Status> {
        Err(Status::not_found("this front end has nothing to show"))
    }

    async fn ping(
        &self,
        _: Request<wire::PingRequest>,
    ) -> Result<Response<wire::PingResponse>, Status> {
        Ok(Response::new(wire::PingResponse::default()))
    }

    async fn evaluate(
        &self,
        request: Request<wire::EvaluateRequest>,
    ) -> Result<Response<wire::EvaluateResponse>, Status> {
        use wire::evaluate_response::Outcome;
        let bytes = request.into_inner().signed_request;
        let signed: SignedRequest = codec::decode(&bytes).expect("an honest querier");
        let (key, deed) = self.with(|shelf| {
            let key = shelf.keys.get(&signed.request.list).cloned();
            (key.expect("its list"), shelf.deed.clone())
        });
        let right = answer(&key, &signed.request.evaluation_context(), &signed);
        self.with(|shelf| shelf.asked.push((signed.clone(), right.clone())));
        let said = match deed {
            Some(deed) => deed(&signed, right),
            None => Said::Answer(right),
        };
        let outcome = match said {
            Said::Answer(evaluated) => Outcome::Evaluation(codec::encode(&evaluated)),
            Said::Bytes(bytes) => Outcome::Evaluation(bytes),
            Said::Refusal(code) => Outcome::Refusal(wire::Refusal {
                code,
                message: "dogwood says so".to_owned(),
                transient: false,
            }),
            Said::Silence => std::future::pending().await,
        };
        Ok(Response::new(wire::EvaluateResponse {
            outcome: Some(outcome),
        }))
    }

    type FetchSnapshotStream =
        std::pin::Pin<Box<dyn futures::Stream<Item = Result<wire::SnapshotPart, Status>> + Send>>;

    async fn fetch_snapshot(
        &self,
        request: Request<wire::FetchSnapshotRequest>,
    ) -> Result<Response<Self::FetchSnapshotStream>, Status> {
        use wire::snapshot_part::Part;
        let request = request.into_inner();
        let id = VersionId {
            list: ListId(request.list),
            tag_epoch: TagEpoch(request.tag_epoch),
            version: ListVersion(u32::try_from(request.version).expect("an honest reader")),
        };
        let parts = self.with(|shelf| shelf.snapshots.get(&id).cloned());
        let parts = parts.ok_or_else(|| Status::not_found("dogwood has nothing to show"))?;
        let total_bytes = parts.iter().map(|part| part.len() as u64).sum();
        let header = Part::Header(wire::SnapshotHeader { total_bytes });
        let data = parts.into_iter().map(Part::Data);
        let messages: Vec<_> = std::iter::once(header)
            .chain(data)
            .map(|part| Ok(wire::SnapshotPart { part: Some(part) }))
            .collect();
        Ok(Response::new(Box::pin(tokio_stream::iter(messages))))
    }
}
