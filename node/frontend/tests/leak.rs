//! What the provider sees, keeps and says of a hit and of a miss.

mod support;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use support::{Network, phone, phones};
use tacit_circuits::curve::encode_field;
use tacit_circuits::identifier::{Conventions, IdentifierType, normalize};
use tacit_circuits::scope::MemberId;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What passed through a socket, in each direction.
#[derive(Default)]
struct Wiretap {
    to_provider: Mutex<Vec<u8>>,
    from_provider: Mutex<Vec<u8>>,
}

/// The client's side of a connection begins with this (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What an eavesdropper sees of one message: type and flags of each frame, and the length of its data.
type Shape = Vec<(u8, u8, Option<usize>)>;

/// The frames of the one connection that is tapped (RFC 9113, section 4.1): those that carry headers and
/// data. Lengths of headers are left out: they hold the time of day, which is compressed away while it
/// stays the same.
fn frames(bytes: &[u8]) -> Shape {
    let mut rest = bytes.strip_prefix(PREFACE).unwrap_or(bytes);
    let mut frames = Vec::new();
    while let Some((head, body)) = rest.split_at_checked(9) {
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        match head[3] {
            0 => frames.push((0, head[4], Some(length))),
            1 => frames.push((1, head[4], None)),
            _ => {}
        }
        // Frames that only keep the connection going may be on their way.
        let Some(after) = body.get(length..) else {
            break;
        };
        rest = after;
    }
    frames
}

impl Wiretap {
    /// Frames so far, in each direction.
    fn shapes(&self) -> (Shape, Shape) {
        let shape = |bytes: &Mutex<Vec<u8>>| frames(&bytes.lock().expect("tap"));
        (shape(&self.to_provider), shape(&self.from_provider))
    }

    fn bytes(&self) -> Vec<u8> {
        let mut all = self.to_provider.lock().expect("tap").clone();
        all.extend_from_slice(&self.from_provider.lock().expect("tap"));
        all
    }
}

/// Puts a wiretap between the querier and the provider.
async fn tap(network: &Network) -> Arc<Wiretap> {
    let (address, _server) = support::serve(&network.nodes[0].frontend, MemberId(2)).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let tapped = listener.local_addr().expect("an address");
    let tap = Arc::new(Wiretap::default());
    let all = tap.clone();
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let far = TcpStream::connect(address).await.expect("the provider");
            let (mut near_read, mut near_write) = near.into_split();
            let (mut far_read, mut far_write) = far.into_split();
            let (to, from) = (all.clone(), all.clone());
            tokio::spawn(async move {
                let mut buffer = vec![0; 65_536];
                while let Ok(read @ 1..) = near_read.read(&mut buffer).await {
                    to.to_provider
                        .lock()
                        .expect("tap")
                        .extend_from_slice(&buffer[..read]);
                    if far_write.write_all(&buffer[..read]).await.is_err() {
                        return;
                    }
                }
            });
            tokio::spawn(async move {
                let mut buffer = vec![0; 65_536];
                while let Ok(read @ 1..) = far_read.read(&mut buffer).await {
                    from.from_provider
                        .lock()
                        .expect("tap")
                        .extend_from_slice(&buffer[..read]);
                    if near_write.write_all(&buffer[..read]).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    network.wires.route(MemberId(2), MemberId(1), tapped);
    tap
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path))
        } else {
            found.push(path)
        }
    }
    found
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}

/// An identifier in every encoding in which it could slip out.
fn encodings(number: &str) -> Vec<(String, Vec<u8>)> {
    let identifier = normalize(IdentifierType::Phone, number, &Conventions::default());
    let x = encode_field(&identifier.expect("a number").field());
    let mut big_endian = x;
    big_endian.reverse();
    let national = number.trim_start_matches("+86");
    let mut all = vec![
        ("text".to_owned(), number.as_bytes().to_vec()),
        ("national".to_owned(), national.as_bytes().to_vec()),
        ("field".to_owned(), x.to_vec()),
        ("field, big-endian".to_owned(), big_endian.to_vec()),
        (
            "utf-16".to_owned(),
            national.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        ),
    ];
    for (name, bytes) in all.clone() {
        for (shift, text) in base64(&bytes).into_iter().enumerate() {
            all.push((format!("{name}, base64 from {shift}"), text));
        }
        all.push((format!("{name}, hex"), hex::encode(&bytes).into_bytes()));
        all.push((
            format!("{name}, HEX"),
            hex::encode_upper(&bytes).into_bytes(),
        ));
    }
    all
}

/// What is found in any base64 text (RFC 4648, section 4) that holds the bytes, for each of the three
/// places at which they may begin: the characters that depend on nothing else.
fn base64(bytes: &[u8]) -> [Vec<u8>; 3] {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    [0, 1, 2].map(|shift| {
        let bit = |at: usize| (bytes[at / 8] >> (7 - at % 8)) & 1;
        // The first whole character begins so many bits into the bytes.
        let first = [0, 4, 2][shift];
        let sixes = (first..)
            .step_by(6)
            .take_while(|at| at + 6 <= 8 * bytes.len());
        let six = |at: usize| (at..at + 6).fold(0, |six, at| six << 1 | bit(at));
        sixes.map(|at| ALPHABET[usize::from(six(at))]).collect()
    })
}

#[test]
fn base64_is_found_wherever_it_begins() {
    // RFC 4648, section 10, and the same bytes behind one and behind two others.
    assert_eq!(base64(b"foobar")[0], b"Zm9vYmFy");
    assert!(contains(b"eGZvb2Jhcg==", &base64(b"foobar")[1]));
    assert!(contains(b"eHhmb29iYXI=", &base64(b"foobar")[2]));
}

/// Everything that is logged while a test runs, at the most talkative level.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("log").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

// One test, since the log is the process's: what else runs would stand in it too.
#[tokio::test(flavor = "multi_thread")]
async fn a_hit_and_a_miss_look_the_same_to_the_provider_and_no_identifier_leaves_the_querier() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .init();
    let metrics = metrics_exporter_prometheus::PrometheusBuilder::new().install_recorder();
    let metrics = metrics.expect("nobody else collects them");
    let network = Network::start(2).await;
    network.publish(0, "accounts", &phones(0..1_000)).await;
    let tap = tap(&network).await;
    // The first call opens the connection and learns its headers.
    network.nodes[1].screen(&[phone(90_000_001)]).await;
    network.wait_logged(1).await;

    let mut seen = Vec::new();
    let mut calls = 1;
    for number in [3, 90_000_002, 4, 90_000_003, 5, 90_000_004] {
        let (to, from) = tap.shapes();
        let screened = network.nodes[1].screen(&[phone(number)]).await;
        assert_eq!(screened.summary.rows_hit, u64::from(number < 1_000));
        calls += 1;
        network.wait_logged(calls).await;
        let (to_after, from_after) = tap.shapes();
        let batch = screened.answers[0].outcome.clone().expect("answered");
        let served = network.nodes[0]
            .frontend
            .store()
            .served(batch.session, batch.sequence)
            .await;
        let served = served.expect("read").expect("served");
        let stored = tacit_ledger::kernel::encode(&served.batch).len();
        let (asked, answered) = (&to_after[to.len()..], &from_after[from.len()..]);
        let data = |frames: &[(u8, u8, Option<usize>)]| frames.iter().filter_map(|f| f.2).sum();
        let (asked_bytes, answered_bytes): (usize, usize) = (data(asked), data(answered));
        assert!(
            asked_bytes > 300 && answered_bytes > 100,
            "{asked:?} {answered:?}"
        );
        seen.push((asked.to_vec(), answered.to_vec(), stored));
    }
    for one in &seen {
        assert_eq!(*one, seen[0], "hits and misses take turns: {seen:?}");
    }

    // The provider knows its own entries; what must not be found at it is what it was asked.
    let canaries = [90_000_001, 90_000_002, 90_000_003, 90_000_004].map(phone);
    let folder = network.nodes[0].folder.path();
    let kept: Vec<(PathBuf, Vec<u8>)> = files(folder)
        .into_iter()
        .map(|path| (path.clone(), std::fs::read(&path).unwrap_or_default()))
        .collect();
    assert!(kept.len() > 3);
    let (socket, logged) = (tap.bytes(), log.0.lock().expect("log").clone());
    assert!(contains(&logged, b"snapshots.in_force"), "the log is heard");
    let counted = metrics.render().into_bytes();
    assert!(
        contains(&counted, b"tacit_calls_served_total 7"),
        "calls are counted"
    );
    for canary in &canaries {
        for (encoding, bytes) in encodings(canary) {
            assert!(!contains(&socket, &bytes), "{encoding} in the socket");
            assert!(!contains(&logged, &bytes), "{encoding} in the log");
            assert!(!contains(&counted, &bytes), "{encoding} in the metrics");
            for (path, content) in &kept {
                assert!(
                    !contains(content, &bytes),
                    "{encoding} in {}",
                    path.display()
                );
            }
        }
    }
    // Listed identifiers stand nowhere in the clear either: not in the owner's database, not in the log.
    for (encoding, bytes) in encodings(&phone(3)) {
        assert!(!contains(&logged, &bytes), "{encoding} in the log");
        for (path, content) in &kept {
            assert!(
                !contains(content, &bytes),
                "{encoding} in {}",
                path.display()
            );
        }
    }
    // The querier's own database holds its questions only sealed.
    for path in files(network.nodes[1].folder.path()) {
        let content = std::fs::read(&path).unwrap_or_default();
        for (encoding, bytes) in encodings(&canaries[0]) {
            assert!(
                !contains(&content, &bytes),
                "{encoding} in {}",
                path.display()
            );
        }
    }
    // Tags of what was asked and not listed exist nowhere but in the querier's memory; tags of entries are
    // in the snapshots, and in no log.
    let copies = network.nodes[1].folder.path().join("lists/copies");
    let tags = files(&copies)
        .into_iter()
        .find(|path| path.extension().is_some_and(|e| e == "tags"));
    let tags = std::fs::read(tags.expect("a copy")).expect("read");
    for tag in tags[64..].chunks(16).take(200) {
        assert!(!contains(&logged, tag));
        assert!(!contains(&logged, hex::encode(tag).as_bytes()));
        let number = u128::from_le_bytes(tag.try_into().expect("16 bytes"));
        assert!(!contains(&logged, number.to_string().as_bytes()));
    }
}
