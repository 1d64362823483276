//! How another business ledger relies on an accepted set of receipts.
//!
//! A ledger of loans, say, holds an application with a commitment to its applicant, which somebody other
//! than the asking member has checked. Approving the application consumes a set that was accepted for it:
//! in the approval's own transaction, so that both take effect or neither.

use tacit_circuits::identifier::IdentifierType;
use tacit_circuits::receipt::SubjectCommitment;

use crate::kernel::context::{Context, require};
use crate::kernel::{MemberId, ModuleId, Reject, Stop, state};
use crate::network::event::Event;
use crate::network::receipts::{ObjectId, Purpose};
use crate::network::record::{
    Consumption, EpochRecord, EpochStatus, PolicyId, PolicyVersion, Publication, PublicationStatus,
    Screening, ScreeningId,
};
use crate::network::{keys, read};

/// What the relying ledger knows, and the set has to say the same of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The ledger's object.
    pub object: ObjectId,
    /// Member that had to screen.
    pub submitter: MemberId,
    /// Party that relies on it.
    pub verifier: MemberId,
    /// The object's commitment to its subject, as somebody other than the submitter has checked it.
    pub commitment: SubjectCommitment,
    /// Type of the subject's identifier.
    pub kind: IdentifierType,
    /// What for.
    pub purpose: Purpose,
    /// Policy that has to be satisfied.
    pub policy: PolicyId,
    /// The oldest of its versions that will do.
    pub min_policy_version: PolicyVersion,
}

/// Relies on an accepted set in the name of the executing module, once and for good. Answers with the
/// set as it stands from now on.
///
/// The module is the executing one, not a field: no module can use up what was made for another. A set is
/// worth what its parts are worth now, so it is refused if a publication of it was proven fraudulent or
/// an epoch revoked since, and if the members have voted another verifying key.
///
/// # Errors
/// The first that applies of [`Reject::SCREENING_UNKNOWN`] (also once it has expired),
/// [`Reject::SCREENING_CONSUMED`], [`Reject::SCREENING_OF_OTHER_MODULE`],
/// [`Reject::SCREENING_OF_OTHER_OBJECT`], [`Reject::SCREENING_OF_OTHER_SUBMITTER`],
/// [`Reject::SCREENING_FOR_OTHER_VERIFIER`], [`Reject::SCREENING_OF_OTHER_SUBJECT`],
/// [`Reject::SCREENING_FOR_OTHER_PURPOSE`], [`Reject::SCREENING_OF_OTHER_POLICY`],
/// [`Reject::SCREENING_OF_OLD_POLICY`]; then [`Reject::RECEIPT_KEY_MISMATCH`]; then for each list
/// [`Reject::EPOCH_REVOKED`], [`Reject::PUBLICATION_FRAUDULENT`].
pub fn consume(
    context: &mut Context<'_>,
    id: ScreeningId,
    expected: &Expected,
) -> Result<Screening, Stop> {
    let mut screening = read::screening(context, id)?.ok_or(Reject::SCREENING_UNKNOWN)?;
    let (height, module) = (context.height(), context.module);
    // Its removal may lag behind its expiry when very much is due at once.
    let unexpired = height < screening.context.expiry_height;
    require(unexpired, Reject::SCREENING_UNKNOWN)?;
    require(screening.consumed.is_none(), Reject::SCREENING_CONSUMED)?;
    require_same(&screening, module, expected)?;
    require_standing(context, &screening)?;

    screening.consumed = Some(Consumption { height, module });
    context.put(keys::screening(id), &screening);
    let object = screening.context.object;
    context.whole(ModuleId::NETWORK, |step| {
        step.emit(&Event::ScreeningConsumed {
            screening: id,
            module,
            object,
        });
        Ok(())
    })?;
    Ok(screening)
}

fn require_same(
    screening: &Screening,
    module: ModuleId,
    expected: &Expected,
) -> Result<(), Reject> {
    let said = &screening.context;
    require(said.module == module, Reject::SCREENING_OF_OTHER_MODULE)?;
    require(
        said.object == expected.object,
        Reject::SCREENING_OF_OTHER_OBJECT,
    )?;
    require(
        screening.submitter == expected.submitter,
        Reject::SCREENING_OF_OTHER_SUBMITTER,
    )?;
    require(
        said.verifier == expected.verifier,
        Reject::SCREENING_FOR_OTHER_VERIFIER,
    )?;
    let subject = (screening.commitment, screening.kind);
    require(
        subject == (expected.commitment, expected.kind),
        Reject::SCREENING_OF_OTHER_SUBJECT,
    )?;
    require(
        said.purpose == expected.purpose,
        Reject::SCREENING_FOR_OTHER_PURPOSE,
    )?;
    require(
        said.policy == expected.policy,
        Reject::SCREENING_OF_OTHER_POLICY,
    )?;
    require(
        said.policy_version >= expected.min_policy_version,
        Reject::SCREENING_OF_OLD_POLICY,
    )
}

/// Refuses a set that would no longer be accepted for a reason other than age.
fn require_standing(context: &Context<'_>, screening: &Screening) -> Result<(), Stop> {
    let epoch_keys: Vec<_> = screening
        .lists
        .iter()
        .map(|id| keys::epoch(id.list, id.tag_epoch))
        .collect();
    let publication_keys: Vec<_> = screening
        .lists
        .iter()
        .map(|id| keys::publication(*id))
        .collect();
    let key = read::receipt_key(context);
    let epochs = state::read_all::<EpochRecord>(context, &epoch_keys);
    let publications = state::read_all::<Publication>(context, &publication_keys);
    let (key, (epochs, publications)) = read::both(key, read::both(epochs, publications))?;
    let current = key.is_some_and(|key| key.id == screening.context.key);
    require(current, Reject::RECEIPT_KEY_MISMATCH)?;
    for (epoch, publication) in epochs.into_iter().zip(publications) {
        let revoked = epoch.is_none_or(|epoch| matches!(epoch.status, EpochStatus::Revoked { .. }));
        require(!revoked, Reject::EPOCH_REVOKED)?;
        let fraudulent = publication.as_ref().is_none_or(|publication| {
            matches!(publication.status, PublicationStatus::Fraudulent { .. })
        });
        require(!fraudulent, Reject::PUBLICATION_FRAUDULENT)?;
        let unproven = publication.is_some_and(|publication| {
            matches!(publication.status, PublicationStatus::Unproven { .. })
        });
        require(!unproven, Reject::PUBLICATION_UNPROVEN)?;
    }
    Ok(())
}
