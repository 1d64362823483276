//! `tacit member …`

use std::path::{Path, PathBuf};

use serde_json::json;
use tacit_circuits::quota::QUOTA_KEY_PROOF_BYTES;
use tacit_proto::operator::{
    AddMember, Member, MemberStatus, MembersRequest, Proposal, ProposalState, ProposalsRequest,
    ProposeRequest, RatingChange, RatingRequest, RemoveMember, Role, SetValidator, VoteRequest,
    propose_request::Change,
};

use crate::Context;
use crate::card::Card;
use crate::error::ClientError;
use crate::exit::Exit;
use crate::output::{Format, Table, print_json};

/// The members of the network, and votes on who belongs to it.
#[derive(Debug, clap::Subcommand)]
pub enum MemberCommand {
    /// All parties of the network.
    List,
    /// One party.
    Show {
        /// Its number.
        id: u32,
    },
    /// How far the network trusts what a member publishes, 0 to 100, and why it is not 100.
    Rating {
        /// Its number; this institution, if none is named.
        id: Option<u32>,
    },
    /// Proposes that an institution joins.
    #[command(after_help = "Example:\n  tacit member propose-add --card newcomer/card.toml")]
    ProposeAdd {
        /// The institution's card, as `tacit node init` made it.
        #[arg(long, value_name = "FILE")]
        card: PathBuf,
    },
    /// Proposes that a party leaves.
    ProposeRemove {
        /// Its number.
        id: u32,
    },
    /// Proposes that a member begins to validate, or ceases to.
    ProposeValidator {
        /// Its number.
        id: u32,
        /// It ceases to validate.
        #[arg(long)]
        off: bool,
    },
    /// The proposals that can be voted on.
    Proposals {
        /// Decided and lapsed ones as well.
        #[arg(long)]
        all: bool,
    },
    /// Votes on a proposal.
    Vote {
        /// Its number.
        proposal: u64,
        /// Vote against it.
        #[arg(long)]
        against: bool,
    },
}

impl MemberCommand {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        match self {
            Self::List => list(context).await?,
            Self::Show { id } => show(context, *id).await?,
            Self::Rating { id } => rating(context, *id).await?,
            Self::ProposeAdd { card } => propose(context, add(card)?).await?,
            Self::ProposeRemove { id } => {
                propose(
                    context,
                    Change::RemoveMember(RemoveMember { member_id: *id }),
                )
                .await?;
            }
            Self::ProposeValidator { id, off } => {
                let set = SetValidator {
                    member_id: *id,
                    validator: !off,
                };
                propose(context, Change::SetValidator(set)).await?;
            }
            Self::Proposals { all } => proposals(context, !all).await?,
            Self::Vote { proposal, against } => vote(context, *proposal, !against).await?,
        }
        Ok(Exit::Clear)
    }
}

async fn rating(context: &Context, id: Option<u32>) -> Result<(), ClientError> {
    let mut node = context.node().await?;
    let request = RatingRequest { member_id: id };
    let answer = node.rating(request).await?.into_inner();
    if context.format() == Format::Json {
        let change = |change: &RatingChange| {
            json!({
                "reason": change.reason,
                "points": change.points,
                "business_date": change.business_date,
            })
        };
        return print_json(&json!({
            "member_id": answer.member_id,
            "rating": answer.rating,
            "changes": answer.changes.iter().map(change).collect::<Vec<_>>(),
        }));
    }
    println!("M{}: {} of 100", answer.member_id, answer.rating);
    let mut table = Table::new(&["date", "points", "why"]);
    for change in &answer.changes {
        table.row([
            change.business_date.clone(),
            format!("-{}", change.points),
            change.reason.clone(),
        ]);
    }
    if !answer.changes.is_empty() {
        table.print()?;
        println!("what was lost recovers day by day");
    }
    Ok(())
}

fn add(card: &Path) -> Result<Change, ClientError> {
    let card = Card::read(card)?;
    let bytes = |field: &str, digits: &str, length: usize| {
        let bytes = hex::decode(digits).ok();
        bytes.filter(|bytes| bytes.len() == length).ok_or_else(|| {
            let digits = 2 * length;
            ClientError::Usage(format!("{field} is not {digits} hexadecimal digits"))
        })
    };
    let key = |field: &str, digits: &str| bytes(field, digits, 32);
    Ok(Change::AddMember(AddMember {
        role: if card.role.is_member() {
            Role::Member
        } else {
            Role::Observer
        }
        .into(),
        validator: card.validator,
        ledger_key: key("ledger_key", &card.ledger_key)?,
        quota_key: key("quota_key", &card.quota_key)?,
        quota_key_proof: bytes(
            "quota_key_proof",
            &card.quota_key_proof,
            QUOTA_KEY_PROOF_BYTES,
        )?,
        consensus_key: key("consensus_key", &card.consensus_key)?,
        certificate_spki_sha256: key("certificate_spki_sha256", &card.certificate_spki_sha256)?,
        display_name: card.name,
        group: card.group,
        frontend_address: card.frontend_address,
        p2p_address: card.p2p_address,
    }))
}

/// Proposes a change, and says what it waits for.
pub(super) async fn propose(context: &Context, change: Change) -> Result<(), ClientError> {
    let mut node = context.node().await?;
    let request = ProposeRequest {
        change: Some(change),
        open_blocks: 0,
    };
    let answer = node.propose(request).await?.into_inner();
    match context.format() {
        Format::Json => print_json(&json!({
            "proposal_id": answer.proposal_id,
            "tx_id": hex::encode(&answer.tx_id),
            "height": answer.height,
        })),
        Format::Text => {
            println!(
                "proposal {id} stands at height {}; others vote with: tacit member vote {id}",
                answer.height,
                id = answer.proposal_id
            );
            Ok(())
        }
    }
}

async fn vote(context: &Context, proposal_id: u64, approve: bool) -> Result<(), ClientError> {
    let mut node = context.node().await?;
    let answer = node
        .vote(VoteRequest {
            proposal_id,
            approve,
        })
        .await?
        .into_inner();
    let state = state(answer.state());
    match context.format() {
        Format::Json => print_json(&json!({
            "state": state, "tx_id": hex::encode(&answer.tx_id), "height": answer.height,
        })),
        Format::Text => {
            println!("voted at height {}; the proposal is {state}", answer.height);
            Ok(())
        }
    }
}

async fn members(context: &Context) -> Result<Vec<Member>, ClientError> {
    let mut node = context.node().await?;
    Ok(node.members(MembersRequest {}).await?.into_inner().members)
}

const fn role(role: Role) -> &'static str {
    match role {
        Role::Observer => "observer",
        Role::Member | Role::Unspecified => "member",
    }
}

const fn status(status: MemberStatus) -> &'static str {
    match status {
        MemberStatus::Removed => "left",
        MemberStatus::Active | MemberStatus::Unspecified => "active",
    }
}

fn as_json(member: &Member) -> serde_json::Value {
    json!({
        "member_id": member.member_id,
        "name": member.display_name,
        "group": member.group,
        "role": role(member.role()),
        "validator": member.validator,
        "status": status(member.status()),
        "frontend_address": member.frontend_address,
        "p2p_address": member.p2p_address,
        "ledger_key": hex::encode(&member.ledger_key),
        "consensus_key": hex::encode(&member.consensus_key),
        "certificate_spki_sha256": hex::encode(&member.certificate_spki_sha256),
        "active_lists": member.active_lists,
    })
}

async fn list(context: &Context) -> Result<(), ClientError> {
    let members = members(context).await?;
    if context.format() == Format::Json {
        return members
            .iter()
            .try_for_each(|member| print_json(&as_json(member)));
    }
    let mut table = Table::new(&["", "name", "role", "status", "lists", "front end"]);
    for member in &members {
        let validates = if member.validator { ", validates" } else { "" };
        table.row([
            format!("M{}", member.member_id),
            member.display_name.clone(),
            format!("{}{validates}", role(member.role())),
            status(member.status()).into(),
            member.active_lists.to_string(),
            member.frontend_address.clone(),
        ]);
    }
    table.print()
}

async fn show(context: &Context, id: u32) -> Result<(), ClientError> {
    let members = members(context).await?;
    let member = members
        .iter()
        .find(|member| member.member_id == id)
        .ok_or_else(|| ClientError::Usage(format!("there is no member {id}")))?;
    if context.format() == Format::Json {
        return print_json(&as_json(member));
    }
    let validates = if member.validator { ", validates" } else { "" };
    println!("M{} {}", member.member_id, member.display_name);
    println!("group        {}", member.group);
    println!(
        "role         {}{validates}, {}",
        role(member.role()),
        status(member.status())
    );
    println!("lists        {} active", member.active_lists);
    println!("front end    {}", member.frontend_address);
    println!("peer         {}", member.p2p_address);
    println!("ledger key   {}", hex::encode(&member.ledger_key));
    println!("node key     {}", hex::encode(&member.consensus_key));
    println!(
        "certificate  {}",
        hex::encode(&member.certificate_spki_sha256)
    );
    Ok(())
}

const fn state(state: ProposalState) -> &'static str {
    match state {
        ProposalState::Open | ProposalState::Unspecified => "open",
        ProposalState::Passed => "carried",
        ProposalState::Defeated => "defeated",
        ProposalState::Lapsed => "lapsed",
        ProposalState::Accepted => "accepted",
        ProposalState::Failed => "failed",
    }
}

async fn proposals(context: &Context, open_only: bool) -> Result<(), ClientError> {
    let mut node = context.node().await?;
    let answer = node
        .proposals(ProposalsRequest { open_only })
        .await?
        .into_inner();
    if context.format() == Format::Json {
        let as_json = |proposal: &Proposal| {
            json!({
                "proposal_id": proposal.proposal_id,
                "proposer": proposal.proposer,
                "summary": proposal.summary,
                "state": state(proposal.state()),
                "approved_by": proposal.approved_by,
                "rejected_by": proposal.rejected_by,
                "approvals_needed": proposal.approvals_needed,
                "opened_height": proposal.opened_height,
                "lapses_height": proposal.lapses_height,
            })
        };
        return answer
            .proposals
            .iter()
            .try_for_each(|proposal| print_json(&as_json(proposal)));
    }
    let mut table = Table::new(&["", "by", "state", "for", "against", "what"]);
    for proposal in &answer.proposals {
        table.row([
            proposal.proposal_id.to_string(),
            format!("M{}", proposal.proposer),
            state(proposal.state()).into(),
            format!(
                "{} of {}",
                proposal.approved_by.len(),
                proposal.approvals_needed
            ),
            proposal.rejected_by.len().to_string(),
            proposal.summary.clone(),
        ]);
    }
    table.print()
}
