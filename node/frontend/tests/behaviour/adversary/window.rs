//! A querier that numbers its requests so that not all of them could be settled.

use tacit_frontend::peer::RefusalCode;
use tacit_ledger::kernel::{Outcome, Reject};
use tacit_ledger::network::{Action, SETTLEMENT_SPAN};

use super::querier::{Querier, ledger};
use crate::support::{PRICE_MINOR, eventually};

const HOLD_BACK: fn(&Action) -> bool = |action| matches!(action, Action::CallBatch(_));

/// A querier with room for all that it asks here, whose provider settles nothing until it is let.
async fn held_back() -> Querier {
    let querier = Querier::with_cap(1_000, 1_000 * PRICE_MINOR).await;
    *querier.network.chain.refuse.lock().expect("refuse") = Some(HOLD_BACK);
    querier
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_would_be_too_old_beside_an_answered_one_is_not_answered() {
    let querier = held_back().await;
    let high = querier.sign(querier.request(5_000, 1));
    querier.send(high).await.expect("answered");
    let too_old = ledger(Reject::SEQUENCE_TOO_OLD);
    for sequence in [0, 29, 5_000 - SETTLEMENT_SPAN] {
        let low = querier.sign(querier.request(sequence, 20));
        assert_eq!(querier.send(low).await, Err(too_old), "{sequence}");
    }
    let within = querier.sign(querier.request(5_001 - SETTLEMENT_SPAN, 20));
    querier.send(within).await.expect("answered");
    // Whatever the order, all that was answered is settled.
    *querier.network.chain.refuse.lock().expect("refuse") = None;
    querier.network.wait_logged(21).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_would_make_answered_ones_too_old_waits_until_they_are_settled() {
    let querier = held_back().await;
    for sequence in 0..3 {
        let low = querier.sign(querier.request(sequence, 20));
        querier.send(low).await.expect("answered");
    }
    let busy = RefusalCode::Busy.number();
    for sequence in [SETTLEMENT_SPAN, 5_000] {
        let high = querier.sign(querier.request(sequence, 1));
        assert_eq!(querier.send(high).await, Err(busy), "{sequence}");
    }
    let last = querier.sign(querier.request(SETTLEMENT_SPAN - 1, 1));
    querier.send(last).await.expect("answered");
    *querier.network.chain.refuse.lock().expect("refuse") = None;
    querier.network.wait_logged(61).await;
    let high = querier.sign(querier.request(5_000, 1));
    eventually("the next window is open", async || {
        querier.send(high.clone()).await.is_ok()
    })
    .await;
    querier.network.wait_logged(62).await;
    let log = querier.network.chain.log.lock().expect("log");
    let refused = log.iter().filter(|(_, action, outcome)| {
        matches!(action, Action::CallBatch(_)) && *outcome != Outcome::Applied
    });
    assert_eq!(refused.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_of_all_64_bits_is_settled_like_any_other() {
    let querier = Querier::new().await;
    let last = querier.sign(querier.request(u64::MAX - 1, 2));
    let answer = querier.send(last.clone()).await.expect("answered");
    querier.network.wait_logged(2).await;
    assert_eq!(querier.send(last).await, Ok(answer));
    let mut network = querier.network;
    network.restart(0, |_| {}).await;
    eventually("nothing waits", async || {
        network.nodes[0].frontend.served_waiting() == 0
    })
    .await;
}
