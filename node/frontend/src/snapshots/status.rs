//! How copies are kept, and how they stand.

use tacit_circuits::list::VersionId;
use tacit_circuits::scope::ListId;
use tacit_ledger::network::AlarmReason;

/// How the copies are kept.
#[derive(Clone, Debug)]
pub struct CopiesConfig {
    /// Lists that are fetched and rebuilt at a time; each needs the memory of its tree.
    pub max_lists_at_a_time: usize,
    /// How often to look at the ledger when it says nothing, in milliseconds.
    pub look_interval_ms: u64,
    /// First pause after an owner could not be reached, in milliseconds; it doubles up to a minute.
    pub retry_ms: u64,
    /// For how long an owner may fail to serve a publication, while other members can be reached, before an
    /// alarm is raised, in milliseconds.
    pub unavailable_alarm_ms: u64,
    /// Entries of the largest list that is fetched. A list takes 16 bytes of disk an entry twice over, and
    /// some 63 bytes of memory an entry while it is rebuilt: its owner alone does not decide on that.
    pub max_list_entries: u32,
}

/// Entries of the largest list that is fetched unless it is configured otherwise: 16 million, a gigabyte of
/// memory while it is rebuilt.
pub const MAX_LIST_ENTRIES: u32 = 1 << 24;

impl Default for CopiesConfig {
    fn default() -> Self {
        Self {
            max_lists_at_a_time: 2,
            look_interval_ms: 5_000,
            retry_ms: 250,
            unavailable_alarm_ms: 600_000,
            max_list_entries: MAX_LIST_ENTRIES,
        }
    }
}

/// How this member's copy of a list stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CopyState {
    /// It is the version in force.
    Current,
    /// A newer version is in force and not here yet; this one answers while the category's grace lasts.
    Behind,
    /// There is none, or the ledger has none in force.
    Absent,
    /// What the owner serves is not what it published. An alarm has been raised.
    Refused(AlarmReason),
}

/// The copy of one list, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyStatus {
    /// The list.
    pub list: ListId,
    /// How it stands.
    pub state: CopyState,
    /// The version that is searched here.
    pub held: Option<VersionId>,
    /// Why the newest version is not here, when something failed.
    pub reason: Option<String>,
}
