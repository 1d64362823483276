//! Member to member: the service of `peer.proto`, and its client.
//!
//! The TLS layer knows who is calling (see [`PeerIdentity`](crate::ports::PeerIdentity)); nothing in a
//! message says it. Errors name who is at fault: [`PeerMisbehaved`] the other member, [`Refusal`] what it
//! has to say against this one.

mod client;
mod error;
mod server;

pub use error::{PeerError, PeerMisbehaved, Refusal, RefusalCode};
pub use server::{MAX_PEER_REQUEST_BYTES, PeerService};

pub(crate) use client::evaluate;
