//! Entries that the beacon draws of published lists, and owners that prove them or do not.

use serde_json::Value;

use crate::consortium::{CLEAR, Consortium, eventually, phone, phones};

/// A point at which an owner's calls about drawn entries are on the ledger, and no proofs.
const UNPROVEN: (&str, &str) = ("TACIT_TEST_ABORT_AT", "after-samples-logged");

/// The latest version of a member's list, as another node sees it.
fn latest(network: &Consortium, owner: usize, name: &str) -> Value {
    let member = (owner + 1).to_string();
    let shown = network.ask(3, &["list", "show", name, "--member", &member]);
    let publications = shown["publications"].as_array().expect("publications");
    let newest = publications.iter().max_by_key(|version| {
        let number = |field: &str| version[field].as_u64();
        (number("tag_epoch"), number("version"))
    });
    newest.cloned().unwrap_or_default()
}

fn wait_proven(network: &Consortium, owner: usize, name: &str, version: u64) {
    eventually("the drawn entries are proven", || {
        let newest = latest(network, owner, name);
        newest["version"] == version && newest["proven_height"].is_u64()
    });
}

#[test]
fn an_owner_proves_what_is_drawn_of_each_version_even_after_it_died() {
    let mut network = Consortium::start();
    network.decide(&["network", "propose-receipt-key", "--development"]);
    network.publish(1, "cheats", &phones(0..50));
    wait_proven(&network, 1, "cheats", 0);
    let first = latest(&network, 1, "cheats");
    assert_eq!(first["sampled_entries"], 4);
    assert_eq!(first["state"], "active");

    // It dies between its calls and its proofs; the version may be in force by then or not.
    network.stop(1);
    network.start_node(1, &[UNPROVEN]);
    network.wait_ready(1);
    network.try_publish(1, "cheats", "transaction-fraud", &phones(10..70));
    network.wait_ended(1);
    let second = latest(&network, 1, "cheats");
    assert_eq!(second["version"], 1);
    assert!(second["proven_height"].is_null(), "{second}");
    network.start_node(1, &[]);
    network.wait_ready(1);
    wait_proven(&network, 1, "cheats", 1);
    // The calls stand in the log as what they are: nobody paid for them.
    let quota = network.ask(1, &["quota"]);
    assert_eq!(quota["spent_minor"], 0, "{quota}");
}

#[test]
fn a_list_whose_owner_does_not_prove_is_off_until_its_next_version() {
    let mut network = Consortium::start();
    network.decide(&["network", "propose-receipt-key", "--development"]);
    network.decide(&["network", "propose-parameter", "sample_window_blocks", "40"]);
    network.publish(2, "mules", &phones(0..50));
    wait_proven(&network, 2, "mules", 0);
    network.stop(1);
    network.start_node(1, &[UNPROVEN]);
    network.wait_ready(1);
    network.try_publish(1, "cheats", "transaction-fraud", &phones(0..50));
    network.wait_ended(1);
    eventually("the version is off", || {
        latest(&network, 1, "cheats")["state"] == "unproven"
    });
    // It answers no more, and holds up no other list.
    let rows = network.screen(0, &[&phone(7)], &[]);
    let answers = rows[0]["answers"].as_array().expect("answers");
    let of = |member: u64| answers.iter().find(|answer| answer["member_id"] == member);
    let (off, other) = (of(2).expect("told"), of(3).expect("asked"));
    assert_eq!(off["answer"], "unreachable", "{rows:?}");
    let reason = off["reason"].as_str().expect("a reason");
    assert!(reason.contains("(reject 219)"), "{reason}");
    assert_eq!(other["answer"], "hit", "{rows:?}");

    network.start_node(1, &[]);
    network.wait_ready(1);
    let said = network.try_publish(1, "cheats", "transaction-fraud", &phones(0..60));
    assert_eq!(said.code, CLEAR, "{said:?}");
    wait_proven(&network, 1, "cheats", 1);
    assert_eq!(latest(&network, 1, "cheats")["state"], "active");
}
