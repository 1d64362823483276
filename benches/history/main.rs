//! What a compliance officer waits for: a history of 1,000,000 calls, filtered and exported.
//!
//! A network of four nodes on loopback answers one screening. Its rows, as the node wrote them, are then copied
//! until the asker's own records and its ledger rows hold a million calls, with cases of ten calls, each sealed as
//! all are, and hashes of their own. What is measured are the commands as people type them: start of the process, mutual TLS, the node's work
//! and the file.
//!
//! `cargo bench -p tacit --bench history`; `TACIT_BENCH_CALLS=100000` makes it shorter, `TACIT_BENCH_BATCH` (1 to
//! 10, ten unless it says otherwise) is how many calls a batch holds: a screening at a counter makes batches of
//! one, a file makes larger ones.

use std::env;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use tacit_database::{Database, Durability, Schema, Statement};
use tacit_frontend::screening::OwnRecords;
use tacit_frontend::store::{AskedState, BatchName, MasterKey, NewAsked, Store};
use tacit_ledger::network::SessionId;
use tacit_node::setup::card::CardRole;
use tacit_node::trial::{Institution, Layout, Node, NodeProcess};

const TACIT: &str = env!("CARGO_BIN_EXE_tacit");
/// The session of the copies: far above those that the ledger gives.
const COPIES: SessionId = SessionId(1 << 40);
/// Leaves of the copies: far above those of a block.
const FIRST_LEAF: u64 = 1 << 24;
/// Copies that are on their way to the disk at once.
const WRITES: usize = 512;
/// Calls of one case.
const CASE_CALLS: u64 = 10;
const RUNS: usize = 3;
/// How often the first screening is tried: for half a minute.
const SCREEN_ATTEMPTS: usize = 150;
const STOP_TIMEOUT: Duration = Duration::from_secs(20);

const fn institution(slug: &'static str) -> Institution {
    Institution {
        slug,
        name: slug,
        role: CardRole::Member,
    }
}

fn number(variable: &str, usual: u64) -> u64 {
    let said = env::var(variable).ok();
    said.map_or(usual, |said| said.parse().expect("a number"))
}

fn main() {
    let (calls, batch) = (
        number("TACIT_BENCH_CALLS", 1_000_000),
        number("TACIT_BENCH_BATCH", 10),
    );
    assert!((1..=CASE_CALLS).contains(&batch), "a batch of {batch}");
    let folder = tempfile::tempdir().expect("a folder");
    let institutions = ["alder", "birch", "cedar", "dogwood"].map(institution);
    let layout = Layout::create(folder.path(), &institutions).expect("a network");
    let start = || -> Vec<NodeProcess> {
        let one = |node| NodeProcess::start(Path::new(TACIT), node).expect("it starts");
        let processes = layout.nodes.iter().map(one).collect();
        for node in &layout.nodes {
            while !node.is_ready() {
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        processes
    };
    let stop = |processes: Vec<NodeProcess>| {
        for process in processes {
            process.stop(STOP_TIMEOUT).expect("it stops");
        }
    };
    let asker = &layout.nodes[0];

    let processes = start();
    screen(&layout, folder.path(), batch);
    stop(processes);
    let began = Instant::now();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let copies = calls / batch;
    runtime.block_on(copy(asker, copies, batch));
    drop(runtime);
    println!(
        "filled in {:.0} s: {copies} batches of {batch}",
        began.elapsed().as_secs_f64()
    );

    let processes = start();
    let what = format!("calls={calls}/batch={batch}");
    let case = format!("LOAN-{}", copies * batch / CASE_CALLS / 2);
    let filters: [(&str, &[&str]); 5] = [
        ("case", &["--case", &case]),
        (
            "case, operator, answer",
            &[
                "--case",
                &case,
                "--operator",
                "operator",
                "--answer",
                "clear",
            ],
        ),
        ("member, latest 100", &["--member", "2", "--limit", "100"]),
        ("another list", &["--asked", "--list", "99"]),
        ("before it began", &["--until", "2020-01-01"]),
    ];
    for (name, filter) in filters {
        let times = (0..RUNS).map(|_| run(asker, &[&["history"], filter].concat()));
        println!("filter/{what}/{name}: {}", seconds(times));
    }
    for format in ["parquet", "csv", "jsonl"] {
        let file = folder.path().join(format!("history.{format}"));
        let path = file.to_str().expect("a path");
        let times = (0..RUNS).map(|_| run(asker, &["history", "--to", path, "--force"]));
        let times = seconds(times);
        let megabytes = std::fs::metadata(&file).expect("a file").len() / 1_000_000;
        println!("export/{what}/{format}: {times}, {megabytes} MB");
    }
    stop(processes);
}

fn seconds(times: impl Iterator<Item = Duration>) -> String {
    let times: Vec<String> = times
        .map(|time| format!("{:.2}", time.as_secs_f64()))
        .collect();
    format!("{} s", times.join(", "))
}

/// How long a command takes.
fn run(node: &Node, arguments: &[&str]) -> Duration {
    let began = Instant::now();
    let output = Command::new(TACIT)
        .args(arguments)
        .env("TACIT_PROFILE", node.profile_file())
        .output();
    let output = output.expect("it runs");
    let took = began.elapsed();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    took
}

/// One list, one screening of it, final.
fn screen(layout: &Layout, folder: &Path, values: u64) {
    let file = folder.join("listed.csv");
    std::fs::write(&file, "phone\n13800000000\n").expect("written");
    let file = file.to_str().expect("a path");
    let publish = "list publish mules --category transaction-fraud --column phone --type phone --region CN --yes";
    let publish = [
        &publish.split(' ').collect::<Vec<_>>()[..],
        &["--from", file],
    ]
    .concat();
    run(&layout.nodes[1], &publish);
    let values: Vec<String> = (1..=values).map(|value| format!("139{value:08}")).collect();
    let screen = "screen --type phone --region CN --purpose credit-origination --lawful-basis consent --wait-final";
    let mut screen: Vec<&str> = screen.split(' ').collect();
    screen.extend(values.iter().map(String::as_str));
    // The copy of the list may be on its way still.
    let asker = &layout.nodes[0];
    for _ in 0..SCREEN_ATTEMPTS {
        let mut command = Command::new(TACIT);
        let command = command
            .args(&screen)
            .env("TACIT_PROFILE", asker.profile_file());
        if command.output().expect("it runs").status.success() {
            return;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    panic!("nothing is screened");
}

/// Copies the one request so many times, in both of the asker's databases.
async fn copy(asker: &Node, copies: u64, batch: u64) {
    let key = MasterKey::from_file(&asker.folder.join("keys/store.key")).expect("a key");
    let file = |name: &str| asker.folder.join("data").join(name);
    let store = Store::open_file(&file("front-end.sqlite"), &key).await;
    let store = store.expect("a store");
    let url = format!("sqlite://{}", file("read-model.sqlite").display());
    let schema = Schema {
        migrations_table: "bench_migrations",
        migrations: &[],
        durability: Durability::ProcessEnd,
    };
    let rows = Database::open(&url, &schema).await.expect("rows");
    let asked = "SELECT session_id, sequence FROM ledger_calls WHERE querier = 1";
    let asked = rows.row(Statement::new(asked, [])).await.expect("read");
    let asked = asked.expect("a batch");
    use tacit_database::Columns as _;
    let session = SessionId(asked.number("session_id").expect("a number"));
    let sequence = asked.number("sequence").expect("a number");
    let template = store.asked(session, sequence).await.expect("read");
    let template = template.expect("the request");
    assert_eq!(template.state, AskedState::Final);
    let records = OwnRecords::from_padded(&template.records).expect("records");
    let padding = template.signed.request.calls.len() - records.calls.len();
    let answer = template.answer.as_ref().expect("an answer");
    let template = &template;
    let writes = futures::stream::iter(0..copies).map(|copy| {
        let (mut signed, mut records, store) = (template.signed.clone(), records.clone(), &store);
        signed.request.session = COPIES;
        signed.request.sequence = copy;
        records.context.case_reference = format!("LOAN-{}", copy * batch / CASE_CALLS);
        async move {
            let padded = records.to_padded().expect("they fit");
            let period = &template.period;
            let inserted = store.insert_asked(NewAsked {
                signed: &signed,
                records: &padded,
                context: &records.context,
                padding: padding as u64,
                charged_minor: 0,
                period,
                keep_months: 60,
                copy: None,
            });
            inserted.await.expect("inserted");
            let name = BatchName::of(&signed.request);
            let answered = store.answer_asked(name, period, template.version, answer);
            answered.await.expect("answered");
            let settled = store.settle_asked(COPIES, copy, template.height);
            settled.await.expect("settled");
        }
    });
    writes.buffer_unordered(WRITES).collect::<()>().await;

    let numbers =
        "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < $1 - 1) ";
    for (what, values) in [
        (
            "INSERT INTO ledger_transaction SELECT t.height, $2 + n.i, randomblob(32), t.sender, t.sequence, t.action, \
             t.reject FROM n, ledger_calls c JOIN ledger_transaction t ON t.height = c.height AND t.leaf = c.leaf \
             WHERE c.session_id = $3 AND c.sequence = $4",
            vec![
                copies.into(),
                FIRST_LEAF.into(),
                session.0.into(),
                sequence.into(),
            ],
        ),
        (
            "INSERT INTO ledger_calls SELECT $5, n.i, c.height, $2 + n.i, c.time_ms, c.business_date, c.querier, \
             c.provider, c.list_id, c.tag_epoch, c.first_leaf, c.calls, c.price_minor, randomblob(length(c.audit_hashes)) FROM n, ledger_calls c \
             WHERE c.session_id = $3 AND c.sequence = $4",
            vec![
                copies.into(),
                FIRST_LEAF.into(),
                session.0.into(),
                sequence.into(),
                COPIES.0.into(),
            ],
        ),
    ] {
        let sql: &'static str = String::leak(format!("{numbers}{what}"));
        let mut transaction = rows.begin().await.expect("begun");
        let done = Statement::new(sql, values).query();
        done.execute(&mut *transaction).await.expect("copied");
        transaction.commit().await.expect("committed");
    }
    rows.close().await;
}
