//! The proving key, read once and kept.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tacit_circuits::receipt::{CacheDigest, KeyError, KeyId, Prover, ProvingKey, development_keys};
use tokio::sync::OnceCell;

use crate::compute::compute;
use crate::snapshots::{FileError, io_error, write_whole};
use crate::store::{SealedFile, Store};

/// Largest file that is read as a proving key: the circuit's key stays below 4 MB.
const MAX_KEY_FILE_BYTES: u64 = 8 << 20;

/// Where the proving key comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// The file that the members' ceremony made.
    File(PathBuf),
    /// A set-up from a public seed: whoever reads this program can forge receipts under it. For
    /// demonstrations; a network relies on it only if its members vote for it.
    Development,
}

/// Why there is no prover.
#[derive(Debug, thiserror::Error)]
pub enum ProverError {
    /// The file.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is larger than any proving key.
    #[error("{0} is larger than {MAX_KEY_FILE_BYTES} bytes")]
    TooLarge(PathBuf),
    /// It is no proving key.
    #[error("{path} is no proving key: {source}")]
    NotAKey {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: KeyError,
    },
}

/// The prover, made when it is first needed.
#[derive(Debug)]
pub struct ProverSlot {
    source: KeySource,
    cache: PathBuf,
    store: Store,
    prover: OnceCell<Arc<Prover>>,
}

impl ProverSlot {
    /// Of this key, with its cache in this folder.
    pub fn new(source: KeySource, folder: &Path, store: Store) -> Self {
        Self {
            source,
            cache: folder.join("proving.cache"),
            store,
            prover: OnceCell::new(),
        }
    }

    /// The prover. The first call reads the key: a second or two, and some milliseconds where a former
    /// process left its points checked.
    ///
    /// # Errors
    /// [`ProverError`]; the next call tries again.
    pub async fn get(&self) -> Result<Arc<Prover>, ProverError> {
        self.prover
            .get_or_try_init(|| async {
                let (source, cache) = (self.source.clone(), self.cache.clone());
                let store = self.store.clone();
                compute(move || {
                    let key = match &source {
                        KeySource::Development => development_keys(),
                        KeySource::File(path) => read(path, &cache, &store)?,
                    };
                    Ok(Arc::new(Prover::new(key)))
                })
                .await
            })
            .await
            .cloned()
    }

    /// The name of the key, if it has been read.
    pub fn key_id(&self) -> Option<KeyId> {
        self.prover.get().map(|prover| prover.verifier().key_id())
    }
}

/// Reads a key from its cache where that is this file's, and from the file otherwise.
fn read(path: &Path, cache: &Path, store: &Store) -> Result<ProvingKey, ProverError> {
    let length = fs::metadata(path)
        .map_err(|error| io_error(path, error))?
        .len();
    if length > MAX_KEY_FILE_BYTES {
        return Err(ProverError::TooLarge(path.into()));
    }
    let bytes = fs::read(path).map_err(|error| io_error(path, error))?;
    let of = *blake3::hash(&bytes).as_bytes();
    if let Some(key) = read_cache(cache, store, &of) {
        return Ok(key);
    }
    let key = ProvingKey::from_bytes(&bytes).map_err(|source| ProverError::NotAKey {
        path: path.into(),
        source,
    })?;
    let (points, digest) = key.to_cache();
    // Sealed under the store's key, so that nobody who can write files but not read keys can put points
    // of his own in their place.
    let sealed = store.seal_file(SealedFile::ProvingKeyCache, &[of, digest.0].concat());
    let written = write_whole(cache, |file| {
        use std::io::Write as _;
        file.write_all(&(sealed.len() as u32).to_le_bytes())?;
        file.write_all(&sealed)?;
        file.write_all(&points)
    });
    if let Err(error) = written {
        tracing::warn!(%error, "receipts.key: read again at each start");
    }
    Ok(key)
}

/// The key in a cache that this member wrote from the file with this hash.
fn read_cache(cache: &Path, store: &Store, of: &[u8; 32]) -> Option<ProvingKey> {
    let bytes = fs::read(cache).ok()?;
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (sealed, points) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    let opened = store
        .unseal_file(SealedFile::ProvingKeyCache, sealed)
        .ok()?;
    let (source, digest) = opened.split_first_chunk::<32>()?;
    let digest = CacheDigest(digest.try_into().ok()?);
    (source == of).then(|| ProvingKey::from_cache(points, &digest).ok())?
}
