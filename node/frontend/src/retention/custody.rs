//! The custodian's copies: sealed with each request, and written into files of a folder from where the custodian
//! takes them.
//!
//! A copy stands in the database from the same write on as the request itself, before the request is sent. It
//! leaves the database for a file within half a minute; the file is there whole or not at all.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use rand_core::OsRng;
use tacit_circuits::scope::{ListVersion, MemberId};
use tacit_ledger::kernel::ChainId;
use tacit_sealing::custodian::{Copies, Copy, CustodianKeys, KeysError, MAX_KEYS_BYTES, seal_copy};
use tacit_sealing::{BatchName, ClassName, Month, Period};

use crate::compute::compute;
use crate::store::{PendingCopy, Store, StoreError};

/// What files of copies end in.
const EXTENSION: &str = "copies";

/// Copies of one file: of full requests, some 36 MB.
const COPIES_PER_FILE: u32 = 256;

/// Why there is no copy for the custodian.
#[derive(Debug, thiserror::Error)]
pub enum CustodyError {
    /// A file or folder cannot be used.
    #[error("the custodian's {path} cannot be used: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The keys are none.
    #[error("the custodian's keys in {path}: {source}")]
    Keys {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: KeysError,
    },
    /// The keys do not reach to now.
    #[error(
        "the custodian has no key for {0}, and nothing is asked without its copy; ask it for more keys and \
         name the new file in retention.custodian_keys_file"
    )]
    NoKey(Period),
    /// A copy could not be made.
    #[error("the custodian's copy of a request of {0} could not be sealed")]
    Seal(Period),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A custodian: its public keys, and where its copies go.
#[derive(Clone, Debug)]
pub struct Custody {
    keys: CustodianKeys,
    folder: PathBuf,
}

impl Custody {
    /// Reads the keys, and makes the folder where it is not there.
    ///
    /// # Errors
    /// [`CustodyError::File`] or [`CustodyError::Keys`]
    pub fn open(keys_file: &Path, folder: &Path) -> Result<Self, CustodyError> {
        let file = |path: &Path| {
            let path = path.to_owned();
            move |source| CustodyError::File { path, source }
        };
        if fs::metadata(keys_file).map_err(file(keys_file))?.len() > MAX_KEYS_BYTES {
            let too_large = std::io::ErrorKind::FileTooLarge.into();
            return Err(file(keys_file)(too_large));
        }
        let text = fs::read_to_string(keys_file).map_err(file(keys_file))?;
        let keys = CustodianKeys::from_text(&text).map_err(|source| CustodyError::Keys {
            path: keys_file.to_owned(),
            source,
        })?;
        fs::create_dir_all(folder).map_err(file(folder))?;
        tracing::info!(
            fingerprint = keys.fingerprint(),
            "retention.custodian: compare with the custodian"
        );
        Ok(Self {
            keys,
            folder: folder.to_owned(),
        })
    }

    pub(super) fn last_month(&self, class: &ClassName) -> Option<Month> {
        self.keys.last_month(class)
    }

    /// Seals what is kept of a request to the custodian.
    pub(crate) fn seal(
        &self,
        period: &Period,
        batch: &BatchName,
        version: ListVersion,
        padded: &[u8],
    ) -> Result<Vec<u8>, CustodyError> {
        let key = self.keys.of(period);
        let key = key.ok_or_else(|| CustodyError::NoKey(period.clone()))?;
        seal_copy(period, key, batch, version, padded, &mut OsRng)
            .map_err(|_| CustodyError::Seal(period.clone()))
    }

    /// Writes what has come in since the last time into files, and takes it out of the database.
    pub(super) async fn export(
        &self,
        store: &Store,
        chain_id: ChainId,
        member: MemberId,
    ) -> Result<(), CustodyError> {
        while let Some(period) = store.pending_period().await? {
            let pending = store.pending_copies(&period, COPIES_PER_FILE).await?;
            let Some(PendingCopy {
                session, sequence, ..
            }) = pending.first()
            else {
                continue;
            };
            // Named by the first of its copies: the same ones are not written twice under two names.
            let folder = self.folder_of(&period);
            let path = folder.join(format!("{session}-{sequence}.{EXTENSION}"));
            let damaged = |_| StoreError::Damaged("custodian's copy");
            let copies = pending
                .iter()
                .map(|copy| Copy::new(copy.session, copy.sequence, copy.sealed.clone()))
                .collect::<Result<_, _>>()
                .map_err(damaged)?;
            let copies = Copies {
                chain_id,
                member,
                period,
                copies,
            };
            let bytes = copies.to_bytes().map_err(damaged)?;
            compute(move || write_whole(&folder, &path, &bytes)).await?;
            store.drop_copies(&pending).await?;
        }
        Ok(())
    }

    /// Deletes the files of a period that is over. Those that the custodian took away it deletes itself.
    pub(super) async fn forget(&self, period: &Period) -> Result<(), CustodyError> {
        let folder = self.folder_of(period);
        compute(move || match fs::remove_dir_all(&folder) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                Err(CustodyError::File {
                    path: folder,
                    source,
                })
            }
            _ => Ok(()),
        })
        .await
    }

    fn folder_of(&self, period: &Period) -> PathBuf {
        let class = self.folder.join(period.class.as_str());
        class.join(period.month.to_string())
    }
}

/// The whole file or none, on the disk before this returns.
fn write_whole(folder: &Path, path: &Path, bytes: &[u8]) -> Result<(), CustodyError> {
    let failed = |source| CustodyError::File {
        path: path.to_owned(),
        source,
    };
    fs::create_dir_all(folder).map_err(failed)?;
    let unfinished = path.with_extension("unfinished");
    let mut file = fs::File::create(&unfinished).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    fs::rename(&unfinished, path).map_err(failed)?;
    // The name as well, so that a power cut leaves the copies in one place at least.
    let folder = fs::File::open(folder).map_err(failed)?;
    folder.sync_all().map_err(failed)
}
