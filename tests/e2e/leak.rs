//! What is left of a question elsewhere than with whoever asked it: nothing.
//!
//! Alder asks birch about numbers that nobody else ever wrote down. Then everything that birch, and a member that
//! has nothing to do with it, keep and say is searched for them, and what alder says for others' eyes.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use tacit_circuits::curve::encode_field;
use tacit_circuits::list::{Tag, VersionId};
use tacit_circuits::oprf::ListKey;
use tacit_circuits::scope::{ListId, ListVersion, TagEpoch};
use tacit_frontend::store::{MasterKey, Store};
use tacit_node::config::Config;
use tacit_node::keys::NodeKeys;

use crate::consortium::{Consortium, HIT, SCREEN, answers, eventually, phone, phones};
use crate::hostile::lists::{input, tags};
use crate::tap::{Heard, Tap};

const ALDER: usize = 0;
const BIRCH: usize = 1;
const CEDAR: usize = 2;
const MEMBERS: usize = 4;

/// Numbers on birch's list, and numbers that are on no list. No other number of the test looks like them.
const LISTED: [u32; 3] = [31_415_926, 27_182_818, 16_180_339];
const NOT_LISTED: [u32; 3] = [57_721_566, 14_142_135, 26_457_513];

/// Screenings of one number each, whose sizes on the wire are compared.
const ROUNDS: usize = 8;

/// By how much one question and its answer may differ from another: the time of day stands in the headers of a
/// response, compressed (RFC 7541), a probe of the connection may go along, and what usually makes one record may
/// make two.
const TOLERANCE_BYTES: usize = 64;

/// Records up to this length only keep the connection going: acknowledgements, window updates, probes.
const UPKEEP_BYTES: usize = 64;

#[test]
fn nothing_of_a_question_is_left_with_anybody_but_whoever_asked() {
    let mut network = Consortium::laid_out();
    for index in [ALDER, BIRCH, CEDAR] {
        network.configure(index, "log_filter = \"info\"", "log_filter = \"trace\"");
    }
    let tap = tapped(&network, BIRCH);
    for index in 0..MEMBERS {
        network.start_node(index, &[]);
    }
    for index in 0..MEMBERS {
        network.wait_ready(index);
    }
    let listed: Vec<String> = LISTED.into_iter().map(phone).chain(phones(0..50)).collect();
    network.publish(BIRCH, "cheats", &listed);

    hits_and_misses_have_one_size(&network, &tap);
    let said = all_are_asked(&network);

    let metrics = [ALDER, BIRCH, CEDAR].map(|index| network.probe(index, "/metrics"));
    assert!(
        metrics[1].contains("tacit_calls_served_total"),
        "{metrics:?}"
    );
    for index in 0..MEMBERS {
        network.stop(index);
    }
    let traces = Traces {
        birch: files(&network.node(BIRCH).folder),
        cedar: files(&network.node(CEDAR).folder),
        told: [
            ("what the command line printed", said.into_bytes()),
            ("alder's log", network.log(ALDER).into_bytes()),
            ("birch's log", network.log(BIRCH).into_bytes()),
            ("cedar's log", network.log(CEDAR).into_bytes()),
            ("the metrics", metrics.concat().into_bytes()),
            ("the wire", bytes(&tap.heard())),
        ]
        .map(|(name, bytes)| (name.to_owned(), bytes)),
    };
    let key = key_of(&network, BIRCH);
    nothing_is_found(&traces, &key);
    what_is_there_is_found(&traces, &key);
}

/// Puts a tap in front of a member: it listens elsewhere, and the tap at its registered address.
fn tapped(network: &Consortium, index: usize) -> Tap {
    let registered: SocketAddr = network
        .node(index)
        .card
        .frontend_address
        .parse()
        .expect("one");
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let elsewhere = free.local_addr().expect("an address");
    network.configure(
        index,
        &format!("listen = \"{registered}\""),
        &format!("listen = \"{elsewhere}\""),
    );
    Tap::between(registered, elsewhere)
}

/// Lengths of the TLS records that carry requests and answers, in both directions.
type Shape = (Vec<usize>, Vec<usize>);

/// The lengths of the records of a part of a connection (RFC 8446, section 5.1).
fn records(mut bytes: &[u8]) -> Vec<usize> {
    const HEADER_BYTES: usize = 5;
    let mut lengths = Vec::new();
    while let Some((header, body)) = bytes.split_at_checked(HEADER_BYTES) {
        let length = usize::from(header[3]) << 8 | usize::from(header[4]);
        assert!(body.len() >= length, "a record is on its way");
        if length > UPKEEP_BYTES {
            lengths.push(length);
        }
        bytes = &body[length..];
    }
    lengths
}

/// What passed over the one connection on which something was asked, between two looks.
fn shape(before: &[Heard], after: &[Heard]) -> Shape {
    let mut shapes = after.iter().enumerate().filter_map(|(number, after)| {
        let none = Heard::default();
        let before = before.get(number).unwrap_or(&none);
        let asked = records(&after.to_server[before.to_server.len()..]);
        let answered = records(&after.from_server[before.from_server.len()..]);
        (!asked.is_empty()).then_some((asked, answered))
    });
    let shape = shapes.next().expect("something was asked");
    assert_eq!(shapes.next(), None, "on one connection");
    shape
}

/// Bytes of a shape, in both directions.
fn total(shape: &Shape) -> usize {
    shape.0.iter().chain(&shape.1).sum()
}

fn hits_and_misses_have_one_size(network: &Consortium, tap: &Tap) {
    let (mut hits, mut misses) = (Vec::new(), Vec::new());
    for round in 0..2 * ROUNDS {
        let hit = round % 2 == 0;
        let number = if hit { LISTED } else { NOT_LISTED }[round / 2 % LISTED.len()];
        let before = tap.heard();
        let rows = network.screen(ALDER, &[&phone(number)], &[]);
        let expected = if hit { "hit" } else { "clear" };
        assert_eq!(answers(&rows[0]), [(1, expected.into())]);
        // The first one opens connections, and tells the other side what later ones leave out.
        if round >= 2 {
            let shape = shape(&before, &tap.heard());
            if hit { &mut hits } else { &mut misses }.push(shape);
        }
    }
    // A size that only hits have, or only misses, would tell which is which.
    let common: Vec<&Shape> = hits.iter().filter(|shape| misses.contains(shape)).collect();
    let some = common.first().expect("a hit has the size of a miss");
    for shape in hits.iter().chain(&misses) {
        let differs_by = total(shape).abs_diff(total(some));
        assert!(differs_by <= TOLERANCE_BYTES, "{hits:?} {misses:?}");
    }
    println!("asked {:?}, answered {:?}", some.0, some.1);
}

/// Asks about all numbers in the spelling of people. Answers with what was printed.
fn all_are_asked(network: &Consortium) -> String {
    let spellings: Vec<String> = LISTED.into_iter().chain(NOT_LISTED).map(spelling).collect();
    let spellings: Vec<&str> = spellings.iter().map(String::as_str).collect();
    let arguments = [&SCREEN[..], &["--output", "json"], &spellings].concat();
    let said = network.expect(ALDER, &arguments, &[HIT]);
    eventually("all is final", || {
        network.ask(BIRCH, &["status"])["calls_waiting"] == 0
    });
    let shown = network.expect(ALDER, &["history", "--asked", "--output", "json"], &[0]);
    said.out + &said.err + &shown.out
}

/// A number as people type it.
fn spelling(number: u32) -> String {
    let phone = phone(number);
    format!("{}-{} {}", &phone[..3], &phone[3..7], &phone[7..])
}

/// Everything under a folder.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let content = std::fs::read(&path).expect("a file");
            found.push((path, content));
        }
    }
    found
}

fn bytes(heard: &[Heard]) -> Vec<u8> {
    let parts = heard
        .iter()
        .flat_map(|heard| [&heard.to_server, &heard.from_server]);
    parts.flatten().copied().collect()
}

/// The key of a member's only list, read out of its database as its own node does.
fn key_of(network: &Consortium, index: usize) -> ListKey {
    let config = Config::load(&network.node(index).config_file()).expect("a configuration");
    let keys = NodeKeys::load(&config.keys).expect("keys");
    let master = MasterKey::from_bytes(*keys.store.expose());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let store = Store::open(&config.database_url("front-end"), &master).await;
        let store = store.expect("its database");
        let lists = store.own_lists().await.expect("lists");
        let epoch = store.own_epoch(lists[0].local_id, TagEpoch(0)).await;
        let key = epoch.expect("read").and_then(|epoch| epoch.key);
        key.expect("a key")
    })
}

/// All that is searched.
struct Traces {
    birch: Vec<(PathBuf, Vec<u8>)>,
    cedar: Vec<(PathBuf, Vec<u8>)>,
    told: [(String, Vec<u8>); 6],
}

const ID: VersionId = VersionId {
    list: ListId(1),
    tag_epoch: TagEpoch(0),
    version: ListVersion(0),
};

fn tag(key: &ListKey, number: u32) -> Tag {
    tags(key, ID, &[phone(number)], 1)[0]
}

/// A number in every encoding that is in use.
fn identifier(number: u32) -> Vec<(String, Vec<u8>)> {
    let phone = phone(number);
    let x = encode_field(&input(&phone, ID.list, ID.tag_epoch).x);
    let utf16 = phone.encode_utf16().flat_map(u16::to_le_bytes).collect();
    everywhere(&[
        ("as typed", spelling(number).into_bytes()),
        ("canonical", format!("+86{phone}").into_bytes()),
        ("national", phone.into_bytes()),
        ("in UTF-16", utf16),
        ("field element", x.to_vec()),
        ("field element, big-endian", reversed(&x)),
    ])
}

fn tag_encodings(tag: Tag) -> Vec<(String, Vec<u8>)> {
    let bytes = tag.to_u128().to_le_bytes();
    let mut all = everywhere(&[
        ("tag", bytes.to_vec()),
        ("tag, big-endian", reversed(&bytes)),
    ]);
    all.push(("tag, decimal".to_owned(), tag.to_u128().to_string().into()));
    all
}

fn reversed(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().rev().copied().collect()
}

/// Bytes as they are, in hexadecimal and in base64.
fn everywhere(named: &[(&str, Vec<u8>)]) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for (name, bytes) in named {
        all.push(((*name).to_owned(), bytes.clone()));
        all.push((format!("{name}, hex"), hex::encode(bytes).into_bytes()));
        let capitals = hex::encode_upper(bytes).into_bytes();
        all.push((format!("{name}, HEX"), capitals));
        for (shift, text) in base64(bytes).into_iter().enumerate() {
            all.push((format!("{name}, base64 from {shift}"), text));
        }
    }
    all
}

/// What is found in any base64 text (RFC 4648, section 4) that holds the bytes, for each of the three places at
/// which they may begin: the characters that depend on nothing else.
fn base64(bytes: &[u8]) -> [Vec<u8>; 3] {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bit = |at: usize| (bytes[at / 8] >> (7 - at % 8)) & 1;
    // The first whole character begins so many bits into the bytes.
    [0, 4, 2].map(|first| {
        let sixes = (first..)
            .step_by(6)
            .take_while(|at| at + 6 <= 8 * bytes.len());
        let six = |at: usize| (at..at + 6).fold(0, |six, at| six << 1 | bit(at));
        sixes.map(|at| ALPHABET[usize::from(six(at))]).collect()
    })
}

/// Byte strings that are searched for at once.
struct Needles {
    named: Vec<(String, Vec<u8>)>,
    /// Which of them begin with two bytes.
    beginning: Vec<Vec<usize>>,
}

impl Needles {
    fn new(named: Vec<(String, Vec<u8>)>) -> Self {
        let mut beginning = vec![Vec::new(); 1 << 16];
        for (index, (_, needle)) in named.iter().enumerate() {
            beginning[start(needle)].push(index);
        }
        Self { named, beginning }
    }

    /// The names of those that are found.
    fn found_in(&self, haystack: &[u8]) -> Vec<&str> {
        let mut found = Vec::new();
        for at in 0..haystack.len().saturating_sub(1) {
            let rest = &haystack[at..];
            for &index in &self.beginning[start(rest)] {
                let (name, needle) = &self.named[index];
                if rest.starts_with(needle) && !found.contains(&name.as_str()) {
                    found.push(name);
                }
            }
        }
        found
    }
}

/// The first two bytes, as a number.
fn start(bytes: &[u8]) -> usize {
    usize::from(bytes[0]) << 8 | usize::from(bytes[1])
}

fn nothing_is_found(traces: &Traces, key: &ListKey) {
    let identifiers = || LISTED.into_iter().chain(NOT_LISTED).flat_map(identifier);
    let tags_of = |numbers: [u32; 3]| numbers.map(|number| tag_encodings(tag(key, number)));
    let not_listed = tags_of(NOT_LISTED).concat();
    // The tags of what birch lists are in its snapshot; those of what it does not list are nowhere.
    let kept = Needles::new(identifiers().chain(not_listed.clone()).collect());
    for (path, content) in traces.birch.iter().chain(&traces.cedar) {
        let found = kept.found_in(content);
        assert!(found.is_empty(), "{found:?} in {}", path.display());
    }
    // Nor is a tag of any number ever told.
    let listed = tags_of(LISTED).concat();
    let told = Needles::new(identifiers().chain(not_listed).chain(listed).collect());
    for (name, content) in &traces.told {
        let found = told.found_in(content);
        assert!(found.is_empty(), "{found:?} in {name}");
    }
}

/// The search finds what is there: else it would prove nothing.
fn what_is_there_is_found(traces: &Traces, key: &ListKey) {
    assert!(traces.birch.len() > 5 && traces.cedar.len() > 5);
    for (name, content) in &traces.told {
        println!("{name}: {} KiB", content.len() >> 10);
        assert!(content.len() > 1_000, "{name} is heard");
    }
    let said = |index: usize| String::from_utf8_lossy(&traces.told[index].1);
    assert!(
        said(1).contains("snapshots.in_force"),
        "alder's log is heard"
    );
    assert!(said(2).contains("TRACE"), "birch's log is heard in full");

    let listed = Needles::new(tag_encodings(tag(key, LISTED[0])));
    let holds = |files: &[(PathBuf, Vec<u8>)]| {
        let found = files
            .iter()
            .flat_map(|(_, content)| listed.found_in(content));
        found.collect::<Vec<_>>()
    };
    assert!(holds(&traces.birch).contains(&"tag"), "in its own snapshot");
    assert!(holds(&traces.cedar).contains(&"tag"), "in the copy of it");

    // A canary that is planted, in every encoding.
    let number = NOT_LISTED[1];
    let all = [identifier(number), tag_encodings(tag(key, number))].concat();
    let mut planted = traces.birch[0].1.clone();
    for (_, bytes) in &all {
        planted.extend_from_slice(b"some other text ");
        planted.extend_from_slice(bytes);
    }
    let needles = Needles::new(all);
    let found = needles.found_in(&planted);
    for (name, _) in &needles.named {
        assert!(found.contains(&name.as_str()), "{name} is not found");
    }
}

#[test]
fn base64_is_found_wherever_it_begins() {
    // RFC 4648, section 10, and the same bytes behind one and behind two others.
    let texts = ["Zm9vYmFy", "eGZvb2Jhcg==", "eHhmb29iYXI="];
    for (needle, text) in base64(b"foobar").into_iter().zip(texts) {
        let found = text.as_bytes().windows(needle.len());
        assert!(found.into_iter().any(|window| window == needle), "{text}");
    }
}
