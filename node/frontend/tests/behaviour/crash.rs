//! A front end is stopped at each named point, as a power cut would, and started again over its files.

use std::time::Duration;

use crate::support::{self, HaltAt, Network, eventually, phone, phones, rows, spec};
use tacit_circuits::scope::MemberId;
use tacit_frontend::crash::CrashPoint;
use tacit_frontend::lists::{DraftMode, Progress};
use tacit_frontend::screening::ScreenRequest;
use tacit_ledger::network::{Action, read as state};

const PROVIDER: usize = 0;
const QUERIER: usize = 1;

/// Two members, a list of twenty numbers at the first, and nothing asked yet.
async fn network() -> Network {
    let network = Network::start(2).await;
    network.publish(PROVIDER, "accounts", &phones(0..20)).await;
    network
}

/// The provider is stopped at `point` while it answers one call, and started again.
async fn stop_provider_at(point: CrashPoint) -> Network {
    let mut network = network().await;
    let halt = HaltAt::new(point);
    network
        .restart(PROVIDER, |config| config.crash = halt.points())
        .await;
    let request = ScreenRequest {
        context: support::context(),
        answer_timeout_ms: Some(300),
        ..ScreenRequest::default()
    };
    let one = [phone(3)];
    let asked = network.nodes[QUERIER].screen_with(&one, request);
    let (_, ()) = tokio::join!(asked, halt.wait());
    network.restart(PROVIDER, |_| {}).await;
    network
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_was_not_on_the_disk_was_not_answered_and_is_not_charged() {
    let network = stop_provider_at(CrashPoint::BeforeServedWrite).await;
    let screened = network.nodes[QUERIER].screen(&phones(3..5)).await;
    assert_eq!(screened.hits.len(), 2, "{screened:?}");
    network.wait_logged(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_was_on_the_disk_reaches_the_ledger() {
    let network = stop_provider_at(CrashPoint::BeforeAnswer).await;
    network.wait_logged(1).await;
    let screened = network.nodes[QUERIER].screen(&phones(3..5)).await;
    assert_eq!(screened.hits.len(), 2, "{screened:?}");
    network.wait_logged(3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answered_call_reaches_the_ledger() {
    let network = stop_provider_at(CrashPoint::BeforePost).await;
    network.wait_logged(1).await;
    eventually("nothing waits", async || {
        network.nodes[PROVIDER].frontend.served_waiting() == 0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_final_is_settled_once() {
    let network = stop_provider_at(CrashPoint::BeforeSettledWrite).await;
    eventually("nothing waits", async || {
        network.nodes[PROVIDER].frontend.served_waiting() == 0
    })
    .await;
    assert_eq!(network.logged(), 1);
    let history = network
        .chain
        .view(|view| state::history(view, MemberId(1)))
        .expect("a map");
    assert_eq!(history.served_batches, 1);
}

/// The querier is stopped at `point` while it asks about one number, and started again.
async fn stop_querier_at(point: CrashPoint) -> Network {
    let mut network = network().await;
    let halt = HaltAt::new(point);
    network
        .restart(QUERIER, |config| config.crash = halt.points())
        .await;
    eventually("the copy is back", async || {
        network.nodes[QUERIER]
            .frontend
            .copy_status(1.into())
            .held
            .is_some()
    })
    .await;
    let request = ScreenRequest {
        context: support::context(),
        reader: support::reader(),
        ..ScreenRequest::default()
    };
    let rows = Box::pin(futures::stream::iter(rows(&[phone(3)])));
    let events = network.nodes[QUERIER]
        .frontend
        .screening
        .screen(request, rows)
        .await;
    halt.wait().await;
    network.restart(QUERIER, |_| {}).await;
    drop(events);
    eventually("the copy is back", async || {
        network.nodes[QUERIER]
            .frontend
            .copy_status(1.into())
            .held
            .is_some()
    })
    .await;
    network
}

/// Numbers of the requests that reached the ledger, per session: none twice.
fn settled(network: &Network) -> Vec<(u64, u64)> {
    let log = network.chain.log.lock().expect("log");
    let mut settled: Vec<_> = log
        .iter()
        .filter_map(|(_, action, outcome)| match (action, outcome) {
            (Action::CallBatch(batch), tacit_ledger::kernel::Outcome::Applied) => Some((
                batch.signed.request.session.0,
                batch.signed.request.sequence,
            )),
            _ => None,
        })
        .collect();
    settled.sort_unstable();
    settled
}

#[tokio::test(flavor = "multi_thread")]
async fn a_querier_stopped_before_it_sends_is_charged_for_nothing() {
    for point in [CrashPoint::BeforeAskedWrite, CrashPoint::BeforeSend] {
        let network = stop_querier_at(point).await;
        let screened = network.nodes[QUERIER].screen(&phones(3..5)).await;
        assert_eq!(screened.hits.len(), 2, "{point}: {screened:?}");
        network.wait_logged(2).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_querier_stopped_after_the_answer_uses_no_sequence_number_twice() {
    for point in [CrashPoint::BeforeAnswerWrite, CrashPoint::BeforeHandOver] {
        let network = stop_querier_at(point).await;
        let screened = network.nodes[QUERIER].screen(&phones(3..5)).await;
        assert_eq!(screened.hits.len(), 2, "{point}: {screened:?}");
        network.wait_logged(3).await;
        let settled = settled(&network);
        assert_eq!(settled.len(), 2);
        assert_ne!(settled[0], settled[1]);
        eventually("nothing waits at the querier either", async || {
            network.nodes[QUERIER]
                .frontend
                .store()
                .asked_waiting()
                .await
                .expect("read")
                == 0
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_written_is_there_after_a_restart() {
    let network = stop_querier_at(CrashPoint::BeforeHandOver).await;
    network.wait_logged(1).await;
    let (session, sequence) = settled(&network)[0];
    let own = network.nodes[QUERIER]
        .frontend
        .own_records(tacit_ledger::network::SessionId(session), sequence)
        .await;
    let (_, records, answer) = own.expect("it opens").expect("it is there");
    assert_eq!(records.context, support::context());
    assert_eq!(answer.expect("answered").hits, Some(vec![true]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_publication_is_finished_after_a_restart() {
    for point in [
        CrashPoint::AfterDraft,
        CrashPoint::AfterListCreated,
        CrashPoint::AfterBuild,
        CrashPoint::AfterKeyRegistered,
        CrashPoint::AfterPublish,
    ] {
        let mut network = Network::start(2).await;
        let halt = HaltAt::new(point);
        network
            .restart(PROVIDER, |config| config.crash = halt.points())
            .await;
        let lists = network.nodes[PROVIDER].frontend.lists.clone();
        let mut draft = lists
            .draft(spec("accounts", DraftMode::Replace))
            .await
            .expect("a draft");
        draft.push(&rows(&phones(0..20)));
        let publishing =
            tokio::spawn(async move { lists.publish(draft, Progress::default()).await });
        halt.wait().await;
        publishing.abort();
        network.restart(PROVIDER, |_| {}).await;
        eventually(&format!("{point}: the list is in force"), async || {
            let status = network.nodes[QUERIER].frontend.copy_status(1.into());
            status.held.is_some()
        })
        .await;
        let screened = network.nodes[QUERIER].screen(&phones([3, 30])).await;
        let answers: Vec<bool> = screened.hits.values().copied().collect();
        assert_eq!(answers, [true, false], "{point}");
        let count = network
            .chain
            .view(|view| state::list_count(view))
            .expect("a map");
        assert_eq!(count, 1, "{point}");
        // The list goes on from there.
        let next = network.publish(PROVIDER, "accounts", &phones(0..21)).await;
        assert_eq!(next.publication.version.0, 1, "{point}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_change_of_a_list_is_finished_after_a_restart() {
    for point in [
        CrashPoint::AfterDraft,
        CrashPoint::AfterBuild,
        CrashPoint::AfterPublish,
    ] {
        let mut network = network().await;
        let halt = HaltAt::new(point);
        network
            .restart(PROVIDER, |config| config.crash = halt.points())
            .await;
        let lists = network.nodes[PROVIDER].frontend.lists.clone();
        let mut draft = lists
            .draft(spec("accounts", DraftMode::Replace))
            .await
            .expect("a draft");
        draft.push(&rows(&phones(10..30)));
        let publishing =
            tokio::spawn(async move { lists.publish(draft, Progress::default()).await });
        halt.wait().await;
        publishing.abort();
        network.restart(PROVIDER, |_| {}).await;
        eventually(
            &format!("{point}: the new version is in force"),
            async || {
                let held = network.nodes[QUERIER].frontend.copy_status(1.into()).held;
                held.is_some_and(|held| held.version.0 == 1)
            },
        )
        .await;
        let screened = network.nodes[QUERIER].screen(&phones([3, 25])).await;
        let answers: Vec<bool> = screened.hits.values().copied().collect();
        assert_eq!(answers, [false, true], "{point}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_cannot_be_finished_holds_up_no_other() {
    let mut network = Network::start(2).await;
    let interrupt = async |network: &mut Network, list: &str| {
        let halt = HaltAt::new(CrashPoint::AfterDraft);
        network
            .restart(PROVIDER, |config| config.crash = halt.points())
            .await;
        let lists = network.nodes[PROVIDER].frontend.lists.clone();
        let mut draft = lists
            .draft(spec(list, DraftMode::Replace))
            .await
            .expect("a draft");
        draft.push(&rows(&phones(0..20)));
        let publishing =
            tokio::spawn(async move { lists.publish(draft, Progress::default()).await });
        halt.wait().await;
        publishing.abort();
    };
    interrupt(&mut network, "spoilt").await;
    // Without its key the first list can never be published.
    let store = network.nodes[PROVIDER].frontend.store();
    store.destroy_key(1, 0.into()).await.expect("written");
    interrupt(&mut network, "sound").await;
    network.restart(PROVIDER, |_| {}).await;
    let lists = &network.nodes[PROVIDER].frontend.lists;
    eventually("the second list is published", async || {
        let all = lists.summaries().await.expect("read");
        all.iter()
            .any(|list| list.name == "sound" && !list.unfinished)
    })
    .await;
    let all = lists.summaries().await.expect("read");
    assert!(
        all.iter()
            .any(|list| list.name == "spoilt" && list.unfinished)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_stopped_before_it_attests_attests_after_a_restart() {
    let mut network = Network::start(2).await;
    let halt = HaltAt::new(CrashPoint::BeforeAttest);
    network
        .restart(QUERIER, |config| config.crash = halt.points())
        .await;
    let published = network.nodes[PROVIDER]
        .publish("accounts", &phones(0..20), DraftMode::Replace)
        .await;
    halt.wait().await;
    let lists = &network.nodes[PROVIDER].frontend.lists;
    assert_eq!(
        lists.is_active(published.publication).await.expect("read"),
        Some(false)
    );
    network.restart(QUERIER, |_| {}).await;
    network.wait_for(published.publication).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn restarts_at_random_moments_lose_no_answered_call() {
    let mut network = network().await;
    let mut answered = 0;
    for round in 0..6u64 {
        let victim = if round % 2 == 0 { PROVIDER } else { QUERIER };
        let request = ScreenRequest {
            context: support::context(),
            reader: support::reader(),
            answer_timeout_ms: Some(2_000),
            ..ScreenRequest::default()
        };
        let rows = Box::pin(futures::stream::iter(rows(&phones(0..2_500))));
        let screening = &network.nodes[QUERIER].frontend.screening;
        let mut events = screening.screen(request, rows).await.expect("it begins");
        let stop = tokio::time::sleep(Duration::from_millis(60 + 37 * round));
        tokio::pin!(stop);
        loop {
            tokio::select! {
                event = events.recv() => match event {
                    Some(tacit_frontend::screening::ScreenEvent::Answers(answers)) => {
                        answered += answers.outcome.map_or(0, |batch| batch.rows.len() as u64);
                    }
                    Some(_) => {}
                    None => break,
                },
                () = &mut stop => break,
            }
        }
        network.restart(victim, |_| {}).await;
        eventually("the copy is back", async || {
            network.nodes[QUERIER]
                .frontend
                .copy_status(1.into())
                .held
                .is_some()
        })
        .await;
    }
    eventually("all that was answered is final", async || {
        network.nodes[PROVIDER].frontend.served_waiting() == 0
    })
    .await;
    assert!(
        network.logged() >= answered,
        "{} of {answered}",
        network.logged()
    );
    let settled = settled(&network);
    let mut once = settled.clone();
    once.dedup();
    assert_eq!(settled, once);
}
