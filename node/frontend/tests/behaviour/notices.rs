//! Entries that were corrected, and whom that is told: who relied on one, and nobody else.

use std::net::SocketAddr;
use std::time::Duration;

use rand_core::OsRng;
use tacit_circuits::curve::encode_field;
use tacit_circuits::identifier::{Conventions, IdentifierType, normalize};
use tacit_circuits::receipt::{CommitmentSecret, KeyId, PROOF_BYTES, Proof, commit};
use tacit_circuits::scope::{ListVersion, MemberId};
use tacit_frontend::disputes::Challenge;
use tacit_frontend::lists::{DraftMode, ListSpec, Progress, Published};
use tacit_frontend::notices::{Cause, Duty, Notice, NoticeError, NoticeKind};
use tacit_frontend::ports::{Ledger, PeerIdentity};
use tacit_frontend::retention::Period;
use tacit_frontend::screening::ScreenRequest;
use tacit_frontend::store::Destruction;
use tacit_ledger::kernel::codec;
use tacit_ledger::kernel::hash::{Label, hash};
use tacit_ledger::network::audit::AuditContext;
use tacit_ledger::network::{
    Action, DisputeId, DisputeReason, Event, PublicationId, PublicationStatus, Root, read as state,
};
use tacit_proto::peer as wire;
use tacit_proto::peer::peer_server::{Peer, PeerServer};
use tonic::transport::Server;
use tonic::{Request, Response, Status};

use crate::support::{Network, Node, context, eventually, phone, phones, rows, spec};

/// The label under which a challenge is hashed (docs/protocol.md, "What is shown in a dispute").
static CHALLENGE: Label = Label::new("tacit v1 dispute challenge");

/// Who owns the list, who relied on the entry, who did not, and who disputes it.
const OWNER: usize = 0;
const RELIED: usize = 1;
const OTHER: usize = 2;
const CHALLENGER: usize = 3;

/// The entry that is disputed, one that leaves for another reason, and one that stays.
const WRONG: u32 = 7;
const SETTLED: u32 = 9;
const STAYS: u32 = 5;

/// A challenger's service that shows one package, and its list's owner nothing else.
struct Party(Vec<u8>);

#[tonic::async_trait]
impl Peer for Party {
    type FetchSnapshotStream = tonic::Streaming<wire::SnapshotPart>;

    async fn fetch_dispute_package(
        &self,
        _: Request<wire::FetchDisputePackageRequest>,
    ) -> Result<Response<wire::DisputePackage>, Status> {
        let package = self.0.clone();
        Ok(Response::new(wire::DisputePackage { package }))
    }

    async fn fetch_disclosure(
        &self,
        _: Request<wire::FetchDisclosureRequest>,
    ) -> Result<Response<wire::Disclosure>, Status> {
        Err(Status::not_found("none"))
    }

    async fn ping(
        &self,
        _: Request<wire::PingRequest>,
    ) -> Result<Response<wire::PingResponse>, Status> {
        Err(Status::not_found("none"))
    }

    async fn evaluate(
        &self,
        _: Request<wire::EvaluateRequest>,
    ) -> Result<Response<wire::EvaluateResponse>, Status> {
        Err(Status::not_found("none"))
    }

    async fn fetch_snapshot(
        &self,
        _: Request<wire::FetchSnapshotRequest>,
    ) -> Result<Response<Self::FetchSnapshotStream>, Status> {
        Err(Status::not_found("none"))
    }
}

async fn start() -> (Network, PublicationId) {
    let terms = |_: &mut _, parameters: &mut tacit_ledger::network::Parameters| {
        parameters.panel_size = 1;
        parameters.dispute_stake_minor = 0;
    };
    let network = Network::start_with(4, terms, |_| {}).await;
    let published = network.publish(OWNER, "accounts", &phones(0..20)).await;
    (network, published.publication)
}

/// Asks about one number in a case.
async fn ask(node: &Node, number: u32, case: &str) {
    let request = ScreenRequest {
        context: AuditContext {
            case_reference: case.to_owned(),
            ..context()
        },
        ..ScreenRequest::default()
    };
    let screened = node.screen_with(&[phone(number)], request).await;
    assert_eq!(screened.hits.len(), 1, "{screened:?}");
}

/// Opens a dispute about [`WRONG`], whose package the owner can fetch.
async fn dispute(network: &Network, publication: PublicationId) -> DisputeId {
    let kind = IdentifierType::Phone;
    let x = normalize(kind, &phone(WRONG), &Conventions::default()).expect("a number");
    let secret = CommitmentSecret::random(&mut OsRng);
    let challenge = Challenge {
        nonce: [1; 32],
        kind,
        x: encode_field(&x.field()),
        secret: *secret.to_secret_bytes(),
        publication,
        key: KeyId([2; 32]),
        log_root: Root([3; 32]),
        // The owner corrects what the commitment is about; the panel alone looks at the proof.
        proof: Proof([0; PROOF_BYTES]),
    };
    let package = codec::encode(&challenge);
    let action = Action::OpenDispute {
        publication,
        commitment: commit(kind, x.field(), &secret),
        kind,
        package: hash(&CHALLENGE, &package),
        reason: DisputeReason::WrongSubject,
    };
    // The challenger keeps what it shows.
    let period = Period {
        class: "standard".parse().expect("a class"),
        month: "2023-11".parse().expect("a month"),
    };
    let store = network.nodes[CHALLENGER].frontend.store();
    let digest = hash(&CHALLENGE, &package);
    let kept = store.keep_package((&period, 12), digest, &package).await;
    kept.expect("kept");
    let address = serve(Party(package)).await;
    let (owner, challenger) = (network.nodes[OWNER].id, network.nodes[CHALLENGER].id);
    network.wires.route(owner, challenger, address);
    let opened = network.nodes[CHALLENGER].ledger.submit(action).await;
    let events = opened.expect("opened").events;
    let found = events.iter().find_map(|event| match event {
        Event::DisputeOpened { dispute, .. } => Some(*dispute),
        _ => None,
    });
    found.expect("a dispute")
}

async fn serve(party: Party) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a port");
    let address = listener.local_addr().expect("an address");
    let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
    let known = |mut request: Request<()>| {
        request.extensions_mut().insert(PeerIdentity(MemberId(4)));
        Ok(request)
    };
    let service = PeerServer::with_interceptor(party, known);
    tokio::spawn(
        Server::builder()
            .add_service(service)
            .serve_with_incoming(incoming),
    );
    address
}

/// Everybody has asked: about the wrong entry, about others, and about what is not listed.
async fn everybody_asks(network: &Network) {
    ask(&network.nodes[RELIED], WRONG, "LOAN-1").await;
    ask(&network.nodes[RELIED], STAYS, "LOAN-2").await;
    ask(&network.nodes[OTHER], SETTLED, "LOAN-3").await;
    ask(&network.nodes[OTHER], 500, "LOAN-4").await;
    ask(&network.nodes[CHALLENGER], WRONG, "LOAN-5").await;
}

/// Publishes the list without some of its entries. What is published need not have come to anybody yet.
async fn publish_without(network: &Network, numbers: &[u32]) -> Published {
    let left = (0..20).filter(|number| !numbers.contains(number));
    let left = phones(left);
    network.nodes[OWNER]
        .publish("accounts", &left, DraftMode::Replace)
        .await
}

async fn notices(node: &Node, all: bool) -> Vec<Notice> {
    node.frontend.notices.list(all).await.expect("read")
}

/// Waits until a member has one notice, and gives it.
async fn told_once(node: &Node) -> Notice {
    eventually(&format!("{} is told", node.id), async || {
        !notices(node, true).await.is_empty()
    })
    .await;
    let mut told = notices(node, true).await;
    assert_eq!(told.len(), 1, "{told:?}");
    told.remove(0)
}

/// A while in which whatever would be told is.
async fn a_while() {
    tokio::time::sleep(Duration::from_millis(600)).await;
}

/// Makes the owner's service unreachable for the others, or reachable again.
async fn cut_off(network: &Network, others: &[usize]) {
    let nobody = "127.0.0.1:1".parse().expect("an address");
    for other in others {
        let (other, owner) = (network.nodes[*other].id, network.nodes[OWNER].id);
        network.wires.route(other, owner, nobody);
    }
}

async fn connect(network: &Network, others: &[usize]) {
    for other in others {
        let (other, owner) = (network.nodes[*other].id, &network.nodes[OWNER]);
        let (address, _) = crate::support::serve(&owner.frontend, other).await;
        network.wires.route(other, owner.id, address);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_relied_on_a_withdrawn_entry_is_told_once_and_nobody_else() {
    let (mut network, first) = start().await;
    everybody_asks(&network).await;
    let id = dispute(&network, first).await;
    let owner = &network.nodes[OWNER].frontend;
    owner.disputes.withdraw(id).await.expect("withdrawn");
    let duties = owner.notices.duties().await.expect("read");
    let due = |duty: &Duty| matches!(duty, Duty::Correct { dispute, .. } if *dispute == id);
    assert!(duties.len() == 1 && due(&duties[0]), "{duties:?}");
    assert_eq!(duties[0].kind(), NoticeKind::CorrectionDue);
    let second = publish_without(&network, &[WRONG, SETTLED]).await;
    network.wait_for(second.publication).await;
    assert_eq!(owner.notices.duties().await.expect("read"), []);

    let told = told_once(&network.nodes[RELIED]).await;
    assert_eq!(told.kind(), NoticeKind::EntryCorrected);
    let relied_on = told.relied_on.clone();
    assert_eq!(relied_on.case_reference, "LOAN-1");
    assert_eq!(relied_on.operator, "teller 7");
    assert_eq!(
        (relied_on.list, relied_on.tag_epoch),
        (first.list, first.tag_epoch)
    );
    assert_eq!(relied_on.version, Some(first.version));
    let cause = Cause::Marked {
        version: ListVersion(1),
        height: second.height,
    };
    assert_eq!(relied_on.cause, cause);
    assert!(!format!("{told:?}").contains("LOAN"), "{told:?}");
    let challenger = told_once(&network.nodes[CHALLENGER]).await;
    assert_eq!(challenger.relied_on.case_reference, "LOAN-5");
    // Its own hit left with the same version, for another reason, and its other answer was clear.
    assert_eq!(notices(&network.nodes[OTHER], true).await, []);

    // A restart loses nothing, and tells nothing twice.
    network.restart(RELIED, |_| {}).await;
    a_while().await;
    let node = &network.nodes[RELIED];
    assert_eq!(told_once(node).await, told);
    let waiting = node.frontend.notices.waiting().await.expect("read");
    assert_eq!(waiting[0], (NoticeKind::EntryCorrected, 1));
    assert!(waiting[1..].iter().all(|(_, waiting)| *waiting == 0));

    // Who took note of it, and when, stays.
    let acknowledge = async |id| node.frontend.notices.acknowledge(id, "carol").await;
    acknowledge(told.id).await.expect("acknowledged");
    let again = acknowledge(told.id).await;
    assert!(matches!(again, Err(NoticeError::Unknown(_))), "{again:?}");
    assert_eq!(notices(node, false).await, []);
    let kept = told_once(node).await;
    let (by, at) = kept.acknowledged.expect("acknowledged");
    assert!(by == "carol" && at >= kept.told_ms);

    // When the dispute is closed, all of it is gone through once more; the marks were enough.
    network.chain.pass_days(10).await;
    a_while().await;
    assert_eq!(notices(&network.nodes[RELIED], true).await.len(), 1);
    assert_eq!(notices(&network.nodes[OTHER], true).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_an_old_version_and_a_record_that_is_gone() {
    let (network, first) = start().await;
    everybody_asks(&network).await;
    let id = dispute(&network, first).await;
    let owner = &network.nodes[OWNER].frontend;
    owner.disputes.withdraw(id).await.expect("withdrawn");
    // Nobody attests: the version with the mark is here, and the one before answers.
    *network.chain.refuse.lock().expect("refuse") =
        Some(|action| matches!(action, Action::Attest { .. }));
    publish_without(&network, &[WRONG]).await;
    let node = &network.nodes[RELIED];
    told_once(node).await;
    ask(node, WRONG, "LOAN-6").await;
    eventually("what was answered since is told as well", async || {
        notices(node, true).await.len() == 2
    })
    .await;
    assert_eq!(
        notices(node, true).await[1].relied_on.case_reference,
        "LOAN-6"
    );

    // What is told ends with the records of the call.
    let store = node.frontend.store();
    let periods = store.periods().await.expect("read");
    for summary in &periods {
        let today = summary.period.over_on(0);
        eventually("the calls are settled, and the key goes", async || {
            let destroyed = store.destroy_period(&summary.period, today).await;
            destroyed.expect("executes") == Destruction::Done
        })
        .await;
    }
    assert_eq!(notices(node, true).await, []);
    let waiting = node.frontend.notices.waiting().await.expect("read");
    assert!(waiting.iter().all(|(_, waiting)| *waiting == 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_was_away_makes_up_for_every_delta() {
    let (network, first) = start().await;
    everybody_asks(&network).await;
    let id = dispute(&network, first).await;
    let owner = &network.nodes[OWNER].frontend;
    owner.disputes.withdraw(id).await.expect("withdrawn");
    cut_off(&network, &[RELIED]).await;
    let mut removed = vec![WRONG];
    for next in [SETTLED, 11, 12] {
        let published = publish_without(&network, &removed).await.publication;
        eventually("it is in force", async || {
            owner.lists.is_active(published).await.expect("read") == Some(true)
        })
        .await;
        removed.push(next);
    }
    assert_eq!(notices(&network.nodes[RELIED], true).await, []);
    connect(&network, &[RELIED]).await;
    let told = told_once(&network.nodes[RELIED]).await;
    let marked =
        matches!(told.relied_on.cause, Cause::Marked { version, .. } if version == ListVersion(1));
    assert!(marked, "{:?}", told.relied_on.cause);
    // Every version on the way can be shown later.
    let archive = network.nodes[RELIED].folder.path().join("lists/archive");
    for version in 1..=3 {
        let name = format!("{}-{}-v{version}.delta", first.list, first.tag_epoch);
        assert!(archive.join(name).exists(), "version {version}");
    }
}

/// Takes the one mark of a version's delta off, on the owner's disk, and puts it on another removal if it is
/// told so. The flag stands behind the tag of each removal; all else stays as it was.
fn remark(owner: &Node, version: PublicationId, on_another: bool) {
    let PublicationId {
        list,
        tag_epoch,
        version,
    } = version;
    let name = format!("{list}-{tag_epoch}-{version}.delta");
    let path = owner.folder.path().join("lists/own").join(name);
    let mut delta = std::fs::read(&path).expect("a delta");
    let removals = u32::from_le_bytes(delta[32..36].try_into().expect("four bytes")) as usize;
    let marks = (0..removals).map(|removal| 40 + removal * 17 + 16);
    let (marked, others): (Vec<_>, Vec<_>) = marks.partition(|place| delta[*place] == 1);
    assert_eq!(marked.len(), 1, "one entry was disputed");
    delta[marked[0]] = 0;
    delta[others[0]] = u8::from(on_another);
    std::fs::write(&path, delta).expect("written");
}

/// Two entries are off, one of them since its dispute was withdrawn, and everybody has the version without them.
/// The owner left the right mark off, and put it on the other entry instead or nowhere.
async fn withdrawn_with_other_marks(on_another: bool) -> (Network, DisputeId) {
    let (network, first) = start().await;
    everybody_asks(&network).await;
    let others = [RELIED, OTHER, CHALLENGER];
    let id = dispute(&network, first).await;
    let owner = &network.nodes[OWNER];
    owner
        .frontend
        .disputes
        .withdraw(id)
        .await
        .expect("withdrawn");
    cut_off(&network, &others).await;
    let second = publish_without(&network, &[WRONG, SETTLED])
        .await
        .publication;
    remark(owner, second, on_another);
    connect(&network, &others).await;
    network.wait_for(second).await;
    (network, id)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_that_marks_another_entry_is_seen_by_the_challenger() {
    let (network, id) = withdrawn_with_other_marks(true).await;
    network.chain.pass_days(10).await;
    let told = told_once(&network.nodes[CHALLENGER]).await;
    assert_eq!(told.kind(), NoticeKind::EntryInDoubt);
    assert_eq!(told.relied_on.cause, Cause::Ruling { dispute: id });
    // This is what nobody else can see: see docs/protocol.md, "Corrected entries".
    assert_eq!(notices(&network.nodes[RELIED], true).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_that_leaves_the_mark_off_hides_nothing() {
    let (network, id) = withdrawn_with_other_marks(false).await;
    // Until its last date the owner may still mark it.
    a_while().await;
    assert_eq!(notices(&network.nodes[RELIED], true).await, []);
    network.chain.pass_days(10).await;

    // Which of both was the wrong one nobody but the parties knows: whoever relied on one of them is told.
    for (node, case) in [
        (RELIED, "LOAN-1"),
        (OTHER, "LOAN-3"),
        (CHALLENGER, "LOAN-5"),
    ] {
        let told = told_once(&network.nodes[node]).await;
        assert_eq!(told.kind(), NoticeKind::EntryInDoubt);
        assert_eq!(told.relied_on.cause, Cause::Ruling { dispute: id });
        assert_eq!(told.relied_on.case_reference, case);
    }
    network.chain.pass_days(1).await;
    a_while().await;
    for node in [RELIED, OTHER, CHALLENGER] {
        told_once(&network.nodes[node]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_that_does_not_correct_at_all_leaves_every_hit_in_doubt() {
    let (network, first) = start().await;
    everybody_asks(&network).await;
    let id = dispute(&network, first).await;
    let owner = &network.nodes[OWNER].frontend;
    owner.disputes.withdraw(id).await.expect("withdrawn");
    a_while().await;
    assert_eq!(notices(&network.nodes[RELIED], true).await, []);
    network.chain.pass_days(10).await;
    let found = network.chain.view(|view| state::publication(view, first));
    let status = found.expect("a map").expect("there").status;
    assert!(
        matches!(status, PublicationStatus::Suspended { .. }),
        "{status:?}"
    );
    let node = &network.nodes[RELIED];
    eventually("both hits are told", async || {
        notices(node, true).await.len() == 2
    })
    .await;
    told_once(&network.nodes[OTHER]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_leaves_for_another_reason_is_told_where_its_owner_says_that_it_was_wrong() {
    let (network, _) = start().await;
    everybody_asks(&network).await;
    let second = publish_without(&network, &[SETTLED]).await;
    network.wait_for(second.publication).await;
    a_while().await;
    assert_eq!(notices(&network.nodes[OTHER], true).await, []);

    let corrected = ListSpec {
        corrected: true,
        ..spec("accounts", DraftMode::Change)
    };
    let lists = &network.nodes[OWNER].frontend.lists;
    let mut draft = lists.draft(corrected).await.expect("a draft");
    let mut wrong = rows(&[phone(WRONG)]);
    wrong[0].removes = true;
    assert_eq!(draft.push(&wrong), []);
    let third = lists.publish(draft, Progress::default()).await;
    network
        .wait_for(third.expect("published").publication)
        .await;
    let told = told_once(&network.nodes[RELIED]).await;
    assert_eq!(told.relied_on.case_reference, "LOAN-1");
    assert_eq!(told.kind(), NoticeKind::EntryCorrected);
    assert_eq!(notices(&network.nodes[OTHER], true).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_leaves_while_it_is_disputed_is_marked_and_one_that_stays_is_not() {
    let (network, first) = start().await;
    everybody_asks(&network).await;
    dispute(&network, first).await;
    // Before anybody has decided anything.
    let second = publish_without(&network, &[WRONG, SETTLED]).await;
    network.wait_for(second.publication).await;
    let told = told_once(&network.nodes[RELIED]).await;
    assert_eq!(told.kind(), NoticeKind::EntryCorrected);
    a_while().await;
    assert_eq!(notices(&network.nodes[OTHER], true).await, []);
}
