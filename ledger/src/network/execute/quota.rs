//! Quota: grants, escrows, charges, rewards, penalties, stakes.
//!
//! # Invariants
//! Balances, escrows and stakes of all parties sum up to minted − burnt. Escrow of a party is what is left of
//! the escrows of its open sessions; its stakes are those of its undecided disputes.

use tacit_circuits::scope::MemberId;

use crate::kernel::context::Context;
use crate::kernel::{Missing, Reject, Stop};
use crate::network::record::Balance;
use crate::network::{keys, read};

/// Mints to a member.
pub(super) fn mint(
    context: &mut Context<'_>,
    member: MemberId,
    amount_minor: u64,
) -> Result<(), Stop> {
    if amount_minor == 0 {
        return Ok(());
    }
    let mut supply = read::supply(context)?;
    let mut balance = read::balance(context, member)?;
    supply.minted_minor = sum(supply.minted_minor, amount_minor)?;
    balance.available_minor = sum(balance.available_minor, amount_minor)?;
    context.put(keys::supply(), &supply);
    context.put(keys::balance(member), &balance);
    Ok(())
}

/// Burns of what a member has available, as far as it goes, and says how much that was.
pub(super) fn burn_up_to(
    context: &mut Context<'_>,
    member: MemberId,
    amount_minor: u64,
) -> Result<u64, Missing> {
    let mut supply = read::supply(context)?;
    let mut balance = read::balance(context, member)?;
    let burnt = amount_minor.min(balance.available_minor);
    // No more is ever burnt than was minted.
    supply.burnt_minor += burnt;
    balance.available_minor -= burnt;
    context.put(keys::supply(), &supply);
    context.put(keys::balance(member), &balance);
    Ok(burnt)
}

/// Puts aside what a session may cost.
pub(super) fn put_into_escrow(
    context: &mut Context<'_>,
    querier: MemberId,
    amount_minor: u32,
) -> Result<(), Stop> {
    let amount = u64::from(amount_minor);
    let mut balance = read::balance(context, querier)?;
    balance.available_minor = balance
        .available_minor
        .checked_sub(amount)
        .ok_or(Reject::QUOTA_EXHAUSTED)?;
    balance.escrowed_minor = sum(balance.escrowed_minor, amount)?;
    context.put(keys::balance(querier), &balance);
    Ok(())
}

/// Pays a provider out of a querier's escrow.
pub(super) fn pay(
    context: &mut Context<'_>,
    querier: MemberId,
    provider: MemberId,
    amount_minor: u32,
) -> Result<(), Stop> {
    let amount = u64::from(amount_minor);
    let mut from = read::balance(context, querier)?;
    take_from_escrow(&mut from, amount);
    context.put(keys::balance(querier), &from);
    let mut to = read::balance(context, provider)?;
    to.available_minor = sum(to.available_minor, amount)?;
    context.put(keys::balance(provider), &to);
    Ok(())
}

/// Returns what a session did not spend.
pub(super) fn return_escrow(
    context: &mut Context<'_>,
    querier: MemberId,
    amount_minor: u32,
) -> Result<(), Missing> {
    let amount = u64::from(amount_minor);
    let mut balance = read::balance(context, querier)?;
    take_from_escrow(&mut balance, amount);
    // What was available once is available again: the sum fitted before it was put aside.
    balance.available_minor += amount;
    context.put(keys::balance(querier), &balance);
    Ok(())
}

/// Puts aside what a dispute may cost its challenger.
pub(super) fn stake(
    context: &mut Context<'_>,
    challenger: MemberId,
    amount_minor: u64,
) -> Result<(), Stop> {
    let mut balance = read::balance(context, challenger)?;
    balance.available_minor = balance
        .available_minor
        .checked_sub(amount_minor)
        .ok_or(Reject::STAKE_NOT_COVERED)?;
    balance.staked_minor = sum(balance.staked_minor, amount_minor)?;
    context.put(keys::balance(challenger), &balance);
    Ok(())
}

/// Returns a stake.
pub(super) fn return_stake(
    context: &mut Context<'_>,
    challenger: MemberId,
    amount_minor: u64,
) -> Result<(), Missing> {
    let mut balance = read::balance(context, challenger)?;
    take_from_stakes(&mut balance, amount_minor);
    balance.available_minor += amount_minor;
    context.put(keys::balance(challenger), &balance);
    Ok(())
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
    let mut balance = read::balance(context, challenger)?;
    take_from_stakes(&mut balance, amount_minor);
    context.put(keys::balance(challenger), &balance);
    divide(context, winner, amount_minor, percent)
}

/// Takes of what `loser` has available, as far as it goes; gives a share of it to `winner` and burns the
/// rest.
pub(super) fn penalise(
    context: &mut Context<'_>,
    loser: MemberId,
    winner: MemberId,
    amount_minor: u64,
    percent: u8,
) -> Result<Payment, Missing> {
    let mut balance = read::balance(context, loser)?;
    let taken = amount_minor.min(balance.available_minor);
    balance.available_minor -= taken;
    context.put(keys::balance(loser), &balance);
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
    let paid_minor = taken_minor * u64::from(percent) / 100;
    let burnt_minor = taken_minor - paid_minor;
    let mut balance = read::balance(context, winner)?;
    let mut supply = read::supply(context)?;
    // All balances together are no more than was minted, and no more is ever burnt.
    balance.available_minor += paid_minor;
    supply.burnt_minor += burnt_minor;
    context.put(keys::balance(winner), &balance);
    context.put(keys::supply(), &supply);
    Ok(Payment {
        paid_minor,
        burnt_minor,
    })
}

fn take_from_stakes(balance: &mut Balance, amount: u64) {
    balance.staked_minor = balance
        .staked_minor
        .checked_sub(amount)
        .expect("a party's stakes are the sum of those of its undecided disputes");
}

fn take_from_escrow(balance: &mut Balance, amount: u64) {
    balance.escrowed_minor = balance
        .escrowed_minor
        .checked_sub(amount)
        .expect("a party's escrow is the sum of what its sessions have left");
}

/// The supply is minted in steps of at most 2^48, so no chain lives long enough to see this refused.
fn sum(a: u64, b: u64) -> Result<u64, Reject> {
    a.checked_add(b).ok_or(Reject::VALUE_OUT_OF_RANGE)
}
