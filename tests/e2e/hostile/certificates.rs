//! Dogwood, and strangers, with certificates that are not good.

use std::io::Write as _;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tacit_certs::development;
use tacit_circuits::scope::ListId;
use tacit_frontend::ports::LedgerError;
use tacit_ledger::kernel::Reject;
use tacit_ledger::network::{Action, SpkiHash};
use tacit_proto::peer as wire;

use super::querier::BIRCH;
use super::{BIRCH_ID, DOGWOOD, Dogwood};
use crate::consortium::{Consortium, eventually};
use crate::wire::shake_hands;

/// Makes a certificate, and answers with its folder and the key that a ledger would register.
fn certificate(
    network: &Consortium,
    name: &str,
    now: SystemTime,
    valid_for: Duration,
) -> (PathBuf, SpkiHash) {
    let folder = network.path(name);
    let request = development::Request {
        institution: "dogwood".to_owned(),
        hosts: vec!["127.0.0.1".to_owned()],
        valid_for,
        now,
    };
    let made = development::create(&folder, &request).expect("a certificate");
    (folder, SpkiHash(made.peer_spki.0))
}

/// Whether birch refuses whoever shows this certificate, and says in its log for which reason.
fn is_refused(network: &Consortium, folder: &Path, reason: &str) {
    let said = |log: &str| {
        let lines = log
            .lines()
            .filter(|line| line.contains("a connection is refused"));
        lines
            .filter(|line| line.contains(&format!("\"reason\":\"{reason}\"")))
            .count()
    };
    let before = said(&network.log(BIRCH));
    let refused = shake_hands(network, BIRCH, folder);
    assert!(refused.is_err(), "a certificate that is {reason} is let in");
    eventually(&format!("the log says {reason}"), || {
        said(&network.log(BIRCH)) > before
    });
}

/// Whoever shows a certificate that is not good is refused, and the log says why.
pub(super) fn certificates_are_refused(network: &Consortium, dogwood: &Dogwood) {
    const HOUR: Duration = Duration::from_secs(3_600);
    let now = SystemTime::now();
    let (unknown, _) = certificate(network, "unknown", now, HOUR);
    is_refused(network, &unknown, "unknown");
    let (early, _) = certificate(network, "early", now + 2 * HOUR, HOUR);
    is_refused(network, &early, "not-yet-valid");

    // An expired certificate is refused although its key is the registered one, and the key that it took the
    // place of is refused from then on, also over a connection that is open.
    let mut open = dogwood.client(BIRCH_ID);
    let mut ping = || dogwood.runtime.block_on(open.ping(wire::PingRequest {}));
    assert!(ping().is_ok(), "dogwood is let in");
    let (expired, key) = certificate(network, "expired", now - 2 * HOUR, HOUR);
    rotate(dogwood, key);
    is_refused(network, &expired, "expired");
    let own = network.node(DOGWOOD).folder.join("certs");
    is_refused(network, &own, "withdrawn");
    let status = ping().expect_err("the connection outlives its certificate");
    assert_eq!(status.code(), tonic::Code::Unauthenticated, "{status}");

    let address = &network.node(BIRCH).card.frontend_address;
    let mut plain = TcpStream::connect(address).expect("a connection");
    plain.write_all(b"GET / HTTP/1.1\r\n\r\n").expect("sent");
    eventually("the log says not-mutual-tls", || {
        network.log(BIRCH).contains("\"reason\":\"not-mutual-tls\"")
    });
}

fn rotate(dogwood: &Dogwood, tls_spki_hash: SpkiHash) {
    let rotated = dogwood.submit(Action::RotateCertificate { tls_spki_hash });
    let height = rotated.expect("registered").height;
    // Birch may be a block behind dogwood.
    let mut tip = dogwood.ledger.handle().tip();
    let passed = tip.wait_for(|header| header.height.get() > height + 4);
    dogwood.runtime.block_on(passed).expect("blocks pass");
}

/// Whoever left the network is refused, whatever it shows and signs.
pub(super) fn a_member_that_was_removed_is_refused(network: &Consortium, dogwood: &Dogwood) {
    let (folder, key) = certificate(
        network,
        "renewed",
        SystemTime::now(),
        Duration::from_secs(3_600),
    );
    rotate(dogwood, key);
    shake_hands(network, BIRCH, &folder).expect("a renewed certificate is let in");
    network.decide(&["network", "propose-parameter", "min_validators", "3"]);
    network.decide(&["member", "propose-remove", "4"]);
    eventually("birch knows that dogwood left", || {
        network.ask(BIRCH, &["member", "show", "4"])["status"] == "left"
    });
    is_refused(network, &folder, "withdrawn");
    let list = ListId(1);
    let refused = dogwood.submit(Action::WithdrawList { list });
    assert!(
        matches!(refused, Err(LedgerError::Rejected(Reject::SENDER_LEFT))),
        "{refused:?}"
    );
}
