//! Lists: keys, publications, attestations.

use tacit_circuits::curve::{WirePoint, encode_field};
use tacit_circuits::identifier::IdentifierType;
use tacit_circuits::list::SizeClass;
use tacit_circuits::oprf::PublicKey;
use tacit_circuits::scope::{ListId, TagEpoch};

use crate::kernel::codec::BoundedVec;
use crate::kernel::context::{Context, require};
use crate::kernel::party::{Name, Party, parties, party};
use crate::kernel::{Missing, Reject, Stop};
use crate::network::event::Event;
use crate::network::execute::{pauses, quota, require_member, samples};
use crate::network::parameters::CategoryId;
use crate::network::read::ListIds;
use crate::network::record::{
    Attestation, EpochRecord, EpochStatus, List, ListStatus, MAX_ACCEPTED_TYPES, Publication,
    PublicationId, PublicationStatus, Root,
};
use crate::network::{attestations_needed, keys, read};

/// Creates a list.
pub(super) fn create(
    context: &mut Context<'_>,
    sender: &Party,
    category: CategoryId,
    name: Name,
    accepts: BoundedVec<IdentifierType, MAX_ACCEPTED_TYPES>,
) -> Result<(), Stop> {
    require_member(sender)?;
    pauses::require_running(context, sender)?;
    let terms = read::category(context, category)?.ok_or(Reject::CATEGORY_UNKNOWN)?;
    let own_key = keys::lists_of(sender.id);
    let mut own: ListIds = context.read(&own_key)?.unwrap_or_default();
    let id = ListId(read::list_count(context)? + 1);
    own.push(id).map_err(|_| Reject::TOO_MANY_LISTS)?;
    require(!terms.retired, Reject::CATEGORY_RETIRED)?;

    let owner = sender.id;
    let list = List {
        id,
        owner,
        category,
        name,
        accepts,
        status: ListStatus::Standing,
        epochs: 0,
        current_epoch: None,
        active: None,
        paused: false,
        owner_paused: false,
    };
    context.put(own_key, &own);
    context.put(keys::list_count(), &id.0);
    put_list(context, &list);
    context.emit(&Event::ListCreated {
        list: id,
        owner,
        category,
    });
    Ok(())
}

/// Registers the key of a list's next tag epoch. Its proof of knowledge was checked without state,
/// bound to the sender, who is shown here to be the owner.
pub(super) fn register_epoch(
    context: &mut Context<'_>,
    sender: &Party,
    list: ListId,
    tag_epoch: TagEpoch,
    key: WirePoint,
) -> Result<(), Stop> {
    let mut list = own_standing(context, sender, list)?;
    require(tag_epoch.0 == list.epochs, Reject::EPOCH_OUT_OF_ORDER)?;
    if let Some(before) = list.epochs.checked_sub(1) {
        let before = read::epoch(context, list.id, TagEpoch(before))?;
        let waits = before.is_some_and(|before| before.status == EpochStatus::Registered);
        require(!waits, Reject::EPOCH_OUT_OF_ORDER)?;
    }
    // K and −K share the Montgomery u-coordinate, so one look-up refuses both.
    let public = PublicKey::from_wire(&key).map_err(|_| Reject::POINT_INVALID)?;
    let seen_key = keys::list_key(&encode_field(&public.montgomery_u()));
    let seen: Option<(ListId, TagEpoch)> = context.read(&seen_key)?;
    require(seen.is_none(), Reject::KEY_SEEN_BEFORE)?;

    let registered_height = context.height();
    let (status, versions) = (EpochStatus::Registered, 0);
    let epoch = EpochRecord {
        list: list.id,
        tag_epoch,
        key,
        registered_height,
        status,
        versions,
    };
    list.epochs += 1;
    context.put(seen_key, &(list.id, tag_epoch));
    put_epoch(context, &epoch);
    put_list(context, &list);
    context.emit(&Event::EpochRegistered {
        list: list.id,
        tag_epoch,
    });
    Ok(())
}

/// Publishes a version. It counts once enough members have attested it.
pub(super) fn publish(
    context: &mut Context<'_>,
    sender: &Party,
    id: PublicationId,
    root: Root,
    size_class: SizeClass,
    evidence_root: Root,
) -> Result<(), Stop> {
    pauses::require_running(context, sender)?;
    let list = own_standing(context, sender, id.list)?;
    let mut epoch = usable_epoch(context, &list, id.tag_epoch)?;
    require(id.version.0 == epoch.versions, Reject::VERSION_OUT_OF_ORDER)?;
    quota::require_deposit(context, sender.id)?;

    let sampling = samples::begin(context, id)?;
    let publication = Publication {
        id,
        owner: list.owner,
        root,
        size_class,
        evidence_root,
        published_height: context.height(),
        published_date: context.clock().business_date,
        status: PublicationStatus::Pending,
        attestations: BoundedVec::new(),
        sampling,
    };
    epoch.versions += 1;
    put_epoch(context, &epoch);
    put_publication(context, &publication);
    context.emit(&Event::Published {
        publication: id,
        owner: list.owner,
        root,
    });
    Ok(())
}

/// Takes a member's word that it rebuilt a publication, and activates the publication if that makes
/// enough.
pub(super) fn attest(
    context: &mut Context<'_>,
    sender: &Party,
    id: PublicationId,
    digest: [u8; 32],
) -> Result<(), Stop> {
    require_member(sender)?;
    pauses::require_running(context, sender)?;
    let list = standing(context, id.list)?;
    let epoch = usable_epoch(context, &list, id.tag_epoch)?;
    let mut publication = read::publication(context, id)?.ok_or(Reject::PUBLICATION_UNKNOWN)?;
    refuse_if_off(&list, &publication)?;
    let owner = party(context, list.owner)?.ok_or(Reject::MEMBER_UNKNOWN)?;
    require(sender.group != owner.group, Reject::OWN_GROUP)?;
    let attested = publication
        .attestations
        .iter()
        .any(|made| made.attester == sender.id);
    require(!attested, Reject::ALREADY_ATTESTED)?;
    // A suspension comes before the transactions of its block.
    let suspended: Option<u64> = context.read(&keys::suspension(id.list))?;
    let later = suspended.is_none_or(|height| publication.published_height >= height);
    require(later, Reject::PUBLICATION_SUSPENDED)?;

    let attestation = Attestation {
        attester: sender.id,
        digest,
        height: context.height(),
    };
    publication
        .attestations
        .push(attestation)
        .expect("no more attesters than parties");
    context.emit(&Event::Attested {
        publication: id,
        attester: sender.id,
    });
    let enough = is_attested_enough(context, &publication, &owner)?;
    if publication.status == PublicationStatus::Pending && enough {
        publication.status = PublicationStatus::Active {
            since_height: context.height(),
        };
        put_publication(context, &publication);
        activate(context, list, epoch, id)?;
    } else {
        put_publication(context, &publication);
    }
    Ok(())
}

fn refuse_if_off(list: &List, publication: &Publication) -> Result<(), Reject> {
    let overtaken = list.active.is_some_and(|active| active > publication.id);
    match publication.status {
        PublicationStatus::Fraudulent { .. } => Err(Reject::PUBLICATION_FRAUDULENT),
        PublicationStatus::Unproven { .. } => Err(Reject::PUBLICATION_UNPROVEN),
        PublicationStatus::Superseded { .. } => Err(Reject::PUBLICATION_SUPERSEDED),
        PublicationStatus::Pending if overtaken => Err(Reject::PUBLICATION_SUPERSEDED),
        // All that was published before a suspension is refused by its own number.
        PublicationStatus::Suspended { .. } => Ok(()),
        PublicationStatus::Pending | PublicationStatus::Active { .. } => Ok(()),
    }
}

/// Whether f + 1 of the members attested, where f is how many of them may be faulty. Those of the
/// owner's group, and those that left, do not count.
fn is_attested_enough(
    context: &Context<'_>,
    publication: &Publication,
    owner: &Party,
) -> Result<bool, Missing> {
    let parties = parties(context)?;
    let members: Vec<&Party> = parties
        .iter()
        .filter(|party| party.is_active_member())
        .collect();
    let made = |party: &Party| {
        publication
            .attestations
            .iter()
            .any(|attestation| attestation.attester == party.id)
    };
    let counted = members
        .iter()
        .filter(|party| party.group != owner.group && made(party))
        .count();
    Ok(counted >= attestations_needed(members.len()))
}

/// Puts `id`, whose own record says so already, in the place of the list's active publication, and its
/// epoch in the place of the list's current one.
fn activate(
    context: &mut Context<'_>,
    mut list: List,
    mut epoch: EpochRecord,
    id: PublicationId,
) -> Result<(), Missing> {
    let superseded = list.active;
    turn_off_active(context, &mut list)?;
    if list.current_epoch != Some(id.tag_epoch) {
        supersede_current_epoch(context, &mut list)?;
        epoch.status = EpochStatus::Current;
        put_epoch(context, &epoch);
    }
    list.current_epoch = Some(id.tag_epoch);
    list.active = Some(id);
    put_list(context, &list);
    context.emit(&Event::Activated {
        publication: id,
        superseded,
    });
    Ok(())
}

/// Withdraws a list for good.
pub(super) fn withdraw(
    context: &mut Context<'_>,
    sender: &Party,
    list: ListId,
) -> Result<(), Stop> {
    let list = own_standing(context, sender, list)?;
    withdraw_standing(context, list)?;
    Ok(())
}

/// Turns a list off: its current epoch settles for the window more, a registered one never begins.
pub(super) fn withdraw_standing(context: &mut Context<'_>, mut list: List) -> Result<(), Missing> {
    turn_off_active(context, &mut list)?;
    supersede_current_epoch(context, &mut list)?;
    list.status = ListStatus::Withdrawn {
        height: context.height(),
    };
    put_list(context, &list);
    context.emit(&Event::ListWithdrawn { list: list.id });
    Ok(())
}

/// Ends a tag epoch at once. The owner may do so after the list was withdrawn, and for an epoch that
/// still settles: a stolen key must not log another call.
pub(super) fn revoke(
    context: &mut Context<'_>,
    sender: &Party,
    list: ListId,
    tag_epoch: TagEpoch,
) -> Result<(), Stop> {
    let mut list = owned(context, sender, list)?;
    let mut epoch = read::epoch(context, list.id, tag_epoch)?.ok_or(Reject::EPOCH_UNKNOWN)?;
    let height = context.height();
    let revoked = matches!(epoch.status, EpochStatus::Revoked { .. });
    require(!revoked, Reject::EPOCH_REVOKED)?;

    if list.current_epoch == Some(tag_epoch) {
        turn_off_active(context, &mut list)?;
        list.current_epoch = None;
        put_list(context, &list);
    }
    epoch.status = EpochStatus::Revoked { height };
    put_epoch(context, &epoch);
    context.emit(&Event::KeyRevoked {
        list: list.id,
        tag_epoch,
    });
    Ok(())
}

/// Leaves a list without an active version if it is this one, whose own record says why.
pub(super) fn clear_active(context: &mut Context<'_>, id: PublicationId) -> Result<(), Missing> {
    if let Some(mut list) = read::list(context, id.list)?
        && list.active == Some(id)
    {
        list.active = None;
        put_list(context, &list);
    }
    Ok(())
}

fn turn_off_active(context: &mut Context<'_>, list: &mut List) -> Result<(), Missing> {
    let Some(id) = list.active.take() else {
        return Ok(());
    };
    if let Some(mut publication) = read::publication(context, id)? {
        publication.status = PublicationStatus::Superseded {
            height: context.height(),
        };
        put_publication(context, &publication);
    }
    Ok(())
}

fn supersede_current_epoch(context: &mut Context<'_>, list: &mut List) -> Result<(), Missing> {
    let Some(tag_epoch) = list.current_epoch.take() else {
        return Ok(());
    };
    if let Some(mut epoch) = read::epoch(context, list.id, tag_epoch)? {
        epoch.status = EpochStatus::Superseded {
            height: context.height(),
        };
        put_epoch(context, &epoch);
    }
    Ok(())
}

fn owned(context: &Context<'_>, sender: &Party, list: ListId) -> Result<List, Stop> {
    let list = read::list(context, list)?.ok_or(Reject::LIST_UNKNOWN)?;
    require(list.owner == sender.id, Reject::NOT_THE_OWNER)?;
    Ok(list)
}

fn own_standing(context: &Context<'_>, sender: &Party, list: ListId) -> Result<List, Stop> {
    let list = owned(context, sender, list)?;
    require(list.is_standing(), Reject::LIST_WITHDRAWN)?;
    Ok(list)
}

fn standing(context: &Context<'_>, list: ListId) -> Result<List, Stop> {
    let list = read::list(context, list)?.ok_or(Reject::LIST_UNKNOWN)?;
    require(list.is_standing(), Reject::LIST_WITHDRAWN)?;
    Ok(list)
}

/// An epoch under which versions may be published: registered, or current.
fn usable_epoch(
    context: &Context<'_>,
    list: &List,
    tag_epoch: TagEpoch,
) -> Result<EpochRecord, Stop> {
    let epoch = read::epoch(context, list.id, tag_epoch)?.ok_or(Reject::EPOCH_UNKNOWN)?;
    match epoch.status {
        EpochStatus::Registered | EpochStatus::Current => Ok(epoch),
        EpochStatus::Revoked { .. } => Err(Reject::EPOCH_REVOKED.into()),
        EpochStatus::Superseded { .. } => Err(Reject::EPOCH_SUPERSEDED.into()),
    }
}

pub(super) fn put_list(context: &mut Context<'_>, list: &List) {
    context.put(keys::list(list.id), list);
}

pub(super) fn put_publication(context: &mut Context<'_>, publication: &Publication) {
    context.put(keys::publication(publication.id), publication);
}

fn put_epoch(context: &mut Context<'_>, epoch: &EpochRecord) {
    context.put(keys::epoch(epoch.list, epoch.tag_epoch), epoch);
}
