//! A querier that sends what it likes.

use std::time::Duration;

use rand_core::OsRng;
use tacit_circuits::curve::WirePoint;
use tacit_circuits::identifier::{Conventions, IdentifierType, normalize};
use tacit_circuits::oprf::{Input, ListKey, blind};
use tacit_circuits::quota::Element;
use tacit_circuits::scope::{ListId, MemberId, TagEpoch};
use tacit_frontend::FrontendConfig;
use tacit_frontend::peer::RefusalCode;
use tacit_frontend::ports::Ledger;
use tacit_frontend::store::Settlement;
use tacit_ledger::kernel::{BoundedVec, Digest, Reject, codec};
use tacit_ledger::network::action::SessionTerms;
use tacit_ledger::network::quota::charge_context;
use tacit_ledger::network::request::Call;
use tacit_ledger::network::{Action, Event, Request, SessionId, read as state};
use tacit_proto::peer as wire;
use tacit_proto::peer::peer_client::PeerClient;
use tonic::transport::Channel;

use super::identity;
use crate::support::{self, Network, PRICE_MINOR, eventually, phone, phones};

/// The second member without its front end: it says what it likes.
pub(crate) struct Querier {
    pub(crate) network: Network,
    pub(crate) client: PeerClient<Channel>,
    pub(crate) session: SessionId,
    list: ListId,
}

impl Querier {
    pub(crate) async fn new() -> Self {
        Self::with_cap(100, 100 * PRICE_MINOR).await
    }

    pub(crate) async fn with_cap(cap_calls: u32, escrow_minor: u32) -> Self {
        Self::configured(cap_calls, escrow_minor, |_| {}).await
    }

    pub(crate) async fn configured(
        cap_calls: u32,
        escrow_minor: u32,
        configure: impl Fn(&mut FrontendConfig),
    ) -> Self {
        let configure = |config: &mut FrontendConfig| {
            config.screening.keep_warm = false;
            configure(config);
        };
        let network = Network::start_with(3, |_, _| {}, configure).await;
        let list = network
            .publish(0, "accounts", &phones(0..20))
            .await
            .publication
            .list;
        let terms = SessionTerms {
            list,
            tag_epoch: TagEpoch(0),
            lane: 9,
            cap_calls,
            deadline_height: network.chain.height() + 1_000,
        };
        let opened = support::open_session(&network, 1, 0, terms, escrow_minor).await;
        let Event::SessionOpened { session, .. } = opened.events[0] else {
            panic!("{opened:?}")
        };
        let client = connect(&network).await;
        Self {
            network,
            client,
            session,
            list,
        }
    }

    /// Connects anew, after the provider was restarted.
    pub(crate) async fn reconnect(&mut self) {
        self.client = connect(&self.network).await;
    }

    /// A request as an honest querier makes it, for so many calls.
    pub(crate) fn request(&self, sequence: u64, calls: u32) -> Request {
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
            charge: self.charge(sequence, calls.len() as u32),
            calls: support::bounded(calls),
        }
    }

    /// The commitment to what so many calls charge, as both sides have it.
    pub(crate) fn charge(&self, sequence: u64, calls: u32) -> Element {
        let key = |index: usize| support::quota_key(&self.network.keys[index]);
        let secret = key(1).agree(&key(0).public());
        let chain_id = self.network.nodes[1].ledger.chain_id();
        let context = charge_context(chain_id, self.session, sequence);
        let hidden_minor = PRICE_MINOR * calls.saturating_sub(1);
        secret.opening(&context, hidden_minor).commitment()
    }

    pub(crate) fn sign(&self, request: Request) -> Vec<u8> {
        codec::encode(&request.sign(&self.network.nodes[1].ledger.key))
    }

    pub(crate) async fn send(&self, signed_request: Vec<u8>) -> Result<Vec<u8>, u32> {
        self.send_opened(signed_request, 0).await
    }

    /// Says that the session was opened at this height.
    pub(crate) async fn send_opened(
        &self,
        signed_request: Vec<u8>,
        opened_height: u64,
    ) -> Result<Vec<u8>, u32> {
        let request = wire::EvaluateRequest {
            signed_request,
            opened_height,
        };
        let mut client = self.client.clone();
        let answer = client
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
        let querier = Self::new().await;
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

async fn connect(network: &Network) -> PeerClient<Channel> {
    let (address, _server) = support::serve(&network.nodes[0].frontend, MemberId(2)).await;
    let channel = Channel::from_shared(format!("http://{address}")).expect("an address");
    PeerClient::new(channel.connect().await.expect("a channel"))
}

pub(crate) fn ledger(reject: Reject) -> u32 {
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
    let querier = Querier::new().await;
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
    let mut client = querier.client.clone();
    let status = client
        .evaluate(request)
        .await
        .expect_err("too long to be read");
    assert_eq!(status.code(), tonic::Code::OutOfRange);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_is_answered_with_the_same_bytes_and_charged_once() {
    let querier = Querier::new().await;
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
async fn an_answer_that_nobody_settles_is_settled_when_it_is_asked_for_again() {
    let querier = Querier::new().await;
    let signed = querier.sign(querier.request(0, 3));
    let first = querier.send(signed.clone()).await.expect("answered");
    querier.network.wait_logged(3).await;
    let provider = &querier.network.nodes[0].frontend;
    let settlement = async || {
        let served = provider.store().served(querier.session, 0).await;
        served.expect("read").expect("served").settlement
    };
    eventually("it is settled", async || {
        provider.served_waiting() == 0 && settlement().await == Settlement::Final
    })
    .await;
    // As after a write that was reported to have failed: it stands there, and nobody knows of it.
    let (session, waiting) = (querier.session, Settlement::Waiting);
    let forgotten = provider.store().settle_served(session, 0, waiting, None);
    forgotten.await.expect("written");
    assert_eq!(querier.send(signed).await, Ok(first));
    eventually("it is settled again", async || {
        settlement().await == Settlement::Final
    })
    .await;
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
    let capped = Querier::with_cap(5, 100 * PRICE_MINOR).await;
    *capped.network.chain.refuse.lock().expect("refuse") = Some(refuse);
    let first = capped.sign(capped.request(0, 3));
    capped.send(first).await.expect("answered");
    let second = capped.sign(capped.request(1, 3));
    assert_eq!(
        capped.send(second).await,
        Err(ledger(Reject::SESSION_CAP_REACHED))
    );

    let poor = Querier::with_cap(100, 5 * PRICE_MINOR).await;
    *poor.network.chain.refuse.lock().expect("refuse") = Some(refuse);
    let first = poor.sign(poor.request(0, 3));
    poor.send(first).await.expect("answered");
    let second = poor.sign(poor.request(1, 3));
    assert_eq!(
        poor.send(second).await,
        Err(RefusalCode::EscrowExhausted.number())
    );
    // Once the first is final, the session's own counters say the same.
    *poor.network.chain.refuse.lock().expect("refuse") = None;
    poor.network.wait_logged(3).await;
    let last = poor.sign(poor.request(2, 2));
    poor.send(last).await.expect("answered");
}
