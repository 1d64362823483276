//! Who sits on the panel of a dispute: a pure rule over records that everybody can read.

use crate::kernel::hash::{self, label};
use crate::kernel::party::{Party, PartyStatus, Role};
use crate::kernel::{ChainId, MemberId};
use crate::network::record::{BeaconOutput, Dispute, PanelDraw};

/// Who takes part in the drawing of a panel, by number: the members at the time of the request that belong
/// neither to the owner's group nor to the challenger's. `parties` are all that ever joined.
pub fn eligible<'a>(
    parties: &'a [Party],
    draw: &PanelDraw,
    sides: [MemberId; 2],
) -> Vec<&'a Party> {
    let of_a_side = |other: &Party| {
        let same_group = |party: &Party| party.group == other.group;
        let mut parties = parties.iter();
        parties.any(|party| sides.contains(&party.id) && same_group(party))
    };
    let belonged = |party: &Party| match party.status {
        PartyStatus::Active => true,
        PartyStatus::Left { height } => height >= draw.height,
    };
    let takes_part = |party: &&Party| {
        party.id.0 <= draw.parties
            && party.role == Role::Member
            && belonged(party)
            && !of_a_side(party)
    };
    parties.iter().filter(takes_part).collect()
}

/// The order into which an output puts the [`eligible`] members that are there and have not stepped down. Those
/// that sat on the dispute's first panel come last.
pub fn order(
    chain_id: ChainId,
    drawn: &BeaconOutput,
    dispute: &Dispute,
    parties: &[Party],
) -> Vec<MemberId> {
    let draw = &dispute.draw;
    let eligible = eligible(parties, draw, [dispute.owner, dispute.challenger]);
    let said = (chain_id, dispute.id, draw.number);
    let purpose = hash::hash_encoded(&label::DISPUTE_PANEL, &said);
    // No more than parties, which fit 32 bits.
    let order = drawn.draw(&purpose, eligible.len(), eligible.len() as u32);
    let places = order.iter().map(|place| eligible[*place as usize - 1]);
    let mut order: Vec<MemberId> = places
        .filter(|party| party.is_active() && !dispute.recused.contains(&party.id))
        .map(|party| party.id)
        .collect();
    order.sort_by_key(|id| dispute.former.contains(id));
    order
}

/// The panel that an output draws for a dispute: the first [`PanelDraw::size`] of the [`order`]. Where there
/// are fewer, as many as are an odd number.
pub fn panel(
    chain_id: ChainId,
    drawn: &BeaconOutput,
    dispute: &Dispute,
    parties: &[Party],
) -> Vec<MemberId> {
    let mut order = order(chain_id, drawn, dispute, parties);
    let most = order.len().min(dispute.draw.size.into());
    order.truncate(if most % 2 == 0 {
        most.saturating_sub(1)
    } else {
        most
    });
    order
}
