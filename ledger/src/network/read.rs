//! Typed reading of the risk network's records, for front ends and for execution.
//!
//! Every function answers from any [`StateView`]: a block being executed, a map, or what has been
//! fetched so far; in the last case [`Missing`] names all that one round of fetching can bring.
//! Enumerations are bounded by the `MAX_…` of the records.

mod disputes;
mod receipts;
mod supervision;

use tacit_circuits::log::LogFrontier;
use tacit_circuits::quota::transfer::Parties;
use tacit_circuits::quota::{Account, Ciphertext, QuotaPublicKey};
use tacit_circuits::scope::{ListId, ListVersion, MemberId, TagEpoch};

use crate::kernel::codec::BoundedVec;
use crate::kernel::party::{self, Party};
use crate::kernel::state::{self, Missing, StateView};
use crate::network::keys;
use crate::network::parameters::{Category, CategoryId, MAX_CATEGORIES, Parameters};
use crate::network::record::{
    Alarm, Beacon, BeaconOutput, Deposit, EpochRecord, GroupKey, History, List, LogHead,
    MAX_BEACON_OUTPUTS, MAX_LISTED_ALARMS, MAX_LISTS_PER_MEMBER, Member, OpenProposals, Profile,
    Proposal, ProposalId, Publication, PublicationId, RoundId, Session, SessionId, SessionIds,
    SpkiHash, Supply, Usage, Validators,
};

pub use crate::kernel::clock::{clock, utc_offset_minutes};
pub use crate::kernel::party::next_sequence;
pub use disputes::*;
pub use receipts::*;
pub use supervision::*;

/// What [`lists_of`] reads.
pub(crate) type ListIds = BoundedVec<ListId, MAX_LISTS_PER_MEMBER>;

/// What [`categories`] reads.
pub(crate) type Categories = BoundedVec<Category, MAX_CATEGORIES>;

/// The governed parameters.
pub fn parameters(view: &dyn StateView) -> Result<Parameters, Missing> {
    Ok(state::read(view, &keys::parameters())?.unwrap_or_default())
}

/// All categories, in ascending order of their numbers.
pub fn categories(view: &dyn StateView) -> Result<Vec<Category>, Missing> {
    let categories: Option<Categories> = state::read(view, &keys::categories())?;
    Ok(categories.unwrap_or_default().into_vec())
}

/// One category.
pub fn category(view: &dyn StateView, id: CategoryId) -> Result<Option<Category>, Missing> {
    Ok(categories(view)?
        .into_iter()
        .find(|category| category.id == id))
}

/// A party with its profile.
pub fn member(view: &dyn StateView, id: MemberId) -> Result<Option<Member>, Missing> {
    let party = party::party(view, id);
    let profile = state::read(view, &keys::profile(id));
    let validators = validators(view);
    let ((party, profile), validators) = both(both(party, profile), validators)?;
    Ok(party
        .zip(profile)
        .map(|(party, profile)| joined(party, profile, &validators)))
}

/// All parties that ever joined, with their profiles, by number.
pub fn members(view: &dyn StateView) -> Result<Vec<Member>, Missing> {
    let count = party::party_count(view)?;
    let keys: Vec<_> = (1..=count).map(|id| keys::profile(MemberId(id))).collect();
    let profiles = state::read_all::<Profile>(view, &keys);
    let pairs = both(party::parties(view), profiles);
    let ((parties, profiles), validators) = both(pairs, validators(view))?;
    let pairs = parties.into_iter().zip(profiles.into_iter().flatten());
    Ok(pairs
        .map(|(party, profile)| joined(party, profile, &validators))
        .collect())
}

/// Where a party is reached.
pub fn profile(view: &dyn StateView, id: MemberId) -> Result<Option<Profile>, Missing> {
    state::read(view, &keys::profile(id))
}

/// The active party whose present certificate has this key. One that was rotated out is nobody's.
pub fn member_by_certificate(
    view: &dyn StateView,
    spki: &SpkiHash,
) -> Result<Option<Member>, Missing> {
    let Some(id) = state::read::<MemberId>(view, &keys::certificate(spki))? else {
        return Ok(None);
    };
    let member = member(view, id)?;
    Ok(member.filter(|member| member.is_active() && member.profile.tls_spki_hash == *spki))
}

/// The validators, by number of member. Consensus takes the set of its next epoch from here.
pub fn validators(view: &dyn StateView) -> Result<Validators, Missing> {
    Ok(state::read(view, &keys::validators())?.unwrap_or_default())
}

/// A member's deposit.
pub fn deposit(view: &dyn StateView, id: MemberId) -> Result<Deposit, Missing> {
    Ok(state::read(view, &keys::deposit(id))?.unwrap_or_default())
}

/// A member's confidential quota.
pub fn account(view: &dyn StateView, id: MemberId) -> Result<Account, Missing> {
    let account = state::read(view, &keys::account(id))?;
    Ok(account.unwrap_or_else(Account::empty))
}

/// What is left of the escrow of a session, for its querier, its provider and the supervisor.
pub fn escrow(view: &dyn StateView, session: SessionId) -> Result<Ciphertext<3>, Missing> {
    let escrow = state::read(view, &keys::escrow(session))?;
    Ok(escrow.unwrap_or_else(Ciphertext::zero))
}

/// The key to which a party's amounts are sealed.
pub fn quota_key(view: &dyn StateView, id: MemberId) -> Result<Option<QuotaPublicKey>, Missing> {
    state::read(view, &keys::quota_key(id))
}

/// How many sessions with a member's lists are open.
pub fn served_sessions(view: &dyn StateView, provider: MemberId) -> Result<u32, Missing> {
    Ok(state::read(view, &keys::served_sessions(provider))?.unwrap_or(0))
}

/// The key to which all amounts are sealed too: the supervisor's, or nobody's.
pub fn supervisor_key(view: &dyn StateView) -> Result<QuotaPublicKey, Missing> {
    let key = state::read(view, &keys::supervisor_key())?;
    Ok(key.unwrap_or_else(QuotaPublicKey::nobody))
}

/// The keys to which the amounts of a querier's sessions with a provider are sealed. `None` where one of
/// them is no party.
pub fn quota_parties(
    view: &dyn StateView,
    querier: MemberId,
    provider: MemberId,
) -> Result<Option<Parties>, Missing> {
    let keys = both(quota_key(view, querier), quota_key(view, provider));
    let ((querier, provider), supervisor) = both(keys, supervisor_key(view))?;
    let keys = querier.zip(provider);
    Ok(keys.map(|(querier, provider)| [querier, provider, supervisor]))
}

/// Quota minted, burnt and deposited so far.
pub fn supply(view: &dyn StateView) -> Result<Supply, Missing> {
    Ok(state::read(view, &keys::supply())?.unwrap_or_default())
}

/// What a party asked and served so far.
pub fn history(view: &dyn StateView, id: MemberId) -> Result<History, Missing> {
    Ok(state::read(view, &keys::history(id))?.unwrap_or_default())
}

/// A list.
pub fn list(view: &dyn StateView, id: ListId) -> Result<Option<List>, Missing> {
    state::read(view, &keys::list(id))
}

/// How many lists there are; they are numbered from 1 to this.
pub fn list_count(view: &dyn StateView) -> Result<u32, Missing> {
    Ok(state::read(view, &keys::list_count())?.unwrap_or(0))
}

/// All lists, withdrawn ones included, by number.
pub fn lists(view: &dyn StateView) -> Result<Vec<List>, Missing> {
    lists_numbered(view, (1..=list_count(view)?).map(ListId))
}

/// The lists of a member, withdrawn ones included, by number.
pub fn lists_of(view: &dyn StateView, owner: MemberId) -> Result<Vec<List>, Missing> {
    let ids: ListIds = state::read(view, &keys::lists_of(owner))?.unwrap_or_default();
    lists_numbered(view, ids.into_vec())
}

/// The standing lists of a category, by number.
pub fn lists_in(view: &dyn StateView, category: CategoryId) -> Result<Vec<List>, Missing> {
    let mut lists = lists(view)?;
    lists.retain(|list| list.category == category && list.is_standing());
    Ok(lists)
}

/// A tag epoch.
pub fn epoch(
    view: &dyn StateView,
    list: ListId,
    tag_epoch: TagEpoch,
) -> Result<Option<EpochRecord>, Missing> {
    state::read(view, &keys::epoch(list, tag_epoch))
}

/// A publication.
pub fn publication(
    view: &dyn StateView,
    id: PublicationId,
) -> Result<Option<Publication>, Missing> {
    state::read(view, &keys::publication(id))
}

/// The versions of an epoch from `first` on, in their order.
pub fn versions_from(
    view: &dyn StateView,
    list: ListId,
    tag_epoch: TagEpoch,
    first: ListVersion,
) -> Result<Vec<Publication>, Missing> {
    let versions = epoch(view, list, tag_epoch)?.map_or(0, |epoch| epoch.versions);
    let places: Vec<_> = (first.0..versions)
        .map(|version| PublicationId {
            list,
            tag_epoch,
            version: ListVersion(version),
        })
        .map(keys::publication)
        .collect();
    let found = state::read_all(view, &places)?;
    Ok(found.into_iter().flatten().collect())
}

/// The publication against which calls to a list are answered now.
pub fn active_publication(
    view: &dyn StateView,
    list: ListId,
) -> Result<Option<Publication>, Missing> {
    match self::list(view, list)?.and_then(|list| list.active) {
        Some(id) => publication(view, id),
        None => Ok(None),
    }
}

/// The active publications of all standing lists, by number of list.
pub fn active_publications(view: &dyn StateView) -> Result<Vec<(List, Publication)>, Missing> {
    let mut active = lists(view)?;
    active.retain(|list| list.is_standing() && list.active.is_some());
    let keys: Vec<_> = active
        .iter()
        .filter_map(|list| list.active.map(keys::publication))
        .collect();
    let publications = state::read_all::<Publication>(view, &keys)?;
    let pairs = active.into_iter().zip(publications);
    Ok(pairs
        .filter_map(|(list, publication)| Some((list, publication?)))
        .collect())
}

/// How many alarms were raised so far.
pub fn alarm_count(view: &dyn StateView) -> Result<u64, Missing> {
    Ok(state::read(view, &keys::alarm_count())?.unwrap_or(0))
}

/// The latest alarms, newest first: at most `limit`, and at most [`MAX_LISTED_ALARMS`].
pub fn alarms(view: &dyn StateView, limit: u64) -> Result<Vec<Alarm>, Missing> {
    let count = alarm_count(view)?;
    let oldest = count.saturating_sub(limit.min(MAX_LISTED_ALARMS));
    let places = (oldest..count)
        .rev()
        .map(|number| number % MAX_LISTED_ALARMS);
    let keys: Vec<_> = places.map(keys::alarm).collect();
    Ok(state::read_all(view, &keys)?
        .into_iter()
        .flatten()
        .collect())
}

/// An open session.
pub fn session(view: &dyn StateView, id: SessionId) -> Result<Option<Session>, Missing> {
    state::read(view, &keys::session(id))
}

/// The open sessions of a member with a list, in the order of opening.
pub fn sessions(
    view: &dyn StateView,
    querier: MemberId,
    list: ListId,
) -> Result<Vec<Session>, Missing> {
    let ids: SessionIds = state::read(view, &keys::sessions(querier, list))?.unwrap_or_default();
    sessions_numbered(view, ids.into_vec())
}

/// All open sessions of a member, by list and in the order of opening.
pub fn sessions_of(view: &dyn StateView, querier: MemberId) -> Result<Vec<Session>, Missing> {
    let keys: Vec<_> = (1..=list_count(view)?)
        .map(|list| keys::sessions(querier, ListId(list)))
        .collect();
    let ids = state::read_all::<SessionIds>(view, &keys)?;
    sessions_numbered(
        view,
        ids.into_iter().flatten().flat_map(SessionIds::into_vec),
    )
}

/// All open sessions with a list, by querier and in the order of opening.
pub fn sessions_with(view: &dyn StateView, list: ListId) -> Result<Vec<Session>, Missing> {
    let keys: Vec<_> = (1..=party::party_count(view)?)
        .map(|querier| keys::sessions(MemberId(querier), list))
        .collect();
    let ids = state::read_all::<SessionIds>(view, &keys)?;
    sessions_numbered(
        view,
        ids.into_iter().flatten().flat_map(SessionIds::into_vec),
    )
}

/// Calls of a member's whole group to a list on the ledger's present business date.
pub fn calls_today(view: &dyn StateView, querier: MemberId, list: ListId) -> Result<u32, Missing> {
    let usage = state::read::<Usage>(view, &keys::usage(list));
    let party = party::party(view, querier);
    let ((usage, party), clock) = both(both(usage, party), clock(view))?;
    let today = clock.unwrap_or_default().business_date;
    Ok(usage.zip(party).map_or(0, |(usage, party)| {
        usage.on(today, GroupKey::of(&party.group))
    }))
}

/// Root and length of the network's log as of the last block that logged calls; `None` before the first.
pub fn log_head(view: &dyn StateView) -> Result<Option<LogHead>, Missing> {
    state::read(view, &keys::log_head())
}

/// The right edge of the network's log: enough to append to it, and to start a full tree from.
pub fn log_frontier(view: &dyn StateView) -> Result<LogFrontier, Missing> {
    Ok(state::read(view, &keys::log_frontier())?.unwrap_or_default())
}

/// Whether the members stopped a member.
pub fn member_is_paused(view: &dyn StateView, member: MemberId) -> Result<bool, Missing> {
    let since: Option<u64> = state::read(view, &keys::paused_member(member))?;
    Ok(since.is_some())
}

/// How the beacon stands.
pub fn beacon(view: &dyn StateView) -> Result<Beacon, Missing> {
    Ok(state::read(view, &keys::beacon())?.unwrap_or_default())
}

/// What a round of the beacon gave, if it has and stays recorded.
pub fn beacon_output(
    view: &dyn StateView,
    round: RoundId,
) -> Result<Option<BeaconOutput>, Missing> {
    let key = keys::beacon_output(round.0 % MAX_BEACON_OUTPUTS);
    let kept: Option<BeaconOutput> = state::read(view, &key)?;
    Ok(kept.filter(|kept| kept.round == round))
}

/// A proposal.
pub fn proposal(view: &dyn StateView, id: ProposalId) -> Result<Option<Proposal>, Missing> {
    state::read(view, &keys::proposal(id))
}

/// How many proposals were made so far; they are numbered from 1 to this.
pub fn proposal_count(view: &dyn StateView) -> Result<u64, Missing> {
    Ok(state::read(view, &keys::proposal_count())?.unwrap_or(0))
}

/// The proposals that can be voted on, in the order of proposing.
pub fn open_proposals(view: &dyn StateView) -> Result<Vec<Proposal>, Missing> {
    let ids: OpenProposals = state::read(view, &keys::open_proposals())?.unwrap_or_default();
    let keys: Vec<_> = ids.iter().map(|id| keys::proposal(*id)).collect();
    Ok(state::read_all(view, &keys)?
        .into_iter()
        .flatten()
        .collect())
}

fn joined(party: Party, profile: Profile, validators: &Validators) -> Member {
    let validates = validators
        .iter()
        .any(|validator| validator.member == party.id);
    Member::new(party, profile, validates)
}

fn lists_numbered(
    view: &dyn StateView,
    ids: impl IntoIterator<Item = ListId>,
) -> Result<Vec<List>, Missing> {
    let keys: Vec<_> = ids.into_iter().map(keys::list).collect();
    Ok(state::read_all(view, &keys)?
        .into_iter()
        .flatten()
        .collect())
}

fn sessions_numbered(
    view: &dyn StateView,
    ids: impl IntoIterator<Item = SessionId>,
) -> Result<Vec<Session>, Missing> {
    let keys: Vec<_> = ids.into_iter().map(keys::session).collect();
    Ok(state::read_all(view, &keys)?
        .into_iter()
        .flatten()
        .collect())
}

/// Both answers, or all keys that either misses.
pub(crate) fn both<A, B>(a: Result<A, Missing>, b: Result<B, Missing>) -> Result<(A, B), Missing> {
    match (a, b) {
        (Ok(a), Ok(b)) => Ok((a, b)),
        (Err(a), Err(b)) => Err(a.and(b)),
        (Err(missing), Ok(_)) | (Ok(_), Err(missing)) => Err(missing),
    }
}
