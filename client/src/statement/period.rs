//! What moved in a period, and whether it leads from one balance to another.

use std::collections::BTreeMap;

use tacit_circuits::quota::Ciphertext;
use tacit_finality::{Claim, Evidence};
use tacit_ledger::kernel::{BlockResult, MemberId, TxId};
use tacit_ledger::network::movement::{Moved, MovementKind, Part, moved};
use tacit_ledger::network::{Event, SessionId};

use super::amounts::Sealed;
use super::balance::Balance;
use super::error::StatementError;

/// A movement that is proven, with its amount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownMovement {
    /// Height of its block.
    pub height: u64,
    /// That block's time, in milliseconds since 1970-01-01 UTC.
    pub time_ms: u64,
    /// Its transaction; None for what the block did by itself.
    pub tx_id: Option<TxId>,
    /// Why.
    pub kind: MovementKind,
    /// How much, in minor units. Of a roll-over only what was public.
    pub amount_minor: u64,
    /// The other side, where there is one.
    pub counterparty: Option<MemberId>,
    /// The session, where there is one.
    pub session: Option<SessionId>,
}

/// A result of a block, as it is proven.
pub(super) struct ShownResult {
    pub(super) height: u64,
    pub(super) time_ms: u64,
    /// Place among the results of its block.
    pub(super) leaf: u32,
    pub(super) tx_id: Option<TxId>,
    pub(super) moved: Vec<Moved>,
}

impl ShownResult {
    /// What a result did to the quota of a member; `None` where it is no result, or did nothing.
    pub(super) fn of(evidence: &Evidence, member: MemberId) -> Option<Self> {
        let Claim::Result(claim) = &evidence.claim else {
            return None;
        };
        let tx_id = match &claim.result {
            BlockResult::Tx(result) => Some(result.tx_id),
            BlockResult::Block { .. } => None,
        };
        let events = claim.result.events().iter();
        let events = events.filter_map(|event| Event::read(event)?.ok());
        let moved: Vec<Moved> = events
            .flat_map(|event| moved(&event))
            .filter(|moved| moved.member == member && moved.counts())
            .collect();
        let header = &evidence.block.header;
        (!moved.is_empty()).then(|| Self {
            height: header.height.get(),
            time_ms: header.time_ms,
            leaf: claim.proof.index,
            tx_id,
            moved,
        })
    }

    /// Its movements, with what is sealed of each.
    pub(super) fn sealed(&self) -> impl Iterator<Item = (&Moved, Option<Sealed>)> {
        self.moved.iter().map(|moved| {
            let role = moved.kind.role();
            let sealed = moved.sealed.zip(role).map(|(sealed, role)| {
                let amount: Ciphertext<1> = sealed.select([role as usize]);
                Sealed::new(
                    format!("a movement at height {}", self.height),
                    amount,
                    None,
                )
            });
            (moved, sealed)
        })
    }
}

/// Refuses movements that do not lead from one balance to the other, and says of how many sessions it cannot be
/// told: those that were open at the beginning or are at the end, and whose escrow is not shown there.
pub(super) fn lead(
    opening: &Balance,
    movements: &[ShownMovement],
    closing: &Balance,
) -> Result<usize, StatementError> {
    let parts = [Part::Account, Part::Deposit, Part::Stake];
    for part in parts {
        let moved = movements.iter().map(|moved| change(moved, part));
        let expected = held(opening, part) + moved.sum::<i128>();
        let difference_minor = held(closing, part) - expected;
        if difference_minor != 0 {
            return Err(StatementError::DoesNotLead {
                part,
                difference_minor,
            });
        }
    }
    sessions_lead(opening, movements, closing)
}

fn sessions_lead(
    opening: &Balance,
    movements: &[ShownMovement],
    closing: &Balance,
) -> Result<usize, StatementError> {
    let shown = |balance: &Balance| -> BTreeMap<SessionId, i128> {
        let escrows = balance.escrows.iter();
        escrows
            .map(|(id, minor)| (*id, i128::from(*minor)))
            .collect()
    };
    let (mut begun, mut ended) = (shown(opening), shown(closing));
    let mut flows: BTreeMap<SessionId, i128> = BTreeMap::new();
    for movement in movements {
        let flow = change(movement, Part::Escrow);
        let Some(session) = movement.session.filter(|_| touches_escrow(movement.kind)) else {
            continue;
        };
        *flows.entry(session).or_default() += flow;
        match movement.kind {
            MovementKind::Escrow => drop(begun.insert(session, 0)),
            MovementKind::Refund => drop(ended.insert(session, 0)),
            _ => {}
        }
    }
    // One that nothing moved, and that is shown at both ends, is the same at both.
    for session in begun.keys().filter(|session| ended.contains_key(session)) {
        flows.entry(*session).or_default();
    }
    let mut untold = 0;
    for (session, flow) in flows {
        match (begun.get(&session), ended.get(&session)) {
            (Some(first), Some(last)) if first + flow == *last => {}
            (Some(first), Some(last)) => {
                return Err(StatementError::SessionDoesNotLead {
                    session,
                    difference_minor: last - first - flow,
                });
            }
            _ => untold += 1,
        }
    }
    Ok(untold)
}

fn touches_escrow(kind: MovementKind) -> bool {
    let (from, to) = kind.route();
    [from, to].contains(&Some(Part::Escrow))
}

/// By how much a movement changes a part, in minor units.
fn change(movement: &ShownMovement, part: Part) -> i128 {
    let (from, to) = movement.kind.route();
    let amount = i128::from(movement.amount_minor);
    let came = if to == Some(part) { amount } else { 0 };
    let went = if from == Some(part) { amount } else { 0 };
    came - went
}

/// What a balance holds in a part, in minor units.
fn held(balance: &Balance, part: Part) -> i128 {
    match part {
        Part::Account => i128::from(balance.available_minor) + i128::from(balance.waiting_minor),
        Part::Deposit => balance.deposit.free_minor.into(),
        Part::Stake => balance.deposit.staked_minor.into(),
        Part::Escrow => balance
            .escrows
            .iter()
            .map(|(_, minor)| i128::from(*minor))
            .sum(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tacit_ledger::network::Deposit;

    const SESSION: SessionId = SessionId(7);

    fn balance(account: u64, deposit: u64, escrows: &[(SessionId, u64)]) -> Balance {
        Balance {
            height: 1,
            time_ms: 1,
            available_minor: account,
            waiting_minor: 0,
            deposit: Deposit {
                free_minor: deposit,
                staked_minor: 0,
            },
            escrows: escrows.to_vec(),
        }
    }

    fn movement(kind: MovementKind, amount_minor: u64) -> ShownMovement {
        ShownMovement {
            height: 2,
            time_ms: 2,
            tx_id: None,
            kind,
            amount_minor,
            counterparty: None,
            session: touches_escrow(kind).then_some(SESSION),
        }
    }

    #[test]
    fn all_movements_lead_and_none_can_be_left_out_that_moves_the_whole() {
        use MovementKind::{Charge, Deposit, Escrow, Refund, Reward, RollOver, Stake};
        let all = [
            movement(Escrow, 100),
            movement(Charge, 30),
            movement(Charge, 20),
            movement(Refund, 50),
            movement(Reward, 5),
            movement(Deposit, 10),
            movement(RollOver, 55),
            movement(Stake, 4),
        ];
        let opening = balance(1_000, 200, &[]);
        let mut closing = balance(945, 206, &[]);
        closing.deposit.staked_minor = 4;
        assert_eq!(lead(&opening, &all, &closing), Ok(0));
        for (place, left_out) in all.iter().enumerate() {
            let mut most = all.to_vec();
            most.remove(place);
            let leads = lead(&opening, &most, &closing).is_ok_and(|untold| untold == 0);
            assert_eq!(leads, left_out.kind == RollOver, "{:?}", left_out.kind);
        }
    }

    #[test]
    fn a_session_across_the_ends_of_the_period_leads_where_its_escrows_are_shown() {
        let charge = [movement(MovementKind::Charge, 30)];
        let (before, after) = ([(SESSION, 100)], [(SESSION, 70)]);
        let opening = balance(5, 5, &before);
        assert_eq!(lead(&opening, &charge, &balance(5, 5, &after)), Ok(0));
        // An escrow that is not shown leaves its session untold.
        assert_eq!(lead(&opening, &charge, &balance(5, 5, &[])), Ok(1));
        assert_eq!(
            lead(&balance(5, 5, &[]), &charge, &balance(5, 5, &after)),
            Ok(1)
        );
        // A charge that is left out shows, though the account never saw it.
        let missing = lead(&opening, &[], &balance(5, 5, &after));
        let expected = StatementError::SessionDoesNotLead {
            session: SESSION,
            difference_minor: -30,
        };
        assert_eq!(missing, Err(expected));
    }
}
