//! Calls that the beacon draws, and demands that nobody answers, on nodes whose business date turns.
//!
//! The date is that of the block's time at the offset that the members govern. So a vote for another offset turns
//! it while the test waits, as it would on a network that moves its business day; nothing of the nodes is different.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tacit_node::setup::genesis;

use crate::consortium::{CLEAR, Consortium, eventually, phone, phones};

/// The observer, by its place in the network.
const SUPERVISOR: usize = 4;

const MINUTES_PER_DAY: i64 = 24 * 60;

/// A network that is not started, whose business day is so many minutes ahead of UTC.
fn with_offset(minutes: i64) -> Consortium {
    let mut network = Consortium::laid_out();
    for index in 0..network.layout.nodes.len() {
        let path = network.node(index).folder.join("genesis.bin");
        let mut genesis = genesis::read(&path).expect("a genesis");
        genesis.utc_offset_minutes = i16::try_from(minutes).expect("a day at most");
        network.layout.chain_id = genesis::write(&genesis, &path).expect("written");
    }
    network
}

fn listed(network: &Consortium, index: usize) -> Vec<Value> {
    let arguments = ["supervision", "list", "--output", "json"];
    let said = network.expect(index, &arguments, &[CLEAR]);
    let lines = said.out.lines().filter(|line| line.starts_with('{'));
    lines
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

#[test]
fn drawn_calls_are_opened_by_the_members_node_when_their_date_is_over() {
    // It is noon on the network, on a date that a vote can end: no midnight comes in between.
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a time");
    let minute = i64::try_from(now.as_secs() / 60).expect("it fits") % MINUTES_PER_DAY;
    let noon = MINUTES_PER_DAY / 2 - minute;
    let offset = if noon > 0 {
        noon - MINUTES_PER_DAY
    } else {
        noon
    };
    let mut network = with_offset(offset);
    network.start_all();
    network.publish(1, "cheats", &phones(0..50));
    let parameter = |name: &str, value: &str| {
        network.decide(&["network", "propose-parameter", name, value]);
    };
    // Every call is drawn, so that it is known which; and the beacon takes as long as a few blocks.
    parameter("opening_rate", "1");
    parameter("beacon_window_blocks", "20");
    network.screen(0, &[&phone(7)], &["--case", "LOAN-1", "--wait-final"]);
    network.screen(0, &[&phone(95)], &["--case", "LOAN-2", "--wait-final"]);
    assert!(
        listed(&network, SUPERVISOR).is_empty(),
        "the date is not over"
    );

    let tomorrow = (offset + MINUTES_PER_DAY).to_string();
    network.decide(&["network", "propose-utc-offset", &tomorrow]);
    // The beacon draws, and the member's node opens by itself.
    eventually("the drawn calls are opened", || {
        let demands = listed(&network, SUPERVISOR);
        demands
            .first()
            .is_some_and(|demand| demand["status"] == "answered")
    });
    let demand = listed(&network, SUPERVISOR).remove(0);
    assert_eq!(
        (&demand["member_id"], &demand["reason"]),
        (&1.into(), &"drawn".into())
    );
    assert!(demand["supervisor"].is_null(), "all supervisors see it");
    let drawn = demand["scope"]["drawn"].as_array().expect("numbers").len();

    let file = network.path("drawn.audit");
    let file = file.to_str().expect("a path");
    let id = demand["disclosure_id"].to_string();
    network.ask(SUPERVISOR, &["supervision", "show", &id, "--out", file]);
    let genesis = network.node(SUPERVISOR).folder.join("genesis.bin");
    let genesis = genesis.to_str().expect("a path");
    let verified = network.ask(SUPERVISOR, &["audit", "verify", file, "--genesis", genesis]);
    let calls = verified["calls"].as_array().expect("calls");
    let subjects = calls.iter().map(|call| call["subject"].to_string());
    let mut subjects: Vec<_> = subjects.collect();
    subjects.sort();
    let subject = |number| format!("\"+86{}\"", phone(number));
    assert_eq!(subjects, [subject(7), subject(95)]);
    // What else was drawn is padding, and shown to be.
    let unopened = verified["unopened"].as_array().expect("calls");
    assert_eq!(calls.len() + unopened.len(), drawn);
}

#[test]
fn a_member_whose_node_is_stopped_misses_a_demand_and_pays_for_it() {
    let mut network = with_offset(-MINUTES_PER_DAY);
    network.start_all();
    network.publish(1, "cheats", &phones(0..50));
    network.decide(&["network", "propose-parameter", "disclosure_min_days", "1"]);
    let rows = network.screen(3, &[&phone(7)], &["--wait-final"]);
    let call = rows[0]["answers"][0]["call"].as_str().expect("a call");
    network.stop(3);
    let rating = |network: &Consortium| {
        network.ask(0, &["member", "rating", "4"])["rating"]
            .as_u64()
            .expect("a rating")
    };
    let before = rating(&network);
    let demand = [
        "supervision",
        "request",
        "--of",
        "4",
        "--call",
        call,
        "--reason",
        "complaint",
        "--days",
        "1",
    ];
    network.ask(SUPERVISOR, &demand);
    assert_eq!(listed(&network, SUPERVISOR)[0]["status"], "open");
    // Two dates pass at once.
    let two_days_on = MINUTES_PER_DAY.to_string();
    let vote = ["network", "propose-utc-offset", &two_days_on];
    let proposed = network.ask(0, &vote);
    let proposal = proposed["proposal_id"].to_string();
    for voter in [1, 2] {
        network.ask(voter, &["member", "vote", &proposal]);
    }
    eventually("the demand is missed", || {
        listed(&network, SUPERVISOR)[0]["status"] == "missed"
    });
    assert!(rating(&network) < before);
    // A node that comes back finds nothing left to answer.
    network.start_all();
    eventually("it has caught up", || {
        let demands = listed(&network, 3);
        demands
            .first()
            .is_some_and(|demand| demand["status"] == "missed")
    });
}
