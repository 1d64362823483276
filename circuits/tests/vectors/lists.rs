use serde_json::Value;
use tacit_circuits::list::{
    Delta, IndexedTree, Leaf, MembershipPath, Snapshot, Tag, attestation_digest,
};
use tacit_circuits::scope::{ListId, ListVersion, MemberId, TagEpoch};

use super::{array, bytes, entries, field, file, integer, number, tag, text};

fn snapshot(version: &Value) -> Snapshot {
    Snapshot::read_from(&bytes(&version["snapshot"])[..]).unwrap()
}

#[test]
fn a_leaf_has_the_hash_of_another_implementation() {
    for case in entries(&file("lists.json"), "leaf") {
        let leaf = Leaf {
            low: integer(&case["low"]),
            next: integer(&case["next"]),
        };
        assert_eq!(leaf.hash(), field(&case["hash"]), "{case}");
    }
}

#[test]
fn a_version_has_the_snapshot_and_the_root_of_another_implementation() {
    let file = file("lists.json");
    for version in entries(&file, "versions") {
        let read = snapshot(version);
        assert_eq!(read.id().list, ListId(number(&file["list"])));
        assert_eq!(read.id().tag_epoch, TagEpoch(number(&file["tag_epoch"])));
        assert_eq!(read.id().version, ListVersion(number(&version["version"])));
        assert_eq!(read.to_bytes(), bytes(&version["snapshot"]));
        assert_eq!(read.digest(), array(&version["digest"]));
        let tree = IndexedTree::from_snapshot(&read).unwrap();
        assert_eq!(tree.root(), field(&version["root"]));
        assert_eq!(tree.snapshot(), read);
    }
}

#[test]
fn a_new_list_is_laid_out_as_another_implementation_does() {
    let file = file("lists.json");
    // Version 2 has known deltas behind it, and its slots are no longer in order.
    for version in &entries(&file, "versions")[..2] {
        let expected = snapshot(version);
        let mut tags: Vec<Tag> = expected.tags().collect();
        tags.reverse();
        let tree = IndexedTree::build(expected.id(), tags).unwrap();
        assert_eq!(tree.snapshot(), expected);
        assert_eq!(tree.root(), field(&version["root"]));
    }
}

#[test]
fn a_delta_leads_to_the_version_that_another_implementation_reaches() {
    let file = file("lists.json");
    let versions = entries(&file, "versions");
    for case in entries(&file, "deltas") {
        let from: usize = number(&case["from"]);
        let delta = Delta::read_from(&bytes(&case["bytes"])[..]).unwrap();
        assert_eq!(delta.to_bytes(), bytes(&case["bytes"]));
        let mut tree = IndexedTree::from_snapshot(&snapshot(&versions[from])).unwrap();
        tree.apply(&delta).unwrap();
        assert_eq!(tree.root(), field(&versions[from + 1]["root"]));
        assert_eq!(tree.snapshot(), snapshot(&versions[from + 1]));
    }
}

#[test]
fn a_path_of_another_implementation_says_whether_a_tag_is_listed() {
    let file = file("lists.json");
    let version = &entries(&file, "versions")[1];
    let root = field(&version["root"]);
    let tree = IndexedTree::from_snapshot(&snapshot(version)).unwrap();
    for case in entries(&file, "paths") {
        let path: MembershipPath = borsh::from_slice(&bytes(&case["path"])).unwrap();
        let tag = tag(&case["tag"]);
        let presence = path.verify(&root, tag).unwrap();
        assert_eq!(format!("{presence:?}"), text(&case["presence"]), "{case}");
        assert_eq!(tree.presence(tag), presence, "{case}");
        assert_eq!(tree.path(tag), path, "{case}");
        assert_eq!(borsh::to_vec(&path).unwrap(), bytes(&case["path"]));
    }
}

#[test]
fn an_attestation_is_that_of_another_implementation() {
    let file = file("lists.json");
    let case = &file["attestation"];
    let version: usize = number(&case["version"]);
    let digest = attestation_digest(
        MemberId(number(&case["attester"])),
        &array(&case["publication"]),
        &snapshot(&entries(&file, "versions")[version]),
    );
    assert_eq!(digest, array(&case["digest"]));
}
