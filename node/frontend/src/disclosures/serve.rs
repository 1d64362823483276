//! Hands out bundles to the supervisors whom they are for.

use std::sync::Arc;

use tacit_circuits::scope::MemberId;
use tacit_ledger::kernel::Role;
use tacit_ledger::network::{DisclosureId, DisclosureStatus, read as state};
use tacit_proto::peer as wire;
use tonic::Status;

use super::is_for;
use crate::ports::{Ledger, read};
use crate::store::Store;

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
        let package = self.store.package(bundle).await.map_err(|error| {
            tracing::error!(%error, "disclosures.serve: a bundle cannot be read");
            Status::internal("it cannot be read; ask again")
        })?;
        let package = package.ok_or_else(|| Status::not_found("it is not here"))?;
        // A disclosure is recorded: to whom, on which demand; not about whom.
        tracing::info!(%caller, disclosure = %id, "disclosures.serve: disclosed");
        Ok(wire::Disclosure {
            package: package.to_vec(),
        })
    }
}
