//! Why the other side of a connection is refused.

use std::sync::Arc;

use rustls::{AlertDescription, CertificateError as TlsCertificateError, OtherError};
use tacit_circuits::scope::MemberId;

use crate::SpkiHash;

/// Why a peer's certificate, or a request over it, is refused. Holds no personal data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeerRefusal {
    /// The bytes are no certificate.
    #[error("what the peer presented is no X.509 certificate")]
    NotACertificate,
    /// The certificate's time has not begun.
    #[error("the peer's certificate is not valid before {since_s} s since 1970")]
    NotYetValid {
        /// First second of validity.
        since_s: i64,
    },
    /// The certificate's time is over.
    #[error("the peer's certificate expired at {at_s} s since 1970; its institution must renew it")]
    Expired {
        /// Last second of validity.
        at_s: i64,
    },
    /// No member has registered this key.
    #[error("no member has registered the key {spki}")]
    Unknown {
        /// Hash of the key.
        spki: SpkiHash,
    },
    /// The key was replaced, or its member left the network.
    #[error("the key {spki} of {member} is withdrawn")]
    Withdrawn {
        /// Hash of the key.
        spki: SpkiHash,
        /// Whose it was.
        member: MemberId,
    },
    /// The key belongs to another member than the one that was called.
    #[error(
        "{expected} was called, but {presented} answered: its registered address leads elsewhere"
    )]
    WrongMember {
        /// Who was called.
        expected: MemberId,
        /// Whose key was shown.
        presented: MemberId,
    },
    /// No authority that this institution trusts has signed it.
    #[error("no trusted authority has signed the peer's certificate: {reason}")]
    UntrustedAuthority {
        /// What the verifier said.
        reason: String,
    },
    /// The other side refused this node's certificate.
    #[error(
        "the peer refused this node's certificate ({alert}); is its key registered on the ledger?"
    )]
    ByPeer {
        /// The TLS alert that was received.
        alert: &'static str,
    },
    /// The other side speaks something else than mutual TLS 1.3.
    #[error("the peer does not speak mutual TLS 1.3: {reason}")]
    NotMutualTls {
        /// What the TLS layer said.
        reason: String,
    },
    /// One member holds as many connections as it may.
    #[error("{member} holds as many connections as one member may")]
    TooManyConnections {
        /// Who.
        member: MemberId,
    },
}

/// What the other side says when it refuses a certificate (RFC 8446, section 6.2), and in words.
const CERTIFICATE_ALERTS: [(AlertDescription, &str); 7] = [
    (AlertDescription::BadCertificate, "bad certificate"),
    (AlertDescription::CertificateExpired, "certificate expired"),
    (AlertDescription::CertificateRevoked, "certificate revoked"),
    (AlertDescription::CertificateUnknown, "certificate unknown"),
    (
        AlertDescription::CertificateRequired,
        "certificate required",
    ),
    (AlertDescription::UnknownCA, "unknown authority"),
    (AlertDescription::AccessDenied, "access denied"),
];

impl PeerRefusal {
    /// Every value of [`code`](Self::code), so that a metric's labels can be registered at zero.
    pub const CODES: [&'static str; 10] = [
        "not-a-certificate",
        "not-yet-valid",
        "expired",
        "unknown",
        "withdrawn",
        "wrong-member",
        "untrusted-authority",
        "by-peer",
        "not-mutual-tls",
        "too-many-connections",
    ];

    /// A permanent word for logs, metrics and programs.
    pub fn code(&self) -> &'static str {
        Self::CODES[match self {
            Self::NotACertificate => 0,
            Self::NotYetValid { .. } => 1,
            Self::Expired { .. } => 2,
            Self::Unknown { .. } => 3,
            Self::Withdrawn { .. } => 4,
            Self::WrongMember { .. } => 5,
            Self::UntrustedAuthority { .. } => 6,
            Self::ByPeer { .. } => 7,
            Self::NotMutualTls { .. } => 8,
            Self::TooManyConnections { .. } => 9,
        }]
    }

    /// What the TLS layer is told. The refusal itself travels inside, so that the connecting side of this very
    /// process learns the reason; the peer only sees an alert.
    pub(crate) fn into_tls(self) -> rustls::Error {
        rustls::Error::InvalidCertificate(TlsCertificateError::Other(OtherError(Arc::new(self))))
    }

    /// The refusal that lies behind a failed handshake.
    pub(crate) fn from_tls(error: &rustls::Error) -> Self {
        match error {
            rustls::Error::InvalidCertificate(TlsCertificateError::Other(OtherError(inner))) => {
                inner
                    .downcast_ref::<Self>()
                    .cloned()
                    .unwrap_or_else(|| Self::NotMutualTls {
                        reason: inner.to_string(),
                    })
            }
            // What the check of a chain of authorities says: an operator's, or a narrowed member's.
            rustls::Error::InvalidCertificate(reason) => Self::UntrustedAuthority {
                reason: reason.to_string(),
            },
            rustls::Error::AlertReceived(alert) => Self::from_alert(*alert),
            other => Self::NotMutualTls {
                reason: other.to_string(),
            },
        }
    }

    fn from_alert(alert: AlertDescription) -> Self {
        match CERTIFICATE_ALERTS.iter().find(|(known, _)| *known == alert) {
            Some((_, alert)) => Self::ByPeer { alert },
            None => Self::NotMutualTls {
                reason: format!("alert {alert:?}"),
            },
        }
    }

    /// The refusal that the text of an error tells of. HTTP/2 keeps only the text of what ended a connection for
    /// the requests that come after it.
    fn from_text(error: &str) -> Option<Self> {
        let said = |alert| rustls::Error::AlertReceived(alert).to_string();
        CERTIFICATE_ALERTS
            .iter()
            .find(|(alert, _)| error == said(*alert))
            .map(|(_, alert)| Self::ByPeer { alert })
    }

    /// The refusal inside an error of the tonic transport, where one is; looks along the chain of sources.
    pub fn find(error: &(dyn std::error::Error + 'static)) -> Option<Self> {
        let mut next = Some(error);
        while let Some(current) = next {
            if let Some(refusal) = current.downcast_ref::<Self>() {
                return Some(refusal.clone());
            }
            if let Some(tls) = current.downcast_ref::<rustls::Error>() {
                return Some(Self::from_tls(tls));
            }
            // An `io::Error` does not offer what it wraps as its source, but as its inner error.
            let below = match current
                .downcast_ref::<std::io::Error>()
                .and_then(std::io::Error::get_ref)
            {
                Some(inner) => Some(inner as &(dyn std::error::Error + 'static)),
                None => current.source(),
            };
            if below.is_none() {
                return Self::from_text(&current.to_string());
            }
            next = below;
        }
        None
    }
}
