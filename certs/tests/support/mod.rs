//! Two or more institutions with certificates of their own, and a peer service that says who called it.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use tacit_certs::{
    ChannelLimits, MemberAddress, PeerChannels, PeerVerifier, RegisteredKeys, Registration,
    ReloadingIdentity, SpkiHash,
    development::{self, Made, Request},
    peer_server_config,
    serve::{AcceptLimits, PeerGate, peers},
};
use tacit_circuits::scope::MemberId;
use tacit_proto::peer::{
    Disclosure, DisputePackage, EvaluateRequest, EvaluateResponse, FetchDisclosureRequest,
    FetchDisputePackageRequest, FetchSnapshotRequest, PingRequest, PingResponse, SnapshotPart,
    peer_server::{Peer, PeerServer},
};
use tokio::{net::TcpListener, task::JoinHandle};
use tonic::{Response, Status, transport::Server};

/// The largest message that the test's service takes.
pub(crate) const MAX_MESSAGE_BYTES: usize = 64 * 1024;

pub(crate) const DAY: Duration = Duration::from_secs(86_400);

pub(crate) fn request(institution: &str) -> Request {
    Request {
        institution: institution.to_owned(),
        hosts: vec!["127.0.0.1".to_owned(), "localhost".to_owned()],
        valid_for: 30 * DAY,
        now: SystemTime::now(),
    }
}

/// An institution with its own authority, listener and view of the ledger.
pub(crate) struct Institution {
    pub member: MemberId,
    pub made: Made,
    pub identity: Arc<ReloadingIdentity>,
    pub directory: Arc<RegisteredKeys>,
    pub verifier: Arc<PeerVerifier>,
    pub address: MemberAddress,
    pub channels: PeerChannels,
    pub server: JoinHandle<()>,
}

impl Institution {
    pub(crate) async fn open(folder: &Path, member: u32, request: &Request) -> Self {
        Self::open_with(folder, member, request, AcceptLimits::default()).await
    }

    pub(crate) async fn open_with(
        folder: &Path,
        member: u32,
        request: &Request,
        limits: AcceptLimits,
    ) -> Self {
        let made = development::create(&folder.join(member.to_string()), request).unwrap();
        let identity = ReloadingIdentity::open(made.layout.peer()).unwrap();
        let directory = RegisteredKeys::new();
        let verifier = Arc::new(PeerVerifier::new(directory.clone(), None).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = MemberAddress {
            host: "127.0.0.1".to_owned(),
            port: listener.local_addr().unwrap().port(),
        };
        let config = peer_server_config(identity.clone(), verifier.clone()).unwrap();
        let incoming = peers(listener, config, verifier.clone(), limits);
        let service = PeerServer::new(Echo).max_decoding_message_size(MAX_MESSAGE_BYTES);
        let server = Server::builder()
            .layer(PeerGate::new(verifier.clone(), PeerIdentity))
            .add_service(service)
            .serve_with_incoming(incoming);
        let server = tokio::spawn(async move { server.await.unwrap() });
        let channels = PeerChannels::new(
            identity.clone(),
            directory.clone(),
            verifier.clone(),
            ChannelLimits::default(),
        );
        let member = MemberId(member);
        Self {
            member,
            made,
            identity,
            directory,
            verifier,
            address,
            channels,
            server,
        }
    }

    pub(crate) fn registration(&self) -> Registration {
        self.registration_with(self.made.peer_spki)
    }

    pub(crate) fn registration_with(&self, spki: SpkiHash) -> Registration {
        Registration {
            member: self.member,
            current: vec![spki],
            withdrawn: Vec::new(),
            address: Some(self.address.clone()),
        }
    }
}

impl Drop for Institution {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Two institutions that know each other.
pub(crate) async fn two(folder: &Path) -> (Institution, Institution) {
    let first = Institution::open(folder, 1, &request("First Bank")).await;
    let second = Institution::open(folder, 2, &request("Second Bank")).await;
    for institution in [&first, &second] {
        institution
            .directory
            .replace([first.registration(), second.registration()]);
    }
    (first, second)
}

/// What the gate puts among a request's extensions.
#[derive(Clone, Copy)]
struct PeerIdentity(MemberId);

/// Answers a ping with the caller's number as the height.
struct Echo;

#[tonic::async_trait]
impl Peer for Echo {
    async fn fetch_dispute_package(
        &self,
        _request: tonic::Request<FetchDisputePackageRequest>,
    ) -> Result<Response<DisputePackage>, Status> {
        Ok(Response::new(DisputePackage::default()))
    }

    async fn fetch_disclosure(
        &self,
        _request: tonic::Request<FetchDisclosureRequest>,
    ) -> Result<Response<Disclosure>, Status> {
        Ok(Response::new(Disclosure::default()))
    }

    async fn ping(
        &self,
        request: tonic::Request<PingRequest>,
    ) -> Result<Response<PingResponse>, Status> {
        let PeerIdentity(member) = *request
            .extensions()
            .get::<PeerIdentity>()
            .ok_or_else(|| Status::internal("the gate let an unknown caller pass"))?;
        Ok(Response::new(PingResponse {
            chain_id: vec![0; 32],
            height: member.0.into(),
        }))
    }

    async fn evaluate(
        &self,
        request: tonic::Request<EvaluateRequest>,
    ) -> Result<Response<EvaluateResponse>, Status> {
        let _ = request;
        Ok(Response::new(EvaluateResponse::default()))
    }

    type FetchSnapshotStream = tokio_stream::Empty<Result<SnapshotPart, Status>>;

    async fn fetch_snapshot(
        &self,
        _request: tonic::Request<FetchSnapshotRequest>,
    ) -> Result<Response<Self::FetchSnapshotStream>, Status> {
        Ok(Response::new(tokio_stream::empty()))
    }
}
