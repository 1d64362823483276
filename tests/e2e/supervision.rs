//! A supervisor that watches without holding data, and rules that a release does not know.

use serde_json::Value;

use crate::consortium::{CLEAR, Consortium, eventually, phone, phones};

/// The observer, by its place in the network.
const SUPERVISOR: usize = 4;

fn listed(network: &Consortium, index: usize, what: &str) -> Vec<Value> {
    let arguments = ["supervision", what, "--output", "json"];
    let said = network.expect(index, &arguments, &[CLEAR]);
    let lines = said.out.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// Demands a call of the first member, and answers with the demand's number.
fn demanded(network: &Consortium, call: &str) -> String {
    let made = network.ask(
        SUPERVISOR,
        &[
            "supervision",
            "request",
            "--of",
            "1",
            "--call",
            call,
            "--reason",
            "complaint",
            "--days",
            "5",
        ],
    );
    made["id"].as_u64().expect("a number").to_string()
}

#[test]
fn a_supervisor_is_shown_what_it_demands_and_nothing_else() {
    let network = Consortium::start();
    network.publish(1, "cheats", &phones(0..50));
    let rows = network.screen(0, &[&phone(7)], &["--wait-final"]);
    let call = rows[0]["answers"][0]["call"].as_str().expect("a call");
    let demand = demanded(&network, call);

    // The member's node answers by itself; the bundle reaches the supervisor's node and verifies offline.
    eventually("the demand is answered", || {
        listed(&network, SUPERVISOR, "list")[0]["status"] == "answered"
    });
    let file = network.path("disclosed.audit");
    let file = file.to_str().expect("a path");
    network.ask(SUPERVISOR, &["supervision", "show", &demand, "--out", file]);
    let genesis = network.node(SUPERVISOR).folder.join("genesis.bin");
    let genesis = genesis.to_str().expect("a path");
    let verified = network.ask(SUPERVISOR, &["audit", "verify", file, "--genesis", genesis]);
    let calls = verified["calls"].as_array().expect("calls");
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0]["subject"], format!("+86{}", phone(7)));
    assert_eq!(calls[0]["answer"], "hit");

    // Other members see that there was a demand, and are shown nothing.
    let other = network.path("other.audit");
    let other = other.to_str().expect("a path");
    let refused = network.tacit(2, &["supervision", "show", &demand, "--out", other]);
    assert_ne!(refused.code, CLEAR, "{refused:?}");
    assert!(!std::path::Path::new(other).exists());

    // Dates on which there was no call are answered with none.
    let period = [
        "supervision",
        "request",
        "--of",
        "1",
        "--period",
        "2020-01-01..2020-01-02",
        "--reason",
        "examination",
        "--days",
        "5",
    ];
    let empty = network.ask(SUPERVISOR, &period)["id"].clone();
    eventually("the empty demand is answered", || {
        let demands = listed(&network, SUPERVISOR, "list");
        let mut demands = demands.iter();
        demands.any(|demand| demand["disclosure_id"] == empty && demand["status"] == "answered")
    });

    // What the member does not have stays open, and it is told why.
    let unknown = demanded(&network, "999/0/0");
    let refused = network.tacit(0, &["supervision", "answer", &unknown]);
    assert_ne!(refused.code, CLEAR, "{refused:?}");
    let listed_here = listed(&network, 0, "list");
    let still = listed_here
        .iter()
        .find(|demand| demand["disclosure_id"].as_u64() == unknown.parse().ok());
    assert_eq!(still.expect("it is listed")["status"], "open");

    // The present caps let four groups walk through more than a hundredth of all phones in a month.
    let arguments = ["network", "coverage", "--days", "30", "--output", "json"];
    let said = network.expect(SUPERVISOR, &arguments, &[CLEAR]);
    let phones: Value =
        serde_json::from_str(said.out.lines().next().expect("a line")).expect("JSON");
    assert_eq!(
        (&phones["type"], &phones["groups"]),
        (&"phone".into(), &4.into())
    );
    assert_eq!(phones["warning"], true, "{phones}");
}

#[test]
fn calls_that_are_kept_for_different_times_are_shown_as_one_bundle() {
    let mut network = Consortium::laid_out();
    network.configure(0, "standard = 60", "standard = 60\nbrief = 1");
    network.configure(
        0,
        "[retention.purposes]",
        "[retention.purposes]\nmarketing = \"brief\"",
    );
    network.start_all();
    network.publish(1, "cheats", &phones(0..50));
    let call = |purpose: &str, number| {
        let screen = [
            "screen",
            "--type",
            "phone",
            "--region",
            "CN",
            "--purpose",
            purpose,
            "--lawful-basis",
            "consent",
            "--wait-final",
            &phone(number),
        ];
        let screened = network.ask(0, &screen);
        let call = screened["answers"][0]["call"].as_str();
        call.expect("a call").to_owned()
    };
    let (loan, advertising) = (call("credit-origination", 7), call("marketing", 95));
    let demand = [
        "supervision",
        "request",
        "--of",
        "1",
        "--call",
        &loan,
        "--call",
        &advertising,
        "--reason",
        "examination",
        "--days",
        "5",
    ];
    let demand = network.ask(SUPERVISOR, &demand)["id"].to_string();
    eventually("the demand is answered", || {
        listed(&network, SUPERVISOR, "list")[0]["status"] == "answered"
    });
    let genesis = network.node(SUPERVISOR).folder.join("genesis.bin");
    let genesis = genesis.to_str().expect("a path");
    // The supervisor's node and the member's own show the same.
    for index in [SUPERVISOR, 0] {
        let file = network.path(&format!("{index}.audit"));
        let file = file.to_str().expect("a path");
        let show = ["supervision", "show", &demand, "--out", file];
        assert_eq!(network.ask(index, &show)["erased_parts"], 0);
        let verified = network.ask(index, &["audit", "verify", file, "--genesis", genesis]);
        let calls = verified["calls"].as_array().expect("calls");
        let purposes = calls.iter().map(|call| call["purpose"].as_str());
        let mut purposes: Vec<_> = purposes.map(|purpose| purpose.expect("a code")).collect();
        purposes.sort_unstable();
        assert_eq!(purposes, ["credit-origination", "marketing"]);
    }
}

#[test]
fn nodes_stop_before_rules_that_they_do_not_know() {
    let mut network = Consortium::start();
    let from_height = network.height(0) + 100;
    let proposal = [
        "network",
        "propose-code-version",
        "2",
        "--from-height",
        &from_height.to_string(),
    ];
    network.decide(&proposal);
    // Told ahead, and going on until then.
    let status = network.ask(0, &["status"]);
    assert_eq!(status["rules_version"], 1);
    assert_eq!(status["next_rules_from_height"], from_height);
    assert_eq!(status["next_rules_known"], false);
    let words = network.expect(0, &["status"], &[CLEAR]).out;
    assert!(words.contains("STOPS"), "{words}");
    for index in 0..5 {
        network.wait_ended(index);
        let log = network.log(index);
        assert!(log.contains("install one that knows it"), "{log}");
    }
    // A node that is started again says the same, and executes nothing.
    network.start_node(0, &[]);
    network.wait_ended(0);
}
