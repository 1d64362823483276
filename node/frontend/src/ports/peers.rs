//! Connections to other members' front ends.

use async_trait::async_trait;
use tacit_circuits::scope::MemberId;
use tonic::transport::Channel;

/// Who is calling: the member whose registered certificate the connection presented.
///
/// The TLS layer puts it into the extensions of every request that reaches the peer service; a request
/// without one is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PeerIdentity(pub MemberId);

/// Why there is no connection to a member.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PeersError {
    /// The ledger knows no such active member.
    #[error("{0} is not an active member of the network")]
    Unknown(MemberId),
    /// The member could not be reached, or its certificate is not the registered one.
    #[error("{member} cannot be reached: {reason}")]
    Unreachable {
        /// Member that was to be reached.
        member: MemberId,
        /// What went wrong.
        reason: String,
    },
}

/// Hands out connections that are known to end at the member asked for.
#[async_trait]
pub trait Peers: Send + Sync + 'static {
    /// A channel to the member's front end. Channels are multiplexed: implementations keep one per member
    /// and hand out clones, so that a single screening meets a warm connection.
    async fn channel(&self, member: MemberId) -> Result<Channel, PeersError>;
}
