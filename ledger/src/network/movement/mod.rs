//! What an event did to whose quota: for rows, for statements, for whoever adds up what the ledger said.
//!
//! # Invariant
//! What an account, its deposit and its sessions' escrows hold is the sum of all movements of its member, part by
//! part (see [`Part`]).

mod kind;

use tacit_circuits::quota::Ciphertext;
use tacit_circuits::scope::MemberId;

use crate::kernel::party::Role;
use crate::kernel::{Genesis, ModuleId, codec};
use crate::network::event::Event;
use crate::network::genesis::NetworkGenesis;
use crate::network::record::{DisputeOutcome, SessionId};

pub use kind::{MovementKind, Part};

/// A member's quota moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Whose.
    pub member: MemberId,
    /// Why.
    pub kind: MovementKind,
    /// The part that everybody sees, in minor units.
    pub amount_minor: u64,
    /// The part that is sealed to querier, provider and supervisor.
    pub sealed: Option<Ciphertext<3>>,
    /// The other side, where there is one.
    pub counterparty: Option<MemberId>,
    /// The session, where there is one.
    pub session: Option<SessionId>,
}

impl Moved {
    /// Whether there is anything to say about it. A sealed amount may be nothing as well, which is nobody's
    /// business.
    #[must_use]
    pub fn counts(&self) -> bool {
        self.amount_minor > 0 || self.sealed.is_some() || self.kind == MovementKind::RollOver
    }
}

/// What the genesis gave to whom, in the order of the members: it says no events. Nothing where it is none of a risk
/// network.
#[must_use]
pub fn of_genesis(genesis: &Genesis) -> Vec<Moved> {
    let section = genesis.section(ModuleId::NETWORK);
    let network = section.and_then(|section| codec::decode::<NetworkGenesis>(section).ok());
    let Some(network) = network else {
        return Vec::new();
    };
    let grant_minor = network.parameters.welcome_grant_minor;
    let deposit_minor = grant_minor.min(network.parameters.deposit_minor);
    // Parties are numbered from 1 in the order of the genesis.
    let numbered = (1..).zip(&network.members);
    let members = numbered.filter(|(_, first)| first.candidate.role == Role::Member);
    members
        .flat_map(|(number, _)| granted(MemberId(number), grant_minor, deposit_minor))
        .collect()
}

/// A welcome grant, of which a part begins in the deposit.
fn granted(member: MemberId, amount_minor: u64, deposited_minor: u64) -> [Moved; 2] {
    let moved = |kind, amount_minor| Moved {
        member,
        kind,
        amount_minor,
        sealed: None,
        counterparty: None,
        session: None,
    };
    [
        moved(MovementKind::Grant, amount_minor),
        moved(MovementKind::Deposit, deposited_minor),
    ]
}

/// What an event did to the quota of members, in the order in which it did it.
#[must_use]
pub fn moved(event: &Event) -> Vec<Moved> {
    let alone = |member: &MemberId, kind, amount_minor: &u64| Moved {
        member: *member,
        kind,
        amount_minor: *amount_minor,
        sealed: None,
        counterparty: None,
        session: None,
    };
    let with = |member: &MemberId, other: &MemberId, kind, amount_minor: &u64| Moved {
        counterparty: Some(*other),
        ..alone(member, kind, amount_minor)
    };
    let between = |member: &MemberId, other: &MemberId, session: &SessionId, kind, amount: &u64| {
        let (counterparty, session) = (Some(*other), Some(*session));
        Moved {
            counterparty,
            session,
            ..alone(member, kind, amount)
        }
    };
    let sealed = |moved: Moved, part: &Ciphertext<3>| Moved {
        sealed: Some(*part),
        ..moved
    };
    match event {
        Event::Granted {
            member,
            amount_minor,
            deposited_minor,
        } => granted(*member, *amount_minor, *deposited_minor).to_vec(),
        Event::Penalised {
            member,
            amount_minor,
        } => {
            vec![alone(member, MovementKind::Penalty, amount_minor)]
        }
        Event::BeaconWithheld {
            member,
            burnt_minor,
            ..
        } => {
            vec![alone(member, MovementKind::Penalty, burnt_minor)]
        }
        Event::SessionOpened {
            session,
            querier,
            provider,
            escrow,
            ..
        } => {
            let moved = between(querier, provider, session, MovementKind::Escrow, &0);
            vec![sealed(moved, escrow)]
        }
        Event::SessionClosed {
            session,
            querier,
            provider,
            returned,
            ..
        } => {
            let moved = between(querier, provider, session, MovementKind::Refund, &0);
            vec![sealed(moved, returned)]
        }
        Event::ChargesCollected {
            session,
            querier,
            provider,
            public_minor,
            charge,
            reward_minor,
            ..
        } => {
            use MovementKind::{Charge, Earning, Reward};
            let paid = between(querier, provider, session, Charge, public_minor);
            let earned = between(provider, querier, session, Earning, public_minor);
            let rewarded = between(provider, querier, session, Reward, reward_minor);
            vec![sealed(paid, charge), sealed(earned, charge), rewarded]
        }
        Event::RolledOver {
            member,
            granted_minor,
        } => vec![alone(member, MovementKind::RollOver, granted_minor)],
        Event::Deposited {
            member,
            amount_minor,
        } => vec![alone(member, MovementKind::Deposit, amount_minor)],
        Event::Withdrawn {
            member,
            amount_minor,
        } => vec![alone(member, MovementKind::Withdrawal, amount_minor)],
        Event::DisputeOpened {
            owner,
            challenger,
            stake_minor,
            ..
        } => vec![with(challenger, owner, MovementKind::Stake, stake_minor)],
        Event::RulingMissed {
            member,
            burnt_minor,
            ..
        } => {
            vec![alone(member, MovementKind::Penalty, burnt_minor)]
        }
        Event::DisclosureMissed {
            member,
            burnt_minor,
            ..
        } if *burnt_minor > 0 => {
            vec![alone(member, MovementKind::Penalty, burnt_minor)]
        }
        Event::DisputeDecided {
            owner,
            challenger,
            stake_minor,
            outcome,
            paid_minor,
            burnt_minor,
            ..
        } => {
            let (winner, loser) = match outcome {
                DisputeOutcome::Dismissed => (owner, challenger),
                _ => (challenger, owner),
            };
            let compensation = with(winner, loser, MovementKind::Compensation, paid_minor);
            let cost = match outcome {
                DisputeOutcome::Dismissed => {
                    with(challenger, owner, MovementKind::StakeLost, stake_minor)
                }
                _ => {
                    let penalty = paid_minor + burnt_minor;
                    with(owner, challenger, MovementKind::Penalty, &penalty)
                }
            };
            let returned = with(challenger, owner, MovementKind::StakeReturned, stake_minor);
            let returned = (*outcome != DisputeOutcome::Dismissed).then_some(returned);
            returned.into_iter().chain([compensation, cost]).collect()
        }
        Event::PartyJoined { .. }
        | Event::PartyLeft { .. }
        | Event::ProfileChanged { .. }
        | Event::CertificateRotated { .. }
        | Event::ValidatorChanged { .. }
        | Event::Proposed { .. }
        | Event::Voted { .. }
        | Event::ProposalClosed { .. }
        | Event::CategoryChanged { .. }
        | Event::ParametersChanged
        | Event::ListCreated { .. }
        | Event::EpochRegistered { .. }
        | Event::Published { .. }
        | Event::Attested { .. }
        | Event::Activated { .. }
        | Event::AlarmRaised { .. }
        | Event::FraudProven { .. }
        | Event::ListWithdrawn { .. }
        | Event::KeyRevoked { .. }
        | Event::CallsLogged { .. }
        | Event::SessionClosing { .. }
        | Event::LogAdvanced { .. }
        | Event::ReceiptKeySet { .. }
        | Event::PolicyPut { .. }
        | Event::ReceiptsAccepted { .. }
        | Event::ScreeningConsumed { .. }
        | Event::ProposalAccepted { .. }
        | Event::PauseChanged { .. }
        | Event::BeaconOpened { .. }
        | Event::BeaconDrawn { .. }
        | Event::SamplesLogged { .. }
        | Event::SamplesProven { .. }
        | Event::Unproven { .. }
        | Event::PanelRequested { .. }
        | Event::PanelDrawn { .. }
        | Event::EvidenceGiven { .. }
        | Event::Ruled { .. }
        | Event::DisputeClosed { .. }
        | Event::Suspended { .. }
        | Event::RatingLowered { .. }
        | Event::ViewGranted { .. }
        | Event::ViewRevoked { .. }
        | Event::ViewUsed { .. }
        | Event::DisclosureRequested { .. }
        | Event::CallDrawRequested { .. }
        | Event::CallsDrawn { .. }
        | Event::DisclosureAnswered { .. }
        | Event::DisclosureMissed { .. }
        | Event::CodeVersionSet { .. }
        | Event::PanelRecused { .. }
        | Event::QuotaKeyChanged { .. } => Vec::new(),
    }
}
