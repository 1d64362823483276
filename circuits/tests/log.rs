//! The log's two forms, and bytes that are neither.

mod common;

use ark_ff::UniformRand;
use common::rng;
use proptest::collection::vec;
use proptest::prelude::*;
use tacit_circuits::curve::Field;
use tacit_circuits::log::{
    LogFrontier, LogFull, LogPath, LogTree, MAX_LOG_LEAVES, NotInLog, path_at, root_at,
};

fn leaves(count: usize, seed: u64) -> Vec<Field> {
    let mut rng = rng(seed);
    (0..count).map(|_| Field::rand(&mut rng)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whoever_appends_the_same_leaves_has_the_same_root(
        batches in vec(0..40usize, 1..8),
        seed: u64,
    ) {
        let all = leaves(batches.iter().sum(), seed);
        let mut frontier = LogFrontier::new();
        let mut tree = LogTree::new(vec![]).unwrap();
        let mut first = 0;
        for batch in batches {
            let batch = &all[first..first + batch];
            prop_assert_eq!(frontier.append(batch), Ok(first as u64));
            prop_assert_eq!(tree.append(batch), Ok(first as u64));
            first += batch.len();
            prop_assert_eq!(frontier.root(), tree.root());
            prop_assert_eq!(frontier.len(), tree.len());
        }
        let mut at_once = LogFrontier::new();
        at_once.append(&all).unwrap();
        prop_assert_eq!(&at_once, &frontier);
        prop_assert_eq!(LogTree::new(all).unwrap().root(), frontier.root());
        let bytes = borsh::to_vec(&frontier).unwrap();
        prop_assert_eq!(borsh::from_slice::<LogFrontier>(&bytes).unwrap(), frontier);
    }

    #[test]
    fn a_path_is_of_one_leaf_one_slot_and_one_root(count in 2..200usize, seed: u64) {
        let leaves = leaves(count, seed);
        let mut tree = LogTree::new(leaves.clone()).unwrap();
        let (place, other) = (seed as usize % count, (seed as usize + 1) % count);
        let (root, path) = (tree.root(), tree.path(place as u64).unwrap());
        prop_assert_eq!(path.verify(&root, &leaves[place]), Ok(()));
        prop_assert_eq!(path.verify(&root, &leaves[other]), Err(NotInLog));
        let elsewhere = tree.path(other as u64).unwrap();
        prop_assert_eq!(elsewhere.verify(&root, &leaves[place]), Err(NotInLog));
        tree.append(&leaves[..1]).unwrap();
        prop_assert_eq!(path.verify(&tree.root(), &leaves[place]), Err(NotInLog));
        prop_assert_eq!(tree.path(tree.len()), None);
    }

    #[test]
    fn every_earlier_length_has_its_root_and_its_paths(
        start in 0..40usize,
        batches in vec(0..30usize, 1..6),
        seed: u64,
    ) {
        let count = start + batches.iter().sum::<usize>();
        let all = leaves(count, seed);
        let mut begun = LogFrontier::new();
        begun.append(&all[..start]).unwrap();
        // One who saw the beginning, and one who joined later.
        let mut whole = LogTree::new(all[..start].to_vec()).unwrap();
        let mut joined = LogTree::from_frontier(begun);
        let mut length = start;
        for batch in batches {
            let batch = &all[length..length + batch];
            prop_assert_eq!(whole.append(batch), joined.append(batch));
            length += batch.len();
        }
        // Not all of them: each path costs a hash for each level.
        for length in (0..=count as u64).rev().step_by(11) {
            let root = LogTree::new(all[..length as usize].to_vec()).unwrap().root();
            prop_assert_eq!(root_at(&whole, length), Some(root));
            let frontier = LogFrontier::at(&whole, length).unwrap();
            prop_assert_eq!(frontier.root(), root);
            for index in (0..length).rev().step_by(13) {
                let leaf = &all[index as usize];
                let path = path_at(&whole, length, index).unwrap();
                prop_assert_eq!(path.verify(&root, leaf), Ok(()));
                if index as usize >= start {
                    prop_assert_eq!(path_at(&joined, length, index), Some(path));
                }
            }
            prop_assert_eq!(path_at(&whole, length, length), None);
        }
        prop_assert_eq!(root_at(&whole, count as u64 + 4), None);
    }

    #[test]
    fn bytes_are_a_frontier_or_an_error_and_never_a_panic(
        len: u64,
        nodes in vec(any::<u8>(), 0..1700),
    ) {
        for bytes in [&[&(len >> 30).to_le_bytes()[..], &nodes].concat(), &nodes] {
            if let Ok(frontier) = borsh::from_slice::<LogFrontier>(bytes) {
                prop_assert_eq!(&borsh::to_vec(&frontier).unwrap(), bytes);
                let _ = frontier.root();
            }
            let _ = borsh::from_slice::<LogPath>(bytes);
        }
    }
}

#[test]
fn a_log_takes_its_last_leaf_and_none_after_it() {
    // A log with one slot left, as its bytes: three nodes wait at each height.
    let mut bytes = (MAX_LOG_LEAVES - 1).to_le_bytes().to_vec();
    bytes.extend(vec![0; 3 * 16 * 32]);
    let mut log: LogFrontier = borsh::from_slice(&bytes).unwrap();
    assert_eq!(log.append(&leaves(2, 1)), Err(LogFull));
    assert_eq!(borsh::to_vec(&log).unwrap(), bytes);
    assert_eq!(log.append(&leaves(1, 1)), Ok(MAX_LOG_LEAVES - 1));
    let root = log.root();
    assert_eq!(log.append(&leaves(1, 2)), Err(LogFull));
    let stored = borsh::to_vec(&log).unwrap();
    let restored: LogFrontier = borsh::from_slice(&stored).unwrap();
    assert_eq!(restored.root(), root);
    assert_eq!(restored, log);
}
