//! How fast a front end screens and publishes, and what the time goes into.
//!
//! Both sides and the ledger share one process, over loopback: their work adds up. Beside each screening
//! stands the arithmetic of the same calls alone, which both sides cannot do without.
//!
//! `cargo bench -p tacit-frontend --bench frontend`. Lists have 100,000 entries unless
//! `TACIT_BENCH_ENTRIES` says otherwise; a name (`bulk`, `single`, `tellers`, `publish`) chooses one
//! measurement.

#[path = "../../node/frontend/tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use futures::StreamExt;
use rand_core::OsRng;
use support::{Network, context, phone, phones, reader, rows};
use tacit_circuits::identifier::{Conventions, IdentifierType, normalize};
use tacit_circuits::oprf::{EvaluationContext, Input, ListKey, blind, evaluate, finalize};
use tacit_circuits::scope::{ListId, TagEpoch};
use tacit_frontend::lists::{DraftMode, Progress};
use tacit_frontend::screening::ScreenRequest;

const BATCH: usize = 1_000;

fn main() {
    // Cargo passes flags of its own; what is left are names of measurements.
    let asked: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let is_asked = |name: &str| asked.is_empty() || asked.iter().any(|asked| asked == name);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    if is_asked("bulk") {
        runtime.block_on(bulk());
    }
    if is_asked("single") {
        runtime.block_on(single());
    }
    if is_asked("tellers") {
        runtime.block_on(tellers());
    }
    if is_asked("publish") {
        runtime.block_on(publish());
    }
}

fn entries() -> u32 {
    let said = std::env::var("TACIT_BENCH_ENTRIES").ok();
    said.map_or(100_000, |said| said.parse().expect("a number of entries"))
}

fn request() -> ScreenRequest {
    ScreenRequest {
        context: context(),
        reader: reader(),
        ..ScreenRequest::default()
    }
}

/// Time that the process's threads were on a core, and the most memory that it ever held.
fn used() -> (Duration, u64) {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split(' ')
        .collect();
    let ticks = |at: usize| {
        fields
            .get(at)
            .and_then(|f| f.parse::<u64>().ok())
            .unwrap_or_default()
    };
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = peak.and_then(|peak| peak.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    // A tick is a hundredth of a second on Linux.
    (
        Duration::from_millis(10 * (ticks(12) + ticks(13))),
        kib.unwrap_or_default() / 1_024,
    )
}

/// The arithmetic of so many calls without anything around it: what both sides cannot do without.
fn arithmetic(calls: usize, batch: usize) {
    let key = ListKey::generate(&mut OsRng);
    let public = key.public();
    let inputs: Vec<Input> = (0..calls)
        .map(|number| {
            let kind = IdentifierType::Phone;
            let identifier = normalize(kind, &phone(number as u32), &Conventions::default());
            Input {
                kind,
                x: identifier.expect("a number").field(),
                list: ListId(1),
                tag_epoch: TagEpoch(0),
            }
        })
        .collect();
    let context = EvaluationContext {
        chain_id: [1; 32],
        session: 1,
        sequence: 0,
        list: ListId(1),
        tag_epoch: TagEpoch(0),
    };
    let (mut blinding, mut evaluating, mut opening) = <(Duration, Duration, Duration)>::default();
    for inputs in inputs.chunks(batch) {
        let start = Instant::now();
        let (states, blinded) = blind(inputs, &mut OsRng).expect("points");
        blinding += start.elapsed();
        let start = Instant::now();
        let (points, proof) = evaluate(&key, &context, &blinded, &mut OsRng).expect("a batch");
        evaluating += start.elapsed();
        let start = Instant::now();
        finalize(&states, &public, &context, &points, &proof).expect("tags");
        opening += start.elapsed();
    }
    println!(
        "arithmetic/calls={calls}/batch={batch}: blind {blinding:?}, evaluate {evaluating:?}, \
         verify and finalize {opening:?}; together {:?}",
        blinding + evaluating + opening
    );
}

async fn bulk() {
    let network = Network::start(2).await;
    network.publish(0, "accounts", &phones(0..entries())).await;
    arithmetic(10_000, BATCH);
    for _ in 0..3 {
        let request = ScreenRequest {
            rows_expected: Some(10_000),
            wait_for_finality: true,
            ..request()
        };
        let asked = phones(entries() - 5_000..entries() + 5_000);
        let (before, start) = (used().0, Instant::now());
        let screened = network.nodes[1].screen_with(&asked, request).await;
        let until_final = start.elapsed();
        assert_eq!(screened.summary.rows_hit, 5_000);
        let elapsed_ms = screened.summary.elapsed_ms;
        println!(
            "screen/lists=1/entries={}/rows=10000: answered in {elapsed_ms} ms ({} rows/s), final in \
             {until_final:?}, processor {:?}",
            entries(),
            10_000_000 / elapsed_ms.max(1),
            used().0 - before,
        );
    }
}

async fn single() {
    arithmetic(300, 1);
    let network = Network::start(4).await;
    for owner in 0..3 {
        network.publish(owner, "accounts", &phones(0..1_000)).await;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut times = Vec::new();
    for number in 0..200 {
        let start = Instant::now();
        let screened = network.nodes[3].screen(&[phone(number)]).await;
        times.push(start.elapsed());
        assert_eq!(screened.hits.len(), 3);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    times.sort();
    println!(
        "screen/lists=3/rows=1: p50 {:?}, p90 {:?}, p99 {:?}",
        times[100], times[180], times[198]
    );
}

/// Four tellers at once, each of whom screens one row after the other.
async fn tellers() {
    let network = Network::start(4).await;
    for owner in 0..3 {
        network.publish(owner, "accounts", &phones(0..1_000)).await;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let start = Instant::now();
    let tellers = (0..4).map(|teller| {
        let node = &network.nodes[3];
        async move {
            let mut times = Vec::new();
            for number in 0..100 {
                let start = Instant::now();
                let screened = node.screen(&[phone(teller * 100 + number)]).await;
                times.push(start.elapsed());
                assert_eq!(screened.hits.len(), 3);
            }
            times
        }
    });
    let mut times = futures::future::join_all(tellers).await.concat();
    let elapsed = start.elapsed();
    times.sort();
    println!(
        "screen/lists=3/rows=1/tellers=4: p50 {:?}, p99 {:?}, {:.0} screenings/s",
        times[200],
        times[396],
        400.0 / elapsed.as_secs_f64()
    );
}

async fn publish() {
    let network = Network::start(1).await;
    let lists = &network.nodes[0].frontend.lists;
    for (what, numbers, mode) in [
        ("new", 0..entries(), DraftMode::Replace),
        (
            "delta=1000",
            entries()..entries() + 1_000,
            DraftMode::Change,
        ),
        (
            "delta=1000, again",
            entries() + 1_000..entries() + 2_000,
            DraftMode::Change,
        ),
    ] {
        let (before, start) = (used().0, Instant::now());
        let mut draft = lists
            .draft(support::spec("accounts", mode))
            .await
            .expect("a draft");
        let drafted = start.elapsed();
        let mut numbers = futures::stream::iter(numbers.map(phone)).ready_chunks(10_000);
        while let Some(chunk) = numbers.next().await {
            assert!(draft.push(&rows(&chunk)).is_empty());
        }
        let read = start.elapsed();
        let progress = Progress::to(move |stage, done, total| {
            if done == 0 {
                println!("  {stage:?} of {total} from {:?}", start.elapsed());
            }
        });
        lists.publish(draft, progress).await.expect("published");
        println!(
            "publish/entries={}/{what}: {:?} (begun after {drafted:?}, rows read after {read:?}), \
             processor {:?}, at most {} MiB",
            entries(),
            start.elapsed(),
            used().0 - before,
            used().1,
        );
    }
}
