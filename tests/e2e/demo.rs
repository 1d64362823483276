//! The demo's path, answers compared with its sample files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use crate::consortium::TACIT;

/// The members in the order of their numbers; the first one asks.
const MEMBERS: [&str; 4] = [
    "harbour-bank",
    "jade-insurance",
    "swift-pay",
    "lotus-finance",
];

type Row = BTreeMap<String, String>;

/// Rows of a CSV file without quotes, which sample files have none of.
fn rows(path: &Path) -> Vec<Row> {
    let text = std::fs::read_to_string(path).expect("a file");
    let mut lines = text.lines().map(|line| line.split(','));
    let header: Vec<&str> = lines.next().expect("a header").collect();
    lines
        .map(|fields| {
            let named = header.iter().map(|name| (*name).to_owned());
            named.zip(fields.map(str::to_owned)).collect()
        })
        .collect()
}

/// The digits that identify: eleven of a mobile number, all of a card number.
fn canonical(column: &str, value: &str) -> String {
    let digits: String = value.chars().filter(char::is_ascii_digit).collect();
    let from = if column == "phone" {
        digits.len() - 11
    } else {
        0
    };
    digits[from..].to_owned()
}

#[test]
fn the_demo_plays_its_story_and_every_answer_is_that_of_the_sample_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let demo = folder.path().join("demo");
    let output = Command::new(TACIT)
        .args(["demo", "--once", "--persons", "300", "--applicants", "60"])
        .arg("--dir")
        .arg(&demo)
        .output()
        .expect("it runs");
    let out = String::from_utf8_lossy(&output.stdout);
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{out}\n{err}");

    let applicants = rows(&demo.join("samples/applicants.csv"));
    let results = rows(&demo.join("results.csv"));
    assert_eq!(applicants.len(), 60);
    assert_eq!(results.len(), 60);
    let mut said = BTreeSet::new();
    for column in ["phone", "card"] {
        for (number, slug) in (2..).zip(&MEMBERS[1..]) {
            let listed = rows(&demo.join(format!("samples/{slug}.csv")));
            let listed: BTreeSet<String> = listed
                .iter()
                .map(|row| canonical(column, &row[column]))
                .collect();
            for (applicant, result) in applicants.iter().zip(&results) {
                let is_listed = listed.contains(&canonical(column, &applicant[column]));
                let answer = &result[&format!("{column}:M{number}/blacklist")];
                assert_eq!(answer == "hit", is_listed, "{slug}: {applicant:?}");
                assert!(answer == "hit" || answer == "clear", "{result:?}");
                said.insert(answer.clone());
            }
        }
    }
    assert_eq!(said.len(), 2, "the sample shows hits and clears");
    assert!(out.contains("quota"), "{out}");
}
