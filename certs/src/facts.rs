//! What the other parts need to know of a certificate.

use std::{fmt, time::SystemTime};

use sha2::{Digest as _, Sha256};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::CertificateError;

/// SHA-256 of a certificate's DER-encoded subject public key info (RFC 5280, section 4.1.2.7; the pin of RFC 7469).
///
/// It is what the ledger registers: the key, not the certificate, so that a certificate may be renewed for the
/// same key without a transaction.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpkiHash(pub [u8; 32]);

impl fmt::Display for SpkiHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for SpkiHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SpkiHash({self})")
    }
}

/// Key, span of validity and common name of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFacts {
    /// Hash of the subject's public key.
    pub spki: SpkiHash,
    /// First second in which it is valid, since 1970-01-01 UTC.
    pub not_before_s: i64,
    /// Last second in which it is valid, since 1970-01-01 UTC.
    pub not_after_s: i64,
    /// The subject's common name; empty where there is none.
    pub common_name: String,
}

impl CertificateFacts {
    /// Reads a certificate in DER. Trailing bytes are refused.
    pub fn read(der: &[u8]) -> Result<Self, CertificateError> {
        let refused = |reason: String| CertificateError::NotACertificate { reason };
        let (rest, certificate) =
            X509Certificate::from_der(der).map_err(|error| refused(error.to_string()))?;
        if !rest.is_empty() {
            return Err(refused(format!("{} bytes follow it", rest.len())));
        }
        let common_name = certificate
            .subject()
            .iter_common_name()
            .next()
            .and_then(|name| name.as_str().ok())
            .unwrap_or_default()
            .to_owned();
        Ok(Self {
            spki: SpkiHash(Sha256::digest(certificate.public_key().raw).into()),
            not_before_s: certificate.validity().not_before.timestamp(),
            not_after_s: certificate.validity().not_after.timestamp(),
            common_name,
        })
    }
}

/// Seconds since 1970-01-01 UTC, of the system's clock. A clock before 1970 reads as 0, where every certificate
/// is not yet valid.
pub(crate) fn now_s() -> i64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |elapsed| {
            i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX)
        })
}
