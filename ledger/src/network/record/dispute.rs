//! Disputes: a member that was given a hit says that the entry is wrong.
//!
//! Nothing that identifies the subject stands here. What the parties have to show travels between them,
//! sealed; the ledger holds digests of it, who decides, by when, and what it costs.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Serialize;
use std::fmt;
use tacit_circuits::identifier::IdentifierType;
use tacit_circuits::receipt::SubjectCommitment;
use tacit_circuits::scope::MemberId;

use crate::kernel::BusinessDate;
use crate::kernel::codec::BoundedVec;
use crate::kernel::hash::Digest;
use crate::network::record::{PublicationId, RoundId};

/// Largest panel: each of its members reads what both parties have to show.
pub const MAX_PANEL: usize = 9;

/// Members that may step down from the panels of one dispute: each of them gives the panel new time.
pub const MAX_RECUSALS: usize = MAX_PANEL;

/// Disputes about one list that one member may have open. The bound is each challenger's own, so that
/// nobody can keep others from disputing an entry.
pub const MAX_DISPUTES_PER_LIST: usize = 64;

/// Names a dispute: given in the order of opening, from 1, and never again.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
)]
pub struct DisputeId(pub u64);

impl fmt::Display for DisputeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What the challenger says is wrong with the entry. A closed list: a text could say who it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DisputeReason {
    /// The entry is about somebody else.
    WrongSubject,
    /// What was owed is settled.
    Settled,
    /// Nothing was ever owed, or done.
    NeverOwed,
    /// It is too long ago for the list.
    Outdated,
    /// Something else, which the sealed package says.
    Other,
}

/// What an owner says to a dispute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum DisputeAnswer {
    /// The entry is right.
    Evidence {
        /// Digest of what shows it, sealed to the panel.
        package: Digest,
    },
    /// The entry comes off.
    Withdrawal,
}

/// What a member of the panel finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ruling {
    /// The dispute is upheld: the entry is wrong.
    Upheld,
    /// The dispute is dismissed: the entry is right.
    Dismissed,
}

/// A place on a panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Seat {
    /// Who sits there.
    pub member: MemberId,
    /// What it found.
    pub ruling: Option<Ruling>,
}

/// The members of a panel, in the order of drawing.
pub type Panel = BoundedVec<Seat, MAX_PANEL>;

/// From what a panel is drawn: set when it is requested, before anybody can know the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct PanelDraw {
    /// The round of the beacon whose output draws it.
    pub round: RoundId,
    /// 0 for the first panel of the dispute, 1 for the fresh one.
    pub number: u8,
    /// Most members that are drawn.
    pub size: u8,
    /// Height at which it was requested: who had left before does not take part in the drawing.
    pub height: u64,
    /// Parties that had joined then: who joins later does not take part either.
    pub parties: u32,
}

/// How a dispute came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DisputeOutcome {
    /// The panel found the entry wrong.
    Upheld,
    /// The panel found the entry right.
    Dismissed,
    /// The owner takes the entry off.
    Withdrawn,
    /// The owner did not answer in time.
    Unanswered,
    /// Neither panel came to a majority, or the owner left before it could answer.
    Undecided,
}

impl DisputeOutcome {
    /// Whether the owner has to publish a version without the entry.
    pub const fn wants_correction(self) -> bool {
        matches!(self, Self::Upheld | Self::Withdrawn | Self::Unanswered)
    }
}

/// How a dispute stands. Each date is the last on which the next step is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum DisputeStatus {
    /// The beacon has not drawn the panel yet. The owner may withdraw the entry.
    Drawing,
    /// The owner has to answer.
    Answering {
        /// Last date.
        until: BusinessDate,
    },
    /// The panel has to rule.
    Ruling {
        /// Last date.
        until: BusinessDate,
    },
    /// The owner has to publish a later version.
    Correcting {
        /// How the dispute came out.
        outcome: DisputeOutcome,
        /// Height at which it did: a version published after it counts.
        decided_height: u64,
        /// Last date.
        until: BusinessDate,
    },
    /// Nothing more is to be done.
    Closed {
        /// How the dispute came out.
        outcome: DisputeOutcome,
        /// Height since which it is closed.
        height: u64,
    },
}

/// A dispute about an entry of a list.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Dispute {
    /// Name.
    pub id: DisputeId,
    /// The version whose answer was a hit.
    pub publication: PublicationId,
    /// Owner of the list.
    pub owner: MemberId,
    /// Who disputes it.
    pub challenger: MemberId,
    /// `C`: hides the subject; its opening is in the sealed package.
    pub commitment: SubjectCommitment,
    /// Type of the subject's identifier.
    pub kind: IdentifierType,
    /// Digest of the package with the receipt of the hit and the opening of `C`, sealed to owner and
    /// panel.
    pub package: Digest,
    /// What is said to be wrong.
    pub reason: DisputeReason,
    /// What the challenger put aside, in minor units.
    pub stake_minor: u64,
    /// Height at which it was opened.
    pub opened_height: u64,
    /// Business date on which it was opened.
    pub opened_date: BusinessDate,
    /// From what the panel is drawn.
    pub draw: PanelDraw,
    /// The panel, once it is drawn.
    pub panel: Panel,
    /// Digest of the owner's evidence, once it has answered with it.
    pub evidence: Option<Digest>,
    /// How it stands.
    pub status: DisputeStatus,
    /// The members of the first panel, once a fresh one is drawn: they sit again only where there are no
    /// others.
    pub former: BoundedVec<MemberId, MAX_PANEL>,
    /// Who stepped down from a panel of it, in their order.
    pub recused: BoundedVec<MemberId, MAX_RECUSALS>,
}

impl Dispute {
    /// True until it is known how the dispute came out: as long, the stake is put aside.
    pub const fn is_undecided(&self) -> bool {
        matches!(
            self.status,
            DisputeStatus::Drawing | DisputeStatus::Answering { .. } | DisputeStatus::Ruling { .. }
        )
    }

    /// The last date on which the next step is taken; none while the panel is being drawn, and none once
    /// the dispute is closed.
    pub const fn until(&self) -> Option<BusinessDate> {
        match self.status {
            DisputeStatus::Answering { until }
            | DisputeStatus::Ruling { until }
            | DisputeStatus::Correcting { until, .. } => Some(until),
            DisputeStatus::Drawing | DisputeStatus::Closed { .. } => None,
        }
    }

    /// How many of the panel found this.
    pub fn rulings(&self, ruling: Ruling) -> usize {
        let found = |seat: &&Seat| seat.ruling == Some(ruling);
        self.panel.iter().filter(found).count()
    }
}

/// Open disputes of one member about one list, in the order of opening.
pub type DisputeIds = BoundedVec<DisputeId, MAX_DISPUTES_PER_LIST>;
