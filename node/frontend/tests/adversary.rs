//! What dishonest members send, and the refusal that each gets.

mod support;

use std::sync::Arc;
use std::time::Duration;

use rand_core::OsRng;
use support::{Network, PRICE_MINOR, context, eventually, phone, phones};
use tacit_circuits::curve::{Point, PointError, WirePoint};
use tacit_circuits::identifier::{Conventions, IdentifierType, normalize};
use tacit_circuits::oprf::{DleqProof, Input, ListKey, blind, evaluate};
use tacit_circuits::scope::{ListId, MemberId, TagEpoch};
use tacit_frontend::lists::{DraftMode, ListSpec, Progress};
use tacit_frontend::peer::{PeerError, PeerMisbehaved, RefusalCode};
use tacit_frontend::ports::Ledger;
use tacit_frontend::screening::{ScreenRequest, Unreachable};
use tacit_ledger::kernel::{BoundedVec, Digest, Reject, codec};
use tacit_ledger::network::action::Opening;
use tacit_ledger::network::request::{Call, MAX_CALLS};
use tacit_ledger::network::{Action, Event, Request, SessionId, SignedRequest, read as state};
use tacit_proto::peer as wire;
use tacit_proto::peer::peer_client::PeerClient;
use tacit_proto::peer::peer_server::{Peer, PeerServer};
use tokio::io::AsyncReadExt;
use tonic::transport::{Channel, Server};
use tonic::{Response, Status};

type Evaluated = (BoundedVec<WirePoint, MAX_CALLS>, DleqProof);

// ---------------------------------------------------------------- a dishonest provider

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
        answer_timeout_ms: Some(400),
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
        Unreachable::Peer(PeerError::TimedOut { timeout_ms: 400 })
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

// ---------------------------------------------------------------- a dishonest querier

/// The second member without its front end: it says what it likes.
struct Querier {
    network: Network,
    client: PeerClient<Channel>,
    session: SessionId,
    list: ListId,
}

impl Querier {
    async fn new() -> Self {
        Self::with_cap(100, 100 * PRICE_MINOR).await
    }

    async fn with_cap(cap_calls: u32, escrow_minor: u32) -> Self {
        let network =
            Network::start_with(3, |_, _| {}, |config| config.screening.keep_warm = false).await;
        let list = network
            .publish(0, "accounts", &phones(0..20))
            .await
            .publication
            .list;
        let opening = Opening {
            list,
            tag_epoch: TagEpoch(0),
            lane: 9,
            escrow_minor,
            cap_calls,
            deadline_height: network.chain.height() + 1_000,
        };
        let openings = support::bounded(vec![opening]);
        let ledger = &network.nodes[1].ledger;
        let opened = ledger
            .submit(Action::OpenSessions { openings })
            .await
            .expect("opened");
        let Event::SessionOpened { session, .. } = opened.events[0] else {
            panic!("{opened:?}")
        };
        let (address, _server) = support::serve(&network.nodes[0].frontend, MemberId(2)).await;
        let channel = Channel::from_shared(format!("http://{address}")).expect("an address");
        let client = PeerClient::new(channel.connect().await.expect("a channel"));
        Self {
            network,
            client,
            session,
            list,
        }
    }

    /// A request as an honest querier makes it, for so many calls.
    fn request(&self, sequence: u64, calls: u32) -> Request {
        let inputs: Vec<Input> = (0..calls)
            .map(|number| {
                let kind = IdentifierType::Phone;
                let typed = phone(number);
                let identifier =
                    normalize(kind, &typed, &Conventions::default()).expect("a number");
                Input {
                    kind,
                    x: identifier.field(),
                    list: self.list,
                    tag_epoch: TagEpoch(0),
                }
            })
            .collect();
        let (_, blinded) = blind(&inputs, &mut OsRng).expect("points");
        let calls: Vec<Call> = blinded
            .iter()
            .map(|point| Call {
                blinded: point.encode(),
                audit: Digest([7; 32]),
            })
            .collect();
        let epoch = self
            .network
            .chain
            .view(|view| state::epoch(view, self.list, TagEpoch(0)));
        Request {
            chain_id: self.network.nodes[1].ledger.chain_id(),
            session: self.session,
            sequence,
            querier: MemberId(2),
            provider: MemberId(1),
            list: self.list,
            tag_epoch: TagEpoch(0),
            key: epoch.expect("a map").expect("an epoch").key,
            price_minor: PRICE_MINOR,
            cumulative_minor: u64::from(PRICE_MINOR) * calls.len() as u64,
            calls: support::bounded(calls),
        }
    }

    fn sign(&self, request: Request) -> Vec<u8> {
        codec::encode(&request.sign(&self.network.nodes[1].ledger.key))
    }

    async fn send(&mut self, signed_request: Vec<u8>) -> Result<Vec<u8>, u32> {
        let request = wire::EvaluateRequest {
            signed_request,
            opened_height: 0,
        };
        let answer = self
            .client
            .evaluate(request)
            .await
            .expect("an answer")
            .into_inner();
        match answer.outcome.expect("an outcome") {
            wire::evaluate_response::Outcome::Evaluation(bytes) => Ok(bytes),
            wire::evaluate_response::Outcome::Refusal(refusal) => Err(refusal.code),
        }
    }

    /// What a changed request gets; and that the same request, unchanged, is answered.
    async fn refused(change: impl FnOnce(&mut Request)) -> u32 {
        let mut querier = Self::new().await;
        let mut request = querier.request(0, 2);
        let honest = querier.sign(request.clone());
        change(&mut request);
        let changed = querier.sign(request);
        let code = querier.send(changed).await.expect_err("refused");
        assert_eq!(querier.network.logged(), 0);
        querier
            .send(honest)
            .await
            .expect("the honest twin is answered");
        querier.network.wait_logged(2).await;
        code
    }
}

fn identity() -> WirePoint {
    let mut bytes = [0; 64];
    bytes[32] = 1;
    WirePoint(bytes)
}

fn ledger(reject: Reject) -> u32 {
    RefusalCode::Ledger(reject).number()
}

fn with_point(request: &mut Request, point: WirePoint) {
    let mut calls = request.calls.clone().into_vec();
    calls[1].blinded = point;
    request.calls = support::bounded(calls);
}

#[tokio::test(flavor = "multi_thread")]
async fn points_that_are_none_are_refused() {
    let invalid = RefusalCode::PointInvalid.number();
    let off_curve = Querier::refused(|request| with_point(request, WirePoint([3; 64]))).await;
    assert_eq!(off_curve, invalid);
    let small_order = Querier::refused(|request| with_point(request, identity())).await;
    assert_eq!(small_order, invalid);
    let not_canonical = Querier::refused(|request| with_point(request, WirePoint([255; 64]))).await;
    assert_eq!(not_canonical, invalid);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_could_not_be_settled_are_refused() {
    let wrong_epoch = Querier::refused(|request| request.tag_epoch = TagEpoch(1)).await;
    assert_eq!(wrong_epoch, RefusalCode::KeyUnknown.number());
    let wrong_key = Querier::refused(|request| {
        request.key = ListKey::generate(&mut OsRng).public().to_wire();
    });
    assert_eq!(wrong_key.await, ledger(Reject::KEY_MISMATCH));
    let cheap = Querier::refused(|request| request.price_minor = 1).await;
    assert_eq!(cheap, ledger(Reject::PRICE_MISMATCH));
    let unknown = Querier::refused(|request| request.session = SessionId(999)).await;
    assert_eq!(unknown, ledger(Reject::SESSION_UNKNOWN));
    let underpaid = Querier::refused(|request| request.cumulative_minor = 1).await;
    assert_eq!(underpaid, ledger(Reject::CUMULATIVE_BELOW_AMOUNT));
    let empty = Querier::refused(|request| request.calls = BoundedVec::new()).await;
    assert_eq!(empty, ledger(Reject::EMPTY));
    let elsewhere = Querier::refused(|request| request.chain_id.0[0] ^= 1).await;
    assert_eq!(elsewhere, RefusalCode::WrongChain.number());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_of_somebody_else_is_refused() {
    let code = Querier::refused(|request| request.querier = MemberId(3)).await;
    assert_eq!(code, RefusalCode::NotTheQuerier.number());
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_request_are_refused() {
    let mut querier = Querier::new().await;
    let malformed = RefusalCode::Malformed.number();
    assert_eq!(querier.send(vec![0; 10]).await, Err(malformed));
    let mut trailing = querier.sign(querier.request(0, 1));
    trailing.push(0);
    assert_eq!(querier.send(trailing).await, Err(malformed));
    let mut altered = querier.sign(querier.request(0, 1));
    let last = altered.len() - 1;
    altered[last - 5] ^= 1;
    assert_eq!(
        querier.send(altered).await,
        Err(RefusalCode::SignatureInvalid.number())
    );
    let request = wire::EvaluateRequest {
        signed_request: vec![0; 4 << 20],
        opened_height: 0,
    };
    let status = querier
        .client
        .evaluate(request)
        .await
        .expect_err("too long to be read");
    assert_eq!(status.code(), tonic::Code::OutOfRange);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_is_answered_with_the_same_bytes_and_charged_once() {
    let mut querier = Querier::new().await;
    let request = querier.request(0, 3);
    let signed = querier.sign(request);
    let first = querier.send(signed.clone()).await.expect("answered");
    let again = querier.send(signed.clone()).await.expect("answered");
    assert_eq!(first, again);
    querier.network.wait_logged(3).await;
    assert_eq!(querier.send(signed).await, Ok(first));
    let another = querier.sign(querier.request(0, 3));
    let reused = RefusalCode::SequenceReused.number();
    assert_eq!(querier.send(another).await, Err(reused));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(querier.network.logged(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_requests_under_one_number_at_the_same_time_are_answered_once() {
    let querier = Querier::new().await;
    let mut sent = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let signed_request = querier.sign(querier.request(0, 50));
        let mut client = querier.client.clone();
        sent.spawn(async move {
            let request = wire::EvaluateRequest {
                signed_request,
                opened_height: 0,
            };
            let answer = client
                .evaluate(request)
                .await
                .expect("an answer")
                .into_inner();
            matches!(
                answer.outcome,
                Some(wire::evaluate_response::Outcome::Evaluation(_))
            )
        });
    }
    let answered = sent
        .join_all()
        .await
        .into_iter()
        .filter(|answered| *answered)
        .count();
    assert_eq!(answered, 1);
    querier.network.wait_logged(50).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_answered_and_not_final_counts_against_cap_and_escrow() {
    let refuse = |action: &Action| matches!(action, Action::CallBatch(_));
    let mut capped = Querier::with_cap(5, 100 * PRICE_MINOR).await;
    *capped.network.chain.refuse.lock().expect("refuse") = Some(refuse);
    let first = capped.sign(capped.request(0, 3));
    capped.send(first).await.expect("answered");
    let second = capped.sign(capped.request(1, 3));
    assert_eq!(
        capped.send(second).await,
        Err(ledger(Reject::SESSION_CAP_REACHED))
    );

    let mut poor = Querier::with_cap(100, 5 * PRICE_MINOR).await;
    *poor.network.chain.refuse.lock().expect("refuse") = Some(refuse);
    let first = poor.sign(poor.request(0, 3));
    poor.send(first).await.expect("answered");
    let second = poor.sign(poor.request(1, 3));
    assert_eq!(
        poor.send(second).await,
        Err(ledger(Reject::ESCROW_EXHAUSTED))
    );
    // Once the first is final, the session's own counters say the same.
    *poor.network.chain.refuse.lock().expect("refuse") = None;
    poor.network.wait_logged(3).await;
    let last = poor.sign(poor.request(2, 2));
    poor.send(last).await.expect("answered");
}

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
    assert_eq!((unread.len(), refused), (8, 32));
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
