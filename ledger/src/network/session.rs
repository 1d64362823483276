//! Whether a session still takes a request: pure functions over a view of the state.
//!
//! A provider asks [`admission`] before it evaluates anything, with what it has answered and not settled
//! yet; execution asks the same of a batch, with the same refusals, when it is settled.
//!
//! # Life of a session
//! Opened with an escrow under the list's current epoch. Up to its *deadline* requests are answered. Up to
//! the settlement window after its deadline, or after its epoch was superseded if that is earlier, answered
//! requests are settled, in any order, each once, and the provider collects what they charge, as often as
//! it likes. A session that owes nothing ends then, and what is left of its escrow returns. One that owes
//! something stands for the collection window more, for its provider to collect that and for nothing
//! else. A revoked key ends answering and settling at once.

use crate::kernel::context::require;
use crate::kernel::party::{Party, party};
use crate::kernel::{Checked, MemberId, Missing, Reject, StateView, Stop};
use crate::network::read;
use crate::network::record::{EpochRecord, EpochStatus, Session};
use crate::network::request::{Request, SignedRequest};

/// What a provider has answered and the ledger does not know of yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unsettled {
    /// Calls of this session.
    pub session_calls: u32,
    /// Calls of this querier's group to this list, over all of its sessions.
    pub list_calls: u32,
}

/// Whether `provider` may answer a request that passed [`SignedRequest::check`]: what it answers now, on
/// top of what is `unsettled`, will be paid. Answers with the session as it stands.
///
/// # Errors
/// The first that applies of [`Reject::MEMBER_UNKNOWN`], [`Reject::MEMBER_LEFT`],
/// [`Reject::MEMBER_PAUSED`], [`Reject::SESSION_UNKNOWN`], [`Reject::NOT_A_PARTY`], [`Reject::QUERIER_KEY_MISMATCH`],
/// [`Reject::SCOPE_MISMATCH`], [`Reject::PRICE_MISMATCH`], [`Reject::LIST_PAUSED`],
/// [`Reject::EPOCH_UNKNOWN`],
/// [`Reject::KEY_MISMATCH`], [`Reject::EPOCH_REVOKED`], [`Reject::EPOCH_SUPERSEDED`],
/// [`Reject::EPOCH_NOT_ACTIVE`], [`Reject::SESSION_ENDED`], [`Reject::SEQUENCE_SETTLED`],
/// [`Reject::SEQUENCE_TOO_OLD`], [`Reject::SESSION_CAP_REACHED`], [`Reject::DAILY_CAP_REACHED`].
///
/// Whether the escrow covers the charge is for the provider to see, who can open both.
pub fn admission(
    view: &dyn StateView,
    provider: MemberId,
    signed: &SignedRequest,
    unsettled: &Unsettled,
) -> Checked<Session> {
    Stop::checked(admit(view, provider, signed, unsettled))
}

fn admit(
    view: &dyn StateView,
    provider: MemberId,
    signed: &SignedRequest,
    unsettled: &Unsettled,
) -> Result<Session, Stop> {
    let request = &signed.request;
    let querier = party(view, request.querier)?.ok_or(Reject::MEMBER_UNKNOWN)?;
    require(querier.is_active(), Reject::MEMBER_LEFT)?;
    let stopped = read::member_is_paused(view, querier.id)?;
    require(!stopped, Reject::MEMBER_PAUSED)?;
    let session = session_of(view, provider, signed, Some(querier))?;
    let list = read::list(view, request.list)?.ok_or(Reject::LIST_UNKNOWN)?;
    require(!list.is_paused(), Reject::LIST_PAUSED)?;
    let epoch = registered_epoch(view, request)?;
    require(
        !matches!(epoch.status, EpochStatus::Superseded { .. }),
        Reject::EPOCH_SUPERSEDED,
    )?;
    let active = list
        .active
        .is_some_and(|active| active.tag_epoch == request.tag_epoch);
    require(active, Reject::EPOCH_NOT_ACTIVE)?;
    let height = read::clock(view)?.unwrap_or_default().height;
    require(height <= session.deadline_height, Reject::SESSION_ENDED)?;
    check_room(view, &session, request, unsettled)?;
    Ok(session)
}

/// The session of a request to be settled by `sender`, if it can be. The window of a request is wider
/// than at admission; everything else is the same.
pub(crate) fn settlement(
    view: &dyn StateView,
    height: u64,
    sender: MemberId,
    signed: &SignedRequest,
) -> Result<Session, Stop> {
    let request = &signed.request;
    let session = session_of(view, sender, signed, None)?;
    registered_epoch(view, request)?;
    let settles_until = settles_until_height(view, &session)?;
    require(
        settles_until.is_some_and(|last| height <= last),
        Reject::SESSION_ENDED,
    )?;
    check_room(view, &session, request, &Unsettled::default())?;
    Ok(session)
}

/// Last height at which batches of a session settle; `None` when its key was revoked.
pub fn settles_until_height(
    view: &dyn StateView,
    session: &Session,
) -> Result<Option<u64>, Missing> {
    let window = read::parameters(view)?.settlement_window_blocks;
    let epoch = read::epoch(view, session.list, session.tag_epoch)?;
    let last_answer = match epoch.map(|epoch| epoch.status) {
        Some(EpochStatus::Registered | EpochStatus::Current) => session.deadline_height,
        Some(EpochStatus::Superseded { height }) => session.deadline_height.min(height),
        Some(EpochStatus::Revoked { .. }) | None => return Ok(None),
    };
    Ok(Some(last_answer + window))
}

/// Last height at which a session stands for its provider to collect what it owes; `None` when it owes
/// nothing. Counted from the last at which its batches settle, or from the revocation of its key.
pub fn collects_until_height(
    view: &dyn StateView,
    session: &Session,
) -> Result<Option<u64>, Missing> {
    if session.owed_requests == 0 {
        return Ok(None);
    }
    let parameters = read::parameters(view)?;
    let settled_until = match settles_until_height(view, session)? {
        Some(last) => last,
        None => {
            let latest = session.deadline_height + parameters.settlement_window_blocks;
            let epoch = read::epoch(view, session.list, session.tag_epoch)?;
            match epoch.map(|epoch| epoch.status) {
                Some(EpochStatus::Revoked { height }) => height.min(latest),
                _ => return Ok(None),
            }
        }
    };
    Ok(Some(settled_until + parameters.collection_window_blocks))
}

fn session_of(
    view: &dyn StateView,
    asking: MemberId,
    signed: &SignedRequest,
    querier: Option<Party>,
) -> Result<Session, Stop> {
    let request = &signed.request;
    let session = read::session(view, request.session)?.ok_or(Reject::SESSION_UNKNOWN)?;
    let is_party = [session.querier, session.provider].contains(&asking);
    require(is_party, Reject::NOT_A_PARTY)?;
    let querier = match querier {
        Some(querier) => querier,
        None => party(view, session.querier)?.ok_or(Reject::MEMBER_UNKNOWN)?,
    };
    require(
        querier.ledger_key == signed.querier_key,
        Reject::QUERIER_KEY_MISMATCH,
    )?;
    let said = (
        request.querier,
        request.provider,
        request.list,
        request.tag_epoch,
    );
    let opened = (
        session.querier,
        session.provider,
        session.list,
        session.tag_epoch,
    );
    require(said == opened, Reject::SCOPE_MISMATCH)?;
    require(
        request.price_minor == session.price_minor,
        Reject::PRICE_MISMATCH,
    )?;
    Ok(session)
}

fn registered_epoch(view: &dyn StateView, request: &Request) -> Result<EpochRecord, Stop> {
    let epoch = read::epoch(view, request.list, request.tag_epoch)?.ok_or(Reject::EPOCH_UNKNOWN)?;
    require(epoch.key == request.key, Reject::KEY_MISMATCH)?;
    let revoked = matches!(epoch.status, EpochStatus::Revoked { .. });
    require(!revoked, Reject::EPOCH_REVOKED)?;
    Ok(epoch)
}

fn check_room(
    view: &dyn StateView,
    session: &Session,
    request: &Request,
    unsettled: &Unsettled,
) -> Result<(), Stop> {
    session.settled.check(request.sequence)?;
    let calls = request.calls.len() as u64;
    let all_calls = u64::from(session.calls) + u64::from(unsettled.session_calls) + calls;
    require(
        all_calls <= session.cap_calls.into(),
        Reject::SESSION_CAP_REACHED,
    )?;
    let list = read::list(view, session.list)?.ok_or(Reject::LIST_UNKNOWN)?;
    let terms = read::category(view, list.category)?.ok_or(Reject::CATEGORY_UNKNOWN)?;
    let today = read::calls_today(view, session.querier, session.list)?;
    let today = u64::from(today) + u64::from(unsettled.list_calls) + calls;
    require(
        today <= terms.daily_cap_calls.into(),
        Reject::DAILY_CAP_REACHED,
    )?;
    Ok(())
}
