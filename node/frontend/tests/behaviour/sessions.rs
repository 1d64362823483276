//! Sessions: how many are opened, for how much, and when they are given back.

use std::time::Duration;

use crate::support::{Network, PRICE_MINOR, context, eventually, phone, phones, spec};
use tacit_circuits::identifier::IdentifierType;
use tacit_circuits::scope::MemberId;
use tacit_frontend::FrontendConfig;
use tacit_frontend::lists::{DraftMode, ListSpec, Progress};
use tacit_frontend::ports::{Ledger, LedgerError};
use tacit_frontend::screening::{ScreenRequest, Targets, Unreachable};
use tacit_ledger::kernel::Outcome;
use tacit_ledger::network::{Action, Category, Change, Event, read as state};

/// How often the second member opened sessions.
fn openings(network: &Network) -> usize {
    let log = network.chain.log.lock().expect("log");
    let opened = log.iter().filter(|(who, action, _)| {
        *who == MemberId(2) && matches!(action, Action::OpenSessions { .. })
    });
    opened.count()
}

#[tokio::test(flavor = "multi_thread")]
async fn more_single_calls_than_settle_in_any_order_are_all_answered_and_all_settled() {
    // Nothing is settled while they are asked.
    let slow = |config: &mut FrontendConfig| {
        config.post_delay_ms = 600_000;
        config.post_within_ms = 600_000;
        config.screening.post_after_ms = 600_000;
        config.screening.batch_rows = 1;
        config.screening.batches_per_list = 16;
        config.evaluation.max_queued_per_member = 64;
    };
    let mut network = Network::start_with(2, |_, _| {}, slow).await;
    network.publish(0, "accounts", &phones(0..20)).await;
    let request = ScreenRequest {
        context: context(),
        answer_timeout_ms: Some(5_000),
        ..ScreenRequest::default()
    };
    let screened = network.nodes[1]
        .screen_with(&phones(0..1_200), request)
        .await;
    let summary = &screened.summary;
    assert_eq!((summary.calls, summary.rows_incomplete), (1_200, 0));
    network.restart(0, |_| {}).await;
    network.wait_logged(1_200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_are_refused_take_no_room_and_open_no_further_sessions() {
    let small = |config: &mut FrontendConfig| config.screening.sessions.session_calls = 20;
    let capped = |category: &mut Category, _: &mut _| category.daily_cap_calls = 10;
    let network = Network::start_with(2, capped, small).await;
    network.publish(0, "accounts", &phones(0..20)).await;
    for _ in 0..6 {
        let screened = network.nodes[1].screen(&phones(0..12)).await;
        assert!(screened.hits.is_empty(), "{screened:?}");
    }
    assert!(openings(&network) <= 2, "{}", openings(&network));
    let (_, escrowed) = network.balance(MemberId(2)).await;
    assert!(escrowed <= 60 * u64::from(PRICE_MINOR), "{escrowed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_that_is_used_up_is_not_asked_about_with_every_batch() {
    let batches = |config: &mut FrontendConfig| config.screening.batch_rows = 10;
    let capped = |category: &mut Category, _: &mut _| category.daily_cap_calls = 5;
    let network = Network::start_with(2, capped, batches).await;
    network.publish(0, "accounts", &phones(0..20)).await;
    let screened = network.nodes[1].screen(&phones(0..500)).await;
    assert_eq!(screened.summary.rows_incomplete, 500);
    let sent = network.nodes[1].frontend.store();
    // Sequence numbers are given out one after the other: of fifty batches only the first were sent.
    let mut numbers = 0;
    for session in 1..4 {
        let used = sent.asked_session(tacit_ledger::network::SessionId(session));
        numbers += used.await.expect("read").next_sequence;
    }
    assert!(numbers <= 10, "{numbers}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_escrow_of_a_rotated_epoch_returns() {
    let network = Network::start_with(
        2,
        |_, parameters| parameters.settlement_window_blocks = 5,
        |_| {},
    )
    .await;
    let list = network
        .publish(0, "accounts", &phones(0..20))
        .await
        .publication
        .list;
    network.nodes[1].screen(&[phone(3)]).await;
    network.wait_logged(1).await;
    let rotate = ListSpec {
        new_tag_epoch: true,
        ..spec("accounts", DraftMode::Change)
    };
    let lists = &network.nodes[0].frontend.lists;
    let draft = lists.draft(rotate).await.expect("a draft");
    let published = lists.publish(draft, Progress::default()).await;
    network
        .wait_for(published.expect("published").publication)
        .await;
    network.nodes[1].screen(&[phone(3)]).await;
    eventually("the first session is closed", async || {
        let log = network.chain.log.lock().expect("log");
        log.iter().any(|(_, action, outcome)| {
            matches!(action, Action::CloseSession { .. }) && *outcome == Outcome::Applied
        })
    })
    .await;
    network.chain.pass(10).await;
    // It stands until its provider has collected what it owes.
    eventually("sessions of the new epoch alone are open", async || {
        let open = network
            .chain
            .view(|view| state::sessions(view, MemberId(2), list));
        let open = open.expect("a map");
        !open.is_empty() && open.iter().all(|session| session.tag_epoch.0 == 1)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_are_too_short_to_be_used_are_not_opened_at_all() {
    let network = Network::start_with(
        2,
        |_, parameters| parameters.max_session_blocks = 15,
        |_| {},
    )
    .await;
    network.publish(0, "accounts", &phones(0..20)).await;
    let asked = [phone(3)];
    let screened = network.nodes[1].screen(&asked);
    let screened = tokio::time::timeout(Duration::from_secs(10), screened).await;
    let screened = screened.expect("it ends");
    let (reason, _) = screened.answers[0]
        .outcome
        .clone()
        .expect_err("unreachable");
    assert!(reason.to_string().contains("15 blocks"), "{reason}");
    assert_eq!(openings(&network), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_whose_opening_was_not_seen_to_its_end_is_found_and_used() {
    let quiet = |config: &mut FrontendConfig| config.screening.keep_warm = false;
    let network = Network::start_with(2, |_, _| {}, quiet).await;
    network.publish(0, "accounts", &phones(0..20)).await;
    *network.chain.lose.lock().expect("lose") =
        Some(|action| matches!(action, Action::OpenSessions { .. }));
    let screened = network.nodes[1].screen(&[phone(3)]).await;
    let (reason, _) = screened.answers[0].outcome.clone().expect_err("no session");
    assert!(
        matches!(reason, Unreachable::NoSession(LedgerError::Unavailable(_))),
        "{reason:?}"
    );
    *network.chain.lose.lock().expect("lose") = None;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let screened = network.nodes[1].screen(&[phone(3)]).await;
    assert_eq!(screened.hits.len(), 1, "{screened:?}");
    assert_eq!(openings(&network), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_is_charged_at_another_price_than_was_planned() {
    let network = Network::start(2).await;
    let list = network
        .publish(0, "accounts", &phones(0..20))
        .await
        .publication
        .list;
    network.nodes[1].screen(&[phone(3)]).await;
    network.wait_logged(1).await;
    let category = network
        .chain
        .view(|view| state::categories(view))
        .expect("a map");
    let cheaper = Category {
        price_minor: PRICE_MINOR / 2,
        reward_minor: 0,
        ..category[0].clone()
    };
    let change = Action::Propose(Box::new(Change::ChangeCategory(cheaper)));
    let proposed = network.nodes[0].ledger.submit(change).await;
    let proposal = proposed
        .expect("proposed")
        .events
        .iter()
        .find_map(|event| match event {
            Event::Proposed { proposal, .. } => Some(*proposal),
            _ => None,
        });
    let vote = Action::Vote {
        proposal: proposal.expect("a proposal"),
        approve: true,
    };
    network.nodes[1].ledger.submit(vote).await.expect("decided");
    let screening = &network.nodes[1].frontend.screening;
    let (all, rows) = (Targets::default(), [(IdentifierType::Phone, 1)].into());
    let plan = screening.plan(&all, &rows).await;
    let planned = plan.expect("a plan").cost_minor();
    assert_eq!(planned, u64::from(PRICE_MINOR) / 2);
    // A session at the former price is open still.
    let screened = network.nodes[1].screen(&[phone(4)]).await;
    assert!(screened.hits[&(list, 0)], "{screened:?}");
    assert_eq!(screened.summary.cost_minor, planned);
    network.wait_logged(2).await;
}
