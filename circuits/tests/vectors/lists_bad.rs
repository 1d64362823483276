use serde_json::Value;
use tacit_circuits::list::{
    Delta, DeltaError, IndexedTree, ListFraud, MembershipPath, Presence, Snapshot, SnapshotError,
    TreeError,
};

use super::{bytes, entries, field, file, tag, text};

fn snapshot(value: &Value) -> Result<Snapshot, SnapshotError> {
    Snapshot::read_from(&bytes(value)[..])
}

fn delta(value: &Value) -> Result<Delta, DeltaError> {
    Delta::read_from(&bytes(value)[..])
}

#[test]
fn bytes_that_are_no_snapshot_are_refused() {
    let file = file("lists_bad_bytes.json");
    assert!(snapshot(&file["twin"]["snapshot"]).is_ok());
    for case in entries(&file, "snapshots") {
        let error = match snapshot(&case["bytes"]).unwrap_err() {
            SnapshotError::Io(error) => format!("Io({:?})", error.kind()),
            error => format!("{error:?}"),
        };
        assert_eq!(error, text(&case["error"]), "{case}");
    }
}

#[test]
fn a_snapshot_with_a_tag_twice_is_no_tree() {
    let file = file("lists_bad_bytes.json");
    let twin = IndexedTree::from_snapshot(&snapshot(&file["twin"]["snapshot"]).unwrap()).unwrap();
    assert_eq!(twin.root(), field(&file["twin"]["root"]));
    let case = &file["snapshot_with_a_tag_twice"];
    let error = IndexedTree::from_snapshot(&snapshot(&case["bytes"]).unwrap()).unwrap_err();
    assert_eq!(format!("{error:?}"), text(&case["error"]));
}

#[test]
fn bytes_that_are_no_delta_are_refused() {
    let file = file("lists_bad_bytes.json");
    assert!(delta(&file["twin"]["delta"]).is_ok());
    for case in entries(&file, "deltas") {
        let error = match delta(&case["bytes"]).unwrap_err() {
            DeltaError::Io(error) => format!("Io({:?})", error.kind()),
            error => format!("{error:?}"),
        };
        assert_eq!(error, text(&case["error"]), "{case}");
    }
}

#[test]
fn a_delta_that_does_not_fit_the_tree_changes_nothing() {
    let file = file("lists_bad_bytes.json");
    let tree = IndexedTree::from_snapshot(&snapshot(&file["twin"]["snapshot"]).unwrap()).unwrap();
    let applied = |delta: &Delta| {
        let mut changed = tree.clone();
        let result = changed.apply(delta);
        (result, changed)
    };
    let (result, changed) = applied(&delta(&file["twin"]["delta"]).unwrap());
    assert_eq!(result, Ok(()));
    assert_ne!(changed.root(), tree.root());
    for case in entries(&file, "applications") {
        let (result, unchanged) = applied(&delta(&case["bytes"]).unwrap());
        let name = match result.unwrap_err() {
            TreeError::OtherVersion { .. } => "OtherVersion",
            TreeError::Duplicate => "Duplicate",
            TreeError::Absent => "Absent",
            TreeError::Full { .. } => "Full",
        };
        assert_eq!(name, text(&case["error"]), "{case}");
        assert_eq!(unchanged.snapshot(), tree.snapshot());
        assert_eq!(unchanged.root(), tree.root());
    }
}

#[test]
fn a_path_that_does_not_decide_is_refused() {
    let file = file("lists_bad_bytes.json");
    let twin = &file["twin"];
    let root = field(&twin["root"]);
    let decode = |value: &Value| borsh::from_slice::<MembershipPath>(&bytes(value));
    assert_eq!(
        decode(&twin["path"])
            .unwrap()
            .verify(&root, tag(&twin["path_tag"])),
        Ok(Presence::Listed)
    );
    for case in entries(&file, "paths") {
        let error = decode(&case["path"])
            .unwrap()
            .verify(&root, tag(&case["tag"]))
            .unwrap_err();
        assert_eq!(
            format!("{error:?}"),
            text(&case["error"]),
            "{}",
            case["name"]
        );
    }
    for case in entries(&file, "undecodable_paths") {
        assert!(decode(&case["path"]).is_err(), "{}", case["name"]);
    }
}

#[test]
fn fraud_is_shown_by_leaves_that_overlap_and_by_no_others() {
    let file = file("lists_bad_bytes.json");
    let fraud = &file["fraud"];
    let root = field(&fraud["root"]);
    let mut shown = 0;
    for case in entries(fraud, "cases") {
        let accusation: ListFraud = borsh::from_slice(&bytes(&case["bytes"])).unwrap();
        match accusation.verify(&root) {
            Ok(()) => {
                assert_eq!(case["error"], Value::Null, "{}", case["name"]);
                shown += 1;
            }
            Err(error) => assert_eq!(
                format!("{error:?}"),
                text(&case["error"]),
                "{}",
                case["name"]
            ),
        }
    }
    assert_eq!(shown, 2);
}
