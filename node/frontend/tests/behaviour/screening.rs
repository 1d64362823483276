//! Members publish, screen and settle, in one process over real channels.

use std::collections::BTreeMap;

use crate::support::{
    self, Network, PRICE_MINOR, collect, context, eventually, phone, phones, reader, rows,
};
use futures::StreamExt;
use tacit_circuits::identifier::IdentifierType;
use tacit_circuits::scope::MemberId;
use tacit_frontend::peer::PeerError;
use tacit_frontend::screening::{ScreenError, ScreenRequest, Targets, Unreachable};
use tacit_ledger::kernel::Reject;
use tacit_ledger::network::audit::ContextError;
use tacit_ledger::network::{Action, read as state};

fn request() -> ScreenRequest {
    ScreenRequest {
        context: context(),
        reader: reader(),
        ..ScreenRequest::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listed_number_is_a_hit_and_another_is_clear() {
    let network = Network::start(2).await;
    let published = network.publish(0, "accounts", &phones(0..20)).await;
    let list = published.publication.list;
    let screened = network.nodes[1].screen(&[phone(3), phone(500)]).await;
    assert!(screened.hits[&(list, 0)], "{screened:?}");
    assert!(!screened.hits[&(list, 1)], "{screened:?}");
    assert_eq!(screened.summary.cost_minor, 2 * u64::from(PRICE_MINOR));
    assert_eq!(
        (screened.summary.rows_hit, screened.summary.rows_clear),
        (1, 1)
    );
    network.wait_logged(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn spellings_of_one_number_meet() {
    let network = Network::start(2).await;
    let list = network
        .publish(0, "accounts", &[phone(7)])
        .await
        .publication
        .list;
    let screened = network.nodes[1]
        .screen(&["+86 (138) 0000-0007".to_owned()])
        .await;
    assert!(screened.hits[&(list, 0)], "{screened:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_member_answers_for_its_own_list() {
    let network = Network::start(4).await;
    let mut lists = Vec::new();
    for owner in 0..3u32 {
        let numbers = phones(owner * 100..owner * 100 + 50);
        lists.push(
            network
                .publish(owner as usize, "accounts", &numbers)
                .await
                .publication
                .list,
        );
    }
    let asked = phones((0..300).step_by(25));
    let screened = network.nodes[3].screen(&asked).await;
    assert_eq!(screened.hits.len(), 3 * asked.len());
    for (owner, list) in lists.iter().enumerate() {
        for row in 0..asked.len() as u64 {
            let number = row * 25;
            let listed = (owner as u64 * 100..owner as u64 * 100 + 50).contains(&number);
            assert_eq!(screened.hits[&(*list, row)], listed, "{list} {number}");
        }
    }
    assert_eq!(screened.summary.rows_incomplete, 0);
    network.wait_logged(3 * asked.len() as u64).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_rows_stream_through_and_are_all_final_in_the_end() {
    let network = Network::start(2).await;
    let list = network
        .publish(0, "accounts", &phones(0..2_000))
        .await
        .publication
        .list;
    let asked = phones((0..5_000).map(|n| n * 3));
    let request = ScreenRequest {
        rows_expected: Some(asked.len() as u64),
        wait_for_finality: true,
        ..request()
    };
    let screened = network.nodes[1].screen_with(&asked, request).await;
    assert_eq!(screened.hits.len(), asked.len());
    for (row, number) in (0..5_000u64).map(|row| (row, row * 3)) {
        assert_eq!(screened.hits[&(list, row)], number < 2_000, "{number}");
    }
    let final_minor: u64 = screened.finals.iter().map(|last| last.charge_minor).sum();
    assert_eq!(final_minor, screened.summary.cost_minor);
    assert_eq!(network.logged(), 5_000);
    eventually("nothing waits", async || {
        network.nodes[0].frontend.served_waiting() == 0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_row_is_kept_out_and_the_rest_goes_on() {
    let network = Network::start(2).await;
    network.publish(0, "accounts", &phones(0..20)).await;
    let asked = vec![phone(3), "not a number".to_owned(), phone(4)];
    let screened = network.nodes[1].screen(&asked).await;
    assert_eq!(screened.hits.len(), 2);
    assert_eq!(screened.malformed.len(), 1);
    assert_eq!(screened.malformed[0].row, 1);
    assert!(!screened.malformed[0].to_string().contains("not a number"));
    assert_eq!(
        (screened.summary.rows, screened.summary.rows_malformed),
        (3, 1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_price_is_known_before_and_nothing_is_asked_beyond_the_limit() {
    let network = Network::start(2).await;
    network.publish(0, "accounts", &phones(0..20)).await;
    let screening = &network.nodes[1].frontend.screening;
    let types = BTreeMap::from([(IdentifierType::Phone, 10)]);
    let plan = screening
        .plan(&Targets::default(), &types)
        .await
        .expect("a plan");
    assert_eq!(plan.cost_minor(), 10 * u64::from(PRICE_MINOR));
    assert_eq!(plan.lists[0].provider, MemberId(1));

    let dear = ScreenRequest {
        rows_expected: Some(10),
        cost_limit_minor: Some(999),
        ..request()
    };
    let none = futures::stream::iter(rows(&phones(0..10))).boxed();
    let refused = screening.screen(dear.clone(), none).await;
    assert!(matches!(
        refused,
        Err(ScreenError::CostLimit {
            cost_minor: 1_000,
            limit_minor: 999
        })
    ));
    // Nobody said how many rows will come: then the limit holds at each batch.
    let dear = ScreenRequest {
        rows_expected: None,
        ..dear
    };
    let screened = network.nodes[1].screen_with(&phones(0..10), dear).await;
    assert!(matches!(
        screened.answers[0].outcome,
        Err((Unreachable::CostLimit, _))
    ));
    assert_eq!((screened.summary.calls, network.logged()), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_screening_without_a_purpose_does_not_begin() {
    let network = Network::start(2).await;
    let none = futures::stream::empty().boxed();
    let begun = network.nodes[1]
        .frontend
        .screening
        .screen(ScreenRequest::default(), none)
        .await;
    assert!(matches!(
        begun,
        Err(ScreenError::Context(ContextError::Missing("purpose")))
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_down_is_unreachable_and_the_others_answer() {
    let network = Network::start(3).await;
    let down = network
        .publish(0, "accounts", &phones(0..20))
        .await
        .publication
        .list;
    let up = network
        .publish(1, "accounts", &phones(0..20))
        .await
        .publication
        .list;
    network.wires.set_down(MemberId(1), true);
    let before = network.balance(MemberId(3)).await;
    let request = ScreenRequest {
        answer_timeout_ms: Some(500),
        ..request()
    };
    let screened = network.nodes[2].screen_with(&phones(0..5), request).await;
    assert_eq!(
        screened.hits.keys().filter(|(list, _)| *list == up).count(),
        5
    );
    let unanswered = screened
        .answers
        .iter()
        .find(|answers| answers.list == down)
        .expect("said");
    let (reason, unanswered) = unanswered.outcome.clone().expect_err("unreachable");
    assert!(
        matches!(reason, Unreachable::Peer(PeerError::NoConnection(_))),
        "{reason:?}"
    );
    assert_eq!(unanswered, [0, 1, 2, 3, 4]);
    assert_eq!(
        (screened.summary.rows_incomplete, screened.summary.calls),
        (5, 5)
    );
    network.wait_logged(5).await;
    // What was not answered is not charged: it stays in escrow and returns.
    let paid = 5 * u64::from(PRICE_MINOR);
    let total = |(available, escrowed): (u64, u64)| available + escrowed;
    eventually("what was answered is collected", async || {
        total(before) - total(network.balance(MemberId(3)).await) == paid
    })
    .await;

    network.wires.set_down(MemberId(1), false);
    let screened = network.nodes[2].screen(&phones(0..5)).await;
    assert_eq!(screened.hits.len(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_of_this_program_with_one_list_leaves_its_rows_incomplete() {
    let quiet = |config: &mut tacit_frontend::FrontendConfig| config.screening.keep_warm = false;
    let network = Network::start_with(3, |_, _| {}, quiet).await;
    let faulty = network.publish(0, "accounts", &phones(0..20)).await;
    network.publish(1, "accounts", &phones(0..20)).await;
    *network.wires.faulty.lock().expect("faulty") = Some(MemberId(1));
    let screened = network.nodes[2].screen(&phones(500..502)).await;
    assert_eq!(screened.hits.len(), 2, "{screened:?}");
    let summary = &screened.summary;
    assert_eq!((summary.rows_incomplete, summary.rows_clear), (2, 0));
    let answers = screened.answers.iter();
    let of_list = answers.filter(|answers| answers.list == faulty.publication.list);
    let reasons: Vec<_> = of_list.map(|answers| answers.outcome.clone()).collect();
    assert!(
        matches!(&reasons[..], [Err((Unreachable::Local(_), rows))] if rows[..] == [0, 1]),
        "{reasons:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_kept_and_renewed_before_they_run_out() {
    let network = Network::start_with(
        2,
        |_, _| {},
        |config| config.screening.sessions.session_calls = 8,
    )
    .await;
    network.publish(0, "accounts", &phones(0..20)).await;
    for round in 0..10 {
        let screened = network.nodes[1]
            .screen(&phones([round * 3, round * 3 + 1, 1_000]))
            .await;
        assert_eq!(screened.hits.len(), 3, "{screened:?}");
    }
    network.wait_logged(30).await;
    let log = network.chain.log.lock().expect("log");
    let opened = log
        .iter()
        .filter(|(_, action, _)| matches!(action, Action::OpenSessions { .. }));
    // Eight calls in the first session, and ever more in those that follow.
    assert!((2..=4).contains(&opened.count()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exhausted_quota_is_refused_before_anything_is_evaluated() {
    let poor = 5 * u64::from(PRICE_MINOR);
    let terms = |_: &mut _, parameters: &mut tacit_ledger::network::Parameters| {
        parameters.welcome_grant_minor = poor;
        parameters.deposit_minor = 0;
    };
    let network = Network::start_with(2, terms, |_| {}).await;
    network.publish(0, "accounts", &phones(0..20)).await;
    // What is there suffices for five calls, although sessions are opened for more where they can be.
    let screened = network.nodes[1].screen(&phones(0..5)).await;
    assert_eq!(screened.hits.len(), 5, "{screened:?}");
    network.wait_logged(5).await;
    let screened = network.nodes[1].screen(&phones(5..6)).await;
    let (reason, _) = screened.answers[0]
        .outcome
        .clone()
        .expect_err("unreachable");
    assert!(
        matches!(
            reason,
            Unreachable::NoQuota {
                needed_minor: 100,
                available_minor: 0
            }
        ),
        "{reason}"
    );
    assert_eq!(network.logged(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daily_cap_is_refused_before_anything_is_evaluated() {
    let network = Network::start_with(2, |category, _| category.daily_cap_calls = 10, |_| {}).await;
    network.publish(0, "accounts", &phones(0..20)).await;
    assert_eq!(network.nodes[1].screen(&phones(0..8)).await.hits.len(), 8);
    let screened = network.nodes[1].screen(&phones(8..11)).await;
    let (reason, _) = screened.answers[0]
        .outcome
        .clone()
        .expect_err("unreachable");
    let Unreachable::Peer(PeerError::Refused(refusal)) = &reason else {
        panic!("{reason:?}")
    };
    assert_eq!(
        refusal.reject_number(),
        Some(Reject::DAILY_CAP_REACHED.number())
    );
    assert_eq!(network.nodes[1].screen(&phones(8..10)).await.hits.len(), 2);
    network.wait_logged(10).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_during_a_screening_goes_unnoticed_by_the_rows() {
    let network = Network::start(2).await;
    let list = network
        .publish(0, "accounts", &phones(0..20))
        .await
        .publication
        .list;
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let stream = tokio_stream::wrappers::ReceiverStream::new(receiver).boxed();
    let events = network.nodes[1]
        .frontend
        .screening
        .screen(request(), stream)
        .await;
    let screening = tokio::spawn(collect(events.expect("it begins")));
    for (row, raw) in rows(&phones(0..40)).into_iter().enumerate() {
        if row == 20 {
            let spec = tacit_frontend::lists::ListSpec {
                new_tag_epoch: true,
                ..support::spec("accounts", tacit_frontend::lists::DraftMode::Change)
            };
            let lists = &network.nodes[0].frontend.lists;
            let draft = lists.draft(spec).await.expect("a draft");
            let published = lists
                .publish(draft, Default::default())
                .await
                .expect("published");
            assert_eq!(published.publication.tag_epoch.0, 1);
            network.wait_for(published.publication).await;
        }
        sender.send(raw).await.expect("it listens");
    }
    drop(sender);
    let screened = screening.await.expect("it ends");
    for row in 0..40 {
        assert_eq!(
            screened.hits.get(&(list, row)),
            Some(&(row < 20)),
            "{row} {screened:?}"
        );
    }
    network.wait_logged(40).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_querier_posts_what_the_provider_does_not() {
    let network =
        Network::start_with(2, |_, _| {}, |config| config.screening.post_after_ms = 100).await;
    network.publish(0, "accounts", &phones(0..20)).await;
    network.nodes[1].screen(&phones(50..51)).await;
    network.wait_logged(1).await;
    // The provider's own posts fail from now on.
    *network.chain.refuse.lock().expect("refuse") = Some(|action| {
        // Which of the two sides submits cannot be told from an action; the first attempt is the provider's.
        static FIRST: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(true);
        matches!(action, Action::CallBatch(_))
            && FIRST.swap(false, std::sync::atomic::Ordering::SeqCst)
    });
    network.nodes[1].screen(&phones(0..3)).await;
    network.wait_logged(4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_asked_and_why_stays_with_the_querier() {
    let network = Network::start(2).await;
    network.publish(0, "accounts", &phones(0..20)).await;
    let screened = network.nodes[1].screen(&[phone(3), phone(500)]).await;
    let batch = screened.answers[0].outcome.clone().expect("answered");
    network.wait_logged(2).await;
    let own = network.nodes[1]
        .frontend
        .own_records(batch.session, batch.sequence)
        .await;
    let (asked, records, answer) = own.expect("it opens").expect("it is there");
    assert_eq!(records.context, context());
    assert_eq!(answer.expect("answered").hits, Some(vec![true, false]));
    for (call, (_, nonce, record)) in asked.signed.request.calls.iter().zip(&records.calls) {
        assert_eq!(call.audit, record.commitment(nonce));
    }
    eventually("it is final", async || {
        let own = network.nodes[1]
            .frontend
            .own_records(batch.session, batch.sequence)
            .await;
        own.expect("opens").expect("there").0.height.is_some()
    })
    .await;
    let history = network
        .chain
        .view(|view| state::history(view, MemberId(2)))
        .expect("a map");
    assert_eq!((history.asked_calls, history.asked_batches), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_screening_that_is_like_the_last_reads_the_ledger_once_on_each_side() {
    let network = Network::start_with(
        2,
        |_, _| {},
        |config| {
            // Whatever else reads the ledger now and then is put off.
            config.screening.keep_warm = false;
            config.copies.look_interval_ms = 600_000;
            config.post_delay_ms = 60_000;
            config.post_within_ms = 60_000;
        },
    )
    .await;
    network.publish(0, "accounts", &phones(0..20)).await;
    let reads = |member: usize| {
        let reads = &network.nodes[member].ledger.reads;
        reads.load(std::sync::atomic::Ordering::Relaxed)
    };
    network.nodes[1].screen(&[phone(3)]).await;
    let before = (reads(0), reads(1));
    for number in 0..5 {
        let screened = network.nodes[1].screen(&[phone(number)]).await;
        assert_eq!(screened.hits.len(), 1, "{screened:?}");
    }
    // Five plans at the querier, five admissions at the provider; the looks after waiting calls, and at
    // interrupted publications, come every few seconds.
    let (provider, querier) = (reads(0) - before.0, reads(1) - before.1);
    assert!(
        (5..9).contains(&provider) && (5..9).contains(&querier),
        "{provider} {querier}"
    );
}
