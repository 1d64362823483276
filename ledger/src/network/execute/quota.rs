//! Quota: grants, escrows, charges, rewards, penalties.
//!
//! # Invariants
//! Balances and escrows of all parties sum up to minted − burnt. Escrow of a party is what is left of the
//! escrows of its open sessions.

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
