//! Floods against one node: its memory stays bounded, refusals are given, and it goes on answering others.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use futures::future::join_all;
use tacit_certs::{
    ChannelLimits, IdentityFiles, MemberAddress, PeerChannels, ReloadingIdentity, operator_channel,
    read_authorities,
};
use tacit_circuits::scope::{ListId, TagEpoch};
use tacit_client::Profile;
use tacit_consensus::AdmissionError;
use tacit_frontend::peer::RefusalCode;
use tacit_frontend::ports::Ledger as _;
use tacit_ledger::network::{Action, ProposalId, SessionId, read as state};
use tacit_proto::operator::operator_client::OperatorClient;
use tacit_proto::operator::{HistoryRequest, StatusRequest};
use tacit_proto::peer as wire;
use tacit_proto::peer::peer_client::PeerClient;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpSocket;
use tonic::Code;
use tonic::transport::Channel;

use crate::consortium::{CLEAR, Consortium, answers, eventually, phone, phones};
use crate::hostile::querier::Querier;
use crate::hostile::{BIRCH_ID, DOGWOOD, DOGWOOD_ID, Dogwood, start};
use crate::wire::shake_hands;

/// Resident memory beyond which no flood may drive a node. One of these tests has some 280 MiB when it has
/// published its list, most of it buffers of the ledger's storage; the bounds of its parts, all reached at once,
/// come to less than 200 MiB more: 64 MiB of waiting transactions, 64 MiB of requests that wait, and what
/// connections and streams hold.
const MAX_RESIDENT_BYTES: u64 = 512 << 20;

/// How long one flood may last.
const MAX_FLOOD: Duration = Duration::from_secs(20);

/// Birch's place among the founders: it is flooded.
const BIRCH: usize = 1;

/// Numbers on birch's list: its snapshot, of twice as many entries, is larger than what a connection holds.
const LISTED: u32 = 20_000;

/// Where the connections of an outsider come from.
const OUTSIDER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);

/// What HTTP/2 grants a stream and a connection at the start, and a reader that does not read never adds to.
const SMALL_WINDOW_BYTES: u32 = 65_535;

struct Scene {
    network: Consortium,
    dogwood: Dogwood,
    session: SessionId,
}

type Flood = fn(&Scene) -> String;

/// Each says what it did and what was refused.
const FLOODS: [(&str, Flood); 8] = [
    ("oversized messages", oversized_messages),
    ("half-open connections", half_open_connections),
    ("connections of one member", many_connections),
    ("transactions that are executed", many_transactions),
    ("transactions that wait for ever", transactions_that_wait),
    ("requests", many_requests),
    ("readers of a snapshot that do not read", slow_readers),
    ("operators that do not read", slow_operators),
];

#[test]
fn no_flood_takes_a_nodes_memory_or_the_answers_of_others() {
    let (network, dogwood) = start(|_| {});
    network.publish(BIRCH, "cheats", &phones(0..LISTED));
    let session = Querier::of(&dogwood).open(1, 0, 70_000, 70_000);
    let scene = Scene {
        network,
        dogwood,
        session,
    };
    println!("at rest: {} MiB", scene.peak_resident_bytes() >> 20);
    for (name, flood) in FLOODS {
        let begun = Instant::now();
        let said = flood(&scene);
        let (lasted, peak) = (begun.elapsed(), scene.peak_resident_bytes());
        println!("{name}: {said}; {lasted:?}, {} MiB", peak >> 20);
        assert!(lasted < MAX_FLOOD, "{name} lasted {lasted:?}");
        assert!(peak < MAX_RESIDENT_BYTES, "{name}: {peak} bytes resident");
        scene.answers(name);
    }
}

impl Scene {
    /// The most memory that birch's process ever had resident.
    fn peak_resident_bytes(&self) -> u64 {
        let path = format!("/proc/{}/status", self.network.process_id(BIRCH));
        let status = std::fs::read_to_string(path).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kibibytes = line.expect("a peak").trim().trim_end_matches(" kB");
        kibibytes.trim().parse::<u64>().expect("a number") << 10
    }

    /// Whether alder is answered as ever.
    fn answers(&self, after: &str) {
        let rows = self.network.screen(0, &[&phone(7), &phone(90_000)], &[]);
        assert_eq!(answers(&rows[0]), [(1, "hit".into())], "after {after}");
        assert_eq!(answers(&rows[1]), [(1, "clear".into())], "after {after}");
    }

    /// A connection of dogwood's to birch that is shared with nobody; what went wrong otherwise.
    async fn connection(&self, limits: ChannelLimits) -> Result<PeerClient<Channel>, String> {
        let peers = &self.dogwood.peers;
        let channels = PeerChannels::new(
            peers.identity.clone(),
            peers.directory.clone(),
            peers.verifier.clone(),
            limits,
        );
        let channel = channels.channel(BIRCH_ID).await;
        let mut client = PeerClient::new(channel.map_err(|error| error.to_string())?);
        // In TLS 1.3 the called side's refusal comes after the connection seems to stand.
        let pinged = client.ping(wire::PingRequest {}).await;
        pinged.map_err(|status| status.to_string())?;
        Ok(client)
    }

    fn run<T>(&self, flood: impl Future<Output = T>) -> T {
        self.dogwood.runtime.block_on(flood)
    }
}

fn small_windows() -> ChannelLimits {
    ChannelLimits {
        stream_window_bytes: SMALL_WINDOW_BYTES,
        connection_window_bytes: SMALL_WINDOW_BYTES,
        ..ChannelLimits::default()
    }
}

fn oversized_messages(scene: &Scene) -> String {
    const MESSAGES: usize = 32;
    const AT_A_TIME: usize = 8;
    const MESSAGE_BYTES: usize = 16 << 20;
    let client = scene.dogwood.client(BIRCH_ID);
    for _ in 0..MESSAGES / AT_A_TIME {
        let sent = (0..AT_A_TIME).map(|_| {
            let mut client = client.clone();
            async move {
                let signed_request = vec![0; MESSAGE_BYTES];
                let request = wire::EvaluateRequest {
                    signed_request,
                    opened_height: 0,
                };
                let refused = client.evaluate(request).await;
                refused.expect_err("a message that is not read").code()
            }
        });
        for code in scene.run(join_all(sent)) {
            assert_eq!(code, Code::OutOfRange);
        }
    }
    format!("{MESSAGES} of {} MiB refused", MESSAGE_BYTES >> 20)
}

fn half_open_connections(scene: &Scene) -> String {
    const CONNECTIONS: usize = 300;
    // How a handshake begins: a record of 512 bytes, of which nothing follows.
    const BEGINNING: [u8; 5] = [0x16, 3, 1, 2, 0];
    let birch = &scene.network.node(BIRCH).card;
    let addresses = [&birch.frontend_address, &birch.p2p_address];
    let addresses = addresses.map(|address| address.parse::<SocketAddr>().expect("an address"));
    let held = scene.run(async {
        let mut held = Vec::new();
        for number in 0..CONNECTIONS {
            let socket = TcpSocket::new_v4().expect("a socket");
            socket.bind((OUTSIDER, 0).into()).expect("an address");
            let connected = socket.connect(addresses[number % addresses.len()]).await;
            let Ok(mut stream) = connected else { continue };
            // One that was closed at once may not take it.
            let _ = stream.write_all(&BEGINNING).await;
            held.push(stream);
        }
        held
    });
    // Members at other addresses shake hands meanwhile.
    let own = scene.network.node(DOGWOOD).folder.join("certs");
    shake_hands(&scene.network, BIRCH, &own).expect("a member is let in");
    scene.answers("half-open connections, while they are held");
    let log = scene.network.log(BIRCH);
    assert!(log.contains("its address has too many handshakes under way"));
    eventually("handshakes that go nowhere are given up", || {
        scene
            .network
            .log(BIRCH)
            .contains("the handshake took too long")
    });
    format!("{} held", held.len())
}

fn many_connections(scene: &Scene) -> String {
    const CONNECTIONS: usize = 48;
    let limits = ChannelLimits::default();
    let opened = scene.run(join_all((0..CONNECTIONS).map(|_| scene.connection(limits))));
    let open: Vec<_> = opened.into_iter().flatten().collect();
    assert!((1..=8).contains(&open.len()), "{} are open", open.len());
    let refusal = "\"reason\":\"too-many-connections\"";
    assert!(scene.network.log(BIRCH).contains(refusal));
    scene.answers("connections of one member, while they are held");
    let said = format!("{} of {CONNECTIONS} open", open.len());
    drop(open);
    eventually("there is a place again", || {
        scene.run(scene.connection(limits)).is_ok()
    });
    said
}

/// Signs votes on a proposal that does not exist, numbered from `first`: they do nothing but take a place.
fn signed_votes(scene: &Scene, first: u64, count: u64, expires_in: u64) -> Vec<Vec<u8>> {
    let ledger = &scene.dogwood.ledger;
    let vote = Action::Vote {
        proposal: ProposalId(u64::MAX),
        approve: true,
    };
    let expiry_height = ledger.height() + expires_in;
    (first..first + count)
        .map(|sequence| {
            let unsigned = vote.unsigned(ledger.chain_id(), DOGWOOD_ID, sequence, expiry_height);
            unsigned.sign(&scene.dogwood.key).to_bytes()
        })
        .collect()
}

fn submit_all(scene: &Scene, envelopes: Vec<Vec<u8>>) -> Vec<AdmissionError> {
    let handle = scene.dogwood.ledger.handle();
    let submitted = envelopes.into_iter().map(|bytes| handle.submit(bytes));
    let submitted = scene.run(join_all(submitted));
    submitted.into_iter().filter_map(Result::err).collect()
}

fn next_sequence(scene: &Scene) -> u64 {
    let next = |view: &dyn tacit_ledger::kernel::StateView| state::next_sequence(view, DOGWOOD_ID);
    scene.dogwood.read(next)
}

fn many_transactions(scene: &Scene) -> String {
    const TRANSACTIONS: u64 = 10_000;
    let first = next_sequence(scene);
    let refused = submit_all(scene, signed_votes(scene, first, TRANSACTIONS, 2_000));
    assert_eq!(refused, [], "they are valid, and few enough");
    // The others' transactions have their share of the blocks meanwhile.
    let finally = ["--wait-final"];
    let rows = scene
        .network
        .screen_to_end(0, &[&phone(90_000)], &finally, &[CLEAR]);
    assert!(rows[0]["answers"][0]["height"].is_u64(), "{rows:?}");
    eventually("all are final", || {
        next_sequence(scene) == first + TRANSACTIONS
    });
    format!("{TRANSACTIONS} executed")
}

fn transactions_that_wait(scene: &Scene) -> String {
    const TRANSACTIONS: u64 = 17_000;
    // Behind a gap that is never filled.
    let first = next_sequence(scene) + 1_000_000;
    let refused = submit_all(scene, signed_votes(scene, first, TRANSACTIONS, 60));
    let full = refused
        .iter()
        .filter(|error| **error == AdmissionError::SenderFull);
    assert!(full.count() > 0, "a sender's share has an end: {refused:?}");
    let finally = ["--wait-final"];
    let rows = scene
        .network
        .screen_to_end(0, &[&phone(90_000)], &finally, &[CLEAR]);
    assert!(rows[0]["answers"][0]["height"].is_u64(), "{rows:?}");
    format!("{} of {TRANSACTIONS} refused", refused.len())
}

fn many_requests(scene: &Scene) -> String {
    const GARBAGE: usize = 2_000;
    const REQUESTS: u64 = 200;
    const CALLS: u32 = 100;
    const CONNECTIONS: usize = 4;
    let querier = Querier::of(&scene.dogwood);
    let mut requests: Vec<Vec<u8>> = (0..REQUESTS)
        .map(|sequence| {
            let request = querier.request(scene.session, (1, 0), sequence, CALLS);
            querier.sign(request)
        })
        .collect();
    requests.resize_with(GARBAGE + requests.len(), || vec![0xee; 90 * 1024]);
    let outcomes = scene.run(async {
        let limits = ChannelLimits::default();
        let opened = (0..CONNECTIONS).map(|_| scene.connection(limits));
        let clients: Vec<_> = join_all(opened).await.into_iter().flatten().collect();
        let sent = requests.into_iter().enumerate().map(|(number, bytes)| {
            let mut client = clients[number % clients.len()].clone();
            async move {
                let request = wire::EvaluateRequest {
                    signed_request: bytes,
                    opened_height: 0,
                };
                let answer = client.evaluate(request).await.expect("an answer");
                match answer.into_inner().outcome.expect("an outcome") {
                    wire::evaluate_response::Outcome::Evaluation(_) => None,
                    wire::evaluate_response::Outcome::Refusal(refusal) => Some(refusal.code),
                }
            }
        });
        join_all(sent).await
    });
    let count = |wanted| {
        outcomes
            .iter()
            .filter(|outcome| **outcome == wanted)
            .count()
    };
    let answered = count(None);
    let busy = count(Some(RefusalCode::Busy.number()));
    let malformed = count(Some(RefusalCode::Malformed.number()));
    assert_eq!(answered + busy + malformed, outcomes.len(), "{outcomes:?}");
    assert!(busy > 0 && malformed > 0 && answered > 0);
    format!("{answered} answered, {busy} put off, {malformed} malformed")
}

fn slow_readers(scene: &Scene) -> String {
    const READERS: usize = 40;
    let fetch = wire::FetchSnapshotRequest {
        list: ListId(1).0,
        tag_epoch: TagEpoch(0).0,
        version: 0,
        form: wire::SnapshotForm::Full.into(),
        offset: 0,
    };
    let (client, unread) = scene.run(async {
        let client = scene.connection(small_windows()).await.expect("let in");
        let mut unread = Vec::new();
        for _ in 0..READERS {
            match client.clone().fetch_snapshot(fetch).await {
                Ok(stream) => unread.push(stream),
                Err(status) => assert_eq!(status.code(), Code::ResourceExhausted, "{status}"),
            }
        }
        (client, unread)
    });
    assert_eq!(unread.len(), 4, "a member's share of the readers");
    scene.answers("readers that do not read, while they are held");
    drop((unread, client));
    format!("4 of {READERS} held")
}

fn slow_operators(scene: &Scene) -> String {
    const READERS: usize = 128;
    const CONNECTIONS: usize = 4;
    let profile = Profile::read(&scene.network.node(BIRCH).profile_file()).expect("a profile");
    let identity = ReloadingIdentity::open(IdentityFiles {
        certificate: profile.certificate_file.clone(),
        key: profile.key_file.clone(),
    });
    let identity = identity.expect("an operator's certificate");
    let authorities = read_authorities(&profile.ca_file).expect("an authority");
    let address = MemberAddress::parse(&profile.operator_address).expect("an address");
    let (clients, unread) = scene.run(async {
        let (mut clients, mut unread) = (Vec::new(), Vec::new());
        for _ in 0..CONNECTIONS {
            let (identity, authorities) = (identity.clone(), authorities.clone());
            let channel = operator_channel(&address, identity, authorities, &small_windows()).await;
            let channel = channel.expect("certificates").expect("the node is reached");
            clients.push(OperatorClient::new(channel));
        }
        for number in 0..READERS {
            let mut client = clients[number % CONNECTIONS].clone();
            let rows = client.history(HistoryRequest::default()).await;
            unread.push(rows.expect("a history"));
        }
        (clients, unread)
    });
    // Others' questions are answered meanwhile, those about the same rows too.
    let served = ["history", "--served", "--limit", "1", "--output", "json"];
    let served = scene.network.expect(BIRCH, &served, &[CLEAR]);
    assert_eq!(served.out.lines().count(), 1);
    scene.network.ask(BIRCH, &["quota"]);
    // What a reader does not read fills its own connection (RFC 9113, section 5.2); another one's is free.
    let status = scene.run(async {
        let channel = operator_channel(&address, identity, authorities, &small_windows()).await;
        let channel = channel.expect("certificates").expect("the node is reached");
        OperatorClient::new(channel).status(StatusRequest {}).await
    });
    assert_eq!(status.expect("a status").into_inner().member_id, 2);
    drop((unread, clients));
    format!("{READERS} held")
}
