//! What an event did to whose quota.

use tacit_circuits::scope::MemberId;
use tacit_ledger::network::{DisputeOutcome, Event, SessionId};

/// Why a member's quota moved. The numbers stand in the tables and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MovementKind {
    /// Granted at admission.
    Grant = 1,
    /// Put aside when a session opened.
    Escrow = 2,
    /// Returned from the escrow of a session.
    Refund = 3,
    /// Paid out of escrow to a provider.
    Charge = 4,
    /// Received for calls served.
    Earning = 5,
    /// Minted for calls served.
    Reward = 6,
    /// Taken for a breach of the rules.
    Penalty = 7,
    /// Put aside for a dispute.
    Stake = 8,
    /// Returned from a dispute.
    StakeReturned = 9,
    /// Lost in a dispute: it was put aside before.
    StakeLost = 10,
    /// Received from whoever lost a dispute.
    Compensation = 11,
}

impl MovementKind {
    /// All kinds, by number.
    pub const ALL: [Self; 11] = [
        Self::Grant,
        Self::Escrow,
        Self::Refund,
        Self::Charge,
        Self::Earning,
        Self::Reward,
        Self::Penalty,
        Self::Stake,
        Self::StakeReturned,
        Self::StakeLost,
        Self::Compensation,
    ];

    /// The kind with this number.
    pub(crate) fn numbered(number: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u64 == number)
    }

    /// Whether what the member has available grew. A charge and a lost stake leave it as it is: they were put
    /// aside before.
    pub const fn incoming(self) -> bool {
        matches!(
            self,
            Self::Grant
                | Self::Refund
                | Self::Earning
                | Self::Reward
                | Self::StakeReturned
                | Self::Compensation
        )
    }
}

/// A member's quota moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moved {
    pub(crate) member: MemberId,
    pub(crate) kind: MovementKind,
    pub(crate) amount_minor: u64,
    pub(crate) counterparty: Option<MemberId>,
    pub(crate) session: Option<SessionId>,
}

/// What an event did to the quota of members, in the order in which it did it.
pub(crate) fn moved(event: &Event) -> Vec<Moved> {
    let alone = |member: &MemberId, kind, amount_minor: &u64| Moved {
        member: *member,
        kind,
        amount_minor: *amount_minor,
        counterparty: None,
        session: None,
    };
    let with = |member: &MemberId, other: &MemberId, kind, amount_minor: &u64| Moved {
        counterparty: Some(*other),
        ..alone(member, kind, amount_minor)
    };
    let between = |member: &MemberId, other: &MemberId, session: &SessionId, kind, amount: &u32| {
        let (counterparty, session) = (Some(*other), Some(*session));
        Moved {
            member: *member,
            kind,
            amount_minor: u64::from(*amount),
            counterparty,
            session,
        }
    };
    match event {
        Event::Granted {
            member,
            amount_minor,
        } => {
            vec![alone(member, MovementKind::Grant, amount_minor)]
        }
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
        } if *burnt_minor > 0 => {
            vec![alone(member, MovementKind::Penalty, burnt_minor)]
        }
        Event::SessionOpened {
            session,
            querier,
            provider,
            escrow_minor,
            ..
        } => {
            vec![between(
                querier,
                provider,
                session,
                MovementKind::Escrow,
                escrow_minor,
            )]
        }
        Event::SessionClosed {
            session,
            querier,
            provider,
            returned_minor,
            ..
        } => {
            vec![between(
                querier,
                provider,
                session,
                MovementKind::Refund,
                returned_minor,
            )]
        }
        Event::CallsLogged {
            session,
            querier,
            provider,
            charge_minor,
            reward_minor,
            ..
        } => vec![
            between(
                querier,
                provider,
                session,
                MovementKind::Charge,
                charge_minor,
            ),
            between(
                provider,
                querier,
                session,
                MovementKind::Earning,
                charge_minor,
            ),
            between(
                provider,
                querier,
                session,
                MovementKind::Reward,
                reward_minor,
            ),
        ],
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
        } if *burnt_minor > 0 => {
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
            let moved = returned.into_iter().chain([compensation, cost]);
            moved.filter(|moved| moved.amount_minor > 0).collect()
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
        | Event::BeaconWithheld { .. }
        | Event::SamplesLogged { .. }
        | Event::SamplesProven { .. }
        | Event::Unproven { .. }
        | Event::PanelRequested { .. }
        | Event::PanelDrawn { .. }
        | Event::EvidenceGiven { .. }
        | Event::Ruled { .. }
        | Event::RulingMissed { .. }
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
        | Event::PanelRecused { .. } => Vec::new(),
    }
}
