//! Folders, addresses and the genesis of a trial network.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rand_core::{OsRng, RngCore as _};
use tacit_ledger::kernel::ChainId;

use crate::setup::card::{Card, CardRole};
use crate::setup::folder::{self, Plan, SetupError};
use crate::setup::genesis::{self, GenesisFileError};

/// Ports of trial networks. They lie below those that systems give to outgoing connections (from 32,768 on Linux,
/// from 49,152 elsewhere; RFC 6335, section 6), one of which could otherwise take a node's port before it starts.
const PORTS: Range<u16> = 20_000..32_000;

/// How long a probe may take.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// The longest status line that is read: a probe's has about twenty bytes.
const MAX_STATUS_LINE_BYTES: u64 = 256;

/// Why a trial network cannot be laid out.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// The system gives no free port on loopback.
    #[error("no free port on loopback: {0}")]
    Port(std::io::Error),
    /// A node's folder cannot be made.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The genesis cannot be made.
    #[error(transparent)]
    Genesis(#[from] GenesisFileError),
}

/// An institution of a trial network.
#[derive(Clone, Debug)]
pub struct Institution {
    /// Name of its folder.
    pub slug: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What it is to the network.
    pub role: CardRole,
}

/// A node of a trial network.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its institution.
    pub institution: Institution,
    /// Its folder.
    pub folder: PathBuf,
    /// Its member's card.
    pub card: Card,
    /// Where its operators are listened for.
    pub operator: SocketAddr,
    /// Where its probes are.
    pub probes: SocketAddr,
    _ports: Arc<[KeptPort; 4]>,
}

impl Node {
    /// Its configuration file.
    pub fn config_file(&self) -> PathBuf {
        self.folder.join(folder::CONFIG_FILE)
    }

    /// The file that tells the command line how to reach it.
    pub fn profile_file(&self) -> PathBuf {
        self.folder.join(folder::PROFILE_FILE)
    }

    /// Whether it serves its operators and follows the ledger, as its readiness probe says.
    pub fn is_ready(&self) -> bool {
        probe(self.probes, "/readyz").is_ok_and(|status| status == 200)
    }

    /// Where its process writes its log.
    pub fn log_file(&self) -> PathBuf {
        self.folder.join("node.log")
    }
}

/// A trial network's folders.
#[derive(Clone, Debug)]
pub struct Layout {
    /// The chain that its genesis makes.
    pub chain_id: ChainId,
    /// The founders, numbered from 1 in this order.
    pub nodes: Vec<Node>,
}

impl Layout {
    /// Makes folders and genesis of a network of these founders under `root`.
    ///
    /// # Errors
    /// [`TrialError`]; what was made until then stays for inspection.
    pub fn create(root: &Path, institutions: &[Institution]) -> Result<Self, TrialError> {
        Self::create_with_epochs(root, institutions, None)
    }

    /// [`create`](Self::create) with epochs of so many blocks, where a change of validators is not to be waited
    /// for as long as in a real network.
    ///
    /// # Errors
    /// [`TrialError`].
    pub fn create_with_epochs(
        root: &Path,
        institutions: &[Institution],
        epoch_blocks: Option<u32>,
    ) -> Result<Self, TrialError> {
        let mut nodes = Vec::with_capacity(institutions.len());
        for institution in institutions {
            nodes.push(Self::add(root, institution)?);
        }
        let cards: Vec<Card> = nodes.iter().map(|node: &Node| node.card.clone()).collect();
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let time_ms = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        let mut genesis = genesis::make("trial", time_ms, &cards)?;
        if let Some(epoch_blocks) = epoch_blocks {
            genesis.epoch_blocks = epoch_blocks;
        }
        for node in &nodes {
            genesis::write(&genesis, &node.folder.join("genesis.bin"))?;
        }
        Ok(Self {
            chain_id: genesis.chain_id(),
            nodes,
        })
    }

    /// Makes the folder of one more node, without a genesis: that of an institution that is to join.
    ///
    /// # Errors
    /// [`TrialError`].
    pub fn add(root: &Path, institution: &Institution) -> Result<Node, TrialError> {
        let ports = [
            KeptPort::find()?,
            KeptPort::find()?,
            KeptPort::find()?,
            KeptPort::find()?,
        ];
        let [p2p, frontend, operator, probes] = [0, 1, 2, 3].map(|port: usize| ports[port].address);
        let node_folder = root.join(institution.slug);
        let plan = Plan {
            name: institution.name.into(),
            group: institution.slug.into(),
            role: institution.role,
            validator: institution.role == CardRole::Member,
            frontend_address: frontend.to_string(),
            p2p_address: p2p.to_string(),
            frontend_listen: frontend,
            p2p_listen: p2p,
            operator_listen: operator,
            probes_listen: probes,
        };
        let card = folder::create(&node_folder, &plan, &mut OsRng)?;
        Ok(Node {
            institution: institution.clone(),
            folder: node_folder,
            card,
            operator,
            probes,
            _ports: Arc::new(ports),
        })
    }
}

/// The status code that a probe answers with (RFC 9112, section 4).
fn probe(address: SocketAddr, path: &str) -> std::io::Result<u16> {
    let mut stream = TcpStream::connect_timeout(&address, PROBE_TIMEOUT)?;
    stream.set_read_timeout(Some(PROBE_TIMEOUT))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    let mut line = String::new();
    BufReader::new(stream)
        .take(MAX_STATUS_LINE_BYTES)
        .read_line(&mut line)?;
    let code = line.split(' ').nth(1).and_then(|code| code.parse().ok());
    code.ok_or_else(|| std::io::ErrorKind::InvalidData.into())
}

/// A port of loopback that nobody listens on, kept for a node until this is dropped.
#[derive(Debug)]
struct KeptPort {
    address: SocketAddr,
    /// Locked: other trial networks of this machine pass the port over, also while no node listens on it.
    _lock: File,
}

impl KeptPort {
    /// Looks for a free port from a random one on.
    fn find() -> Result<Self, TrialError> {
        let locks = std::env::temp_dir().join("tacit-trial-ports");
        std::fs::create_dir_all(&locks).map_err(TrialError::Port)?;
        let count = u32::from(PORTS.end - PORTS.start);
        let first = OsRng.next_u32() % count;
        let mut reason = std::io::ErrorKind::AddrInUse.into();
        for step in 0..count {
            let port = PORTS.start + u16::try_from((first + step) % count).unwrap_or_default();
            match Self::keep(&locks, port) {
                Ok(kept) => return Ok(kept),
                Err(error) => reason = error,
            }
        }
        Err(TrialError::Port(reason))
    }

    fn keep(locks: &Path, port: u16) -> std::io::Result<Self> {
        let lock = File::create(locks.join(port.to_string()))?;
        lock.try_lock()?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        TcpListener::bind(address)?;
        Ok(Self {
            address,
            _lock: lock,
        })
    }
}
