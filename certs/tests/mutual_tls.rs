//! Members over real sockets: who is let in, who is refused, and for which reason.

mod support;

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use support::{DAY, Institution, MAX_MESSAGE_BYTES, request, two};
use tacit_certs::{
    ChannelLimits, MemberAddress, PeerChannels, PeerError, PeerRefusal, PeerVerifier,
    RegisteredKeys, Registration, Reloaded, development, peer_client_config, read_authorities,
    serve::AcceptLimits,
};
use tacit_circuits::scope::MemberId;
use tacit_proto::peer::{EvaluateRequest, PingRequest, peer_client::PeerClient};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tonic::{Code, Status, transport::Channel};

async fn ping(channel: Channel) -> Result<u64, Status> {
    let response = PeerClient::new(channel).ping(PingRequest {}).await?;
    Ok(response.into_inner().height)
}

/// Opens a channel and pings, and returns why that failed. In TLS 1.3 a client learns only with its first read
/// that the server refused its certificate.
async fn refusal(caller: &Institution, called: MemberId) -> PeerRefusal {
    match caller.channels.channel(called).await {
        Ok(channel) => {
            let status = ping(channel)
                .await
                .expect_err("the call should have been refused");
            PeerRefusal::find(&status).unwrap_or_else(|| panic!("no refusal behind {status:?}"))
        }
        Err(PeerError::Refused { refusal, .. }) => refusal,
        Err(other) => panic!("refused for another reason: {other}"),
    }
}

#[tokio::test]
async fn registered_members_reach_each_other_and_know_who_calls() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = two(folder.path()).await;
    let channel = first.channels.channel(second.member).await.unwrap();
    assert_eq!(ping(channel).await.unwrap(), 1);
    let channel = second.channels.channel(first.member).await.unwrap();
    assert_eq!(ping(channel).await.unwrap(), 2);
}

#[tokio::test]
async fn a_caller_whose_key_nobody_registered_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = two(folder.path()).await;
    second.directory.replace([second.registration()]);
    // A directory that forgets a key remembers that it was in force; a fresh one never knew it.
    let strangers = RegisteredKeys::new();
    strangers.replace([second.registration()]);
    let verifier = PeerVerifier::new(strangers, None).unwrap();
    let certificate = leaf(&first);
    assert_eq!(
        verifier.identify(&certificate, now_s()).unwrap_err(),
        PeerRefusal::Unknown {
            spki: first.made.peer_spki
        }
    );
    assert!(matches!(
        refusal(&first, second.member).await,
        PeerRefusal::ByPeer { .. }
    ));
}

#[tokio::test]
async fn a_called_member_whose_key_nobody_registered_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let first = Institution::open(folder.path(), 1, &request("First Bank")).await;
    let second = Institution::open(folder.path(), 2, &request("Second Bank")).await;
    first.directory.replace([
        first.registration(),
        Registration {
            current: Vec::new(),
            ..second.registration()
        },
    ]);
    assert_eq!(
        refusal(&first, second.member).await,
        PeerRefusal::Unknown {
            spki: second.made.peer_spki
        }
    );
}

#[tokio::test]
async fn an_expired_certificate_is_refused_on_both_sides() {
    let folder = tempfile::tempdir().unwrap();
    let mut old = request("First Bank");
    old.now = SystemTime::now() - 3 * DAY;
    old.valid_for = 2 * DAY;
    let first = Institution::open(folder.path(), 1, &old).await;
    let second = Institution::open(folder.path(), 2, &request("Second Bank")).await;
    for institution in [&first, &second] {
        institution
            .directory
            .replace([first.registration(), second.registration()]);
    }
    assert!(matches!(
        refusal(&second, first.member).await,
        PeerRefusal::Expired { .. }
    ));
    assert!(matches!(
        refusal(&first, second.member).await,
        PeerRefusal::ByPeer { .. }
    ));
}

#[tokio::test]
async fn a_certificate_from_the_future_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut early = request("First Bank");
    early.now = SystemTime::now() + DAY;
    let first = Institution::open(folder.path(), 1, &early).await;
    let second = Institution::open(folder.path(), 2, &request("Second Bank")).await;
    second
        .directory
        .replace([first.registration(), second.registration()]);
    assert!(matches!(
        refusal(&second, first.member).await,
        PeerRefusal::NotYetValid { .. }
    ));
}

#[tokio::test]
async fn a_withdrawn_certificate_is_refused_at_the_next_handshake() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = two(folder.path()).await;
    let registration = Registration {
        current: Vec::new(),
        withdrawn: vec![second.made.peer_spki],
        ..second.registration()
    };
    first
        .directory
        .replace([first.registration(), registration]);
    assert_eq!(
        refusal(&first, second.member).await,
        PeerRefusal::Withdrawn {
            spki: second.made.peer_spki,
            member: second.member
        }
    );
}

#[tokio::test]
async fn a_request_over_an_open_connection_is_refused_once_the_certificate_is_withdrawn() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = two(folder.path()).await;
    let channel = first.channels.channel(second.member).await.unwrap();
    assert_eq!(ping(channel.clone()).await.unwrap(), 1);
    second.directory.replace([second.registration()]);
    let status = ping(channel).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    assert!(status.message().contains("withdrawn"), "{status}");
}

#[tokio::test]
async fn another_member_at_the_registered_address_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = two(folder.path()).await;
    let third = Institution::open(folder.path(), 3, &request("Third Bank")).await;
    let astray = Registration {
        address: Some(second.address.clone()),
        ..third.registration()
    };
    first
        .directory
        .replace([first.registration(), second.registration(), astray]);
    assert_eq!(
        refusal(&first, third.member).await,
        PeerRefusal::WrongMember {
            expected: third.member,
            presented: second.member
        }
    );
}

#[tokio::test]
async fn a_plain_text_client_gets_no_answer_and_others_are_still_served() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = two(folder.path()).await;
    let mut socket = TcpStream::connect(("127.0.0.1", second.address.port))
        .await
        .unwrap();
    socket
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer).await;
    assert!(
        !answer.windows(4).any(|window| window == b"HTTP"),
        "{answer:?}"
    );
    let channel = first.channels.channel(second.member).await.unwrap();
    assert_eq!(ping(channel).await.unwrap(), 1);
}

#[tokio::test]
async fn a_client_without_a_certificate_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = two(folder.path()).await;
    let config = peer_client_config(first.identity.clone(), first.verifier.clone()).unwrap();
    let mut bare = (*config).clone();
    bare.client_auth_cert_resolver = Arc::new(rustls_without_certificate::Nothing);
    let socket = TcpStream::connect(("127.0.0.1", second.address.port))
        .await
        .unwrap();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(bare));
    let outcome = match connector
        .connect("localhost".try_into().unwrap(), socket)
        .await
    {
        Ok(mut stream) => stream.read_u8().await.map(drop),
        Err(error) => Err(error),
    };
    let error = outcome.expect_err("a client without a certificate was let in");
    assert_eq!(
        PeerRefusal::find(&error),
        Some(PeerRefusal::ByPeer {
            alert: "certificate required"
        })
    );
}

#[tokio::test]
async fn an_oversized_message_is_refused_and_the_connection_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = two(folder.path()).await;
    let channel = first.channels.channel(second.member).await.unwrap();
    let large = EvaluateRequest {
        signed_request: vec![0; MAX_MESSAGE_BYTES + 1],
        ..EvaluateRequest::default()
    };
    let status = PeerClient::new(channel.clone())
        .evaluate(large)
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::OutOfRange, "{status}");
    assert_eq!(ping(channel).await.unwrap(), 1);
}

#[tokio::test]
async fn a_certificate_is_renewed_without_a_restart_once_the_ledger_knows_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = two(folder.path()).await;
    let renewed_key =
        development::renew_peer(&folder.path().join("2"), &request("Second Bank")).unwrap();
    assert_ne!(renewed_key, second.made.peer_spki);
    // A connection that shows the old certificate: it must not outlive it.
    let channel = second.channels.channel(first.member).await.unwrap();
    assert_eq!(ping(channel).await.unwrap(), 2);

    // The ledger does not know the new key yet, so the old certificate stays in use.
    let waiting = second.identity.reload(|_| false).unwrap();
    assert!(matches!(waiting, Reloaded::Waiting(facts) if facts.spki == renewed_key));
    let channel = first.channels.channel(second.member).await.unwrap();
    assert_eq!(ping(channel).await.unwrap(), 1);

    for institution in [&first, &second] {
        let renewed = second.registration_with(renewed_key);
        institution
            .directory
            .replace([first.registration(), renewed]);
    }
    let changed = second.identity.reload(|_| true).unwrap();
    assert!(matches!(changed, Reloaded::Changed(facts) if facts.spki == renewed_key));
    let channel = first.channels.channel(second.member).await.unwrap();
    assert_eq!(ping(channel).await.unwrap(), 1);
    let channel = second.channels.channel(first.member).await.unwrap();
    assert_eq!(ping(channel).await.unwrap(), 2);
    assert_eq!(
        second.identity.reload(|_| true).unwrap(),
        Reloaded::Unchanged
    );
}

#[tokio::test]
async fn a_half_replaced_pair_of_files_leaves_the_former_certificate_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = two(folder.path()).await;
    let key = second.made.layout.peer().key;
    std::fs::copy(first.made.layout.peer().key, key).unwrap();
    let error = second.identity.reload(|_| true).unwrap_err();
    assert!(error.to_string().contains("does not belong to"), "{error}");
    let channel = first.channels.channel(second.member).await.unwrap();
    assert_eq!(ping(channel).await.unwrap(), 1);
}

#[tokio::test]
async fn an_institution_may_insist_on_authorities_of_its_choice() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = two(folder.path()).await;
    for (file, trusted) in [
        (second.made.layout.peer_authority().certificate, true),
        (first.made.layout.peer_authority().certificate, false),
    ] {
        let roots = read_authorities(&file).unwrap();
        let verifier = PeerVerifier::new(first.directory.clone(), Some(roots)).unwrap();
        let config = peer_client_config(first.identity.clone(), Arc::new(verifier)).unwrap();
        let socket = TcpStream::connect(("127.0.0.1", second.address.port))
            .await
            .unwrap();
        let connector = tokio_rustls::TlsConnector::from(config);
        let outcome = connector
            .connect("localhost".try_into().unwrap(), socket)
            .await;
        match outcome {
            Ok(_) => assert!(trusted, "a certificate of another authority was accepted"),
            Err(error) => {
                assert!(!trusted, "{error}");
                let refusal = PeerRefusal::find(&error);
                assert!(matches!(
                    refusal,
                    Some(PeerRefusal::UntrustedAuthority { .. })
                ));
            }
        }
    }
}

#[tokio::test]
async fn one_member_cannot_take_more_connections_than_its_share() {
    let folder = tempfile::tempdir().unwrap();
    let limits = AcceptLimits {
        max_connections_per_member: 1,
        ..AcceptLimits::default()
    };
    let first = Institution::open(folder.path(), 1, &request("First Bank")).await;
    let second = Institution::open_with(folder.path(), 2, &request("Second Bank"), limits).await;
    for institution in [&first, &second] {
        institution
            .directory
            .replace([first.registration(), second.registration()]);
    }
    let held = first.channels.channel(second.member).await.unwrap();
    assert_eq!(ping(held.clone()).await.unwrap(), 1);
    let more = PeerChannels::new(
        first.identity.clone(),
        first.directory.clone(),
        first.verifier.clone(),
        ChannelLimits::default(),
    );
    let outcome = match more.channel(second.member).await {
        Ok(channel) => ping(channel).await.map_err(|status| status.to_string()),
        Err(error) => Err(error.to_string()),
    };
    assert!(outcome.is_err(), "a second connection was let in");
    assert_eq!(ping(held).await.unwrap(), 1);
}

#[tokio::test]
async fn a_member_that_is_down_is_unreachable_and_is_reached_again_when_it_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = two(folder.path()).await;
    let nowhere = MemberAddress {
        host: "127.0.0.1".to_owned(),
        port: free_port().await,
    };
    let down = Registration {
        address: Some(nowhere),
        ..second.registration()
    };
    first.directory.replace([first.registration(), down]);
    let error = first.channels.channel(second.member).await.unwrap_err();
    assert!(matches!(error, PeerError::Unreachable { .. }), "{error}");
    first
        .directory
        .replace([first.registration(), second.registration()]);
    let channel = first.channels.channel(second.member).await.unwrap();
    assert_eq!(ping(channel).await.unwrap(), 1);
    let error = first.channels.channel(MemberId(9)).await.unwrap_err();
    assert!(matches!(error, PeerError::NoAddress { .. }), "{error}");
}

#[tokio::test]
async fn a_listener_that_never_shakes_hands_is_unreachable_after_the_timeout() {
    let folder = tempfile::tempdir().unwrap();
    let first = Institution::open(folder.path(), 1, &request("First Bank")).await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = MemberAddress {
        host: "127.0.0.1".to_owned(),
        port: silent.local_addr().unwrap().port(),
    };
    first.directory.replace([Registration {
        member: MemberId(2),
        current: Vec::new(),
        withdrawn: Vec::new(),
        address: Some(address),
    }]);
    let waited = tokio::time::timeout(Duration::from_secs(8), first.channels.channel(MemberId(2)));
    let error = waited
        .await
        .expect("the attempt ends by itself")
        .unwrap_err();
    assert!(matches!(error, PeerError::Unreachable { .. }), "{error}");
}

async fn free_port() -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port()
}

fn leaf(institution: &Institution) -> Vec<u8> {
    use rustls::pki_types::{CertificateDer, pem::PemObject as _};
    let file = institution.made.layout.peer().certificate;
    CertificateDer::from_pem_file(file).unwrap().to_vec()
}

fn now_s() -> i64 {
    let elapsed = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap();
    i64::try_from(elapsed.as_secs()).unwrap()
}

mod rustls_without_certificate {
    use std::sync::Arc;

    use rustls::{SignatureScheme, client::ResolvesClientCert, sign::CertifiedKey};

    /// Offers no certificate.
    #[derive(Debug)]
    pub(crate) struct Nothing;

    impl ResolvesClientCert for Nothing {
        fn resolve(
            &self,
            _root_hint_subjects: &[&[u8]],
            _schemes: &[SignatureScheme],
        ) -> Option<Arc<CertifiedKey>> {
            None
        }

        fn has_certs(&self) -> bool {
            false
        }
    }
}
