//! The two listeners: for other members, and for the institution's own operators.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tacit_certs::serve::{self, AcceptLimits, PeerGate};
use tacit_certs::{
    CertificateError, IdentityFiles, ReloadingIdentity, operator_server_config, peer_server_config,
    read_authorities,
};
use tacit_frontend::peer::PeerService;
use tacit_frontend::ports::PeerIdentity;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tonic::transport::Server;

use super::RunError;
use crate::api::{Operator, OperatorGate, ViewServer};
use crate::config;
use crate::operators::LiveOperators;
use crate::peers::{CERTIFICATE_POLL, MemberPeers};

/// Requests that one connection may have under way. A bulk screening keeps four batches a list under way; a
/// caller with more waits for its own.
const MAX_STREAMS_PER_CONNECTION: u32 = 64;

/// How long another member's request may take to arrive whole and be answered, the beginning of a stream
/// included. An evaluation that is waited for takes a few seconds at most; what takes longer only holds memory.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// A caller that answers no probe within these times is gone, and its requests with it.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(20);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest list of headers of a request. gRPC's own take some hundred bytes.
const MAX_HEADER_BYTES: u32 = 8 * 1024;

/// Opens the listener for other members; the future serves them until the node stops.
pub(super) async fn peers(
    config: &config::Frontend,
    peers: &MemberPeers,
    (service, views): (PeerService, ViewServer),
    stop: watch::Receiver<bool>,
) -> Result<impl Future<Output = ()> + use<>, RunError> {
    let listener = listen("other members", config.listen).await?;
    let tls = peer_server_config(peers.identity.clone(), peers.verifier.clone())?;
    let verifier = peers.verifier.clone();
    let incoming = serve::peers(listener, tls, verifier.clone(), AcceptLimits::default());
    let router = server()
        .timeout(REQUEST_TIMEOUT)
        .layer(PeerGate::new(verifier, PeerIdentity))
        .add_service(service.into_server())
        .add_service(views.into_server());
    Ok(async move {
        let served = router.serve_with_incoming_shutdown(incoming, stopped(stop));
        if let Err(error) = served.await {
            tracing::error!(%error, "peers.serve: other members are not served any more");
        }
    })
}

/// Opens the listener for operators; the future serves them until the node stops, and takes a renewed
/// certificate of the listener and a changed list of operators into use.
pub(super) async fn operators(
    config: &config::Operator,
    operator: Operator,
    listed: Arc<LiveOperators>,
    stop: watch::Receiver<bool>,
) -> Result<impl Future<Output = ()> + use<>, RunError> {
    let listener = listen("operators", config.listen).await?;
    let (identity, tls) = operator_tls(config)?;
    let incoming = serve::operators(listener, tls, AcceptLimits::default());
    let router = server()
        .layer(OperatorGate::new(listed.clone()))
        .add_service(operator.into_server());
    Ok(async move {
        let served = router.serve_with_incoming_shutdown(incoming, stopped(stop));
        tokio::select! {
            served = served => {
                if let Err(error) = served {
                    tracing::error!(%error, "operators.serve: operators are not served any more");
                }
            }
            () = identity.watch(CERTIFICATE_POLL, |_| true) => {}
            () = listed.watch(CERTIFICATE_POLL) => {}
        }
    })
}

fn operator_tls(
    config: &config::Operator,
) -> Result<(Arc<ReloadingIdentity>, Arc<ServerConfig>), CertificateError> {
    let identity = ReloadingIdentity::open(IdentityFiles {
        certificate: config.certificate_file.clone(),
        key: config.key_file.clone(),
    })?;
    let authorities = read_authorities(&config.operators_ca_file)?;
    let tls = operator_server_config(identity.clone(), authorities)?;
    Ok((identity, tls))
}

/// Whether the files of the operators' listener can be used.
///
/// # Errors
/// [`CertificateError`] for the first that cannot.
pub fn check_operator_files(config: &config::Operator) -> Result<(), CertificateError> {
    operator_tls(config).map(drop)
}

fn server() -> Server {
    Server::builder()
        .max_concurrent_streams(MAX_STREAMS_PER_CONNECTION)
        .concurrency_limit_per_connection(MAX_STREAMS_PER_CONNECTION as usize)
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .http2_max_header_list_size(MAX_HEADER_BYTES)
}

async fn listen(whom: &'static str, address: SocketAddr) -> Result<TcpListener, RunError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| RunError::Listen {
            whom,
            address,
            source,
        })
}

/// Ends when the node is to stop.
pub(super) async fn stopped(mut stop: watch::Receiver<bool>) {
    // An error says that the node is gone, which is a stop as well.
    let _ = stop.wait_for(|stop| *stop).await;
}
