//! Members publish, screen and settle, in one process.

mod support;

use support::{Network, PRICE_MINOR, phone, phones};

#[tokio::test(flavor = "multi_thread")]
async fn a_listed_number_is_a_hit_and_another_is_clear() {
    let network = Network::start(2).await;
    let published = network.publish(0, "accounts", &phones(0..20)).await;
    let list = published.publication.list;
    let screened = network.nodes[1].screen(&[phone(3), phone(500)]).await;
    assert_eq!(screened.hits[&(list, 0)], true, "{screened:?}");
    assert_eq!(screened.hits[&(list, 1)], false, "{screened:?}");
    assert_eq!(screened.summary.cost_minor, 2 * u64::from(PRICE_MINOR));
    network.wait_logged(2).await;
}
