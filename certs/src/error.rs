//! What can be wrong with this node's own certificates.

use std::{io, path::PathBuf};

/// Why a certificate, key or authority of this node cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What was tried: `read` or `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file would be overwritten.
    #[error(
        "{} exists already; move it away, or renew it instead of making it anew",
        path.display()
    )]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A file does not hold what it should.
    #[error("{} holds no {expected} in PEM", path.display())]
    NotPem {
        /// The file.
        path: PathBuf,
        /// What was looked for, such as `certificate`.
        expected: &'static str,
    },
    /// The bytes are no X.509 certificate.
    #[error("not an X.509 certificate: {reason}")]
    NotACertificate {
        /// What the parser said.
        reason: String,
    },
    /// Certificate and private key do not belong together.
    #[error(
        "the private key in {} does not belong to the certificate in {}",
        key.display(),
        certificate.display()
    )]
    KeyMismatch {
        /// File of the certificate.
        certificate: PathBuf,
        /// File of the private key.
        key: PathBuf,
    },
    /// The private key is of a kind that TLS 1.3 here does not use.
    #[error("the private key in {} cannot be used: {source}; use ECDSA P-256, P-384, Ed25519 or RSA", path.display())]
    KeyUnusable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rustls::Error,
    },
    /// An authority's certificate is refused as a trust anchor, or a configuration does not hold together.
    #[error("the TLS configuration is refused: {source}")]
    Tls {
        /// Why.
        source: rustls::Error,
    },
    /// The verifier for client certificates cannot be built.
    #[error("the authorities for client certificates are refused: {source}")]
    ClientVerifier {
        /// Why.
        source: rustls::server::VerifierBuilderError,
    },
    /// A certificate could not be made.
    #[error("the certificate could not be made: {source}")]
    Generation {
        /// Why.
        source: rcgen::Error,
    },
    /// The system's clock stands before 1970 or beyond what a certificate can say.
    #[error("the system clock cannot be right: {0}")]
    Clock(String),
}

impl From<rcgen::Error> for CertificateError {
    fn from(source: rcgen::Error) -> Self {
        Self::Generation { source }
    }
}

impl From<rustls::Error> for CertificateError {
    fn from(source: rustls::Error) -> Self {
        Self::Tls { source }
    }
}
