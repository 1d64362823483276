//! State keys of what supervisors are shown, and of the version of the rules.

use tacit_circuits::scope::MemberId;

use crate::kernel::BusinessDate;
use crate::kernel::state::{StateKey, Table};
use crate::network::keys::table;
use crate::network::record::{DisclosureId, ViewId};

pub(super) const VIEW: Table = table(60, "view");
pub(super) const VIEW_COUNT: Table = table(61, "view-count");
pub(super) const VIEWS_OF: Table = table(62, "views-of");
pub(super) const DISCLOSURE: Table = table(63, "disclosure");
pub(super) const DISCLOSURE_COUNT: Table = table(64, "disclosure-count");
pub(super) const DISCLOSURES: Table = table(65, "disclosures");
pub(super) const ASKED_CALLS: Table = table(66, "asked-calls");
pub(super) const COUNTED_DATE: Table = table(67, "counted-date");
pub(super) const CALL_DRAW: Table = table(68, "call-draw");
pub(super) const CODE_VERSIONS: Table = table(69, "code-versions");

/// Stands for all supervisors where calls were drawn: parties are numbered from 1.
const ALL_SUPERVISORS: MemberId = MemberId(0);

/// A view. Example, view 9: `00013c 0000000000000009`.
pub fn view(view: ViewId) -> StateKey {
    VIEW.key().u64(view.0)
}

/// How many views were granted. Example: `00013d`.
pub fn view_count() -> StateKey {
    VIEW_COUNT.key()
}

/// The views that a member granted. Example, party 7: `00013e 00000007`.
pub fn views_of(member: MemberId) -> StateKey {
    VIEWS_OF.key().u32(member.0)
}

/// A demand for disclosure. Example, demand 9: `00013f 0000000000000009`.
pub fn disclosure(disclosure: DisclosureId) -> StateKey {
    DISCLOSURE.key().u64(disclosure.0)
}

/// How many demands were made. Example: `000140`.
pub fn disclosure_count() -> StateKey {
    DISCLOSURE_COUNT.key()
}

/// The demands of a supervisor on a member; without one, those of drawn calls. Example, party 7, supervisor 6:
/// `000141 00000007 00000006`.
pub fn disclosures(member: MemberId, supervisor: Option<MemberId>) -> StateKey {
    let supervisor = supervisor.unwrap_or(ALL_SUPERVISORS);
    DISCLOSURES.key().u32(member.0).u32(supervisor.0)
}

/// Calls of a member on its last dates. Example, party 7: `000142 00000007`.
pub fn asked_calls(member: MemberId) -> StateKey {
    ASKED_CALLS.key().u32(member.0)
}

/// The last date whose calls are counted. Example: `000143`.
pub fn counted_date() -> StateKey {
    COUNTED_DATE.key()
}

/// What is drawn of a date's calls, by the date's number: 1970-01-01 has 2^31. Example, that date:
/// `000144 0000000080000000`.
pub fn call_draw(date: BusinessDate) -> StateKey {
    CALL_DRAW.key().u64(date.ordinal())
}

/// Which version of the rules is in force. Example: `000145`.
pub fn code_versions() -> StateKey {
    CODE_VERSIONS.key()
}
