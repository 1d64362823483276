//! The serving side: from a TCP listener to verified requests.
//!
//! [`peers`] accepts connections of other members, [`operators`] those of the institution's own people. Both
//! yield streams for tonic's `serve_with_incoming`; a handler finds [`PeerConnection`] or [`OperatorConnection`]
//! among the request's extensions. [`PeerGate`] looks at the directory again with each request, so that an open
//! connection does not outlive a withdrawal or an expiry, and says who calls.

mod accept;
mod gate;

pub use accept::{AcceptLimits, SecureStream, operators, peers};
pub use gate::{PeerGate, PeerGateService};

use std::net::SocketAddr;

use tacit_circuits::scope::MemberId;

use crate::SpkiHash;

/// A verified connection of another member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerConnection {
    /// Whose key it showed.
    pub member: MemberId,
    /// The key.
    pub spki: SpkiHash,
    /// First second of the certificate's validity, since 1970-01-01 UTC.
    pub not_before_s: i64,
    /// Last second of the certificate's validity, since 1970-01-01 UTC.
    pub not_after_s: i64,
    /// Where it came from.
    pub address: SocketAddr,
}

/// A verified connection of one of the institution's own operators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorConnection {
    /// The common name of the certificate.
    pub name: String,
    /// The key.
    pub spki: SpkiHash,
    /// Last second of the certificate's validity, since 1970-01-01 UTC.
    pub not_after_s: i64,
    /// Where it came from.
    pub address: SocketAddr,
}
