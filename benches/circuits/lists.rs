//! Lists: their tags, trees, deltas and bytes.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput};
use tacit_circuits::curve::Field;
use tacit_circuits::identifier::IdentifierType;
use tacit_circuits::list::{Delta, IndexedTree, Removal, Snapshot, Tag};
use tacit_circuits::oprf::{Entry, ListKey, tag_batch};

use crate::{EPOCH, LIST, rng, version};

/// Entries whose tags a sample makes; tags of more take as long each.
const TAGGED: usize = 10_000;
/// Entries of a tree.
const LISTED: usize = 100_000;
/// Removals and insertions of a delta, half each.
const CHANGES: usize = 1_000;

pub(crate) fn identifiers(count: usize) -> Vec<Entry> {
    (0..count as u64)
        .map(|n| Entry::identifier(IdentifierType::Phone, Field::from(n)))
        .collect()
}

/// Distinct tags, spread as those of identifiers are.
fn spread(count: usize) -> Vec<Tag> {
    const ODD: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;
    (1..=count as u128)
        .map(|n| Tag::new(n.wrapping_mul(ODD)).unwrap())
        .collect()
}

pub(crate) fn steps(criterion: &mut Criterion) {
    let key = ListKey::generate(&mut rng());
    let entries = identifiers(TAGGED);
    let mut group = criterion.benchmark_group("list");
    group.throughput(Throughput::Elements(TAGGED as u64));
    group.bench_function(format!("tag/entries={TAGGED}"), |bencher| {
        bencher.iter(|| tag_batch(&key, black_box(&entries), LIST, EPOCH, &|_| {}).unwrap());
    });

    let mut tags = spread(LISTED + CHANGES / 2);
    let come = tags.split_off(LISTED);
    group.throughput(Throughput::Elements(LISTED as u64));
    group.bench_function(format!("build/entries={LISTED}"), |bencher| {
        bencher.iter_batched(
            || tags.clone(),
            |tags| IndexedTree::build(version(1), tags).unwrap(),
            BatchSize::PerIteration,
        );
    });

    let tree = IndexedTree::build(version(1), tags.clone()).unwrap();
    let bytes = tree.snapshot().to_bytes();
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function(
        format!("snapshot/entries={LISTED}/bytes={}", bytes.len()),
        |bencher| bencher.iter(|| Snapshot::read_from(&black_box(&tree).snapshot().to_bytes()[..])),
    );

    let gone = tags
        .iter()
        .step_by(2 * LISTED / CHANGES)
        .map(|&tag| Removal {
            tag,
            corrected: false,
        })
        .collect();
    let delta = Delta::new(version(1), version(2).version, gone, come).unwrap();
    let changes = delta.removals().len() + delta.insertions().len();
    group.throughput(Throughput::Elements(changes as u64));
    group.bench_function(
        format!(
            "delta/entries={LISTED}/changes={changes}/bytes={}",
            delta.to_bytes().len()
        ),
        |bencher| {
            bencher.iter_batched(
                || tree.clone(),
                |mut tree| {
                    tree.apply(&delta).unwrap();
                    tree
                },
                BatchSize::PerIteration,
            );
        },
    );

    group.throughput(Throughput::Elements(1));
    group.bench_function(format!("path/entries={LISTED}"), |bencher| {
        bencher.iter(|| tree.path(black_box(tags[LISTED / 2])));
    });
    group.finish();
}
