//! Disputes: opened by a challenger, answered by the owner, ruled by a panel.
//!
//! ```text
//! Drawing → Answering → Ruling → Correcting → Closed
//! ```
//! A withdrawal or silence of the owner leads from the first two to Correcting; a ruling that dismisses the
//! dispute leads to Closed; a panel without a majority once leads back to Drawing.

mod outcome;
mod panel;
mod recusal;

pub(super) use outcome::pass_deadline;
pub(super) use panel::draw_if_due;
pub(super) use recusal::recuse;

use tacit_circuits::identifier::IdentifierType;
use tacit_circuits::receipt::SubjectCommitment;

use crate::kernel::codec::BoundedVec;
use crate::kernel::context::{Context, require};
use crate::kernel::hash::Digest;
use crate::kernel::party::{Party, parties};
use crate::kernel::{BusinessDate, Missing, Reject, Stop};
use crate::network::event::Event;
use crate::network::execute::{Due, quota, require_member};
use crate::network::parameters::{Category, Parameters};
use crate::network::record::{
    Dispute, DisputeAnswer, DisputeId, DisputeIds, DisputeOutcome, DisputeReason, DisputeStatus,
    EpochStatus, List, Panel, Publication, PublicationId, PublicationStatus, Ruling,
};
use crate::network::{disputes, keys, read};

/// Opens a dispute about an entry that was a hit.
pub(super) fn open(
    context: &mut Context<'_>,
    sender: &Party,
    publication: PublicationId,
    commitment: SubjectCommitment,
    kind: IdentifierType,
    package: Digest,
    reason: DisputeReason,
) -> Result<(), Stop> {
    require_member(sender)?;
    let parties = parties(context)?;
    let owner = disputable(context, sender, &parties, publication, kind)?;
    let slot = keys::disputed(publication.list, &commitment);
    let open: Option<DisputeId> = context.read(&slot)?;
    require(open.is_none(), Reject::SUBJECT_DISPUTED)?;
    let own_key = keys::disputes(sender.id, publication.list);
    let mut own: DisputeIds = context.read(&own_key)?.unwrap_or_default();
    let id = DisputeId(read::dispute_count(context)? + 1);
    own.push(id).map_err(|_| Reject::TOO_MANY_DISPUTES)?;
    let Parameters {
        panel_size,
        dispute_stake_minor: stake_minor,
        ..
    } = read::parameters(context)?;
    let draw = panel::request(context, id, 0, panel_size)?;
    let eligible = disputes::eligible(&parties, &draw, [owner.id, sender.id]);
    let present = eligible.iter().filter(|party| party.is_active()).count();
    require(present >= panel_size.into(), Reject::PANEL_TOO_SMALL)?;
    quota::stake(context, sender.id, stake_minor)?;

    let clock = context.clock();
    let dispute = Dispute {
        id,
        publication,
        owner: owner.id,
        challenger: sender.id,
        commitment,
        kind,
        package,
        reason,
        stake_minor,
        opened_height: clock.height,
        opened_date: clock.business_date,
        draw,
        panel: Panel::new(),
        evidence: None,
        status: DisputeStatus::Drawing,
        former: BoundedVec::new(),
        recused: BoundedVec::new(),
    };
    context.put(slot, &id);
    context.put(own_key, &own);
    context.put(keys::dispute_count(), &id.0);
    put(context, &dispute);
    context.emit(&Event::DisputeOpened {
        dispute: id,
        publication,
        owner: owner.id,
        challenger: sender.id,
        reason,
        stake_minor,
    });
    Ok(())
}

/// The owner of a version against whose entries the sender may speak.
fn disputable<'a>(
    context: &Context<'_>,
    sender: &Party,
    parties: &'a [Party],
    id: PublicationId,
    kind: IdentifierType,
) -> Result<&'a Party, Stop> {
    let lists = read::both(read::list(context, id.list), read::categories(context));
    let versions = read::both(
        read::epoch(context, id.list, id.tag_epoch),
        read::publication(context, id),
    );
    let ((list, categories), (epoch, publication)) = read::both(lists, versions)?;
    let owner = list
        .as_ref()
        .and_then(|list| parties.iter().find(|party| party.id == list.owner));
    let left = owner.is_some_and(|owner| !owner.is_active());
    require(!left, Reject::MEMBER_LEFT)?;
    let is_revoked = |status| matches!(status, EpochStatus::Revoked { .. });
    let revoked = epoch.is_some_and(|epoch| is_revoked(epoch.status));
    require(!revoked, Reject::EPOCH_REVOKED)?;
    let found = list.zip(owner).zip(publication);
    let ((list, owner), publication) = found.ok_or(Reject::PUBLICATION_UNKNOWN)?;
    let category = categories.iter().find(|terms| terms.id == list.category);
    let category = category.ok_or(Reject::CATEGORY_UNKNOWN)?;
    let fraudulent = matches!(publication.status, PublicationStatus::Fraudulent { .. });
    require(!fraudulent, Reject::PUBLICATION_FRAUDULENT)?;
    require(owner.group != sender.group, Reject::OWN_GROUP)?;
    let unproven = matches!(publication.status, PublicationStatus::Unproven { .. });
    require(!unproven, Reject::PUBLICATION_UNPROVEN)?;
    require_recent(context.height(), &list, category, &publication, kind)?;
    Ok(owner)
}

/// Refuses what the version cannot have answered, or has not lately.
fn require_recent(
    height: u64,
    list: &List,
    category: &Category,
    publication: &Publication,
    kind: IdentifierType,
) -> Result<(), Reject> {
    require(list.accepts.contains(&kind), Reject::TYPE_NOT_ON_LIST)?;
    match publication.status {
        PublicationStatus::Pending => Err(Reject::PUBLICATION_NOT_ACTIVE),
        PublicationStatus::Superseded { height: since } => {
            let recent = height.saturating_sub(since) <= category.grace_blocks.into();
            require(recent, Reject::PUBLICATION_TOO_OLD)
        }
        PublicationStatus::Suspended { .. } => Err(Reject::PUBLICATION_SUSPENDED),
        PublicationStatus::Active { .. }
        | PublicationStatus::Fraudulent { .. }
        | PublicationStatus::Unproven { .. } => Ok(()),
    }
}

/// Takes an owner's answer.
pub(super) fn answer(
    context: &mut Context<'_>,
    sender: &Party,
    id: DisputeId,
    answer: DisputeAnswer,
) -> Result<(), Stop> {
    let mut dispute = undecided(context, id)?;
    let owns = dispute.owner == sender.id;
    require(owns, Reject::NOT_THE_DISPUTED_OWNER)?;
    require(dispute.evidence.is_none(), Reject::DISPUTE_ANSWERED)?;
    let package = match answer {
        DisputeAnswer::Evidence { package } => {
            require(!dispute.panel.is_empty(), Reject::PANEL_NOT_DRAWN)?;
            Some(package)
        }
        DisputeAnswer::Withdrawal => None,
    };
    require_in_time(context, &dispute)?;

    let Some(package) = package else {
        return Ok(outcome::decide(
            context,
            dispute,
            DisputeOutcome::Withdrawn,
        )?);
    };
    let days = read::parameters(context)?.ruling_days;
    let until = deadline(context, id, days)?;
    dispute.evidence = Some(package);
    dispute.status = DisputeStatus::Ruling { until };
    put(context, &dispute);
    context.emit(&Event::EvidenceGiven {
        dispute: id,
        package,
        until,
    });
    Ok(())
}

/// Takes the ruling of a member of the panel. With a majority of the panel the dispute is decided.
pub(super) fn rule(
    context: &mut Context<'_>,
    sender: &Party,
    id: DisputeId,
    ruling: Ruling,
) -> Result<(), Stop> {
    let mut dispute = undecided(context, id)?;
    let drawn = dispute.status != DisputeStatus::Drawing;
    require(drawn, Reject::PANEL_NOT_DRAWN)?;
    let mut seats = dispute.panel.as_mut_slice().iter_mut();
    let seat = seats.find(|seat| seat.member == sender.id);
    let seat = seat.ok_or(Reject::NOT_ON_THE_PANEL)?;
    require(dispute.evidence.is_some(), Reject::DISPUTE_NOT_ANSWERED)?;
    require(seat.ruling.is_none(), Reject::ALREADY_RULED)?;
    seat.ruling = Some(ruling);
    require_in_time(context, &dispute)?;

    context.emit(&Event::Ruled {
        dispute: id,
        member: sender.id,
        ruling,
    });
    if dispute.rulings(ruling) > dispute.panel.len() / 2 {
        outcome::decide(context, dispute, ruling.into())?;
    } else {
        put(context, &dispute);
    }
    Ok(())
}

fn undecided(context: &Context<'_>, id: DisputeId) -> Result<Dispute, Stop> {
    let dispute = read::dispute(context, id)?.ok_or(Reject::DISPUTE_UNKNOWN)?;
    require(dispute.is_undecided(), Reject::DISPUTE_DECIDED)?;
    Ok(dispute)
}

/// The last date may be over and the work of that deadline be still in line.
fn require_in_time(context: &Context<'_>, dispute: &Dispute) -> Result<(), Reject> {
    let today = context.clock().business_date;
    let in_time = dispute.until().is_none_or(|until| today <= until);
    require(in_time, Reject::DISPUTE_DEADLINE_PASSED)
}

/// Sets the deadline for the next step, so many business days after this one: its last date.
fn deadline(context: &mut Context<'_>, id: DisputeId, days: u16) -> Result<BusinessDate, Missing> {
    let until = context.clock().business_date.after(days);
    context.due_on(until.after(1), &Due::DisputeDeadline(id))?;
    Ok(until)
}

fn put(context: &mut Context<'_>, dispute: &Dispute) {
    context.put(keys::dispute(dispute.id), dispute);
}
