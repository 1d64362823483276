//! TLS configurations: version 1.3, both sides show a certificate, HTTP/2.

use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    client::{Resumption, WebPkiServerVerifier},
    server::{NoServerSessionStorage, WebPkiClientVerifier},
    version::TLS13,
};

use crate::{CertificateError, PeerVerifier, ReloadingIdentity, identity::provider};

/// RFC 9113, section 3.1. gRPC speaks nothing else.
const ALPN_HTTP2: &[u8] = b"h2";

/// For the listener that other members call.
pub fn peer_server_config(
    identity: Arc<ReloadingIdentity>,
    verifier: Arc<PeerVerifier>,
) -> Result<Arc<ServerConfig>, CertificateError> {
    let config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(identity);
    Ok(finish_server(config))
}

/// For calls to another member; `verifier` says which one.
pub fn peer_client_config(
    identity: Arc<ReloadingIdentity>,
    verifier: Arc<PeerVerifier>,
) -> Result<Arc<ClientConfig>, CertificateError> {
    let config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_client_cert_resolver(identity);
    Ok(finish_client(config))
}

/// For the listener of the institution's own operators: whoever `authorities` signed may operate.
pub fn operator_server_config(
    identity: Arc<ReloadingIdentity>,
    authorities: RootCertStore,
) -> Result<Arc<ServerConfig>, CertificateError> {
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(authorities), provider())
        .build()
        .map_err(|source| CertificateError::ClientVerifier { source })?;
    let config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(identity);
    Ok(finish_server(config))
}

/// For an operator's calls to the node: the node's certificate must be signed by `authorities` and name the host.
pub fn operator_client_config(
    identity: Arc<ReloadingIdentity>,
    authorities: RootCertStore,
) -> Result<Arc<ClientConfig>, CertificateError> {
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(authorities), provider())
        .build()
        .map_err(|source| CertificateError::ClientVerifier { source })?;
    let config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])?
        .with_webpki_verifier(verifier)
        .with_client_cert_resolver(identity);
    Ok(finish_client(config))
}

/// Sessions are never resumed: a resumed one would skip the verifier, and with it a withdrawal or an expiry.
fn finish_server(mut config: ServerConfig) -> Arc<ServerConfig> {
    config.alpn_protocols = vec![ALPN_HTTP2.to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Arc::new(config)
}

fn finish_client(mut config: ClientConfig) -> Arc<ClientConfig> {
    config.alpn_protocols = vec![ALPN_HTTP2.to_vec()];
    config.resumption = Resumption::disabled();
    Arc::new(config)
}
