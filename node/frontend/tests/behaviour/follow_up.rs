//! Calls on their way to finality that not everything goes well with.

use std::time::Duration;

use crate::support::{Network, context, eventually, phone, phones, reader, rows};
use futures::StreamExt;
use tacit_frontend::FrontendConfig;
use tacit_frontend::ports::Ledger;
use tacit_frontend::screening::{ScreenEvent, ScreenRequest};
use tacit_ledger::network::Action;

/// The provider posts nothing; the querier posts for it.
fn the_querier_posts(config: &mut FrontendConfig) {
    config.post_delay_ms = 600_000;
    config.post_within_ms = 600_000;
    config.screening.post_after_ms = 100;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_cannot_be_posted_holds_up_no_other() {
    let network = Network::start_with(2, |_, _| {}, the_querier_posts).await;
    network.publish(0, "accounts", &phones(0..20)).await;
    *network.chain.refuse.lock().expect("refuse") = Some(
        |action| matches!(action, Action::CallBatch(batch) if batch.signed.request.sequence == 0),
    );
    for number in 0..3 {
        let screened = network.nodes[1].screen(&[phone(number)]).await;
        assert_eq!(screened.hits.len(), 1, "{screened:?}");
    }
    network.wait_logged(2).await;
    eventually("both are known to be final", async || {
        let waiting = network.nodes[1].frontend.store().asked_waiting().await;
        waiting.expect("read") == 1
    })
    .await;
    *network.chain.refuse.lock().expect("refuse") = None;
    network.wait_logged(3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_for_finality_hears_what_this_member_posts_itself() {
    let network = Network::start_with(2, |_, _| {}, the_querier_posts).await;
    network.publish(0, "accounts", &phones(0..20)).await;
    let request = ScreenRequest {
        context: context(),
        wait_for_finality: true,
        ..ScreenRequest::default()
    };
    let screened = network.nodes[1].screen_with(&[phone(3)], request).await;
    assert_eq!(screened.finals.len(), 1);
    assert!(screened.finals[0].tx_id.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_for_what_will_never_be_final_is_let_go() {
    let patient = |config: &mut FrontendConfig| {
        the_querier_posts(config);
        config.screening.post_after_ms = 1_000;
    };
    let network = Network::start_with(2, |_, _| {}, patient).await;
    let id = network
        .publish(0, "accounts", &phones(0..20))
        .await
        .publication;
    let request = ScreenRequest {
        context: context(),
        reader: reader(),
        wait_for_finality: true,
        ..ScreenRequest::default()
    };
    let asked = futures::stream::iter(rows(&[phone(3)])).boxed();
    let screening = &network.nodes[1].frontend.screening;
    let mut events = screening.screen(request, asked).await.expect("it begins");
    let mut finals = 0;
    loop {
        let event = tokio::time::timeout(Duration::from_secs(30), events.recv());
        match event.await.expect("it ends") {
            None => break,
            Some(ScreenEvent::Summary(summary)) => {
                assert_eq!(summary.calls, 1);
                let action = Action::RevokeKey {
                    list: id.list,
                    tag_epoch: id.tag_epoch,
                };
                let revoked = network.nodes[0].ledger.submit(action).await;
                revoked.expect("revoked");
            }
            Some(ScreenEvent::Final(_)) => finals += 1,
            Some(_) => {}
        }
    }
    assert_eq!((finals, network.logged()), (0, 0));
}
