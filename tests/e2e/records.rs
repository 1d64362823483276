//! What a compliance officer gets out of a node: histories as files, under the rules of who may ask for what.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tacit_client::{Profile, connection};
use tacit_database::{Database, Durability, Schema, Statement};
use tacit_proto::operator::StatusRequest;

use crate::consortium::{CLEAR, COULD_NOT_RUN, Consortium, SCREEN, eventually, phone, phones};

pub(crate) const USAGE: i32 = 2;

fn told() -> Consortium {
    let network = Consortium::start();
    network.publish(1, "cheats", &phones(0..50));
    network.publish(2, "mules", &phones(40..90));
    for (number, case) in [(7, "=LOAN-1"), (95, "LOAN-2"), (45, "LOAN-3")] {
        network.screen(0, &[&phone(number)], &["--case", case, "--wait-final"]);
    }
    // The other way, so that there is something that was served.
    network.publish(0, "own", &phones(0..10));
    network.screen(1, &[&phone(3)], &["--wait-final"]);
    // Final on the one node may not stand among the rows of the other yet.
    eventually("the served call stands in the history", || {
        let served = ["history", "--served", "--output", "json"];
        !network.expect(0, &served, &[CLEAR]).out.is_empty()
    });
    network
}

pub(crate) fn lines(text: &str) -> Vec<Value> {
    let line = |line| serde_json::from_str(line).expect("JSON");
    text.lines().map(line).collect()
}

#[test]
fn a_history_is_the_same_on_the_screen_and_in_its_files() {
    let network = told();
    let path = |name: &str| network.path(name).to_str().expect("a path").to_owned();
    let shown = network.expect(0, &["history", "--output", "json"], &[CLEAR]);
    let shown = lines(&shown.out);
    let asked = shown.iter().filter(|call| call["direction"] == "asked");
    assert!(asked.count() >= 6 && shown.len() > 6, "{shown:?}");

    // JSON Lines: line for line.
    let written = path("calls.jsonl");
    let said = network.expect(0, &["history", "--to", &written], &[CLEAR]);
    let text = fs::read_to_string(&written).expect("a file");
    assert_eq!(lines(&text), shown);
    assert!(said.out.ends_with("calls.jsonl\n"), "{said:?}");

    // CSV: cell for cell.
    let written = path("calls.csv");
    network.expect(0, &["history", "--to", &written], &[CLEAR]);
    let text = fs::read_to_string(&written).expect("a file");
    let mut rows = text.split_terminator("\r\n").map(|row| row.split(','));
    let header: Vec<&str> = rows.next().expect("a header").collect();
    let rows: Vec<Vec<&str>> = rows.map(Iterator::collect).collect();
    assert_eq!(rows.len(), shown.len());
    for (row, call) in rows.iter().zip(&shown) {
        for (name, cell) in header.iter().zip(row) {
            let own = &call["own_record"][name];
            let value = if own.is_null() { &call[name] } else { own };
            let text = match value {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let text = text.replace("=LOAN-1", "'=LOAN-1");
            assert_eq!(*cell, text, "{name} of {call}");
        }
    }

    // Parquet: as many, and its checksum is the file's; what stands in it is compared in the client's own tests.
    let written = path("calls.parquet");
    let file = network.ask(0, &["history", "--to", &written]);
    assert_eq!(file["rows"], shown.len());
    let bytes = fs::read(&written).expect("a file");
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
    assert_eq!(file["bytes"], bytes.len());

    // Filters, alone and together, leave what they say.
    for (filter, calls) in [
        (&["--case", "LOAN-2"][..], 2),
        (&["--case", "=LOAN-1", "--answer", "hit"], 1),
        (&["--case", "LOAN-2", "--operator", "nobody"], 0),
        (&["--operator", "operator", "--member", "3"], 3),
        (&["--purpose", "credit-origination"], 6),
        (&["--served", "--case", "LOAN-2"], 0),
        (&["--until", "2020-01-01"], 0),
    ] {
        let said = network.expect(
            0,
            &[&["history", "--output", "json"], filter].concat(),
            &[CLEAR],
        );
        assert_eq!(lines(&said.out).len(), calls, "{filter:?}: {said:?}");
    }

    // Nothing is replaced unasked, and nothing of it is lost.
    let said = network.tacit(0, &["history", "--to", &written]);
    assert_eq!(said.code, USAGE, "{said:?}");
    assert_eq!(fs::read(&written).expect("a file"), bytes);
}

/// Makes a certificate for one more operator of a node. Answers with its profile and its entry in the list.
pub(crate) fn second_person(network: &Consortium, name: &str, role: &str) -> (PathBuf, String) {
    let folder = &network.node(0).folder;
    let certs = folder.join("certs");
    let made = network.expect(
        0,
        &[
            "certs",
            "add-operator",
            "--dir",
            certs.to_str().expect("a path"),
            "--name",
            name,
            "--institution",
            "alder",
            "--role",
            role,
        ],
        &[CLEAR],
    );
    let entry = made.out.find("[[operator]]").expect("an entry");
    let profile = fs::read_to_string(network.node(0).profile_file()).expect("a profile");
    let profile = profile
        .replace("certs/operator.pem", &format!("certs/{name}.pem"))
        .replace("certs/operator.key.pem", &format!("certs/{name}.key.pem"));
    let path = folder.join(format!("{name}.profile.toml"));
    fs::write(&path, profile).expect("written");
    (path, made.out[entry..].to_owned())
}

/// Runs a command with another profile.
pub(crate) fn by(
    network: &Consortium,
    profile: &Path,
    arguments: &[&str],
) -> (i32, String, String) {
    let mut command = network.command(0, arguments);
    let output = command
        .env("TACIT_PROFILE", profile)
        .output()
        .expect("it runs");
    (
        output.status.code().unwrap_or(-1),
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

/// Changes one row of a node's account of reads, while the node does not run.
fn alter(network: &Consortium, sql: &'static str) {
    let file = network.node(0).folder.join("data/operators.sqlite");
    let schema = Schema {
        migrations_table: "another_account",
        migrations: &[],
        durability: Durability::PowerLoss,
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let database = Database::open(&format!("sqlite://{}", file.display()), &schema).await;
        let database = database.expect("opens");
        let mut transaction = database.begin().await.expect("begun");
        let statement = Statement::new(sql, []).query();
        let done = statement.execute(&mut *transaction).await.expect("done");
        assert_eq!(done.rows_affected(), 1);
        transaction.commit().await.expect("committed");
        database.close().await;
    });
}

#[test]
fn who_may_ask_is_listed_and_who_looked_is_recorded() {
    let mut network = Consortium::start();
    network.publish(1, "cheats", &phones(0..50));
    network.screen(0, &[&phone(7)], &["--case", "LOAN-1", "--wait-final"]);
    let (bob, entry) = second_person(&network, "bob", "auditor");
    let list = network.node(0).folder.join("operators.toml");
    let without = fs::read_to_string(&list).expect("a list");

    // The authority's signature alone opens nothing.
    let (code, _, err) = by(&network, &bob, &["status"]);
    assert_eq!(code, USAGE, "{err}");
    assert!(err.contains("operators.toml"), "{err}");
    fs::write(&list, format!("{without}\n{entry}")).expect("written");
    eventually("bob is let in", || {
        by(&network, &bob, &["status"]).0 == CLEAR
    });

    // An auditor reads, and does nothing else.
    let history = ["history", "--case", "LOAN-1", "--output", "json"];
    let (code, out, err) = by(&network, &bob, &history);
    assert_eq!((code, out.lines().count()), (CLEAR, 1), "{err}");
    let listed = phone(8);
    let screen = [&SCREEN[..], &["--yes", &listed]].concat();
    let (code, _, err) = by(&network, &bob, &screen);
    assert_eq!(code, USAGE, "{err}");
    assert!(err.contains("needs the role operator"), "{err}");
    assert!(err.contains("bob holds: auditor"), "{err}");

    // A connection that is open does not outlive the withdrawal.
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let profile = Profile::read(&bob).expect("a profile");
    let open = runtime.block_on(connection::connect(&profile));
    let mut open = open.expect("a connection");
    let status = |open: &mut connection::Node| runtime.block_on(open.status(StatusRequest {}));
    status(&mut open).expect("still listed");
    fs::write(&list, &without).expect("written");
    eventually("bob is refused", || status(&mut open).is_err());
    let refused = status(&mut open).expect_err("refused");
    assert_eq!(refused.code(), tonic::Code::Unauthenticated);

    // Who looked stands in the account, and what was looked for without the case itself.
    let said = network.expect(0, &["audit", "reads", "--output", "json"], &[CLEAR]);
    let account = lines(&said.out);
    let (end, entries) = account.split_last().expect("an end");
    let looked = |entry: &&Value| entry["operator"] == "bob" && entry["action"] == "history";
    let looked: Vec<&Value> = entries.iter().filter(looked).collect();
    assert_eq!(looked.len(), 2, "{said:?}");
    let what = looked[0]["what"].as_str().expect("words");
    assert!(
        what.starts_with("case=") && !what.contains("LOAN"),
        "{what}"
    );
    assert_eq!(looked[0]["outcome"], "begun");
    assert_eq!(looked[1]["outcome"], "done: 1 calls");
    assert_eq!(looked[1]["begun"], looked[0]["number"]);
    let head = end["head"].as_str().expect("a head");
    let noted = ["audit", "reads", "--noted", head];
    network.expect(0, &noted, &[CLEAR]);

    // An entry that is altered on the disk is named.
    network.stop(0);
    alter(
        &network,
        "UPDATE privileged_read SET operator = 'operator' \
         WHERE operator = 'bob' AND outcome = 'begun'",
    );
    network.start_all();
    let said = network.tacit(0, &noted);
    assert_eq!(said.code, COULD_NOT_RUN, "{said:?}");
    let named = format!("entry {} was altered", looked[0]["number"]);
    assert!(said.err.contains(&named), "{said:?}");
    assert_eq!(said.err.matches("was altered").count(), 1, "{said:?}");
}
