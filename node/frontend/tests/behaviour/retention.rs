//! How long what was asked is kept: keys that are destroyed at their date, holds, the custodian's copies.

use std::collections::BTreeMap;
use std::path::Path;

use sqlx::{AnyConnection, Connection, Row};
use tacit_frontend::retention::{
    ClassName, Custody, Month, Period, RetentionError, RetentionPolicy,
};
use tacit_frontend::screening::{Batch, ScreenRequest};
use tacit_frontend::store::{Destruction, StoreError};
use tacit_frontend::{FrontendConfig, Opening};
use tacit_ledger::network::audit::AuditContext;
use tacit_sealing::custodian::{Copies, CustodianKeys};

use crate::support::{Engine, Network, Node, context, eventually, phone, phones};

/// The tests' chain begins on 15 November 2023, counted in China.
const FIRST_MONTH: &str = "2023-11";

/// From there into December.
const INTO_DECEMBER: u64 = 20;

fn class(name: &str) -> ClassName {
    name.parse().expect("a class")
}

fn period(class_name: &str, month: &str) -> Period {
    Period {
        class: class(class_name),
        month: month.parse().expect("a month"),
    }
}

/// Advertising is kept to the end of its month, all else for a year.
fn policy() -> RetentionPolicy {
    let classes = BTreeMap::from([(class("standard"), 12), (class("brief"), 0)]);
    let purposes = BTreeMap::from([("marketing".to_owned(), class("brief"))]);
    RetentionPolicy::new(class("standard"), classes, purposes).expect("a policy")
}

async fn start(engine: Engine, configure: impl Fn(&mut FrontendConfig)) -> Network {
    let configure = |config: &mut FrontendConfig| {
        config.retention = policy();
        configure(config);
    };
    let network = Network::start_over(engine, 2, |_, _| {}, configure).await;
    network.publish(0, "accounts", &phones(0..20)).await;
    network
}

/// Asks for a purpose, and waits until the calls are final and noted as such.
async fn ask(node: &Node, purpose: &str, numbers: &[String]) -> Batch {
    let request = ScreenRequest {
        context: AuditContext {
            purpose: purpose.to_owned(),
            ..context()
        },
        wait_for_finality: true,
        ..ScreenRequest::default()
    };
    let screened = node.screen_with(numbers, request).await;
    let batch = screened.answers[0].outcome.clone().expect("answered");
    eventually("it is final here", async || {
        let own = node
            .frontend
            .own_records(batch.session, batch.sequence)
            .await;
        own.expect("opens").expect("there").0.height.is_some()
    })
    .await;
    batch
}

/// The sealed columns of a request and the wrapped key of its period, as they lie in the database.
async fn sealed(url: &str, batch: &Batch) -> [Vec<u8>; 4] {
    let mut connection = AnyConnection::connect(url).await.expect("the database");
    let sql = "SELECT a.sealed_request, a.sealed_records, a.sealed_answer, k.sealed_key \
               FROM asked_batch a JOIN retention_key k ON k.class = a.class AND k.month = a.month \
               WHERE a.session_id = $1 AND a.sequence = $2";
    let row = sqlx::query(sql)
        .bind(i64::try_from(batch.session.0).expect("fits"))
        .bind(i64::try_from(batch.sequence).expect("fits"))
        .fetch_one(&mut connection)
        .await
        .expect("there");
    [
        "sealed_request",
        "sealed_records",
        "sealed_answer",
        "sealed_key",
    ]
    .map(|column| row.get(column))
}

/// Whether the beginning of one of the values stands in any of the files of a folder.
fn stands_in_a_file(folder: &Path, values: &[Vec<u8>]) -> bool {
    let files = std::fs::read_dir(folder).expect("a folder");
    let files = files.map(|file| file.expect("a file").path());
    files.filter(|path| path.is_file()).any(|path| {
        let bytes = std::fs::read(path).expect("read");
        values
            .iter()
            .any(|value| bytes.windows(24).any(|part| part == &value[..24]))
    })
}

async fn what_is_over_opens_for_nobody(engine: Engine) {
    let network = start(engine, |_| {}).await;
    let node = &network.nodes[1];
    let brief = ask(node, "marketing", &[phone(3), phone(500)]).await;
    let standard = ask(node, "credit-origination", &[phone(4)]).await;
    let url = network.database_url(1);
    let values = sealed(&url, &brief).await;
    let folder = node.folder.path();
    if engine == Engine::Sqlite {
        assert!(
            stands_in_a_file(folder, &values),
            "what is looked for below is found while it is there"
        );
    }
    // The day before the month ends, everything is still there.
    network.chain.pass_days(15).await;
    node.frontend.retention.look().await.expect("looked");
    let own = node
        .frontend
        .own_records(brief.session, brief.sequence)
        .await;
    assert!(own.expect("opens").is_some());

    network.chain.pass_days(INTO_DECEMBER - 15).await;
    node.frontend.retention.look().await.expect("looked");
    node.frontend
        .retention
        .look()
        .await
        .expect("twice is as good as once");
    let own = node
        .frontend
        .own_records(brief.session, brief.sequence)
        .await;
    assert!(own.expect("answers").is_none());
    let opening = node
        .frontend
        .open_calls(brief.session, brief.sequence, &[0])
        .await;
    let Some(Opening::Erased(erased)) = opening.expect("answers") else {
        panic!("it is said to be erased");
    };
    assert_eq!(erased.period, period("brief", FIRST_MONTH));
    assert_eq!((erased.keep_months, erased.calls), (0, 2));
    assert_eq!(Month::of(erased.destroyed).to_string(), "2023-12");
    // Of the other class nothing is missing.
    let own = node
        .frontend
        .own_records(standard.session, standard.sequence)
        .await;
    let (_, records, answer) = own.expect("opens").expect("there");
    assert_eq!(
        (records.calls.len(), answer.expect("answered").hits),
        (1, Some(vec![true]))
    );
    let overview = node.frontend.retention.overview().await.expect("read");
    let shown = overview.iter().map(|status| {
        let summary = &status.summary;
        (
            summary.period.to_string(),
            summary.calls,
            summary.destroyed.is_some(),
            status.over_on.to_string(),
        )
    });
    assert_eq!(
        shown.collect::<Vec<_>>(),
        [
            (
                format!("brief {FIRST_MONTH}"),
                2,
                true,
                "2023-12-01".to_owned()
            ),
            (
                format!("standard {FIRST_MONTH}"),
                1,
                false,
                "2024-12-01".to_owned()
            ),
        ]
    );

    // Whoever took the database away, with the store's key, has nothing that opens: neither as it is, nor with
    // the sealed values put back from a backup of their table.
    if engine == Engine::Sqlite {
        assert!(
            !stands_in_a_file(folder, &values),
            "a value of the period stands in a file"
        );
        let away = tempfile::tempdir().expect("a folder");
        for name in ["frontend.sqlite", "frontend.sqlite-wal"] {
            std::fs::copy(folder.join(name), away.path().join(name)).expect("copied");
        }
        let url = format!("sqlite://{}", away.path().join("frontend.sqlite").display());
        let mut connection = AnyConnection::connect(&url).await.expect("the copy");
        let sql = "UPDATE asked_batch SET state = 2, version = 0, sealed_request = $1, \
                   sealed_records = $2, sealed_answer = $3 WHERE class = 'brief'";
        let put_back = sqlx::query(sql)
            .bind(values[0].clone())
            .bind(values[1].clone())
            .bind(values[2].clone());
        put_back.execute(&mut connection).await.expect("put back");
        connection.close().await.expect("closed");
        let store = network.open_with_key_of(1, &url, away.path()).await;
        let asked = store.asked(brief.session, brief.sequence).await;
        assert!(asked.expect("answers").is_none());
        let asked = store.asked(standard.session, standard.sequence).await;
        assert!(asked.expect("opens").is_some(), "it is the right key");
    }
    // What is asked now belongs to the new month, and is kept.
    let next = ask(node, "marketing", &[phone(5)]).await;
    let asked = node
        .frontend
        .store()
        .asked(next.session, next.sequence)
        .await;
    let asked = asked.expect("opens").expect("there");
    assert_eq!(asked.period, period("brief", "2023-12"));
    network.remove().await;
}

async fn a_hold_keeps_what_would_be_over_until_it_is_released(engine: Engine) {
    let network = start(engine, |_| {}).await;
    let node = &network.nodes[1];
    let batch = ask(node, "marketing", &[phone(3)]).await;
    let retention = &node.frontend.retention;
    let held = period("brief", FIRST_MONTH);
    for reason in ["", "  ", &"long ".repeat(300)] {
        let refused = retention.hold(&held, reason, "counsel").await;
        assert!(
            matches!(refused, Err(RetentionError::Reason)),
            "{refused:?}"
        );
    }
    let nothing = period("brief", "2023-10");
    let refused = retention.hold(&nothing, "case 7", "counsel").await;
    assert!(
        matches!(refused, Err(RetentionError::NothingKept(_))),
        "{refused:?}"
    );
    let first = retention
        .hold(&held, "case 7", "counsel")
        .await
        .expect("placed");
    let second = retention
        .hold(&held, "case 8", "auditor")
        .await
        .expect("placed");
    assert_eq!((first, second), (1, 2));

    network.chain.pass_days(INTO_DECEMBER).await;
    let is_kept = async || {
        retention.look().await.expect("looked");
        let own = node
            .frontend
            .own_records(batch.session, batch.sequence)
            .await;
        own.expect("answers").is_some()
    };
    assert!(is_kept().await);
    retention
        .release(first, "settled", "counsel")
        .await
        .expect("released");
    let again = retention.release(first, "settled", "counsel").await;
    assert!(matches!(again, Err(RetentionError::NoHold(1))), "{again:?}");
    assert!(is_kept().await, "the other hold keeps it");
    let overview = retention.overview().await.expect("read");
    assert_eq!(overview[0].holds, [second]);
    retention
        .release(second, "settled too", "auditor")
        .await
        .expect("released");
    assert!(!is_kept().await);
    // What was held, by whom and why stays.
    let holds = retention.holds().await.expect("read");
    let told = holds.iter().map(|hold| {
        let released = hold.released.as_ref().expect("released");
        (
            hold.reason.as_str(),
            hold.placed_by.as_str(),
            released.1.as_str(),
        )
    });
    let told: Vec<_> = told.collect();
    assert_eq!(
        told,
        [
            ("case 7", "counsel", "settled"),
            ("case 8", "auditor", "settled too")
        ]
    );
    let late = retention.hold(&held, "case 9", "counsel").await;
    assert!(
        matches!(late, Err(RetentionError::NothingKept(_))),
        "{late:?}"
    );
    network.remove().await;
}

async fn a_destruction_that_was_interrupted_is_gone_on_with(engine: Engine) {
    let network = start(engine, |_| {}).await;
    let node = &network.nodes[1];
    let batch = ask(node, "marketing", &[phone(3)]).await;
    let url = network.database_url(1);
    let values = sealed(&url, &batch).await;
    network.chain.pass_days(INTO_DECEMBER).await;
    let (store, over) = (node.frontend.store(), period("brief", FIRST_MONTH));
    let today = over.over_on(0);
    // The key is destroyed, and the process ends before a row is emptied.
    let first = store.destroy_period(&over, today).await.expect("destroyed");
    let again = store.destroy_period(&over, today).await.expect("looked");
    assert_eq!((first, again), (Destruction::Done, Destruction::Before));
    let opening = node
        .frontend
        .open_calls(batch.session, batch.sequence, &[0])
        .await;
    assert!(
        matches!(opening, Ok(Some(Opening::Erased(_)))),
        "{opening:?}"
    );
    if engine == Engine::Sqlite {
        assert!(stands_in_a_file(node.folder.path(), &values[..3]));
    }
    node.frontend.retention.look().await.expect("looked");
    if engine == Engine::Sqlite {
        assert!(!stands_in_a_file(node.folder.path(), &values));
    }
    // It was destroyed once, on the date that was noted then.
    let overview = node.frontend.retention.overview().await.expect("read");
    assert_eq!(overview[0].summary.destroyed, Some(today));
    network.remove().await;
}

crate::databases::on_both_databases! {
    a_destruction_that_was_interrupted_is_gone_on_with
    what_is_over_opens_for_nobody
    a_hold_keeps_what_would_be_over_until_it_is_released
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_not_settled_yet_is_waited_for() {
    let network = start(Engine::Sqlite, |_| {}).await;
    *network.chain.refuse.lock().expect("refuse") =
        Some(|action| matches!(action, tacit_ledger::network::Action::CallBatch(_)));
    let request = ScreenRequest {
        context: AuditContext {
            purpose: "marketing".to_owned(),
            ..context()
        },
        ..ScreenRequest::default()
    };
    let node = &network.nodes[1];
    let screened = node.screen_with(&[phone(3)], request).await;
    let batch = screened.answers[0].outcome.clone().expect("answered");
    network.chain.pass_days(INTO_DECEMBER).await;
    node.frontend.retention.look().await.expect("looked");
    let own = node
        .frontend
        .own_records(batch.session, batch.sequence)
        .await;
    assert!(own.expect("opens").is_some(), "its answer is needed still");
    *network.chain.refuse.lock().expect("refuse") = None;
    network.wait_logged(1).await;
    eventually("it is erased once it is settled", async || {
        node.frontend.retention.look().await.expect("looked");
        let own = node
            .frontend
            .own_records(batch.session, batch.sequence)
            .await;
        own.expect("answers").is_none()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_custodian_opens_its_copies_until_they_are_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut keys = CustodianKeys::default();
    let draw = |keys: &mut CustodianKeys, name: &str| {
        let drawn = keys.draw(period(name, FIRST_MONTH), &mut rand_core::OsRng);
        drawn.expect("it had none")
    };
    let (private, other) = (draw(&mut keys, "brief"), draw(&mut keys, "standard"));
    let keys_file = folder.path().join("custodian.keys");
    std::fs::write(&keys_file, keys.to_text()).expect("written");
    let copies = folder.path().join("copies");
    let custody = Custody::open(&keys_file, &copies).expect("keys");
    let network = start(Engine::Sqlite, |config| {
        config.custody = Some(custody.clone())
    })
    .await;
    let node = &network.nodes[1];
    let batch = ask(node, "marketing", &[phone(3), phone(500)]).await;
    node.frontend.retention.look().await.expect("looked");

    let month = copies.join("brief").join(FIRST_MONTH);
    let path = month.join(format!("{}-{}.copies", batch.session, batch.sequence));
    let file = Copies::from_bytes(&std::fs::read(path).expect("a file")).expect("copies");
    assert_eq!((file.member, file.copies.len()), (node.id, 1));
    let (version, copied) = file.open(&file.copies[0], &private).expect("it opens");
    let own = node
        .frontend
        .own_records(batch.session, batch.sequence)
        .await;
    let (asked, records, _) = own.expect("opens").expect("there");
    assert_eq!((Some(version), &copied), (asked.version, &records));
    for (call, (_, nonce, record)) in asked.signed.request.calls.iter().zip(&copied.calls) {
        assert_eq!(call.audit, record.commitment(nonce));
    }
    assert!(file.open(&file.copies[0], &other).is_err());
    // Nothing is written twice, and no copy stays behind in the database.
    node.frontend.retention.look().await.expect("looked");
    assert_eq!(std::fs::read_dir(&month).expect("a folder").count(), 1);

    // Without a key for the month nothing is asked, since it could not be copied.
    network.chain.pass_days(INTO_DECEMBER).await;
    node.frontend.retention.look().await.expect("looked");
    assert!(!month.exists(), "the member keeps no copy of what is over");
    let (logged, request) = (
        network.logged(),
        ScreenRequest {
            context: context(),
            ..ScreenRequest::default()
        },
    );
    let screened = node.screen_with(&[phone(5)], request).await;
    let (refused, _) = screened.answers[0].outcome.clone().expect_err("not asked");
    assert!(
        refused
            .to_string()
            .contains("custodian has no key for standard 2023-12"),
        "{refused}"
    );
    assert_eq!(network.logged(), logged);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_class_that_is_configured_no_more_keeps_its_months() {
    let mut network = start(Engine::Sqlite, |_| {}).await;
    let batch = ask(&network.nodes[1], "marketing", &[phone(3)]).await;
    // The class is given another name, and what was in it is not destroyed at once or never.
    network.restart(1, |_| {}).await;
    let node = &network.nodes[1];
    node.frontend.retention.look().await.expect("looked");
    let overview = node.frontend.retention.overview().await.expect("read");
    assert_eq!(overview[0].summary.period, period("brief", FIRST_MONTH));
    assert_eq!(overview[0].over_on.to_string(), "2023-12-01");
    let own = node
        .frontend
        .own_records(batch.session, batch.sequence)
        .await;
    assert!(own.expect("opens").is_some());
    let closed = node
        .frontend
        .store()
        .erased(batch.session, batch.sequence)
        .await;
    assert!(matches!(closed, Ok::<_, StoreError>(None)));
}
