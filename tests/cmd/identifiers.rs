//! `tacit identifier check`, which asks nobody.

use crate::tacit::{CLEAR, Home, USAGE, tacit};

/// Identifiers of one type.
struct Case {
    kind: &'static str,
    /// What else it needs.
    more: &'static [&'static str],
    /// Two spellings of one identifier.
    spellings: [&'static str; 2],
    canonical: &'static str,
    /// What is no identifier of the type.
    bad: &'static str,
}

/// One of each type.
const TYPES: [Case; 9] = [
    Case {
        kind: "phone",
        more: &["--region", "CN"],
        spellings: ["138 0013 8000", "+86-13800138000"],
        canonical: "+8613800138000",
        bad: "138",
    },
    Case {
        kind: "card",
        more: &[],
        spellings: ["1463 7619 1418", "１４６３７６１９１４１８"],
        canonical: "146376191418",
        bad: "1463 7619 1419",
    },
    Case {
        kind: "iban",
        more: &[],
        spellings: ["AT65 4534 7231 1447 4040", "at654534723114474040"],
        canonical: "AT654534723114474040",
        bad: "AT65 4534 7231 1447 4041",
    },
    Case {
        kind: "bank-account",
        more: &["--namespace", "DEUTDEFF"],
        spellings: ["1234567890", "deutdeffxxx: 1234 5678 90"],
        canonical: "DEUTDEFF:1234567890",
        bad: "DEUTDEFF:!!",
    },
    Case {
        kind: "resident-id",
        more: &[],
        spellings: ["110105 200806 236047", "110105200806236047"],
        canonical: "110105200806236047",
        bad: "110105200806236048",
    },
    Case {
        kind: "credit-code",
        more: &[],
        spellings: ["9111 0000 6000 3734 1L", "91110000600037341l"],
        canonical: "91110000600037341L",
        bad: "91110000600037341M",
    },
    Case {
        kind: "email",
        more: &[],
        spellings: ["ZHANG.SAN@EXAMPLE.COM", "zhang.san@example.com"],
        canonical: "zhang.san@example.com",
        bad: "zhang.san",
    },
    Case {
        kind: "device",
        more: &["--namespace", "imei"],
        spellings: ["35-884198-667300-7", "358841986673007"],
        canonical: "imei:358841986673007",
        bad: "358841986673008",
    },
    Case {
        kind: "text",
        more: &["--namespace", "plate"],
        spellings: ["京A12345", "PLATE : 京A12345"],
        canonical: "plate:京a12345",
        bad: "",
    },
];

fn check<'a>(kind: &'a str, more: &[&'a str], values: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec!["identifier", "check", "--type", kind];
    arguments.extend(more);
    arguments.extend(values);
    arguments
}

#[test]
fn both_spellings_of_an_identifier_of_each_type_have_one_canonical_form() {
    for Case {
        kind,
        more,
        spellings,
        canonical,
        ..
    } in TYPES
    {
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
    for Case {
        kind,
        more,
        spellings,
        canonical,
        bad,
    } in TYPES
    {
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
    for Case { kind, .. } in TYPES {
        assert!(said.err.contains(kind), "{kind}: {}", said.err);
    }
    let said = tacit(&check("phone", &["--region", "China"], &["1"]));
    assert_eq!(said.code, USAGE, "{said:?}");
    assert!(said.err.contains("China"), "{said:?}");
}
