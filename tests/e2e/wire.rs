//! Speaks to members' front ends as another member does, with certificates of the test's choice.

use std::path::Path;
use std::sync::Arc;

use tacit_certs::{
    ChannelLimits, IdentityFiles, MemberAddress, PeerChannels, PeerVerifier, RegisteredKeys,
    Registration, ReloadingIdentity, SpkiHash,
};
use tacit_circuits::scope::MemberId;
use tacit_node::trial::Node;
use tacit_proto::peer::PingRequest;
use tacit_proto::peer::peer_client::PeerClient;

use crate::consortium::Consortium;

/// How a founder is registered on the ledger when the network starts.
fn registration(member: u32, node: &Node) -> Registration {
    let mut key = [0; 32];
    hex::decode_to_slice(&node.card.certificate_spki_sha256, &mut key).expect("digits");
    Registration {
        member: MemberId(member),
        current: vec![SpkiHash(key)],
        withdrawn: Vec::new(),
        address: MemberAddress::parse(&node.card.frontend_address),
    }
}

/// Calls the front end of a founder, showing the certificate `peer.pem` of a folder. The error is what a caller
/// gets to see.
pub(crate) fn shake_hands(
    network: &Consortium,
    called: usize,
    certificates: &Path,
) -> Result<(), String> {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let identity = ReloadingIdentity::open(IdentityFiles {
            certificate: certificates.join("peer.pem"),
            key: certificates.join("peer.key.pem"),
        })
        .map_err(|error| error.to_string())?;
        let directory = RegisteredKeys::new();
        let member = u32::try_from(called).expect("few") + 1;
        directory.replace([registration(member, network.node(called))]);
        let verifier = PeerVerifier::new(directory.clone(), None).expect("a verifier");
        let limits = ChannelLimits::default();
        let channels = PeerChannels::new(identity, directory, Arc::new(verifier), limits);
        let channel = channels.channel(MemberId(member)).await;
        let channel = channel.map_err(|error| error.to_string())?;
        let pinged = PeerClient::new(channel).ping(PingRequest {}).await;
        pinged.map(drop).map_err(|status| status.to_string())
    })
}
