use ark_ff::{BigInteger, PrimeField};
use serde_json::Value;
use tacit_circuits::curve::Field;
use tacit_circuits::curve::poseidon2::{Domain, hash_2, hash_3};
use tacit_circuits::identifier::IdentifierType;
use tacit_circuits::log::{log_leaf, log_leaves};
use tacit_circuits::oprf::{
    BlindState, ENTRY_BYTES, Entry, EvaluationContext, Input, blind, evaluate, finalize,
    hash_to_curve, tag_batch,
};
use tacit_circuits::scope::{ListId, MemberId, Scope, TagEpoch, pack_epoch};

use super::{
    Scripted, array, bytes, common, entries, field, file, integer, number, point, points,
    secret_key, tag, wire,
};

/// The file, and each call's input.
fn calls() -> (Value, Vec<Input>) {
    let file = file("calls.json");
    let inputs = entries(&file, "calls")
        .iter()
        .map(|call| Input {
            kind: IdentifierType::from_code(number(&call["type"])).unwrap(),
            x: field(&call["x"]),
            list: ListId(number(&file["list"])),
            tag_epoch: TagEpoch(number(&file["tag_epoch"])),
        })
        .collect();
    (file, inputs)
}

/// The states of a querier that draws the factors of the file.
fn blinded(file: &Value, inputs: &[Input]) -> Vec<BlindState> {
    // A factor is drawn from 64 bytes.
    let drawn = entries(file, "calls")
        .iter()
        .flat_map(|call| [bytes(&call["r"]), vec![0; 32]].concat());
    let mut rng = Scripted::new(drawn);
    let (states, points) = blind(inputs, &mut rng).unwrap();
    assert!(rng.is_used_up());
    for (state, point) in states.iter().zip(points) {
        assert_eq!(*state.blinded(), point);
    }
    states
}

#[test]
fn an_identifier_is_hashed_to_the_point_of_another_implementation() {
    let (file, inputs) = calls();
    for (call, input) in entries(&file, "calls").iter().zip(&inputs) {
        let u = hash_3(
            Domain::HashToCurve,
            Field::from(input.kind.code()),
            input.x,
            pack_epoch(input.list, input.tag_epoch),
        );
        assert_eq!(u, field(&call["u"]));
        let hashed = hash_to_curve(input).unwrap();
        assert_eq!(hashed.encode(), wire(&call["mapped"]));
        assert_eq!(hashed, point(&call["H"]));
    }
}

#[test]
fn a_call_takes_the_values_of_another_implementation_at_every_step() {
    let (file, inputs) = calls();
    let states = blinded(&file, &inputs);
    for (call, state) in entries(&file, "calls").iter().zip(&states) {
        assert_eq!(*state.blind().to_secret_bytes(), array(&call["r"]));
        assert_eq!(state.blinded().encode(), wire(&call["B"]));
    }
    let key = secret_key(&file["k"]);
    assert_eq!(key.public().to_wire(), wire(&file["K"]));
    let context = EvaluationContext {
        list: inputs[0].list,
        tag_epoch: inputs[0].tag_epoch,
        ..common::context()
    };
    let sent: Vec<_> = states.iter().map(|state| *state.blinded()).collect();
    let (evaluated, proof) = evaluate(&key, &context, &sent, &mut common::rng(0)).unwrap();
    let tags = finalize(&states, &key.public(), &context, &evaluated, &proof).unwrap();
    for ((call, z), found) in entries(&file, "calls").iter().zip(&evaluated).zip(tags) {
        assert_eq!(z.encode(), wire(&call["Z"]));
        assert_eq!(found, tag(&call["tag"]));
    }
}

#[test]
fn a_tag_is_the_upper_half_of_its_hash() {
    let (file, inputs) = calls();
    for (call, input) in entries(&file, "calls").iter().zip(&inputs) {
        let hash = hash_2(Domain::Tag, input.x, field(&call["X_of_N"]));
        assert_eq!(hash, field(&call["T"]));
        let upper = common::integer(&hash.into_bigint().to_bytes_le()) >> 127;
        assert_eq!(upper, integer(&call["tag"]).into());
    }
}

#[test]
fn an_owner_finds_the_tags_that_a_querier_finds() {
    let (file, inputs) = calls();
    let entries_of_list: Vec<Entry> = inputs
        .iter()
        .map(|input| Entry::identifier(input.kind, input.x))
        .collect();
    let own = tag_batch(
        &secret_key(&file["k"]),
        &entries_of_list,
        inputs[0].list,
        inputs[0].tag_epoch,
        &|_| {},
    )
    .unwrap();
    let expected: Vec<_> = entries(&file, "calls")
        .iter()
        .map(|call| tag(&call["tag"]))
        .collect();
    assert_eq!(own, expected);
}

#[test]
fn padding_is_tagged_as_an_identifier_is_with_type_0() {
    let (file, inputs) = calls();
    for case in entries(&file, "padding") {
        let x = field(&case["x"]);
        let epoch = pack_epoch(inputs[0].list, inputs[0].tag_epoch);
        assert_eq!(
            hash_3(Domain::HashToCurve, Field::from(0u8), x, epoch),
            field(&case["u"])
        );
        let stored: [u8; ENTRY_BYTES] =
            [vec![0; 2], bytes(&case["x"])].concat().try_into().unwrap();
        let entry = Entry::from_secret_bytes(&stored).unwrap();
        assert!(entry.is_padding());
        let tags = tag_batch(
            &secret_key(&file["k"]),
            &[entry],
            inputs[0].list,
            inputs[0].tag_epoch,
            &|_| {},
        );
        assert_eq!(tags, Ok(vec![tag(&case["tag"])]));
    }
}

#[test]
fn the_log_takes_the_leaves_of_another_implementation() {
    let (file, inputs) = calls();
    let scope = Scope {
        list: inputs[0].list,
        tag_epoch: inputs[0].tag_epoch,
        querier: MemberId(number(&file["querier"])),
    };
    let column =
        |name: &str| Value::from_iter(entries(&file, "calls").iter().map(|c| c[name].clone()));
    let (sent, answered) = (points(&column("B")), points(&column("Z")));
    let leaves = log_leaves(&scope, &sent, &answered);
    for (index, call) in entries(&file, "calls").iter().enumerate() {
        assert_eq!(leaves[index], field(&call["log_leaf"]));
        assert_eq!(
            log_leaf(&scope, &sent[index], &answered[index]),
            field(&call["log_leaf"])
        );
    }
}
