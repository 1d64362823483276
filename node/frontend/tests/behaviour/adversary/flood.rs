//! Strangers, and members that ask for more than is theirs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tacit_circuits::scope::MemberId;
use tacit_frontend::lists::DraftMode;
use tacit_frontend::peer::RefusalCode;
use tacit_proto::peer as wire;
use tacit_proto::peer::peer_client::PeerClient;
use tonic::transport::{Channel, Server};

use super::querier::Querier;
use crate::support::{self, Network, eventually, phone, phones};

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_without_a_registered_certificate_is_refused() {
    let network = Network::start(2).await;
    let service = network.nodes[0].frontend.peer_service().into_server();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
    tokio::spawn(
        Server::builder()
            .add_service(service)
            .serve_with_incoming(incoming),
    );
    let channel = Channel::from_shared(format!("http://{address}")).expect("an address");
    let mut client = PeerClient::new(channel.connect().await.expect("a channel"));
    let status = client
        .ping(wire::PingRequest {})
        .await
        .expect_err("nobody knows the caller");
    assert_eq!(status.code(), tonic::Code::Unauthenticated);
    let request = wire::EvaluateRequest::default();
    let status = client
        .evaluate(request)
        .await
        .expect_err("nobody knows the caller");
    assert_eq!(status.code(), tonic::Code::Unauthenticated);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_requests_is_refused_and_the_provider_stays_up() {
    let network = Network::start_with(
        2,
        |_, _| {},
        |config| {
            config.evaluation.max_concurrent = 1;
            config.evaluation.max_queued = 4;
        },
    )
    .await;
    network.publish(0, "accounts", &phones(0..20)).await;
    let wires: Arc<_> = network.wires.clone();
    let (address, _server) = support::serve(&network.nodes[0].frontend, MemberId(2)).await;
    wires.route(MemberId(2), MemberId(1), address);
    let channel = Channel::from_shared(format!("http://{address}")).expect("an address");
    let client = PeerClient::new(channel.connect().await.expect("a channel"));
    let mut sent = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let mut client = client.clone();
        sent.spawn(async move {
            let signed_request = vec![0; 90 * 1024];
            let request = wire::EvaluateRequest {
                signed_request,
                opened_height: 0,
            };
            client.evaluate(request).await.is_ok()
        });
    }
    assert!(sent.join_all().await.into_iter().all(|answered| answered));
    let screened = network.nodes[1].screen(&phones(3..4)).await;
    assert_eq!(screened.hits.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_that_do_not_read_take_their_own_places_and_nobody_elses() {
    let network = Network::start(3).await;
    let published = network.publish(0, "accounts", &phones(0..60_000)).await;
    let id = published.publication;
    let (address, _server) = support::serve(&network.nodes[0].frontend, MemberId(2)).await;
    let fetch = wire::FetchSnapshotRequest {
        list: id.list.0,
        tag_epoch: id.tag_epoch.0,
        version: id.version.0.into(),
        form: wire::SnapshotForm::Full.into(),
        offset: 0,
    };
    // A megabyte is asked for many times over, and nothing of it is read.
    let (mut unread, mut refused) = (Vec::new(), 0);
    for _ in 0..40 {
        let channel = Channel::from_shared(format!("http://{address}")).expect("an address");
        let channel = channel.initial_stream_window_size(65_535);
        let mut client = PeerClient::new(channel.connect().await.expect("a channel"));
        match client.fetch_snapshot(fetch).await {
            Ok(stream) => unread.push(stream),
            Err(status) => {
                assert_eq!(status.code(), tonic::Code::ResourceExhausted);
                refused += 1;
            }
        }
    }
    assert_eq!((unread.len(), refused), (4, 36));
    // Whoever does not read is not waited for: another member fetches the next version meanwhile.
    let next = network.nodes[0]
        .publish("accounts", &phones(0..60_001), DraftMode::Replace)
        .await;
    eventually("the third member holds it", async || {
        network.nodes[2].frontend.copy_status(id.list).held == Some(next.publication)
    })
    .await;
    drop(unread);
    network.wait_for(next.publication).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_one_member_leaves_room_for_the_others() {
    let network = Network::start_with(
        3,
        |_, _| {},
        |config| {
            config.evaluation.max_concurrent = 1;
            config.evaluation.max_queued = 16;
            config.evaluation.max_queued_per_member = 4;
        },
    )
    .await;
    network.publish(0, "accounts", &phones(0..20)).await;
    let (address, _server) = support::serve(&network.nodes[0].frontend, MemberId(2)).await;
    let channel = Channel::from_shared(format!("http://{address}")).expect("an address");
    let client = PeerClient::new(channel.connect().await.expect("a channel"));
    let flood: Vec<_> = (0..8)
        .map(|_| {
            let mut client = client.clone();
            tokio::spawn(async move {
                loop {
                    let request = wire::EvaluateRequest {
                        signed_request: vec![0; 90 * 1024],
                        opened_height: 0,
                    };
                    client.evaluate(request).await.expect("an answer");
                }
            })
        })
        .collect();
    for number in 0..10 {
        let screened = network.nodes[2].screen(&[phone(number)]).await;
        assert_eq!(screened.hits.len(), 1, "{screened:?}");
    }
    flood.iter().for_each(|flooder| flooder.abort());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_stopped_reading_gives_its_places_back() {
    let network =
        Network::start_with(2, |_, _| {}, |config| config.serve_part_timeout_ms = 200).await;
    let id = network
        .publish(0, "accounts", &phones(0..60_000))
        .await
        .publication;
    let (address, _server) = support::serve(&network.nodes[0].frontend, MemberId(2)).await;
    let fetch = wire::FetchSnapshotRequest {
        list: id.list.0,
        tag_epoch: id.tag_epoch.0,
        version: id.version.0.into(),
        form: wire::SnapshotForm::Full.into(),
        offset: 0,
    };
    let open = async || {
        let channel = Channel::from_shared(format!("http://{address}")).expect("an address");
        let channel = channel.initial_stream_window_size(65_535);
        let mut client = PeerClient::new(channel.connect().await.expect("a channel"));
        client.fetch_snapshot(fetch).await
    };
    // All of this member's places, held open and not read.
    let mut unread = Vec::new();
    while let Ok(stream) = open().await {
        unread.push(stream);
    }
    assert_eq!(unread.len(), 4);
    eventually("there is a place again", async || open().await.is_ok()).await;
    drop(unread);
}

#[tokio::test(flavor = "multi_thread")]
async fn heights_that_nobody_vouches_for_take_no_turn_from_others() {
    let waits = |config: &mut tacit_frontend::FrontendConfig| {
        config.evaluation.max_concurrent = 2;
        config.evaluation.max_concurrent_per_member = 1;
        config.evaluation.ledger_wait_ms = 10_000;
    };
    let querier = Querier::configured(1_000, 100_000, waits).await;
    let behind = RefusalCode::LedgerBehind.number();
    // A height that is far away is not waited for at all.
    let begun = Instant::now();
    let signed = querier.sign(querier.request(0, 1));
    let far = querier.send_opened(signed, u64::MAX).await;
    assert_eq!(far, Err(behind));
    assert!(begun.elapsed() < Duration::from_secs(2));
    // One that may come is, by so many at a time, and meanwhile others are answered.
    let soon = querier.network.chain.height() + 10;
    let waiting = (1..=12).map(|sequence| {
        let signed = querier.sign(querier.request(sequence, 1));
        let mut client = querier.client.clone();
        tokio::spawn(async move {
            let request = wire::EvaluateRequest {
                signed_request: signed,
                opened_height: soon,
            };
            client.evaluate(request).await.expect("an answer")
        })
    });
    let waiting: Vec<_> = waiting.collect();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let refused = waiting.iter().filter(|waits| waits.is_finished()).count();
    assert_eq!(refused, 4, "eight of them wait");
    let begun = Instant::now();
    let request = tacit_frontend::screening::ScreenRequest {
        context: support::context(),
        answer_timeout_ms: Some(5_000),
        ..Default::default()
    };
    let screened = querier.network.nodes[2]
        .screen_with(&[phone(3)], request)
        .await;
    assert_eq!(screened.hits.len(), 1, "{screened:?}");
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    waiting.iter().for_each(|waits| waits.abort());
}
