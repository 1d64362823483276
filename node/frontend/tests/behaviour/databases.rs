//! What a front end keeps, on SQLite and, where `TACIT_TEST_POSTGRES_URL` names a server, on PostgreSQL.

use crate::support::{self, Engine, Network, eventually, phone, phones, rows, spec};
use tacit_circuits::scope::TagEpoch;
use tacit_frontend::crash::CrashPoint;
use tacit_frontend::lists::{DraftMode, ListError, ListSpec, Progress};
use tacit_frontend::screening::ScreenRequest;

macro_rules! on_both_databases {
    ($($law:ident)*) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $law() {
                    super::$law(crate::support::Engine::Sqlite).await;
                }
            )*
        }

        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread")]
                #[cfg_attr(not(tacit_test_postgres), ignore = "TACIT_TEST_POSTGRES_URL is not set")]
                async fn $law() {
                    super::$law(crate::support::Engine::Postgres).await;
                }
            )*
        }
    };
}

pub(crate) use on_both_databases;

on_both_databases! {
    lists_and_calls_are_there_after_a_restart
    a_list_of_many_parts_comes_back_whole
    keys_that_are_over_are_destroyed
    a_call_on_the_disk_is_settled_once_whoever_was_stopped
    writes_at_the_same_time_are_all_kept
}

async fn start(engine: Engine, members: usize) -> Network {
    Network::start_over(engine, members, |_, _| {}, |_| {}).await
}

async fn copy_is_back(network: &Network, member: usize) {
    eventually("the copy is back", async || {
        let status = network.nodes[member].frontend.copy_status(1.into());
        status.held.is_some()
    })
    .await;
}

async fn lists_and_calls_are_there_after_a_restart(engine: Engine) {
    let mut network = start(engine, 2).await;
    network.publish(0, "accounts", &phones(0..20)).await;
    let screened = network.nodes[1].screen(&[phone(3), phone(500)]).await;
    let batch = screened.answers[0].outcome.clone().expect("answered");
    network.wait_logged(2).await;
    for member in [0, 1] {
        network.restart(member, |_| {}).await;
    }
    let own = &network.nodes[1].frontend;
    eventually("the call is final", async || {
        let own = own.own_records(batch.session, batch.sequence).await;
        own.expect("opens")
            .is_some_and(|(asked, ..)| asked.height.is_some())
    })
    .await;
    let records = own.own_records(batch.session, batch.sequence).await;
    let (_, records, answer) = records.expect("opens").expect("there");
    assert_eq!(records.context, support::context());
    assert_eq!(answer.expect("answered").hits, Some(vec![true, false]));
    let store = network.nodes[0].frontend.store();
    let served = store.served(batch.session, batch.sequence).await;
    assert!(served.expect("read").is_some());

    let lists = &network.nodes[0].frontend.lists;
    let summaries = lists.summaries().await.expect("read");
    assert_eq!((summaries.len(), summaries[0].entries), (1, 20));
    assert_eq!(summaries[0].name, "accounts");
    copy_is_back(&network, 1).await;
    let next = network.publish(0, "accounts", &phones(0..21)).await;
    assert_eq!(next.publication.version.0, 1);
    let screened = network.nodes[1].screen(&phones(20..22)).await;
    assert_eq!(
        (screened.summary.rows_hit, screened.summary.rows_clear),
        (1, 1)
    );
    network.remove().await;
}

async fn a_list_of_many_parts_comes_back_whole(engine: Engine) {
    let mut network = start(engine, 1).await;
    network.nodes[0]
        .publish("accounts", &phones(0..20_000), DraftMode::Replace)
        .await;
    network.restart(0, |_| {}).await;
    let lists = &network.nodes[0].frontend.lists;
    let mut draft = lists
        .draft(spec("accounts", DraftMode::Replace))
        .await
        .expect("a draft");
    draft.push(&rows(&phones(0..20_000)));
    assert_eq!(draft.difference().unchanged, 20_000);
    let published = lists.publish(draft, Progress::default()).await;
    assert!(
        matches!(published, Err(ListError::NothingToPublish)),
        "{published:?}"
    );
    network.remove().await;
}

async fn keys_that_are_over_are_destroyed(engine: Engine) {
    let network = start(engine, 2).await;
    network.publish(0, "accounts", &phones(0..20)).await;
    let frontend = &network.nodes[0].frontend;
    frontend
        .lists
        .revoke_key("accounts")
        .await
        .expect("revoked");
    let store = frontend.store();
    assert_eq!(store.own_epochs_with_key(1).await.expect("read"), []);
    let rotate = ListSpec {
        new_tag_epoch: true,
        ..spec("accounts", DraftMode::Change)
    };
    let draft = frontend.lists.draft(rotate).await.expect("a draft");
    frontend
        .lists
        .publish(draft, Progress::default())
        .await
        .expect("published");
    assert_eq!(
        store.own_epochs_with_key(1).await.expect("read"),
        [TagEpoch(1)]
    );
    network.remove().await;
}

async fn a_call_on_the_disk_is_settled_once_whoever_was_stopped(engine: Engine) {
    let mut network = start(engine, 2).await;
    network.publish(0, "accounts", &phones(0..20)).await;
    for (stopped, point, logged) in [
        (0, CrashPoint::BeforeAnswer, 1),
        (0, CrashPoint::BeforeSettledWrite, 2),
        (1, CrashPoint::BeforeAnswerWrite, 3),
    ] {
        let halt = support::HaltAt::new(point);
        network
            .restart(stopped, |config| config.crash = halt.points())
            .await;
        copy_is_back(&network, 1).await;
        let request = ScreenRequest {
            context: support::context(),
            reader: support::reader(),
            answer_timeout_ms: Some(300),
            ..ScreenRequest::default()
        };
        let one = Box::pin(futures::stream::iter(rows(&[phone(3)])));
        let screening = network.nodes[1].frontend.screening.clone();
        let events = screening.screen(request, one).await.expect("it begins");
        halt.wait().await;
        network.restart(stopped, |_| {}).await;
        drop(events);
        network.wait_logged(logged).await;
        copy_is_back(&network, 1).await;
    }
    eventually("nothing waits anywhere", async || {
        let asked = network.nodes[1].frontend.store().asked_waiting().await;
        network.nodes[0].frontend.served_waiting() == 0 && asked.expect("read") == 0
    })
    .await;
    assert_eq!(network.logged(), 3);
    network.remove().await;
}

async fn writes_at_the_same_time_are_all_kept(engine: Engine) {
    let network = start(engine, 2).await;
    network.publish(0, "accounts", &phones(0..20)).await;
    let tellers = (0..12).map(|teller| {
        let node = &network.nodes[1];
        async move { node.screen(&phones([teller, teller + 100])).await }
    });
    for screened in futures::future::join_all(tellers).await {
        assert_eq!(screened.hits.len(), 2, "{screened:?}");
        let batch = screened.answers[0].outcome.clone().expect("answered");
        let own = network.nodes[1]
            .frontend
            .own_records(batch.session, batch.sequence)
            .await;
        let (_, _, answer) = own.expect("opens").expect("there");
        assert_eq!(answer.expect("answered").hits, Some(vec![true, false]));
    }
    network.wait_logged(24).await;
    network.remove().await;
}
