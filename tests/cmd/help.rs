//! The help of every command, as it is.
//!
//! A change shows in the snapshots: `cargo insta review`, or `INSTA_UPDATE=always cargo test --test cmd`.

use std::collections::BTreeSet;
use std::path::Path;

use crate::tacit::{CLEAR, USAGE, tacit};

/// Every command, by the words that lead to it, with its help.
fn commands() -> Vec<(Vec<String>, String)> {
    let mut found = Vec::new();
    let mut waiting = vec![Vec::<String>::new()];
    while let Some(words) = waiting.pop() {
        let mut arguments: Vec<&str> = words.iter().map(String::as_str).collect();
        arguments.push("--help");
        let said = tacit(&arguments);
        assert_eq!(said.code, CLEAR, "{said:?}");
        assert_eq!(said.err, "", "{arguments:?}");
        for name in below(&said.out) {
            waiting.push([words.clone(), vec![name]].concat());
        }
        found.push((words, said.out));
    }
    found
}

/// The commands that a help lists.
fn below(help: &str) -> Vec<String> {
    help.lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        // A description that goes on is indented further.
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

fn snapshot_name(words: &[String]) -> String {
    let words = std::iter::once("tacit").chain(words.iter().map(String::as_str));
    words.collect::<Vec<_>>().join("-")
}

#[test]
fn the_help_of_every_command_is_as_it_was_reviewed() {
    let commands = commands();
    assert!(commands.len() > 30, "only {} were found", commands.len());
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for (words, help) in &commands {
            insta::assert_snapshot!(snapshot_name(words), help);
        }
    });
    let names: BTreeSet<_> = commands
        .iter()
        .map(|(words, _)| format!("{}.snap", snapshot_name(words)))
        .collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cmd/snapshots");
    let kept: BTreeSet<_> = std::fs::read_dir(folder)
        .expect("the snapshots")
        .map(|entry| entry.expect("an entry").file_name())
        .filter_map(|name| name.into_string().ok())
        .filter(|name| name.ends_with(".snap"))
        .collect();
    assert_eq!(kept, names, "snapshots of commands that are gone");
}

#[test]
fn every_command_that_does_something_says_what_it_does() {
    for (words, help) in commands() {
        let first = help.lines().next().unwrap_or_default();
        assert!(
            !first.is_empty() && !first.starts_with("Usage:"),
            "{words:?} begins with: {first}"
        );
    }
}

#[test]
fn a_command_without_its_arguments_is_a_usage_error_on_standard_error() {
    for arguments in [
        &[][..],
        &["list"],
        &["node"],
        &["unheard"],
        &["screen", "--unheard"],
        &["identifier", "check"],
        &["ledger", "prove", "--out", "x"],
        &["quota", "--movements", "1001"],
    ] {
        let said = tacit(arguments);
        assert_eq!(said.code, USAGE, "{arguments:?}: {said:?}");
        assert_eq!(said.out, "", "{arguments:?}");
        assert!(!said.err.is_empty(), "{arguments:?}");
    }
}

#[test]
fn the_version_is_told() {
    let said = tacit(&["--version"]);
    assert_eq!(said.code, CLEAR);
    assert_eq!(said.out, concat!("tacit ", env!("CARGO_PKG_VERSION"), "\n"));
}
