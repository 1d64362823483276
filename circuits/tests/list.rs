//! Lists under random changes, and bytes that are none.

mod common;

use std::collections::BTreeSet;

use common::{field, key, rng, tag, version};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use rand::Rng;
use tacit_circuits::identifier::IdentifierType;
use tacit_circuits::list::{
    Delta, FraudError, IndexedTree, Leaf, ListFraud, MAX_ENTRIES, MembershipPath, Presence,
    Removal, SizeClass, SizeClassError, Snapshot, Tag, TagError, TreeError, attestation_digest,
};
use tacit_circuits::oprf::{Entry, tag_batch};
use tacit_circuits::scope::{ListId, MemberId, TagEpoch};

fn tree(number: u32, tags: &BTreeSet<u128>) -> IndexedTree {
    IndexedTree::build(version(number), tags.iter().map(|&n| tag(n)).collect()).unwrap()
}

fn removals(tags: impl IntoIterator<Item = u128>) -> Vec<Removal> {
    let removal = |n| Removal {
        tag: tag(n),
        corrected: n % 2 == 0,
    };
    tags.into_iter().map(removal).collect()
}

/// Every leaf of the tree, in the chain's order, each shown from the root.
fn leaves(tree: &IndexedTree) -> Vec<MembershipPath> {
    let head = tree.path(tag(1));
    let begins_the_chain = |path: &MembershipPath| path.leaf().low == 0;
    let others = tree.sorted_tags().map(|tag| tree.path(tag));
    Some(head)
        .filter(begins_the_chain)
        .into_iter()
        .chain(others)
        .collect()
}

/// Few distinct tags, so that changes meet, and neighbours are often one apart.
fn some_tags() -> impl Strategy<Value = BTreeSet<u128>> {
    btree_set(2..60u128, 0..40)
}

/// For tests that verify a path for each pair.
fn a_few_tags() -> impl Strategy<Value = BTreeSet<u128>> {
    btree_set(2..20u128, 0..10)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_tree_that_deltas_led_to_is_the_tree_that_its_snapshot_gives(
        start in some_tags(),
        targets in vec(some_tags(), 1..5),
    ) {
        let mut tree = tree(0, &start);
        let mut present = start;
        for (number, target) in (1..).zip(targets) {
            let gone = present.difference(&target).copied();
            let come: Vec<Tag> = target.difference(&present).map(|&n| tag(n)).collect();
            let delta = Delta::new(tree.id(), version(number).version, removals(gone), come);
            tree.apply(&delta.unwrap()).unwrap();
            present = target;

            let rebuilt = IndexedTree::from_snapshot(&tree.snapshot()).unwrap();
            prop_assert_eq!(rebuilt.root(), tree.root());
            prop_assert_eq!(rebuilt.id(), version(number));
            prop_assert_eq!(rebuilt.snapshot(), tree.snapshot());
            let held: Vec<u128> = tree.sorted_tags().map(Tag::to_u128).collect();
            prop_assert_eq!(held, present.iter().copied().collect::<Vec<_>>());
            prop_assert!(tree.snapshot().slot_count() >= present.len());
        }
    }

    #[test]
    fn the_order_in_which_tags_are_given_does_not_matter(tags in some_tags(), seed: u64) {
        let mut shuffled: Vec<Tag> = tags.iter().map(|&n| tag(n)).collect();
        rand::seq::SliceRandom::shuffle(&mut shuffled[..], &mut rng(seed));
        let built = IndexedTree::build(version(0), shuffled).unwrap();
        prop_assert_eq!(built.snapshot(), tree(0, &tags).snapshot());
        prop_assert_eq!(built.root(), tree(0, &tags).root());
    }

    #[test]
    fn exactly_one_leaf_decides_about_every_tag(start in a_few_tags(), target in a_few_tags()) {
        let mut tree = tree(0, &start);
        let gone = start.difference(&target).copied();
        let come = target.difference(&start).map(|&n| tag(n)).collect();
        let delta = Delta::new(tree.id(), version(1).version, removals(gone), come).unwrap();
        tree.apply(&delta).unwrap();

        let (root, leaves) = (tree.root(), leaves(&tree));
        prop_assert_eq!(leaves.len(), target.len() + 1);
        for number in (1..21).chain([u128::MAX - 1]) {
            let decided: Vec<Presence> = leaves
                .iter()
                .filter_map(|path| path.verify(&root, tag(number)).ok())
                .collect();
            let expected = if target.contains(&number) {
                Presence::Listed
            } else {
                Presence::NotListed
            };
            prop_assert_eq!(decided, [expected]);
            prop_assert_eq!(tree.presence(tag(number)), expected);
        }
    }

    #[test]
    fn nobody_can_accuse_an_honest_tree(tags in a_few_tags()) {
        let tree = tree(0, &tags);
        let (root, leaves) = (tree.root(), leaves(&tree));
        for first in &leaves {
            let disorder = ListFraud::Disorder(Box::new(*first));
            prop_assert_eq!(disorder.verify(&root), Err(FraudError::Honest));
            for second in &leaves {
                let overlap = ListFraud::Overlap(Box::new(*first), Box::new(*second));
                let expected = if first.index() == second.index() {
                    FraudError::SameSlot
                } else {
                    FraudError::Honest
                };
                prop_assert_eq!(overlap.verify(&root), Err(expected));
            }
        }
    }

    #[test]
    fn a_snapshot_and_a_delta_survive_their_bytes(start in some_tags(), target in some_tags()) {
        let snapshot = tree(3, &start).snapshot();
        let bytes = snapshot.to_bytes();
        prop_assert_eq!(bytes.len() as u64, snapshot.encoded_len());
        prop_assert_eq!(&Snapshot::read_from(&bytes[..]).unwrap(), &snapshot);
        let gone = start.difference(&target).copied();
        let come = target.difference(&start).map(|&n| tag(n)).collect();
        let delta = Delta::new(version(3), version(9).version, removals(gone), come).unwrap();
        prop_assert_eq!(Delta::read_from(&delta.to_bytes()[..]).unwrap(), delta);
    }

    #[test]
    fn bytes_from_outside_are_a_list_or_an_error_and_never_a_panic(
        start in some_tags(),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        length in any::<prop::sample::Index>(),
        noise in vec(any::<u8>(), 0..200),
    ) {
        let snapshot = tree(0, &start).snapshot().to_bytes();
        let come = start.iter().map(|&n| tag(n + 100)).collect();
        let delta = Delta::new(version(0), version(1).version, removals(start.clone()), come);
        let delta = delta.unwrap().to_bytes();
        let honest = tree(0, &start);
        for valid in [snapshot, delta] {
            let mut bytes = valid.clone();
            for (place, value) in &changes {
                bytes[place.index(valid.len())] = *value;
            }
            for bytes in [
                &bytes[..],
                &bytes[..length.index(valid.len() + 1)],
                &[&valid[..16], &noise].concat(),
                &noise,
            ] {
                // What is read is canonical: it is written as the same bytes.
                if let Ok(snapshot) = Snapshot::read_from(bytes) {
                    prop_assert_eq!(snapshot.to_bytes(), bytes);
                    if let Ok(tree) = IndexedTree::from_snapshot(&snapshot) {
                        prop_assert_eq!(tree.snapshot(), snapshot);
                    }
                }
                if let Ok(delta) = Delta::read_from(bytes) {
                    prop_assert_eq!(delta.to_bytes(), bytes);
                    let _ = honest.clone().apply(&delta);
                }
                let _ = borsh::from_slice::<MembershipPath>(bytes);
                let _ = borsh::from_slice::<ListFraud>(bytes);
            }
        }
    }
}

#[test]
fn a_delta_is_applied_whole_or_not_at_all() {
    let tree = tree(0, &BTreeSet::from([10, 20, 30]));
    let delta = |from, gone: &[u128], come: &[u128]| {
        let come = come.iter().map(|&n| tag(n)).collect();
        Delta::new(
            version(from),
            version(5).version,
            removals(gone.to_vec()),
            come,
        )
        .unwrap()
    };
    for (delta, error) in [
        (delta(0, &[10, 11], &[40]), TreeError::Absent),
        (delta(0, &[10], &[20, 40]), TreeError::Duplicate),
        (
            delta(1, &[10], &[40]),
            TreeError::OtherVersion {
                expected: version(1),
                actual: version(0),
            },
        ),
    ] {
        let mut changed = tree.clone();
        assert_eq!(changed.apply(&delta), Err(error));
        assert_eq!(changed.snapshot(), tree.snapshot());
        assert_eq!(changed.root(), tree.root());
    }
    let mut changed = tree.clone();
    assert_eq!(changed.apply(&delta(0, &[10], &[40])), Ok(()));
    assert_ne!(changed.root(), tree.root());
}

#[test]
fn a_list_that_is_emptied_has_the_root_of_one_that_never_held_anything() {
    let tags = BTreeSet::from([3, 5, 8]);
    let mut emptied = tree(0, &tags);
    let delta = Delta::new(version(0), version(1).version, removals(tags), vec![]).unwrap();
    emptied.apply(&delta).unwrap();
    assert!(emptied.is_empty());
    let never = tree(1, &BTreeSet::new());
    assert_eq!(emptied.root(), never.root());
    assert_eq!(emptied.snapshot(), never.snapshot());
}

#[test]
fn the_ends_of_the_chain_are_no_tags() {
    for number in [0, u128::MAX] {
        assert_eq!(Tag::new(number), Err(TagError));
        assert!(borsh::from_slice::<Tag>(&number.to_le_bytes()).is_err());
    }
    for number in [1, u128::MAX - 1] {
        assert_eq!(Tag::new(number).map(Tag::to_u128), Ok(number));
        let bytes = borsh::to_vec(&tag(number)).unwrap();
        assert_eq!(borsh::from_slice::<Tag>(&bytes).unwrap(), tag(number));
    }
}

#[test]
fn a_tag_or_a_leaf_never_prints() {
    let number = 1234567890123456789;
    let leaf = Leaf {
        low: number,
        next: number + 1,
    };
    let tree = tree(0, &BTreeSet::from([number]));
    for printed in [
        format!("{:?}", tag(number)),
        format!("{leaf:?}"),
        format!("{tree:?} {:?}", tree.snapshot()),
        format!("{:?}", tree.path(tag(number))),
    ] {
        assert!(!printed.contains("1234567890123456789"), "{printed}");
    }
}

#[test]
fn an_attestation_is_for_one_attester_publication_and_snapshot() {
    let snapshot = tree(0, &BTreeSet::from([3, 5, 8])).snapshot();
    let other = tree(0, &BTreeSet::from([3, 5, 9])).snapshot();
    let digests = [
        attestation_digest(MemberId(1), &[7; 32], &snapshot),
        attestation_digest(MemberId(2), &[7; 32], &snapshot),
        attestation_digest(MemberId(1), &[8; 32], &snapshot),
        attestation_digest(MemberId(1), &[7; 32], &other),
        snapshot.digest(),
    ];
    let distinct: BTreeSet<_> = digests.iter().collect();
    assert_eq!(distinct.len(), digests.len());
    assert_eq!(
        digests[0],
        attestation_digest(MemberId(1), &[7; 32], &snapshot)
    );
}

#[test]
fn a_size_class_is_filled_or_the_list_was_not_padded() {
    let sizes: Vec<u64> = (0..=18)
        .map(|number| SizeClass::new(number).unwrap().capacity().into())
        .collect();
    assert_eq!(sizes[..3], [1024, 2048, 4096]);
    assert_eq!(sizes[18], u64::from(MAX_ENTRIES));
    assert_eq!(SizeClass::new(19), Err(SizeClassError::Unknown(19)));
    assert!(borsh::from_slice::<SizeClass>(&[19]).is_err());
    for (number, &size) in (0..).zip(&sizes) {
        let class = SizeClass::new(number).unwrap();
        assert_eq!(SizeClass::filled_by(size), Ok(class));
        assert_eq!(SizeClass::fitting(size), Ok(class));
        assert_eq!(
            SizeClass::filled_by(size - 1),
            Err(SizeClassError::NotPadded { entries: size - 1 })
        );
    }
    let entries = u64::from(MAX_ENTRIES) + 1;
    assert_eq!(
        SizeClass::fitting(entries),
        Err(SizeClassError::TooLarge { entries })
    );
}

#[test]
fn tags_of_padding_cannot_be_told_from_others_by_where_they_lie() {
    const COUNT: usize = 4096;
    const BINS: usize = 16;
    let mut rng = rng(1);
    let padding: Vec<Entry> = (0..COUNT).map(|_| Entry::padding(&mut rng)).collect();
    let identifiers: Vec<Entry> = (0..COUNT)
        .map(|_| Entry::identifier(IdentifierType::Phone, field(rng.r#gen())))
        .collect();
    // ⌊p / 2^127⌋, some 0.906 of 2^128.
    let largest = 0xe7db_4ea6_533a_fa90_6673_b010_1343_b00a;
    let bins = |entries: &[Entry]| {
        let mut bins = [0i64; BINS];
        for tag in tag_batch(&key(1), entries, ListId(1), TagEpoch(1), &|_| {}).unwrap() {
            assert!(tag.to_u128() <= largest);
            bins[(tag.to_u128() / (largest / BINS as u128 + 1)) as usize] += 1;
        }
        bins
    };
    // Both samples are even: five standard deviations of a bin's count are some 77.
    for bins in [bins(&padding), bins(&identifiers)] {
        for count in bins {
            assert!((count - (COUNT / BINS) as i64).abs() < 77, "{bins:?}");
        }
    }
    assert!(padding.iter().all(Entry::is_padding));
    assert!(!identifiers.iter().any(Entry::is_padding));
}
