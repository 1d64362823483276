//! What the actions do.
//!
//! One file per subject. Every function checks all that it refuses before it writes, in ascending order
//! of the refusals' numbers. Openings of sessions are checked and opened one after the other, and a
//! deciding vote is cast before its change is checked; what was written until a refusal is dropped with
//! the step.

mod alarms;
mod beacon;
mod calls;
mod disputes;
mod governance;
mod lists;
mod log;
mod members;
mod module;
mod pauses;
mod policies;
mod quota;
mod ratings;
mod receipts;
mod samples;
mod sessions;
mod supervision;
mod usage;
mod versions;

pub(crate) use members::genesis;

use borsh::{BorshDeserialize, BorshSerialize};

use crate::kernel::context::{Context, require};
use crate::kernel::party::{Party, Role};
use crate::kernel::{BusinessDate, Envelope, Missing, Reject, Stop};
use crate::network::Action;
use crate::network::record::{
    Attempt, DisclosureId, DisputeId, ProposalId, PublicationId, ScreeningId, SessionId,
};

/// Work that the risk network puts off to a height or a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) enum Due {
    /// A session's window to settle has passed: what is left of its escrow returns.
    SessionEnd(SessionId),
    /// A proposal can no longer be voted on.
    ProposalExpiry(ProposalId),
    /// An accepted set of receipts can no longer be relied on.
    ScreeningExpiry(ScreeningId),
    /// An attempt of the beacon takes no more values.
    BeaconClose(Attempt),
    /// The drawn entries of a version should be proven.
    SampleDeadline(PublicationId),
    /// A change that was carried takes effect.
    ProposalEffect(ProposalId),
    /// The beacon should have given what draws a dispute's panel.
    PanelDraw(DisputeId),
    /// The last date for a step of a dispute has passed.
    DisputeDeadline(DisputeId),
    /// A date is over whose calls were counted.
    CallDate(BusinessDate),
    /// The beacon should have given what draws a date's calls.
    CallDraw(BusinessDate),
    /// The last date for a disclosure has passed.
    DisclosureDeadline(DisclosureId),
}

/// Ends a block: the log's root, and the books.
pub(crate) fn end_block(context: &mut Context<'_>) -> Result<(), Missing> {
    log::end_block(context)?;
    quota::end_block(context)
}

/// Executes the action of an envelope.
pub(crate) fn execute(
    context: &mut Context<'_>,
    sender: &Party,
    envelope: &Envelope,
    action: Action,
) -> Result<(), Stop> {
    match action {
        Action::RegisterProfile {
            front_end_address,
            p2p_address,
        } => members::register_profile(context, sender, front_end_address, p2p_address),
        Action::RotateCertificate { tls_spki_hash } => {
            members::rotate_certificate(context, sender, tls_spki_hash)
        }
        Action::Propose(change) => governance::propose(context, sender, *change),
        Action::Vote { proposal, approve } => governance::vote(context, sender, proposal, approve),
        Action::CreateList {
            category,
            name,
            accepts,
        } => lists::create(context, sender, category, name, accepts),
        Action::RegisterTagEpoch {
            list,
            tag_epoch,
            key,
            ..
        } => lists::register_epoch(context, sender, list, tag_epoch, key),
        Action::Publish {
            publication,
            root,
            size_class,
            evidence_root,
        } => lists::publish(
            context,
            sender,
            publication,
            root,
            size_class,
            evidence_root,
        ),
        Action::Attest {
            publication,
            digest,
        } => lists::attest(context, sender, publication, digest),
        Action::RaiseAlarm {
            publication,
            reason,
        } => alarms::raise(context, sender, publication, reason),
        Action::FraudProof {
            publication, root, ..
        } => alarms::fraud(context, sender, publication, root),
        Action::WithdrawList { list } => lists::withdraw(context, sender, list),
        Action::RevokeKey { list, tag_epoch } => lists::revoke(context, sender, list, tag_epoch),
        Action::OpenSessions { openings } => sessions::open(context, sender, &openings),
        Action::CallBatch(batch) => calls::settle(context, sender, &batch),
        Action::CloseSession { session } => sessions::close(context, sender, session),
        Action::PutPolicy { name, terms } => policies::put(context, sender, name, terms),
        Action::SubmitReceipts(set) => receipts::submit(context, sender, envelope.tx_id(), *set),
        Action::BeaconCommit {
            attempt,
            commitment,
        } => beacon::commit(context, sender, attempt, commitment),
        Action::BeaconReveal { attempt, value } => beacon::reveal(context, sender, attempt, value),
        Action::LogSamples(calls) => samples::log_calls(context, sender, &calls),
        Action::ProveSamples(proofs) => samples::prove(context, sender, envelope.tx_id(), &proofs),
        Action::OpenDispute {
            publication,
            commitment,
            kind,
            package,
            reason,
        } => disputes::open(
            context,
            sender,
            publication,
            commitment,
            kind,
            package,
            reason,
        ),
        Action::AnswerDispute { dispute, answer } => {
            disputes::answer(context, sender, dispute, answer)
        }
        Action::RuleDispute { dispute, ruling } => disputes::rule(context, sender, dispute, ruling),
        Action::CollectCharges {
            session,
            charge,
            closes,
        } => calls::collect(context, sender, session, &charge, closes),
        Action::RollOver => quota::roll_over(context, sender),
        Action::Deposit {
            amount_minor,
            proof,
        } => quota::deposit(context, sender, amount_minor, &proof),
        Action::Withdraw { amount_minor } => quota::withdraw(context, sender, amount_minor),
        Action::GrantView {
            supervisor,
            scope,
            from,
            until,
        } => supervision::grant(context, sender, supervisor, scope, from, until),
        Action::RevokeView { view } => supervision::revoke(context, sender, view),
        Action::RecordViewUse {
            view,
            purpose,
            query,
        } => supervision::record_use(context, sender, view, purpose, query),
        Action::RequestDisclosure {
            member,
            scope,
            reason,
            days,
        } => supervision::request(context, sender, member, scope, reason, days),
        Action::AnswerDisclosure { disclosure, bundle } => {
            supervision::answer(context, sender, disclosure, bundle)
        }
        Action::RecusePanel { dispute } => disputes::recuse(context, sender, dispute),
        Action::ChangeQuotaKey { key, change } => quota::change_key(context, sender, &key, &change),
    }
}

/// Refuses observers.
fn require_member(sender: &Party) -> Result<(), Reject> {
    require(sender.role == Role::Member, Reject::NOT_A_MEMBER)
}
