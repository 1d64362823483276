//! Rounds of the beacon: opened when somebody waits for one, closed with an output or gone through again.

use crate::kernel::codec::BoundedVec;
use crate::kernel::context::{Context, require};
use crate::kernel::hash::Digest;
use crate::kernel::party::Party;
use crate::kernel::{Missing, Reject, Stop};
use crate::network::event::Event;
use crate::network::execute::{Due, quota};
use crate::network::record::{
    Attempt, Beacon, BeaconOutput, BeaconValue, MAX_BEACON_OUTPUTS, Round, RoundId, Share,
};
use crate::network::{attestations_needed, keys, read};

/// Longest time between two looks for an output: far below the one for which outputs stay recorded, and a
/// small part of a day.
const MAX_PATIENCE_BLOCKS: u64 = 600;

/// After how many blocks a round that opens now is over at the latest, if it gives an output at once.
pub(super) fn patience(context: &Context<'_>) -> Result<u64, Missing> {
    let window = read::parameters(context)?.beacon_window_blocks;
    Ok((2 * window + 1).min(MAX_PATIENCE_BLOCKS))
}

/// The round whose output may decide about what is said in this step: the next to open, or one that opens
/// in this very block. Nobody has committed to anything in it, so nobody can say what suits the output.
pub(super) fn request(context: &mut Context<'_>) -> Result<RoundId, Missing> {
    let mut beacon = read::beacon(context)?;
    let height = context.height();
    match &beacon.open {
        None => {
            let round = RoundId(beacon.last.0 + 1);
            open(context, beacon, Attempt { round, number: 0 })?;
            Ok(round)
        }
        Some(open) if open.opened_height == height && open.attempt.number == 0 => {
            Ok(open.attempt.round)
        }
        Some(open) => {
            let round = RoundId(open.attempt.round.0 + 1);
            beacon.wanted = true;
            context.put(keys::beacon(), &beacon);
            Ok(round)
        }
    }
}

fn open(context: &mut Context<'_>, mut beacon: Beacon, attempt: Attempt) -> Result<(), Missing> {
    let window = read::parameters(context)?.beacon_window_blocks;
    let validators = read::validators(context)?;
    let shares = validators.iter().map(|validator| Share {
        member: validator.member,
        commitment: None,
        value: None,
    });
    let opened_height = context.height();
    let round = Round {
        attempt,
        opened_height,
        commit_until: opened_height + window,
        reveal_until: opened_height + 2 * window,
        shares: BoundedVec::try_from(shares.collect::<Vec<_>>()).expect("one per validator"),
    };
    context.due_at(round.reveal_until + 1, &Due::BeaconClose(attempt))?;
    beacon.open = Some(round);
    context.put(keys::beacon(), &beacon);
    context.emit(&Event::BeaconOpened { attempt });
    Ok(())
}

/// Takes a validator's commitment.
pub(super) fn commit(
    context: &mut Context<'_>,
    sender: &Party,
    attempt: Attempt,
    commitment: Digest,
) -> Result<(), Stop> {
    let height = context.height();
    let (mut beacon, mut round) = opened(context, attempt)?;
    let share = own_share(&mut round, sender)?;
    require(share.commitment.is_none(), Reject::BEACON_COMMITTED)?;
    share.commitment = Some(commitment);
    require(round.takes_commitments(height), Reject::BEACON_NOT_NOW)?;

    // With the last one there is nothing more to wait for.
    if round.shares.iter().all(|share| share.commitment.is_some()) {
        round.commit_until = height;
    }
    beacon.open = Some(round);
    context.put(keys::beacon(), &beacon);
    Ok(())
}

/// Takes the value that a validator committed to.
pub(super) fn reveal(
    context: &mut Context<'_>,
    sender: &Party,
    attempt: Attempt,
    value: BeaconValue,
) -> Result<(), Stop> {
    let (chain_id, height) = (context.chain_id(), context.height());
    let (mut beacon, mut round) = opened(context, attempt)?;
    let share = own_share(&mut round, sender)?;
    let commitment = share.commitment.ok_or(Reject::BEACON_NOT_COMMITTED)?;
    let matches = attempt.commitment(chain_id, sender.id, &value) == commitment;
    require(matches, Reject::BEACON_VALUE_WRONG)?;
    require(share.value.is_none(), Reject::BEACON_REVEALED)?;
    share.value = Some(value);
    require(round.takes_values(height), Reject::BEACON_NOT_NOW)?;

    let waits = |share: &Share| share.commitment.is_some() && share.value.is_none();
    if round.shares.iter().any(waits) {
        beacon.open = Some(round);
        context.put(keys::beacon(), &beacon);
        Ok(())
    } else {
        Ok(close(context, beacon, round)?)
    }
}

fn opened(context: &Context<'_>, attempt: Attempt) -> Result<(Beacon, Round), Stop> {
    let mut beacon = read::beacon(context)?;
    let open = beacon.open.take();
    let round = open.filter(|round| round.attempt == attempt);
    Ok((beacon, round.ok_or(Reject::BEACON_ROUND_NOT_OPEN)?))
}

fn own_share<'a>(round: &'a mut Round, sender: &Party) -> Result<&'a mut Share, Reject> {
    let mut shares = round.shares.as_mut_slice().iter_mut();
    shares
        .find(|share| share.member == sender.id)
        .ok_or(Reject::BEACON_NOT_A_VALIDATOR)
}

/// Closes an attempt whose time is up, unless it was closed before.
pub(super) fn close_if_open(context: &mut Context<'_>, attempt: Attempt) -> Result<(), Missing> {
    let mut beacon = read::beacon(context)?;
    match beacon.open.take() {
        Some(round) if round.attempt == attempt => close(context, beacon, round),
        _ => Ok(()),
    }
}

/// Draws the output if so many values were revealed that one of them is an honest member's, else goes
/// through the round again; whoever kept its value to itself pays.
fn close(context: &mut Context<'_>, mut beacon: Beacon, round: Round) -> Result<(), Missing> {
    let penalty_minor = read::parameters(context)?.beacon_penalty_minor;
    let attempt = round.attempt;
    for share in round.shares.iter() {
        if share.commitment.is_some() && share.value.is_none() {
            let member = share.member;
            let burnt_minor = quota::burn_up_to(context, member, penalty_minor)?;
            context.emit(&Event::BeaconWithheld {
                attempt,
                member,
                burnt_minor,
            });
        }
    }
    let revealed = round.shares.iter().filter(|share| share.value.is_some());
    if revealed.count() < attestations_needed(round.shares.len()) {
        let number = attempt.number.saturating_add(1);
        return open(context, beacon, Attempt { number, ..attempt });
    }
    let round_id = attempt.round;
    let drawn = BeaconOutput {
        round: round_id,
        output: round.output(context.chain_id(), &beacon.output),
        height: context.height(),
    };
    context.put(keys::beacon_output(round_id.0 % MAX_BEACON_OUTPUTS), &drawn);
    context.emit(&Event::BeaconDrawn {
        round: round_id,
        output: drawn.output,
    });
    beacon.last = round_id;
    beacon.output = drawn.output;
    if std::mem::take(&mut beacon.wanted) {
        let round = RoundId(round_id.0 + 1);
        open(context, beacon, Attempt { round, number: 0 })
    } else {
        context.put(keys::beacon(), &beacon);
        Ok(())
    }
}
