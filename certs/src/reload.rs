//! An identity that is read again from its files without a restart.

use std::{fmt, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use rustls::{
    SignatureScheme,
    client::ResolvesClientCert,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

use crate::{CertificateError, CertificateFacts, Identity, IdentityFiles};

/// What a reload did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reloaded {
    /// The files hold what is in use.
    Unchanged,
    /// The files hold another certificate, which the caller does not accept yet.
    Waiting(CertificateFacts),
    /// Another certificate is in use from the next handshake on.
    Changed(CertificateFacts),
}

/// The identity in use. Handshakes take whatever it is at their moment; open connections keep theirs.
pub struct ReloadingIdentity {
    files: IdentityFiles,
    current: ArcSwap<Identity>,
}

impl ReloadingIdentity {
    /// Loads the files for the first time.
    pub fn open(files: IdentityFiles) -> Result<Arc<Self>, CertificateError> {
        let identity = Identity::load(&files)?;
        Ok(Arc::new(Self {
            files,
            current: ArcSwap::from_pointee(identity),
        }))
    }

    /// What the certificate in use says.
    pub fn facts(&self) -> CertificateFacts {
        self.current.load().facts().clone()
    }

    /// Reads the files again; a new certificate is used once `accept` says so.
    ///
    /// Member to member, `accept` asks whether the ledger has registered the new key for this member: a
    /// certificate shown before that would be refused by everyone. Files that are half replaced (the
    /// certificate new, the key still old) are an error, and what was in use stays in use.
    pub fn reload(
        &self,
        accept: impl FnOnce(&CertificateFacts) -> bool,
    ) -> Result<Reloaded, CertificateError> {
        let next = Identity::load(&self.files)?;
        if next.certified().cert == self.current.load().certified().cert {
            return Ok(Reloaded::Unchanged);
        }
        let facts = next.facts().clone();
        if !accept(&facts) {
            return Ok(Reloaded::Waiting(facts));
        }
        self.current.store(Arc::new(next));
        Ok(Reloaded::Changed(facts))
    }

    /// Reads the files again every `interval`, for ever. Reports changes and failures in the log, each once.
    ///
    /// The content is compared, not the time of modification, which file systems and backup tools get wrong.
    pub async fn watch(
        self: Arc<Self>,
        interval: Duration,
        accept: impl Fn(&CertificateFacts) -> bool + Send + Sync + 'static,
    ) {
        let accept = Arc::new(accept);
        let mut said = String::new();
        loop {
            tokio::time::sleep(interval).await;
            let (identity, accept) = (self.clone(), accept.clone());
            let outcome =
                tokio::task::spawn_blocking(move || identity.reload(|facts| accept(facts))).await;
            let Ok(outcome) = outcome else { continue };
            let (line, failed) = match outcome {
                Ok(Reloaded::Unchanged) => {
                    said.clear();
                    continue;
                }
                Ok(Reloaded::Changed(facts)) => (
                    format!("the certificate with key {} is in use", facts.spki),
                    false,
                ),
                Ok(Reloaded::Waiting(facts)) => (
                    format!(
                        "the certificate with key {} waits for its registration",
                        facts.spki
                    ),
                    false,
                ),
                Err(error) => (
                    format!("{error}; the former certificate stays in use"),
                    true,
                ),
            };
            if line != said {
                if failed {
                    tracing::warn!(file = %self.files.certificate.display(), "{line}");
                } else {
                    tracing::info!(file = %self.files.certificate.display(), "{line}");
                }
                said = line;
            }
        }
    }

    fn certified(&self) -> Arc<CertifiedKey> {
        self.current.load().certified().clone()
    }
}

impl fmt::Debug for ReloadingIdentity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ReloadingIdentity")
            .field("files", &self.files)
            .field("current", &self.current.load())
            .finish()
    }
}

impl ResolvesServerCert for ReloadingIdentity {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.certified())
    }
}

impl ResolvesClientCert for ReloadingIdentity {
    fn resolve(
        &self,
        _root_hint_subjects: &[&[u8]],
        _schemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        Some(self.certified())
    }

    fn has_certs(&self) -> bool {
        true
    }
}
