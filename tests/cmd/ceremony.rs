//! A ceremony's folder, without the minutes that contributions to it take.

use crate::tacit::{CLEAR, COULD_NOT_RUN, Home, USAGE};

const NEW: [&str; 8] = [
    "ceremony",
    "new",
    "--dir",
    "round",
    "--members",
    "anna,bela,港湾",
    "--beacons",
    "the hashes of blocks 10 and 20",
];

#[test]
fn a_new_ceremony_says_whom_it_waits_for() {
    let home = Home::new();
    let said = home.run(&NEW);
    assert_eq!(said.code, CLEAR, "{said:?}");
    let said = home.run(&["ceremony", "verify", "--dir", "round"]);
    assert_eq!(said.code, CLEAR, "{said:?}");
    for words in [
        "phase 1 waits for anna, bela, 港湾",
        "the hashes of blocks 10 and 20",
    ] {
        assert!(said.out.contains(words), "{words} in {said:?}");
    }
    let said = home.run(&["ceremony", "verify", "--dir", "round", "--output", "json"]);
    let found: serde_json::Value = serde_json::from_str(&said.out).expect("one object");
    assert_eq!(found["open_phase"], 1, "{found}");
    assert_eq!(
        found["missing"],
        serde_json::json!(["anna", "bela", "港湾"])
    );
}

#[test]
fn who_is_not_expected_is_a_usage_error_and_a_bad_step_is_named() {
    let home = Home::new();
    assert_eq!(home.run(&NEW).code, CLEAR);
    let again = home.run(&NEW);
    assert_eq!(again.code, USAGE, "{again:?}");
    assert!(again.err.contains("is not empty"), "{again:?}");
    let said = home.run(&[
        "ceremony",
        "contribute",
        "--dir",
        "round",
        "--as",
        "mallory",
    ]);
    assert_eq!(said.code, USAGE, "{said:?}");
    assert!(said.err.contains("nobody of that name"), "{said:?}");
    let finish = [
        "ceremony", "finish", "--dir", "round", "--phase", "1", "--beacon",
    ];
    let said = home.run(&[&finish[..], &["0123"]].concat());
    assert_eq!(said.code, USAGE, "{said:?}");
    assert!(said.err.contains("waits for anna"), "{said:?}");
    let said = home.run(&[&finish[..], &["xyz"]].concat());
    assert_eq!(said.code, USAGE, "{said:?}");

    home.write("round/001.record", b"tacit cerrecrd 1 and no more");
    let said = home.run(&["ceremony", "verify", "--dir", "round"]);
    assert_eq!(said.code, COULD_NOT_RUN, "{said:?}");
    assert!(said.err.contains("step 1"), "{said:?}");
    let said = home.run(&["ceremony", "verify", "--dir", "elsewhere"]);
    assert_eq!(said.code, COULD_NOT_RUN, "{said:?}");
    assert!(said.err.contains("elsewhere"), "{said:?}");
}
