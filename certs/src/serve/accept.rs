//! Accepts, shakes hands and bounds.

use std::{
    collections::HashMap,
    hash::Hash,
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use rustls::{ServerConfig, pki_types::CertificateDer};
use tacit_circuits::scope::MemberId;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::Connected;

use super::{OperatorConnection, PeerConnection};
use crate::{CertificateFacts, PeerRefusal, PeerVerifier, facts::now_s};

/// Bounds of a listener. The defaults suit a network of 100 members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AcceptLimits {
    /// Handshakes under way at once. A handshake holds about 40 KiB; 64 keep two cores busy.
    pub max_handshakes: usize,
    /// Verified connections at once; the next one is closed.
    pub max_connections: usize,
    /// Verified connections of one member at once, so that no member takes the places of the others.
    pub max_connections_per_member: usize,
    /// Handshakes of one address under way at once, so that nobody outside keeps all the others waiting. Members
    /// behind one address shake hands rarely: connections are kept.
    pub max_handshakes_per_address: usize,
    /// A handshake that takes longer is given up.
    pub handshake_timeout: Duration,
}

impl Default for AcceptLimits {
    fn default() -> Self {
        Self {
            max_handshakes: 64,
            max_connections: 2_048,
            max_connections_per_member: 8,
            max_handshakes_per_address: 16,
            handshake_timeout: Duration::from_secs(3),
        }
    }
}

/// Kilobytes that a refused caller may still send before the connection is dropped: what it has under way by then.
const MAX_LINGER_READS: usize = 64;

/// How long a refused caller may take to read why and go.
const LINGER_TIMEOUT: Duration = Duration::from_millis(500);

/// How long accepting rests when the system has no file descriptors left.
const REST_AFTER_ACCEPT_ERROR: Duration = Duration::from_millis(100);

/// Connections of other members, each verified by `verifier`, which `config` must have been made with.
///
/// Ends when the stream is dropped.
pub fn peers(
    listener: TcpListener,
    config: Arc<ServerConfig>,
    verifier: Arc<PeerVerifier>,
    limits: AcceptLimits,
) -> ReceiverStream<io::Result<SecureStream<PeerConnection>>> {
    let shares = Shares::default();
    accept(listener, config, limits, move |certificate, address| {
        let (member, facts) = verifier.identify(certificate, now_s())?;
        let share = shares
            .take(member, limits.max_connections_per_member)
            .ok_or(PeerRefusal::TooManyConnections { member })?;
        let info = PeerConnection {
            member,
            spki: facts.spki,
            not_before_s: facts.not_before_s,
            not_after_s: facts.not_after_s,
            address,
        };
        Ok((info, Some(share)))
    })
}

/// Connections of the institution's own operators. Ends when the stream is dropped.
pub fn operators(
    listener: TcpListener,
    config: Arc<ServerConfig>,
    limits: AcceptLimits,
) -> ReceiverStream<io::Result<SecureStream<OperatorConnection>>> {
    accept(listener, config, limits, |certificate, address| {
        let facts =
            CertificateFacts::read(certificate).map_err(|_| PeerRefusal::NotACertificate)?;
        let info = OperatorConnection {
            name: facts.common_name,
            spki: facts.spki,
            not_after_s: facts.not_after_s,
            address,
        };
        Ok((info, None))
    })
}

type Described<C> = Result<(C, Option<Share<MemberId>>), PeerRefusal>;

fn accept<C: Clone + Send + Sync + 'static>(
    listener: TcpListener,
    config: Arc<ServerConfig>,
    limits: AcceptLimits,
    describe: impl Fn(&CertificateDer<'_>, SocketAddr) -> Described<C> + Send + Sync + 'static,
) -> ReceiverStream<io::Result<SecureStream<C>>> {
    let acceptor = TlsAcceptor::from(config);
    let handshakes = Arc::new(Semaphore::new(limits.max_handshakes));
    let places = Arc::new(Semaphore::new(limits.max_connections));
    let addresses = Shares::<IpAddr>::default();
    let describe = Arc::new(describe);
    let (verified, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        loop {
            // Never closed, so that it always yields a permit.
            let Ok(shaking) = handshakes.clone().acquire_owned().await else {
                return;
            };
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = verified.closed() => return,
            };
            let (socket, address) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "no connection could be accepted");
                    tokio::time::sleep(REST_AFTER_ACCEPT_ERROR).await;
                    continue;
                }
            };
            let Some(from) = addresses.take(address.ip(), limits.max_handshakes_per_address) else {
                tracing::warn!(%address, "a connection is closed: its address has too many handshakes under way");
                continue;
            };
            let Ok(place) = places.clone().try_acquire_owned() else {
                tracing::warn!(
                    limit = limits.max_connections,
                    "a connection is closed: no place"
                );
                continue;
            };
            let (acceptor, describe, verified) =
                (acceptor.clone(), describe.clone(), verified.clone());
            tokio::spawn(async move {
                let handshake = handshake(acceptor, socket, address, &*describe);
                let shaken = tokio::time::timeout(limits.handshake_timeout, handshake).await;
                drop((shaking, from));
                match shaken {
                    Ok(Ok((stream, info, share))) => {
                        let stream = SecureStream {
                            stream,
                            info,
                            _place: place,
                            _share: share,
                        };
                        // Fails only when the server is gone.
                        let _ = verified.send(Ok(stream)).await;
                    }
                    Ok(Err(refusal)) => report(&refusal),
                    Err(_) => report(&PeerRefusal::NotMutualTls {
                        reason: "the handshake took too long".to_owned(),
                    }),
                }
            });
        }
    });
    ReceiverStream::new(receiver)
}

async fn handshake<C>(
    acceptor: TlsAcceptor,
    socket: TcpStream,
    address: SocketAddr,
    describe: &(dyn Fn(&CertificateDer<'_>, SocketAddr) -> Described<C> + Send + Sync),
) -> Result<(TlsStream<TcpStream>, C, Option<Share<MemberId>>), PeerRefusal> {
    let broken = |error: io::Error| {
        PeerRefusal::find(&error).unwrap_or_else(|| PeerRefusal::NotMutualTls {
            reason: error.to_string(),
        })
    };
    socket.set_nodelay(true).map_err(broken)?;
    let stream = match acceptor.accept(socket).into_fallible().await {
        Ok(stream) => stream,
        Err((error, socket)) => {
            // The reason must be told whatever the caller does now.
            let _ = tokio::time::timeout(LINGER_TIMEOUT, linger(socket)).await;
            return Err(broken(error));
        }
    };
    let certificate = stream
        .get_ref()
        .1
        .peer_certificates()
        .and_then(<[_]>::first)
        .ok_or(PeerRefusal::NotACertificate)?;
    let (info, share) = describe(certificate, address)?;
    Ok((stream, info, share))
}

/// Closes a connection so that the other side gets to read why. A socket that is dropped with unread bytes in it is
/// reset, and a reset takes the alert with it.
async fn linger(mut socket: TcpStream) {
    if socket.shutdown().await.is_err() {
        return;
    }
    let mut ignored = [0; 1024];
    for _ in 0..MAX_LINGER_READS {
        match socket.read(&mut ignored).await {
            Ok(1..) => {}
            Ok(0) | Err(_) => return,
        }
    }
}

/// Counts and logs a refusal. The reason may name a key and a member, never a person.
pub(super) fn report(refusal: &PeerRefusal) {
    metrics::counter!("tacit_peer_refused_total", "reason" => refusal.code()).increment(1);
    tracing::warn!(
        reason = refusal.code(),
        "a connection is refused: {refusal}"
    );
}

/// How many of something each holds: connections of members, handshakes of addresses. Clones count together.
#[derive(Clone, Debug)]
struct Shares<K>(Arc<Mutex<HashMap<K, usize>>>);

impl<K> Default for Shares<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Copy + Eq + Hash> Shares<K> {
    fn take(&self, holder: K, limit: usize) -> Option<Share<K>> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = held.entry(holder).or_default();
        if *count >= limit {
            return None;
        }
        *count += 1;
        Some(Share {
            shares: self.clone(),
            holder,
        })
    }
}

/// One part of a holder's share; given back on drop.
struct Share<K: Copy + Eq + Hash> {
    shares: Shares<K>,
    holder: K,
}

impl<K: Copy + Eq + Hash> Drop for Share<K> {
    fn drop(&mut self) {
        let mut held = self.shares.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = held.get_mut(&self.holder) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                held.remove(&self.holder);
            }
        }
    }
}

/// A connection whose other side has shown a good certificate.
pub struct SecureStream<C> {
    stream: TlsStream<TcpStream>,
    info: C,
    _place: OwnedSemaphorePermit,
    _share: Option<Share<MemberId>>,
}

impl<C: Clone + Send + Sync + 'static> Connected for SecureStream<C> {
    type ConnectInfo = C;

    fn connect_info(&self) -> C {
        self.info.clone()
    }
}

impl<C: Unpin> AsyncRead for SecureStream<C> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(context, buffer)
    }
}

impl<C: Unpin> AsyncWrite for SecureStream<C> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, buffer)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(context, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
