//! Laws of normalisation that no table can hold, and which convention wins.

use proptest::prelude::*;
use tacit_circuits::identifier::{
    CalendarDate, Conventions, IdentifierType, Refusal, Region, normalize,
};

fn anywhere() -> Conventions {
    Conventions::default()
}

fn in_region(code: &str) -> Conventions {
    Conventions {
        region: Some(code.parse().unwrap()),
        ..Conventions::default()
    }
}

fn in_namespace(name: &str) -> Conventions {
    Conventions {
        namespace: Some(name.to_owned()),
        ..Conventions::default()
    }
}

fn canonical(kind: IdentifierType, spelling: &str, conventions: &Conventions) -> String {
    match normalize(kind, spelling, conventions) {
        Ok(identifier) => identifier.expose().to_owned(),
        Err(refusal) => panic!("{kind} {spelling}: {refusal}"),
    }
}

/// Everything that a place may say, so that a spelling needs to say nothing.
fn places() -> Vec<Conventions> {
    let names = ["imei", "mac", "DEUTDEFF", "plate", "not a namespace"];
    let mut places: Vec<Conventions> = names.map(in_namespace).into();
    places.extend([anywhere(), in_region("CN"), in_region("US")]);
    places
}

#[test]
fn a_number_with_a_country_code_means_the_same_everywhere() {
    for place in ["CN", "US", "DE"]
        .map(in_region)
        .iter()
        .chain([&anywhere()])
    {
        assert_eq!(
            canonical(IdentifierType::Phone, "+41 44 668 18 00", place),
            "+41446681800"
        );
    }
}

#[test]
fn a_national_number_means_what_its_region_says() {
    let national = "212 736 0123";
    assert_eq!(
        canonical(IdentifierType::Phone, national, &in_region("US")),
        "+12127360123"
    );
    assert_eq!(
        normalize(IdentifierType::Phone, national, &anywhere()),
        Err(Refusal::RegionNeeded)
    );
    assert!("XX".parse::<Region>().is_err());
    assert!("".parse::<Region>().is_err());
    assert_eq!(
        "cn".parse::<Region>().map(|r| r.to_string()),
        Ok("CN".into())
    );
}

#[test]
fn what_a_value_says_of_its_namespace_wins_over_its_place() {
    let number = "356868000041418";
    for (place, expected) in [
        (in_namespace("imei"), "imei:356868000041418"),
        (in_namespace("mac"), "imei:356868000041418"),
        (anywhere(), "imei:356868000041418"),
    ] {
        let spelling = format!("IMEI:{number}");
        assert_eq!(
            canonical(IdentifierType::Device, &spelling, &place),
            expected
        );
    }
    assert_eq!(
        canonical(
            IdentifierType::BankAccount,
            "CHASUS33:12345678",
            &in_namespace("DEUTDEFF")
        ),
        "CHASUS33:12345678"
    );
}

#[test]
fn a_text_in_a_given_namespace_may_hold_a_colon() {
    let place = in_namespace("note");
    assert_eq!(
        canonical(IdentifierType::Text, "plate: X", &place),
        "note:plate: x"
    );
    assert_eq!(
        canonical(IdentifierType::Text, "note: plate: X", &place),
        "note:plate: x"
    );
    assert_eq!(
        canonical(IdentifierType::Text, "plate: X", &anywhere()),
        "plate:x"
    );
}

#[test]
fn a_birth_is_still_to_come_only_after_the_reference_date() {
    let born_on_the_second = "110105202401020028";
    let on = |day| Conventions {
        reference_date: CalendarDate::new(2024, 1, day),
        ..Conventions::default()
    };
    let refused = |place: &Conventions| {
        normalize(IdentifierType::ResidentId, born_on_the_second, place).err()
    };
    assert_eq!(refused(&on(1)), Some(Refusal::DateToCome));
    assert_eq!(refused(&on(2)), None);
    assert_eq!(refused(&anywhere()), None);
}

#[test]
fn the_same_characters_under_two_types_are_two_identifiers() {
    let digits = "4111111111111111";
    let card = normalize(IdentifierType::Card, digits, &anywhere()).unwrap();
    let account = normalize(
        IdentifierType::BankAccount,
        digits,
        &in_namespace("DEUTDEFF"),
    );
    assert_ne!(card, account.unwrap());
    assert_eq!(card.kind(), IdentifierType::Card);
}

#[test]
fn domains_that_case_folding_would_equate_stay_apart() {
    let address =
        |domain: &str| canonical(IdentifierType::Email, &format!("A@{domain}"), &anywhere());
    assert_eq!(address("straße.example"), "a@xn--strae-oqa.example");
    assert_eq!(address("STRASSE.example"), "a@strasse.example");
    assert_eq!(address("XN--STRAE-OQA.example"), "a@xn--strae-oqa.example");
    // The local part is folded in full.
    assert_eq!(
        canonical(IdentifierType::Email, "Straße@example.com", &anywhere()),
        "strasse@example.com"
    );
}

#[test]
fn an_identifier_never_prints() {
    let card = normalize(IdentifierType::Card, "4111 1111 1111 1111", &anywhere()).unwrap();
    assert_eq!(format!("{card:?}"), "Identifier(card, <redacted>)");
}

fn any_type() -> impl Strategy<Value = IdentifierType> {
    prop::sample::select(&IdentifierType::ALL[..])
}

/// Text that comes close to identifiers more often than arbitrary text does.
fn almost_identifiers() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[0-9]{10,20}",
        "\\+[0-9]{5,16}",
        "[A-Z]{2}[0-9]{2}[A-Z0-9]{8,30}",
        "[0-9]{17}[0-9X]",
        "9[0-9]{7}[0-9A-HJ-NP-RTUW-Y]{10}",
        "(imei|mac|oaid|plate|DEUTDEFF|CN-1234):[0-9a-f]{3,64}",
        "[a-zA-Z.äßİ]{1,20}@[a-zA-Zäß-]{1,12}\\.[a-z]{2,5}",
        "\\PC{0,40}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_text_is_an_identifier_in_its_canonical_form_or_refused(
        kind in any_type(),
        spelling in almost_identifiers(),
    ) {
        for place in places() {
            if let Ok(identifier) = normalize(kind, &spelling, &place) {
                let again = normalize(kind, identifier.expose(), &place);
                prop_assert_eq!(again.as_ref().map(|i| i.expose()), Ok(identifier.expose()));
                prop_assert_eq!(again.unwrap().field(), identifier.field());
            }
        }
    }

    #[test]
    fn a_refusal_holds_no_part_of_the_value(kind in any_type(), digits in "[0-9]{5,20}") {
        // Numbers of the refusals themselves are shorter than five digits, or name standards.
        for place in places() {
            if let Err(refusal) = normalize(kind, &digits, &place) {
                let said = format!("{refusal} {refusal:?} {}", refusal.code());
                let standards = ["11643", "32100", "13616", "7812", "23.003", "7064"];
                let said = standards.iter().fold(said, |said, name| said.replace(name, ""));
                prop_assert!(!said.contains(&digits), "{}", said);
            }
        }
    }

    #[test]
    fn width_separators_and_invisible_characters_do_not_matter(
        body in "[1-9][0-9]{14}",
        between in prop::collection::vec(
            prop::sample::select(&["", " ", "-", "\u{2013}", "\u{200b}", "\u{feff}", "\u{3000}"][..]),
            16,
        ),
        wide in prop::collection::vec(any::<bool>(), 16),
    ) {
        // The check digit is found by trial: exactly one of ten passes.
        let accepted: Vec<String> = (0..10)
            .map(|check| format!("{body}{check}"))
            .filter(|card| normalize(IdentifierType::Card, card, &anywhere()).is_ok())
            .collect();
        prop_assert_eq!(accepted.len(), 1);
        let mut spelling = String::new();
        for ((digit, separator), wide) in accepted[0].chars().zip(between).zip(wide) {
            let full_width = char::from_u32(u32::from(digit) - 0x30 + 0xff10).unwrap();
            spelling.push(if wide { full_width } else { digit });
            spelling.push_str(separator);
        }
        prop_assert_eq!(
            canonical(IdentifierType::Card, &spelling, &anywhere()),
            accepted[0].clone()
        );
    }
}
