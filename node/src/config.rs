//! The one file that configures a node.
//!
//! Paths are relative to the folder of the file. Everything but names and addresses has a default
//! that works. No secret stands in it: keys are named by file, or come from the environment.

mod retention;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use retention::Retention;

/// The largest configuration file that is read: a thousand times what a full one needs.
const MAX_CONFIG_BYTES: u64 = 1 << 20;

/// The environment variable that names the database, where a password must not stand in a file.
pub const DATABASE_URL_VARIABLE: &str = "TACIT_DATABASE_URL";

/// Why a configuration is not usable.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is far larger than any configuration.
    #[error("{path} is larger than {MAX_CONFIG_BYTES} bytes; is it a configuration?")]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The file is not what it should be.
    #[error("{path} is not a valid configuration: {source}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// A value is outside its range.
    #[error("{field} is {value}, it must be {range}")]
    OutOfRange {
        /// The field, as in the file.
        field: &'static str,
        /// What it holds.
        value: String,
        /// What it may hold.
        range: &'static str,
    },
    /// Retention is not spelled out.
    #[error("retention: {0}")]
    Retention(String),
    /// A file that the configuration names does not exist.
    #[error("{field} names {path}, which does not exist")]
    FileMissing {
        /// The field, as in the file.
        field: &'static str,
        /// What it names.
        path: PathBuf,
    },
}

/// What a node is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where databases, snapshots and the chain are kept.
    #[serde(default = "defaults::data_dir")]
    pub data_dir: PathBuf,
    /// The node's own keys.
    #[serde(default)]
    pub keys: Keys,
    /// The ledger.
    pub ledger: Ledger,
    /// What other members reach.
    pub frontend: Frontend,
    /// What the institution's own people and systems reach.
    pub operator: Operator,
    /// The institution's own records.
    #[serde(default)]
    pub store: Store,
    /// Receipts.
    #[serde(default)]
    pub receipts: Receipts,
    /// For how long the records of calls are kept.
    #[serde(default)]
    pub retention: Retention,
    /// Probes, metrics and logs.
    #[serde(default)]
    pub telemetry: Telemetry,
}

/// Files that hold the node's keys. Each must be readable by its owner only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Keys {
    /// Ed25519 seed that signs transactions and requests, 64 hexadecimal digits.
    pub ledger_key_file: PathBuf,
    /// Ed25519 seed of the node among its peers, and of its votes, 64 hexadecimal digits.
    pub consensus_key_file: PathBuf,
    /// Key under which lists, list keys and waiting calls are encrypted at rest, 64 hexadecimal
    /// digits. The environment variable `TACIT_STORE_KEY` comes first where it is set.
    pub store_key_file: PathBuf,
}

/// The ledger and the agreement on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ledger {
    /// What the network starts from; the same bytes at every member.
    #[serde(default = "defaults::genesis_file")]
    pub genesis_file: PathBuf,
    /// Where the node listens for its peers.
    pub listen: SocketAddr,
    /// The least time between a block and the one before it.
    #[serde(default = "defaults::block_interval_ms")]
    pub block_interval_ms: u64,
    /// Finalized blocks that are kept for others to catch up from; 0 keeps all.
    #[serde(default)]
    pub keep_blocks: u64,
    /// Fetch the state of a recent block from peers, rather than execute all blocks, when the data
    /// directory is empty.
    #[serde(default)]
    pub state_sync: bool,
}

/// The listener for other members, and how long they are waited for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Frontend {
    /// Where the front end listens for other members.
    pub listen: SocketAddr,
    /// Certificate chain, PEM. Its key is registered on the ledger.
    #[serde(default = "defaults::frontend_certificate_file")]
    pub certificate_file: PathBuf,
    /// Private key of the certificate, PEM.
    #[serde(default = "defaults::frontend_key_file")]
    pub key_file: PathBuf,
    /// Authorities, PEM, to which the other members' certificates must lead as well. Absent means
    /// that the key registered on the ledger is enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub members_ca_file: Option<PathBuf>,
    /// How long another member may take for one batch before it counts as unreachable.
    #[serde(default = "defaults::answer_timeout_ms")]
    pub answer_timeout_ms: u64,
    /// For how long an owner may fail to serve a list that it published, while other members can be reached,
    /// before this node complains of it on the ledger.
    #[serde(default = "defaults::unavailable_alarm_ms")]
    pub unavailable_alarm_ms: u64,
    /// For how long past versions of the others' lists are kept, so that an examiner can be shown what they
    /// said, in days.
    #[serde(default = "defaults::keep_versions_days")]
    pub keep_versions_days: u64,
    /// Whether requests are padded, so that only the member that is asked learns how many calls they make.
    /// Padding is not charged, but counts against daily caps.
    #[serde(default = "defaults::pad_requests")]
    pub pad_requests: bool,
}

/// The listener for the institution's own people and systems.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operator {
    /// Where it listens. Loopback unless the institution knows better.
    pub listen: SocketAddr,
    /// Certificate chain, PEM.
    #[serde(default = "defaults::operator_certificate_file")]
    pub certificate_file: PathBuf,
    /// Private key of the certificate, PEM.
    #[serde(default = "defaults::operator_key_file")]
    pub key_file: PathBuf,
    /// Authorities of the operators' certificates, PEM.
    #[serde(default = "defaults::operators_ca_file")]
    pub operators_ca_file: PathBuf,
    /// Their certificates and roles. The node looks at it again while it runs.
    #[serde(default = "defaults::operators_file")]
    pub operators_file: PathBuf,
}

/// Databases of the institution's own records.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Store {
    /// `postgres://…`, or empty for SQLite files in the data directory. A password belongs into
    /// the environment variable `TACIT_DATABASE_URL`, which comes first where it is set.
    pub database_url: String,
}

/// Receipts of this member's calls.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Receipts {
    /// The proving key that the members' ceremony made. Absent means that of the development set-up, with
    /// which anybody can forge receipts: a network takes those only if its members vote for its key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proving_key_file: Option<PathBuf>,
}

/// Probes, metrics and logs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Telemetry {
    /// Where `/healthz`, `/readyz` and `/metrics` are served. Absent means nowhere.
    pub listen: Option<SocketAddr>,
    /// How log lines look.
    pub log_format: LogFormat,
    /// Which log lines are written, as `tracing` filters go.
    pub log_filter: String,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// One JSON object a line, for collectors.
    #[default]
    Json,
    /// For eyes.
    Text,
}

impl Default for Keys {
    fn default() -> Self {
        Self {
            ledger_key_file: "keys/ledger.key".into(),
            consensus_key_file: "keys/consensus.key".into(),
            store_key_file: "keys/store.key".into(),
        }
    }
}

impl Default for Telemetry {
    fn default() -> Self {
        Self {
            listen: None,
            log_format: LogFormat::default(),
            log_filter: "info".into(),
        }
    }
}

mod defaults {
    use std::path::PathBuf;

    pub(super) fn data_dir() -> PathBuf {
        "data".into()
    }
    pub(super) fn genesis_file() -> PathBuf {
        "genesis.bin".into()
    }
    /// A block every 40 ms at most: a transaction is final after about 60 ms on loopback, and an
    /// idle network writes little.
    pub(super) const fn block_interval_ms() -> u64 {
        40
    }
    pub(super) fn frontend_certificate_file() -> PathBuf {
        "certs/peer.pem".into()
    }
    pub(super) fn frontend_key_file() -> PathBuf {
        "certs/peer.key.pem".into()
    }
    /// Ten seconds: a batch of 1,000 takes a loaded member less than one.
    pub(super) const fn answer_timeout_ms() -> u64 {
        10_000
    }
    pub(super) const fn pad_requests() -> bool {
        true
    }
    /// Ten minutes: an owner's node may be started anew meanwhile.
    pub(super) const fn unavailable_alarm_ms() -> u64 {
        600_000
    }
    /// Five years: records of due diligence are kept as long (Directive (EU) 2015/849, article 40).
    pub(super) const fn keep_versions_days() -> u64 {
        1_826
    }
    pub(super) fn operator_certificate_file() -> PathBuf {
        "certs/operator-listener.pem".into()
    }
    pub(super) fn operator_key_file() -> PathBuf {
        "certs/operator-listener.key.pem".into()
    }
    pub(super) fn operators_ca_file() -> PathBuf {
        "certs/operator-authority.pem".into()
    }
    pub(super) fn operators_file() -> PathBuf {
        crate::operators::OPERATORS_FILE.into()
    }
}

impl Config {
    /// Everything at its default but the addresses.
    pub fn with_listeners(
        p2p: SocketAddr,
        frontend: SocketAddr,
        operator: SocketAddr,
        probes: SocketAddr,
    ) -> Self {
        Self {
            data_dir: defaults::data_dir(),
            keys: Keys::default(),
            ledger: Ledger {
                genesis_file: defaults::genesis_file(),
                listen: p2p,
                block_interval_ms: defaults::block_interval_ms(),
                keep_blocks: 0,
                state_sync: false,
            },
            frontend: Frontend {
                listen: frontend,
                certificate_file: defaults::frontend_certificate_file(),
                key_file: defaults::frontend_key_file(),
                members_ca_file: None,
                answer_timeout_ms: defaults::answer_timeout_ms(),
                unavailable_alarm_ms: defaults::unavailable_alarm_ms(),
                keep_versions_days: defaults::keep_versions_days(),
                pad_requests: defaults::pad_requests(),
            },
            operator: Operator {
                listen: operator,
                certificate_file: defaults::operator_certificate_file(),
                key_file: defaults::operator_key_file(),
                operators_ca_file: defaults::operators_ca_file(),
                operators_file: defaults::operators_file(),
            },
            store: Store::default(),
            receipts: Receipts::default(),
            retention: Retention::default(),
            telemetry: Telemetry {
                listen: Some(probes),
                ..Telemetry::default()
            },
        }
    }

    /// Reads and checks a file, and makes its paths absolute.
    ///
    /// # Errors
    /// See [`ConfigError`]; the first that applies.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let unreadable = |source| ConfigError::Unreadable {
            path: path.into(),
            source,
        };
        if std::fs::metadata(path).map_err(unreadable)?.len() > MAX_CONFIG_BYTES {
            return Err(ConfigError::TooLarge { path: path.into() });
        }
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        let mut config: Self = toml::from_str(&text).map_err(|source| ConfigError::Invalid {
            path: path.into(),
            source: source.into(),
        })?;
        let path = std::path::absolute(path).map_err(unreadable)?;
        config.make_absolute(path.parent().unwrap_or(Path::new("/")));
        config.check()?;
        Ok(config)
    }

    /// Values outside their ranges. [`load`](Self::load) has done this.
    ///
    /// # Errors
    /// [`ConfigError::OutOfRange`] or [`ConfigError::Retention`].
    pub fn check(&self) -> Result<(), ConfigError> {
        let within = |field, value: u64, low: u64, high: u64, range| {
            if (low..=high).contains(&value) {
                Ok(())
            } else {
                Err(ConfigError::OutOfRange {
                    field,
                    value: value.to_string(),
                    range,
                })
            }
        };
        within(
            "ledger.block_interval_ms",
            self.ledger.block_interval_ms,
            1,
            10_000,
            "between 1 and 10000",
        )?;
        within(
            "frontend.answer_timeout_ms",
            self.frontend.answer_timeout_ms,
            100,
            600_000,
            "between 100 and 600000",
        )?;
        within(
            "frontend.unavailable_alarm_ms",
            self.frontend.unavailable_alarm_ms,
            1_000,
            86_400_000,
            "between 1000 and 86400000",
        )?;
        within(
            "frontend.keep_versions_days",
            self.frontend.keep_versions_days,
            1,
            36_500,
            "between 1 and 36500",
        )?;
        self.retention.policy().map(drop)
    }

    /// Whether every file that it names exists.
    ///
    /// # Errors
    /// [`ConfigError::FileMissing`] for the first that does not.
    pub fn check_files(&self) -> Result<(), ConfigError> {
        let store_key = std::env::var_os("TACIT_STORE_KEY").is_none();
        let mut files = vec![
            ("keys.ledger_key_file", &self.keys.ledger_key_file, true),
            (
                "keys.consensus_key_file",
                &self.keys.consensus_key_file,
                true,
            ),
            ("keys.store_key_file", &self.keys.store_key_file, store_key),
            ("ledger.genesis_file", &self.ledger.genesis_file, true),
            (
                "frontend.certificate_file",
                &self.frontend.certificate_file,
                true,
            ),
            ("frontend.key_file", &self.frontend.key_file, true),
            (
                "operator.certificate_file",
                &self.operator.certificate_file,
                true,
            ),
            ("operator.key_file", &self.operator.key_file, true),
            (
                "operator.operators_ca_file",
                &self.operator.operators_ca_file,
                true,
            ),
            (
                "operator.operators_file",
                &self.operator.operators_file,
                true,
            ),
        ];
        if let Some(path) = &self.frontend.members_ca_file {
            files.push(("frontend.members_ca_file", path, true));
        }
        if let Some(path) = &self.receipts.proving_key_file {
            files.push(("receipts.proving_key_file", path, true));
        }
        if let Some(path) = &self.retention.custodian_keys_file {
            files.push(("retention.custodian_keys_file", path, true));
        }
        match files
            .into_iter()
            .find(|(_, path, needed)| *needed && !path.exists())
        {
            Some((field, path, _)) => Err(ConfigError::FileMissing {
                field,
                path: path.clone(),
            }),
            None => Ok(()),
        }
    }

    /// The database of one part of the node: an SQLite file of that name in the data directory, or the one
    /// database that the environment or the configuration names, where all parts have their own tables.
    pub fn database_url(&self, part: &str) -> String {
        match std::env::var(DATABASE_URL_VARIABLE) {
            Ok(url) if !url.is_empty() => url,
            _ if !self.store.database_url.is_empty() => self.store.database_url.clone(),
            _ => {
                let file = self.data_dir.join(format!("{part}.sqlite"));
                format!("sqlite://{}?mode=rwc", file.display())
            }
        }
    }

    fn make_absolute(&mut self, base: &Path) {
        let own = [
            &mut self.data_dir,
            &mut self.keys.ledger_key_file,
            &mut self.keys.consensus_key_file,
            &mut self.keys.store_key_file,
            &mut self.ledger.genesis_file,
            &mut self.frontend.certificate_file,
            &mut self.frontend.key_file,
            &mut self.operator.certificate_file,
            &mut self.operator.key_file,
            &mut self.operator.operators_ca_file,
            &mut self.operator.operators_file,
            &mut self.retention.custodian_folder,
        ];
        let optional = [
            &mut self.frontend.members_ca_file,
            &mut self.receipts.proving_key_file,
            &mut self.retention.custodian_keys_file,
        ];
        for path in own.into_iter().chain(optional.into_iter().flatten()) {
            *path = base.join(&*path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_configuration_is_valid_and_spells_out_the_defaults() {
        let sample: Config = toml::from_str(include_str!("../node.sample.toml")).unwrap();
        let short: Config = toml::from_str(
            "[ledger]\nlisten = \"127.0.0.1:7101\"\n[frontend]\nlisten = \"127.0.0.1:7102\"\n\
             [operator]\nlisten = \"127.0.0.1:7103\"\n\
             [telemetry]\nlisten = \"127.0.0.1:7104\"\n",
        )
        .unwrap();
        assert_eq!(sample, short);
        sample.check().unwrap();
    }

    #[test]
    fn an_unknown_field_is_refused() {
        let text = format!("{}\n[surprise]\n", include_str!("../node.sample.toml"));
        assert!(toml::from_str::<Config>(&text).is_err());
    }

    #[test]
    fn a_value_out_of_range_is_refused_by_name() {
        let mut config: Config = toml::from_str(include_str!("../node.sample.toml")).unwrap();
        config.ledger.block_interval_ms = 0;
        let error = config.check().unwrap_err().to_string();
        assert!(error.contains("ledger.block_interval_ms"), "{error}");
    }
}
