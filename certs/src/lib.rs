//! Certificates: a development authority, loading, reloading, mutual TLS.
//!
//! Two kinds of connection exist, and their certificates never mix:
//!
//! * **Member to member.** Both sides show the certificate whose key is registered with the member on the ledger.
//!   The registration is the trust anchor: a [`Directory`] knows which key is whose, and [`PeerVerifier`] refuses
//!   keys that are unknown, expired or withdrawn, each for a reason of its own ([`PeerRefusal`]). An institution
//!   may narrow this further to certificates of named authorities.
//! * **Operator to node.** The institution's own people and systems show a certificate of the institution's
//!   operator authority to a listener of their own node. No ledger is involved.
//!
//! All connections are TLS 1.3. Certificates are files in PEM, read again without a restart
//! ([`ReloadingIdentity`]). [`serve`] turns a listener into a stream of verified connections for tonic,
//! [`PeerChannels`] hands out verified channels to the others. `README.md` says how to bring one's own
//! certificates; [`development`] makes a set for a trial by one call.

mod channels;
mod config;
pub mod development;
mod directory;
mod error;
mod facts;
mod identity;
mod refusal;
mod reload;
pub mod serve;
mod verify;

pub use channels::{ChannelLimits, PeerChannels, PeerError, operator_channel};
pub use config::{
    operator_client_config, operator_server_config, peer_client_config, peer_server_config,
};
pub use directory::{Directory, MemberAddress, RegisteredKeys, Registration, Standing};
pub use error::CertificateError;
pub use facts::{CertificateFacts, SpkiHash};
pub use identity::{Identity, IdentityFiles, read_authorities};
pub use refusal::PeerRefusal;
pub use reload::{Reloaded, ReloadingIdentity};
pub use verify::PeerVerifier;
