use tacit_circuits::log::{LogFrontier, LogPath, LogTree};

use super::{bytes, entries, field, fields, file, number, text};

#[test]
fn the_log_has_the_roots_of_another_implementation() {
    let file = file("log.json");
    let leaves = fields(&file, "leaves");
    for case in entries(&file, "roots") {
        let count: usize = number(&case["leaves"]);
        let root = field(&case["root"]);
        assert_eq!(LogTree::new(leaves[..count].to_vec()).unwrap().root(), root);
        let mut frontier = LogFrontier::new();
        assert_eq!(frontier.append(&leaves[..count]), Ok(0));
        assert_eq!(frontier.root(), root, "{count} leaves");
    }
}

#[test]
fn a_path_of_another_implementation_leads_to_the_root() {
    let file = file("log.json");
    let tree = LogTree::new(fields(&file, "leaves")).unwrap();
    for case in entries(&file, "paths") {
        let path: LogPath = borsh::from_slice(&bytes(&case["path"])).unwrap();
        assert_eq!(path.index(), number::<u64>(&case["index"]));
        assert_eq!(path.verify(&tree.root(), &field(&case["leaf"])), Ok(()));
        assert_eq!(tree.path(path.index()), Some(path));
    }
}

#[test]
fn a_path_from_another_leaf_or_slot_is_refused() {
    let file = file("log.json");
    let root = LogTree::new(fields(&file, "leaves")).unwrap().root();
    for case in entries(&file, "bad_paths") {
        let path: LogPath = borsh::from_slice(&bytes(&case["path"])).unwrap();
        let error = path.verify(&root, &field(&case["leaf"])).unwrap_err();
        assert_eq!(
            format!("{error:?}"),
            text(&case["error"]),
            "{}",
            case["name"]
        );
    }
}
