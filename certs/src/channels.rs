//! The calling side: one verified channel to each member, kept and reopened.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use tacit_circuits::scope::MemberId;
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};
use tonic::{
    codegen::http::Uri,
    transport::{Channel, Endpoint},
};

use crate::{
    CertificateError, Directory, MemberAddress, PeerRefusal, PeerVerifier, ReloadingIdentity,
    SpkiHash, operator_client_config, peer_client_config,
};

/// Bounds of the calling side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelLimits {
    /// TCP connection and handshake together may take this long.
    pub connect_timeout: Duration,
    /// An open connection is probed after this long without traffic.
    pub keepalive_interval: Duration,
    /// A probe that is not answered within this time closes the connection.
    pub keepalive_timeout: Duration,
    /// Bytes that one stream may have under way. Snapshots need more than HTTP/2's 64 KiB.
    pub stream_window_bytes: u32,
    /// Bytes that one connection may have under way.
    pub connection_window_bytes: u32,
}

impl Default for ChannelLimits {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(3),
            keepalive_interval: Duration::from_secs(10),
            keepalive_timeout: Duration::from_secs(5),
            stream_window_bytes: 1024 * 1024,
            connection_window_bytes: 4 * 1024 * 1024,
        }
    }
}

/// Why there is no channel to a member.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PeerError {
    /// The ledger knows no address of this member.
    #[error("{member} has registered no address")]
    NoAddress {
        /// Who was called.
        member: MemberId,
    },
    /// Nobody answers at the registered address.
    #[error("{member} cannot be reached at {host}:{port}: {reason}")]
    Unreachable {
        /// Who was called.
        member: MemberId,
        /// The registered host.
        host: String,
        /// The registered port.
        port: u16,
        /// What the system said.
        reason: String,
    },
    /// Somebody answers, but certificates are refused on one side or the other.
    #[error("{member} is refused: {refusal}")]
    Refused {
        /// Who was called.
        member: MemberId,
        /// Why.
        refusal: PeerRefusal,
    },
    /// This node's own configuration does not hold together.
    #[error("this node's certificates cannot be used: {reason}")]
    Configuration {
        /// Why.
        reason: String,
    },
}

/// Hands out channels to members. A channel is opened once and shared, and reopens its connection by itself. A new
/// address on the ledger makes a new channel, and so does a renewed certificate: the former one is withdrawn by the
/// renewal, and a connection that showed it is refused from then on.
pub struct PeerChannels {
    identity: Arc<ReloadingIdentity>,
    directory: Arc<dyn Directory>,
    verifier: Arc<PeerVerifier>,
    limits: ChannelLimits,
    lines: Mutex<HashMap<MemberId, Arc<Line>>>,
}

/// The one channel to a member, and under what it was opened. Its lock is held while it is being opened, so that
/// callers wait for one attempt and do not each make their own.
type Line = tokio::sync::Mutex<Option<(Terms, Channel)>>;

/// What a connection rests on. When one of them changes, the other side refuses whatever still comes over it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Terms {
    address: MemberAddress,
    /// Key and end of validity of the certificate that this side shows.
    shown: (SpkiHash, i64),
}

impl PeerChannels {
    /// Shows `identity`, accepts what `verifier` accepts, finds addresses in `directory`.
    pub fn new(
        identity: Arc<ReloadingIdentity>,
        directory: Arc<dyn Directory>,
        verifier: Arc<PeerVerifier>,
        limits: ChannelLimits,
    ) -> Self {
        Self {
            identity,
            directory,
            verifier,
            limits,
            lines: Mutex::default(),
        }
    }

    /// A channel whose other end has proven to be `member`.
    ///
    /// The first call for an address waits for the connection, so that the reason of a failure is known; the
    /// channel is kept only once it has worked.
    pub async fn channel(&self, member: MemberId) -> Result<Channel, PeerError> {
        let address = self
            .directory
            .address(member)
            .ok_or(PeerError::NoAddress { member })?;
        let line = {
            let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
            lines.entry(member).or_default().clone()
        };
        let mut line = line.lock().await;
        let shown = self.identity.facts();
        let terms = Terms {
            address,
            shown: (shown.spki, shown.not_after_s),
        };
        if let Some((known, channel)) = &*line
            && *known == terms
        {
            return Ok(channel.clone());
        }
        let channel = self.open(member, &terms.address).await?;
        *line = Some((terms, channel.clone()));
        Ok(channel)
    }

    async fn open(&self, member: MemberId, address: &MemberAddress) -> Result<Channel, PeerError> {
        let verifier = Arc::new(self.verifier.expecting(member));
        let config = peer_client_config(self.identity.clone(), verifier).map_err(|error| {
            PeerError::Configuration {
                reason: error.to_string(),
            }
        })?;
        connect(address, config, &self.limits)
            .await
            .map_err(|error| match PeerRefusal::find(&error) {
                Some(refusal) => PeerError::Refused { member, refusal },
                None => PeerError::Unreachable {
                    member,
                    host: address.host.clone(),
                    port: address.port,
                    reason: innermost(&error),
                },
            })
    }
}

/// A channel to this institution's own node.
///
/// `address` must be a name or an IP address that the node's certificate names.
pub async fn operator_channel(
    address: &MemberAddress,
    identity: Arc<ReloadingIdentity>,
    authorities: RootCertStore,
    limits: &ChannelLimits,
) -> Result<Result<Channel, tonic::transport::Error>, CertificateError> {
    let config = operator_client_config(identity, authorities)?;
    Ok(connect(address, config, limits).await)
}

async fn connect(
    address: &MemberAddress,
    config: Arc<ClientConfig>,
    limits: &ChannelLimits,
) -> Result<Channel, tonic::transport::Error> {
    let host = if address.host.contains(':') {
        format!("[{}]", address.host)
    } else {
        address.host.clone()
    };
    let endpoint = Endpoint::from_shared(format!("http://{host}:{}", address.port))?
        .connect_timeout(limits.connect_timeout)
        .http2_keep_alive_interval(limits.keepalive_interval)
        .keep_alive_timeout(limits.keepalive_timeout)
        .keep_alive_while_idle(true)
        .initial_stream_window_size(limits.stream_window_bytes)
        .initial_connection_window_size(limits.connection_window_bytes);
    let (address, deadline) = (address.clone(), limits.connect_timeout);
    let connector = tower::service_fn(move |_: Uri| {
        let (address, config) = (address.clone(), config.clone());
        async move {
            tokio::time::timeout(deadline, dial(&address, config))
                .await
                .unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut)))
                .map(TokioIo::new)
        }
    });
    endpoint.connect_with_connector(connector).await
}

async fn dial(
    address: &MemberAddress,
    config: Arc<ClientConfig>,
) -> io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from(address.host.clone())
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    let socket = TcpStream::connect((address.host.as_str(), address.port)).await?;
    socket.set_nodelay(true)?;
    TlsConnector::from(config).connect(name, socket).await
}

fn innermost(error: &dyn std::error::Error) -> String {
    let mut current = error;
    while let Some(source) = current.source() {
        current = source;
    }
    current.to_string()
}
