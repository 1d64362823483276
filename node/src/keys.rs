//! The node's own keys, from files or the environment.

use std::fmt;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use rand_core::{CryptoRng, RngCore};
use tacit_circuits::quota::QuotaKey;
use zeroize::{Zeroize as _, Zeroizing};

use crate::config;

/// The environment variable that holds the key of the store, where no file does.
pub const STORE_KEY_VARIABLE: &str = "TACIT_STORE_KEY";

/// Why a key cannot be had. Says where it should have been, never what stood there.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or written.
    #[error("cannot use the key file {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Others than its owner may read the file.
    #[error("{path} can be read by others than its owner: chmod 600 it")]
    TooOpen {
        /// The file.
        path: PathBuf,
    },
    /// There is no key in it.
    #[error("{place} does not hold 64 hexadecimal digits")]
    Malformed {
        /// The file or variable.
        place: String,
    },
}

/// 32 secret bytes.
#[derive(Clone)]
pub struct Secret(Zeroizing<[u8; 32]>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

impl Secret {
    /// Draws a fresh one.
    pub fn generate(rng: &mut (impl RngCore + CryptoRng)) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        rng.fill_bytes(&mut *bytes);
        Self(bytes)
    }

    /// The bytes.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads a file that only its owner may read.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let file_error = |source| KeyError::File {
            path: path.into(),
            source,
        };
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(path)
                .map_err(file_error)?
                .permissions()
                .mode();
            if mode & 0o077 != 0 {
                return Err(KeyError::TooOpen { path: path.into() });
            }
        }
        let text = Zeroizing::new(std::fs::read_to_string(path).map_err(file_error)?);
        Self::parse(&text).ok_or_else(|| KeyError::Malformed {
            place: path.display().to_string(),
        })
    }

    /// Writes a new file that only its owner may read. An existing file is never overwritten.
    ///
    /// # Errors
    /// [`KeyError::File`].
    pub fn write_new(&self, path: &Path) -> Result<(), KeyError> {
        let file_error = |source| KeyError::File {
            path: path.into(),
            source,
        };
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        let mut file = options.open(path).map_err(file_error)?;
        let mut text = hex::encode(*self.0);
        let written = writeln!(file, "{text}").and_then(|()| file.sync_all());
        text.zeroize();
        written.map_err(file_error)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut bytes = Zeroizing::new([0; 32]);
        hex::decode_to_slice(text.trim(), &mut *bytes).ok()?;
        Some(Self(bytes))
    }
}

/// The key of a generation to which a member's amounts of quota are sealed, from the seed of its ledger key: who
/// keeps the one has all. An institution joins with generation 0.
pub fn quota_key(ledger_seed: &[u8; 32], generation: u32) -> QuotaKey {
    QuotaKey::derive(ledger_seed, generation)
}

/// All keys of a node.
#[derive(Clone, Debug)]
pub struct NodeKeys {
    /// Seed that signs transactions and requests.
    pub ledger: Secret,
    /// Seed of the node among its peers.
    pub consensus: Secret,
    /// Key of the store at rest.
    pub store: Secret,
}

impl NodeKeys {
    /// Reads the files that the configuration names; the key of the store from the environment
    /// where it is set there.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn load(files: &config::Keys) -> Result<Self, KeyError> {
        let store = match std::env::var(STORE_KEY_VARIABLE) {
            Ok(text) if !text.is_empty() => {
                Secret::parse(&Zeroizing::new(text)).ok_or_else(|| KeyError::Malformed {
                    place: STORE_KEY_VARIABLE.into(),
                })?
            }
            _ => Secret::read(&files.store_key_file)?,
        };
        Ok(Self {
            ledger: Secret::read(&files.ledger_key_file)?,
            consensus: Secret::read(&files.consensus_key_file)?,
            store,
        })
    }

    /// Draws fresh keys and writes them into new files.
    ///
    /// # Errors
    /// [`KeyError::File`], also where a file exists.
    pub fn create(
        files: &config::Keys,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Self, KeyError> {
        let keys = Self {
            ledger: Secret::generate(rng),
            consensus: Secret::generate(rng),
            store: Secret::generate(rng),
        };
        keys.ledger.write_new(&files.ledger_key_file)?;
        keys.consensus.write_new(&files.consensus_key_file)?;
        keys.store.write_new(&files.store_key_file)?;
        Ok(keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_core::OsRng;

    #[test]
    fn a_key_file_reads_back_and_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.key");
        let secret = Secret::generate(&mut OsRng);
        secret.write_new(&path).unwrap();
        assert_eq!(Secret::read(&path).unwrap().expose(), secret.expose());
        assert!(matches!(
            secret.write_new(&path),
            Err(KeyError::File { .. })
        ));
    }

    #[cfg(unix)]
    #[test]
    fn a_key_file_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.key");
        Secret::generate(&mut OsRng).write_new(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(Secret::read(&path), Err(KeyError::TooOpen { .. })));
    }

    #[test]
    fn a_secret_prints_as_redacted_and_a_broken_file_is_not_quoted() {
        assert_eq!(format!("{:?}", Secret::generate(&mut OsRng)), "<redacted>");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.key");
        Secret::generate(&mut OsRng).write_new(&path).unwrap();
        std::fs::write(&path, "hunter2").unwrap();
        let error = Secret::read(&path).unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}
