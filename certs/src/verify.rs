//! Decides whether the certificate of another member is good.

use std::{fmt, sync::Arc};

use rustls::{
    DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme,
    client::{
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_cert_signed_by_trust_anchor,
    },
    crypto::{CryptoProvider, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::{
        ParsedCertificate, WebPkiClientVerifier,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
};
use tacit_circuits::scope::MemberId;

use crate::{
    CertificateError, CertificateFacts, Directory, PeerRefusal, SpkiHash, Standing,
    identity::provider,
};

/// Verifies certificates between members, on both sides of a connection.
///
/// In this order, the first that applies being the reason given: it is a certificate; its span of validity has
/// begun and is not over; its key is registered with a member, in force, and, where one member was called, with
/// that one; and where this institution names authorities, one of them has signed it. The handshake itself proves
/// possession of the key (RFC 8446, section 4.4.3).
///
/// Names in the certificate do not matter: the ledger, not a name service, says whose the key is.
pub struct PeerVerifier {
    directory: Arc<dyn Directory>,
    authorities: Option<Authorities>,
    provider: Arc<CryptoProvider>,
    /// The member that is called; none on the side that is called.
    expected: Option<MemberId>,
}

#[derive(Clone)]
struct Authorities {
    roots: Arc<RootCertStore>,
    clients: Arc<dyn ClientCertVerifier>,
}

impl PeerVerifier {
    /// Accepts every member of `directory`; with `authorities`, only certificates that one of them signed.
    pub fn new(
        directory: Arc<dyn Directory>,
        authorities: Option<RootCertStore>,
    ) -> Result<Self, CertificateError> {
        let provider = provider();
        let authorities = authorities
            .map(|roots| {
                let roots = Arc::new(roots);
                let clients =
                    WebPkiClientVerifier::builder_with_provider(roots.clone(), provider.clone())
                        .build()
                        .map_err(|source| CertificateError::ClientVerifier { source })?;
                Ok::<_, CertificateError>(Authorities { roots, clients })
            })
            .transpose()?;
        Ok(Self {
            directory,
            authorities,
            provider,
            expected: None,
        })
    }

    /// The same rules, and the certificate must be `member`'s.
    pub fn expecting(&self, member: MemberId) -> Self {
        Self {
            directory: self.directory.clone(),
            authorities: self.authorities.clone(),
            provider: self.provider.clone(),
            expected: Some(member),
        }
    }

    /// Whose certificate this is at the time `now_s`, by its key and span of validity. Authorities are not asked.
    pub fn identify(
        &self,
        certificate: &[u8],
        now_s: i64,
    ) -> Result<(MemberId, CertificateFacts), PeerRefusal> {
        let facts =
            CertificateFacts::read(certificate).map_err(|_| PeerRefusal::NotACertificate)?;
        let member = self.standing(&facts.spki, facts.not_before_s, facts.not_after_s, now_s)?;
        Ok((member, facts))
    }

    /// Whose key this is, for a certificate whose span of validity is known.
    pub(crate) fn standing(
        &self,
        spki: &SpkiHash,
        not_before_s: i64,
        not_after_s: i64,
        now_s: i64,
    ) -> Result<MemberId, PeerRefusal> {
        if now_s < not_before_s {
            return Err(PeerRefusal::NotYetValid {
                since_s: not_before_s,
            });
        }
        if now_s > not_after_s {
            return Err(PeerRefusal::Expired { at_s: not_after_s });
        }
        let presented = match self.directory.standing(spki) {
            Standing::Current(member) => member,
            Standing::Withdrawn(member) => {
                return Err(PeerRefusal::Withdrawn {
                    spki: *spki,
                    member,
                });
            }
            Standing::Unknown => return Err(PeerRefusal::Unknown { spki: *spki }),
        };
        match self.expected {
            Some(expected) if expected != presented => Err(PeerRefusal::WrongMember {
                expected,
                presented,
            }),
            _ => Ok(presented),
        }
    }

    fn signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

fn seconds(now: UnixTime) -> i64 {
    i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
}

fn untrusted(error: Error) -> Error {
    PeerRefusal::UntrustedAuthority {
        reason: error.to_string(),
    }
    .into_tls()
}

/// TLS 1.2 is not among the versions of any configuration made here.
fn never_offered<T>() -> Result<T, Error> {
    Err(Error::General("TLS 1.2 is not offered".to_owned()))
}

impl ServerCertVerifier for PeerVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.identify(end_entity, seconds(now))
            .map_err(PeerRefusal::into_tls)?;
        if let Some(authorities) = &self.authorities {
            verify_server_cert_signed_by_trust_anchor(
                &ParsedCertificate::try_from(end_entity)?,
                &authorities.roots,
                intermediates,
                now,
                self.provider.signature_verification_algorithms.all,
            )
            .map_err(untrusted)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        never_offered()
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes()
    }
}

impl ClientCertVerifier for PeerVerifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.identify(end_entity, seconds(now))
            .map_err(PeerRefusal::into_tls)?;
        if let Some(authorities) = &self.authorities {
            authorities
                .clients
                .verify_client_cert(end_entity, intermediates, now)
                .map_err(untrusted)?;
        }
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        never_offered()
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes()
    }
}

impl fmt::Debug for PeerVerifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PeerVerifier")
            .field("expected", &self.expected)
            .field(
                "authorities",
                &self
                    .authorities
                    .as_ref()
                    .map(|authorities| authorities.roots.len()),
            )
            .finish_non_exhaustive()
    }
}
