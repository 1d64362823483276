//! A certificate chain with its private key, from PEM files.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    RootCertStore,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    sign::CertifiedKey,
};
use zeroize::Zeroizing;

use crate::{CertificateError, CertificateFacts};

/// Largest PEM file that is read, in bytes.
///
/// The reason for the value: a bundle of 100 authorities with RSA-4096 keys is about 250 KB.
const MAX_PEM_BYTES: u64 = 1024 * 1024;

/// Where an identity lies on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityFiles {
    /// The certificate, then the authorities between it and the root, in PEM.
    pub certificate: PathBuf,
    /// Its private key in PEM: PKCS #8, SEC 1 or PKCS #1.
    pub key: PathBuf,
}

/// A certificate chain with its private key, ready for use in TLS.
#[derive(Clone)]
pub struct Identity {
    certified: Arc<CertifiedKey>,
    facts: CertificateFacts,
}

impl Identity {
    /// Reads both files and checks that they belong together.
    ///
    /// Does not check the span of validity: an operator must be able to start a node and see it refused for the
    /// right reason.
    pub fn load(files: &IdentityFiles) -> Result<Self, CertificateError> {
        let chain = read_certificates(&files.certificate)?;
        let leaf = chain.first().ok_or_else(|| CertificateError::NotPem {
            path: files.certificate.clone(),
            expected: "certificate",
        })?;
        let facts = CertificateFacts::read(leaf)?;
        let pem = Zeroizing::new(read(&files.key)?);
        let key = PrivateKeyDer::from_pem_slice(&pem).map_err(|_| CertificateError::NotPem {
            path: files.key.clone(),
            expected: "private key",
        })?;
        let signing = provider()
            .key_provider
            .load_private_key(key)
            .map_err(|source| CertificateError::KeyUnusable {
                path: files.key.clone(),
                source,
            })?;
        let certified = CertifiedKey::new(chain, signing);
        certified
            .keys_match()
            .map_err(|_| CertificateError::KeyMismatch {
                certificate: files.certificate.clone(),
                key: files.key.clone(),
            })?;
        Ok(Self {
            certified: Arc::new(certified),
            facts,
        })
    }

    /// What the leaf certificate says.
    pub fn facts(&self) -> &CertificateFacts {
        &self.facts
    }

    pub(crate) fn certified(&self) -> &Arc<CertifiedKey> {
        &self.certified
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Identity")
            .field("facts", &self.facts)
            .field("key", &"<redacted>")
            .finish()
    }
}

/// Reads a file of one or more authorities' certificates in PEM.
pub fn read_authorities(path: &Path) -> Result<RootCertStore, CertificateError> {
    let certificates = read_certificates(path)?;
    if certificates.is_empty() {
        return Err(CertificateError::NotPem {
            path: path.to_owned(),
            expected: "certificate",
        });
    }
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots.add(certificate)?;
    }
    Ok(roots)
}

/// The one provider of cryptography that this crate uses, whatever a process may have installed as its default.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let pem = read(path)?;
    CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|_| CertificateError::NotPem {
            path: path.to_owned(),
            expected: "certificate",
        })
}

pub(crate) fn read(path: &Path) -> Result<Vec<u8>, CertificateError> {
    use std::io::{Error, ErrorKind, Read as _};
    let failed = |source| CertificateError::File {
        action: "read",
        path: path.to_owned(),
        source,
    };
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(MAX_PEM_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > MAX_PEM_BYTES {
        return Err(failed(Error::new(
            ErrorKind::FileTooLarge,
            "more than one mebibyte",
        )));
    }
    Ok(bytes)
}
