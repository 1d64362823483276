//! Alarms and fraud proofs.

use crate::kernel::context::{Context, require};
use crate::kernel::party::Party;
use crate::kernel::{Reject, Stop, state};
use crate::network::event::Event;
use crate::network::execute::{lists, quota, ratings, require_member};
use crate::network::record::{
    Alarm, AlarmReason, Deposit, MAX_LISTED_ALARMS, Publication, PublicationId, PublicationStatus,
    RatingReason, Root,
};
use crate::network::{keys, read};

/// Lists a member's complaint about a publication. The ledger does not judge it: whoever holds the
/// snapshot can.
pub(super) fn raise(
    context: &mut Context<'_>,
    sender: &Party,
    id: PublicationId,
    reason: AlarmReason,
) -> Result<(), Stop> {
    require_member(sender)?;
    let publication = read::publication(context, id)?.ok_or(Reject::PUBLICATION_UNKNOWN)?;
    let raised_key = keys::alarm_by(id, sender.id);
    let raised: Option<u64> = context.read(&raised_key)?;
    require(raised.is_none(), Reject::ALARM_ALREADY_RAISED)?;
    if let AlarmReason::AttestationRefuted { attester } = reason {
        let attested = publication
            .attestations
            .iter()
            .any(|made| made.attester == attester);
        require(attested, Reject::NOT_ATTESTED)?;
    }
    require(publication.owner != sender.id, Reject::OWN_LIST)?;

    let number = read::alarm_count(context)?;
    let clock = context.clock();
    let alarm = Alarm {
        number,
        publication: id,
        owner: publication.owner,
        raised_by: sender.id,
        reason,
        height: clock.height,
        business_date: clock.business_date,
    };
    context.put(keys::alarm_count(), &(number + 1));
    context.put(keys::alarm(number % MAX_LISTED_ALARMS), &alarm);
    context.put(raised_key, &number);
    let (owner, raised_by) = (publication.owner, sender.id);
    context.emit(&Event::AlarmRaised {
        number,
        publication: id,
        owner,
        raised_by,
        reason,
    });
    Ok(())
}

/// Turns a publication off whose leaves contradict each other; owner and attesters pay. That the leaves
/// lead to `root`, and contradict each other, was checked without state.
pub(super) fn fraud(
    context: &mut Context<'_>,
    sender: &Party,
    id: PublicationId,
    root: Root,
) -> Result<(), Stop> {
    let mut publication = read::publication(context, id)?.ok_or(Reject::PUBLICATION_UNKNOWN)?;
    require(publication.root == root, Reject::ROOT_MISMATCH)?;
    let known = matches!(publication.status, PublicationStatus::Fraudulent { .. });
    require(!known, Reject::PUBLICATION_FRAUDULENT)?;

    publication.status = PublicationStatus::Fraudulent {
        height: context.height(),
    };
    lists::put_publication(context, &publication);
    lists::clear_active(context, id)?;
    let burnt_minor = punish(context, &publication)?;
    let (owner, proven_by) = (publication.owner, sender.id);
    ratings::lower(context, owner, RatingReason::FraudProven(id))?;
    context.emit(&Event::FraudProven {
        publication: id,
        owner,
        proven_by,
        burnt_minor,
    });
    Ok(())
}

fn punish(context: &mut Context<'_>, publication: &Publication) -> Result<u64, Stop> {
    let parameters = read::parameters(context)?;
    let attesters = publication.attestations.iter().map(|attestation| {
        (
            attestation.attester,
            parameters.fraud_attester_penalty_minor,
        )
    });
    let owner = (publication.owner, parameters.fraud_owner_penalty_minor);
    // Read at once, so that what is missing is fetched in one round and not in one for each attester.
    let payers = std::iter::once(publication.owner).chain(attesters.clone().map(|(id, _)| id));
    let deposit_keys: Vec<_> = payers.map(keys::deposit).collect();
    state::read_all::<Deposit>(context, &deposit_keys)?;
    let mut burnt = 0;
    for (member, penalty) in std::iter::once(owner).chain(attesters) {
        let amount_minor = quota::burn_up_to(context, member, penalty)?;
        if amount_minor > 0 {
            context.emit(&Event::Penalised {
                member,
                amount_minor,
            });
        }
        // Penalties are at most 2^48 each and parties few: the sum stays far below 64 bits.
        burnt += amount_minor;
    }
    Ok(burnt)
}
