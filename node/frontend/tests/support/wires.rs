//! Real channels on loopback between the members.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tacit_circuits::scope::MemberId;
use tacit_frontend::Frontend;
use tacit_frontend::ports::{PeerIdentity, Peers, PeersError};
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint, Server};

/// Channels on loopback. A listener per pair of members knows who calls.
#[derive(Default)]
pub struct Wires {
    addresses: Mutex<HashMap<(MemberId, MemberId), SocketAddr>>,
    channels: Mutex<HashMap<(MemberId, MemberId), Channel>>,
    down: Mutex<Vec<MemberId>>,
    /// Whoever connects to this member meets a fault of the program.
    pub faulty: Mutex<Option<MemberId>>,
}

impl Wires {
    /// Cuts a member off, or connects it again.
    pub fn set_down(&self, member: MemberId, down: bool) {
        let mut all = self.down.lock().expect("down");
        all.retain(|other| *other != member);
        if down {
            all.push(member);
        }
    }

    /// Makes calls from one member to another end at this address.
    pub fn route(&self, from: MemberId, to: MemberId, address: SocketAddr) {
        self.addresses
            .lock()
            .expect("addresses")
            .insert((from, to), address);
        self.channels.lock().expect("channels").remove(&(from, to));
    }
}

/// One member's end of the wires.
pub struct MemberWires {
    pub wires: Arc<Wires>,
    pub member: MemberId,
}

#[async_trait]
impl Peers for MemberWires {
    async fn channel(&self, member: MemberId) -> Result<Channel, PeersError> {
        let pair = (self.member, member);
        let unreachable = |reason: &str| PeersError::Unreachable {
            member,
            reason: reason.into(),
        };
        let faulty = *self.wires.faulty.lock().expect("faulty");
        assert_ne!(faulty, Some(member), "a fault of the program");
        if self.wires.down.lock().expect("down").contains(&member) {
            return Err(unreachable("cut off by the test"));
        }
        if let Some(channel) = self.wires.channels.lock().expect("channels").get(&pair) {
            return Ok(channel.clone());
        }
        let address = *self
            .wires
            .addresses
            .lock()
            .expect("addresses")
            .get(&pair)
            .ok_or(PeersError::Unknown(member))?;
        let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address");
        let channel = endpoint
            .connect()
            .await
            .map_err(|error| unreachable(&error.to_string()))?;
        self.wires
            .channels
            .lock()
            .expect("channels")
            .insert(pair, channel.clone());
        Ok(channel)
    }
}

/// Serves a front end to one caller.
pub async fn serve(
    frontend: &Frontend,
    caller: MemberId,
) -> (SocketAddr, tokio::task::JoinHandle<()>) {
    let service = frontend.peer_service().into_server();
    let known = move |mut request: tonic::Request<()>| {
        request.extensions_mut().insert(PeerIdentity(caller));
        Ok(request)
    };
    let service = InterceptedService::new(service, known);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
    let server = tokio::spawn(async move {
        let served = Server::builder()
            .add_service(service)
            .serve_with_incoming(incoming)
            .await;
        served.expect("it serves");
    });
    (address, server)
}
