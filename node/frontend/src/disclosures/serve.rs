//! Hands out bundles to the supervisors whom they are for.

use std::sync::Arc;

use tacit_circuits::scope::MemberId;
use tacit_ledger::kernel::{Digest, Role};
use tacit_ledger::network::{DisclosureId, DisclosureStatus, read as state};
use tacit_proto::peer as wire;
use tonic::Status;

use super::{is_for, package};
use crate::ports::{Ledger, read};
use crate::store::{Store, StoreError};

/// Serves this member's bundles.
#[derive(Clone)]
pub(crate) struct DisclosureServer {
    ledger: Arc<dyn Ledger>,
    store: Store,
}

impl DisclosureServer {
    pub(crate) fn new(ledger: Arc<dyn Ledger>, store: Store) -> Self {
        Self { ledger, store }
    }

    /// A bundle, for a caller that is entitled to it.
    pub(crate) async fn hand_out(
        &self,
        caller: MemberId,
        request: wire::FetchDisclosureRequest,
    ) -> Result<wire::Disclosure, Status> {
        let id = DisclosureId(request.disclosure);
        let found = read(&*self.ledger, |view| {
            Ok((state::disclosure(view, id)?, state::member(view, caller)?))
        });
        let (disclosure, supervisor) = found.await.map_err(|error| {
            tracing::warn!(%error, "disclosures.serve: the ledger cannot be read");
            Status::unavailable("the ledger cannot be read; ask again")
        })?;
        let supervises =
            supervisor.is_some_and(|party| party.is_active() && party.role == Role::Observer);
        let me = self.ledger.member_id();
        let disclosure = disclosure
            .filter(|found| supervises && found.member == me && is_for(found, caller))
            .ok_or_else(|| Status::permission_denied("it is not for this party"))?;
        let DisclosureStatus::Answered { bundle, .. } = disclosure.status else {
            return Err(Status::not_found("it is not answered"));
        };
        let answer = kept(&self.store, bundle).await.map_err(|error| {
            tracing::error!(%error, "disclosures.serve: a bundle cannot be read");
            Status::internal("it cannot be read; ask again")
        })?;
        let answer = answer.ok_or_else(|| Status::not_found("it is not here"))?;
        // A disclosure is recorded: to whom, on which demand; not about whom.
        tracing::info!(%caller, disclosure = %id, "disclosures.serve: disclosed");
        Ok(answer)
    }
}

/// What is kept of an answer: packages whose retention period is over are left out.
pub(super) async fn kept(
    store: &Store,
    digest: Digest,
) -> Result<Option<wire::Disclosure>, StoreError> {
    let Some(manifest) = store.manifest(digest).await? else {
        return Ok(None);
    };
    let named = package::packages_of(digest, &manifest)
        .map_err(|_| StoreError::Damaged("manifest of a disclosure"))?;
    let mut packages = Vec::with_capacity(named.len());
    for package in named {
        let package = store.package(package).await?;
        packages.push(package.map_or_else(Vec::new, |package| package.to_vec()));
    }
    Ok(Some(wire::Disclosure { manifest, packages }))
}
