//! What is said where a command cannot do what was asked: what, why, and what to do.

use std::net::TcpListener;

use crate::tacit::{CLEAR, COULD_NOT_RUN, Home, Said, USAGE, tacit};

/// What every screening needs besides what it asks about.
const GROUNDS: [&str; 4] = [
    "--purpose",
    "credit-origination",
    "--lawful-basis",
    "consent",
];

/// Trial certificates, and a profile that leads to an address where nobody listens.
fn home_without_node(more: &[&str]) -> Home {
    let home = Home::new();
    let said = home.run(&["certs", "new", "--dir", "certs", "--institution", "Bank"]);
    assert_eq!(said.code, CLEAR, "{said:?}");
    // A port that was free a moment ago, and below those that others are given by chance.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    drop(listener);
    let mut init = vec!["init", "--address", &address];
    init.extend(["--ca", "certs/operator-authority.pem"]);
    init.extend(["--certificate", "certs/operator.pem"]);
    init.extend(["--key", "certs/operator.key.pem"]);
    init.extend(more);
    let said = home.run(&init);
    assert_eq!(said.code, CLEAR, "{said:?}");
    home
}

fn bulk(home: &Home, more: &[&str]) -> Said {
    let mut arguments = vec!["screen", "--from", "in.csv"];
    arguments.extend(["--column", "phone", "--type", "phone"]);
    arguments.extend(GROUNDS);
    arguments.extend(more);
    home.run(&arguments)
}

fn refused(said: &Said, words: &[&str]) {
    assert_eq!(said.code, USAGE, "{said:?}");
    for word in words {
        assert!(said.err.contains(word), "{word} in {said:?}");
    }
}

#[test]
fn without_a_profile_every_command_says_where_it_looked_and_how_to_make_one() {
    for arguments in [
        &["status"][..],
        &["quota"],
        &["history"],
        &["member", "list"],
        &["list", "show"],
        &["ledger", "block"],
        &["screen", "--type", "phone", "13800138000"],
    ] {
        let said = tacit(arguments);
        assert_eq!(said.code, COULD_NOT_RUN, "{arguments:?}");
        assert_eq!(said.out, "", "{arguments:?}");
        for words in [
            "no profile",
            "tacit init",
            "HOME/.config/tacit/profile.toml",
        ] {
            assert!(said.err.contains(words), "{words} in {said:?}");
        }
    }
}

#[test]
fn an_error_is_an_object_for_programs() {
    let said = tacit(&["status", "--output", "json"]);
    let error: serde_json::Value = serde_json::from_str(&said.err).expect("JSON");
    assert_eq!(error["error"], "no-profile");
    assert!(error["message"].is_string(), "{error}");
}

#[test]
fn a_profile_that_is_named_and_missing_or_wrong_is_told_by_its_path() {
    let home = Home::new();
    let said = home.run(&["status", "--profile", "mine.toml"]);
    assert_eq!(said.code, COULD_NOT_RUN);
    assert!(said.err.contains("mine.toml"), "{said:?}");
    home.write("mine.toml", b"operator_adress = \"x\"\n");
    let said = home.run(&["status", "--profile", "mine.toml"]);
    refused(&said, &["mine.toml", "operator_adress"]);
}

#[test]
fn a_node_that_is_not_there_is_told_by_its_address() {
    let home = home_without_node(&[]);
    let said = home.run(&["status"]);
    assert_eq!(said.code, COULD_NOT_RUN);
    for words in ["cannot reach the node at 127.0.0.1:", "is it running?"] {
        assert!(said.err.contains(words), "{words} in {said:?}");
    }
}

#[test]
fn a_profile_is_never_overwritten() {
    let home = home_without_node(&[]);
    let mut again = vec!["init", "--address", "127.0.0.1:1", "--ca", "a"];
    again.extend(["--certificate", "b", "--key", "c"]);
    let said = home.run(&again);
    assert_eq!(said.code, COULD_NOT_RUN);
    assert!(said.err.contains("profile.toml"), "{said:?}");
}

#[test]
fn a_screening_without_purpose_or_lawful_basis_is_refused_before_anything_is_asked() {
    let home = home_without_node(&[]);
    let ask = ["screen", "--type", "phone", "13800138000"];
    refused(&home.run(&ask), &["--purpose", "mandatory"]);
    let with_purpose = [&ask[..], &GROUNDS[..2]].concat();
    refused(&home.run(&with_purpose), &["--lawful-basis", "mandatory"]);
    let with_both = [&ask[..], &GROUNDS[..]].concat();
    assert_eq!(home.run(&with_both).code, COULD_NOT_RUN);
}

#[test]
fn a_profile_may_name_purpose_and_lawful_basis() {
    let home = home_without_node(&GROUNDS);
    let said = home.run(&["screen", "--type", "phone", "13800138000"]);
    assert_eq!(said.code, COULD_NOT_RUN, "{said:?}");
    assert!(said.err.contains("cannot reach the node"), "{said:?}");
}

#[test]
fn numbers_that_would_ask_for_nothing_are_usage_errors() {
    for words in [["--require", "0"], ["--cost-limit", "0"]] {
        let said = tacit(&["screen", "--type", "phone", words[0], words[1], "1"]);
        refused(&said, &[words[0], "1.."]);
    }
}

#[test]
fn a_file_that_cannot_be_screened_is_told_why() {
    let home = Home::new();
    let out = ["--out", "out.csv"];
    let said = bulk(&home, &out);
    assert_eq!(said.code, COULD_NOT_RUN);
    assert!(said.err.contains("in.csv"), "{said:?}");
    for (bytes, words) in [
        (&b""[..], &["is empty"][..]),
        (b"phone\n", &["no row below its header"]),
        (b"number,name\n1,2\n", &["no column phone", "number, name"]),
        (b"phone,phone\n1,2\n", &["two columns named phone"]),
        (b"phone;name\n1;2\n", &["semicolons"]),
    ] {
        home.write("in.csv", bytes);
        refused(&bulk(&home, &out), words);
    }
    assert!(!home.path("out.csv.unfinished").exists());
}

#[test]
fn no_file_of_a_screening_takes_the_place_of_another() {
    let home = Home::new();
    home.write("in.csv", b"phone\n13800138000\n");
    refused(
        &bulk(&home, &["--out", "in.csv", "--overwrite"]),
        &["same file"],
    );
    let rejects = ["--out", "out.csv", "--rejects", "in.csv"];
    refused(&bulk(&home, &rejects), &["same file"]);
    home.write("out.csv", b"paid for");
    refused(
        &bulk(&home, &["--out", "out.csv"]),
        &["exists", "--overwrite"],
    );
    home.write("new.csv.unfinished", b"paid for");
    refused(&bulk(&home, &["--out", "new.csv"]), &["--resume"]);
    let kept = std::fs::read(home.path("in.csv")).expect("it is there");
    assert_eq!(kept, b"phone\n13800138000\n");
}

#[test]
fn a_proof_is_checked_without_a_node() {
    let home = Home::new();
    home.write("genesis.bin", b"none");
    home.write("batch.proof", b"none");
    let said = home.run(&[
        "ledger",
        "verify",
        "batch.proof",
        "--genesis",
        "genesis.bin",
    ]);
    refused(&said, &["genesis.bin", "is not a genesis"]);
}
