//! An examiner's question, from the filter to a bundle that verifies on a machine that was never in the
//! network.

use serde_json::Value;

use crate::consortium::{CLEAR, COULD_NOT_RUN, Consortium, phone, phones};

const USAGE: i32 = 2;

struct Story {
    network: Consortium,
    genesis: String,
}

impl Story {
    fn told() -> Self {
        let network = Consortium::start();
        network.publish(1, "cheats", &phones(0..50));
        network.publish(2, "mules", &phones(40..90));
        let screen = |subject: &str, case: &str| {
            let more = ["--case", case, "--wait-final"];
            network.screen(0, &[subject], &more);
        };
        screen(&phone(7), "LOAN-1");
        screen(&phone(95), "LOAN-2");
        let genesis = network.node(0).folder.join("genesis.bin");
        let genesis = genesis.to_str().expect("a path").to_owned();
        Self { network, genesis }
    }

    fn path(&self, name: &str) -> String {
        let path = self.network.path(name);
        path.to_str().expect("a path").to_owned()
    }

    fn bundle(&self, name: &str, which: &[&str]) -> String {
        let out = self.path(name);
        let arguments = [&["audit", "bundle", "--out", &out], which].concat();
        self.network.expect(0, &arguments, &[CLEAR]);
        out
    }

    /// Verifies as an examiner does: with no node, and no profile that leads to one.
    fn verify(&self, file: &str, more: &[&str]) -> crate::consortium::Said {
        let arguments = [
            &[
                "audit",
                "verify",
                file,
                "--genesis",
                &self.genesis,
                "--output",
                "json",
            ],
            more,
        ];
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_tacit"));
        command.args(arguments.concat()).env_remove("TACIT_PROFILE");
        command.env("HOME", self.path("nowhere"));
        let output = command.output().expect("it runs");
        crate::consortium::Said {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

fn answers(verified: &Value) -> Vec<(u64, String)> {
    let calls = verified["calls"].as_array().expect("calls");
    let one = |call: &Value| {
        let answer = call["answer"].as_str().expect("an answer").to_owned();
        (call["member_id"].as_u64().expect("a member"), answer)
    };
    let mut answers: Vec<_> = calls.iter().map(one).collect();
    answers.sort();
    answers
}

#[test]
fn an_examiners_question_is_answered_with_evidence_that_cannot_be_altered() {
    let story = Story::told();
    let network = &story.network;

    // The question: what was asked for this loan, and what came of it?
    let listed = network.tacit(0, &["history", "--case", "LOAN-1", "--output", "json"]);
    assert_eq!(listed.out.lines().count(), 2, "{listed:?}");
    let hits = network.tacit(0, &["history", "--answer", "hit", "--output", "json"]);
    assert_eq!(hits.out.lines().count(), 1, "{hits:?}");
    let file = story.bundle("loan-1.audit", &["--case", "LOAN-1"]);
    let verified = story.verify(&file, &[]);
    assert_eq!(verified.code, CLEAR, "{verified:?}");
    let shown = verified.json();
    let expected = [(2, "hit".to_owned()), (3, "clear".to_owned())];
    assert_eq!(answers(&shown), expected);
    for call in shown["calls"].as_array().expect("calls") {
        assert_eq!(call["subject"], format!("+86{}", phone(7)));
        assert_eq!(call["case_reference"], "LOAN-1");
        assert_eq!(call["version_standing"], "in force");
    }

    // It is about this customer and about no other, and holds nothing of other cases.
    let about = ["--region", "CN", "--about", "phone", &phone(7)];
    assert_eq!(story.verify(&file, &about).code, CLEAR);
    let other = story.verify(&file, &["--region", "CN", "--about", "phone", &phone(8)]);
    assert_eq!(other.code, COULD_NOT_RUN, "{other:?}");
    assert!(other.err.contains("somebody else"), "{other:?}");
    let bytes = std::fs::read(&file).expect("the bundle");
    let foreign = phone(95);
    assert!(
        !bytes
            .windows(foreign.len())
            .any(|part| part == foreign.as_bytes())
    );

    // Whatever is altered is found.
    let altered = story.path("altered.audit");
    let step = (bytes.len() / 150).max(1);
    for place in (0..bytes.len()).step_by(step) {
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        std::fs::write(&altered, &changed).expect("written");
        let said = story.verify(&altered, &[]);
        let refused = [USAGE, COULD_NOT_RUN].contains(&said.code);
        assert!(refused && !said.err.is_empty(), "byte {place}: {said:?}");
    }
    // What a member could want to change is named.
    let purpose = "LOAN-1".as_bytes();
    let place = bytes
        .windows(purpose.len())
        .position(|part| part == purpose);
    let mut changed = bytes.clone();
    changed[place.expect("the case stands in it") + 5] = b'9';
    std::fs::write(&altered, &changed).expect("written");
    let said = story.verify(&altered, &[]);
    assert!(said.err.contains("case or approver"), "{said:?}");

    // Nobody opens what another member asked.
    let foreign = network.tacit(
        1,
        &[
            "audit",
            "bundle",
            "--call",
            "1/0/0",
            "--out",
            &story.path("x"),
        ],
    );
    assert_eq!(foreign.code, USAGE, "{foreign:?}");
}

#[test]
fn what_a_list_said_is_shown_when_it_has_long_changed() {
    let story = Story::told();
    let network = &story.network;
    // The list drops the subject, by a delta and then by a new epoch.
    network.publish(1, "cheats", &phones(10..60));
    let rotated = network.path("rotated.csv");
    crate::consortium::write_column(&rotated, &phones(20..60));
    let rotated = rotated.to_str().expect("a path");
    network.ask(
        1,
        &[
            "list",
            "publish",
            "cheats",
            "--from",
            rotated,
            "--column",
            "phone",
            "--type",
            "phone",
            "--region",
            "CN",
            "--new-tag-epoch",
            "--yes",
        ],
    );
    network.wait_copy(0, 1);
    let file = story.bundle("later.audit", &["--case", "LOAN-1", "--member", "2"]);
    let verified = story.verify(&file, &[]);
    assert_eq!(verified.code, CLEAR, "{verified:?}");
    assert_eq!(answers(&verified.json()), [(2, "hit".to_owned())]);
}
