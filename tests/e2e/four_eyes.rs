//! What one person cannot do alone: exports, bundles, screenings of many rows.

use std::fs;
use std::path::{Path, PathBuf};

use tacit_proto::operator::{
    ScreenHeader, ScreenRequest, ScreenRow, ScreenRows, screen_request::Step as Asked,
};
use tacit_proto::{error_detail, rows_digest};

use crate::consortium::{CLEAR, Consortium, HIT, SCREEN, eventually, phone, phones};
use crate::records::{USAGE, by, lines, second_person};

/// Changes a rule at the head of a node's list of operators, and lets in an approver.
fn with_rule(network: &Consortium, usual: &str, rule: &str) -> PathBuf {
    let (bob, entry) = second_person(network, "bob", "approver");
    let list = network.node(0).folder.join("operators.toml");
    let text = fs::read_to_string(&list).expect("a list");
    let strict = text.replace(usual, rule);
    assert_ne!(strict, text);
    fs::write(&list, format!("{strict}\n{entry}")).expect("written");
    eventually("bob is let in", || {
        by(network, &bob, &["status"]).0 == CLEAR
    });
    bob
}

#[test]
fn an_export_waits_for_a_second_person_and_runs_once() {
    let mut network = Consortium::start();
    network.publish(1, "cheats", &phones(0..50));
    network.screen(0, &[&phone(7)], &["--case", "LOAN-1", "--wait-final"]);
    let bob = with_rule(
        &network,
        "exports_need_approval = false",
        "exports_need_approval = true",
    );
    let file = |name: &str| network.path(name).to_str().expect("a path").to_owned();
    let (to, bundle) = (file("calls.csv"), file("loan.audit"));
    let export = ["history", "--case", "LOAN-1", "--to", &to];
    let open = ["audit", "bundle", "--case", "LOAN-1", "--out", &bundle];

    // Asked for by the command itself, once however often it is run; nothing is written.
    for _ in 0..2 {
        let said = network.tacit(0, &export);
        assert_eq!(said.code, USAGE, "{said:?}");
        assert!(said.err.contains("tacit approval grant 1"), "{said:?}");
        assert!(said.err.contains("--approval 1"), "{said:?}");
    }
    assert!(!Path::new(&to).exists());
    let said = network.tacit(0, &open);
    assert!(said.err.contains("--approval 2"), "{said:?}");
    // What only goes to the screen does not wait.
    network.expect(0, &["history", "--case", "LOAN-1"], &[CLEAR]);

    // Whoever asked cannot grant it, though the role is there; and what nobody granted is of no use.
    let own = network.tacit(0, &["approval", "grant", "1"]);
    assert_eq!(own.code, USAGE, "{own:?}");
    assert!(own.err.contains("cannot decide on it"), "{own:?}");
    let with = |arguments: &[&str], id: &str| {
        let arguments: Vec<String> = [arguments, &["--approval", id]]
            .concat()
            .iter()
            .map(|&word| word.to_owned())
            .collect();
        arguments
    };
    let run = |network: &Consortium, arguments: &[String]| {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        network.tacit(0, &arguments)
    };
    let early = run(&network, &with(&export, "1"));
    assert!(early.err.contains("waits for a decision"), "{early:?}");

    // It survives a restart, and is decided by somebody else.
    network.stop(0);
    network.start_all();
    let (code, out, err) = by(
        &network,
        &bob,
        &["approval", "list", "--waiting", "--output", "json"],
    );
    assert_eq!((code, lines(&out).len()), (CLEAR, 2), "{err}");
    assert!(!out.contains("LOAN-1"), "{out}");
    let (code, out, err) = by(&network, &bob, &["approval", "grant", "1"]);
    assert_eq!(code, CLEAR, "{err}");
    assert!(out.contains("granted"), "{out}");
    assert_eq!(by(&network, &bob, &["approval", "refuse", "2"]).0, CLEAR);

    // For what was approved and nothing else, by whoever asked, once.
    let wider = run(&network, &with(&["history", "--to", &to], "1"));
    assert!(wider.err.contains("something else"), "{wider:?}");
    let done = run(&network, &with(&export, "1"));
    assert_eq!(done.code, CLEAR, "{done:?}");
    let rows = fs::read_to_string(&to).expect("a file").lines().count();
    assert_eq!(rows, 2, "a header and a call");
    let again = with(
        &["history", "--case", "LOAN-1", "--to", &to, "--force"],
        "1",
    );
    let twice = run(&network, &again);
    assert!(twice.err.contains("was used"), "{twice:?}");
    let refused = run(&network, &with(&open, "2"));
    assert!(refused.err.contains("was refused"), "{refused:?}");
    assert!(!Path::new(&bundle).exists());
    let shown = network.ask(0, &["approval", "show", "1"]);
    assert_eq!(shown["state"], "used");
    assert_eq!(
        (&shown["asked_by"], &shown["decided_by"]),
        (&"operator".into(), &"bob".into())
    );
}

/// Screens rows of alder's as a program would, under a header that names their digests or others'.
fn screened(
    network: &Consortium,
    header: ScreenHeader,
    rows: Vec<ScreenRow>,
) -> Result<usize, String> {
    let steps = [Asked::Header(header), Asked::Rows(ScreenRows { rows })];
    let asked = steps.map(|step| ScreenRequest { step: Some(step) });
    let code = |status: tonic::Status| error_detail(&status).map_or(status.to_string(), |d| d.code);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let mut node = network.operator(0).await;
        let answers = node.screen(tokio_stream::iter(asked)).await;
        let mut answers = answers.map_err(code)?.into_inner();
        let mut heard = 0;
        while let Some(answer) = answers.message().await.map_err(code)? {
            use tacit_proto::operator::screen_response::Step;
            if let Some(Step::Answers(answers)) = answer.step {
                heard += answers.rows.len();
            }
        }
        Ok(heard)
    })
}

fn rows(numbers: std::ops::Range<u32>) -> Vec<ScreenRow> {
    let row = |number: u32| ScreenRow {
        row: number.into(),
        r#type: String::new(),
        value: phone(number),
    };
    numbers.map(row).collect()
}

fn header(rows: &[ScreenRow]) -> ScreenHeader {
    ScreenHeader {
        default_type: "phone".into(),
        default_region: "CN".into(),
        purpose: "credit-origination".into(),
        lawful_basis: "consent".into(),
        case_reference: "CASE-9".into(),
        rows_expected: Some(rows.len() as u64),
        message_digests: vec![rows_digest(rows).to_vec()],
        ..ScreenHeader::default()
    }
}

#[test]
fn many_rows_wait_for_a_second_person_who_approves_exactly_them() {
    let network = Consortium::start();
    network.publish(1, "cheats", &phones(0..50));
    let bob = with_rule(&network, "# bulk_limit_rows = 10000", "bulk_limit_rows = 5");

    // What counts is what one person asks about in a day, and not one command.
    let some = |numbers: std::ops::Range<u32>| -> Vec<String> { numbers.map(phone).collect() };
    let ask = |phones: &[String]| {
        let phones: Vec<&str> = phones.iter().map(String::as_str).collect();
        network.tacit(0, &[&SCREEN[..], &["--yes"], &phones].concat())
    };
    assert_eq!(ask(&some(0..3)).code, HIT);
    let said = ask(&some(3..6));
    assert_eq!(said.code, USAGE, "{said:?}");
    assert!(said.err.contains("--approval 1"), "{said:?}");
    assert_eq!(ask(&some(3..5)).code, HIT);
    assert_eq!(ask(&some(5..6)).code, USAGE, "all five are used up");

    // A file: asked for once, seen by the approver without anybody in it.
    let file = |name: &str| network.path(name).to_str().expect("a path").to_owned();
    let (from, out) = (file("applicants.csv"), file("screened.csv"));
    let table = |numbers: std::ops::Range<u32>| {
        let lines = numbers.map(|number| format!("{number},{}\n", phone(number)));
        format!("id,phone\n{}", lines.collect::<String>())
    };
    fs::write(&from, table(30..70)).expect("written");
    let bulk = |more: &[&str]| {
        let files = ["--from", &from, "--out", &out, "--column", "phone"];
        let arguments = [
            &SCREEN[..],
            &["--yes", "--wait-final", "--case", "CASE-7"],
            &files,
            more,
        ]
        .concat();
        network.tacit(0, &arguments)
    };
    for _ in 0..2 {
        let said = bulk(&[]);
        assert_eq!(said.code, USAGE, "{said:?}");
        assert!(said.err.contains("tacit approval grant 3"), "{said:?}");
    }
    assert!(!Path::new(&out).exists());
    let shown = lines(
        &by(
            &network,
            &bob,
            &["approval", "show", "3", "--output", "json"],
        )
        .1,
    );
    assert_eq!(shown[0]["kind"], "bulk-screening");
    let what = shown[0]["what"].as_str().expect("words");
    assert!(what.starts_with("rows=40 purpose="), "{what}");
    assert!(!what.contains("CASE-7"), "{what}");
    let own = network.tacit(0, &["approval", "grant", "3"]);
    assert!(own.err.contains("cannot decide on it"), "{own:?}");
    assert!(
        bulk(&["--approval", "3"])
            .err
            .contains("waits for a decision")
    );
    assert_eq!(by(&network, &bob, &["approval", "grant", "3"]).0, CLEAR);

    // Another file under the same approval is refused, and the approval is not used up by it.
    fs::write(&from, table(31..71)).expect("written");
    let said = bulk(&["--approval", "3"]);
    assert!(said.err.contains("something else"), "{said:?}");
    fs::write(&from, table(30..70)).expect("written");
    let said = bulk(&["--approval", "3"]);
    assert_eq!(said.code, HIT, "{said:?}");
    let screened_rows = fs::read_to_string(&out).expect("a file");
    assert_eq!(
        screened_rows.matches("hit").count(),
        2 * 20,
        "{screened_rows}"
    );
    assert_eq!(screened_rows.lines().count(), 41);
    let said = bulk(&["--approval", "3", "--overwrite"]);
    assert!(said.err.contains("was used"), "{said:?}");

    // Who approved stands in the record of each call.
    let history = ["history", "--case", "CASE-7", "--output", "json"];
    let calls = lines(&network.expect(0, &history, &[CLEAR]).out);
    assert_eq!(calls.len(), 40);
    let approved = |call: &serde_json::Value| call["own_record"]["approver"] == "bob";
    assert!(calls.iter().all(approved), "{calls:?}");
    // What was approved does not count against what one may ask alone, and gives nothing back either.
    assert_eq!(ask(&some(5..6)).code, USAGE);
}

#[test]
fn a_program_that_sends_other_rows_than_it_announced_gets_no_answer() {
    let network = Consortium::start();
    network.publish(1, "cheats", &phones(0..50));
    let bob = with_rule(&network, "# bulk_limit_rows = 10000", "bulk_limit_rows = 5");
    let approved = rows(0..8);
    let asked = screened(&network, header(&approved), approved.clone());
    assert_eq!(asked, Err("approval-needed".into()));
    let grant = |id: &str| assert_eq!(by(&network, &bob, &["approval", "grant", id]).0, CLEAR);
    grant("1");
    let under = |header: ScreenHeader, id| ScreenHeader {
        approval: Some(id),
        ..header
    };
    let other = screened(&network, under(header(&approved), 1), rows(8..16));
    assert_eq!(other, Err("rows-not-approved".into()));

    // Fewer rows in words than in digests: the approver would have been told too few.
    let understated = ScreenHeader {
        rows_expected: Some(6),
        ..header(&approved)
    };
    let asked = screened(&network, understated.clone(), approved.clone());
    assert_eq!(asked, Err("approval-needed".into()));
    grant("2");
    let more = screened(&network, under(understated, 2), approved.clone());
    assert_eq!(more, Err("rows-not-approved".into()));

    // Nothing announced, or less than what comes: the allowance ends it, and nobody is asked about the message.
    for header in [
        ScreenHeader {
            rows_expected: None,
            ..header(&approved)
        },
        ScreenHeader {
            rows_expected: Some(1),
            message_digests: Vec::new(),
            ..header(&approved)
        },
        ScreenHeader {
            message_digests: Vec::new(),
            ..header(&approved)
        },
    ] {
        let asked = screened(&network, header, approved.clone());
        assert_eq!(asked, Err("rows-not-announced".into()));
    }
    let calls = network.expect(0, &["history", "--output", "json"], &[CLEAR]);
    assert_eq!(lines(&calls.out).len(), 0, "nobody was asked about");
    assert_eq!(screened(&network, header(&rows(0..5)), rows(0..5)), Ok(5));
}
