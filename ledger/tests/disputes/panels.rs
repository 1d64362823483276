//! Who sits on a panel.

use proptest::prelude::*;
use std::collections::BTreeSet;
use tacit_ledger::kernel::party::parties;
use tacit_ledger::kernel::{ChainId, Digest, MemberId, Role};
use tacit_ledger::network::record::*;
use tacit_ledger::network::{Change, disputes, keys, read};

use crate::support::*;

/// The panel that an output of these bytes draws on this chain.
fn drawn(chain: &Chain, dispute: &Dispute, output: [u8; 32]) -> Vec<MemberId> {
    let drawn = BeaconOutput {
        round: dispute.draw.round,
        output: Digest(output),
        height: 1,
    };
    let parties = parties(&chain.state).expect("a map");
    disputes::panel(chain.machine.chain_id(), &drawn, dispute, &parties)
}

#[test]
fn a_panel_is_what_the_public_rule_says() {
    let chain = DRAWN.clone();
    let dispute = chain.dispute(DISPUTE);
    let output = read::beacon_output(&chain.state, dispute.draw.round).expect("a map");
    let output = output.expect("drawn").output;
    // The rule is about a panel before it sits.
    let before = OPENED.dispute(DISPUTE);
    assert_eq!(drawn(&chain, &before, output.0), chain.panel());
    let said = tacit_ledger::network::Event::PanelDrawn {
        dispute: DISPUTE,
        panel: bounded(chain.panel()),
        until: dispute.until().expect("to be answered"),
    };
    let mut again = OPENED.clone();
    again.commit_together(&VALIDATORS);
    again.reveal_together(&VALIDATORS);
    while again.panel().is_empty() {
        again.pass(1);
    }
    assert!(again.block_events().contains(&said));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_panel_is_of_neither_group_without_repetition_and_the_same_for_all(
        output in any::<[u8; 32]>(),
        size in (0..5_u8).prop_map(|half| 2 * half + 1),
        number in any::<u64>(),
    ) {
        let chain = &*OPENED;
        let mut dispute = chain.dispute(DISPUTE);
        (dispute.draw.size, dispute.id) = (size, DisputeId(number));
        let panel = drawn(chain, &dispute, output);
        prop_assert_eq!(&panel, &drawn(chain, &dispute, output));
        // Of six that may sit, five are the largest odd number.
        prop_assert_eq!(panel.len(), usize::from(size).min(5));
        prop_assert!(panel.iter().all(|member| ELIGIBLE.contains(member)));
        prop_assert_eq!(panel.iter().collect::<BTreeSet<_>>().len(), panel.len());
    }
}

#[test]
fn everybody_who_may_sit_is_drawn_alike() {
    let dispute = OPENED.dispute(DISPUTE);
    let mut drawn_times = std::collections::BTreeMap::new();
    let rounds = 1_200_u32;
    for round in 0..rounds {
        let mut output = [0; 32];
        output[..4].copy_from_slice(&round.to_le_bytes());
        for member in drawn(&OPENED, &dispute, output) {
            *drawn_times.entry(member).or_insert(0_u32) += 1;
        }
    }
    // Three of six: 600 times each, give or take five standard deviations of 17.
    assert_eq!(drawn_times.len(), ELIGIBLE.len());
    let alike = drawn_times.values().all(|times| (515..685).contains(times));
    assert!(alike, "{drawn_times:?}");
}

#[test]
fn other_disputes_and_other_draws_have_other_panels() {
    let dispute = OPENED.dispute(DISPUTE);
    let panels = |change: fn(&mut Dispute, u8)| -> usize {
        let panels = (0..20_u8).map(|number| {
            let mut other = dispute.clone();
            change(&mut other, number);
            drawn(&OPENED, &other, [7; 32])
        });
        panels.collect::<BTreeSet<_>>().len()
    };
    assert!(panels(|dispute, number| dispute.id.0 = number.into()) > 10);
    assert!(panels(|dispute, number| dispute.draw.number = number) > 10);
}

#[test]
fn a_request_while_a_round_is_open_waits_for_the_next() {
    let mut chain = OPENED.clone();
    let first = chain.dispute(DISPUTE).draw.round;
    chain.must(THIRD, dispute_about(2));
    let second = DisputeId(2);
    assert_eq!(chain.dispute(second).draw.round.0, first.0 + 1);
    chain.draw_panels();
    assert_eq!(chain.panel().len(), 3);
    assert_eq!(chain.dispute(second).status, DisputeStatus::Drawing);
    chain.draw_panels();
    let seated = chain.dispute(second).panel;
    let of_third = |seat: &Seat| [OWNER, SISTER, THIRD].contains(&seat.member);
    assert!(!seated.iter().any(of_third));
}

#[test]
fn a_beacon_that_stands_still_costs_nobody_anything() {
    let mut chain = OPENED.clone();
    for _ in 0..5 {
        chain.begin_date(chain.today().after(ANSWER_DAYS));
        chain.pass(4 * BEACON_WINDOW);
    }
    assert_eq!(chain.stands(), DisputeStatus::Drawing);
    chain.draw_panels();
    let until = chain.today().after(ANSWER_DAYS);
    assert_eq!(chain.stands(), DisputeStatus::Answering { until });
}

#[test]
fn an_output_that_is_no_longer_recorded_is_asked_for_again() {
    let mut chain = OPENED.clone();
    let round = chain.dispute(DISPUTE).draw.round;
    chain.commit_together(&VALIDATORS);
    chain.reveal_together(&VALIDATORS);
    chain
        .state
        .remove(&keys::beacon_output(round.0 % MAX_BEACON_OUTPUTS));
    chain.pass(2 * BEACON_WINDOW + 1);
    let again = chain.dispute(DISPUTE).draw;
    assert_eq!((again.round.0, again.number), (round.0 + 1, 0));
    chain.draw_panels();
    assert_eq!(chain.panel().len(), 3);
}

#[test]
fn who_leaves_before_the_panel_sits_is_passed_over_and_who_joins_is_not_drawn() {
    let mut chain = OPENED.clone();
    let group = "Group 11";
    let joining = candidate(MemberId(11), group, Role::Member);
    chain.carry_widely(Change::Admit(joining));
    let before = chain.dispute(DISPUTE);
    for round in 0..50 {
        assert!(!drawn(&chain, &before, [round; 32]).contains(&MemberId(11)));
    }
    let full: Vec<_> = (0..50)
        .map(|round| drawn(&chain, &before, [round; 32]))
        .collect();
    chain.leave(OTHERS[0]);
    for (round, full) in (0..50).zip(full) {
        let panel = drawn(&chain, &before, [round; 32]);
        assert_eq!(panel.len(), 3);
        // The others keep their places: who left decides about itself alone.
        let mut stayed = full.clone();
        stayed.retain(|member| *member != OTHERS[0]);
        assert_eq!(panel[..stayed.len()], stayed);
    }
}

#[test]
fn a_panel_of_fewer_is_of_an_odd_number_and_without_anybody_nothing_is_decided() {
    let mut chain = OPENED.clone();
    for member in &ELIGIBLE[2..] {
        chain.leave(*member);
    }
    // Two are left, and one of them sits.
    let mut of_one = chain.clone();
    of_one.draw_panels();
    assert_eq!(of_one.panel().len(), 1);
    of_one.must(OWNER, evidence());
    of_one.must(of_one.panel()[0], rule(Ruling::Upheld));
    assert_eq!(of_one.came_out(), Some(DisputeOutcome::Upheld));
    for member in &ELIGIBLE[..2] {
        chain.leave(*member);
    }
    chain.draw_panels();
    assert_eq!(chain.came_out(), Some(DisputeOutcome::Undecided));
    assert_eq!(chain.deposit(QUERIER).staked_minor, 0);
}

#[test]
fn a_fresh_panel_takes_from_the_first_only_whom_it_needs() {
    let mut dispute = ANSWERED.dispute(DISPUTE);
    dispute.draw.number = 1;
    let sat: Vec<_> = dispute.panel.iter().map(|seat| seat.member).collect();
    dispute.former = bounded(sat.clone());
    for size in [1, 3, 5] {
        dispute.draw.size = size;
        for round in 0..20 {
            let panel = drawn(&ANSWERED, &dispute, [round; 32]);
            let again = panel.iter().filter(|member| sat.contains(member)).count();
            assert_eq!(again, usize::from(size).saturating_sub(3));
        }
    }
}

#[test]
fn panels_of_other_chains_are_others() {
    let dispute = OPENED.dispute(DISPUTE);
    let parties = parties(&OPENED.state).expect("a map");
    let on = |chain: u8| {
        let output = BeaconOutput {
            round: dispute.draw.round,
            output: Digest([3; 32]),
            height: 1,
        };
        disputes::panel(ChainId([chain; 32]), &output, &dispute, &parties)
    };
    assert!((0..20).map(on).collect::<BTreeSet<_>>().len() > 10);
}
