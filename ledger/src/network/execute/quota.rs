//! Quota: grants, escrows, charges, rewards; deposits, penalties, stakes.
//!
//! # Invariants
//! Commitments of all accounts and escrows sum up to (minted − burnt − deposited)·G, and what is deposited is
//! the sum of all deposits. Both sums are kept where records are written, from what they said before and
//! say now, so that no operation's own arithmetic is trusted; [`end_block`] compares. Stakes of a party
//! are those of its undecided disputes.

use tacit_circuits::quota::transfer::{self, Kind, Statement, Transfer};
use tacit_circuits::quota::{
    Account, AccountError, BurnProof, BurnStatement, Ciphertext, Element, Equation, KeyChange,
    OWNER, QuotaPublicKey, SupplyCheck,
};
use tacit_circuits::scope::MemberId;

use crate::kernel::context::{Context, require};
use crate::kernel::party::Party;
use crate::kernel::{Missing, Reject, Stop, state};
use crate::network::action::Opening;
use crate::network::event::Event;
use crate::network::execute::require_member;
use crate::network::quota::{
    collection_context, deposit_context, escrow_context, key_change_statement, source_of_charges,
};
use crate::network::record::{Deposit, Session, SessionId};
use crate::network::{keys, read};

/// Registers the key to which a party's amounts are sealed.
pub(super) fn register(context: &mut Context<'_>, party: MemberId, key: &QuotaPublicKey) {
    context.put(keys::quota_key(party), key);
}

/// Mints a welcome grant: the governed deposit first, the rest into the account.
pub(super) fn welcome(context: &mut Context<'_>, member: MemberId) -> Result<(), Stop> {
    let parameters = read::parameters(context)?;
    let amount_minor = parameters.welcome_grant_minor;
    let deposited_minor = amount_minor.min(parameters.deposit_minor);
    mint(context, member, amount_minor)?;
    if deposited_minor > 0 {
        let before = read::account(context, member)?;
        let mut after = before;
        after.granted_minor -= deposited_minor;
        put_account(context, member, &before, &after)?;
        change_deposit(context, member, |deposit| {
            deposit.free_minor += deposited_minor;
        })?;
    }
    context.emit(&Event::Granted {
        member,
        amount_minor,
        deposited_minor,
    });
    Ok(())
}

/// Mints to a member's account.
fn mint(context: &mut Context<'_>, member: MemberId, amount_minor: u64) -> Result<(), Stop> {
    if amount_minor == 0 {
        return Ok(());
    }
    let mut supply = read::supply(context)?;
    // The supply is minted in steps of at most 2^48, so no chain lives long enough to see this refused.
    let minted = supply.minted_minor.checked_add(amount_minor);
    supply.minted_minor = minted.ok_or(Reject::VALUE_OUT_OF_RANGE)?;
    context.put(keys::supply(), &supply);
    grant(context, member, amount_minor)
}

/// Adds a public amount to what waits in a member's account.
fn grant(context: &mut Context<'_>, member: MemberId, amount_minor: u64) -> Result<(), Stop> {
    let before = read::account(context, member)?;
    let mut after = before;
    after.grant(amount_minor).map_err(reject)?;
    Ok(put_account(context, member, &before, &after)?)
}

/// Puts the escrows of sessions aside, as proven one out of what the one before left, and answers with
/// them.
pub(super) fn put_into_escrow(
    context: &mut Context<'_>,
    querier: MemberId,
    sessions: &[(SessionId, MemberId, &Opening)],
) -> Result<(), Stop> {
    let chain_id = context.chain_id();
    expect(context, sessions)?;
    let before = read::account(context, querier)?;
    let mut after = before;
    let mut equations = Vec::with_capacity(sessions.len());
    for (_, provider, opening) in sessions {
        let parties = read::quota_parties(context, querier, *provider)?;
        let parties = parties.ok_or(Reject::MEMBER_UNKNOWN)?;
        let Transfer { amount, proof } = transfer_of(Kind::Open, &opening.escrow)?;
        let statement = Statement {
            kind: Kind::Open,
            context: escrow_context(chain_id, querier, &opening.terms),
            parties: &parties,
            source: &after.available.select([OWNER]),
            amount: &amount,
        };
        equations.push(transfer::equation(&statement, &proof));
        after.open(&amount).map_err(reject)?;
    }
    verify(&equations)?;
    for (session, _, opening) in sessions {
        let escrow = transfer_of(Kind::Open, &opening.escrow)?.amount;
        put_escrow(context, *session, Some(&escrow))?;
    }
    Ok(put_account(context, querier, &before, &after)?)
}

/// Reads what depends on the sessions, so that what is missing is fetched in one round for all of them.
fn expect(
    context: &Context<'_>,
    sessions: &[(SessionId, MemberId, &Opening)],
) -> Result<(), Missing> {
    let escrows: Vec<_> = sessions.iter().map(|(id, ..)| keys::escrow(*id)).collect();
    let providers = sessions.iter().map(|(_, provider, _)| provider);
    let quota_keys: Vec<_> = providers.clone().map(|id| keys::quota_key(*id)).collect();
    let served: Vec<_> = providers.map(|id| keys::served_sessions(*id)).collect();
    let escrows = state::read_all::<Ciphertext<3>>(context, &escrows);
    let quota_keys = state::read_all::<QuotaPublicKey>(context, &quota_keys);
    let served = state::read_all::<u32>(context, &served);
    read::both(read::both(escrows, quota_keys), served).map(drop)
}

/// The amount of a transfer that is canonical.
pub(super) fn transfer_of(kind: Kind, bytes: &[u8]) -> Result<Transfer, Reject> {
    Transfer::from_bytes(kind, bytes).map_err(|_| Reject::TRANSFER_ENCODING_INVALID)
}

/// Pays a provider what a session owes it, as proven, with a reward; answers with the confidential part.
pub(super) fn collect(
    context: &mut Context<'_>,
    session: &Session,
    charge: &[u8],
    reward_minor: u64,
) -> Result<Ciphertext<3>, Stop> {
    let parties = read::quota_parties(context, session.querier, session.provider)?;
    let parties = parties.ok_or(Reject::MEMBER_UNKNOWN)?;
    let escrow = read::escrow(context, session.id)?;
    let Transfer { amount, proof } = transfer_of(Kind::Settle, charge)?;
    let statement = Statement {
        kind: Kind::Settle,
        context: collection_context(context.chain_id(), session.id, session.owed_requests),
        parties: &parties,
        source: &source_of_charges(session, &escrow),
        amount: &amount,
    };
    require(amount.commitment == session.owed, Reject::CHARGE_MISMATCH)?;
    let before = read::account(context, session.provider)?;
    let mut after = before;
    after.receive(&amount).map_err(reject)?;
    verify(&[transfer::equation(&statement, &proof)])?;
    let public_minor = session.owed_public_minor();
    after.grant(public_minor).map_err(reject)?;
    let left = escrow.minus_public(public_minor).minus(&amount);
    put_escrow(context, session.id, Some(&left))?;
    put_account(context, session.provider, &before, &after)?;
    mint(context, session.provider, reward_minor)?;
    Ok(amount)
}

/// Returns what a session did not spend, and answers with it.
pub(super) fn return_escrow(
    context: &mut Context<'_>,
    session: &Session,
) -> Result<Ciphertext<3>, Missing> {
    let escrow = read::escrow(context, session.id)?;
    let before = read::account(context, session.querier)?;
    let mut after = before;
    after.take_back(&escrow);
    put_escrow(context, session.id, None)?;
    put_account(context, session.querier, &before, &after)?;
    Ok(escrow)
}

/// Makes available what waits.
pub(super) fn roll_over(context: &mut Context<'_>, sender: &Party) -> Result<(), Stop> {
    require_member(sender)?;
    let before = read::account(context, sender.id)?;
    let waits = before.additions > 0 || before.granted_minor > 0;
    require(waits, Reject::NOTHING_WAITS)?;
    let mut after = before;
    after.roll_over();
    put_account(context, sender.id, &before, &after)?;
    context.emit(&Event::RolledOver {
        member: sender.id,
        granted_minor: before.granted_minor,
    });
    Ok(())
}

/// Puts quota from the sender's account into its deposit.
pub(super) fn deposit(
    context: &mut Context<'_>,
    sender: &Party,
    amount_minor: u64,
    proof: &[u8],
) -> Result<(), Stop> {
    require_member(sender)?;
    let key = read::quota_key(context, sender.id)?.ok_or(Reject::MEMBER_UNKNOWN)?;
    let before = read::account(context, sender.id)?;
    let proof = burn_of(proof)?;
    let equation = proof.equation(&BurnStatement {
        context: deposit_context(context.chain_id(), sender.id, amount_minor),
        key: &key,
        source: &before.available.select([OWNER]),
        amount_minor,
    });
    verify(&[equation])?;
    let mut after = before;
    after.burn(amount_minor);
    put_account(context, sender.id, &before, &after)?;
    // No more is deposited than was ever minted.
    change_deposit(context, sender.id, |deposit| {
        deposit.free_minor += amount_minor;
    })?;
    context.emit(&Event::Deposited {
        member: sender.id,
        amount_minor,
    });
    Ok(())
}

/// A proof of a deposit that is canonical.
pub(super) fn burn_of(bytes: &[u8]) -> Result<BurnProof, Reject> {
    BurnProof::from_bytes(bytes).map_err(|_| Reject::TRANSFER_ENCODING_INVALID)
}

/// Seals the sender's account to another key, as proven.
///
/// Escrows are sealed to the keys of the time of their opening, and every proof about one takes them: so no session
/// of the sender's, on either side, is open. Whatever its sessions owed is then collected or returned.
pub(super) fn change_key(
    context: &mut Context<'_>,
    sender: &Party,
    new: &QuotaPublicKey,
    change: &[u8],
) -> Result<(), Stop> {
    require_member(sender)?;
    let old = read::quota_key(context, sender.id)?.ok_or(Reject::MEMBER_UNKNOWN)?;
    let before = read::account(context, sender.id)?;
    let served = read::served_sessions(context, sender.id)?;
    require(old != *new, Reject::QUOTA_KEY_UNCHANGED)?;
    require(
        before.sessions == 0 && served == 0,
        Reject::QUOTA_KEY_IN_USE,
    )?;
    let change = key_change_of(change)?;
    let chain_id = context.chain_id();
    let statement = key_change_statement(chain_id, sender.id, &before, &old, new);
    verify(&[change.equation(&statement)])?;
    let mut after = before;
    after.replace_handles(OWNER, change.handles);
    put_account(context, sender.id, &before, &after)?;
    context.put(keys::quota_key(sender.id), new);
    context.emit(&Event::QuotaKeyChanged {
        member: sender.id,
        former: old,
        key: *new,
    });
    Ok(())
}

/// A change of key that is canonical.
pub(super) fn key_change_of(bytes: &[u8]) -> Result<KeyChange, Reject> {
    let bytes = <&[u8; KeyChange::BYTES]>::try_from(bytes);
    let bytes = bytes.map_err(|_| Reject::TRANSFER_ENCODING_INVALID)?;
    KeyChange::from_bytes(bytes).map_err(|_| Reject::TRANSFER_ENCODING_INVALID)
}

/// Counts one more session, or one less, that is open with a member's lists.
pub(super) fn count_served(
    context: &mut Context<'_>,
    provider: MemberId,
    opened: bool,
) -> Result<(), Missing> {
    let key = keys::served_sessions(provider);
    let before = read::served_sessions(context, provider)?;
    // A member has 64 with each list at most, so that the count fits.
    let after = if opened {
        before + 1
    } else {
        let ended = before.checked_sub(1);
        ended.expect("a session that ends was counted when it was opened")
    };
    match after {
        0 => context.remove(key),
        after => context.put(key, &after),
    }
    Ok(())
}

/// Takes quota out of the sender's deposit.
pub(super) fn withdraw(
    context: &mut Context<'_>,
    sender: &Party,
    amount_minor: u64,
) -> Result<(), Stop> {
    require_member(sender)?;
    let deposit = read::deposit(context, sender.id)?;
    let kept = read::parameters(context)?.deposit_minor;
    let spare = deposit.total_minor().saturating_sub(kept);
    let covered = amount_minor <= spare.min(deposit.free_minor);
    require(covered, Reject::DEPOSIT_EXCEEDED)?;
    change_deposit(context, sender.id, |deposit| {
        deposit.free_minor -= amount_minor;
    })?;
    grant(context, sender.id, amount_minor)?;
    context.emit(&Event::Withdrawn {
        member: sender.id,
        amount_minor,
    });
    Ok(())
}

/// Refuses a member whose deposit is too low for what it wants.
pub(super) fn require_deposit(context: &Context<'_>, member: MemberId) -> Result<(), Stop> {
    let deposit = read::deposit(context, member)?;
    let governed = read::parameters(context)?.deposit_minor;
    Ok(require(
        deposit.total_minor() >= governed,
        Reject::DEPOSIT_TOO_LOW,
    )?)
}

/// Burns of a member's free deposit, as far as it goes, and says how much that was.
pub(super) fn burn_up_to(
    context: &mut Context<'_>,
    member: MemberId,
    amount_minor: u64,
) -> Result<u64, Missing> {
    let burnt = take_up_to(context, member, amount_minor)?;
    burn(context, burnt)?;
    Ok(burnt)
}

/// Puts aside what a dispute may cost its challenger.
pub(super) fn stake(
    context: &mut Context<'_>,
    challenger: MemberId,
    amount_minor: u64,
) -> Result<(), Stop> {
    let deposit = read::deposit(context, challenger)?;
    let covered = deposit.free_minor >= amount_minor;
    require(covered, Reject::STAKE_NOT_COVERED)?;
    Ok(change_deposit(context, challenger, |deposit| {
        deposit.free_minor -= amount_minor;
        deposit.staked_minor += amount_minor;
    })?)
}

/// Returns a stake.
pub(super) fn return_stake(
    context: &mut Context<'_>,
    challenger: MemberId,
    amount_minor: u64,
) -> Result<(), Missing> {
    change_deposit(context, challenger, |deposit| {
        take_from_stakes(deposit, amount_minor);
        deposit.free_minor += amount_minor;
    })
}

/// What a loser paid, in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Payment {
    /// To the other party.
    pub(super) paid_minor: u64,
    /// To nobody.
    pub(super) burnt_minor: u64,
}

/// Gives a share of a lost stake to `winner` and burns the rest.
pub(super) fn forfeit_stake(
    context: &mut Context<'_>,
    challenger: MemberId,
    winner: MemberId,
    amount_minor: u64,
    percent: u8,
) -> Result<Payment, Missing> {
    change_deposit(context, challenger, |deposit| {
        take_from_stakes(deposit, amount_minor);
    })?;
    divide(context, winner, amount_minor, percent)
}

/// Takes of a loser's free deposit, as far as it goes; gives a share of it to `winner` and burns the rest.
pub(super) fn penalise(
    context: &mut Context<'_>,
    loser: MemberId,
    winner: MemberId,
    amount_minor: u64,
    percent: u8,
) -> Result<Payment, Missing> {
    let taken = take_up_to(context, loser, amount_minor)?;
    divide(context, winner, taken, percent)
}

/// Gives a share of what was taken to `winner` and burns the rest. Rounding is burnt.
fn divide(
    context: &mut Context<'_>,
    winner: MemberId,
    taken_minor: u64,
    percent: u8,
) -> Result<Payment, Missing> {
    // Stakes and penalties are at most 2^48.
    let share_minor = taken_minor * u64::from(percent) / 100;
    // What waits in an account is part of the supply, and so is its sum with what was taken.
    let paid_minor = match Stop::checked(grant(context, winner, share_minor))? {
        Ok(()) => share_minor,
        Err(_) => 0,
    };
    let burnt_minor = taken_minor - paid_minor;
    burn(context, burnt_minor)?;
    Ok(Payment {
        paid_minor,
        burnt_minor,
    })
}

fn burn(context: &mut Context<'_>, amount_minor: u64) -> Result<(), Missing> {
    let mut supply = read::supply(context)?;
    // No more is ever burnt than was minted.
    supply.burnt_minor += amount_minor;
    context.put(keys::supply(), &supply);
    Ok(())
}

fn take_up_to(
    context: &mut Context<'_>,
    member: MemberId,
    amount_minor: u64,
) -> Result<u64, Missing> {
    let taken = amount_minor.min(read::deposit(context, member)?.free_minor);
    change_deposit(context, member, |deposit| deposit.free_minor -= taken)?;
    Ok(taken)
}

fn take_from_stakes(deposit: &mut Deposit, amount: u64) {
    deposit.staked_minor = deposit
        .staked_minor
        .checked_sub(amount)
        .expect("a party's stakes are the sum of those of its undecided disputes");
}

/// Writes a deposit, and the sum of all deposits with it.
fn change_deposit(
    context: &mut Context<'_>,
    member: MemberId,
    change: impl FnOnce(&mut Deposit),
) -> Result<(), Missing> {
    let before = read::deposit(context, member)?;
    let mut supply = read::supply(context)?;
    let mut after = before;
    change(&mut after);
    supply.deposited_minor = supply.deposited_minor - before.total_minor() + after.total_minor();
    context.put(keys::deposit(member), &after);
    context.put(keys::supply(), &supply);
    Ok(())
}

/// Writes an account, and the sum of all commitments with it.
fn put_account(
    context: &mut Context<'_>,
    member: MemberId,
    before: &Account,
    after: &Account,
) -> Result<(), Missing> {
    add_up(context, &before.total(), &after.total())?;
    context.put(keys::account(member), after);
    Ok(())
}

/// Writes the escrow of a session or removes it, and the sum of all commitments with it.
fn put_escrow(
    context: &mut Context<'_>,
    session: SessionId,
    after: Option<&Ciphertext<3>>,
) -> Result<(), Missing> {
    let before = read::escrow(context, session)?;
    let now = after.map_or_else(Element::identity, |escrow| escrow.commitment);
    add_up(context, &before.commitment, &now)?;
    match after {
        Some(escrow) => context.put(keys::escrow(session), escrow),
        None => context.remove(keys::escrow(session)),
    }
    Ok(())
}

fn add_up(context: &mut Context<'_>, before: &Element, after: &Element) -> Result<(), Missing> {
    let mut sum: SupplyCheck = context.read(&keys::quota_sum())?.unwrap_or_default();
    sum.replace(before, after);
    context.put(keys::quota_sum(), &sum);
    Ok(())
}

/// Compares the sum of all commitments with the supply.
///
/// # Panics
/// If they differ: quota was made out of nothing or lost, and the ledger must not go on.
pub(super) fn end_block(context: &mut Context<'_>) -> Result<(), Missing> {
    let changed = [keys::quota_sum(), keys::supply()];
    if !changed.iter().any(|key| context.written_in_block(key)) {
        return Ok(());
    }
    let sum: SupplyCheck = context.read(&keys::quota_sum())?.unwrap_or_default();
    let supply = read::supply(context)?;
    assert!(
        sum.holds(supply.confidential_minor()),
        "the books of quota do not balance at height {}",
        context.height()
    );
    Ok(())
}

fn verify(equations: &[Equation]) -> Result<(), Reject> {
    tacit_circuits::quota::verify_batch(equations).map_err(|_| Reject::TRANSFER_INVALID)
}

fn reject(error: AccountError) -> Reject {
    match error {
        AccountError::PendingFull => Reject::PENDING_FULL,
        AccountError::Overflow => Reject::VALUE_OUT_OF_RANGE,
    }
}
