//! The risk network as a module of the kernel.

use tacit_circuits::oprf::{KeyContext, PublicKey};
use tacit_circuits::quota::transfer::Kind;

use crate::kernel::codec;
use crate::kernel::context::{Context, require};
use crate::kernel::party::Party;
use crate::kernel::{
    Envelope, Genesis, GenesisError, Missing, Module, ModuleId, Reject, RejectInfo, StateKey, Stop,
    Table, keys as kernel_keys,
};
use crate::network::action::{Action, Opening};
use crate::network::execute::{
    Due, beacon, disputes, end_block, execute, genesis, governance, quota, receipts, samples,
    sessions, supervision,
};
use crate::network::receipts::ReceiptSet;
use crate::network::record::{ViewScope, check_address};
use crate::network::reject::NETWORK_REJECTS;
use crate::network::request::CallBatch;
use crate::network::samples::SampleProofs;
use crate::network::{RiskNetwork, keys};

impl Module for RiskNetwork {
    fn id(&self) -> ModuleId {
        ModuleId::NETWORK
    }

    fn name(&self) -> &'static str {
        "network"
    }

    fn tables(&self) -> &'static [Table] {
        keys::TABLES
    }

    fn rejects(&self) -> &'static [RejectInfo] {
        NETWORK_REJECTS
    }

    fn genesis(&self, first: &Genesis, context: &mut Context<'_>) -> Result<(), GenesisError> {
        genesis(first, context)
    }

    fn check_stateless(&self, envelope: &Envelope) -> Result<(), Reject> {
        match read(envelope)? {
            Action::RegisterProfile {
                front_end_address,
                p2p_address,
            } => {
                check_address(&front_end_address)?;
                check_address(&p2p_address)
            }
            Action::Propose(change) => governance::check(&change),
            Action::CreateList { accepts, .. } => {
                require(!accepts.is_empty(), Reject::EMPTY)?;
                require(accepts.is_sorted_by(|a, b| a < b), Reject::DUPLICATE)
            }
            Action::RegisterTagEpoch {
                list,
                tag_epoch,
                key,
                proof,
            } => {
                let key = PublicKey::from_wire(&key).map_err(|_| Reject::POINT_INVALID)?;
                let chain_id = envelope.chain_id.0;
                let context = KeyContext {
                    chain_id,
                    member: envelope.sender,
                    list,
                    tag_epoch,
                };
                proof
                    .verify(&key, &context)
                    .map_err(|_| Reject::KEY_PROOF_INVALID)
            }
            Action::Publish {
                root,
                evidence_root,
                ..
            } => {
                let canonical = root.field().is_ok() && evidence_root.field().is_ok();
                require(canonical, Reject::VALUE_OUT_OF_RANGE)
            }
            Action::FraudProof { root, fraud, .. } => {
                let root = root.field().map_err(|_| Reject::FRAUD_PROOF_INVALID)?;
                fraud.verify(&root).map_err(|_| Reject::FRAUD_PROOF_INVALID)
            }
            Action::OpenSessions { openings } => check_openings(&openings),
            Action::CallBatch(batch) => batch.check(envelope.chain_id),
            Action::PutPolicy { terms, .. } => terms.check(),
            Action::SubmitReceipts(set) => set.check(),
            Action::LogSamples(calls) => calls.check(envelope.chain_id),
            Action::ProveSamples(proofs) => proofs.check(),
            Action::GrantView {
                scope, from, until, ..
            } => supervision::check_view(&scope, from, until),
            Action::RequestDisclosure { scope, .. } => supervision::check_scope(&scope),
            Action::RotateCertificate { .. }
            | Action::Vote { .. }
            | Action::Attest { .. }
            | Action::RaiseAlarm { .. }
            | Action::WithdrawList { .. }
            | Action::RevokeKey { .. }
            | Action::CloseSession { .. }
            | Action::BeaconCommit { .. }
            | Action::BeaconReveal { .. }
            | Action::OpenDispute { .. }
            | Action::AnswerDispute { .. }
            | Action::RuleDispute { .. }
            | Action::RevokeView { .. }
            | Action::RecordViewUse { .. }
            | Action::AnswerDisclosure { .. }
            | Action::RecusePanel { .. }
            | Action::RollOver => Ok(()),
            Action::CollectCharges { charge, .. } => {
                quota::transfer_of(Kind::Settle, &charge).map(drop)
            }
            Action::Deposit {
                amount_minor,
                proof,
            } => {
                require(amount_minor > 0, Reject::EMPTY)?;
                quota::burn_of(&proof).map(drop)
            }
            Action::Withdraw { amount_minor } => require(amount_minor > 0, Reject::EMPTY),
            Action::ChangeQuotaKey { change, .. } => quota::key_change_of(&change).map(drop),
        }
    }

    fn prefetch(&self, envelope: &Envelope) -> Vec<StateKey> {
        match read(envelope) {
            Ok(action) => wanted(envelope, &action),
            Err(_) => Vec::new(),
        }
    }

    fn execute(
        &self,
        context: &mut Context<'_>,
        sender: &Party,
        envelope: &Envelope,
    ) -> Result<(), Stop> {
        execute(context, sender, envelope, read(envelope)?)
    }

    fn due(&self, context: &mut Context<'_>, work: &[u8]) -> Result<(), Missing> {
        match codec::decode(work).expect("due work is written by this module") {
            Due::SessionEnd(session) => sessions::end_if_due(context, session),
            Due::ProposalExpiry(proposal) => governance::expire(context, proposal),
            Due::ScreeningExpiry(screening) => receipts::expire(context, screening),
            Due::BeaconClose(attempt) => beacon::close_if_open(context, attempt),
            Due::SampleDeadline(publication) => samples::end_if_due(context, publication),
            Due::ProposalEffect(proposal) => governance::take_effect(context, proposal),
            Due::PanelDraw(dispute) => disputes::draw_if_due(context, dispute),
            Due::DisputeDeadline(dispute) => disputes::pass_deadline(context, dispute),
            Due::CallDate(date) => supervision::close_date(context, date),
            Due::CallDraw(date) => supervision::draw_if_due(context, date),
            Due::DisclosureDeadline(id) => supervision::pass_deadline(context, id),
        }
    }

    fn end_block(&self, context: &mut Context<'_>) -> Result<(), Missing> {
        end_block(context)
    }
}

fn read(envelope: &Envelope) -> Result<Action, Reject> {
    Action::read(&envelope.action).map_err(|_| Reject::MALFORMED)
}

fn check_openings(openings: &[Opening]) -> Result<(), Reject> {
    require(!openings.is_empty(), Reject::EMPTY)?;
    let useful = |opening: &Opening| opening.terms.cap_calls > 0;
    require(openings.iter().all(useful), Reject::VALUE_OUT_OF_RANGE)?;
    openings
        .iter()
        .try_for_each(|opening| quota::transfer_of(Kind::Open, &opening.escrow).map(drop))
}

/// Keys that an action reads whatever state says. Those that depend on state (the category of a list,
/// the parties behind a publication) follow in a second round.
fn wanted(envelope: &Envelope, action: &Action) -> Vec<StateKey> {
    let sender = envelope.sender;
    match action {
        Action::RegisterProfile { .. } => vec![keys::profile(sender)],
        Action::RotateCertificate { tls_spki_hash } => {
            vec![keys::profile(sender), keys::certificate(tls_spki_hash)]
        }
        Action::Propose(_) => vec![
            keys::parameters(),
            keys::open_proposals(),
            keys::open_proposals_of(sender),
            keys::proposal_count(),
            kernel_keys::party_count(),
        ],
        Action::Vote { proposal, .. } => vec![
            keys::proposal(*proposal),
            keys::open_proposals(),
            kernel_keys::party_count(),
        ],
        Action::CreateList { .. } => {
            vec![
                keys::categories(),
                keys::lists_of(sender),
                keys::list_count(),
                keys::paused_member(sender),
            ]
        }
        Action::RegisterTagEpoch { list, .. } | Action::WithdrawList { list } => {
            vec![keys::list(*list)]
        }
        Action::RevokeKey { list, tag_epoch } => {
            vec![keys::list(*list), keys::epoch(*list, *tag_epoch)]
        }
        Action::Publish {
            publication: id, ..
        } => {
            vec![
                keys::list(id.list),
                keys::epoch(id.list, id.tag_epoch),
                keys::parameters(),
                keys::receipt_key(),
                keys::beacon(),
                keys::validators(),
                keys::paused_member(sender),
            ]
        }
        Action::Attest {
            publication: id, ..
        } => vec![
            keys::list(id.list),
            keys::epoch(id.list, id.tag_epoch),
            keys::publication(*id),
            keys::suspension(id.list),
            kernel_keys::party_count(),
            keys::paused_member(sender),
        ],
        Action::RaiseAlarm {
            publication: id, ..
        } => {
            vec![
                keys::publication(*id),
                keys::alarm_by(*id, sender),
                keys::alarm_count(),
            ]
        }
        Action::FraudProof {
            publication: id, ..
        } => vec![
            keys::publication(*id),
            keys::list(id.list),
            keys::parameters(),
            keys::supply(),
        ],
        Action::OpenSessions { openings } => {
            let mut wanted = vec![
                keys::paused_member(sender),
                keys::parameters(),
                keys::categories(),
                keys::session_count(),
                keys::deposit(sender),
                keys::account(sender),
                keys::quota_key(sender),
                keys::supervisor_key(),
                keys::quota_sum(),
            ];
            for Opening { terms, .. } in openings {
                wanted.push(keys::usage(terms.list));
                wanted.push(keys::list(terms.list));
                wanted.push(keys::epoch(terms.list, terms.tag_epoch));
                wanted.push(keys::sessions(sender, terms.list));
            }
            wanted
        }
        Action::CallBatch(batch) => wanted_by_calls(batch),
        Action::CloseSession { session } => vec![
            keys::session(*session),
            keys::parameters(),
            keys::escrow(*session),
        ],
        Action::CollectCharges { session, .. } => vec![
            keys::session(*session),
            keys::escrow(*session),
            keys::categories(),
            keys::parameters(),
            keys::account(sender),
            keys::quota_key(sender),
            keys::supervisor_key(),
            keys::history(sender),
            keys::rating(sender),
            keys::supply(),
            keys::quota_sum(),
        ],
        Action::RollOver => vec![keys::account(sender), keys::quota_sum()],
        Action::ChangeQuotaKey { .. } => vec![
            keys::account(sender),
            keys::quota_key(sender),
            keys::served_sessions(sender),
            keys::quota_sum(),
        ],
        Action::Deposit { .. } => vec![
            keys::account(sender),
            keys::quota_key(sender),
            keys::deposit(sender),
            keys::supply(),
            keys::quota_sum(),
        ],
        Action::Withdraw { .. } => vec![
            keys::account(sender),
            keys::deposit(sender),
            keys::parameters(),
            keys::supply(),
            keys::quota_sum(),
        ],
        Action::PutPolicy { .. } => vec![
            keys::categories(),
            keys::policies_of(sender),
            keys::policy_count(),
        ],
        Action::SubmitReceipts(set) => wanted_by_receipts(envelope, set),
        Action::BeaconCommit { .. } => vec![keys::beacon()],
        Action::BeaconReveal { .. } => {
            vec![keys::beacon(), keys::parameters(), keys::validators()]
        }
        Action::LogSamples(calls) => {
            let id = calls.publication;
            vec![
                keys::list(id.list),
                keys::epoch(id.list, id.tag_epoch),
                keys::publication(id),
                keys::log_frontier(),
            ]
        }
        Action::ProveSamples(proofs) => wanted_by_samples(proofs),
        Action::OpenDispute {
            publication: id,
            commitment,
            ..
        } => vec![
            keys::list(id.list),
            keys::epoch(id.list, id.tag_epoch),
            keys::publication(*id),
            keys::categories(),
            keys::parameters(),
            keys::disputed(id.list, commitment),
            keys::disputes(sender, id.list),
            keys::dispute_count(),
            keys::deposit(sender),
            keys::beacon(),
            keys::validators(),
            kernel_keys::party_count(),
        ],
        Action::AnswerDispute { dispute, .. } | Action::RuleDispute { dispute, .. } => {
            vec![keys::dispute(*dispute), keys::parameters()]
        }
        Action::GrantView {
            supervisor, scope, ..
        } => {
            let list = match scope {
                ViewScope::List(list) => Some(keys::list(*list)),
                _ => None,
            };
            let records = [
                kernel_keys::party(*supervisor),
                keys::views_of(sender),
                keys::view_count(),
            ];
            records.into_iter().chain(list).collect()
        }
        Action::RevokeView { view } => vec![keys::view(*view), keys::views_of(sender)],
        Action::RecordViewUse { view, .. } => vec![keys::view(*view)],
        Action::RequestDisclosure { member, .. } => vec![
            kernel_keys::party(*member),
            keys::parameters(),
            keys::disclosures(*member, Some(sender)),
            keys::disclosure_count(),
        ],
        Action::AnswerDisclosure { disclosure, .. } => vec![keys::disclosure(*disclosure)],
        Action::RecusePanel { dispute } => vec![
            keys::dispute(*dispute),
            keys::parameters(),
            kernel_keys::party_count(),
        ],
    }
}

fn wanted_by_calls(batch: &CallBatch) -> Vec<StateKey> {
    let request = &batch.signed.request;
    let (querier, provider) = (request.querier, request.provider);
    vec![
        kernel_keys::party(querier),
        kernel_keys::party(provider),
        keys::session(request.session),
        keys::list(request.list),
        keys::epoch(request.list, request.tag_epoch),
        keys::parameters(),
        keys::categories(),
        keys::usage(request.list),
        keys::asked_calls(querier),
        keys::counted_date(),
        keys::history(querier),
        keys::history(provider),
        keys::log_frontier(),
    ]
}

fn wanted_by_samples(proofs: &SampleProofs) -> Vec<StateKey> {
    let id = proofs.publication;
    vec![
        keys::list(id.list),
        keys::epoch(id.list, id.tag_epoch),
        keys::publication(id),
        keys::receipt_key(),
        keys::log_root(&proofs.log_root),
    ]
}

fn wanted_by_receipts(envelope: &Envelope, set: &ReceiptSet) -> Vec<StateKey> {
    let (sender, context) = (envelope.sender, &set.context);
    let mut wanted = vec![
        kernel_keys::party(context.verifier),
        keys::receipt_key(),
        keys::policy_version(context.policy),
        keys::policy(context.policy, context.policy_version),
        keys::used_context(&context.hash(envelope.chain_id, sender)),
        keys::paused_member(sender),
        keys::screenings_of(sender),
        keys::screening_count(),
        keys::categories(),
        kernel_keys::due_size(context.expiry_height),
    ];
    for receipt in &set.receipts {
        let id = receipt.publication;
        wanted.push(keys::list(id.list));
        wanted.push(keys::epoch(id.list, id.tag_epoch));
        wanted.push(keys::publication(id));
        wanted.push(keys::log_root(&receipt.log_root));
    }
    wanted
}
