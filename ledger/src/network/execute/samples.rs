//! Entries that the beacon draws of a version, and its owner's proofs about them.

use tacit_circuits::curve::WirePoint;

use crate::kernel::context::{Context, require};
use crate::kernel::hash::{self, label};
use crate::kernel::party::Party;
use crate::kernel::{Missing, Reject, Stop, TxId};
use crate::network::event::Event;
use crate::network::execute::{Due, beacon, lists, log, ratings};
use crate::network::receipts::verifier;
use crate::network::record::{
    BeaconOutput, List, Publication, PublicationId, PublicationStatus, RatingReason, Sampling,
};
use crate::network::samples::{SampleCalls, SampleProofs, drawn_slots, sample_context};
use crate::network::{keys, read};

/// Has entries of a version drawn, if the members want that and have a key under which it can be proven.
pub(super) fn begin(
    context: &mut Context<'_>,
    id: PublicationId,
) -> Result<Option<Sampling>, Missing> {
    let (parameters, key) = read::both(read::parameters(context), read::receipt_key(context))?;
    if parameters.sampled_entries == 0 || key.is_none() {
        return Ok(None);
    }
    let round = beacon::request(context)?;
    let patience = 2 * parameters.beacon_window_blocks + parameters.sample_window_blocks;
    context.due_at(context.height() + patience, &Due::SampleDeadline(id))?;
    Ok(Some(Sampling {
        round,
        entries: parameters.sampled_entries,
        logged: None,
        proven_height: None,
    }))
}

/// A version that its owner may still prove something about.
struct Own {
    list: List,
    key: WirePoint,
    publication: Publication,
}

impl Own {
    fn read(context: &Context<'_>, sender: &Party, id: PublicationId) -> Result<Self, Stop> {
        let records = read::both(
            read::list(context, id.list),
            read::both(
                read::epoch(context, id.list, id.tag_epoch),
                read::publication(context, id),
            ),
        );
        let (list, (epoch, publication)) = records?;
        let list = list.ok_or(Reject::LIST_UNKNOWN)?;
        require(list.owner == sender.id, Reject::NOT_THE_OWNER)?;
        let epoch = epoch.ok_or(Reject::EPOCH_UNKNOWN)?;
        let publication = publication.ok_or(Reject::PUBLICATION_UNKNOWN)?;
        match publication.status {
            PublicationStatus::Fraudulent { .. } => Err(Reject::PUBLICATION_FRAUDULENT)?,
            PublicationStatus::Unproven { .. } => Err(Reject::PUBLICATION_UNPROVEN)?,
            PublicationStatus::Pending
            | PublicationStatus::Active { .. }
            | PublicationStatus::Superseded { .. }
            | PublicationStatus::Suspended { .. } => {}
        }
        Ok(Self {
            list,
            key: epoch.key,
            publication,
        })
    }

    /// What is drawn of it and waits for proofs.
    fn drawn(&self, context: &Context<'_>) -> Result<(Sampling, BeaconOutput), Stop> {
        let sampling = self.publication.sampling.ok_or(Reject::NOT_SAMPLED)?;
        require(sampling.proven_height.is_none(), Reject::SAMPLES_PROVEN)?;
        let drawn = read::beacon_output(context, sampling.round)?;
        Ok((sampling, drawn.ok_or(Reject::SAMPLES_NOT_DRAWN)?))
    }

    fn put(mut self, context: &mut Context<'_>, sampling: Sampling) {
        self.publication.sampling = Some(sampling);
        lists::put_publication(context, &self.publication);
    }
}

/// Logs the owner's calls, whose evaluation was checked without state under the key that they name.
pub(super) fn log_calls(
    context: &mut Context<'_>,
    sender: &Party,
    calls: &SampleCalls,
) -> Result<(), Stop> {
    let id = calls.publication;
    let own = Own::read(context, sender, id)?;
    let first_leaf = log::append(context, &calls.leaves(own.list.owner)?)?;
    let (mut sampling, _) = own.drawn(context)?;
    require(sampling.logged.is_none(), Reject::SAMPLES_LOGGED)?;
    let entries = sampling.entries;
    let complete = calls.blinded.len() == usize::from(entries);
    require(complete, Reject::SAMPLE_COUNT_MISMATCH)?;
    require(calls.key == own.key, Reject::SAMPLE_KEY_MISMATCH)?;

    sampling.logged = Some(first_leaf);
    own.put(context, sampling);
    context.emit(&Event::SamplesLogged {
        publication: id,
        first_leaf,
        entries,
    });
    Ok(())
}

/// Takes the proofs about the drawn entries of a version.
pub(super) fn prove(
    context: &mut Context<'_>,
    sender: &Party,
    tx_id: TxId,
    proofs: &SampleProofs,
) -> Result<(), Stop> {
    let (chain_id, height) = (context.chain_id(), context.height());
    let id = proofs.publication;
    let own = Own::read(context, sender, id)?;
    let key = read::receipt_key(context)?.ok_or(Reject::RECEIPT_KEY_UNSET)?;
    require(key.id == proofs.key, Reject::RECEIPT_KEY_MISMATCH)?;
    let recorded: Option<u64> = context.read(&keys::log_root(&proofs.log_root))?;
    require(recorded.is_some(), Reject::LOG_ROOT_UNKNOWN)?;
    let (mut sampling, drawn) = own.drawn(context)?;
    let entries = sampling.entries;
    let complete = proofs.proofs.len() == usize::from(entries);
    require(complete, Reject::SAMPLE_COUNT_MISMATCH)?;

    let publication = &own.publication;
    let digest = publication.digest(chain_id, &own.key);
    let slots = drawn_slots(&drawn, &digest, entries, publication.size_class);
    let purpose = sample_context(chain_id, &digest, key.id);
    let claims = proofs.claims(publication, &slots, purpose)?;
    let seed = hash::hash_encoded(&label::RECEIPT_WEIGHTS, &(chain_id, height, tx_id));
    let holds = verifier::of(&key).holds(&claims, &seed.0);
    require(holds, Reject::SAMPLES_INVALID)?;

    sampling.proven_height = Some(height);
    own.put(context, sampling);
    context.emit(&Event::SamplesProven { publication: id });
    Ok(())
}

/// Takes a version off whose owner did not prove the drawn entries in time. A round that had to be gone
/// through again moves the deadline, which counts from its output.
pub(super) fn end_if_due(context: &mut Context<'_>, id: PublicationId) -> Result<(), Missing> {
    let Some(mut publication) = read::publication(context, id)? else {
        return Ok(());
    };
    let waits = publication
        .sampling
        .filter(|sampling| sampling.proven_height.is_none());
    let Some(sampling) = waits else {
        return Ok(());
    };
    let records = read::both(
        read::parameters(context),
        read::beacon_output(context, sampling.round),
    );
    let (parameters, drawn) = records?;
    let height = context.height();
    let from = drawn.map_or(height, |drawn| drawn.height);
    let deadline = from + parameters.sample_window_blocks;
    if height <= deadline {
        return context.due_at(deadline + 1, &Due::SampleDeadline(id));
    }
    if matches!(publication.status, PublicationStatus::Fraudulent { .. }) {
        return Ok(());
    }
    publication.status = PublicationStatus::Unproven { height };
    lists::put_publication(context, &publication);
    lists::clear_active(context, id)?;
    let reason = RatingReason::PublicationUnproven(id);
    ratings::lower(context, publication.owner, reason)?;
    context.emit(&Event::Unproven {
        publication: id,
        owner: publication.owner,
    });
    Ok(())
}
