//! A wrong entry, challenged: shown to whom it concerns and to nobody else, ruled on, corrected.

use serde_json::Value;

use crate::consortium::{CLEAR, COULD_NOT_RUN, Consortium, eventually, phone, phones};

const USAGE: i32 = 2;

/// What a challenger puts aside for a dispute: 500 quota, unless it is voted otherwise.
const STAKE_MINOR: u64 = 500_000;

fn dispute(network: &Consortium, index: usize) -> Value {
    let said = network.expect(index, &["dispute", "list", "--output", "json"], &[CLEAR]);
    let line = said.out.lines().next().unwrap_or("null");
    serde_json::from_str(line).expect("JSON")
}

/// What waits at a node, of one kind.
fn notices(network: &Consortium, index: usize, kind: &str) -> Vec<Value> {
    let said = network.expect(index, &["notices", "--output", "json"], &[CLEAR]);
    let lines = said.out.lines();
    let all = lines.map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    all.filter(|notice| notice["kind"] == kind).collect()
}

/// The one thing of a kind that waits at a node.
fn notice(network: &Consortium, index: usize, kind: &str) -> Value {
    let mut found = notices(network, index, kind);
    assert_eq!(found.len(), 1, "{kind}: {found:?}");
    found.remove(0)
}

/// Opens a dispute about a phone that the second member lists; the panel is one of the two
/// others.
fn opened(network: &Consortium) -> usize {
    network.decide(&["network", "propose-receipt-key", "--development"]);
    // Of four members two belong to neither side: a panel of one.
    network.decide(&["network", "propose-parameter", "panel_size", "1"]);
    network.publish(1, "cheats", &phones(0..50));
    let rows = network.screen(0, &[&phone(7)], &["--wait-final"]);
    let call = rows[0]["answers"][0]["call"]
        .as_str()
        .expect("a call")
        .to_owned();
    let open = [
        "dispute", "open", "--call", &call, "--reason", "settled", "--output", "json",
    ];
    let mut said = network.tacit(0, &open);
    eventually("the call is in this node's log", || {
        if said.code == CLEAR || !said.err.contains("not-yet-final") {
            return true;
        }
        said = network.tacit(0, &open);
        false
    });
    assert_eq!(said.code, CLEAR, "{said:?}");
    assert_eq!(said.json()["dispute_id"], 1);
    eventually("the panel is drawn", || {
        dispute(network, 0)["status"] == "answering"
    });
    let panel = dispute(network, 0)["panel"].clone();
    let panel = panel.as_array().expect("a panel");
    assert_eq!(panel.len(), 1);
    let member = panel[0]["member_id"].as_u64().expect("a member");
    assert!([3, 4].contains(&member), "{panel:?}");
    member as usize - 1
}

#[test]
fn a_dispute_is_shown_to_whom_it_concerns_ruled_on_and_corrected() {
    let network = Consortium::start();
    let panel = opened(&network);
    let bystander = if panel == 2 { 3 } else { 2 };
    // A member that takes no part in it has decided something on the same entry.
    let relied = network.screen(
        bystander,
        &[&phone(7)],
        &["--case", "LOAN-9", "--wait-final"],
    );
    let relied = relied[0]["answers"][0]["call"].clone();
    // Owner and panel are told what they have to do, and until when.
    let answer = notice(&network, 1, "dispute-to-answer");
    assert!(
        answer["dispute_id"] == 1 && answer["until"].is_string(),
        "{answer}"
    );
    let rule = notice(&network, panel, "dispute-to-rule");
    assert!(rule["dispute_id"] == 1 && rule["until"].is_null(), "{rule}");
    assert_eq!(
        notices(&network, bystander, "dispute-to-rule"),
        [Value::Null; 0]
    );
    let quota = |index: usize, part: &str| network.ask(index, &["quota"])[part].as_u64();
    // The stake is put aside in the deposit, not in the account.
    let account = quota(0, "available_minor");
    assert_eq!(quota(0, "deposit_staked_minor"), Some(STAKE_MINOR));

    // The owner and the panel see whom it is about, proven; others do not, and the ledger holds nothing of it.
    for index in [0, 1, panel] {
        let shown = network.ask(index, &["dispute", "show", "1"]);
        assert_eq!(shown["subject"], format!("+86{}", phone(7)), "{index}");
        assert_eq!(shown["proven"], true);
    }
    let refused = network.tacit(bystander, &["dispute", "show", "1"]);
    assert_eq!(refused.code, USAGE, "{refused:?}");

    // Evidence goes to the panel alone.
    let file = network.path("judgment.txt");
    std::fs::write(&file, "the debt stands").expect("written");
    let file = file.to_str().expect("a path");
    network.ask(1, &["dispute", "answer", "1", "--evidence", file]);
    assert!(notices(&network, 1, "dispute-to-answer").is_empty());
    assert!(notice(&network, panel, "dispute-to-rule")["until"].is_string());
    let copy = network.path("copy.txt");
    let shown = [
        "dispute",
        "show",
        "1",
        "--evidence",
        copy.to_str().expect("a path"),
    ];
    let refused = network.tacit(0, &shown);
    assert_eq!(refused.code, USAGE, "{refused:?}");
    network.ask(panel, &shown);
    assert_eq!(std::fs::read(&copy).expect("the copy"), b"the debt stands");
    let early = network.tacit(bystander, &["dispute", "rule", "1", "--upheld"]);
    assert_eq!(early.code, COULD_NOT_RUN, "{early:?}");

    // The panel finds the entry wrong: stake back, compensation, rating, and the list has to be corrected.
    let ruled = network.ask(panel, &["dispute", "rule", "1", "--upheld"]);
    assert_eq!(ruled["status"], "correcting");
    assert_eq!(ruled["outcome"], "upheld");
    assert!(notices(&network, panel, "dispute-to-rule").is_empty());
    assert!(notice(&network, 1, "correction-due")["until"].is_string());
    eventually("the challenger's books say so", || {
        quota(0, "available_minor") > account && quota(0, "deposit_staked_minor") == Some(0)
    });
    let rating = network.ask(0, &["member", "rating", "2"]);
    assert_eq!(rating["rating"], 90, "{rating}");
    let why = rating["changes"][0]["reason"].as_str().expect("a reason");
    assert!(why.contains("dispute 1"), "{why}");
    network.publish(1, "cheats", &phones(8..50));
    assert!(notices(&network, 1, "correction-due").is_empty());
    // Whoever relied on the entry is told, once and by the owner's mark; the panel's member never asked.
    for index in [0, bystander] {
        eventually("it is told", || {
            !notices(&network, index, "entry-corrected").is_empty()
        });
    }
    let told = notice(&network, bystander, "entry-corrected");
    assert_eq!(
        (&told["call"], &told["case"]),
        (&relied, &Value::from("LOAN-9"))
    );
    assert_eq!(
        (&told["version"], &told["corrected_version"]),
        (&Value::from(0), &Value::from(1))
    );
    assert!(notices(&network, panel, "entry-corrected").is_empty());
    let metric = "tacit_notices{kind=\"entry-corrected\"}";
    eventually("the metric says so", || {
        network
            .probe(bystander, "/metrics")
            .contains(&format!("{metric} 1"))
    });
    let status = network.ask(bystander, &["status"]);
    assert_eq!(status["notices"]["entry-corrected"], 1, "{status}");
    // Somebody looks into it, and that is kept.
    let number = told["notice_id"].to_string();
    network.ask(bystander, &["notices", "acknowledge", &number]);
    assert!(notices(&network, bystander, "entry-corrected").is_empty());
    let again = network.tacit(bystander, &["notices", "acknowledge", &number]);
    assert_eq!(again.code, USAGE, "{again:?}");
    let all = network.ask(bystander, &["notices", "--all"]);
    assert!(
        all["acknowledged_by"].is_string() && all["acknowledged_ms"].is_u64(),
        "{all}"
    );
    let log = network.log(bystander);
    assert!(log.contains("notices.new") && !log.contains("LOAN-9"));
    // Whether there is such a version is looked at on the last date.
    assert_eq!(dispute(&network, 0)["status"], "correcting");
    let rows = network.screen(0, &[&phone(7)], &[]);
    assert_eq!(rows[0]["answers"][0]["answer"], "clear");
}

#[test]
fn an_owner_withdraws_an_entry_and_a_clear_answer_cannot_be_disputed() {
    let network = Consortium::start();
    opened(&network);
    let rows = network.screen(0, &[&phone(70)], &["--wait-final"]);
    let call = rows[0]["answers"][0]["call"]
        .as_str()
        .expect("a call")
        .to_owned();
    let open = ["dispute", "open", "--call", &call, "--reason", "other"];
    let mut said = network.tacit(0, &open);
    eventually("the call is in this node's log", || {
        said = network.tacit(0, &open);
        !said.err.contains("not-yet-final")
    });
    assert!(
        said.code == USAGE && said.err.contains("nothing to dispute"),
        "{said:?}"
    );
    let withdrawn = network.ask(1, &["dispute", "answer", "1", "--withdraw"]);
    assert_eq!(withdrawn["outcome"], "withdrawn");
    assert_eq!(network.ask(0, &["member", "rating", "2"])["rating"], 98);
}
