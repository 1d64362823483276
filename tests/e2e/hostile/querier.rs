//! Dogwood as one who asks: against birch, an honest member with two lists. It pads nothing, which nobody has to.

use std::cell::Cell;

use ed25519_zebra::SigningKey;
use rand_core::OsRng;
use tacit_circuits::curve::WirePoint;
use tacit_circuits::oprf::{Input, ListKey, blind, padding_calls};
use tacit_circuits::quota::Element;
use tacit_circuits::scope::{ListId, MemberId, TagEpoch};
use tacit_frontend::peer::RefusalCode;
use tacit_frontend::ports::Ledger as _;
use tacit_ledger::kernel::{Digest, Reject, codec};
use tacit_ledger::network::action::SessionTerms;
use tacit_ledger::network::request::Call;
use tacit_ledger::network::{Action, Event, Request, SessionId, read as state};
use tacit_proto::peer as wire;
use tacit_proto::peer::peer_client::PeerClient;
use tonic::transport::Channel;

use super::certificates::{a_member_that_was_removed_is_refused, certificates_are_refused};
use super::lists::input;
use super::wallet::owes_nothing;
use super::{ALDER_ID, BIRCH_ID, DOGWOOD_ID, Dogwood, bounded, start};
use crate::consortium::{Consortium, answers, eventually, phone, phones};

/// Price of a call to the lists of these tests.
const PRICE_MINOR: u32 = 1_000;

/// Birch's place among the founders.
pub(super) const BIRCH: usize = 1;

/// The modulus of the field, little-endian: adding it to a coordinate makes another encoding of the same point.
const MODULUS: [u8; 32] = [
    0x01, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xfe, 0x5b, 0xfe, 0xff, 0x02, 0xa4, 0xbd, 0x53,
    0x05, 0xd8, 0xa1, 0x09, 0x08, 0xd8, 0x39, 0x33, 0x48, 0x7d, 0x9d, 0x29, 0x53, 0xa7, 0xed, 0x73,
];

/// What dogwood asks with.
pub(crate) struct Querier<'a> {
    pub(crate) dogwood: &'a Dogwood,
    client: PeerClient<Channel>,
    lane: Cell<u16>,
}

impl<'a> Querier<'a> {
    pub(crate) fn of(dogwood: &'a Dogwood) -> Self {
        Self {
            dogwood,
            client: dogwood.client(BIRCH_ID),
            lane: Cell::new(0),
        }
    }

    /// Opens a session that may cost so many calls, and make so many.
    pub(crate) fn open(
        &self,
        list: u32,
        epoch: u32,
        escrow_calls: u32,
        cap_calls: u32,
    ) -> SessionId {
        let lane = self.lane.replace(self.lane.get() + 1);
        let terms = SessionTerms {
            list: ListId(list),
            tag_epoch: TagEpoch(epoch),
            lane,
            cap_calls,
            deadline_height: self.dogwood.ledger.height() + 50_000,
        };
        self.dogwood.roll_over();
        let account = self.dogwood.account();
        let escrow_minor = escrow_calls * PRICE_MINOR;
        let opening = self.dogwood.opening(&account, terms, escrow_minor);
        let opened = self.dogwood.open_sessions(vec![opening]);
        let events = opened.expect("opened").events;
        let Some(Event::SessionOpened { session, .. }) = events.first() else {
            panic!("{events:?}")
        };
        *session
    }

    fn key_of(&self, list: u32, epoch: u32) -> WirePoint {
        let found = |view: &dyn tacit_ledger::kernel::StateView| {
            state::epoch(view, ListId(list), TagEpoch(epoch))
        };
        self.dogwood.read(found).expect("an epoch").key
    }

    /// A request as an honest querier makes it, for so many calls.
    pub(crate) fn request(
        &self,
        session: SessionId,
        (list, epoch): (u32, u32),
        sequence: u64,
        calls: u32,
    ) -> Request {
        let inputs: Vec<Input> = (0..calls)
            .map(|number| input(&phone(number), ListId(list), TagEpoch(epoch)))
            .collect();
        let (_, blinded) = blind(&inputs, &mut OsRng).expect("points");
        let calls: Vec<Call> = blinded
            .iter()
            .map(|point| Call {
                blinded: point.encode(),
                audit: Digest([7; 32]),
            })
            .collect();
        Request {
            chain_id: self.dogwood.ledger.chain_id(),
            session,
            sequence,
            querier: DOGWOOD_ID,
            provider: BIRCH_ID,
            list: ListId(list),
            tag_epoch: TagEpoch(epoch),
            key: self.key_of(list, epoch),
            price_minor: PRICE_MINOR,
            charge: self.charge((session, sequence), calls.len() as u32),
            calls: bounded(calls),
        }
    }

    /// The commitment to what so many calls charge, as both sides have it.
    fn charge(&self, request: (SessionId, u64), calls: u32) -> Element {
        let above_minor = PRICE_MINOR * calls.saturating_sub(1);
        let agreed = self.dogwood.charge(BIRCH_ID, request, above_minor);
        agreed.commitment()
    }

    /// Adds padding to a request, from a seed: it charges no more than before.
    fn pad(&self, request: &mut Request, count: usize, seed: &[u8; 32]) {
        let padding = padding_calls(seed, count, request.list, request.tag_epoch);
        let mut calls = request.calls.clone().into_vec();
        calls.extend(padding.expect("points").1.iter().map(|point| Call {
            blinded: point.encode(),
            audit: Digest([8; 32]),
        }));
        request.calls = bounded(calls);
    }

    pub(crate) fn sign(&self, request: Request) -> Vec<u8> {
        codec::encode(&request.sign(&self.dogwood.key))
    }

    /// Sends bytes as a signed request. The error is the code of the refusal.
    pub(crate) fn send(&self, signed_request: Vec<u8>) -> Result<Vec<u8>, u32> {
        self.send_opened(signed_request, 0)
    }

    fn send_opened(&self, signed_request: Vec<u8>, opened_height: u64) -> Result<Vec<u8>, u32> {
        let request = wire::EvaluateRequest {
            signed_request,
            opened_height,
        };
        let mut client = self.client.clone();
        let answer = self.dogwood.runtime.block_on(client.evaluate(request));
        match answer
            .expect("an answer")
            .into_inner()
            .outcome
            .expect("an outcome")
        {
            wire::evaluate_response::Outcome::Evaluation(bytes) => Ok(bytes),
            wire::evaluate_response::Outcome::Refusal(refusal) => Err(refusal.code),
        }
    }
}

/// What birch's books say: earned in minor units, and calls served to dogwood.
fn books(network: &Consortium) -> (u64, usize) {
    let earned = network.ask(BIRCH, &["quota"])["earned_minor"].as_u64();
    let served = ["history", "--served", "--member", "4", "--output", "json"];
    let served = network.expect(BIRCH, &served, &[0]);
    (earned.expect("a sum"), served.out.lines().count())
}

/// Waits until all that birch answered is final and collected, and some blocks more.
fn settle(network: &Consortium, dogwood: &Dogwood) {
    eventually("birch has settled", || {
        network.ask(BIRCH, &["status"])["calls_waiting"] == 0
    });
    let height = network.height(BIRCH);
    eventually("birch has collected", || {
        dogwood.ledger.height() >= height && dogwood.read(owes_nothing)
    });
    let height = dogwood.ledger.height();
    eventually("blocks pass, and their rows are written", || {
        let status = network.ask(BIRCH, &["status"]);
        status["read_model_height"].as_u64() > Some(height + 3)
    });
}

fn ledger(reject: Reject) -> u32 {
    RefusalCode::Ledger(reject).number()
}

fn with_point(request: &mut Request, point: WirePoint) {
    let mut calls = request.calls.clone().into_vec();
    calls[1].blinded = point;
    request.calls = bounded(calls);
}

/// The neutral element; also the encoding of the point of order two, if its y is negated.
pub(super) fn identity() -> WirePoint {
    let mut bytes = [0; 64];
    bytes[32] = 1;
    WirePoint(bytes)
}

/// `(0, −1)`, whose order is two.
pub(super) fn of_order_two() -> WirePoint {
    let mut bytes = [0; 64];
    bytes[32..].copy_from_slice(&MODULUS);
    bytes[32] -= 1;
    WirePoint(bytes)
}

/// The same point with a first coordinate that is not below the modulus.
pub(super) fn not_canonical(point: WirePoint) -> WirePoint {
    let mut bytes = point.0;
    let mut carry = 0;
    for (byte, more) in bytes.iter_mut().zip(MODULUS) {
        let sum = u16::from(*byte) + u16::from(more) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    WirePoint(bytes)
}

type Change<'a> = Box<dyn Fn(&mut Request) + 'a>;

/// Faults of a request about birch's first list, each with the code that names it.
fn faults<'a>(querier: &'a Querier<'_>, of_alder: SessionId) -> Vec<(&'a str, Change<'a>, u32)> {
    fn fault<'a>(
        name: &'a str,
        change: impl Fn(&mut Request) + 'a,
        code: u32,
    ) -> (&'a str, Change<'a>, u32) {
        (name, Box::new(change), code)
    }
    let point = RefusalCode::PointInvalid.number();
    let charge = RefusalCode::ChargeInvalid.number();
    let scope = ledger(Reject::SCOPE_MISMATCH);
    let key = ledger(Reject::KEY_MISMATCH);
    vec![
        fault(
            "a point off the curve",
            |r| with_point(r, WirePoint([3; 64])),
            point,
        ),
        fault("the identity", |r| with_point(r, identity()), point),
        fault(
            "a point of small order",
            |r| with_point(r, of_order_two()),
            point,
        ),
        fault(
            "a coordinate that is not canonical",
            |r| with_point(r, not_canonical(r.calls[1].blinded)),
            point,
        ),
        fault(
            "another chain",
            |r| r.chain_id.0[0] ^= 1,
            RefusalCode::WrongChain.number(),
        ),
        fault(
            "another querier",
            |r| r.querier = ALDER_ID,
            RefusalCode::NotTheQuerier.number(),
        ),
        fault(
            "another member's session",
            move |r| r.session = of_alder,
            scope,
        ),
        fault(
            "an unknown session",
            |r| r.session = SessionId(9_999),
            ledger(Reject::SESSION_UNKNOWN),
        ),
        fault("another provider", |r| r.provider = MemberId(3), scope),
        fault(
            "another list, and its key",
            |r| {
                r.list = ListId(2);
                r.key = querier.key_of(2, 0);
            },
            scope,
        ),
        fault(
            "the key of another list",
            |r| r.key = querier.key_of(2, 0),
            key,
        ),
        fault(
            "a key of nobody",
            |r| r.key = ListKey::generate(&mut OsRng).public().to_wire(),
            key,
        ),
        fault(
            "an epoch that is not there",
            |r| r.tag_epoch = TagEpoch(1),
            RefusalCode::KeyUnknown.number(),
        ),
        fault(
            "no calls",
            |r| r.calls = bounded(vec![]),
            ledger(Reject::EMPTY),
        ),
        fault(
            "a price that is not the session's",
            |r| r.price_minor = 1,
            ledger(Reject::PRICE_MISMATCH),
        ),
        fault(
            "a call that is passed off as padding",
            |r| r.charge = querier.charge((r.session, r.sequence), 1),
            charge,
        ),
        fault(
            "padding from another seed",
            |r| {
                let mut seed = querier.dogwood.padding_seed(r);
                seed[0] ^= 1;
                querier.pad(r, 2, &seed);
            },
            charge,
        ),
        fault(
            "more padding than its size takes",
            |r| querier.pad(r, 3, &querier.dogwood.padding_seed(r)),
            charge,
        ),
        fault(
            "a charge under the blinding of another request",
            |r| r.charge = querier.charge((r.session, r.sequence + 1), 2),
            charge,
        ),
        fault(
            "a charge of more calls than there are",
            |r| r.charge = querier.charge((r.session, r.sequence), 3),
            charge,
        ),
        fault(
            "a charge of no number of calls",
            |r| {
                let request = (r.session, r.sequence);
                let agreed = querier.dogwood.charge(BIRCH_ID, request, PRICE_MINOR + 1);
                r.charge = agreed.commitment();
            },
            charge,
        ),
        fault(
            "a charge of more than 32 bits",
            |r| r.price_minor = u32::MAX,
            ledger(Reject::AMOUNT_TOO_LARGE),
        ),
        fault(
            "the last number of 64 bits",
            |r| r.sequence = u64::MAX,
            ledger(Reject::VALUE_OUT_OF_RANGE),
        ),
    ]
}

#[test]
fn whoever_asks_against_the_rules_is_refused_by_the_name_of_its_fault_and_pays_for_answers_only() {
    let (network, dogwood) = start(|_| {});
    network.publish(BIRCH, "cheats", &phones(0..20));
    network.publish(BIRCH, "accounts", &phones(0..20));
    let querier = Querier::of(&dogwood);

    requests_are_refused(&network, &querier);
    the_same_request_is_answered_once(&network, &querier);
    what_is_over_is_over(&network, &querier);
    certificates_are_refused(&network, &dogwood);
    a_member_that_was_removed_is_refused(&network, &dogwood);

    let rows = network.screen(0, &[&phone(7), &phone(70)], &[]);
    assert_eq!(answers(&rows[0]), [(1, "hit".into()), (2, "hit".into())]);
    assert_eq!(
        answers(&rows[1]),
        [(1, "clear".into()), (2, "clear".into())]
    );
}

fn requests_are_refused(network: &Consortium, querier: &Querier<'_>) {
    let rows = network.screen(0, &[&phone(70)], &["--list", "1"]);
    let of_alder = SessionId(
        rows[0]["answers"][0]["session"]
            .as_u64()
            .expect("a session"),
    );
    let session = querier.open(1, 0, 1_000, 1_000);
    let (poor, capped) = (querier.open(1, 0, 1, 1_000), querier.open(1, 0, 1_000, 1));
    settle(network, querier.dogwood);
    let (before, has_minor) = (books(network), querier.dogwood.has_minor());

    let mut twins = Vec::new();
    for (sequence, (name, change, code)) in (0..).zip(faults(querier, of_alder)) {
        let mut request = querier.request(session, (1, 0), sequence, 2);
        twins.push((name, querier.sign(request.clone())));
        change(&mut request);
        assert_eq!(querier.send(querier.sign(request)), Err(code), "{name}");
    }

    // Faults of what surrounds the request.
    let request = || querier.request(session, (1, 0), 100, 2);
    let malformed = Err(RefusalCode::Malformed.number());
    assert_eq!(querier.send(vec![0xee; 500]), malformed, "garbage");
    assert_eq!(querier.send(Vec::new()), malformed, "nothing");
    let mut trailing = querier.sign(request());
    trailing.push(0);
    assert_eq!(querier.send(trailing), malformed, "a byte too many");
    let mut altered = querier.sign(request());
    let last = altered.len() - 1;
    altered[last] ^= 1;
    let unsigned = Err(RefusalCode::SignatureInvalid.number());
    assert_eq!(querier.send(altered), unsigned, "a wrong signature");
    let stranger = codec::encode(&request().sign(&SigningKey::new(OsRng)));
    let other_key = Err(ledger(Reject::QUERIER_KEY_MISMATCH));
    assert_eq!(querier.send(stranger), other_key, "a stranger's signature");
    let early = querier.dogwood.ledger.height() + 10_000;
    let behind = Err(RefusalCode::LedgerBehind.number());
    assert_eq!(
        querier.send_opened(querier.sign(request()), early),
        behind,
        "a session that is not open yet"
    );
    let mut client = querier.client.clone();
    let oversized = client.evaluate(wire::EvaluateRequest {
        signed_request: vec![0; 8 << 20],
        opened_height: 0,
    });
    let oversized = querier.dogwood.runtime.block_on(oversized);
    let status = oversized.expect_err("a message that is not read");
    assert_eq!(status.code(), tonic::Code::OutOfRange, "{status}");

    // Beyond what the sessions allow.
    let too_dear = querier.request(poor, (1, 0), 0, 2);
    let exhausted = Err(RefusalCode::EscrowExhausted.number());
    assert_eq!(querier.send(querier.sign(too_dear)), exhausted);
    let too_many = querier.request(capped, (1, 0), 0, 2);
    let reached = Err(ledger(Reject::SESSION_CAP_REACHED));
    assert_eq!(querier.send(querier.sign(too_many)), reached);

    settle(network, querier.dogwood);
    assert_eq!(books(network), before, "nothing was charged");
    assert_eq!(querier.dogwood.has_minor(), has_minor, "and nothing paid");

    // Padding costs nothing where it is what was agreed. It stands in nobody's books but the ledger's.
    let mut padded = querier.request(session, (1, 0), 100, 2);
    let seed = querier.dogwood.padding_seed(&padded);
    querier.pad(&mut padded, 2, &seed);
    twins.push(("padding", querier.sign(padded)));

    // Each would have been answered without its fault, under the same number.
    let asked = twins.len();
    for (name, twin) in twins {
        assert!(querier.send(twin).is_ok(), "the honest twin of: {name}");
    }
    settle(network, querier.dogwood);
    let (earned, served) = books(network);
    let calls = 2 * asked;
    let charge = calls as u64 * u64::from(PRICE_MINOR);
    assert_eq!((earned, served), (before.0 + charge, before.1 + calls));
    assert_eq!(querier.dogwood.has_minor(), has_minor - charge);
}

fn the_same_request_is_answered_once(network: &Consortium, querier: &Querier<'_>) {
    let session = querier.open(1, 0, 100, 100);
    settle(network, querier.dogwood);
    let before = books(network);
    let signed = querier.sign(querier.request(session, (1, 0), 0, 3));
    let first = querier.send(signed.clone()).expect("answered");
    assert_eq!(querier.send(signed.clone()), Ok(first.clone()));
    let other = querier.sign(querier.request(session, (1, 0), 0, 3));
    let reused = Err(RefusalCode::SequenceReused.number());
    assert_eq!(querier.send(other.clone()), reused);
    settle(network, querier.dogwood);
    // Nor is it otherwise when it is final.
    assert_eq!(querier.send(signed), Ok(first));
    assert_eq!(querier.send(other), reused);
    settle(network, querier.dogwood);
    let (earned, served) = books(network);
    let charge = 3 * u64::from(PRICE_MINOR);
    assert_eq!((earned, served), (before.0 + charge, before.1 + 3));
}

/// Sessions that were closed, epochs that were superseded, days on which enough was asked.
fn what_is_over_is_over(network: &Consortium, querier: &Querier<'_>) {
    let closed = querier.open(1, 0, 10, 10);
    let closing = Action::CloseSession { session: closed };
    querier.dogwood.submit(closing).expect("closed");
    settle(network, querier.dogwood);
    let late = querier.sign(querier.request(closed, (1, 0), 0, 1));
    assert_eq!(querier.send(late), Err(ledger(Reject::SESSION_ENDED)));

    let old = querier.open(1, 0, 10, 10);
    let file = network.path("rotated.csv");
    crate::consortium::write_column(&file, &phones(0..20));
    let file = file.to_str().expect("a path");
    let rotate = [
        "list",
        "publish",
        "cheats",
        "--from",
        file,
        "--column",
        "phone",
        "--type",
        "phone",
        "--region",
        "CN",
        "--new-tag-epoch",
        "--yes",
    ];
    network.ask(BIRCH, &rotate);
    network.wait_copy(0, 1);
    settle(network, querier.dogwood);
    let superseded = querier.sign(querier.request(old, (1, 0), 0, 1));
    let refused = Err(ledger(Reject::EPOCH_SUPERSEDED));
    assert_eq!(querier.send(superseded), refused);
    let fresh_key = querier.sign(querier.request(old, (1, 1), 0, 1));
    let refused = Err(ledger(Reject::SCOPE_MISMATCH));
    assert_eq!(querier.send(fresh_key), refused);

    let session = querier.open(1, 1, 100, 100);
    let today = |view: &dyn tacit_ledger::kernel::StateView| {
        state::calls_today(view, DOGWOOD_ID, ListId(1))
    };
    let today = querier.dogwood.read(today);
    let cap = (today + 2).to_string();
    let name = "transaction-fraud.daily_cap_calls";
    network.decide(&["network", "propose-parameter", name, &cap]);
    settle(network, querier.dogwood);
    let last = querier.sign(querier.request(session, (1, 1), 0, 2));
    assert!(querier.send(last).is_ok(), "the last calls of the day");
    let beyond = querier.sign(querier.request(session, (1, 1), 1, 1));
    let refused = Err(ledger(Reject::DAILY_CAP_REACHED));
    assert_eq!(querier.send(beyond.clone()), refused);
    settle(network, querier.dogwood);
    assert_eq!(querier.send(beyond), refused);
    network.decide(&["network", "propose-parameter", name, "250000"]);
}
