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

impl Wiretap {
    fn lengths(&self) -> (usize, usize) {
        let length = |bytes: &Mutex<Vec<u8>>| bytes.lock().expect("tap").len();
        (length(&self.to_provider), length(&self.from_provider))
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
        all.push((format!("{name}, hex"), hex::encode(&bytes).into_bytes()));
        all.push((
            format!("{name}, HEX"),
            hex::encode_upper(&bytes).into_bytes(),
        ));
    }
    all
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
    let network = Network::start(2).await;
    network.publish(0, "accounts", &phones(0..1_000)).await;
    let tap = tap(&network).await;
    // The first call opens the connection and learns its headers.
    network.nodes[1].screen(&[phone(90_000_001)]).await;
    network.wait_logged(1).await;

    let mut seen = Vec::new();
    let mut calls = 1;
    for number in [3, 90_000_002, 4, 90_000_003, 5, 90_000_004] {
        let (to, from) = tap.lengths();
        let screened = network.nodes[1].screen(&[phone(number)]).await;
        assert_eq!(screened.summary.rows_hit, u64::from(number < 1_000));
        calls += 1;
        network.wait_logged(calls).await;
        // Frames that only keep the connection going come when they come.
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        let (to_after, from_after) = tap.lengths();
        let batch = screened.answers[0].outcome.clone().expect("answered");
        let served = network.nodes[0]
            .frontend
            .store()
            .served(batch.session, batch.sequence)
            .await;
        let served = served.expect("read").expect("served");
        let stored = tacit_ledger::kernel::encode(&served.batch).len();
        seen.push((number < 1_000, to_after - to, from_after - from, stored));
    }
    let shape = |(_, to, from, stored): (bool, usize, usize, usize)| (to, from, stored);
    // The first two have met the connection's compression of headers; from then on all are alike.
    for one in &seen[1..] {
        assert_eq!(shape(*one), shape(seen[1]), "{seen:?}");
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
    for canary in &canaries {
        for (encoding, bytes) in encodings(canary) {
            assert!(!contains(&socket, &bytes), "{encoding} in the socket");
            assert!(!contains(&logged, &bytes), "{encoding} in the log");
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
    for tag in tags[32..].chunks(16).take(200) {
        assert!(!contains(&logged, tag));
        assert!(!contains(&logged, hex::encode(tag).as_bytes()));
        let number = u128::from_le_bytes(tag.try_into().expect("16 bytes"));
        assert!(!contains(&logged, number.to_string().as_bytes()));
    }
}
