//! Answers that others rely on: receipts, from a screening to the ledger and to somebody without a node.

use serde_json::Value;

use crate::consortium::{CLEAR, COULD_NOT_RUN, Consortium, Said, eventually, phone, phones};

/// A usage error, such as a refusal that says what the caller has to change.
const USAGE: i32 = 2;

const POLICY: [&str; 11] = [
    "policy",
    "put",
    "consumer-credit",
    "--category",
    "transaction-fraud",
    "--members",
    "3",
    "--type",
    "phone",
    "--max-age",
    "1d",
];

/// A consortium whose members have voted a key and published, and the path of a commitment's secret.
struct Stage {
    network: Consortium,
    genesis: String,
}

impl Stage {
    fn set() -> Self {
        let network = Consortium::start();
        network.decide(&["network", "propose-receipt-key", "--development"]);
        for member in 1..4 {
            network.publish(member, "cheats", &phones(0..50));
        }
        network.expect(0, &POLICY, &[CLEAR]);
        let genesis = network.node(0).folder.join("genesis.bin");
        let genesis = genesis.to_str().expect("a path").to_owned();
        Self { network, genesis }
    }

    fn path(&self, name: &str) -> String {
        let path = self.network.path(name);
        path.to_str().expect("a path").to_owned()
    }

    /// Screens a phone, waits until the calls are final, and names them.
    fn calls(&self, phone: &str) -> Vec<String> {
        let rows = self.network.screen(0, &[phone], &["--wait-final"]);
        let answers = rows[0]["answers"].as_array().expect("answers");
        let call = |answer: &Value| answer["call"].as_str().expect("a call").to_owned();
        answers.iter().map(call).collect()
    }

    /// A commitment to a phone, and the file with its secret.
    fn commitment(&self, phone: &str, name: &str) -> (String, String) {
        let secret = self.path(&format!("{name}.secret"));
        let commit = [
            "receipt",
            "commit",
            "--type",
            "phone",
            "--region",
            "CN",
            "--new-secret",
            &secret,
            phone,
        ];
        let said = self.network.ask(0, &commit);
        (said["commitment"].as_str().expect("hex").to_owned(), secret)
    }

    /// Creates receipts for an object.
    fn create(&self, calls: &[String], secret: &str, object: &str, out: &str) -> Said {
        let mut arguments = vec![
            "receipt", "create", "--for", "abs", "--policy", "1", "--object", object,
        ];
        for call in calls {
            arguments.extend(["--call", call]);
        }
        arguments.extend([
            "--purpose",
            "credit-origination",
            "--expires",
            "1h",
            "--secret",
            secret,
            "--out",
            out,
            "--output",
            "json",
        ]);
        // The copy of the log follows the chain a moment behind.
        let mut said = self.network.tacit(0, &arguments);
        eventually("the calls are in this node's log", || {
            if said.code == CLEAR || !said.err.contains("not-yet-final") {
                return true;
            }
            said = self.network.tacit(0, &arguments);
            false
        });
        said
    }

    fn verify(&self, file: &str, more: &[&str]) -> Said {
        let arguments = ["receipt", "verify", file, "--genesis", &self.genesis];
        self.network.tacit(0, &[&arguments, more].concat())
    }
}

#[test]
fn a_receipt_is_made_verified_without_a_node_and_accepted_once() {
    let stage = Stage::set();
    let network = &stage.network;
    let clear = phone(70);
    let calls = stage.calls(&clear);
    assert_eq!(calls.len(), 3);
    let (commitment, secret) = stage.commitment(&clear, "loan-17");
    let file = stage.path("loan-17.receipts");
    let created = stage.create(&calls, &secret, "loan-17", &file);
    assert_eq!(created.code, CLEAR, "{created:?}");
    assert_eq!(created.json()["commitment"], commitment.as_str());
    // Three calls were made to each list at the most: the command says that this hides little.
    assert!(created.err.contains("may be guessed"), "{}", created.err);

    // Whoever has the file and the genesis sees what it says, and a changed file is refused.
    let verified = stage.verify(&file, &["--commitment", &commitment, "--output", "json"]);
    assert_eq!(verified.code, CLEAR, "{verified:?}");
    let verified = verified.json();
    assert_eq!(verified["commitment"], commitment.as_str());
    assert_eq!(verified["receipts"].as_array().map(Vec::len), Some(3));
    assert!(!verified.to_string().contains(&clear));
    let other = stage.verify(&file, &["--commitment", &"01".repeat(32)]);
    assert_eq!(other.code, COULD_NOT_RUN, "{other:?}");
    let bytes = std::fs::read(&file).expect("the file");
    let altered = stage.path("altered.receipts");
    for place in (0..bytes.len()).step_by(bytes.len() / 40) {
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        std::fs::write(&altered, &changed).expect("written");
        let said = stage.verify(&altered, &[]);
        assert!(
            said.code == USAGE || said.code == COULD_NOT_RUN,
            "byte {place}: {said:?}"
        );
    }

    // Every validator checks it; the same context is used up, whatever proofs stand in it.
    let submit = ["receipt", "submit", file.as_str()];
    let accepted = network.ask(0, &submit);
    assert_eq!(accepted["screening_id"], 1);
    let again = network.tacit(0, &submit);
    assert!(again.err.contains("(reject 247)"), "{again:?}");
    let anew = stage.path("anew.receipts");
    let created = stage.create(&calls, &secret, "loan-17", &anew);
    if created.code == CLEAR {
        // Another expiry is another context: the ledger takes it, and a consumer looks at its own.
        network.ask(0, &["receipt", "submit", &anew]);
    }
    let listed = network.tacit(0, &["receipt", "list", "--output", "json"]);
    assert!(listed.out.contains(&commitment), "{listed:?}");
    // Another member cannot submit it as its own.
    let foreign = network.tacit(1, &submit);
    assert_eq!(foreign.code, USAGE, "{foreign:?}");
}

#[test]
fn no_receipt_is_made_of_a_hit_of_another_subject_or_of_too_few_members() {
    let stage = Stage::set();
    let network = &stage.network;
    let out = stage.path("none.receipts");
    let listed = phone(7);
    let hits = stage.calls(&listed);
    let (_, secret) = stage.commitment(&listed, "hit");
    let said = stage.create(&hits, &secret, "loan-18", &out);
    assert!(
        said.code != CLEAR && said.err.contains("lists the subject"),
        "{said:?}"
    );

    let (one, another) = (stage.calls(&phone(70)), stage.calls(&phone(71)));
    let mixed = [one[0].clone(), one[1].clone(), another[2].clone()];
    let (_, secret) = stage.commitment(&phone(70), "mixed");
    let said = stage.create(&mixed, &secret, "loan-19", &out);
    assert!(
        said.code != CLEAR && said.err.contains("same subject"),
        "{said:?}"
    );

    let said = stage.create(&one[..2], &secret, "loan-20", &out);
    assert!(said.err.contains("(reject 255)"), "{said:?}");

    // A call that nobody made, and one of another member.
    let said = stage.create(&["999/0/0".to_owned()], &secret, "loan-21", &out);
    assert!(
        said.code != CLEAR && said.err.contains("keeps no call"),
        "{said:?}"
    );
    let foreign = network.tacit(
        1,
        &[
            "receipt",
            "create",
            "--for",
            "abs",
            "--policy",
            "1",
            "--object",
            "loan-22",
            "--call",
            &one[0],
            "--purpose",
            "credit-origination",
            "--secret",
            &secret,
            "--out",
            &out,
        ],
    );
    assert!(
        foreign.code != CLEAR && foreign.err.contains("keeps no call"),
        "{foreign:?}"
    );
    assert!(!network.path("none.receipts").exists());
}
