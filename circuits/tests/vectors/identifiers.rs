use serde_json::Value;
use tacit_circuits::identifier::{CalendarDate, Conventions, IdentifierType, normalize};

use super::{array, entries, file, number, text};

/// What the case says of the place that its spellings come from.
fn conventions(case: &Value) -> Conventions {
    let optional = |name: &str| case[name].as_str();
    Conventions {
        region: optional("region").map(|code| code.parse().unwrap()),
        namespace: optional("namespace").map(str::to_owned),
        reference_date: optional("reference_date").map(|date| {
            let [year, month, day] = date
                .split('-')
                .map(|part| part.parse().unwrap())
                .collect::<Vec<u16>>()
                .try_into()
                .unwrap();
            CalendarDate::new(year, month as u8, day as u8).unwrap()
        }),
    }
}

fn kind(case: &Value) -> IdentifierType {
    text(&case["type"]).parse().unwrap()
}

#[test]
fn every_spelling_of_an_identifier_has_the_form_that_other_libraries_give() {
    for case in entries(&file("identifiers.json"), "cases") {
        let (kind, conventions) = (kind(case), conventions(case));
        assert_eq!(kind.code(), number::<u16>(&case["code"]));
        for spelling in entries(case, "spellings") {
            let identifier = normalize(kind, text(spelling), &conventions)
                .unwrap_or_else(|refusal| panic!("{kind} {spelling}: {refusal}"));
            assert_eq!(identifier.expose(), text(&case["canonical"]), "{spelling}");
            assert_eq!(
                tacit_circuits::curve::encode_field(&identifier.field()),
                array(&case["x"]),
                "{spelling}"
            );
        }
        let again = normalize(kind, text(&case["canonical"]), &conventions).unwrap();
        assert_eq!(again.expose(), text(&case["canonical"]));
    }
}

#[test]
fn a_value_that_fails_its_check_is_refused_with_the_reason() {
    for case in entries(&file("identifiers_bad_value.json"), "cases") {
        let (kind, conventions) = (kind(case), conventions(case));
        if let Err(refusal) = normalize(kind, text(&case["twin"]), &conventions) {
            panic!("the twin of {case}: {refusal}");
        }
        match normalize(kind, text(&case["spelling"]), &conventions) {
            Ok(identifier) => panic!("{case} became {}", identifier.expose()),
            Err(refusal) => assert_eq!(refusal.code(), text(&case["error"]), "{case}"),
        }
    }
}
