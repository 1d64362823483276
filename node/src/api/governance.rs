//! Members, proposals and votes.

use tacit_circuits::quota::{EncodingError, QuotaKeyProof, QuotaPublicKey};
use tacit_circuits::receipt::VerifyingKey;
use tacit_circuits::scope::{ListId, MemberId};
use tacit_frontend::ports::Ledger as _;
use tacit_ledger::kernel::Digest;
use tacit_ledger::kernel::party::{LedgerKey, Name, PartyStatus, Role};
use tacit_ledger::network::parameters::{CategoryId, MAX_SURCHARGES, Surcharge};
use tacit_ledger::network::{
    Action, Address, Candidate, Category, Change, ConsensusKey, Event, Parameters, Pausable,
    Profile, Proposal, ProposalId, ProposalStatus, SpkiHash, read,
};
use tacit_proto::operator as proto;

use super::Operator;
use super::error::ApiError;

/// Proposals that one answer lists: the latest.
const MAX_PROPOSALS_LISTED: u64 = 256;

impl Operator {
    pub(super) async fn members(&self) -> Result<proto::MembersResponse, ApiError> {
        let (members, lists) = self
            .read(|view| Ok((read::members(view)?, read::lists(view)?)))
            .await?;
        let members = members
            .into_iter()
            .map(|member| {
                let active = lists
                    .iter()
                    .filter(|list| list.owner == member.id && list.is_standing())
                    .filter(|list| list.active.is_some())
                    .count();
                proto::Member {
                    member_id: member.id.0,
                    display_name: member.name.as_str().into(),
                    group: member.group.as_str().into(),
                    role: role(member.role).into(),
                    validator: member.validator,
                    status: match member.status {
                        PartyStatus::Active => proto::MemberStatus::Active,
                        PartyStatus::Left { .. } => proto::MemberStatus::Removed,
                    }
                    .into(),
                    frontend_address: member.profile.front_end_address.as_str().into(),
                    p2p_address: member.profile.p2p_address.as_str().into(),
                    ledger_key: member.ledger_key.0.to_vec(),
                    consensus_key: member.profile.consensus_key.0.to_vec(),
                    certificate_spki_sha256: member.profile.tls_spki_hash.0.to_vec(),
                    active_lists: u32::try_from(active).unwrap_or(u32::MAX),
                }
            })
            .collect();
        Ok(proto::MembersResponse { members })
    }

    pub(super) async fn proposals(
        &self,
        request: proto::ProposalsRequest,
    ) -> Result<proto::ProposalsResponse, ApiError> {
        let (proposals, members, parameters) = self
            .read(|view| {
                let proposals = if request.open_only {
                    read::open_proposals(view)?
                } else {
                    let count = read::proposal_count(view)?;
                    let first = count.saturating_sub(MAX_PROPOSALS_LISTED) + 1;
                    let mut all = Vec::new();
                    for id in first..=count {
                        all.extend(read::proposal(view, ProposalId(id))?);
                    }
                    all
                };
                Ok((proposals, read::members(view)?, read::parameters(view)?))
            })
            .await?;
        let voters = members
            .iter()
            .filter(|member| member.is_active() && member.role == Role::Member)
            .count();
        let percent = usize::from(parameters.approval_percent);
        let needed = |proposal: &Proposal| {
            let needed = match proposal.change {
                Change::SetPause { .. } => voters * 2 / 3 + 1,
                _ => (voters * percent).div_ceil(100),
            };
            u32::try_from(needed).unwrap_or(u32::MAX)
        };
        let proposals = proposals
            .iter()
            .map(|proposal| described(proposal, needed(proposal)))
            .collect();
        Ok(proto::ProposalsResponse { proposals })
    }

    pub(super) async fn propose(
        &self,
        request: proto::ProposeRequest,
    ) -> Result<proto::ProposeResponse, ApiError> {
        use proto::propose_request::Change as Asked;
        let asked = request.change.ok_or_else(|| {
            ApiError::caller(
                "change-missing",
                "the proposal names no change",
                "Name one.",
            )
        })?;
        let change = match asked {
            Asked::AddMember(candidate) => Change::Admit(read_candidate(&candidate)?),
            Asked::RemoveMember(remove) => Change::Remove {
                member: MemberId(remove.member_id),
            },
            Asked::SetValidator(set) if set.validator => Change::AddValidator {
                member: MemberId(set.member_id),
            },
            Asked::SetValidator(set) => Change::RemoveValidator {
                member: MemberId(set.member_id),
            },
            Asked::SetReceiptKey(set) => Change::SetReceiptKey {
                verifying_key: set.verifying_key.try_into().map_err(|_| {
                    ApiError::caller("field-invalid", "verifying_key is too long", "")
                })?,
                transcript: Digest(key("transcript", &set.transcript)?),
            },
            Asked::SetCodeVersion(set) => Change::SetCodeVersion {
                version: set.version,
                from_height: set.from_height,
            },
            Asked::AddCategory(add) => self.new_category(&add.name).await?,
            Asked::SetUtcOffsetMinutes(minutes) => Change::SetUtcOffset {
                minutes: minutes.try_into().map_err(|_| {
                    let message = "an offset from UTC has at most a day's minutes";
                    ApiError::caller("field-invalid", message, "")
                })?,
            },
            Asked::SetParameter(set) => self.changed_parameter(&set.name, set.value).await?,
            Asked::SetPause(set) => Change::SetPause {
                of: match set.of {
                    Some(proto::set_pause::Of::ListId(list)) => Pausable::List(ListId(list)),
                    Some(proto::set_pause::Of::MemberId(member)) => {
                        Pausable::Member(MemberId(member))
                    }
                    None => {
                        return Err(ApiError::caller(
                            "pause-of-nothing",
                            "the proposal names neither a list nor a member",
                            "Name one.",
                        ));
                    }
                },
                paused: set.paused,
            },
        };
        let applied = self
            .ledger
            .submit(Action::Propose(Box::new(change)))
            .await?;
        let proposal = applied
            .events
            .iter()
            .find_map(|event| match event {
                Event::Proposed { proposal, .. } => Some(proposal.0),
                _ => None,
            })
            .unwrap_or_default();
        Ok(proto::ProposeResponse {
            proposal_id: proposal,
            tx_id: applied.tx_id.0.0.to_vec(),
            height: applied.height,
        })
    }

    pub(super) async fn vote(
        &self,
        request: proto::VoteRequest,
    ) -> Result<proto::VoteResponse, ApiError> {
        let id = ProposalId(request.proposal_id);
        let action = Action::Vote {
            proposal: id,
            approve: request.approve,
        };
        let applied = self.ledger.submit(action).await?;
        let proposal = self.read(move |view| read::proposal(view, id)).await?;
        let status = proposal.map_or(ProposalStatus::Open, |proposal| proposal.status);
        Ok(proto::VoteResponse {
            tx_id: applied.tx_id.0.0.to_vec(),
            height: applied.height,
            state: state(status).into(),
        })
    }

    async fn new_category(&self, name: &str) -> Result<Change, ApiError> {
        let name = text("category", name)?;
        let categories = self.read(read::categories).await?;
        let last = categories.last().ok_or_else(|| {
            ApiError::node(
                "internal",
                "the network has no category to take prices from",
                "",
            )
        })?;
        // A new category begins with the prices and caps of the latest one; they are changed by vote.
        Ok(Change::AddCategory(Category {
            id: CategoryId(last.id.0.saturating_add(1)),
            name,
            retired: false,
            ..last.clone()
        }))
    }

    async fn changed_parameter(&self, name: &str, value: u64) -> Result<Change, ApiError> {
        let Some((category, field)) = name.split_once('.') else {
            let mut parameters = self.read(read::parameters).await?;
            match name {
                "min_validators" => {
                    let number = u32::try_from(value).map_err(|_| too_large(name))?;
                    parameters.min_validators = number;
                }
                // What does not fit is more than the ledger takes, which says so.
                _ if set_small(&mut parameters, name, value) => {}
                _ => *parameter(&mut parameters, name)? = value,
            }
            return Ok(Change::SetParameters(parameters));
        };
        let categories = self.read(read::categories).await?;
        let mut category = categories
            .into_iter()
            .find(|known| known.name.as_str() == category)
            .ok_or_else(|| ApiError::unknown("category", category))?;
        let value = u32::try_from(value).map_err(|_| too_large(name))?;
        match field {
            "price_minor" => category.price_minor = value,
            "reward_minor" => category.reward_minor = value,
            "daily_cap_calls" => category.daily_cap_calls = value,
            "grace_blocks" => category.grace_blocks = value,
            "fresh_days" => {
                category.fresh_days = u16::try_from(value).map_err(|_| too_large(name))?;
            }
            // A step by its first call, such as `surcharge.1000`; 0 takes it away.
            _ if field.starts_with("surcharge.") => set_surcharge(&mut category, field, value)?,
            _ => return Err(ApiError::unknown("parameter of a category", field)),
        }
        Ok(Change::ChangeCategory(category))
    }
}

/// Sets one step of a category's surcharges, named by the calls from which on it holds.
fn set_surcharge(category: &mut Category, field: &str, percent: u32) -> Result<(), ApiError> {
    let from = field
        .strip_prefix("surcharge.")
        .and_then(|calls| calls.parse().ok());
    let from_calls: u32 =
        from.ok_or_else(|| ApiError::unknown("parameter of a category", field))?;
    let mut steps = category.surcharges.to_vec();
    steps.retain(|step| step.from_calls != from_calls);
    if percent > 0 {
        let percent = percent.try_into().map_err(|_| too_large(field))?;
        steps.push(Surcharge {
            from_calls,
            percent,
        });
    }
    steps.sort_unstable_by_key(|step| step.from_calls);
    let steps = steps.try_into();
    category.surcharges = steps.map_err(|_| {
        let message = format!("a category has at most {MAX_SURCHARGES} surcharges");
        ApiError::caller("value-out-of-range", message, "")
    })?;
    Ok(())
}

/// Sets a parameter of few bits, if the name is one's. What does not fit is more than the ledger takes, which
/// says so.
fn set_small(parameters: &mut Parameters, name: &str, value: u64) -> bool {
    let byte = || value.try_into().unwrap_or(u8::MAX);
    let days = || value.try_into().unwrap_or(u16::MAX);
    match name {
        "approval_percent" => parameters.approval_percent = byte(),
        "sampled_entries" => parameters.sampled_entries = byte(),
        "dispute_reward_percent" => parameters.dispute_reward_percent = byte(),
        "dispute_forfeit_percent" => parameters.dispute_forfeit_percent = byte(),
        "panel_size" => parameters.panel_size = byte(),
        "rating_recovery_points" => parameters.rating_recovery_points = byte(),
        "answer_days" => parameters.answer_days = days(),
        "ruling_days" => parameters.ruling_days = days(),
        "correction_days" => parameters.correction_days = days(),
        "opening_rate" => parameters.opening_rate = value.try_into().unwrap_or(u32::MAX),
        "opening_days" => parameters.opening_days = days(),
        "disclosure_min_days" => parameters.disclosure_min_days = days(),
        "disclosure_max_days" => parameters.disclosure_max_days = days(),
        "rating_price_percent" => parameters.rating_price_percent = byte(),
        _ => return false,
    }
    true
}

fn too_large(name: &str) -> ApiError {
    let message = format!("{name} must be below 2^32");
    ApiError::caller("value-out-of-range", message, "")
}

fn parameter<'a>(parameters: &'a mut Parameters, name: &str) -> Result<&'a mut u64, ApiError> {
    Ok(match name {
        "welcome_grant_minor" => &mut parameters.welcome_grant_minor,
        "proposal_lifetime_blocks" => &mut parameters.proposal_lifetime_blocks,
        "max_session_blocks" => &mut parameters.max_session_blocks,
        "settlement_window_blocks" => &mut parameters.settlement_window_blocks,
        "fraud_owner_penalty_minor" => &mut parameters.fraud_owner_penalty_minor,
        "fraud_attester_penalty_minor" => &mut parameters.fraud_attester_penalty_minor,
        "beacon_window_blocks" => &mut parameters.beacon_window_blocks,
        "beacon_penalty_minor" => &mut parameters.beacon_penalty_minor,
        "sample_window_blocks" => &mut parameters.sample_window_blocks,
        "time_lock_blocks" => &mut parameters.time_lock_blocks,
        "dispute_stake_minor" => &mut parameters.dispute_stake_minor,
        "dispute_penalty_minor" => &mut parameters.dispute_penalty_minor,
        "panel_penalty_minor" => &mut parameters.panel_penalty_minor,
        "deposit_minor" => &mut parameters.deposit_minor,
        "collection_window_blocks" => &mut parameters.collection_window_blocks,
        "disclosure_penalty_minor" => &mut parameters.disclosure_penalty_minor,
        _ => return Err(ApiError::unknown("parameter", name)),
    })
}

fn read_candidate(asked: &proto::AddMember) -> Result<Candidate, ApiError> {
    let role = match asked.role() {
        proto::Role::Member => Role::Member,
        proto::Role::Observer => Role::Observer,
        proto::Role::Unspecified => {
            return Err(ApiError::caller(
                "role-missing",
                "the candidate has no role",
                "Name one.",
            ));
        }
    };
    Ok(Candidate {
        name: text("display_name", &asked.display_name)?,
        group: text("group", &asked.group)?,
        role,
        ledger_key: LedgerKey(key("ledger_key", &asked.ledger_key)?),
        quota_key: sealing("quota_key", &asked.quota_key, QuotaPublicKey::from_bytes)?,
        quota_key_proof: sealing(
            "quota_key_proof",
            &asked.quota_key_proof,
            QuotaKeyProof::from_bytes,
        )?,
        profile: Profile {
            consensus_key: ConsensusKey(key("consensus_key", &asked.consensus_key)?),
            tls_spki_hash: SpkiHash(key(
                "certificate_spki_sha256",
                &asked.certificate_spki_sha256,
            )?),
            front_end_address: address("frontend_address", &asked.frontend_address)?,
            p2p_address: address("p2p_address", &asked.p2p_address)?,
        },
    })
}

fn sealing<const N: usize, T>(
    field: &str,
    value: &[u8],
    read: impl FnOnce(&[u8; N]) -> Result<T, EncodingError>,
) -> Result<T, ApiError> {
    let invalid = |reason: String| {
        let message = format!("{field} is not usable: {reason}");
        ApiError::caller("field-invalid", message, "")
    };
    let bytes = value
        .try_into()
        .map_err(|_| invalid(format!("it has {} bytes, not {N}", value.len())))?;
    read(bytes).map_err(|error| invalid(error.to_string()))
}

fn text(field: &str, value: &str) -> Result<Name, ApiError> {
    Name::new(value).map_err(|error| {
        ApiError::caller(
            "field-invalid",
            format!("{field} is not usable: {error}"),
            "",
        )
    })
}

fn address(field: &str, value: &str) -> Result<Address, ApiError> {
    Address::new(value).map_err(|error| {
        ApiError::caller(
            "field-invalid",
            format!("{field} is not usable: {error}"),
            "",
        )
    })
}

pub(super) fn key(field: &str, bytes: &[u8]) -> Result<[u8; 32], ApiError> {
    bytes
        .try_into()
        .map_err(|_| ApiError::caller("field-invalid", format!("{field} must have 32 bytes"), ""))
}

pub(super) const fn role(role: Role) -> proto::Role {
    match role {
        Role::Member => proto::Role::Member,
        Role::Observer => proto::Role::Observer,
    }
}

const fn state(status: ProposalStatus) -> proto::ProposalState {
    match status {
        ProposalStatus::Open => proto::ProposalState::Open,
        ProposalStatus::Carried { .. } => proto::ProposalState::Passed,
        ProposalStatus::Defeated { .. } => proto::ProposalState::Defeated,
        ProposalStatus::Expired => proto::ProposalState::Lapsed,
        ProposalStatus::Accepted { .. } => proto::ProposalState::Accepted,
        ProposalStatus::Failed { .. } => proto::ProposalState::Failed,
    }
}

fn described(proposal: &Proposal, approvals_needed: u32) -> proto::Proposal {
    let voted = |approve: bool| {
        proposal
            .votes
            .iter()
            .filter(|ballot| ballot.approve == approve)
            .map(|ballot| ballot.member.0)
            .collect()
    };
    proto::Proposal {
        proposal_id: proposal.id.0,
        proposer: proposal.proposer.0,
        summary: summary(&proposal.change),
        state: state(proposal.status).into(),
        approved_by: voted(true),
        rejected_by: voted(false),
        approvals_needed,
        opened_height: proposal.proposed_height,
        lapses_height: proposal.expiry_height,
    }
}

/// Such as `, 50 % more from call 1000 on`.
fn surcharges(category: &Category) -> String {
    let steps = category.surcharges.iter();
    steps
        .map(|step| format!(", {} % more from call {} on", step.percent, step.from_calls))
        .collect()
}

fn summary(change: &Change) -> String {
    match change {
        Change::Admit(candidate) => {
            let what = if candidate.role == Role::Member {
                "a member"
            } else {
                "an observer"
            };
            format!("{} joins as {what}", candidate.name.as_str())
        }
        Change::Remove { member } => format!("{member} leaves"),
        Change::AddValidator { member } => format!("{member} begins to validate"),
        Change::RemoveValidator { member } => format!("{member} ceases to validate"),
        Change::AddCategory(category) => format!("new category {}", category.name.as_str()),
        Change::ChangeCategory(category) => format!(
            "category {}: price {}, reward {}, cap {} calls a day, grace {} blocks, fresh for {} days{}{}",
            category.name.as_str(),
            category.price_minor,
            category.reward_minor,
            category.daily_cap_calls,
            category.grace_blocks,
            category.fresh_days,
            surcharges(category),
            if category.retired { ", retired" } else { "" }
        ),
        Change::SetParameters(parameters) => format!("parameters: {parameters:?}"),
        Change::SetUtcOffset { minutes } => {
            format!("the business day begins {minutes} minutes before UTC's")
        }
        Change::SetReceiptKey {
            verifying_key,
            transcript,
        } => match VerifyingKey::from_bytes(verifying_key) {
            Ok(key) => format!(
                "receipts are verified under key {}, of the ceremony with transcript {transcript}",
                key.id()
            ),
            // Nothing that is no key can be proposed.
            Err(error) => format!("receipts are verified under a key that is none: {error}"),
        },
        Change::SetPause { of, paused } => {
            let of = match of {
                Pausable::List(list) => list.to_string(),
                Pausable::Member(member) => member.to_string(),
            };
            format!("{of} {}", if *paused { "stops" } else { "goes on" })
        }
        Change::SetCodeVersion {
            version,
            from_height,
        } => format!(
            "version {version} of the rules executes the blocks from height {from_height} on"
        ),
    }
}
