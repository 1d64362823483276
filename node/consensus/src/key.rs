//! The key of a node.

use commonware_codec::DecodeExt as _;
use commonware_cryptography::{Signer as _, ed25519};
use std::fmt;

/// The secret key of a node: it votes, and names the node among its peers.
///
/// It is wiped from memory when it is dropped, and never printed. Using one key with two data
/// directories could make it vote twice, which the network takes for an attack.
#[derive(Clone)]
pub struct NodeKey(ed25519::PrivateKey);

impl NodeKey {
    /// Reads the 32 secret bytes of an ed25519 key (the seed of RFC 8032, section 5.1.5).
    ///
    /// `None` never happens with 32 bytes of randomness; it says that they are no key.
    pub fn from_bytes(bytes: &[u8; 32]) -> Option<Self> {
        let bytes = bytes::Bytes::copy_from_slice(bytes);
        ed25519::PrivateKey::decode(bytes).ok().map(Self)
    }

    /// The public key, as members carry it on the ledger.
    pub fn public_bytes(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(self.0.public_key().as_ref());
        bytes
    }

    pub(crate) fn signer(&self) -> &ed25519::PrivateKey {
        &self.0
    }
}

impl From<ed25519::PrivateKey> for NodeKey {
    fn from(key: ed25519::PrivateKey) -> Self {
        Self(key)
    }
}

impl fmt::Debug for NodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NodeKey(<redacted>)")
    }
}
