//! What a supervisor asks under a view, and whether the member's node may show it.
//!
//! The question goes from the supervisor's node to the member's. The ledger holds its digest, recorded before
//! anything is shown; a nonce in it hides what is asked from everybody else.

use std::fmt;

use borsh::io::{Error, ErrorKind, Read};
use borsh::{BorshDeserialize, BorshSerialize};

use crate::kernel::codec::{BoundedVec, Text};
use crate::kernel::hash::{Digest, hash_encoded, label};
use crate::kernel::party::{Role, party};
use crate::kernel::state::{Missing, StateView};
use crate::kernel::{BusinessDate, ChainId, MemberId};
use crate::network::audit::MAX_CONTEXT_TEXT_BYTES;
use crate::network::read;
use crate::network::record::{View, ViewId, ViewScope};

/// Cases of one set: as many as one examination goes through by hand.
pub const MAX_CASES: usize = 256;

/// Longest encoded question: a full set of the longest references, and what stands around it.
pub const MAX_VIEW_QUERY_BYTES: usize = MAX_CASES * (4 + MAX_CONTEXT_TEXT_BYTES) + 256;

/// A case or consent reference, as it stands with the calls of the case.
pub type CaseReference = Text<MAX_CONTEXT_TEXT_BYTES>;

/// Why cases are no set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CaseSetError {
    /// There is none.
    #[error("a set of cases holds at least one")]
    Empty,
    /// There are too many.
    #[error("a set of cases holds at most {MAX_CASES}")]
    TooMany,
}

/// A set of cases. The salt hides them under the set's digest, which stands on the ledger: references can be
/// guessed. Prints neither.
#[derive(Clone, PartialEq, Eq, BorshSerialize)]
pub struct CaseSet {
    salt: [u8; 32],
    cases: BoundedVec<CaseReference, MAX_CASES>,
}

impl CaseSet {
    /// A set of these cases; their order and repetitions do not matter.
    ///
    /// # Errors
    /// [`CaseSetError`].
    pub fn new(salt: [u8; 32], mut cases: Vec<CaseReference>) -> Result<Self, CaseSetError> {
        cases.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        cases.dedup();
        if cases.is_empty() {
            return Err(CaseSetError::Empty);
        }
        let cases = cases.try_into().map_err(|_| CaseSetError::TooMany)?;
        Ok(Self { salt, cases })
    }

    /// The salt.
    pub const fn salt(&self) -> &[u8; 32] {
        &self.salt
    }

    /// The cases, ascending.
    pub fn cases(&self) -> &[CaseReference] {
        &self.cases
    }

    /// Whether a case is one of them.
    pub fn holds(&self, case: &str) -> bool {
        let place = self.cases.binary_search_by(|one| one.as_str().cmp(case));
        place.is_ok()
    }

    /// What stands for it on the ledger: the hash of the salt and the cases, each behind its length, ascending.
    pub fn digest(&self) -> Digest {
        hash_encoded(&label::CASE_SET, self)
    }
}

/// Only the one encoding: at least one case, ascending, each once.
impl BorshDeserialize for CaseSet {
    fn deserialize_reader<R: Read>(reader: &mut R) -> Result<Self, Error> {
        let salt = BorshDeserialize::deserialize_reader(reader)?;
        let cases: BoundedVec<CaseReference, MAX_CASES> =
            BorshDeserialize::deserialize_reader(reader)?;
        if cases.is_empty() || !cases.is_sorted_by(|a, b| a.as_str() < b.as_str()) {
            let message = "the cases of a set ascend, each once";
            return Err(Error::new(ErrorKind::InvalidData, message));
        }
        Ok(Self { salt, cases })
    }
}

impl fmt::Debug for CaseSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CaseSet({} cases)", self.cases.len())
    }
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Asked {
    /// The calls of these dates, both included.
    History {
        /// First date.
        from: BusinessDate,
        /// Last date.
        until: BusinessDate,
    },
    /// How the view's list is made.
    List,
    /// The calls of these cases, opened.
    Cases {
        /// The whole set: its digest is the scope.
        set: CaseSet,
        /// Which part of them, from 0.
        page: u32,
    },
    /// The statement of quota for these dates, both included.
    Quota {
        /// First date.
        from: BusinessDate,
        /// Last date.
        until: BusinessDate,
    },
}

/// A question under a view. Its digest is recorded on the ledger before it is answered.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ViewQuery {
    /// The network.
    pub chain_id: ChainId,
    /// The view.
    pub view: ViewId,
    /// Drawn for this question alone: hides the rest under the digest.
    pub nonce: [u8; 32],
    /// What is asked for.
    pub asked: Asked,
}

impl ViewQuery {
    /// What stands for it on the ledger.
    pub fn digest(&self) -> Digest {
        hash_encoded(&label::VIEW_QUERY, self)
    }

    /// Whether a scope allows it: the same kind, dates that lie within the scope's, the very set of cases.
    pub fn is_within(&self, scope: &ViewScope) -> bool {
        match (scope, &self.asked) {
            (ViewScope::History { from, until }, Asked::History { from: a, until: b })
            | (ViewScope::Quota { from, until }, Asked::Quota { from: a, until: b }) => {
                from <= a && a <= b && b <= until
            }
            (ViewScope::List(_), Asked::List) => true,
            (ViewScope::Cases(digest), Asked::Cases { set, .. }) => *digest == set.digest(),
            _ => false,
        }
    }
}

/// Why a member's node shows nothing. The numbers are permanent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ViewRefusal {
    /// 1.
    #[error("the question is for another network")]
    OtherNetwork,
    /// 2.
    #[error("there is no such view, or it was revoked")]
    Unknown,
    /// 3.
    #[error("the view is another member's")]
    OfOtherMember,
    /// 4.
    #[error("the member has left the network")]
    MemberLeft,
    /// 5.
    #[error("only supervisors are shown anything")]
    NotASupervisor,
    /// 6.
    #[error("the view was granted to another party")]
    NotTheGrantee,
    /// 7.
    #[error("the first date of the view has not come")]
    NotYet,
    /// 8.
    #[error("the last date of the view has passed")]
    Expired,
    /// 9.
    #[error("the question does not lie within the view's scope")]
    OutOfScope,
    /// 10.
    #[error(
        "the view's last use on the ledger was recorded for another question, or there is none"
    )]
    NotRecorded,
    /// 11.
    #[error("the use was recorded on an earlier date; record another")]
    UseTooOld,
}

impl ViewRefusal {
    /// All, in the order of their numbers.
    pub const ALL: [Self; 11] = [
        Self::OtherNetwork,
        Self::Unknown,
        Self::OfOtherMember,
        Self::MemberLeft,
        Self::NotASupervisor,
        Self::NotTheGrantee,
        Self::NotYet,
        Self::Expired,
        Self::OutOfScope,
        Self::NotRecorded,
        Self::UseTooOld,
    ];

    /// The permanent number, from 1.
    pub fn number(self) -> u32 {
        let place = Self::ALL.iter().position(|one| *one == self);
        place.map_or(0, |place| place as u32 + 1)
    }

    /// The permanent word for programs.
    pub const fn code(self) -> &'static str {
        match self {
            Self::OtherNetwork => "wrong-chain",
            Self::Unknown => "view-unknown",
            Self::OfOtherMember => "view-of-other-member",
            Self::MemberLeft => "member-left",
            Self::NotASupervisor => "not-an-observer",
            Self::NotTheGrantee => "not-the-grantee",
            Self::NotYet => "view-not-yet",
            Self::Expired => "view-expired",
            Self::OutOfScope => "view-scope",
            Self::NotRecorded => "view-use-not-recorded",
            Self::UseTooOld => "view-use-too-old",
        }
    }
}

/// Whether `member` may show `supervisor` what it asks, by the state of the ledger: the view stands and is
/// between its dates, the question lies within its scope, and the last recorded use is this very question's.
///
/// A use is good until the end of the business date after its own, so that one recorded before midnight is not
/// in vain.
pub fn may_show(
    state: &dyn StateView,
    chain_id: ChainId,
    member: MemberId,
    supervisor: MemberId,
    query: &ViewQuery,
) -> Result<Result<View, ViewRefusal>, Missing> {
    let records = read::both(read::view(state, query.view), read::clock(state));
    let parties = read::both(party(state, member), party(state, supervisor));
    let ((view, clock), (owner, asking)) = read::both(records, parties)?;
    let today = clock.unwrap_or_default().business_date;
    let supervises = asking.is_some_and(|party| party.role == Role::Observer && party.is_active());
    let stands = owner.is_some_and(|party| party.is_active());
    Ok((|| {
        let holds = |condition: bool, refusal| condition.then_some(()).ok_or(refusal);
        holds(query.chain_id == chain_id, ViewRefusal::OtherNetwork)?;
        holds(supervises, ViewRefusal::NotASupervisor)?;
        let view = view.ok_or(ViewRefusal::Unknown)?;
        holds(view.member == member, ViewRefusal::OfOtherMember)?;
        holds(stands, ViewRefusal::MemberLeft)?;
        holds(view.supervisor == supervisor, ViewRefusal::NotTheGrantee)?;
        holds(view.from <= today, ViewRefusal::NotYet)?;
        holds(today <= view.until, ViewRefusal::Expired)?;
        holds(query.is_within(&view.scope), ViewRefusal::OutOfScope)?;
        let last = view.last_use.as_ref();
        let last = last.filter(|last| last.query == query.digest());
        let last = last.ok_or(ViewRefusal::NotRecorded)?;
        holds(today <= last.date.after(1), ViewRefusal::UseTooOld)?;
        Ok(view)
    })())
}
