//! Screening as an institution sees it: four nodes as processes on loopback, mutual TLS, the ledger running.
//!
//! 1. `publish`: one member publishes a list; how long until tags, tree and snapshot stand on its disk and the
//!    publication is on the ledger, and the most memory that its process held until then. Then until the others
//!    have fetched, rebuilt and attested it.
//! 2. `delta`: a thousand entries more.
//! 3. `single`: one identifier at a time against the lists of three members, by an operator's connection that is
//!    open already; the clock stops at the last of the three proven answers.
//! 4. `bulk`: a file's rows against the large list; the clock stops at the last proven answer. How long until the
//!    last call is final is told beside it.
//!
//! All processes share the machine's cores: in production each has its own.
//!
//! `cargo bench -p tacit --bench screen`; `TACIT_BENCH_ENTRIES=100000` makes it shorter.

use std::env;
use std::path::Path;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use tacit_client::{Profile, connection};
use tacit_node::setup::card::CardRole;
use tacit_node::trial::{Institution, Layout, NodeProcess};
use tacit_proto::operator::{
    Answer, ListPublishConfirm, ListPublishHeader, ListPublishMode, ListPublishRequest,
    ListPublishRowsEnd, ListRow, ListRows, ScreenHeader, ScreenRequest, ScreenRow, ScreenRows,
    Stage, StatusRequest, Targets, list_publish_request, list_publish_response, screen_request,
    screen_response,
};
use tokio_stream::wrappers::ReceiverStream;

const TACIT: &str = env!("CARGO_BIN_EXE_tacit");
/// Rows of one message.
const ROWS_PER_MESSAGE: usize = 10_000;
/// Entries of the lists that single screenings ask, and rows of a bulk screening.
const SMALL_LIST: u64 = 10_000;
const BULK_ROWS: u64 = 10_000;
const DELTA_ROWS: u64 = 1_000;
const SINGLES: usize = 200;
const BULK_RUNS: usize = 3;

type Node = connection::Node;

const fn institution(slug: &'static str) -> Institution {
    Institution {
        slug,
        name: slug,
        role: CardRole::Member,
    }
}

/// A mobile number. Lists hold even ones, so that every second one is a hit.
fn phone(number: u64) -> String {
    format!("138{number:08}")
}

fn main() {
    let entries = env::var("TACIT_BENCH_ENTRIES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(1_000_000);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(measure(entries));
}

async fn measure(entries: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let institutions = ["alder", "birch", "cedar", "dogwood"].map(institution);
    let layout = Layout::create(folder.path(), &institutions).expect("a network");
    let start = |node| NodeProcess::start(Path::new(TACIT), node).expect("it starts");
    let processes: Vec<NodeProcess> = layout.nodes.iter().map(start).collect();
    let mut nodes = Vec::new();
    for node in &layout.nodes {
        while !node.is_ready() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let profile = Profile::read(&node.profile_file()).expect("a profile");
        nodes.push(connection::connect(&profile).await.expect("a connection"));
    }

    for node in &mut nodes[1..] {
        publish(node, "small", 0..SMALL_LIST).await;
    }
    wait_for_copies(&mut nodes[0], 3).await;
    singles(&mut nodes[0]).await;

    let published = publish(&mut nodes[1], "large", 0..entries).await;
    println!(
        "publish/entries={entries}: tags {:.1} s, tree {:.1} s, in all {:.1} s until on the ledger, {} MB held at most; \
         in force after {:.1} s",
        published.tags.as_secs_f64(),
        published.tree.as_secs_f64(),
        published.on_ledger.as_secs_f64(),
        peak_mb(processes[1].id()),
        published.in_force.as_secs_f64()
    );
    wait_for_copies(&mut nodes[0], 4).await;
    let delta = publish(&mut nodes[1], "large", entries..entries + DELTA_ROWS).await;
    println!(
        "delta/entries={entries}/rows={DELTA_ROWS}: {:.2} s until on the ledger, in force after {:.2} s",
        delta.on_ledger.as_secs_f64(),
        delta.in_force.as_secs_f64()
    );
    wait_for_copies(&mut nodes[0], 4).await;
    for _ in 0..BULK_RUNS {
        bulk(&mut nodes[0], delta.list).await;
    }
    for process in processes {
        process.stop(Duration::from_secs(20)).expect("it stops");
    }
}

struct Published {
    list: u32,
    tags: Duration,
    tree: Duration,
    on_ledger: Duration,
    in_force: Duration,
}

async fn publish(node: &mut Node, name: &str, numbers: std::ops::Range<u64>) -> Published {
    use list_publish_request::Step as Asked;
    use list_publish_response::Step;
    let (requests, stream) = tokio::sync::mpsc::channel(4);
    let header = ListPublishHeader {
        name: name.into(),
        category: "transaction-fraud".into(),
        default_type: "phone".into(),
        default_region: "CN".into(),
        types: vec!["phone".into()],
        mode: ListPublishMode::Change.into(),
        ..ListPublishHeader::default()
    };
    let send = |step| ListPublishRequest { step: Some(step) };
    tokio::spawn(async move {
        requests
            .send(send(Asked::Header(header)))
            .await
            .expect("it listens");
        let numbers: Vec<u64> = numbers.collect();
        for (chunk, numbers) in numbers.chunks(ROWS_PER_MESSAGE).enumerate() {
            let rows = numbers.iter().enumerate().map(|(row, number)| ListRow {
                row: (chunk * ROWS_PER_MESSAGE + row) as u64,
                value: phone(2 * number),
                ..ListRow::default()
            });
            let rows = ListRows {
                rows: rows.collect(),
            };
            requests
                .send(send(Asked::Rows(rows)))
                .await
                .expect("it listens");
        }
        requests
            .send(send(Asked::RowsEnd(ListPublishRowsEnd {})))
            .await
            .expect("it listens");
        requests
            .send(send(Asked::Confirm(ListPublishConfirm {})))
            .await
            .expect("it listens");
        // Kept open until the answers have ended.
        requests.closed().await;
    });
    let mut answers = node
        .list_publish(ReceiverStream::new(stream))
        .await
        .expect("it answers")
        .into_inner();
    let mut published = Published {
        list: 0,
        tags: Duration::ZERO,
        tree: Duration::ZERO,
        on_ledger: Duration::ZERO,
        in_force: Duration::ZERO,
    };
    // The clock starts when the rows have been read and the list is to be built.
    let mut began = Instant::now();
    while let Some(answer) = answers.next().await {
        match answer.expect("an answer").step.expect("a step") {
            Step::Difference(_) => began = Instant::now(),
            Step::Progress(progress) => match progress.stage() {
                Stage::MakingTags => published.tags = began.elapsed(),
                Stage::BuildingTree => published.tree = began.elapsed() - published.tags,
                _ => {}
            },
            Step::Published(done) => {
                published.on_ledger = began.elapsed();
                published.list = done.list.expect("a list").list_id;
            }
            Step::Active(_) => {
                published.in_force = began.elapsed();
                break;
            }
            Step::Rejected(rows) => panic!("rejected: {rows:?}"),
        }
    }
    published
}

async fn wait_for_copies(node: &mut Node, lists: usize) {
    loop {
        let status = node
            .status(StatusRequest {})
            .await
            .expect("it answers")
            .into_inner();
        let current = |copy: &&tacit_proto::operator::Copy| {
            copy.state() == tacit_proto::operator::CopyState::Current
        };
        if status.copies.iter().filter(current).count() >= lists {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn header(targets: Targets, rows: u64, wait_for_finality: bool) -> ScreenHeader {
    ScreenHeader {
        targets: Some(targets),
        default_type: "phone".into(),
        default_region: "CN".into(),
        purpose: "credit-origination".into(),
        lawful_basis: "consent".into(),
        rows_expected: Some(rows),
        wait_for_finality,
        ..ScreenHeader::default()
    }
}

/// Screens numbers from zero on; answers with the times of the last answer and of the end.
async fn screen(
    node: &mut Node,
    header: ScreenHeader,
    numbers: std::ops::Range<u64>,
    expected: u64,
) -> (Duration, Duration) {
    use screen_request::Step as Asked;
    use screen_response::Step;
    let mut requests = vec![ScreenRequest {
        step: Some(Asked::Header(header)),
    }];
    let numbers: Vec<u64> = numbers.collect();
    for numbers in numbers.chunks(ROWS_PER_MESSAGE) {
        let rows = numbers.iter().map(|number| ScreenRow {
            row: *number,
            value: phone(*number),
            ..ScreenRow::default()
        });
        let rows = ScreenRows {
            rows: rows.collect(),
        };
        requests.push(ScreenRequest {
            step: Some(Asked::Rows(rows)),
        });
    }
    let began = Instant::now();
    let answers = node.screen(tokio_stream::iter(requests)).await;
    let mut answers = answers.expect("it answers").into_inner();
    let (mut answered, mut last) = (0, Duration::ZERO);
    while let Some(answer) = answers.next().await {
        if let Some(Step::Answers(answers)) = answer.expect("an answer").step {
            for row in &answers.rows {
                let right = if row.row % 2 == 0 {
                    Answer::Hit
                } else {
                    Answer::Clear
                };
                assert_eq!(row.answer(), right, "{:?}", answers.unreachable);
            }
            answered += answers.rows.len() as u64;
            last = began.elapsed();
        }
    }
    assert_eq!(answered, expected, "every row is answered by every list");
    (last, began.elapsed())
}

async fn singles(node: &mut Node) {
    let mut times = Vec::new();
    // The first ones open sessions.
    for number in 0..(SINGLES as u64 + 20) {
        let header = header(Targets::default(), 1, false);
        let (last, _) = screen(node, header, number..number + 1, 3).await;
        times.push(last);
    }
    let mut times = times.split_off(20);
    times.sort_unstable();
    println!(
        "single/members=3/list={SMALL_LIST}: p50 {:.1} ms, p99 {:.1} ms of {SINGLES}",
        1e3 * times[times.len() / 2].as_secs_f64(),
        1e3 * times[times.len() * 99 / 100].as_secs_f64()
    );
}

async fn bulk(node: &mut Node, list: u32) {
    let targets = Targets {
        list_ids: vec![list],
        ..Targets::default()
    };
    let header = header(targets, BULK_ROWS, true);
    let (last, end) = screen(node, header, 0..BULK_ROWS, BULK_ROWS).await;
    println!(
        "bulk/rows={BULK_ROWS}: {:.2} s until the last proven answer, {:.2} s until the last call is final",
        last.as_secs_f64(),
        end.as_secs_f64()
    );
}

/// The most memory that a process held, in MB.
fn peak_mb(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = peak.and_then(|peak| peak.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    kib.unwrap_or_default() / 1_000
}
