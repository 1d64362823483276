//! What a member states of its quota, and what an examiner makes of it without a node.

use std::process::Command;

use serde_json::Value;

use crate::consortium::{CLEAR, Consortium, PATIENCE, Said, TACIT, eventually, phone, phones};

/// A moment after all others.
const END_OF_TIME_MS: &str = "9000000000000000";

struct Story {
    network: Consortium,
    genesis: String,
}

impl Story {
    /// One member asks another three times, and is charged for it.
    fn told() -> Self {
        let network = Consortium::start();
        network.publish(1, "cheats", &phones(0..50));
        for number in 0..3 {
            network.screen(0, &[&phone(number)], &["--wait-final"]);
        }
        eventually("all charges are collected, and read", || {
            let spent = network.ask(0, &["quota"])["spent_minor"].clone();
            spent == network.ask(1, &["quota"])["earned_minor"] && spent == 3_000
        });
        let genesis = network.node(0).folder.join("genesis.bin");
        let genesis = genesis.to_str().expect("a path").to_owned();
        Self { network, genesis }
    }

    fn path(&self, name: &str) -> String {
        let path = self.network.path(name);
        path.to_str().expect("a path").to_owned()
    }

    fn state(&self, index: usize, name: &str, period: &[&str]) -> String {
        let to = self.path(name);
        let arguments = ["quota", "statement", "--reader", "Examiner", "--to", &to];
        let arguments = [&arguments, period].concat();
        self.network.expect(index, &arguments, &[CLEAR]);
        to
    }

    /// Verifies as an examiner does: with no node, and no profile that leads to one.
    fn verify(&self, file: &str) -> Said {
        let mut command = Command::new(TACIT);
        command
            .args(["quota", "verify", file, "--genesis", &self.genesis])
            .args(["--output", "json"])
            .env_remove("TACIT_PROFILE")
            .env("HOME", self.path("nowhere"));
        let output = command.output().expect("it runs");
        Said {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// What the movements of a kind add up to.
fn sum(stated: &Value, kind: &str) -> u64 {
    let movements = stated["movements"].as_array().expect("movements");
    let of_kind = movements.iter().filter(|movement| movement["kind"] == kind);
    of_kind
        .map(|movement| movement["amount_minor"].as_u64().expect("an amount"))
        .sum()
}

#[test]
fn a_statement_leads_from_the_beginning_to_the_end_and_no_byte_of_it_can_be_altered() {
    let story = Story::told();
    let asker = story.state(0, "asker.statement", &["--from", "2020-01-01"]);
    let verified = story.verify(&asker);
    assert_eq!(verified.code, CLEAR, "{verified:?}");
    let stated = verified.json();
    assert_eq!(stated["opening"]["height"], 0, "{stated}");
    assert_eq!(stated["movements_lead"], true);
    assert_eq!(
        (sum(&stated, "charge"), sum(&stated, "earning")),
        (3_000, 0)
    );
    assert!(sum(&stated, "escrow") > 3_000);
    let total = |balance: &Value| {
        let parts = ["available_minor", "escrowed_minor", "deposit_free_minor"];
        let parts = parts.map(|part| balance[part].as_u64().expect("an amount"));
        parts.into_iter().sum::<u64>()
    };
    if stated["sessions_untold"] == 0 {
        assert_eq!(total(&stated), total(&stated["opening"]) - 3_000);
    }
    let provider = story.state(1, "provider.statement", &["--from", "2020-01-01"]);
    let stated = story.verify(&provider).json();
    assert_eq!(sum(&stated, "earning"), 3_000, "{stated}");
    let earning = |movement: &&Value| movement["kind"] == "earning";
    let movements = stated["movements"].as_array().expect("movements");
    let earned = movements.iter().find(earning).expect("an earning");
    assert_eq!(earned["member_id"], 1);

    let bytes = std::fs::read(&asker).expect("the statement");
    let altered = story.path("altered.statement");
    for place in (0..bytes.len()).step_by(bytes.len() / 120 + 1) {
        let mut copy = bytes.clone();
        copy[place] ^= 1;
        std::fs::write(&altered, &copy).expect("written");
        let refused = story.verify(&altered);
        assert_ne!(refused.code, CLEAR, "byte {place}: {refused:?}");
        assert!(
            !refused.err.contains("panicked"),
            "byte {place}: {refused:?}"
        );
    }
    std::fs::write(&altered, &bytes[..bytes.len() - 1]).expect("written");
    assert_ne!(story.verify(&altered).code, CLEAR);
}

#[test]
fn a_statement_begins_with_the_balance_that_was_kept_of_its_date() {
    let story = Story::told();
    // Each node keeps one as soon as it sees a business date for the first time.
    let mut number = 0;
    let mut kept = None;
    let deadline = std::time::Instant::now() + PATIENCE;
    while kept.is_none() && std::time::Instant::now() < deadline {
        number += 1;
        story
            .network
            .screen(0, &[&phone(number)], &["--wait-final"]);
        let name = format!("{number}.statement");
        let file = story.state(0, &name, &["--from", END_OF_TIME_MS]);
        let stated = story.verify(&file);
        assert_eq!(stated.code, CLEAR, "{stated:?}");
        let stated = stated.json();
        kept = (stated["opening"]["height"] != 0).then_some(stated);
        std::thread::sleep(std::time::Duration::from_secs(1));
    }
    let stated = kept.expect("a balance was kept");
    let (first, last) = (&stated["opening"]["height"], &stated["height"]);
    assert!(first.as_u64() < last.as_u64(), "{stated}");
    // The present balance alone, as before.
    let balance = story.state(0, "balance.statement", &[]);
    let stated = story.verify(&balance).json();
    assert!(stated.get("movements").is_none(), "{stated}");
}

#[test]
fn a_member_changes_its_key_and_states_what_moved_under_both() {
    let story = Story::told();
    let network = &story.network;
    let before = network.ask(1, &["quota"]);
    let changed = network.ask(1, &["quota", "change-key"]);
    assert_eq!(changed["generation"], 1, "{changed}");
    let after = network.ask(1, &["quota"]);
    for part in ["available_minor", "earned_minor", "deposit_free_minor"] {
        assert_eq!(after[part], before[part], "{part}");
    }
    network.screen(0, &[&phone(60)], &["--wait-final"]);
    eventually("charges are collected by the new key, and read", || {
        network.ask(1, &["quota"])["earned_minor"] == 4 * 1_000
            && network.ask(0, &["quota"])["spent_minor"] == 4 * 1_000
    });
    for index in [0, 1] {
        let name = format!("changed-{index}.statement");
        let file = story.state(index, &name, &["--from", "2020-01-01"]);
        let verified = story.verify(&file);
        assert_eq!(verified.code, CLEAR, "{verified:?}");
        let kind = ["charge", "earning"][index];
        assert_eq!(sum(&verified.json(), kind), 4 * 1_000);
    }
}
