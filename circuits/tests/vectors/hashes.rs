use ark_ff::PrimeField;
use serde_json::Value;
use tacit_circuits::curve::Field;
use tacit_circuits::curve::poseidon2::{Domain, hash_2, hash_3, hash_node, permute_3, permute_4};
use tacit_circuits::scope::{ListId, MemberId, Scope, TagEpoch, pack_epoch};

use super::{entries, field, fields, file, number, text};

#[test]
fn both_permutations_are_those_that_their_authors_published() {
    let file = file("poseidon2_authors.json");
    let big_endian = |value: &Value| -> Vec<Field> {
        let elements = value.as_array().unwrap().iter();
        elements
            .map(|element| {
                let bytes = hex::decode(text(element).trim_start_matches("0x")).unwrap();
                Field::from_be_bytes_mod_order(&bytes)
            })
            .collect()
    };
    let mut widths = Vec::new();
    for case in entries(&file, "permutations") {
        let (input, output) = (big_endian(&case["input"]), big_endian(&case["output"]));
        assert_eq!(permuted(&input), output);
        widths.push(input.len());
    }
    assert_eq!(widths, [3, 4]);
}

#[test]
fn permutations_and_hashes_are_those_of_another_implementation() {
    let file = file("poseidon2.json");
    for name in ["permute_3", "permute_4"] {
        for case in entries(&file, name) {
            assert_eq!(
                permuted(&fields(case, "input")),
                fields(case, "output"),
                "{case}"
            );
        }
    }
    for case in entries(&file, "domains") {
        assert_eq!(domain(case).constant(), field(&case["constant"]));
    }
    for case in entries(&file, "hash_2") {
        let [a, b] = fields(case, "input").try_into().unwrap();
        assert_eq!(hash_2(domain(case), a, b), field(&case["output"]), "{case}");
    }
    for case in entries(&file, "hash_3") {
        let [a, b, c] = fields(case, "input").try_into().unwrap();
        assert_eq!(
            hash_3(domain(case), a, b, c),
            field(&case["output"]),
            "{case}"
        );
    }
    for case in entries(&file, "node") {
        let children = fields(case, "input").try_into().unwrap();
        assert_eq!(hash_node(&children), field(&case["output"]), "{case}");
    }
}

#[test]
fn scopes_pack_into_fixed_widths() {
    for case in entries(&file("scopes.json"), "cases") {
        let scope = Scope {
            list: ListId(number(&case["list"])),
            tag_epoch: TagEpoch(number(&case["tag_epoch"])),
            querier: MemberId(number(&case["querier"])),
        };
        assert_eq!(scope.pack(), field(&case["scope"]), "{case}");
        assert_eq!(
            pack_epoch(scope.list, scope.tag_epoch),
            field(&case["epoch"]),
            "{case}"
        );
    }
}

fn permuted(input: &[Field]) -> Vec<Field> {
    match *input {
        [a, b, c] => {
            let mut state = [a, b, c];
            permute_3(&mut state);
            state.to_vec()
        }
        [a, b, c, d] => {
            let mut state = [a, b, c, d];
            permute_4(&mut state);
            state.to_vec()
        }
        _ => panic!("a state of {} elements", input.len()),
    }
}

fn domain(case: &Value) -> Domain {
    [Domain::HashToCurve, Domain::Tag, Domain::Leaf, Domain::Call]
        .into_iter()
        .find(|domain| domain.label() == text(&case["label"]))
        .expect("a label that no use has")
}
