//! What waits for somebody at this member.
//!
//! | file | content |
//! |---|---|
//! | `watch` | looks when something changes, keeps notices, counts them |
//! | `marks` | entries that owners marked as corrected, from the deltas that were put aside |
//! | `rulings` | disputes that went against an owner which did not mark what it took off |
//! | `relied_on` | this member's own answers that relied on an entry |
//! | `duties` | what the ledger says that this member has to do, and until when |
//!
//! What is told of own answers is kept until somebody acknowledges it; duties have no state of their own: they
//! end when they are done, or late.

mod duties;
mod marks;
mod relied_on;
mod rulings;
mod watch;

use std::fmt;
use std::sync::Arc;

use borsh::{BorshDeserialize, BorshSerialize};
use tacit_circuits::scope::{ListId, ListVersion, TagEpoch};
use tacit_ledger::kernel::codec;
use tacit_ledger::network::DisputeId;

use crate::ports::LedgerError;
use crate::snapshots::FileError;
use crate::store::{KeptNotice, StoreError};

use duties::Duties;
pub use duties::Duty;
pub(crate) use watch::Watch;

/// Notices that one answer lists: the latest.
const MAX_LISTED: u32 = 1_000;

/// What kind of thing waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NoticeKind {
    /// An own answer relied on an entry that its owner marked as corrected.
    EntryCorrected,
    /// An own answer relied on an entry that may be the one that a dispute was about.
    EntryInDoubt,
    /// A dispute about an own list has to be answered.
    DisputeToAnswer,
    /// This member sits on the panel of a dispute and has not ruled.
    DisputeToRule,
    /// A dispute went against this member, and the list is not corrected.
    CorrectionDue,
    /// A demand for disclosure is open.
    DisclosureDue,
}

impl NoticeKind {
    /// All kinds.
    pub const ALL: [Self; 6] = [
        Self::EntryCorrected,
        Self::EntryInDoubt,
        Self::DisputeToAnswer,
        Self::DisputeToRule,
        Self::CorrectionDue,
        Self::DisclosureDue,
    ];

    /// Its permanent name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EntryCorrected => "entry-corrected",
            Self::EntryInDoubt => "entry-in-doubt",
            Self::DisputeToAnswer => "dispute-to-answer",
            Self::DisputeToRule => "dispute-to-rule",
            Self::CorrectionDue => "correction-due",
            Self::DisclosureDue => "disclosure-due",
        }
    }
}

/// Why an answer is to be looked into again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Cause {
    /// The owner marked the entry as corrected.
    Marked {
        /// The version without it.
        version: ListVersion,
        /// Height at which that was published.
        height: u64,
    },
    /// A dispute went against the owner, and it marked too few entries of those that it took off.
    Ruling {
        /// Which.
        dispute: DisputeId,
    },
}

/// An own call whose answer was a hit that is to be looked into again. Names nobody it is about.
#[derive(Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ReliedOn {
    /// The call's session.
    pub session: u64,
    /// The number of its request there.
    pub sequence: u64,
    /// Its place in the request.
    pub index: u32,
    /// The list that was asked.
    pub list: ListId,
    /// Its tag epoch.
    pub tag_epoch: TagEpoch,
    /// The version that the answer was about.
    pub version: Option<ListVersion>,
    /// Why it is to be looked into.
    pub cause: Cause,
    /// When it was asked, in milliseconds since 1970-01-01 UTC.
    pub asked_ms: u64,
    /// Who asked.
    pub operator: String,
    /// For what purpose.
    pub purpose: String,
    /// About which case.
    pub case_reference: String,
}

impl fmt::Debug for ReliedOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReliedOn(<redacted>)")
    }
}

/// A notice that is kept until somebody acknowledges it, and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Its number.
    pub id: u64,
    /// What it tells.
    pub relied_on: ReliedOn,
    /// When it was made, in milliseconds since 1970-01-01 UTC.
    pub told_ms: u64,
    /// Who took note of it, and when.
    pub acknowledged: Option<(String, u64)>,
}

impl Notice {
    /// Its kind.
    pub const fn kind(&self) -> NoticeKind {
        match self.relied_on.cause {
            Cause::Marked { .. } => NoticeKind::EntryCorrected,
            Cause::Ruling { .. } => NoticeKind::EntryInDoubt,
        }
    }
}

impl TryFrom<KeptNotice> for Notice {
    type Error = StoreError;

    fn try_from(kept: KeptNotice) -> Result<Self, StoreError> {
        Ok(Self {
            id: kept.id,
            relied_on: codec::decode(&kept.told).map_err(|_| StoreError::Damaged("notice"))?,
            told_ms: kept.created_ms,
            acknowledged: kept.acknowledged,
        })
    }
}

/// Why notices cannot be listed, made or acknowledged.
#[derive(Debug, thiserror::Error)]
pub enum NoticeError {
    /// There is none, or somebody acknowledged it before.
    #[error("no notice {0} waits for anybody")]
    Unknown(u64),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The archive of versions.
    #[error(transparent)]
    Archive(#[from] FileError),
}

/// What waits for somebody at this member.
#[derive(Clone)]
pub struct Notices {
    pub(crate) store: crate::store::Store,
    pub(crate) duties: Arc<Duties>,
}

impl Notices {
    pub(crate) fn new(ledger: Arc<dyn crate::ports::Ledger>, store: crate::store::Store) -> Self {
        let duties = Arc::new(Duties::new(ledger));
        Self { store, duties }
    }

    /// Notices that wait for somebody, or `all` that are kept: at most 1,000, the latest, in their order.
    ///
    /// # Errors
    /// [`NoticeError`].
    pub async fn list(&self, all: bool) -> Result<Vec<Notice>, NoticeError> {
        let kept = self.store.notices(all, MAX_LISTED).await?;
        Ok(kept
            .into_iter()
            .map(Notice::try_from)
            .collect::<Result<_, _>>()?)
    }

    /// What this member has to do, as the ledger has it now.
    ///
    /// # Errors
    /// [`NoticeError`].
    pub async fn duties(&self) -> Result<Vec<Duty>, NoticeError> {
        Ok(self.duties.now().await?)
    }

    /// Takes note of a notice: by whom and when is kept.
    ///
    /// # Errors
    /// [`NoticeError::Unknown`] where none of this number waits.
    pub async fn acknowledge(&self, id: u64, by: &str) -> Result<(), NoticeError> {
        if self.store.acknowledge_notice(id, by).await? {
            Ok(())
        } else {
            Err(NoticeError::Unknown(id))
        }
    }

    /// How much of each kind waits.
    ///
    /// # Errors
    /// [`NoticeError`].
    pub async fn waiting(&self) -> Result<[(NoticeKind, u64); 6], NoticeError> {
        let (certain, doubtful) = self.store.notices_waiting().await?;
        let duties = self.duties().await?;
        Ok(NoticeKind::ALL.map(|kind| {
            let waiting = match kind {
                NoticeKind::EntryCorrected => certain,
                NoticeKind::EntryInDoubt => doubtful,
                _ => duties.iter().filter(|duty| duty.kind() == kind).count() as u64,
            };
            (kind, waiting)
        }))
    }
}
