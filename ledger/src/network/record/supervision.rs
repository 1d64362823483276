//! What a supervisor is shown: views that members grant it, and calls that members have to disclose to it.
//!
//! A supervisor is an observer: it holds no data of members. What it is shown travels from node to node; the
//! ledger holds who may look at what and when, who looked, what was demanded, and digests of what was sent.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Serialize;
use std::fmt;
use tacit_circuits::scope::{ListId, MemberId};

use crate::kernel::BusinessDate;
use crate::kernel::codec::BoundedVec;
use crate::kernel::hash::Digest;
use crate::kernel::party::MAX_PARTIES;
use crate::network::receipts::Purpose;
use crate::network::record::{RoundId, SessionId};

/// Views that one member may have granted at a time. One record names them.
pub const MAX_VIEWS_PER_MEMBER: usize = 64;

/// How far ahead the last date of a view may lie: a year's examination, with its leap day.
pub const MAX_VIEW_DAYS: u16 = 366;

/// Demands of one supervisor on one member that stay recorded, and that may be open. Closed ones make room,
/// the oldest first.
pub const MAX_DISCLOSURES: usize = 32;

/// Calls that one demand names: as many as people look into by hand.
pub const MAX_NAMED_CALLS: usize = 64;

/// Calls that are drawn of one member on one date. Beyond it the governed rate thins out.
pub const MAX_DRAWN_CALLS: usize = 64;

/// Calls that are drawn of all members on one date: the work of a draw is bounded whatever is logged.
pub const MAX_DRAWN_ON_DATE: usize = 1_024;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
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
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number! {
    /// Names a view: given in the order of granting, from 1, and never again.
    ViewId
}

number! {
    /// Names a demand for disclosure: given in their order, from 1, and never again.
    DisclosureId
}

/// What a supervisor may look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ViewScope {
    /// The history of the member's calls, asked and served, of these dates, both included.
    History {
        /// First date.
        from: BusinessDate,
        /// Last date.
        until: BusinessDate,
    },
    /// How a list of the member's is made: its versions, with what was added and removed.
    List(ListId),
    /// The records of a set of cases.
    Cases(
        /// Digest of the set, which the member sends to the supervisor; see
        /// [`CaseSet`](crate::network::views::CaseSet).
        Digest,
    ),
    /// The statement of the member's quota for these dates, both included.
    Quota {
        /// First date.
        from: BusinessDate,
        /// Last date.
        until: BusinessDate,
    },
}

/// A view that a member granted a supervisor.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct View {
    /// Name.
    pub id: ViewId,
    /// Whose data it shows.
    pub member: MemberId,
    /// Who may look.
    pub supervisor: MemberId,
    /// At what.
    pub scope: ViewScope,
    /// First date on which it may.
    pub from: BusinessDate,
    /// Last date on which it may.
    pub until: BusinessDate,
    /// Height at which it was granted.
    pub granted_height: u64,
    /// How often it looked so far.
    pub uses: u64,
    /// How it last did. The member's node shows what this asks, and nothing else.
    pub last_use: Option<ViewUse>,
}

/// A look through a view.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ViewUse {
    /// The date.
    pub date: BusinessDate,
    /// Height at which it was recorded.
    pub height: u64,
    /// What for.
    pub purpose: Purpose,
    /// Digest of what is asked; see [`ViewQuery`](crate::network::views::ViewQuery).
    pub query: Digest,
}

/// The views of one member that it has not revoked, in the order of granting. Expired ones make room.
pub type ViewIds = BoundedVec<ViewId, MAX_VIEWS_PER_MEMBER>;

/// Names a call in the log.
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
pub struct CallName {
    /// Session.
    pub session: SessionId,
    /// Number of the request in its session.
    pub sequence: u64,
    /// Place in the request, from 0.
    pub index: u32,
}

/// Why a supervisor demands a disclosure. A closed list: a text could say whom it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DisclosureReason {
    /// A regular examination.
    Examination,
    /// Somebody complained.
    Complaint,
    /// Calls look as if they had no lawful basis.
    SuspectedMisuse,
    /// A court or an authority ordered it.
    LegalOrder,
    /// Something else, which the supervisor says to the member.
    Other,
}

/// Calls that are named in a demand, ascending.
pub type NamedCalls = BoundedVec<CallName, MAX_NAMED_CALLS>;

/// Calls that were drawn of a member on a date: its first call of the date has number 1, and so on in the
/// order of the log.
pub type DrawnCalls = BoundedVec<u32, MAX_DRAWN_CALLS>;

/// What a supervisor demands to be opened.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum DisclosureScope {
    /// These calls.
    Calls(NamedCalls),
    /// All calls of these dates, both included.
    Period {
        /// First date.
        from: BusinessDate,
        /// Last date.
        until: BusinessDate,
    },
}

/// Where a demand comes from.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum DisclosureCause {
    /// A supervisor demands it.
    Demanded {
        /// Who.
        by: MemberId,
        /// Why.
        reason: DisclosureReason,
        /// What.
        scope: DisclosureScope,
    },
    /// The beacon drew calls of a date; all supervisors may see them.
    Drawn {
        /// The date.
        date: BusinessDate,
        /// The calls, ascending.
        calls: DrawnCalls,
    },
}

impl DisclosureCause {
    /// The supervisor that demands it; none where calls were drawn.
    pub const fn supervisor(&self) -> Option<MemberId> {
        match self {
            Self::Demanded { by, .. } => Some(*by),
            Self::Drawn { .. } => None,
        }
    }
}

/// How a demand stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum DisclosureStatus {
    /// The member has to answer.
    Open,
    /// It did.
    Answered {
        /// Digest of the bundle that it sends.
        bundle: Digest,
        /// Height of its answer.
        height: u64,
    },
    /// It did not in time.
    Missed {
        /// Height at which the time was up.
        height: u64,
    },
    /// The member or the supervisor left before the last date.
    Lapsed {
        /// Height at which the time was up.
        height: u64,
    },
}

/// Calls that a member has to open to a supervisor.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Disclosure {
    /// Name.
    pub id: DisclosureId,
    /// Who has to open them.
    pub member: MemberId,
    /// Where the demand comes from, and what it is about.
    pub cause: DisclosureCause,
    /// Height at which it was made.
    pub opened_height: u64,
    /// Last date on which the member may answer.
    pub until: BusinessDate,
    /// How it stands.
    pub status: DisclosureStatus,
}

impl Disclosure {
    /// True until the member has answered or its time is up.
    pub fn is_open(&self) -> bool {
        self.status == DisclosureStatus::Open
    }
}

/// The latest demands of one supervisor on one member, in their order.
pub type DisclosureIds = BoundedVec<DisclosureId, MAX_DISCLOSURES>;

/// Calls of one member on one date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct DateCalls {
    /// The date.
    pub date: BusinessDate,
    /// Calls that were logged on it.
    pub calls: u32,
}

/// Calls of one member on the last two dates on which it asked: what a date brings may come a little late.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AskedCalls {
    /// The last of them.
    pub last: Option<DateCalls>,
    /// The one before.
    pub before: Option<DateCalls>,
}

impl AskedCalls {
    /// Calls of a date, if it is one of the two.
    pub fn on(&self, date: BusinessDate) -> u32 {
        let both = [self.last, self.before].into_iter().flatten();
        let of_date = both.filter(|counted| counted.date == date);
        of_date.map(|counted| counted.calls).next().unwrap_or(0)
    }

    pub(crate) fn add(&mut self, date: BusinessDate, calls: u32) {
        match &mut self.last {
            Some(last) if last.date == date => last.calls = last.calls.saturating_add(calls),
            _ => {
                self.before = self.last;
                self.last = Some(DateCalls { date, calls });
            }
        }
    }
}

/// How many calls a member made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct CallCount {
    /// Who.
    pub member: MemberId,
    /// How many; at least one.
    pub calls: u32,
}

/// What is drawn of a date's calls: set when the date is over, before anybody can know the output.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct CallDraw {
    /// The date.
    pub date: BusinessDate,
    /// The round of the beacon whose output draws.
    pub round: RoundId,
    /// One in so many calls is drawn; at least 1.
    pub rate: u32,
    /// Who made how many, by number.
    pub counts: BoundedVec<CallCount, MAX_PARTIES>,
    /// Of so many members demands are made already.
    pub done: u32,
}

impl CallDraw {
    /// Calls of all members.
    pub fn total(&self) -> u32 {
        let counts = self.counts.iter();
        counts.fold(0, |sum: u32, count| sum.saturating_add(count.calls))
    }
}
