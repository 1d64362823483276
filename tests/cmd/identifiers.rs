//! `tacit identifier check`, which asks nobody.

use crate::tacit::{CLEAR, Home, USAGE, tacit};

/// Of each type: what else it needs, two spellings of one identifier, its canonical form, and what is none.
const TYPES: [(&str, &[&str], [&str; 2], &str, &str); 9] = [
    (
        "phone",
        &["--region", "CN"],
        ["138 0013 8000", "+86-13800138000"],
        "+8613800138000",
        "138",
    ),
    (
        "card",
        &[],
        ["1463 7619 1418", "１４６３７６１９１４１８"],
        "146376191418",
        "1463 7619 1419",
    ),
    (
        "iban",
        &[],
        ["AT65 4534 7231 1447 4040", "at654534723114474040"],
        "AT654534723114474040",
        "AT65 4534 7231 1447 4041",
    ),
    (
        "bank-account",
        &["--namespace", "DEUTDEFF"],
        ["1234567890", "deutdeffxxx: 1234 5678 90"],
        "DEUTDEFF:1234567890",
        "DEUTDEFF:!!",
    ),
    (
        "resident-id",
        &[],
        ["110105 200806 236047", "110105200806236047"],
        "110105200806236047",
        "110105200806236048",
    ),
    (
        "credit-code",
        &[],
        ["9111 0000 6000 3734 1L", "91110000600037341l"],
        "91110000600037341L",
        "91110000600037341M",
    ),
    (
        "email",
        &[],
        ["ZHANG.SAN@EXAMPLE.COM", "zhang.san@example.com"],
        "zhang.san@example.com",
        "zhang.san",
    ),
    (
        "device",
        &["--namespace", "imei"],
        ["35-884198-667300-7", "358841986673007"],
        "imei:358841986673007",
        "358841986673008",
    ),
    (
        "text",
        &["--namespace", "plate"],
        ["京A12345", "PLATE : 京A12345"],
        "plate:京a12345",
        "",
    ),
];

fn check<'a>(kind: &'a str, more: &[&'a str], values: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec!["identifier", "check", "--type", kind];
    arguments.extend(more);
    arguments.extend(values);
    arguments
}

#[test]
fn both_spellings_of_an_identifier_of_each_type_have_one_canonical_form() {
    for (kind, more, spellings, canonical, _) in TYPES {
        let expected = format!("{canonical}\n{canonical}\n");
        let said = tacit(&check(kind, more, &spellings));
        assert_eq!((said.out, said.code), (expected.clone(), CLEAR), "{kind}");
        let lines = spellings.join("\n");
        let said = Home::new().run_with(&check(kind, more, &[]), lines.as_bytes());
        assert_eq!((said.out, said.code), (expected, CLEAR), "{kind} by lines");
    }
}

#[test]
fn what_is_no_identifier_is_refused_with_a_reason_and_without_being_repeated() {
    for (kind, more, spellings, canonical, bad) in TYPES {
        let input = format!("{}\n{bad}\n", spellings[0]);
        let said = Home::new().run_with(&check(kind, more, &[]), input.as_bytes());
        assert_eq!(said.code, USAGE, "{kind}: {said:?}");
        let lines: Vec<&str> = said.out.lines().collect();
        assert_eq!(lines[0], canonical, "{kind}");
        assert!(
            lines[1].starts_with(&format!("! {kind} ")),
            "{kind}: {lines:?}"
        );
        assert!(
            bad.len() < 3 || !lines[1].contains(bad),
            "{kind}: {lines:?}"
        );
    }
}

#[test]
fn lines_of_other_systems_are_read_as_what_they_are() {
    let more = ["--region", "CN"];
    let input = b"\xef\xbb\xbf138 0013 8000\r\n\xca\xd6\xbb\xfa\r\n13800138000";
    let said = Home::new().run_with(&check("phone", &more, &[]), input);
    assert_eq!(said.code, USAGE);
    assert_eq!(
        said.out,
        "+8613800138000\n! phone is not UTF-8\n+8613800138000\n"
    );
}

#[test]
fn programs_get_an_object_a_line() {
    let mut arguments = check("card", &[], &["4111111111111111", "4111111111111112"]);
    arguments.extend(["--output", "json"]);
    let said = tacit(&arguments);
    let objects: Vec<serde_json::Value> = said
        .out
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(objects[0]["canonical"], "4111111111111111");
    assert!(objects[1]["refused"].is_string(), "{objects:?}");
    assert_eq!((objects.len(), said.code), (2, USAGE));
}

#[test]
fn nothing_to_check_is_nothing_wrong() {
    let said = tacit(&check("card", &[], &[]));
    assert_eq!((said.out.as_str(), said.code), ("", CLEAR));
}

#[test]
fn a_type_that_does_not_exist_is_told_with_those_that_do() {
    let said = tacit(&check("fone", &[], &["1"]));
    assert_eq!(said.code, USAGE);
    for (kind, ..) in TYPES {
        assert!(said.err.contains(kind), "{kind}: {}", said.err);
    }
    let said = tacit(&check("phone", &["--region", "China"], &["1"]));
    assert_eq!(said.code, USAGE, "{said:?}");
    assert!(said.err.contains("China"), "{said:?}");
}
