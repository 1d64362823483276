//! A large list once from end to end, beside what is promised of it.
//!
//! The promise is about an idle machine. Where others compute too, processor time over cores says
//! what the time would have been, since every long step keeps all cores busy.

use std::fs;
use std::time::{Duration, Instant};

use tacit_circuits::list::{Delta, IndexedTree, Removal, Tag};
use tacit_circuits::oprf::{ListKey, tag_batch};

use crate::{EPOCH, LIST, lists, rng, version};

const BUILD_BAR: Duration = Duration::from_secs(75);
const DELTA_BAR: Duration = Duration::from_secs(2);
/// Removals and insertions of the delta, half each.
const CHANGES: usize = 1_000;

pub(crate) fn run() {
    let count: usize = std::env::var("TACIT_BENCH_ENTRIES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(1_000_000);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!("a list of {count} entries on {cores} cores");

    let key = ListKey::generate(&mut rng());
    let mut entries = lists::identifiers(count + CHANGES / 2);
    let late = entries.split_off(count);
    let before = processor_seconds();
    let (tags, tagging) = timed(|| tag_batch(&key, &entries, LIST, EPOCH, &|_| {}).unwrap());
    let gone: Vec<Tag> = tags
        .iter()
        .copied()
        .step_by(count / (CHANGES / 2))
        .collect();
    let (mut tree, planting) = timed(|| IndexedTree::build(version(1), tags).unwrap());
    let (bytes, writing) = timed(|| tree.snapshot().to_bytes());
    println!("  tags {tagging:.1?}, tree {planting:.1?}, snapshot {writing:.1?}");
    if let (Some(before), Some(after)) = (before, processor_seconds()) {
        let each = (after - before) / cores as f64;
        println!("  {each:.1} s of each core's time");
    }
    println!(
        "  snapshot {} bytes, {:.3} an entry",
        bytes.len(),
        bytes.len() as f64 / count as f64
    );
    report(
        "built",
        tagging + planting + writing,
        BUILD_BAR,
        count == 1_000_000,
    );

    let ((), changing) = timed(|| {
        let come = tag_batch(&key, &late, LIST, EPOCH, &|_| {}).unwrap();
        let removal = |&tag| Removal {
            tag,
            corrected: false,
        };
        let gone = gone.iter().take(CHANGES / 2).map(removal).collect();
        let delta = Delta::new(version(1), version(2).version, gone, come).unwrap();
        tree.apply(&delta).unwrap();
    });
    report(
        &format!("delta of {CHANGES}, with its tags"),
        changing,
        DELTA_BAR,
        count == 1_000_000,
    );
    if let Some(peak) = peak_memory() {
        println!("  peak memory {peak}");
    }
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let begun = Instant::now();
    let result = work();
    (result, begun.elapsed())
}

fn report(what: &str, took: Duration, bar: Duration, applies: bool) {
    let verdict = match (applies, took <= bar) {
        (false, _) => String::new(),
        (true, true) => format!(", within {bar:?}"),
        (true, false) => format!(", MORE than {bar:?}"),
    };
    println!("  {what} in {took:.2?}{verdict}");
}

/// Time that Linux counts for all threads of this process, user and system.
pub(crate) fn processor_seconds() -> Option<f64> {
    // Fields 14 and 15, in hundredths of a second; the second, the name, may hold spaces.
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    let ticks = after_name.split_whitespace().skip(11).take(2);
    let ticks: f64 = ticks.filter_map(|field| field.parse::<f64>().ok()).sum();
    Some(ticks / 100.0)
}

/// What Linux says of this process.
fn peak_memory() -> Option<String> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().to_owned())
}
