//! What receipts state.

use serde_json::Value;
use tacit_circuits::curve::encode_field;
use tacit_circuits::curve::poseidon2::Domain;
use tacit_circuits::identifier::IdentifierType;
use tacit_circuits::list::Presence;
use tacit_circuits::oprf::Entry;
use tacit_circuits::receipt::{
    Claim, CommitmentSecret, ContextHash, Statement, SubjectCommitment, commit_entry,
};
use tacit_circuits::scope::{ListId, MemberId, TagEpoch};

use super::{array, bytes, entries, field, fields, file, number, text};

/// The subject as its owner would keep it: type, then x.
fn subject(case: &Value) -> Entry {
    let mut bytes = [0; 34];
    bytes[..2].copy_from_slice(&number::<u16>(&case["type"]).to_le_bytes());
    bytes[2..].copy_from_slice(&array::<32>(&case["x"]));
    Entry::from_secret_bytes(&bytes).unwrap()
}

fn claim(case: &Value) -> Claim {
    if !case["slot"].is_null() {
        return Claim::SampledEntry {
            slot: number(&case["slot"]),
        };
    }
    Claim::Answer {
        kind: IdentifierType::from_code(number(&case["type"])).unwrap(),
        presence: if case["listed"].as_bool().unwrap() {
            Presence::Listed
        } else {
            Presence::NotListed
        },
    }
}

#[test]
fn statements_and_public_inputs_are_those_of_another_implementation() {
    let file = file("receipt.json");
    assert_eq!(text(&file["label"]), Domain::Commit.label());
    assert_eq!(field(&file["constant"]), Domain::Commit.constant());
    for case in entries(&file, "statements") {
        let secret = CommitmentSecret::from_secret_bytes(&array(&case["secret"])).unwrap();
        let commitment = commit_entry(&subject(case), &secret);
        assert_eq!(commitment.to_bytes(), array(&case["commitment"]));
        let statement = Statement {
            commitment: SubjectCommitment::from_bytes(&array(&case["commitment"])).unwrap(),
            claim: claim(case),
            list: ListId(number(&file["list"])),
            tag_epoch: TagEpoch(number(&file["tag_epoch"])),
            querier: MemberId(number(&file["querier"])),
            log_root: field(&file["log_root"]),
            list_root: field(&file["list_root"]),
            context: ContextHash(array(&case["context"])),
        };
        assert_eq!(
            borsh::to_vec(&statement).unwrap(),
            bytes(&case["statement"])
        );
        let inputs = fields(case, "public_inputs");
        assert_eq!(
            statement.public_inputs()[..],
            inputs,
            "{}",
            text(&case["name"])
        );
        assert_eq!(encode_field(&inputs[0]), statement.commitment.to_bytes());
    }
}
