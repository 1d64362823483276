use serde_json::Value;
use tacit_circuits::oprf::{
    DleqProof, EvaluationContext, KeyContext, KeyProof, ProofNotCanonical, evaluate, verify,
};
use tacit_circuits::scope::{ListId, MemberId, TagEpoch};

use super::{
    Scripted, array, bytes, entries, file, number, points, public_key, secret_key, text, wire,
};

fn context(value: &Value) -> EvaluationContext {
    EvaluationContext {
        chain_id: array(&value["chain_id"]),
        session: number(&value["session"]),
        sequence: number(&value["sequence"]),
        list: ListId(number(&value["list"])),
        tag_epoch: TagEpoch(number(&value["tag_epoch"])),
    }
}

fn key_context(value: &Value) -> KeyContext {
    KeyContext {
        chain_id: array(&value["chain_id"]),
        member: MemberId(number(&value["member"])),
        list: ListId(number(&value["list"])),
        tag_epoch: TagEpoch(number(&value["tag_epoch"])),
    }
}

#[test]
fn a_batch_is_answered_and_proven_as_another_implementation_does() {
    let file = file("dleq.json");
    let (key, context) = (secret_key(&file["k"]), context(&file["context"]));
    assert_eq!(key.public().to_wire(), wire(&file["K"]));
    for batch in entries(&file, "batches") {
        let (blinded, evaluated) = (points(&batch["B"]), points(&batch["Z"]));
        let expected = DleqProof::from_bytes(&array(&batch["proof"])).unwrap();
        let verified = verify(&key.public(), &context, &blinded, &evaluated, &expected);
        assert_eq!(verified, Ok(()));
        let mut rng = Scripted::new(bytes(&file["randomness"]));
        let (answers, proof) = evaluate(&key, &context, &blinded, &mut rng).unwrap();
        assert!(rng.is_used_up());
        assert_eq!(answers, evaluated);
        assert_eq!(proof, expected);
    }
}

#[test]
fn a_proof_that_is_not_for_this_key_batch_and_context_is_refused() {
    let file = file("dleq_bad_proof.json");
    let context = context(&file["context"]);
    let check = |case: &Value| {
        verify(
            &public_key(&case["K"]),
            &context,
            &points(&case["B"]),
            &points(&case["Z"]),
            &DleqProof::from_bytes(&array(&case["proof"])).unwrap(),
        )
    };
    assert_eq!(check(&file["twin"]), Ok(()));
    for case in entries(&file, "cases") {
        let error = check(case).unwrap_err();
        assert_eq!(
            format!("{error:?}"),
            text(&case["error"]),
            "{}",
            case["name"]
        );
    }
}

#[test]
fn a_proof_whose_scalars_have_another_encoding_is_refused() {
    let file = file("dleq_bad_proof.json");
    assert!(DleqProof::from_bytes(&array(&file["twin"]["proof"])).is_ok());
    for case in entries(&file, "not_canonical") {
        let bytes = array(&case["proof"]);
        assert_eq!(
            DleqProof::from_bytes(&bytes),
            Err(ProofNotCanonical),
            "{case}"
        );
        assert_eq!(
            KeyProof::from_bytes(&bytes),
            Err(ProofNotCanonical),
            "{case}"
        );
    }
}

#[test]
fn possession_of_a_key_is_proven_as_another_implementation_does() {
    let file = file("possession.json");
    let (key, context) = (secret_key(&file["k"]), key_context(&file["context"]));
    assert_eq!(key.public(), public_key(&file["K"]));
    let expected = KeyProof::from_bytes(&array(&file["proof"])).unwrap();
    assert_eq!(expected.verify(&key.public(), &context), Ok(()));
    let mut rng = Scripted::new(bytes(&file["randomness"]));
    assert_eq!(KeyProof::prove(&key, &context, &mut rng), expected);
    assert!(rng.is_used_up());
}

#[test]
fn possession_that_is_not_of_this_key_and_context_is_refused() {
    let file = file("possession_bad_proof.json");
    let context = key_context(&file["context"]);
    let check = |case: &Value| {
        KeyProof::from_bytes(&array(&case["proof"]))
            .unwrap()
            .verify(&public_key(&case["K"]), &context)
    };
    assert_eq!(check(&file["twin"]), Ok(()));
    for case in entries(&file, "cases") {
        let error = check(case).unwrap_err();
        assert_eq!(format!("{error:?}"), text(&case["error"]), "{case}");
    }
}
