//! Encryption of what must not be read from a copied database: list entries, list keys, and what a query was about.
//!
//! XChaCha20-Poly1305 under a key derived from the member's master key, with a random nonce of 24 bytes in front of
//! the ciphertext. The associated data names table, column and row, so that a sealed value moved to another row does
//! not open.

use std::{fmt, fs, path::Path};

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use rand_core::{OsRng, RngCore};
use zeroize::{Zeroize, Zeroizing};

use super::database::Store;

/// Label under which the sealing key is derived from the master key.
const SEAL_LABEL: &str = "tacit v1 frontend store sealing key";
const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;

/// What sealing adds to the length of a value, in bytes: nonce and authentication tag.
pub const SEAL_OVERHEAD_BYTES: usize = NONCE_BYTES + TAG_BYTES;

/// Why a master key or a sealed value is not usable.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The file with the master key could not be read.
    #[error("master key file {path} is not readable")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The environment variable is not set.
    #[error("environment variable {0} with the master key is not set")]
    NotSet(String),
    /// A master key is 64 hexadecimal digits.
    #[error("the master key from {0} is not 64 hexadecimal digits")]
    BadKey(String),
    /// The value was sealed under another key or for another row, or was altered.
    #[error(
        "sealed value of {table}.{column} does not open: wrong master key, or the row was altered"
    )]
    DoesNotOpen {
        /// Table of the value.
        table: &'static str,
        /// Column of the value.
        column: &'static str,
    },
}

/// The 32 bytes under which a member's database is encrypted.
pub struct MasterKey([u8; 32]);

impl MasterKey {
    /// A fresh key from the system's randomness.
    pub fn generate() -> Self {
        let mut bytes = [0u8; 32];
        OsRng.fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// The key with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads 64 hexadecimal digits from a file; white space around them is ignored.
    pub fn from_file(path: &Path) -> Result<Self, SealError> {
        let text = fs::read_to_string(path)
            .map(Zeroizing::new)
            .map_err(|source| SealError::Unreadable {
                path: path.display().to_string(),
                source,
            })?;
        Self::from_hex(&text).ok_or_else(|| SealError::BadKey(path.display().to_string()))
    }

    /// Reads 64 hexadecimal digits from an environment variable.
    pub fn from_env(variable: &str) -> Result<Self, SealError> {
        let text = std::env::var(variable)
            .map(Zeroizing::new)
            .map_err(|_| SealError::NotSet(variable.to_owned()))?;
        Self::from_hex(&text).ok_or_else(|| SealError::BadKey(variable.to_owned()))
    }

    /// The key as 64 hexadecimal digits, for the file that keeps it.
    pub fn to_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(hex::encode(self.0))
    }

    /// The key for another purpose, which `label` names.
    pub(super) fn derive(&self, label: &str) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(blake3::derive_key(label, &self.0))
    }

    fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0u8; 32];
        hex::decode_to_slice(text.trim(), &mut bytes).ok()?;
        Some(Self(bytes))
    }
}

impl Drop for MasterKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("MasterKey(<redacted>)")
    }
}

/// The place a sealed value belongs to; it does not open anywhere else.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) table: &'static str,
    pub(crate) column: &'static str,
    /// The row's primary key, its integers one after the other.
    pub(crate) row: &'a [u64],
}

impl Place<'_> {
    /// Table and column end with a zero byte, which no name holds; the integers after them have a fixed width.
    fn associated_data(&self) -> Vec<u8> {
        let mut data = Vec::with_capacity(64);
        for name in [self.table, self.column] {
            data.extend_from_slice(name.as_bytes());
            data.push(0);
        }
        for part in self.row {
            data.extend_from_slice(&part.to_be_bytes());
        }
        data
    }
}

/// A file beside the database of which a part is sealed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SealedFile {
    /// Which points of a proving key were checked.
    ProvingKeyCache,
}

impl SealedFile {
    const fn place(self) -> Place<'static> {
        match self {
            Self::ProvingKeyCache => Place {
                table: "file",
                column: "proving-key-cache",
                row: &[],
            },
        }
    }
}

impl Store {
    pub(crate) fn seal_file(&self, file: SealedFile, plain: &[u8]) -> Vec<u8> {
        self.sealer.seal(file.place(), plain)
    }

    pub(crate) fn unseal_file(
        &self,
        file: SealedFile,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, SealError> {
        self.sealer.open(file.place(), sealed)
    }
}

/// Seals and opens values of the database.
#[derive(Clone)]
pub(crate) struct Sealer(XChaCha20Poly1305);

impl Sealer {
    pub(crate) fn new(master: &MasterKey) -> Self {
        let key = master.derive(SEAL_LABEL);
        Self(XChaCha20Poly1305::new((&*key).into()))
    }

    /// Nonce, then ciphertext and authentication tag.
    pub(crate) fn seal(&self, place: Place<'_>, plain: &[u8]) -> Vec<u8> {
        let mut nonce = [0u8; NONCE_BYTES];
        OsRng.fill_bytes(&mut nonce);
        let aad = place.associated_data();
        let sealed = self
            .0
            .encrypt(
                XNonce::from_slice(&nonce),
                Payload {
                    msg: plain,
                    aad: &aad,
                },
            )
            .expect("a value of the store is far shorter than the cipher's limit of 256 GiB");
        let mut out = Vec::with_capacity(NONCE_BYTES + sealed.len());
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&sealed);
        out
    }

    pub(crate) fn open(
        &self,
        place: Place<'_>,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let refused = SealError::DoesNotOpen {
            table: place.table,
            column: place.column,
        };
        let Some((nonce, body)) = sealed.split_at_checked(NONCE_BYTES) else {
            return Err(refused);
        };
        let aad = place.associated_data();
        self.0
            .decrypt(
                XNonce::from_slice(nonce),
                Payload {
                    msg: body,
                    aad: &aad,
                },
            )
            .map(Zeroizing::new)
            .map_err(|_| refused)
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Sealer(<redacted>)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: Place<'static> = Place {
        table: "own_epoch",
        column: "sealed_key",
        row: &[7, 2],
    };

    #[test]
    fn a_sealed_value_opens_only_at_its_own_row_and_under_its_own_key() {
        let sealer = Sealer::new(&MasterKey::generate());
        let sealed = sealer.seal(ROW, b"secret");
        assert_eq!(sealed.len(), 6 + SEAL_OVERHEAD_BYTES);
        assert_eq!(
            sealer.open(ROW, &sealed).expect("opens").as_slice(),
            b"secret"
        );
        let other_row = Place {
            row: &[7, 3],
            ..ROW
        };
        assert!(sealer.open(other_row, &sealed).is_err());
        let other_column = Place {
            column: "public_key",
            ..ROW
        };
        assert!(sealer.open(other_column, &sealed).is_err());
        assert!(
            Sealer::new(&MasterKey::generate())
                .open(ROW, &sealed)
                .is_err()
        );
        assert!(sealer.open(ROW, &sealed[..10]).is_err());
    }

    #[test]
    fn a_master_key_survives_its_file_and_never_prints_itself() {
        let key = MasterKey::generate();
        let file = tempfile::NamedTempFile::new().expect("temporary file");
        fs::write(file.path(), format!("{}\n", key.to_hex().as_str())).expect("written");
        assert_eq!(MasterKey::from_file(file.path()).expect("read").0, key.0);
        assert_eq!(format!("{key:?}"), "MasterKey(<redacted>)");
        fs::write(file.path(), "abc").expect("written");
        assert!(matches!(
            MasterKey::from_file(file.path()),
            Err(SealError::BadKey(_))
        ));
    }
}
