//! A provider that answers what it likes, and one that stops.

use std::sync::Arc;
use std::time::Duration;

use rand_core::OsRng;
use tacit_circuits::curve::{Point, PointError, WirePoint};
use tacit_circuits::oprf::{DleqProof, ListKey, evaluate};
use tacit_circuits::scope::{ListId, MemberId, TagEpoch};
use tacit_frontend::lists::{DraftMode, ListSpec, Progress};
use tacit_frontend::peer::{PeerError, PeerMisbehaved};
use tacit_frontend::screening::{ScreenRequest, Unreachable};
use tacit_ledger::kernel::{BoundedVec, codec};
use tacit_ledger::network::request::MAX_CALLS;
use tacit_ledger::network::{Action, SignedRequest};
use tacit_proto::peer as wire;
use tacit_proto::peer::peer_client::PeerClient;
use tacit_proto::peer::peer_server::{Peer, PeerServer};
use tokio::io::AsyncReadExt;
use tonic::transport::{Channel, Server};
use tonic::{Response, Status};

use super::identity;
use crate::support::{self, Network, PRICE_MINOR, context, eventually, phones};

type Evaluated = (BoundedVec<WirePoint, MAX_CALLS>, DleqProof);

/// Stands between the querier and an honest provider, and changes answers.
struct Tamper {
    inner: PeerClient<Channel>,
    change: Change,
}

/// What becomes of an honest answer.
type Change = Box<dyn Fn(SignedRequest, Evaluated) -> Deed + Send + Sync>;

enum Deed {
    Answer(Evaluated),
    Bytes(Vec<u8>),
    Silence,
}

#[tonic::async_trait]
impl Peer for Tamper {
    async fn fetch_dispute_package(
        &self,
        request: tonic::Request<wire::FetchDisputePackageRequest>,
    ) -> Result<Response<wire::DisputePackage>, Status> {
        let request = request.into_inner();
        self.inner.clone().fetch_dispute_package(request).await
    }

    async fn fetch_disclosure(
        &self,
        request: tonic::Request<wire::FetchDisclosureRequest>,
    ) -> Result<Response<wire::Disclosure>, Status> {
        let request = request.into_inner();
        self.inner.clone().fetch_disclosure(request).await
    }

    async fn ping(
        &self,
        request: tonic::Request<wire::PingRequest>,
    ) -> Result<Response<wire::PingResponse>, Status> {
        self.inner.clone().ping(request.into_inner()).await
    }

    async fn evaluate(
        &self,
        request: tonic::Request<wire::EvaluateRequest>,
    ) -> Result<Response<wire::EvaluateResponse>, Status> {
        let request = request.into_inner();
        let signed: SignedRequest = codec::decode(&request.signed_request).expect("a request");
        let answer = self.inner.clone().evaluate(request).await?.into_inner();
        let Some(wire::evaluate_response::Outcome::Evaluation(bytes)) = answer.outcome else {
            panic!("the honest provider answers: {answer:?}");
        };
        let evaluated = codec::decode(&bytes).expect("an answer");
        let bytes = match (self.change)(signed, evaluated) {
            Deed::Answer(evaluated) => codec::encode(&evaluated),
            Deed::Bytes(bytes) => bytes,
            Deed::Silence => std::future::pending().await,
        };
        let outcome = Some(wire::evaluate_response::Outcome::Evaluation(bytes));
        Ok(Response::new(wire::EvaluateResponse { outcome }))
    }

    type FetchSnapshotStream = tonic::Streaming<wire::SnapshotPart>;

    async fn fetch_snapshot(
        &self,
        request: tonic::Request<wire::FetchSnapshotRequest>,
    ) -> Result<Response<Self::FetchSnapshotStream>, Status> {
        self.inner
            .clone()
            .fetch_snapshot(request.into_inner())
            .await
    }
}

/// One screening of three rows through the tampering provider: the reason for which it failed.
async fn tampered(
    change: impl Fn(SignedRequest, Evaluated) -> Deed + Send + Sync + 'static,
) -> Unreachable {
    let network = Network::start(3).await;
    let published = network.publish(0, "accounts", &phones(0..20)).await;
    network.publish(2, "accounts", &phones(0..20)).await;
    tampered_in(&network, published.publication.list, Box::new(change)).await
}

/// The same with a list of the first member's, beside one of the third.
async fn tampered_in(network: &Network, list: ListId, change: Change) -> Unreachable {
    let (address, _server) = support::serve(&network.nodes[0].frontend, MemberId(2)).await;
    let channel = Channel::from_shared(format!("http://{address}")).expect("an address");
    let inner = PeerClient::new(channel.connect().await.expect("a channel"));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
    let service = PeerServer::new(Tamper { inner, change });
    tokio::spawn(
        Server::builder()
            .add_service(service)
            .serve_with_incoming(incoming),
    );
    network.wires.route(MemberId(2), MemberId(1), address);

    let request = ScreenRequest {
        context: context(),
        answer_timeout_ms: Some(1_500),
        ..ScreenRequest::default()
    };
    let screened = network.nodes[1].screen_with(&phones(0..3), request).await;
    // The honest one of the two is not affected.
    assert_eq!(screened.hits.len(), 3, "{screened:?}");
    assert!(screened.hits.keys().all(|(answered, _)| *answered != list));
    assert_eq!(screened.summary.cost_minor, 3 * u64::from(PRICE_MINOR));
    let answers = screened
        .answers
        .into_iter()
        .find(|answers| answers.list == list);
    let (reason, rows) = answers
        .expect("it says so")
        .outcome
        .expect_err("unreachable");
    assert_eq!(rows, [0, 1, 2]);
    reason
}

fn misbehaved(reason: Unreachable) -> PeerMisbehaved {
    match reason {
        Unreachable::Peer(PeerError::Misbehaved(fault)) => fault,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_under_another_key_is_the_providers_fault() {
    let reason = tampered(|signed, _| {
        let blinded = Point::decode_batch(&signed.request.blinded()).expect("points");
        let context = signed.request.evaluation_context();
        let other = ListKey::generate(&mut OsRng);
        let (points, proof) = evaluate(&other, &context, &blinded, &mut OsRng).expect("a batch");
        let points = points.iter().map(Point::encode).collect::<Vec<_>>();
        Deed::Answer((support::bounded(points), proof))
    });
    assert_eq!(misbehaved(reason.await), PeerMisbehaved::WrongProof);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_proof_is_the_providers_fault() {
    let reason = tampered(|_, (points, proof)| {
        let mut bytes = proof.to_bytes();
        bytes[0] ^= 1;
        Deed::Answer((points, DleqProof::from_bytes(&bytes).expect("canonical")))
    });
    assert_eq!(misbehaved(reason.await), PeerMisbehaved::WrongProof);
}

#[tokio::test(flavor = "multi_thread")]
async fn swapped_answers_are_the_providers_fault() {
    let reason = tampered(|_, (points, proof)| {
        let mut points = points.into_vec();
        points.swap(0, 1);
        Deed::Answer((support::bounded(points), proof))
    });
    assert_eq!(misbehaved(reason.await), PeerMisbehaved::WrongProof);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_for_another_epoch_is_the_providers_fault() {
    for (key_of, context_of) in [(0, 0), (0, 1), (1, 0)] {
        let network = Network::start(3).await;
        network.publish(0, "accounts", &phones(0..20)).await;
        network.publish(2, "accounts", &phones(0..20)).await;
        let lists = &network.nodes[0].frontend.lists;
        let rotate = ListSpec {
            new_tag_epoch: true,
            ..support::spec("accounts", DraftMode::Change)
        };
        let draft = lists.draft(rotate).await.expect("a draft");
        let second = lists
            .publish(draft, Progress::default())
            .await
            .expect("published")
            .publication;
        network.wait_for(second).await;
        let store = network.nodes[0].frontend.store();
        let epoch = store.own_epoch(1, TagEpoch(key_of)).await.expect("read");
        let key = epoch.and_then(|epoch| epoch.key).expect("a key");
        let change = move |signed: SignedRequest, _| {
            assert_eq!(signed.request.tag_epoch, TagEpoch(1));
            let blinded = Point::decode_batch(&signed.request.blinded()).expect("points");
            let mut context = signed.request.evaluation_context();
            context.tag_epoch = TagEpoch(context_of);
            let (points, proof) = evaluate(&key, &context, &blinded, &mut OsRng).expect("a batch");
            let points = points.iter().map(Point::encode).collect::<Vec<_>>();
            Deed::Answer((support::bounded(points), proof))
        };
        let reason = tampered_in(&network, second.list, Box::new(change)).await;
        assert_eq!(
            misbehaved(reason),
            PeerMisbehaved::WrongProof,
            "{key_of} {context_of}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_to_another_request_is_the_providers_fault() {
    let first = Arc::new(std::sync::Mutex::new(None));
    let network = Network::start(3).await;
    let list = network
        .publish(0, "accounts", &phones(0..20))
        .await
        .publication
        .list;
    network.publish(2, "accounts", &phones(0..20)).await;
    let seen = first.clone();
    let keep = move |_, answer: Evaluated| {
        seen.lock().expect("seen").replace(answer);
        Deed::Silence
    };
    tampered_in(&network, list, Box::new(keep)).await;
    let replay = move |_, _| Deed::Answer(first.lock().expect("seen").clone().expect("an answer"));
    let reason = tampered_in(&network, list, Box::new(replay)).await;
    assert_eq!(misbehaved(reason), PeerMisbehaved::WrongProof);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_point_off_the_curve_is_the_providers_fault() {
    let reason = tampered(|_, (points, proof)| {
        let mut points = points.into_vec();
        points[1].0[0] ^= 1;
        Deed::Answer((support::bounded(points), proof))
    });
    let source = PointError::NotOnCurve;
    assert_eq!(
        misbehaved(reason.await),
        PeerMisbehaved::PointInvalid { index: 1, source }
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_point_of_small_order_is_the_providers_fault() {
    let reason = tampered(|_, (points, proof)| {
        let mut points = points.into_vec();
        points[2] = identity();
        Deed::Answer((support::bounded(points), proof))
    });
    let source = PointError::SmallOrder;
    assert_eq!(
        misbehaved(reason.await),
        PeerMisbehaved::PointInvalid { index: 2, source }
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn too_few_answers_are_the_providers_fault() {
    let reason = tampered(|_, (points, proof)| {
        let mut points = points.into_vec();
        points.pop();
        Deed::Answer((support::bounded(points), proof))
    });
    let fault = PeerMisbehaved::WrongCount {
        asked: 3,
        answered: 2,
    };
    assert_eq!(misbehaved(reason.await), fault);
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_answer_are_the_providers_fault() {
    let reason = tampered(|_, _| Deed::Bytes(vec![1, 2, 3]));
    assert_eq!(misbehaved(reason.await), PeerMisbehaved::MalformedAnswer);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_oversized_answer_is_not_read() {
    let reason = tampered(|_, _| Deed::Bytes(vec![0; 8 << 20]));
    assert_eq!(misbehaved(reason.await), PeerMisbehaved::Oversized);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_says_nothing_is_left_after_the_timeout() {
    let reason = tampered(|_, _| Deed::Silence).await;
    let timed_out = matches!(
        reason,
        Unreachable::Peer(PeerError::TimedOut { timeout_ms: 1_500 })
    );
    assert!(timed_out, "{reason:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_provider_does_not_hold_up_a_long_screening() {
    let network = Network::start(3).await;
    network.publish(0, "accounts", &phones(0..20)).await;
    let honest = network
        .publish(2, "accounts", &phones(0..20))
        .await
        .publication
        .list;
    // Accepts connections and never says a word.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((socket, _)) = listener.accept().await {
            held.push(socket);
        }
    });
    network.wires.route(MemberId(2), MemberId(1), address);
    let request = ScreenRequest {
        context: context(),
        answer_timeout_ms: Some(3_000),
        ..ScreenRequest::default()
    };
    let started = std::time::Instant::now();
    let screened = network.nodes[1]
        .screen_with(&phones(0..9_000), request)
        .await;
    assert!(
        started.elapsed() < Duration::from_secs(10),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(
        screened
            .hits
            .keys()
            .filter(|(list, _)| *list == honest)
            .count(),
        9_000
    );
    assert_eq!(screened.summary.rows_incomplete, 9_000);
}

/// Passes connections on, and cuts each when it has carried so many bytes back.
async fn cut_after(bytes: usize, address: std::net::SocketAddr) -> std::net::SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let cut = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            tokio::spawn(async move {
                let far = tokio::net::TcpStream::connect(address)
                    .await
                    .expect("connects");
                let (mut near_read, mut near_write) = near.into_split();
                let (far_read, mut far_write) = far.into_split();
                let there = tokio::spawn(async move {
                    let _ = tokio::io::copy(&mut near_read, &mut far_write).await;
                });
                let mut back = far_read.take(bytes as u64);
                let _ = tokio::io::copy(&mut back, &mut near_write).await;
                there.abort();
            });
        }
    });
    cut
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_stops_in_mid_answer_is_unreachable_and_what_it_settles_is_owed() {
    let network = Network::start(3).await;
    let list = network
        .publish(0, "accounts", &phones(0..200))
        .await
        .publication
        .list;
    let honest = network
        .publish(2, "accounts", &phones(0..200))
        .await
        .publication
        .list;
    let (address, _server) = support::serve(&network.nodes[0].frontend, MemberId(2)).await;
    // An answer to a hundred calls has 6,500 bytes.
    let cut = cut_after(3_000, address).await;
    network.wires.route(MemberId(2), MemberId(1), cut);
    let request = ScreenRequest {
        context: context(),
        answer_timeout_ms: Some(1_000),
        ..ScreenRequest::default()
    };
    let screened = network.nodes[1].screen_with(&phones(0..100), request).await;
    assert_eq!(
        screened.hits.keys().filter(|(l, _)| *l == honest).count(),
        100
    );
    let answers = screened.answers.iter().find(|answers| answers.list == list);
    let (reason, rows) = answers
        .expect("said")
        .outcome
        .clone()
        .expect_err("unreachable");
    let stopped = matches!(
        reason,
        Unreachable::Peer(PeerError::Transport(_) | PeerError::TimedOut { .. })
    );
    assert!(stopped && rows.len() == 100, "{reason:?}");
    assert_eq!(screened.summary.cost_minor, 100 * u64::from(PRICE_MINOR));
    // It did evaluate, and may settle that only by publishing its answers, once. The querier fetches them.
    network.wait_logged(200).await;
    network.wires.route(MemberId(2), MemberId(1), address);
    let settled = |(_, action, _): &(_, Action, _)| match action {
        Action::CallBatch(batch) if batch.signed.request.list == list => {
            Some((batch.signed.request.session, batch.signed.request.sequence))
        }
        _ => None,
    };
    let found = network
        .chain
        .log
        .lock()
        .expect("log")
        .iter()
        .find_map(settled);
    let (session, sequence) = found.expect("settled");
    eventually("the answer is here", async || {
        let own = network.nodes[1]
            .frontend
            .own_records(session, sequence)
            .await;
        let (_, _, answer) = own.expect("read").expect("asked");
        answer.is_some_and(|answer| answer.evaluated.len() == 100 && answer.hits.is_none())
    })
    .await;
    assert_eq!(network.logged(), 200);
}
