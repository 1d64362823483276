//! Makes the folder of a node: configuration, keys, trial certificates and the member's card.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use ed25519_zebra::{SigningKey, VerificationKeyBytes};
use rand_core::{CryptoRng, RngCore};
use tacit_certs::{CertificateError, MemberAddress, development};

use crate::config::{self, Config};
use crate::keys::{KeyError, NodeKeys, Secret, quota_key};
use crate::operators::{OPERATORS_FILE, Operators};
use tacit_client::card::{Card, CardError, CardRole, LedgerKeys};
use tacit_ledger::kernel::LedgerKey;

/// How long trial certificates are valid.
const TRIAL_CERTIFICATE_VALIDITY: Duration = Duration::from_secs(398 * 24 * 3_600);

/// The configuration's name in a node's folder.
pub const CONFIG_FILE: &str = "node.toml";
/// The name of the file in a node's folder that tells the command line how to reach the node.
pub const PROFILE_FILE: &str = "profile.toml";
/// The card's name in a node's folder.
pub const CARD_FILE: &str = "card.toml";

/// Why a folder cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A file or folder cannot be written.
    #[error("cannot write {path}: {source}")]
    File {
        /// What was to be written.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The folder holds a node already.
    #[error("{path} exists: a node's keys are never replaced, choose another folder")]
    Exists {
        /// The file that exists.
        path: PathBuf,
    },
    /// An address is not `host:port`.
    #[error("{0} is not host:port")]
    Address(String),
    /// A key cannot be written.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The card cannot be written.
    #[error(transparent)]
    Card(#[from] CardError),
    /// A certificate cannot be made.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The configuration cannot be written down.
    #[error("the configuration cannot be written as TOML: {0}")]
    Config(#[from] toml::ser::Error),
}

/// What a new node is to be.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The institution's name.
    pub name: String,
    /// Corporate group.
    pub group: String,
    /// What it is to the network.
    pub role: CardRole,
    /// Whether it takes part in agreement.
    pub validator: bool,
    /// Where other members reach the front end, `host:port`.
    pub frontend_address: String,
    /// Where peers reach the node, `host:port`.
    pub p2p_address: String,
    /// Where the front end listens.
    pub frontend_listen: SocketAddr,
    /// Where the node listens for peers.
    pub p2p_listen: SocketAddr,
    /// Where operators are listened for.
    pub operator_listen: SocketAddr,
    /// Where probes are listened for.
    pub probes_listen: SocketAddr,
}

/// Makes keys, certificates of a trial authority, card and configuration in `folder`.
///
/// # Errors
/// [`SetupError`]. A folder that holds a node is never touched.
pub fn create(
    folder: &Path,
    plan: &Plan,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Card, SetupError> {
    let write_error = |path: &Path| {
        let path = path.to_path_buf();
        move |source| SetupError::File { path, source }
    };
    let config_path = folder.join(CONFIG_FILE);
    if config_path.exists() {
        return Err(SetupError::Exists { path: config_path });
    }
    let keys_folder = folder.join("keys");
    std::fs::create_dir_all(&keys_folder).map_err(write_error(&keys_folder))?;
    let mut files = config::Keys::default();
    for path in [
        &mut files.ledger_key_file,
        &mut files.consensus_key_file,
        &mut files.store_key_file,
    ] {
        *path = folder.join(&*path);
    }
    let keys = NodeKeys::create(&files, rng)?;
    let host = MemberAddress::parse(&plan.frontend_address)
        .ok_or_else(|| SetupError::Address(plan.frontend_address.clone()))?
        .host;
    let made = development::create(
        &folder.join("certs"),
        &development::Request {
            institution: plan.name.clone(),
            hosts: vec![host],
            valid_for: TRIAL_CERTIFICATE_VALIDITY,
            now: SystemTime::now(),
        },
    )?;
    let seed = keys.ledger.expose();
    let signing = VerificationKeyBytes::from(&SigningKey::from(*seed));
    let ledger = LedgerKeys::new(LedgerKey(signing.into()), &quota_key(seed, 0), rng);
    let card = Card {
        name: plan.name.clone(),
        group: plan.group.clone(),
        role: plan.role,
        validator: plan.validator,
        ledger_key: ledger.ledger_key,
        quota_key: ledger.quota_key,
        quota_key_proof: ledger.quota_key_proof,
        consensus_key: public_key(&keys.consensus),
        certificate_spki_sha256: hex::encode(made.peer_spki.0),
        frontend_address: plan.frontend_address.clone(),
        p2p_address: plan.p2p_address.clone(),
    };
    card.write(&folder.join(CARD_FILE))?;
    let profile_path = folder.join(PROFILE_FILE);
    std::fs::write(&profile_path, profile(plan.operator_listen))
        .map_err(write_error(&profile_path))?;
    let operators_path = folder.join(OPERATORS_FILE);
    std::fs::write(
        &operators_path,
        Operators::first("operator", &made.operator_spki),
    )
    .map_err(write_error(&operators_path))?;
    let config = Config::with_listeners(
        plan.p2p_listen,
        plan.frontend_listen,
        plan.operator_listen,
        plan.probes_listen,
    );
    // Last, so that a folder with a configuration is a complete one.
    std::fs::write(&config_path, toml::to_string_pretty(&config)?)
        .map_err(write_error(&config_path))?;
    Ok(card)
}

/// How the first operator reaches the node. Paths are relative to the profile's folder.
fn profile(operator: SocketAddr) -> String {
    format!(
        "operator_address = \"{operator}\"\n\
         ca_file = \"certs/operator-authority.pem\"\n\
         certificate_file = \"certs/operator.pem\"\n\
         key_file = \"certs/operator.key.pem\"\n"
    )
}

fn public_key(seed: &Secret) -> String {
    let key = SigningKey::from(*seed.expose());
    let bytes: [u8; 32] = VerificationKeyBytes::from(&key).into();
    hex::encode(bytes)
}
