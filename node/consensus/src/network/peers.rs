//! Who the peers are and where they are reached, as the ledger says.

use crate::{execution::ledger, handle::StateReader, runtime::Runtime};
use bytes::Bytes;
use commonware_codec::DecodeExt as _;
use commonware_runtime::Handle;
use std::time::Duration;
use tacit_finality::ConsensusKey;
use tracing::{info, warn};

/// How often the peers named by the ledger are compared with those in use.
const COMPARE_EVERY: Duration = Duration::from_secs(1);

/// A node of the network.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Peer {
    /// The key that names it on the network.
    pub key: ConsensusKey,
    /// `host:port` at which it listens.
    pub address: String,
    /// Whether it validates. Others follow, and are dialled by nobody.
    pub validator: bool,
}

impl Peer {
    /// A peer of whom a configuration tells. `None` if `key` is no ed25519 public key.
    pub fn new(key: &[u8; 32], address: impl Into<String>, validator: bool) -> Option<Self> {
        let key = ConsensusKey::decode(Bytes::copy_from_slice(key)).ok()?;
        Some(Self {
            key,
            address: address.into(),
            validator,
        })
    }
}

/// Tells the peer-to-peer layer with whom to speak.
pub trait PeerDirectory: Send + 'static {
    /// Replaces the peers. `id` grows with every call.
    fn replace(&mut self, id: u64, peers: &[Peer]);
}

/// Follows the ledger's members and hands them to the peer-to-peer layer when they change.
pub(crate) struct Peers<D> {
    pub(crate) state: StateReader,
    pub(crate) directory: D,
    /// Whether the ledger's members replace the first peers.
    pub(crate) follow: bool,
    /// The peers to start with, before any state is known.
    pub(crate) bootstrap: Vec<Peer>,
}

impl<D: PeerDirectory> Peers<D> {
    /// Hands over the first peers at once, and follows changes until the node stops.
    pub(crate) fn start<E: Runtime>(mut self, runtime: E) -> Handle<()> {
        let mut current = self.bootstrap.clone();
        current.sort_unstable();
        let mut id = 0;
        self.directory.replace(id, &current);
        runtime.spawn(move |runtime| async move {
            while self.follow {
                runtime.sleep(COMPARE_EVERY).await;
                let named = match self.state.read(ledger::peers).await {
                    Ok(named) => named,
                    Err(stopped) => {
                        warn!(%stopped, "peers are no longer followed");
                        return;
                    }
                };
                let mut named = named;
                named.sort_unstable();
                if named != current && !named.is_empty() {
                    id += 1;
                    info!(peers = named.len(), "the ledger names other peers");
                    self.directory.replace(id, &named);
                    current = named;
                }
            }
        })
    }
}
