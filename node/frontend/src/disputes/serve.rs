//! Hands out packages to those whom they are for.

use std::sync::Arc;

use tacit_circuits::scope::MemberId;
use tacit_ledger::network::{Dispute, DisputeId, read as state};
use tacit_proto::peer as wire;
use tonic::Status;

use crate::ports::{Ledger, read};
use crate::store::Store;

/// Serves this member's packages.
#[derive(Clone)]
pub(crate) struct PackageServer {
    ledger: Arc<dyn Ledger>,
    store: Store,
}

/// Whether a member is to see the challenge, or the owner's evidence: the owner the former, the panel both.
pub(super) fn is_for(dispute: &Dispute, member: MemberId, evidence: bool) -> bool {
    let on_panel = dispute.panel.iter().any(|seat| seat.member == member);
    on_panel || (!evidence && member == dispute.owner)
}

impl PackageServer {
    pub(crate) fn new(ledger: Arc<dyn Ledger>, store: Store) -> Self {
        Self { ledger, store }
    }

    /// A package, for a caller that is entitled to it. Whether there is such a dispute anybody can read; who
    /// is not entitled learns nothing else.
    pub(crate) async fn hand_out(
        &self,
        caller: MemberId,
        request: wire::FetchDisputePackageRequest,
    ) -> Result<wire::DisputePackage, Status> {
        let id = DisputeId(request.dispute);
        let found = read(&*self.ledger, |view| state::dispute(view, id)).await;
        let found = found.map_err(|error| {
            tracing::warn!(%error, "disputes.serve: the ledger cannot be read");
            Status::unavailable("the ledger cannot be read; ask again")
        })?;
        let dispute = found
            .filter(|dispute| is_for(dispute, caller, request.evidence))
            .ok_or_else(|| Status::permission_denied("it is not for this member"))?;
        let digest = if request.evidence {
            dispute.evidence
        } else {
            Some(dispute.package)
        };
        let digest = digest.ok_or_else(|| Status::not_found("there is no evidence"))?;
        let package = self.store.package(digest).await.map_err(|error| {
            tracing::error!(%error, "disputes.serve: a package cannot be read");
            Status::internal("it cannot be read; ask again")
        })?;
        let package = package.ok_or_else(|| Status::not_found("it is not here"))?;
        // A disclosure is recorded: to whom, in which dispute; not about whom.
        tracing::info!(%caller, dispute = %id, evidence = request.evidence, "disputes.serve: disclosed");
        Ok(wire::DisputePackage {
            package: package.to_vec(),
        })
    }
}
